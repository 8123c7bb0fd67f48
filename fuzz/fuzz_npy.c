/* fuzz_npy.c - any bytes through the .npy reader: an error or an array that is within its ceiling, never a crash. */
#include <stdint.h>
#include <stdlib.h>

#include "base/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mewl_npy array;
    mewl_error err = {0};
    mewl_status status = mewl_npy_parse_f32(&array, data, size, 1 << 20, "input", &err);
    if ((status == MEWL_OK) != (array.data != NULL) || array.count > 1 << 20 ||
        (status != MEWL_OK && err.text[0] == '\0')) {
        abort();
    }
    mewl_npy_fini(&array);
    return 0;
}
