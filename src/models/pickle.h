/* pickle.h - private to the PyTorch reader: a restricted interpreter of Python pickles, protocols 2 to 5.
 *
 * Not an unpickler: a pickle is a program for a stack machine, and this machine can build dictionaries, lists, tuples,
 * numbers, texts, and descriptions of tensors and storages. Globals are looked up in a fixed table: those that rebuild
 * a tensor or an ordered dictionary, and some harmless ones (NumPy arrays, namespaces) whose results become opaque
 * values. Any other global is refused by name. Nothing is ever called. Memory is linear in the pickle's length and
 * bounded by the MEWL__PICKLE_MAX_… ceilings; values may form cycles, so whoever walks them bounds the depth.
 *
 * Own work after the format's description in Python's pickletools, and the form that torch.save writes.
 */
#ifndef MEWL_MODELS_PICKLE_H
#define MEWL_MODELS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/torchzip.h"

#define MEWL__PICKLE_MAX_BYTES ((size_t)64 << 20)
#define MEWL__PICKLE_MAX_VALUES (1u << 22)
#define MEWL__PICKLE_MAX_ITEMS (1u << 23)

typedef enum mewl__pickle_kind {
    MEWL__PICKLE_NONE,
    MEWL__PICKLE_BOOL,
    MEWL__PICKLE_INT,
    MEWL__PICKLE_REAL,
    MEWL__PICKLE_TEXT, /* text or bytes */
    MEWL__PICKLE_TUPLE,
    MEWL__PICKLE_LIST,
    MEWL__PICKLE_DICT,
    MEWL__PICKLE_GLOBAL,
    MEWL__PICKLE_STORAGE,
    MEWL__PICKLE_TENSOR,
    MEWL__PICKLE_OPAQUE
} mewl__pickle_kind;

typedef struct mewl__pickle_value {
    mewl__pickle_kind kind;
    union {
        int64_t integer; /* INT, BOOL */
        double real;
        struct {
            const char *bytes; /* not NUL-terminated; in the interpreter's copy of the pickle */
            size_t count;
        } text;
        struct {
            uint32_t first, last, count; /* chain of items; a dictionary's are key, value, key, value, … */
        } items;
        uint32_t row;    /* GLOBAL: of the table of globals */
        uint32_t number; /* STORAGE, TENSOR: index into storages, tensors */
    } as;
} mewl__pickle_value;

typedef struct mewl__pickle_storage {
    mewl_torch_type type;
    const char *key; /* as text above */
    size_t key_count;
    uint64_t elements;
} mewl__pickle_storage;

/* A tensor's description. Checked: at most MEWL_TORCH_MAX_DIMS dimensions, none negative, no overflow, and every
 * element inside its storage's stated number of elements. */
typedef struct mewl__pickle_tensor {
    uint32_t storage;
    size_t ndim, offset, count;
    size_t shape[MEWL_TORCH_MAX_DIMS], stride[MEWL_TORCH_MAX_DIMS];
} mewl__pickle_tensor;

typedef struct mewl__pickle mewl__pickle;

/* Runs the pickle in `bytes` (copied). MEWL_E_FORMAT (not a pickle, or cut short, with the byte), MEWL_E_UNSUPPORTED
 * (an opcode or a global outside the subset), MEWL_E_MEMORY (over a ceiling). *out is the caller's. */
mewl_status mewl__pickle_run(mewl__pickle **out, const void *bytes, size_t count, const char *name, mewl_error *err);
void mewl__pickle_free(mewl__pickle *pickle);

/* Bytes up to and with the stop that ended it: where the next pickle of a file starts. */
size_t mewl__pickle_used(const mewl__pickle *pickle);

/* What the pickle made; and the value with an index, as items give it. Borrowed. */
const mewl__pickle_value *mewl__pickle_root(const mewl__pickle *pickle);

/* Walks a container's items: start with *cursor = value->as.items.first; returns NULL at the end. */
const mewl__pickle_value *mewl__pickle_next(const mewl__pickle *pickle, uint32_t *cursor);

/* The tensor or storage that a value of that kind numbers (as.number, below the count); how many storages. Borrowed. */
const mewl__pickle_tensor *mewl__pickle_tensor_at(const mewl__pickle *pickle, uint32_t number);
const mewl__pickle_storage *mewl__pickle_storage_at(const mewl__pickle *pickle, uint32_t number);
size_t mewl__pickle_storage_count(const mewl__pickle *pickle);

/* Is the value this text? */
bool mewl__pickle_is_text(const mewl__pickle_value *value, const char *text);

#endif
