"""A status of the C core -> an exception. The only place that knows which is which; the sentence comes from C."""

from panomask._c cimport (
    PM_FULL,
    PM_OFFSETS_ORDER,
    PM_OK,
    PM_POINT_NOT_FINITE,
    PM_POINT_TOO_LARGE,
    PM_RUN_NEGATIVE,
    PM_RUNS_COVERAGE,
    PM_SIZE_MISMATCH,
    PM_SIZE_NEGATIVE,
    PM_SIZE_TOO_LARGE,
    PM_STATUS_END,
    PM_TEXT_BYTE,
    PM_TEXT_OVERLONG,
    PM_TEXT_TRUNCATED,
    pm_status,
    pm_status_describe,
    pm_where,
)

from panomask.errors import (
    ImageTooLargeError,
    InvalidRLEError,
    PanomaskError,
    PointOutOfRangeError,
    SizeMismatchError,
)

ERROR_CLASSES = {
    <int>PM_SIZE_NEGATIVE: InvalidRLEError,
    <int>PM_SIZE_TOO_LARGE: ImageTooLargeError,
    <int>PM_SIZE_MISMATCH: SizeMismatchError,
    <int>PM_RUN_NEGATIVE: InvalidRLEError,
    <int>PM_RUNS_COVERAGE: InvalidRLEError,
    <int>PM_OFFSETS_ORDER: InvalidRLEError,
    <int>PM_TEXT_BYTE: InvalidRLEError,
    <int>PM_TEXT_TRUNCATED: InvalidRLEError,
    <int>PM_TEXT_OVERLONG: InvalidRLEError,
    <int>PM_POINT_NOT_FINITE: PointOutOfRangeError,
    <int>PM_POINT_TOO_LARGE: PointOutOfRangeError,
}
STATUS_FULL = <int>PM_FULL
STATUS_END = <int>PM_STATUS_END


cdef int check(pm_status status, pm_where *where, str name, str other=None) except -1:
    """Raise unless the status is PM_OK. `name` and `other` are what the user calls the two batches."""
    if status == PM_OK:
        return 0
    cdef char text[512]
    pm_status_describe(status, where, name.encode(), (other or name).encode(), text, sizeof(text))
    raise ERROR_CLASSES.get(<int>status, PanomaskError)(text.decode())


def raise_status(int status):
    """Raise the error of a status code: the way for a test to see every one."""
    cdef pm_where where
    where.mask = where.other = where.at = where.found = where.expected = 0
    where.height = where.width = where.other_height = where.other_width = 0
    where.value = 0
    check(<pm_status>status, &where, "masks")
