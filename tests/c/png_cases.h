/* png_cases.h - files of chunks, good and broken, and what is in them: for test_png.c and fuzz_png.c. */
#ifndef PNG_CASES_H
#define PNG_CASES_H

#include <string.h>

#include "guard.h"
#include "panomask.h"

enum { PNG_MOST_CHUNKS = 6, PNG_MOST_CONTENTS = 40, PNG_MOST_FILE = 8 + PNG_MOST_CHUNKS * (12 + PNG_MOST_CONTENTS) };

typedef uint8_t png_next(void *from);

/* The CRC-32 of ISO 3309, bit by bit. */
static inline uint32_t png_crc(const uint8_t *bytes, int64_t n) {
    uint32_t crc = UINT32_MAX;
    for (int64_t i = 0; i < 8 * n; i++) {
        uint32_t bit = (crc ^ (uint32_t)bytes[i / 8] >> (i % 8)) & 1;
        crc = crc >> 1 ^ (bit ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

static inline void png_put(uint8_t *out, uint32_t number) {
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(number >> (24 - 8 * i));
}

static inline uint32_t png_get(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Mostly IHDR, some IDAT and IEND, with some other chunk, wrong byte or cut. Returns the size. */
static inline int64_t png_draw(png_next *next, void *from, uint8_t *file) {
    static const char types[][5] = {"IDAT", "IDAT", "IDAT", "tEXt", "PLTE", "IHDR", "QUIZ", "I?AT"};
    int64_t size = 8;
    int n = next(from) % PNG_MOST_CHUNKS + 1;
    memcpy(file, "\x89PNG\r\n\x1a\n", 8);
    for (int k = 0; k < n; k++) {
        uint8_t byte = next(from);
        const char *type = types[byte % 16 < 8 ? byte % 3 : byte % 8];
        if (byte < 240 && (k == 0 || k == n - 1))
            type = k == 0 ? "IHDR" : "IEND";
        int64_t contents = next(from) % (PNG_MOST_CONTENTS + 1);
        uint8_t *chunk = file + size;
        png_put(chunk, (uint32_t)contents);
        memcpy(chunk + 4, type, 4);
        for (int64_t i = 0; i < contents; i++)
            chunk[8 + i] = next(from);
        png_put(chunk + 8 + contents, png_crc(chunk + 4, 4 + contents));
        size += 12 + contents;
    }
    uint8_t fault = next(from);
    if (fault % 4 == 0)
        file[(next(from) + 256 * next(from)) % size] ^= (uint8_t)(1 << next(from) % 8);
    if (fault % 16 == 1)
        size = (next(from) + 256 * next(from)) % (size + 1);
    return size;
}

/* The definition; the contents of the IDAT chunks go to `data`. */
static inline pm_png_fault png_open_slowly(const uint8_t *file, int64_t size, pm_png_chunks *out, uint8_t *data) {
    *out = (pm_png_chunks){.at = 8};
    bool has_data = false;
    if (size < 8 || memcmp(file, "\x89PNG\r\n\x1a\n", 8) != 0)
        return PM_PNG_NO_SIGNATURE;
    while (out->at + 12 <= size) {
        const uint8_t *chunk = file + out->at;
        char type[5] = "";
        memcpy(type, chunk + 4, 4);
        out->size = png_get(chunk);
        for (int i = 0; i < 4; i++)
            if (!((type[i] >= 'a' && type[i] <= 'z') || (type[i] >= 'A' && type[i] <= 'Z')))
                return PM_PNG_BAD_TYPE;
        if (out->at + 12 + out->size > size)
            return PM_PNG_TRUNCATED;
        out->found = png_get(chunk + 8 + out->size);
        out->expected = png_crc(chunk + 4, 4 + out->size);
        if (out->found != out->expected)
            return PM_PNG_BAD_CHECKSUM;
        bool is_header = strcmp(type, "IHDR") == 0;
        if (is_header != (out->header == 0))
            return PM_PNG_BAD_ORDER;
        if (strcmp(type, "IEND") == 0)
            return has_data ? PM_PNG_OK : PM_PNG_NO_DATA;
        if (is_header) {
            out->header = out->at + 8;
            out->header_size = out->size;
        } else if (strcmp(type, "IDAT") == 0) {
            memcpy(data + out->data_size, chunk + 8, (size_t)out->size);
            out->data_size += out->size;
            has_data = true;
        } else if (type[0] >= 'A' && type[0] <= 'Z' && strcmp(type, "PLTE") != 0) {
            return PM_PNG_UNKNOWN;
        }
        out->at += 12 + out->size;
    }
    return PM_PNG_NO_END;
}

/* Whether a file is opened as the definition does it; the fault. */
static inline bool png_agrees(const uint8_t *file, int64_t size, pm_png_fault *fault) {
    uint8_t data[PNG_MOST_FILE];
    pm_png_chunks expected;
    pm_png_chunks found;
    uint8_t *copy = guard_new((size_t)size, 1);
    if (size > 0)
        memcpy(copy, file, (size_t)size);
    *fault = pm_png_open(copy, size, &found);
    bool agrees = *fault == png_open_slowly(file, size, &expected, data) && found.header == expected.header &&
                  found.header_size == expected.header_size;
    if (agrees && *fault == PM_PNG_OK)
        agrees = found.data_size == expected.data_size && memcmp(copy + found.data, data, (size_t)found.data_size) == 0;
    else if (agrees && *fault != PM_PNG_NO_SIGNATURE)
        agrees = found.at == expected.at && (*fault == PM_PNG_NO_END || found.size == expected.size);
    if (*fault == PM_PNG_BAD_CHECKSUM)
        agrees = agrees && found.found == expected.found && found.expected == expected.expected;
    guard_free(copy);
    return agrees;
}

#endif
