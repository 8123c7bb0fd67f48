/* wave.h - small recordings made for tests: a folder in the layout of several sets, with cries of known times. */
#ifndef MEWL_TESTS_DATA_WAVE_H
#define MEWL_TESTS_DATA_WAVE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audio/writer.h"
#include "base/rng.h"
#include "temp.h"

#define WAVE_UUID "0c8f14a9-6999-485b-97a2-913c1cbf09"

/* seconds of noise at `noise`, with harmonic bursts of `hz` between onsets[i][0] and onsets[i][1]. */
static inline void wave_write(const temp *t, const char *relative, double rate_hz, double seconds, double noise,
                              double hz, const double (*bursts)[2], size_t burst_count, uint64_t seed)
{
    size_t count = (size_t)(rate_hz * seconds);
    float *samples = calloc(count, sizeof *samples);
    mewl_rng rng = mewl_rng_seeded(seed);
    char path[1024];
    mewl_error err = {0};
    assert_non_null(samples);
    for (size_t i = 0; i < count; i++) {
        double s = (double)i / rate_hz;
        samples[i] = (float)(noise * mewl_rng_normal(&rng));
        for (size_t b = 0; b < burst_count; b++) {
            if (s >= bursts[b][0] && s < bursts[b][1]) {
                for (int h = 1; h <= 6 && hz * h < rate_hz / 2; h++) {
                    samples[i] += (float)(0.2 * sin(2 * M_PI * hz * h * s) / h);
                }
            }
        }
        samples[i] = fmaxf(-1, fminf(1, samples[i]));
    }
    temp_file(t, relative, "");
    snprintf(path, sizeof path, "%s/%s", t->path, relative);
    if (mewl_audio_write(path, samples, count, rate_hz, MEWL_AUDIO_BY_NAME, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    free(samples);
}

/* Folders donateacry, esc10, speech-commands, room-impulse-responses with made-up recordings in enough groups for a
 * split. */
static inline temp wave_sets(void)
{
    static const double cry[][2] = {{0.8, 1.7}, {2.0, 2.9}, {5.0, 6.0}}, word[][2] = {{0.3, 0.8}};
    temp t = temp_make();
    char name[256];
    for (int i = 0; i < 14; i++) {
        snprintf(name, sizeof name, "donateacry/cleaned/hungry/" WAVE_UUID "%02x-1431028888%03d-1.7-m-26-hu.wav",
                 16 + i, i);
        wave_write(&t, name, 8000, 7, 0.001, 380 + 10 * i, cry, 3, (uint64_t)i);
        snprintf(name, sizeof name, "esc10/004 - Baby cry/%d-%d-A.wav", 1 + i % 5, 1000 + i);
        wave_write(&t, name, 44100, 5, 0.0005, 450 + 10 * i, cry, 2, 100 + (uint64_t)i);
        snprintf(name, sizeof name, "esc10/002 - Rain/%d-%d-A.wav", 1 + i % 5, 2000 + i);
        wave_write(&t, name, 44100, 5, 0.05, 1, cry, 0, 200 + (uint64_t)i);
        snprintf(name, sizeof name, "esc10/009 - Rooster/%d-%d-A.wav", 1 + i % 5, 3000 + i);
        wave_write(&t, name, 44100, 3, 0.0005, 900, word, 1, 300 + (uint64_t)i);
        snprintf(name, sizeof name, "speech-commands/one/%08x_nohash_0.wav", 0xabc000 + i);
        wave_write(&t, name, 16000, 1, 0.0005, 130, word, 1, 400 + (uint64_t)i);
        snprintf(name, sizeof name, "room-impulse-responses/room%d.wav", i);
        wave_write(&t, name, 16000, 0.3, 0.01, 1, cry, 0, 500 + (uint64_t)i);
    }
    /* The raw upload of a cleaned clip, one that is on nobody's list, and one that is. */
    wave_write(&t, "donateacry/android-bucket/" WAVE_UUID "10-1431028888000-1.7-m-26-hu.flac", 8000, 7, 0.001, 380, cry,
               3, 1);
    wave_write(&t, "donateacry/android-bucket/" WAVE_UUID "f0-1431028889000-1.7-f-04-dk.flac", 8000, 7, 0.001, 400, cry,
               3, 2);
    wave_write(&t, "donateacry/android-bucket/" WAVE_UUID "f1-1431028889001-1.7-f-04-dk.flac", 8000, 7, 0.001, 400, cry,
               3, 3);
    return t;
}

#endif
