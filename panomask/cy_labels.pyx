"""Bindings of pm_labels: label maps <-> the runs of their segments, and how often ids of two maps meet.

Maps come as arrays of two dimensions and any strides, of integers in the machine's byte order, or of three bytes (dtype
V3), which are R, G and B. Ids come and go as uint64 that hold their bits, or in the dtype of a map.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memset

cimport numpy as cnp

from panomask._batch cimport (
    Batch,
    Scratch,
    counts_data,
    double_data,
    int64_data,
    new_batch,
    new_counts,
    new_int64,
    new_scratch,
    new_sizes,
    new_uint64,
    read_only,
    uint64_data,
)
from panomask._c cimport (
    PM_PIXEL_INTEGER,
    c_bool,
    pm_dense,
    pm_label_entry,
    pm_label_run,
    pm_label_search,
    pm_label_table,
    pm_labels,
    pm_labels_add,
    pm_labels_count,
    pm_labels_count_pngs,
    pm_labels_count_pngs_scratch,
    pm_labels_entries,
    pm_labels_find,
    pm_labels_ignore,
    pm_labels_line,
    pm_labels_measure,
    pm_labels_paint,
    pm_labels_paint_scratch,
    pm_labels_scratch,
    pm_labels_sort,
    pm_labels_write,
    pm_png_check,
    pm_runs_check_sizes,
    pm_segment,
    pm_status,
    pm_where,
    pm_work,
)
from panomask._check cimport check_filters, png_rows
from panomask._status cimport check as check_status
from panomask._threads cimport n_parts, run, run_parts

import numpy as np

cnp.import_array()

# What things cost, in nanoseconds.
cdef double FIND_PIXEL = 0.2
cdef double WRITE_COUNT = 2
cdef double COUNT_PIXEL = 0.2

# Runs that a search begins with memory for: maps of COCO have about 8 in a column.
cdef int64_t RUNS_A_COLUMN = 16

# Entries that a table begins with: what two maps of COCO need, and what stays in the L1.
cdef int64_t FIRST_CAPACITY = 1024

# The same for a joint histogram, if there are as many pixels, and what it goes on with. Where few entries are taken,
# most are found where they are looked for first: two maps of noise with 400 pairs take 1.4 ms instead of 2.0 with 1024,
# two of COCO with 260 take 5 % less. With 4096 they were as fast, and maps with few runs slower, as all of a table is
# cleared and read.
cdef int64_t COUNT_CAPACITY = 2048
cdef int64_t NEXT_CAPACITY = 16384

# Pixels of a joint histogram that go to one thread together.
cdef int64_t CHUNK = 4096


cdef pm_labels describe(cnp.ndarray array):
    """The C core's view of a map."""
    cdef pm_labels labels
    labels.data = cnp.PyArray_DATA(array)
    labels.height = cnp.PyArray_DIM(array, 0)
    labels.width = cnp.PyArray_DIM(array, 1)
    labels.strides[0] = cnp.PyArray_STRIDE(array, 0)
    labels.strides[1] = cnp.PyArray_STRIDE(array, 1)
    labels.item_size = cnp.PyArray_ITEMSIZE(array)
    labels.is_signed = cnp.PyArray_ISSIGNED(array)
    return labels


cdef pm_labels describe_flat(cnp.ndarray array):
    """The same of an array in C order, with any axes, as one row."""
    cdef pm_labels labels
    labels.data = cnp.PyArray_DATA(array)
    labels.height = 1
    labels.width = cnp.PyArray_SIZE(array)
    labels.item_size = cnp.PyArray_ITEMSIZE(array)
    labels.strides[0] = labels.width * labels.item_size
    labels.strides[1] = labels.item_size
    labels.is_signed = cnp.PyArray_ISSIGNED(array)
    return labels


cdef object id_dtype(object dtype):
    """That of the ids of a map."""
    return np.dtype(np.uint32) if dtype.kind == "V" else dtype


cdef c_bool new_table(pm_label_table *table, int64_t capacity) noexcept nogil:
    table.entries = <pm_label_entry *>calloc(<size_t>capacity, sizeof(pm_label_entry))
    table.capacity = capacity
    table.n = 0
    return table.entries != NULL


cdef c_bool enlarge(pm_label_table *table, int64_t capacity) noexcept nogil:
    """Move to more memory."""
    cdef pm_label_table larger
    if not new_table(&larger, capacity):
        return False
    pm_labels_add(table, &larger)
    free(table.entries)
    table[0] = larger
    return True


# ---- segments -------------------------------------------------------------------------------------------------------

# The maps of one call and what is found in each; where what each gives goes.
cdef struct finding:
    pm_labels *maps
    pm_label_search *searches
    const uint64_t *ignored
    int64_t n_ignored
    int64_t *places  # segments of map i: places[i] .. places[i + 1] - 1
    int64_t *starts  # and their counts likewise
    char *ids
    int64_t id_size
    uint64_t *areas
    double *boxes
    uint32_t *counts
    int64_t *offsets


cdef int64_t power_of_two(int64_t least) noexcept nogil:
    cdef int64_t power = 2
    while power < least:
        power *= 2
    return power


cdef c_bool provide(pm_label_search *search, int64_t line) noexcept nogil:
    """Room for what is short: segments, or the runs of a line."""
    cdef void *more
    if 2 * search.table.n >= search.table.capacity:
        if not enlarge(&search.table, 4 * search.table.capacity):
            return False
        more = realloc(search.segments, <size_t>(search.table.capacity // 2) * sizeof(pm_segment))
        if more == NULL:
            return False
        search.segments = <pm_segment *>more
    if search.n_runs + line > search.capacity:
        search.capacity = 2 * search.capacity + line
        more = realloc(search.runs, <size_t>search.capacity * sizeof(pm_label_run))
        if more == NULL:
            return False
        search.runs = <pm_label_run *>more
    return True


cdef c_bool search_with(const pm_labels *labels, finding *job, pm_label_search *search, void *scratch) noexcept nogil:
    cdef int64_t line = pm_labels_line(labels)
    cdef pm_label_run *room
    if not new_table(&search.table, power_of_two(max(FIRST_CAPACITY, 4 * job.n_ignored))):
        return False
    search.segments = <pm_segment *>malloc(<size_t>(search.table.capacity // 2) * sizeof(pm_segment))
    search.capacity = RUNS_A_COLUMN * (labels.width + 1)
    search.runs = <pm_label_run *>malloc(<size_t>search.capacity * sizeof(pm_label_run))
    if search.segments == NULL or search.runs == NULL:
        return False
    pm_labels_ignore(search, job.ignored, job.n_ignored)
    while not pm_labels_find(labels, search, scratch):
        if not provide(search, line):
            return False
    room = <pm_label_run *>malloc(<size_t>search.n_runs * sizeof(pm_label_run) + 1)
    if room == NULL:
        return False
    cdef pm_label_run *runs = search.runs
    pm_labels_measure(labels, search, room, scratch)
    free(runs if search.runs == room else room)
    return True


cdef c_bool search_map(const pm_labels *labels, finding *job, pm_label_search *search) noexcept nogil:
    """Find the segments of one map. What the search keeps is freed by `free_search`."""
    cdef void *scratch = malloc(pm_labels_scratch(labels) + 1)
    cdef c_bool is_found = scratch != NULL and search_with(labels, job, search, scratch)
    free(scratch)
    return is_found


cdef void free_search(pm_label_search *search) noexcept nogil:
    free(search.table.entries)
    free(search.segments)
    free(search.runs)


cdef c_bool search_part(void *context, int64_t _, int64_t begin, int64_t end) noexcept nogil:
    cdef finding *job = <finding *>context
    cdef int64_t i
    for i in range(begin, end):
        if not search_map(&job.maps[i], job, &job.searches[i]):
            return False
    return True


cdef c_bool write_part(void *context, int64_t _, int64_t begin, int64_t end) noexcept nogil:
    cdef finding *job = <finding *>context
    cdef int64_t i, first
    for i in range(begin, end):
        first = job.places[i]
        job.offsets[first] = job.starts[i]
        pm_labels_write(&job.maps[i], &job.searches[i], job.ids + first * job.id_size, job.areas + first,
                        job.boxes + 4 * first, job.counts, job.offsets + first)
    return True


def segments(type cls, list maps, list ignored, str name):
    """Segments of all maps, which have one dtype, but for the ignored ids (their bits, all different): ids, a batch of
    `cls` that has its areas and boxes, and where each map's begin. All arrays are read-only."""
    cdef int64_t n = len(maps)
    cdef Scratch scratch = new_scratch(<size_t>n * (sizeof(pm_labels) + sizeof(pm_label_search)
                                                    + 2 * sizeof(int64_t)) + sizeof(int64_t))
    cdef finding job
    cdef int64_t i, k, pixels = 0
    cdef cnp.ndarray places = new_int64(n + 1)
    cdef int64_t[2] size
    cdef pm_where where
    cdef pm_status status
    job.maps = <pm_labels *>scratch.data
    job.searches = <pm_label_search *>(job.maps + n)
    job.starts = <int64_t *>(job.searches + n)
    cdef int64_t *sizes_before = job.starts  # pixels before each map, until counts are known
    job.places = int64_data(places)
    job.n_ignored = len(ignored)
    cdef cnp.ndarray ignored_ids = new_uint64(job.n_ignored)
    job.ignored = uint64_data(ignored_ids)
    for i in range(job.n_ignored):
        uint64_data(ignored_ids)[i] = ignored[i]
    memset(job.searches, 0, <size_t>n * sizeof(pm_label_search))
    for i in range(n):
        job.maps[i] = describe(maps[i])
        size = [job.maps[i].height, job.maps[i].width]
        status = pm_runs_check_sizes(size, 1, &where)
        where.mask = i if n > 1 else -1
        check_status(status, &where, name)
        sizes_before[i] = pixels
        pixels += job.maps[i].height * job.maps[i].width
    sizes_before[n] = pixels
    cdef pm_work work = pm_work(n, sizes_before, 0, FIND_PIXEL)
    cdef cnp.ndarray ids, areas, boxes, counts, offsets, sizes
    try:
        if not run(&work, search_part, &job):
            raise MemoryError(f"cannot allocate what the segments of {name} need")
        job.places[0] = job.starts[0] = 0
        for i in range(n):
            job.places[i + 1] = job.places[i] + job.searches[i].n_segments
            job.starts[i + 1] = job.starts[i] + job.searches[i].n_counts
        k = job.places[n]
        ids = np.empty(k, id_dtype(maps[0].dtype) if n > 0 else np.int64)
        areas = new_uint64(k)
        boxes = np.empty((k, 4))
        counts = new_counts(job.starts[n])
        offsets = new_int64(k + 1)
        sizes = new_sizes(k)
        job.ids = <char *>cnp.PyArray_DATA(ids)
        job.id_size = cnp.PyArray_ITEMSIZE(ids)
        job.areas = uint64_data(areas)
        job.boxes = double_data(boxes)
        job.counts = counts_data(counts)
        job.offsets = int64_data(offsets)
        job.offsets[0] = 0
        for i in range(n):
            for k in range(job.places[i], job.places[i + 1]):
                int64_data(sizes)[2 * k] = job.maps[i].height
                int64_data(sizes)[2 * k + 1] = job.maps[i].width
        work = pm_work(n, job.starts, 0, WRITE_COUNT)
        run(&work, write_part, &job)
    finally:
        for i in range(n):
            free_search(&job.searches[i])
    cdef Batch masks = new_batch(cls, counts, offsets, sizes)
    masks.areas = read_only(areas, True)
    masks.boxes = read_only(boxes, True)
    return read_only(ids, True), masks, read_only(places, True)


# ---- label map ------------------------------------------------------------------------------------------------------

def paint(Batch masks, cnp.ndarray ids, background, cnp.ndarray out):
    """Write ids (uint64) into a map of any strides, all of it; whether no two masks have a pixel in common."""
    cdef pm_dense image
    cdef uint64_t ground = background
    cdef c_bool is_disjoint
    image.data = cnp.PyArray_DATA(out)
    image.n = 1
    image.height = cnp.PyArray_DIM(out, 0)
    image.width = cnp.PyArray_DIM(out, 1)
    image.strides = [0, cnp.PyArray_STRIDE(out, 0), cnp.PyArray_STRIDE(out, 1)]
    image.item_size = cnp.PyArray_ITEMSIZE(out)
    image.pixel = PM_PIXEL_INTEGER
    image.threshold = 0
    cdef Scratch scratch = new_scratch(pm_labels_paint_scratch(&masks.view, &image))
    with nogil:
        is_disjoint = pm_labels_paint(&masks.view, uint64_data(ids), ground, &image, scratch.data)
    return is_disjoint


# ---- joint histogram ------------------------------------------------------------------------------------------------

# Two maps, and a table for each part of the work.
cdef struct counting:
    pm_labels a
    pm_labels b
    pm_label_table *tables


cdef c_bool count_part(void *context, int64_t part, int64_t begin, int64_t end) noexcept nogil:
    cdef counting *job = <counting *>context
    cdef pm_label_table *table = &job.tables[part]
    cdef int64_t position = begin * CHUNK
    cdef int64_t stop = min(end * CHUNK, job.a.height * job.a.width)
    if not new_table(table, min(COUNT_CAPACITY, power_of_two(2 * (stop - position)))):
        return False
    while not pm_labels_count(&job.a, &job.b, &position, stop, table):
        if not enlarge(table, max(4 * table.capacity, NEXT_CAPACITY)):
            return False
    return True


cdef c_bool unite(pm_label_table *tables, int64_t parts) noexcept nogil:
    """Add all tables to the first."""
    cdef int64_t part, least
    for part in range(1, parts):
        least = 2 * (tables[0].n + tables[part].n)
        if tables[0].capacity < least and not enlarge(&tables[0], power_of_two(least)):
            return False
        pm_labels_add(&tables[part], &tables[0])
    return True


cdef uint64_t order_flip(const pm_labels *labels) noexcept nogil:
    return (<uint64_t>1) << (8 * labels.item_size - 1) if labels.is_signed else 0


cdef int id_type(cnp.ndarray array) noexcept:
    """The type number of the ids of a map."""
    cdef int type_number = cnp.PyArray_TYPE(array)
    return cnp.NPY_UINT32 if type_number == cnp.NPY_VOID else type_number


cdef tuple pairs_of(pm_label_table *table, int type_a, int type_b):
    """Read off a table that is in order: ids of a and b, uint64."""
    cdef cnp.npy_intp n = table.n
    cdef cnp.ndarray ids_a = cnp.PyArray_SimpleNew(1, &n, type_a)
    cdef cnp.ndarray ids_b = cnp.PyArray_SimpleNew(1, &n, type_b)
    cdef cnp.ndarray counts = new_uint64(table.n)
    pm_labels_entries(table, cnp.PyArray_ITEMSIZE(ids_a), cnp.PyArray_DATA(ids_a), cnp.PyArray_ITEMSIZE(ids_b),
                      cnp.PyArray_DATA(ids_b), uint64_data(counts))
    return ids_a, ids_b, counts


cdef c_bool is_flat(object values):
    return (cnp.PyArray_CheckExact(values) and cnp.PyArray_ISINTEGER(<cnp.ndarray>values)
            and cnp.PyArray_ISNOTSWAPPED(<cnp.ndarray>values) and cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>values))


def are_flat(a, b):
    """Whether these are arrays of integers in C order and of one shape."""
    return is_flat(a) and is_flat(b) and cnp.PyArray_SAMESHAPE(<cnp.ndarray>a, <cnp.ndarray>b)


def joint_histogram(cnp.ndarray a, cnp.ndarray b):
    """Pairs of ids that two maps of one shape have in one place, in order, and in how many: ids of a and b, uint64. The
    maps have two axes, or are in C order both."""
    cdef counting job
    cdef c_bool is_one_row = cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_IS_C_CONTIGUOUS(b)
    job.a = describe_flat(a) if is_one_row else describe(a)
    job.b = describe_flat(b) if is_one_row else describe(b)
    cdef int64_t pixels = job.a.height * job.a.width
    cdef pm_work work = pm_work((pixels + CHUNK - 1) // CHUNK, NULL, COUNT_PIXEL * CHUNK, 0)
    cdef int64_t parts = n_parts(&work)
    cdef Scratch scratch = None
    cdef pm_label_table only
    job.tables = &only
    if parts > 1:
        scratch = new_scratch(<size_t>parts * sizeof(pm_label_table))
        job.tables = <pm_label_table *>scratch.data
    memset(job.tables, 0, <size_t>parts * sizeof(pm_label_table))
    cdef int64_t part
    cdef c_bool is_done
    try:
        is_done = run_parts(&work, parts, count_part, &job)
        if is_done:
            with nogil:
                is_done = unite(job.tables, parts)
                if is_done:
                    pm_labels_sort(job.tables, order_flip(&job.a), order_flip(&job.b))
        if not is_done:
            raise MemoryError("cannot allocate the pairs of ids of two maps")
        return pairs_of(job.tables, id_type(a), id_type(b))
    finally:
        for part in range(parts):
            free(job.tables[part].entries)


cdef c_bool count_pngs(const uint8_t *a, const uint8_t *b, int64_t height, int64_t width, pm_label_table *table,
                       void *scratch) noexcept nogil:
    cdef int64_t row = 0
    if not new_table(table, FIRST_CAPACITY):
        return False
    while not pm_labels_count_pngs(a, b, height, width, &row, table, scratch):
        if not enlarge(table, 4 * table.capacity):
            return False
    pm_labels_sort(table, 0, 0)
    return True


def joint_histogram_of_pngs(const uint8_t[::1] a, const uint8_t[::1] b, int64_t height, int64_t width, str name_a,
                            str name_b):
    """The same, of the ids R + 256 G + 65536 B of two inflated PNGs, whose pixels are nowhere stored as a whole; all as
    int64."""
    cdef const uint8_t *filtered_a = png_rows(a, height, 3 * width, name_a)
    cdef const uint8_t *filtered_b = png_rows(b, height, 3 * width, name_b)
    cdef Scratch scratch = new_scratch(pm_labels_count_pngs_scratch(width))
    cdef pm_label_table table
    cdef c_bool is_done = True
    cdef int64_t bad_a, bad_b
    cdef cnp.ndarray ids_a, ids_b, pixels
    table.entries = NULL
    try:
        with nogil:
            bad_a = pm_png_check(filtered_a, height, 3 * width)
            bad_b = pm_png_check(filtered_b, height, 3 * width)
            if bad_a == height and bad_b == height:
                is_done = count_pngs(filtered_a, filtered_b, height, width, &table, scratch.data)
        check_filters(filtered_a, height, 3 * width, bad_a, name_a)
        check_filters(filtered_b, height, 3 * width, bad_b, name_b)
        if not is_done:
            raise MemoryError(f"cannot allocate the pairs of ids of {name_a} and {name_b}")
        ids_a, ids_b, pixels = new_int64(table.n), new_int64(table.n), new_int64(table.n)
        pm_labels_entries(&table, sizeof(int64_t), int64_data(ids_a), sizeof(int64_t), int64_data(ids_b),
                          <uint64_t *>int64_data(pixels))
        return ids_a, ids_b, pixels
    finally:
        free(table.entries)
