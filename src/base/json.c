/* json.c - see json.h. */
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"

mewl_status mewl_json_parse(json_t **out, const char *text, size_t bytes, const char *name, mewl_error *err)
{
    json_error_t reason;
    *out = json_loadb(text != NULL ? text : "", bytes, JSON_REJECT_DUPLICATES, &reason);
    if (*out != NULL) {
        return MEWL_OK;
    }
    if (json_error_code(&reason) == json_error_out_of_memory) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory reading JSON", name);
    }
    return mewl_error_set(err, MEWL_E_FORMAT, "%s: line %d, column %d: not valid JSON: %s", name, reason.line,
                          reason.column, reason.text);
}

mewl_status mewl_json_read(json_t **out, const char *path, size_t max_bytes, mewl_error *err)
{
    *out = NULL;
    char *text = NULL;
    size_t bytes = 0;
    MEWL_TRY(mewl_file_read_all(&text, &bytes, path, max_bytes, err));
    mewl_status status = mewl_json_parse(out, text, bytes, path, err);
    free(text);
    return status;
}

json_t *mewl_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Bytes of the UTF-8 character at `s`, 0 when there is none (Unicode 15, table 3-7: no overlong forms, no surrogates).
 */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80) {
        return 1;
    }
    size_t length = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
                    : s[0] >= 0xe0 && s[0] <= 0xef ? 3
                    : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                                   : 0;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) { /* also stops at the NUL */
            return 0;
        }
    }
    bool forbidden = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
                     (s[0] == 0xf4 && s[1] > 0x8f);
    return forbidden ? 0 : length;
}

json_t *mewl_json_string(const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    size_t bytes = strlen(text);
    if (bytes > SIZE_MAX / 8) {
        return NULL;
    }
    mewl_buffer valid;
    mewl_buffer_init(&valid, bytes * 3);
    const unsigned char *s = (const unsigned char *)text;
    while (*s != '\0') {
        size_t length = utf8_length(s);
        if (length > 0) {
            (void)mewl_buffer_push(&valid, s, length);
        } else {
            (void)mewl_buffer_push(&valid, "\xef\xbf\xbd", 3);
        }
        s += length > 0 ? length : 1;
    }
    size_t size = 0;
    char *taken = mewl_buffer_take(&valid, &size);
    mewl_buffer_fini(&valid);
    json_t *string = taken != NULL ? json_stringn_nocheck(taken, size) : NULL;
    free(taken);
    return string;
}

mewl_status mewl_json_set(json_t *object, const char *key, json_t *value)
{
    /* jansson drops the reference itself when it fails, and takes NULL for either argument as a failure. */
    return json_object_set_new(object, key, value) == 0 ? MEWL_OK : MEWL_E_MEMORY;
}

mewl_status mewl_json_set_real(json_t *object, const char *key, double value)
{
    return mewl_json_set(object, key, mewl_json_real(value));
}

mewl_status mewl_json_set_int(json_t *object, const char *key, int64_t value)
{
    return mewl_json_set(object, key, json_integer(value));
}

mewl_status mewl_json_set_bool(json_t *object, const char *key, bool value)
{
    return mewl_json_set(object, key, json_boolean(value));
}

mewl_status mewl_json_set_string(json_t *object, const char *key, const char *text)
{
    return mewl_json_set(object, key, mewl_json_string(text));
}

static mewl_status find(const json_t *object, const json_t **out, const char *key, const char *name, mewl_error *err)
{
    *out = NULL;
    if (!json_is_object(object)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: not a JSON object where \"%s\" is looked for", name, key);
    }
    *out = json_object_get(object, key);
    if (*out == NULL) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "%s: \"%s\" is missing", name, key);
    }
    return MEWL_OK;
}

mewl_status mewl_json_get_string(const json_t *object, const char **out, const char *key, const char *name,
                                 mewl_error *err)
{
    const json_t *value = NULL;
    MEWL_TRY(find(object, &value, key, name, err));
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: \"%s\" is not a text", name, key);
    }
    *out = json_string_value(value);
    return MEWL_OK;
}

mewl_status mewl_json_get_real(const json_t *object, double *out, const char *key, const char *name, mewl_error *err)
{
    const json_t *value = NULL;
    MEWL_TRY(find(object, &value, key, name, err));
    if (!json_is_number(value)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: \"%s\" is not a number", name, key);
    }
    *out = json_number_value(value);
    return MEWL_OK;
}

mewl_status mewl_json_get_int(const json_t *object, int64_t *out, const char *key, const char *name, mewl_error *err)
{
    const json_t *value = NULL;
    MEWL_TRY(find(object, &value, key, name, err));
    if (!json_is_integer(value)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: \"%s\" is not a whole number", name, key);
    }
    *out = json_integer_value(value);
    return MEWL_OK;
}

mewl_status mewl_json_get_bool(const json_t *object, bool *out, const char *key, const char *name, mewl_error *err)
{
    const json_t *value = NULL;
    MEWL_TRY(find(object, &value, key, name, err));
    if (!json_is_boolean(value)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: \"%s\" is not true or false", name, key);
    }
    *out = json_is_true(value);
    return MEWL_OK;
}

char *mewl_json_text(const json_t *document, bool pretty)
{
    size_t layout = pretty ? JSON_INDENT(2) : JSON_COMPACT;
    return json_dumps(document, layout | JSON_REAL_PRECISION(MEWL_JSON_DIGITS) | JSON_ENCODE_ANY);
}

mewl_status mewl_json_print(const json_t *document, FILE *stream, bool pretty, mewl_error *err)
{
    char *text = mewl_json_text(document, pretty);
    if (text == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory writing JSON");
    }
    errno = 0;
    bool written = fputs(text, stream) >= 0 && fputc('\n', stream) != EOF && fflush(stream) == 0;
    int reason = errno;
    free(text);
    return written ? MEWL_OK : mewl_error_errno(err, reason != 0 ? reason : EIO, "output");
}

mewl_status mewl_json_write(const json_t *document, const char *path, mewl_error *err)
{
    char *text = mewl_json_text(document, true);
    if (text == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory writing JSON", path);
    }
    mewl_file_writer *writer = NULL;
    mewl_status status = mewl_file_writer_open(&writer, path, err);
    if (status == MEWL_OK) {
        status = mewl_file_writer_push(writer, text, strlen(text), err);
    }
    if (status == MEWL_OK) {
        status = mewl_file_writer_push(writer, "\n", 1, err);
    }
    if (status == MEWL_OK) {
        status = mewl_file_writer_commit(writer, err);
    }
    mewl_file_writer_close(writer);
    free(text);
    return status;
}
