/* pickle.c - the stack machine of pickle.h: one opcode after the other. */
#include "models/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "models/pickle_store.h"

static mewl_status push_integer(mewl__pickle *p, int64_t integer)
{
    return mewl__pickle_push(p, (mewl__pickle_value){.kind = MEWL__PICKLE_INT, .as.integer = integer});
}

static mewl_status collect_marked(mewl__pickle *p, mewl__pickle_kind kind)
{
    size_t from = 0;
    MEWL_TRY(mewl__pickle_pop_mark(p, &from));
    return mewl__pickle_collect(p, kind, from);
}

static mewl_status collect_tuple(mewl__pickle *p, size_t count)
{
    if (mewl__pickle_above_mark(p) < count) {
        return mewl__pickle_broken(p, "an empty stack");
    }
    return mewl__pickle_collect(p, MEWL__PICKLE_TUPLE, p->stack.count - count);
}

/* APPENDS and SETITEMS: what lies above the mark goes into the container below it. */
static mewl_status extend_marked(mewl__pickle *p, mewl__pickle_kind kind)
{
    size_t from = 0;
    MEWL_TRY(mewl__pickle_pop_mark(p, &from));
    const size_t floor = p->stack.count - mewl__pickle_above_mark(p);
    if (from <= floor) {
        return mewl__pickle_broken(p, "an empty stack");
    }
    return mewl__pickle_append_from(p, ((const uint32_t *)p->stack.data)[from - 1], from, kind);
}

/* APPEND and SETITEM: `count` entries into the container below them. */
static mewl_status extend_one(mewl__pickle *p, mewl__pickle_kind kind, size_t count)
{
    if (mewl__pickle_above_mark(p) < count + 1) {
        return mewl__pickle_broken(p, "an empty stack");
    }
    const size_t from = p->stack.count - count;
    return mewl__pickle_append_from(p, ((const uint32_t *)p->stack.data)[from - 1], from, kind);
}

static mewl_status take(mewl__pickle *p, const uint8_t **out, size_t count)
{
    if (count > p->count - p->at) {
        return mewl__pickle_broken(p, "its end, in the middle of a value");
    }
    *out = p->bytes + p->at;
    p->at += count;
    return MEWL_OK;
}

/* A little-endian whole number of 1 to 8 bytes. */
static mewl_status take_number(mewl__pickle *p, uint64_t *out, size_t bytes)
{
    const uint8_t *b = NULL;
    MEWL_TRY(take(p, &b, bytes));
    *out = 0;
    for (size_t i = 0; i < bytes; i++) {
        *out |= (uint64_t)b[i] << 8 * i;
    }
    return MEWL_OK;
}

static mewl_status run_text(mewl__pickle *p, size_t length_bytes)
{
    uint64_t count = 0;
    const uint8_t *text = NULL;
    MEWL_TRY(take_number(p, &count, length_bytes));
    MEWL_TRY(take(p, &text, count <= p->count ? (size_t)count : SIZE_MAX));
    return mewl__pickle_push(
        p, (mewl__pickle_value){.kind = MEWL__PICKLE_TEXT, .as.text = {(const char *)text, (size_t)count}});
}

/* LONG1: a signed number of any length; beyond 64 bits it is opaque. */
static mewl_status run_long(mewl__pickle *p)
{
    uint64_t count = 0;
    const uint8_t *b = NULL;
    MEWL_TRY(take_number(p, &count, 1));
    MEWL_TRY(take(p, &b, (size_t)count));
    if (count > 8) {
        return mewl__pickle_push_kind(p, MEWL__PICKLE_OPAQUE);
    }
    uint64_t number = count != 0 && (b[count - 1] & 0x80) != 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < count; i++) {
        number &= ~((uint64_t)0xff << 8 * i);
        number |= (uint64_t)b[i] << 8 * i;
    }
    return push_integer(p, (int64_t)number);
}

static mewl_status run_real(mewl__pickle *p)
{
    const uint8_t *b = NULL;
    MEWL_TRY(take(p, &b, 8));
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
        bits = bits << 8 | b[i];
    }
    mewl__pickle_value value = {.kind = MEWL__PICKLE_REAL};
    memcpy(&value.as.real, &bits, sizeof bits);
    return mewl__pickle_push(p, value);
}

/* GLOBAL: two lines. */
static mewl_status run_global(mewl__pickle *p)
{
    const uint8_t *line[2];
    size_t count[2];
    for (int i = 0; i < 2; i++) {
        line[i] = p->bytes + p->at;
        const uint8_t *end = memchr(line[i], '\n', p->count - p->at);
        if (end == NULL) {
            return mewl__pickle_broken(p, "a global without its end");
        }
        count[i] = (size_t)(end - line[i]);
        p->at += count[i] + 1;
    }
    return mewl__pickle_push_global(p, line[0], count[0], line[1], count[1]);
}

static mewl_status run_stack_global(mewl__pickle *p)
{
    uint32_t name = 0, module = 0;
    MEWL_TRY(mewl__pickle_pop(p, &name));
    MEWL_TRY(mewl__pickle_pop(p, &module));
    const mewl__pickle_value *m = mewl__pickle_value_at(p, module), *n = mewl__pickle_value_at(p, name);
    if (m->kind != MEWL__PICKLE_TEXT || n->kind != MEWL__PICKLE_TEXT) {
        return mewl__pickle_broken(p, "a global without a name");
    }
    return mewl__pickle_push_global(p, (const uint8_t *)m->as.text.bytes, m->as.text.count,
                                    (const uint8_t *)n->as.text.bytes, n->as.text.count);
}

static mewl_status run_memo(mewl__pickle *p, size_t bytes, bool put)
{
    uint64_t slot = 0;
    MEWL_TRY(take_number(p, &slot, bytes));
    return put ? mewl__pickle_memo_put(p, slot) : mewl__pickle_memo_get(p, slot);
}

static mewl_status run_integer(mewl__pickle *p, size_t bytes)
{
    uint64_t number = 0;
    MEWL_TRY(take_number(p, &number, bytes));
    return push_integer(p, bytes == 4 ? (int32_t)(uint32_t)number : (int64_t)number);
}

/* One opcode, letters and codes as in pickletools. */
static mewl_status run_opcode(mewl__pickle *p, uint8_t code)
{
    const uint8_t *skipped = NULL;
    uint32_t dropped = 0;
    size_t from = 0;
    switch (code) {
    case 0x80: /* PROTO */
        return take(p, &skipped, 1);
    case 0x95: /* FRAME: only a hint of length */
        return take(p, &skipped, 8);
    case '(':
        return mewl__pickle_push_mark(p);
    case '0':
        return mewl__pickle_pop(p, &dropped);
    case '1':
        MEWL_TRY(mewl__pickle_pop_mark(p, &from));
        p->stack.count = from;
        return MEWL_OK;
    case 'N':
        return mewl__pickle_push_kind(p, MEWL__PICKLE_NONE);
    case 0x88:
    case 0x89:
        return mewl__pickle_push(p, (mewl__pickle_value){.kind = MEWL__PICKLE_BOOL, .as.integer = code == 0x88});
    case 'J':
        return run_integer(p, 4);
    case 'K':
        return run_integer(p, 1);
    case 'M':
        return run_integer(p, 2);
    case 0x8a:
        return run_long(p);
    case 'G':
        return run_real(p);
    case 'X': /* BINUNICODE, BINSTRING, BINBYTES */
    case 'T':
    case 'B':
        return run_text(p, 4);
    case 0x8c: /* their short forms */
    case 'U':
    case 'C':
        return run_text(p, 1);
    case 0x8d:
    case 0x8e:
        return run_text(p, 8);
    case '}':
        return mewl__pickle_push_kind(p, MEWL__PICKLE_DICT);
    case ']':
        return mewl__pickle_push_kind(p, MEWL__PICKLE_LIST);
    case ')':
        return mewl__pickle_push_kind(p, MEWL__PICKLE_TUPLE);
    case 't':
        return collect_marked(p, MEWL__PICKLE_TUPLE);
    case 'l':
        return collect_marked(p, MEWL__PICKLE_LIST);
    case 'd':
        return collect_marked(p, MEWL__PICKLE_DICT);
    case 0x85:
    case 0x86:
    case 0x87:
        return collect_tuple(p, code - 0x84u);
    case 'a':
        return extend_one(p, MEWL__PICKLE_LIST, 1);
    case 'e':
        return extend_marked(p, MEWL__PICKLE_LIST);
    case 's':
        return extend_one(p, MEWL__PICKLE_DICT, 2);
    case 'u':
        return extend_marked(p, MEWL__PICKLE_DICT);
    case 'c':
        return run_global(p);
    case 0x93:
        return run_stack_global(p);
    case 'Q':
        return mewl__pickle_persistent(p);
    case 'R':
    case 0x81:
        return mewl__pickle_call(p);
    case 'b': /* BUILD: attributes, which nobody needs */
        MEWL_TRY(mewl__pickle_pop(p, &dropped));
        return mewl__pickle_top(p, &dropped);
    case 'q':
        return run_memo(p, 1, true);
    case 'r':
        return run_memo(p, 4, true);
    case 'h':
        return run_memo(p, 1, false);
    case 'j':
        return run_memo(p, 4, false);
    case 0x94:
        return mewl__pickle_memo_put(p, p->memo.count);
    default:
        return mewl_error_set(p->err, MEWL_E_UNSUPPORTED, "%s: pickle opcode 0x%02x is not read (byte %zu of %zu)",
                              p->name, code, p->at - 1, p->count);
    }
}

static mewl_status run(mewl__pickle *p)
{
    if (p->count < 2 || p->bytes[0] != 0x80 || p->bytes[1] < 2 || p->bytes[1] > 5) {
        return mewl_error_set(p->err, MEWL_E_FORMAT, "%s: no pickle of protocol 2 to 5", p->name);
    }
    while (p->at < p->count) {
        const uint8_t code = p->bytes[p->at++];
        if (code == '.') {
            return p->marks.count == 0 ? mewl__pickle_pop(p, &p->root)
                                       : mewl__pickle_broken(p, "its end, with a mark open");
        }
        MEWL_TRY(run_opcode(p, code));
    }
    return mewl__pickle_broken(p, "its end, before the stop");
}

mewl_status mewl__pickle_run(mewl__pickle **out, const void *bytes, size_t count, const char *name, mewl_error *err)
{
    *out = NULL;
    if (count > MEWL__PICKLE_MAX_BYTES) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: a pickle of %zu bytes is more than is read", name, count);
    }
    mewl__pickle *p = calloc(1, sizeof *p);
    uint8_t *copy = malloc(count + 1);
    if (p == NULL || copy == NULL) {
        free(p);
        free(copy);
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", name);
    }
    if (count != 0) {
        memcpy(copy, bytes, count);
    }
    p->bytes = copy;
    p->count = count;
    p->name = name;
    p->err = err;
    const mewl_status status = run(p);
    p->name = NULL; /* the caller's, like err */
    p->err = NULL;
    if (status != MEWL_OK) {
        mewl__pickle_free(p);
        return status;
    }
    *out = p;
    return MEWL_OK;
}

size_t mewl__pickle_used(const mewl__pickle *pickle)
{
    return pickle->at;
}
