/* pm_dense.c - dense masks <-> runs, in any memory order.
 *
 * Runs go down columns. Where the pixels of a column lie closer together than those of a row (Fortran order) the
 * image is read along its columns, packed to bits a block at a time, and the set bits of "differs from the pixel
 * before" are the ends of the runs. Where rows lie closer (C order) every row is packed to bits first, in one
 * streaming read, and 64 x 64 bit tiles are transposed in cache, 1/8 of the image's bytes, before the same walk.
 * Decoding goes the same two ways backwards. Pixels wider than a byte, or apart, pass through a small buffer of bytes.
 * Images that are interleaved pixel by pixel are read together, and told apart by transposing tiles too.
 */
#include "pm_kernels.h"

enum {
    TILE = 64,          /* rows and columns of a tile, bits of a word             */
    BLOCK = 64 * TILE,  /* pixels that go through a buffer at a time: fits the L1 */
    STRETCH = 64 * BLOCK /* pixels of a line that are bits at a time: 32 KB       */
};

/* A row of pixels `step` bytes apart. */
typedef struct pixel_line {
    char *data;
    int64_t n;
    int64_t step;
} pixel_line;

/* The order in which the pixels of an image lie. */
typedef enum pixel_order {
    ONE_LINE, /* the whole image is one line in the order of the runs */
    COLUMNS,  /* the pixels of a column lie closer than those of a row */
    ROWS      /* the other way round */
} pixel_order;

static int64_t magnitude(int64_t x) {
    return x < 0 ? -x : x;
}

static pixel_order order_of(const pm_dense *images) {
    if (images->height <= 1 || images->width <= 1 || images->strides[2] == images->height * images->strides[1])
        return ONE_LINE;
    return magnitude(images->strides[1]) <= magnitude(images->strides[2]) ? COLUMNS : ROWS;
}

/* The image at `data` as one line. */
static pixel_line one_line(const pm_dense *images, char *data) {
    int64_t step = images->height == 1 ? images->strides[2] : images->strides[1];
    return (pixel_line){data, images->height * images->width, step};
}

/* Whether its rows lie one behind the other, as one line. */
static bool rows_are_one_line(const pm_dense *images) {
    return images->strides[1] == images->width * images->strides[2];
}

/* Row i of the image at `data`, or its column i. */
static pixel_line row_line(const pm_dense *images, char *data, int64_t i) {
    return (pixel_line){data + i * images->strides[1], images->width, images->strides[2]};
}

static pixel_line column_line(const pm_dense *images, char *data, int64_t i) {
    return (pixel_line){data + i * images->strides[2], images->height, images->strides[1]};
}

/* Part of a line. */
static pixel_line cut_line(pixel_line line, int64_t start, int64_t n) {
    return (pixel_line){line.data + start * line.step, n, line.step};
}

/* ---- pixels -> bits --------------------------------------------------------------------------------------------- */

#define TEST_PIXELS(type, condition, step)                                                                             \
    for (int64_t i = 0; i < line.n; i++) {                                                                             \
        type pixel;                                                                                                    \
        memcpy(&pixel, line.data + i * (int64_t)(step), sizeof pixel);                                                 \
        bytes[i] = (condition);                                                                                        \
    }

/* The line comes by value: to the compiler a byte that is written may be part of anything that a pointer leads to. */
#define DEFINE_TEST(name, type, condition)                                                                             \
    static void name(pixel_line line, double threshold, uint8_t *restrict bytes) {                                     \
        (void)threshold;                                                                                               \
        if (line.step == sizeof(type)) /* a step the compiler knows is a loop it can vectorise */                      \
            TEST_PIXELS(type, condition, sizeof(type))                                                                 \
        else                                                                                                           \
            TEST_PIXELS(type, condition, line.step)                                                                    \
    }

DEFINE_TEST(test_uint8, uint8_t, pixel != 0)
DEFINE_TEST(test_uint16, uint16_t, pixel != 0)
DEFINE_TEST(test_uint32, uint32_t, pixel != 0)
DEFINE_TEST(test_uint64, uint64_t, pixel != 0)
DEFINE_TEST(test_float, float, pixel > (float)threshold)
DEFINE_TEST(test_double, double, pixel > threshold)

typedef void (*pixel_test)(pixel_line line, double threshold, uint8_t *bytes);

static pixel_test choose_test(const pm_dense *images) {
    if (images->pixel == PM_PIXEL_FLOAT)
        return images->item_size == 4 ? test_float : test_double;
    switch (images->item_size) {
    case 1:
        return test_uint8;
    case 2:
        return test_uint16;
    case 4:
        return test_uint32;
    default:
        return test_uint64;
    }
}

/* How pixels become bits for one call. */
typedef struct pixel_reader {
    const pm_kernels *kernels;
    pixel_test test;
    double threshold;
    bool is_bytes; /* integers of one byte, which may be packed where they lie */
} pixel_reader;

/* Pack up to BLOCK pixels through a buffer. */
static void read_block(const pixel_reader *reader, pixel_line line, uint64_t *bits) {
    PM_ASSERT(line.n <= BLOCK);
    uint8_t bytes[BLOCK];
    reader->test(line, reader->threshold, bytes);
    reader->kernels->pack(bytes, line.n, bits);
}

/* Pack a line of any length into pm_words(n) words. Inline: lines that go through memory cost 10 ns a row. */
static inline void read_line(const pixel_reader *reader, pixel_line line, uint64_t *bits) {
    if (reader->is_bytes && line.step == 1) {
        reader->kernels->pack((const uint8_t *)line.data, line.n, bits);
        return;
    }
    for (int64_t i = 0; i < line.n; i += BLOCK)
        read_block(reader, cut_line(line, i, pm_min(BLOCK, line.n - i)), bits + i / 64);
}

/* ---- encode ----------------------------------------------------------------------------------------------------- */

/* Take in a line of pixels that continues the last one. */
static bool encode_line(const pixel_reader *reader, pixel_line line, pm_bit_walker *walker) {
    uint64_t bits[STRETCH / 64];
    for (int64_t i = 0; i < line.n; i += STRETCH) {
        pixel_line stretch = cut_line(line, i, pm_min(STRETCH, line.n - i));
        read_line(reader, stretch, bits);
        if (!reader->kernels->walk(walker, bits, stretch.n))
            return false;
    }
    return true;
}

static bool encode_columns(const pixel_reader *reader, const pm_dense *images, char *image, pm_bit_walker *walker) {
    for (int64_t column = 0; column < images->width; column++)
        if (!encode_line(reader, column_line(images, image, column), walker))
            return false;
    return true;
}

/* Scratch of the C-order paths, in words:
 *
 *   rows    height x row_words   the image's rows as bits (encode only), or a plane of them for each of a group
 *   strip   tiles x 64           64 columns of the image: word t * 64 + c holds rows 64 t .. 64 t + 63 of column c
 */
static int64_t row_words(const pm_dense *images) {
    return pm_words(images->width);
}

static int64_t strip_words(const pm_dense *images) {
    return pm_words(images->height) * TILE;
}

/* Gather one tile, transposed, from packed rows. */
static void load_tile(const pm_kernels *kernels, const uint64_t *rows, int64_t words, int64_t n_rows,
                      uint64_t tile[TILE]) {
    for (int64_t r = 0; r < n_rows; r++)
        tile[r] = rows[r * words];
    if (n_rows < TILE)
        memset(tile + n_rows, 0, (size_t)(TILE - n_rows) * sizeof *tile);
    kernels->transpose(tile);
}

/* Unite the packed rows of each band of tiles: used[t * words + i] is zero where tile t of the columns of word i is
 * empty. */
static void find_used(const uint64_t *rows, int64_t height, int64_t words, uint64_t *used) {
    for (int64_t top = 0; top < height; top += TILE, used += words) {
        memcpy(used, rows + top * words, (size_t)words * sizeof *used);
        for (int64_t row = top + 1; row < pm_min(top + TILE, height); row++)
            for (int64_t i = 0; i < words; i++)
                used[i] |= rows[row * words + i];
    }
}

/* Take in an image whose rows are packed, column by column. Most tiles are empty and cost a test. */
static bool walk_rows(const pm_kernels *kernels, const pm_dense *images, const uint64_t *rows, uint64_t *strip,
                      pm_bit_walker *walker) {
    int64_t height = images->height;
    int64_t words = row_words(images);
    uint64_t *used = strip + strip_words(images);
    find_used(rows, height, words, used);
    for (int64_t left = 0; left < images->width; left += TILE) {
        const uint64_t *is_used = used + left / TILE;
        int64_t n_columns = pm_min(TILE, images->width - left);
        int64_t n_used = 0;
        for (int64_t top = 0; top < height; top += TILE)
            n_used += is_used[top / TILE * words] != 0;
        if (n_used == 0 && walker->carry == 0) {
            walker->position += height * n_columns;
            continue;
        }
        if (n_used < pm_words(height))
            memset(strip, 0, (size_t)strip_words(images) * sizeof *strip);
        for (int64_t top = 0; top < height; top += TILE)
            if (is_used[top / TILE * words] != 0)
                load_tile(kernels, rows + top * words + left / TILE, words, pm_min(TILE, height - top), strip + top);
        uint64_t columns[TILE]; /* all words of each column, united */
        memcpy(columns, strip, sizeof columns);
        for (int64_t top = TILE; top < height; top += TILE)
            for (int64_t column = 0; column < TILE; column++)
                columns[column] |= strip[top + column];
        for (int64_t column = 0; column < n_columns; column++)
            if (columns[column] == 0 && walker->carry == 0)
                walker->position += height;
            else if (!pm_bits_walk_on(walker, strip + column, height, TILE))
                return false;
    }
    return true;
}

/* Pack every row into words of its own. Rows are read from both halves in turn, as `pack` reads what is long from four
 * places; four bands would be slower for images in the cache. */
static void read_rows(const pixel_reader *reader, const pm_dense *images, char *image, uint64_t *rows) {
    int64_t height = images->height;
    int64_t words = row_words(images);
    if (images->width == 64 * words && rows_are_one_line(images)) {
        read_line(reader, (pixel_line){image, height * images->width, images->strides[2]}, rows);
        return;
    }
    int64_t half = (height + 1) / 2;
    for (int64_t i = 0; i < half; i++)
        for (int64_t row = i; row < height; row += half)
            read_line(reader, row_line(images, image, row), rows + row * words);
}

static bool encode_rows(const pixel_reader *reader, const pm_dense *images, char *image, uint64_t *scratch,
                        pm_bit_walker *walker) {
    uint64_t *rows = scratch;
    uint64_t *strip = scratch + images->height * row_words(images);
    read_rows(reader, images, image, rows);
    return walk_rows(reader->kernels, images, rows, strip, walker);
}

/* ---- images that are interleaved -------------------------------------------------------------------------------- */

/* Where the same pixel of all images lies together, (h, w, n) in C order, reading one image would fetch the memory of
 * all. Instead up to 64 images are read at once: 64 pixels of each are packed in the order of memory, a tile whose row
 * p is pixel p of every image, and the transposed tile holds a word of every image. These are laid out as one plane of
 * packed lines an image, which go the ways above. 20 masks of 480 x 640: 0.6 ms instead of 4, 100 masks 4 instead of
 * 71. */

/* The lines along which the pixels of one image lie. */
static int64_t n_lines(const pm_dense *images, pixel_order order) {
    return order == ONE_LINE ? 1 : order == COLUMNS ? images->width : images->height;
}

static pixel_line line_of(const pm_dense *images, pixel_order order, char *data, int64_t i) {
    return order == ONE_LINE  ? one_line(images, data)
           : order == COLUMNS ? column_line(images, data, i)
                              : row_line(images, data, i);
}

/* An odd number of cache lines, lest the places that one tile goes to share a few sets of the cache: 100 masks 3.6 ms
 * instead of 5.1. */
static int64_t plane_words(const pm_dense *images, pixel_order order) {
    int64_t words = n_lines(images, order) * pm_words(line_of(images, order, images->data, 0).n);
    return ((words + 7) / 8 | 1) * 8;
}

/* How many images are read at once; 1 where they do not lie together. */
static int64_t group_size(const pm_dense *images, pixel_order order) {
    const int64_t most_words = INT64_C(1) << 23;
    if (images->strides[0] != images->item_size || line_of(images, order, images->data, 0).step <= images->item_size)
        return 1;
    int64_t fit = most_words / plane_words(images, order);
    int64_t n_groups = (images->n + TILE - 1) / TILE;
    return pm_max(1, pm_min(fit, (images->n + n_groups - 1) / pm_max(n_groups, 1)));
}

/* Add up to 64 pixels of n images to the tile: pixel p of image i to bit lane + i of word p. */
static uint64_t read_lane(const pixel_reader *reader, pixel_line line, int64_t item_size, int64_t n, int lane,
                          uint64_t tile[TILE]) {
    const uint64_t mask = pm_bit_range(0, (int)n - 1);
    int64_t apart = line.step / item_size; /* items from one pixel to the next */
    bool is_dense = apart <= 2 * TILE && line.step % item_size == 0;
    int64_t most = is_dense ? pm_min(TILE, BLOCK / apart) : 1; /* pixels packed at once, with what is between */
    uint64_t any = 0;
    for (int64_t p = 0; p < line.n; p += most) {
        pixel_line pixels = cut_line(line, p, pm_min(most, line.n - p));
        uint64_t bits[BLOCK / 64 + 1];
        int64_t n_bits = (pixels.n - 1) * apart + n;
        read_line(reader, (pixel_line){pixels.data, n_bits, item_size}, bits);
        bits[pm_words(n_bits)] = 0;
        uint64_t at = 0;
        for (int64_t k = 0; k < pixels.n; k++, at += (uint64_t)apart) {
            const uint64_t *word = bits + at / 64;
            uint64_t pixel = (word[0] >> (at % 64) | word[1] << 1 << (63 - at % 64)) & mask;
            tile[p + k] |= pixel << lane;
            any |= pixel;
            PM_PREFETCH(pixels.data + (pixels.n + k) * line.step); /* 64 masks 1.4 ms instead of 1.6 */
        }
    }
    return any;
}

/* Pack a line of n images, each into its plane. Where n is small a tile takes several times 64 pixels side by side. */
static void read_lines(const pixel_reader *reader, pixel_line line, int64_t item_size, int64_t n, uint64_t *planes,
                       int64_t plane) {
    int64_t lanes = TILE / n;
    for (int64_t start = 0; start < line.n; start += TILE * lanes) {
        uint64_t tile[TILE] = {0};
        uint64_t any = 0;
        int64_t n_words = pm_min(lanes, pm_words(line.n - start));
        for (int64_t k = 0; k < n_words; k++) {
            int64_t from = start + TILE * k;
            pixel_line pixels = cut_line(line, from, pm_min(TILE, line.n - from));
            any |= read_lane(reader, pixels, item_size, n, (int)(k * n), tile);
        }
        if (any)
            reader->kernels->transpose(tile);
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < n_words; k++)
                planes[i * plane + start / TILE + k] = tile[k * n + i];
    }
}

static void read_group(const pixel_reader *reader, const pm_dense *images, pixel_order order, char *data, int64_t n,
                       uint64_t *planes) {
    int64_t plane = plane_words(images, order);
    for (int64_t i = 0; i < n_lines(images, order); i++) {
        pixel_line line = line_of(images, order, data, i);
        read_lines(reader, line, images->item_size, n, planes + i * pm_words(line.n), plane);
    }
}

static bool walk_plane(const pm_kernels *kernels, const pm_dense *images, pixel_order order, const uint64_t *plane,
                       uint64_t *strip, pm_bit_walker *walker) {
    if (order == ROWS)
        return walk_rows(kernels, images, plane, strip, walker);
    int64_t n = line_of(images, order, images->data, 0).n;
    for (int64_t i = 0; i < n_lines(images, order); i++)
        if (!kernels->walk(walker, plane + i * pm_words(n), n))
            return false;
    return true;
}

/* ---- encode, all ways ------------------------------------------------------------------------------------------- */

size_t pm_dense_encode_scratch(const pm_dense *images) {
    pixel_order order = order_of(images);
    int64_t group = group_size(images, order);
    int64_t strip = order == ROWS ? strip_words(images) + pm_words(images->height) * row_words(images) : 0;
    int64_t planes = order == ROWS || group > 1 ? group * plane_words(images, order) : 0;
    return (size_t)(planes + strip) * sizeof(uint64_t);
}

pm_status pm_dense_encode(const pm_dense *images, int64_t first, uint32_t *counts, int64_t capacity, int64_t *offsets,
                          void *scratch, pm_where *where) {
    const pixel_reader reader = {
        .kernels = pm_cpu_kernels(),
        .test = choose_test(images),
        .threshold = images->threshold,
        .is_bytes = images->pixel == PM_PIXEL_INTEGER && images->item_size == 1,
    };
    pixel_order order = order_of(images);
    int64_t pixels = images->height * images->width;
    int64_t group = pixels > 0 ? group_size(images, order) : 1;
    uint64_t *planes = scratch;
    for (int64_t i = first; i < images->n; i++) {
        char *image = images->data + i * images->strides[0];
        pm_bit_walker walker = pm_bits_walk(counts + offsets[i], counts + capacity, pixels);
        bool fits;
        if (group > 1) {
            int64_t k = (i - first) % group;
            if (k == 0)
                read_group(&reader, images, order, image, pm_min(group, images->n - i), planes);
            int64_t plane = plane_words(images, order);
            fits = walk_plane(reader.kernels, images, order, planes + k * plane, planes + group * plane, &walker);
        } else {
            fits = order == ONE_LINE  ? encode_line(&reader, one_line(images, image), &walker)
                   : order == COLUMNS ? encode_columns(&reader, images, image, &walker)
                                      : encode_rows(&reader, images, image, scratch, &walker);
        }
        if (!fits || !pm_bits_walk_end(&walker)) {
            where->mask = i;
            where->expected = 2 * capacity + walker.room;
            return PM_FULL;
        }
        offsets[i + 1] = walker.out - counts;
    }
    return PM_OK;
}

/* ---- decode ----------------------------------------------------------------------------------------------------- */

/* An image as bits, zero outside of first .. end - 1: to clear the rest alone takes 0.1 ms less for 400 masks. */
typedef struct bit_image {
    uint64_t *words; /* one more than it needs */
    int64_t first;
    int64_t end;
} bit_image;

/* How foreground is written for one call. */
typedef struct pixel_writer {
    const pm_kernels *kernels;
    uint8_t one[8];
    int64_t item_size;
    bit_image *bits; /* where an image is put together whose bytes go past the caches, or NULL */
} pixel_writer;

static inline void write_pixel(const pixel_writer *writer, char *pixel) {
    switch (writer->item_size) {
    case 1:
        memcpy(pixel, writer->one, 1);
        break;
    case 2:
        memcpy(pixel, writer->one, 2);
        break;
    case 4:
        memcpy(pixel, writer->one, 4);
        break;
    default:
        memcpy(pixel, writer->one, 8);
    }
}

static void fill_line(const pixel_writer *writer, pixel_line line) {
    if (writer->item_size == 1 && line.step == 1) {
        memset(line.data, writer->one[0], (size_t)line.n);
        return;
    }
    for (int64_t i = 0; i < line.n; i++)
        write_pixel(writer, line.data + i * line.step);
}

static void clear_line(pixel_line line, int64_t item_size) {
    if (line.n > 0 && magnitude(line.step) == item_size) {
        char *lowest = line.step > 0 ? line.data : line.data + (line.n - 1) * line.step;
        memset(lowest, 0, (size_t)(line.n * item_size));
        return;
    }
    for (int64_t i = 0; i < line.n; i++)
        memset(line.data + i * line.step, 0, (size_t)item_size);
}

static void clear_image(const pm_dense *images, char *image, pixel_order order) {
    if (order == ONE_LINE)
        clear_line(one_line(images, image), images->item_size);
    else if (order == COLUMNS)
        for (int64_t i = 0; i < images->width; i++)
            clear_line(column_line(images, image, i), images->item_size);
    else if (rows_are_one_line(images))
        clear_line((pixel_line){image, images->height * images->width, images->strides[2]}, images->item_size);
    else
        for (int64_t i = 0; i < images->height; i++)
            clear_line(row_line(images, image, i), images->item_size);
}

/* A window of a mask: rows top .. top + height - 1, columns left .. left + width - 1 of an image `mask_height` high. */
typedef struct window {
    int64_t top;
    int64_t left;
    int64_t height;
    int64_t width;
    int64_t mask_height;
} window;

/* How many pixels of a window stand before pixel `position` of the mask. As pixels keep their order, foreground from
 * start to end is in the window, if at all, the pixels from pixels_before(start) to pixels_before(end). */
static int64_t pixels_before(const window *inside, int64_t position) {
    if (position <= inside->left * inside->mask_height)
        return 0;
    int64_t column = position / inside->mask_height - inside->left;
    if (column >= inside->width)
        return inside->width * inside->height;
    int64_t row = position % inside->mask_height - inside->top;
    return column * inside->height + pm_min(pm_max(row, 0), inside->height);
}

/* A cursor over the foreground of a list, which never goes past the image: a list that lies about its length writes
 * wrong pixels, but only pixels. */
typedef struct foreground {
    pm_list list;
    int64_t pixels;
    int64_t start;
    int64_t end;
    const window *inside; /* what is decoded, or NULL for the whole mask */
    int64_t position;     /* pixels of the mask that were passed; with a window only */
} foreground;

static bool next_foreground(foreground *cursor) {
    do {
        if (cursor->list.length < 2)
            return false;
        if (cursor->inside) {
            int64_t start = cursor->position + cursor->list.runs[0];
            cursor->position = start + cursor->list.runs[1];
            cursor->start = pixels_before(cursor->inside, start);
            cursor->end = pixels_before(cursor->inside, cursor->position);
        } else {
            cursor->start = pm_min(cursor->end + cursor->list.runs[0], cursor->pixels);
            cursor->end = pm_min(cursor->start + cursor->list.runs[1], cursor->pixels);
        }
        cursor->list.runs += 2;
        cursor->list.length -= 2;
    } while (cursor->start == cursor->end && cursor->start < cursor->pixels);
    return cursor->start < cursor->end;
}

static void decode_one_line(const pixel_writer *writer, foreground cursor, pixel_line line) {
    while (next_foreground(&cursor))
        fill_line(writer, cut_line(line, cursor.start, cursor.end - cursor.start));
}

static void decode_columns(const pixel_writer *writer, foreground cursor, const pm_dense *images, char *image) {
    while (next_foreground(&cursor)) {
        int64_t column = cursor.start / images->height;
        int64_t row = cursor.start % images->height;
        for (int64_t left = cursor.end - cursor.start; left > 0; column++, row = 0) {
            int64_t n = pm_min(left, images->height - row);
            fill_line(writer, cut_line(column_line(images, image, column), row, n));
            left -= n;
        }
    }
}

/* TILE columns of an image as bits, zero but for what was set since they were last written. */
typedef struct column_strip {
    uint64_t *words;
    int64_t left;      /* its first column */
    int64_t first_row; /* rows that were set lie between; none where end_row is 0 */
    int64_t end_row;
} column_strip;

/* Set rows `row` .. `end` - 1 of one column; row < end. */
static void set_strip_column(column_strip *strip, int64_t column, int64_t row, int64_t end) {
    pm_bits_set_on(strip->words + column - strip->left, row, end, TILE);
    strip->first_row = pm_min(strip->first_row, row);
    strip->end_row = pm_max(strip->end_row, end);
}

/* Write up to 64 pixels of a row: those of the bits that are set. */
static void write_bits(const pixel_writer *writer, uint64_t bits, pixel_line line) {
    if (writer->item_size == 1 && line.step == 1) {
        writer->kernels->unpack(&bits, line.n, writer->one[0], (uint8_t *)line.data);
        return;
    }
    for (bits &= pm_bit_range(0, (int)line.n - 1); bits; bits &= bits - 1)
        write_pixel(writer, line.data + pm_lowest_bit(bits) * line.step);
}

/* Set the pixels of a tile in an image of rows of `width` one behind the other; the tile's first is bit `at`. */
static void unite_tile(const uint64_t tile[TILE], int64_t n_rows, bit_image *image, int64_t at, int64_t width) {
    uint64_t *words = image->words;
    image->first = pm_min(image->first, at);
    image->end = pm_max(image->end, at + (n_rows - 1) * width + TILE);
    if (width % 64 == 0) { /* the tile's rows are words of the image's */
        for (int64_t r = 0; r < n_rows; r++)
            words[at / 64 + r * (width / 64)] = tile[r];
        return;
    }
    for (int64_t r = 0; r < n_rows; r++, at += width) {
        words[at / 64] |= tile[r] << (at % 64);
        words[at / 64 + 1] |= tile[r] >> 1 >> (63 - at % 64);
    }
}

static void set_pixels(bit_image *image, int64_t start, int64_t end) {
    pm_bits_set(image->words, start, end);
    image->first = pm_min(image->first, start);
    image->end = pm_max(image->end, end);
}

/* Write an image of n pixels, and leave it empty. */
static void flush_bits(const pixel_writer *writer, int64_t n, char *image) {
    bit_image *bits = writer->bits;
    writer->kernels->unpack_past(bits->words, n, writer->one[0], (uint8_t *)image);
    int64_t first = pm_min(bits->first, bits->end) / 64;
    memset(bits->words + first, 0, (size_t)(pm_words(bits->end) - first) * sizeof *bits->words);
    bits->first = n;
    bits->end = 0;
}

/* Write a strip's tiles that are not empty into the zeroed image or its bits, and empty them. */
static void flush_strip(const pixel_writer *writer, column_strip *strip, const pm_dense *images, char *image) {
    int64_t n_columns = pm_min(TILE, images->width - strip->left);
    int64_t begin = strip->first_row / TILE * TILE;
    int64_t top = begin;
    for (; top < strip->end_row; top += TILE) {
        uint64_t *tile = strip->words + top;
        uint64_t any = 0;
        for (int k = 0; k < TILE; k++)
            any |= tile[k];
        if (!any)
            continue;
        writer->kernels->transpose(tile);
        int64_t n_rows = pm_min(TILE, images->height - top);
        if (writer->bits)
            unite_tile(tile, n_rows, writer->bits, top * images->width + strip->left, images->width);
        for (int64_t r = 0; r < n_rows && !writer->bits; r++)
            if (tile[r])
                write_bits(writer, tile[r], cut_line(row_line(images, image, top + r), strip->left, n_columns));
    }
    memset(strip->words + begin, 0, (size_t)(top - begin) * sizeof *strip->words);
    strip->first_row = images->height;
    strip->end_row = 0;
}

static void decode_rows(const pixel_writer *writer, foreground cursor, const pm_dense *images, char *image,
                        uint64_t *scratch) {
    column_strip strip = {.words = scratch, .first_row = images->height};
    int64_t row = 0; /* position of the cursor */
    int64_t column = 0;
    int64_t position = 0;
    memset(strip.words, 0, (size_t)strip_words(images) * sizeof *strip.words);
    while (next_foreground(&cursor)) {
        row += cursor.start - position;
        if (row >= images->height) { /* most often the next column, which takes no division */
            int64_t columns = row < 2 * images->height ? 1 : row / images->height;
            column += columns;
            row -= columns * images->height;
        }
        position = cursor.start;
        while (position < cursor.end) {
            if (column >= strip.left + TILE) {
                flush_strip(writer, &strip, images, image);
                strip.left = column / TILE * TILE;
            }
            int64_t n = pm_min(cursor.end - position, images->height - row);
            set_strip_column(&strip, column, row, row + n);
            position += n;
            row += n;
            if (row == images->height) {
                row = 0;
                column++;
            }
        }
    }
    flush_strip(writer, &strip, images, image);
}

/* ---- decode, all ways ------------------------------------------------------------------------------------------- */

/* From how many bytes on caches are passed by: 18 MB take 0.5 ms instead of 0.9, 123 MB 3.8 instead of 9 to 12; 12 MB
 * are as fast either way, and then better left in the cache (Zen 3, 32 MB of L3 that virtual machines share). */
pm_memory pm_dense_memory(const pm_dense *images, bool zeroed) {
    const int64_t least_bytes = INT64_C(1) << 24;
    int64_t bytes = images->n * images->height * images->width * images->item_size;
    return zeroed ? PM_ZEROED : bytes < least_bytes ? PM_USED : PM_LARGE;
}

/* Whether an image is put together as bits, of which one pass makes bytes past the caches: where its pixels are bytes
 * with nothing between them. */
static bool goes_past(const pm_dense *images, pixel_order order, pm_memory memory) {
    return memory == PM_LARGE && pm_cpu_kernels()->unpack_past && images->item_size == 1 &&
           (order == ONE_LINE ? one_line(images, images->data).step == 1
                              : order == ROWS && images->strides[2] == 1 && rows_are_one_line(images));
}

/* Scratch: a strip where rows are to be written, then the bits of an image with a word behind them. */
size_t pm_dense_decode_scratch(const pm_dense *images, pm_memory memory) {
    pixel_order order = order_of(images);
    int64_t strip = order == ROWS ? strip_words(images) : 0;
    int64_t bits = goes_past(images, order, memory) ? pm_words(images->height * images->width) + 1 : 0;
    return (size_t)(strip + bits) * sizeof(uint64_t);
}

/* Other images that are packed one behind the other are cleared in one go: memset then writes past the caches, too.
 * 20 MB of 32-bit pixels take 1.0 ms instead of 1.4, 37 MB 1.7 instead of 3.1. Returns whether they were. */
static bool clear_together(const pm_dense *images) {
    int64_t item = images->item_size;
    const int64_t *strides = images->strides;
    bool by_rows = strides[2] == item && strides[1] == images->width * item;
    bool by_columns = strides[1] == item && strides[2] == images->height * item;
    int64_t bytes = images->height * images->width * item;
    if (!(by_rows || by_columns) || strides[0] != bytes)
        return false;
    memset(images->data, 0, (size_t)(images->n * bytes));
    return true;
}

/* A call. */
typedef struct decoding {
    pixel_writer writer;
    const pm_dense *images;
    pixel_order order;
    pm_memory memory;
    uint64_t *strip;
} decoding;

/* `bits` is where images are put together, if they are, and lives as long as the call. */
static decoding new_decoding(const pm_dense *images, const void *one, pm_memory memory, void *scratch,
                             bit_image *bits) {
    pixel_order order = order_of(images);
    decoding job = {{.kernels = pm_cpu_kernels(), .item_size = images->item_size}, images, order, memory, scratch};
    memcpy(job.writer.one, one, (size_t)images->item_size);
    if (goes_past(images, order, memory)) {
        int64_t pixels = images->height * images->width;
        *bits = (bit_image){job.strip + (order == ROWS ? strip_words(images) : 0), pixels, 0};
        memset(bits->words, 0, (size_t)(pm_words(pixels) + 1) * sizeof *bits->words);
        job.writer.bits = bits;
    } else if (memory == PM_LARGE && clear_together(images)) {
        job.memory = PM_ZEROED;
    }
    return job;
}

static void decode_image(const decoding *job, foreground cursor, int64_t i) {
    const pixel_writer *writer = &job->writer;
    const pm_dense *images = job->images;
    char *image = images->data + i * images->strides[0];
    cursor.pixels = images->height * images->width;
    if (cursor.pixels == 0)
        return;
    if (!writer->bits && job->memory != PM_ZEROED)
        clear_image(images, image, job->order);
    if (job->order == ROWS)
        decode_rows(writer, cursor, images, image, job->strip);
    else if (job->order == COLUMNS)
        decode_columns(writer, cursor, images, image);
    else if (writer->bits)
        while (next_foreground(&cursor))
            set_pixels(writer->bits, cursor.start, cursor.end);
    else
        decode_one_line(writer, cursor, one_line(images, image));
    if (writer->bits)
        flush_bits(writer, cursor.pixels, image);
}

void pm_dense_decode(const pm_batch *masks, const pm_dense *images, const void *one, pm_memory memory, void *scratch) {
    bit_image bits;
    decoding job = new_decoding(images, one, memory, scratch, &bits);
    for (int64_t i = 0; i < masks->n; i++)
        decode_image(&job, (foreground){.list = pm_runs_list(masks, i)}, i);
}

void pm_dense_decode_window(const pm_batch *masks, int64_t top, int64_t left, const pm_dense *images, const void *one,
                            pm_memory memory, void *scratch) {
    bit_image bits;
    decoding job = new_decoding(images, one, memory, scratch, &bits);
    for (int64_t i = 0; i < masks->n; i++) {
        const window inside = {top, left, images->height, images->width, masks->sizes[2 * i]};
        decode_image(&job, (foreground){.list = pm_runs_list(masks, i), .inside = &inside}, i);
    }
}
