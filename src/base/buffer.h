/* buffer.h - bytes that grow up to a ceiling: for text and records built piece by piece.
 *
 * Not a stream and not for audio. A failure is remembered: after one, every append fails until the buffer is cleared,
 * so that a chain of appends needs one check at its end. */
#ifndef MEWL_BASE_BUFFER_H
#define MEWL_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct mewl_buffer {
    char *data; /* `size` bytes and a NUL after them; NULL while nothing was appended */
    size_t size;
    size_t capacity, max_size;
    bool failed;
} mewl_buffer;

/* An empty buffer that holds at most max_size bytes. Allocates nothing. */
void mewl_buffer_init(mewl_buffer *buffer, size_t max_size);

/* Appends `bytes` bytes. MEWL_E_MEMORY at the ceiling or when out of memory: nothing of the piece is appended. */
mewl_status mewl_buffer_push(mewl_buffer *buffer, const void *data, size_t bytes);

/* Appends a string. */
mewl_status mewl_buffer_text(mewl_buffer *buffer, const char *text);

/* Appends formatted text. MEWL_E_ARG when the format fails. */
mewl_status mewl_buffer_print(mewl_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Empties it, keeps the memory, forgets a failure. */
void mewl_buffer_clear(mewl_buffer *buffer);

/* Gives the bytes (NUL-terminated, never NULL on success) to the caller, who frees them, and leaves the buffer empty.
 * NULL when a push failed before, or out of memory. */
char *mewl_buffer_take(mewl_buffer *buffer, size_t *size);

/* Frees; NULL and a zeroed buffer are fine. */
void mewl_buffer_fini(mewl_buffer *buffer);

#endif
