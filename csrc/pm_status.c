/* pm_status.c - status code and where it happened -> one sentence for the user. */
#include "panomask.h"

#include <inttypes.h>
#include <stdio.h>

/* "masks[3]" or, for an only mask, "masks". */
static void name_mask(const char *name, int64_t index, char *text, size_t capacity) {
    if (index < 0)
        snprintf(text, capacity, "%s", name);
    else
        snprintf(text, capacity, "%s[%" PRId64 "]", name, index);
}

int pm_status_describe(pm_status status, const pm_where *where, const char *name, const char *other, char *text,
                       size_t capacity) {
    char mask[128];
    char second[128];
    name_mask(name, where->mask, mask, sizeof mask);

    switch (status) {
    case PM_OK:
        return snprintf(text, capacity, "%s: no error", mask);
    case PM_FULL:
        return snprintf(text, capacity, "%s: the output is full; try one of %" PRId64 " elements", mask,
                        where->expected);
    case PM_SIZE_NEGATIVE:
        return snprintf(text, capacity, "%s: size %" PRId64 " x %" PRId64 " is negative", mask, where->height,
                        where->width);
    case PM_SIZE_TOO_LARGE:
        return snprintf(text, capacity,
                        "%s: size %" PRId64 " x %" PRId64 " is too large; an image has at most %" PRId64 " pixels", mask,
                        where->height, where->width, PM_MAX_PIXELS);
    case PM_SIZE_MISMATCH:
        name_mask(other, where->other, second, sizeof second);
        return snprintf(text, capacity, "%s: size is %" PRId64 " x %" PRId64 ", but %s is %" PRId64 " x %" PRId64, mask,
                        where->height, where->width, second, where->other_height, where->other_width);
    case PM_RUN_NEGATIVE:
        return snprintf(text, capacity, "%s: run %" PRId64 " is %" PRId64 " pixels long", mask, where->at, where->found);
    case PM_RUNS_COVERAGE:
        return snprintf(text, capacity,
                        "%s: runs cover %" PRId64 " pixels, expected %" PRId64 " (%" PRId64 " x %" PRId64 ")", mask,
                        where->found, where->expected, where->height, where->width);
    case PM_OFFSETS_ORDER:
        return snprintf(text, capacity, "%s: offsets go from %" PRId64 " to %" PRId64 ", outside the %" PRId64
                        " elements there are", mask, where->at, where->found, where->expected);
    case PM_TEXT_BYTE:
        return snprintf(text, capacity,
                        "%s: counts has byte %" PRId64 " at position %" PRId64 "; COCO text has only bytes 48 to 111",
                        mask, where->found, where->at);
    case PM_TEXT_TRUNCATED:
        return snprintf(text, capacity, "%s: counts ends inside a number that begins at position %" PRId64
                        " of its %" PRId64 " characters", mask, where->at, where->found);
    case PM_TEXT_OVERLONG:
        return snprintf(text, capacity, "%s: counts has a number of more than %" PRId64 " characters at position %"
                        PRId64, mask, where->expected, where->at);
    case PM_POINT_NOT_FINITE:
        return snprintf(text, capacity, "%s: coordinate %" PRId64 " is %s", mask, where->at,
                        where->value != where->value ? "nan" : where->value > 0 ? "inf" : "-inf");
    case PM_POINT_TOO_LARGE:
        return snprintf(text, capacity, "%s: coordinate %" PRId64 " is %.16g, beyond the largest, %.0f", mask, where->at,
                        where->value, PM_MAX_COORDINATE);
    case PM_STATUS_END:
        break;
    }
    return snprintf(text, capacity, "%s: unknown status %d", mask, (int)status);
}
