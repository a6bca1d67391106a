/* pm_cpu.c - what this machine can do; the only place that chooses among the kernel tables, and the only state. */
#include "panomask.h"
#include "pm_kernels.h"

#include <stdlib.h>

#if defined(PM_HAVE_AVX2)
static bool cpu_has_avx2(void) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && /* asks the operating system for the registers too */
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
#else
    int leaf[4];
    __cpuid(leaf, 0);
    if (leaf[0] < 7)
        return false;
    __cpuid(leaf, 1);
    bool os_saves = (leaf[2] >> 27 & 1) && (leaf[2] >> 28 & 1) && (_xgetbv(0) & 6) == 6;
    bool has_popcnt = leaf[2] >> 23 & 1;
    __cpuidex(leaf, 7, 0);
    return os_saves && has_popcnt && (leaf[1] >> 5 & 1) && (leaf[1] >> 3 & 1); /* AVX2, BMI1 */
#endif
}
#endif

#if defined(PM_HAVE_AVX512)
static bool cpu_has_avx512(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vpopcntdq") &&
           __builtin_cpu_supports("gfni") && __builtin_cpu_supports("bmi2");
}
#endif

/* The tables this machine can run, best first; returns how many. */
enum { MOST_TABLES = 3 };
static int list_tables(const pm_kernels *tables[MOST_TABLES]) {
    int n = 0;
#if defined(PM_HAVE_AVX512)
    if (cpu_has_avx512())
        tables[n++] = &pm_kernels_avx512;
#endif
#if defined(PM_HAVE_AVX2)
    if (cpu_has_avx2())
        tables[n++] = &pm_kernels_avx2;
#endif
#if defined(PM_HAVE_NEON)
    tables[n++] = &pm_kernels_neon; /* part of the architecture */
#endif
    tables[n++] = &pm_kernels_portable;
    return n;
}

static const pm_kernels *choose_table(void) {
    const pm_kernels *tables[MOST_TABLES];
    int n = list_tables(tables);
    const char *wanted = getenv("PANOMASK_ISA");
    for (int i = 0; wanted && i < n; i++)
        if (strcmp(wanted, tables[i]->name) == 0)
            return tables[i];
    return tables[0];
}

/* Threads that come here together all store the same pointer. */
const pm_kernels *pm_cpu_kernels(void) {
#if defined(_MSC_VER)
    static const pm_kernels *volatile chosen;
#else
    static const pm_kernels *chosen;
#endif
    const pm_kernels *kernels = PM_LOAD_POINTER(chosen);
    if (!kernels) {
        kernels = choose_table();
        PM_STORE_POINTER(chosen, kernels);
    }
    return kernels;
}

const char *pm_cpu_available(int i) {
    const pm_kernels *tables[MOST_TABLES];
    int n = list_tables(tables);
    return i >= 0 && i < n ? tables[i]->name : NULL;
}

const char *pm_cpu_name(void) {
    return pm_cpu_kernels()->name;
}
