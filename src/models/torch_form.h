/* torch_form.h - private to the PyTorch reader: the two forms of torch.save behind one interface. A form finds the
 * pickle that describes the tensors, and the bytes of the storages it names.
 *
 *   torch_archive.c  since 1.6: a zip archive, <folder>/data.pkl and a stored member <folder>/data/<key> a storage
 *   torch_legacy.c   before, or with _use_new_zipfile_serialization=False: five pickles one after the other (a magic
 *                    number, the version 1001, facts about the machine, the object, the keys of the storages), then of
 *                    each storage its number of elements in 8 bytes and its values
 */
#ifndef MEWL_MODELS_TORCH_FORM_H
#define MEWL_MODELS_TORCH_FORM_H

#include <stdio.h>

#include "models/pickle.h"

/* Where the bytes of a checkpoint are: a file, or memory of the caller's. */
typedef struct mewl__torch_source {
    const char *name; /* stands in error sentences */
    FILE *file;       /* or */
    const uint8_t *bytes;
    uint64_t size;
} mewl__torch_source;

/* `count` bytes from `at` on into `out`. MEWL_E_FORMAT when they lie past the end, MEWL_E_IO. */
mewl_status mewl__torch_source_read(const mewl__torch_source *source, void *out, uint64_t at, uint64_t count,
                                    mewl_error *err);

typedef struct mewl__torch_form_ops {
    /* Is the storage there, and as long as the pickle says? MEWL_E_FORMAT, MEWL_E_UNSUPPORTED. */
    mewl_status (*check)(void *self, const mewl__pickle_storage *storage, mewl_error *err);

    /* `count` bytes of it from `at` on, at *out until the next call. Only inside what check found. */
    mewl_status (*borrow)(void *self, const uint8_t **out, const mewl__pickle_storage *storage, uint64_t at,
                          uint64_t count, mewl_error *err);

    void (*close)(void *self); /* NULL is fine */
} mewl__torch_form_ops;

/* An open checkpoint. `source` and what it refers to must outlive it. */
typedef struct mewl__torch_form {
    const mewl__torch_form_ops *ops;
    void *self;
    mewl__pickle *pickle; /* the caller's to be freed */
} mewl__torch_form;

/* Does the head of a file say this form? */
bool mewl__torch_archive_recognise(const uint8_t *head, size_t count);
bool mewl__torch_legacy_recognise(const uint8_t *head, size_t count);

/* MEWL_E_FORMAT, MEWL_E_UNSUPPORTED, MEWL_E_MEMORY, MEWL_E_IO. On failure nothing is left open. */
mewl_status mewl__torch_archive_open(mewl__torch_form *form, const mewl__torch_source *source, const char *path,
                                     mewl_error *err);
mewl_status mewl__torch_legacy_open(mewl__torch_form *form, const mewl__torch_source *source, mewl_error *err);

/* Bytes of one element. */
size_t mewl__torch_type_bytes(mewl_torch_type type);

#endif
