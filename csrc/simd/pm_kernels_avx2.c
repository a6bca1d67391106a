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

PM_AVX2 static void pack_avx2(const uint8_t *bytes, int64_t n, uint64_t *bits) {
    int64_t i = 0;
    for (; i + 64 <= n; i += 64)
        *bits++ = pack_32_avx2(bytes + i) | pack_32_avx2(bytes + i + 32) << 32;
    if (i < n)
        pm_kernels_portable.pack(bytes + i, n - i, bits);
}

PM_AVX2 static void unpack_avx2(const uint64_t *bits, int64_t n, uint8_t one, uint8_t *bytes) {
    /* Byte k of a lane takes byte k / 8 of the 32 bits, then keeps bit k % 8 of it. */
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, /* */
                                            2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i own = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
    const __m256i ones = _mm256_set1_epi8((char)one);
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        int word = (int)(uint32_t)(bits[i / 64] >> (i % 64));
        __m256i bit = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(word), spread), own);
        __m256i set = _mm256_cmpeq_epi8(bit, own);
        _mm256_storeu_si256((__m256i *)(bytes + i), _mm256_and_si256(set, ones));
    }
    for (; i < n; i++)
        bytes[i] = (uint8_t)((bits[i / 64] >> (i % 64) & 1) * one);
}

const pm_kernels pm_kernels_avx2 = {
    .name = "avx2",
    .pack = pack_avx2,
    .unpack = unpack_avx2,
    .read_runs = pm_read_runs_portable,
};

#endif
