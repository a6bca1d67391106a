/* pm_counts.h - how a number of COCO text is read where nothing is wrong with it: for pm_counts.c and the kernels. */
#ifndef PM_COUNTS_H
#define PM_COUNTS_H

#include "pm_base.h"

typedef struct pm_number {
    int64_t value;
    int64_t length; /* in characters; 0: not read */
} pm_number;

/* The number that begins at text[at], without a branch on its length. Not read if it has more than eight characters, is
 * cut off, or has one that COCO text has not; nor in a text of less than eight in all. */
static inline pm_number pm_counts_number(const uint8_t *text, int64_t at, int64_t length) {
    const pm_number none = {0, 0};
    if (PM_UNLIKELY(length < 8))
        return none;
    int64_t behind = pm_max(0, at + 8 - length); /* of eight characters, how many would lie behind the text: zeros then */
    uint64_t groups = (pm_load_little_endian64(text + at - behind) >> (8 * behind)) - UINT64_C(0x3030303030303030);
    uint64_t ends = ~groups & UINT64_C(0x2020202020202020);
    int n = ends ? pm_lowest_bit(ends) / 8 + 1 : 8;
    /* Beyond 48..111, a character has one of its two highest bits now, and has borrowed from those behind it at most. */
    uint64_t wrong = groups & UINT64_C(0xc0c0c0c0c0c0c0c0) & (~UINT64_C(0) >> (64 - 8 * n));
    if (PM_UNLIKELY(!ends || wrong))
        return none;
    uint64_t x = (groups & UINT64_C(0x001f001f001f001f)) | (groups & UINT64_C(0x1f001f001f001f00)) >> 3;
    x = (x & UINT64_C(0x000003ff000003ff)) | (x & UINT64_C(0x03ff000003ff0000)) >> 6;
    x = (x & UINT64_C(0x00000000000fffff)) | (x & UINT64_C(0x000fffff00000000)) >> 12;
    int unused = 64 - 5 * n;
    return (pm_number){(int64_t)(x << unused) >> unused, n};
}

#endif
