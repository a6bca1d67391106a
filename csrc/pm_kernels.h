/* pm_kernels.h - the inner loops that exist once per instruction set, with the contract of each.
 *
 * "Bits" are 64 pixels a word, the first pixel in the lowest bit.
 */
#ifndef PM_KERNELS_H
#define PM_KERNELS_H

#include "pm_base.h"

typedef struct pm_kernels {
    const char *name;

    /* Bytes -> bits: a bit is set where its byte is not zero. Writes pm_words(n) words; bits past n are zero. Reads no
     * byte past n. */
    void (*pack)(const uint8_t *bytes, int64_t n, uint64_t *bits);

    /* Bits -> bytes: `one` where the bit is set, else zero. Writes exactly n bytes. */
    void (*unpack)(const uint64_t *bits, int64_t n, uint8_t one, uint8_t *bytes);
} pm_kernels;

extern const pm_kernels pm_kernels_portable;

#if (defined(__x86_64__) || defined(_M_X64)) && !defined(PM_PORTABLE_ONLY)
#define PM_HAVE_AVX2 1
extern const pm_kernels pm_kernels_avx2;
#endif

/* The table in use; pm_cpu.c chooses. */
const pm_kernels *pm_cpu_kernels(void);

#endif
