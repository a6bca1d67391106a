"""Arrays of pixels <-> the C core, in parts over threads where they are large."""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

cimport numpy as cnp

import numpy as np

from panomask._batch cimport Batch, int64_data, new_sizes
from panomask._c cimport (
    PM_FULL,
    PM_OK,
    PM_PIXEL_FLOAT,
    PM_PIXEL_INTEGER,
    c_bool,
    pm_batch,
    pm_dense,
    pm_dense_decode,
    pm_dense_decode_scratch,
    pm_dense_decode_window,
    pm_dense_encode,
    pm_dense_encode_scratch,
    pm_dense_memory,
    pm_memory,
    pm_runs_check_sizes,
    pm_runs_part,
    pm_status,
    pm_where,
    pm_work,
)
from panomask._dicts cimport write_dicts
from panomask._status cimport check as check_status
from panomask._threads cimport make, n_parts, output, reserve, resize, run

from panomask.errors import SizeMismatchError

cnp.import_array()

# What things cost, in nanoseconds.
cdef double ENCODE_BYTE = 0.06
cdef double DECODE_BYTE = 0.03
cdef double DECODE_RUN = 3


cdef pm_dense images_of(cnp.ndarray array, bint is_hwn, object threshold) except *:
    """The C core's view of an array (n, h, w) or (h, w, n), or of one image (h, w). With a threshold the pixels are
    float32 or float64, without one integers or bool."""
    cdef pm_dense images
    cdef bint is_one = cnp.PyArray_NDIM(array) == 2
    cdef int row = 0 if is_one or is_hwn else 1
    cdef int n = 2 if is_hwn else 0
    images.data = cnp.PyArray_DATA(array)
    images.n = 1 if is_one else cnp.PyArray_DIM(array, n)
    images.height = cnp.PyArray_DIM(array, row)
    images.width = cnp.PyArray_DIM(array, row + 1)
    images.strides[0] = 0 if is_one else cnp.PyArray_STRIDE(array, n)
    images.strides[1] = cnp.PyArray_STRIDE(array, row)
    images.strides[2] = cnp.PyArray_STRIDE(array, row + 1)
    images.item_size = cnp.PyArray_ITEMSIZE(array)
    images.pixel = PM_PIXEL_INTEGER if threshold is None else PM_PIXEL_FLOAT
    images.threshold = 0 if threshold is None else threshold
    return images


# ---- encode ---------------------------------------------------------------------------------------------------------

cdef c_bool encode_part(void *context, int64_t begin, int64_t end, output *out) noexcept nogil:
    cdef pm_dense images = (<pm_dense *>context)[0]
    images.data = <char *>images.data + begin * images.strides[0]
    images.n = end - begin
    # Objects have about as many runs as their image has columns, half of them; a mask takes a reserve of its own too.
    cdef int64_t capacity = 1024 + images.n * min(images.width, 4096)
    if not reserve(out, images.n, capacity, pm_dense_encode_scratch(&images)):
        return False
    out.where.mask = 0
    while True:
        out.status = pm_dense_encode(&images, out.where.mask, out.counts, capacity, out.offsets, out.scratch,
                                     &out.where)
        if out.status != PM_FULL:
            return True
        capacity = out.where.expected
        if not resize(out, capacity):
            return False


cdef int check_size(const pm_dense *images, str name) except -1:
    cdef pm_where where
    cdef int64_t[2] size
    size[0] = images.height
    size[1] = images.width
    cdef pm_status status = pm_runs_check_sizes(size, min(images.n, 1), &where)
    check_status(status, &where, name)
    return 0


cdef pm_work encode_work(const pm_dense *images) noexcept:
    return pm_work(images.n, NULL, ENCODE_BYTE * <double>(images.height * images.width * images.item_size), 0)


cdef Batch encode_batch(type cls, pm_dense *images, str name):
    cdef int64_t n = images.n
    cdef int64_t i
    check_size(images, name)
    cdef cnp.ndarray groups
    cdef cnp.ndarray sizes = new_sizes(n)
    for i in range(n):
        int64_data(sizes)[2 * i] = images.height
        int64_data(sizes)[2 * i + 1] = images.width
    cdef pm_work work = encode_work(images)
    if images.strides[0] == images.item_size and n_parts(&work) > 1:  # interleaved images are read 64 at a time
        groups = np.arange(n + 1, dtype=np.int64) // 64 * 64
        groups[n] = n
        work = pm_work(n, int64_data(groups), 0, work.item_cost)
    return make(cls, &work, encode_part, images, sizes, name)


cdef list encode_dicts(pm_dense *images, str name):
    """COCO RLE dicts of images, without a batch in between where that is one image and one part: 0.7 us instead of 1.6
    for a mask of 8 x 8, 8 instead of 13 for one of 480 x 640."""
    cdef pm_work work = encode_work(images)
    cdef Batch masks
    if images.n != 1 or n_parts(&work) > 1:
        masks = encode_batch(Batch, images, name)
        return write_dicts(&masks.view, False, False)
    check_size(images, name)
    cdef output out
    cdef c_bool is_made
    cdef pm_batch mask
    cdef int64_t[2] size
    size[0] = images.height
    size[1] = images.width
    memset(&out, 0, sizeof(out))
    try:
        with nogil:
            is_made = encode_part(images, 0, 1, &out)
        if not is_made:
            raise MemoryError(f"cannot allocate what the mask of {name} needs")
        check_status(out.status, &out.where, name)
        mask = pm_batch(out.counts, out.offsets, &size[0], 1)
        return write_dicts(&mask, False, False)
    finally:
        free(out.memory)


# ---- decode ---------------------------------------------------------------------------------------------------------

cdef int common_size(const pm_batch *masks, str name, int64_t *size) except -1:
    """Height and width of all masks; 0 x 0 where there are none."""
    cdef const int64_t *sizes = masks.sizes
    cdef int64_t i
    size[0] = sizes[0] if masks.n > 0 else 0
    size[1] = sizes[1] if masks.n > 0 else 0
    for i in range(masks.n):
        if sizes[2 * i] != size[0] or sizes[2 * i + 1] != size[1]:
            raise SizeMismatchError(f"{name}[{i}]: size is {sizes[2 * i]} x {sizes[2 * i + 1]}, but {name}[0] is "
                                    f"{size[0]} x {size[1]}; one array holds masks of one size")
    return 0


cdef struct decoding:
    pm_batch masks
    pm_dense images
    const void *one
    pm_memory memory
    c_bool is_window
    int64_t top
    int64_t left


cdef c_bool decode_part(void *context, int64_t _, int64_t begin, int64_t end) noexcept nogil:
    cdef decoding *job = <decoding *>context
    cdef pm_batch masks = pm_runs_part(&job.masks, begin, end)
    cdef pm_dense images = job.images
    images.data = <char *>images.data + begin * images.strides[0]
    images.n = end - begin
    cdef void *scratch = malloc(pm_dense_decode_scratch(&images, job.memory) + 1)
    if scratch == NULL:
        return False
    if job.is_window:
        pm_dense_decode_window(&masks, job.top, job.left, &images, job.one, job.memory, scratch)
    else:
        pm_dense_decode(&masks, &images, job.one, job.memory, scratch)
    free(scratch)
    return True


cdef int decode_images(const pm_batch *masks, const pm_dense *images, const void *one, bint zeroed,
                       object origin) except -1:
    """Write the masks into images, `one` (a pixel) where there is foreground. Sizes agree; or there is an origin, and
    the window of the images' size at that row and column is inside every mask."""
    cdef decoding job
    job.masks = masks[0]
    job.images = images[0]
    job.one = one
    job.memory = pm_dense_memory(images, zeroed)
    job.is_window = origin is not None
    if job.is_window:
        job.top, job.left = origin
    cdef pm_work work = pm_work(
        images.n, masks.offsets, DECODE_BYTE * <double>(images.height * images.width * images.item_size), DECODE_RUN
    )
    if not run(&work, decode_part, &job):
        raise MemoryError("cannot allocate what decoding needs")
    return 0
