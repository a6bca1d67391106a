/* pm_kernels_portable.c - every kernel in plain C: what the others must equal, and what any machine can run. */
#include "../pm_counts.h"
#include "../pm_kernels.h"

#define BYTES_OF_01 UINT64_C(0x0101010101010101)
#define BYTES_OF_7F UINT64_C(0x7f7f7f7f7f7f7f7f)
#define BYTES_OF_80 UINT64_C(0x8080808080808080)

static inline void store_little_endian(uint8_t *bytes, uint64_t word) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(bytes, &word, 8);
}

/* Eight bytes to eight bits: adding 0x7f carries into the top bit of every byte that is not zero; the product moves
 * the eight top bits next to one another, the first byte's lowest. */
static inline uint64_t pack_eight(uint64_t bytes) {
    uint64_t tops = (((bytes & BYTES_OF_7F) + BYTES_OF_7F) | bytes) & BYTES_OF_80;
    return ((tops >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}

static void pack_portable(const uint8_t *bytes, int64_t n, uint64_t *bits) {
    int64_t i = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t eights[8];
        uint64_t any = 0;
        uint64_t word = 0;
        for (int k = 0; k < 8; k++)
            any |= eights[k] = pm_load_little_endian64(bytes + i + 8 * k);
        for (int k = 0; any && k < 8; k++)
            word |= pack_eight(eights[k]) << (8 * k);
        *bits++ = word;
    }
    if (i < n) {
        uint64_t word = 0;
        int64_t k = i;
        for (; k + 8 <= n; k += 8)
            word |= pack_eight(pm_load_little_endian64(bytes + k)) << (k - i);
        for (; k < n; k++)
            word |= (uint64_t)(bytes[k] != 0) << (k - i);
        *bits = word;
    }
}

/* Eight bits to eight bytes: copies of the byte, each masked to its own bit, then carried down to 0 or 1. */
static inline uint64_t unpack_eight(uint64_t bits) {
    uint64_t own = ((bits & 0xff) * BYTES_OF_01) & UINT64_C(0x8040201008040201);
    return ((((own & BYTES_OF_7F) + BYTES_OF_7F) | own) & BYTES_OF_80) >> 7;
}

static void unpack_portable(const uint64_t *bits, int64_t n, uint8_t one, uint8_t *bytes) {
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        store_little_endian(bytes + i, unpack_eight(bits[i / 64] >> (i % 64)) * one);
    for (; i < n; i++)
        bytes[i] = (uint8_t)((bits[i / 64] >> (i % 64) & 1) * one);
}

/* Swap the blocks of size x size bits beside the diagonal; mask has the columns of the left ones. */
static inline void swap_blocks(uint64_t *tile, int size, uint64_t mask) {
    for (int top = 0; top < 64; top += 2 * size) {
        for (int r = top; r < top + size; r++) {
            uint64_t swap = (tile[r] >> size ^ tile[r + size]) & mask;
            tile[r] ^= swap << size;
            tile[r + size] ^= swap;
        }
    }
}

/* Six rounds of ever smaller blocks (Hacker's Delight, 7-3). Sizes that the compiler knows halve the time. */
void pm_transpose_portable(uint64_t *tile) {
    swap_blocks(tile, 32, UINT64_C(0x00000000ffffffff));
    swap_blocks(tile, 16, UINT64_C(0x0000ffff0000ffff));
    swap_blocks(tile, 8, UINT64_C(0x00ff00ff00ff00ff));
    swap_blocks(tile, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    swap_blocks(tile, 2, UINT64_C(0x3333333333333333));
    swap_blocks(tile, 1, UINT64_C(0x5555555555555555));
}

/* Ones in a word, by sums of ever wider fields (Hacker's Delight, 5-1). */
static inline uint64_t count_ones(uint64_t word) {
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (word * BYTES_OF_01) >> 56;
}

static uint64_t shared_portable(const uint64_t *a, int64_t step_a, const uint64_t *b, int64_t step_b, int64_t rows,
                                int64_t n) {
    uint64_t sum = 0;
    for (int64_t r = 0; r < rows; r++, a += step_a, b += step_b)
        for (int64_t i = 0; i < n; i++)
            sum += count_ones(a[i] & b[i]);
    return sum;
}

void pm_fill_down_portable(uint64_t *bits, int64_t width, int64_t n) {
    for (int64_t i = width; i < n; i++)
        bits[i] ^= 0 - (bits[i - width] >> 63);
}

void pm_paint_portable(const uint32_t *runs, int64_t n, int64_t position, int64_t end, uint64_t *bits) {
    for (int64_t i = 0; i < n; i++) {
        int64_t start = position + runs[2 * i];
        position = start + runs[2 * i + 1];
        if (start >= end)
            return;
        if (start < position)
            pm_bits_set(bits, start, pm_min(position, end));
    }
}

bool pm_walk_portable(pm_bit_walker *walker, const uint64_t *bits, int64_t n) {
    return pm_bits_walk_on(walker, bits, n, 1);
}

/* Most numbers have one character or two, which are told apart by a branch: guessing it costs less here than the chain
 * of operations that needs none. */
int64_t pm_read_runs_portable(const uint8_t *text, int64_t length, uint32_t *runs, int64_t *n_runs, int64_t *covered) {
    int64_t sum = 0;
    int64_t at = 0;
    int64_t n = 0;
    while (at < length) {
        unsigned first = text[at] - 48u;
        pm_number number = {(int)((first & 31) ^ 16) - 16, 1};
        if (first > 31) {
            unsigned second = at + 1 < length ? text[at + 1] - 48u : 64;
            if (first < 64 && second < 32)
                number = (pm_number){(int)(((first & 31) | second << 5) ^ 512) - 512, 2};
            else
                number = pm_counts_number(text, at, length);
        }
        int64_t run = number.value + runs[n - 2];
        if (number.length == 0 || run < 0 || run >= INT64_C(1) << 30)
            break;
        runs[n++] = (uint32_t)run;
        sum += run;
        at += number.length;
    }
    *n_runs = n;
    *covered = sum;
    return at;
}

/* Nearly all numbers have one character or two, without a pattern that a branch could learn: two are written, and one or
 * two kept. */
int64_t pm_write_runs_portable(const uint32_t *runs, int64_t n, uint8_t *text, int64_t *length) {
    uint8_t *out = text;
    int64_t i = 0;
    for (; i + 1 < n && runs[i + 1] != 0; i++) {
        int64_t number = (int64_t)runs[i] - runs[i - 2];
        if (number < -512 || number > 511 || runs[i] >= UINT32_C(1) << 30)
            break;
        unsigned has_two = number < -16 || number > 15;
        out[0] = (uint8_t)(48 + (number & 31) + (has_two << 5));
        out[1] = (uint8_t)(48 + (number >> 5 & 31));
        out += 1 + has_two;
    }
    *length = out - text;
    return i;
}

uint64_t pm_area_portable(const uint32_t *runs, int64_t n) {
    uint64_t area = 0;
    for (int64_t i = 0; i < n; i++)
        area += runs[2 * i + 1];
    return area;
}

/* Differences as bytes, in a loop that a compiler makes vectors of, and those as bits. */
#define DIFFER(type)                                                                                                   \
    for (int64_t k = 0; k < m; k++) {                                                                                  \
        type x;                                                                                                        \
        type y;                                                                                                        \
        memcpy(&x, (const char *)a + (i + k) * (int64_t)sizeof x, sizeof x);                                           \
        memcpy(&y, (const char *)b + (i + k) * (int64_t)sizeof y, sizeof y);                                           \
        bytes[k] = x != y;                                                                                             \
    }

void pm_differs_portable(const void *a, const void *b, int64_t n, int64_t item_size, uint64_t *bits) {
    enum { AT_ONCE = 512 };
    uint8_t bytes[AT_ONCE];
    for (int64_t i = 0; i < n; i += AT_ONCE) {
        int64_t m = pm_min(AT_ONCE, n - i);
        if (item_size == 1)
            DIFFER(uint8_t)
        else if (item_size == 2)
            DIFFER(uint16_t)
        else if (item_size == 4)
            DIFFER(uint32_t)
        else
            DIFFER(uint64_t)
        pack_portable(bytes, m, bits + i / 64);
    }
}

/* Columns come from a product, not from the column before, so that nothing but the position waits for the run in
 * front: 0.38 -> 0.36 ms for the boxes of 340 033 runs. Places only where there is room for them. */
static inline pm_box find_runs(const uint32_t *runs, int64_t n, const pm_grid *grid, uint32_t *rows,
                               uint32_t *columns) {
    const pm_grid to = *grid;
    pm_box box = {INT64_MAX, INT64_MAX, 0, 0};
    int64_t position = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t first = position + runs[2 * i];
        position = first + runs[2 * i + 1];
        if (PM_UNLIKELY(position == first))
            continue;
        int64_t first_column = pm_grid_column(&to, first);
        int64_t last_column = pm_grid_column(&to, position - 1);
        int64_t first_row = first - first_column * to.height;
        bool crosses = first_column != last_column; /* then it has the last row and the first */
        box.left = pm_min(box.left, first_column);
        box.top = pm_min(box.top, crosses ? 0 : first_row);
        box.right = last_column + 1;
        box.bottom = pm_max(box.bottom, crosses ? to.height : position - last_column * to.height);
        if (rows) {
            rows[i] = (uint32_t)first_row;
            columns[i] = (uint32_t)first_column;
        }
    }
    return box;
}

pm_box pm_box_portable(const uint32_t *runs, int64_t n, const pm_grid *grid) {
    return find_runs(runs, n, grid, NULL, NULL);
}

pm_box pm_locate_portable(const uint32_t *runs, int64_t n, const pm_grid *grid, uint32_t *rows, uint32_t *columns) {
    return find_runs(runs, n, grid, rows, columns);
}

static void join_rgb_portable(const uint8_t *rgb, int64_t n, bool is_reversed, uint32_t *ids) {
    int first = is_reversed ? 16 : 0;
    for (int64_t i = 0; i < n; i++)
        ids[i] = (uint32_t)rgb[3 * i] << first | (uint32_t)rgb[3 * i + 1] << 8 |
                 (uint32_t)rgb[3 * i + 2] << (16 - first);
}

void pm_add_rgb_portable(const uint8_t *rgb, int64_t n, uint32_t *ids) {
    for (int64_t i = 0; i < n; i++) {
        uint32_t pixel = (uint32_t)rgb[3 * i] | (uint32_t)rgb[3 * i + 1] << 8 | (uint32_t)rgb[3 * i + 2] << 16;
        ids[i] = ((ids[i] & 0x7f7f7f) + (pixel & 0x7f7f7f)) ^ ((ids[i] ^ pixel) & 0x808080);
    }
}

static uint32_t split_rgb_portable(const uint32_t *ids, int64_t n, bool is_reversed, uint8_t *rgb) {
    int first = is_reversed ? 16 : 0;
    uint32_t all = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t id = ids[i];
        all |= id;
        rgb[3 * i] = (uint8_t)(id >> first);
        rgb[3 * i + 1] = (uint8_t)(id >> 8);
        rgb[3 * i + 2] = (uint8_t)(id >> (16 - first));
    }
    return all;
}

const pm_kernels pm_kernels_portable = {
    .name = "portable",
    .pack = pack_portable,
    .unpack = unpack_portable,
    .transpose = pm_transpose_portable,
    .shared = shared_portable,
    .fill_down = pm_fill_down_portable,
    .paint = pm_paint_portable,
    .walk = pm_walk_portable,
    .read_runs = pm_read_runs_portable,
    .write_runs = pm_write_runs_portable,
    .area = pm_area_portable,
    .differs = pm_differs_portable,
    .box = pm_box_portable,
    .locate = pm_locate_portable,
    .join_rgb = join_rgb_portable,
    .add_rgb = pm_add_rgb_portable,
    .split_rgb = split_rgb_portable,
};
