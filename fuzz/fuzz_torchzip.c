/* fuzz_torchzip.c - any bytes through the PyTorch reader: an error, or tensors whose values can all be read.
 *
 * An input that starts like a zip archive is one. Any other is taken for the pickle inside: the harness packs it, with
 * the right checksum, into an archive that also holds a storage "0" of 64 zeros, since no mutation finds a CRC-32. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "torch.h"

#define STORAGE_BYTES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t crc32(const uint8_t *data, size_t size)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

static uint8_t *put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        *at++ = (uint8_t)(value >> 8 * i);
    }
    return at;
}

/* The part of a member's two headers that is the same: version, flags, method, time, date, CRC, sizes, name's length.
 */
static uint8_t *put_common(uint8_t *at, uint32_t crc, size_t size, const char *name)
{
    at = put(at, 20, 2);
    memset(at, 0, 8);
    at = put(at + 8, crc, 4);
    at = put(at, (uint32_t)size, 4);
    at = put(at, (uint32_t)size, 4);
    at = put(at, (uint32_t)strlen(name), 2);
    return put(at, 0, 2);
}

static uint8_t *put_text(uint8_t *at, const char *name)
{
    memcpy(at, name, strlen(name));
    return at + strlen(name);
}

/* A zip archive of two stored members; malloc'd. */
static uint8_t *pack(size_t *packed, const uint8_t *pickle, size_t size)
{
    static const uint8_t zeros[STORAGE_BYTES];
    const char *const names[2] = {"a/data.pkl", "a/data/0"};
    const uint8_t *const datas[2] = {pickle, zeros};
    const size_t sizes[2] = {size, STORAGE_BYTES};
    size_t offsets[2];
    uint8_t *zip = malloc(size + STORAGE_BYTES + 512), *at = zip;
    if (zip == NULL) {
        return NULL;
    }
    for (int i = 0; i < 2; i++) {
        offsets[i] = (size_t)(at - zip);
        at = put(at, 0x04034b50u, 4);
        at = put_text(put_common(at, crc32(datas[i], sizes[i]), sizes[i], names[i]), names[i]);
        memcpy(at, datas[i], sizes[i]);
        at += sizes[i];
    }
    const size_t directory = (size_t)(at - zip);
    for (int i = 0; i < 2; i++) {
        at = put(at, 0x02014b50u, 4);
        at = put(at, 20, 2);
        at = put_common(at, crc32(datas[i], sizes[i]), sizes[i], names[i]);
        memset(at, 0, 10);
        at = put_text(put(at + 10, (uint32_t)offsets[i], 4), names[i]);
    }
    const size_t end = (size_t)(at - zip);
    at = put(at, 0x06054b50u, 4);
    at = put(at, 0, 4);
    at = put(at, 0x00020002u, 4);
    at = put(at, (uint32_t)(end - directory), 4);
    at = put(at, (uint32_t)directory, 4);
    at = put(at, 0, 2);
    *packed = (size_t)(at - zip);
    return zip;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *zip = NULL;
    if (size > (1 << 20)) {
        return 0;
    }
    if (!mewl_torchzip_recognise(data, size)) {
        zip = pack(&size, data, size);
        if (zip == NULL) {
            return 0;
        }
        data = zip;
    }
    torch_open_and_read(data, size);
    free(zip);
    return 0;
}
