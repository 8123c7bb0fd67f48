/* flatbuffer.c - checked access to the tables, vectors and strings of a flatbuffer. */
#include "models/flatbuffer.h"

#include <string.h>

uint16_t mewl__fb_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t mewl__fb_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int32_t mewl__fb_i32(const uint8_t *p)
{
    uint32_t u = mewl__fb_u32(p);
    int32_t i;
    memcpy(&i, &u, sizeof i);
    return i;
}

int64_t mewl__fb_i64(const uint8_t *p)
{
    uint64_t u = mewl__fb_u32(p) | (uint64_t)mewl__fb_u32(p + 4) << 32;
    int64_t i;
    memcpy(&i, &u, sizeof i);
    return i;
}

float mewl__fb_f32(const uint8_t *p)
{
    uint32_t u = mewl__fb_u32(p);
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

mewl_status mewl__fb_broken(const mewl__fb *w, size_t at, const char *what)
{
    return mewl_error_set(w->err, MEWL_E_FORMAT, "%s: broken flatbuffer: %s at byte %zu of %zu", w->name, what, at,
                          w->size);
}

/* Is [at, at + count) inside the file? */
static bool inside(const mewl__fb *w, size_t at, size_t count)
{
    return at <= w->size && count <= w->size - at;
}

mewl_status mewl__fb_table(const mewl__fb *w, mewl__fb_table_ref *out, size_t at)
{
    if (!inside(w, at, 4)) {
        return mewl__fb_broken(w, at, "a table outside the file");
    }
    const int64_t vtable = (int64_t)at - mewl__fb_i32(w->bytes + at);
    if (vtable < 0 || !inside(w, (size_t)vtable, 4)) {
        return mewl__fb_broken(w, at, "a vtable outside the file");
    }
    *out = (mewl__fb_table_ref){.at = at, .vtable = (size_t)vtable};
    out->vtable_bytes = mewl__fb_u16(w->bytes + vtable);
    out->bytes = mewl__fb_u16(w->bytes + vtable + 2);
    if (out->vtable_bytes < 4 || out->vtable_bytes % 2 != 0 || !inside(w, out->vtable, out->vtable_bytes)) {
        return mewl__fb_broken(w, out->vtable, "a vtable of impossible length");
    }
    if (out->bytes < 4 || !inside(w, at, out->bytes)) {
        return mewl__fb_broken(w, at, "a table of impossible length");
    }
    return MEWL_OK;
}

/* Where field `index` of `bytes` bytes lies; 0 when the table leaves it at its default (no field lies at byte 0). */
mewl_status mewl__fb_field(const mewl__fb *w, size_t *out, const mewl__fb_table_ref *t, size_t index, size_t bytes)
{
    *out = 0;
    const size_t slot = 4 + 2 * index;
    if (slot + 2 > t->vtable_bytes) {
        return MEWL_OK;
    }
    const size_t offset = mewl__fb_u16(w->bytes + t->vtable + slot);
    if (offset == 0) {
        return MEWL_OK;
    }
    if (offset < 4 || offset + bytes > t->bytes) {
        return mewl__fb_broken(w, t->at, "a field outside its table");
    }
    *out = t->at + offset;
    return MEWL_OK;
}

mewl_status mewl__fb_field_i32(const mewl__fb *w, int32_t *out, const mewl__fb_table_ref *t, size_t index,
                               int32_t absent)
{
    size_t at = 0;
    MEWL_TRY(mewl__fb_field(w, &at, t, index, 4));
    *out = at != 0 ? mewl__fb_i32(w->bytes + at) : absent;
    return MEWL_OK;
}

mewl_status mewl__fb_field_i8(const mewl__fb *w, int8_t *out, const mewl__fb_table_ref *t, size_t index)
{
    size_t at = 0;
    MEWL_TRY(mewl__fb_field(w, &at, t, index, 1));
    *out = at != 0 ? (int8_t)w->bytes[at] : 0;
    return MEWL_OK;
}

/* Follows the forward offset at `at`. */
mewl_status mewl__fb_follow(const mewl__fb *w, size_t *out, size_t at)
{
    const size_t distance = mewl__fb_u32(w->bytes + at);
    if (distance == 0 || !inside(w, at, distance) || !inside(w, at + distance, 4)) {
        return mewl__fb_broken(w, at, "an offset that leads outside the file");
    }
    *out = at + distance;
    return MEWL_OK;
}

/* A table's field that is a table; *present false when absent. */
mewl_status mewl__fb_field_table(const mewl__fb *w, mewl__fb_table_ref *out, bool *present, const mewl__fb_table_ref *t,
                                 size_t index)
{
    size_t at = 0;
    MEWL_TRY(mewl__fb_field(w, &at, t, index, 4));
    *present = at != 0;
    if (at == 0) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl__fb_follow(w, &at, at));
    return mewl__fb_table(w, out, at);
}

/* A table's field that is a vector of elements of `bytes` bytes; empty when absent. */
mewl_status mewl__fb_field_vector(const mewl__fb *w, mewl__fb_vector *out, const mewl__fb_table_ref *t, size_t index,
                                  size_t bytes, size_t most)
{
    size_t at = 0;
    *out = (mewl__fb_vector){0, 0};
    MEWL_TRY(mewl__fb_field(w, &at, t, index, 4));
    if (at == 0) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl__fb_follow(w, &at, at));
    const size_t count = mewl__fb_u32(w->bytes + at);
    if (count > most) {
        return mewl__fb_broken(w, at, "a vector longer than is read");
    }
    if (!inside(w, at + 4, count * bytes)) {
        return mewl__fb_broken(w, at, "a vector that leaves the file");
    }
    *out = (mewl__fb_vector){at + 4, count};
    return MEWL_OK;
}

mewl_status mewl__fb_vector_table(const mewl__fb *w, mewl__fb_table_ref *out, const mewl__fb_vector *v, size_t index)
{
    size_t at = 0;
    MEWL_TRY(mewl__fb_follow(w, &at, v->at + 4 * index));
    return mewl__fb_table(w, out, at);
}

mewl_status mewl__fb_field_string(const mewl__fb *w, mewl_arena *arena, const char **out, const mewl__fb_table_ref *t,
                                  size_t index, size_t most)
{
    mewl__fb_vector v;
    MEWL_TRY(mewl__fb_field_vector(w, &v, t, index, 1, most));
    char *text = mewl_arena_alloc(arena, v.count + 1);
    if (text == NULL) {
        return mewl_error_set(w->err, MEWL_E_MEMORY, "%s: the file's names do not fit into memory", w->name);
    }
    memcpy(text, w->bytes + v.at, v.count);
    *out = text;
    return MEWL_OK;
}
