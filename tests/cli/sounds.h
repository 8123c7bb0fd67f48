/* sounds.h - for tests alone: writes the recordings, good and bad, that commands are run on. */
#ifndef MEWL_TESTS_SOUNDS_H
#define MEWL_TESTS_SOUNDS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct wav_form {
    uint32_t rate_hz;
    uint32_t channels;
    double seconds;      /* of sound that is in the file */
    double told_seconds; /* that the header promises; 0: what is there */
    bool floats;
    double bad_share; /* of samples that are `bad`, floats alone */
    float bad;
    double gain; /* 0: digital silence */
} wav_form;

static inline void put_le(uint8_t *to, uint32_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(number >> (8 * i));
    }
}

/* Tones and noise that change every 0.7 s. */
static inline bool write_wav(const char *path, wav_form f)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return false;
    }
    uint32_t width = f.floats ? 4 : 2, frames = (uint32_t)(f.seconds * f.rate_hz);
    uint32_t told = width * f.channels * (f.told_seconds > 0.0 ? (uint32_t)(f.told_seconds * f.rate_hz) : frames);
    uint8_t header[44] = "RIFF....WAVEfmt ";
    put_le(header + 4, 36 + told, 4);
    put_le(header + 16, 16, 4);
    put_le(header + 20, f.floats ? 3 : 1, 2);
    put_le(header + 22, f.channels, 2);
    put_le(header + 24, f.rate_hz, 4);
    put_le(header + 28, width * f.rate_hz * f.channels, 4);
    put_le(header + 32, width * f.channels, 2);
    put_le(header + 34, 8 * width, 2);
    memcpy(header + 36, "data", 4);
    put_le(header + 40, told, 4);
    bool ok = fwrite(header, sizeof header, 1, file) == 1;
    uint32_t seed = 7;
    double phase = 0.0, step = 0.1, gain = 0.1;
    for (uint32_t i = 0; i < frames && ok; i++) {
        seed = seed * 1664525u + 1013904223u;
        if (i % (uint32_t)(0.7 * f.rate_hz + 1) == 0) {
            gain = f.gain * (double)(seed >> 20) / 4096.0;
            step = 6.283 * (200.0 + (double)((seed >> 8) & 0xfff)) / f.rate_hz;
        }
        phase += step;
        float x = (float)(gain * (sin(phase) + 1e-5 * (double)((int32_t)(seed >> 16) - 32768)) * 0.5);
        if (f.bad_share > 0.0 && (double)(seed >> 8) / 16777216.0 < f.bad_share) {
            x = f.bad;
        }
        for (uint32_t c = 0; c < f.channels && ok; c++) {
            uint8_t bytes[4];
            uint32_t bits;
            memcpy(&bits, &x, 4);
            put_le(bytes, f.floats ? bits : (uint32_t)(int32_t)(32767.0f * fmaxf(-1.0f, fminf(1.0f, x))), width);
            ok = fwrite(bytes, width, 1, file) == 1;
        }
    }
    return fclose(file) == 0 && ok;
}

static inline bool write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    bool ok = file != NULL && fwrite(text, 1, strlen(text), file) == strlen(text);
    return file != NULL && fclose(file) == 0 && ok;
}

/* A video of ten grey frames and no sound (YUV4MPEG2). */
static inline bool write_video(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return false;
    }
    uint8_t grey[16 * 16 * 3 / 2];
    memset(grey, 128, sizeof grey);
    bool ok = fputs("YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg\n", file) >= 0;
    for (int i = 0; i < 10 && ok; i++) {
        ok = fputs("FRAME\n", file) >= 0 && fwrite(grey, sizeof grey, 1, file) == 1;
    }
    return fclose(file) == 0 && ok;
}

#endif
