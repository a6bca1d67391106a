/* pm_png.c - PNG files: their chunks, and the row filters undone.
 *
 * Chunks are walked once, checksums included; what is in them, inflating too, is for others.
 *
 * A row of a PNG is a byte that names its filter, and for every byte the difference to a prediction from the byte one
 * pixel to the left (a), the one above (b) and the one above to the left (c), modulo 256 (PNG specification, part 9).
 * What the predictions need is there only one pixel earlier, so that in general pixel follows pixel: 1 ns a byte and
 * more. But the rows of a label map are nearly all zeros after filtering, and what a stretch of zeros stands for is
 * known at once:
 *
 *   Sub             the pixel to the left, again and again
 *   Paeth, a == c   the row above: the prediction of a + b - c is b, and at the next pixel a == c again
 *   Paeth, b == c   the pixel to the left, as far as the row above repeats itself: the prediction is a
 *
 * Each is a copy. None and Up have no pixel to wait for; Average is rare and done pixel by pixel.
 *
 * Where ids are wanted, not bytes, one row of them is all there is: it holds the row above and becomes the row, so that
 * copies of the row above need not be made.
 */
#include "panomask.h"
#include "pm_kernels.h"

enum { FILTER_NONE, FILTER_SUB, FILTER_UP, FILTER_AVERAGE, FILTER_PAETH };

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

static uint32_t load_big_endian32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* [k][v]: what half a byte v does to the CRC-32 of ISO 3309 when k others follow. Made in 0.2 us, beside 7 for the 8 kB
 * of a map of COCO, so that no table need be stored. */
typedef struct crc_table {
    uint32_t halves[16][16];
} crc_table;

static void make_crc_table(crc_table *table) {
    for (uint32_t v = 0; v < 16; v++) {
        uint32_t crc = v;
        for (int bit = 0; bit < 4; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
        table->halves[0][v] = crc;
    }
    for (int k = 1; k < 16; k++)
        for (int v = 0; v < 16; v++) {
            uint32_t crc = table->halves[k - 1][v];
            table->halves[k][v] = crc >> 4 ^ table->halves[0][crc & 15];
        }
}

/* What four bytes do to the sum, where halves[0] is of the last half of a byte. */
static inline uint32_t look_up(const uint32_t (*halves)[16], uint32_t word) {
    uint32_t a = halves[7][word & 15] ^ halves[6][word >> 4 & 15];
    uint32_t b = halves[5][word >> 8 & 15] ^ halves[4][word >> 12 & 15];
    uint32_t c = halves[3][word >> 16 & 15] ^ halves[2][word >> 20 & 15];
    uint32_t d = halves[1][word >> 24 & 15] ^ halves[0][word >> 28];
    return (a ^ b) ^ (c ^ d);
}

static uint32_t crc_of(const crc_table *table, const uint8_t *bytes, int64_t n) {
    uint32_t crc = UINT32_MAX;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word = pm_load_little_endian64(bytes + i);
        crc = look_up(table->halves + 8, (uint32_t)word ^ crc) ^ look_up(table->halves, (uint32_t)(word >> 32));
    }
    for (; i < n; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table->halves[0][crc & 15];
        crc = crc >> 4 ^ table->halves[0][crc & 15];
    }
    return ~crc;
}

static bool is_letter(uint8_t byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static bool is_type(const uint8_t *type, const char *name) {
    return memcmp(type, name, 4) == 0;
}

/* The chunk at chunks->at, with all but its place in the file. */
static pm_png_fault check_chunk(const crc_table *table, const uint8_t *file, int64_t size, pm_png_chunks *chunks) {
    const uint8_t *chunk = file + chunks->at;
    const uint8_t *type = chunk + 4;
    if (size - chunks->at < 12)
        return PM_PNG_NO_END;
    chunks->size = load_big_endian32(chunk);
    if (!is_letter(type[0]) || !is_letter(type[1]) || !is_letter(type[2]) || !is_letter(type[3]))
        return PM_PNG_BAD_TYPE;
    if (chunks->size > size - chunks->at - 12)
        return PM_PNG_TRUNCATED;
    chunks->found = load_big_endian32(chunk + 8 + chunks->size);
    chunks->expected = crc_of(table, type, 4 + chunks->size);
    return chunks->found == chunks->expected ? PM_PNG_OK : PM_PNG_BAD_CHECKSUM;
}

pm_png_fault pm_png_open(uint8_t *file, int64_t size, pm_png_chunks *chunks) {
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    crc_table table;
    *chunks = (pm_png_chunks){.at = sizeof signature};
    if (size < (int64_t)sizeof signature || memcmp(file, signature, sizeof signature) != 0)
        return PM_PNG_NO_SIGNATURE;
    make_crc_table(&table);
    for (;; chunks->at += 12 + chunks->size) {
        pm_png_fault fault = check_chunk(&table, file, size, chunks);
        if (fault != PM_PNG_OK)
            return fault;
        const uint8_t *type = file + chunks->at + 4;
        int64_t contents = chunks->at + 8;
        if ((chunks->header == 0) != is_type(type, "IHDR"))
            return PM_PNG_BAD_ORDER;
        if (is_type(type, "IEND"))
            return chunks->data == 0 ? PM_PNG_NO_DATA : PM_PNG_OK;
        if (is_type(type, "IHDR")) {
            chunks->header = contents;
            chunks->header_size = chunks->size;
        } else if (is_type(type, "IDAT")) {
            if (chunks->data == 0)
                chunks->data = contents;
            else
                memmove(file + chunks->data + chunks->data_size, file + contents, (size_t)chunks->size);
            chunks->data_size += chunks->size;
        } else if (!(type[0] & 0x20) && !is_type(type, "PLTE")) { /* a capital: needed */
            return PM_PNG_UNKNOWN;
        }
    }
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* A distance that is whole pixels of 1, 2, 3 and 4 bytes, and whole words. */
enum { PERIOD = 24 };

/* How many zeros there are from `begin` on. */
static inline int64_t zeros_from(const uint8_t *bytes, int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + 8 <= end; i += 8) {
        uint64_t word = pm_load_little_endian64(bytes + i);
        if (word != 0)
            return i + pm_lowest_bit(word) / 8 - begin;
    }
    while (i < end && bytes[i] == 0)
        i++;
    return i - begin;
}

/* How many bytes from `begin` on equal those one pixel to the left. */
static inline int64_t repeats_from(const uint8_t *bytes, int64_t pixel, int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + 8 <= end; i += 8) {
        uint64_t word = pm_load_little_endian64(bytes + i) ^ pm_load_little_endian64(bytes + i - pixel);
        if (word != 0)
            return i + pm_lowest_bit(word) / 8 - begin;
    }
    while (i < end && bytes[i] == bytes[i - pixel])
        i++;
    return i - begin;
}

/* Repeat the pixel in front of `begin` over n bytes. */
static inline void repeat_pixel(uint8_t *row, int64_t pixel, int64_t begin, int64_t n) {
    int64_t i = begin;
    int64_t end = begin + n;
    for (; i < end && i < begin + PERIOD; i++)
        row[i] = row[i - pixel];
    for (; i + 8 <= end; i += 8)
        memcpy(row + i, row + i - PERIOD, 8);
    for (; i < end; i++)
        row[i] = row[i - PERIOD];
}

static inline void undo_sub(const uint8_t *filtered, int64_t pixel, int64_t n, uint8_t *row) {
    memcpy(row, filtered, (size_t)pixel);
    for (int64_t i = pixel; i < n;) {
        int64_t zeros = zeros_from(filtered, i, n);
        repeat_pixel(row, pixel, i, zeros);
        i += zeros;
        for (int64_t end = pm_min(i + pixel, n); i < end; i++)
            row[i] = (uint8_t)(filtered[i] + row[i - pixel]);
    }
}

static inline void undo_up(const uint8_t *filtered, const uint8_t *above, int64_t n, uint8_t *row) {
    for (int64_t i = 0; i < n; i++)
        row[i] = (uint8_t)(filtered[i] + above[i]);
}

static inline void undo_average(const uint8_t *filtered, const uint8_t *above, int64_t pixel, int64_t n, uint8_t *row) {
    for (int64_t i = 0; i < pixel; i++)
        row[i] = (uint8_t)(filtered[i] + (above ? above[i] >> 1 : 0));
    for (int64_t i = pixel; i < n; i++)
        row[i] = (uint8_t)(filtered[i] + ((row[i - pixel] + (above ? above[i] : 0)) >> 1));
}

static inline uint8_t paeth(int a, int b, int c) {
    int to_a = b > c ? b - c : c - b; /* |a + b - c - a| */
    int to_b = a > c ? a - c : c - a;
    int to_c = a + b - 2 * c;
    to_c = to_c < 0 ? -to_c : to_c;
    int nearer = to_b <= to_c ? b : c;
    int least = to_b <= to_c ? to_b : to_c;
    return (uint8_t)(to_a <= least ? a : nearer);
}

static inline void undo_paeth(const uint8_t *filtered, const uint8_t *above, int64_t pixel, int64_t n, uint8_t *row) {
    for (int64_t i = 0; i < pixel; i++) /* a and c are zero: b is the nearest */
        row[i] = (uint8_t)(filtered[i] + above[i]);
    for (int64_t i = pixel; i < n;) {
        int64_t zeros = zeros_from(filtered, i, n);
        if (zeros >= 8) {
            if (memcmp(row + i - pixel, above + i - pixel, (size_t)pixel) == 0) {
                memcpy(row + i, above + i, (size_t)zeros);
                i += zeros;
            } else {
                int64_t repeats = repeats_from(above, pixel, i, i + zeros);
                repeat_pixel(row, pixel, i, repeats);
                i += repeats;
            }
        }
        for (int64_t end = pm_min(i + pixel, n); i < end; i++)
            row[i] = (uint8_t)(filtered[i] + paeth(row[i - pixel], above[i], above[i - pixel]));
    }
}

/* above: NULL for the first row, above which everything is zero. */
static inline void undo_row(const uint8_t *filtered, const uint8_t *above, int64_t pixel, int64_t n, uint8_t *row) {
    int filter = *filtered++;
    if (!above && filter == FILTER_UP)
        filter = FILTER_NONE;
    if (!above && filter == FILTER_PAETH)
        filter = FILTER_SUB;
    switch (filter) {
    case FILTER_NONE:
        memcpy(row, filtered, (size_t)n);
        break;
    case FILTER_SUB:
        undo_sub(filtered, pixel, n, row);
        break;
    case FILTER_UP:
        undo_up(filtered, above, n, row);
        break;
    case FILTER_AVERAGE:
        undo_average(filtered, above, pixel, n, row);
        break;
    default:
        PM_ASSERT(filter == FILTER_PAETH);
        undo_paeth(filtered, above, pixel, n, row);
    }
}

/* With `pixel` a constant where it is called. */
static inline void undo_rows(const uint8_t *filtered, int64_t height, int64_t pixel, int64_t n, uint8_t *rows) {
    for (int64_t r = 0; r < height; r++)
        undo_row(filtered + r * (n + 1), r ? rows + (r - 1) * n : NULL, pixel, n, rows + r * n);
}

int64_t pm_png_check(const uint8_t *filtered, int64_t height, int64_t row_size) {
    int64_t r = 0;
    while (r < height && filtered[r * (row_size + 1)] <= FILTER_PAETH)
        r++;
    return r;
}

void pm_png_unfilter(const uint8_t *filtered, int64_t height, int64_t row_size, int pixel_size, uint8_t *rows) {
    if (row_size == 0)
        return;
    switch (pixel_size) {
    case 1:
        undo_rows(filtered, height, 1, row_size, rows);
        break;
    case 2:
        undo_rows(filtered, height, 2, row_size, rows);
        break;
    case 3:
        undo_rows(filtered, height, 3, row_size, rows);
        break;
    default:
        undo_rows(filtered, height, 4, row_size, rows);
    }
}

/* ---- ids of a row, where those of the row above are -------------------------------------------------------------- */

/* The lowest set bit from `from` on, or n. */
static inline int64_t next_bit(const uint64_t *bits, int64_t from, int64_t n) {
    if (from >= n)
        return n;
    int64_t t = from / 64;
    uint64_t word = bits[t] & ~UINT64_C(0) << (from % 64);
    while (word == 0) {
        if (++t == pm_words(n))
            return n;
        word = bits[t];
    }
    return 64 * t + pm_lowest_bit(word);
}

/* The next pixel whose difference is not zero, or the width. */
static inline int64_t next_pixel(const pm_png_ids *row, int64_t from) {
    return next_bit(row->nonzero, 3 * from, 3 * row->width) / 3;
}

static inline uint32_t load_pixel(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
}

/* Byte by byte, modulo 256. */
static inline uint32_t add_bytes(uint32_t a, uint32_t b) {
    return ((a & 0x7f7f7f) + (b & 0x7f7f7f)) ^ ((a ^ b) & 0x808080);
}

static inline uint32_t average_bytes(uint32_t a, uint32_t b) {
    return (a & b) + ((a ^ b) >> 1 & 0x7f7f7f);
}

static inline uint32_t paeth_bytes(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t bytes = 0;
    for (int shift = 0; shift < 24; shift += 8)
        bytes |= (uint32_t)paeth(a >> shift & 255, b >> shift & 255, c >> shift & 255) << shift;
    return bytes;
}

static inline void fill_ids(uint32_t *ids, int64_t begin, int64_t end, uint32_t id) {
    for (int64_t i = begin; i < end; i++)
        ids[i] = id;
}

static void next_sub(const uint8_t *filtered, pm_png_ids *row) {
    uint32_t id = 0;
    for (int64_t i = 0; i < row->width; i++) {
        int64_t pixel = next_pixel(row, i);
        fill_ids(row->ids, i, pixel, id);
        i = pixel;
        if (i < row->width)
            row->ids[i] = id = add_bytes(id, load_pixel(filtered + 3 * i));
    }
}

static void next_average(const uint8_t *filtered, pm_png_ids *row) {
    uint32_t id = 0;
    for (int64_t i = 0; i < row->width; i++)
        row->ids[i] = id = add_bytes(average_bytes(id, row->ids[i]), load_pixel(filtered + 3 * i));
}

/* Pixels from i on, and changes, are those of the row above. */
static void next_paeth(const uint8_t *filtered, pm_png_ids *row) {
    uint32_t *ids = row->ids;
    uint32_t left = 0;
    uint32_t above_left = 0;
    int64_t pixel = next_pixel(row, 0);
    for (int64_t i = 0; i < row->width;) {
        if (i < pixel && left == above_left) {
            i = pixel;
            left = above_left = ids[i - 1];
        } else if (i < pixel && ids[i] == above_left) {
            int64_t end = pm_min(pixel, next_bit(row->changes, i, row->width - 1) + 1);
            fill_ids(ids, i, end, left);
            i = end;
        } else {
            uint32_t above = ids[i];
            ids[i] = left = add_bytes(paeth_bytes(left, above, above_left), load_pixel(filtered + 3 * i));
            above_left = above;
            if (i == pixel)
                pixel = next_pixel(row, i + 1);
            i++;
        }
    }
}

/* Scratch:
 *
 *   changes  pm_words(width)
 *   nonzero  pm_words(3 x width)   bits of the bytes of a row that are not zero
 *   ids      width
 */
size_t pm_png_ids_scratch(int64_t width) {
    return (size_t)(pm_words(width) + pm_words(3 * width) + (width + 1) / 2) * sizeof(uint64_t);
}

pm_png_ids pm_png_ids_begin(int64_t width, void *scratch) {
    pm_png_ids row = {.width = width, .changes = scratch};
    row.nonzero = row.changes + pm_words(width);
    row.ids = (uint32_t *)(row.nonzero + pm_words(3 * width));
    memset(scratch, 0, pm_png_ids_scratch(width));
    return row;
}

void pm_png_ids_next(const uint8_t *filtered, pm_png_ids *row) {
    const pm_kernels *kernels = pm_cpu_kernels();
    int filter = *filtered++;
    if (row->width == 0)
        return;
    if (filter == FILTER_SUB || filter == FILTER_PAETH)
        kernels->pack(filtered, 3 * row->width, row->nonzero);
    switch (filter) {
    case FILTER_NONE:
        kernels->join_rgb(filtered, row->width, false, row->ids);
        break;
    case FILTER_SUB:
        next_sub(filtered, row);
        break;
    case FILTER_UP: /* without a look for zeros: 157 us instead of 181 for the pairs of ids of two files of COCO */
        kernels->add_rgb(filtered, row->width, row->ids);
        break;
    case FILTER_AVERAGE:
        next_average(filtered, row);
        break;
    default:
        PM_ASSERT(filter == FILTER_PAETH);
        next_paeth(filtered, row);
    }
    kernels->differs(row->ids, row->ids + 1, row->width - 1, sizeof *row->ids, row->changes);
}

void pm_png_unfilter_ids(const uint8_t *filtered, int64_t height, int64_t width, uint32_t *ids, void *scratch) {
    pm_png_ids row = pm_png_ids_begin(width, scratch);
    for (int64_t r = 0; r < height && width > 0; r++) {
        pm_png_ids_next(filtered + r * (3 * width + 1), &row);
        memcpy(ids + r * width, row.ids, (size_t)width * sizeof *ids);
    }
}
