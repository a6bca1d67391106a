/* pm_base.h - compiler and integer matters; knows nothing of masks. */
#ifndef PM_BASE_H
#define PM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

/* What a caller promised. Off in release builds: the checks at the border make it true. */
#if defined(PM_DEBUG)
#include <assert.h>
#define PM_ASSERT(condition) assert(condition)
#else
#define PM_ASSERT(condition) ((void)0)
#endif

#if defined(__GNUC__) || defined(__clang__)
#define PM_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define PM_PREFETCH(address) __builtin_prefetch(address)
#define PM_NOINLINE __attribute__((noinline))
#else
#define PM_UNLIKELY(condition) (condition)
#define PM_PREFETCH(address) ((void)(address))
#define PM_NOINLINE
#endif

static inline int64_t pm_min(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t pm_max(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Index of the lowest set bit; x is not 0. */
static inline int pm_lowest_bit(uint64_t x) {
#if defined(_MSC_VER) && defined(_WIN64)
    unsigned long index;
    _BitScanForward64(&index, x);
    return (int)index;
#elif defined(__GNUC__) || defined(__clang__)
    return __builtin_ctzll(x);
#else
    int index = 0;
    while (!(x & 1)) {
        x >>= 1;
        index++;
    }
    return index;
#endif
}

/* Ones in bits first .. last of a word, 0 <= first <= last < 64. */
static inline uint64_t pm_bit_range(int first, int last) {
    return (~UINT64_C(0) << first) & (~UINT64_C(0) >> (63 - last));
}

/* Words of 64 bits that hold `bits` bits. */
static inline int64_t pm_words(int64_t bits) {
    return (bits + 63) / 64;
}

/* Eight bytes as a word, the first one lowest. */
static inline uint64_t pm_load_little_endian64(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Spread pairs of numbers over a hash table, which takes as many of the low bits as it has use for. Multiples of powers
 * of two, numbers that follow one another and equal pairs all spread: products with odd factors, the upper half folded
 * into the lower, and the high bits of a last product. Where the table lies is mixed in, lest numbers be made up that all
 * fall into one place: 16384 such ids took 390 ms instead of 14. Nothing that is given out may go by the order. */
static inline uint64_t pm_hash_pair(uint64_t a, uint64_t b, const void *table) {
    uint64_t place = (uint64_t)(uintptr_t)table; /* even, so that the second factor stays odd */
    uint64_t x = (a ^ place) * UINT64_C(0x9e3779b97f4a7c15) + (b ^ b >> 32) * (UINT64_C(0xd6e8feb86659fd93) ^ place);
    x ^= x >> 32;
    return x * UINT64_C(0xff51afd7ed558ccd) >> 20;
}

/* The upper half of a product of 128 bits. */
static inline uint64_t pm_multiply_high(uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)a * b >> 64);
#elif defined(_MSC_VER) && (defined(_M_X64) || defined(_M_ARM64))
    return __umulh(a, b);
#else
    uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    uint64_t middle = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    uint64_t other = (a & UINT32_MAX) * (b >> 32) + (middle & UINT32_MAX);
    return (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32);
#endif
}

/* A pointer that several threads may set to the same value at once. */
#if defined(__GNUC__) || defined(__clang__)
#define PM_LOAD_POINTER(place) __atomic_load_n(&(place), __ATOMIC_ACQUIRE)
#define PM_STORE_POINTER(place, value) __atomic_store_n(&(place), value, __ATOMIC_RELEASE)
#else /* MSVC: aligned volatile accesses have these semantics by default */
#define PM_LOAD_POINTER(place) (place)
#define PM_STORE_POINTER(place, value) ((place) = (value))
#endif

#endif
