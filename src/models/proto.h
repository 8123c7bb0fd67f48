/* proto.h - private to models/: writes Google's protocol buffers, the little of it that ONNX needs: varints, floats,
 * bytes and messages inside messages, each behind its field number. Into a mewl_buffer, which remembers a failure:
 * check once at the end. Reads nothing. */
#ifndef MEWL_MODELS_PROTO_H
#define MEWL_MODELS_PROTO_H

#include <stdint.h>

#include "base/buffer.h"

/* Largest head of a field: number and wire type, then a length. */
#define MEWL__PROTO_HEAD_MAX 20

/* A varint alone; returns its bytes (1 to 10) when `out` is to hold it. */
size_t mewl__proto_varint(uint8_t out[10], uint64_t value);

/* One field each: a varint (negative numbers as ten bytes), a 32-bit float, bytes with their length, a text without its
 * NUL. */
void mewl__proto_int(mewl_buffer *to, uint32_t field, int64_t value);
void mewl__proto_float(mewl_buffer *to, uint32_t field, float value);
void mewl__proto_bytes(mewl_buffer *to, uint32_t field, const void *data, size_t bytes);
void mewl__proto_text(mewl_buffer *to, uint32_t field, const char *text);

/* The message as a field. One that failed makes `to` fail. */
void mewl__proto_message(mewl_buffer *to, uint32_t field, const mewl_buffer *message);

/* Head of a field of `bytes` bytes that are written by other means; returns its size. */
size_t mewl__proto_head(uint8_t out[MEWL__PROTO_HEAD_MAX], uint32_t field, uint64_t bytes);

#endif
