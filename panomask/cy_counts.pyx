"""Bindings of pm_counts: COCO RLE dicts <-> a batch."""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

cimport numpy as cnp

from panomask._batch cimport (
    Batch,
    counts_data,
    int64_data,
    new_batch,
    new_counts,
    new_int64,
    new_sizes,
    shrink_counts,
)
from panomask._c cimport (
    PM_OK,
    c_bool,
    pm_batch,
    pm_counts_read,
    pm_counts_read_bound,
    pm_counts_source,
    pm_counts_write,
    pm_runs_check_sizes,
    pm_status,
    pm_where,
    pm_work,
)
from panomask._dicts cimport begin, call_masks, end, open_dicts, parse, write_dicts
from panomask._threads cimport make, n_parts, output, reserve

cnp.import_array()

# What things cost, in nanoseconds.
cdef double READ_CHARACTER = 0.6
cdef double MASK = 10


cdef int64_t read(const uint8_t *text, int64_t length, int64_t height, int64_t width,
                  uint32_t *counts) noexcept nogil:
    cdef int64_t[2] size
    cdef int64_t[2] offsets
    cdef pm_counts_source source = pm_counts_source(text, length, True)
    cdef pm_where where
    size[0] = height
    size[1] = width
    cdef pm_status status = pm_runs_check_sizes(size, 1, &where)
    if status == PM_OK:
        status = pm_counts_read(&source, size, 1, counts, offsets, &where)
    return offsets[1] if status == PM_OK else -<int64_t>status


cdef int64_t write(const uint32_t *counts, int64_t length, int64_t height, int64_t width,
                   uint8_t *text) noexcept nogil:
    cdef int64_t[2] size
    cdef int64_t[2] offsets
    cdef int64_t[2] text_offsets
    size[0] = height
    size[1] = width
    offsets[0] = 0
    offsets[1] = length
    cdef pm_batch mask = pm_batch(counts, &offsets[0], &size[0], 1)
    pm_counts_write(&mask, False, text, text_offsets)
    return text_offsets[1]


cdef struct reading:
    const pm_counts_source *sources
    const int64_t *sizes


cdef c_bool read_part(void *context, int64_t begin, int64_t end, output *out) noexcept nogil:
    cdef reading *job = <reading *>context
    cdef const pm_counts_source *sources = job.sources + begin
    cdef const int64_t *sizes = job.sizes + 2 * begin
    cdef int64_t n = end - begin
    if not reserve(out, n, pm_counts_read_bound(sources, sizes, n), 0):
        return False
    out.status = pm_counts_read(sources, sizes, n, out.counts, out.offsets, &out.where)
    out.where.mask += begin
    return True


cdef cnp.ndarray text_ends(const call_masks *masks):
    """Where each text ends if they stood in one, for cutting them into parts; None where one part is enough."""
    cdef int64_t n = masks.view.n
    cdef int64_t i, length = 0
    for i in range(n):
        length += masks.sources[i].length
    cdef pm_work work = pm_work(n, NULL, MASK + READ_CHARACTER * <double>length / <double>max(n, 1), 0)
    if n_parts(&work) == 1:
        return None
    cdef cnp.ndarray ends = new_int64(n + 1)
    int64_data(ends)[0] = 0
    for i in range(n):
        int64_data(ends)[i + 1] = int64_data(ends)[i] + masks.sources[i].length
    return ends


def from_dicts(type cls, rles, str name):
    """Read one COCO RLE dict, or a list of them, into a batch. A batch is returned as it is."""
    if isinstance(rles, Batch):
        return rles
    cdef int64_t n
    cdef call_masks masks
    cdef cnp.ndarray counts, offsets, sizes, ends
    cdef pm_work work
    cdef reading job
    begin(&masks)
    try:
        open_dicts(rles, name, &masks)
        n = masks.view.n
        sizes = new_sizes(n)
        memcpy(int64_data(sizes), masks.sizes, <size_t>n * 2 * sizeof(int64_t))
        ends = text_ends(&masks)
        if ends is not None:
            work = pm_work(n, int64_data(ends), MASK, READ_CHARACTER)
            job = reading(masks.sources, masks.sizes)
            return make(cls, &work, read_part, &job, sizes, name)
        counts = new_counts(pm_counts_read_bound(masks.sources, masks.sizes, n))
        offsets = new_int64(n + 1)
        parse(&masks, counts_data(counts), int64_data(offsets), name)
    finally:
        end(&masks)
    cdef int64_t used = int64_data(offsets)[n]
    if cls is not Batch:  # nobody sees what the counts of a bare batch have to spare
        counts = shrink_counts(counts, used)
    return new_batch(cls, counts, offsets, sizes)


def to_dicts(Batch masks, bint as_str=False, bint verbatim=False):
    """Each mask as a COCO RLE dict with compressed counts."""
    return write_dicts(&masks.view, as_str, verbatim)
