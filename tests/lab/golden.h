/* golden.h - for the tests of the lab: the golden file and arrays out of it. */
#ifndef MEWL_TESTS_LAB_GOLDEN_H
#define MEWL_TESTS_LAB_GOLDEN_H

#include "../base/golden_json.h"
#include "lab/events.h"

static inline json_t *golden_read(void)
{
    return golden_open(MEWL_GOLDEN "/metrics.json");
}

static inline double golden_number(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
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
