/* wavsize.c - see wavsize.h. */
#include "audio/wavsize.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CHUNKS_MAX 64
#define SIZE_LEFT_OPEN 0xFFFFF000u /* recorders that stream write 0xFFFFFFFF or a little less */

static uint32_t number_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

double mewl__wav_promised_s(const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return NAN;
    }
    uint8_t bytes[16];
    double seconds = NAN;
    uint32_t bytes_per_s = 0;
    bool riff = fread(bytes, 12, 1, file) == 1 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WAVE", 4) == 0;
    for (int i = 0; riff && i < CHUNKS_MAX && fread(bytes, 8, 1, file) == 1; i++) {
        uint32_t size = number_at(bytes + 4);
        if (memcmp(bytes, "data", 4) == 0) {
            if (bytes_per_s > 0 && size > 0 && size < SIZE_LEFT_OPEN) {
                seconds = (double)size / (double)bytes_per_s;
            }
            break;
        }
        uint32_t skip = size + (size & 1u);
        if (memcmp(bytes, "fmt ", 4) == 0 && size >= 12) {
            if (fread(bytes, 12, 1, file) != 1) {
                break;
            }
            bytes_per_s = number_at(bytes + 8);
            skip -= 12;
        }
        if (size > UINT32_MAX - 1 || fseeko(file, (off_t)skip, SEEK_CUR) != 0) {
            break;
        }
    }
    (void)fclose(file);
    return seconds;
}
