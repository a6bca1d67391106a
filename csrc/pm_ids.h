/* pm_ids.h - a pass over arrays of numbers, run by run, for the files that go over them. */
#ifndef PM_IDS_H
#define PM_IDS_H

#include "panomask.h"
#include "pm_base.h"

enum {
    PM_ID_CHUNK = 512,       /* numbers that are gathered at once: six buffers of them are 24 KiB of stack */
    PM_ID_LONG_CHUNK = 4096, /* that are looked at together where none have to be */
    PM_ID_ARRAYS = 3
};

/* Plain integers, one after the other: where they are in the array, or gathered from it. */
typedef struct pm_id_line {
    char *numbers;
    int item_size;
    bool is_signed;
} pm_id_line;

/* ---- runs of a line --------------------------------------------------------------------------------------------- */

#define PM_ID_NUMBER(type)                                                                                             \
    do {                                                                                                               \
        type x;                                                                                                        \
        memcpy(&x, at, sizeof x);                                                                                      \
        return (int64_t)x;                                                                                             \
    } while (0)

static inline int64_t pm_id_number(const pm_id_line *from, int64_t i) {
    const char *at = from->numbers + i * from->item_size;
    switch (from->item_size * 2 + from->is_signed) {
    case 2: PM_ID_NUMBER(uint8_t);
    case 3: PM_ID_NUMBER(int8_t);
    case 4: PM_ID_NUMBER(uint16_t);
    case 5: PM_ID_NUMBER(int16_t);
    case 8: PM_ID_NUMBER(uint32_t);
    case 9: PM_ID_NUMBER(int32_t);
    default: PM_ID_NUMBER(int64_t);
    }
}

/* The first apart, as in noise there is no other. */
#define PM_ID_FILL(type)                                                                                               \
    do {                                                                                                               \
        type *numbers = (type *)(void *)to->numbers;                                                                   \
        numbers[begin] = (type)number;                                                                                 \
        for (int64_t i = begin + 1; i < end; i++)                                                                      \
            numbers[i] = (type)number;                                                                                 \
    } while (0)

static inline void pm_id_fill(const pm_id_line *to, int64_t begin, int64_t end, int64_t number) {
    switch (to->item_size) {
    case 1: memset(to->numbers + begin, (int)(number & 255), (size_t)(end - begin)); break;
    case 2: PM_ID_FILL(uint16_t); break;
    case 4: PM_ID_FILL(uint32_t); break;
    default: PM_ID_FILL(int64_t); break;
    }
}

/* ---- a pass over several arrays ---------------------------------------------------------------------------------- */

/* Some elements of up to three arrays that are read and three that are written; NULL for those there are not. */
typedef struct pm_id_pass {
    const pm_ids *inputs[PM_ID_ARRAYS];
    const pm_ids *outputs[PM_ID_ARRAYS];
    const int64_t *shape;
    int64_t at;
    int64_t end;
    /* the open chunk, whose elements are at .. at + n - 1 */
    int64_t n;
    pm_id_line in[PM_ID_ARRAYS];
    pm_id_line out[PM_ID_ARRAYS];
    uint64_t changes[PM_ID_LONG_CHUNK / 64]; /* a bit for the last element of each run, of all inputs together */
    int64_t buffers[2 * PM_ID_ARRAYS][PM_ID_CHUNK];
} pm_id_pass;

/* Behind the last element of the run that element i of the open chunk is in. */
static inline int64_t pm_id_run_end(const pm_id_pass *over, int64_t i) {
    int64_t t = i / 64;
    uint64_t word = over->changes[t] & ~UINT64_C(0) << i % 64;
    while (word == 0)
        word = over->changes[++t];
    return 64 * t + pm_lowest_bit(word) + 1;
}

/* Open the next chunk. False at the end. */
bool pm_ids_open(pm_id_pass *over);

/* Whether the runs of the open chunk are shorter than that on average. */
bool pm_ids_is_noise(const pm_id_pass *over, int64_t length);

/* Write what the open chunk became, and go on. */
void pm_ids_close(pm_id_pass *over);

/* ---- sets of ids ------------------------------------------------------------------------------------------------- */

/* The slot of an id, or the free one where it belongs; NULL for an id that a direct set has no slot for. */
static inline uint32_t *pm_ids_slot(const pm_id_set *set, int64_t id) {
    if (set->is_direct) {
        uint64_t slot = (uint64_t)id - (uint64_t)set->least;
        return slot < (uint64_t)set->n_slots ? set->slots + slot : NULL;
    }
    uint64_t mask = (uint64_t)set->n_slots - 1;
    for (uint64_t slot = pm_hash_pair((uint64_t)id, 0, set->slots) & mask;; slot = (slot + 1) & mask)
        if (set->slots[slot] == 0 || set->ids[set->slots[slot] - 1] == id)
            return set->slots + slot;
}

/* The number of an id in the set, or -1. */
static inline int64_t pm_ids_find(const pm_id_set *set, int64_t id) {
    const uint32_t *slot = pm_ids_slot(set, id);
    return slot ? (int64_t)*slot - 1 : -1;
}

#endif
