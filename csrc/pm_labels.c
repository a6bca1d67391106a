/* pm_labels.c - label maps: the runs of all segments of a map and back, and how often ids of two maps meet.
 *
 * What changes from one pixel to the next is what costs; the rest is compared with vectors and never looked at again.
 *
 * Segments. Runs go down columns. A map is read once, line by line as it lies in memory, and every pixel is compared
 * with the one above it. Where they differ, and at the head of each column, a run begins: its id is looked up in a hash
 * table while it is in the cache, and its place is noted. Where lines are rows (C order) the notes are then put in
 * order of their columns, by counting; where lines are columns they are in order. One walk along the notes joins the
 * runs that go on from one column into the next, and gives areas and boxes; a last one deals out the runs to their
 * segments.
 *
 * Joint histogram. Along the lines of both maps at once: bits where either changes, and one look-up for each run of
 * equal pairs. Down the columns, where real pairs of maps have fewer runs by a third, it was slower for what each
 * column has to keep.
 *
 * Memory is the caller's. A function stops where a table or list may not have room, and goes on there when called again
 * with more.
 */
#include "pm_bits.h"
#include "pm_kernels.h"

/* ---- items ------------------------------------------------------------------------------------------------------ */

static inline uint64_t load_item(const char *item, int64_t size) {
    uint8_t byte;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (size) {
    case 1:
        memcpy(&byte, item, 1);
        return byte;
    case 2:
        memcpy(&two, item, 2);
        return two;
    case 3: /* red, green, blue */
        return (uint64_t)(uint8_t)item[0] | (uint64_t)(uint8_t)item[1] << 8 | (uint64_t)(uint8_t)item[2] << 16;
    case 4:
        memcpy(&four, item, 4);
        return four;
    default:
        memcpy(&eight, item, 8);
        return eight;
    }
}

static inline void store_item(char *item, int64_t size, uint64_t id) {
    uint8_t byte = (uint8_t)id;
    uint16_t two = (uint16_t)id;
    uint32_t four = (uint32_t)id;
    switch (size) {
    case 1:
        memcpy(item, &byte, 1);
        break;
    case 2:
        memcpy(item, &two, 2);
        break;
    case 4:
        memcpy(item, &four, 4);
        break;
    default:
        memcpy(item, &id, 8);
    }
}

/* Bytes of an item once it stands in a line without gaps: colours become ids of four. */
static inline int64_t packed_size(int64_t item_size) {
    return item_size == 3 ? 4 : item_size;
}

#define GATHER(size)                                                                                                   \
    for (int64_t i = 0; i < n; i++)                                                                                    \
        store_item(out + i * packed_size(size), packed_size(size), load_item(line + i * step, size))

/* Items `step` bytes apart, packed. Sizes that the compiler knows make it a loop without a choice in it. */
static void gather_line(const char *line, int64_t step, int64_t item_size, int64_t n, char *out) {
    switch (item_size) {
    case 1:
        GATHER(1);
        break;
    case 2:
        GATHER(2);
        break;
    case 3:
        GATHER(3);
        break;
    case 4:
        GATHER(4);
        break;
    default:
        GATHER(8);
    }
}

/* n items without gaps: where they are, or packed into `room`. */
static const char *packed_line(const char *line, int64_t step, int64_t item_size, int64_t n, char *room) {
    if (step != item_size)
        gather_line(line, step, item_size, n, room);
    else if (item_size == 3)
        pm_cpu_kernels()->join_rgb((const uint8_t *)line, n, false, (uint32_t *)room);
    else
        return line;
    return room;
}

static inline const char *item_at(const pm_labels *map, int64_t row, int64_t column) {
    return map->data + row * map->strides[0] + column * map->strides[1];
}

/* What, exclusively or-ed to a raw id, makes numbers without a sign that are in the order of the ids. */
static uint64_t order_flip(const pm_labels *map) {
    return map->is_signed ? UINT64_C(1) << (8 * map->item_size - 1) : 0;
}

/* Have items brought near that are read soon. Not too many at once, or reading them is what is waited for. */
static inline void fetch_items(const char *items, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64)
        PM_PREFETCH(items + i);
}

/* ---- tables ----------------------------------------------------------------------------------------------------- */

/* The entry of a pair, or where it would go, which then has the value 0. There is always room. */
static inline pm_label_entry *find_entry(const pm_label_table *table, uint64_t a, uint64_t b) {
    uint64_t mask = (uint64_t)table->capacity - 1;
    uint64_t i = pm_hash_pair(a, b, table->entries) & mask;
    pm_label_entry *entry = table->entries + i;
    while (entry->value != 0 && (entry->a != a || entry->b != b)) {
        i = (i + 1) & mask;
        entry = table->entries + i;
    }
    return entry;
}

/* The same, but a new entry counts as taken: its value is to be set at once. */
static inline pm_label_entry *take_entry(pm_label_table *table, uint64_t a, uint64_t b) {
    pm_label_entry *entry = find_entry(table, a, b);
    if (entry->value == 0) {
        PM_ASSERT(2 * table->n < table->capacity);
        table->n++;
        entry->a = a;
        entry->b = b;
    }
    return entry;
}

static bool has_room(const pm_label_table *table, int64_t n) {
    return 2 * (table->n + n) <= table->capacity;
}

void pm_labels_add(const pm_label_table *from, pm_label_table *to) {
    PM_ASSERT(has_room(to, from->n));
    for (int64_t i = 0; i < from->capacity; i++)
        if (from->entries[i].value != 0)
            take_entry(to, from->entries[i].a, from->entries[i].b)->value += from->entries[i].value;
}

enum { DIGITS = 256 };

static inline uint64_t id_of(const pm_label_entry *entry, bool of_a) {
    return of_a ? entry->a : entry->b;
}

/* Put n entries elsewhere in order of one digit of the one id: the bits from `shift` on. */
static void sort_by_digit(const pm_label_entry *from, int64_t n, bool of_a, uint64_t flip, int shift,
                          pm_label_entry *to) {
    int64_t places[DIGITS] = {0};
    int64_t next = 0;
    for (int64_t i = 0; i < n; i++)
        places[((id_of(from + i, of_a) ^ flip) >> shift) % DIGITS]++;
    for (int digit = 0; digit < DIGITS; digit++) {
        int64_t count = places[digit];
        places[digit] = next;
        next += count;
    }
    for (int64_t i = 0; i < n; i++)
        to[places[((id_of(from + i, of_a) ^ flip) >> shift) % DIGITS]++] = from[i];
}

/* Radix sort, b before a, by those bits alone in which entries differ: 8 us for 260 pairs of ids of 24 bits, where a
 * merge sort took 17. The entries go to the front, where at most half of the memory is: the other half is where each
 * round puts them. */
void pm_labels_sort(pm_label_table *table, uint64_t flip_a, uint64_t flip_b) {
    pm_label_entry *from = table->entries;
    pm_label_entry *to = table->entries + table->capacity / 2;
    int64_t n = 0;
    for (int64_t i = 0; i < table->capacity; i++) { /* no branch, which nobody could foresee */
        from[n] = table->entries[i];
        n += table->entries[i].value != 0;
    }
    PM_ASSERT(n == table->n && 2 * n <= table->capacity);
    for (int side = 0; side < 2; side++) {
        bool of_a = side > 0;
        uint64_t differing = 0;
        for (int64_t i = 1; i < n; i++)
            differing |= id_of(from + i, of_a) ^ id_of(from, of_a);
        while (differing != 0) {
            int shift = pm_lowest_bit(differing);
            sort_by_digit(from, n, of_a, of_a ? flip_a : flip_b, shift, to);
            differing &= ~((uint64_t)(DIGITS - 1) << shift);
            pm_label_entry *other = from;
            from = to;
            to = other;
        }
    }
    if (from != table->entries)
        memcpy(table->entries, from, (size_t)n * sizeof *from);
}

void pm_labels_entries(const pm_label_table *sorted, int64_t size_a, void *a, int64_t size_b, void *b,
                       uint64_t *values) {
    for (int64_t i = 0; i < sorted->n; i++) {
        store_item((char *)a + i * size_a, size_a, sorted->entries[i].a);
        store_item((char *)b + i * size_b, size_b, sorted->entries[i].b);
        values[i] = sorted->entries[i].value;
    }
}

/* ---- runs of segments ------------------------------------------------------------------------------------------- */

/* Whether the pixels of a column lie closer than those of a row; then lines are columns. Rows that are one and the same
 * memory are no columns. */
static bool is_column_major(const pm_labels *map) {
    int64_t row_step = map->strides[0] < 0 ? -map->strides[0] : map->strides[0];
    int64_t column_step = map->strides[1] < 0 ? -map->strides[1] : map->strides[1];
    return row_step <= column_step && column_step != map->item_size;
}

int64_t pm_labels_line(const pm_labels *map) {
    return is_column_major(map) ? map->height : map->width;
}

/* Scratch of a search:
 *
 *   starts   width + 1     how many runs begin in each column, from the second element on (rows only)
 *   changes  pm_words(line)   a line's pixels that differ from the ones above, as bits
 *   lines    2 x line      items of a line and the one above it, where they do not lie side by side in the map
 */
size_t pm_labels_scratch(const pm_labels *map) {
    int64_t line = pm_labels_line(map);
    return (size_t)(map->width + 1 + pm_words(line) + 2 * line) * sizeof(uint64_t);
}

static int64_t *scratch_starts(void *scratch) {
    return scratch;
}

static uint64_t *scratch_changes(const pm_labels *map, void *scratch) {
    return (uint64_t *)scratch + map->width + 1;
}

static char *scratch_line(const pm_labels *map, void *scratch, int64_t parity) {
    int64_t line = pm_labels_line(map);
    return (char *)(scratch_changes(map, scratch) + pm_words(line) + parity * line);
}

void pm_labels_ignore(pm_label_search *search, const uint64_t *ids, int64_t n) {
    PM_ASSERT(search->table.n == 0 && has_room(&search->table, n));
    for (int64_t i = 0; i < n; i++) {
        take_entry(&search->table, ids[i], 0)->value = (uint64_t)i + 1;
        search->segments[i] = (pm_segment){.area = 0};
    }
    search->n_ignored = n;
}

/* The segment of an id, new if it is; -1 when the table is full. */
static inline int64_t find_segment(pm_label_search *search, uint64_t id) {
    pm_label_entry *entry = find_entry(&search->table, id, 0);
    if (PM_UNLIKELY(entry->value == 0)) {
        if (!has_room(&search->table, 1))
            return -1;
        search->segments[search->table.n] = (pm_segment){.area = 0};
        *entry = (pm_label_entry){.a = id, .b = 0, .value = (uint64_t)++search->table.n};
    }
    return (int64_t)entry->value - 1;
}

/* Note the runs that begin in items of a line: bit k of n is that of item first + k, and those before the search's item
 * are noted already. Runs that begin beside each other often are one segment's. False when the table is full, with the
 * item to go on from. */
static inline bool note_runs(pm_label_search *search, const char *line, int64_t size, const uint64_t *changes,
                             int64_t first, int64_t n, int64_t position, int64_t step, int64_t *starts) {
    pm_label_run *out = search->runs + search->n_runs;
    int64_t segment = -1;
    uint64_t last = 0;
    for (int64_t t = 0; t < pm_words(n); t++) {
        fetch_items(line + (n + 64 * t) * size, 64 * size); /* of the next line, mostly: 80 us instead of 100 */
        for (uint64_t word = changes[t]; word; word &= word - 1) {
            int64_t i = first + 64 * t + pm_lowest_bit(word);
            if (PM_UNLIKELY(i < search->item))
                continue;
            uint64_t id = load_item(line + i * size, size);
            if (segment < 0 || id != last) {
                segment = find_segment(search, id);
                last = id;
                if (PM_UNLIKELY(segment < 0)) {
                    search->item = i;
                    search->n_runs = out - search->runs;
                    return false;
                }
            }
            *out++ = (pm_label_run){position + i * step, segment};
            if (starts)
                starts[i + 1]++;
        }
    }
    search->n_runs = out - search->runs;
    return true;
}

static void set_first_bits(uint64_t *bits, int64_t n) {
    memset(bits, 0xff, (size_t)pm_words(n) * sizeof *bits);
    if (n % 64)
        bits[n / 64] = pm_bit_range(0, (int)(n % 64) - 1);
}

static bool find_in_rows(const pm_labels *map, pm_label_search *search, void *scratch) {
    const pm_kernels *kernels = pm_cpu_kernels();
    int64_t size = packed_size(map->item_size);
    int64_t *starts = scratch_starts(scratch);
    uint64_t *changes = scratch_changes(map, scratch);
    const char *above = NULL;
    if (search->line > 0)
        above = packed_line(item_at(map, search->line - 1, 0), map->strides[1], map->item_size, map->width,
                            scratch_line(map, scratch, (search->line - 1) % 2));
    else if (search->n_runs == 0)
        memset(starts, 0, (size_t)(map->width + 1) * sizeof *starts);
    for (; search->line < map->height; search->line++) {
        int64_t row = search->line;
        if (search->capacity - search->n_runs < map->width)
            return false;
        const char *line = packed_line(item_at(map, row, 0), map->strides[1], map->item_size, map->width,
                                       scratch_line(map, scratch, row % 2));
        if (row == 0)
            set_first_bits(changes, map->width);
        else
            kernels->differs(above, line, map->width, size, changes);
        if (!note_runs(search, line, size, changes, 0, map->width, row, map->height, starts))
            return false;
        search->item = 0;
        above = line;
    }
    return true;
}

static bool find_in_columns(const pm_labels *map, pm_label_search *search, void *scratch) {
    const pm_kernels *kernels = pm_cpu_kernels();
    int64_t size = packed_size(map->item_size);
    uint64_t *changes = scratch_changes(map, scratch);
    const uint64_t head = 1;
    for (; search->line < map->width; search->line++) {
        int64_t position = search->line * map->height;
        if (search->capacity - search->n_runs < map->height)
            return false;
        const char *line = packed_line(item_at(map, 0, search->line), map->strides[0], map->item_size, map->height,
                                       scratch_line(map, scratch, 0));
        kernels->differs(line, line + size, map->height - 1, size, changes);
        if (!note_runs(search, line, size, &head, 0, 1, position, 1, NULL) ||
            !note_runs(search, line, size, changes, 1, map->height - 1, position, 1, NULL))
            return false;
        search->item = 0;
    }
    return true;
}

bool pm_labels_find(const pm_labels *map, pm_label_search *search, void *scratch) {
    if (map->height == 0 || map->width == 0)
        return true;
    return is_column_major(map) ? find_in_columns(map, search, scratch) : find_in_rows(map, search, scratch);
}

/* Put the runs in order of their positions; those of one column are. */
static void order_runs(const pm_labels *map, pm_label_search *search, pm_label_run *room, int64_t *starts) {
    const pm_grid grid = pm_grid_of(map->height, map->width);
    for (int64_t column = 0; column < map->width; column++)
        starts[column + 1] += starts[column];
    for (int64_t k = 0; k < search->n_runs; k++)
        room[starts[pm_grid_column(&grid, search->runs[k].start)]++] = search->runs[k];
    search->runs = room;
}

/* Elements that a run takes. */
static inline int64_t run_parts(int64_t run) {
    return run > UINT32_MAX ? 1 + 2 * ((run - 1) / UINT32_MAX) : 1;
}

/* Join what goes on from one column into the next, and add up areas, boxes and counts: what begins at one note ends at
 * the next, in the same column, since every column's head has one. */
static void join_runs(const pm_labels *map, pm_label_search *search) {
    int64_t pixels = map->height * map->width;
    int64_t n = 0;
    int64_t column = -1;
    int64_t head = -map->height; /* position of the column's first pixel */
    int64_t current = -1;        /* segment */
    for (int64_t k = 0; k < search->n_runs; k++) {
        pm_label_run run = search->runs[k];
        int64_t end = k + 1 < search->n_runs ? search->runs[k + 1].start : pixels;
        pm_segment *segment = search->segments + run.segment;
        if (run.start == head + map->height) {
            head = run.start;
            column++;
        }
        if (segment->area == 0) {
            segment->left = column;
            segment->top = map->height;
        }
        if (run.segment != current) {
            segment->n_counts += run_parts(run.start - segment->end) + 1;
            search->runs[n++] = run;
        }
        current = run.segment;
        segment->area += (uint64_t)(end - run.start);
        segment->top = pm_min(segment->top, run.start - head);
        segment->right = column + 1;
        segment->bottom = pm_max(segment->bottom, end - head);
        segment->end = end;
    }
    search->n_runs = n;
}

/* Where run k ends. */
static inline int64_t end_of_run(const pm_labels *map, const pm_label_search *search, int64_t k) {
    return k + 1 < search->n_runs ? search->runs[k + 1].start : map->height * map->width;
}

void pm_labels_measure(const pm_labels *map, pm_label_search *search, pm_label_run *room, void *scratch) {
    int64_t pixels = map->height * map->width;
    if (search->n_runs > 0 && !is_column_major(map))
        order_runs(map, search, room, scratch_starts(scratch));
    join_runs(map, search);
    pm_labels_sort(&search->table, order_flip(map), 0);
    for (int64_t k = 0; pixels > UINT32_MAX && k < search->n_runs; k++) /* runs that take more than one element */
        search->segments[search->runs[k].segment].n_counts +=
            run_parts(end_of_run(map, search, k) - search->runs[k].start) - 1;
    search->n_segments = search->table.n - search->n_ignored;
    search->n_counts = 0;
    for (int64_t i = search->n_ignored; i < search->table.n; i++) {
        pm_segment *segment = search->segments + i;
        segment->n_counts += segment->end < pixels ? run_parts(pixels - segment->end) : 0;
        search->n_counts += segment->n_counts;
    }
}

void pm_labels_write(const pm_labels *map, pm_label_search *search, void *ids, uint64_t *areas, double *boxes,
                     uint32_t *counts, int64_t *offsets) {
    int64_t pixels = map->height * map->width;
    int64_t size = packed_size(map->item_size);
    int64_t n = 0;
    for (int64_t i = 0; i < search->table.n; i++) {
        const pm_label_entry *entry = search->table.entries + i;
        if ((int64_t)entry->value <= search->n_ignored)
            continue;
        pm_segment *segment = search->segments + (entry->value - 1);
        const int64_t box[] = {segment->left, segment->top, segment->right - segment->left,
                               segment->bottom - segment->top};
        store_item((char *)ids + n * size, size, entry->a);
        areas[n] = segment->area;
        for (int k = 0; k < 4; k++)
            boxes[4 * n + k] = (double)box[k];
        segment->end = 0;
        segment->out = counts + offsets[n];
        offsets[n + 1] = offsets[n] + segment->n_counts;
        n++;
    }
    for (int64_t k = 0; k < search->n_runs; k++) {
        int64_t start = search->runs[k].start;
        int64_t end = end_of_run(map, search, k);
        if (search->runs[k].segment < search->n_ignored)
            continue;
        pm_segment *segment = search->segments + search->runs[k].segment;
        segment->out = pm_runs_put(segment->out, (uint64_t)(start - segment->end));
        segment->out = pm_runs_put(segment->out, (uint64_t)(end - start));
        segment->end = end;
    }
    for (int64_t i = search->n_ignored; i < search->table.n; i++)
        if (search->segments[i].end < pixels)
            pm_runs_put(search->segments[i].out, (uint64_t)(pixels - search->segments[i].end));
}

/* ---- segments -> label map -------------------------------------------------------------------------------------- */

/* A strip of columns is painted column by column, where runs are contiguous, and then turned over into the map. */

/* How far the runs of a mask have been painted. */
typedef struct paint_cursor {
    pm_list list;
    int64_t start; /* of the foreground that comes next, or what is left of it */
    int64_t end;
} paint_cursor;

/* Foreground that a list has beyond the image is none: a list that lies paints wrong pixels, but only pixels. */
static void next_paint(paint_cursor *cursor, int64_t pixels) {
    do {
        if (cursor->list.length < 2 || cursor->end >= pixels) {
            cursor->start = cursor->end = pixels;
            return;
        }
        cursor->start = pm_min(cursor->end + cursor->list.runs[0], pixels);
        cursor->end = pm_min(cursor->start + cursor->list.runs[1], pixels);
        cursor->list.runs += 2;
        cursor->list.length -= 2;
    } while (cursor->start == cursor->end && cursor->start < pixels);
}

static void fill_items(char *items, int64_t size, int64_t n, uint64_t id) {
    switch (size) {
    case 1:
        memset(items, (int)(id & 0xff), (size_t)n);
        break;
    case 2:
        for (int64_t i = 0; i < n; i++)
            store_item(items + 2 * i, 2, id);
        break;
    case 4:
        for (int64_t i = 0; i < n; i++)
            store_item(items + 4 * i, 4, id);
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            store_item(items + 8 * i, 8, id);
    }
}

#define TURN_OVER(size, step)                                                                                          \
    do {                                                                                                               \
        int64_t i = 0;                                                                                                 \
        for (; i + 4 <= n; i += 4)                                                                                     \
            for (int64_t k = i; k < i + 4; k++)                                                                        \
                memcpy(line + k * (step), items + k * pitch, size);                                                    \
        for (; i < n; i++)                                                                                             \
            memcpy(line + i * (step), items + i * pitch, size);                                                        \
    } while (0)

/* Items `pitch` bytes apart, one in each column of a strip, to a line. Four at a time and to where the compiler knows
 * takes 69 us for a map of 480 x 640, one by one 112. */
static void turn_line(const char *items, int64_t pitch, int64_t size, char *line, int64_t step, int64_t n) {
    switch (step == size ? size : -size) {
    case 1: TURN_OVER(1, 1); break;
    case 2: TURN_OVER(2, 2); break;
    case 4: TURN_OVER(4, 4); break;
    case 8: TURN_OVER(8, 8); break;
    case -1: TURN_OVER(1, step); break;
    case -2: TURN_OVER(2, step); break;
    case -4: TURN_OVER(4, step); break;
    default: TURN_OVER(8, step); break;
    }
}

/* Exchange what x has above the bits of a mask with what y has under them. */
static inline void exchange_bits(uint64_t *x, uint64_t *y, int shift, uint64_t mask) {
    uint64_t differing = (*x >> shift ^ *y) & mask;
    *y ^= differing;
    *x ^= differing << shift;
}

/* Transpose as many words as each has items, the first item lowest: halves, then halves of these. */
static inline void turn_square(uint64_t *words, int64_t size) {
    const uint64_t low_32 = UINT64_C(0x00000000ffffffff);
    const uint64_t low_16 = UINT64_C(0x0000ffff0000ffff);
    const uint64_t low_8 = UINT64_C(0x00ff00ff00ff00ff);
    if (size == 4) {
        exchange_bits(words, words + 1, 32, low_32);
    } else if (size == 2) {
        for (int k = 0; k < 2; k++)
            exchange_bits(words + k, words + k + 2, 32, low_32);
        for (int k = 0; k < 4; k += 2)
            exchange_bits(words + k, words + k + 1, 16, low_16);
    } else {
        for (int k = 0; k < 4; k++)
            exchange_bits(words + k, words + k + 4, 32, low_32);
        for (int k = 0; k < 4; k++)
            exchange_bits(words + k + k / 2 * 2, words + k + k / 2 * 2 + 2, 16, low_16);
        for (int k = 0; k < 8; k += 2)
            exchange_bits(words + k, words + k + 1, 8, low_8);
    }
}

static inline void store_word(char *to, uint64_t word) {
    word = pm_load_little_endian64((const uint8_t *)&word);
    memcpy(to, &word, sizeof word);
}

#define TURN_SQUARES(size)                                                                                             \
    do {                                                                                                               \
        enum { SIDE = 8 / (size) };                                                                                    \
        uint64_t words[SIDE];                                                                                          \
        for (int64_t i = 0; i + SIDE <= n; i += SIDE) {                                                                \
            for (int k = 0; k < SIDE; k++)                                                                             \
                words[k] = pm_load_little_endian64((const uint8_t *)items + (i + k) * pitch);                          \
            turn_square(words, size);                                                                                  \
            for (int k = 0; k < SIDE; k++)                                                                             \
                store_word(lines + k * line_step + i * (size), words[k]);                                              \
        }                                                                                                              \
    } while (0)

/* The same to as many lines as items of each column are a word, whose items lie side by side. */
static void turn_lines(const char *items, int64_t pitch, int64_t size, char *lines, int64_t line_step, int64_t n) {
    switch (size) {
    case 1: TURN_SQUARES(1); break;
    case 2: TURN_SQUARES(2); break;
    default: TURN_SQUARES(4); break;
    }
}

enum { PAINT_COLUMNS = 32 }; /* a map of 1024 x 1900 int64 takes 2.2 ms, with 64 columns 2.7 */

/* Scratch of painting: a cursor a mask; then the strip's pixels that are painted, as bits; then the strip. From one of
 * its columns to the next it is an odd number of cache lines, lest a row of it share a few sets of the cache: 2.1 ms
 * instead of 7.5 for a map of 1024 x 2048 uint32. */
static int64_t paint_words(const pm_dense *image) {
    return pm_words(PAINT_COLUMNS * image->height);
}

static int64_t paint_pitch(const pm_dense *image) {
    return ((image->height * image->item_size + 63) / 64 | 1) * 64;
}

size_t pm_labels_paint_scratch(const pm_batch *masks, const pm_dense *image) {
    return (size_t)(masks->n * (int64_t)sizeof(paint_cursor) + paint_words(image) * (int64_t)sizeof(uint64_t) +
                    PAINT_COLUMNS * paint_pitch(image));
}

/* A strip of columns from pixel `begin` on. */
typedef struct paint_strip {
    char *items;
    uint64_t *bits;
    int64_t pitch;
    int64_t size;
    int64_t begin;
} paint_strip;

static void paint_run(const paint_strip *strip, const pm_grid *grid, int64_t start, int64_t end, uint64_t id) {
    int64_t column = pm_grid_column(grid, start);
    int64_t row = start - column * grid->height;
    char *items = strip->items + (column - pm_grid_column(grid, strip->begin)) * strip->pitch;
    pm_bits_set(strip->bits, start - strip->begin, end - strip->begin);
    for (int64_t left = end - start; left > 0; row = 0, items += strip->pitch) {
        int64_t n = pm_min(left, grid->height - row);
        fill_items(items + row * strip->size, strip->size, n, id);
        left -= n;
    }
}

/* Bring a strip to its place in the map, in squares of eight bytes a side where items of a line lie side by side: a map
 * of 427 x 640 takes 86 us of uint8, 124 of uint16 and 166 of uint32 where item by item it took 119, 152 and 180; one
 * of 1024 x 1900 takes 0.46, 0.76 and 1.4 ms instead of 0.7, 1.0 and 1.75. Inlined, it made painting of runs slower:
 * 2.9 ms instead of 2.7 for noise. */
static PM_NOINLINE void turn_strip(paint_strip strip, const pm_dense *image, int64_t left, int64_t n) {
    const int64_t *strides = image->strides;
    const char *items = strip.items;
    char *line = image->data + left * strides[2];
    int64_t side = 8 / strip.size;
    int64_t turned = n / side * side; /* columns in whole squares */
    int64_t row = 0;
    for (; side > 1 && strides[2] == strip.size && row + side <= image->height; row += side) {
        turn_lines(items + row * strip.size, strip.pitch, strip.size, line + row * strides[1], strides[1], turned);
        for (int64_t k = row; k < row + side && turned < n; k++)
            turn_line(items + turned * strip.pitch + k * strip.size, strip.pitch, strip.size,
                      line + k * strides[1] + turned * strides[2], strides[2], n - turned);
    }
    for (; row < image->height; row++)
        turn_line(items + row * strip.size, strip.pitch, strip.size, line + row * strides[1], strides[2], n);
}

bool pm_labels_paint(const pm_batch *masks, const uint64_t *ids, uint64_t background, const pm_dense *image,
                     void *scratch) {
    const pm_kernels *kernels = pm_cpu_kernels();
    const pm_grid grid = pm_grid_of(image->height, image->width);
    int64_t words = paint_words(image);
    paint_cursor *cursors = scratch;
    uint64_t *bits = (uint64_t *)(cursors + masks->n);
    paint_strip strip = {(char *)(bits + words), bits, paint_pitch(image), image->item_size, 0};
    uint64_t painted = 0;
    uint64_t covered = 0;
    for (int64_t i = 0; i < masks->n; i++) {
        cursors[i] = (paint_cursor){.list = pm_runs_list(masks, i)};
        next_paint(cursors + i, grid.pixels);
    }
    for (int64_t left = 0; grid.pixels > 0 && left < image->width; left += PAINT_COLUMNS) {
        int64_t n_columns = pm_min(PAINT_COLUMNS, image->width - left);
        strip.begin = left * grid.height;
        int64_t end = strip.begin + n_columns * grid.height;
        fill_items(strip.items, strip.size, n_columns * strip.pitch / strip.size, background);
        memset(bits, 0, (size_t)words * sizeof *bits);
        for (int64_t i = 0; i < masks->n; i++) {
            paint_cursor *cursor = cursors + i;
            while (cursor->start < end) {
                int64_t stop = pm_min(cursor->end, end);
                paint_run(&strip, &grid, cursor->start, stop, ids[i]);
                painted += (uint64_t)(stop - cursor->start);
                cursor->start = stop;
                if (stop == cursor->end)
                    next_paint(cursor, grid.pixels);
            }
        }
        covered += kernels->shared(bits, words, bits, words, 1, words);
        turn_strip(strip, image, left, n_columns);
    }
    return painted == covered;
}

/* ---- joint histogram -------------------------------------------------------------------------------------------- */

enum { COUNT_ITEMS = 1024 }; /* that are looked at together: they stay in the L1 */

/* Add the pixels of a run. False, and nothing done, where that needs an entry more than the table may have. */
static inline bool add_run(pm_label_table *table, uint64_t a, uint64_t b, int64_t pixels) {
    pm_label_entry *entry = find_entry(table, a, b);
    if (PM_UNLIKELY(entry->value == 0)) {
        if (!has_room(table, 1))
            return false;
        table->n++;
        entry->a = a;
        entry->b = b;
    }
    entry->value += (uint64_t)pixels;
    return true;
}

/* Two lines of n items without gaps. */
typedef struct pair_line {
    const char *a;
    const char *b;
    int64_t size_a;
    int64_t size_b;
    int64_t n;
} pair_line;

static inline bool add_run_of(pm_label_table *table, const pair_line *line, int64_t start, int64_t end) {
    return add_run(table, load_item(line->a + start * line->size_a, line->size_a),
                   load_item(line->b + start * line->size_b, line->size_b), end - start);
}

/* Add the runs of a line, where `changes` has the items that are not as the next. Returns how many items were counted:
 * fewer than all when the table is full. What is read next in a map is brought near meanwhile, a little with each word:
 * 151 us instead of 200 for two maps of 480 x 640 uint32 that were in no cache, of which reading alone is 80. */
static inline int64_t add_line(pm_label_table *table, pair_line line, const uint64_t *changes, bool is_of_map) {
    int64_t start = 0; /* of the run */
    for (int64_t t = 0; t < pm_words(line.n - 1); t++) {
        if (is_of_map) {
            fetch_items(line.a + (line.n + 64 * t) * line.size_a, 64 * line.size_a);
            fetch_items(line.b + (line.n + 64 * t) * line.size_b, 64 * line.size_b);
        }
        for (uint64_t word = changes[t]; word; word &= word - 1) {
            int64_t end = 64 * t + pm_lowest_bit(word) + 1;
            if (!add_run_of(table, &line, start, end))
                return start;
            start = end;
        }
    }
    return add_run_of(table, &line, start, line.n) ? line.n : start;
}

/* Of sizes that the compiler knows, without a choice at each item: 124 us instead of 143. */
static int64_t add_line_of_size(pm_label_table *table, const pair_line *line, const uint64_t *changes) {
    switch (line->size_a == line->size_b ? line->size_a : 0) {
    case 1:
        return add_line(table, (pair_line){line->a, line->b, 1, 1, line->n}, changes, true);
    case 2:
        return add_line(table, (pair_line){line->a, line->b, 2, 2, line->n}, changes, true);
    case 4:
        return add_line(table, (pair_line){line->a, line->b, 4, 4, line->n}, changes, true);
    case 8:
        return add_line(table, (pair_line){line->a, line->b, 8, 8, line->n}, changes, true);
    default:
        return add_line(table, *line, changes, true);
    }
}

bool pm_labels_count(const pm_labels *a, const pm_labels *b, int64_t *position, int64_t end, pm_label_table *table) {
    const pm_kernels *kernels = pm_cpu_kernels();
    pair_line line = {.size_a = packed_size(a->item_size), .size_b = packed_size(b->item_size)};
    uint64_t room_a[COUNT_ITEMS];
    uint64_t room_b[COUNT_ITEMS];
    uint64_t changes[COUNT_ITEMS / 64];
    uint64_t changes_b[COUNT_ITEMS / 64];
    while (*position < end) {
        int64_t row = *position / a->width;
        int64_t column = *position % a->width;
        line.n = pm_min(pm_min(a->width - column, end - *position), COUNT_ITEMS);
        line.a = packed_line(item_at(a, row, column), a->strides[1], a->item_size, line.n, (char *)room_a);
        line.b = packed_line(item_at(b, row, column), b->strides[1], b->item_size, line.n, (char *)room_b);
        kernels->differs(line.a, line.a + line.size_a, line.n - 1, line.size_a, changes);
        kernels->differs(line.b, line.b + line.size_b, line.n - 1, line.size_b, changes_b);
        for (int64_t t = 0; t < pm_words(line.n - 1); t++)
            changes[t] |= changes_b[t];
        int64_t counted = add_line_of_size(table, &line, changes);
        *position += counted;
        if (counted < line.n)
            return false;
    }
    return true;
}

/* The rows of two PNGs, and where either changes. */
typedef struct png_pair {
    pm_png_ids a;
    pm_png_ids b;
    uint64_t *changes; /* pm_words(width) */
    int64_t n_runs;    /* of equal pairs in the row; 0: it is not unfiltered yet */
} png_pair;

size_t pm_labels_count_pngs_scratch(int64_t width) {
    return sizeof(png_pair) + (size_t)pm_words(width) * sizeof(uint64_t) + 2 * pm_png_ids_scratch(width);
}

static void begin_pngs(int64_t width, png_pair *pair) {
    char *room = (char *)(pair + 1) + (size_t)pm_words(width) * sizeof(uint64_t);
    pair->changes = (uint64_t *)(pair + 1);
    pair->a = pm_png_ids_begin(width, room);
    pair->b = pm_png_ids_begin(width, room + pm_png_ids_scratch(width));
    pair->n_runs = 0;
}

static void next_rows(const uint8_t *filtered_a, const uint8_t *filtered_b, png_pair *pair) {
    int64_t words = pm_words(pair->a.width);
    pm_png_ids_next(filtered_a, &pair->a);
    pm_png_ids_next(filtered_b, &pair->b);
    for (int64_t t = 0; t < words; t++)
        pair->changes[t] = pair->a.changes[t] | pair->b.changes[t];
    pair->n_runs = 1 + (int64_t)pm_cpu_kernels()->shared(pair->changes, words, pair->changes, words, 1, words);
}

bool pm_labels_count_pngs(const uint8_t *a, const uint8_t *b, int64_t height, int64_t width, int64_t *row,
                          pm_label_table *table, void *scratch) {
    png_pair *pair = scratch;
    int64_t row_size = 3 * width + 1;
    if (*row == 0)
        begin_pngs(width, pair);
    for (; *row < height && width > 0; ++*row) {
        const pair_line line = {(const char *)pair->a.ids, (const char *)pair->b.ids, 4, 4, width};
        if (pair->n_runs == 0)
            next_rows(a + *row * row_size, b + *row * row_size, pair);
        if (!has_room(table, pair->n_runs))
            return false;
        add_line(table, line, pair->changes, false);
        pair->n_runs = 0;
    }
    return true;
}
