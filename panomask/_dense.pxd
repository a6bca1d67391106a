from libc.stdint cimport int64_t

cimport numpy as cnp

from panomask._batch cimport Batch
from panomask._c cimport pm_batch, pm_dense

cdef pm_dense images_of(cnp.ndarray array, bint is_hwn, object threshold) except *
cdef Batch encode_batch(type cls, pm_dense *images, str name)
cdef list encode_dicts(pm_dense *images, str name)
cdef int common_size(const pm_batch *masks, str name, int64_t *size) except -1
cdef int decode_images(const pm_batch *masks, const pm_dense *images, const void *one, bint zeroed,
                       object origin) except -1
