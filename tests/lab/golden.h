/* golden.h - for the tests of the lab: the golden file and arrays out of it. */
#ifndef MEWL_TESTS_LAB_GOLDEN_H
#define MEWL_TESTS_LAB_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "lab/events.h"

static inline json_t *golden_read(void)
{
    json_t *document = NULL;
    mewl_error err = {0};
    if (mewl_json_read(&document, MEWL_GOLDEN "/metrics.json", 4 << 20, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return document;
}

static inline double golden_number(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

/* Array of numbers as doubles, malloc'd. */
static inline double *golden_doubles(const json_t *array, size_t *count)
{
    assert_true(json_is_array(array));
    *count = json_array_size(array);
    double *out = calloc(*count + 1, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < *count; i++) {
        out[i] = json_number_value(json_array_get(array, i));
    }
    return out;
}

/* Array of [clip, (label,) onset, offset], malloc'd. */
static inline mewl_span *golden_spans(const json_t *array, size_t *count)
{
    assert_true(json_is_array(array));
    *count = json_array_size(array);
    mewl_span *out = calloc(*count + 1, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < *count; i++) {
        const json_t *row = json_array_get(array, i);
        size_t n = json_array_size(row);
        assert_true(n == 3 || n == 4);
        out[i].clip = (uint32_t)json_integer_value(json_array_get(row, 0));
        out[i].label = n == 4 ? (uint32_t)json_integer_value(json_array_get(row, 1)) : 0;
        out[i].onset_s = json_number_value(json_array_get(row, n - 2));
        out[i].offset_s = json_number_value(json_array_get(row, n - 1));
    }
    return out;
}

#endif
