/* sha256.h - SHA-256 (FIPS 180-4) of downloads and of group names. Not for passwords. */
#ifndef MEWL_DATA_SHA256_H
#define MEWL_DATA_SHA256_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Running state in the caller's storage. */
typedef struct mewl_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} mewl_sha256;

/* Begins a message; takes `size` more bytes of it. Any number of pushes. */
void mewl_sha256_init(mewl_sha256 *sha);
void mewl_sha256_push(mewl_sha256 *sha, const void *data, size_t size);

/* Ends the message: 32 bytes. The state must be initialised again afterwards. */
void mewl_sha256_finish(mewl_sha256 *sha, uint8_t digest[32]);

/* 64 lower-case hex digits and a NUL. */
void mewl_sha256_hex(char out[65], const uint8_t digest[32]);

/* Of a whole file, in pieces. I/O errors. */
mewl_status mewl_sha256_file(char out[65], const char *path, mewl_error *err);

#endif
