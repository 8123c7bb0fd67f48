/* json.h - the one door to jansson: reading JSON that may be hostile, and writing JSON that is always valid.
 *
 * Not a wrapper of every call: json_t and jansson's own functions are used directly by whoever includes this header
 * (nobody includes jansson.h itself). What is here is what jansson leaves to the caller: sentences for errors, numbers
 * that JSON cannot hold, file names that are not UTF-8, ceilings, atomic writing. */
#ifndef MEWL_BASE_JSON_H
#define MEWL_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

/* Significant digits of a number in every text made here: enough to give any float back exactly. */
#define MEWL_JSON_DIGITS 9

/* Parses `bytes` bytes of UTF-8 (no NUL needed at the end) into *out, a new reference that the caller releases with
 * json_decref. Refused as MEWL_E_FORMAT, with line and column: anything but one JSON object or array, a key that occurs
 * twice, nesting beyond jansson's limit (2048), bytes that are not UTF-8. `name` is what the error calls the source. */
mewl_status mewl_json_parse(json_t **out, const char *text, size_t bytes, const char *name, mewl_error *err);

/* Parses the file at `path`; at most max_bytes long, else MEWL_E_MEMORY. Otherwise as mewl_json_parse and
 * mewl_file_read_all. */
mewl_status mewl_json_read(json_t **out, const char *path, size_t max_bytes, mewl_error *err);

/* A new JSON number; null when `value` is NaN or infinite, which JSON cannot hold. NULL when out of memory. */
json_t *mewl_json_real(double value);

/* A new JSON string. Bytes of `text` that are not UTF-8 (old file names) become U+FFFD, one each, so that the document
 * stays valid. NULL text gives JSON null. NULL when out of memory. */
json_t *mewl_json_string(const char *text);

/* Puts one member into `object`. All of them, and mewl_json_set with a NULL value, return MEWL_E_MEMORY when jansson
 * could not allocate; mewl_json_set takes over the reference `value` even then. Passing object NULL is safe and gives
 * MEWL_E_MEMORY too, so that a chain can start from an unchecked json_object(). */
mewl_status mewl_json_set(json_t *object, const char *key, json_t *value);
mewl_status mewl_json_set_real(json_t *object, const char *key, double value);
mewl_status mewl_json_set_int(json_t *object, const char *key, int64_t value);
mewl_status mewl_json_set_bool(json_t *object, const char *key, bool value);
mewl_status mewl_json_set_string(json_t *object, const char *key, const char *text);

/* Reads one member of `object`. Absent: MEWL_E_NOT_FOUND; of another type, or object not an object: MEWL_E_FORMAT; the
 * error names the key and calls the document `name`. A string is owned by `object` and may hold no NUL inside. A real
 * may be written as a whole number; a whole number may not be written as a real. */
mewl_status mewl_json_get_string(const json_t *object, const char **out, const char *key, const char *name,
                                 mewl_error *err);
mewl_status mewl_json_get_real(const json_t *object, double *out, const char *key, const char *name, mewl_error *err);
mewl_status mewl_json_get_int(const json_t *object, int64_t *out, const char *key, const char *name, mewl_error *err);
mewl_status mewl_json_get_bool(const json_t *object, bool *out, const char *key, const char *name, mewl_error *err);

/* The document as text, on one line (`pretty` false) or indented by two (true), members in the order in which they were
 * set, without a newline at its end. The caller frees it with free(). NULL when out of memory. */
char *mewl_json_text(const json_t *document, bool pretty);

/* Writes the document and a newline to `stream`, and flushes it: one line of NDJSON when `pretty` is false.
 * MEWL_E_IO when the stream refuses (a closed pipe), MEWL_E_MEMORY. */
mewl_status mewl_json_print(const json_t *document, FILE *stream, bool pretty, mewl_error *err);

/* Writes the document, indented, to `path` in one piece (see mewl_file_write). */
mewl_status mewl_json_write(const json_t *document, const char *path, mewl_error *err);

#endif
