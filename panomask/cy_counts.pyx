"""Bindings of pm_counts: COCO RLE dicts <-> a batch."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.stdint cimport int64_t, uint8_t, uint32_t

cimport numpy as cnp

from panomask._batch cimport (
    Batch,
    Scratch,
    counts_data,
    int64_data,
    new_batch,
    new_counts,
    new_int64,
    new_scratch,
    new_sizes,
    resize_counts,
)
from panomask._c cimport (
    PM_OK,
    pm_batch,
    pm_counts_read,
    pm_counts_read_bound,
    pm_counts_source,
    pm_counts_write,
    pm_counts_write_bound,
    pm_runs_check_sizes,
    pm_status,
    pm_where,
)
from panomask._check cimport int_values, item, read_size
from panomask._status cimport check as check_status

cnp.import_array()


cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL


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


cdef object get_key(object rle, str key, str name, int64_t i):
    try:
        return (<dict>rle)[key] if type(rle) is dict else rle[key]
    except KeyError:
        raise ValueError(f"{item(name, i)}: no {key!r} in the dict; its keys are {list(rle)!r:.80}") from None
    except (TypeError, IndexError):
        raise TypeError(f"{item(name, i)}: expected a COCO RLE dict, found {type(rle).__name__}") from None


cdef object open_source(object counts, str name, int64_t i, pm_counts_source *source):
    """Point the source at the memory of `counts`; returns the object that owns it."""
    cdef Py_ssize_t size
    if isinstance(counts, bytes):
        source.data = PyBytes_AS_STRING(counts)
        source.length = PyBytes_GET_SIZE(counts)
        source.is_text = True
        return counts
    if isinstance(counts, str):
        try:
            source.data = PyUnicode_AsUTF8AndSize(counts, &size)
        except UnicodeEncodeError:
            raise ValueError(f"{item(name, i)}: counts has a character that COCO text has not: {counts!r:.80}") from None
        source.length = size
        source.is_text = True
        return counts
    if isinstance(counts, bytearray) or (isinstance(counts, memoryview) and counts.format in ("B", "b", "c")):
        return open_source(bytes(counts), name, i, source)
    if isinstance(counts, (set, frozenset, dict)) or not hasattr(counts, "__len__"):
        raise TypeError(f"{item(name, i)}: counts is {type(counts).__name__}, expected text or a list of run lengths")
    values = int_values(counts, item(name, i))
    source.data = cnp.PyArray_DATA(<cnp.ndarray>values)
    source.length = cnp.PyArray_DIM(<cnp.ndarray>values, 0)
    source.is_text = False
    return values


def from_dicts(type cls, rles, str name):
    """Read one COCO RLE dict, or a list of them, into a batch. A batch is returned as it is."""
    if isinstance(rles, Batch):
        return rles
    cdef bint is_one = isinstance(rles, dict)
    cdef list dicts
    if is_one:
        dicts = [rles]
    elif type(rles) is list:
        dicts = (<list>rles)[:]  # a list of our own: the caller's may change in another thread
    elif isinstance(rles, (str, bytes)) or not hasattr(rles, "__iter__"):
        raise TypeError(f"{name}: expected a COCO RLE dict or a list of them, found {type(rles).__name__}")
    else:
        dicts = list(rles)
    cdef int64_t n = len(dicts)
    cdef int64_t i, named
    cdef cnp.ndarray sizes = new_sizes(n)
    cdef int64_t *size = int64_data(sizes)
    cdef pm_counts_source[8] few  # calls with a mask or two are many
    cdef pm_counts_source *sources = few
    cdef Scratch scratch
    if n > 8:
        scratch = new_scratch(<size_t>n * sizeof(pm_counts_source))
        sources = <pm_counts_source *>scratch.data
    cdef list owners = []  # of what the sources point at: the dicts may change too
    for i in range(n):
        rle = dicts[i]
        named = -1 if is_one else i  # the index that errors show
        read_size(get_key(rle, "size", name, named), name, named, size + 2 * i)
        owners.append(open_source(get_key(rle, "counts", name, named), name, named, &sources[i]))
    cdef cnp.ndarray offsets = new_int64(n + 1)
    cdef pm_where where
    cdef pm_status status = pm_runs_check_sizes(size, n, &where)
    if is_one:
        where.mask = -1
    check_status(status, &where, name)
    cdef cnp.ndarray counts = new_counts(pm_counts_read_bound(sources, size, n))
    with nogil:
        status = pm_counts_read(sources, size, n, counts_data(counts), int64_data(offsets), &where)
    if is_one:
        where.mask = -1
    check_status(status, &where, name)
    cdef int64_t used = int64_data(offsets)[n]
    if cls is not Batch:  # nobody sees what the counts of a bare batch have to spare
        counts = resize_counts(counts, used, used)
    return new_batch(cls, counts, offsets, sizes)


def to_dicts(Batch masks, bint as_str=False, bint verbatim=False):
    """Each mask as a COCO RLE dict with compressed counts."""
    cdef int64_t n = masks.view.n
    cdef int64_t i
    cdef Scratch scratch = new_scratch(<size_t>pm_counts_write_bound(&masks.view) + <size_t>(n + 1) * sizeof(int64_t))
    cdef int64_t *ends = <int64_t *>scratch.data
    cdef uint8_t *text = <uint8_t *>(ends + n + 1)
    with nogil:
        pm_counts_write(&masks.view, verbatim, text, ends)
    cdef list dicts = []
    for i in range(n):
        size = [masks.view.sizes[2 * i], masks.view.sizes[2 * i + 1]]
        if as_str:
            counts = PyUnicode_DecodeASCII(<char *>text + ends[i], ends[i + 1] - ends[i], NULL)
        else:
            counts = PyBytes_FromStringAndSize(<char *>text + ends[i], ends[i + 1] - ends[i])
        dicts.append({"size": size, "counts": counts})
    return dicts
