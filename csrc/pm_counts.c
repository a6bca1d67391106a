/* pm_counts.c - COCO's counts text, and lists of numbers, <-> runs.
 *
 * The text is a row of signed numbers, each in groups of five bits, lowest group first: character 48 + group, with 32
 * added where another group follows. Bit 16 of the last group is the sign. From the fourth number on, what is written
 * is the difference to the run before the last, which has the same colour and, in neighbouring columns of a mask,
 * nearly the same length: one or two characters a run.
 */
#include "pm_counts.h"
#include "pm_kernels.h"
#include "pm_runs.h"

/* 12 groups hold +-2^59: more than any run, and a sum of two never overflows. */
enum { MOST_GROUPS = 12 };

/* Runs below this go through the kernels, which have 32 bits. */
enum { PLAIN_RUN = 1 << 30 };

/* The runs of one mask as they come in: checks and appends. */
typedef struct run_sink {
    uint32_t *out;
    int64_t pixels;
    int64_t covered;
    int64_t index;
} run_sink;

/* A run too many is still summed, for the error to tell, unless it is wide: then the mask is lost at once, so that no
 * parts are written past the bound and no sum overflows. */
static inline pm_status sink_run(run_sink *sink, int64_t run, pm_where *where) {
    if (PM_UNLIKELY(run < 0)) {
        where->at = sink->index;
        where->found = run;
        return PM_RUN_NEGATIVE;
    }
    if (PM_UNLIKELY(run > UINT32_MAX)) {
        if (run > sink->pixels - sink->covered) {
            where->found = run > INT64_MAX - sink->covered ? INT64_MAX : sink->covered + run;
            return PM_RUNS_COVERAGE;
        }
        sink->out = pm_runs_put(sink->out, (uint64_t)run);
    } else {
        *sink->out++ = (uint32_t)run;
    }
    sink->covered += run;
    sink->index++;
    return PM_OK;
}

/* Read the number at `at` and pass it, character by character: the last ones of a text, very long ones, and what is
 * wrong. */
static pm_status read_number(const uint8_t *text, int64_t length, int64_t *at, int64_t *number, pm_where *where) {
    uint64_t bits = 0;
    unsigned shift = 0;
    unsigned group;
    where->at = *at;
    do {
        if (PM_UNLIKELY(*at == length)) {
            where->found = length;
            return PM_TEXT_TRUNCATED;
        }
        group = (unsigned)text[*at] - 48u;
        if (PM_UNLIKELY(group > 63)) {
            where->at = *at;
            where->found = text[*at];
            return PM_TEXT_BYTE;
        }
        if (PM_UNLIKELY(*at - where->at == MOST_GROUPS)) {
            where->expected = MOST_GROUPS;
            return PM_TEXT_OVERLONG;
        }
        bits |= (uint64_t)(group & 31) << shift;
        shift += 5;
        ++*at;
    } while (group & 32);
    if (group & 16)
        bits |= ~UINT64_C(0) << shift;
    *number = (int64_t)bits;
    return PM_OK;
}

static pm_status read_text(const pm_kernels *kernels, const uint8_t *text, int64_t length, run_sink *sink,
                           pm_where *where) {
    int64_t before_last = 0; /* of the same colour as the run that is read */
    int64_t last = 0;
    int64_t at = 0;
    while (at < length) {
        /* All but the first three runs and the wide ones, if they are plain; what is left goes on below. */
        if (sink->index > 2 && last < PLAIN_RUN && before_last < PLAIN_RUN) {
            int64_t n_runs;
            int64_t covered;
            at += kernels->read_runs(text + at, length - at, sink->out, &n_runs, &covered);
            if (n_runs > 0) {
                sink->out += n_runs;
                sink->index += n_runs;
                sink->covered += covered;
                before_last = sink->out[-2];
                last = sink->out[-1];
                continue;
            }
        }
        pm_number number = pm_counts_number(text, at, length);
        pm_status status = PM_OK;
        if (number.length > 0)
            at += number.length;
        else
            status = read_number(text, length, &at, &number.value, where);
        if (PM_UNLIKELY(status != PM_OK))
            return status;
        int64_t run = number.value + (sink->index > 2 ? before_last : 0);
        status = sink_run(sink, run, where);
        if (PM_UNLIKELY(status != PM_OK))
            return status;
        before_last = last;
        last = run;
    }
    return PM_OK;
}

static pm_status read_values(const int64_t *values, int64_t length, run_sink *sink, pm_where *where) {
    for (int64_t i = 0; i < length; i++) {
        pm_status status = sink_run(sink, values[i], where);
        if (PM_UNLIKELY(status != PM_OK))
            return status;
    }
    return PM_OK;
}

int64_t pm_counts_read_bound(const pm_counts_source *sources, const int64_t *sizes, int64_t n) {
    int64_t bound = 0;
    for (int64_t i = 0; i < n; i++)
        bound += sources[i].length + pm_runs_wide_bound(sizes[2 * i] * sizes[2 * i + 1]);
    return bound;
}

pm_status pm_counts_read(const pm_counts_source *sources, const int64_t *sizes, int64_t n, uint32_t *counts,
                         int64_t *offsets, pm_where *where) {
    const pm_kernels *kernels = pm_cpu_kernels();
    uint32_t *out = counts;
    offsets[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        run_sink sink = {.out = out, .pixels = sizes[2 * i] * sizes[2 * i + 1]};
        pm_status status = sources[i].is_text ? read_text(kernels, sources[i].data, sources[i].length, &sink, where)
                                              : read_values(sources[i].data, sources[i].length, &sink, where);
        if (status == PM_OK && sink.covered != sink.pixels) {
            where->found = sink.covered;
            status = PM_RUNS_COVERAGE;
        }
        if (status != PM_OK) {
            where->mask = i;
            where->height = sizes[2 * i];
            where->width = sizes[2 * i + 1];
            if (status == PM_RUNS_COVERAGE)
                where->expected = sink.pixels;
            return status;
        }
        out = sink.out;
        offsets[i + 1] = out - counts;
    }
    return PM_OK;
}

/* A difference of two runs lies between -pixels and pixels; 5 g bits hold it when 2^(5g - 1) > pixels. */
static int64_t most_characters(int64_t pixels) {
    int64_t groups = 1;
    while (pixels >> (5 * groups - 1))
        groups++;
    return groups;
}

int64_t pm_counts_write_bound(const pm_batch *masks) {
    int64_t bound = 0;
    for (int64_t i = 0; i < masks->n; i++)
        bound += 1 + pm_runs_list(masks, i).length * most_characters(pm_max(pm_runs_pixels(masks, i), UINT32_MAX));
    return bound;
}

static uint8_t *write_number(uint8_t *out, int64_t number) {
    for (;;) {
        unsigned group = (unsigned)(number & 31);
        number >>= 5; /* arithmetic, as every compiler we know shifts */
        if (number == ((group & 16) ? -1 : 0)) {
            *out++ = (uint8_t)(48 + group);
            return out;
        }
        *out++ = (uint8_t)(48 + 32 + group);
    }
}

void pm_counts_write(const pm_batch *masks, bool verbatim, uint8_t *text, int64_t *text_offsets) {
    const pm_kernels *kernels = pm_cpu_kernels();
    uint8_t *out = text;
    text_offsets[0] = 0;
    for (int64_t i = 0; i < masks->n; i++) {
        pm_list list = pm_runs_list(masks, i);
        int64_t before_last = 0;
        int64_t last = 0;
        int64_t index = 0;
        if (list.length == 0 && !verbatim)
            *out++ = '0';
        while (list.length > 0) {
            /* With two runs in front as they stand in the list, not joined ones. */
            if (index > 2 && last < PLAIN_RUN && before_last < PLAIN_RUN && list.runs[-1] == last &&
                list.runs[-2] == before_last) {
                int64_t length;
                int64_t n = kernels->write_runs(list.runs, list.length, out, &length);
                if (n > 0) {
                    out += length;
                    index += n;
                    list.runs += n;
                    list.length -= n;
                    before_last = list.runs[-2];
                    last = list.runs[-1];
                }
            }
            int64_t run = (int64_t)pm_runs_take(&list, verbatim);
            out = write_number(out, run - (index > 2 ? before_last : 0));
            before_last = last;
            last = run;
            index++;
        }
        text_offsets[i + 1] = out - text;
    }
}
