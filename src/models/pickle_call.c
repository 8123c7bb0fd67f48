/* pickle_call.c - what the pickle interpreter makes of globals, calls and persistent ids: ordered dictionaries,
 * storages, tensors. The table of globals is the whole of what a checkpoint may name. */
#include "models/pickle_store.h"

#include <string.h>

/* What the interpreter makes of a global. */
typedef enum meaning { MEANS_DICT, MEANS_TENSOR, MEANS_PARAMETER, MEANS_STORAGE, MEANS_OPAQUE } meaning;

/* Every global that a checkpoint may name. */
static const struct {
    const char *module, *name;
    meaning meaning;
    mewl_torch_type type;
} globals[] = {
    {"collections", "OrderedDict", MEANS_DICT, 0},
    {"torch._utils", "_rebuild_tensor", MEANS_TENSOR, 0},
    {"torch._utils", "_rebuild_tensor_v2", MEANS_TENSOR, 0},
    {"torch._utils", "_rebuild_parameter", MEANS_PARAMETER, 0},
    {"torch", "FloatStorage", MEANS_STORAGE, MEWL_TORCH_F32},
    {"torch", "DoubleStorage", MEANS_STORAGE, MEWL_TORCH_F64},
    {"torch", "HalfStorage", MEANS_STORAGE, MEWL_TORCH_F16},
    {"torch", "BFloat16Storage", MEANS_STORAGE, MEWL_TORCH_BF16},
    {"torch", "LongStorage", MEANS_STORAGE, MEWL_TORCH_I64},
    {"torch", "IntStorage", MEANS_STORAGE, MEWL_TORCH_I32},
    {"torch", "ShortStorage", MEANS_STORAGE, MEWL_TORCH_I16},
    {"torch", "CharStorage", MEANS_STORAGE, MEWL_TORCH_I8},
    {"torch", "ByteStorage", MEANS_STORAGE, MEWL_TORCH_U8},
    {"torch", "BoolStorage", MEANS_STORAGE, MEWL_TORCH_BOOL},
    {"torch", "Size", MEANS_OPAQUE, 0},
    {"torch", "device", MEANS_OPAQUE, 0},
    {"torch", "float32", MEANS_OPAQUE, 0},
    {"torch", "float64", MEANS_OPAQUE, 0},
    {"torch", "int64", MEANS_OPAQUE, 0},
    {"collections", "defaultdict", MEANS_OPAQUE, 0},
    {"argparse", "Namespace", MEANS_OPAQUE, 0},
    {"_codecs", "encode", MEANS_OPAQUE, 0},
    {"numpy", "ndarray", MEANS_OPAQUE, 0},
    {"numpy", "dtype", MEANS_OPAQUE, 0},
    {"numpy.core.multiarray", "_reconstruct", MEANS_OPAQUE, 0},
    {"numpy.core.multiarray", "scalar", MEANS_OPAQUE, 0},
    {"numpy._core.multiarray", "_reconstruct", MEANS_OPAQUE, 0},
    {"numpy._core.multiarray", "scalar", MEANS_OPAQUE, 0},
};

static bool same_text(const char *text, const uint8_t *bytes, size_t count)
{
    return strlen(text) == count && memcmp(text, bytes, count) == 0;
}

/* A copy for an error sentence: printable ASCII only, cut. */
static void show(char out[64], const uint8_t *bytes, size_t count)
{
    const size_t shown = count < 63 ? count : 63;
    for (size_t i = 0; i < shown; i++) {
        out[i] = bytes[i] >= 32 && bytes[i] < 127 ? (char)bytes[i] : '?';
    }
    out[shown] = '\0';
}

mewl_status mewl__pickle_push_global(mewl__pickle *p, const uint8_t *module, size_t module_count, const uint8_t *name,
                                     size_t name_count)
{
    for (uint32_t i = 0; i < sizeof globals / sizeof globals[0]; i++) {
        if (same_text(globals[i].module, module, module_count) && same_text(globals[i].name, name, name_count)) {
            return mewl__pickle_push(p, (mewl__pickle_value){.kind = MEWL__PICKLE_GLOBAL, .as.row = i});
        }
    }
    char shown_module[64], shown_name[64];
    show(shown_module, module, module_count);
    show(shown_name, name, name_count);
    return mewl_error_set(p->err, MEWL_E_UNSUPPORTED,
                          "%s: the pickle names `%s.%s`, which is refused: only tensors, dictionaries and plain values "
                          "are read, and nothing is run (byte %zu)",
                          p->name, shown_module, shown_name, p->at);
}

bool mewl__pickle_is_text(const mewl__pickle_value *value, const char *text)
{
    return value->kind == MEWL__PICKLE_TEXT &&
           same_text(text, (const uint8_t *)value->as.text.bytes, value->as.text.count);
}

/* Item `index` of a tuple or list; NULL when there is none. */
static const mewl__pickle_value *item_at(const mewl__pickle *p, const mewl__pickle_value *container, uint32_t index)
{
    if ((container->kind != MEWL__PICKLE_TUPLE && container->kind != MEWL__PICKLE_LIST) ||
        index >= container->as.items.count) {
        return NULL;
    }
    uint32_t cursor = container->as.items.first;
    for (uint32_t i = 0; i < index; i++) {
        (void)mewl__pickle_next(p, &cursor);
    }
    return mewl__pickle_next(p, &cursor);
}

/* BINPERSID: the tuple ("storage", storage class, key, device, elements); in the older form with a sixth item, which is
 * None unless the storage is a view of another. */
mewl_status mewl__pickle_persistent(mewl__pickle *p)
{
    uint32_t index = 0;
    MEWL_TRY(mewl__pickle_pop(p, &index));
    const mewl__pickle_value *id = mewl__pickle_value_at(p, index);
    const mewl__pickle_value *what = item_at(p, id, 0), *class = item_at(p, id, 1), *key = item_at(p, id, 2),
                             *elements = item_at(p, id, 4);
    const mewl__pickle_value *view = item_at(p, id, 5);
    if (elements == NULL || id->as.items.count > 6 || !mewl__pickle_is_text(what, "storage") ||
        key->kind != MEWL__PICKLE_TEXT || elements->kind != MEWL__PICKLE_INT || elements->as.integer < 0) {
        return mewl__pickle_broken(p, "a persistent id that names no storage");
    }
    if (view != NULL && view->kind != MEWL__PICKLE_NONE) {
        return mewl_error_set(p->err, MEWL_E_UNSUPPORTED, "%s: a storage that is a view of another (byte %zu)", p->name,
                              p->at);
    }
    if (class->kind != MEWL__PICKLE_GLOBAL || globals[class->as.row].meaning != MEANS_STORAGE) {
        return mewl_error_set(p->err, MEWL_E_UNSUPPORTED, "%s: a storage of a type that is not read (byte %zu)",
                              p->name, p->at);
    }
    const mewl__pickle_storage storage = {globals[class->as.row].type, key->as.text.bytes, key->as.text.count,
                                          (uint64_t)elements->as.integer};
    MEWL_TRY(mewl__pickle_pool_push(p, &p->storages, &storage, sizeof storage, MEWL__PICKLE_MAX_VALUES));
    return mewl__pickle_push(
        p, (mewl__pickle_value){.kind = MEWL__PICKLE_STORAGE, .as.number = (uint32_t)(p->storages.count - 1)});
}

/* Shape or stride: a tuple of whole numbers that are not negative. */
static bool read_sizes(const mewl__pickle *p, size_t out[MEWL_TORCH_MAX_DIMS], size_t *ndim,
                       const mewl__pickle_value *tuple)
{
    if ((tuple->kind != MEWL__PICKLE_TUPLE && tuple->kind != MEWL__PICKLE_LIST) ||
        tuple->as.items.count > MEWL_TORCH_MAX_DIMS) {
        return false;
    }
    uint32_t cursor = tuple->as.items.first;
    *ndim = tuple->as.items.count;
    for (size_t i = 0; i < *ndim; i++) {
        const mewl__pickle_value *v = mewl__pickle_next(p, &cursor);
        if (v->kind != MEWL__PICKLE_INT || v->as.integer < 0) {
            return false;
        }
        out[i] = (size_t)v->as.integer;
    }
    return true;
}

/* Do all elements lie inside the storage? Sets t->count. */
static bool fits(mewl__pickle_tensor *t, uint64_t elements)
{
    size_t last = t->offset;
    t->count = 1;
    for (size_t i = 0; i < t->ndim; i++) {
        if (__builtin_mul_overflow(t->count, t->shape[i], &t->count)) {
            return false;
        }
    }
    for (size_t i = 0; i < t->ndim && t->count != 0; i++) {
        size_t reach;
        if (__builtin_mul_overflow(t->shape[i] - 1, t->stride[i], &reach) ||
            __builtin_add_overflow(last, reach, &last)) {
            return false;
        }
    }
    return t->count <= (size_t)1 << 31 && (t->count == 0 || last < elements);
}

/* _rebuild_tensor_v2(storage, offset, shape, stride, …) */
static mewl_status rebuild_tensor(mewl__pickle *p, const mewl__pickle_value *args)
{
    const mewl__pickle_value *storage = item_at(p, args, 0), *offset = item_at(p, args, 1),
                             *shape = item_at(p, args, 2), *stride = item_at(p, args, 3);
    mewl__pickle_tensor t = {0};
    size_t strides = 0;
    if (stride == NULL || storage->kind != MEWL__PICKLE_STORAGE || offset->kind != MEWL__PICKLE_INT ||
        offset->as.integer < 0 || !read_sizes(p, t.shape, &t.ndim, shape) ||
        !read_sizes(p, t.stride, &strides, stride) || strides != t.ndim) {
        return mewl__pickle_broken(p, "a tensor without its sizes");
    }
    t.storage = storage->as.number;
    t.offset = (size_t)offset->as.integer;
    if (!fits(&t, ((const mewl__pickle_storage *)p->storages.data)[t.storage].elements)) {
        return mewl__pickle_broken(p, "a tensor that leaves its storage");
    }
    MEWL_TRY(mewl__pickle_pool_push(p, &p->tensors, &t, sizeof t, MEWL_TORCHZIP_MAX_TENSORS));
    return mewl__pickle_push(
        p, (mewl__pickle_value){.kind = MEWL__PICKLE_TENSOR, .as.number = (uint32_t)(p->tensors.count - 1)});
}

/* REDUCE and NEWOBJ: what a call would give. */
mewl_status mewl__pickle_call(mewl__pickle *p)
{
    uint32_t args_index = 0, callee_index = 0;
    MEWL_TRY(mewl__pickle_pop(p, &args_index));
    MEWL_TRY(mewl__pickle_pop(p, &callee_index));
    const mewl__pickle_value *args = mewl__pickle_value_at(p, args_index),
                             *callee = mewl__pickle_value_at(p, callee_index);
    if (callee->kind != MEWL__PICKLE_GLOBAL || args->kind != MEWL__PICKLE_TUPLE) {
        return mewl__pickle_broken(p, "a call of something that is no function");
    }
    switch (globals[callee->as.row].meaning) {
    case MEANS_DICT:
        if (args->as.items.count != 0) {
            return mewl_error_set(p->err, MEWL_E_UNSUPPORTED, "%s: an OrderedDict made from arguments (byte %zu)",
                                  p->name, p->at);
        }
        return mewl__pickle_push_kind(p, MEWL__PICKLE_DICT);
    case MEANS_TENSOR:
        return rebuild_tensor(p, args);
    case MEANS_PARAMETER: {
        uint32_t cursor = args->as.items.first;
        if (args->as.items.count == 0 || mewl__pickle_next(p, &cursor)->kind != MEWL__PICKLE_TENSOR) {
            return mewl__pickle_broken(p, "a parameter without its tensor");
        }
        return mewl__pickle_push_index(p, ((const mewl__pickle_item *)p->items.data)[args->as.items.first].value);
    }
    case MEANS_OPAQUE:
        return mewl__pickle_push_kind(p, MEWL__PICKLE_OPAQUE);
    case MEANS_STORAGE:
        break;
    }
    return mewl__pickle_broken(p, "a call of a storage class");
}
