"""Bindings of pm_ids: arrays of ids and codes, of three axes and one more for channels where there are several."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

cimport numpy as cnp

import numpy as np

from panomask._batch cimport Scratch, int64_data, new_scratch
from panomask._c cimport (
    PM_CODE_BAD_ATTRIBUTES,
    PM_CODE_BAD_CATEGORY,
    PM_CODE_BAD_CODE,
    PM_CODE_BAD_INSTANCE,
    PM_CODE_BECOMES_VOID,
    PM_CODE_CATEGORY,
    PM_CODE_CATEGORY_MAJOR,
    PM_CODE_FIELDS,
    PM_CODE_INSTANCE_MAJOR,
    PM_CODE_LOSES_ATTRIBUTES,
    PM_CODE_LOSES_INSTANCE,
    PM_CODE_NO_VOID,
    PM_CODE_OK,
    PM_CODE_SEGMENT,
    PM_CODE_UNKNOWN_CATEGORY,
    PM_CODE_UNREADABLE,
    PM_NO_VOID,
    c_bool,
    pm_code_fault,
    pm_code_field,
    pm_code_kind,
    pm_codec,
    pm_codes_convert,
    pm_codes_pack,
    pm_codes_unpack,
    pm_id_set,
    pm_ids,
    pm_ids_copy,
    pm_ids_index,
    pm_ids_relabel,
    pm_ids_unique,
    pm_recoding,
    pm_work,
)
from panomask._threads cimport n_parts, run_parts

cnp.import_array()

# What a number costs, in nanoseconds: copied, or looked up in a photograph's runs.
cdef double COPIED = 0.4
cdef double LOOKED_UP = 0.6

# Axes of ids that `split_rgb` takes.
cdef enum:
    MOST_AXES = 8

KINDS = {
    "segment": <int>PM_CODE_SEGMENT,
    "category": <int>PM_CODE_CATEGORY,
    "category major": <int>PM_CODE_CATEGORY_MAJOR,
    "instance major": <int>PM_CODE_INSTANCE_MAJOR,
    "fields": <int>PM_CODE_FIELDS,
}
FAULTS = {
    "unreadable": <int>PM_CODE_UNREADABLE,
    "bad category": <int>PM_CODE_BAD_CATEGORY,
    "bad instance": <int>PM_CODE_BAD_INSTANCE,
    "bad attributes": <int>PM_CODE_BAD_ATTRIBUTES,
    "bad code": <int>PM_CODE_BAD_CODE,
    "no void": <int>PM_CODE_NO_VOID,
    "becomes void": <int>PM_CODE_BECOMES_VOID,
    "loses instance": <int>PM_CODE_LOSES_INSTANCE,
    "loses attributes": <int>PM_CODE_LOSES_ATTRIBUTES,
    "unknown category": <int>PM_CODE_UNKNOWN_CATEGORY,
}
NO_VOID = PM_NO_VOID


cdef pm_ids plain(void *data, int64_t step, int channels, int item_size) noexcept nogil:
    cdef pm_ids ids
    ids.data = data
    ids.strides[0] = 0
    ids.strides[1] = 0
    ids.strides[2] = step
    ids.channel_stride = 1
    ids.channels = channels
    ids.item_size = item_size
    ids.is_signed = False
    return ids


cdef void rgb_to_ids(const uint8_t *rgb, int64_t n, uint32_t *ids) noexcept nogil:
    cdef int64_t[3] shape
    shape[0] = shape[1] = 1
    shape[2] = n
    cdef pm_ids source = plain(<void *>rgb, 3, 3, 1)
    cdef pm_ids target = plain(ids, 4, 1, 4)
    pm_ids_copy(&source, &target, shape, 0, n)


cdef int64_t ids_to_rgb(const uint32_t *ids, int64_t n, uint8_t *rgb) noexcept nogil:
    cdef int64_t[3] shape
    shape[0] = shape[1] = 1
    shape[2] = n
    cdef pm_ids source = plain(<void *>ids, 4, 1, 4)
    cdef pm_ids target = plain(rgb, 3, 3, 1)
    return pm_ids_copy(&source, &target, shape, 0, n)


cdef pm_ids describe(cnp.ndarray array, int channels):
    """The C core's view of an array of integers."""
    cdef pm_ids ids
    cdef int k
    ids.data = cnp.PyArray_DATA(array)
    for k in range(3):
        ids.strides[k] = cnp.PyArray_STRIDE(array, k)
    ids.channel_stride = cnp.PyArray_STRIDE(array, 3) if channels > 1 else 0
    ids.channels = channels
    ids.item_size = <int>cnp.PyArray_ITEMSIZE(array)
    ids.is_signed = cnp.PyArray_ISSIGNED(array)
    return ids


cdef enum operation:
    COPY
    RELABEL
    PACK
    UNPACK
    CONVERT

# One call. Each part has its own place for where it failed, and why.
cdef struct job:
    operation what
    int64_t shape[3]
    pm_ids arrays[4]
    const pm_ids *given[4]  # arrays, or NULL
    const pm_id_set *known
    const int64_t *values
    const int64_t *other
    const pm_codec *codec
    pm_recoding recoding
    int64_t *bad
    pm_code_fault *faults


cdef c_bool do_part(void *context, int64_t part, int64_t begin, int64_t end) noexcept nogil:
    cdef job *call = <job *>context
    cdef const pm_ids **given = call.given
    cdef const int64_t *shape = call.shape
    cdef int64_t bad
    cdef pm_code_fault fault = PM_CODE_OK
    if call.what == COPY:
        bad = pm_ids_copy(given[0], given[1], shape, begin, end)
    elif call.what == RELABEL:
        bad = pm_ids_relabel(given[0], given[1], shape, begin, end, call.known, call.values, call.other)
    elif call.what == PACK:
        bad = pm_codes_pack(call.codec, given[1], given[2], given[3], given[0], shape, begin, end, &fault)
    elif call.what == UNPACK:
        bad = pm_codes_unpack(call.codec, given[0], given[1], given[2], given[3], shape, begin, end, &fault)
    else:
        bad = pm_codes_convert(&call.recoding, given[0], given[1], shape, begin, end, &fault)
    call.bad[part] = bad
    call.faults[part] = fault
    return bad < 0


cdef int give(job *call, int k, cnp.ndarray array, int channels) except -1:
    cdef int axis
    call.given[k] = NULL
    if array is not None:
        call.arrays[k] = describe(array, channels)
        call.given[k] = &call.arrays[k]
        for axis in range(3):
            call.shape[axis] = cnp.PyArray_DIM(array, axis)
    return 0


cdef tuple run(job *call, double cost):
    """Do it; the first element that failed, or -1, and the fault."""
    cdef int64_t n = call.shape[0] * call.shape[1] * call.shape[2]
    cdef pm_work work = pm_work(n, NULL, cost, 0)
    cdef int64_t parts = n_parts(&work)
    cdef int64_t part, only_bad
    cdef pm_code_fault only_fault
    cdef Scratch scratch = None
    call.bad = &only_bad
    call.faults = &only_fault
    if parts > 1:
        scratch = new_scratch(<size_t>parts * (sizeof(int64_t) + sizeof(pm_code_fault)))
        call.bad = <int64_t *>scratch.data
        call.faults = <pm_code_fault *>(call.bad + parts)
    for part in range(parts):  # parts that another one's failure kept from beginning stay so
        call.bad[part] = -1
    if not run_parts(&work, parts, do_part, call):
        for part in range(parts):
            if call.bad[part] >= 0:
                return call.bad[part], <int>call.faults[part]
    return -1, 0


def copy(cnp.ndarray source, int source_channels, cnp.ndarray target, int target_channels):
    """The same numbers in another array. The first element that does not fit, or -1."""
    cdef job call
    call.what = COPY
    give(&call, 0, source, source_channels)
    give(&call, 1, target, target_channels)
    return run(&call, COPIED)[0]


# ---- pixels <-> ids in C order --------------------------------------------------------------------------------------

# What most calls are: an array in C order, and a new one for the result. In C alone they cost 0.5 us beside the pixels
# where the way through Python, which takes anything, costs 5; with cold caches 13 instead of 45.

cdef int64_t copy_flat(pm_ids source, pm_ids target, int64_t n) except -2:
    cdef job call
    call.what = COPY
    call.arrays[0] = source
    call.arrays[1] = target
    call.given[0] = &call.arrays[0]
    call.given[1] = &call.arrays[1]
    call.shape[0] = call.shape[1] = 1
    call.shape[2] = n
    return run(&call, COPIED)[0]


cdef pm_ids flat_pixels(cnp.ndarray pixels, bint is_bgr):
    cdef char *data = <char *>cnp.PyArray_DATA(pixels)
    cdef pm_ids ids = plain(data + 2 if is_bgr else data, 3, 3, 1)
    if is_bgr:
        ids.channel_stride = -1
    return ids


def join_rgb(pixels, bint is_bgr):
    """The ids of uint8 pixels in C order, shape (..., 3), as a new array; None for anything else."""
    if not cnp.PyArray_CheckExact(pixels):
        return None
    cdef cnp.ndarray source = pixels
    cdef int axes = cnp.PyArray_NDIM(source) - 1
    if (axes < 1 or cnp.PyArray_TYPE(source) != cnp.NPY_UINT8 or cnp.PyArray_DIM(source, axes) != 3
            or not cnp.PyArray_IS_C_CONTIGUOUS(source)):
        return None
    cdef cnp.ndarray ids = cnp.PyArray_SimpleNew(axes, cnp.PyArray_DIMS(source), cnp.NPY_UINT32)
    copy_flat(flat_pixels(source, is_bgr), plain(cnp.PyArray_DATA(ids), 4, 1, 4), cnp.PyArray_SIZE(ids))
    return ids


def split_rgb(ids, bint is_bgr):
    """The other way, of integers in C order. None for anything else, and where there is an id above 24 bits."""
    if not cnp.PyArray_CheckExact(ids):
        return None
    cdef cnp.ndarray source = ids
    cdef int axes = cnp.PyArray_NDIM(source)
    cdef cnp.npy_intp[MOST_AXES + 1] shape
    if (axes > MOST_AXES or not cnp.PyArray_ISINTEGER(source) or not cnp.PyArray_ISNOTSWAPPED(source)
            or not cnp.PyArray_IS_C_CONTIGUOUS(source)):
        return None
    memcpy(shape, cnp.PyArray_DIMS(source), <size_t>axes * sizeof(cnp.npy_intp))
    shape[axes] = 3
    cdef cnp.ndarray pixels = cnp.PyArray_SimpleNew(axes + 1, shape, cnp.NPY_UINT8)
    cdef pm_ids numbers = plain(cnp.PyArray_DATA(source), cnp.PyArray_ITEMSIZE(source), 1, cnp.PyArray_ITEMSIZE(source))
    numbers.is_signed = cnp.PyArray_ISSIGNED(source)
    cdef int64_t bad = copy_flat(numbers, flat_pixels(pixels, is_bgr), cnp.PyArray_SIZE(source))
    return pixels if bad < 0 else None


# ---- sets of ids ----------------------------------------------------------------------------------------------------

# Ids of at most so wide a range are looked up in a table of all of them: 256 KiB, of which the cache sees those in use.
cdef int64_t MOST_DIRECT = 1 << 16


cdef int64_t slots_for(int64_t capacity) noexcept nogil:
    cdef int64_t n = 16
    while n < 2 * capacity:
        n *= 2
    return n


cdef class IdSet:
    """Different ids, and how to find them. `duplicate` is the place of one that was there before, or -1."""

    cdef pm_id_set view
    cdef cnp.ndarray ids
    cdef Scratch slots
    cdef readonly int64_t duplicate

    def __init__(self, cnp.ndarray ids):
        self.ids = ids  # int64, contiguous
        cdef int64_t n = cnp.PyArray_DIM(ids, 0)
        cdef int64_t *data = int64_data(ids)
        self.view.ids = data
        self.view.counts = NULL
        self.view.n = n
        self.view.capacity = n
        self.view.is_direct = False
        self.view.least = 0
        self.view.n_slots = slots_for(n)
        cdef int64_t i
        cdef int64_t least = data[0] if n > 0 else 0
        cdef int64_t most = least
        for i in range(n):
            least = min(least, data[i])
            most = max(most, data[i])
        if n > 0 and <uint64_t>most - <uint64_t>least < <uint64_t>MOST_DIRECT:
            self.view.is_direct = True
            self.view.least = least
            self.view.n_slots = most - least + 1
        self.slots = new_scratch(<size_t>self.view.n_slots * sizeof(uint32_t))
        memset(self.slots.data, 0, <size_t>self.view.n_slots * sizeof(uint32_t))
        self.view.slots = <uint32_t *>self.slots.data
        self.duplicate = pm_ids_index(&self.view)


def relabel(cnp.ndarray source, cnp.ndarray target, IdSet known, cnp.ndarray values, other):
    """values[i] for the i-th known id, `other` for the rest. The first element that is not known, or -1."""
    cdef job call
    cdef int64_t rest = 0 if other is None else other
    call.what = RELABEL
    give(&call, 0, source, 1)
    give(&call, 1, target, 1)
    call.known = &known.view
    call.values = int64_data(values)
    call.other = NULL if other is None else &rest
    return run(&call, LOOKED_UP)[0]


cdef struct counting:
    pm_ids ids
    int64_t shape[3]
    pm_id_set *sets  # one for each part


cdef c_bool grow(pm_id_set *found, int64_t capacity) noexcept nogil:
    """More room, or room at first. The ids and counts that are there stay."""
    cdef pm_id_set larger = found[0]
    larger.capacity = capacity
    if not found.is_direct:
        larger.n_slots = slots_for(capacity)
    larger.ids = <int64_t *>malloc(<size_t>(2 * capacity) * sizeof(int64_t))
    larger.slots = <uint32_t *>calloc(<size_t>larger.n_slots, sizeof(uint32_t))
    if larger.ids == NULL or larger.slots == NULL:
        free(larger.ids)
        free(larger.slots)
        return False
    larger.counts = larger.ids + capacity
    if found.n > 0:
        memcpy(larger.ids, found.ids, <size_t>found.n * sizeof(int64_t))
        memcpy(larger.counts, found.counts, <size_t>found.n * sizeof(int64_t))
    free(found.ids)
    free(found.slots)
    found[0] = larger
    pm_ids_index(found)
    return True


cdef c_bool count_part(void *context, int64_t part, int64_t begin, int64_t end) noexcept nogil:
    cdef counting *call = <counting *>context
    cdef pm_id_set *found = &call.sets[part]
    cdef int64_t at = begin
    if call.ids.channels == 1 and call.ids.item_size <= 2:
        found.is_direct = True
        found.n_slots = <int64_t>1 << 8 * call.ids.item_size
        found.least = -found.n_slots // 2 if call.ids.is_signed else 0
    if not grow(found, 256):
        return False
    while True:
        at = pm_ids_unique(&call.ids, call.shape, at, end, found)
        if at >= end:
            return True
        if found.capacity >= <int64_t>1 << 30 or not grow(found, 4 * found.capacity):
            return False


def unique(cnp.ndarray ids, int channels):
    """Different ids in no order, some of them several times, and how many elements have each; int64."""
    cdef counting call
    cdef int axis
    call.ids = describe(ids, channels)
    for axis in range(3):
        call.shape[axis] = cnp.PyArray_DIM(ids, axis)
    cdef int64_t n = call.shape[0] * call.shape[1] * call.shape[2]
    cdef pm_work work = pm_work(n, NULL, LOOKED_UP, 0)
    cdef int64_t parts = n_parts(&work)
    cdef Scratch scratch = new_scratch(<size_t>parts * sizeof(pm_id_set))
    cdef int64_t part, total
    cdef cnp.ndarray found, counts
    call.sets = <pm_id_set *>scratch.data
    memset(scratch.data, 0, <size_t>parts * sizeof(pm_id_set))
    try:
        if not run_parts(&work, parts, count_part, &call):
            raise MemoryError("cannot allocate what so many different ids need")
        total = 0
        for part in range(parts):
            total += call.sets[part].n
        found = np.empty(total, np.int64)
        counts = np.empty(total, np.int64)
        total = 0
        for part in range(parts):
            if call.sets[part].n > 0:
                memcpy(int64_data(found) + total, call.sets[part].ids,
                       <size_t>call.sets[part].n * sizeof(int64_t))
                memcpy(int64_data(counts) + total, call.sets[part].counts,
                       <size_t>call.sets[part].n * sizeof(int64_t))
                total += call.sets[part].n
    finally:
        for part in range(parts):
            free(call.sets[part].ids)
            free(call.sets[part].slots)
    return found, counts


# ---- codes ----------------------------------------------------------------------------------------------------------

cdef pm_code_field field_of(tuple field):
    cdef pm_code_field out
    out.low_shift, out.low_bits, out.high_shift, out.high_bits, out.scale = field
    return out


cdef class Encoding:
    """A codec as the C core sees it."""

    cdef pm_codec view

    def __init__(self, int kind, int64_t least_code, int64_t most_code, int64_t most_category, int64_t most_instance,
                 int64_t first_instance, int64_t divisor, int64_t bare_below, int64_t part_divisor,
                 int64_t void_category, tuple fields, int64_t constant, int64_t segment_divisor,
                 int64_t segment_shift, int64_t void_code):
        self.view.kind = <pm_code_kind>kind
        self.view.least_code = least_code
        self.view.most_code = most_code
        self.view.most_category = most_category
        self.view.most_instance = most_instance
        self.view.first_instance = first_instance
        self.view.divisor = divisor
        self.view.bare_below = bare_below
        self.view.part_divisor = part_divisor
        self.view.void_category = void_category
        self.view.category = field_of(fields[0])
        self.view.instance = field_of(fields[1])
        self.view.attributes = field_of(fields[2])
        self.view.constant = constant
        self.view.segment_divisor = segment_divisor
        self.view.segment_shift = segment_shift
        self.view.void_code = void_code


cdef tuple code(operation what, Encoding encoding, cnp.ndarray codes, int channels, cnp.ndarray categories,
                cnp.ndarray instances, cnp.ndarray attributes):
    """Codes and their fields, one made of the other. The first element that failed, or -1, and the fault."""
    cdef job call
    call.what = what
    call.codec = &encoding.view
    give(&call, 0, codes, channels)
    give(&call, 1, categories, 1)
    give(&call, 2, instances, 1)
    give(&call, 3, attributes, 1)
    return run(&call, LOOKED_UP)


def pack(Encoding encoding, cnp.ndarray categories, cnp.ndarray instances, cnp.ndarray attributes, cnp.ndarray codes,
         int channels):
    """Fields -> codes. The first element that failed, or -1, and the fault."""
    return code(PACK, encoding, codes, channels, categories, instances, attributes)


def unpack(Encoding encoding, cnp.ndarray codes, int channels, cnp.ndarray categories, cnp.ndarray instances,
           cnp.ndarray attributes):
    """Codes -> fields, likewise."""
    return code(UNPACK, encoding, codes, channels, categories, instances, attributes)


def convert(Encoding source, Encoding target, cnp.ndarray codes, int channels, cnp.ndarray out, int out_channels,
            IdSet known, cnp.ndarray values, bint allows_loss):
    """Codes -> codes of another encoding, likewise."""
    cdef job call
    call.what = CONVERT
    call.recoding.from_ = &source.view
    call.recoding.to = &target.view
    call.recoding.categories = NULL if known is None else &known.view
    call.recoding.new_categories = NULL if values is None else int64_data(values)
    call.recoding.allows_loss = allows_loss
    give(&call, 0, codes, channels)
    give(&call, 1, out, out_channels)
    return run(&call, LOOKED_UP)
