/* pickle_store.c - the pickle interpreter's memory. */
#include "models/pickle_store.h"

#include <stdlib.h>
#include <string.h>

#define NO_VALUE UINT32_MAX

mewl_status mewl__pickle_broken(const mewl__pickle *p, const char *what)
{
    return mewl_error_set(p->err, MEWL_E_FORMAT, "%s: broken pickle: %s at byte %zu of %zu", p->name, what, p->at,
                          p->count);
}

mewl_status mewl__pickle_pool_push(mewl__pickle *p, mewl__pickle_pool *list, const void *element, size_t size,
                                   size_t most)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity != 0 ? list->capacity * 2 : 64;
        capacity = capacity < most ? capacity : most;
        void *data = list->count < most ? realloc(list->data, capacity * size) : NULL;
        if (data == NULL) {
            return mewl_error_set(p->err, MEWL_E_MEMORY, "%s: the pickle holds more than %zu entries, or out of memory",
                                  p->name, list->count);
        }
        list->data = data;
        list->capacity = capacity;
    }
    memcpy((char *)list->data + list->count * size, element, size);
    list->count++;
    return MEWL_OK;
}

mewl__pickle_value *mewl__pickle_value_at(const mewl__pickle *p, uint32_t index)
{
    return (mewl__pickle_value *)p->values.data + index;
}

mewl_status mewl__pickle_push_index(mewl__pickle *p, uint32_t index)
{
    return mewl__pickle_pool_push(p, &p->stack, &index, sizeof index, MEWL__PICKLE_MAX_ITEMS);
}

mewl_status mewl__pickle_push(mewl__pickle *p, mewl__pickle_value value)
{
    MEWL_TRY(mewl__pickle_pool_push(p, &p->values, &value, sizeof value, MEWL__PICKLE_MAX_VALUES));
    return mewl__pickle_push_index(p, (uint32_t)(p->values.count - 1));
}

mewl_status mewl__pickle_push_kind(mewl__pickle *p, mewl__pickle_kind kind)
{
    mewl__pickle_value value = {.kind = kind};
    if (kind == MEWL__PICKLE_TUPLE || kind == MEWL__PICKLE_LIST || kind == MEWL__PICKLE_DICT) {
        value.as.items.first = value.as.items.last = MEWL__PICKLE_NO_ITEM;
    }
    return mewl__pickle_push(p, value);
}

/* Stack entries above the last mark; the machine may not pop below it. */
size_t mewl__pickle_above_mark(const mewl__pickle *p)
{
    const size_t mark = p->marks.count != 0 ? ((const uint32_t *)p->marks.data)[p->marks.count - 1] : 0;
    return p->stack.count - mark;
}

mewl_status mewl__pickle_pop(mewl__pickle *p, uint32_t *out)
{
    if (mewl__pickle_above_mark(p) == 0) {
        return mewl__pickle_broken(p, "an empty stack");
    }
    *out = ((const uint32_t *)p->stack.data)[--p->stack.count];
    return MEWL_OK;
}

mewl_status mewl__pickle_top(const mewl__pickle *p, uint32_t *out)
{
    if (mewl__pickle_above_mark(p) == 0) {
        return mewl__pickle_broken(p, "an empty stack");
    }
    *out = ((const uint32_t *)p->stack.data)[p->stack.count - 1];
    return MEWL_OK;
}

mewl_status mewl__pickle_push_mark(mewl__pickle *p)
{
    const uint32_t mark = (uint32_t)p->stack.count;
    return mewl__pickle_pool_push(p, &p->marks, &mark, sizeof mark, MEWL__PICKLE_MAX_ITEMS);
}

mewl_status mewl__pickle_pop_mark(mewl__pickle *p, size_t *from)
{
    if (p->marks.count == 0) {
        return mewl__pickle_broken(p, "no mark");
    }
    *from = ((const uint32_t *)p->marks.data)[--p->marks.count];
    return MEWL_OK;
}

static mewl_status append(mewl__pickle *p, uint32_t container, uint32_t value)
{
    const mewl__pickle_item added = {value, MEWL__PICKLE_NO_ITEM};
    MEWL_TRY(mewl__pickle_pool_push(p, &p->items, &added, sizeof added, MEWL__PICKLE_MAX_ITEMS));
    mewl__pickle_value *c = mewl__pickle_value_at(p, container);
    const uint32_t index = (uint32_t)(p->items.count - 1);
    if (c->as.items.last == MEWL__PICKLE_NO_ITEM) {
        c->as.items.first = index;
    } else {
        ((mewl__pickle_item *)p->items.data)[c->as.items.last].next = index;
    }
    c->as.items.last = index;
    c->as.items.count++;
    return MEWL_OK;
}

mewl_status mewl__pickle_append_from(mewl__pickle *p, uint32_t container, size_t from, mewl__pickle_kind kind)
{
    const mewl__pickle_kind found = mewl__pickle_value_at(p, container)->kind;
    if (found == MEWL__PICKLE_OPAQUE) {
        p->stack.count = from;
        return MEWL_OK;
    }
    if (found != kind) {
        return mewl__pickle_broken(p, "items for something that holds none");
    }
    if (kind == MEWL__PICKLE_DICT && (p->stack.count - from) % 2 != 0) {
        return mewl__pickle_broken(p, "a key without its value");
    }
    for (size_t i = from; i < p->stack.count; i++) {
        MEWL_TRY(append(p, container, ((const uint32_t *)p->stack.data)[i]));
    }
    p->stack.count = from;
    return MEWL_OK;
}

mewl_status mewl__pickle_collect(mewl__pickle *p, mewl__pickle_kind kind, size_t from)
{
    MEWL_TRY(mewl__pickle_push_kind(p, kind));
    const uint32_t container = (uint32_t)(p->values.count - 1);
    p->stack.count--;
    MEWL_TRY(mewl__pickle_append_from(p, container, from, kind));
    return mewl__pickle_push_index(p, container);
}

mewl_status mewl__pickle_memo_put(mewl__pickle *p, uint64_t slot)
{
    uint32_t value = 0;
    const uint32_t none = NO_VALUE;
    MEWL_TRY(mewl__pickle_top(p, &value));
    if (slot >= p->count) {
        return mewl__pickle_broken(p, "a memo slot beyond all use");
    }
    while (p->memo.count <= slot) {
        MEWL_TRY(mewl__pickle_pool_push(p, &p->memo, &none, sizeof none, MEWL__PICKLE_MAX_ITEMS));
    }
    ((uint32_t *)p->memo.data)[slot] = value;
    return MEWL_OK;
}

mewl_status mewl__pickle_memo_get(mewl__pickle *p, uint64_t slot)
{
    if (slot >= p->memo.count || ((const uint32_t *)p->memo.data)[slot] == NO_VALUE) {
        return mewl__pickle_broken(p, "an empty memo slot");
    }
    return mewl__pickle_push_index(p, ((const uint32_t *)p->memo.data)[slot]);
}

void mewl__pickle_free(mewl__pickle *pickle)
{
    if (pickle != NULL) {
        free(pickle->values.data);
        free(pickle->items.data);
        free(pickle->stack.data);
        free(pickle->marks.data);
        free(pickle->memo.data);
        free(pickle->tensors.data);
        free(pickle->storages.data);
        free(pickle->bytes);
        free(pickle);
    }
}

const mewl__pickle_value *mewl__pickle_root(const mewl__pickle *pickle)
{
    return mewl__pickle_value_at(pickle, pickle->root);
}

const mewl__pickle_value *mewl__pickle_next(const mewl__pickle *pickle, uint32_t *cursor)
{
    if (*cursor == MEWL__PICKLE_NO_ITEM) {
        return NULL;
    }
    const mewl__pickle_item *i = (const mewl__pickle_item *)pickle->items.data + *cursor;
    *cursor = i->next;
    return mewl__pickle_value_at(pickle, i->value);
}

const mewl__pickle_tensor *mewl__pickle_tensor_at(const mewl__pickle *pickle, uint32_t number)
{
    return (const mewl__pickle_tensor *)pickle->tensors.data + number;
}

const mewl__pickle_storage *mewl__pickle_storage_at(const mewl__pickle *pickle, uint32_t number)
{
    return (const mewl__pickle_storage *)pickle->storages.data + number;
}

size_t mewl__pickle_storage_count(const mewl__pickle *pickle)
{
    return pickle->storages.count;
}
