/* fuzz_labels.c - label maps <-> runs of segments, and pairs of ids, in any layout, size and capacity, or of PNGs. */
#include "reader.h"

enum { MOST_SIDE = 80, MOST_PIXELS = 1200 };

/* Two maps of one size; ids[p] is that of the p-th pixel, row by row. */
typedef struct id_map {
    uint64_t ids[MOST_PIXELS];
    char *memory;
    pm_labels labels;
} id_map;

static uint64_t read_id(const char *item, int64_t size) {
    uint64_t id = 0;
    for (int64_t k = 0; k < size; k++)
        id |= (uint64_t)(uint8_t)item[k] << (8 * k);
    return id;
}

/* Few ids, small or spread over all bits, in patches. */
static void read_map(reader *from, int64_t height, int64_t width, id_map *out) {
    static const int64_t item_sizes[] = {1, 2, 4, 8, 3};
    uint8_t kind = read_byte(from);
    int64_t size = item_sizes[kind % 5];
    uint64_t mask = size == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;
    int64_t gap = kind & 64 ? 1 : 0;
    bool is_column_major = kind & 128;
    int64_t inner = size + gap;
    int64_t outer = inner * (is_column_major ? height : width) + gap;
    uint64_t factor = read_byte(from) & 1 ? read_word(from) : 1;
    uint64_t pattern = read_word(from);
    int64_t turn = read_byte(from) + 1;
    bool is_noise = read_byte(from) & 1;
    out->labels = (pm_labels){.height = height,
                              .width = width,
                              .strides = {is_column_major ? inner : outer, is_column_major ? outer : inner},
                              .item_size = size,
                              .is_signed = size != 3 && kind & 32};
    int64_t last = (height - 1) * out->labels.strides[0] + (width - 1) * out->labels.strides[1];
    int64_t span = height * width > 0 ? last + size : 0;
    out->memory = guard_new((size_t)span, 1);
    memset(out->memory, 0xee, (size_t)span);
    out->labels.data = out->memory;
    for (int64_t p = 0; p < height * width; p++) {
        uint64_t k = is_noise ? (uint64_t)p : pattern >> ((p + p / turn) % 61) & 7;
        out->ids[p] = k * factor & mask;
        char *item = out->memory + p / width * out->labels.strides[0] + p % width * out->labels.strides[1];
        for (int64_t b = 0; b < size; b++)
            item[b] = (char)(out->ids[p] >> (8 * b));
    }
}

static pm_label_table new_table(int64_t capacity) {
    pm_label_table table = {GUARD_ARRAY(pm_label_entry, capacity), capacity, 0};
    memset(table.entries, 0, (size_t)capacity * sizeof *table.entries);
    return table;
}

static void enlarge(pm_label_table *table) {
    pm_label_table larger = new_table(2 * table->capacity);
    pm_labels_add(table, &larger);
    REQUIRE(larger.n == table->n);
    guard_free(table->entries);
    *table = larger;
}

static void fuzz_segments(const id_map *map, const uint64_t *ignored, int64_t n_ignored) {
    const pm_labels *labels = &map->labels;
    int64_t n_pixels = labels->height * labels->width;
    int64_t size = labels->item_size == 3 ? 4 : labels->item_size;
    pm_label_search search = {.table = new_table(4)};
    void *scratch = guard_scratch(pm_labels_scratch(labels));
    search.segments = GUARD_ARRAY(pm_segment, 2);
    search.runs = GUARD_ARRAY(pm_label_run, n_pixels + pm_labels_line(labels));
    search.capacity = n_pixels + pm_labels_line(labels);
    pm_labels_ignore(&search, ignored, n_ignored);
    while (!pm_labels_find(labels, &search, scratch)) {
        REQUIRE(2 * search.table.n >= search.table.capacity);
        enlarge(&search.table);
        pm_segment *more = GUARD_ARRAY(pm_segment, search.table.capacity / 2);
        memcpy(more, search.segments, (size_t)search.table.n * sizeof *more);
        guard_free(search.segments);
        search.segments = more;
    }
    pm_label_run *runs = search.runs;
    pm_label_run *room = GUARD_ARRAY(pm_label_run, search.n_runs);
    pm_labels_measure(labels, &search, room, scratch);
    int64_t n = search.n_segments;
    char *ids = guard_new((size_t)(n * size), 1);
    uint64_t *areas = GUARD_ARRAY(uint64_t, n);
    double *boxes = GUARD_ARRAY(double, 4 * n);
    uint32_t *counts = GUARD_ARRAY(uint32_t, search.n_counts);
    int64_t *offsets = GUARD_ARRAY(int64_t, n + 1);
    offsets[0] = 0;
    pm_labels_write(labels, &search, ids, areas, boxes, counts, offsets);

    uint64_t covered = 0;
    for (int64_t p = 0; p < n_pixels; p++)
        covered += (n_ignored > 0 && map->ids[p] == ignored[0]) || (n_ignored > 1 && map->ids[p] == ignored[1]);
    for (int64_t i = 0; i < n; i++) {
        static uint8_t pixels[MOST_PIXELS];
        uint64_t id = read_id(ids + i * size, size);
        double box[4];
        for (int64_t p = 0; p < n_pixels; p++)
            pixels[p % labels->width * labels->height + p / labels->width] = map->ids[p] == id;
        require_mask(counts + offsets[i], offsets[i + 1] - offsets[i], n_pixels, pixels);
        REQUIRE(areas[i] == oracle_area(pixels, n_pixels));
        oracle_bbox(pixels, labels->height, labels->width, box);
        REQUIRE(memcmp(boxes + 4 * i, box, sizeof box) == 0);
        covered += areas[i];
    }
    REQUIRE(covered == (uint64_t)n_pixels);

    /* Painted again it is the same map, but for what was ignored. */
    int64_t sizes[2 * MOST_PIXELS];
    uint64_t values[MOST_PIXELS];
    for (int64_t i = 0; i < n; i++) {
        sizes[2 * i] = labels->height;
        sizes[2 * i + 1] = labels->width;
        values[i] = read_id(ids + i * size, size);
    }
    const pm_batch batch = {counts, offsets, sizes, n};
    char *data = guard_new((size_t)(n_pixels * size), 1);
    const pm_dense image = {.data = data,
                            .n = 1,
                            .height = labels->height,
                            .width = labels->width,
                            .strides = {0, labels->width * size, size},
                            .item_size = size};
    void *paint_scratch = guard_scratch(pm_labels_paint_scratch(&batch, &image));
    REQUIRE(pm_labels_paint(&batch, values, n_ignored > 0 ? ignored[0] : 0, &image, paint_scratch));
    for (int64_t p = 0; n_ignored < 2 && p < n_pixels; p++)
        REQUIRE(read_id(data + p * size, size) == map->ids[p]);
    guard_free(paint_scratch);
    guard_free(data);
    guard_free(search.table.entries);
    guard_free(search.segments);
    guard_free(runs);
    guard_free(room);
    guard_free(scratch);
    guard_free(ids);
    guard_free(areas);
    guard_free(boxes);
    guard_free(counts);
    guard_free(offsets);
}

/* The table, sorted, has every pair of the pixels begin .. end - 1. */
static void require_pairs(const pm_label_table *table, const uint64_t *a, const uint64_t *b, int64_t begin,
                          int64_t end) {
    uint64_t sum = 0;
    for (int64_t i = 0; i < table->n; i++) {
        const pm_label_entry *now = table->entries + i;
        uint64_t pixels = 0;
        for (int64_t p = begin; p < end; p++)
            pixels += a[p] == now->a && b[p] == now->b;
        REQUIRE(now->value == pixels);
        REQUIRE(i == 0 || now[-1].a < now->a || (now[-1].a == now->a && now[-1].b < now->b));
        sum += pixels;
    }
    REQUIRE(sum == (uint64_t)(end - begin));
}

static void fuzz_pairs(const id_map *a, const id_map *b, int64_t begin, int64_t end) {
    pm_label_table table = new_table(2);
    int64_t position = begin;
    while (!pm_labels_count(&a->labels, &b->labels, &position, end, &table)) {
        REQUIRE(position >= begin && position < end && 2 * table.n >= table.capacity);
        enlarge(&table);
    }
    pm_labels_sort(&table, 0, 0);
    require_pairs(&table, a->ids, b->ids, begin, end);
    uint64_t *ids_a = GUARD_ARRAY(uint64_t, table.n);
    uint32_t *low_b = GUARD_ARRAY(uint32_t, table.n);
    uint64_t *values = GUARD_ARRAY(uint64_t, table.n);
    pm_labels_entries(&table, sizeof *ids_a, ids_a, sizeof *low_b, low_b, values);
    for (int64_t i = 0; i < table.n; i++)
        REQUIRE(ids_a[i] == table.entries[i].a && low_b[i] == (uint32_t)table.entries[i].b &&
                values[i] == table.entries[i].value);
    guard_free(values);
    guard_free(low_b);
    guard_free(ids_a);
    guard_free(table.entries);
}

/* Rows of an RGB PNG, and their ids by the definition. */
static uint8_t *read_png(reader *from, int64_t height, int64_t width, uint64_t *ids) {
    int64_t n = 3 * width;
    uint8_t *filtered = guard_new((size_t)(height * (n + 1)), 1);
    uint8_t *rows = guard_new((size_t)(height * n), 1);
    for (int64_t i = 0; i < height * (n + 1); i++)
        filtered[i] = (uint8_t)(i % (n + 1) ? read_byte(from) : read_below(from, 5));
    oracle_png_unfilter(filtered, height, n, 3, rows);
    for (int64_t p = 0; p < height * width; p++)
        ids[p] = rows[3 * p] + 256 * (uint64_t)rows[3 * p + 1] + 65536 * (uint64_t)rows[3 * p + 2];
    guard_free(rows);
    return filtered;
}

static void fuzz_pngs(reader *from) {
    static uint64_t ids[2][8 * MOST_SIDE];
    int64_t height = read_below(from, 8);
    int64_t width = read_below(from, MOST_SIDE);
    uint8_t *a = read_png(from, height, width, ids[0]);
    uint8_t *b = read_png(from, height, width, ids[1]);
    pm_label_table table = new_table(2);
    void *scratch = guard_scratch(pm_labels_count_pngs_scratch(width));
    int64_t row = 0;
    while (!pm_labels_count_pngs(a, b, height, width, &row, &table, scratch))
        enlarge(&table);
    pm_labels_sort(&table, 0, 0);
    require_pairs(&table, ids[0], ids[1], 0, height * width);
    guard_free(a);
    guard_free(b);
    guard_free(table.entries);
    guard_free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static id_map a;
    static id_map b;
    reader from = {data, data + size};
    int64_t height = read_below(&from, MOST_SIDE);
    int64_t width = read_below(&from, MOST_SIDE);
    if (height * width > MOST_PIXELS / 4)
        width = MOST_PIXELS / 4 / height;
    read_map(&from, height, width, &a);
    read_map(&from, height, width, &b);
    uint8_t kind = read_byte(&from);
    uint64_t ignored[2] = {height * width > 0 ? a.ids[0] : 0, 77};
    fuzz_segments(&a, ignored, ignored[0] == 77 ? kind % 2 : kind % 3);
    int64_t begin = height * width > 0 ? read_byte(&from) % (height * width) : 0;
    fuzz_pairs(&a, &b, begin, height * width);
    fuzz_pngs(&from);
    guard_free(a.memory);
    guard_free(b.memory);
    return 0;
}
