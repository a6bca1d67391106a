/* pm_kernels_neon.c - the kernels for 64-bit ARM, where every processor has NEON. */
#include "../pm_kernels.h"

#if defined(PM_HAVE_NEON)

#include <arm_neon.h>

/* Bit k % 8 in byte k. */
static inline uint8x16_t own_bits(void) {
    return vreinterpretq_u8_u64(vdupq_n_u64(UINT64_C(0x8040201008040201)));
}

/* Each byte keeps its own bit, and three sums of neighbours draw eight bytes together to one. */
static inline uint64_t pack_64_neon(const uint8_t *bytes) {
    uint8x16_t a = vandq_u8(vtstq_u8(vld1q_u8(bytes), vld1q_u8(bytes)), own_bits());
    uint8x16_t b = vandq_u8(vtstq_u8(vld1q_u8(bytes + 16), vld1q_u8(bytes + 16)), own_bits());
    uint8x16_t c = vandq_u8(vtstq_u8(vld1q_u8(bytes + 32), vld1q_u8(bytes + 32)), own_bits());
    uint8x16_t d = vandq_u8(vtstq_u8(vld1q_u8(bytes + 48), vld1q_u8(bytes + 48)), own_bits());
    uint8x16_t sums = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)), 0);
}

static void pack_neon(const uint8_t *bytes, int64_t n, uint64_t *bits) {
    int64_t i = 0;
    for (; i + 64 <= n; i += 64)
        *bits++ = pack_64_neon(bytes + i);
    if (i < n)
        pm_kernels_portable.pack(bytes + i, n - i, bits);
}

static void unpack_neon(const uint64_t *bits, int64_t n, uint8_t one, uint8_t *bytes) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        uint64_t two = bits[i / 64] >> (i % 64);
        uint8x16_t spread = vcombine_u8(vdup_n_u8((uint8_t)two), vdup_n_u8((uint8_t)(two >> 8)));
        vst1q_u8(bytes + i, vandq_u8(vtstq_u8(spread, own_bits()), vdupq_n_u8(one)));
    }
    for (; i < n; i++)
        bytes[i] = (uint8_t)((bits[i / 64] >> (i % 64) & 1) * one);
}

static uint64_t shared_neon(const uint64_t *a, int64_t step_a, const uint64_t *b, int64_t step_b, int64_t rows,
                            int64_t n) {
    uint64x2_t sum = vdupq_n_u64(0);
    for (int64_t r = 0; r < rows; r++, a += step_a, b += step_b) {
        int64_t i = 0;
        for (; i + 2 <= n; i += 2) {
            uint8x16_t ones = vcntq_u8(vreinterpretq_u8_u64(vandq_u64(vld1q_u64(a + i), vld1q_u64(b + i))));
            sum = vpadalq_u32(sum, vpaddlq_u16(vpaddlq_u8(ones)));
        }
        if (i < n) {
            uint8x8_t ones = vcnt_u8(vcreate_u8(a[i] & b[i]));
            sum = vsetq_lane_u64(vgetq_lane_u64(sum, 0) + vaddv_u8(ones), sum, 0);
        }
    }
    return vaddvq_u64(sum);
}

/* Which of 16 items are equal: all ones or zeros in byte k for item k. Narrowing keeps the low half of each lane. */
static inline uint8x16_t equal_1_neon(const uint8_t *a, const uint8_t *b) {
    return vceqq_u8(vld1q_u8(a), vld1q_u8(b));
}

static inline uint8x16_t equal_2_neon(const uint8_t *a, const uint8_t *b) {
    uint16x8_t half[2];
    for (int k = 0; k < 2; k++)
        half[k] = vceqq_u16(vreinterpretq_u16_u8(vld1q_u8(a + 16 * k)), vreinterpretq_u16_u8(vld1q_u8(b + 16 * k)));
    return vcombine_u8(vmovn_u16(half[0]), vmovn_u16(half[1]));
}

static inline uint8x16_t equal_4_neon(const uint8_t *a, const uint8_t *b) {
    uint16x4_t quarter[4];
    for (int k = 0; k < 4; k++)
        quarter[k] = vmovn_u32(
            vceqq_u32(vreinterpretq_u32_u8(vld1q_u8(a + 16 * k)), vreinterpretq_u32_u8(vld1q_u8(b + 16 * k))));
    return vcombine_u8(vmovn_u16(vcombine_u16(quarter[0], quarter[1])),
                       vmovn_u16(vcombine_u16(quarter[2], quarter[3])));
}

static inline uint8x16_t equal_8_neon(const uint8_t *a, const uint8_t *b) {
    uint32x4_t fours[4];
    for (int k = 0; k < 4; k++) {
        uint32x2_t two[2];
        for (int j = 0; j < 2; j++)
            two[j] = vmovn_u64(vceqq_u64(vreinterpretq_u64_u8(vld1q_u8(a + 32 * k + 16 * j)),
                                         vreinterpretq_u64_u8(vld1q_u8(b + 32 * k + 16 * j))));
        fours[k] = vcombine_u32(two[0], two[1]);
    }
    return vcombine_u8(vmovn_u16(vcombine_u16(vmovn_u32(fours[0]), vmovn_u32(fours[1]))),
                       vmovn_u16(vcombine_u16(vmovn_u32(fours[2]), vmovn_u32(fours[3]))));
}

#define DIFFER_64(size)                                                                                                \
    for (; i + 64 <= n; i += 64) {                                                                                     \
        uint8_t bytes[64];                                                                                             \
        for (int k = 0; k < 4; k++, x += 16 * (size), y += 16 * (size))                                                \
            vst1q_u8(bytes + 16 * k, vmvnq_u8(equal_##size##_neon(x, y)));                                             \
        *bits++ = pack_64_neon(bytes);                                                                                 \
    }

static void differs_neon(const void *a, const void *b, int64_t n, int64_t item_size, uint64_t *bits) {
    const uint8_t *x = a;
    const uint8_t *y = b;
    int64_t i = 0;
    if (item_size == 1)
        DIFFER_64(1)
    else if (item_size == 2)
        DIFFER_64(2)
    else if (item_size == 4)
        DIFFER_64(4)
    else
        DIFFER_64(8)
    if (i < n)
        pm_differs_portable(x, y, n - i, item_size, bits);
}

/* Loads and stores of three and four interleaved vectors do all of it. */
static void join_rgb_neon(const uint8_t *rgb, int64_t n, bool is_reversed, uint32_t *ids) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        uint8x16x3_t pixels = vld3q_u8(rgb + 3 * i);
        uint8x16x4_t numbers = {{pixels.val[is_reversed ? 2 : 0], pixels.val[1], pixels.val[is_reversed ? 0 : 2],
                                 vdupq_n_u8(0)}};
        vst4q_u8((uint8_t *)(ids + i), numbers);
    }
    pm_kernels_portable.join_rgb(rgb + 3 * i, n - i, is_reversed, ids + i);
}

static uint32_t split_rgb_neon(const uint32_t *ids, int64_t n, bool is_reversed, uint8_t *rgb) {
    uint8x16_t high = vdupq_n_u8(0);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        uint8x16x4_t numbers = vld4q_u8((const uint8_t *)(ids + i));
        uint8x16x3_t pixels = {{numbers.val[is_reversed ? 2 : 0], numbers.val[1], numbers.val[is_reversed ? 0 : 2]}};
        high = vorrq_u8(high, numbers.val[3]);
        vst3q_u8(rgb + 3 * i, pixels);
    }
    return (uint32_t)vmaxvq_u8(high) << 24 | pm_kernels_portable.split_rgb(ids + i, n - i, is_reversed, rgb + 3 * i);
}

const pm_kernels pm_kernels_neon = {
    .name = "neon",
    .pack = pack_neon,
    .unpack = unpack_neon,
    .transpose = pm_transpose_portable,
    .shared = shared_neon,
    .fill_down = pm_fill_down_portable,
    .paint = pm_paint_portable,
    .walk = pm_walk_portable,
    .read_runs = pm_read_runs_portable,
    .write_runs = pm_write_runs_portable,
    .area = pm_area_portable,
    .differs = differs_neon,
    .box = pm_box_portable,
    .locate = pm_locate_portable,
    .join_rgb = join_rgb_neon,
    .add_rgb = pm_add_rgb_portable,
    .split_rgb = split_rgb_neon,
};

#endif
