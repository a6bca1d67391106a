/* fuzz_kernels.c - every kernel table that this machine runs, in one process: the answers are by definition, and so the
 * same; blocks lie anywhere and end where they end. */
#include "pm_kernels.h" /* in front of a type that is called as arguments are there */

#include "reader.h"

enum { MOST_BYTES = 512 };

static const pm_kernels *find_table(const char *name) {
#if defined(PM_HAVE_AVX2)
    if (strcmp(name, "avx2") == 0)
        return &pm_kernels_avx2;
#endif
#if defined(PM_HAVE_AVX512)
    if (strcmp(name, "avx512") == 0)
        return &pm_kernels_avx512;
#endif
#if defined(PM_HAVE_NEON)
    if (strcmp(name, "neon") == 0)
        return &pm_kernels_neon;
#endif
    REQUIRE(strcmp(name, "portable") == 0); /* or it is one that this target does not know */
    return &pm_kernels_portable;
}

static void check_bits(const pm_kernels *kernels, const uint8_t *data, int64_t n, int64_t skew, uint8_t one) {
    uint8_t *block = guard_new((size_t)(n + skew), 64);
    uint8_t *bytes = block + skew;
    uint64_t *bits = GUARD_ARRAY(uint64_t, pm_words(n));
    memset(block, 0x5a, (size_t)skew);
    if (n > 0)
        memcpy(bytes, data, (size_t)n);
    kernels->pack(bytes, n, bits);
    for (int64_t i = 0; i < 64 * pm_words(n); i++)
        REQUIRE((bits[i / 64] >> (i % 64) & 1) == (i < n && data[i] != 0));
    if (n % 64)
        bits[n / 64] |= ~UINT64_C(0) << (n % 64); /* bits past n are nothing to unpack */
    kernels->unpack(bits, n, one, bytes);
    for (int64_t i = 0; i < n; i++)
        REQUIRE(bytes[i] == (data[i] ? one : 0));
    if (kernels->unpack_past) {
        uint64_t *more = GUARD_ARRAY(uint64_t, pm_words(n) + 1);
        memcpy(more, bits, (size_t)pm_words(n) * sizeof *bits);
        more[pm_words(n)] = one; /* may be read, but means nothing */
        memset(bytes, 0x5a, (size_t)n);
        kernels->unpack_past(more, n, one, bytes);
        for (int64_t i = 0; i < n; i++)
            REQUIRE(bytes[i] == (data[i] ? one : 0));
        guard_free(more);
    }
    for (int64_t i = 0; i < skew; i++)
        REQUIRE(block[i] == 0x5a);
    guard_free(block);
    guard_free(bits);
}

/* The bytes as rows of a tile. */
static void check_transpose(const pm_kernels *kernels, const uint8_t *data, int64_t length) {
    uint64_t rows[64] = {0};
    uint64_t *tile = GUARD_ARRAY(uint64_t, 64);
    for (int64_t i = 0; i < length; i++)
        rows[i % 64] |= (uint64_t)data[i] << (i / 64 * 8);
    memcpy(tile, rows, sizeof rows);
    kernels->transpose(tile);
    for (int64_t r = 0; r < 64; r++)
        for (int64_t c = 0; c < 64; c++)
            REQUIRE((tile[c] >> r & 1) == (rows[r] >> c & 1));
    guard_free(tile);
}

/* The bytes as words of two rectangles. */
static void check_shared(const pm_kernels *kernels, const uint8_t *data, int64_t length, int64_t kind) {
    int64_t n_words = length / 16;
    int64_t rows = kind % 4 + 1;
    int64_t step_a = n_words / rows;
    int64_t n = step_a - kind / 4 % 4;
    int64_t step_b = n + kind / 16 % 2;
    int64_t size_a = (rows - 1) * step_a + n;
    int64_t size_b = (rows - 1) * step_b + n;
    if (n < 0 || size_b > n_words)
        return;
    uint64_t *a = GUARD_ARRAY(uint64_t, size_a);
    uint64_t *b = GUARD_ARRAY(uint64_t, size_b);
    memcpy(a, data, (size_t)size_a * sizeof *a);
    memcpy(b, data + 8 * n_words, (size_t)size_b * sizeof *b);
    uint64_t expected = 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++)
            for (uint64_t both = a[r * step_a + i] & b[r * step_b + i]; both; both &= both - 1)
                expected++;
    REQUIRE(kernels->shared(a, step_a, b, step_b, rows, n) == expected);
    guard_free(a);
    guard_free(b);
}

/* What was read are whole numbers of at most eight characters, differences to the run before the last. */
static void check_text(const pm_kernels *kernels, const uint8_t *data, int64_t length, uint32_t before_last,
                       uint32_t last) {
    uint8_t *text = guard_new((size_t)length, 1);
    uint32_t *runs = GUARD_ARRAY(uint32_t, 2 + length);
    int64_t values[MOST_BYTES];
    int64_t n_values;
    int64_t n_runs;
    int64_t covered;
    if (length > 0)
        memcpy(text, data, (size_t)length);
    runs[0] = before_last;
    runs[1] = last;
    int64_t n_read = kernels->read_runs(text, length, runs + 2, &n_runs, &covered);
    REQUIRE(n_read >= 0 && n_read <= length && n_runs <= n_read && n_read <= 8 * n_runs);
    REQUIRE(runs[0] == before_last && runs[1] == last);
    /* The oracle reads the same characters behind three numbers, the last two of which are the runs in front. */
    char whole[MOST_BYTES];
    const int64_t in_front[] = {0, before_last, last};
    int64_t n_front = oracle_write_text(in_front, 3, whole);
    if (n_read > 0)
        memcpy(whole + n_front, data, (size_t)n_read);
    oracle_read_text((const uint8_t *)whole, n_front + n_read, PM_MAX_PIXELS, values, &n_values);
    REQUIRE(n_values == 3 + n_runs);
    for (int64_t j = 0; j < n_runs; j++) {
        REQUIRE(runs[2 + j] == values[3 + j] && runs[2 + j] < 1u << 30);
        covered -= runs[2 + j];
    }
    REQUIRE(covered == 0);
    guard_free(text);
    guard_free(runs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reader from = {data, data + size};
    uint8_t kind = read_byte(&from);
    uint8_t one = read_byte(&from);
    uint32_t before_last = (uint32_t)read_number(&from) % (1u << 30);
    uint32_t last = (uint32_t)read_number(&from) % (1u << 30);
    int64_t length = from.end - from.at;
    length = length < MOST_BYTES - 32 ? length : MOST_BYTES - 32;
    REQUIRE(find_table(pm_cpu_name()) == pm_cpu_kernels());
    for (int i = 0; pm_cpu_available(i); i++) {
        const pm_kernels *kernels = find_table(pm_cpu_available(i));
        if (kind >= 192)
            check_shared(kernels, from.at, length, kind % 64);
        else if (kind & 64)
            check_bits(kernels, from.at, length, kind % 64, one);
        else if (kind >= 128 + 32)
            check_transpose(kernels, from.at, length);
        else
            check_text(kernels, from.at, length, before_last, last);
    }
    return 0;
}
