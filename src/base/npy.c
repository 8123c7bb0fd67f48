/* npy.c - see npy.h. */
#include "base/npy.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/half.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "npy.c copies numbers as they lie in memory, which is right on little-endian machines alone"
#endif

#define MAGIC "\x93NUMPY"
#define HEADER_BYTES 256 /* what we write: always this long, so that the writer can put the final shape in later */
#define HEADER_MAX ((size_t)1 << 16)
#define FILE_OVERHEAD (HEADER_MAX + 16)

static const struct {
    const char *descr;
    size_t bytes;
} written_types[] = {[MEWL_NPY_F32] = {"<f4", 4},
                     [MEWL_NPY_F64] = {"<f8", 8},
                     [MEWL_NPY_I32] = {"<i4", 4},
                     [MEWL_NPY_I64] = {"<i8", 8},
                     [MEWL_NPY_U8] = {"|u1", 1}};

/* Version 1.0 header of HEADER_BYTES bytes: magic, length, dictionary, spaces, newline. */
static void header_make(char header[HEADER_BYTES], mewl_npy_type type, const size_t *shape, size_t ndim)
{
    memset(header, ' ', HEADER_BYTES);
    memcpy(header, MAGIC "\x01\x00", 8);
    header[8] = (char)((HEADER_BYTES - 10) & 0xff);
    header[9] = (char)((HEADER_BYTES - 10) >> 8);
    char dict[HEADER_BYTES - 11]; /* 8 dimensions of at most 20 digits fit */
    int used =
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (", written_types[type].descr);
    for (size_t i = 0; i < ndim; i++) {
        used += snprintf(dict + used, sizeof dict - (size_t)used,
                         i + 1 < ndim ? "%zu, "
                         : ndim == 1  ? "%zu,"
                                      : "%zu",
                         shape[i]);
    }
    used += snprintf(dict + used, sizeof dict - (size_t)used, "), }");
    memcpy(header + 10, dict, (size_t)used);
    header[HEADER_BYTES - 1] = '\n';
}

mewl_status mewl_npy_write(const char *path, const void *data, mewl_npy_type type, const size_t *shape, size_t ndim,
                           mewl_error *err)
{
    if ((unsigned)type >= sizeof written_types / sizeof written_types[0] || ndim > MEWL_NPY_DIMS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: no such type, or %zu dimensions of at most %d", path, ndim,
                              MEWL_NPY_DIMS_MAX);
    }
    size_t bytes = written_types[type].bytes;
    for (size_t i = 0; i < ndim; i++) {
        if (__builtin_mul_overflow(bytes, shape[i], &bytes)) {
            return mewl_error_set(err, MEWL_E_SHAPE, "%s: the shape has more bytes than memory can", path);
        }
    }
    char header[HEADER_BYTES];
    header_make(header, type, shape, ndim);
    mewl_file_writer *writer = NULL;
    MEWL_TRY(mewl_file_writer_open(&writer, path, err));
    mewl_status status = mewl_file_writer_push(writer, header, sizeof header, err);
    if (status == MEWL_OK) {
        status = mewl_file_writer_push(writer, data, bytes, err);
    }
    if (status == MEWL_OK) {
        status = mewl_file_writer_commit(writer, err);
    }
    mewl_file_writer_close(writer);
    return status;
}

mewl_status mewl_npy_write_f32(const char *path, const float *data, const size_t *shape, size_t ndim, mewl_error *err)
{
    return mewl_npy_write(path, data, MEWL_NPY_F32, shape, ndim, err);
}

struct mewl_npy_writer {
    mewl_file_writer *file;
    size_t shape[MEWL_NPY_DIMS_MAX]; /* shape[0]: rows so far */
    size_t ndim, row_count;
};

mewl_status mewl_npy_writer_open(mewl_npy_writer **out, const char *path, const size_t *row_shape, size_t row_ndim,
                                 mewl_error *err)
{
    *out = NULL;
    if (row_ndim > MEWL_NPY_DIMS_MAX - 1) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: rows of %zu dimensions, at most %d", path, row_ndim,
                              MEWL_NPY_DIMS_MAX - 1);
    }
    size_t row_count = 1, row_bytes = 0;
    for (size_t i = 0; i < row_ndim; i++) {
        if (__builtin_mul_overflow(row_count, row_shape[i], &row_count)) {
            return mewl_error_set(err, MEWL_E_SHAPE, "%s: a row has more elements than memory can", path);
        }
    }
    if (__builtin_mul_overflow(row_count, sizeof(float), &row_bytes)) {
        return mewl_error_set(err, MEWL_E_SHAPE, "%s: a row has more bytes than memory can", path);
    }
    mewl_npy_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    }
    writer->ndim = row_ndim + 1;
    writer->row_count = row_count;
    if (row_ndim > 0) {
        memcpy(writer->shape + 1, row_shape, row_ndim * sizeof *row_shape);
    }
    char header[HEADER_BYTES];
    header_make(header, MEWL_NPY_F32, writer->shape, writer->ndim);
    mewl_status status = mewl_file_writer_open(&writer->file, path, err);
    if (status == MEWL_OK) {
        status = mewl_file_writer_push(writer->file, header, sizeof header, err);
    }
    if (status != MEWL_OK) {
        mewl_npy_writer_close(writer);
        return status;
    }
    *out = writer;
    return MEWL_OK;
}

mewl_status mewl_npy_writer_push(mewl_npy_writer *writer, const float *data, size_t rows, mewl_error *err)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(rows, writer->row_count * sizeof(float), &bytes)) {
        return mewl_error_set(err, MEWL_E_SHAPE, "%zu rows of %zu floats are more than memory can", rows,
                              writer->row_count);
    }
    MEWL_TRY(mewl_file_writer_push(writer->file, data, bytes, err));
    writer->shape[0] += rows;
    return MEWL_OK;
}

mewl_status mewl_npy_writer_commit(mewl_npy_writer *writer, mewl_error *err)
{
    char header[HEADER_BYTES];
    header_make(header, MEWL_NPY_F32, writer->shape, writer->ndim);
    MEWL_TRY(mewl_file_writer_patch(writer->file, 0, header, sizeof header, err));
    return mewl_file_writer_commit(writer->file, err);
}

void mewl_npy_writer_close(mewl_npy_writer *writer)
{
    if (writer != NULL) {
        mewl_file_writer_close(writer->file);
        free(writer);
    }
}

/* The header's dictionary: a tiny Python literal, read strictly. */
typedef struct header_info {
    char kind; /* f, i, u, b */
    size_t item_bytes;
    bool fortran;
    size_t shape[MEWL_NPY_DIMS_MAX];
    size_t ndim;
} header_info;

typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_spaces(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t')) {
        c->at++;
    }
}

static bool take(cursor *c, const char *text)
{
    skip_spaces(c);
    size_t length = strlen(text);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, text, length) != 0) {
        return false;
    }
    c->at += length;
    return true;
}

/* A quoted text without escapes, into `out`. */
static bool take_quoted(cursor *c, char *out, size_t size)
{
    skip_spaces(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) {
        return false;
    }
    char quote = *c->at++;
    size_t used = 0;
    while (c->at < c->end && *c->at != quote) {
        if (used + 1 >= size) {
            return false;
        }
        out[used++] = *c->at++;
    }
    out[used] = '\0';
    return take(c, (char[]){quote, '\0'});
}

static bool take_count(cursor *c, size_t *out)
{
    skip_spaces(c);
    if (c->at == c->end || *c->at < '0' || *c->at > '9') {
        return false;
    }
    size_t value = 0;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
        if (__builtin_mul_overflow(value, (size_t)10, &value) ||
            __builtin_add_overflow(value, (size_t)(*c->at - '0'), &value)) {
            return false;
        }
        c->at++;
    }
    (void)take(c, "L"); /* Python 2 wrote long numbers so */
    *out = value;
    return true;
}

static bool take_shape(cursor *c, header_info *info)
{
    if (!take(c, "(")) {
        return false;
    }
    while (!take(c, ")")) {
        if (info->ndim == MEWL_NPY_DIMS_MAX || !take_count(c, &info->shape[info->ndim++])) {
            return false;
        }
        if (!take(c, ",")) {
            return take(c, ")");
        }
    }
    return true;
}

/* MEWL_E_FORMAT for nonsense, MEWL_E_UNSUPPORTED for valid types that are not read. */
static mewl_status type_read(header_info *info, const char *descr, const char *name, mewl_error *err)
{
    static const char *const known[] = {"<f2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8",
                                        "|u1", "<u2", "<u4", "<u8", "|b1", "<i1", "<u1"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(descr, known[i]) == 0) {
            info->kind = descr[1];
            info->item_bytes = (size_t)(descr[2] - '0');
            return MEWL_OK;
        }
    }
    return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: elements of type '%s' are not read", name, descr);
}

static mewl_status header_read(header_info *info, const char *text, size_t bytes, const char *name, mewl_error *err)
{
    cursor c = {text, text + bytes};
    char descr[16];
    bool seen[3] = {false, false, false};
    if (!take(&c, "{")) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: the .npy header is no dictionary", name);
    }
    while (!take(&c, "}")) {
        char key[16];
        bool good = take_quoted(&c, key, sizeof key) && take(&c, ":");
        if (good && strcmp(key, "descr") == 0) {
            good = !seen[0] && take_quoted(&c, descr, sizeof descr);
            seen[0] = true;
        } else if (good && strcmp(key, "fortran_order") == 0) {
            info->fortran = take(&c, "True");
            good = !seen[1] && (info->fortran || take(&c, "False"));
            seen[1] = true;
        } else if (good && strcmp(key, "shape") == 0) {
            good = !seen[2] && take_shape(&c, info);
            seen[2] = true;
        } else {
            good = false;
        }
        if (!good) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: the .npy header is not understood at its byte %zu", name,
                                  (size_t)(c.at - text));
        }
        if (!take(&c, ",") && (skip_spaces(&c), c.at == c.end || *c.at != '}')) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: the .npy header does not end", name);
        }
    }
    if (!seen[0] || !seen[1] || !seen[2]) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: the .npy header lacks descr, fortran_order or shape", name);
    }
    MEWL_TRY(type_read(info, descr, name, err));
    if (info->fortran && info->ndim > 1) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: column-major (Fortran) order is not read", name);
    }
    return MEWL_OK;
}

/* A loop per stored type; memcpy because the data may lie at any address. */
#define CONVERT(stored, expression)                                                                                    \
    for (size_t i = 0; i < count; i++) {                                                                               \
        stored v;                                                                                                      \
        memcpy(&v, from + i * sizeof v, sizeof v);                                                                     \
        to[i] = (expression);                                                                                          \
    }                                                                                                                  \
    break

static void elements_convert(float *to, const char *from, size_t count, char kind, size_t item_bytes)
{
    if (kind == 'f') {
        switch (item_bytes) {
        case 2:
            CONVERT(uint16_t, mewl_half_to_float(v));
        case 4:
            CONVERT(float, v);
        default:
            CONVERT(double, (float)v);
        }
    } else if (kind == 'i') {
        switch (item_bytes) {
        case 1:
            CONVERT(int8_t, (float)v);
        case 2:
            CONVERT(int16_t, (float)v);
        case 4:
            CONVERT(int32_t, (float)v);
        default:
            CONVERT(int64_t, (float)v);
        }
    } else {
        switch (item_bytes) {
        case 1:
            CONVERT(uint8_t, kind == 'b' ? (float)(v != 0) : (float)v);
        case 2:
            CONVERT(uint16_t, (float)v);
        case 4:
            CONVERT(uint32_t, (float)v);
        default:
            CONVERT(uint64_t, (float)v);
        }
    }
}

mewl_status mewl_npy_parse_f32(mewl_npy *out, const void *file, size_t bytes, size_t max_elements, const char *name,
                               mewl_error *err)
{
    *out = (mewl_npy){0};
    const unsigned char *b = file;
    if (bytes < 10 || memcmp(b, MAGIC, 6) != 0 || b[6] < 1 || b[6] > 3) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: not a .npy file of version 1 to 3", name);
    }
    size_t start = b[6] == 1 ? 10 : 12;
    if (bytes < start) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: ends inside the .npy header", name);
    }
    size_t header = b[8] | (size_t)b[9] << 8;
    if (b[6] > 1) {
        header |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    }
    if (header > HEADER_MAX || header > bytes - start) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a .npy header of %zu bytes does not fit", name, header);
    }
    header_info info = {0};
    MEWL_TRY(header_read(&info, (const char *)b + start, header, name, err));
    size_t count = 1, data_bytes = 0;
    for (size_t i = 0; i < info.ndim; i++) {
        if (__builtin_mul_overflow(count, info.shape[i], &count)) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: the shape has more elements than memory can", name);
        }
    }
    if (__builtin_mul_overflow(count, info.item_bytes, &data_bytes) || data_bytes != bytes - start - header) {
        return mewl_error_set(err, MEWL_E_FORMAT,
                              "%s: the shape asks for %zu elements of %zu bytes, the file has %zu "
                              "bytes of them",
                              name, count, info.item_bytes, bytes - start - header);
    }
    if (count > max_elements || count > SIZE_MAX / sizeof(float)) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: %zu elements, at most %zu are read", name, count, max_elements);
    }
    out->data = malloc(count > 0 ? count * sizeof(float) : 1);
    if (out->data == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory for %zu elements", name, count);
    }
    elements_convert(out->data, (const char *)b + start + header, count, info.kind, info.item_bytes);
    out->count = count;
    out->ndim = info.ndim;
    memcpy(out->shape, info.shape, sizeof out->shape);
    return MEWL_OK;
}

mewl_status mewl_npy_read_f32(mewl_npy *out, const char *path, size_t max_elements, mewl_error *err)
{
    *out = (mewl_npy){0};
    size_t max_bytes = max_elements < (SIZE_MAX - FILE_OVERHEAD) / 8 ? max_elements * 8 + FILE_OVERHEAD : SIZE_MAX;
    char *file = NULL;
    size_t bytes = 0;
    MEWL_TRY(mewl_file_read_all(&file, &bytes, path, max_bytes, err));
    mewl_status status = mewl_npy_parse_f32(out, file, bytes, max_elements, path, err);
    free(file);
    return status;
}

void mewl_npy_fini(mewl_npy *array)
{
    if (array != NULL) {
        free(array->data);
        *array = (mewl_npy){0};
    }
}
