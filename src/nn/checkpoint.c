/* checkpoint.c - named arrays and texts in memory. The file form is in safetensors.c. */
#include "nn/checkpoint_private.h"

#include "base/half.h"
#include "nn/memory.h"
#include "nn/tile.h"

#include <stdlib.h>
#include <string.h>

mewl_status mewl_checkpoint_new(mewl_checkpoint **out, mewl_error *err)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a checkpoint");
}

void mewl_checkpoint_free(mewl_checkpoint *checkpoint)
{
    if (checkpoint == NULL) {
        return;
    }
    for (size_t i = 0; i < checkpoint->count; i++) {
        free((void *)(uintptr_t)checkpoint->entries[i].name);
        free((void *)(uintptr_t)checkpoint->entries[i].data);
    }
    for (size_t i = 0; i < checkpoint->text_count; i++) {
        free(checkpoint->texts[i].key);
        free(checkpoint->texts[i].value);
    }
    free(checkpoint->entries);
    free(checkpoint->texts);
    free(checkpoint);
}

size_t mewl_checkpoint_count(const mewl_checkpoint *checkpoint)
{
    return checkpoint->count;
}

bool mewl_checkpoint_at(const mewl_checkpoint *checkpoint, mewl_checkpoint_entry *entry, size_t index)
{
    if (index >= checkpoint->count) {
        return false;
    }
    *entry = checkpoint->entries[index];
    return true;
}

bool mewl_checkpoint_find(const mewl_checkpoint *checkpoint, mewl_checkpoint_entry *entry, const char *name)
{
    for (size_t i = 0; i < checkpoint->count; i++) {
        if (strcmp(checkpoint->entries[i].name, name) == 0) {
            *entry = checkpoint->entries[i];
            return true;
        }
    }
    return false;
}

int64_t mewl__checkpoint_elements(int rank, const int64_t *dim)
{
    if (rank < 0 || rank > MEWL__CHECKPOINT_RANK_MAX) {
        return -1;
    }
    int64_t count = 1;
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        if (dim[i] < 0 || dim[i] > (int64_t)MEWL_CHECKPOINT_BYTES_MAX) {
            return -1;
        }
        if (dim[i] == 0) {
            empty = true;
        } else if (count > (int64_t)MEWL_CHECKPOINT_BYTES_MAX / dim[i]) {
            return -1;
        } else {
            count *= dim[i];
        }
    }
    return empty ? 0 : count;
}

mewl_status mewl_checkpoint_put(mewl_checkpoint *checkpoint, const char *name, mewl_dtype dtype, int rank,
                                const int64_t *dim, const void *data, mewl_error *err)
{
    if (mewl_checkpoint_find(checkpoint, &(mewl_checkpoint_entry){0}, name)) {
        return mewl_error_set(err, MEWL_E_ARG, "'%.200s' is in the checkpoint already", name);
    }
    return mewl__checkpoint_append(checkpoint, name, dtype, rank, dim, data, err);
}

mewl_status mewl__checkpoint_append(mewl_checkpoint *checkpoint, const char *name, mewl_dtype dtype, int rank,
                                    const int64_t *dim, const void *data, mewl_error *err)
{
    int64_t elements = mewl__checkpoint_elements(rank, dim);
    mewl_checkpoint_entry entry = {.dtype = dtype, .rank = rank};
    if (elements < 0 || (unsigned)dtype >= MEWL_DTYPE_COUNT || name[0] == '\0' ||
        strlen(name) > MEWL__CHECKPOINT_NAME_MAX || strcmp(name, "__metadata__") == 0) {
        return mewl_error_set(err, MEWL_E_ARG, "a checkpoint cannot hold '%.200s': its name, type or shape", name);
    }
    entry.bytes = (uint64_t)elements * mewl_dtype_size(dtype);
    if (checkpoint->count == MEWL_CHECKPOINT_TENSORS_MAX ||
        entry.bytes > MEWL_CHECKPOINT_BYTES_MAX - checkpoint->bytes) {
        return mewl_error_set(err, MEWL_E_MEMORY, "'%.200s' is too much for a checkpoint", name);
    }
    if (checkpoint->count == checkpoint->room) {
        size_t room = checkpoint->room == 0 ? 64 : checkpoint->room * 2;
        void *entries = realloc(checkpoint->entries, room * sizeof *checkpoint->entries);
        if (entries == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a checkpoint");
        }
        checkpoint->entries = entries;
        checkpoint->room = room;
    }
    for (int i = 0; i < rank; i++) {
        entry.dim[i] = dim[i];
    }
    char *copy = strdup(name);
    void *memory = mewl__alloc((size_t)entry.bytes);
    if (copy == NULL || memory == NULL) {
        free(copy);
        free(memory);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for '%.200s'", name);
    }
    if (entry.bytes > 0) {
        memcpy(memory, data, (size_t)entry.bytes);
    }
    entry.name = copy;
    entry.data = memory;
    checkpoint->entries[checkpoint->count++] = entry;
    checkpoint->bytes += entry.bytes;
    return MEWL_OK;
}

mewl_status mewl_checkpoint_get_f32(const mewl_checkpoint *checkpoint, float *out, const char *name, int64_t count,
                                    mewl_error *err)
{
    mewl_checkpoint_entry e;
    if (!mewl_checkpoint_find(checkpoint, &e, name)) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "the checkpoint has no '%.200s'", name);
    }
    int64_t has = mewl__checkpoint_elements(e.rank, e.dim);
    if (has != count) {
        return mewl_error_set(err, MEWL_E_SHAPE, "'%.200s' has %lld elements, not %lld", name, (long long)has,
                              (long long)count);
    }
    for (int64_t i = 0; i < count; i++) {
        switch (e.dtype) {
        case MEWL_DTYPE_F32:
            out[i] = ((const float *)e.data)[i];
            break;
        case MEWL_DTYPE_BF16:
            out[i] = mewl_bf16_to_f32(((const uint16_t *)e.data)[i]);
            break;
        case MEWL_DTYPE_F16:
            out[i] = mewl_half_to_float(((const uint16_t *)e.data)[i]);
            break;
        case MEWL_DTYPE_F64:
            out[i] = (float)((const double *)e.data)[i];
            break;
        default:
            return mewl_error_set(err, MEWL_E_UNSUPPORTED, "'%.200s' holds %s, not floating-point numbers", name,
                                  mewl_dtype_name(e.dtype));
        }
    }
    return MEWL_OK;
}

mewl_status mewl_checkpoint_set_text(mewl_checkpoint *checkpoint, const char *key, const char *text, mewl_error *err)
{
    char *value = strdup(text);
    if (value == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a checkpoint's text");
    }
    for (size_t i = 0; i < checkpoint->text_count; i++) {
        if (strcmp(checkpoint->texts[i].key, key) == 0) {
            free(checkpoint->texts[i].value);
            checkpoint->texts[i].value = value;
            return MEWL_OK;
        }
    }
    if (checkpoint->text_count == checkpoint->text_room) {
        size_t room = checkpoint->text_room == 0 ? 16 : checkpoint->text_room * 2;
        void *texts =
            room <= MEWL__CHECKPOINT_TEXTS_MAX ? realloc(checkpoint->texts, room * sizeof *checkpoint->texts) : NULL;
        if (texts == NULL) {
            free(value);
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a checkpoint's texts, or over %d of them",
                                  MEWL__CHECKPOINT_TEXTS_MAX);
        }
        checkpoint->texts = texts;
        checkpoint->text_room = room;
    }
    char *copy = strdup(key);
    if (copy == NULL) {
        free(value);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a checkpoint's text");
    }
    checkpoint->texts[checkpoint->text_count++] = (mewl__text){copy, value};
    return MEWL_OK;
}

const char *mewl_checkpoint_text(const mewl_checkpoint *checkpoint, const char *key)
{
    for (size_t i = 0; i < checkpoint->text_count; i++) {
        if (strcmp(checkpoint->texts[i].key, key) == 0) {
            return checkpoint->texts[i].value;
        }
    }
    return NULL;
}

bool mewl_checkpoint_text_at(const mewl_checkpoint *checkpoint, const char **key, const char **text, size_t index)
{
    if (index >= checkpoint->text_count) {
        return false;
    }
    *key = checkpoint->texts[index].key;
    *text = checkpoint->texts[index].value;
    return true;
}
