/* test_ids.c - pm_ids_*, pm_codes_*: numbers in any memory, sets of them, codes of categories and instances. */
#include "cases.h"
#include "ids_cases.h"

typedef struct ids_case {
    const ids_block *from;
    const ids_block *to;
} ids_case;

static void print_block(FILE *file, const ids_block *block) {
    const pm_ids *ids = &block->ids;
    fprintf(file, "%" PRId64 " x %" PRId64 " x %" PRId64 " of %d x %d bytes, strides %" PRId64 " %" PRId64 " %" PRId64
            " %" PRId64, block->shape[0], block->shape[1], block->shape[2], ids->channels, ids->item_size,
            ids->strides[0], ids->strides[1], ids->strides[2], ids->channel_stride);
}

static void print_ids(FILE *file, const void *context) {
    const ids_case *now = context;
    print_block(file, now->from);
    fprintf(file, "\n    to ");
    print_block(file, now->to);
}

/* Often plain, as most arrays are. */
static ids_layout random_layout(random_state *random) {
    ids_layout layout = {{3, 2, 1, 0}, 0, 0, 0};
    if (random_below(random, 3) == 0)
        return layout;
    for (int i = 3; i > 0; i--) {
        int j = (int)random_below(random, i + 1);
        int axis = layout.order[i];
        layout.order[i] = layout.order[j];
        layout.order[j] = axis;
    }
    if (random_below(random, 2)) /* pixels of neighbouring bytes */
        layout = (ids_layout){{3, 2, 1, 0}, 0, 0, 0};
    layout.gap = random_below(random, 2) ? 0 : random_below(random, 9);
    layout.backwards = (unsigned)random_below(random, 16);
    layout.skew = random_below(random, 2) ? 0 : random_below(random, 9);
    return layout;
}

static void random_shape(random_state *random, int64_t shape[3]) {
    shape[0] = random_below(random, 4);
    shape[1] = random_below(random, 5);
    shape[2] = random_below(random, 4) ? random_between(random, 0, 70) : random_between(random, 500, 1100);
}

static int64_t random_number(random_state *random, const pm_ids *ids) {
    int bits = 8 * ids->item_size * ids->channels;
    uint64_t word = random_bits(random) >> (64 - bits);
    word = random_below(random, 3) ? word : word & 3;
    if (ids->channels == 1 && ids->is_signed && bits < 64 && word >> (bits - 1))
        word |= ~UINT64_C(0) << bits;
    return (int64_t)word;
}

/* Runs of a few numbers that both arrays hold. */
static void random_numbers(random_state *random, const ids_block *block, const pm_ids *other) {
    int64_t mean = INT64_C(1) << random_below(random, 8);
    int64_t number = 0;
    for (int64_t i = 0; i < ids_count(block); i++) {
        while (i == 0 || random_below(random, mean) == 0) {
            number = random_number(random, &block->ids);
            if (ids_holds(other, number))
                break;
            number = 0;
            if (i == 0)
                break;
        }
        ids_put(block, i, number);
    }
}

static ids_block random_block(random_state *random, const int64_t shape[3]) {
    return ids_new(ids_kinds[random_below(random, IDS_KINDS)], shape, random_layout(random), 0x5a);
}

/* ---- copies ------------------------------------------------------------------------------------------------------ */

static void test_a_copy_has_the_same_numbers(void) {
    random_state random = {1};
    for (int trial = 0; trial < 30000; trial++) {
        int64_t shape[3];
        random_shape(&random, shape);
        ids_block from = random_block(&random, shape);
        ids_block to = random_block(&random, shape);
        ids_block expected = to;
        int64_t n = ids_count(&from);
        int64_t begin = random_between(&random, 0, n);
        int64_t end = random_between(&random, begin, n);
        if (random_below(&random, 2)) {
            begin = 0;
            end = n;
        }
        random_numbers(&random, &from, &to.ids);
        expected.memory = guard_new(to.size, 64);
        memset(expected.memory, 0x5a, to.size);
        expected.ids.data = expected.memory + (to.ids.data - to.memory);
        for (int64_t i = begin; i < end; i++)
            ids_put(&expected, i, ids_get(&from, i));
        const ids_case now = {&from, &to};
        check_case(n, print_ids, &now);
        CHECK_EQUAL(pm_ids_copy(&from.ids, &to.ids, shape, begin, end), -1);
        CHECK(to.size == 0 || memcmp(to.memory, expected.memory, to.size) == 0);
        check_case(0, NULL, NULL);
        ids_free(&from);
        ids_free(&to);
        ids_free(&expected);
    }
}

static void test_the_first_number_that_does_not_fit_is_found(void) {
    random_state random = {2};
    for (int trial = 0; trial < 10000; trial++) {
        int64_t shape[3];
        random_shape(&random, shape);
        ids_block from = random_block(&random, shape);
        ids_block to = random_block(&random, shape);
        int64_t n = ids_count(&from);
        random_numbers(&random, &from, &to.ids);
        for (int k = 0; n > 0 && k < 2; k++)
            ids_put(&from, random_below(&random, n), random_number(&random, &from.ids));
        int64_t expected = 0;
        while (expected < n && ids_holds(&to.ids, ids_get(&from, expected)))
            expected++;
        const ids_case now = {&from, &to};
        check_case(n, print_ids, &now);
        CHECK_EQUAL(pm_ids_copy(&from.ids, &to.ids, shape, 0, n), expected < n ? expected : -1);
        check_case(0, NULL, NULL);
        ids_free(&from);
        ids_free(&to);
    }
}

/* ---- sets -------------------------------------------------------------------------------------------------------- */

static int64_t slots_for(int64_t capacity) {
    int64_t n = 2;
    while (n <= capacity)
        n *= 2;
    return n;
}

static int64_t find_naively(const pm_id_set *set, int64_t id) {
    for (int64_t i = 0; i < set->n; i++)
        if (set->ids[i] == id)
            return i;
    return -1;
}

/* From room for one id on, each time it is full for three more. */
static void test_a_set_has_every_number_once_and_its_count(void) {
    random_state random = {3};
    for (int trial = 0; trial < 5000; trial++) {
        int64_t shape[3];
        random_shape(&random, shape);
        ids_block from = random_block(&random, shape);
        random_numbers(&random, &from, &from.ids);
        int64_t n = ids_count(&from);
        bool is_direct = from.ids.channels * from.ids.item_size <= 2 && trial % 2;
        pm_id_set set = ids_new_set(is_direct ? 65536 : 1, is_direct ? 65536 : slots_for(1));
        set.is_direct = is_direct;
        set.least = is_direct && from.ids.is_signed ? -32768 : 0;
        const ids_case now = {&from, &from};
        check_case(n, print_ids, &now);
        for (int64_t at = 0; (at = pm_ids_unique(&from.ids, shape, at, n, &set)) < n;) {
            CHECK_EQUAL(set.n, set.capacity);
            CHECK_EQUAL(find_naively(&set, ids_get(&from, at)), -1);
            pm_id_set larger = ids_new_set(set.capacity + 3, slots_for(set.capacity + 3));
            memcpy(larger.ids, set.ids, (size_t)set.n * sizeof *set.ids);
            memcpy(larger.counts, set.counts, (size_t)set.n * sizeof *set.counts);
            larger.n = set.n;
            CHECK_EQUAL(pm_ids_index(&larger), -1);
            ids_free_set(&set);
            set = larger;
            if (set.n > 40)
                break; /* noise: enough */
        }
        int64_t sum = 0;
        for (int64_t k = 0; k < set.n; k++) {
            CHECK_EQUAL(find_naively(&set, set.ids[k]), k);
            sum += set.counts[k];
        }
        for (int64_t k = 0; set.n <= 40 && k < set.n; k++) {
            int64_t count = 0;
            for (int64_t i = 0; i < n; i++)
                count += ids_get(&from, i) == set.ids[k];
            CHECK_EQUAL(set.counts[k], count);
        }
        CHECK(sum == n || set.n > 40);
        check_case(0, NULL, NULL);
        ids_free_set(&set);
        ids_free(&from);
    }
}

static void test_an_id_that_comes_twice_is_found(void) {
    pm_id_set set = ids_new_set(4, 8);
    const int64_t ids[4] = {5, -1, INT64_MIN, -1};
    memcpy(set.ids, ids, sizeof ids);
    set.n = 4;
    CHECK_EQUAL(pm_ids_index(&set), 3);
    ids_free_set(&set);
}

static void test_relabel_puts_the_value_of_each_id(void) {
    random_state random = {4};
    for (int trial = 0; trial < 10000; trial++) {
        int64_t shape[3];
        random_shape(&random, shape);
        ids_block from = random_block(&random, shape);
        ids_block to = random_block(&random, shape);
        random_numbers(&random, &from, &from.ids);
        int64_t n = ids_count(&from);
        bool is_direct = from.ids.channels * from.ids.item_size == 1 && trial % 2;
        int64_t capacity = 12;
        pm_id_set set = ids_new_set(capacity, is_direct ? 256 : slots_for(capacity));
        set.is_direct = is_direct;
        set.least = is_direct && from.ids.is_signed ? -128 : 0;
        int64_t values[12];
        for (int64_t k = 0; n > 0 && k < capacity; k++) {
            int64_t id = ids_get(&from, random_below(&random, n));
            if (find_naively(&set, id) >= 0)
                continue;
            values[set.n] = random_number(&random, &to.ids);
            set.ids[set.n++] = id;
        }
        CHECK_EQUAL(pm_ids_index(&set), -1);
        int64_t other = random_number(&random, &to.ids);
        bool has_other = random_below(&random, 2);
        int64_t expected = 0;
        while (expected < n && (has_other || find_naively(&set, ids_get(&from, expected)) >= 0))
            expected++;
        const ids_case now = {&from, &to};
        check_case(n, print_ids, &now);
        int64_t found = pm_ids_relabel(&from.ids, &to.ids, shape, 0, n, &set, values, has_other ? &other : NULL);
        CHECK_EQUAL(found, expected < n ? expected : -1);
        for (int64_t i = 0; found < 0 && i < n; i++) {
            int64_t k = find_naively(&set, ids_get(&from, i));
            CHECK_EQUAL(ids_get(&to, i), k >= 0 ? values[k] : other);
        }
        check_case(0, NULL, NULL);
        ids_free_set(&set);
        ids_free(&from);
        ids_free(&to);
    }
}

/* ---- codes ------------------------------------------------------------------------------------------------------- */

/* Encodings of every kind: Cityscapes, detectron2, mmdetection, BDD100K, ADE20K's classes, COCO's segments, labels,
 * Panoptic Parts. */
enum { CITYSCAPES, DETECTRON2, MMDETECTION, BDD100K, ADE20K, SEGMENTS, LABELS, PARTS, CODECS };
static const pm_codec codecs[CODECS] = {
    [CITYSCAPES] = {.kind = PM_CODE_CATEGORY_MAJOR, .most_code = 65535, .most_category = 999, .most_instance = 999,
                    .divisor = 1000, .bare_below = 1000},
    [DETECTRON2] = {.kind = PM_CODE_CATEGORY_MAJOR, .least_code = -1, .most_code = INT32_MAX, .most_category = 2147483,
                    .most_instance = 999, .first_instance = 1, .divisor = 1000, .void_category = -1, .void_code = -1,
                    .segment_shift = 1},
    [MMDETECTION] = {.kind = PM_CODE_INSTANCE_MAJOR, .most_code = INT32_MAX, .most_category = 999,
                     .most_instance = 2147483, .first_instance = 1, .divisor = 1000, .void_category = 133,
                     .void_code = 133},
    [BDD100K] = {.kind = PM_CODE_FIELDS, .most_code = UINT32_MAX, .most_category = 255, .most_instance = 65535,
                 .first_instance = 1, .category = {0, 8, 0, 0, 1}, .instance = {24, 8, 16, 8, 1},
                 .attributes = {8, 4, 0, 0, 1}},
    [ADE20K] = {.kind = PM_CODE_FIELDS, .most_code = 0xffffff, .most_category = 6655, .most_instance = 255,
                .first_instance = 1, .category = {8, 8, 0, 8, 10}, .instance = {16, 8, 0, 0, 1},
                .segment_divisor = 256},
    [SEGMENTS] = {.kind = PM_CODE_SEGMENT, .most_code = 0xffffff, .most_category = 0xffffff, .first_instance = 1},
    [LABELS] = {.kind = PM_CODE_CATEGORY, .most_code = 255, .most_category = 255, .void_category = PM_NO_VOID},
    [PARTS] = {.kind = PM_CODE_CATEGORY_MAJOR, .most_code = 9999999, .most_category = 99, .most_instance = 999,
               .divisor = 1000, .bare_below = 100, .part_divisor = 100},
};

/* One number is asked for as a run, as noise is done by loops of its own. */
enum { RUN_LENGTH = 40 };

static const int64_t run_shape[3] = {1, 1, RUN_LENGTH};

static pm_ids run_of(const int64_t *number) {
    return (pm_ids){.data = (char *)number, .channels = 1, .item_size = 8, .is_signed = true};
}

static pm_ids room_for(int64_t *numbers) {
    return (pm_ids){.data = (char *)numbers, .strides = {0, 0, 8}, .channels = 1, .item_size = 8, .is_signed = true};
}

/* Category, instance and attributes of one code, or the other way; false where that is none. */
static bool unpack_one(const pm_codec *codec, int64_t code, int64_t fields[3]) {
    int64_t found[3][RUN_LENGTH];
    const pm_ids from = run_of(&code);
    const pm_ids to[3] = {room_for(found[0]), room_for(found[1]), room_for(found[2])};
    pm_code_fault fault = PM_CODE_OK;
    int64_t bad = pm_codes_unpack(codec, &from, &to[0], &to[1], &to[2], run_shape, 0, RUN_LENGTH, &fault);
    CHECK_EQUAL(bad, fault == PM_CODE_OK ? -1 : 0);
    CHECK(fault == PM_CODE_OK || fault == PM_CODE_UNREADABLE);
    for (int k = 0; k < 3 && bad < 0; k++) {
        fields[k] = found[k][0];
        CHECK_EQUAL(found[k][RUN_LENGTH - 1], found[k][0]);
    }
    return bad < 0;
}

static pm_code_fault pack_one(const pm_codec *codec, const int64_t fields[3], int64_t *code) {
    int64_t found[RUN_LENGTH];
    const pm_ids to = room_for(found);
    const pm_ids from[3] = {run_of(&fields[0]), run_of(&fields[1]), run_of(&fields[2])};
    pm_code_fault fault = PM_CODE_OK;
    int64_t bad = pm_codes_pack(codec, &from[0], &from[1], &from[2], &to, run_shape, 0, RUN_LENGTH, &fault);
    CHECK_EQUAL(bad, fault == PM_CODE_OK ? -1 : 0);
    if (bad < 0)
        *code = found[0];
    return fault;
}

typedef struct golden_code {
    int codec;
    int64_t code;
    int64_t fields[3];
} golden_code;

/* Cityscapes: the third car, a group of cars; detectron2: class 60, instance 2, void; mmdetection: the third object, of
 * class 17; BDD100K: (35, 4, 1, 44); ADE20K: (10, 145, 25); Panoptic Parts: sky, a car, person 10 and its
 * part 2, which is 3 here. */
static const golden_code golden[] = {
    {CITYSCAPES, 26002, {26, 2, 0}},
    {CITYSCAPES, 26, {26, -1, 0}},
    {DETECTRON2, 60002, {60, 2, 0}},
    {DETECTRON2, -1, {-1, 0, 0}},
    {MMDETECTION, 3017, {17, 3, 0}},
    {BDD100K, 35 | 4 << 8 | 1 << 16 | INT64_C(44) << 24, {35, 300, 4}},
    {ADE20K, 10 | 145 << 8 | 25 << 16, {401, 25, 0}},
    {SEGMENTS, 3937500, {3937500, 0, 0}},
    {LABELS, 26, {26, -1, 0}},
    {PARTS, 23, {23, -1, 0}},
    {PARTS, 26002, {26, 2, 0}},
    {PARTS, 2401000, {24, 10, 1}},
    {PARTS, 2401002, {24, 10, 3}},
    {PARTS, 9999999, {99, 999, 100}},
};

static void test_codes_worked_by_hand(void) {
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        int64_t fields[3];
        int64_t code;
        CHECK(unpack_one(&codecs[golden[i].codec], golden[i].code, fields));
        for (int k = 0; k < 3; k++)
            CHECK_EQUAL(fields[k], golden[i].fields[k]);
        CHECK_EQUAL(pack_one(&codecs[golden[i].codec], golden[i].fields, &code), PM_CODE_OK);
        CHECK_EQUAL(code, golden[i].code);
    }
}

/* Every code below 2^18, those near the limits, and random ones. */
static void test_codes_come_back(void) {
    random_state random = {5};
    for (int c = 0; c < CODECS; c++) {
        for (int64_t i = -10; i < (1 << 18) + 10000; i++) {
            int64_t code = i < 1 << 18         ? i
                           : i < (1 << 18) + 9 ? codecs[c].most_code - (1 << 18) + i - 4
                                               : (int64_t)(random_bits(&random) >> random_between(&random, 0, 63));
            int64_t fields[3];
            int64_t again;
            bool is_code = unpack_one(&codecs[c], code, fields);
            bool has_3_digits = code > 99 && code < 1000;
            CHECK_EQUAL(is_code, code >= codecs[c].least_code && code <= codecs[c].most_code &&
                                     !(c == PARTS && has_3_digits));
            if (!is_code)
                continue;
            CHECK_EQUAL(pack_one(&codecs[c], fields, &again), PM_CODE_OK);
            if (c == ADE20K) /* R is written as a multiple of ten */
                code -= code % 256 % 10;
            if (c == BDD100K) /* four bits of G mean nothing */
                code &= ~INT64_C(0xf000);
            CHECK_EQUAL(again, code);
        }
    }
}

static void test_what_is_packed_comes_back_or_is_refused(void) {
    random_state random = {6};
    for (int trial = 0; trial < 200000; trial++) {
        const pm_codec *codec = &codecs[trial % CODECS];
        int64_t fields[3];
        int64_t again[3];
        int64_t code;
        for (int k = 0; k < 3; k++) {
            fields[k] = random_between(&random, -3, INT64_C(1) << random_between(&random, 0, 40));
            if (random_below(&random, 2) && k < 2)
                fields[k] = random_between(&random, -1, 1) + (k ? codec->most_instance : codec->most_category);
        }
        if (codec->kind != PM_CODE_FIELDS && codec->part_divisor == 0)
            fields[2] = 0;
        if (codec->kind == PM_CODE_SEGMENT || codec->kind == PM_CODE_CATEGORY)
            fields[1] = codec->kind == PM_CODE_CATEGORY ? -1 : 0;
        if (pack_one(codec, fields, &code) != PM_CODE_OK)
            continue;
        CHECK(unpack_one(codec, code, again));
        for (int k = 0; k < 3; k++)
            CHECK(again[k] == fields[k] || (k == 1 && fields[0] == -1)); /* void has no instance */
    }
}

static pm_code_fault convert_one(const pm_recoding *by, int64_t code, int64_t *out) {
    int64_t found[RUN_LENGTH];
    const pm_ids from = run_of(&code);
    const pm_ids to = room_for(found);
    pm_code_fault fault = PM_CODE_OK;
    int64_t bad = pm_codes_convert(by, &from, &to, run_shape, 0, RUN_LENGTH, &fault);
    CHECK_EQUAL(bad, fault == PM_CODE_OK ? -1 : 0);
    if (bad < 0)
        *out = found[0];
    return fault;
}

typedef struct golden_conversion {
    int from;
    int to;
    int64_t code;
    pm_code_fault fault;
    int64_t out;
} golden_conversion;

static const golden_conversion conversions[] = {
    {CITYSCAPES, DETECTRON2, 26002, PM_CODE_OK, 26003},
    {CITYSCAPES, DETECTRON2, 26, PM_CODE_OK, 26000},
    {CITYSCAPES, DETECTRON2, 0, PM_CODE_OK, -1},
    {DETECTRON2, CITYSCAPES, 26001, PM_CODE_OK, 26000},
    {DETECTRON2, CITYSCAPES, 26000, PM_CODE_OK, 26},
    {DETECTRON2, CITYSCAPES, 1, PM_CODE_BECOMES_VOID, 0},
    {DETECTRON2, CITYSCAPES, 66001, PM_CODE_BAD_CODE, 0},
    {DETECTRON2, BDD100K, 256000, PM_CODE_BAD_CATEGORY, 0},
    {MMDETECTION, DETECTRON2, 1000007, PM_CODE_BAD_INSTANCE, 0},
    {DETECTRON2, SEGMENTS, 60002, PM_CODE_OK, 60003},
    {DETECTRON2, SEGMENTS, -1, PM_CODE_OK, 0},
    {DETECTRON2, SEGMENTS, 1 << 24, PM_CODE_BAD_CATEGORY, 0},
    {SEGMENTS, DETECTRON2, 60003, PM_CODE_OK, 60002},
    {SEGMENTS, CITYSCAPES, 65536, PM_CODE_UNREADABLE, 0},
    {MMDETECTION, SEGMENTS, 0, PM_CODE_BECOMES_VOID, 0},
    {MMDETECTION, SEGMENTS, 133, PM_CODE_OK, 0},
    {BDD100K, SEGMENTS, 35 | 1 << 16 | INT64_C(44) << 24, PM_CODE_OK, 300},
    {BDD100K, DETECTRON2, 35 | 4 << 8 | 1 << 16 | INT64_C(44) << 24, PM_CODE_LOSES_ATTRIBUTES, 0},
    {ADE20K, SEGMENTS, 10 | 145 << 8 | 25 << 16, PM_CODE_OK, 401 * 256 + 25},
    {SEGMENTS, ADE20K, 401 * 256 + 25, PM_CODE_OK, 10 | 145 << 8 | 25 << 16},
    {CITYSCAPES, LABELS, 26002, PM_CODE_LOSES_INSTANCE, 0},
    {CITYSCAPES, LABELS, 26, PM_CODE_OK, 26},
    {CITYSCAPES, LABELS, 0, PM_CODE_NO_VOID, 0},
    {LABELS, DETECTRON2, 26, PM_CODE_OK, 26000},
    {CITYSCAPES, DETECTRON2, 65536, PM_CODE_UNREADABLE, 0},
    {PARTS, SEGMENTS, 2401002, PM_CODE_OK, 2401002},
    {SEGMENTS, PARTS, 2401002, PM_CODE_OK, 2401002},
    {PARTS, PARTS, 2401002, PM_CODE_OK, 2401002},
    {PARTS, CITYSCAPES, 2401002, PM_CODE_LOSES_ATTRIBUTES, 0},
    {PARTS, BDD100K, 2401002, PM_CODE_LOSES_ATTRIBUTES, 0},
    {BDD100K, PARTS, 35 | 4 << 8 | INT64_C(5) << 24, PM_CODE_LOSES_ATTRIBUTES, 0},
    {PARTS, CITYSCAPES, 500, PM_CODE_UNREADABLE, 0},
};

static void test_conversions_worked_by_hand(void) {
    for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++) {
        const golden_conversion *now = &conversions[i];
        const pm_recoding by = {.from = &codecs[now->from], .to = &codecs[now->to]};
        int64_t out;
        CHECK_EQUAL(convert_one(&by, now->code, &out), now->fault);
        if (now->fault == PM_CODE_OK)
            CHECK_EQUAL(out, now->out);
    }
}

static void test_losses_are_allowed_where_that_is_asked_for(void) {
    const pm_recoding labels = {.from = &codecs[CITYSCAPES], .to = &codecs[LABELS], .allows_loss = true};
    const pm_recoding flags = {.from = &codecs[BDD100K], .to = &codecs[DETECTRON2], .allows_loss = true};
    const pm_recoding black = {.from = &codecs[MMDETECTION], .to = &codecs[SEGMENTS], .allows_loss = true};
    int64_t out;
    CHECK_EQUAL(convert_one(&labels, 26002, &out), PM_CODE_OK);
    CHECK_EQUAL(out, 26);
    CHECK_EQUAL(convert_one(&flags, 35 | 4 << 8 | INT64_C(44) << 24, &out), PM_CODE_OK);
    CHECK_EQUAL(out, 35044);
    CHECK_EQUAL(convert_one(&black, 0, &out), PM_CODE_OK);
    CHECK_EQUAL(out, 0);
}

static void test_categories_are_mapped(void) {
    pm_id_set set = ids_new_set(3, 8);
    const int64_t old[3] = {26, 7, 4};
    const int64_t values[3] = {13, 0, PM_NO_VOID};
    memcpy(set.ids, old, sizeof old);
    set.n = 3;
    CHECK_EQUAL(pm_ids_index(&set), -1);
    const pm_recoding by = {&codecs[CITYSCAPES], &codecs[DETECTRON2], &set, values, false};
    const pm_recoding blind = {&codecs[CITYSCAPES], &codecs[LABELS], &set, values, false};
    int64_t out;
    CHECK_EQUAL(convert_one(&by, 26002, &out), PM_CODE_OK);
    CHECK_EQUAL(out, 13003);
    CHECK_EQUAL(convert_one(&by, 7, &out), PM_CODE_OK);
    CHECK_EQUAL(out, 0);
    CHECK_EQUAL(convert_one(&by, 4, &out), PM_CODE_OK);
    CHECK_EQUAL(out, -1);
    CHECK_EQUAL(convert_one(&by, 5, &out), PM_CODE_UNKNOWN_CATEGORY);
    CHECK_EQUAL(convert_one(&blind, 4, &out), PM_CODE_NO_VOID);
    ids_free_set(&set);
}

/* Whole arrays in any memory against one code at a time. */
static void test_codes_of_arrays_are_those_of_their_elements(void) {
    random_state random = {7};
    const pm_codec *codec = &codecs[BDD100K];
    const pm_recoding by = {.from = codec, .to = &codecs[MMDETECTION], .allows_loss = true};
    for (int trial = 0; trial < 2000; trial++) {
        int64_t shape[3];
        random_shape(&random, shape);
        ids_block codes = ids_new(ids_kinds[trial % 3 ? 9 : 4], shape, random_layout(&random), 0x5a);
        ids_block again = ids_new(ids_kinds[trial % 2 ? 9 : 6], shape, random_layout(&random), 0x5a);
        ids_block numbers[3];
        random_numbers(&random, &codes, &codes.ids);
        int64_t n = ids_count(&codes);
        for (int k = 0; k < 3; k++)
            numbers[k] = ids_new(ids_kinds[k == 2 ? 0 : 5 + 2 * (trial % 2)], shape, random_layout(&random), 0x5a);
        const ids_case now = {&codes, &again};
        check_case(n, print_ids, &now);
        pm_code_fault fault = PM_CODE_OK;
        CHECK_EQUAL(pm_codes_unpack(codec, &codes.ids, &numbers[0].ids, &numbers[1].ids, &numbers[2].ids, shape, 0, n,
                                    &fault), -1);
        for (int64_t i = 0; i < n; i++) {
            int64_t fields[3];
            CHECK(unpack_one(codec, ids_get(&codes, i), fields));
            for (int k = 0; k < 3; k++)
                CHECK_EQUAL(ids_get(&numbers[k], i), fields[k]);
        }
        CHECK_EQUAL(pm_codes_pack(codec, &numbers[0].ids, &numbers[1].ids, &numbers[2].ids, &again.ids, shape, 0, n,
                                  &fault), -1);
        for (int64_t i = 0; i < n; i++)
            CHECK_EQUAL(ids_get(&again, i), ids_get(&codes, i) & ~INT64_C(0xf000));
        int64_t bad = pm_codes_convert(&by, &codes.ids, &again.ids, shape, 0, n, &fault);
        for (int64_t i = 0; i < n && (bad < 0 || i <= bad); i++) {
            int64_t out;
            pm_code_fault expected = convert_one(&by, ids_get(&codes, i), &out);
            CHECK_EQUAL(expected, i == bad ? fault : PM_CODE_OK);
            if (bad < 0)
                CHECK_EQUAL(ids_get(&again, i), out);
        }
        check_case(0, NULL, NULL);
        ids_free(&codes);
        ids_free(&again);
        for (int k = 0; k < 3; k++)
            ids_free(&numbers[k]);
    }
}

/* A number as one finds it, or, rarely, any. */
static int64_t random_field(random_state *random, int64_t most) {
    if (random_below(random, 2000) == 0)
        return (int64_t)random_bits(random) >> random_below(random, 64);
    return random_below(random, (most < 70000 ? most : 70000) + 1);
}

/* Lines of noise, which are done by columns of 32 bits, against one code at a time: fields, codes, what they become,
 * and where one fails and why. */
static void test_noise_is_done_as_each_code_alone(void) {
    random_state random = {8};
    int64_t codes[1300], made[1300], fields[3][1300], new_categories[256];
    pm_id_set set = ids_new_set(256, 1024);
    for (set.n = 0; set.n < 256; set.n++)
        set.ids[set.n] = set.n;
    CHECK_EQUAL(pm_ids_index(&set), -1);
    for (int trial = 0; trial < 1500; trial++) {
        const pm_codec *codec = &codecs[random_below(&random, CODECS)];
        const pm_recoding by = {.from = codec,
                                .to = &codecs[random_below(&random, CODECS)],
                                .categories = trial % 4 ? NULL : &set,
                                .new_categories = new_categories,
                                .allows_loss = random_below(&random, 2) != 0};
        for (int k = 0; k < 256; k++)
            new_categories[k] = trial % 8 && k % 5 == 0 ? PM_NO_VOID : random_below(&random, 200);
        int64_t n = random_between(&random, 1, 1300);
        const int64_t shape[3] = {1, 1, n};
        const pm_ids from = room_for(codes);
        const pm_ids to = room_for(made);
        const pm_ids each[3] = {room_for(fields[0]), room_for(fields[1]), room_for(fields[2])};
        for (int64_t i = 0; i < n; i++)
            codes[i] = random_field(&random, codec->most_code);
        pm_code_fault fault = PM_CODE_OK;
        int64_t bad = pm_codes_unpack(codec, &from, &each[0], &each[1], &each[2], shape, 0, n, &fault);
        for (int64_t i = 0; i < (bad < 0 ? n : bad); i++) {
            int64_t expected[3];
            CHECK(unpack_one(codec, codes[i], expected));
            for (int k = 0; k < 3; k++)
                CHECK_EQUAL(fields[k][i], expected[k]);
        }
        int64_t one[3];
        if (bad >= 0)
            CHECK(!unpack_one(codec, codes[bad], one));
        int item_size = 1 << random_below(&random, 3);
        bool is_signed = random_below(&random, 2) != 0;
        const pm_ids small = {(char *)made, {0, 0, item_size}, 0, 1, item_size, is_signed};
        if (bad < 0 && pm_ids_copy(&from, &small, shape, 0, n) < 0) {
            int64_t categories[1300];
            const pm_ids again = room_for(categories);
            CHECK_EQUAL(pm_codes_unpack(codec, &small, &again, NULL, NULL, shape, 0, n, &fault), -1);
            for (int64_t i = 0; i < n; i++)
                CHECK_EQUAL(categories[i], fields[0][i]);
        }
        bad = pm_codes_convert(&by, &from, &to, shape, 0, n, &fault);
        for (int64_t i = 0; i < (bad < 0 ? n : bad + 1); i++) {
            int64_t expected;
            CHECK_EQUAL(convert_one(&by, codes[i], &expected), i == bad ? fault : PM_CODE_OK);
            if (i != bad)
                CHECK_EQUAL(made[i], expected);
        }
        for (int64_t i = 0; i < n; i++) {
            fields[0][i] = random_field(&random, codec->most_category);
            fields[1][i] = random_field(&random, codec->most_instance) - (codec->bare_below > 0 && i % 3 == 0);
            fields[2][i] = codec->kind == PM_CODE_FIELDS ? random_below(&random, codec->attributes.low_bits + 1) : 0;
        }
        bad = pm_codes_pack(codec, &each[0], &each[1], &each[2], &to, shape, 0, n, &fault);
        for (int64_t i = 0; i < (bad < 0 ? n : bad + 1); i++) {
            const int64_t of[3] = {fields[0][i], fields[1][i], fields[2][i]};
            int64_t expected;
            CHECK_EQUAL(pack_one(codec, of, &expected), i == bad ? fault : PM_CODE_OK);
            if (i != bad)
                CHECK_EQUAL(made[i], expected);
        }
        if (bad < 0 && codec->most_code <= UINT16_MAX) {
            uint16_t short_codes[1300];
            const pm_ids narrow = {(char *)short_codes, {0, 0, 2}, 0, 1, 2, false};
            CHECK_EQUAL(pm_codes_pack(codec, &each[0], &each[1], &each[2], &narrow, shape, 0, n, &fault), -1);
            for (int64_t i = 0; i < n; i++)
                CHECK_EQUAL(short_codes[i], made[i]);
        }
    }
    ids_free_set(&set);
}

int main(void) {
    RUN(test_a_copy_has_the_same_numbers);
    RUN(test_the_first_number_that_does_not_fit_is_found);
    RUN(test_a_set_has_every_number_once_and_its_count);
    RUN(test_an_id_that_comes_twice_is_found);
    RUN(test_relabel_puts_the_value_of_each_id);
    RUN(test_codes_worked_by_hand);
    RUN(test_codes_come_back);
    RUN(test_what_is_packed_comes_back_or_is_refused);
    RUN(test_conversions_worked_by_hand);
    RUN(test_losses_are_allowed_where_that_is_asked_for);
    RUN(test_categories_are_mapped);
    RUN(test_codes_of_arrays_are_those_of_their_elements);
    RUN(test_noise_is_done_as_each_code_alone);
    return check_report("test_ids");
}
