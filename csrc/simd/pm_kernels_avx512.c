/* pm_kernels_avx512.c - the kernels for x86-64 with AVX-512 BW, DQ, VL, IFMA, VBMI, VBMI2, VPOPCNTDQ, GFNI and BMI2
 * (Ice Lake, Zen 4 and later). */
#include "../pm_counts.h"
#include "../pm_kernels.h"

#if defined(PM_HAVE_AVX512)

#include <immintrin.h>

#define PM_AVX512                                                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx512vbmi,avx512vbmi2,avx512vpopcntdq,gfni," \
                          "bmi,bmi2,popcnt")))

PM_AVX512 static void pack_avx512(const uint8_t *bytes, int64_t n, uint64_t *bits) {
    int64_t i = 0;
    for (; i + 64 <= n; i += 64) {
        /* Two loads of 32 bytes, of which one at most lies across cache lines, where every one of 64 would: streaming
         * 480 MB of masks 22 ms instead of 24. */
        __m256i first = _mm256_loadu_si256((const __m256i *)(bytes + i));
        __m256i second = _mm256_loadu_si256((const __m256i *)(bytes + i + 32));
        *bits++ = _mm256_test_epi8_mask(first, first) | (uint64_t)_mm256_test_epi8_mask(second, second) << 32;
    }
    if (i < n) {
        __mmask64 there = ~UINT64_C(0) >> (64 - (n - i));
        __m512i pixels = _mm512_maskz_loadu_epi8(there, bytes + i);
        *bits = _mm512_test_epi8_mask(pixels, pixels);
    }
}

PM_AVX512 static void unpack_avx512(const uint64_t *bits, int64_t n, uint8_t one, uint8_t *bytes) {
    const __m512i ones = _mm512_set1_epi8((char)one);
    int64_t i = 0;
    for (; i + 64 <= n; i += 64)
        _mm512_storeu_si512(bytes + i, _mm512_maskz_mov_epi8(bits[i / 64], ones));
    if (i < n) {
        __mmask64 there = ~UINT64_C(0) >> (64 - (n - i));
        _mm512_mask_storeu_epi8(bytes + i, there, _mm512_maskz_mov_epi8(bits[i / 64], ones));
    }
}

/* 0.02 us instead of 0.09.
 *
 * Eight rows fill a register, eight blocks of 8 x 8 bits. Their bytes are sorted by block (and upside down, as the
 * matrix product wants them), a product with the unit vectors transposes each block, the eight registers exchange words
 * so that one holds the blocks of eight columns, and their bytes are sorted by column. */
PM_AVX512 static void transpose_avx512(uint64_t *tile) {
    const __m512i units = _mm512_set1_epi64((long long)UINT64_C(0x8040201008040201));
    uint8_t to_blocks[64];
    uint8_t to_columns[64];
    for (int i = 0; i < 64; i++) { /* constants, to a compiler that unrolls it */
        to_blocks[i] = (uint8_t)(8 * (7 - i % 8) + i / 8);
        to_columns[i] = (uint8_t)(8 * (i % 8) + i / 8);
    }
    const __m512i blocks = _mm512_loadu_si512(to_blocks);
    const __m512i columns = _mm512_loadu_si512(to_columns);
    __m512i rows[8];
    for (int k = 0; k < 8; k++) {
        __m512i x = _mm512_permutexvar_epi8(blocks, _mm512_loadu_si512(tile + 8 * k));
        rows[k] = _mm512_gf2p8affine_epi64_epi8(units, x, 0);
    }
    for (int odd = 0; odd < 2; odd++) {
        __m512i pairs[4];
        for (int k = 0; k < 4; k++)
            pairs[k] = odd ? _mm512_unpackhi_epi64(rows[2 * k], rows[2 * k + 1])
                           : _mm512_unpacklo_epi64(rows[2 * k], rows[2 * k + 1]);
        __m512i low[2] = {_mm512_shuffle_i64x2(pairs[0], pairs[1], 0x88), _mm512_shuffle_i64x2(pairs[2], pairs[3], 0x88)};
        __m512i high[2] = {_mm512_shuffle_i64x2(pairs[0], pairs[1], 0xdd), _mm512_shuffle_i64x2(pairs[2], pairs[3], 0xdd)};
        uint64_t *out = tile + 8 * odd;
        _mm512_storeu_si512(out, _mm512_permutexvar_epi8(columns, _mm512_shuffle_i64x2(low[0], low[1], 0x88)));
        _mm512_storeu_si512(out + 16, _mm512_permutexvar_epi8(columns, _mm512_shuffle_i64x2(high[0], high[1], 0x88)));
        _mm512_storeu_si512(out + 32, _mm512_permutexvar_epi8(columns, _mm512_shuffle_i64x2(low[0], low[1], 0xdd)));
        _mm512_storeu_si512(out + 48, _mm512_permutexvar_epi8(columns, _mm512_shuffle_i64x2(high[0], high[1], 0xdd)));
    }
}

PM_AVX512 static uint64_t shared_avx512(const uint64_t *a, int64_t step_a, const uint64_t *b, int64_t step_b,
                                        int64_t rows, int64_t n) {
    const __mmask8 there = (__mmask8)((1u << (n % 8)) - 1);
    __m512i sum = _mm512_setzero_si512();
    for (int64_t r = 0; r < rows; r++, a += step_a, b += step_b) {
        int64_t i = 0;
        for (; i + 8 <= n; i += 8) {
            __m512i both = _mm512_and_si512(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i));
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(both));
        }
        if (there) {
            __m512i x = _mm512_maskz_loadu_epi64(there, a + i);
            __m512i y = _mm512_maskz_loadu_epi64(there, b + i);
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_and_si512(x, y)));
        }
    }
    return (uint64_t)_mm512_reduce_add_epi64(sum);
}

PM_AVX512 static void fill_down_avx512(uint64_t *bits, int64_t width, int64_t n) {
    int64_t i = width;
    for (; width >= 8 && i + 8 <= n; i += 8) {
        __m512i above = _mm512_srai_epi64(_mm512_loadu_si512(bits + i - width), 63);
        _mm512_storeu_si512(bits + i, _mm512_xor_si512(_mm512_loadu_si512(bits + i), above));
    }
    pm_fill_down_portable(bits + i - width, width, n - (i - width));
}

/* Every lane plus the lanes 2, 4, 6, ... below it. */
PM_AVX512 static inline __m512i sum_every_other16(__m512i x) {
    const __m512i zero = _mm512_setzero_si512();
    x = _mm512_add_epi16(x, _mm512_alignr_epi32(x, zero, 15));
    x = _mm512_add_epi16(x, _mm512_alignr_epi32(x, zero, 14));
    x = _mm512_add_epi16(x, _mm512_alignr_epi32(x, zero, 12));
    return _mm512_add_epi16(x, _mm512_alignr_epi32(x, zero, 8));
}

/* 0.26 ms for the 340 033 runs of 1572 real masks, the portable loop 0.50 (Zen 4, gcc 12).
 *
 * 32 characters at a time: those that begin a number are drawn together, those that end one of two likewise, and the
 * numbers, differences to the run before the last, are summed over every other lane. Lanes behind the last number are
 * zero, so that the two highest hold the last two runs, which the next turn starts from. */
PM_AVX512 static int64_t read_runs_avx512(const uint8_t *text, int64_t length, uint32_t *runs, int64_t *n_runs,
                                          int64_t *covered) {
    enum { STEP = 32 };
    if (length < STEP / 2)
        return pm_read_runs_portable(text, length, runs, n_runs, covered);
    const __m256i zero_digit = _mm256_set1_epi8(48);
    const __m256i goes_on_bit = _mm256_set1_epi8(32);
    const __m256i largest = _mm256_set1_epi8(63);
    const __m256i payload = _mm256_set1_epi8(31);
    const __m256i sign = _mm256_set1_epi8(16);
    const __m512i too_large = _mm512_set1_epi32((int)0xc0000000); /* negative, or 2^30 and more */
    const __m512i last_two[2] = {
        _mm512_set1_epi64((long long)((UINT64_C(15) << 32) | 14)), /* after an even number of runs */
        _mm512_set1_epi64((long long)((UINT64_C(14) << 32) | 15)),
    };
    __m512i pairs = _mm512_setzero_si512(); /* sums of even lanes + 2^32 times odd lanes, modulo 2^64 */
    __m512i odd = _mm512_setzero_si512();   /* sums of odd lanes */
    int64_t at = 0;
    int64_t n = 0;
    int64_t alone = 0; /* what runs cover that were read by themselves */
    long long before;
    memcpy(&before, runs - 2, sizeof before);
    __m512i in_front = _mm512_set1_epi64(before);
    while (at < length) {
        int64_t left = length - at < STEP ? length - at : STEP;
        /* All but a number that is cut off. What the next turn waits for is one byte, not the masks below. */
        int64_t consumed = left - ((text[at + left - 1] - 48u) >> 5 & 1);
        __mmask32 there = _bzhi_u32(~UINT32_C(0), (unsigned)left);
        __m256i digits = _mm256_maskz_loadu_epi8(there, text + at);
        __m256i next = _mm256_maskz_loadu_epi8(there >> 1, text + at + 1);
        digits = _mm256_maskz_sub_epi8(there, digits, zero_digit);
        next = _mm256_sub_epi8(next, zero_digit);
        uint32_t goes_on = _mm256_test_epi8_mask(digits, goes_on_bit);
        /* Second characters of longer numbers, and what is no character of COCO text: the number in front is not read. */
        uint32_t stop = (goes_on & (goes_on << 1)) | _mm256_cmpgt_epu8_mask(digits, largest);
        if (PM_UNLIKELY(stop)) {
            consumed = _tzcnt_u32(stop);
            consumed -= consumed > 0 && (goes_on >> (consumed - 1) & 1);
        }
        uint32_t starts = _bzhi_u32(~(goes_on << 1), (unsigned)consumed);
        int m = (int)_mm_popcnt_u32(starts);
        __mmask32 is_pair = (__mmask32)_pext_u32(goes_on, starts);
        __m256i first = _mm256_and_si256(_mm256_maskz_compress_epi8(starts, digits), payload);
        __m256i second = _mm256_and_si256(_mm256_maskz_compress_epi8(starts, next), payload);
        __m256i first_sign = _mm256_maskz_mov_epi8(~is_pair, sign);
        first = _mm256_sub_epi8(_mm256_xor_si256(first, first_sign), first_sign);
        second = _mm256_maskz_sub_epi8(is_pair, _mm256_xor_si256(second, sign), sign);
        __m512i x = _mm512_add_epi16(_mm512_cvtepi8_epi16(first), _mm512_slli_epi16(_mm512_cvtepi8_epi16(second), 5));
        x = sum_every_other16(x);
        __m512i low = _mm512_cvtepi16_epi32(_mm512_castsi512_si256(x));
        __m512i high = _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(x, 1));
        uint32_t kept = _bzhi_u32(~UINT32_C(0), (unsigned)m);
        low = _mm512_maskz_add_epi32((__mmask16)kept, low, in_front);
        in_front = _mm512_add_epi32(high, in_front);
        high = _mm512_maskz_mov_epi32((__mmask16)(kept >> 16), in_front);
        if (PM_UNLIKELY(_mm512_test_epi32_mask(_mm512_or_si512(low, high), too_large)))
            break;
        if (length - at >= STEP) {
            _mm512_storeu_si512(runs + n, low);
            _mm512_storeu_si512(runs + n + 16, high);
        } else {
            _mm512_mask_storeu_epi32(runs + n, (__mmask16)kept, low);
            _mm512_mask_storeu_epi32(runs + n + 16, (__mmask16)(kept >> 16), high);
        }
        in_front = _mm512_permutexvar_epi32(last_two[m & 1], in_front);
        low = _mm512_add_epi32(low, high); /* below 2^31 */
        pairs = _mm512_add_epi64(pairs, low);
        odd = _mm512_add_epi64(odd, _mm512_srli_epi64(low, 32));
        n += m;
        at += consumed;
        if (PM_UNLIKELY(stop || consumed == 0)) {
            uint64_t two = (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128(in_front));
            pm_number number = pm_counts_number(text, at, length);
            int64_t run = number.value + (uint32_t)two;
            if (number.length == 0 || run < 0 || run >= INT64_C(1) << 30)
                break;
            runs[n++] = (uint32_t)run;
            alone += run;
            at += number.length;
            in_front = _mm512_set1_epi64((long long)(two >> 32 | (uint64_t)run << 32));
        }
    }
    __m512i even = _mm512_sub_epi64(pairs, _mm512_slli_epi64(odd, 32));
    *covered = alone + _mm512_reduce_add_epi64(_mm512_add_epi64(even, odd));
    *n_runs = n;
    return at;
}

/* 0.57 -> 0.14 ms for the 340 033 runs of 1572 real masks (Zen 4, gcc 12). Sixteen runs at a time: both characters of
 * each number side by side, of which those are drawn together that it has. */
PM_AVX512 static int64_t write_runs_avx512(const uint32_t *runs, int64_t n, uint8_t *text, int64_t *length) {
    enum { STEP = 16 };
    const __m512i payload = _mm512_set1_epi32(31);
    const __m512i zero_digit = _mm512_set1_epi32(48);
    uint8_t *out = text;
    int64_t i = 0;
    while (i + STEP < n) {
        __m512i run = _mm512_loadu_si512(runs + i);
        __m512i number = _mm512_sub_epi32(run, _mm512_loadu_si512(runs + i - 2));
        __m512i following = _mm512_loadu_si512(runs + i + 1);
        uint32_t stop = _mm512_cmpge_epu32_mask(_mm512_add_epi32(number, _mm512_set1_epi32(512)),
                                                _mm512_set1_epi32(1024)) |
                        _mm512_cmpge_epu32_mask(run, _mm512_set1_epi32(1 << 30)) |
                        _mm512_testn_epi32_mask(following, following);
        uint32_t plain = stop ? (stop & (0 - stop)) - 1 : 0xffff;
        __mmask16 has_two = _mm512_cmpge_epu32_mask(_mm512_add_epi32(number, _mm512_set1_epi32(16)),
                                                    _mm512_set1_epi32(32));
        __m512i first = _mm512_add_epi32(_mm512_and_si512(number, payload), zero_digit);
        first = _mm512_mask_add_epi32(first, has_two, first, _mm512_set1_epi32(32));
        __m512i second = _mm512_add_epi32(_mm512_and_si512(_mm512_srai_epi32(number, 5), payload), zero_digit);
        __m512i both = _mm512_or_si512(first, _mm512_slli_epi32(second, 8));
        uint32_t kept = _pdep_u32(plain, 0x55555555) | _pdep_u32(plain & has_two, 0xaaaaaaaa);
        __m256i characters = _mm256_maskz_compress_epi8(kept, _mm512_cvtepi32_epi16(both));
        _mm256_storeu_si256((__m256i *)out, characters);
        out += _mm_popcnt_u32(kept);
        i += _mm_popcnt_u32(plain);
        if (PM_UNLIKELY(stop))
            break;
    }
    int64_t rest;
    i += pm_write_runs_portable(runs + i, n - i, out, &rest);
    *length = out - text + rest;
    return i;
}

/* Eight runs of foreground: their first pixels and their last, in positions, rows and columns. */
typedef struct eight_spans {
    __mmask8 there; /* those that have pixels */
    __m512i first_row;
    __m512i first_column;
    __m512i last_row;
    __m512i last_column;
    __m512i behind; /* the position behind all eight, in every lane */
} eight_spans;

/* Products of 52 bits are exact for what divides the position, as of 64 bits in pm_grid_of, below this. */
static inline bool fits_52_bits(const pm_grid *grid) {
    return grid->factor != 0 && grid->pixels <= (INT64_C(1) << 52) / grid->height;
}

PM_AVX512 static inline __m512i factor_52_bits(const pm_grid *grid) {
    return _mm512_set1_epi64((long long)((grid->factor + 4095) >> 12));
}

PM_AVX512 static inline eight_spans locate_eight(const uint32_t *runs, int64_t n, __m512i position, __m512i height,
                                                 __m512i factor) {
    const __m512i zero = _mm512_setzero_si512();
    __mmask8 pairs = (__mmask8)(n >= 8 ? 0xff : (1u << n) - 1);
    __m512i both = _mm512_maskz_loadu_epi64(pairs, runs);
    __m512i lengths = _mm512_srli_epi64(both, 32);
    __m512i end = _mm512_add_epi64(_mm512_and_si512(both, _mm512_set1_epi64(0xffffffff)), lengths);
    end = _mm512_add_epi64(end, _mm512_alignr_epi64(end, zero, 7));
    end = _mm512_add_epi64(end, _mm512_alignr_epi64(end, zero, 6));
    end = _mm512_add_epi64(end, _mm512_alignr_epi64(end, zero, 4));
    end = _mm512_add_epi64(end, position);
    __m512i first = _mm512_sub_epi64(end, lengths);
    eight_spans spans;
    spans.there = _mm512_test_epi64_mask(lengths, lengths);
    __m512i last = _mm512_mask_sub_epi64(end, spans.there, end, _mm512_set1_epi64(1));
    spans.first_column = _mm512_madd52hi_epu64(zero, first, factor);
    spans.last_column = _mm512_madd52hi_epu64(zero, last, factor);
    spans.first_row = _mm512_sub_epi64(first, _mm512_mullo_epi64(spans.first_column, height));
    spans.last_row = _mm512_sub_epi64(last, _mm512_mullo_epi64(spans.last_column, height));
    spans.behind = _mm512_permutexvar_epi64(_mm512_set1_epi64(7), end);
    return spans;
}

PM_AVX512 static pm_box box_avx512(const uint32_t *runs, int64_t n, const pm_grid *grid) {
    if (!fits_52_bits(grid))
        return pm_box_portable(runs, n, grid);
    const __m512i height = _mm512_set1_epi64(grid->height);
    const __m512i factor = factor_52_bits(grid);
    const __m512i zero = _mm512_setzero_si512();
    const __m512i one = _mm512_set1_epi64(1);
    __m512i position = zero;
    __m512i left = _mm512_set1_epi64(INT64_MAX);
    __m512i top = left;
    __m512i right = zero;
    __m512i bottom = zero;
    for (int64_t i = 0; i < n; i += 8) {
        eight_spans spans = locate_eight(runs + 2 * i, n - i, position, height, factor);
        __mmask8 crosses = _mm512_cmpneq_epi64_mask(spans.first_column, spans.last_column); /* has all rows */
        __m512i highest = _mm512_maskz_mov_epi64((__mmask8)~crosses, spans.first_row);
        __m512i lowest = _mm512_mask_mov_epi64(_mm512_add_epi64(spans.last_row, one), crosses, height);
        left = _mm512_mask_min_epi64(left, spans.there, left, spans.first_column);
        top = _mm512_mask_min_epi64(top, spans.there, top, highest);
        right = _mm512_mask_max_epi64(right, spans.there, right, _mm512_add_epi64(spans.last_column, one));
        bottom = _mm512_mask_max_epi64(bottom, spans.there, bottom, lowest);
        position = spans.behind;
    }
    return (pm_box){_mm512_reduce_min_epi64(left), _mm512_reduce_min_epi64(top), _mm512_reduce_max_epi64(right),
                    _mm512_reduce_max_epi64(bottom)};
}

const pm_kernels pm_kernels_avx512 = {
    .name = "avx512",
    .pack = pack_avx512,
    .unpack = unpack_avx512,
    .unpack_past = pm_unpack_past_avx2,
    .transpose = transpose_avx512,
    .shared = shared_avx512,
    .fill_down = fill_down_avx512,
    .paint = pm_paint_avx2,
    .walk = pm_walk_avx2,
    .read_runs = read_runs_avx512,
    .write_runs = write_runs_avx512,
    .area = pm_area_avx2,
    .differs = pm_differs_avx2,
    .box = box_avx512,
    .locate = pm_locate_avx2,
    .join_rgb = pm_join_rgb_avx2,
    .add_rgb = pm_add_rgb_avx2,
    .split_rgb = pm_split_rgb_avx2,
};

#endif
