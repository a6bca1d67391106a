/* fuzz_ids.c - arrays of ids in any memory: copied, counted, relabelled, as codes of any encoding packed, unpacked and
 * converted, with not a byte read or written beside them. */
#include "reader.h"

#include "../c/ids_cases.h"

enum { MOST_IDS = 700 };

static ids_block read_block(reader *from, const int64_t shape[3]) {
    static const int orders[4][4] = {{3, 2, 1, 0}, {2, 3, 1, 0}, {2, 1, 0, 3}, {3, 1, 2, 0}};
    uint8_t kind = read_byte(from);
    uint8_t how = read_byte(from);
    ids_layout layout = {{0}, how >> 2 & 3, (unsigned)(how >> 4), kind / IDS_KINDS % 5};
    memcpy(layout.order, orders[how & 3], sizeof layout.order);
    return ids_new(ids_kinds[kind % IDS_KINDS], shape, layout, 0xee);
}

/* Runs of numbers, until the input ends; the rest repeats them. */
static void read_numbers(reader *from, const ids_block *block) {
    int64_t n = ids_count(block);
    int64_t i = 0;
    while (i < n && from->at < from->end) {
        int64_t number = read_number(from);
        for (int64_t run = read_byte(from) % 80; run >= 0 && i < n; run--)
            ids_put(block, i++, number);
    }
    for (int64_t k = 0; i < n; i++, k++)
        ids_put(block, i, k < i ? ids_get(block, k) : 0);
}

static void check_copy(const ids_block *from, const ids_block *to) {
    int64_t n = ids_count(from);
    int64_t bad = pm_ids_copy(&from->ids, &to->ids, from->shape, 0, n);
    for (int64_t i = 0; i < n; i++) {
        bool fits = ids_holds(&to->ids, ids_get(from, i));
        REQUIRE(fits || (bad >= 0 && bad <= i));
        REQUIRE(bad >= 0 || ids_get(to, i) == ids_get(from, i) || to->ids.item_size == 8 || from->ids.item_size == 8);
        REQUIRE(fits || i != 0 || bad == 0);
    }
}

static void check_sets(const ids_block *from, const ids_block *to, int64_t other, bool has_other) {
    int64_t n = ids_count(from);
    pm_id_set set = ids_new_set(n, 1024);
    REQUIRE(pm_ids_unique(&from->ids, from->shape, 0, n, &set) == n);
    int64_t sum = 0;
    int64_t *values = GUARD_ARRAY(int64_t, n);
    for (int64_t k = 0; k < set.n; k++) {
        sum += set.counts[k];
        values[k] = (int64_t)((uint64_t)set.ids[k] * 3 & 0x7f);
    }
    REQUIRE(sum == n);
    pm_id_set few = ids_new_set(n, 1024); /* without every third */
    for (int64_t k = 0; k < set.n; k++)
        if (k % 3 != 2 || !has_other)
            few.ids[few.n++] = set.ids[k];
    REQUIRE(pm_ids_index(&few) == -1);
    for (int64_t k = 0; k < few.n; k++)
        values[k] = (int64_t)((uint64_t)few.ids[k] * 3 & 0x7f);
    other &= 0x7f;
    REQUIRE(pm_ids_relabel(&from->ids, &to->ids, from->shape, 0, n, &few, values, has_other ? &other : NULL) == -1);
    for (int64_t i = 0; i < n; i++) {
        int64_t value = ids_get(to, i);
        bool is_value = value == (int64_t)((uint64_t)ids_get(from, i) * 3 & 0x7f);
        REQUIRE(is_value || (has_other && value == other));
    }
    guard_free(values);
    ids_free_set(&set);
    ids_free_set(&few);
}

/* Some encoding: its numbers make sense, but otherwise are the input's. */
static pm_codec read_codec(reader *from) {
    static const int64_t divisors[] = {1, 10, 100, 256, 1000, 65536};
    pm_codec codec = {.kind = (pm_code_kind)(read_byte(from) % 5)};
    uint8_t how = read_byte(from);
    codec.divisor = divisors[read_byte(from) % 6];
    codec.most_code = how & 1 ? UINT32_MAX : how & 2 ? 0xffffff : 65535;
    codec.most_category = codec.most_code;
    codec.most_instance = codec.divisor - 1;
    codec.first_instance = how >> 2 & 1;
    codec.segment_shift = how >> 3 & 1;
    codec.void_category = how & 16 ? read_byte(from) : how & 32 ? -1 : PM_NO_VOID;
    codec.least_code = codec.void_category == -1 ? -1 : 0;
    codec.bare_below = codec.kind == PM_CODE_CATEGORY_MAJOR && how & 64 ? codec.divisor : 0;
    if (codec.kind == PM_CODE_CATEGORY_MAJOR) {
        int64_t most = codec.most_code / codec.divisor;
        codec.most_category = most < codec.bare_below - 1 ? codec.bare_below - 1 : most;
    } else if (codec.kind == PM_CODE_INSTANCE_MAJOR) {
        codec.most_instance = codec.most_code / codec.divisor;
        codec.most_category = codec.divisor - 1;
    } else if (codec.kind == PM_CODE_FIELDS) {
        int low = 1 + read_byte(from) % 8;
        codec.category = (pm_code_field){0, low, 8, how & 128 ? 4 : 0, 1};
        codec.instance = (pm_code_field){16, 8, 24, how & 128 ? 8 : 0, 1};
        codec.attributes = (pm_code_field){12, 4, 0, 0, 1};
        codec.most_category = (INT64_C(1) << (low + codec.category.high_bits)) - 1;
        codec.most_instance = (INT64_C(1) << (8 + codec.instance.high_bits)) - 1;
        codec.most_code = UINT32_MAX;
        codec.void_category = codec.void_category == -1 ? PM_NO_VOID : codec.void_category;
        codec.least_code = 0;
        codec.segment_divisor = codec.most_instance + 1;
    } else {
        codec.most_instance = 0;
    }
    /* void is what it is packed as, if it can be */
    static const int64_t shape[3] = {1, 1, 1};
    int64_t instance = codec.bare_below > 0 ? -1 : 0;
    int64_t code = codec.void_code = -1;
    const pm_ids number = {.data = (char *)&codec.void_category, .channels = 1, .item_size = 8};
    const pm_ids none = {.data = (char *)&instance, .channels = 1, .item_size = 8};
    const pm_ids out = {.data = (char *)&code, .channels = 1, .item_size = 8};
    pm_code_fault fault = PM_CODE_OK;
    if (codec.void_category > codec.most_category || codec.void_category == PM_NO_VOID ||
        pm_codes_pack(&codec, &number, &none, NULL, &out, shape, 0, 1, &fault) >= 0)
        codec.void_category = PM_NO_VOID;
    codec.void_code = code;
    return codec;
}

/* What is read and packed again is read the same. */
static void check_codes(const pm_codec *codec, const ids_block *codes) {
    static const ids_layout plain = {{3, 2, 1, 0}, 0, 0, 0};
    int64_t n = ids_count(codes);
    ids_block fields[3];
    ids_block twice[3];
    for (int k = 0; k < 3; k++) {
        fields[k] = ids_new(ids_kinds[7], codes->shape, plain, 0);
        twice[k] = ids_new(ids_kinds[7], codes->shape, plain, 0);
    }
    ids_block again = ids_new(ids_kinds[7], codes->shape, plain, 0);
    pm_code_fault fault = PM_CODE_OK;
    int64_t bad = pm_codes_unpack(codec, &codes->ids, &fields[0].ids, &fields[1].ids, &fields[2].ids, codes->shape, 0,
                                  n, &fault);
    REQUIRE((bad < 0) == (fault == PM_CODE_OK) && bad < n);
    int64_t end = bad < 0 ? n : 0;
    bad = pm_codes_pack(codec, &fields[0].ids, &fields[1].ids, &fields[2].ids, &again.ids, codes->shape, 0, end,
                        &fault);
    REQUIRE(bad == -1);
    bad = pm_codes_unpack(codec, &again.ids, &twice[0].ids, &twice[1].ids, &twice[2].ids, codes->shape, 0, end, &fault);
    REQUIRE(bad == -1);
    for (int64_t i = 0; i < end; i++)
        for (int k = 0; k < 3; k++)
            REQUIRE(ids_get(&fields[k], i) == ids_get(&twice[k], i));
    ids_free(&again);
    for (int k = 0; k < 3; k++) {
        ids_free(&fields[k]);
        ids_free(&twice[k]);
    }
}

/* What is converted is a code of the other encoding; and the first that is none is found wherever one begins. */
static void check_convert(const pm_recoding *by, const ids_block *codes, const ids_block *to) {
    int64_t n = ids_count(codes);
    pm_code_fault fault = PM_CODE_OK;
    int64_t bad = pm_codes_convert(by, &codes->ids, &to->ids, codes->shape, 0, n, &fault);
    REQUIRE((bad < 0) == (fault == PM_CODE_OK) && bad < n);
    if (bad > 0)
        REQUIRE(pm_codes_convert(by, &codes->ids, &to->ids, codes->shape, bad / 2, bad, &fault) == -1);
    if (bad < 0) {
        static const ids_layout plain = {{3, 2, 1, 0}, 0, 0, 0};
        ids_block category = ids_new(ids_kinds[7], codes->shape, plain, 0);
        REQUIRE(pm_codes_unpack(by->to, &to->ids, &category.ids, NULL, NULL, codes->shape, 0, n, &fault) == -1);
        ids_free(&category);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reader from = {data, data + size};
    int64_t shape[3] = {read_below(&from, 3) + 1, read_below(&from, 4) + 1, 0};
    shape[2] = (read_byte(&from) * 3 + 1) % (MOST_IDS / (shape[0] * shape[1]) + 1);
    ids_block codes = read_block(&from, shape);
    ids_block to = read_block(&from, shape);
    static const ids_layout plain = {{3, 2, 1, 0}, 0, 0, 0};
    ids_block wide = ids_new(ids_kinds[7], shape, plain, 0);
    pm_codec first = read_codec(&from);
    pm_codec second = read_codec(&from);
    int64_t other = read_byte(&from);
    uint8_t how = read_byte(&from);
    read_numbers(&from, &codes);
    check_copy(&codes, &to);
    check_sets(&codes, &to, other, how & 1);
    check_codes(&first, &codes);
    const pm_recoding by = {.from = &first, .to = &second, .allows_loss = how & 2};
    check_convert(&by, &codes, &wide);
    ids_free(&codes);
    ids_free(&to);
    ids_free(&wide);
    return 0;
}
