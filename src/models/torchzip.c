/* torchzip.c - the zip side of the PyTorch reader: the archive's members, the table of tensors that the pickle
 * describes, and their values as floats. */
#include "models/torchzip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "base/arena.h"
#include "base/half.h"
#include "models/pickle.h"

#define MAX_MEMBERS 131072
#define MAX_MEMBER_NAME 256
#define MAX_FOLDER 128
#define MAX_TENSOR_NAME 512
#define MAX_KEY 64  /* of a storage */
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
    zip_t *zip;
    char *name;
    uint64_t size;           /* of the file */
    char folder[MAX_FOLDER]; /* "archive/" */
    mewl__pickle *pickle;
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

bool mewl_torchzip_recognise(const void *head, size_t count)
{
    return count >= 4 && memcmp(head, "PK\x03\x04", 4) == 0;
}

/* Index and size of a member that is stored as it is. */
static mewl_status find_member(const mewl_torchzip *file, zip_int64_t *index, uint64_t *size, const char *member,
                               mewl_error *err)
{
    zip_stat_t st;
    *index = zip_name_locate(file->zip, member, 0);
    if (*index < 0 || zip_stat_index(file->zip, (zip_uint64_t)*index, 0, &st) != 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: the archive holds no `%s`", file->name, member);
    }
    const zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if ((st.valid & need) != need || st.comp_method != ZIP_CM_STORE ||
        ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && st.encryption_method != ZIP_EM_NONE)) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                              "%s: `%s` is compressed or encrypted; torch.save stores members as they are", file->name,
                              member);
    }
    if (st.size != st.comp_size || st.size > file->size) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s` claims %llu bytes in a file of %llu", file->name, member,
                              (unsigned long long)st.size, (unsigned long long)file->size);
    }
    *size = st.size;
    return MEWL_OK;
}

/* The whole of a member, in a block that the caller frees. */
static mewl_status read_member(const mewl_torchzip *file, uint8_t **out, zip_int64_t index, uint64_t size,
                               const char *member, mewl_error *err)
{
    uint8_t *bytes = malloc((size_t)size + 1);
    zip_file_t *f = bytes != NULL ? zip_fopen_index(file->zip, (zip_uint64_t)index, 0) : NULL;
    mewl_status status = MEWL_OK;
    if (bytes == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", file->name);
    } else if (f == NULL) {
        status = mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s`: %s", file->name, member, zip_strerror(file->zip));
    } else if (zip_fread(f, bytes, size) != (zip_int64_t)size || zip_fread(f, bytes + size, 1) != 0) {
        /* The second read finds the end, which is when libzip compares the checksum. */
        status = mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s` cannot be read whole: %s", file->name, member,
                                zip_file_strerror(f));
    }
    if (f != NULL) {
        (void)zip_fclose(f);
    }
    if (status != MEWL_OK) {
        free(bytes);
        bytes = NULL;
    }
    *out = bytes;
    return status;
}

/* Finds "<folder>/data.pkl" and from it the folder. */
static mewl_status find_folder(mewl_torchzip *file, mewl_error *err)
{
    const zip_int64_t members = zip_get_num_entries(file->zip, 0);
    if (members > MAX_MEMBERS) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: an archive of %lld members is more than is read", file->name,
                              (long long)members);
    }
    for (zip_int64_t i = 0; i < members; i++) {
        const char *member = zip_get_name(file->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        const char *slash = member != NULL ? strchr(member, '/') : NULL;
        if (slash != NULL && strcmp(slash, "/data.pkl") == 0 && slash - member + 1 < MAX_FOLDER) {
            memcpy(file->folder, member, (size_t)(slash - member) + 1);
            return MEWL_OK;
        }
    }
    return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                          "%s: a zip archive, but no PyTorch checkpoint: it holds no <folder>/data.pkl", file->name);
}

/* torch 2 notes the byte order of the machine that saved. */
static mewl_status check_byte_order(const mewl_torchzip *file, mewl_error *err)
{
    char member[MAX_MEMBER_NAME];
    zip_int64_t index;
    uint64_t size;
    uint8_t *bytes;
    (void)snprintf(member, sizeof member, "%sbyteorder", file->folder);
    if (zip_name_locate(file->zip, member, 0) < 0) {
        return MEWL_OK;
    }
    MEWL_TRY(find_member(file, &index, &size, member, err));
    MEWL_TRY(read_member(file, &bytes, index, size, member, err));
    const bool little = size == 6 && memcmp(bytes, "little", 6) == 0;
    free(bytes);
    return little ? MEWL_OK
                  : mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: saved on a machine that is not little-endian",
                                   file->name);
}

/* "archive/data/17"; false for a key that no torch.save writes. */
static bool storage_member(const mewl_torchzip *file, char out[MAX_MEMBER_NAME], const mewl__pickle_storage *storage)
{
    if (storage->key_count == 0 || storage->key_count > MAX_KEY) {
        return false;
    }
    for (size_t i = 0; i < storage->key_count; i++) {
        const char c = storage->key[i];
        if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_') {
            return false;
        }
    }
    char key[MAX_KEY + 1] = {0};
    memcpy(key, storage->key, storage->key_count);
    (void)snprintf(out, MAX_MEMBER_NAME, "%sdata/%s", file->folder, key);
    return true;
}

/* Place and size of a storage's member, which must be as long as the pickle says. */
static mewl_status find_storage(const mewl_torchzip *file, zip_int64_t *index, uint64_t *size,
                                char member[MAX_MEMBER_NAME], uint32_t number, mewl_error *err)
{
    const mewl__pickle_storage *storage = mewl__pickle_storage_at(file->pickle, number);
    if (!storage_member(file, member, storage)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: storage %u has an impossible key", file->name, number);
    }
    MEWL_TRY(find_member(file, index, size, member, err));
    if (storage->elements > *size || *size != storage->elements * types[storage->type].bytes) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s` has %llu bytes where %llu elements of %s should be",
                              file->name, member, (unsigned long long)*size, (unsigned long long)storage->elements,
                              types[storage->type].name);
    }
    return MEWL_OK;
}

static mewl_status add_tensor(walk *w, size_t length, const mewl__pickle_value *value)
{
    mewl_torchzip *file = w->file;
    const mewl__pickle_tensor *t = mewl__pickle_tensor_at(file->pickle, value->as.number);
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
        out->type = mewl__pickle_storage_at(file->pickle, t->storage)->type;
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
    while ((key = mewl__pickle_next(w->file->pickle, &cursor)) != NULL) {
        value = mewl__pickle_next(w->file->pickle, &cursor);
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
    const mewl__pickle_value *state = find_state(file->pickle);
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
        zip_int64_t index;
        uint64_t size;
        char member[MAX_MEMBER_NAME];
        if (i > 0 && strcmp(file->tensors[i - 1].name, file->tensors[i].name) == 0) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: two tensors are named `%s`", file->name,
                                  file->tensors[i].name);
        }
        MEWL_TRY(find_storage(file, &index, &size, member, (uint32_t)file->tensors[i].storage, err));
    }
    return MEWL_OK;
}

static mewl_status read_archive(mewl_torchzip *file, mewl_error *err)
{
    char member[MAX_MEMBER_NAME];
    zip_int64_t index;
    uint64_t size;
    uint8_t *bytes;
    MEWL_TRY(find_folder(file, err));
    MEWL_TRY(check_byte_order(file, err));
    (void)snprintf(member, sizeof member, "%sdata.pkl", file->folder);
    MEWL_TRY(find_member(file, &index, &size, member, err));
    if (size > MEWL__PICKLE_MAX_BYTES) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: `%s` of %llu bytes is more than is read", file->name, member,
                              (unsigned long long)size);
    }
    MEWL_TRY(read_member(file, &bytes, index, size, member, err));
    const mewl_status status = mewl__pickle_run(&file->pickle, bytes, (size_t)size, file->name, err);
    free(bytes);
    return status != MEWL_OK ? status : read_table(file, err);
}

/* Takes over `source`. */
static mewl_status open_source(mewl_torchzip **out, zip_source_t *source, uint64_t size, const char *name,
                               mewl_error *err)
{
    mewl_status status;
    zip_error_t why;
    zip_error_init(&why);
    mewl_torchzip *file = calloc(1, sizeof *file);
    char *copy = strdup(name);
    if (file == NULL || copy == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", name);
        goto fail;
    }
    file->name = copy;
    file->size = size;
    mewl_arena_init(&file->arena, NAMES_BYTES);
    file->zip = zip_open_from_source(source, ZIP_RDONLY, &why);
    if (file->zip == NULL) {
        status = mewl_error_set(err, MEWL_E_FORMAT, "%s: broken zip archive: %s", name, zip_error_strerror(&why));
        goto fail;
    }
    zip_error_fini(&why);
    status = read_archive(file, err);
    if (status != MEWL_OK) {
        mewl_torchzip_close(file);
        return status;
    }
    *out = file;
    return MEWL_OK;

fail:
    zip_error_fini(&why);
    zip_source_free(source);
    free(copy);
    free(file);
    return status;
}

/* Why a file that is no zip archive is not read. */
static mewl_status refuse_other_forms(const uint8_t *head, size_t count, const char *name, mewl_error *err)
{
    /* torch.save before 1.6: a pickle of the number 0x1950a86a20f9469cfc6c, then more pickles. */
    static const uint8_t legacy[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    if (count >= 2 + sizeof legacy && head[0] == 0x80 && memcmp(head + 2, legacy, sizeof legacy) == 0) {
        return mewl_error_set(
            err, MEWL_E_UNSUPPORTED,
            "%s: a checkpoint in the form of PyTorch before 1.6, which Mewl does not read; load it in "
            "PyTorch and save it again",
            name);
    }
    if (count >= 263 && memcmp(head + 257, "ustar", 5) == 0) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                              "%s: a tar archive, the form of PyTorch before 0.1.10, which Mewl does not read", name);
    }
    return mewl_error_set(err, MEWL_E_FORMAT, "%s: no PyTorch checkpoint: not a zip archive", name);
}

mewl_status mewl_torchzip_open(mewl_torchzip **out, const char *path, mewl_error *err)
{
    *out = NULL;
    uint8_t head[512] = {0};
    struct stat st;
    zip_error_t why;
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return mewl_error_errno(err, errno, path);
    }
    const size_t got = fread(head, 1, sizeof head, f);
    const bool regular = fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode);
    (void)fclose(f);
    if (!regular) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a checkpoint must be a regular file", path);
    }
    if (!mewl_torchzip_recognise(head, got)) {
        return refuse_other_forms(head, got, path, err);
    }
    if ((uint64_t)st.st_size > MEWL_TORCHZIP_MAX_BYTES) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: %lld bytes are more than is read", path, (long long)st.st_size);
    }
    zip_error_init(&why);
    zip_source_t *source = zip_source_file_create(path, 0, -1, &why);
    zip_error_fini(&why);
    if (source == NULL) {
        return mewl_error_set(err, MEWL_E_IO, "%s: libzip cannot read it", path);
    }
    return open_source(out, source, (uint64_t)st.st_size, path, err);
}

mewl_status mewl_torchzip_open_memory(mewl_torchzip **out, const void *bytes, size_t count, const char *name,
                                      mewl_error *err)
{
    *out = NULL;
    zip_error_t why;
    if (!mewl_torchzip_recognise(bytes, count)) {
        return refuse_other_forms(bytes, count, name, err);
    }
    zip_error_init(&why);
    zip_source_t *source = zip_source_buffer_create(bytes, count, 0, &why);
    zip_error_fini(&why);
    if (source == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", name);
    }
    return open_source(out, source, count, name, err);
}

void mewl_torchzip_close(mewl_torchzip *file)
{
    if (file != NULL) {
        if (file->zip != NULL) {
            zip_discard(file->zip);
        }
        mewl__pickle_free(file->pickle);
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
    zip_int64_t index;
    uint64_t size;
    char member[MAX_MEMBER_NAME];
    uint8_t *bytes;
    MEWL_TRY(find_storage(file, &index, &size, member, (uint32_t)tensor->storage, err));
    MEWL_TRY(read_member(file, &bytes, index, size, member, err));
    const size_t element = types[tensor->type].bytes;
    size_t place[MEWL_TORCH_MAX_DIMS] = {0}, at = tensor->offset;
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
    free(bytes);
    return MEWL_OK;
}
