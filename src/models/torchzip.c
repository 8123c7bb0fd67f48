/* torchzip.c - a PyTorch checkpoint of either form (torch_form.h): the table of tensors that its pickle describes, and
 * their values as floats. */
#include "models/torchzip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/half.h"
#include "models/torch_form.h"

#define MAX_TENSOR_NAME 512
#define MAX_DEPTH 8 /* of dictionaries in dictionaries */
#define MAX_VISITS (1u << 20)
#define NAMES_BYTES ((size_t)64 << 20)

static const struct {
    const char *name;
    size_t bytes;
} types[MEWL_TORCH_TYPE_COUNT] = {
    [MEWL_TORCH_F32] = {"float32", 4},   [MEWL_TORCH_F64] = {"float64", 8}, [MEWL_TORCH_F16] = {"float16", 2},
    [MEWL_TORCH_BF16] = {"bfloat16", 2}, [MEWL_TORCH_I64] = {"int64", 8},   [MEWL_TORCH_I32] = {"int32", 4},
    [MEWL_TORCH_I16] = {"int16", 2},     [MEWL_TORCH_I8] = {"int8", 1},     [MEWL_TORCH_U8] = {"uint8", 1},
    [MEWL_TORCH_BOOL] = {"bool", 1},
};

struct mewl_torchzip {
    char *name;
    mewl__torch_source source;
    mewl__torch_form form;
    mewl_arena arena;
    mewl_torch_tensor *tensors; /* by name */
    size_t count;
};

/* State of the walk through nested dictionaries. */
typedef struct walk {
    mewl_torchzip *file;
    mewl_error *err;
    char name[MAX_TENSOR_NAME];
    size_t visits;
    bool fill; /* false: only count */
} walk;

const char *mewl_torch_type_name(mewl_torch_type type)
{
    return (unsigned)type < MEWL_TORCH_TYPE_COUNT ? types[type].name : "unknown";
}

size_t mewl__torch_type_bytes(mewl_torch_type type)
{
    return types[type].bytes;
}

bool mewl_torchzip_recognise(const void *head, size_t count)
{
    return mewl__torch_archive_recognise(head, count) || mewl__torch_legacy_recognise(head, count);
}

mewl_status mewl__torch_source_read(const mewl__torch_source *source, void *out, uint64_t at, uint64_t count,
                                    mewl_error *err)
{
    if (at > source->size || count > source->size - at) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: the file ends too early: %llu bytes from byte %llu of %llu",
                              source->name, (unsigned long long)count, (unsigned long long)at,
                              (unsigned long long)source->size);
    }
    if (source->bytes != NULL) {
        memcpy(out, source->bytes + at, (size_t)count);
        return MEWL_OK;
    }
    return fseeko(source->file, (off_t)at, SEEK_SET) == 0 && fread(out, 1, (size_t)count, source->file) == count
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_IO, "%s: cannot be read at byte %llu", source->name,
                                (unsigned long long)at);
}

static mewl_status add_tensor(walk *w, size_t length, const mewl__pickle_value *value)
{
    mewl_torchzip *file = w->file;
    const mewl__pickle_tensor *t = mewl__pickle_tensor_at(file->form.pickle, value->as.number);
    if (file->count == MEWL_TORCHZIP_MAX_TENSORS) {
        return mewl_error_set(w->err, MEWL_E_MEMORY, "%s: more than %u tensors", file->name, MEWL_TORCHZIP_MAX_TENSORS);
    }
    if (w->fill) {
        char *name = mewl_arena_alloc(&file->arena, length + 1);
        if (name == NULL) {
            return mewl_error_set(w->err, MEWL_E_MEMORY, "%s: the names do not fit into memory", file->name);
        }
        memcpy(name, w->name, length);
        mewl_torch_tensor *out = &file->tensors[file->count];
        out->name = strncmp(name, "module.", 7) == 0 ? name + 7 : name;
        out->type = mewl__pickle_storage_at(file->form.pickle, t->storage)->type;
        out->ndim = t->ndim;
        memcpy(out->shape, t->shape, sizeof out->shape);
        memcpy(out->stride, t->stride, sizeof out->stride);
        out->count = t->count;
        out->offset = t->offset;
        out->storage = t->storage;
    }
    file->count++;
    return MEWL_OK;
}

/* Tensors in `dict`, whose own name is the first `length` bytes of w->name. */
static mewl_status walk_dict(walk *w, size_t length, const mewl__pickle_value *dict, int depth)
{
    uint32_t cursor = dict->as.items.first;
    const mewl__pickle_value *key, *value;
    while ((key = mewl__pickle_next(w->file->form.pickle, &cursor)) != NULL) {
        value = mewl__pickle_next(w->file->form.pickle, &cursor);
        if (++w->visits > MAX_VISITS || depth > MAX_DEPTH) {
            return mewl_error_set(w->err, MEWL_E_MEMORY, "%s: dictionaries nested too deep or too often",
                                  w->file->name);
        }
        if (key->kind != MEWL__PICKLE_TEXT ||
            (value->kind != MEWL__PICKLE_TENSOR && value->kind != MEWL__PICKLE_DICT)) {
            continue;
        }
        const size_t dot = length != 0 ? 1 : 0;
        if (key->as.text.count + length + dot >= MAX_TENSOR_NAME ||
            memchr(key->as.text.bytes, '\0', key->as.text.count) != NULL) {
            return mewl_error_set(w->err, MEWL_E_FORMAT, "%s: a tensor's name is too long or holds a NUL",
                                  w->file->name);
        }
        w->name[length] = '.';
        memcpy(w->name + length + dot, key->as.text.bytes, key->as.text.count);
        const size_t joined = length + dot + key->as.text.count;
        if (value->kind == MEWL__PICKLE_TENSOR) {
            MEWL_TRY(add_tensor(w, joined, value));
        } else {
            MEWL_TRY(walk_dict(w, joined, value, depth + 1));
        }
    }
    return MEWL_OK;
}

/* The dictionary that holds the weights: the saved one, or the one it holds under a customary name. */
static const mewl__pickle_value *find_state(const mewl__pickle *pickle)
{
    static const char *const customary[] = {"state_dict", "model_state_dict", "model"};
    const mewl__pickle_value *root = mewl__pickle_root(pickle);
    if (root->kind != MEWL__PICKLE_DICT) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof customary / sizeof customary[0]; i++) {
        uint32_t cursor = root->as.items.first;
        const mewl__pickle_value *key;
        while ((key = mewl__pickle_next(pickle, &cursor)) != NULL) {
            const mewl__pickle_value *value = mewl__pickle_next(pickle, &cursor);
            if (value->kind == MEWL__PICKLE_DICT && mewl__pickle_is_text(key, customary[i])) {
                return value;
            }
        }
    }
    return root;
}

static int compare_tensors(const void *a, const void *b)
{
    return strcmp(((const mewl_torch_tensor *)a)->name, ((const mewl_torch_tensor *)b)->name);
}

static mewl_status read_table(mewl_torchzip *file, mewl_error *err)
{
    const mewl__pickle_value *state = find_state(file->form.pickle);
    if (state == NULL) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                              "%s: the checkpoint is no dictionary of tensors (save model.state_dict(), not the model)",
                              file->name);
    }
    walk w = {.file = file, .err = err};
    MEWL_TRY(walk_dict(&w, 0, state, 0));
    if (file->count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: the checkpoint holds no tensor", file->name);
    }
    file->tensors = mewl_arena_array(&file->arena, file->count, sizeof *file->tensors);
    if (file->tensors == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", file->name);
    }
    w = (walk){.file = file, .err = err, .fill = true};
    file->count = 0;
    MEWL_TRY(walk_dict(&w, 0, state, 0));
    qsort(file->tensors, file->count, sizeof *file->tensors, compare_tensors);
    for (size_t i = 0; i < file->count; i++) {
        const mewl_torch_tensor *t = &file->tensors[i];
        if (i > 0 && strcmp(t[-1].name, t->name) == 0) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: two tensors are named `%s`", file->name, t->name);
        }
        MEWL_TRY(file->form.ops->check(file->form.self,
                                       mewl__pickle_storage_at(file->form.pickle, (uint32_t)t->storage), err));
    }
    return MEWL_OK;
}

/* Why a file of neither form is not read. */
static mewl_status refuse_other_forms(const uint8_t *head, size_t count, const char *name, mewl_error *err)
{
    if (count >= 263 && memcmp(head + 257, "ustar", 5) == 0) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                              "%s: a tar archive, the form of PyTorch before 0.1.10, which Mewl does not read", name);
    }
    return mewl_error_set(err, MEWL_E_FORMAT, "%s: no PyTorch checkpoint: neither a zip archive nor the older form",
                          name);
}

/* A checkpoint of `source`, whose file it takes over; `path` of a file, NULL of memory. */
static mewl_status open_source(mewl_torchzip **out, mewl__torch_source source, const char *path, const uint8_t *head,
                               size_t count, mewl_error *err)
{
    mewl_torchzip *file = calloc(1, sizeof *file);
    char *copy = strdup(source.name);
    if (file == NULL || copy == NULL) {
        free(file);
        free(copy);
        if (source.file != NULL) {
            (void)fclose(source.file);
        }
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", source.name);
    }
    file->name = copy;
    file->source = source;
    file->source.name = copy;
    mewl_arena_init(&file->arena, NAMES_BYTES);
    mewl_status status;
    if (source.size > MEWL_TORCHZIP_MAX_BYTES) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "%s: %llu bytes are more than is read", copy,
                                (unsigned long long)source.size);
    } else if (mewl__torch_archive_recognise(head, count)) {
        status = mewl__torch_archive_open(&file->form, &file->source, path, err);
    } else if (mewl__torch_legacy_recognise(head, count)) {
        status = mewl__torch_legacy_open(&file->form, &file->source, err);
    } else {
        status = refuse_other_forms(head, count, copy, err);
    }
    if (status == MEWL_OK) {
        status = read_table(file, err);
    }
    if (status != MEWL_OK) {
        mewl_torchzip_close(file);
        return status;
    }
    *out = file;
    return MEWL_OK;
}

mewl_status mewl_torchzip_open(mewl_torchzip **out, const char *path, mewl_error *err)
{
    *out = NULL;
    uint8_t head[512] = {0};
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return mewl_error_errno(err, errno, path);
    }
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)fclose(f);
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a checkpoint must be a regular file", path);
    }
    const size_t got = fread(head, 1, sizeof head, f);
    return open_source(out, (mewl__torch_source){.name = path, .file = f, .size = (uint64_t)st.st_size}, path, head,
                       got, err);
}

mewl_status mewl_torchzip_open_memory(mewl_torchzip **out, const void *bytes, size_t count, const char *name,
                                      mewl_error *err)
{
    *out = NULL;
    return open_source(out, (mewl__torch_source){.name = name, .bytes = bytes, .size = count}, NULL, bytes, count, err);
}

void mewl_torchzip_close(mewl_torchzip *file)
{
    if (file != NULL) {
        if (file->form.self != NULL) {
            file->form.ops->close(file->form.self);
        }
        if (file->source.file != NULL) {
            (void)fclose(file->source.file);
        }
        mewl__pickle_free(file->form.pickle);
        mewl_arena_fini(&file->arena);
        free(file->name);
        free(file);
    }
}

size_t mewl_torchzip_count(const mewl_torchzip *file)
{
    return file->count;
}

const mewl_torch_tensor *mewl_torchzip_at(const mewl_torchzip *file, size_t index)
{
    return index < file->count ? &file->tensors[index] : NULL;
}

const mewl_torch_tensor *mewl_torchzip_find(const mewl_torchzip *file, const char *name)
{
    const mewl_torch_tensor wanted = {.name = name};
    return bsearch(&wanted, file->tensors, file->count, sizeof *file->tensors, compare_tensors);
}

static uint64_t load_bits(const uint8_t *p, size_t bytes)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < bytes; i++) {
        bits |= (uint64_t)p[i] << 8 * i;
    }
    return bits;
}

static float load_value(const uint8_t *p, mewl_torch_type type)
{
    const uint64_t bits = load_bits(p, types[type].bytes);
    float f;
    double d;
    switch (type) {
    case MEWL_TORCH_F32:
    case MEWL_TORCH_BF16: {
        const uint32_t word = type == MEWL_TORCH_F32 ? (uint32_t)bits : (uint32_t)bits << 16;
        memcpy(&f, &word, sizeof f);
        return f;
    }
    case MEWL_TORCH_F64:
        memcpy(&d, &bits, sizeof d);
        return (float)d;
    case MEWL_TORCH_F16:
        return mewl_half_to_float((uint16_t)bits);
    case MEWL_TORCH_I64:
        return (float)(int64_t)bits;
    case MEWL_TORCH_I32:
        return (float)(int32_t)bits;
    case MEWL_TORCH_I16:
        return (float)(int16_t)bits;
    case MEWL_TORCH_I8:
        return (float)(int8_t)bits;
    case MEWL_TORCH_U8:
    case MEWL_TORCH_BOOL:
    case MEWL_TORCH_TYPE_COUNT:
        break;
    }
    return (float)bits;
}

mewl_status mewl_torchzip_read_f32(mewl_torchzip *file, float *out, const mewl_torch_tensor *tensor, size_t count,
                                   mewl_error *err)
{
    if (tensor->count != count) {
        return mewl_error_set(err, MEWL_E_SHAPE, "%s: `%s` has %zu elements where %zu are expected", file->name,
                              tensor->name, tensor->count, count);
    }
    if (count == 0) {
        return MEWL_OK;
    }
    size_t extent = 1; /* elements from the first to the last one used */
    for (size_t d = 0; d < tensor->ndim; d++) {
        extent += (tensor->shape[d] - 1) * tensor->stride[d];
    }
    const size_t element = types[tensor->type].bytes;
    const uint8_t *bytes;
    MEWL_TRY(file->form.ops->borrow(file->form.self, &bytes,
                                    mewl__pickle_storage_at(file->form.pickle, (uint32_t)tensor->storage),
                                    tensor->offset * element, extent * element, err));
    size_t place[MEWL_TORCH_MAX_DIMS] = {0}, at = 0;
    for (size_t i = 0; i < count; i++) {
        out[i] = load_value(bytes + at * element, tensor->type);
        for (size_t d = tensor->ndim; d-- > 0;) { /* an odometer over the dimensions */
            at += tensor->stride[d];
            if (++place[d] < tensor->shape[d]) {
                break;
            }
            at -= tensor->stride[d] * tensor->shape[d];
            place[d] = 0;
        }
    }
    return MEWL_OK;
}
