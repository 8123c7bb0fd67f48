/* checkpoint.h - named arrays and text in a safetensors file: read as hostile, written atomically.
 *
 * A safetensors file is an 8-byte little-endian header length, a JSON header {"name": {"dtype", "shape",
 * "data_offsets"}, "__metadata__": {text: text}}, and the arrays. Reading checks: header length within the file and at
 * most 64 MiB, JSON with nesting and duplicate keys refused, known dtype, shape product equal to the byte range, ranges
 * inside the data, not overlapping and without holes. Writing goes to a temporary file in the same folder, is synced,
 * and renamed over the target, so that a crash leaves the old file or the new one.
 *
 * Also: a net, its optimiser and its moving average into and out of one checkpoint, such that a resumed training
 * continues bit for bit.
 */
#ifndef MEWL_NN_CHECKPOINT_H
#define MEWL_NN_CHECKPOINT_H

#include "nn/optim.h"

#define MEWL_CHECKPOINT_TENSORS_MAX 65536
#define MEWL_CHECKPOINT_BYTES_MAX ((uint64_t)8 << 30)

typedef struct mewl_checkpoint mewl_checkpoint;

typedef struct mewl_checkpoint_entry {
    const char *name;
    mewl_dtype dtype;
    int rank;       /* 0 (a scalar) to 8 */
    int64_t dim[8]; /* each at least 0 */
    uint64_t bytes;
    const void *data; /* little-endian, aligned to 8 bytes at least */
} mewl_checkpoint_entry;

/* An empty one. Errors: MEWL_E_MEMORY. */
mewl_status mewl_checkpoint_new(mewl_checkpoint **checkpoint, mewl_error *err);
void mewl_checkpoint_free(mewl_checkpoint *checkpoint);

/* Errors: MEWL_E_NOT_FOUND, MEWL_E_PERMISSION, MEWL_E_IO, MEWL_E_FORMAT, MEWL_E_MEMORY (over the ceilings). */
mewl_status mewl_checkpoint_read(mewl_checkpoint **checkpoint, const char *path, mewl_error *err);

/* The same from memory, which is copied. `name` stands for the path in errors. */
mewl_status mewl_checkpoint_parse(mewl_checkpoint **checkpoint, const void *bytes, size_t size, const char *name,
                                  mewl_error *err);

/* Errors: MEWL_E_IO, MEWL_E_PERMISSION, MEWL_E_MEMORY. On failure the old file, if any, is as it was. */
mewl_status mewl_checkpoint_write(const mewl_checkpoint *checkpoint, const char *path, mewl_error *err);

/* Bytes that mewl_checkpoint_write would write. Errors: MEWL_E_MEMORY. */
mewl_status mewl_checkpoint_bytes(const mewl_checkpoint *checkpoint, uint64_t *bytes, mewl_error *err);

/* Entries, in the file's order of data or of being put. */
size_t mewl_checkpoint_count(const mewl_checkpoint *checkpoint);
bool mewl_checkpoint_at(const mewl_checkpoint *checkpoint, mewl_checkpoint_entry *entry, size_t index);
bool mewl_checkpoint_find(const mewl_checkpoint *checkpoint, mewl_checkpoint_entry *entry, const char *name);

/* Adds an array; data is copied. Errors: MEWL_E_ARG (a name twice, an impossible shape), MEWL_E_MEMORY. */
mewl_status mewl_checkpoint_put(mewl_checkpoint *checkpoint, const char *name, mewl_dtype dtype, int rank,
                                const int64_t *dim, const void *data, mewl_error *err);

/* Float32 values of an entry of F32, BF16, F16 or F64, converted into `out` of exactly `count` elements. Errors:
 * MEWL_E_NOT_FOUND, MEWL_E_SHAPE (another count), MEWL_E_UNSUPPORTED (another dtype). */
mewl_status mewl_checkpoint_get_f32(const mewl_checkpoint *checkpoint, float *out, const char *name, int64_t count,
                                    mewl_error *err);

/* Metadata: UTF-8 text by key; NULL when absent. `at` walks all keys, returns false past the end. */
mewl_status mewl_checkpoint_set_text(mewl_checkpoint *checkpoint, const char *key, const char *text, mewl_error *err);
const char *mewl_checkpoint_text(const mewl_checkpoint *checkpoint, const char *key);
bool mewl_checkpoint_text_at(const mewl_checkpoint *checkpoint, const char **key, const char **text, size_t index);

/* All parameters and buffers of `net`, as F32, or as BF16 (half the size, for shipping; running statistics, biases and
 * norms stay F32). A quantised net (quant.h) puts eight bits and scales. */
mewl_status mewl_checkpoint_put_net(mewl_checkpoint *checkpoint, mewl_net *net, bool bf16, mewl_error *err);

/* Loads every parameter by name and exact shape. Errors: MEWL_E_NOT_FOUND naming what is missing, MEWL_E_SHAPE. Extra
 * entries are refused (MEWL_E_FORMAT) unless their name starts with "train." or allow_extra is set. On failure the
 * net's values may be partly replaced. */
mewl_status mewl_checkpoint_get_net(const mewl_checkpoint *checkpoint, mewl_net *net, bool allow_extra,
                                    mewl_error *err);

/* Optimiser moments and step, moving average and dropout's place under "train."; ema may be NULL. */
mewl_status mewl_checkpoint_put_training(mewl_checkpoint *checkpoint, mewl_net *net, const mewl_optim *optim,
                                         const mewl_ema *ema, mewl_error *err);
mewl_status mewl_checkpoint_get_training(const mewl_checkpoint *checkpoint, mewl_net *net, mewl_optim *optim,
                                         mewl_ema *ema, mewl_error *err);

#endif
