/* flatbuffer.h - private to the TFLite reader: checked access to a flatbuffer in memory.
 *
 * A flatbuffer is a web of offsets: a table starts with a signed distance back to its vtable, which lists where each
 * field lies in the table; vectors, strings and tables are reached by unsigned distances forward. Whoever walks it to a
 * fixed depth can loop nowhere; the checks here make sure that every place that is read lies inside the file. Field
 * numbers are those of the schema. Every function returns MEWL_OK or MEWL_E_FORMAT with the place in walker's err.
 *
 * Own work after the published description of the format; no generated code, no verifier library.
 */
#ifndef MEWL_MODELS_FLATBUFFER_H
#define MEWL_MODELS_FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* The file while it is being walked. Borrowed bytes. */
typedef struct mewl__fb {
    const uint8_t *bytes;
    size_t size;
    const char *name; /* for error sentences */
    mewl_error *err;
} mewl__fb;

typedef struct mewl__fb_table_ref {
    size_t at, bytes; /* the table itself */
    size_t vtable, vtable_bytes;
} mewl__fb_table_ref;

typedef struct mewl__fb_vector {
    size_t at, count; /* first element's place, elements */
} mewl__fb_vector;

/* Little-endian numbers at any alignment. */
uint16_t mewl__fb_u16(const uint8_t *p);
uint32_t mewl__fb_u32(const uint8_t *p);
int32_t mewl__fb_i32(const uint8_t *p);
int64_t mewl__fb_i64(const uint8_t *p);
float mewl__fb_f32(const uint8_t *p);

/* Sets "name: broken flatbuffer: what at byte `at` of n" and returns MEWL_E_FORMAT. */
mewl_status mewl__fb_broken(const mewl__fb *w, size_t at, const char *what);

/* The table at a place. */
mewl_status mewl__fb_table(const mewl__fb *w, mewl__fb_table_ref *out, size_t at);

/* Where field `index` of `bytes` bytes lies; 0 when the table leaves it at its default. */
mewl_status mewl__fb_field(const mewl__fb *w, size_t *out, const mewl__fb_table_ref *t, size_t index, size_t bytes);
mewl_status mewl__fb_field_i32(const mewl__fb *w, int32_t *out, const mewl__fb_table_ref *t, size_t index,
                               int32_t absent);
mewl_status mewl__fb_field_i8(const mewl__fb *w, int8_t *out, const mewl__fb_table_ref *t, size_t index);

/* Follows the forward offset at `at`, which must lie inside the file with 4 bytes. */
mewl_status mewl__fb_follow(const mewl__fb *w, size_t *out, size_t at);

/* A field that is a table; *present false when it is absent. */
mewl_status mewl__fb_field_table(const mewl__fb *w, mewl__fb_table_ref *out, bool *present, const mewl__fb_table_ref *t,
                                 size_t index);

/* A field that is a vector of at most `most` elements of `bytes` bytes; empty when absent. */
mewl_status mewl__fb_field_vector(const mewl__fb *w, mewl__fb_vector *out, const mewl__fb_table_ref *t, size_t index,
                                  size_t bytes, size_t most);

/* Element `index`, below its count, of a vector of tables. */
mewl_status mewl__fb_vector_table(const mewl__fb *w, mewl__fb_table_ref *out, const mewl__fb_vector *v, size_t index);

/* A field that is a string of at most `most` bytes, copied into `arena` with a NUL; "" when absent. Also MEWL_E_MEMORY.
 */
mewl_status mewl__fb_field_string(const mewl__fb *w, mewl_arena *arena, const char **out, const mewl__fb_table_ref *t,
                                  size_t index, size_t most);

#endif
