#include "learn/bytes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they lie in memory");

void mewl_bytes_put_u32(mewl_buffer *out, uint32_t value)
{
    mewl_buffer_push(out, &value, sizeof value);
}

void mewl_bytes_put_u64(mewl_buffer *out, uint64_t value)
{
    mewl_buffer_push(out, &value, sizeof value);
}

void mewl_bytes_put_f64(mewl_buffer *out, double value)
{
    mewl_buffer_push(out, &value, sizeof value);
}

void mewl_bytes_put_head(mewl_buffer *out, const char *tag, uint32_t version)
{
    mewl_buffer_push(out, tag, 4);
    mewl_bytes_put_u32(out, version);
}

void mewl_bytes_put_f64s(mewl_buffer *out, const double *values, size_t count)
{
    mewl_bytes_put_u64(out, count);
    mewl_buffer_push(out, values, count * sizeof *values);
}

void mewl_bytes_put_f32s(mewl_buffer *out, const float *values, size_t count)
{
    mewl_bytes_put_u64(out, count);
    mewl_buffer_push(out, values, count * sizeof *values);
}

void mewl_bytes_put_blob(mewl_buffer *out, const void *data, size_t size)
{
    mewl_bytes_put_u64(out, size);
    mewl_buffer_push(out, data, size);
}

static mewl_status take(mewl_bytes *in, void *out, size_t size, mewl_error *err)
{
    if (size > in->size - in->at) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: ends at byte %zu, in the middle of a model", in->name, in->size);
    }
    memcpy(out, in->data + in->at, size);
    in->at += size;
    return MEWL_OK;
}

mewl_status mewl_bytes_get_head(mewl_bytes *in, uint32_t *version, const char *tag, uint32_t max_version,
                                mewl_error *err)
{
    char found[4];
    uint32_t number = 0;
    size_t start = in->at;
    MEWL_TRY(take(in, found, sizeof found, err));
    MEWL_TRY(take(in, &number, sizeof number, err));
    if (memcmp(found, tag, 4) != 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: no \"%s\" at byte %zu", in->name, tag, start);
    }
    if (number == 0 || number > max_version) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: \"%s\" of version %u; this Mewl knows 1 to %u", in->name,
                              tag, (unsigned)number, (unsigned)max_version);
    }
    if (version != NULL) {
        *version = number;
    }
    return MEWL_OK;
}

mewl_status mewl_bytes_get_u32(mewl_bytes *in, uint32_t *value, mewl_error *err)
{
    return take(in, value, sizeof *value, err);
}

mewl_status mewl_bytes_get_u64(mewl_bytes *in, uint64_t *value, mewl_error *err)
{
    return take(in, value, sizeof *value, err);
}

static bool is_good(const mewl_bytes *in, double value)
{
    return isfinite(value) && (in->most == 0 || fabs(value) <= in->most);
}

mewl_status mewl_bytes_get_f64(mewl_bytes *in, double *value, mewl_error *err)
{
    MEWL_TRY(take(in, value, sizeof *value, err));
    if (!is_good(in, *value)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: byte %zu is not a finite number, or far too large a one",
                              in->name, in->at - sizeof *value);
    }
    return MEWL_OK;
}

mewl_status mewl_bytes_get_count(mewl_bytes *in, size_t *count, size_t low, size_t high, const char *what,
                                 mewl_error *err)
{
    uint64_t value = 0;
    MEWL_TRY(mewl_bytes_get_u64(in, &value, err));
    if (value < low || value > high) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: %s is %llu, outside %zu to %zu", in->name, what,
                              (unsigned long long)value, low, high);
    }
    *count = (size_t)value;
    return MEWL_OK;
}

/* The bytes of an array of exactly `count` elements, borrowed. */
static mewl_status find_array(mewl_bytes *in, const void **data, size_t count, size_t element, mewl_error *err)
{
    uint64_t found = 0;
    MEWL_TRY(mewl_bytes_get_u64(in, &found, err));
    if (found != count) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: an array of %llu numbers at byte %zu, not of %zu", in->name,
                              (unsigned long long)found, in->at, count);
    }
    if (count > (in->size - in->at) / element) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: ends at byte %zu, in the middle of an array", in->name,
                              in->size);
    }
    *data = in->data + in->at;
    in->at += count * element;
    return MEWL_OK;
}

/* `count` numbers of `element` bytes, copied to what is malloc'd; all finite. */
static mewl_status get_numbers(mewl_bytes *in, void **out, size_t count, size_t element, mewl_error *err)
{
    *out = NULL;
    const void *data = NULL;
    MEWL_TRY(find_array(in, &data, count, element, err));
    void *values = malloc(count * element + 1);
    if (values == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory for %zu numbers", in->name, count);
    }
    memcpy(values, data, count * element);
    for (size_t i = 0; i < count; i++) {
        const double value = element == sizeof(double) ? ((double *)values)[i] : (double)((float *)values)[i];
        if (!is_good(in, value)) {
            free(values);
            return mewl_error_set(err, MEWL_E_FORMAT,
                                  "%s: number %zu of the array before byte %zu is not finite, or far too large",
                                  in->name, i, in->at);
        }
    }
    *out = values;
    return MEWL_OK;
}

mewl_status mewl_bytes_get_f64s(mewl_bytes *in, double **out, size_t count, mewl_error *err)
{
    void *values = NULL;
    const mewl_status status = get_numbers(in, &values, count, sizeof **out, err);
    *out = values;
    return status;
}

mewl_status mewl_bytes_get_f32s(mewl_bytes *in, float **out, size_t count, mewl_error *err)
{
    void *values = NULL;
    const mewl_status status = get_numbers(in, &values, count, sizeof **out, err);
    *out = values;
    return status;
}

mewl_status mewl_bytes_get_blob(mewl_bytes *in, const void **data, size_t *size, mewl_error *err)
{
    uint64_t found = 0;
    MEWL_TRY(mewl_bytes_get_u64(in, &found, err));
    if (found > in->size - in->at) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: %llu bytes announced, %zu left", in->name,
                              (unsigned long long)found, in->size - in->at);
    }
    *data = in->data + in->at;
    *size = (size_t)found;
    in->at += *size;
    return MEWL_OK;
}

mewl_status mewl_bytes_end(const mewl_bytes *in, mewl_error *err)
{
    if (in->at != in->size) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: %zu bytes after the end of the model", in->name,
                              in->size - in->at);
    }
    return MEWL_OK;
}
