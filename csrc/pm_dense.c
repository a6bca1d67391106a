/* pm_dense.c - dense masks <-> runs, in any memory order.
 *
 * Runs go down columns. Where the pixels of a column lie closer together than those of a row (Fortran order) the
 * image is read along its columns, packed to bits a block at a time, and the set bits of "differs from the pixel
 * before" are the ends of the runs. Where rows lie closer (C order) every row is packed to bits first, in one
 * streaming read, and 64 x 64 bit tiles are transposed in cache, 1/8 of the image's bytes, before the same walk.
 * Decoding goes the same two ways backwards. Pixels wider than a byte, or apart, pass through a small buffer of bytes.
 */
#include "pm_kernels.h"
#include "pm_runs.h"

enum {
    TILE = 64,        /* rows and columns of a tile, bits of a word             */
    BLOCK = 64 * TILE /* pixels that go through a buffer at a time: fits the L1 */
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

#define TEST_PIXELS(type, condition, step)                                                                              \
    for (int64_t i = 0; i < line->n; i++) {                                                                            \
        type pixel;                                                                                                    \
        memcpy(&pixel, line->data + i * (int64_t)(step), sizeof pixel);                                                \
        bytes[i] = (condition);                                                                                        \
    }

#define DEFINE_TEST(name, type, condition)                                                                              \
    static void name(const pixel_line *line, double threshold, uint8_t *bytes) {                                       \
        const type limit = (type)threshold;                                                                            \
        (void)limit;                                                                                                    \
        if (line->step == sizeof(type)) /* a step the compiler knows is a loop it can vectorise */                     \
            TEST_PIXELS(type, condition, sizeof(type))                                                                 \
        else                                                                                                            \
            TEST_PIXELS(type, condition, line->step)                                                                   \
    }

DEFINE_TEST(test_uint8, uint8_t, pixel != 0)
DEFINE_TEST(test_uint16, uint16_t, pixel != 0)
DEFINE_TEST(test_uint32, uint32_t, pixel != 0)
DEFINE_TEST(test_uint64, uint64_t, pixel != 0)
DEFINE_TEST(test_float, float, pixel > limit)
DEFINE_TEST(test_double, double, pixel > limit)

typedef void (*pixel_test)(const pixel_line *line, double threshold, uint8_t *bytes);

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

/* Pack up to BLOCK pixels. */
static void read_block(const pixel_reader *reader, pixel_line line, uint64_t *bits) {
    PM_ASSERT(line.n <= BLOCK);
    if (reader->is_bytes && line.step == 1) {
        reader->kernels->pack((const uint8_t *)line.data, line.n, bits);
        return;
    }
    uint8_t bytes[BLOCK];
    reader->test(&line, reader->threshold, bytes);
    reader->kernels->pack(bytes, line.n, bits);
}

/* Pack a line of any length into pm_words(n) words. */
static void read_line(const pixel_reader *reader, pixel_line line, uint64_t *bits) {
    for (int64_t i = 0; i < line.n; i += BLOCK)
        read_block(reader, cut_line(line, i, pm_min(BLOCK, line.n - i)), bits + i / 64);
}

/* ---- bits -> runs ----------------------------------------------------------------------------------------------- */

/* The run list that grows while the bits of an image come in. */
typedef struct bit_walker {
    uint32_t *out;
    const uint32_t *out_end;
    int64_t room;      /* what one word may need  */
    int64_t position;  /* pixels seen             */
    int64_t run_start; /* where the last run ends */
    uint64_t carry;    /* the last pixel          */
} bit_walker;

static bit_walker start_walk(uint32_t *out, const uint32_t *out_end, int64_t pixels) {
    return (bit_walker){.out = out, .out_end = out_end, .room = 64 + pm_runs_wide_bound(pixels)};
}

/* Take in the n lowest bits of a word. */
static inline void walk_word(bit_walker *walker, uint64_t word, int n) {
    uint64_t changes = (word ^ (word << 1 | walker->carry)) & pm_bit_range(0, n - 1);
    walker->carry = word >> (n - 1) & 1;
    for (; changes; changes &= changes - 1) {
        int64_t change = walker->position + pm_lowest_bit(changes);
        walker->out = pm_runs_put(walker->out, (uint64_t)(change - walker->run_start));
        walker->run_start = change;
    }
    walker->position += n;
}

/* Whether four words repeat the last pixel, and so end no run. */
static inline bool is_quiet(const uint64_t *bits, int64_t step, uint64_t carry) {
    uint64_t same = 0 - carry;
    return ((bits[0] ^ same) | (bits[step] ^ same) | (bits[2 * step] ^ same) | (bits[3 * step] ^ same)) == 0;
}

/* Take in `n` bits that lie in words `step` apart. Most words of most masks are quiet, and many follow one another. */
static inline bool walk_bits(bit_walker *walker_in, const uint64_t *bits, int64_t n, int64_t step) {
    bit_walker walker = *walker_in; /* in registers */
    while (n >= 64) {
        if (n >= 256 && is_quiet(bits, step, walker.carry)) {
            walker.position += 256;
            bits += 4 * step;
            n -= 256;
            continue;
        }
        if (PM_UNLIKELY(walker.out_end - walker.out < walker.room))
            return false;
        walk_word(&walker, *bits, 64);
        bits += step;
        n -= 64;
    }
    if (n > 0) {
        if (PM_UNLIKELY(walker.out_end - walker.out < walker.room))
            return false;
        walk_word(&walker, *bits, (int)n);
    }
    *walker_in = walker;
    return true;
}

/* Write the last run. False when the output is full, here and above. */
static bool walk_end(bit_walker *walker) {
    if (walker->out_end - walker->out < walker->room)
        return false;
    walker->out = pm_runs_put(walker->out, (uint64_t)(walker->position - walker->run_start));
    return true;
}

/* ---- encode ----------------------------------------------------------------------------------------------------- */

/* Take in a line of pixels that continues the last one. */
static bool encode_line(const pixel_reader *reader, pixel_line line, bit_walker *walker) {
    uint64_t bits[BLOCK / 64];
    for (int64_t i = 0; i < line.n; i += BLOCK) {
        pixel_line block = cut_line(line, i, pm_min(BLOCK, line.n - i));
        read_block(reader, block, bits);
        if (!walk_bits(walker, bits, block.n, 1))
            return false;
    }
    return true;
}

static bool encode_columns(const pixel_reader *reader, const pm_dense *images, char *image, bit_walker *walker) {
    for (int64_t column = 0; column < images->width; column++)
        if (!encode_line(reader, column_line(images, image, column), walker))
            return false;
    return true;
}

/* Transpose a tile in place: bit c of word r goes to bit r of word c. Six rounds swap ever smaller off-diagonal
 * blocks (Hacker's Delight, 7-3). */
static void transpose_tile(uint64_t tile[TILE]) {
    uint64_t mask = UINT64_C(0x00000000ffffffff);
    for (int size = 32; size; size >>= 1, mask ^= mask << size) {
        for (int r = 0; r < TILE; r = ((r | size) + 1) & ~size) {
            uint64_t swap = (tile[r] >> size ^ tile[r | size]) & mask;
            tile[r] ^= swap << size;
            tile[r | size] ^= swap;
        }
    }
}

/* Scratch of the C-order paths, in words:
 *
 *   rows    height x row_words   the image's rows as bits (encode only)
 *   strip   tiles x 64           64 columns of the image: word t * 64 + c holds rows 64 t .. 64 t + 63 of column c
 */
static int64_t row_words(const pm_dense *images) {
    return pm_words(images->width);
}

static int64_t strip_words(const pm_dense *images) {
    return pm_words(images->height) * TILE;
}

/* Gather one tile, transposed, from packed rows. An empty one, and most are, needs no transposition. Returns whether it
 * is not empty. */
static bool load_tile(const uint64_t *rows, int64_t words, int64_t n_rows, uint64_t tile[TILE]) {
    uint64_t any = 0;
    for (int64_t r = 0; r < n_rows; r++)
        any |= tile[r] = rows[r * words];
    if (n_rows < TILE)
        memset(tile + n_rows, 0, (size_t)(TILE - n_rows) * sizeof *tile);
    if (any)
        transpose_tile(tile);
    return any != 0;
}

static bool encode_rows(const pixel_reader *reader, const pm_dense *images, char *image, uint64_t *scratch,
                        bit_walker *walker) {
    int64_t height = images->height;
    int64_t words = row_words(images);
    uint64_t *rows = scratch;
    uint64_t *strip = scratch + height * words;
    for (int64_t row = 0; row < height; row++)
        read_line(reader, row_line(images, image, row), rows + row * words);
    for (int64_t left = 0; left < images->width; left += TILE) {
        uint64_t columns[TILE] = {0}; /* all words of each column, united */
        for (int64_t top = 0; top < height; top += TILE) {
            uint64_t *tile = strip + top;
            if (load_tile(rows + top * words + left / TILE, words, pm_min(TILE, height - top), tile))
                for (int64_t column = 0; column < TILE; column++)
                    columns[column] |= tile[column];
        }
        for (int64_t column = 0; column < pm_min(TILE, images->width - left); column++)
            if (columns[column] == 0 && walker->carry == 0)
                walker->position += height;
            else if (!walk_bits(walker, strip + column, height, TILE))
                return false;
    }
    return true;
}

size_t pm_dense_encode_scratch(const pm_dense *images) {
    if (order_of(images) != ROWS)
        return 0;
    return (size_t)(images->height * row_words(images) + strip_words(images)) * sizeof(uint64_t);
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
    for (int64_t i = first; i < images->n; i++) {
        char *image = images->data + i * images->strides[0];
        bit_walker walker = start_walk(counts + offsets[i], counts + capacity, pixels);
        bool fits = order == ONE_LINE  ? encode_line(&reader, one_line(images, image), &walker)
                    : order == COLUMNS ? encode_columns(&reader, images, image, &walker)
                                       : encode_rows(&reader, images, image, scratch, &walker);
        if (!fits || !walk_end(&walker)) {
            where->mask = i;
            where->expected = 2 * capacity + walker.room;
            return PM_FULL;
        }
        offsets[i + 1] = walker.out - counts;
    }
    return PM_OK;
}

/* ---- decode ----------------------------------------------------------------------------------------------------- */

/* How foreground is written for one call. */
typedef struct pixel_writer {
    const pm_kernels *kernels;
    uint8_t one[8];
    int64_t item_size;
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
    for (int64_t i = 0; order == COLUMNS && i < images->width; i++)
        clear_line(column_line(images, image, i), images->item_size);
    for (int64_t i = 0; order == ROWS && i < images->height; i++)
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

/* Set rows `row` .. `end` - 1 of one column of a strip. */
static void set_strip_column(uint64_t *strip, int64_t column, int64_t row, int64_t end) {
    while (row < end) {
        int64_t tile = row / TILE;
        int64_t stop = pm_min(end, (tile + 1) * TILE);
        strip[tile * TILE + column] |= pm_bit_range((int)(row % TILE), (int)(stop - 1 - tile * TILE));
        row = stop;
    }
}

/* Write `n` bits of a row as pixels. */
static void write_bits(const pixel_writer *writer, uint64_t bits, pixel_line line) {
    if (writer->item_size == 1 && line.step == 1) {
        writer->kernels->unpack(&bits, line.n, writer->one[0], (uint8_t *)line.data);
        return;
    }
    for (bits &= pm_bit_range(0, (int)line.n - 1); bits; bits &= bits - 1)
        write_pixel(writer, line.data + pm_lowest_bit(bits) * line.step);
}

/* Write a strip's tiles that are not empty into the zeroed image, and empty them. */
static void flush_strip(const pixel_writer *writer, uint64_t *strip, int64_t left, const pm_dense *images,
                        char *image) {
    int64_t n_columns = pm_min(TILE, images->width - left);
    for (int64_t top = 0; top < images->height; top += TILE) {
        uint64_t *tile = strip + top;
        uint64_t any = 0;
        for (int k = 0; k < TILE; k++)
            any |= tile[k];
        if (!any)
            continue;
        transpose_tile(tile);
        for (int64_t r = 0; r < pm_min(TILE, images->height - top); r++)
            if (tile[r])
                write_bits(writer, tile[r], cut_line(row_line(images, image, top + r), left, n_columns));
        memset(tile, 0, TILE * sizeof *tile);
    }
}

static void decode_rows(const pixel_writer *writer, foreground cursor, const pm_dense *images, char *image,
                        uint64_t *strip) {
    int64_t left = 0; /* first column of the strip */
    int64_t row = 0;  /* position of the cursor */
    int64_t column = 0;
    int64_t position = 0;
    bool is_dirty = false;
    memset(strip, 0, (size_t)strip_words(images) * sizeof *strip);
    while (next_foreground(&cursor)) {
        row += cursor.start - position;
        if (row >= images->height) {
            column += row / images->height;
            row %= images->height;
        }
        position = cursor.start;
        while (position < cursor.end) {
            if (column >= left + TILE) {
                if (is_dirty)
                    flush_strip(writer, strip, left, images, image);
                left = column / TILE * TILE;
            }
            is_dirty = true;
            int64_t n = pm_min(cursor.end - position, images->height - row);
            set_strip_column(strip, column - left, row, row + n);
            position += n;
            row += n;
            if (row == images->height) {
                row = 0;
                column++;
            }
        }
    }
    if (is_dirty)
        flush_strip(writer, strip, left, images, image);
}

size_t pm_dense_decode_scratch(const pm_dense *images) {
    return order_of(images) == ROWS ? (size_t)strip_words(images) * sizeof(uint64_t) : 0;
}

static void decode_image(const pixel_writer *writer, foreground cursor, const pm_dense *images, char *image, bool zeroed,
                         void *scratch) {
    pixel_order order = order_of(images);
    cursor.pixels = images->height * images->width;
    if (cursor.pixels == 0)
        return;
    if (!zeroed)
        clear_image(images, image, order);
    if (order == ONE_LINE)
        decode_one_line(writer, cursor, one_line(images, image));
    else if (order == COLUMNS)
        decode_columns(writer, cursor, images, image);
    else
        decode_rows(writer, cursor, images, image, scratch);
}

static pixel_writer new_writer(const pm_dense *images, const void *one) {
    pixel_writer writer = {.kernels = pm_cpu_kernels(), .item_size = images->item_size};
    memcpy(writer.one, one, (size_t)images->item_size);
    return writer;
}

void pm_dense_decode(const pm_batch *masks, const pm_dense *images, const void *one, bool zeroed, void *scratch) {
    pixel_writer writer = new_writer(images, one);
    for (int64_t i = 0; i < masks->n; i++) {
        foreground cursor = {.list = pm_runs_list(masks, i)};
        decode_image(&writer, cursor, images, images->data + i * images->strides[0], zeroed, scratch);
    }
}

void pm_dense_decode_window(const pm_batch *masks, int64_t top, int64_t left, const pm_dense *images, const void *one,
                            bool zeroed, void *scratch) {
    pixel_writer writer = new_writer(images, one);
    for (int64_t i = 0; i < masks->n; i++) {
        const window inside = {top, left, images->height, images->width, masks->sizes[2 * i]};
        foreground cursor = {.list = pm_runs_list(masks, i), .inside = &inside};
        decode_image(&writer, cursor, images, images->data + i * images->strides[0], zeroed, scratch);
    }
}
