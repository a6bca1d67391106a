/* pm_bits.h - images as bits, 64 pixels a word in the order of the runs, the first in the lowest bit: from runs and back. */
#ifndef PM_BITS_H
#define PM_BITS_H

#include "pm_runs.h"

/* Set bits start .. end - 1 of words `step` apart; start < end. Most runs reach into one word or two; whether into one is
 * not guessed. */
static inline void pm_bits_set_on(uint64_t *bits, int64_t start, int64_t end, int64_t step) {
    int64_t first = start / 64;
    int64_t last = (end - 1) / 64;
    uint64_t head = ~UINT64_C(0) << (start % 64);
    uint64_t tail = ~UINT64_C(0) >> (63 - (end - 1) % 64);
    uint64_t apart = first == last ? 0 : ~UINT64_C(0);
    bits[first * step] |= head & (tail | apart);
    bits[last * step] |= tail & (head | apart);
    for (int64_t i = first + 1; i < last; i++)
        bits[i * step] = ~UINT64_C(0);
}

static inline void pm_bits_set(uint64_t *bits, int64_t start, int64_t end) {
    pm_bits_set_on(bits, start, end, 1);
}

/* The run list that grows while the bits of an image come in. */
typedef struct pm_bit_walker {
    uint32_t *out;
    const uint32_t *out_end;
    int64_t room;      /* what one word may need  */
    int64_t position;  /* pixels seen             */
    int64_t run_start; /* where the last run ends */
    uint64_t carry;    /* the last pixel          */
} pm_bit_walker;

static inline int64_t pm_bits_walk_room(int64_t pixels) {
    return 64 + pm_runs_wide_bound(pixels);
}

static inline pm_bit_walker pm_bits_walk(uint32_t *out, const uint32_t *out_end, int64_t pixels) {
    return (pm_bit_walker){.out = out, .out_end = out_end, .room = pm_bits_walk_room(pixels)};
}

/* Take in the n lowest bits of a word. */
static inline void pm_bits_walk_word(pm_bit_walker *walker, uint64_t word, int n) {
    uint64_t changes = (word ^ (word << 1 | walker->carry)) & pm_bit_range(0, n - 1);
    walker->carry = word >> (n - 1) & 1;
    for (; changes; changes &= changes - 1) {
        int64_t change = walker->position + pm_lowest_bit(changes);
        walker->out = pm_runs_put(walker->out, (uint64_t)(change - walker->run_start));
        walker->run_start = change;
    }
    walker->position += n;
}

/* Whether four words repeat the last pixel, and so end no run. */
static inline bool pm_bits_are_quiet(const uint64_t *bits, int64_t step, uint64_t carry) {
    uint64_t same = 0 - carry;
    return ((bits[0] ^ same) | (bits[step] ^ same) | (bits[2 * step] ^ same) | (bits[3 * step] ^ same)) == 0;
}

/* Take in `n` bits that lie in words `step` apart; where they lie together, the kernel `walk` does it. Most words of most
 * masks are quiet, and many follow one another. False when the output is full, here and below. */
static inline bool pm_bits_walk_on(pm_bit_walker *walker_in, const uint64_t *bits, int64_t n, int64_t step) {
    pm_bit_walker walker = *walker_in; /* in registers */
    while (n >= 64) {
        if (n >= 256 && pm_bits_are_quiet(bits, step, walker.carry)) {
            walker.position += 256;
            bits += 4 * step;
            n -= 256;
            continue;
        }
        if (PM_UNLIKELY(walker.out_end - walker.out < walker.room))
            return false;
        pm_bits_walk_word(&walker, *bits, 64);
        bits += step;
        n -= 64;
    }
    if (n > 0) {
        if (PM_UNLIKELY(walker.out_end - walker.out < walker.room))
            return false;
        pm_bits_walk_word(&walker, *bits, (int)n);
    }
    *walker_in = walker;
    return true;
}

/* Write the last run. */
static inline bool pm_bits_walk_end(pm_bit_walker *walker) {
    if (walker->out_end - walker->out < walker->room)
        return false;
    walker->out = pm_runs_put(walker->out, (uint64_t)(walker->position - walker->run_start));
    return true;
}

#endif
