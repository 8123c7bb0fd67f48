/* buffer.c - see buffer.h. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mewl_buffer_init(mewl_buffer *buffer, size_t max_size)
{
    *buffer = (mewl_buffer){.max_size = max_size < SIZE_MAX / 2 ? max_size : SIZE_MAX / 2};
}

/* Makes room for `bytes` more and the NUL. */
static bool reserve(mewl_buffer *buffer, size_t bytes)
{
    if (buffer->failed || bytes > buffer->max_size - buffer->size) {
        return false;
    }
    size_t need = buffer->size + bytes + 1;
    if (need <= buffer->capacity) {
        return true;
    }
    size_t capacity = buffer->capacity + buffer->capacity / 2;
    if (capacity < need) {
        capacity = need;
    }
    if (capacity < 64) {
        capacity = 64;
    }
    if (capacity > buffer->max_size + 1) {
        capacity = buffer->max_size + 1;
    }
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

mewl_status mewl_buffer_push(mewl_buffer *buffer, const void *data, size_t bytes)
{
    if (!reserve(buffer, bytes)) {
        buffer->failed = true;
        return MEWL_E_MEMORY;
    }
    if (bytes > 0) {
        memcpy(buffer->data + buffer->size, data, bytes);
        buffer->size += bytes;
    }
    buffer->data[buffer->size] = '\0';
    return MEWL_OK;
}

mewl_status mewl_buffer_text(mewl_buffer *buffer, const char *text)
{
    return mewl_buffer_push(buffer, text, strlen(text));
}

mewl_status mewl_buffer_print(mewl_buffer *buffer, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    mewl_status status = MEWL_OK;
    if (bytes < 0) {
        buffer->failed = true;
        status = MEWL_E_ARG;
    } else if (!reserve(buffer, (size_t)bytes)) {
        buffer->failed = true;
        status = MEWL_E_MEMORY;
    } else {
        (void)vsnprintf(buffer->data + buffer->size, (size_t)bytes + 1, format, again);
        buffer->size += (size_t)bytes;
    }
    va_end(again);
    return status;
}

void mewl_buffer_clear(mewl_buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

char *mewl_buffer_take(mewl_buffer *buffer, size_t *size)
{
    if (mewl_buffer_push(buffer, NULL, 0) != MEWL_OK) { /* so that an empty buffer gives "" */
        return NULL;
    }
    char *data = buffer->data;
    *size = buffer->size;
    *buffer = (mewl_buffer){.max_size = buffer->max_size};
    return data;
}

void mewl_buffer_fini(mewl_buffer *buffer)
{
    if (buffer != NULL) {
        free(buffer->data);
        *buffer = (mewl_buffer){.max_size = buffer->max_size};
    }
}
