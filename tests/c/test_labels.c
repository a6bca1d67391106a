/* test_labels.c - pm_labels_*: label maps <-> the runs of their segments, and how often ids of two maps meet. */
#include "cases.h"

/* ---- maps -------------------------------------------------------------------------------------------------------- */

/* A map in guarded memory, and the same ids as 64 bits, row by row. */
typedef struct id_map {
    uint64_t *ids;
    char *memory;
    pm_labels labels;
} id_map;

/* How a map lies: which axis is inside, bytes left out after each step, which axes run backwards. */
enum { LAYOUTS = 2 * 4 * 2 };

static const int64_t item_sizes[] = {1, 2, 4, 8, 3};

static uint64_t item_mask(int64_t item_size) {
    return item_size == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * item_size)) - 1;
}

/* Ids of nothing but small numbers, of multiples of a power of two, or next to the ends of what fits. */
static uint64_t some_id(random_state *random, int64_t item_size, int kind, int64_t n) {
    uint64_t k = (uint64_t)random_below(random, n);
    const uint64_t ids[] = {k, k << (8 * item_size - 4), 0 - k, k * UINT64_C(0x10000000001)};
    return ids[kind] & item_mask(item_size);
}

static id_map new_map(const uint64_t *ids, int64_t height, int64_t width, int64_t item_size, bool is_signed,
                      int layout) {
    bool is_column_major = layout & 1;
    int64_t gap = layout & 2 ? 3 : 0;
    int64_t inner = item_size + gap;
    int64_t outer = inner * (is_column_major ? height : width) + gap;
    size_t size = height * width > 0 ? (size_t)(outer * ((is_column_major ? width : height) - 1) +
                                                inner * ((is_column_major ? height : width) - 1) + item_size)
                                     : 0;
    id_map out = {GUARD_ARRAY(uint64_t, height * width), guard_new(size, 1), {.height = height, .width = width}};
    int64_t start = 0;
    for (int axis = 0; axis < 2; axis++) {
        int64_t stride = (axis == 0) == is_column_major ? inner : outer;
        int64_t last = axis == 0 ? height - 1 : width - 1;
        bool is_backwards = layout >> (2 + axis) & 1;
        out.labels.strides[axis] = is_backwards ? -stride : stride;
        start += is_backwards && size > 0 ? last * stride : 0;
    }
    out.labels.item_size = item_size;
    out.labels.is_signed = is_signed;
    char *data = out.memory + start;
    out.labels.data = data;
    memset(out.memory, 0x5a, size);
    for (int64_t p = 0; p < height * width; p++) {
        out.ids[p] = ids[p];
        char *item = data + p / width * out.labels.strides[0] + p % width * out.labels.strides[1];
        for (int64_t k = 0; k < item_size; k++) /* the tests run on machines whose lowest byte is first */
            item[k] = (char)(ids[p] >> (8 * k));
    }
    return out;
}

static void free_map(id_map *map) {
    guard_free(map->ids);
    guard_free(map->memory);
}

/* Ids in patches, so that runs of any length are there. */
static uint64_t *random_ids(random_state *random, int64_t height, int64_t width, int64_t item_size) {
    uint64_t *ids = malloc((size_t)(height * width + 1) * sizeof *ids);
    int kind = (int)random_below(random, 4);
    int64_t n = INT64_C(1) << random_between(random, 0, random_below(random, 4) ? 4 : 11);
    int64_t patch = random_between(random, 1, 40);
    for (int64_t row = 0; row < height; row++)
        for (int64_t column = 0; column < width; column++) {
            int64_t p = row * width + column;
            int64_t shift = random_below(random, 8) == 0;
            bool goes_on = row % patch != 0 || column % patch != 0;
            int64_t from = p - (row % patch ? width : 1) + (column + shift < width && row % patch ? shift : 0);
            bool is_new = !goes_on || from < 0 || random_below(random, 300) == 0;
            ids[p] = is_new ? some_id(random, item_size, kind, n) : ids[from];
        }
    return ids;
}

static void print_map(FILE *file, const void *context) {
    const id_map *map = context;
    const pm_labels *labels = &map->labels;
    fprintf(file, "%" PRId64 " x %" PRId64 ", %sids of %" PRId64 " bytes, strides %" PRId64 " %" PRId64 ", rows",
            labels->height, labels->width, labels->is_signed ? "signed " : "", labels->item_size, labels->strides[0],
            labels->strides[1]);
    for (int64_t p = 0; p < labels->height * labels->width && p < 64; p++)
        fprintf(file, "%s%" PRIu64, p % labels->width ? " " : " | ", map->ids[p]);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static pm_label_table new_table(int64_t capacity) {
    pm_label_table table = {GUARD_ARRAY(pm_label_entry, capacity), capacity, 0};
    memset(table.entries, 0, (size_t)capacity * sizeof *table.entries);
    return table;
}

static void enlarge(pm_label_table *table) {
    pm_label_table larger = new_table(2 * table->capacity);
    pm_labels_add(table, &larger);
    CHECK_EQUAL(larger.n, table->n);
    guard_free(table->entries);
    *table = larger;
}

/* The order of ids: as they are, or with a sign. */
static bool id_before(uint64_t a, uint64_t b, int64_t item_size, bool is_signed) {
    uint64_t flip = is_signed ? UINT64_C(1) << (8 * item_size - 1) : 0;
    return (a ^ flip) < (b ^ flip);
}

static uint64_t read_id(const char *item, int64_t size) {
    uint64_t id = 0;
    for (int64_t k = 0; k < size; k++)
        id |= (uint64_t)(uint8_t)item[k] << (8 * k);
    return id;
}

/* ---- segments ---------------------------------------------------------------------------------------------------- */

typedef struct found_segments {
    int64_t n;
    int64_t id_size;
    char *ids;
    uint64_t *areas;
    double *boxes;
    uint32_t *counts;
    int64_t *offsets;
} found_segments;

/* From the least memory, which grows by what is asked for only. */
static found_segments find_segments(const pm_labels *labels, const uint64_t *ignored, int64_t n_ignored,
                                    int64_t capacity) {
    pm_label_search search = {.table = new_table(capacity)};
    void *scratch = guard_scratch(pm_labels_scratch(labels));
    search.segments = GUARD_ARRAY(pm_segment, capacity / 2);
    search.runs = GUARD_ARRAY(pm_label_run, 0);
    pm_labels_ignore(&search, ignored, n_ignored);
    while (!pm_labels_find(labels, &search, scratch)) {
        int64_t needed = search.n_runs + pm_labels_line(labels);
        bool is_full = 2 * search.table.n >= search.table.capacity;
        CHECK(is_full || needed > search.capacity);
        if (is_full) {
            enlarge(&search.table);
            pm_segment *more = GUARD_ARRAY(pm_segment, search.table.capacity / 2);
            memcpy(more, search.segments, (size_t)search.table.n * sizeof *more);
            guard_free(search.segments);
            search.segments = more;
        }
        if (needed > search.capacity) {
            pm_label_run *more = GUARD_ARRAY(pm_label_run, needed);
            memcpy(more, search.runs, (size_t)search.n_runs * sizeof *more);
            guard_free(search.runs);
            search.runs = more;
            search.capacity = needed;
        }
    }
    pm_label_run *runs = search.runs;
    pm_label_run *room = GUARD_ARRAY(pm_label_run, search.n_runs);
    pm_labels_measure(labels, &search, room, scratch);
    found_segments out = {.n = search.n_segments, .id_size = labels->item_size == 3 ? 4 : labels->item_size};
    out.ids = guard_new((size_t)(out.n * out.id_size), 1);
    out.areas = GUARD_ARRAY(uint64_t, out.n);
    out.boxes = GUARD_ARRAY(double, 4 * out.n);
    out.counts = GUARD_ARRAY(uint32_t, search.n_counts);
    out.offsets = GUARD_ARRAY(int64_t, out.n + 1);
    out.offsets[0] = 0;
    pm_labels_write(labels, &search, out.ids, out.areas, out.boxes, out.counts, out.offsets);
    CHECK_EQUAL(out.offsets[out.n], search.n_counts);
    guard_free(search.table.entries);
    guard_free(search.segments);
    guard_free(runs);
    guard_free(room);
    guard_free(scratch);
    return out;
}

static void free_segments(found_segments *found) {
    guard_free(found->ids);
    guard_free(found->areas);
    guard_free(found->boxes);
    guard_free(found->counts);
    guard_free(found->offsets);
}

static bool contains(const uint64_t *ids, int64_t n, uint64_t id) {
    for (int64_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Every segment is the mask of its id, and every id that is not ignored has one. */
static void check_segments(const id_map *map, const uint64_t *ignored, int64_t n_ignored, int64_t capacity) {
    const pm_labels *labels = &map->labels;
    int64_t n_pixels = labels->height * labels->width;
    check_case(n_pixels, print_map, map);
    found_segments found = find_segments(labels, ignored, n_ignored, capacity);
    uint8_t *pixels = malloc((size_t)n_pixels + 1);
    uint32_t *runs = malloc((size_t)(n_pixels + 1) * sizeof *runs);
    uint64_t covered = 0;
    for (int64_t i = 0; i < found.n; i++) {
        uint64_t id = read_id(found.ids + i * found.id_size, found.id_size);
        CHECK(i == 0 || id_before(read_id(found.ids + (i - 1) * found.id_size, found.id_size), id, labels->item_size,
                                  labels->is_signed));
        CHECK(!contains(ignored, n_ignored, id));
        for (int64_t p = 0; p < n_pixels; p++)
            pixels[p % labels->width * labels->height + p / labels->width] = map->ids[p] == id;
        int64_t n_runs = oracle_encode(pixels, n_pixels, runs);
        double box[4];
        oracle_bbox(pixels, labels->height, labels->width, box);
        CHECK_RUNS(found.counts + found.offsets[i], found.offsets[i + 1] - found.offsets[i], runs, n_runs);
        CHECK_EQUAL(found.areas[i], oracle_area(pixels, n_pixels));
        CHECK(found.areas[i] > 0);
        for (int k = 0; k < 4; k++)
            CHECK_DOUBLE(found.boxes[4 * i + k], box[k]);
        covered += found.areas[i];
    }
    for (int64_t p = 0; p < n_pixels; p++)
        covered += contains(ignored, n_ignored, map->ids[p]);
    CHECK_EQUAL(covered, n_pixels);
    check_case(0, NULL, NULL);
    free(pixels);
    free(runs);
    free_segments(&found);
}

static void test_every_tiny_map_in_every_layout(void) {
    static const int64_t shapes[][2] = {{2, 3}, {3, 2}, {1, 6}, {6, 1}, {1, 1}, {2, 2}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int64_t n_pixels = shapes[s][0] * shapes[s][1];
        int64_t n_maps = 1;
        for (int64_t p = 0; p < n_pixels; p++)
            n_maps *= 3;
        for (int64_t index = 0; index < n_maps; index++) {
            uint64_t ids[6];
            for (int64_t p = 0, rest = index; p < n_pixels; p++, rest /= 3)
                ids[p] = (uint64_t)(rest % 3);
            for (int layout = 0; layout < LAYOUTS; layout++) {
                id_map map = new_map(ids, shapes[s][0], shapes[s][1], item_sizes[(index + layout) % 5], false, layout);
                const uint64_t ignored[] = {1, 0};
                check_segments(&map, ignored, index % 3, 4);
                free_map(&map);
            }
        }
    }
}

static void test_random_maps_in_random_layouts(void) {
    random_state random = {1};
    for (int trial = 0; trial < 400; trial++) {
        int64_t height = random_side(&random, 140);
        int64_t width = random_side(&random, 140);
        int64_t item_size = item_sizes[random_below(&random, 5)];
        uint64_t *ids = random_ids(&random, height, width, item_size);
        id_map map = new_map(ids, height, width, item_size, item_size != 3 && random_below(&random, 2),
                             (int)random_below(&random, LAYOUTS));
        uint64_t ignored[2] = {height * width > 0 ? ids[0] : 7, item_mask(item_size)};
        check_segments(&map, ignored, ignored[0] == ignored[1] ? 1 : random_below(&random, 3), trial % 2 ? 4 : 1024);
        free_map(&map);
        free(ids);
    }
}

/* More of everything than any first guess has room for. */
static void test_an_id_for_every_pixel(void) {
    random_state random = {2};
    for (int layout = 0; layout < 2; layout++) {
        uint64_t ids[60 * 70];
        for (uint64_t p = 0; p < 60 * 70; p++)
            ids[p] = layout ? p << 48 : random_bits(&random);
        id_map map = new_map(ids, 60, 70, 8, layout, layout);
        check_segments(&map, NULL, 0, 2);
        free_map(&map);
    }
}

static void test_maps_without_pixels(void) {
    static const int64_t sizes[][2] = {{0, 0}, {0, 5}, {5, 0}};
    for (int s = 0; s < 3; s++) {
        id_map map = new_map(NULL, sizes[s][0], sizes[s][1], 4, false, s % 2);
        check_segments(&map, NULL, 0, 2);
        free_map(&map);
    }
}

/* ---- paint ------------------------------------------------------------------------------------------------------- */

static void test_masks_are_painted_one_over_the_other(void) {
    random_state random = {3};
    for (int trial = 0; trial < 400; trial++) {
        int64_t n = random_between(&random, 0, 4);
        int64_t item_size = item_sizes[random_below(&random, 4)];
        many_masks masks = random_masks(&random, n, random_side(&random, 140), random_side(&random, 140));
        uint64_t *nothing = calloc((size_t)masks.n_pixels + 1, sizeof *nothing);
        id_map map = new_map(nothing, masks.height, masks.width, item_size, false,
                             (int)random_below(&random, LAYOUTS));
        free(nothing);
        uint64_t ids[4];
        for (int64_t i = 0; i < n; i++)
            ids[i] = some_id(&random, item_size, (int)i, 250);
        uint64_t background = some_id(&random, item_size, 2, 9);
        bool is_disjoint = true;
        for (int64_t p = 0; p < masks.n_pixels; p++) {
            int64_t over = 0;
            map.ids[p] = background;
            for (int64_t i = 0; i < n; i++) {
                if (pixels_of(&masks, i)[p % masks.width * masks.height + p / masks.width]) {
                    map.ids[p] = ids[i];
                    over++;
                }
            }
            is_disjoint = is_disjoint && over < 2;
        }
        pm_dense image = {.data = map.memory + (map.labels.data - map.memory), /* to be written */
                          .n = 1,
                          .height = masks.height,
                          .width = masks.width,
                          .strides = {0, map.labels.strides[0], map.labels.strides[1]},
                          .item_size = item_size};
        void *scratch = guard_scratch(pm_labels_paint_scratch(&masks.batch, &image));
        check_case(masks.n_pixels, print_map, &map);
        CHECK_EQUAL(pm_labels_paint(&masks.batch, ids, background, &image, scratch), is_disjoint);
        for (int64_t p = 0; p < masks.n_pixels; p++)
            CHECK_EQUAL(read_id(map.labels.data + p / masks.width * map.labels.strides[0] +
                                    p % masks.width * map.labels.strides[1], item_size), map.ids[p]);
        check_case(0, NULL, NULL);
        guard_free(scratch);
        free_map(&map);
        free_masks(&masks);
    }
}

static void test_lists_that_lie_paint_nothing_outside(void) {
    random_state random = {4};
    for (int trial = 0; trial < 300; trial++) {
        many_masks masks = lying_masks(&random, 3, random_between(&random, 0, 70), random_between(&random, 0, 140));
        char *data = guard_new((size_t)masks.n_pixels * 2, 1);
        pm_dense image = {.data = data,
                          .n = 1,
                          .height = masks.height,
                          .width = masks.width,
                          .strides = {0, 2 * masks.width, 2},
                          .item_size = 2};
        const uint64_t ids[] = {1, 2, 3};
        void *scratch = guard_scratch(pm_labels_paint_scratch(&masks.batch, &image));
        pm_labels_paint(&masks.batch, ids, 0, &image, scratch);
        for (int64_t p = 0; p < masks.n_pixels; p++)
            CHECK(read_id(data + 2 * p, 2) <= 3);
        guard_free(scratch);
        guard_free(data);
        free_masks(&masks);
    }
}

/* ---- joint histogram --------------------------------------------------------------------------------------------- */

static int64_t count_pairs(const id_map *a, const id_map *b, int64_t begin, int64_t end, uint64_t id_a, uint64_t id_b) {
    int64_t n = 0;
    for (int64_t p = begin; p < end; p++)
        n += a->ids[p] == id_a && b->ids[p] == id_b;
    return n;
}

/* Some of the pixels of two maps, from the least memory. */
static void check_count(const id_map *a, const id_map *b, int64_t begin, int64_t end) {
    pm_label_table table = new_table(2);
    int64_t position = begin;
    check_case(end - begin, print_map, a);
    while (!pm_labels_count(&a->labels, &b->labels, &position, end, &table)) {
        CHECK(position >= begin && position < end);
        CHECK_EQUAL(2 * table.n, table.capacity);
        enlarge(&table);
    }
    CHECK_EQUAL(position, end);
    uint64_t flip_a = a->labels.is_signed ? UINT64_C(1) << (8 * a->labels.item_size - 1) : 0;
    uint64_t flip_b = b->labels.is_signed ? UINT64_C(1) << (8 * b->labels.item_size - 1) : 0;
    pm_labels_sort(&table, flip_a, flip_b);
    uint64_t *ids = GUARD_ARRAY(uint64_t, table.n);
    uint32_t *low = GUARD_ARRAY(uint32_t, table.n);
    uint64_t *values = GUARD_ARRAY(uint64_t, table.n);
    pm_labels_entries(&table, 8, ids, 4, low, values);
    uint64_t sum = 0;
    for (int64_t i = 0; i < table.n; i++) {
        const pm_label_entry *now = table.entries + i;
        const pm_label_entry *last = now - 1;
        CHECK(i == 0 || id_before(last->a, now->a, a->labels.item_size, a->labels.is_signed) ||
              (last->a == now->a && id_before(last->b, now->b, b->labels.item_size, b->labels.is_signed)));
        CHECK_EQUAL(now->value, count_pairs(a, b, begin, end, now->a, now->b));
        CHECK(ids[i] == now->a && low[i] == (uint32_t)now->b && values[i] == now->value);
        sum += now->value;
    }
    CHECK_EQUAL(sum, end - begin);
    check_case(0, NULL, NULL);
    guard_free(ids);
    guard_free(low);
    guard_free(values);
    guard_free(table.entries);
}

static void test_pairs_are_counted_in_any_layout(void) {
    random_state random = {5};
    for (int trial = 0; trial < 300; trial++) {
        bool is_long = trial % 10 == 0; /* longer than what is looked at together */
        int64_t height = is_long ? 2 : random_side(&random, 80);
        int64_t width = is_long ? random_between(&random, 1000, 3000) : random_side(&random, 80);
        id_map maps[2];
        for (int side = 0; side < 2; side++) {
            int64_t item_size = item_sizes[random_below(&random, 5)];
            uint64_t *ids = random_ids(&random, height, width, item_size);
            maps[side] = new_map(ids, height, width, item_size, item_size != 3 && random_below(&random, 2),
                                 (int)random_below(&random, LAYOUTS));
            free(ids);
        }
        int64_t begin = random_between(&random, 0, height * width);
        check_count(&maps[0], &maps[1], 0, height * width);
        check_count(&maps[0], &maps[1], begin, random_between(&random, begin, height * width));
        free_map(&maps[0]);
        free_map(&maps[1]);
    }
}

/* The ids of a PNG, by the definition. */
static id_map map_of_png(const uint8_t *filtered, int64_t height, int64_t width) {
    uint8_t *rows = GUARD_ARRAY(uint8_t, height * width * 3);
    uint64_t *ids = malloc((size_t)(height * width + 1) * sizeof *ids);
    oracle_png_unfilter(filtered, height, 3 * width, 3, rows);
    for (int64_t p = 0; p < height * width; p++)
        ids[p] = rows[3 * p] + 256 * (uint64_t)rows[3 * p + 1] + 65536 * (uint64_t)rows[3 * p + 2];
    id_map map = new_map(ids, height, width, 4, false, 0);
    free(ids);
    guard_free(rows);
    return map;
}

static void test_pairs_of_pngs_are_those_of_their_ids(void) {
    random_state random = {9};
    for (int trial = 0; trial < 300; trial++) {
        int64_t height = random_side(&random, 80);
        int64_t width = random_side(&random, 150);
        int zeros = (int)random_below(&random, 101);
        uint8_t *a = random_png(&random, height, 3 * width, zeros, -1);
        uint8_t *b = random_png(&random, height, 3 * width, zeros, -1);
        id_map map_a = map_of_png(a, height, width);
        id_map map_b = map_of_png(b, height, width);
        pm_label_table table = new_table(2);
        pm_label_table expected = new_table(2);
        void *scratch = guard_scratch(pm_labels_count_pngs_scratch(width));
        int64_t row = 0;
        int64_t position = 0;
        while (!pm_labels_count_pngs(a, b, height, width, &row, &table, scratch))
            enlarge(&table);
        while (!pm_labels_count(&map_a.labels, &map_b.labels, &position, height * width, &expected))
            enlarge(&expected);
        pm_labels_sort(&table, 0, 0);
        pm_labels_sort(&expected, 0, 0);
        CHECK_EQUAL(table.n, expected.n);
        for (int64_t i = 0; i < table.n; i++)
            CHECK(table.entries[i].a == expected.entries[i].a && table.entries[i].b == expected.entries[i].b &&
                  table.entries[i].value == expected.entries[i].value);
        guard_free(a);
        guard_free(b);
        free_map(&map_a);
        free_map(&map_b);
        guard_free(table.entries);
        guard_free(expected.entries);
        guard_free(scratch);
    }
}

static void test_tables_of_parts_add_up(void) {
    pm_label_table a = new_table(8);
    pm_label_table b = new_table(8);
    a.entries[3] = (pm_label_entry){1, 2, 10};
    b.entries[0] = (pm_label_entry){1, 2, 5};
    b.entries[7] = (pm_label_entry){2, 1, 1};
    a.n = 1;
    b.n = 2;
    pm_label_table sum = new_table(16);
    pm_labels_add(&a, &sum);
    pm_labels_add(&b, &sum);
    pm_labels_sort(&sum, 0, 0);
    CHECK_EQUAL(sum.n, 2);
    CHECK(sum.entries[0].a == 1 && sum.entries[0].b == 2 && sum.entries[0].value == 15);
    CHECK(sum.entries[1].a == 2 && sum.entries[1].b == 1 && sum.entries[1].value == 1);
    guard_free(a.entries);
    guard_free(b.entries);
    guard_free(sum.entries);
}

/* Ids of some bits of 64, of which the sign may be one. */
static void check_order(random_state *random, int64_t n, uint64_t bits_a, uint64_t bits_b, uint64_t flip_a,
                        uint64_t flip_b) {
    pm_label_table pairs = new_table(1024);
    pm_label_table table = new_table(1024);
    for (pairs.n = 0; pairs.n < n; pairs.n++)
        pairs.entries[pairs.n] = (pm_label_entry){random_bits(random) & bits_a, random_bits(random) & bits_b, 1};
    pm_labels_add(&pairs, &table);
    pm_labels_sort(&table, flip_a, flip_b);
    uint64_t sum = 0;
    for (int64_t i = 0; i < table.n; i++) {
        const pm_label_entry *now = table.entries + i;
        const pm_label_entry *last = now - 1;
        uint64_t same = 0;
        CHECK(i == 0 || (last->a ^ flip_a) < (now->a ^ flip_a) ||
              (last->a == now->a && (last->b ^ flip_b) < (now->b ^ flip_b)));
        for (int64_t k = 0; k < n; k++)
            same += pairs.entries[k].a == now->a && pairs.entries[k].b == now->b;
        CHECK_EQUAL(now->value, same);
        sum += now->value;
    }
    CHECK_EQUAL(sum, n);
    guard_free(pairs.entries);
    guard_free(table.entries);
}

static void test_pairs_come_in_order_of_whatever_bits_they_have(void) {
    const uint64_t sign = UINT64_C(1) << 63;
    const uint64_t bits[] = {0, 1, 0x80, 0x3fc0, sign | 1, UINT64_C(0xff00ff00000000f0), sign, ~UINT64_C(0)};
    random_state random = {15};
    const int64_t sizes[] = {0, 1, 2, 3, 40, 512};
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            for (int k = 0; k < 6; k++) {
                check_order(&random, sizes[k], bits[i], bits[j], 0, 0);
                check_order(&random, sizes[k], bits[i], bits[j], sign, 0);
                check_order(&random, sizes[k], bits[i], bits[j], 0, sign);
            }
}

int main(void) {
    RUN(test_every_tiny_map_in_every_layout);
    RUN(test_random_maps_in_random_layouts);
    RUN(test_an_id_for_every_pixel);
    RUN(test_maps_without_pixels);
    RUN(test_masks_are_painted_one_over_the_other);
    RUN(test_lists_that_lie_paint_nothing_outside);
    RUN(test_pairs_are_counted_in_any_layout);
    RUN(test_pairs_of_pngs_are_those_of_their_ids);
    RUN(test_tables_of_parts_add_up);
    RUN(test_pairs_come_in_order_of_whatever_bits_they_have);
    return check_report("test_labels");
}
