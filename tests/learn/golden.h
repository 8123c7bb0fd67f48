/* golden.h - for the tests of learn: scikit-learn's answers, comparing numbers, and what every model's bytes must
 * stand. */
#ifndef MEWL_TESTS_LEARN_GOLDEN_H
#define MEWL_TESTS_LEARN_GOLDEN_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/rng.h"
#include "learn/bytes.h"

/* Relative to the largest of the numbers compared. */
#define GOLDEN_TOLERANCE 1e-6

static inline json_t *golden_read(void)
{
    json_t *document = NULL;
    mewl_error err = {0};
    if (mewl_json_read(&document, MEWL_GOLDEN "/learn.json", 4 << 20, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return document;
}

static inline const json_t *golden_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_non_null(value);
    return value;
}

static inline double golden_number(const json_t *object, const char *key)
{
    assert_true(json_is_number(golden_at(object, key)));
    return json_number_value(golden_at(object, key));
}

static inline size_t golden_size(const json_t *object, const char *key)
{
    assert_true(json_is_integer(golden_at(object, key)));
    return (size_t)json_integer_value(golden_at(object, key));
}

/* malloc'd numbers; *count may be NULL. */
static inline double *golden_doubles(const json_t *object, const char *key, size_t *count)
{
    const json_t *array = golden_at(object, key);
    assert_true(json_is_array(array) && json_array_size(array) > 0);
    size_t n = json_array_size(array);
    double *out = calloc(n, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < n; i++) {
        assert_true(json_is_number(json_array_get(array, i)));
        out[i] = json_number_value(json_array_get(array, i));
    }
    if (count != NULL) {
        *count = n;
    }
    return out;
}

static inline int *golden_ints(const json_t *object, const char *key, size_t *count)
{
    size_t n = 0;
    double *values = golden_doubles(object, key, &n);
    int *out = calloc(n, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < n; i++) {
        out[i] = (int)values[i];
    }
    free(values);
    if (count != NULL) {
        *count = n;
    }
    return out;
}

static inline void assert_close(const char *what, const double *ours, const double *theirs, size_t count)
{
    double top = 0;
    for (size_t i = 0; i < count; i++) {
        top = fmax(top, fabs(theirs[i]));
    }
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(ours[i] - theirs[i]) <= GOLDEN_TOLERANCE * top)) {
            fail_msg("%s[%zu]: %.12g, not %.12g", what, i, ours[i], theirs[i]);
        }
    }
}

/* A load of some model, judged and let go: whatever comes back, nothing may crash or leak. */
typedef mewl_status (*golden_try_load)(mewl_bytes *in, mewl_error *err);

/* Every shorter run of bytes must be refused; changed bytes may be refused or accepted, from a seed that is printed. */
static inline void assert_bytes_are_checked(const mewl_buffer *saved, golden_try_load try_load)
{
    assert_false(saved->failed);
    mewl_error err = {0};
    for (size_t size = 0; size < saved->size; size += 1 + size / 16) {
        char *copy = malloc(size + 1); /* its own block, so that a read beyond it is seen */
        assert_non_null(copy);
        memcpy(copy, saved->data, size);
        mewl_bytes in = {.data = (const unsigned char *)copy, .size = size, .name = "cut"};
        if (try_load(&in, &err) == MEWL_OK) {
            fail_msg("%zu of %zu bytes were accepted", size, saved->size);
        }
        assert_true(err.text[0] != '\0');
        free(copy);
    }
    const uint64_t seed = 20261121;
    mewl_rng rng = mewl_rng_seeded(seed);
    char *copy = malloc(saved->size);
    assert_non_null(copy);
    for (size_t round = 0; round < 2000; round++) {
        memcpy(copy, saved->data, saved->size);
        for (size_t k = mewl_rng_below(&rng, 4) + 1; k > 0; k--) {
            size_t span = round % 2 == 0 && saved->size > 64 ? 64 : saved->size; /* the head is where sizes are */
            copy[mewl_rng_below(&rng, span)] = (char)mewl_rng_below(&rng, 256);
        }
        mewl_bytes in = {.data = (const unsigned char *)copy, .size = saved->size, .name = "changed"};
        try_load(&in, &err);
    }
    free(copy);
}

/* What was saved, to be read from its start. */
static inline mewl_bytes golden_bytes(const mewl_buffer *saved)
{
    return (mewl_bytes){.data = (const unsigned char *)saved->data, .size = saved->size, .name = "saved"};
}

#endif
