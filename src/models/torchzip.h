/* torchzip.h - reads the tensors of a PyTorch checkpoint: name, element type, shape, and the values as floats. Both
 * forms of torch.save are read: the zip archive of PyTorch 1.6 and later, and what came before it (pickles, then raw
 * storages).
 *
 * Not an unpickler: data.pkl is run by our own restricted interpreter (pickle.h), which knows dictionaries, tuples,
 * lists, numbers, strings and the two calls that rebuild a tensor; any other global is a value that nothing is done
 * with, and calling one is refused. Nothing from the file is ever executed. Archive members must be stored, not
 * compressed (as torch.save writes them), so no member can grow beyond the file. The tar archives of PyTorch before
 * 0.1.10 are recognised and refused.
 */
#ifndef MEWL_MODELS_TORCHZIP_H
#define MEWL_MODELS_TORCHZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define MEWL_TORCHZIP_MAX_BYTES ((size_t)2 << 30) /* of a file */
#define MEWL_TORCHZIP_MAX_TENSORS 65536u
#define MEWL_TORCH_MAX_DIMS 8u

typedef enum mewl_torch_type {
    MEWL_TORCH_F32,
    MEWL_TORCH_F64,
    MEWL_TORCH_F16,
    MEWL_TORCH_BF16,
    MEWL_TORCH_I64,
    MEWL_TORCH_I32,
    MEWL_TORCH_I16,
    MEWL_TORCH_I8,
    MEWL_TORCH_U8,
    MEWL_TORCH_BOOL,
    MEWL_TORCH_TYPE_COUNT
} mewl_torch_type;

typedef struct mewl_torch_tensor {
    const char *name; /* key in the state dict, as "features.0.0.weight"; keys of nested dictionaries joined by '.' */
    mewl_torch_type type;
    size_t ndim;
    size_t shape[MEWL_TORCH_MAX_DIMS];
    size_t stride[MEWL_TORCH_MAX_DIMS]; /* in elements, never negative */
    size_t count;                       /* product of shape, 1 for a scalar, 0 when a dimension is 0 */
    size_t offset;                      /* first element in its storage */
    size_t storage;                     /* internal: index of the storage */
} mewl_torch_tensor;

typedef struct mewl_torchzip mewl_torchzip;

/* Opens a checkpoint and reads its table of tensors (values are read on demand). Tensors come from the dictionary that
 * was saved, or, when it holds one under "state_dict", "model_state_dict" or "model", from that one alone. A leading
 * "module." of DataParallel is taken off. On success *out is the caller's, to be closed. MEWL_E_NOT_FOUND, MEWL_E_IO,
 * MEWL_E_FORMAT (broken), MEWL_E_UNSUPPORTED (a tar, compressed members, pickle features outside the subset; also
 * a hostile global), MEWL_E_MEMORY (over a ceiling), MEWL_E_EMPTY (no tensor in it). */
mewl_status mewl_torchzip_open(mewl_torchzip **out, const char *path, mewl_error *err);

/* The same for `count` bytes in memory, which must outlive the handle. `name` stands in error sentences. */
mewl_status mewl_torchzip_open_memory(mewl_torchzip **out, const void *bytes, size_t count, const char *name,
                                      mewl_error *err);
void mewl_torchzip_close(mewl_torchzip *file);

/* True when the head of a file (15 bytes are enough) is that of a zip archive or of the older form. */
bool mewl_torchzip_recognise(const void *head, size_t count);

/* The whole storage of one tensor is at most this file's size; tensors may share storages. Borrowed until close. */
size_t mewl_torchzip_count(const mewl_torchzip *file);
const mewl_torch_tensor *mewl_torchzip_at(const mewl_torchzip *file, size_t index);       /* NULL out of range */
const mewl_torch_tensor *mewl_torchzip_find(const mewl_torchzip *file, const char *name); /* NULL when absent */

/* "float32", "int64", …; static storage. */
const char *mewl_torch_type_name(mewl_torch_type type);

/* Writes all `count` values of the tensor as floats, dense row-major whatever its strides. MEWL_E_SHAPE when count is
 * not the tensor's, MEWL_E_FORMAT when the storage is missing or short. */
mewl_status mewl_torchzip_read_f32(mewl_torchzip *file, float *out, const mewl_torch_tensor *tensor, size_t count,
                                   mewl_error *err);

#endif
