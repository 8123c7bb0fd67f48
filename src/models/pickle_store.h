/* pickle_store.h - private to the pickle interpreter: its values, stack, marks and memo, and what may be done to them.
 * Everything is an index into a growing array with a ceiling, so a hostile pickle can lead no pointer astray. */
#ifndef MEWL_MODELS_PICKLE_STORE_H
#define MEWL_MODELS_PICKLE_STORE_H

#include "models/pickle.h"

#define MEWL__PICKLE_NO_ITEM UINT32_MAX

/* A growing array of elements of one size. */
typedef struct mewl__pickle_pool {
    void *data;
    size_t count, capacity;
} mewl__pickle_pool;

typedef struct mewl__pickle_item {
    uint32_t value, next;
} mewl__pickle_item;

struct mewl__pickle {
    uint8_t *bytes;
    size_t count, at; /* of the pickle; next byte */
    const char *name; /* these two only while it runs */
    mewl_error *err;
    mewl__pickle_pool values, items, stack, marks, memo, tensors, storages;
    uint32_t root;
};

/* Sets "name: broken pickle: what at byte ..." and returns MEWL_E_FORMAT. */
mewl_status mewl__pickle_broken(const mewl__pickle *p, const char *what);

/* Appends an element of `size` bytes; MEWL_E_MEMORY beyond `most` elements. */
mewl_status mewl__pickle_pool_push(mewl__pickle *p, mewl__pickle_pool *list, const void *element, size_t size,
                                   size_t most);

/* A value; the pointer lasts until the next one is made. */
mewl__pickle_value *mewl__pickle_value_at(const mewl__pickle *p, uint32_t index);

/* Pushes an existing value, a new value, a new value of a kind (an empty container). */
mewl_status mewl__pickle_push_index(mewl__pickle *p, uint32_t index);
mewl_status mewl__pickle_push(mewl__pickle *p, mewl__pickle_value value);
mewl_status mewl__pickle_push_kind(mewl__pickle *p, mewl__pickle_kind kind);

/* Stack entries above the last mark; nothing may be popped from below it. */
size_t mewl__pickle_above_mark(const mewl__pickle *p);
mewl_status mewl__pickle_pop(mewl__pickle *p, uint32_t *out);
mewl_status mewl__pickle_top(const mewl__pickle *p, uint32_t *out);

/* Lays a mark upon the stack. MEWL_E_MEMORY beyond the ceiling of marks. */
mewl_status mewl__pickle_push_mark(mewl__pickle *p);

/* Takes the last mark away; *from is where the entries above it start in the stack. */
mewl_status mewl__pickle_pop_mark(mewl__pickle *p, size_t *from);

/* Moves the stack's entries from `from` on into `container`, which must be of `kind`; drops them when it is opaque. */
mewl_status mewl__pickle_append_from(mewl__pickle *p, uint32_t container, size_t from, mewl__pickle_kind kind);

/* Replaces the stack's entries from `from` on by a new container of them. */
mewl_status mewl__pickle_collect(mewl__pickle *p, mewl__pickle_kind kind, size_t from);

/* The value on top of the stack into a memo slot, and a slot's value onto the stack. */
mewl_status mewl__pickle_memo_put(mewl__pickle *p, uint64_t slot);
mewl_status mewl__pickle_memo_get(mewl__pickle *p, uint64_t slot);

/* pickle_call.c: a global by name; what a call (REDUCE, NEWOBJ) would give; the storage that a persistent id names. */
mewl_status mewl__pickle_push_global(mewl__pickle *p, const uint8_t *module, size_t module_count, const uint8_t *name,
                                     size_t name_count);
mewl_status mewl__pickle_call(mewl__pickle *p);
mewl_status mewl__pickle_persistent(mewl__pickle *p);

#endif
