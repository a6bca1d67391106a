"""Every function of csrc/panomask.h that the bindings call, in its order, and one that the core keeps to itself. Private:
the public declarations are cy_*.pxd."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t


cdef extern from "panomask.h" nogil:
    ctypedef bint c_bool "bool"

    int64_t PM_MAX_PIXELS
    double PM_MAX_COORDINATE

    ctypedef enum pm_status:
        PM_OK
        PM_FULL
        PM_SIZE_NEGATIVE
        PM_SIZE_TOO_LARGE
        PM_SIZE_MISMATCH
        PM_RUN_NEGATIVE
        PM_RUNS_COVERAGE
        PM_OFFSETS_ORDER
        PM_TEXT_BYTE
        PM_TEXT_TRUNCATED
        PM_TEXT_OVERLONG
        PM_POINT_NOT_FINITE
        PM_POINT_TOO_LARGE
        PM_STATUS_END

    ctypedef struct pm_where:
        int64_t mask
        int64_t other
        int64_t at
        int64_t found
        int64_t expected
        int64_t height
        int64_t width
        int64_t other_height
        int64_t other_width
        double value

    int pm_status_describe(pm_status status, const pm_where *where, const char *name, const char *other, char *text,
                           size_t capacity)

    # runs
    ctypedef struct pm_batch:
        const uint32_t *counts
        const int64_t *offsets
        const int64_t *sizes
        int64_t n

    pm_status pm_runs_check(const pm_batch *masks, int64_t length, pm_where *where)
    pm_status pm_runs_check_sizes(const int64_t *sizes, int64_t n, pm_where *where)
    void pm_runs_area(const pm_batch *masks, uint64_t *areas)
    void pm_runs_bbox(const pm_batch *masks, double *boxes)
    void pm_runs_equal(const pm_batch *a, const pm_batch *b, c_bool *equal)
    int64_t pm_runs_select_bound(const pm_batch *masks, const int64_t *index, int64_t k)
    void pm_runs_select(const pm_batch *masks, const int64_t *index, int64_t k, uint32_t *counts, int64_t *offsets,
                        int64_t *sizes)
    void pm_runs_to_values(const pm_batch *masks, int64_t *values, int64_t *value_offsets)

    # counts text
    ctypedef struct pm_counts_source:
        const void *data
        int64_t length
        c_bool is_text

    int64_t pm_counts_read_bound(const pm_counts_source *sources, const int64_t *sizes, int64_t n)
    pm_status pm_counts_read(const pm_counts_source *sources, const int64_t *sizes, int64_t n, uint32_t *counts,
                             int64_t *offsets, pm_where *where)
    int64_t pm_counts_write_bound(const pm_batch *masks)
    void pm_counts_write(const pm_batch *masks, c_bool verbatim, uint8_t *text, int64_t *text_offsets)

    # dense
    ctypedef enum pm_pixel:
        PM_PIXEL_INTEGER
        PM_PIXEL_FLOAT

    ctypedef struct pm_dense:
        void *data  # char *, but tracing shows such a member as text
        int64_t n
        int64_t height
        int64_t width
        int64_t strides[3]
        int64_t item_size
        pm_pixel pixel
        double threshold

    size_t pm_dense_encode_scratch(const pm_dense *images)
    pm_status pm_dense_encode(const pm_dense *images, int64_t first, uint32_t *counts, int64_t capacity,
                              int64_t *offsets, void *scratch, pm_where *where)

    ctypedef enum pm_memory:
        PM_ZEROED
        PM_USED
        PM_LARGE
    pm_memory pm_dense_memory(const pm_dense *images, c_bool zeroed)
    size_t pm_dense_decode_scratch(const pm_dense *images, pm_memory memory)
    void pm_dense_decode(const pm_batch *masks, const pm_dense *images, const void *one, pm_memory memory,
                         void *scratch)
    void pm_dense_decode_window(const pm_batch *masks, int64_t top, int64_t left, const pm_dense *images,
                                const void *one, pm_memory memory, void *scratch)

    # shapes
    ctypedef struct pm_rings:
        const double *xy
        const int64_t *offsets
        const int64_t *sizes
        int64_t n

    pm_status pm_shapes_check(const pm_rings *rings, pm_where *where)
    int64_t pm_shapes_rasterize_bound(const pm_rings *rings)
    size_t pm_shapes_rasterize_scratch(const pm_rings *rings)
    void pm_shapes_rasterize(const pm_rings *rings, uint32_t *counts, int64_t *offsets, void *scratch)
    void pm_shapes_box_corners(const double *boxes, int64_t n, double *xy)

    # algebra
    ctypedef enum pm_operation:
        PM_INTERSECTION
        PM_UNION
        PM_XOR
        PM_DIFFERENCE

    int64_t pm_algebra_pairwise_bound(const pm_batch *a, const pm_batch *b)
    pm_status pm_algebra_pairwise(pm_operation operation, const pm_batch *a, const pm_batch *b, uint32_t *counts,
                                  int64_t *offsets, pm_where *where)
    int64_t pm_algebra_complement_bound(const pm_batch *masks)
    void pm_algebra_complement(const pm_batch *masks, uint32_t *counts, int64_t *offsets)
    int64_t pm_algebra_reduce_bound(const pm_batch *masks, const int64_t *groups, int64_t n_groups)
    size_t pm_algebra_reduce_scratch(const pm_batch *masks, const int64_t *groups, int64_t n_groups)
    pm_status pm_algebra_reduce(pm_operation operation, const pm_batch *masks, const int64_t *groups,
                                int64_t n_groups, uint32_t *counts, int64_t *offsets, int64_t *sizes, void *scratch,
                                pm_where *where)

    # overlap
    size_t pm_overlap_scratch(const pm_batch *a, const pm_batch *b)
    pm_status pm_overlap_matrix(const pm_batch *a, const pm_batch *b, uint64_t *areas, void *scratch, pm_where *where)
    pm_status pm_overlap_matrix_prepare(const pm_batch *a, const pm_batch *b, void *scratch, pm_where *where)
    void pm_overlap_matrix_rows(const pm_batch *a, const pm_batch *b, int64_t begin, int64_t end, uint64_t *areas,
                                void *scratch)
    size_t pm_overlap_grouped_scratch(const pm_batch *a, const int64_t *groups_a, const pm_batch *b,
                                      const int64_t *groups_b, int64_t n_groups)
    pm_status pm_overlap_grouped(const pm_batch *a, const int64_t *groups_a, const pm_batch *b,
                                 const int64_t *groups_b, int64_t n_groups, uint64_t *areas, void *scratch,
                                 pm_where *where)
    pm_status pm_overlap_paired(const pm_batch *a, const pm_batch *b, uint64_t *areas, void *scratch, pm_where *where)

    ctypedef enum pm_ratio:
        PM_RATIO_IOU
        PM_RATIO_DICE
        PM_RATIO_IOS

    void pm_overlap_matrix_ratio(pm_ratio ratio, const uint64_t *intersections, const uint64_t *areas_a, int64_t n_a,
                                 const uint8_t *crowd_a, const uint64_t *areas_b, int64_t n_b, const uint8_t *crowd_b,
                                 double *ratios)
    void pm_overlap_grouped_ratio(pm_ratio ratio, const uint64_t *intersections, const uint64_t *areas_a,
                                  const int64_t *groups_a, const uint8_t *crowd_a, const uint64_t *areas_b,
                                  const int64_t *groups_b, const uint8_t *crowd_b, int64_t n_groups, double *ratios)
    void pm_overlap_paired_ratio(pm_ratio ratio, const uint64_t *intersections, const uint64_t *areas_a, int64_t n_a,
                                 const uint64_t *areas_b, int64_t n_b, const uint8_t *crowd_b, double *ratios)
    void pm_overlap_boxes(const double *a, int64_t n_a, const double *b, int64_t n_b, const uint8_t *crowd_b,
                          double *ious)

    # nms
    size_t pm_nms_scratch(const pm_batch *masks, const int64_t *groups, int64_t n_groups)
    pm_status pm_nms_greedy(const pm_batch *masks, const int64_t *groups, int64_t n_groups, pm_ratio ratio,
                            double threshold, int64_t *keepers, void *scratch, pm_where *where)

    ctypedef enum pm_decay:
        PM_DECAY_GAUSSIAN
        PM_DECAY_LINEAR

    pm_status pm_nms_matrix(const pm_batch *masks, const int64_t *groups, int64_t n_groups, pm_decay decay,
                            double sigma, double *factors, void *scratch, pm_where *where)

    # ids
    ctypedef struct pm_ids:
        void *data  # char *, as in pm_dense
        int64_t strides[3]
        int64_t channel_stride
        int channels
        int item_size
        c_bool is_signed

    int64_t pm_ids_copy(const pm_ids *from_, const pm_ids *to, const int64_t *shape, int64_t begin, int64_t end)

    ctypedef struct pm_id_set:
        int64_t *ids
        int64_t *counts
        uint32_t *slots
        int64_t n
        int64_t capacity
        int64_t n_slots
        int64_t least
        c_bool is_direct

    int64_t pm_ids_index(pm_id_set *set)
    int64_t pm_ids_unique(const pm_ids *ids, const int64_t *shape, int64_t begin, int64_t end, pm_id_set *set)
    int64_t pm_ids_relabel(const pm_ids *from_, const pm_ids *to, const int64_t *shape, int64_t begin, int64_t end,
                           const pm_id_set *set, const int64_t *values, const int64_t *other)

    ctypedef enum pm_code_kind:
        PM_CODE_SEGMENT
        PM_CODE_CATEGORY
        PM_CODE_CATEGORY_MAJOR
        PM_CODE_INSTANCE_MAJOR
        PM_CODE_FIELDS

    ctypedef struct pm_code_field:
        int low_shift
        int low_bits
        int high_shift
        int high_bits
        int64_t scale

    int64_t PM_NO_VOID

    ctypedef struct pm_codec:
        pm_code_kind kind
        int64_t least_code
        int64_t most_code
        int64_t most_category
        int64_t most_instance
        int64_t first_instance
        int64_t divisor
        int64_t bare_below
        int64_t part_divisor
        int64_t void_category
        int64_t void_code
        pm_code_field category
        pm_code_field instance
        pm_code_field attributes
        int64_t constant
        int64_t segment_divisor
        int64_t segment_shift

    ctypedef enum pm_code_fault:
        PM_CODE_OK
        PM_CODE_UNREADABLE
        PM_CODE_BAD_CATEGORY
        PM_CODE_BAD_INSTANCE
        PM_CODE_BAD_ATTRIBUTES
        PM_CODE_BAD_CODE
        PM_CODE_NO_VOID
        PM_CODE_BECOMES_VOID
        PM_CODE_LOSES_INSTANCE
        PM_CODE_LOSES_ATTRIBUTES
        PM_CODE_UNKNOWN_CATEGORY

    int64_t pm_codes_pack(const pm_codec *codec, const pm_ids *categories, const pm_ids *instances,
                          const pm_ids *attributes, const pm_ids *codes, const int64_t *shape, int64_t begin,
                          int64_t end, pm_code_fault *fault)
    int64_t pm_codes_unpack(const pm_codec *codec, const pm_ids *codes, const pm_ids *categories,
                            const pm_ids *instances, const pm_ids *attributes, const int64_t *shape, int64_t begin,
                            int64_t end, pm_code_fault *fault)

    ctypedef struct pm_recoding:
        const pm_codec *from_ "from"
        const pm_codec *to
        const pm_id_set *categories
        const int64_t *new_categories
        c_bool allows_loss

    int64_t pm_codes_convert(const pm_recoding *recoding, const pm_ids *from_, const pm_ids *to, const int64_t *shape,
                             int64_t begin, int64_t end, pm_code_fault *fault)

    # labels
    ctypedef struct pm_labels:
        const void *data  # const char *
        int64_t height
        int64_t width
        int64_t strides[2]
        int64_t item_size
        c_bool is_signed

    ctypedef struct pm_label_entry:
        uint64_t a
        uint64_t b
        uint64_t value

    ctypedef struct pm_label_table:
        pm_label_entry *entries
        int64_t capacity
        int64_t n

    void pm_labels_add(const pm_label_table *source, pm_label_table *to)
    void pm_labels_sort(pm_label_table *table, uint64_t flip_a, uint64_t flip_b)
    void pm_labels_entries(const pm_label_table *sorted, int64_t size_a, void *a, int64_t size_b, void *b,
                           uint64_t *values)
    c_bool pm_labels_count(const pm_labels *a, const pm_labels *b, int64_t *position, int64_t end,
                           pm_label_table *table)
    size_t pm_labels_count_pngs_scratch(int64_t width)
    c_bool pm_labels_count_pngs(const uint8_t *a, const uint8_t *b, int64_t height, int64_t width, int64_t *row,
                                pm_label_table *table, void *scratch)

    ctypedef struct pm_segment:
        uint64_t area

    ctypedef struct pm_label_run:
        int64_t start

    ctypedef struct pm_label_search:
        pm_label_table table
        pm_segment *segments
        pm_label_run *runs
        int64_t capacity
        int64_t n_runs
        int64_t n_segments
        int64_t n_counts

    int64_t pm_labels_line(const pm_labels *map)
    void pm_labels_ignore(pm_label_search *search, const uint64_t *ids, int64_t n)
    size_t pm_labels_scratch(const pm_labels *map)
    c_bool pm_labels_find(const pm_labels *map, pm_label_search *search, void *scratch)
    void pm_labels_measure(const pm_labels *map, pm_label_search *search, pm_label_run *room, void *scratch)
    void pm_labels_write(const pm_labels *map, pm_label_search *search, void *ids, uint64_t *areas, double *boxes,
                         uint32_t *counts, int64_t *offsets)
    size_t pm_labels_paint_scratch(const pm_batch *masks, const pm_dense *image)
    c_bool pm_labels_paint(const pm_batch *masks, const uint64_t *ids, uint64_t background, const pm_dense *image,
                           void *scratch)

    # png
    ctypedef enum pm_png_fault:
        PM_PNG_OK
        PM_PNG_NO_SIGNATURE
        PM_PNG_NO_END
        PM_PNG_BAD_TYPE
        PM_PNG_TRUNCATED
        PM_PNG_BAD_CHECKSUM
        PM_PNG_BAD_ORDER
        PM_PNG_UNKNOWN
        PM_PNG_NO_DATA

    ctypedef struct pm_png_chunks:
        int64_t header
        int64_t header_size
        int64_t data
        int64_t data_size
        int64_t at
        int64_t size
        uint32_t found
        uint32_t expected

    pm_png_fault pm_png_open(uint8_t *file, int64_t size, pm_png_chunks *chunks)
    int64_t pm_png_check(const uint8_t *filtered, int64_t height, int64_t row_size)
    void pm_png_unfilter(const uint8_t *filtered, int64_t height, int64_t row_size, int pixel_size, uint8_t *rows)
    size_t pm_png_ids_scratch(int64_t width)
    void pm_png_unfilter_ids(const uint8_t *filtered, int64_t height, int64_t width, uint32_t *ids, void *scratch)

    # matching
    ctypedef struct pm_pairs:
        int64_t n
        const int64_t *gt
        const int64_t *pred
        const int64_t *pixels

    ctypedef struct pm_listed:
        int64_t n
        const int64_t *ids
        const int64_t *categories
        const int64_t *areas
        const int64_t *is_crowd

    ctypedef struct pm_edges:
        pm_pairs pairs
        const int64_t *gt_areas
        const int64_t *pred_areas

    ctypedef struct pm_match:
        int64_t category
        int64_t shared
        int64_t united

    ctypedef struct pm_match_count:
        int64_t category
        int64_t tp
        int64_t fp
        int64_t fn

    ctypedef struct pm_matches:
        pm_match *matches
        int64_t n_matches
        pm_match_count *counts
        int64_t n_counts
        int64_t gt_row
        int64_t pred_row
        int64_t gt_area
        int64_t shared

    ctypedef enum pm_match_outcome:
        PM_MATCH_OK
        PM_MATCH_NO_AREA
        PM_MATCH_NO_UNION
        PM_MATCH_BAD_PREDICTION

    size_t pm_match_scratch(int64_t n_pairs, int64_t n_gt, int64_t n_pred, int64_t n_categories)
    pm_match_outcome pm_match_listed(const pm_pairs *pairs, const pm_listed *gt, const pm_listed *pred,
                                     const pm_edges *edges, int64_t n_categories, pm_matches *found, void *scratch)

    # threads
    int PM_MAX_THREADS

    ctypedef struct pm_work:
        int64_t n
        const int64_t *units
        double item_cost
        double unit_cost

    ctypedef c_bool (*pm_task)(void *context, int64_t part, int64_t begin, int64_t end) noexcept nogil

    ctypedef enum pm_outcome:
        PM_DONE
        PM_FAILED
        PM_STOPPED

    int64_t pm_threads_parts(const pm_work *work, int n_threads)
    int64_t pm_threads_part_begin(const pm_work *work, int64_t n_parts, int64_t part)
    pm_outcome pm_threads_run(const pm_work *work, int64_t n_parts, int n_threads, pm_task task, void *context,
                              c_bool (*should_stop)() noexcept nogil)

    # cpu
    const char *pm_cpu_available(int i)
    const char *pm_cpu_name()


cdef extern from "pm_runs.h" nogil:
    pm_batch pm_runs_part(const pm_batch *masks, int64_t begin, int64_t end)
