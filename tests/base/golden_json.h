/* golden_json.h - golden files in JSON: the document, and arrays of numbers out of it. For tests; whatever is wrong
 * with the file fails the test. */
#ifndef MEWL_TESTS_BASE_GOLDEN_JSON_H
#define MEWL_TESTS_BASE_GOLDEN_JSON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"

static inline json_t *golden_open(const char *path)
{
    json_t *document = NULL;
    mewl_error err = {0};
    if (mewl_json_read(&document, path, 4 << 20, &err) != MEWL_OK) {
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

#endif
