/* proto.c - see proto.h. */
#include "models/proto.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

size_t mewl__proto_varint(uint8_t out[10], uint64_t value)
{
    size_t count = 0;
    while (value >= 0x80) {
        out[count++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[count++] = (uint8_t)value;
    return count;
}

static void push_varint(mewl_buffer *to, uint64_t value)
{
    uint8_t bytes[10];
    (void)mewl_buffer_push(to, bytes, mewl__proto_varint(bytes, value));
}

void mewl__proto_int(mewl_buffer *to, uint32_t field, int64_t value)
{
    push_varint(to, (uint64_t)field << 3 | WIRE_VARINT);
    push_varint(to, (uint64_t)value);
}

void mewl__proto_float(mewl_buffer *to, uint32_t field, float value)
{
    uint32_t bits;
    uint8_t bytes[4];
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(bits >> 8 * i);
    }
    push_varint(to, (uint64_t)field << 3 | WIRE_FIXED32);
    (void)mewl_buffer_push(to, bytes, sizeof bytes);
}

size_t mewl__proto_head(uint8_t out[MEWL__PROTO_HEAD_MAX], uint32_t field, uint64_t bytes)
{
    const size_t count = mewl__proto_varint(out, (uint64_t)field << 3 | WIRE_BYTES);
    return count + mewl__proto_varint(out + count, bytes);
}

void mewl__proto_bytes(mewl_buffer *to, uint32_t field, const void *data, size_t bytes)
{
    uint8_t head[MEWL__PROTO_HEAD_MAX];
    (void)mewl_buffer_push(to, head, mewl__proto_head(head, field, bytes));
    if (bytes > 0) {
        (void)mewl_buffer_push(to, data, bytes);
    }
}

void mewl__proto_text(mewl_buffer *to, uint32_t field, const char *text)
{
    mewl__proto_bytes(to, field, text, strlen(text));
}

void mewl__proto_message(mewl_buffer *to, uint32_t field, const mewl_buffer *message)
{
    mewl__proto_bytes(to, field, message->data, message->size);
    to->failed = to->failed || message->failed;
}
