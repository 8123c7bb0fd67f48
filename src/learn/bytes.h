/* bytes.h - how models are written into a flat run of bytes and read back: little-endian numbers, arrays with their
 * length, a four-letter head with a version for each part.
 *
 * Bytes that are read may be hostile: every read checks what is left, every array its exact expected length, every
 * number of an array that it is finite. Not a file format by itself: a model's owner puts it into a file.
 */
#ifndef MEWL_LEARN_BYTES_H
#define MEWL_LEARN_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* ---- Writing: appends to a mewl_buffer; a failure is remembered there (see base/buffer.h). ---- */

/* Head of a part: `tag` is four letters. */
void mewl_bytes_put_head(mewl_buffer *out, const char *tag, uint32_t version);
void mewl_bytes_put_u32(mewl_buffer *out, uint32_t value);
void mewl_bytes_put_u64(mewl_buffer *out, uint64_t value);
void mewl_bytes_put_f64(mewl_buffer *out, double value);

/* A length and then the numbers. */
void mewl_bytes_put_f64s(mewl_buffer *out, const double *values, size_t count);
void mewl_bytes_put_f32s(mewl_buffer *out, const float *values, size_t count);

/* A length and then the bytes. */
void mewl_bytes_put_blob(mewl_buffer *out, const void *data, size_t size);

/* ---- Reading ---- */

/* Borrowed bytes and a place in them. */
typedef struct mewl_bytes {
    const unsigned char *data;
    size_t size, at;
    const char *name; /* what errors call it: the file's path */
    double most;      /* numbers farther from 0 are refused as not finite ones are; 0: any finite one is good */
} mewl_bytes;

/* MEWL_E_FORMAT when the bytes end too early or the tag is another; MEWL_E_UNSUPPORTED when the version is not 1 to
 * max_version. *version may be NULL. */
mewl_status mewl_bytes_get_head(mewl_bytes *in, uint32_t *version, const char *tag, uint32_t max_version,
                                mewl_error *err);
mewl_status mewl_bytes_get_u32(mewl_bytes *in, uint32_t *value, mewl_error *err);
mewl_status mewl_bytes_get_u64(mewl_bytes *in, uint64_t *value, mewl_error *err);

/* Finite, and within in->most, or MEWL_E_FORMAT. */
mewl_status mewl_bytes_get_f64(mewl_bytes *in, double *value, mewl_error *err);

/* A count within [low, high], else MEWL_E_FORMAT naming `what`. */
mewl_status mewl_bytes_get_count(mewl_bytes *in, size_t *count, size_t low, size_t high, const char *what,
                                 mewl_error *err);

/* Exactly `count` finite numbers into *out, malloc'd, the caller's. Nothing is allocated before the bytes are known to
 * be there. MEWL_E_FORMAT, MEWL_E_MEMORY. On failure *out is NULL. count 0 gives a valid pointer to none. */
mewl_status mewl_bytes_get_f64s(mewl_bytes *in, double **out, size_t count, mewl_error *err);
mewl_status mewl_bytes_get_f32s(mewl_bytes *in, float **out, size_t count, mewl_error *err);

/* A blob, borrowed: valid as long as the bytes are. */
mewl_status mewl_bytes_get_blob(mewl_bytes *in, const void **data, size_t *size, mewl_error *err);

/* MEWL_E_FORMAT when bytes are left over. */
mewl_status mewl_bytes_end(const mewl_bytes *in, mewl_error *err);

#endif
