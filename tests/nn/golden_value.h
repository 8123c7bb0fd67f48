/* golden_value.h - the formula of tools/golden_nn.py, from which weights and inputs of golden files come. */
#ifndef MEWL_TESTS_NN_GOLDEN_VALUE_H
#define MEWL_TESTS_NN_GOLDEN_VALUE_H

#include <stdint.h>

/* Number `index` of those called `name`, in [-1, 1). */
static inline double golden_value(const char *name, uint64_t index)
{
    uint32_t h = 2166136261u;
    for (const char *c = name; *c != '\0'; c++) {
        h = (h ^ (unsigned char)*c) * 16777619u;
    }
    h += (uint32_t)index;
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    h ^= h >> 16;
    return (double)h / 2147483648.0 - 1.0;
}

#endif
