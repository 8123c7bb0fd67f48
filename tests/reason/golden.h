/* golden.h - for the tests of reason: the golden file and arrays out of it. */
#ifndef MEWL_TESTS_REASON_GOLDEN_H
#define MEWL_TESTS_REASON_GOLDEN_H

#include "../base/golden_json.h"

static inline json_t *golden_read(void)
{
    return golden_open(GOLDEN "/reason.json");
}

static inline float *golden_floats(const json_t *array, size_t *count)
{
    double *wide = golden_doubles(array, count);
    float *out = calloc(*count + 1, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < *count; i++) {
        out[i] = (float)wide[i];
    }
    free(wide);
    return out;
}

static inline int *golden_ints(const json_t *array, size_t *count)
{
    double *wide = golden_doubles(array, count);
    int *out = calloc(*count + 1, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < *count; i++) {
        out[i] = (int)wide[i];
    }
    free(wide);
    return out;
}

#endif
