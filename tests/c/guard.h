/* guard.h - memory that notices every access beyond its end, and every write before its start.
 *
 * Plain builds put the block right before a page without permissions; AddressSanitizer and MemorySanitizer have malloc
 * do the same to the byte. Alignment may leave a few bytes between the block and the page: they, and some before the
 * block, hold a pattern that guard_free checks.
 */
#ifndef GUARD_H
#define GUARD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define GUARD_BY_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define GUARD_BY_SANITIZER 1
#endif

#if defined(GUARD_BY_SANITIZER)

/* A block of no bytes is still a pointer, as numpy's are. */
static inline void *guard_new(size_t size, size_t alignment) {
    (void)alignment;
    void *block = malloc(size);
    if (!block)
        abort();
    return block;
}

static inline void guard_free(void *block) {
    free(block);
}

#else

enum {
    GUARD_BYTE = 0xc5,
    GUARD_FRONT = 64 /* bytes before a block: a guard_head, then the pattern */
};

/* What guard_free must know of a block. */
typedef struct guard_head {
    char *pages;
    size_t pages_size; /* without the guard page */
    size_t size;
} guard_head;

/* Pages are kept for the next block: a system call for each would be most of a test's time. */
enum { GUARD_KEPT = 64 };
static struct {
    char *pages;
    size_t size;
} guard_kept[GUARD_KEPT];

static inline char *guard_take_pages(size_t size, size_t page) {
    for (int i = 0; i < GUARD_KEPT; i++) {
        if (guard_kept[i].pages && guard_kept[i].size == size) {
            char *pages = guard_kept[i].pages;
            guard_kept[i].pages = NULL;
            return pages;
        }
    }
    char *pages = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + size, page, PROT_NONE) != 0) {
        perror("guard.h");
        abort();
    }
    return pages;
}

static inline void guard_give_pages(char *pages, size_t size, size_t page) {
    for (int i = 0; i < GUARD_KEPT; i++) {
        if (!guard_kept[i].pages) {
            guard_kept[i].pages = pages;
            guard_kept[i].size = size;
            return;
        }
    }
    munmap(pages, size + page);
}

/* A block of `size` bytes, filled with the pattern; alignment is a power of two. */
static inline void *guard_new(size_t size, size_t alignment) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages_size = page;
    while (pages_size < size + GUARD_FRONT + alignment) /* few different sizes, so that kept pages fit again */
        pages_size *= 2;
    char *pages = guard_take_pages(pages_size, page);
    char *block = (char *)((uintptr_t)(pages + pages_size - size) & ~(uintptr_t)(alignment - 1));
    guard_head head = {pages, pages_size, size};
    memset(block - GUARD_FRONT, GUARD_BYTE, (size_t)(pages + pages_size - block) + GUARD_FRONT);
    memcpy(block - GUARD_FRONT, &head, sizeof head);
    return block;
}

static inline void guard_check(const char *begin, const char *end, const char *what) {
    for (const char *at = begin; at < end; at++) {
        if ((unsigned char)*at != GUARD_BYTE) {
            fprintf(stderr, "guard.h: a byte %s a block was overwritten\n", what);
            abort();
        }
    }
}

static inline void guard_free(void *block) {
    guard_head head;
    char *bytes = block;
    memcpy(&head, bytes - GUARD_FRONT, sizeof head);
    guard_check(bytes - GUARD_FRONT + sizeof head, bytes, "before");
    guard_check(bytes + head.size, head.pages + head.pages_size, "after");
    guard_give_pages(head.pages, head.pages_size, (size_t)sysconf(_SC_PAGESIZE));
}

#endif

/* Room for n values of one type. */
#define GUARD_ARRAY(type, n) ((type *)guard_new((size_t)(n) * sizeof(type), _Alignof(type)))

/* Scratch memory, aligned like malloc's. */
static inline void *guard_scratch(size_t size) {
    return guard_new(size, 16);
}

#endif
