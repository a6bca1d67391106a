/* pm_grid.h - rows and columns of an image whose pixels are counted down its columns. */
#ifndef PM_GRID_H
#define PM_GRID_H

#include "pm_base.h"

/* An image, and what divides by its height. */
typedef struct pm_grid {
    int64_t height;
    int64_t pixels;
    uint64_t factor; /* 2^64 / height, rounded up; 0: divide */
} pm_grid;

/* The product with a factor that is off by e < 1 is off by pixels * e / 2^64, which does not carry a quotient over the
 * next multiple of 1 / height while pixels * height < 2^64. */
static inline pm_grid pm_grid_of(int64_t height, int64_t width) {
    pm_grid grid = {height, height * width, 0};
    uint64_t quotient = UINT64_MAX / (uint64_t)pm_max(height, 1);
    if (height > 1 && (uint64_t)grid.pixels < quotient)
        grid.factor = quotient + 1;
    return grid;
}

static inline int64_t pm_grid_column(const pm_grid *grid, int64_t position) {
    if (PM_UNLIKELY(grid->factor == 0))
        return position / grid->height;
    return (int64_t)pm_multiply_high(grid->factor, (uint64_t)position);
}

/* A box in pixels, half-open; empty when right is 0. */
typedef struct pm_box {
    int64_t left;
    int64_t top;
    int64_t right;
    int64_t bottom;
} pm_box;

#endif
