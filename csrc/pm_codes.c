/* pm_codes.c - the codes in which data sets write category and instance.
 *
 * As everything on arrays of ids, codes go run by run: one of each run is taken apart or put together, and the result
 * is filled in. Where runs are short, codes go through columns.
 */
#include "pm_ids.h"

/* ---- codes ------------------------------------------------------------------------------------------------------- */

typedef struct code_fields {
    int64_t category; /* the segment id for PM_CODE_SEGMENT */
    int64_t instance;
    int64_t attributes;
} code_fields;

static int64_t low_bits(int n) {
    return n >= 63 ? INT64_MAX : (INT64_C(1) << n) - 1;
}

static int64_t read_field(const pm_code_field *field, int64_t code) {
    int64_t low = (int64_t)((uint64_t)code >> field->low_shift) & low_bits(field->low_bits);
    if (field->high_bits == 0)
        return low;
    int64_t high = (int64_t)((uint64_t)code >> field->high_shift) & low_bits(field->high_bits);
    if (field->scale != 1) /* which not all processors divide by at once */
        high /= field->scale;
    return high << field->low_bits | low;
}

static int64_t write_field(const pm_code_field *field, int64_t number) {
    uint64_t code = (uint64_t)(number & low_bits(field->low_bits)) << field->low_shift;
    if (field->high_bits > 0)
        code |= (uint64_t)((number >> field->low_bits) * field->scale) << field->high_shift;
    return (int64_t)code;
}

static bool is_void(const pm_codec *codec, const code_fields *of) {
    return of->category == codec->void_category && codec->void_category != PM_NO_VOID;
}

static pm_code_fault read_code(const pm_codec *codec, int64_t code, code_fields *out) {
    *out = (code_fields){code, 0, 0};
    if (code < codec->least_code || code > codec->most_code)
        return PM_CODE_UNREADABLE;
    if (code < 0 && codec->kind != PM_CODE_FIELDS) { /* least_code says that it is void */
        out->instance = codec->bare_below > 0 ? -1 : 0;
        return PM_CODE_OK;
    }
    switch (codec->kind) {
    case PM_CODE_SEGMENT:
        out->category = code & ~codec->constant;
        break;
    case PM_CODE_CATEGORY:
        out->instance = -1;
        break;
    case PM_CODE_CATEGORY_MAJOR:
        if (code < codec->bare_below) {
            out->instance = -1;
            break;
        }
        if (codec->part_divisor > 0 && code >= codec->bare_below * codec->divisor) {
            out->attributes = code % codec->part_divisor + 1;
            code /= codec->part_divisor;
        }
        out->category = code / codec->divisor;
        out->instance = code % codec->divisor;
        if (codec->bare_below > 0 && (code < codec->divisor || out->instance < codec->first_instance))
            return PM_CODE_UNREADABLE;
        break;
    case PM_CODE_INSTANCE_MAJOR:
        *out = (code_fields){code % codec->divisor, code / codec->divisor, 0};
        break;
    case PM_CODE_FIELDS:
        *out = (code_fields){read_field(&codec->category, code), read_field(&codec->instance, code),
                        read_field(&codec->attributes, code)};
        break;
    }
    bool fits = out->category <= codec->most_category || is_void(codec, out);
    return fits && out->instance <= codec->most_instance ? PM_CODE_OK : PM_CODE_UNREADABLE;
}

static pm_code_fault write_code(const pm_codec *codec, const code_fields *of, int64_t *code) {
    int64_t category = of->category;
    int64_t instance = of->instance;
    *code = codec->void_code;
    if (category < 0 && is_void(codec, of))
        return PM_CODE_OK;
    if (category < 0 || (category > codec->most_category && !is_void(codec, of)))
        return PM_CODE_BAD_CATEGORY;
    switch (codec->kind) {
    case PM_CODE_SEGMENT:
        *code = category | codec->constant;
        return PM_CODE_OK;
    case PM_CODE_CATEGORY:
        *code = category;
        return PM_CODE_OK;
    case PM_CODE_CATEGORY_MAJOR:
        if (instance == -1 && codec->bare_below > 0) {
            *code = category;
            return category < codec->bare_below && of->attributes == 0 ? PM_CODE_OK : PM_CODE_BAD_CODE;
        }
        if (instance < (codec->bare_below > 0 ? codec->first_instance : 0) || instance > codec->most_instance)
            return PM_CODE_BAD_INSTANCE;
        *code = category * codec->divisor; /* below 2^63: of bare ones too, as the divisor times bare_below is */
        if (*code > codec->most_code - instance)
            return PM_CODE_BAD_CODE;
        *code += instance;
        if (*code < codec->bare_below || (codec->bare_below > 0 && *code < codec->divisor))
            return PM_CODE_BAD_CODE;
        if (of->attributes < 0 || of->attributes > codec->part_divisor)
            return PM_CODE_BAD_ATTRIBUTES;
        if (of->attributes > 0) {
            int64_t part = of->attributes - 1;
            if (*code > (codec->most_code - part) / codec->part_divisor)
                return PM_CODE_BAD_CODE;
            *code = *code * codec->part_divisor + part;
        }
        return PM_CODE_OK;
    case PM_CODE_INSTANCE_MAJOR:
        if (instance < 0 || instance > codec->most_instance)
            return PM_CODE_BAD_INSTANCE;
        *code = instance * codec->divisor;
        if (*code > codec->most_code - category)
            return PM_CODE_BAD_CODE;
        *code += category;
        return PM_CODE_OK;
    case PM_CODE_FIELDS:
        break;
    }
    if (instance < 0 || instance > codec->most_instance)
        return PM_CODE_BAD_INSTANCE;
    if (of->attributes < 0 || of->attributes > low_bits(codec->attributes.low_bits))
        return PM_CODE_BAD_ATTRIBUTES;
    *code = write_field(&codec->category, category) | write_field(&codec->instance, instance) |
            write_field(&codec->attributes, of->attributes);
    return PM_CODE_OK;
}

/* ---- codes of noise ---------------------------------------------------------------------------------------------- */

/* Where neighbours differ, as those of points in the order of a scanner do, a processor guesses wrong how codes branch.
 * There codes are taken apart and put together in columns, by loops that do not branch and of which compilers make
 * vectors of 32 bits. These do what is plain, and say whether it was; what is not, such as what does not fit, or passes
 * 31 bits, is left to read_code and write_code.
 *
 * 640 x 480 pixels of noise with all codes of Cityscapes: unpacked in 0.7 ms instead of 3.4 (numpy: 1.3), packed in
 * 0.43 instead of 2.5 (0.48), made codes of detectron2 in 1.2 instead of 5.2 (1.7); 120000 points of SemanticKITTI
 * unpacked in 0.15 ms instead of 1.43 (0.09). Unpacking is faster up to runs of 16 on average, packing of 24,
 * conversion, which otherwise knows the codes that it met, of 6 (Zen 3, vectors of SSE2). */
enum { COLUMN = 512 }; /* four of them are 8 KiB, a quarter of the nearest cache */

typedef struct code_columns {
    uint32_t codes[COLUMN];
    int32_t category[COLUMN];
    int32_t instance[COLUMN];
    int32_t attributes[COLUMN];
    bool has_attributes; /* otherwise they are 0, whatever stands there */
} code_columns;

#define TO_COLUMN(type)                                                                                                \
    do {                                                                                                               \
        const type *numbers = (const type *)(const void *)line->numbers + begin;                                       \
        for (int64_t i = 0; i < n; i++)                                                                                \
            column[i] = (uint32_t)numbers[i];                                                                          \
    } while (0)

/* Numbers of a line as 32 bits: signed, or without a sign. False where one does not fit. */
static bool to_column(const pm_id_line *line, int64_t begin, int64_t n, bool is_signed, uint32_t *column) {
    uint64_t high = 0;
    uint32_t all = 0;
    switch (line->item_size * 2 + line->is_signed) {
    case 2: TO_COLUMN(uint8_t); break;
    case 3: TO_COLUMN(int8_t); break;
    case 4: TO_COLUMN(uint16_t); break;
    case 5: TO_COLUMN(int16_t); break;
    case 8:
    case 9: TO_COLUMN(uint32_t); break;
    default:
        TO_COLUMN(uint64_t);
        for (int64_t i = 0; i < n; i++)
            high |= ((const uint64_t *)(const void *)line->numbers)[begin + i] + (is_signed ? UINT64_C(1) << 31 : 0);
        return high >> 32 == 0;
    }
    for (int64_t i = 0; i < n && line->is_signed != is_signed; i++)
        all |= column[i];
    return all >> 31 == 0;
}

#define FROM_COLUMN(type, number)                                                                                      \
    do {                                                                                                               \
        type *numbers = (type *)(void *)line->numbers + begin;                                                         \
        for (int64_t i = 0; i < n; i++)                                                                                \
            numbers[i] = (type)(number);                                                                               \
    } while (0)

static void from_column(const pm_id_line *line, int64_t begin, int64_t n, bool is_signed, const uint32_t *column) {
    switch (line->item_size * 2 + is_signed) {
    case 2:
    case 3: FROM_COLUMN(uint8_t, column[i]); break;
    case 4:
    case 5: FROM_COLUMN(uint16_t, column[i]); break;
    case 8:
    case 9: FROM_COLUMN(uint32_t, column[i]); break;
    case 16: FROM_COLUMN(int64_t, column[i]); break;
    default: FROM_COLUMN(int64_t, (int32_t)column[i]); break;
    }
}

/* All bits or none, and a choice by them, which stays without a branch. */
static inline int32_t all_if(bool condition) {
    return -(int32_t)condition;
}

static inline int32_t either(int32_t bits, int32_t yes, int32_t no) {
    return no ^ ((no ^ yes) & bits);
}

/* Negative where a number is not from `least` to `most`, of which none is negative. */
static inline int32_t outside(int32_t number, int32_t least, int32_t most) {
    return number | (int32_t)((uint32_t)number - (uint32_t)least) | (int32_t)((uint32_t)most - (uint32_t)number);
}

static int32_t narrow_limit(int64_t most) {
    return (int32_t)pm_min(most, INT32_MAX);
}

static bool are_within(const int32_t *numbers, int64_t n, int32_t most) {
    int32_t wrong = 0;
    for (int64_t i = 0; i < n; i++)
        wrong |= outside(numbers[i], 0, most);
    return wrong >= 0;
}

/* Whether a field lies in codes of 32 bits, and is a number of 31. */
static bool is_narrow(const pm_code_field *field) {
    return field->low_shift + field->low_bits <= 32 && field->high_shift + field->high_bits <= 32 &&
           field->low_shift < 32 && field->low_bits + field->high_bits < 32;
}

static bool has_narrow_fields(const pm_codec *codec) {
    return codec->most_code <= UINT32_MAX && codec->least_code >= INT32_MIN && is_narrow(&codec->category) &&
           is_narrow(&codec->instance) && is_narrow(&codec->attributes);
}

/* A field is taken by its value here, as its shifts are ints, which columns may alias. */
static bool read_field_each(pm_code_field field, const uint32_t *codes, int64_t n, int64_t most, int32_t *numbers) {
    uint32_t low_mask = (uint32_t)low_bits(field.low_bits);
    uint32_t high_mask = (uint32_t)low_bits(field.high_bits);
    for (int64_t i = 0; i < n; i++)
        numbers[i] = (int32_t)(codes[i] >> field.low_shift & low_mask);
    if (field.high_bits > 0 && field.scale == 1)
        for (int64_t i = 0; i < n; i++)
            numbers[i] |= (int32_t)((codes[i] >> field.high_shift & high_mask) << field.low_bits);
    else if (field.high_bits > 0)
        for (int64_t i = 0; i < n; i++)
            numbers[i] = (int32_t)read_field(&field, codes[i]);
    return are_within(numbers, n, narrow_limit(most));
}

static bool write_field_each(pm_code_field field, const int32_t *numbers, int64_t n, int64_t most, uint32_t *codes) {
    uint32_t low_mask = (uint32_t)low_bits(field.low_bits);
    for (int64_t i = 0; i < n; i++)
        codes[i] |= ((uint32_t)numbers[i] & low_mask) << field.low_shift;
    for (int64_t i = 0; i < n && field.high_bits > 0; i++)
        codes[i] |= ((uint32_t)numbers[i] >> field.low_bits) * (uint32_t)field.scale << field.high_shift;
    return are_within(numbers, n, narrow_limit(most));
}

/* Codes of 31 bits over the divisor, by a product with 2^shift / divisor, rounded up, which is exact for them: T.
 * Granlund and P. Montgomery, "Division by invariant integers using multiplication", 1994. */
static bool divide_each(const pm_codec *codec, const uint32_t *codes, int64_t n, int32_t *quotients, int32_t *rests) {
    int shift = 31;
    if (codec->divisor > INT32_MAX)
        return false;
    while (INT64_C(1) << (shift - 31) < codec->divisor)
        shift++;
    uint64_t inverse = ((UINT64_C(1) << shift) + (uint64_t)codec->divisor - 1) / (uint64_t)codec->divisor;
    uint32_t divisor = (uint32_t)codec->divisor;
    int32_t most = narrow_limit(codec->most_code);
    int32_t wrong = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t quotient = (uint32_t)(codes[i] * inverse >> shift);
        quotients[i] = (int32_t)quotient;
        rests[i] = (int32_t)(codes[i] - quotient * divisor);
        wrong |= outside((int32_t)codes[i], 0, most);
    }
    return wrong >= 0;
}

static bool read_each(const pm_codec *codec, int64_t n, code_columns *of) {
    const uint32_t *codes = of->codes;
    int32_t wrong = 0;
    of->has_attributes = codec->kind == PM_CODE_FIELDS && codec->attributes.low_bits > 0;
    switch (codec->kind) {
    case PM_CODE_CATEGORY_MAJOR:
        if (codec->part_divisor > 0 || codec->bare_below > INT32_MAX ||
            !divide_each(codec, codes, n, of->category, of->instance) ||
            !are_within(of->instance, n, narrow_limit(codec->most_instance)))
            return false;
        if (codec->bare_below > 0) {
            int32_t bare_below = (int32_t)codec->bare_below;
            int32_t divisor = (int32_t)codec->divisor;
            int32_t first = (int32_t)codec->first_instance;
            for (int64_t i = 0; i < n; i++) {
                int32_t code = (int32_t)codes[i];
                int32_t bare = all_if(code < bare_below);
                wrong |= ((code - divisor) | (of->instance[i] - first)) & ~bare;
                of->category[i] = either(bare, code, of->category[i]);
                of->instance[i] |= bare;
            }
        }
        break;
    case PM_CODE_INSTANCE_MAJOR:
        if (!divide_each(codec, codes, n, of->instance, of->category) ||
            !are_within(of->instance, n, narrow_limit(codec->most_instance)))
            return false;
        break;
    case PM_CODE_FIELDS:
        return has_narrow_fields(codec) &&
               (codec->most_code == UINT32_MAX ||
                are_within((const int32_t *)codes, n, narrow_limit(codec->most_code))) &&
               read_field_each(codec->category, codes, n, codec->most_category, of->category) &&
               read_field_each(codec->instance, codes, n, codec->most_instance, of->instance) &&
               (!of->has_attributes || read_field_each(codec->attributes, codes, n, INT32_MAX, of->attributes));
    default:
        if (codec->most_code != UINT32_MAX && !are_within((const int32_t *)codes, n, narrow_limit(codec->most_code)))
            return false;
        for (int64_t i = 0; i < n; i++) {
            of->category[i] = (int32_t)(codes[i] & ~(uint32_t)codec->constant);
            of->instance[i] = codec->kind == PM_CODE_CATEGORY ? -1 : 0;
        }
        break;
    }
    return wrong >= 0 && are_within(of->category, n, narrow_limit(codec->most_category));
}

static bool write_each(const pm_codec *codec, int64_t n, code_columns *of) {
    bool has_bare = codec->kind == PM_CODE_CATEGORY_MAJOR && codec->bare_below > 0;
    uint32_t divisor = (uint32_t)codec->divisor;
    int32_t most_code = narrow_limit(codec->most_code);
    int32_t most_instance = narrow_limit(codec->most_instance);
    int32_t wrong = 0;
    if (codec->part_divisor > 0 || codec->divisor > INT32_MAX || codec->bare_below > INT32_MAX)
        return false;
    switch (codec->kind) {
    case PM_CODE_CATEGORY_MAJOR: {
        int32_t least_instance = has_bare ? (int32_t)codec->first_instance : 0;
        int32_t least_code = has_bare ? (int32_t)pm_max(codec->bare_below, codec->divisor) : 0;
        int32_t most_category = (int32_t)pm_min(codec->most_category, INT32_MAX / codec->divisor);
        int32_t most_bare = (int32_t)codec->bare_below - 1;
        for (int64_t i = 0; i < n; i++) {
            int32_t bare = all_if(has_bare & (of->instance[i] == -1));
            uint32_t code = (uint32_t)of->category[i] * divisor + (uint32_t)of->instance[i];
            wrong |= outside(of->category[i], 0, most_category);
            wrong |= either(bare, most_bare - of->category[i],
                            outside(of->instance[i], least_instance, most_instance) |
                                outside((int32_t)code, least_code, most_code));
            of->codes[i] = (uint32_t)either(bare, of->category[i], (int32_t)code);
        }
        return wrong >= 0 && (!of->has_attributes || are_within(of->attributes, n, 0));
    }
    case PM_CODE_INSTANCE_MAJOR:
        most_instance = (int32_t)pm_min(codec->most_instance, INT32_MAX / codec->divisor);
        for (int64_t i = 0; i < n; i++) {
            of->codes[i] = (uint32_t)of->instance[i] * divisor + (uint32_t)of->category[i];
            wrong |= outside(of->instance[i], 0, most_instance) | outside((int32_t)of->codes[i], 0, most_code);
        }
        break;
    case PM_CODE_FIELDS:
        memset(of->codes, 0, (size_t)n * sizeof *of->codes);
        return has_narrow_fields(codec) &&
               write_field_each(codec->category, of->category, n, codec->most_category, of->codes) &&
               write_field_each(codec->instance, of->instance, n, codec->most_instance, of->codes) &&
               (!of->has_attributes || write_field_each(codec->attributes, of->attributes, n,
                                                        low_bits(codec->attributes.low_bits), of->codes));
    default:
        for (int64_t i = 0; i < n; i++)
            of->codes[i] = (uint32_t)of->category[i] | (uint32_t)codec->constant;
        break;
    }
    return wrong >= 0 && are_within(of->category, n, narrow_limit(codec->most_category));
}

/* Whether -1 may be a code. Otherwise all 32 bits may be set, by attributes or by a constant. */
static bool has_signed_codes(const pm_codec *codec) {
    return codec->kind != PM_CODE_FIELDS && codec->kind != PM_CODE_SEGMENT;
}

/* The fields of a chunk -> codes, and codes -> fields. They return how far that went: to the end, or to before what is
 * not plain. */
static int64_t pack_noise(const pm_id_pass *over, const pm_codec *codec) {
    code_columns of;
    int32_t *fields[PM_ID_ARRAYS] = {of.category, of.instance, of.attributes};
    memset(of.instance, 0, sizeof of.instance);
    of.has_attributes = over->inputs[2] != NULL;
    for (int64_t begin = 0, n; begin < over->n; begin += n) {
        n = pm_min(over->n - begin, COLUMN);
        for (int k = 0; k < PM_ID_ARRAYS; k++)
            if (over->inputs[k] && !to_column(&over->in[k], begin, n, true, (uint32_t *)fields[k]))
                return begin;
        if (!write_each(codec, n, &of))
            return begin;
        from_column(&over->out[0], begin, n, has_signed_codes(codec), of.codes);
    }
    return over->n;
}

static int64_t unpack_noise(const pm_id_pass *over, const pm_codec *codec) {
    code_columns of;
    const int32_t *fields[PM_ID_ARRAYS] = {of.category, of.instance, of.attributes};
    memset(of.attributes, 0, sizeof of.attributes);
    for (int64_t begin = 0, n; begin < over->n; begin += n) {
        n = pm_min(over->n - begin, COLUMN);
        if (!to_column(&over->in[0], begin, n, has_signed_codes(codec), of.codes) || !read_each(codec, n, &of))
            return begin;
        for (int k = 0; k < PM_ID_ARRAYS; k++)
            if (over->outputs[k])
                from_column(&over->out[k], begin, n, true, (const uint32_t *)fields[k]);
    }
    return over->n;
}

/* ---- fields <-> codes -------------------------------------------------------------------------------------------- */

int64_t pm_codes_pack(const pm_codec *codec, const pm_ids *categories, const pm_ids *instances,
                      const pm_ids *attributes, const pm_ids *codes, const int64_t shape[3], int64_t begin, int64_t end,
                      pm_code_fault *fault) {
    pm_id_pass over = {.inputs = {categories, instances, attributes},
                       .outputs = {codes},
                       .shape = shape,
                       .at = begin,
                       .end = end};
    while (pm_ids_open(&over)) {
        for (int64_t i = pm_ids_is_noise(&over, 16) ? pack_noise(&over, codec) : 0; i < over.n;) {
            code_fields of = {0, 0, 0};
            int64_t *values[PM_ID_ARRAYS] = {&of.category, &of.instance, &of.attributes};
            for (int k = 0; k < PM_ID_ARRAYS; k++)
                if (over.inputs[k])
                    *values[k] = pm_id_number(&over.in[k], i);
            int64_t code;
            *fault = write_code(codec, &of, &code);
            if (*fault != PM_CODE_OK)
                return over.at + i;
            int64_t next = pm_id_run_end(&over, i);
            pm_id_fill(&over.out[0], i, next, code);
            i = next;
        }
        pm_ids_close(&over);
    }
    return -1;
}

int64_t pm_codes_unpack(const pm_codec *codec, const pm_ids *codes, const pm_ids *categories, const pm_ids *instances,
                        const pm_ids *attributes, const int64_t shape[3], int64_t begin, int64_t end,
                        pm_code_fault *fault) {
    pm_id_pass over = {.inputs = {codes},
                       .outputs = {categories, instances, attributes},
                       .shape = shape,
                       .at = begin,
                       .end = end};
    while (pm_ids_open(&over)) {
        for (int64_t i = pm_ids_is_noise(&over, 16) ? unpack_noise(&over, codec) : 0; i < over.n;) {
            code_fields of;
            *fault = read_code(codec, pm_id_number(&over.in[0], i), &of);
            if (*fault != PM_CODE_OK)
                return over.at + i;
            const int64_t values[PM_ID_ARRAYS] = {of.category, of.instance, of.attributes};
            int64_t next = pm_id_run_end(&over, i);
            for (int k = 0; k < PM_ID_ARRAYS; k++)
                if (over.outputs[k])
                    pm_id_fill(&over.out[k], i, next, values[k]);
            i = next;
        }
        pm_ids_close(&over);
    }
    return -1;
}

/* ---- conversion -------------------------------------------------------------------------------------------------- */

/* In between, segment ids count from 1, and 0 is void. */
static pm_code_fault code_to_segment(const pm_codec *codec, int64_t code, const code_fields *of, int64_t *segment) {
    if (codec->kind == PM_CODE_SEGMENT)
        *segment = of->category - codec->first_instance + 1;
    else if (codec->kind == PM_CODE_FIELDS)
        *segment = of->category * codec->segment_divisor + of->instance + codec->segment_shift;
    else
        *segment = code + codec->segment_shift;
    return *segment > 0 ? PM_CODE_OK : PM_CODE_BECOMES_VOID;
}

static pm_code_fault segment_to_code(const pm_codec *codec, int64_t segment, int64_t *code) {
    code_fields of = {segment - 1 + codec->first_instance, 0, 0};
    if (codec->kind == PM_CODE_SEGMENT) {
        if (is_void(codec, &of)) /* the number of void lies among those of segments */
            return PM_CODE_BECOMES_VOID;
        return write_code(codec, &of, code);
    }
    int64_t raw = segment - codec->segment_shift;
    if (raw < 0 || (codec->kind == PM_CODE_FIELDS && codec->segment_divisor == 0))
        return PM_CODE_UNREADABLE;
    pm_code_fault fault = PM_CODE_OK;
    if (codec->kind == PM_CODE_FIELDS) {
        of = (code_fields){raw / codec->segment_divisor, raw % codec->segment_divisor, 0};
        fault = write_code(codec, &of, code);
    } else {
        *code = raw;
        fault = read_code(codec, raw, &of);
    }
    return fault == PM_CODE_OK && is_void(codec, &of) ? PM_CODE_BECOMES_VOID : fault;
}

/* The instance in the numbering of the other encoding; none stays none where that can be said. */
static int64_t renumber(const pm_codec *from, const pm_codec *to, int64_t instance) {
    if (from->kind == PM_CODE_CATEGORY || instance < from->first_instance)
        return to->bare_below > 0 ? -1 : 0;
    return instance - from->first_instance + to->first_instance;
}

/* Whether the other encoding has a place for attributes: the same ones, or a segment id, which is the whole code. */
static bool keeps_attributes(const pm_codec *from, const pm_codec *to) {
    if (from->part_divisor > 0)
        return to->part_divisor >= from->part_divisor || to->kind == PM_CODE_SEGMENT;
    return to->attributes.low_bits > 0;
}

static pm_code_fault convert_code(const pm_recoding *by, int64_t code, int64_t *out) {
    const pm_codec *from = by->from;
    const pm_codec *to = by->to;
    code_fields of;
    int64_t segment;
    pm_code_fault fault = read_code(from, code, &of);
    if (fault != PM_CODE_OK)
        return fault;
    *out = to->void_code;
    if (is_void(from, &of))
        return to->void_category == PM_NO_VOID ? PM_CODE_NO_VOID : PM_CODE_OK;
    if (of.attributes != 0 && !keeps_attributes(from, to) && !by->allows_loss)
        return PM_CODE_LOSES_ATTRIBUTES;
    if (from->kind == PM_CODE_SEGMENT || to->kind == PM_CODE_SEGMENT) {
        fault = code_to_segment(from, code, &of, &segment);
        if (fault == PM_CODE_OK)
            fault = segment_to_code(to, segment, out);
    } else {
        if (by->categories) {
            int64_t number = pm_ids_find(by->categories, of.category);
            if (number < 0)
                return PM_CODE_UNKNOWN_CATEGORY;
            if (by->new_categories[number] == PM_NO_VOID)
                return to->void_category == PM_NO_VOID ? PM_CODE_NO_VOID : PM_CODE_OK;
            of.category = by->new_categories[number];
        }
        bool has_instance = from->kind != PM_CODE_CATEGORY && of.instance >= from->first_instance;
        if (to->kind == PM_CODE_CATEGORY && has_instance && !by->allows_loss)
            return PM_CODE_LOSES_INSTANCE;
        of.instance = renumber(from, to, of.instance);
        if (!keeps_attributes(from, to))
            of.attributes = 0;
        fault = is_void(to, &of) ? PM_CODE_BECOMES_VOID : write_code(to, &of, out);
    }
    if (fault == PM_CODE_BECOMES_VOID && by->allows_loss && to->void_category != PM_NO_VOID) {
        *out = to->void_code;
        fault = PM_CODE_OK;
    }
    return fault;
}

/* What codes became, each in the only slot that it may be in. In noise each pixel is a run, but its code mostly one
 * that was met before, and taking codes apart divides and branches on what cannot be foreseen. Of Cityscapes to COCO,
 * which columns do not do, 640 x 480 pixels of noise with 33 different codes took 5.4 ms and take 1.7; with 1034, 4.4
 * became 2.9. Where all of 2^16 codes or more are there, it is neither faster nor slower. */
enum { MEMORY_BITS = 11 }; /* 32 KiB */

typedef struct code_memory {
    int64_t codes[1 << MEMORY_BITS];
    int64_t results[1 << MEMORY_BITS];
} code_memory;

static uint64_t memory_slot(int64_t code) {
    /* 2^64 over the golden ratio: of a product with it the high bits are mixed. */
    return (uint64_t)code * UINT64_C(0x9e3779b97f4a7c15) >> (64 - MEMORY_BITS);
}

/* No slot has a code that belongs there: 0 does in the first. */
static void clear_memory(code_memory *memory) {
    memset(memory->codes, 0, sizeof memory->codes);
    memory->codes[0] = 1;
}

/* Codes with categories -> codes with categories, as read_each and write_each. */
static bool convert_each(const pm_recoding *by, int64_t n, code_columns *of) {
    const pm_codec *from = by->from;
    const pm_codec *to = by->to;
    int32_t first = (int32_t)from->first_instance;
    int32_t step = (int32_t)(to->first_instance - from->first_instance);
    int32_t none = to->bare_below > 0 ? -1 : 0;
    int32_t drops_instances = all_if(to->kind == PM_CODE_CATEGORY && !by->allows_loss);
    int32_t void_category = narrow_limit(pm_max(to->void_category, -1));
    int32_t any_nothing = 0;
    int32_t any_lost = 0;
    int32_t nothing[COLUMN];
    if (from->kind == PM_CODE_SEGMENT || to->kind == PM_CODE_SEGMENT || !read_each(from, n, of))
        return false;
    for (int64_t i = 0; i < n; i++)
        nothing[i] = all_if(of->category[i] == from->void_category);
    for (int64_t i = 0; i < n && by->categories; i++) {
        int64_t number = pm_ids_find(by->categories, of->category[i]);
        int64_t category = number < 0 || nothing[i] ? PM_NO_VOID : by->new_categories[number];
        if ((number < 0 && !nothing[i]) || category > INT32_MAX)
            return false;
        nothing[i] |= all_if(category == PM_NO_VOID);
        of->category[i] = (int32_t)pm_max(category, 0);
    }
    for (int64_t i = 0; i < n; i++) {
        int32_t named = all_if(of->instance[i] >= first) & ~nothing[i];
        any_nothing |= nothing[i];
        any_lost |= (named & drops_instances) | (all_if(of->category[i] == void_category) & ~nothing[i]);
        of->category[i] &= ~nothing[i];
        of->instance[i] = either(named, (int32_t)((uint32_t)of->instance[i] + (uint32_t)step), none);
    }
    if (any_lost || (any_nothing && to->void_category == PM_NO_VOID))
        return false;
    if (of->has_attributes && !keeps_attributes(from, to)) {
        if (!by->allows_loss && !are_within(of->attributes, n, 0))
            return false;
        of->has_attributes = false;
    }
    if (!write_each(to, n, of))
        return false;
    for (int64_t i = 0; i < n && any_nothing; i++)
        of->codes[i] = (uint32_t)either(nothing[i], (int32_t)(uint32_t)to->void_code, (int32_t)of->codes[i]);
    return true;
}

static int64_t convert_noise(const pm_id_pass *over, const pm_recoding *by) {
    code_columns of;
    for (int64_t begin = 0, n; begin < over->n; begin += n) {
        n = pm_min(over->n - begin, COLUMN);
        if (!to_column(&over->in[0], begin, n, has_signed_codes(by->from), of.codes) || !convert_each(by, n, &of))
            return begin;
        from_column(&over->out[0], begin, n, has_signed_codes(by->to), of.codes);
    }
    return over->n;
}

int64_t pm_codes_convert(const pm_recoding *recoding, const pm_ids *from, const pm_ids *to, const int64_t shape[3],
                         int64_t begin, int64_t end, pm_code_fault *fault) {
    pm_id_pass over = {.inputs = {from}, .outputs = {to}, .shape = shape, .at = begin, .end = end};
    code_memory met;
    clear_memory(&met);
    while (pm_ids_open(&over)) {
        for (int64_t i = pm_ids_is_noise(&over, 6) ? convert_noise(&over, recoding) : 0; i < over.n;) {
            int64_t code = pm_id_number(&over.in[0], i);
            uint64_t slot = memory_slot(code);
            if (met.codes[slot] != code) {
                *fault = convert_code(recoding, code, &met.results[slot]);
                if (*fault != PM_CODE_OK)
                    return over.at + i;
                met.codes[slot] = code;
            }
            int64_t next = pm_id_run_end(&over, i);
            pm_id_fill(&over.out[0], i, next, met.results[slot]);
            i = next;
        }
        pm_ids_close(&over);
    }
    return -1;
}
