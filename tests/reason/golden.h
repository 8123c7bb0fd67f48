/* golden.h - for the tests of reason: the golden file and arrays out of it. */
#ifndef MEWL_TESTS_REASON_GOLDEN_H
#define MEWL_TESTS_REASON_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"

static inline json_t *golden_read(void)
{
    json_t *document = NULL;
    mewl_error err = {0};
    if (mewl_json_read(&document, GOLDEN "/reason.json", 4 << 20, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return document;
}

/* Array of numbers as doubles, malloc'd; NULL for null. */
static inline double *golden_doubles(const json_t *array, size_t *count)
{
    *count = 0;
    if (json_is_null(array)) {
        return NULL;
    }
    assert_true(json_is_array(array));
    *count = json_array_size(array);
    double *out = calloc(*count + 1, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < *count; i++) {
        out[i] = json_number_value(json_array_get(array, i));
    }
    return out;
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
