/* torch.h - what the harnesses of PyTorch's two forms do with a file: an error with a reason, or every tensor is found
 * by its name and read. */
#ifndef MEWL_TORCH_H
#define MEWL_TORCH_H

#include <stdint.h>
#include <stdlib.h>

#include "models/torchzip.h"

#define READ_MAX 65536

static inline void torch_read_all(mewl_torchzip *file)
{
    float *values = malloc(READ_MAX * sizeof *values);
    for (size_t i = 0; values != NULL && i < mewl_torchzip_count(file) && i < 256; i++) {
        const mewl_torch_tensor *t = mewl_torchzip_at(file, i);
        mewl_error err = {0};
        if (mewl_torchzip_find(file, t->name) == NULL) {
            abort();
        }
        if (t->count <= READ_MAX && mewl_torchzip_read_f32(file, values, t, t->count, &err) != MEWL_OK &&
            err.text[0] == '\0') {
            abort();
        }
    }
    free(values);
}

static inline void torch_open_and_read(const uint8_t *data, size_t size)
{
    mewl_torchzip *file;
    mewl_error err = {0};
    const mewl_status status = mewl_torchzip_open_memory(&file, data, size, "input", &err);
    if ((status == MEWL_OK) != (file != NULL) || (status != MEWL_OK && err.text[0] == '\0')) {
        abort();
    }
    if (file != NULL) {
        torch_read_all(file);
        mewl_torchzip_close(file);
    }
}

#endif
