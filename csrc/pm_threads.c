/* pm_threads.c - one call's work in parts of about equal cost, over threads that live as long as the call.
 *
 * No pool: starting a thread costs about 15 us, and work that is split takes a millisecond at least. So there is nothing
 * that a fork could find half done, nothing to shut down and nothing that waits. Threads take the next part when they
 * are done with one, in order, under a lock; parts are too few for it to be felt. The calling thread works too, and is
 * the only one that asks whether to stop.
 */
#include "panomask.h"
#include "pm_base.h"

#include <time.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <process.h>
#include <windows.h>
#else
#include <pthread.h>
#endif

/* Nanoseconds of work: less does not pay for threads; parts of more would make a stop late, of less cost more than they
 * even out. */
#define LEAST_WORK 1e6
#define MOST_PART 2e7
#define LEAST_PART 1.25e5

enum {
    PARTS_A_THREAD = 8, /* so that a wrong estimate of the cost leaves no thread idle for long */
    ASK_EVERY = 50      /* milliseconds between two questions whether to stop                  */
};

/* ---- parts ------------------------------------------------------------------------------------------------------ */

/* Cost of the items before `i`. It never descends, rounding included. */
static double cost_before(const pm_work *work, int64_t i) {
    double cost = (double)i * work->item_cost;
    return work->units ? cost + (double)(work->units[i] - work->units[0]) * work->unit_cost : cost;
}

int64_t pm_threads_parts(const pm_work *work, int n_threads) {
    double cost = cost_before(work, work->n);
    if (cost < LEAST_WORK)
        return 1;
    double parts = cost / LEAST_PART;
    double enough = n_threads > 1 ? (double)n_threads * PARTS_A_THREAD : 1;
    if (parts > enough)
        parts = enough;
    if (parts < cost / MOST_PART)
        parts = cost / MOST_PART;
    return parts < (double)work->n ? pm_max(1, (int64_t)parts) : pm_max(1, work->n);
}

int64_t pm_threads_part_begin(const pm_work *work, int64_t n_parts, int64_t part) {
    if (part == n_parts)
        return work->n;
    double target = cost_before(work, work->n) * (double)part / (double)n_parts;
    int64_t first = 0; /* the smallest index before which there is that much, found by bisection */
    for (int64_t n = work->n; n > 0;) {
        int64_t half = n / 2;
        if (cost_before(work, first + half) < target) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return first;
}

/* ---- the system's threads --------------------------------------------------------------------------------------- */

typedef struct team team;
static void work_in(team *members);

#if defined(_WIN32)

typedef SRWLOCK team_lock;
typedef HANDLE team_thread;
#define TEAM_UNLOCKED SRWLOCK_INIT

static void lock_team(team_lock *lock) {
    AcquireSRWLockExclusive(lock);
}

static void unlock_team(team_lock *lock) {
    ReleaseSRWLockExclusive(lock);
}

static unsigned __stdcall enter_thread(void *members) {
    work_in(members);
    return 0;
}

static bool start_thread(team_thread *thread, team *members) {
    *thread = (HANDLE)_beginthreadex(NULL, 0, enter_thread, members, 0, NULL);
    return *thread != NULL;
}

static void join_thread(team_thread thread) {
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

#else

typedef pthread_mutex_t team_lock;
typedef pthread_t team_thread;
#define TEAM_UNLOCKED PTHREAD_MUTEX_INITIALIZER

static void lock_team(team_lock *lock) {
    pthread_mutex_lock(lock);
}

static void unlock_team(team_lock *lock) {
    pthread_mutex_unlock(lock);
}

static void *enter_thread(void *members) {
    work_in(members);
    return NULL;
}

static bool start_thread(team_thread *thread, team *members) {
    return pthread_create(thread, NULL, enter_thread, members) == 0;
}

static void join_thread(team_thread thread) {
    pthread_join(thread, NULL);
}

#endif

static int64_t milliseconds(void) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- run -------------------------------------------------------------------------------------------------------- */

/* What the threads of one call share. */
struct team {
    const pm_work *work;
    int64_t n_parts;
    pm_task task;
    void *context;
    team_lock lock;
    int64_t next;  /* the first part that nobody has begun; n_parts after a stop */
    bool has_failed;
};

/* Do the next part; false if there is none. */
static bool do_part(team *members) {
    lock_team(&members->lock);
    int64_t part = members->next;
    members->next += part < members->n_parts;
    unlock_team(&members->lock);
    if (part >= members->n_parts)
        return false;
    int64_t begin = pm_threads_part_begin(members->work, members->n_parts, part);
    int64_t end = pm_threads_part_begin(members->work, members->n_parts, part + 1);
    if (members->task(members->context, part, begin, end))
        return true;
    lock_team(&members->lock);
    members->next = members->n_parts;
    members->has_failed = true;
    unlock_team(&members->lock);
    return false;
}

static void work_in(team *members) {
    while (do_part(members))
        ;
}

pm_outcome pm_threads_run(const pm_work *work, int64_t n_parts, int n_threads, pm_task task, void *context,
                          bool (*should_stop)(void)) {
    team members = {.work = work, .n_parts = n_parts, .task = task, .context = context, .lock = TEAM_UNLOCKED};
    team_thread threads[PM_MAX_THREADS];
    int n_started = 0;
    int64_t n_wanted = pm_min(pm_min(n_threads, PM_MAX_THREADS), n_parts) - 1;
    while (n_started < n_wanted && start_thread(&threads[n_started], &members))
        n_started++; /* where the system gives no more, fewer do the same work */

    bool is_stopped = false;
    int64_t asked = milliseconds();
    while (!is_stopped && do_part(&members)) {
        int64_t now = milliseconds();
        if (!should_stop || (now >= asked && now - asked < ASK_EVERY)) /* a clock that is set back asks at once */
            continue;
        asked = now;
        is_stopped = should_stop();
    }
    if (is_stopped) {
        lock_team(&members.lock);
        members.next = n_parts;
        unlock_team(&members.lock);
    }
    /* Each has at most one part to finish, and no part is long. */
    for (int i = 0; i < n_started; i++)
        join_thread(threads[i]);
    return is_stopped ? PM_STOPPED : members.has_failed ? PM_FAILED : PM_DONE;
}
