/* pm_kernels.h - the inner loops that exist once per instruction set, with the contract of each.
 *
 * "Bits" are 64 pixels a word, the first pixel in the lowest bit.
 */
#ifndef PM_KERNELS_H
#define PM_KERNELS_H

#include "pm_bits.h"

/* Words that `paint` may touch behind its last. */
enum { PM_PAINT_ROOM = 3 };

typedef struct pm_kernels {
    const char *name;

    /* Bytes -> bits: a bit is set where its byte is not zero. Writes pm_words(n) words; bits past n are zero. Reads no
     * byte past n. */
    void (*pack)(const uint8_t *bytes, int64_t n, uint64_t *bits);

    /* Bits -> bytes: `one` where the bit is set, else zero. Writes exactly n bytes. */
    void (*unpack)(const uint64_t *bits, int64_t n, uint8_t one, uint8_t *bytes);

    /* The same, past the caches: what is written is not in them afterwards, and was not fetched before. Reads a word
     * behind the last. NULL where an instruction set has no such stores. */
    void (*unpack_past)(const uint64_t *bits, int64_t n, uint8_t one, uint8_t *bytes);

    /* Transpose 64 words of 64 bits in place: bit c of word r goes to bit r of word c. */
    void (*transpose)(uint64_t *tile);

    /* Bits that two rectangles of words share: row r of a is the n words at a + r * step_a, of b likewise. */
    uint64_t (*shared)(const uint64_t *a, int64_t step_a, const uint64_t *b, int64_t step_b, int64_t rows, int64_t n);

    /* Every word from `width` on is exchanged where the word `width` before it, after its own exchange, has its highest
     * bit set. */
    void (*fill_down)(uint64_t *bits, int64_t width, int64_t n);

    /* Runs -> bits: set the foreground of n pairs of runs, background and foreground, that begin at bit `position`, up to
     * bit `end`. The position may be negative, but where foreground begins is not. Reads PM_PAINT_ROOM words behind the
     * one that holds bit `end`, and may write them back. */
    void (*paint)(const uint32_t *runs, int64_t n, int64_t position, int64_t end, uint64_t *bits);

    /* Bits -> runs: take in n bits that continue what the walker has seen; those past n in the last word are ignored.
     * False when the output is full: with less than walker->room left it may be, and nothing is written past its end;
     * then the walker is of no more use. */
    bool (*walk)(pm_bit_walker *walker, const uint64_t *bits, int64_t n);

    /* COCO text -> runs, as far as it is plain: numbers that are differences to the run before the last, of at most
     * eight characters, which give runs from 0 to below 2^30. runs[-2] and runs[-1] are the two runs in front, below
     * 2^30. Stops anywhere, at the latest before what is not plain. Returns the characters that were read, and how many
     * runs they are and what these cover. May write up to the length of the text beyond the last run. */
    int64_t (*read_runs)(const uint8_t *text, int64_t length, uint32_t *runs, int64_t *n_runs, int64_t *covered);

    /* Runs -> COCO text, as far as it is plain: differences to the run before the last of one or two characters, of runs
     * below 2^30 that no zero-length run follows. runs[-2] and runs[-1] are the two in front, below 2^30. Stops anywhere,
     * at the latest before what is not plain, and before the last run. Returns how many runs were written, and how many
     * characters they are. May write up to two characters for each of the n runs. */
    int64_t (*write_runs)(const uint32_t *runs, int64_t n, uint8_t *text, int64_t *length);

    /* Pixels of the foreground of n pairs of runs, background and foreground. */
    uint64_t (*area)(const uint32_t *runs, int64_t n);
    /* Items -> bits: a bit is set where item i of a is not item i of b, integers of 1, 2, 4 or 8 bytes. Writes
     * pm_words(n) words; bits past n are zero. Reads no item past n. */
    void (*differs)(const void *a, const void *b, int64_t n, int64_t item_size, uint64_t *bits);

    /* The box around n pairs of runs, background and foreground, that begin an image, which has pixels where n > 0. */
    pm_box (*box)(const uint32_t *runs, int64_t n, const pm_grid *grid);

    /* The same box, and where the foreground of each pair begins. What stands for a pair without pixels means nothing,
     * nor does anything where the box passes 2^32. May write past the n-th, up to a multiple of eight. */
    pm_box (*locate)(const uint32_t *runs, int64_t n, const pm_grid *grid, uint32_t *rows, uint32_t *columns);

    /* n pixels of three bytes -> n numbers, the first byte lowest, or highest if reversed. Reads no byte past them. */
    void (*join_rgb)(const uint8_t *rgb, int64_t n, bool is_reversed, uint32_t *ids);

    /* Add n pixels of three bytes to n numbers below 2^24, byte by byte modulo 256, the first byte lowest. Reads no
     * byte past them. */
    void (*add_rgb)(const uint8_t *rgb, int64_t n, uint32_t *ids);

    /* join_rgb the other way. Returns less than 2^24 exactly where all numbers are; the bytes of larger ones mean
     * nothing. */
    uint32_t (*split_rgb)(const uint32_t *ids, int64_t n, bool is_reversed, uint8_t *rgb);
} pm_kernels;

extern const pm_kernels pm_kernels_portable;

/* The portable loops that other tables use too: for texts and rests too short for theirs, for images too large for the
 * products of AVX2, and the one over tiles, of which a compiler makes whatever vectors ARM has. */
void pm_transpose_portable(uint64_t *tile);
void pm_paint_portable(const uint32_t *runs, int64_t n, int64_t position, int64_t end, uint64_t *bits);
bool pm_walk_portable(pm_bit_walker *walker, const uint64_t *bits, int64_t n);
int64_t pm_read_runs_portable(const uint8_t *text, int64_t length, uint32_t *runs, int64_t *n_runs, int64_t *covered);
int64_t pm_write_runs_portable(const uint32_t *runs, int64_t n, uint8_t *text, int64_t *length);
void pm_fill_down_portable(uint64_t *bits, int64_t width, int64_t n);
uint64_t pm_area_portable(const uint32_t *runs, int64_t n);
void pm_differs_portable(const void *a, const void *b, int64_t n, int64_t item_size, uint64_t *bits);
void pm_add_rgb_portable(const uint8_t *rgb, int64_t n, uint32_t *ids);
pm_box pm_box_portable(const uint32_t *runs, int64_t n, const pm_grid *grid);
pm_box pm_locate_portable(const uint32_t *runs, int64_t n, const pm_grid *grid, uint32_t *rows, uint32_t *columns);

#if (defined(__x86_64__) || defined(_M_X64)) && !defined(PM_PORTABLE_ONLY)
#define PM_HAVE_AVX2 1
extern const pm_kernels pm_kernels_avx2;
/* The loops that the AVX-512 table takes from here. */
void pm_unpack_past_avx2(const uint64_t *bits, int64_t n, uint8_t one, uint8_t *bytes);
void pm_paint_avx2(const uint32_t *runs, int64_t n, int64_t position, int64_t end, uint64_t *bits);
bool pm_walk_avx2(pm_bit_walker *walker, const uint64_t *bits, int64_t n);
uint64_t pm_area_avx2(const uint32_t *runs, int64_t n);
void pm_differs_avx2(const void *a, const void *b, int64_t n, int64_t item_size, uint64_t *bits);
pm_box pm_locate_avx2(const uint32_t *runs, int64_t n, const pm_grid *grid, uint32_t *rows, uint32_t *columns);
void pm_join_rgb_avx2(const uint8_t *rgb, int64_t n, bool is_reversed, uint32_t *ids);
void pm_add_rgb_avx2(const uint8_t *rgb, int64_t n, uint32_t *ids);
uint32_t pm_split_rgb_avx2(const uint32_t *ids, int64_t n, bool is_reversed, uint8_t *rgb);
#if defined(__GNUC__) || defined(__clang__)
#define PM_HAVE_AVX512 1
extern const pm_kernels pm_kernels_avx512;
#endif
#endif

#if defined(__aarch64__) && !defined(__AARCH64EB__) && !defined(PM_PORTABLE_ONLY)
#define PM_HAVE_NEON 1
extern const pm_kernels pm_kernels_neon;
#endif

/* The table in use; pm_cpu.c chooses. */
const pm_kernels *pm_cpu_kernels(void);

#endif
