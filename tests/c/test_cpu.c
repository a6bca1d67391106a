/* test_cpu.c - pm_cpu_*, and the kernel tables: every one gives the answers of the portable one.
 *
 * With --list it prints the names of the tables that this machine can run, a line each.
 */
#include "cases.h"
#include "pm_kernels.h"

#include <sys/wait.h>

/* ---- which table is in use --------------------------------------------------------------------------------------- */

static void test_tables_end_with_the_portable_one(void) {
    int n = 0;
    while (pm_cpu_available(n))
        n++;
    CHECK(n >= 1);
    CHECK_STRING(pm_cpu_available(n - 1), "portable");
    CHECK(pm_cpu_available(-1) == NULL);
    CHECK(pm_cpu_available(n) == NULL);
    CHECK(pm_cpu_available(n + 1) == NULL);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            CHECK(strcmp(pm_cpu_available(i), pm_cpu_available(j)) != 0);
}

/* The name that a new process gives, 0 if it is `expected`. The choice is made once, so each needs its own. */
static int name_in_child(const char *wanted, const char *expected) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (wanted)
            setenv("PANOMASK_ISA", wanted, 1);
        else
            unsetenv("PANOMASK_ISA");
        bool is_right = strcmp(pm_cpu_name(), expected) == 0;
        setenv("PANOMASK_ISA", "portable", 1); /* too late */
        is_right = is_right && strcmp(pm_cpu_name(), expected) == 0;
        _exit(is_right ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

/* Before any other call of a kernel in this program. */
static void test_the_environment_chooses_the_table(void) {
    for (int i = 0; pm_cpu_available(i); i++)
        CHECK_EQUAL(name_in_child(pm_cpu_available(i), pm_cpu_available(i)), 0);
    CHECK_EQUAL(name_in_child(NULL, pm_cpu_available(0)), 0);
    CHECK_EQUAL(name_in_child("", pm_cpu_available(0)), 0);
    CHECK_EQUAL(name_in_child("no such table", pm_cpu_available(0)), 0);
}

static void test_the_table_in_use_is_the_one_asked_for(void) {
    const char *wanted = getenv("PANOMASK_ISA");
    bool is_available = false;
    for (int i = 0; wanted && pm_cpu_available(i); i++)
        is_available |= strcmp(wanted, pm_cpu_available(i)) == 0;
    CHECK_STRING(pm_cpu_name(), is_available ? wanted : pm_cpu_available(0));
    CHECK(pm_cpu_kernels() == pm_cpu_kernels());
    CHECK_STRING(pm_cpu_kernels()->name, pm_cpu_name());
}

/* ---- the tables -------------------------------------------------------------------------------------------------- */

/* Tables that were compiled and that this machine runs; listed by the first of these tests. */
static const pm_kernels *tables[4];
static int n_tables;

static void test_every_table_is_known(void) {
    for (int i = 0; pm_cpu_available(i); i++) {
        if (strcmp(pm_cpu_available(i), "portable") == 0)
            tables[n_tables++] = &pm_kernels_portable;
#if defined(PM_HAVE_AVX2)
        else if (strcmp(pm_cpu_available(i), "avx2") == 0)
            tables[n_tables++] = &pm_kernels_avx2;
#endif
#if defined(PM_HAVE_AVX512)
        else if (strcmp(pm_cpu_available(i), "avx512") == 0)
            tables[n_tables++] = &pm_kernels_avx512;
#endif
#if defined(PM_HAVE_NEON)
        else if (strcmp(pm_cpu_available(i), "neon") == 0)
            tables[n_tables++] = &pm_kernels_neon;
#endif
        else
            check_failed(__FILE__, __LINE__, "a table that this test does not know: %s", pm_cpu_available(i));
    }
}

typedef struct kernel_case {
    const char *name;
    int64_t n;
    int64_t skew;
} kernel_case;

static void print_kernel(FILE *file, const void *context) {
    const kernel_case *now = context;
    fprintf(file, "%s, n %" PRId64 ", %" PRId64 " bytes off", now->name, now->n, now->skew);
}

/* n bytes `skew` bytes into a block that ends with them: before and after them is nothing that may be touched. */
static uint8_t *skewed_block(int64_t n, int64_t skew, uint8_t **block) {
    *block = guard_new((size_t)(n + skew), 64);
    return *block + skew;
}

static void check_pack(random_state *random, const pm_kernels *kernels, int64_t n, int64_t skew) {
    const kernel_case now = {kernels->name, n, skew};
    uint8_t *block;
    uint8_t *bytes = skewed_block(n, skew, &block);
    uint64_t *bits = GUARD_ARRAY(uint64_t, pm_words(n));
    static const int64_t gaps[] = {1, 20, 1000}; /* pixels a value that may not be zero */
    int64_t gap = gaps[random_below(random, 3)];
    for (int64_t i = 0; i < n; i++) {
        static const uint8_t values[] = {1, 128, 255, 127, 0, 0, 0, 2};
        bytes[i] = random_below(random, gap) ? 0 : values[random_below(random, 8)];
    }
    check_case(n, print_kernel, &now);
    kernels->pack(bytes, n, bits);
    bool is_right = true;
    for (int64_t i = 0; i < 64 * pm_words(n); i++)
        is_right &= (bits[i / 64] >> (i % 64) & 1) == (i < n && bytes[i] != 0);
    CHECK(is_right);
    guard_free(block);
    guard_free(bits);
}

typedef void (*unpack_kernel)(const uint64_t *bits, int64_t n, uint8_t one, uint8_t *bytes);

/* `more` words behind the bits may be read. */
static void check_unpack(random_state *random, const char *name, unpack_kernel kernel, int64_t more, int64_t n,
                         int64_t skew) {
    const kernel_case now = {name, n, skew};
    uint8_t *block;
    uint8_t *bytes = skewed_block(n, skew, &block);
    uint64_t *bits = GUARD_ARRAY(uint64_t, pm_words(n) + more);
    uint8_t one = (uint8_t)random_between(random, 1, 255);
    memset(block, 0x5a, (size_t)(n + skew));
    for (int64_t i = 0; i < pm_words(n) + more; i++)
        bits[i] = random_bits(random); /* bits past n too, which must be ignored */
    check_case(n, print_kernel, &now);
    kernel(bits, n, one, bytes);
    bool is_right = true;
    for (int64_t i = 0; i < n; i++)
        is_right &= bytes[i] == (bits[i / 64] >> (i % 64) & 1 ? one : 0);
    for (int64_t i = 0; i < skew; i++)
        is_right &= block[i] == 0x5a;
    CHECK(is_right);
    guard_free(block);
    guard_free(bits);
}

static void check_unpacks(random_state *random, const pm_kernels *kernels, int64_t n, int64_t skew) {
    check_unpack(random, kernels->name, kernels->unpack, 0, n, skew);
    if (kernels->unpack_past)
        check_unpack(random, kernels->name, kernels->unpack_past, 1, n, skew);
}

static void test_every_table_packs_and_unpacks(void) {
    random_state random = {1};
    for (int table = 0; table < n_tables; table++) {
        for (int64_t n = 0; n <= 200; n++) {
            for (int64_t skew = 0; skew < 64; skew += n < 140 ? 1 : 5) {
                check_pack(&random, tables[table], n, skew);
                check_unpacks(&random, tables[table], n, skew);
            }
        }
        for (int64_t n = 4000; n < 4200; n += 13) {
            check_pack(&random, tables[table], n, n % 64);
            check_unpacks(&random, tables[table], n, n % 64);
        }
        for (int64_t n = (1 << 14) - 200; n < (1 << 14) + 3000; n += 71) /* AVX2 packs these from four places */
            check_pack(&random, tables[table], n, n % 64);
    }
    check_case(0, NULL, NULL);
}

static void test_every_table_transposes(void) {
    random_state random = {7};
    uint64_t *tile = GUARD_ARRAY(uint64_t, 64);
    for (int table = 0; table < n_tables; table++) {
        for (int64_t bit = 0; bit < 64 * 64; bit++) {
            for (int64_t r = 0; r < 64; r++)
                tile[r] = r == bit / 64 ? UINT64_C(1) << (bit % 64) : 0;
            tables[table]->transpose(tile);
            bool is_right = true;
            for (int64_t r = 0; r < 64; r++)
                is_right &= tile[r] == (r == bit % 64 ? UINT64_C(1) << (bit / 64) : 0);
            CHECK(is_right);
        }
        for (int trial = 0; trial < 100; trial++) {
            uint64_t before[64];
            for (int64_t r = 0; r < 64; r++)
                before[r] = tile[r] = random_bits(&random);
            tables[table]->transpose(tile);
            bool is_right = true;
            for (int64_t r = 0; r < 64; r++)
                for (int64_t c = 0; c < 64; c++)
                    is_right &= (before[r] >> c & 1) == (tile[c] >> r & 1);
            CHECK(is_right);
        }
    }
    guard_free(tile);
}

/* Every byte is foreground but zero, in every place of a word. */
static void test_every_byte_value_is_packed(void) {
    for (int table = 0; table < n_tables; table++) {
        for (int value = 0; value < 256; value++) {
            for (int place = 0; place < 64; place++) {
                uint8_t bytes[64] = {0};
                uint64_t bits;
                bytes[place] = (uint8_t)value;
                tables[table]->pack(bytes, 64, &bits);
                CHECK_EQUAL(bits, value ? UINT64_C(1) << place : 0);
            }
        }
    }
}

/* Rectangles inside larger ones, which end where their memory ends. */
static void test_every_table_counts_shared_bits(void) {
    random_state random = {4};
    for (int64_t n = 0; n <= 200; n += n < 140 ? 1 : 7) { /* narrow and wide */
        for (int64_t rows = 0; rows <= 5; rows++) {
            int64_t step_a = n + random_below(&random, 3);
            int64_t step_b = n + random_below(&random, 3);
            uint64_t *a = GUARD_ARRAY(uint64_t, rows > 0 ? (rows - 1) * step_a + n : 0);
            uint64_t *b = GUARD_ARRAY(uint64_t, rows > 0 ? (rows - 1) * step_b + n : 0);
            int64_t kind = random_below(&random, 4); /* every bit, none, or some */
            for (int64_t i = 0; rows > 0 && i < (rows - 1) * step_a + n; i++)
                a[i] = kind == 0 ? UINT64_MAX : random_bits(&random);
            for (int64_t i = 0; rows > 0 && i < (rows - 1) * step_b + n; i++)
                b[i] = kind < 2 ? UINT64_MAX : kind == 2 ? 0 : random_bits(&random);
            uint64_t expected = 0;
            for (int64_t r = 0; r < rows; r++)
                for (int64_t i = 0; i < n; i++)
                    for (int bit = 0; bit < 64; bit++)
                        expected += a[r * step_a + i] >> bit & b[r * step_b + i] >> bit & 1;
            for (int table = 0; table < n_tables; table++) {
                const kernel_case now = {tables[table]->name, n, 0};
                check_case(n, print_kernel, &now);
                CHECK_EQUAL(tables[table]->shared(a, step_a, b, step_b, rows, n), expected);
            }
            check_case(0, NULL, NULL);
            guard_free(a);
            guard_free(b);
        }
    }
}

static void test_every_table_fills_down(void) {
    random_state random = {5};
    for (int trial = 0; trial < 4000; trial++) {
        int64_t width = random_between(&random, 1, trial % 2 ? 20 : 70);
        int64_t n = random_between(&random, 0, 4 * width + 20);
        uint64_t bits[300];
        uint64_t expected[300];
        for (int64_t i = 0; i < n; i++)
            bits[i] = expected[i] = random_bits(&random);
        for (int64_t i = width; i < n; i++)
            if (expected[i - width] >> 63)
                expected[i] = ~expected[i];
        for (int table = 0; table < n_tables; table++) {
            const kernel_case now = {tables[table]->name, n, 0};
            check_case(n, print_kernel, &now);
            uint64_t *guarded = GUARD_ARRAY(uint64_t, n);
            if (n > 0)
                memcpy(guarded, bits, (size_t)n * sizeof *bits);
            tables[table]->fill_down(guarded, width, n);
            CHECK(n == 0 || memcmp(guarded, expected, (size_t)n * sizeof *bits) == 0);
            guard_free(guarded);
        }
    }
    check_case(0, NULL, NULL);
}

/* Items of every size at any alignment, mostly equal, of which only single bytes differ. */
static void test_every_table_compares_items(void) {
    random_state random = {6};
    for (int64_t item_size = 1; item_size <= 8; item_size *= 2) {
        for (int64_t n = 0; n <= 300; n++) {
            int64_t size = n * item_size;
            uint8_t *a = guard_new((size_t)size, 1);
            uint8_t *b = guard_new((size_t)(size + n % 3), 1);
            uint64_t expected[5] = {0};
            int64_t most = INT64_C(1) << random_below(&random, 7);
            for (int64_t i = 0; i < size; i++)
                a[i] = b[i] = (uint8_t)random_bits(&random);
            for (int64_t i = 0; i < n; i++) {
                if (random_below(&random, most) == 0) {
                    b[i * item_size + random_below(&random, item_size)] ^= (uint8_t)(1 << random_below(&random, 8));
                    expected[i / 64] |= UINT64_C(1) << (i % 64);
                }
            }
            for (int table = 0; table < n_tables; table++) {
                const kernel_case now = {tables[table]->name, n, 0};
                check_case(n, print_kernel, &now);
                uint64_t *bits = GUARD_ARRAY(uint64_t, pm_words(n));
                tables[table]->differs(a, b, n, item_size, bits);
                CHECK(n == 0 || memcmp(bits, expected, (size_t)pm_words(n) * sizeof *bits) == 0);
                guard_free(bits);
            }
            guard_free(a);
            guard_free(b);
        }
    }
    check_case(0, NULL, NULL);
}

/* ---- bits and runs ----------------------------------------------------------------------------------------------- */

/* Room for n runs in memory that ends there, as a walker. */
static pm_bit_walker new_walker(int64_t n, int64_t pixels, uint32_t **counts) {
    *counts = GUARD_ARRAY(uint32_t, n);
    return pm_bits_walk(*counts, *counts + n, pixels);
}

/* Every pattern of 16 bits at every place of a word, on both grounds. */
static void test_every_table_walks_every_pattern(void) {
    enum { N_BITS = 64 + 64 + 16 };
    uint64_t *bits = GUARD_ARRAY(uint64_t, 3);
    uint32_t *counts;
    const pm_bit_walker walker = new_walker(20 + 64, N_BITS, &counts);
    for (int64_t pattern = 0; pattern < 1 << 16; pattern++) {
        for (int64_t place = 0; place < 64; place++) {
            uint64_t ground = 0 - (uint64_t)((pattern + place) & 1);
            uint64_t pixels = (uint64_t)pattern ^ (ground & 0xffff); /* what differs from the ground */
            bits[0] = ground;
            bits[1] = ground ^ pixels << place;
            bits[2] = ground ^ (place > 48 ? pixels >> (64 - place) : 0);
            uint32_t expected[20];
            int64_t n = 0;
            int64_t start = 0;
            if (ground)
                expected[n++] = 0;
            for (uint64_t change = (pixels ^ pixels << 1) & 0x1ffff; change; change &= change - 1) {
                int64_t position = 64 + place + pm_lowest_bit(change);
                if (position == N_BITS)
                    break;
                expected[n++] = (uint32_t)(position - start);
                start = position;
            }
            expected[n++] = (uint32_t)(N_BITS - start);
            for (int table = 0; table < n_tables; table++) {
                pm_bit_walker now = walker;
                bool fits = tables[table]->walk(&now, bits, N_BITS) && pm_bits_walk_end(&now);
                CHECK(fits && now.out - counts == n && memcmp(counts, expected, (size_t)n * sizeof *counts) == 0);
            }
        }
    }
    guard_free(bits);
    guard_free(counts);
}

/* An image that comes in lines, each in words of its own, with rubbish behind its pixels; `before` pixels of background
 * came in front of it. All is guarded, and a walker that has room for less says so. */
static void check_walk(random_state *random, const pm_kernels *kernels, int64_t n_lines, int64_t n, int64_t before) {
    const kernel_case now = {kernels->name, n, n_lines};
    int64_t n_pixels = n_lines * n;
    uint8_t *pixels = malloc((size_t)n_pixels + 1);
    uint32_t *expected = malloc((size_t)(n_pixels + 2 + 64) * sizeof *expected);
    uint32_t *counts;
    random_pixels(random, n_pixels, pixels);
    int64_t n_runs = oracle_encode(pixels, n_pixels, expected + 64);
    uint32_t *expected_end = pm_runs_put(expected, (uint64_t)before + expected[64]);
    memmove(expected_end, expected + 65, (size_t)(n_runs - 1) * sizeof *expected);
    n_runs += expected_end - expected - 1;
    check_case(n, print_kernel, &now);
    int64_t room = pm_bits_walk_room(before + n_pixels);
    bool is_short = random_below(random, 2) && n_runs > 2;
    int64_t capacity = is_short ? random_between(random, 0, n_runs - 2) : n_runs + room;
    pm_bit_walker walker = new_walker(capacity, before + n_pixels, &counts);
    walker.position = before;
    bool fits = true;
    for (int64_t i = 0; i < n_lines && fits; i++) {
        uint64_t *bits = GUARD_ARRAY(uint64_t, pm_words(n));
        for (int64_t k = 0; k < pm_words(n); k++)
            bits[k] = random_bits(random);
        for (int64_t k = 0; k < n; k++) {
            bits[k / 64] &= ~(UINT64_C(1) << (k % 64));
            bits[k / 64] |= (uint64_t)pixels[i * n + k] << (k % 64);
        }
        fits = kernels->walk(&walker, bits, n);
        guard_free(bits);
    }
    fits = fits && pm_bits_walk_end(&walker);
    CHECK_EQUAL(fits, !is_short);
    if (fits) {
        CHECK_EQUAL(walker.position, before + n_pixels);
        CHECK_EQUAL(walker.carry, n_pixels > 0 ? pixels[n_pixels - 1] : 0);
        CHECK_RUNS(counts, walker.out - counts, expected, n_runs);
    }
    guard_free(counts);
    free(pixels);
    free(expected);
}

static void test_every_table_walks(void) {
    random_state random = {8};
    for (int trial = 0; trial < 6000; trial++) {
        int64_t n = random_between(&random, 1, trial % 8 ? 300 : 9000);
        int64_t n_lines = random_between(&random, 1, 1 + 2000 / n);
        static const int64_t before[] = {0, 1, UINT32_MAX - 100, UINT32_MAX, 2 * (int64_t)UINT32_MAX + 5,
                                         7 * (INT64_C(1) << 32)};
        int64_t kind = random_below(&random, 12);
        for (int table = 0; table < n_tables; table++)
            check_walk(&random, tables[table], n_lines, n, kind < 6 ? before[kind] : 0);
    }
    check_case(0, NULL, NULL);
}

/* Runs that cover more than the bits, or less, empty ones among them, painted over what is there. */
static void test_every_table_paints(void) {
    random_state random = {9};
    for (int trial = 0; trial < 20000; trial++) {
        uint32_t runs[80];
        int64_t n = random_between(&random, 0, 40);
        int64_t end = random_between(&random, 1, trial % 4 ? 300 : 3000);
        int64_t n_words = end / 64 + 1 + PM_PAINT_ROOM;
        int64_t longest = INT64_C(1) << random_below(&random, 10);
        for (int64_t i = 0; i < 2 * n; i++)
            runs[i] = (uint32_t)random_below(&random, longest);
        if (n > 0 && random_below(&random, 8) == 0)
            runs[random_below(&random, 2 * n)] = UINT32_MAX - (uint32_t)random_below(&random, 300);
        int64_t position = n > 0 ? random_between(&random, -pm_min(runs[0], 1000), 100) : 0;
        uint64_t *before = malloc((size_t)n_words * sizeof *before);
        uint64_t *expected = malloc((size_t)n_words * sizeof *before);
        for (int64_t i = 0; i < n_words; i++)
            expected[i] = before[i] = random_below(&random, 2) ? random_bits(&random) : 0;
        int64_t at = position;
        for (int64_t i = 0; i < 2 * n; at += runs[i++])
            for (int64_t k = at; i % 2 && k < pm_min(at + runs[i], end); k++)
                expected[k / 64] |= UINT64_C(1) << (k % 64);
        for (int table = 0; table < n_tables; table++) {
            const kernel_case now = {tables[table]->name, n, 0};
            check_case(n, print_kernel, &now);
            uint32_t *guarded = GUARD_ARRAY(uint32_t, 2 * n);
            uint64_t *bits = GUARD_ARRAY(uint64_t, n_words);
            if (n > 0)
                memcpy(guarded, runs, (size_t)(2 * n) * sizeof *runs);
            memcpy(bits, before, (size_t)n_words * sizeof *bits);
            tables[table]->paint(guarded, n, position, end, bits);
            CHECK(memcmp(bits, expected, (size_t)n_words * sizeof *bits) == 0);
            guard_free(guarded);
            guard_free(bits);
        }
        free(before);
        free(expected);
    }
    check_case(0, NULL, NULL);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* One call of read_runs against the text as the oracle reads it. Everything is guarded: text, and room for as many runs
 * as there are characters. Returns the characters that were read. */
static int64_t check_read_runs(const pm_kernels *kernels, const char *text, int64_t length, uint32_t before_last,
                               uint32_t last) {
    const kernel_case now = {kernels->name, length, 0};
    uint8_t *guarded = guard_new((size_t)length, 1);
    uint32_t *runs = GUARD_ARRAY(uint32_t, 2 + length);
    int64_t n_runs = -1;
    int64_t covered = -1;
    memcpy(guarded, text, (size_t)length);
    runs[0] = before_last;
    runs[1] = last;
    check_case(length, print_kernel, &now);
    int64_t n_read = kernels->read_runs(guarded, length, runs + 2, &n_runs, &covered);
    CHECK(n_read >= 0 && n_read <= length && n_runs >= 0 && n_runs <= n_read && n_read <= 8 * n_runs);
    CHECK(runs[0] == before_last && runs[1] == last);
    int64_t at = 0;
    int64_t sum = 0;
    for (int64_t j = 0; j < n_runs && at < n_read; j++) {
        int64_t number = 0;
        int64_t group = 32;
        int64_t unit = 1;
        for (; group & 32 && at < n_read; unit *= 32) {
            group = text[at++] - 48;
            CHECK(group >= 0 && group < 64);
            number += unit * (group & 31);
        }
        CHECK(!(group & 32));
        number -= group & 16 ? unit : 0;
        CHECK_EQUAL(runs[2 + j], runs[j] + number);
        CHECK(runs[2 + j] < 1u << 30);
        sum += runs[2 + j];
    }
    CHECK_EQUAL(at, n_read);
    CHECK_EQUAL(covered, sum);
    guard_free(guarded);
    guard_free(runs);
    return n_read;
}

static void test_every_table_reads_plain_text_whole(void) {
    random_state random = {2};
    for (int trial = 0; trial < 20000; trial++) {
        char text[130];
        int64_t length = 0;
        int64_t most = random_between(&random, 0, 128);
        bool is_short = random_below(&random, 2);
        while (length < most) { /* sums stay near 2^29, so that all of it is plain */
            if (is_short || random_below(&random, 2)) {
                text[length++] = (char)(48 + random_below(&random, 32));
            } else {
                text[length++] = (char)(80 + random_below(&random, 32));
                text[length++] = (char)(48 + random_below(&random, 32));
            }
        }
        for (int table = 0; table < n_tables; table++)
            CHECK_EQUAL(check_read_runs(tables[table], text, length, 1 << 29, 1 << 29), length);
    }
    check_case(0, NULL, NULL);
}

/* All texts of four characters of a few kinds, at every place of a turn and of its halves, with and without more behind
 * them. What is read is right by check_read_runs; that it goes as far as it can is told by the portable table. */
static void test_every_table_reads_every_short_text_at_every_place(void) {
    static const char kinds[] = {'0', '?', 'O', 'P', 'o', 'p'}; /* 0, 15, -1; 0 and 31 that go on; no character */
    enum { N_KINDS = sizeof kinds };
    for (int number = 0; number < N_KINDS * N_KINDS * N_KINDS * N_KINDS; number++) {
        for (int64_t in_front = number % 2; in_front < 36; in_front += 2) {
            char text[64];
            int64_t length = in_front;
            memset(text, '1', sizeof text);
            for (int rest = number, i = 0; i < 4; i++, rest /= N_KINDS)
                text[length++] = kinds[rest % N_KINDS];
            length += (number + in_front) % 3 == 0 ? 0 : (number + in_front / 2) % 24;
            int64_t n_read = check_read_runs(&pm_kernels_portable, text, length, 1 << 20, 1 << 20);
            for (int table = 0; table < n_tables; table++)
                CHECK_EQUAL(check_read_runs(tables[table], text, length, 1 << 20, 1 << 20), n_read);
        }
    }
    check_case(0, NULL, NULL);
}

/* Numbers of three characters and more, bytes of no meaning, sums that leave the range, text that is cut off: reading stops
 * before them, and what was read is right. */
static void test_every_table_stops_before_what_is_not_plain(void) {
    random_state random = {3};
    for (int trial = 0; trial < 100000; trial++) {
        char text[40];
        int64_t length = random_between(&random, 0, 40);
        int64_t wild = random_between(&random, 1, 40);
        for (int64_t i = 0; i < length; i++) {
            int64_t kind = random_below(&random, wild);
            text[i] = (char)(kind == 0   ? random_below(&random, 256)
                             : kind == 1 ? random_between(&random, 80, 111)
                                         : random_between(&random, 48, 79));
        }
        static const uint32_t in_front[] = {0, 5, 300, (1u << 30) - 3, 1u << 29};
        uint32_t before_last = in_front[random_below(&random, 5)];
        uint32_t last = in_front[random_below(&random, 5)];
        for (int table = 0; table < n_tables; table++)
            check_read_runs(tables[table], text, length, before_last, last);
    }
    check_case(0, NULL, NULL);
}

/* What is written is each run's difference to the run before the last, in one character or two; nothing is written past
 * two characters a run, and nothing is left unwritten that is plain, but for the last run. */
static void check_write_runs(const pm_kernels *kernels, const uint32_t *runs, int64_t n) {
    const kernel_case now = {kernels->name, n, 0};
    uint32_t *guarded = GUARD_ARRAY(uint32_t, 2 + n);
    uint8_t *text = guard_new((size_t)(2 * n), 1);
    int64_t length = -1;
    int64_t at = 0;
    memcpy(guarded, runs, (size_t)(2 + n) * sizeof *runs);
    check_case(n, print_kernel, &now);
    int64_t n_written = kernels->write_runs(guarded + 2, n, text, &length);
    CHECK(n_written >= 0 && n_written <= pm_max(n - 1, 0) && length >= n_written && length <= 2 * n_written);
    for (int64_t j = 2; j < 2 + n_written; j++) {
        int64_t number = (int64_t)runs[j] - runs[j - 2];
        bool has_two = number < -16 || number > 15;
        CHECK(number >= -512 && number <= 511 && runs[j + 1] != 0);
        CHECK_EQUAL(text[at++], 48 + (number & 31) + (has_two ? 32 : 0));
        if (has_two)
            CHECK_EQUAL(text[at++], 48 + (number >> 5 & 31));
    }
    CHECK_EQUAL(at, length);
    if (n_written + 1 < n) {
        int64_t number = (int64_t)runs[2 + n_written] - runs[n_written];
        CHECK(number < -512 || number > 511 || runs[2 + n_written] >= 1u << 30 || runs[3 + n_written] == 0);
    }
    guard_free(guarded);
    guard_free(text);
}

static void test_every_table_writes_plain_runs(void) {
    random_state random = {6};
    for (int trial = 0; trial < 20000; trial++) {
        uint32_t runs[102];
        int64_t n = random_between(&random, 0, 100);
        int64_t wild = random_between(&random, 1, 200);
        uint32_t level = (uint32_t)(trial % 3 ? random_below(&random, 600) : random_below(&random, (1u << 30) - 2000));
        for (int64_t i = 0; i < 2 + n; i++) {
            int64_t kind = random_below(&random, wild + 3);
            runs[i] = kind == 0   ? 0
                      : kind == 1 ? (uint32_t)random_bits(&random) >> (i < 2 ? 2 : 0)
                      : kind == 2 ? level + (uint32_t)random_below(&random, 1100)
                                  : level + (uint32_t)random_below(&random, trial % 2 ? 40 : 512);
        }
        for (int table = 0; table < n_tables; table++)
            check_write_runs(tables[table], runs, n);
    }
    check_case(0, NULL, NULL);
}

static void test_every_table_sums_the_foreground(void) {
    random_state random = {8};
    for (int64_t n = 0; n < 70; n++) {
        for (int trial = 0; trial < 20; trial++) {
            uint32_t *runs = GUARD_ARRAY(uint32_t, 2 * n);
            uint64_t expected = 0;
            for (int64_t i = 0; i < n; i++) {
                runs[2 * i] = (uint32_t)random_bits(&random);
                runs[2 * i + 1] = trial == 0 ? UINT32_MAX : (uint32_t)random_bits(&random);
                expected += runs[2 * i + 1];
            }
            for (int table = 0; table < n_tables; table++) {
                const kernel_case now = {tables[table]->name, n, 0};
                check_case(n, print_kernel, &now);
                CHECK(tables[table]->area(runs, n) == expected);
            }
            guard_free(runs);
        }
    }
    check_case(0, NULL, NULL);
}

static void check_same_box(pm_box box, pm_box expected) {
    CHECK(box.left == expected.left && box.top == expected.top);
    CHECK(box.right == expected.right && box.bottom == expected.bottom);
}

/* Pairs of runs on images of any height, empty ones among them, against positions that are counted one by one: where
 * each begins, and the box. Everything is guarded; places may be written up to a multiple of 8. */
static void check_grid(const pm_kernels *kernels, const uint32_t *runs, int64_t n, int64_t height, int64_t width) {
    const kernel_case now = {kernels->name, n, 0};
    uint32_t *guarded = GUARD_ARRAY(uint32_t, 2 * n);
    uint32_t *rows = GUARD_ARRAY(uint32_t, (n + 7) / 8 * 8);
    uint32_t *columns = GUARD_ARRAY(uint32_t, (n + 7) / 8 * 8);
    if (n > 0)
        memcpy(guarded, runs, (size_t)(2 * n) * sizeof *runs);
    check_case(n, print_kernel, &now);
    pm_grid grid = pm_grid_of(height, width);
    pm_box expected = {INT64_MAX, INT64_MAX, 0, 0};
    pm_box box = kernels->locate(guarded, n, &grid, rows, columns);
    int64_t position = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t first = position + runs[2 * i];
        position = first + runs[2 * i + 1];
        if (position == first)
            continue;
        int64_t last = position - 1;
        bool crosses = first / height != last / height;
        expected.left = pm_min(expected.left, first / height);
        expected.right = pm_max(expected.right, last / height + 1);
        expected.top = pm_min(expected.top, crosses ? 0 : first % height);
        expected.bottom = pm_max(expected.bottom, crosses ? height : last % height + 1);
        if (pm_max(box.right, box.bottom) <= UINT32_MAX) {
            CHECK_EQUAL(rows[i], first % height);
            CHECK_EQUAL(columns[i], first / height);
        }
    }
    check_same_box(box, expected);
    check_same_box(kernels->box(guarded, n, &grid), expected);
    guard_free(guarded);
    guard_free(rows);
    guard_free(columns);
}

static void test_every_table_finds_rows_and_columns(void) {
    random_state random = {4};
    for (int trial = 0; trial < 20000; trial++) {
        /* From one pixel to 2^40, where a quotient that is off by one would be. */
        int64_t height = random_between(&random, 1, INT64_C(1) << random_between(&random, 0, 40));
        int64_t width = random_between(&random, 1, PM_MAX_PIXELS / height);
        if (random_below(&random, 2))
            width = random_between(&random, 1, pm_min(width, 1000));
        int64_t most = random_between(&random, 0, trial % 16 == 0 ? 300 : 20);
        uint32_t runs[600];
        int64_t n = 0;
        int64_t left = height * width;
        for (; n < most; n++) {
            for (int colour = 0; colour < 2; colour++) {
                int64_t kind = random_below(&random, 6);
                int64_t run = kind == 0   ? 0
                              : kind == 1 ? height
                              : kind == 2 ? height - 1
                              : kind == 3 ? left
                                          : random_between(&random, 0, pm_min(left, 2 * height));
                run = pm_min(pm_min(run, left), UINT32_MAX);
                runs[2 * n + colour] = (uint32_t)run;
                left -= run;
            }
        }
        for (int table = 0; table < n_tables; table++)
            check_grid(tables[table], runs, n, height, width);
    }
    check_case(0, NULL, NULL);
}

/* A run of one pixel each side of a multiple of the height, and on it, in an image of `pixels` at most. */
static void check_multiple(const pm_kernels *kernels, int64_t height, int64_t multiple, int64_t pixels) {
    int64_t start = multiple * height - 1;
    int64_t width = pixels / height;
    if (start < 0 || start + 3 > width * height)
        return;
    const uint32_t runs[] = {(uint32_t)start, 1, 0, 1, 0, 1};
    const kernel_case now = {kernels->name, height, multiple};
    const pm_box expected = {multiple - 1, 0, (start + 2) / height + 1, height};
    pm_grid grid = pm_grid_of(height, width);
    uint32_t rows[8];
    uint32_t columns[8];
    check_case(height, print_kernel, &now);
    check_same_box(kernels->locate(runs, 3, &grid, rows, columns), expected);
    for (int64_t k = 0; k < 3; k++) {
        CHECK_EQUAL(rows[k], (start + k) % height);
        CHECK_EQUAL(columns[k], (start + k) / height);
    }
    check_same_box(kernels->box(runs, 3, &grid), expected);
}

/* A factor that is off shows at the largest multiples first; at 2^27 pixels and 2^32 tables change their ways. */
static void test_every_table_divides_by_every_height(void) {
    static const int64_t most[] = {(1 << 27) - 1, (1 << 27) + 3000, INT64_C(1) << 32};
    random_state random = {9};
    for (int64_t trial = 1; trial <= 40000; trial++) {
        int64_t height = trial <= 20000   ? trial
                         : trial <= 20062 ? (INT64_C(1) << ((trial - 20000) / 2)) + trial % 2
                                          : random_between(&random, 1, INT64_C(1) << random_between(&random, 1, 31));
        for (int table = 0; table < n_tables; table++) {
            for (int kind = 0; kind < 3; kind++) {
                int64_t last = most[kind] / height;
                for (int64_t back = 0; back < 3; back++)
                    check_multiple(tables[table], height, last - back, most[kind]);
                check_multiple(tables[table], height, random_between(&random, 0, last), most[kind]);
            }
        }
    }
    check_case(0, NULL, NULL);
}

/* Runs that were changed after their check can lead anywhere, and around 2^32 more than once: the answer stays that of
 * positions which do not wrap. */
static void test_every_table_finds_runs_beyond_the_image(void) {
    random_state random = {10};
    for (int trial = 0; trial < 20000; trial++) {
        uint32_t runs[80];
        int64_t n = random_between(&random, 1, 40);
        int64_t height = random_between(&random, 2, 1000);
        int64_t wild = random_between(&random, 1, 40);
        for (int64_t i = 0; i < 2 * n; i++)
            runs[i] = random_below(&random, wild) ? (uint32_t)random_below(&random, 2 * height)
                                                  : (uint32_t)random_bits(&random) >> random_below(&random, 8);
        for (int table = 0; table < n_tables; table++)
            check_grid(tables[table], runs, n, height, 1000);
    }
    check_case(0, NULL, NULL);
}

/* Every number of pixels, so every way for blocks to end, at any alignment of the bytes. */
static void test_every_table_joins_adds_and_splits_rgb(void) {
    random_state random = {8};
    for (int64_t n = 0; n <= 150; n++) {
        for (int64_t skew = 0; skew < 4; skew++) {
            uint8_t *block;
            uint8_t *rgb = skewed_block(3 * n, skew, &block);
            uint32_t *ids = GUARD_ARRAY(uint32_t, n);
            uint8_t expected[450];
            for (int64_t i = 0; i < 3 * n; i++)
                expected[i] = (uint8_t)random_bits(&random);
            for (int table = 0; table < 2 * n_tables; table++) {
                const pm_kernels *kernels = tables[table / 2];
                bool is_reversed = table % 2;
                const kernel_case now = {kernels->name, n, skew};
                check_case(n, print_kernel, &now);
                memset(block, 0x5a, (size_t)(skew + 3 * n));
                if (n > 0)
                    memcpy(rgb, expected, (size_t)(3 * n));
                kernels->join_rgb(rgb, n, is_reversed, ids);
                for (int64_t i = 0; i < n; i++)
                    CHECK_EQUAL(ids[i], expected[3 * i + (is_reversed ? 2 : 0)] + 256 * expected[3 * i + 1] +
                                            65536 * expected[3 * i + (is_reversed ? 0 : 2)]);
                if (!is_reversed) { /* ids that are added to are the pixels backwards */
                    uint32_t *sums = GUARD_ARRAY(uint32_t, n);
                    for (int64_t i = 0; i < n; i++)
                        sums[i] = ids[n - 1 - i];
                    kernels->add_rgb(rgb, n, sums);
                    for (int64_t i = 0; i < 3 * n; i++) {
                        uint8_t other = expected[3 * (n - 1 - i / 3) + i % 3];
                        CHECK_EQUAL(sums[i / 3] >> (8 * (i % 3)) & 255, (uint8_t)(expected[i] + other));
                        CHECK_EQUAL(sums[i / 3] >> 24, 0);
                    }
                    guard_free(sums);
                }
                memset(rgb, 0xa5, (size_t)(3 * n));
                CHECK(kernels->split_rgb(ids, n, is_reversed, rgb) < 1u << 24);
                CHECK(n == 0 || memcmp(rgb, expected, (size_t)(3 * n)) == 0);
                for (int64_t i = 0; i < skew; i++)
                    CHECK_EQUAL(block[i], 0x5a);
                if (n > 0) {
                    ids[random_below(&random, n)] |= UINT32_C(1) << random_between(&random, 24, 31);
                    CHECK(kernels->split_rgb(ids, n, is_reversed, rgb) >= 1u << 24);
                }
            }
            check_case(0, NULL, NULL);
            guard_free(block);
            guard_free(ids);
        }
    }
}

static int list(void) {
    for (int i = 0; pm_cpu_available(i); i++)
        puts(pm_cpu_available(i));
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--list") == 0)
        return list();
    RUN(test_the_environment_chooses_the_table);
    RUN(test_tables_end_with_the_portable_one);
    RUN(test_the_table_in_use_is_the_one_asked_for);
    RUN(test_every_table_is_known);
    RUN(test_every_table_packs_and_unpacks);
    RUN(test_every_table_transposes);
    RUN(test_every_byte_value_is_packed);
    RUN(test_every_table_counts_shared_bits);
    RUN(test_every_table_fills_down);
    RUN(test_every_table_compares_items);
    RUN(test_every_table_walks_every_pattern);
    RUN(test_every_table_walks);
    RUN(test_every_table_paints);
    RUN(test_every_table_reads_plain_text_whole);
    RUN(test_every_table_reads_every_short_text_at_every_place);
    RUN(test_every_table_stops_before_what_is_not_plain);
    RUN(test_every_table_writes_plain_runs);
    RUN(test_every_table_sums_the_foreground);
    RUN(test_every_table_finds_rows_and_columns);
    RUN(test_every_table_divides_by_every_height);
    RUN(test_every_table_finds_runs_beyond_the_image);
    RUN(test_every_table_joins_adds_and_splits_rgb);
    return check_report("test_cpu");
}
