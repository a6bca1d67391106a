/* ids_cases.h - arrays of ids in any memory, in blocks that end where they end, read and written byte by byte. */
#ifndef IDS_CASES_H
#define IDS_CASES_H

#include "guard.h"
#include "panomask.h"

#include <string.h>

/* What a number is made of. */
typedef struct ids_kind {
    int channels;
    int item_size;
    bool is_signed;
} ids_kind;

enum { IDS_KINDS = 14 };
static const ids_kind ids_kinds[IDS_KINDS] = {{1, 1, false}, {1, 1, true},  {1, 2, false}, {1, 2, true},  {1, 4, false},
                                              {1, 4, true},  {1, 8, false}, {1, 8, true},  {3, 1, false}, {4, 1, false},
                                              {2, 1, false}, {2, 2, false}, {4, 2, false}, {2, 4, true}};

/* How they lie: the order of the axes, of which the channels are one; bytes left out after each; which run backwards;
 * and how far the block is off. */
typedef struct ids_layout {
    int order[4]; /* innermost first; axis 3 is that of channels */
    int64_t gap;
    unsigned backwards; /* bit by axis */
    int64_t skew;
} ids_layout;

typedef struct ids_block {
    pm_ids ids;
    int64_t shape[3];
    char *memory;
    size_t size;
} ids_block;

static inline ids_block ids_new(ids_kind kind, const int64_t shape[3], ids_layout layout, int fill) {
    const int64_t extents[4] = {shape[0], shape[1], shape[2], kind.channels};
    int64_t strides[4];
    int64_t span = kind.item_size;
    int64_t start = 0;
    for (int level = 0; level < 4; level++) {
        int axis = layout.order[level];
        int64_t steps = extents[axis] > 0 ? extents[axis] - 1 : 0;
        bool is_backwards = layout.backwards >> axis & 1;
        int64_t stride = span + (axis == layout.order[0] ? 0 : layout.gap);
        strides[axis] = is_backwards ? -stride : stride;
        start += is_backwards ? steps * stride : 0;
        span += steps * stride;
    }
    ids_block out = {.shape = {shape[0], shape[1], shape[2]}};
    bool is_empty = shape[0] * shape[1] * shape[2] == 0;
    out.size = is_empty ? 0 : (size_t)(span + layout.skew);
    out.memory = guard_new(out.size, 64);
    memset(out.memory, fill, out.size);
    out.ids = (pm_ids){.data = out.memory + (is_empty ? 0 : start + layout.skew),
                       .strides = {strides[0], strides[1], strides[2]},
                       .channel_stride = strides[3],
                       .channels = kind.channels,
                       .item_size = kind.item_size,
                       .is_signed = kind.is_signed};
    return out;
}

static inline void ids_free(ids_block *block) {
    guard_free(block->memory);
}

static inline int64_t ids_count(const ids_block *block) {
    return block->shape[0] * block->shape[1] * block->shape[2];
}

static inline char *ids_at(const ids_block *block, int64_t index) {
    const int64_t *shape = block->shape;
    return block->ids.data + index / (shape[1] * shape[2]) * block->ids.strides[0] +
           index / shape[2] % shape[1] * block->ids.strides[1] + index % shape[2] * block->ids.strides[2];
}

/* The bits of an item, whatever the machine's byte order. */
static inline uint64_t ids_item(const char *at, int item_size) {
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (item_size) {
    case 1: memcpy(&one, at, 1); return one;
    case 2: memcpy(&two, at, 2); return two;
    case 4: memcpy(&four, at, 4); return four;
    default: memcpy(&eight, at, 8); return eight;
    }
}

static inline int64_t ids_get(const ids_block *block, int64_t index) {
    const pm_ids *ids = &block->ids;
    uint64_t word = 0;
    for (int channel = 0; channel < ids->channels; channel++)
        word |= ids_item(ids_at(block, index) + channel * ids->channel_stride, ids->item_size)
                << (8 * ids->item_size * channel);
    int bits = 8 * ids->item_size;
    if (ids->channels == 1 && ids->is_signed && bits < 64 && word >> (bits - 1))
        word |= ~UINT64_C(0) << bits;
    return (int64_t)word;
}

static inline void ids_put(const ids_block *block, int64_t index, int64_t number) {
    const pm_ids *ids = &block->ids;
    for (int channel = 0; channel < ids->channels; channel++) {
        uint64_t item = (uint64_t)number >> (8 * ids->item_size * channel);
        uint8_t one = (uint8_t)item;
        uint16_t two = (uint16_t)item;
        uint32_t four = (uint32_t)item;
        const void *from = ids->item_size == 1   ? (const void *)&one
                           : ids->item_size == 2 ? (const void *)&two
                           : ids->item_size == 4 ? (const void *)&four
                                                 : (const void *)&item;
        memcpy(ids_at(block, index) + channel * ids->channel_stride, from, (size_t)ids->item_size);
    }
}

/* The numbers that an array can hold. */
static inline bool ids_holds(const pm_ids *ids, int64_t number) {
    int bits = 8 * ids->item_size * ids->channels;
    if (bits == 64)
        return true;
    if (ids->channels == 1 && ids->is_signed)
        return number >= -(INT64_C(1) << (bits - 1)) && number < INT64_C(1) << (bits - 1);
    return number >= 0 && number < INT64_C(1) << bits;
}

/* A set without ids, in guarded memory. */
static inline pm_id_set ids_new_set(int64_t capacity, int64_t n_slots) {
    pm_id_set set = {.ids = GUARD_ARRAY(int64_t, capacity),
                     .counts = GUARD_ARRAY(int64_t, capacity),
                     .slots = GUARD_ARRAY(uint32_t, n_slots),
                     .capacity = capacity,
                     .n_slots = n_slots};
    memset(set.slots, 0, (size_t)n_slots * sizeof *set.slots);
    return set;
}

static inline void ids_free_set(pm_id_set *set) {
    guard_free(set->ids);
    guard_free(set->counts);
    guard_free(set->slots);
}

#endif
