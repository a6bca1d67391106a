"""COCO RLE dicts <-> the C core, without an object in between where they are as pycocotools makes them."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc

cimport numpy as cnp

from panomask._batch cimport Batch, Scratch, new_scratch
from panomask._c cimport (
    c_bool,
    pm_batch,
    pm_counts_read,
    pm_counts_read_bound,
    pm_counts_source,
    pm_counts_write,
    pm_counts_write_bound,
    pm_runs_check_sizes,
    pm_runs_part,
    pm_status,
    pm_threads_part_begin,
    pm_where,
    pm_work,
)
from panomask._check cimport int_values, item, read_size
from panomask._status cimport check as check_status
from panomask._threads cimport n_parts, run_parts

cnp.import_array()


cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL


# What things cost, in nanoseconds.
cdef double WRITE_RUN = 0.5
cdef double MASK = 10

# Text that is read, and runs that are written, without letting go of the GIL: some 20 us, while letting go and coming
# back costs 0.1.
cdef int64_t SHORT_TEXT = 1 << 15
cdef int64_t SHORT_RUNS = 1 << 14


cdef void begin(call_masks *masks) noexcept:
    masks.is_one = False
    masks.n_owners = 0
    masks.lists = NULL
    masks.runs = NULL


cdef void end(call_masks *masks) noexcept:
    cdef int64_t i
    for i in range(masks.n_owners):
        Py_DECREF(<object>masks.owners[i])
    masks.n_owners = 0
    free(masks.lists)
    free(masks.runs)


cdef void *allocate(size_t size) except NULL:
    cdef void *memory = malloc(size)
    if memory == NULL:
        raise MemoryError(f"cannot allocate {size} bytes")
    return memory


cdef object get_key(object rle, str key, str name, int64_t i):
    try:
        return rle[key]
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


cdef int open_dict(object rle, str name, int64_t i, int64_t *size, pm_counts_source *source,
                   PyObject **owner) except -1:
    found_size = None
    counts = None
    if type(rle) is dict:  # .get is a look-up in C; an error is found out below
        found_size = (<dict>rle).get("size")
        counts = (<dict>rle).get("counts")
    if found_size is None:
        found_size = get_key(rle, "size", name, i)
    read_size(found_size, name, i, size)
    if counts is None:
        counts = get_key(rle, "counts", name, i)
    held = open_source(counts, name, i, source)
    Py_INCREF(held)
    owner[0] = <PyObject *>held
    return 0


cdef int open_dicts(object rles, str name, call_masks *masks) except -1:
    """Find sizes and sources of one COCO RLE dict, or a list of them, and check the sizes."""
    cdef list dicts
    masks.is_one = isinstance(rles, dict)
    if masks.is_one:
        dicts = [rles]
    elif type(rles) is list:
        dicts = (<list>rles)[:]  # a dict's own code can change the caller's list, as can another thread
    elif isinstance(rles, (str, bytes)) or not hasattr(rles, "__iter__"):
        raise TypeError(f"{name}: expected a COCO RLE dict or a list of them, found {type(rles).__name__}")
    else:
        dicts = list(rles)
    cdef int64_t n = len(dicts)
    cdef int64_t i
    cdef char *lists
    masks.sources = masks.few_sources
    masks.sizes = masks.few_sizes
    masks.owners = masks.few_owners
    if n > FEW:
        lists = <char *>allocate(n * (sizeof(pm_counts_source) + 2 * sizeof(int64_t) + sizeof(PyObject *)))
        masks.lists = lists
        masks.sources = <pm_counts_source *>lists
        masks.sizes = <int64_t *>(masks.sources + n)
        masks.owners = <PyObject **>(masks.sizes + 2 * n)
    for i in range(n):
        open_dict(dicts[i], name, -1 if masks.is_one else i, &masks.sizes[2 * i], &masks.sources[i], &masks.owners[i])
        masks.n_owners = i + 1
    masks.view.n = n
    masks.view.sizes = masks.sizes
    cdef pm_where where
    cdef pm_status status = pm_runs_check_sizes(masks.sizes, n, &where)
    if masks.is_one:
        where.mask = -1
    check_status(status, &where, name)
    return 0


cdef int parse(call_masks *masks, uint32_t *counts, int64_t *offsets, str name) except -1:
    """Read the runs of what `open_dicts` found. counts: room for pm_counts_read_bound; offsets: n + 1."""
    cdef int64_t n = masks.view.n
    cdef int64_t length = 0
    cdef int64_t i
    cdef pm_where where
    cdef pm_status status
    for i in range(n):
        length += masks.sources[i].length
    if length > SHORT_TEXT:
        with nogil:
            status = pm_counts_read(masks.sources, masks.sizes, n, counts, offsets, &where)
    else:
        status = pm_counts_read(masks.sources, masks.sizes, n, counts, offsets, &where)
    if masks.is_one:
        where.mask = -1
    check_status(status, &where, name)
    masks.view.counts = counts
    masks.view.offsets = offsets
    return 0


cdef int read(object rles, str name, call_masks *masks) except -1:
    """Read dicts into memory of `masks`. A batch is taken as it is, and must outlive the call."""
    if isinstance(rles, Batch):
        masks.view = (<Batch>rles).view
        return 0
    open_dicts(rles, name, masks)
    cdef int64_t bound = pm_counts_read_bound(masks.sources, masks.sizes, masks.view.n)
    if masks.view.n <= FEW and bound <= FEW_RUNS:
        return parse(masks, masks.few_runs, masks.few_offsets, name)
    masks.runs = allocate((masks.view.n + 1) * sizeof(int64_t) + bound * sizeof(uint32_t))
    cdef int64_t *offsets = <int64_t *>masks.runs
    return parse(masks, <uint32_t *>(offsets + masks.view.n + 1), offsets, name)


cdef struct writing:
    pm_batch masks
    c_bool verbatim
    uint8_t *text
    int64_t *places  # part i is written from text[places[i]] on
    int64_t *ends    # those of part i, one more than its masks, from ends[i] on


cdef c_bool write_part(void *context, int64_t part, int64_t begin, int64_t end) noexcept nogil:
    cdef writing *job = <writing *>context
    cdef pm_batch masks = pm_runs_part(&job.masks, begin, end)
    pm_counts_write(&masks, job.verbatim, job.text + job.places[part], job.ends + begin + part)
    return True


cdef list write_dicts(const pm_batch *masks, bint as_str, bint verbatim):
    """Each mask as a COCO RLE dict with compressed counts."""
    cdef int64_t n = masks.n
    cdef pm_work work = pm_work(n, masks.offsets, MASK, WRITE_RUN)
    cdef int64_t parts = n_parts(&work)
    cdef int64_t i, part
    cdef pm_batch some
    cdef Scratch scratch = new_scratch(<size_t>pm_counts_write_bound(masks)
                                       + <size_t>(n + 2 * parts) * sizeof(int64_t))
    cdef writing job
    job.masks = masks[0]
    job.verbatim = verbatim
    job.places = <int64_t *>scratch.data
    job.ends = job.places + parts
    job.text = <uint8_t *>(job.ends + n + parts)
    job.places[0] = 0
    for part in range(1, parts):
        some = pm_runs_part(masks, pm_threads_part_begin(&work, parts, part - 1),
                            pm_threads_part_begin(&work, parts, part))
        job.places[part] = job.places[part - 1] + pm_counts_write_bound(&some)
    if parts == 1 and masks.offsets[n] - masks.offsets[0] <= SHORT_RUNS:
        write_part(&job, 0, 0, n)
    else:
        run_parts(&work, parts, write_part, &job)
    cdef list dicts = []
    cdef const char *text
    cdef const int64_t *ends
    for part in range(parts):
        text = <const char *>job.text + job.places[part]
        ends = job.ends + part
        for i in range(pm_threads_part_begin(&work, parts, part), pm_threads_part_begin(&work, parts, part + 1)):
            size = [masks.sizes[2 * i], masks.sizes[2 * i + 1]]
            if as_str:
                counts = PyUnicode_DecodeASCII(text + ends[i], ends[i + 1] - ends[i], NULL)
            else:
                counts = PyBytes_FromStringAndSize(text + ends[i], ends[i + 1] - ends[i])
            dicts.append({"size": size, "counts": counts})
    return dicts
