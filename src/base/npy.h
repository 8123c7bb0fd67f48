/* npy.h - NumPy's .npy array files: reading as float32, writing whole or row by row. Format: NEP 1, versions 1.0
 * to 3.0.
 *
 * Not a general array library: little-endian numbers in C order only. A file from outside is hostile: header length,
 * type, order, shape and file length are all checked before anything is allocated. */
#ifndef MEWL_BASE_NPY_H
#define MEWL_BASE_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define MEWL_NPY_DIMS_MAX 8

/* Element types: what NumPy calls '<f4', '<f8', '<i4', '<i8', '|u1'. */
typedef enum mewl_npy_type { MEWL_NPY_F32, MEWL_NPY_F64, MEWL_NPY_I32, MEWL_NPY_I64, MEWL_NPY_U8 } mewl_npy_type;

/* Writes `data` (row-major, product of shape elements; ndim 0 is one element) to `path` in one piece: either the whole
 * file appears or what was there stays. ndim <= MEWL_NPY_DIMS_MAX, else MEWL_E_ARG; a shape whose byte count overflows
 * gives MEWL_E_SHAPE; otherwise the errors of mewl_file_writer. */
mewl_status mewl_npy_write(const char *path, const void *data, mewl_npy_type type, const size_t *shape, size_t ndim,
                           mewl_error *err);

/* The same for float32. */
mewl_status mewl_npy_write_f32(const char *path, const float *data, const size_t *shape, size_t ndim, mewl_error *err);

/* An array read: `data` has `count` floats, row-major; free with mewl_npy_fini. */
typedef struct mewl_npy {
    float *data;
    size_t count;
    size_t shape[MEWL_NPY_DIMS_MAX];
    size_t ndim;
} mewl_npy;

/* Reads an array of f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1 (little-endian) as float32 into *out, which the
 * call overwrites. More than max_elements elements: MEWL_E_MEMORY. Fortran order with more than one dimension,
 * big-endian, complex, object and structured types: MEWL_E_UNSUPPORTED. A header that is not NEP 1, or a file shorter
 * or longer than its shape says: MEWL_E_FORMAT. Also the errors of opening a file. On failure *out is empty. */
mewl_status mewl_npy_read_f32(mewl_npy *out, const char *path, size_t max_elements, mewl_error *err);

/* The same from `bytes` bytes in memory; `name` is what errors call it. */
mewl_status mewl_npy_parse_f32(mewl_npy *out, const void *file, size_t bytes, size_t max_elements, const char *name,
                               mewl_error *err);

/* Frees the data and empties the struct; NULL and an empty struct are fine. */
void mewl_npy_fini(mewl_npy *array);

/* Writes a float32 array of unknown length row by row (features of a long recording), in constant memory. */
typedef struct mewl_npy_writer mewl_npy_writer;

/* Starts `path`; every row has the shape row_shape (row_ndim <= MEWL_NPY_DIMS_MAX - 1; 0 makes a plain vector). */
mewl_status mewl_npy_writer_open(mewl_npy_writer **out, const char *path, const size_t *row_shape, size_t row_ndim,
                                 mewl_error *err);

/* Appends `rows` rows. */
mewl_status mewl_npy_writer_push(mewl_npy_writer *writer, const float *data, size_t rows, mewl_error *err);

/* Writes the final shape into the header and puts the file in place. The writer must still be closed. */
mewl_status mewl_npy_writer_commit(mewl_npy_writer *writer, mewl_error *err);

/* Releases the writer; without a commit before, nothing is left on disk. NULL is fine. */
void mewl_npy_writer_close(mewl_npy_writer *writer);

#endif
