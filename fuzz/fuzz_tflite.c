/* fuzz_tflite.c - any bytes through the TFLite reader: an error, or tensors and operators that can all be read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/tflite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_tensor(const mewl_tflite *file, size_t index, size_t size)
{
    const mewl_tflite_tensor *t = mewl_tflite_tensor_at(file, index);
    mewl_error err = {0};
    volatile size_t length = strlen(t->name);
    (void)length;
    if (t->data == NULL) {
        return;
    }
    if (t->count > size) {
        abort(); /* a constant larger than the file */
    }
    float *values = malloc((t->count + 1) * sizeof *values);
    if (values != NULL && mewl_tflite_read_f32(file, values, index, t->count, &err) != MEWL_OK && err.text[0] == '\0') {
        abort();
    }
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mewl_tflite *file;
    mewl_error err = {0};
    const mewl_status status = mewl_tflite_open_memory(&file, data, size, "input", &err);
    if ((status == MEWL_OK) != (file != NULL) || (status != MEWL_OK && err.text[0] == '\0')) {
        abort();
    }
    if (file == NULL) {
        return 0;
    }
    const size_t tensors = mewl_tflite_tensor_count(file);
    for (size_t i = 0; i < tensors; i++) {
        read_tensor(file, i, size);
    }
    for (size_t i = 0; i < mewl_tflite_op_count(file); i++) {
        const mewl_tflite_op *op = mewl_tflite_op_at(file, i);
        for (size_t k = 0; k < op->input_count; k++) {
            if (op->inputs[k] < -1 || (op->inputs[k] >= 0 && (size_t)op->inputs[k] >= tensors)) {
                abort();
            }
        }
    }
    mewl_tflite_close(file);
    return 0;
}
