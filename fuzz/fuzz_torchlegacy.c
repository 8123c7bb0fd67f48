/* fuzz_torchlegacy.c - any bytes through the reader of PyTorch's older form: an error, or tensors whose values can all
 * be read.
 *
 * An input that starts with that form's magic number is a whole file. Any other is taken for what follows the three
 * pickles at its head, which no mutation would get past: the object, the keys of its storages, the storages. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "torch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Magic number, version 1001, {"little_endian": True}. */
static const uint8_t head[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                              "\x80\x02M\xe9\x03."
                              "\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *whole = NULL;
    if (size > (1 << 20)) {
        return 0;
    }
    if (size < 15 || memcmp(data, head, 15) != 0) {
        whole = malloc(sizeof head - 1 + size);
        if (whole == NULL) {
            return 0;
        }
        memcpy(whole, head, sizeof head - 1);
        if (size != 0) {
            memcpy(whole + sizeof head - 1, data, size);
        }
        data = whole;
        size += sizeof head - 1;
    }
    torch_open_and_read(data, size);
    free(whole);
    return 0;
}
