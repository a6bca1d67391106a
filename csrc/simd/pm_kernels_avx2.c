/* pm_kernels_avx2.c - the kernels for x86-64 with AVX2 (2013 and later). */
#include "../pm_counts.h"
#include "../pm_kernels.h"

#if defined(PM_HAVE_AVX2)

#include <immintrin.h>

#if defined(__GNUC__) || defined(__clang__)
#define PM_AVX2 __attribute__((target("avx2,bmi,popcnt")))
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

enum { PACK_PIECE = 256 };

/* PACK_PIECE bytes. Most pieces of most masks are background, which one test tells: a mask in the cache 6.6 -> 5.0 us;
 * where no piece is, a twentieth slower. */
PM_AVX2 static inline void pack_piece_avx2(const uint8_t *bytes, uint64_t *bits) {
    __m256i any = _mm256_setzero_si256();
    for (int i = 0; i < PACK_PIECE; i += 32)
        any = _mm256_or_si256(any, _mm256_loadu_si256((const __m256i *)(bytes + i)));
    if (_mm256_testz_si256(any, any)) {
        memset(bits, 0, PACK_PIECE / 8);
        return;
    }
    for (int i = 0; i < PACK_PIECE; i += 64)
        bits[i / 64] = pack_64_avx2(bytes + i);
}

/* What is long is packed from four places in turn: memory gives more to several streams than to one. 440 MB of 1400
 * masks 33 -> 23 ms, and a mask in the cache 7.7 -> 6.6 us (Zen 3). */
PM_AVX2 static void pack_avx2(const uint8_t *bytes, int64_t n, uint64_t *bits) {
    enum { STREAMS = 4, LONG = 1 << 14 };
    int64_t i = 0;
    if (n >= LONG) {
        int64_t stream = n / STREAMS / PACK_PIECE * PACK_PIECE;
        for (; i < stream; i += PACK_PIECE)
            for (int64_t at = i; at < STREAMS * stream; at += stream)
                pack_piece_avx2(bytes + at, bits + at / 64);
        i = STREAMS * stream;
    }
    for (; i + PACK_PIECE <= n; i += PACK_PIECE)
        pack_piece_avx2(bytes + i, bits + i / 64);
    for (; i + 64 <= n; i += 64)
        bits[i / 64] = pack_64_avx2(bytes + i);
    if (i == n)
        return;
    if (n >= 64) /* the last 64 bytes, some of which are packed already */
        bits[i / 64] = pack_64_avx2(bytes + n - 64) >> (64 - (n - i));
    else
        pm_kernels_portable.pack(bytes, n, bits);
}

/* The lowest 32 bits. Byte k of the lanes takes byte k / 8 of them, then keeps bit k % 8 of it. */
/* The lowest 32 bits of each of the equal words -> bytes. */
PM_AVX2 static inline __m256i spread_32_avx2(__m256i words, __m256i ones) {
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, /* */
                                            2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i own = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
    __m256i bit = _mm256_and_si256(_mm256_shuffle_epi8(words, spread), own);
    __m256i set = _mm256_cmpeq_epi8(bit, own);
    return _mm256_and_si256(set, ones);
}

PM_AVX2 static inline void unpack_32_avx2(uint64_t bits, __m256i ones, uint8_t *bytes) {
    _mm256_storeu_si256((__m256i *)bytes, spread_32_avx2(_mm256_set1_epi32((int)(uint32_t)bits), ones));
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

/* Eight bytes, four times over. */
PM_AVX2 static inline __m256i repeat_eight_avx2(const uint8_t *bytes) {
    int64_t word;
    memcpy(&word, bytes, sizeof word);
    return _mm256_set1_epi64x(word);
}

/* Whole cache lines go past the caches; what is before the first and behind the last does not. It is as
 * fast as memset: 123 MB take 2.8 ms. */
PM_AVX2 void pm_unpack_past_avx2(const uint64_t *bits, int64_t n, uint8_t one, uint8_t *bytes) {
    const __m256i ones = _mm256_set1_epi8((char)one);
    int64_t head = pm_min(n, (int64_t)(-(uintptr_t)bytes % 64));
    const uint8_t *from = (const uint8_t *)bits + head / 8;
    const __m128i skip = _mm_cvtsi64_si128(head % 8);
    unpack_avx2(bits, head, one, bytes);
    int64_t i = head;
    for (; i + 64 <= n; i += 64, from += 8) {
        __m256i *line = (__m256i *)(bytes + i);
        _mm256_stream_si256(line, spread_32_avx2(_mm256_srl_epi64(repeat_eight_avx2(from), skip), ones));
        _mm256_stream_si256(line + 1, spread_32_avx2(_mm256_srl_epi64(repeat_eight_avx2(from + 4), skip), ones));
    }
    for (; i < n; i++)
        bytes[i] = bits[i / 64] >> (i % 64) & 1 ? one : 0;
    _mm_sfence(); /* other threads see it as they see other stores */
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

PM_AVX2 static inline uint64_t sum_words_avx2(__m256i words) {
    uint64_t parts[4];
    _mm256_storeu_si256((__m256i *)parts, words);
    return parts[0] + parts[1] + parts[2] + parts[3];
}

PM_AVX2 static inline __m256i and_avx2(const uint64_t *a, const uint64_t *b) {
    return _mm256_and_si256(_mm256_loadu_si256((const __m256i *)a), _mm256_loadu_si256((const __m256i *)b));
}

/* Add x and y to the bits of `sum`, each place for itself; returns what carries. */
PM_AVX2 static inline __m256i carry_avx2(__m256i *sum, __m256i x, __m256i y) {
    __m256i half = _mm256_xor_si256(*sum, x);
    __m256i carry = _mm256_or_si256(_mm256_and_si256(*sum, x), _mm256_and_si256(half, y));
    *sum = _mm256_xor_si256(half, y);
    return carry;
}

/* `shared` for n that 16 divides: 16 words at a time are added place by place, and only the fours that carry out of it
 * are counted (Harley and Seal). */
PM_AVX2 static uint64_t shared_wide_avx2(const uint64_t *a, int64_t step_a, const uint64_t *b, int64_t step_b,
                                         int64_t rows, int64_t n) {
    __m256i ones = _mm256_setzero_si256();
    __m256i twos = ones;
    __m256i fours = ones;
    for (int64_t r = 0; r < rows; r++, a += step_a, b += step_b) {
        for (int64_t i = 0; i < n; i += 16) {
            __m256i x = carry_avx2(&ones, and_avx2(a + i, b + i), and_avx2(a + i + 4, b + i + 4));
            __m256i y = carry_avx2(&ones, and_avx2(a + i + 8, b + i + 8), and_avx2(a + i + 12, b + i + 12));
            fours = _mm256_add_epi64(fours, count_ones_avx2(carry_avx2(&twos, x, y)));
        }
    }
    return sum_words_avx2(count_ones_avx2(ones)) + 2 * sum_words_avx2(count_ones_avx2(twos)) +
           4 * sum_words_avx2(fours);
}

/* What is wide goes by 16 words: rows of 75 words 60 -> 56 ns for three and a half, of 300 words 232 -> 185 ns (Zen 3);
 * below 64 words the sums at the end cost what it saves. */
PM_AVX2 static uint64_t shared_avx2(const uint64_t *a, int64_t step_a, const uint64_t *b, int64_t step_b, int64_t rows,
                                    int64_t n) {
    uint64_t wide = 0;
    if (n >= 64) {
        int64_t most = n - n % 16;
        wide = shared_wide_avx2(a, step_a, b, step_b, rows, most);
        a += most;
        b += most;
        n -= most;
    }
    /* the last one to three words of a row, by a mask: lane i is there where i < n % 4 */
    const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
    const __m256i there = _mm256_cmpgt_epi64(_mm256_set1_epi64x(n % 4), lane);
    __m256i sum = _mm256_setzero_si256();
    for (int64_t r = 0; r < rows; r++, a += step_a, b += step_b) {
        int64_t i = 0;
        for (; i + 4 <= n; i += 4)
            sum = _mm256_add_epi64(sum, count_ones_avx2(and_avx2(a + i, b + i)));
        if (i < n) {
            __m256i x = _mm256_maskload_epi64((const long long *)(a + i), there);
            __m256i y = _mm256_maskload_epi64((const long long *)(b + i), there);
            sum = _mm256_add_epi64(sum, count_ones_avx2(_mm256_and_si256(x, y)));
        }
    }
    return wide + sum_words_avx2(sum);
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

PM_AVX2 static inline __m256i load_eight_avx2(const uint32_t *runs) {
    return _mm256_loadu_si256((const __m256i *)runs);
}

PM_AVX2 static inline __m256i load_halves_avx2(const uint8_t *low, const uint8_t *high) {
    __m256i halves = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)low));
    return _mm256_inserti128_si256(halves, _mm_loadu_si128((const __m128i *)high), 1);
}

/* The sum of n runs below 2^31. */
PM_AVX2 static uint64_t sum_runs_avx2(const uint32_t *runs, int64_t n) {
    __m256i pairs = _mm256_setzero_si256(); /* sums of even lanes + 2^32 times odd lanes, modulo 2^64 */
    __m256i odd = _mm256_setzero_si256();   /* sums of odd lanes */
    uint64_t rest = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i eight = load_eight_avx2(runs + i);
        pairs = _mm256_add_epi64(pairs, eight);
        odd = _mm256_add_epi64(odd, _mm256_srli_epi64(eight, 32));
    }
    for (; i < n; i++)
        rest += runs[i];
    __m256i even = _mm256_sub_epi64(pairs, _mm256_slli_epi64(odd, 32));
    return rest + sum_words_avx2(_mm256_add_epi64(even, odd));
}

/* What read_runs_avx2 draws together from nine characters: of each number that begins in the first eight its one
 * character, or its two. A row for every value of nine bits, of which bit k tells that character k goes on with the
 * number of the one in front. 128 + k stands for character k, 0 for none.
 *
 * NUMBERS_k has the rows for all values of the bits 0 .. k: first what ends the number of character k, if one begins
 * there, then all that is drawn together from behind it. */
#define NUMBERS_0(end, ...) {128, end, __VA_ARGS__}, {__VA_ARGS__}
#define NUMBERS_1(end, ...) NUMBERS_0(0, 129, end, __VA_ARGS__), NUMBERS_0(129, __VA_ARGS__)
#define NUMBERS_2(end, ...) NUMBERS_1(0, 130, end, __VA_ARGS__), NUMBERS_1(130, __VA_ARGS__)
#define NUMBERS_3(end, ...) NUMBERS_2(0, 131, end, __VA_ARGS__), NUMBERS_2(131, __VA_ARGS__)
#define NUMBERS_4(end, ...) NUMBERS_3(0, 132, end, __VA_ARGS__), NUMBERS_3(132, __VA_ARGS__)
#define NUMBERS_5(end, ...) NUMBERS_4(0, 133, end, __VA_ARGS__), NUMBERS_4(133, __VA_ARGS__)
#define NUMBERS_6(end, ...) NUMBERS_5(0, 134, end, __VA_ARGS__), NUMBERS_5(134, __VA_ARGS__)
#define NUMBERS_7(end) NUMBERS_6(0, 135, end), NUMBERS_6(135, 0)
static const uint8_t numbers_avx2[512][16] = {NUMBERS_7(0), NUMBERS_7(136)};

/* 16 characters from `at` on, of a text of 16 at least; behind its end they go on for ever. */
PM_AVX2 static inline __m128i load_to_end_avx2(const uint8_t *text, int64_t at, int64_t length) {
    static const int8_t moved[56] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, -1, -1, -1,
                                     -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                     -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    const __m128i endless = _mm_set1_epi8(48 + 32);
    int64_t from = pm_min(at, length - 16);
    __m128i order = _mm_loadu_si128((const __m128i *)(moved + (at - from)));
    __m128i characters = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(text + from)), endless);
    return _mm_xor_si128(_mm_shuffle_epi8(characters, order), endless);
}

/* What a turn of read_runs_avx2 looks at: 16 characters, and again 16, from the ninth of them on. */
typedef struct look {
    __m256i digits;
    uint32_t goes_on; /* a bit for each: another character of its number follows */
} look;

/* From `at` on, which is at most 15 behind the end. */
PM_AVX2 static inline look look_avx2(const uint8_t *text, int64_t at, int64_t length) {
    __m256i characters;
    if (PM_UNLIKELY(length - at < 24))
        characters = _mm256_setr_m128i(load_to_end_avx2(text, at, length), load_to_end_avx2(text, at + 8, length));
    else
        characters = load_halves_avx2(text + at, text + at + 8);
    look found;
    found.digits = _mm256_sub_epi8(characters, _mm256_set1_epi8(48));
    found.goes_on = (uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(found.digits, 2));
    return found;
}

/* The last two runs, in every pair of lanes, when m <= 8 runs more have been added to them each in its lane: an odd m
 * makes the two change places. */
PM_AVX2 static inline __m256i after_runs_avx2(__m256i two, int64_t m) {
    static const uint32_t places[16] = {0x03020100, 0x07060504, 0x03020100, 0x07060504, 0x03020100, 0x07060504,
                                        0x03020100, 0x07060504, 0x03020100, 0x07060504, 0x03020100, 0x07060504,
                                        0x03020100, 0x07060504, 0x03020100, 0x07060504};
    return _mm256_shuffle_epi8(two, load_eight_avx2(places + m));
}

/* 0.65 -> 0.28 ms for the 340 033 runs of 1572 real masks (Zen 3, gcc 12).
 *
 * 16 characters at a time, in two halves of eight, each with what lies behind it: a number is read in the half where
 * it begins, and the next half knows by one bit that its first character is done. So no turn waits for a length. It
 * looks at the characters of the next one before it works on its own, since what follows from them takes long (0.36 to
 * 0.32 ms).
 *
 * What a character is worth does not depend on its place: 0..31 if its number goes on, -16..15 if it ends. The
 * characters of each number are drawn together by a look-up and summed, the second 32 times. Lanes behind the last
 * number are zero: sums over every other lane leave the last two runs in the two highest, which the next half starts
 * from. */
PM_AVX2 static int64_t read_runs_avx2(const uint8_t *text, int64_t length, uint32_t *runs, int64_t *n_runs,
                                      int64_t *covered) {
    enum { STEP = 16 };
    if (length < STEP)
        return pm_read_runs_portable(text, length, runs, n_runs, covered);
    const uint32_t looked_at = 0x0100ffff; /* of what a turn looks at: its own 16 characters, and the one behind */
    const __m256i place = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, /* */
                                           8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
    const __m256i too_large = _mm256_set1_epi32((int)0xc0000000); /* negative, or 2^30 and more */
    int64_t at = 0;
    int64_t n = 0;
    uint32_t within = 0;                   /* 1: the character at `at` was read with the one in front */
    __m256i seen = _mm256_setzero_si256(); /* the bits of all digits */
    long long before;
    memcpy(&before, runs - 2, sizeof before);
    __m256i in_front = _mm256_set1_epi64x(before);
    look next = look_avx2(text, 0, length);
    while (at < length) {
        __m256i digits = next.digits;
        uint32_t goes_on = next.goes_on;
        next = look_avx2(text, at + STEP, length);
        seen = _mm256_or_si256(seen, digits);
        uint32_t follows = goes_on << 1 | within;
        uint32_t stop = goes_on & follows & looked_at; /* second characters of longer numbers, which are not read */
        uint32_t consumed = STEP;
        if (PM_UNLIKELY(stop)) {
            consumed = (uint32_t)pm_min(pm_lowest_bit(stop), STEP) - 1;
            digits = _mm256_and_si256(digits, _mm256_cmpgt_epi8(_mm256_set1_epi8((char)consumed), place));
            follows &= (UINT32_C(1) << consumed) - 1;
        }
        uint32_t starts = ~follows & ((UINT32_C(1) << consumed) - 1);
        int64_t m_low = _mm_popcnt_u32(starts & 0xff);
        int64_t m_high = _mm_popcnt_u32(starts >> 8);

        __m256i from_16 = _mm256_cmpgt_epi8(digits, _mm256_set1_epi8(15));
        __m256i worth = _mm256_sub_epi8(digits, _mm256_and_si256(from_16, _mm256_set1_epi8(32)));
        __m256i order = load_halves_avx2(numbers_avx2[follows & 511], numbers_avx2[follows >> 8 & 511]);
        worth = _mm256_shuffle_epi8(worth, _mm256_xor_si256(order, _mm256_set1_epi8((char)128)));
        __m256i x = _mm256_maddubs_epi16(_mm256_set1_epi16(32 << 8 | 1), worth);
        x = _mm256_add_epi16(x, _mm256_slli_si256(x, 4));
        x = _mm256_add_epi16(x, _mm256_slli_si256(x, 8));

        __m256i low = _mm256_cvtepi16_epi32(_mm256_castsi256_si128(x));
        __m256i high = _mm256_cvtepi16_epi32(_mm256_extracti128_si256(x, 1));
        __m256i between = _mm256_add_epi32(in_front, _mm256_permute4x64_epi64(low, 0xff));
        between = after_runs_avx2(between, m_low);
        low = _mm256_add_epi32(low, in_front);
        in_front = _mm256_add_epi32(between, _mm256_permute4x64_epi64(high, 0xff));
        in_front = after_runs_avx2(in_front, m_high);
        high = _mm256_add_epi32(high, between);
        if (PM_UNLIKELY(!_mm256_testz_si256(_mm256_or_si256(low, high), too_large))) {
            at += within;
            break;
        }
        if (PM_UNLIKELY(n + STEP > length)) { /* no room for the lanes behind the last number */
            uint32_t few[STEP];
            _mm256_storeu_si256((__m256i *)few, low);
            _mm256_storeu_si256((__m256i *)(few + m_low), high);
            memcpy(runs + n, few, (size_t)(m_low + m_high) * sizeof *runs);
        } else {
            _mm256_storeu_si256((__m256i *)(runs + n), low);
            _mm256_storeu_si256((__m256i *)(runs + n + m_low), high);
        }
        n += m_low + m_high;
        at += consumed;
        within = goes_on >> (STEP - 1) & 1;
        if (PM_UNLIKELY(stop)) {
            uint64_t two = (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(in_front));
            pm_number number = {0, 0};
            if (at < length)
                number = pm_counts_number(text, at, length);
            int64_t run = number.value + (uint32_t)two;
            if (number.length == 0 || run < 0 || run >= INT64_C(1) << 30)
                break;
            runs[n++] = (uint32_t)run;
            at += number.length;
            within = 0;
            in_front = _mm256_set1_epi64x((long long)(two >> 32 | (uint64_t)run << 32));
            next = look_avx2(text, at, length);
        }
    }
    if (PM_UNLIKELY(!_mm256_testz_si256(seen, _mm256_set1_epi8((char)0xc0)))) /* no character: an error is near */
        return pm_read_runs_portable(text, length, runs, n_runs, covered);
    *covered = (int64_t)sum_runs_avx2(runs, n);
    *n_runs = n;
    return at;
}

/* Which of both characters of eight numbers are kept: a row for every value of eight bits, of which bit k tells that
 * number k has two. KEPT_k has the rows for all values of the bits 0 .. k, and what is kept behind them. */
#define KEPT_0(...) {0, __VA_ARGS__}, {0, 1, __VA_ARGS__}
#define KEPT_1(...) KEPT_0(2, __VA_ARGS__), KEPT_0(2, 3, __VA_ARGS__)
#define KEPT_2(...) KEPT_1(4, __VA_ARGS__), KEPT_1(4, 5, __VA_ARGS__)
#define KEPT_3(...) KEPT_2(6, __VA_ARGS__), KEPT_2(6, 7, __VA_ARGS__)
#define KEPT_4(...) KEPT_3(8, __VA_ARGS__), KEPT_3(8, 9, __VA_ARGS__)
#define KEPT_5(...) KEPT_4(10, __VA_ARGS__), KEPT_4(10, 11, __VA_ARGS__)
#define KEPT_6(...) KEPT_5(12, __VA_ARGS__), KEPT_5(12, 13, __VA_ARGS__)
static const uint8_t kept_avx2[256][16] = {KEPT_6(14), KEPT_6(14, 15)};

/* 0.65 -> 0.21 ms for the same runs, 16 at a time: both characters of each number side by side, of which those are
 * drawn together that it has. */
PM_AVX2 static int64_t write_runs_avx2(const uint32_t *runs, int64_t n, uint8_t *text, int64_t *length) {
    enum { STEP = 16 };
    const __m256i too_large = _mm256_set1_epi32((int)0xc0000000); /* 2^30 and more */
    const __m256i zero = _mm256_setzero_si256();
    uint8_t *out = text;
    int64_t i = 0;
    for (; i + STEP < n; i += STEP) {
        __m256i low = load_eight_avx2(runs + i);
        __m256i high = load_eight_avx2(runs + i + 8);
        __m256i followed = _mm256_min_epu32(load_eight_avx2(runs + i + 1), load_eight_avx2(runs + i + 9));
        __m256i stop = _mm256_cmpeq_epi32(followed, zero);
        stop = _mm256_or_si256(stop, _mm256_and_si256(_mm256_or_si256(low, high), too_large));
        low = _mm256_sub_epi32(low, load_eight_avx2(runs + i - 2));
        high = _mm256_sub_epi32(high, load_eight_avx2(runs + i + 6));
        /* In order again; what does not fit in 16 bits becomes what does not fit in 10. */
        __m256i number = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
        __m256i beyond_10 = _mm256_add_epi16(number, _mm256_set1_epi16(512));
        __m256i beyond_5 = _mm256_add_epi16(number, _mm256_set1_epi16(16));
        beyond_10 = _mm256_and_si256(beyond_10, _mm256_set1_epi16(-1024));
        beyond_5 = _mm256_and_si256(beyond_5, _mm256_set1_epi16(-32));
        stop = _mm256_or_si256(stop, beyond_10);
        if (PM_UNLIKELY(!_mm256_testz_si256(stop, stop)))
            break;
        __m256i has_one = _mm256_cmpeq_epi16(beyond_5, zero);
        __m256i first = _mm256_and_si256(number, _mm256_set1_epi16(31));
        first = _mm256_or_si256(first, _mm256_andnot_si256(has_one, _mm256_set1_epi16(32)));
        __m256i second = _mm256_and_si256(_mm256_slli_epi16(number, 3), _mm256_set1_epi16(31 << 8));
        __m256i both = _mm256_add_epi8(_mm256_or_si256(first, second), _mm256_set1_epi8(48));
        uint32_t have_two = ~(uint32_t)_mm256_movemask_epi8(_mm256_packs_epi16(has_one, has_one));
        uint32_t low_two = have_two & 0xff;
        uint32_t high_two = have_two >> 16 & 0xff;
        both = _mm256_shuffle_epi8(both, load_halves_avx2(kept_avx2[low_two], kept_avx2[high_two]));
        _mm_storeu_si128((__m128i *)out, _mm256_castsi256_si128(both));
        out += 8 + _mm_popcnt_u32(low_two);
        _mm_storeu_si128((__m128i *)out, _mm256_extracti128_si256(both, 1));
        out += 8 + _mm_popcnt_u32(high_two);
    }
    int64_t rest;
    i += pm_write_runs_portable(runs + i, n - i, out, &rest);
    *length = out - text + rest;
    return i;
}

/* 0.034 -> 0.024 ms for the same runs, of which a compiler without AVX2 shuffles pairs apart. A pair is a word of 64
 * bits, the foreground above. */
PM_AVX2 uint64_t pm_area_avx2(const uint32_t *runs, int64_t n) {
    const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        even = _mm256_add_epi64(even, _mm256_srli_epi64(load_eight_avx2(runs + 2 * i), 32));
        odd = _mm256_add_epi64(odd, _mm256_srli_epi64(load_eight_avx2(runs + 2 * i + 8), 32));
    }
    for (; i < n; i += 4) { /* the last one to seven pairs */
        __m256i there = _mm256_cmpgt_epi64(_mm256_set1_epi64x(n - i), lane);
        __m256i rest = _mm256_maskload_epi64((const long long *)(runs + 2 * i), there);
        even = _mm256_add_epi64(even, _mm256_srli_epi64(rest, 32));
    }
    return sum_words_avx2(_mm256_add_epi64(even, odd));
}

/* A run is set in four words from the one where it starts, without a branch; most runs of real masks end there. 91 k runs:
 * 0.28 ms instead of 0.38. */
PM_AVX2 void pm_paint_avx2(const uint32_t *runs, int64_t n, int64_t position, int64_t end, uint64_t *bits) {
    const __m256i ones = _mm256_set1_epi64x(-1);
    const __m256i word_ends = _mm256_setr_epi64x(64, 128, 192, 256);
    for (int64_t i = 0; i < n; i++) {
        int64_t start = position + runs[2 * i];
        position = start + runs[2 * i + 1];
        if (PM_UNLIKELY(start >= end))
            return;
        uint64_t *words = bits + start / 64;
        int64_t first = start % 64;
        int64_t behind = first + pm_min(position, end) - start;
        /* The lowest word without its `first` bits; each without those that are behind the run. Shifting by 64 leaves
         * nothing. */
        __m256i low = _mm256_sllv_epi64(ones, _mm256_castsi128_si256(_mm_cvtsi64_si128(first)));
        __m256i beyond = _mm256_sub_epi32(word_ends, _mm256_set1_epi64x(pm_min(behind, 256)));
        __m256i high = _mm256_srlv_epi64(ones, _mm256_max_epi32(beyond, _mm256_setzero_si256()));
        __m256i before = _mm256_loadu_si256((const __m256i *)words);
        _mm256_storeu_si256((__m256i *)words, _mm256_or_si256(before, _mm256_and_si256(low, high)));
        if (PM_UNLIKELY(behind > 256))
            pm_bits_set(words, 256, behind);
    }
}

/* Where n <= 64 words differ from the pixel before, as words; returns a word with a bit for each that is not 0. */
PM_AVX2 static inline uint64_t find_changes_avx2(const uint64_t *bits, int64_t n, uint64_t carry, uint64_t *changes) {
    __m256i before = _mm256_set1_epi64x((long long)(carry << 63)); /* the lowest lane: the word before the four */
    uint64_t any = 0;
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i words = _mm256_loadu_si256((const __m256i *)(bits + i));
        __m256i rotated = _mm256_permute4x64_epi64(words, 0x93);
        __m256i top = _mm256_srli_epi64(_mm256_blend_epi32(rotated, before, 3), 63);
        __m256i change = _mm256_xor_si256(words, _mm256_or_si256(_mm256_add_epi64(words, words), top));
        __m256i none = _mm256_cmpeq_epi64(change, _mm256_setzero_si256());
        _mm256_storeu_si256((__m256i *)(changes + i), change);
        any |= (uint64_t)(_mm256_movemask_pd(_mm256_castsi256_pd(none)) ^ 15) << i;
        before = rotated;
    }
    for (; i < n; i++) {
        changes[i] = bits[i] ^ (bits[i] << 1 | (i > 0 ? bits[i - 1] >> 63 : carry));
        any |= (uint64_t)(changes[i] != 0) << i;
    }
    return any;
}

/* Write the runs that end in the words of `any`, at least one. Nearly all have one change or two, without a pattern that
 * a branch could learn: two runs are written, and as many kept as there are changes. */
PM_AVX2 static inline bool write_changes_avx2(pm_bit_walker *walker, uint64_t any, const uint64_t *changes) {
    uint32_t *out = walker->out;
    int64_t first_word = pm_lowest_bit(any);
    int64_t first_change = walker->position + 64 * first_word + pm_lowest_bit(changes[first_word]);
    if (walker->out_end - out < walker->room)
        return false;
    while (PM_UNLIKELY(first_change - walker->run_start > UINT32_MAX)) { /* the only run that can be wide */
        *out++ = UINT32_MAX;
        *out++ = 0;
        walker->run_start += UINT32_MAX;
    }
    uint32_t run_start = (uint32_t)(walker->run_start - walker->position); /* from these words on, modulo 2^32 */
    for (; any; any &= any - 1) {
        uint32_t start = 64 * (uint32_t)pm_lowest_bit(any);
        uint64_t change = changes[start / 64];
        uint64_t more = change & (change - 1);
        uint32_t first = (uint32_t)pm_lowest_bit(change);
        uint32_t last = (uint32_t)pm_lowest_bit(more ? more : change);
        int64_t n_changes = _mm_popcnt_u64(change);
        if (PM_UNLIKELY(walker->out_end - out < walker->room))
            return false;
        out[0] = start + first - run_start;
        out[1] = last - first;
        for (int64_t i = 2; PM_UNLIKELY(i < n_changes); i++) {
            uint32_t before = last;
            more &= more - 1;
            last = (uint32_t)pm_lowest_bit(more);
            out[i] = last - before;
        }
        out += n_changes;
        run_start = start + last;
    }
    walker->out = out;
    walker->run_start = walker->position + run_start;
    return true;
}

/* 64 words at a time. 100 unions of real masks, 419 k words that end 140 k runs: 0.41 ms instead of 0.88. */
PM_AVX2 bool pm_walk_avx2(pm_bit_walker *walker_in, const uint64_t *bits, int64_t n) {
    pm_bit_walker walker = *walker_in; /* in registers */
    for (; n > 0; n -= 64 * 64, bits += 64) {
        uint64_t changes[64];
        int64_t n_bits = pm_min(n, 64 * 64);
        int64_t last = (n_bits - 1) / 64;
        int last_bit = (int)((n_bits - 1) % 64);
        uint64_t any = find_changes_avx2(bits, last + 1, walker.carry, changes);
        changes[last] &= pm_bit_range(0, last_bit);
        any &= ~((uint64_t)(changes[last] == 0) << last);
        walker.carry = bits[last] >> last_bit & 1;
        if (any && !write_changes_avx2(&walker, any, changes))
            return false;
        walker.position += n_bits;
    }
    *walker_in = walker;
    return true;
}

/* What divides positions below 2^31 by the height in 32-bit lanes. With l the bits of height - 1, 2^(31 + l) / height
 * rounded up is below 2^32, and off by e < 1, so that its product with a position is off by position * e < 2^31, which
 * does not carry a quotient over the next multiple of 1 / height: 2^(31 + l) / height is 2^31 or more. */
typedef struct divisor {
    __m256i height;
    __m256i factor;
    __m128i shift; /* of the upper half of a product: l - 1 */
} divisor;

PM_AVX2 static inline divisor divisor_of(const pm_grid *grid) {
    int bits = 1;
    while (grid->height > INT64_C(1) << bits)
        bits++;
    uint64_t factor = ((grid->factor - 1) >> (33 - bits)) + 1;
    return (divisor){_mm256_set1_epi32((int)grid->height), _mm256_set1_epi32((int)(uint32_t)factor),
                     _mm_cvtsi32_si128(bits - 1)};
}

PM_AVX2 static inline __m256i columns_avx2(__m256i positions, divisor by) {
    __m256i even = _mm256_mul_epu32(positions, by.factor);
    __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(positions, 32), by.factor);
    return _mm256_srl_epi32(_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa), by.shift);
}

/* Eight runs of foreground in positions below 2^31. */
typedef struct eight_runs {
    __m256i first;
    __m256i lengths;
    __m256i behind; /* the position behind all eight, in every lane */
    __m256i seen;   /* the bits of the runs and of that position    */
} eight_runs;

PM_AVX2 static inline eight_runs load_runs_avx2(const uint32_t *runs, int64_t n, __m256i position) {
    __m256i low, high; /* pairs 0 1 4 5 and 2 3 6 7 */
    if (n >= 8) {
        const __m128i *two = (const __m128i *)runs;
        low = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(two)), _mm_loadu_si128(two + 2), 1);
        high = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(two + 1)), _mm_loadu_si128(two + 3), 1);
    } else {
        const __m256i left = _mm256_set1_epi64x(n);
        const long long *pairs = (const long long *)runs;
        low = _mm256_maskload_epi64(pairs, _mm256_cmpgt_epi64(left, _mm256_setr_epi64x(0, 1, 2, 3)));
        high = _mm256_maskload_epi64(pairs + 4, _mm256_cmpgt_epi64(left, _mm256_setr_epi64x(4, 5, 6, 7)));
        __m256i swapped = _mm256_permute2x128_si256(low, high, 0x20);
        high = _mm256_permute2x128_si256(low, high, 0x31);
        low = swapped;
    }
    eight_runs eight;
    __m256 a = _mm256_castsi256_ps(low);
    __m256 b = _mm256_castsi256_ps(high);
    eight.lengths = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd));
    __m256i end = _mm256_add_epi32(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)), eight.lengths);
    end = _mm256_add_epi32(end, _mm256_slli_si256(end, 4));
    end = _mm256_add_epi32(end, _mm256_slli_si256(end, 8));
    __m256i sums = _mm256_shuffle_epi32(end, 0xff); /* of each half */
    __m256i lower = _mm256_permute2x128_si256(sums, sums, 0x08);
    end = _mm256_add_epi32(end, _mm256_add_epi32(lower, position));
    eight.first = _mm256_sub_epi32(end, eight.lengths);
    eight.behind = _mm256_add_epi32(position, _mm256_add_epi32(sums, _mm256_permute2x128_si256(sums, sums, 0x01)));
    eight.seen = _mm256_or_si256(_mm256_or_si256(low, high), eight.behind);
    return eight;
}

PM_AVX2 static inline int32_t smallest_avx2(__m256i lanes) {
    __m128i four = _mm_min_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    __m128i two = _mm_min_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_min_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

PM_AVX2 static inline int32_t largest_avx2(__m256i lanes) {
    return ~smallest_avx2(_mm256_xor_si256(lanes, _mm256_set1_epi32(-1)));
}

/* Rows need one quotient a run: a run that ends below the last row crosses columns, and then the box has all rows. The
 * columns of the box come from the first pixel of all and the last. 0.43 -> 0.13 ms for the boxes of 340 033 runs
 * (Zen 3).
 *
 * False where a run or a position reaches 2^27, be it in counts that were changed after their check: a position below,
 * with the 16 runs behind it, stays below 2^32, so none wraps unseen. */
PM_AVX2 static inline bool find_runs_avx2(const uint32_t *runs, int64_t n, const pm_grid *grid, uint32_t *rows,
                                          uint32_t *columns, pm_box *box) {
    enum { TOO_FAR = 1 << 27 };
    *box = (pm_box){INT64_MAX, INT64_MAX, 0, 0};
    for (; n > 0 && runs[2 * n - 1] == 0; n--) { /* what has no pixels at the end */
    }
    int64_t begin = 0; /* of the foreground */
    int64_t first = 0;
    for (; first < n && runs[2 * first + 1] == 0; first++)
        begin += runs[2 * first];
    if (first >= n)
        return true;
    begin += runs[2 * first];
    if (grid->pixels >= TOO_FAR || grid->factor == 0)
        return false;
    const divisor by = divisor_of(grid);
    const __m256i zero = _mm256_setzero_si256();
    __m256i position = zero;
    __m256i seen = zero;
    __m256i top = by.height;
    __m256i bottom = zero;
    for (int64_t i = 0; i < n; i += 8) {
        eight_runs eight = load_runs_avx2(runs + 2 * i, n - i, position);
        __m256i column = columns_avx2(eight.first, by);
        __m256i row = _mm256_sub_epi32(eight.first, _mm256_mullo_epi32(column, by.height));
        __m256i empty = _mm256_cmpeq_epi32(eight.lengths, zero);
        __m256i end = _mm256_add_epi32(row, eight.lengths);
        top = _mm256_min_epi32(top, _mm256_blendv_epi8(row, by.height, empty));
        bottom = _mm256_max_epi32(bottom, _mm256_andnot_si256(empty, end));
        position = eight.behind;
        seen = _mm256_or_si256(seen, eight.seen);
        if (rows) {
            _mm256_storeu_si256((__m256i *)(rows + i), row);
            _mm256_storeu_si256((__m256i *)(columns + i), column);
        }
    }
    if (!_mm256_testz_si256(seen, _mm256_set1_epi32(-TOO_FAR)))
        return false;
    int64_t end = _mm256_cvtsi256_si32(position);
    int64_t lowest = largest_avx2(bottom);
    bool crosses = lowest > grid->height;
    *box = (pm_box){pm_grid_column(grid, begin), crosses ? 0 : smallest_avx2(top),
                    pm_grid_column(grid, end - 1) + 1, crosses ? grid->height : lowest};
    return true;
}

PM_AVX2 static pm_box box_avx2(const uint32_t *runs, int64_t n, const pm_grid *grid) {
    pm_box box;
    return find_runs_avx2(runs, n, grid, NULL, NULL, &box) ? box : pm_box_portable(runs, n, grid);
}

PM_AVX2 pm_box pm_locate_avx2(const uint32_t *runs, int64_t n, const pm_grid *grid, uint32_t *rows, uint32_t *columns) {
    pm_box box;
    return find_runs_avx2(runs, n, grid, rows, columns, &box) ? box : pm_locate_portable(runs, n, grid, rows, columns);
}

PM_AVX2 static inline __m256i load_avx2(const char *bytes, int64_t vector) {
    return _mm256_loadu_si256((const __m256i *)(bytes + 32 * vector));
}

/* Which of 32 items are equal: all ones or zeros in byte k for item k, whatever their size. Packing narrows within each
 * half of a register, so eights, fours or pairs of bytes are put in order in the end. */
PM_AVX2 static inline __m256i equal_1_avx2(const char *a, const char *b) {
    return _mm256_cmpeq_epi8(load_avx2(a, 0), load_avx2(b, 0));
}

PM_AVX2 static inline __m256i equal_2_avx2(const char *a, const char *b) {
    __m256i low = _mm256_cmpeq_epi16(load_avx2(a, 0), load_avx2(b, 0));
    __m256i high = _mm256_cmpeq_epi16(load_avx2(a, 1), load_avx2(b, 1));
    return _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
}

PM_AVX2 static inline __m256i equal_4_avx2(const char *a, const char *b) {
    __m256i pairs[2];
    for (int k = 0; k < 2; k++) {
        __m256i low = _mm256_cmpeq_epi32(load_avx2(a, 2 * k), load_avx2(b, 2 * k));
        __m256i high = _mm256_cmpeq_epi32(load_avx2(a, 2 * k + 1), load_avx2(b, 2 * k + 1));
        pairs[k] = _mm256_packs_epi32(low, high);
    }
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(pairs[0], pairs[1]), order);
}

PM_AVX2 static inline uint32_t differ_8_avx2(const char *a, const char *b) {
    uint32_t equal = 0;
    for (int k = 0; k < 8; k++) {
        __m256i four = _mm256_cmpeq_epi64(load_avx2(a, k), load_avx2(b, k));
        equal |= (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(four)) << (4 * k);
    }
    return ~equal;
}

PM_AVX2 static inline uint32_t differ_32_avx2(const char *a, const char *b, int64_t item_size) {
    switch (item_size) {
    case 1:
        return (uint32_t)~_mm256_movemask_epi8(equal_1_avx2(a, b));
    case 2:
        return (uint32_t)~_mm256_movemask_epi8(equal_2_avx2(a, b));
    case 4:
        return (uint32_t)~_mm256_movemask_epi8(equal_4_avx2(a, b));
    default:
        return differ_8_avx2(a, b);
    }
}

PM_AVX2 static inline uint64_t differ_64_avx2(const char *a, const char *b, int64_t item_size) {
    uint64_t low = differ_32_avx2(a, b, item_size);
    return low | (uint64_t)differ_32_avx2(a + 32 * item_size, b + 32 * item_size, item_size) << 32;
}

/* The last word of a line that has more than one is cut from the 64 items that end with the line. */
#define DIFFER_LINE(size)                                                                                              \
    do {                                                                                                               \
        for (; i + 64 <= n; i += 64)                                                                                   \
            *bits++ = differ_64_avx2(x + i * (size), y + i * (size), size);                                            \
        if (i < n && n >= 64)                                                                                          \
            *bits = differ_64_avx2(x + (n - 64) * (size), y + (n - 64) * (size), size) >> (64 - (n - i));              \
    } while (0)

PM_AVX2 void pm_differs_avx2(const void *a, const void *b, int64_t n, int64_t item_size, uint64_t *bits) {
    const char *x = a;
    const char *y = b;
    int64_t i = 0;
    if (n < 64)
        pm_differs_portable(a, b, n, item_size, bits);
    else if (item_size == 1)
        DIFFER_LINE(1);
    else if (item_size == 2)
        DIFFER_LINE(2);
    else if (item_size == 4)
        DIFFER_LINE(4);
    else
        DIFFER_LINE(8);
}

/* Four pixels are twelve bytes of a lane, which one shuffle deals out; a lane is read whole, so that the last pixels are
 * left to the portable loop. */
PM_AVX2 static inline __m256i load_8_avx2(const uint8_t *rgb, __m256i deal) {
    __m128i low = _mm_loadu_si128((const __m128i *)rgb);
    __m128i high = _mm_loadu_si128((const __m128i *)(rgb + 12));
    __m256i lanes = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    return _mm256_shuffle_epi8(lanes, deal);
}

PM_AVX2 static inline void join_8_avx2(const uint8_t *rgb, __m256i deal, uint32_t *ids) {
    _mm256_storeu_si256((__m256i *)ids, load_8_avx2(rgb, deal));
}

/* Both halves side by side, as two streams come faster from memory than one: 158 us instead of 206 for two images of
 * COCO that are in no cache, and no difference from the L3 on. 32 pixels of each at a time: 25 us instead of 29 with 8
 * for 640 x 427 pixels in the L3, which is as fast as one core reads and writes there. Writing past the cache, or having
 * lines brought near, won nothing (Zen 3). */
PM_AVX2 void pm_join_rgb_avx2(const uint8_t *rgb, int64_t n, bool is_reversed, uint32_t *ids) {
    const __m256i forwards = _mm256_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1, /* */
                                              0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    const __m256i backwards = _mm256_setr_epi8(2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1, /* */
                                               2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1);
    const __m256i deal = is_reversed ? backwards : forwards;
    int64_t half = n / 2;
    int64_t i = 0;
    for (; half + i + 34 <= n; i += 32)
        for (int64_t at = i; at <= half + i; at += half)
            for (int64_t k = at; k < at + 32; k += 8)
                join_8_avx2(rgb + 3 * k, deal, ids + k);
    for (; half + i + 10 <= n; i += 8) {
        join_8_avx2(rgb + 3 * i, deal, ids + i);
        join_8_avx2(rgb + 3 * (half + i), deal, ids + half + i);
    }
    pm_kernels_portable.join_rgb(rgb + 3 * i, half - i, is_reversed, ids + i);
    pm_kernels_portable.join_rgb(rgb + 3 * (half + i), n - half - i, is_reversed, ids + half + i);
}

PM_AVX2 void pm_add_rgb_avx2(const uint8_t *rgb, int64_t n, uint32_t *ids) {
    const __m256i deal = _mm256_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1, /* */
                                          0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    int64_t i = 0;
    for (; i + 10 <= n; i += 8) {
        __m256i eight = _mm256_loadu_si256((const __m256i *)(ids + i));
        _mm256_storeu_si256((__m256i *)(ids + i), _mm256_add_epi8(eight, load_8_avx2(rgb + 3 * i, deal)));
    }
    pm_add_rgb_portable(rgb + 3 * i, n - i, ids + i);
}

/* Eight numbers as 24 bytes and eight of nothing. */
PM_AVX2 static inline __m256i split_8_avx2(__m256i ids, __m256i gather) {
    const __m256i close = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
    return _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(ids, gather), close);
}

/* Each store covers the eight bytes of nothing of the one before, and the last pixels are left to the portable loop. */
PM_AVX2 uint32_t pm_split_rgb_avx2(const uint32_t *ids, int64_t n, bool is_reversed, uint8_t *rgb) {
    const __m256i forwards = _mm256_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1, /* */
                                              0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    const __m256i backwards = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, /* */
                                               2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i gather = is_reversed ? backwards : forwards;
    __m256i all = _mm256_setzero_si256();
    int64_t i = 0;
    for (; i + 19 <= n; i += 16) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(ids + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(ids + i + 8));
        all = _mm256_or_si256(all, _mm256_or_si256(a, b));
        _mm256_storeu_si256((__m256i *)(rgb + 3 * i), split_8_avx2(a, gather));
        _mm256_storeu_si256((__m256i *)(rgb + 3 * i + 24), split_8_avx2(b, gather));
    }
    uint32_t parts[8];
    _mm256_storeu_si256((__m256i *)parts, all);
    uint32_t rest = pm_kernels_portable.split_rgb(ids + i, n - i, is_reversed, rgb + 3 * i);
    for (int k = 0; k < 8; k++)
        rest |= parts[k];
    return rest;
}

const pm_kernels pm_kernels_avx2 = {
    .name = "avx2",
    .pack = pack_avx2,
    .unpack = unpack_avx2,
    .unpack_past = pm_unpack_past_avx2,
    .transpose = transpose_avx2,
    .shared = shared_avx2,
    .fill_down = fill_down_avx2,
    .read_runs = read_runs_avx2,
    .write_runs = write_runs_avx2,
    .area = pm_area_avx2,
    .paint = pm_paint_avx2,
    .walk = pm_walk_avx2,
    .differs = pm_differs_avx2,
    .box = box_avx2,
    .locate = pm_locate_avx2,
    .join_rgb = pm_join_rgb_avx2,
    .add_rgb = pm_add_rgb_avx2,
    .split_rgb = pm_split_rgb_avx2,
};

#endif
