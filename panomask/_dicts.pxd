from libc.stdint cimport int64_t, uint32_t

from cpython.object cimport PyObject

from panomask._c cimport pm_batch, pm_counts_source

cdef enum:
    FEW = 4  # masks that need no memory but the struct's own; calls with a mask or two are many
    FEW_RUNS = 256


# Masks for the length of one call. `begin` it, `read` into it, `end` it on every way out; it must not move.
cdef struct call_masks:
    pm_batch view
    bint is_one             # a dict instead of a list of them
    pm_counts_source *sources
    int64_t *sizes
    PyObject **owners       # of what the sources point at
    int64_t n_owners
    void *lists             # memory of these three, and of the runs, where `few` is too small
    void *runs
    pm_counts_source[FEW] few_sources
    int64_t[2 * FEW] few_sizes
    PyObject *few_owners[FEW]
    int64_t[FEW + 1] few_offsets
    uint32_t[FEW_RUNS] few_runs


cdef void begin(call_masks *masks) noexcept
cdef void end(call_masks *masks) noexcept
cdef int open_dicts(object rles, str name, call_masks *masks) except -1
cdef int parse(call_masks *masks, uint32_t *counts, int64_t *offsets, str name) except -1
cdef int read(object rles, str name, call_masks *masks) except -1
cdef list write_dicts(const pm_batch *masks, bint as_str, bint verbatim)
