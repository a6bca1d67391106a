/* pm_kernels_avx2.c - the kernels for x86-64 with AVX2 (2013 and later). */
#include "../pm_kernels.h"

#if defined(PM_HAVE_AVX2)

#include <immintrin.h>

#if defined(__GNUC__) || defined(__clang__)
#define PM_AVX2 __attribute__((target("avx2")))
#else
#define PM_AVX2
#endif

PM_AVX2 static inline uint64_t pack_32_avx2(const uint8_t *bytes) {
    __m256i pixels = _mm256_loadu_si256((const __m256i *)bytes);
    __m256i zero = _mm256_cmpeq_epi8(pixels, _mm256_setzero_si256());
    return (uint32_t)~_mm256_movemask_epi8(zero);
}

PM_AVX2 static inline uint64_t pack_64_avx2(const uint8_t *bytes) {
    return pack_32_avx2(bytes) | pack_32_avx2(bytes + 32) << 32;
}

PM_AVX2 static void pack_avx2(const uint8_t *bytes, int64_t n, uint64_t *bits) {
    int64_t i = 0;
    for (; i + 64 <= n; i += 64)
        *bits++ = pack_64_avx2(bytes + i);
    if (i == n)
        return;
    if (n >= 64) /* the last 64 bytes, some of which are packed already */
        *bits = pack_64_avx2(bytes + n - 64) >> (64 - (n - i));
    else
        pm_kernels_portable.pack(bytes, n, bits);
}

/* The lowest 32 bits. Byte k of the lanes takes byte k / 8 of them, then keeps bit k % 8 of it. */
PM_AVX2 static inline void unpack_32_avx2(uint64_t bits, __m256i ones, uint8_t *bytes) {
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, /* */
                                            2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i own = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
    __m256i bit = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int)(uint32_t)bits), spread), own);
    __m256i set = _mm256_cmpeq_epi8(bit, own);
    _mm256_storeu_si256((__m256i *)bytes, _mm256_and_si256(set, ones));
}

PM_AVX2 static void unpack_avx2(const uint64_t *bits, int64_t n, uint8_t one, uint8_t *bytes) {
    const __m256i ones = _mm256_set1_epi8((char)one);
    int64_t i = 0;
    for (; i + 32 <= n; i += 32)
        unpack_32_avx2(bits[i / 64] >> (i % 64), ones, bytes + i);
    if (i == n)
        return;
    if (n < 32) {
        pm_kernels_portable.unpack(bits, n, one, bytes);
        return;
    }
    /* the last 32 bytes, some of which are written already */
    int64_t at = n - 32;
    uint64_t last = bits[at / 64] >> (at % 64);
    if (at % 64 > 32)
        last |= bits[at / 64 + 1] << (64 - at % 64);
    unpack_32_avx2(last, ones, bytes + at);
}

/* Swap the blocks of size x size bits beside the diagonal, in four rows of a and the four `size` rows below. */
PM_AVX2 static inline void swap_blocks_avx2(__m256i *a, __m256i *b, int size, uint64_t mask) {
    __m256i left = _mm256_set1_epi64x((long long)mask);
    __m256i swap = _mm256_and_si256(_mm256_xor_si256(_mm256_srli_epi64(*a, size), *b), left);
    *a = _mm256_xor_si256(*a, _mm256_slli_epi64(swap, size));
    *b = _mm256_xor_si256(*b, swap);
}

PM_AVX2 static inline void swap_rows_avx2(__m256i rows[16], int size, uint64_t mask) {
    for (int i = 0; i < 16; i++)
        if (!(i & size / 4))
            swap_blocks_avx2(rows + i, rows + i + size / 4, size, mask);
}

/* As the portable one, 0.04 us instead of 0.1. For the last two rounds eight rows are dealt out to two registers. */
PM_AVX2 static void transpose_avx2(uint64_t *tile) {
    __m256i rows[16];
    for (int i = 0; i < 16; i++)
        rows[i] = _mm256_loadu_si256((const __m256i *)(tile + 4 * i));
    swap_rows_avx2(rows, 32, UINT64_C(0x00000000ffffffff));
    swap_rows_avx2(rows, 16, UINT64_C(0x0000ffff0000ffff));
    swap_rows_avx2(rows, 8, UINT64_C(0x00ff00ff00ff00ff));
    swap_rows_avx2(rows, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    for (int i = 0; i < 16; i += 2) {
        __m256i a = _mm256_permute2x128_si256(rows[i], rows[i + 1], 0x20); /* rows 0 1 4 5 */
        __m256i b = _mm256_permute2x128_si256(rows[i], rows[i + 1], 0x31); /* rows 2 3 6 7 */
        swap_blocks_avx2(&a, &b, 2, UINT64_C(0x3333333333333333));
        __m256i even = _mm256_unpacklo_epi64(a, b);
        __m256i odd = _mm256_unpackhi_epi64(a, b);
        swap_blocks_avx2(&even, &odd, 1, UINT64_C(0x5555555555555555));
        a = _mm256_unpacklo_epi64(even, odd);
        b = _mm256_unpackhi_epi64(even, odd);
        _mm256_storeu_si256((__m256i *)(tile + 4 * i), _mm256_permute2x128_si256(a, b, 0x20));
        _mm256_storeu_si256((__m256i *)(tile + 4 * i + 4), _mm256_permute2x128_si256(a, b, 0x31));
    }
}

/* Ones of every byte by two look-ups of four bits, summed to words of 64. */
PM_AVX2 static inline __m256i count_ones_avx2(__m256i words) {
    const __m256i ones = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, /* */
                                          0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i low = _mm256_shuffle_epi8(ones, _mm256_and_si256(words, nibble));
    __m256i high = _mm256_shuffle_epi8(ones, _mm256_and_si256(_mm256_srli_epi16(words, 4), nibble));
    return _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256());
}

PM_AVX2 static uint64_t shared_avx2(const uint64_t *a, int64_t step_a, const uint64_t *b, int64_t step_b, int64_t rows,
                                    int64_t n) {
    /* the last one to three words of a row, by a mask: lane i is there where i < n % 4 */
    const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
    const __m256i there = _mm256_cmpgt_epi64(_mm256_set1_epi64x(n % 4), lane);
    __m256i sum = _mm256_setzero_si256();
    for (int64_t r = 0; r < rows; r++, a += step_a, b += step_b) {
        int64_t i = 0;
        for (; i + 4 <= n; i += 4) {
            __m256i x = _mm256_loadu_si256((const __m256i *)(a + i));
            __m256i y = _mm256_loadu_si256((const __m256i *)(b + i));
            sum = _mm256_add_epi64(sum, count_ones_avx2(_mm256_and_si256(x, y)));
        }
        if (i < n) {
            __m256i x = _mm256_maskload_epi64((const long long *)(a + i), there);
            __m256i y = _mm256_maskload_epi64((const long long *)(b + i), there);
            sum = _mm256_add_epi64(sum, count_ones_avx2(_mm256_and_si256(x, y)));
        }
    }
    uint64_t parts[4];
    _mm256_storeu_si256((__m256i *)parts, sum);
    return parts[0] + parts[1] + parts[2] + parts[3];
}

PM_AVX2 static void fill_down_avx2(uint64_t *bits, int64_t width, int64_t n) {
    int64_t i = width;
    for (; width >= 4 && i + 4 <= n; i += 4) {
        __m256i above = _mm256_loadu_si256((const __m256i *)(bits + i - width));
        __m256i words = _mm256_loadu_si256((const __m256i *)(bits + i));
        words = _mm256_xor_si256(words, _mm256_cmpgt_epi64(_mm256_setzero_si256(), above));
        _mm256_storeu_si256((__m256i *)(bits + i), words);
    }
    pm_fill_down_portable(bits + i - width, width, n - (i - width));
}

const pm_kernels pm_kernels_avx2 = {
    .name = "avx2",
    .pack = pack_avx2,
    .unpack = unpack_avx2,
    .transpose = transpose_avx2,
    .shared = shared_avx2,
    .fill_down = fill_down_avx2,
    .read_runs = pm_read_runs_portable,
    .write_runs = pm_write_runs_portable,
    .box = pm_box_portable,
    .locate = pm_locate_portable,
};

#endif
