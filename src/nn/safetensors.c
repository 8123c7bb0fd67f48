/* safetensors.c - a checkpoint's file form, read as hostile and written in one piece.
 *
 * After the published format (huggingface/safetensors, "Format"): no alignment is promised, the data has no holes and
 * no overlaps, and the header is one JSON object.
 */
#include "nn/checkpoint_private.h"

#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_MAX ((uint64_t)64 << 20)

/* One array of the header, and where it lies. */
typedef struct range {
    const char *name;
    mewl_dtype dtype;
    int rank;
    int64_t dim[MEWL__CHECKPOINT_RANK_MAX];
    uint64_t begin, end;
} range;

static int by_place(const void *a, const void *b)
{
    const range *x = a, *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    return x->end < y->end ? -1 : x->end > y->end;
}

static bool whole_number(const json_t *value, int64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *out = (int64_t)json_integer_value(value);
    return true;
}

static mewl_status read_range(range *r, const char *key, const json_t *value, const char *name, mewl_error *err)
{
    const json_t *dtype = json_object_get(value, "dtype"), *shape = json_object_get(value, "shape");
    const json_t *offsets = json_object_get(value, "data_offsets");
    int64_t begin, end;
    if (!json_is_object(value) || !json_is_string(dtype) || !json_is_array(shape) || !json_is_array(offsets) ||
        json_array_size(offsets) != 2 || !whole_number(json_array_get(offsets, 0), &begin) ||
        !whole_number(json_array_get(offsets, 1), &end)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: '%.100s' lacks dtype, shape or data_offsets", name, key);
    }
    if (key[0] == '\0' || strlen(key) > MEWL__CHECKPOINT_NAME_MAX) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: an array's name is empty or over %d bytes", name,
                              MEWL__CHECKPOINT_NAME_MAX);
    }
    r->name = key;
    r->begin = (uint64_t)begin;
    r->end = (uint64_t)end;
    r->dtype = MEWL_DTYPE_COUNT;
    for (int i = 0; i < MEWL_DTYPE_COUNT; i++) {
        if (strcmp(json_string_value(dtype), mewl_dtype_name((mewl_dtype)i)) == 0) {
            r->dtype = (mewl_dtype)i;
        }
    }
    if (r->dtype == MEWL_DTYPE_COUNT) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: '%.100s' is of type '%.20s'", name, key,
                              json_string_value(dtype));
    }
    size_t rank = json_array_size(shape);
    if (rank > MEWL__CHECKPOINT_RANK_MAX) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: '%.100s' has %zu dimensions", name, key, rank);
    }
    r->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        if (!whole_number(json_array_get(shape, i), &r->dim[i])) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: '%.100s' has a shape that is no shape", name, key);
        }
    }
    int64_t elements = mewl__checkpoint_elements(r->rank, r->dim);
    if (elements < 0 || r->begin > r->end || r->end - r->begin != (uint64_t)elements * mewl_dtype_size(r->dtype)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: the bytes of '%.100s' do not fit its shape", name, key);
    }
    return MEWL_OK;
}

static mewl_status read_texts(mewl_checkpoint *checkpoint, json_t *texts, const char *name, mewl_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(texts)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: __metadata__ is no object", name);
    }
    json_object_foreach(texts, key, value)
    {
        if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value)) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: __metadata__ '%.100s' is no plain text", name, key);
        }
        MEWL_TRY(mewl_checkpoint_set_text(checkpoint, key, json_string_value(value), err));
    }
    return MEWL_OK;
}

/* Header and data of a file whose framing has been checked, into an empty checkpoint. */
static mewl_status read_header(mewl_checkpoint *checkpoint, range *ranges, json_t *header, const char *data,
                               uint64_t data_bytes, const char *name, mewl_error *err)
{
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(header, key, value)
    {
        if (strcmp(key, "__metadata__") == 0) {
            MEWL_TRY(read_texts(checkpoint, value, name, err));
        } else {
            MEWL_TRY(read_range(&ranges[count], key, value, name, err));
            count++;
        }
    }
    qsort(ranges, count, sizeof *ranges, by_place);
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].begin != at || ranges[i].end > data_bytes) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: '%.100s' at byte %llu %s", name, ranges[i].name,
                                  (unsigned long long)ranges[i].begin,
                                  ranges[i].begin < at   ? "overlaps another array"
                                  : ranges[i].begin > at ? "leaves a hole before it"
                                                         : "reaches beyond the end of the file");
        }
        at = ranges[i].end;
    }
    if (at != data_bytes) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: %llu bytes after the last array", name,
                              (unsigned long long)(data_bytes - at));
    }
    for (size_t i = 0; i < count; i++) {
        MEWL_TRY(mewl__checkpoint_append(checkpoint, ranges[i].name, ranges[i].dtype, ranges[i].rank, ranges[i].dim,
                                         data + ranges[i].begin, err));
    }
    return MEWL_OK;
}

mewl_status mewl_checkpoint_parse(mewl_checkpoint **out, const void *bytes, size_t size, const char *name,
                                  mewl_error *err)
{
    *out = NULL;
    if (size < 10) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: %zu bytes are too few for a safetensors file", name, size);
    }
    uint64_t header_bytes = 0;
    for (int i = 7; i >= 0; i--) {
        header_bytes = header_bytes << 8 | ((const unsigned char *)bytes)[i];
    }
    if (header_bytes > size - 8 || header_bytes < 2 || header_bytes > HEADER_MAX || ((const char *)bytes)[8] != '{') {
        return mewl_error_set(err, MEWL_E_FORMAT,
                              "%s: not a model in a .safetensors file, or damaged (a header of %llu bytes)", name,
                              (unsigned long long)header_bytes);
    }
    json_t *header = NULL;
    mewl_checkpoint *checkpoint = NULL;
    range *ranges = NULL;
    mewl_status status = mewl_json_parse(&header, (const char *)bytes + 8, (size_t)header_bytes, name, err);
    if (status == MEWL_OK && !json_is_object(header)) {
        status = mewl_error_set(err, MEWL_E_FORMAT, "%s: the header is no JSON object", name);
    }
    if (status == MEWL_OK && json_object_size(header) > MEWL_CHECKPOINT_TENSORS_MAX) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "%s: more than %d arrays", name, MEWL_CHECKPOINT_TENSORS_MAX);
    }
    if (status == MEWL_OK) {
        status = mewl_checkpoint_new(&checkpoint, err);
    }
    if (status == MEWL_OK) {
        ranges = calloc(json_object_size(header) + 1, sizeof *ranges);
        status = ranges != NULL ? read_header(checkpoint, ranges, header, (const char *)bytes + 8 + header_bytes,
                                              size - 8 - header_bytes, name, err)
                                : mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", name);
    }
    free(ranges);
    json_decref(header);
    if (status != MEWL_OK) {
        mewl_checkpoint_free(checkpoint);
        return status;
    }
    *out = checkpoint;
    return MEWL_OK;
}

mewl_status mewl_checkpoint_read(mewl_checkpoint **out, const char *path, mewl_error *err)
{
    *out = NULL;
    char *bytes;
    size_t size;
    MEWL_TRY(mewl_file_read_all(&bytes, &size, path, (size_t)MEWL_CHECKPOINT_BYTES_MAX, err));
    mewl_status status = mewl_checkpoint_parse(out, bytes, size, path, err);
    free(bytes);
    return status;
}

static json_t *shape_json(const mewl_checkpoint_entry *e)
{
    json_t *shape = json_array();
    for (int i = 0; i < e->rank; i++) {
        json_array_append_new(shape, json_integer(e->dim[i])); /* a NULL shape is refused by json_object_set_new */
    }
    return shape;
}

static mewl_status make_header(json_t *header, const mewl_checkpoint *checkpoint)
{
    if (checkpoint->text_count > 0) {
        json_t *texts = json_object();
        for (size_t i = 0; i < checkpoint->text_count; i++) {
            mewl_status status = mewl_json_set_string(texts, checkpoint->texts[i].key, checkpoint->texts[i].value);
            if (status != MEWL_OK) {
                json_decref(texts);
                return status;
            }
        }
        MEWL_TRY(mewl_json_set(header, "__metadata__", texts));
    }
    uint64_t at = 0;
    for (size_t i = 0; i < checkpoint->count; i++) {
        const mewl_checkpoint_entry *e = &checkpoint->entries[i];
        json_t *one = json_object(), *offsets = json_array();
        bool fine = json_array_append_new(offsets, json_integer((json_int_t)at)) == 0 &&
                    json_array_append_new(offsets, json_integer((json_int_t)(at + e->bytes))) == 0;
        fine = mewl_json_set_string(one, "dtype", mewl_dtype_name(e->dtype)) == MEWL_OK && fine;
        fine = mewl_json_set(one, "shape", shape_json(e)) == MEWL_OK && fine;
        fine = mewl_json_set(one, "data_offsets", offsets) == MEWL_OK && fine;
        fine = mewl_json_set(header, e->name, one) == MEWL_OK && fine;
        if (!fine) {
            return MEWL_E_MEMORY;
        }
        at += e->bytes;
    }
    return MEWL_OK;
}

static mewl_status write_all(mewl_file_writer *writer, const mewl_checkpoint *checkpoint, const char *text,
                             mewl_error *err)
{
    size_t length = strlen(text), padding = (8 - length % 8) % 8; /* the data starts at a multiple of 8 */
    uint64_t total = length + padding;
    unsigned char size[8];
    for (int i = 0; i < 8; i++) {
        size[i] = (unsigned char)(total >> 8 * i);
    }
    MEWL_TRY(mewl_file_writer_push(writer, size, sizeof size, err));
    MEWL_TRY(mewl_file_writer_push(writer, text, length, err));
    MEWL_TRY(mewl_file_writer_push(writer, "        ", padding, err));
    for (size_t i = 0; i < checkpoint->count; i++) {
        MEWL_TRY(mewl_file_writer_push(writer, checkpoint->entries[i].data, (size_t)checkpoint->entries[i].bytes, err));
    }
    return mewl_file_writer_commit(writer, err);
}

/* The header as text, to be freed. */
static mewl_status header_text(char **text, const mewl_checkpoint *checkpoint, const char *name, mewl_error *err)
{
    json_t *header = json_object();
    const mewl_status status = make_header(header, checkpoint);
    *text = status == MEWL_OK ? mewl_json_text(header, false) : NULL;
    json_decref(header);
    if (*text == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory for a checkpoint's header", name);
    }
    if (strlen(*text) + 8 > HEADER_MAX) {
        free(*text);
        *text = NULL;
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: the header would be over 64 MiB", name);
    }
    return MEWL_OK;
}

mewl_status mewl_checkpoint_bytes(const mewl_checkpoint *checkpoint, uint64_t *bytes, mewl_error *err)
{
    char *text;
    MEWL_TRY(header_text(&text, checkpoint, "a checkpoint", err));
    *bytes = 8 + (strlen(text) + 7) / 8 * 8;
    for (size_t i = 0; i < checkpoint->count; i++) {
        *bytes += checkpoint->entries[i].bytes;
    }
    free(text);
    return MEWL_OK;
}

mewl_status mewl_checkpoint_write(const mewl_checkpoint *checkpoint, const char *path, mewl_error *err)
{
    char *text;
    mewl_file_writer *writer = NULL;
    MEWL_TRY(header_text(&text, checkpoint, path, err));
    mewl_status status = mewl_file_writer_open(&writer, path, err);
    if (status == MEWL_OK) {
        status = write_all(writer, checkpoint, text, err);
    }
    mewl_file_writer_close(writer);
    free(text);
    return status;
}
