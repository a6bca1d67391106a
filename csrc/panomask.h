/* panomask.h - segmentation masks as run lengths: the public interface of the C core.
 *
 * Conventions, once for every function below
 * ------------------------------------------
 * Mask      A binary image of `height` rows and `width` columns, read column by column: the pixel at (row, col) has
 *           position col * height + row.
 * Counts    Run lengths in that order, background first. counts[0], counts[2], ... are background, counts[1],
 *           counts[3], ... foreground. A list is VALID when its runs add up to height * width; zero-length runs are
 *           allowed anywhere, and no runs at all are valid for an image without pixels. It is CANONICAL when it has a
 *           run and no run but the first is zero. Every function accepts every valid list and gives the same answer
 *           for every spelling of a mask; every list that is written is canonical unless its function says otherwise.
 * Wide run  A run longer than UINT32_MAX is spelled in counts as parts with zero-length runs between them
 *           (UINT32_MAX, 0, rest) and in COCO text as one number.
 * Limits    height and width up to PM_MAX_PIXELS each, and height * width up to PM_MAX_PIXELS, which is a mask of a
 *           million by a million pixels. Positions and areas are 64-bit everywhere.
 * Checks    Data from outside pass pm_runs_check, pm_counts_read or pm_shapes_check once. The other functions trust
 *           the OFFSETS and SIZES of a batch; wrong COUNTS give wrong answers there, but are never a reason to read
 *           or write outside the memory that was passed.
 * Memory    Nothing here allocates. Where the size of an output is not obvious, a `_bound` function gives the number of
 *           elements that always suffice; where a function needs scratch memory, a `_scratch` function gives its bytes.
 *           Scratch is aligned like malloc's. Outputs never overlap inputs.
 * Errors    A function that can fail returns a pm_status and, when that is not PM_OK, fills a pm_where. Outputs are
 *           then unspecified but were only written inside their bounds.
 * Threads   Every function is re-entrant and keeps no state. The one global is the choice of CPU kernels (pm_cpu_name).
 *           All but pm_threads_run work on the calling thread; that one has the masks of a batch done on several.
 */
#ifndef PANOMASK_H
#define PANOMASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PM_MAX_PIXELS (INT64_C(1) << 40)

/* ------------------------------------------------------------------------------------------------------------------ *
 * Status                                                                                                             *
 * ------------------------------------------------------------------------------------------------------------------ */

typedef enum pm_status {
    PM_OK = 0,
    PM_FULL = 1,            /* the output is full; go on with one of `expected` elements                             */
    PM_SIZE_NEGATIVE = 2,   /* a height or width below zero                                                          */
    PM_SIZE_TOO_LARGE = 3,  /* more than PM_MAX_PIXELS pixels, or rows, or columns                                   */
    PM_SIZE_MISMATCH = 4,   /* two masks that must share an image have different sizes                               */
    PM_RUN_NEGATIVE = 5,    /* a run length below zero                                                               */
    PM_RUNS_COVERAGE = 6,   /* the runs do not add up to height * width                                              */
    PM_OFFSETS_ORDER = 7,   /* offsets descend, or leave the array they point into                                   */
    PM_TEXT_BYTE = 8,       /* a byte outside COCO's alphabet 48..111                                                */
    PM_TEXT_TRUNCATED = 9,  /* the text ends inside a number                                                         */
    PM_TEXT_OVERLONG = 10,  /* a number of more than 12 characters, beyond any image                                 */
    PM_POINT_NOT_FINITE = 11, /* a coordinate that is NaN or infinite                                                */
    PM_POINT_TOO_LARGE = 12,  /* a coordinate beyond PM_MAX_COORDINATE                                               */
    PM_STATUS_END           /* not a status: one past the last                                                       */
} pm_status;

/* Where and why a call failed. Only the fields that its status speaks of are set; `mask` always is. */
typedef struct pm_where {
    int64_t mask;       /* index of the mask in its batch; the binding may set -1 for "the only one" */
    int64_t other;      /* index of the second mask, PM_SIZE_MISMATCH                                */
    int64_t at;         /* index of the run, byte or coordinate inside the mask, or of a group       */
    int64_t found;
    int64_t expected;
    int64_t height;     /* size of the mask */
    int64_t width;
    int64_t other_height;
    int64_t other_width;
    double value;       /* the coordinate */
} pm_where;

/* Write the sentence that tells a user what went wrong, e.g. "masks[3]: runs cover 812 pixels, expected 307200
 * (480 x 640)". `name` and `other` are what the caller calls the two batches. Like snprintf: never writes more than
 * `capacity` bytes, always ends them with a zero, returns the length of the whole sentence. */
int pm_status_describe(pm_status status, const pm_where *where, const char *name, const char *other, char *text,
                       size_t capacity);

/* ------------------------------------------------------------------------------------------------------------------ *
 * Runs: what a batch is, and what can be read off it                                                                 *
 * ------------------------------------------------------------------------------------------------------------------ */

/* n masks. Mask i is counts[offsets[i]] .. counts[offsets[i + 1] - 1] on an image of sizes[2 i] rows and
 * sizes[2 i + 1] columns. offsets need not begin at zero, so a slice of a batch is a batch on the same memory. */
typedef struct pm_batch {
    const uint32_t *counts;
    const int64_t *offsets; /* n + 1 */
    const int64_t *sizes;   /* n x 2: height, width */
    int64_t n;
} pm_batch;

/* The written definition of a valid batch on `length` counts: sizes and offsets in range, runs that cover. */
pm_status pm_runs_check(const pm_batch *masks, int64_t length, pm_where *where);

/* Only the sizes. */
pm_status pm_runs_check_sizes(const int64_t *sizes, int64_t n, pm_where *where);

/* Foreground pixels of each mask. areas: n. O(runs). */
void pm_runs_area(const pm_batch *masks, uint64_t *areas);

/* Smallest box around the foreground of each mask as x, y, width, height in pixels, 0 0 0 0 for an empty mask.
 * boxes: n x 4. A run that goes on into the next column makes the box span all rows, as COCO's does, which is exact.
 * O(runs). */
void pm_runs_bbox(const pm_batch *masks, double *boxes);

/* Whether mask i of a and mask i of b are the same pixels of equal size, whatever their spelling. a and b have equally
 * many masks. equal: n. O(runs). */
void pm_runs_equal(const pm_batch *a, const pm_batch *b, bool *equal);

/* Copy the masks with the given indices (each in 0 .. n - 1, any order, repeats allowed), as they are spelled.
 * counts: pm_runs_select_bound elements; offsets: k + 1; sizes: k x 2. */
int64_t pm_runs_select_bound(const pm_batch *masks, const int64_t *index, int64_t k);
void pm_runs_select(const pm_batch *masks, const int64_t *index, int64_t k, uint32_t *counts, int64_t *offsets,
                    int64_t *sizes);

/* The runs as 64-bit numbers: canonical, wide runs whole. values: as many as the batch has counts, and n more;
 * value_offsets: n + 1, from zero. */
void pm_runs_to_values(const pm_batch *masks, int64_t *values, int64_t *value_offsets);

/* ------------------------------------------------------------------------------------------------------------------ *
 * Counts text: COCO's two spellings of one mask <-> runs                                                             *
 * ------------------------------------------------------------------------------------------------------------------ */

/* One mask from outside: either `length` bytes of COCO's compressed text or `length` 64-bit run lengths. */
typedef struct pm_counts_source {
    const void *data;
    int64_t length;
    bool is_text;
} pm_counts_source;

/* Read and check n masks. Runs stay as they are spelled. counts: pm_counts_read_bound elements; offsets: n + 1. */
int64_t pm_counts_read_bound(const pm_counts_source *sources, const int64_t *sizes, int64_t n);
pm_status pm_counts_read(const pm_counts_source *sources, const int64_t *sizes, int64_t n, uint32_t *counts,
                         int64_t *offsets, pm_where *where);

/* Write each mask as COCO's compressed text, without a terminator. text: pm_counts_write_bound bytes; text_offsets:
 * n + 1, from zero. With `verbatim`, zero-length runs survive (all but those inside wide runs). */
int64_t pm_counts_write_bound(const pm_batch *masks);
void pm_counts_write(const pm_batch *masks, bool verbatim, uint8_t *text, int64_t *text_offsets);

/* ------------------------------------------------------------------------------------------------------------------ *
 * Dense: arrays of pixels <-> runs                                                                                   *
 * ------------------------------------------------------------------------------------------------------------------ */

typedef enum pm_pixel {
    PM_PIXEL_INTEGER = 0, /* 1, 2, 4 or 8 bytes; foreground is not zero   */
    PM_PIXEL_FLOAT = 1    /* 4 or 8 bytes; foreground is above `threshold` */
} pm_pixel;

/* n images of equal size in one strided array: pixel (row, col) of image i is at
 * data + i * strides[0] + row * strides[1] + col * strides[2] bytes. Strides may have any sign; pixels need no
 * alignment. */
typedef struct pm_dense {
    char *data;
    int64_t n;
    int64_t height;
    int64_t width;
    int64_t strides[3];
    int64_t item_size;
    pm_pixel pixel;
    double threshold;    /* PM_PIXEL_FLOAT only; cast to the pixels' type before comparing */
} pm_dense;

/* Encode images first, first + 1, ... Mask i is written to counts[offsets[i]] .. and offsets[i + 1] is set;
 * offsets[first] is where the caller wants the first to go, `capacity` the elements of counts. Returns PM_FULL with
 * where->mask = the first image that did not fit and where->expected = the capacity to try next, more than twice the
 * last; everything before that image stays. Begin again from there with more memory. Reads each pixel once; those of
 * an image that did not fit once more, and of the images that lie interleaved with it. */
size_t pm_dense_encode_scratch(const pm_dense *images);
pm_status pm_dense_encode(const pm_dense *images, int64_t first, uint32_t *counts, int64_t capacity, int64_t *offsets,
                          void *scratch, pm_where *where);

/* What memory is before a decode. */
typedef enum pm_memory {
    PM_ZEROED = 0, /* all zero: background is not written                                              */
    PM_USED = 1,   /* anything                                                                         */
    PM_LARGE = 2   /* anything, and more than a cache holds: it may be written past the caches         */
} pm_memory;

/* What it is for all images of a call, which may decode them in parts. */
pm_memory pm_dense_memory(const pm_dense *images, bool zeroed);

/* Write each mask into its image: `one` (item_size bytes) where there is foreground, zero bytes elsewhere. All masks have
 * the images' size. */
size_t pm_dense_decode_scratch(const pm_dense *images, pm_memory memory);
void pm_dense_decode(const pm_batch *masks, const pm_dense *images, const void *one, pm_memory memory, void *scratch);

/* Like pm_dense_decode, but of each mask only the window of the images' size whose first pixel is (top, left). Sizes of
 * masks may differ; the window lies inside each. Costs time for the runs up to the window's last column, and for the
 * window's pixels. */
void pm_dense_decode_window(const pm_batch *masks, int64_t top, int64_t left, const pm_dense *images, const void *one,
                            pm_memory memory, void *scratch);

/* ------------------------------------------------------------------------------------------------------------------ *
 * Shapes: polygons and boxes -> runs, bit for bit as COCO rasterises                                                 *
 * ------------------------------------------------------------------------------------------------------------------ */

/* Largest absolute coordinate; up to here all arithmetic of the rasteriser is exact. */
#define PM_MAX_COORDINATE 35184372088832.0 /* 2^45 */

/* Rings: ring i is points xy[2 offsets[i]] .. xy[2 offsets[i + 1] - 1], as x, y, x, y, ... on an image of
 * sizes[2 i] x sizes[2 i + 1]. */
typedef struct pm_rings {
    const double *xy;
    const int64_t *offsets; /* n + 1, in points */
    const int64_t *sizes;   /* n x 2 */
    int64_t n;
} pm_rings;

/* Sizes and coordinates in range. where->at is the index of the coordinate inside its ring. */
pm_status pm_shapes_check(const pm_rings *rings, pm_where *where);

/* One mask a ring, even-odd rule. Fewer than three points give an empty mask. counts: pm_shapes_rasterize_bound
 * elements; offsets: n + 1. O(columns that edges cross), plus O(points). */
int64_t pm_shapes_rasterize_bound(const pm_rings *rings);
size_t pm_shapes_rasterize_scratch(const pm_rings *rings);
void pm_shapes_rasterize(const pm_rings *rings, uint32_t *counts, int64_t *offsets, void *scratch);

/* The four corners of each box x, y, width, height as a ring, in COCO's order. xy: n x 8. */
void pm_shapes_box_corners(const double *boxes, int64_t n, double *xy);

/* ------------------------------------------------------------------------------------------------------------------ *
 * Algebra: masks from masks                                                                                          *
 * ------------------------------------------------------------------------------------------------------------------ */

/* A set operation is its truth table: bit (a + 2 b) is the result where the operands are a and b. */
typedef enum pm_operation {
    PM_INTERSECTION = 8, /* a & b  */
    PM_UNION = 14,       /* a | b  */
    PM_XOR = 6,          /* a ^ b  */
    PM_DIFFERENCE = 2    /* a & ~b */
} pm_operation;

/* Mask i of a with mask i of b; a batch of one goes with every mask of the other. The result has the sizes of the
 * longer one (of a where both have one). PM_SIZE_MISMATCH names mask `mask` of a and `other` of b. */
int64_t pm_algebra_pairwise_bound(const pm_batch *a, const pm_batch *b);
pm_status pm_algebra_pairwise(pm_operation operation, const pm_batch *a, const pm_batch *b, uint32_t *counts,
                              int64_t *offsets, pm_where *where);

/* Background and foreground exchanged. counts: pm_algebra_complement_bound elements. */
int64_t pm_algebra_complement_bound(const pm_batch *masks);
void pm_algebra_complement(const pm_batch *masks, uint32_t *counts, int64_t *offsets);

/* Union or intersection of masks groups[g] .. groups[g + 1] - 1 for each g < n_groups. An empty group gives a mask of
 * 0 x 0 pixels without runs. groups ascend inside 0 .. n. counts and the scratch have the sizes that the functions
 * say; sizes: n_groups x 2. */
int64_t pm_algebra_reduce_bound(const pm_batch *masks, const int64_t *groups, int64_t n_groups);
size_t pm_algebra_reduce_scratch(const pm_batch *masks, const int64_t *groups, int64_t n_groups);
pm_status pm_algebra_reduce(pm_operation operation, const pm_batch *masks, const int64_t *groups, int64_t n_groups,
                            uint32_t *counts, int64_t *offsets, int64_t *sizes, void *scratch, pm_where *where);

/* ------------------------------------------------------------------------------------------------------------------ *
 * Overlap: intersection areas of many pairs, and the ratios made of them                                             *
 * ------------------------------------------------------------------------------------------------------------------ */

/* Pixels that mask i of a and mask j of b share, for all pairs: areas[i * b->n + j]. All masks have one size. The scratch
 * is told by the offsets alone. */
size_t pm_overlap_scratch(const pm_batch *a, const pm_batch *b);
pm_status pm_overlap_matrix(const pm_batch *a, const pm_batch *b, uint64_t *areas, void *scratch, pm_where *where);

/* The same in two steps, of which the second may be done in parts on several threads: prepare both batches in the
 * scratch, then write rows begin .. end - 1 of areas. Neither batch is empty. */
pm_status pm_overlap_matrix_prepare(const pm_batch *a, const pm_batch *b, void *scratch, pm_where *where);
void pm_overlap_matrix_rows(const pm_batch *a, const pm_batch *b, int64_t begin, int64_t end, uint64_t *areas,
                            void *scratch);

/* The same in groups: masks groups_a[g] .. groups_a[g + 1] - 1 of a with groups_b[g] .. groups_b[g + 1] - 1 of b, each
 * group's matrix behind the last one's. Groups ascend inside 0 .. n, and only masks of one group need have one size;
 * where->at is the group that does not. The scratch is that of the largest group. Groups g .. h - 1 alone are those at
 * groups_a + g and groups_b + g; nothing but their own areas and scratch is written. */
size_t pm_overlap_grouped_scratch(const pm_batch *a, const int64_t *groups_a, const pm_batch *b,
                                  const int64_t *groups_b, int64_t n_groups);
pm_status pm_overlap_grouped(const pm_batch *a, const int64_t *groups_a, const pm_batch *b, const int64_t *groups_b,
                             int64_t n_groups, uint64_t *areas, void *scratch, pm_where *where);

/* The same mask by mask; a batch of one goes with every mask of the other. areas: the longer one's n. */
pm_status pm_overlap_paired(const pm_batch *a, const pm_batch *b, uint64_t *areas, void *scratch, pm_where *where);

/* What an intersection is divided by. */
typedef enum pm_ratio {
    PM_RATIO_IOU = 0,  /* |a & b| / |a | b|; where b is crowd |a & b| / |a|, where a is crowd |a & b| / |b|  */
    PM_RATIO_DICE = 1, /* 2 |a & b| / (|a| + |b|)                                                            */
    PM_RATIO_IOS = 2   /* |a & b| / min(|a|, |b|)                                                            */
} pm_ratio;

/* Ratios of the intersections of n_a x n_b pairs; 0 where the intersection is 0. crowd_a and crowd_b are flags, or NULL
 * for none. ratios may be the memory of the intersections. */
void pm_overlap_matrix_ratio(pm_ratio ratio, const uint64_t *intersections, const uint64_t *areas_a, int64_t n_a,
                             const uint8_t *crowd_a, const uint64_t *areas_b, int64_t n_b, const uint8_t *crowd_b,
                             double *ratios);

/* The same for the intersections of groups. Areas and flags are those of all masks. */
void pm_overlap_grouped_ratio(pm_ratio ratio, const uint64_t *intersections, const uint64_t *areas_a,
                              const int64_t *groups_a, const uint8_t *crowd_a, const uint64_t *areas_b,
                              const int64_t *groups_b, const uint8_t *crowd_b, int64_t n_groups, double *ratios);

/* The same for pairs; n_a and n_b are equal, or one of them is 1. */
void pm_overlap_paired_ratio(pm_ratio ratio, const uint64_t *intersections, const uint64_t *areas_a, int64_t n_a,
                             const uint64_t *areas_b, int64_t n_b, const uint8_t *crowd_b, double *ratios);

/* IoU of boxes x, y, width, height as continuous rectangles: ious[j * n_a + i], so column-major for (n_a, n_b). */
void pm_overlap_boxes(const double *a, int64_t n_a, const double *b, int64_t n_b, const uint8_t *crowd_b,
                      double *ious);

/* ------------------------------------------------------------------------------------------------------------------ *
 * NMS: non-maximum suppression                                                                                       *
 * ------------------------------------------------------------------------------------------------------------------ */

/* Masks groups[g] .. groups[g + 1] - 1, for each g < n_groups, are what may suppress each other, say one class in one
 * image: in descending order of their scores, and of one size. where->at is the group that is not. The scratch is that
 * of the largest group; groups g .. h - 1 alone are those at groups + g. */
size_t pm_nms_scratch(const pm_batch *masks, const int64_t *groups, int64_t n_groups);

/* Greedy: a mask is kept unless its ratio with a kept one before it is above the threshold; the first such is its
 * keeper. keepers: n, the index of each mask's keeper, its own where it is kept; those outside of all groups stay. */
pm_status pm_nms_greedy(const pm_batch *masks, const int64_t *groups, int64_t n_groups, pm_ratio ratio,
                        double threshold, int64_t *keepers, void *scratch, pm_where *where);

/* How matrix NMS lets a score decay with an IoU. */
typedef enum pm_decay {
    PM_DECAY_GAUSSIAN = 0, /* exp(-sigma iou^2) */
    PM_DECAY_LINEAR = 1    /* 1 - iou           */
} pm_decay;

/* Matrix: the factor of mask j's score, the least f(IoU of i and j) / f(largest IoU of i with one before i) of all i
 * before j; a mask i that equals one before it has no say where f is linear. factors: n, 1 for the first of each group;
 * those outside of all groups stay. sigma is above zero. O(masks) memory. */
pm_status pm_nms_matrix(const pm_batch *masks, const int64_t *groups, int64_t n_groups, pm_decay decay, double sigma,
                        double *factors, void *scratch, pm_where *where);

/* ------------------------------------------------------------------------------------------------------------------ *
 * Ids: arrays of segment ids, and the codes in which data sets write category and instance                           *
 * ------------------------------------------------------------------------------------------------------------------ */

/* An array of whole numbers, one a pixel or point, along at most three axes, the last one innermost. A number is one
 * integer of 1, 2, 4 or 8 bytes, or spread over `channels` unsigned ones of which the first is lowest, together at most
 * 8 bytes: RGB pixels are three channels of one byte. Element (i, j, k) is at data + i * strides[0] + j * strides[1] +
 * k * strides[2], its channel c another c * channel_stride bytes on. Strides may have any sign, those of inputs may be
 * zero; nothing need be aligned. Numbers of 64 bits without sign are taken for signed ones of the same bits.
 *
 * All arrays of one call have one shape. Elements are counted in the order of the axes; each function does elements
 * begin .. end - 1 of them, so that parts can be done on several threads. */
typedef struct pm_ids {
    char *data;
    int64_t strides[3];
    int64_t channel_stride;
    int channels;
    int item_size;
    bool is_signed;
} pm_ids;

/* The same numbers in another array: RGB -> id and back. Returns the first element that `to` cannot hold, or -1. Both
 * may be the same array. Here and below, after a failure what was written means nothing. */
int64_t pm_ids_copy(const pm_ids *from, const pm_ids *to, const int64_t shape[3], int64_t begin, int64_t end);

/* Different ids in the order in which they came, and how many elements have each. `slots` finds them: it has `n_slots`
 * numbers, a power of two and more than `capacity`, zero at first; or, if `is_direct`, one for each id from `least` on,
 * and other ids never come. counts may be NULL where nothing is counted. */
typedef struct pm_id_set {
    int64_t *ids;    /* capacity */
    int64_t *counts; /* capacity */
    uint32_t *slots;
    int64_t n;
    int64_t capacity; /* below 2^31 */
    int64_t n_slots;
    int64_t least;
    bool is_direct;
} pm_id_set;

/* Find all ids of a set by new slots, all zero: after it got more memory, or was made of a list. Returns the first id
 * that is in it twice, or -1. */
int64_t pm_ids_index(pm_id_set *set);

/* Add elements. Returns the element at which a new id did not fit, with all before it added; `end` if none. */
int64_t pm_ids_unique(const pm_ids *ids, const int64_t shape[3], int64_t begin, int64_t end, pm_id_set *set);

/* Element by element values[i] for the i-th id of the set; for ids that are not in it *other, or, where that is NULL,
 * an end: returns the element, or -1. The values fit into `to`. Both may be the same array. */
int64_t pm_ids_relabel(const pm_ids *from, const pm_ids *to, const int64_t shape[3], int64_t begin, int64_t end,
                       const pm_id_set *set, const int64_t *values, const int64_t *other);

/* How a code holds its fields. */
typedef enum pm_code_kind {
    PM_CODE_SEGMENT = 0,        /* one number for each segment; what it is stands elsewhere  */
    PM_CODE_CATEGORY = 1,       /* the category alone                                        */
    PM_CODE_CATEGORY_MAJOR = 2, /* category * divisor + instance                             */
    PM_CODE_INSTANCE_MAJOR = 3, /* instance * divisor + category                             */
    PM_CODE_FIELDS = 4          /* in bits                                                   */
} pm_code_kind;

/* Bits of a code that make a number: (high / scale) << low_bits | low, of which `high` may have no bits. */
typedef struct pm_code_field {
    int low_shift;
    int low_bits;
    int high_shift;
    int high_bits;
    int64_t scale;
} pm_code_field;

#define PM_NO_VOID INT64_MIN

/* An encoding. Fields are category, instance, attributes (some bits); for PM_CODE_SEGMENT the segment id stands in
 * place of the category. An instance is -1 where there is none and the code says so by being `bare`. Where there are
 * parts, of a thing or of stuff, attributes are the part + 1, or 0 for none. */
typedef struct pm_codec {
    pm_code_kind kind;
    int64_t least_code; /* codes, as they stand in their array */
    int64_t most_code;
    int64_t most_category;
    int64_t most_instance;
    int64_t first_instance;  /* the number of the first instance; 0 means none where it is 1 */
    int64_t divisor;
    int64_t bare_below;      /* PM_CODE_CATEGORY_MAJOR: codes below are a category without instance; or 0. Times the
                                divisor it is below 2^63 */
    int64_t part_divisor;    /* likewise: codes from bare_below * divisor on are (category * divisor + instance) *
                                part_divisor + part; 0 without parts */
    int64_t void_category;   /* the category that means void, PM_NO_VOID if none; -1 is a code outside of the formula */
    int64_t void_code;       /* what is written for void */
    pm_code_field category;  /* PM_CODE_FIELDS */
    pm_code_field instance;
    pm_code_field attributes;
    int64_t constant;        /* bits that are set in every code and not read, PM_CODE_SEGMENT */
    int64_t segment_divisor; /* the segment id of a code is category * segment_divisor + instance + segment_shift for */
    int64_t segment_shift;   /* PM_CODE_FIELDS, code + segment_shift for others; then void is 0 and nothing else is.
                                They stay below 2^63. With a divisor of 0 segment ids make no PM_CODE_FIELDS */
} pm_codec;

/* Why an element could not be done. */
typedef enum pm_code_fault {
    PM_CODE_OK = 0,
    PM_CODE_UNREADABLE = 1,       /* no code of this encoding                                     */
    PM_CODE_BAD_CATEGORY = 2,     /* the category does not fit                                    */
    PM_CODE_BAD_INSTANCE = 3,     /* the instance does not fit                                    */
    PM_CODE_BAD_ATTRIBUTES = 4,   /* the attributes do not fit                                    */
    PM_CODE_BAD_CODE = 5,         /* both fit, but the code of the two does not, or means another */
    PM_CODE_NO_VOID = 6,          /* the encoding cannot say void                                 */
    PM_CODE_BECOMES_VOID = 7,     /* what is not void would be                                    */
    PM_CODE_LOSES_INSTANCE = 8,   /* the encoding has no instances                                */
    PM_CODE_LOSES_ATTRIBUTES = 9, /* the encoding has no attributes                               */
    PM_CODE_UNKNOWN_CATEGORY = 10 /* not in the map of categories                                 */
} pm_code_fault;

/* Fields -> codes, codes -> fields. instances and attributes may be NULL: none there are, and none are wanted. Return
 * the first element that failed, and why, or -1. */
int64_t pm_codes_pack(const pm_codec *codec, const pm_ids *categories, const pm_ids *instances,
                      const pm_ids *attributes, const pm_ids *codes, const int64_t shape[3], int64_t begin, int64_t end,
                      pm_code_fault *fault);
int64_t pm_codes_unpack(const pm_codec *codec, const pm_ids *codes, const pm_ids *categories, const pm_ids *instances,
                        const pm_ids *attributes, const int64_t shape[3], int64_t begin, int64_t end,
                        pm_code_fault *fault);

/* From one encoding to another. */
typedef struct pm_recoding {
    const pm_codec *from;
    const pm_codec *to;
    const pm_id_set *categories;   /* those that change, or NULL: all stay */
    const int64_t *new_categories; /* PM_NO_VOID means void */
    bool allows_loss;              /* of instances, attributes, and of what becomes void */
} pm_recoding;

/* Codes -> codes. Instances keep their order: the first of one encoding becomes the first of the other. Returns as
 * pm_codes_pack. */
int64_t pm_codes_convert(const pm_recoding *recoding, const pm_ids *from, const pm_ids *to, const int64_t shape[3],
                         int64_t begin, int64_t end, pm_code_fault *fault);

/* ------------------------------------------------------------------------------------------------------------------ *
 * Labels: maps of segment ids <-> the runs of their segments; how often ids of two maps meet                         *
 * ------------------------------------------------------------------------------------------------------------------ */

/* A map of height x width ids: the one at (row, column) is the integer at data + row * strides[0] + column * strides[1]
 * bytes. Strides may have any sign or be zero; ids need no alignment. An id is known here by its bits, with zeros above
 * its own; whether the integer has a sign only says in which order ids are. */
typedef struct pm_labels {
    const char *data;
    int64_t height;
    int64_t width;
    int64_t strides[2];
    int64_t item_size; /* 1, 2, 4 or 8; or 3: the bytes R, G, B of COCO's R + 256 G + 65536 B, given out as 4 bytes */
    bool is_signed;
} pm_labels;

/* An open hash table of pairs of ids. Its memory is the caller's: `capacity` entries, a power of two and 2 at least,
 * all zero at first. At most half of them are taken. */
typedef struct pm_label_entry {
    uint64_t a;
    uint64_t b;
    uint64_t value; /* 0: no entry */
} pm_label_entry;

typedef struct pm_label_table {
    pm_label_entry *entries;
    int64_t capacity;
    int64_t n; /* entries that are taken */
} pm_label_table;

/* Add all values of one table to another, which has room for the entries of both in its half: how a table moves to a
 * larger one, and how those of several threads become one. */
void pm_labels_add(const pm_label_table *from, pm_label_table *to);

/* Put the entries in order of (a, b) and to the front of the memory. It is no table any more then. An id that has a
 * sign is in order with its sign bit turned over: flips are that bit, or 0. */
void pm_labels_sort(pm_label_table *table, uint64_t flip_a, uint64_t flip_b);

/* Read off a table in order: n ids of each side in integers of that many bytes (1, 2, 4 or 8), and n values. */
void pm_labels_entries(const pm_label_table *sorted, int64_t size_a, void *a, int64_t size_b, void *b,
                       uint64_t *values);

/* Joint histogram: add to the value of each pair the pixels *position .. end - 1, row by row, at which a has the one id
 * and b the other. The maps have one height and width. False when the table is half full: *position is then the first
 * pixel that was not counted; go on with a larger table. O(pixels) compared, O(runs of equal pairs) looked up. */
bool pm_labels_count(const pm_labels *a, const pm_labels *b, int64_t *position, int64_t end, pm_label_table *table);

/* The same of the ids of two inflated PNGs of RGB pixels, whose rows passed pm_png_check: add rows *row .. height - 1,
 * *row being 0 at first. False when the table may have no room for the pairs of a row: go on with a larger one, and the
 * scratch as it is. */
size_t pm_labels_count_pngs_scratch(int64_t width);
bool pm_labels_count_pngs(const uint8_t *a, const uint8_t *b, int64_t height, int64_t width, int64_t *row,
                          pm_label_table *table, void *scratch);

/* The runs of all segments of a map, in three steps:
 *
 *   pm_labels_find      read the map, once: where runs begin, and in which segment. False when the table is half full,
 *                       or there is no room for the runs that a line of pm_labels_line items may have. Call again with
 *                       more of what is short.
 *   pm_labels_measure   put runs and segments in order: the search then has the number of segments and of counts. The
 *                       table is none any more.
 *   pm_labels_write     write them. */
typedef struct pm_segment {
    uint64_t area;
    int64_t n_counts;
    int64_t left; /* a box, half-open */
    int64_t top;
    int64_t right;
    int64_t bottom;
    int64_t end;   /* of its last run */
    uint32_t *out; /* where its next count goes */
} pm_segment;

typedef struct pm_label_run {
    int64_t start;
    int64_t segment;
} pm_label_run;

/* All zero at first, but for the memory and its capacities; what is in use stays when memory moves. */
typedef struct pm_label_search {
    pm_label_table table; /* id, 0 -> 1 + index of its segment */
    pm_segment *segments; /* table.capacity / 2                */
    pm_label_run *runs;
    int64_t capacity;     /* of runs */
    int64_t n_runs;
    int64_t n_ignored;    /* the first segments are not given out */
    int64_t line;         /* where to go on */
    int64_t item;
    int64_t n_segments;   /* from pm_labels_measure on */
    int64_t n_counts;
} pm_label_search;

int64_t pm_labels_line(const pm_labels *map);

/* Before pm_labels_find: leave out these ids, all different, for which the table has room. */
void pm_labels_ignore(pm_label_search *search, const uint64_t *ids, int64_t n);

/* The scratch is the same in both. room: n_runs elements; search->runs may be these then. */
size_t pm_labels_scratch(const pm_labels *map);
bool pm_labels_find(const pm_labels *map, pm_label_search *search, void *scratch);
void pm_labels_measure(const pm_labels *map, pm_label_search *search, pm_label_run *room, void *scratch);

/* ids: n_segments integers of the map's size; areas: n_segments; boxes: n_segments x 4; counts: n_counts from
 * offsets[0] on, which the caller sets; offsets: n_segments + 1. */
void pm_labels_write(const pm_labels *map, pm_label_search *search, void *ids, uint64_t *areas, double *boxes,
                     uint32_t *counts, int64_t *offsets);

/* Write a map, the only image of `image`, in integers: ids[i] where mask i has foreground, one mask after the other, so
 * that the last one stands; `background` where none has. All masks have the image's size. Returns whether no two of
 * them have a pixel in common. */
size_t pm_labels_paint_scratch(const pm_batch *masks, const pm_dense *image);
bool pm_labels_paint(const pm_batch *masks, const uint64_t *ids, uint64_t background, const pm_dense *image,
                     void *scratch);

/* ------------------------------------------------------------------------------------------------------------------ *
 * PNG: the chunks of a file, and the filters of the rows of an image that has been inflated                          *
 * ------------------------------------------------------------------------------------------------------------------ */

typedef enum pm_png_fault {
    PM_PNG_OK = 0,
    PM_PNG_NO_SIGNATURE = 1, /* begins otherwise than a PNG                                                     */
    PM_PNG_NO_END = 2,       /* ends before an IEND chunk                                                       */
    PM_PNG_BAD_TYPE = 3,     /* a chunk whose type is not four letters                                          */
    PM_PNG_TRUNCATED = 4,    /* a chunk that goes on beyond the file                                            */
    PM_PNG_BAD_CHECKSUM = 5, /* found, expected                                                                 */
    PM_PNG_BAD_ORDER = 6,    /* a chunk before IHDR, or a second IHDR                                           */
    PM_PNG_UNKNOWN = 7,      /* a chunk that is not known, without which the image cannot be understood         */
    PM_PNG_NO_DATA = 8       /* no IDAT chunk                                                                   */
} pm_png_fault;

typedef struct pm_png_chunks {
    int64_t header;      /* where the contents of IHDR are, and how many bytes; 0, 0 before it was reached */
    int64_t header_size;
    int64_t data;        /* where those of all IDAT chunks are, still deflated                             */
    int64_t data_size;
    int64_t at;          /* the chunk with the fault, and the size that it says it has                     */
    int64_t size;
    uint32_t found;      /* checksums */
    uint32_t expected;
} pm_png_chunks;

/* Walk the chunks of a file up to IEND, and check all but what is in them. The contents of several IDAT chunks are
 * moved together, over what lies between. */
pm_png_fault pm_png_open(uint8_t *file, int64_t size, pm_png_chunks *chunks);

/* Rows are `height` times a byte for the filter and row_size bytes. Returns the first row whose filter is not 0 .. 4, or
 * `height`. The functions below take rows that passed. */
int64_t pm_png_check(const uint8_t *filtered, int64_t height, int64_t row_size);

/* Undo the filters; pixels have pixel_size bytes, 1 to 4, of which row_size is a multiple. rows: height x row_size. */
void pm_png_unfilter(const uint8_t *filtered, int64_t height, int64_t row_size, int pixel_size, uint8_t *rows);

/* RGB pixels that are ids, R + 256 G + 65536 B, a row after the other in the same memory. */
typedef struct pm_png_ids {
    int64_t width;
    uint32_t *ids;
    uint64_t *changes; /* bit i of pm_words(width) words: ids[i] is not ids[i + 1] */
    uint64_t *nonzero; /* scratch */
} pm_png_ids;

/* Before the first row all is zero. The scratch is in use as long as the rows are. */
size_t pm_png_ids_scratch(int64_t width);
pm_png_ids pm_png_ids_begin(int64_t width, void *scratch);

/* From the row above to the row of these 3 width + 1 bytes. */
void pm_png_ids_next(const uint8_t *filtered, pm_png_ids *row);

/* All rows. ids: height x width. The scratch is pm_png_ids_scratch. */
void pm_png_unfilter_ids(const uint8_t *filtered, int64_t height, int64_t width, uint32_t *ids, void *scratch);

/* ------------------------------------------------------------------------------------------------------------------ *
 * Matching: segments of ground truth and prediction of one image, by the rules of panopticapi                         *
 * ------------------------------------------------------------------------------------------------------------------ */

/* A joint histogram: pixels that pairs of ids share, each pair once, in ascending order of (gt, pred). Id 0 is void. */
typedef struct pm_pairs {
    int64_t n;
    const int64_t *gt;
    const int64_t *pred;
    const int64_t *pixels;
} pm_pairs;

/* The segments that are listed for a side, in the order of the list. Areas and crowds are for the ground truth only. */
typedef struct pm_listed {
    int64_t n;
    const int64_t *ids;        /* all different */
    const int64_t *categories; /* from 0, or -1 for one that is unknown */
    const int64_t *areas;      /* negative: to be counted */
    const int64_t *is_crowd;
} pm_listed;

/* What pairs and areas are, of the boundaries of the listed segments. */
typedef struct pm_edges {
    pm_pairs pairs;
    const int64_t *gt_areas;
    const int64_t *pred_areas;
} pm_edges;

typedef struct pm_match {
    int64_t category;
    int64_t shared; /* intersection and union, in pixels */
    int64_t united;
} pm_match;

typedef struct pm_match_count {
    int64_t category;
    int64_t tp;
    int64_t fp;
    int64_t fn;
} pm_match_count;

typedef struct pm_matches {
    pm_match *matches; /* room for as many as there are pairs; in their order */
    int64_t n_matches;
    pm_match_count *counts; /* room for as many as there are categories; ascending, of those that occur */
    int64_t n_counts;
    int64_t gt_row; /* of what cannot be matched */
    int64_t pred_row;
    int64_t gt_area;
    int64_t shared;
} pm_matches;

typedef enum pm_match_outcome {
    PM_MATCH_OK = 0,
    PM_MATCH_NO_AREA = 1,  /* gt_row: its area is to be counted, but it has no pixel */
    PM_MATCH_NO_UNION = 2, /* gt_row, pred_row, gt_area, shared: a listed area that leaves a union of nothing */
    PM_MATCH_BAD_PREDICTION = 3, /* a listed prediction that is in no pair or unknown, or an id of a pair not listed */
} pm_match_outcome;

/* A larger one counts as this; no image has as many pixels. */
#define PM_MOST_LISTED_AREA ((int64_t)1 << 60)

/* Match segments of one category with IoU above 0.5: void is taken from the prediction in the union, and a prediction of
 * which more than half is void or the last listed crowd of its category is no fp. Categories are below n_categories.
 * edges: NULL, or the smaller IoU counts. */
size_t pm_match_scratch(int64_t n_pairs, int64_t n_gt, int64_t n_pred, int64_t n_categories);
pm_match_outcome pm_match_listed(const pm_pairs *pairs, const pm_listed *gt, const pm_listed *pred,
                                 const pm_edges *edges, int64_t n_categories, pm_matches *found, void *scratch);

/* ------------------------------------------------------------------------------------------------------------------ *
 * Threads: one call's work in parts, over threads that live as long as the call                                      *
 * ------------------------------------------------------------------------------------------------------------------ */

#define PM_MAX_THREADS 256

/* n items and what they cost in nanoseconds, roughly: those before item i cost
 * i * item_cost + (units[i] - units[0]) * unit_cost. units: n + 1, ascending, such as a batch's offsets; or NULL. */
typedef struct pm_work {
    int64_t n;
    const int64_t *units;
    double item_cost;
    double unit_cost;
} pm_work;

/* Into how many parts to cut the work: 1 where more would not pay, enough to keep the threads busy and to be stopped
 * within some 20 ms where they do, never more than items. */
int64_t pm_threads_parts(const pm_work *work, int n_threads);

/* The first item of a part; parts are consecutive and cost about the same. */
int64_t pm_threads_part_begin(const pm_work *work, int64_t n_parts, int64_t part);

/* Do items begin .. end - 1, which may be none. False lets no further part begin. */
typedef bool (*pm_task)(void *context, int64_t part, int64_t begin, int64_t end);

typedef enum pm_outcome {
    PM_DONE = 0,
    PM_FAILED = 1, /* a task returned false: some part did, and all parts before it were done or failed too */
    PM_STOPPED = 2 /* should_stop returned true */
} pm_outcome;

/* Do all parts, in any order, on the calling thread and at most n_threads - 1 others, begun here and over when this
 * returns. should_stop, unless NULL, is asked on the calling thread between its parts, every 50 ms or so; parts that
 * have begun are finished. */
pm_outcome pm_threads_run(const pm_work *work, int64_t n_parts, int n_threads, pm_task task, void *context,
                          bool (*should_stop)(void));

/* ------------------------------------------------------------------------------------------------------------------ *
 * CPU: which versions of the inner loops run                                                                         *
 * ------------------------------------------------------------------------------------------------------------------ */

/* Names of the kernel tables, best first, the i-th or NULL past the last; only those that this machine can run. The
 * last one is always "portable". */
const char *pm_cpu_available(int i);

/* The table in use: the one that the environment variable PANOMASK_ISA names when the first kernel runs, else the
 * best. A name that is not available counts as none. */
const char *pm_cpu_name(void);

#ifdef __cplusplus
}
#endif

#endif
