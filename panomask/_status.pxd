from panomask._c cimport pm_status, pm_where

cdef int check(pm_status status, pm_where *where, str name, str other=*) except -1
