"""Large calls in parts, over threads: the one place where bindings are split, and the number of threads.

A binding says what its items cost (`pm_work`) and gives a task that does some of them. `run` is for tasks that write
where the result is, `make` for those that make masks, of which nobody knows beforehand how many runs they will have.
Both do the whole in one part where it is small, without a thread, and let Ctrl-C through where it is not.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

cimport numpy as cnp

from panomask._batch cimport (
    Batch,
    Scratch,
    counts_data,
    int64_data,
    new_batch,
    new_counts,
    new_int64,
    new_scratch,
)
from panomask._c cimport (
    PM_DONE,
    PM_MAX_THREADS,
    PM_OK,
    PM_STOPPED,
    c_bool,
    pm_outcome,
    pm_task,
    pm_threads_parts,
    pm_threads_run,
    pm_work,
)
from panomask._status cimport check as check_status

cnp.import_array()


cdef extern from "Python.h":
    int PyErr_CheckSignals()  # not declared as raising: an exception is to stay where it is, for `run` to raise


# A count that moves to memory which nobody has touched yet, in nanoseconds.
cdef double JOINED_COUNT = 1

MAX_THREADS = PM_MAX_THREADS

cdef int number = 1


def get_number():
    """How many threads a large call may use."""
    return number


def set_number(int n):
    """Set it, 1 to MAX_THREADS."""
    global number
    number = n


cdef int64_t n_parts(const pm_work *work) noexcept nogil:
    """How many parts are worth it now: not the same in the next moment if another thread sets the number."""
    return pm_threads_parts(work, number)


cdef c_bool should_stop() noexcept nogil:
    with gil:
        return PyErr_CheckSignals() != 0


cdef int run_parts(const pm_work *work, int64_t parts, pm_task task, void *context) except -1:
    """Do the parts. 1, or 0 where a task returned false."""
    cdef c_bool is_done
    cdef pm_outcome outcome
    if parts == 1:
        with nogil:
            is_done = task(context, 0, 0, work.n)
        return is_done
    with nogil:
        outcome = pm_threads_run(work, parts, number, task, context, should_stop)
    if outcome == PM_STOPPED:
        return -1  # with the exception of the signal's handler
    return outcome == PM_DONE


cdef int run(const pm_work *work, pm_task task, void *context) except -1:
    """The same in as many parts as are worth it."""
    return run_parts(work, n_parts(work), task, context)


# ---- masks ----------------------------------------------------------------------------------------------------------

cdef c_bool resize(output *out, int64_t capacity) noexcept nogil:
    """Memory for that many counts, more or fewer; what is there stays."""
    cdef char *memory = <char *>realloc(out.memory, out.before_counts + <size_t>capacity * sizeof(uint32_t))
    if memory == NULL:
        return False
    out.memory = memory
    out.offsets = <int64_t *>memory
    out.scratch = memory + (out.before_counts - out.scratch_size)
    out.counts = <uint32_t *>(memory + out.before_counts)
    return True


cdef c_bool reserve(output *out, int64_t n, int64_t capacity, size_t scratch_size) noexcept nogil:
    """Memory for n masks of `capacity` counts altogether, and scratch, in one piece. offsets[0] is 0."""
    cdef size_t offsets_size = <size_t>(n // 2 + 1) * 16  # scratch is aligned as malloc's memory is
    out.scratch_size = (scratch_size + 3) // 4 * 4
    out.before_counts = offsets_size + out.scratch_size
    if not resize(out, capacity):
        return False
    out.offsets[0] = 0
    return True


# The parts of one call and where they go: part i is counts[places[i]] .. counts[places[i + 1] - 1] of the result.
cdef struct making:
    maker make_part
    void *context
    output *outputs
    int64_t *places
    uint32_t *counts
    int64_t *offsets
    c_bool has_parts


cdef c_bool make_output(void *context, int64_t part, int64_t begin, int64_t end) noexcept nogil:
    cdef making *job = <making *>context
    cdef output *out = &job.outputs[part]
    out.begin = begin
    out.end = end
    out.is_made = job.make_part(job.context, begin, end, out)
    if not out.is_made or out.status != PM_OK:
        return False
    if job.has_parts:  # it may wait long for the last one
        resize(out, out.offsets[end - begin])
    return True


cdef c_bool join_outputs(void *context, int64_t _, int64_t first, int64_t last) noexcept nogil:
    cdef making *job = <making *>context
    cdef output *out
    cdef int64_t part, i
    for part in range(first, last):
        out = &job.outputs[part]
        memcpy(job.counts + job.places[part], out.counts,
               <size_t>(job.places[part + 1] - job.places[part]) * sizeof(uint32_t))
        for i in range(out.begin, out.end):
            job.offsets[i + 1] = job.places[part] + out.offsets[i + 1 - out.begin]
        free(out.memory)
        out.memory = NULL
    return True


cdef Batch make(type cls, const pm_work *work, maker make_part, void *context, cnp.ndarray sizes, str name,
                str other=None):
    """The masks that all parts make, as one batch. The first mask's error raises, whatever the parts were."""
    cdef output only
    cdef int64_t[2] only_places
    cdef making job
    job.make_part = make_part
    job.context = context
    job.outputs = &only
    job.places = only_places
    cdef int64_t parts = n_parts(work)
    job.has_parts = parts > 1
    cdef Scratch scratch = None
    if parts > 1:
        scratch = new_scratch(<size_t>parts * (sizeof(output) + sizeof(int64_t)) + sizeof(int64_t))
        job.outputs = <output *>scratch.data
        job.places = <int64_t *>(job.outputs + parts)
    memset(job.outputs, 0, <size_t>parts * sizeof(output))
    cdef int64_t part, n
    cdef pm_work joining
    cdef cnp.ndarray counts, offsets
    try:
        if not run_parts(work, parts, make_output, &job):
            part = 0
            while job.outputs[part].is_made and job.outputs[part].status == PM_OK:
                part += 1
            if not job.outputs[part].is_made:
                raise MemoryError(f"cannot allocate what the masks of {name} need")
            check_status(job.outputs[part].status, &job.outputs[part].where, name, other)
        job.places[0] = 0
        for part in range(parts):
            n = job.outputs[part].end - job.outputs[part].begin
            job.places[part + 1] = job.places[part] + job.outputs[part].offsets[n]
        counts = new_counts(job.places[parts])
        offsets = new_int64(work.n + 1)
        job.counts = counts_data(counts)
        job.offsets = int64_data(offsets)
        job.offsets[0] = 0
        if parts == 1:
            join_outputs(&job, 0, 0, 1)
        else:
            joining = pm_work(parts, job.places, 0, JOINED_COUNT)
            run(&joining, join_outputs, &job)
    finally:
        for part in range(parts):
            free(job.outputs[part].memory)
    return new_batch(cls, counts, offsets, sizes)
