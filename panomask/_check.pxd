from libc.stdint cimport int64_t, uint8_t

cimport numpy as cnp

cdef str item(str name, int64_t i)
cdef int read_size(object size, str name, int64_t i, int64_t *out) except -1
cdef int read_image_size(object height, object width, int64_t *size) except -1
cdef cnp.ndarray flags(object values, int64_t n, str name, str of)
cdef cnp.ndarray int_values(object values, str name)
cdef int check_lengths(int64_t n_a, int64_t n_b) except -1
cdef const uint8_t *png_rows(const uint8_t[::1] filtered, int64_t height, int64_t row_size, str name) except? NULL
cdef int check_filters(const uint8_t *rows, int64_t height, int64_t row_size, int64_t bad, str name) except -1
