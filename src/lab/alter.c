#include "lab/alter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/augment.h"
#include "audio/clip.h"
#include "audio/codec.h"
#include "audio/writer.h"
#include "base/folder.h"
#include "base/rng.h"
#include "data/sha256.h"

#define SECONDS_MAX 60.0
#define NOISE_HZ 4000.0 /* as far as the recordings reach that this is used on */
#define NARROW_HZ 2500.0

static const struct {
    const char *name, *text;
    bool control;
} table[MEWL_ALTERATIONS] = {
#define X(id, name, control, text) {name, text, control},
    MEWL_ALTER_ROWS(X)
#undef X
};

const char *mewl_alteration_name(mewl_alteration kind)
{
    return table[kind].name;
}

const char *mewl_alteration_text(mewl_alteration kind)
{
    return table[kind].text;
}

bool mewl_alteration_is_control(mewl_alteration kind)
{
    return table[kind].control;
}

bool mewl_alteration_available(mewl_alteration kind)
{
    return kind != MEWL_ALTER_GSM || mewl_codec_available(MEWL_CODEC_GSM);
}

static mewl_status shift_pitch(float *inout, size_t count, double factor, mewl_error *err)
{
    float *out = malloc(count * sizeof *out + 1);
    if (out == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu samples", count);
    }
    mewl_status status = mewl_augment_pitch(out, inout, count, MEWL_ALTER_RATE_HZ, 12 * log2(factor), err);
    if (status == MEWL_OK) {
        memcpy(inout, out, count * sizeof *out);
    }
    free(out);
    return status;
}

static mewl_status add_noise(float *inout, size_t count, double snr_db, uint64_t seed, mewl_error *err)
{
    float *noise = malloc(count * sizeof *noise + 1);
    mewl_rng rng = mewl_rng_seeded(seed);
    if (noise == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu samples", count);
    }
    for (size_t i = 0; i < count; i++) {
        noise[i] = (float)(0.1 * mewl_rng_normal(&rng));
    }
    mewl_status status = mewl_augment_lowpass(noise, count, MEWL_ALTER_RATE_HZ, NOISE_HZ, err);
    double cry = mewl_augment_active_power(inout, count, MEWL_ALTER_RATE_HZ);
    double power = mewl_augment_active_power(noise, count, MEWL_ALTER_RATE_HZ);
    if (status == MEWL_OK && power > 0) {
        mewl_augment_add(inout, count, noise, count, 0, sqrt(cry / power * pow(10, -snr_db / 10)));
    }
    free(noise);
    return status;
}

/* A first difference rises by 6 dB an octave; the level stays. */
static void brighten(float *inout, size_t count)
{
    double before = mewl_augment_active_power(inout, count, MEWL_ALTER_RATE_HZ);
    float last = 0;
    for (size_t i = 0; i < count; i++) {
        float now = inout[i];
        inout[i] = now - last;
        last = now;
    }
    double after = mewl_augment_active_power(inout, count, MEWL_ALTER_RATE_HZ);
    mewl_augment_gain(inout, count, after > 0 ? sqrt(before / after) : 1);
}

mewl_status mewl_alter(float *inout, size_t count, mewl_alteration kind, uint64_t seed, mewl_error *err)
{
    switch (kind) {
    case MEWL_ALTER_F0_UP_5:
        return shift_pitch(inout, count, 1.05, err);
    case MEWL_ALTER_F0_UP_10:
        return shift_pitch(inout, count, 1.1, err);
    case MEWL_ALTER_F0_UP_20:
        return shift_pitch(inout, count, 1.2, err);
    case MEWL_ALTER_F0_DOWN_10:
        return shift_pitch(inout, count, 0.9, err);
    case MEWL_ALTER_OCTAVE:
        return shift_pitch(inout, count, 2, err);
    case MEWL_ALTER_NOISE_10:
        return add_noise(inout, count, 10, seed, err);
    case MEWL_ALTER_NOISE_0:
        return add_noise(inout, count, 0, seed, err);
    case MEWL_ALTER_THERE_AND_BACK:
        MEWL_TRY(shift_pitch(inout, count, 1.1, err));
        return shift_pitch(inout, count, 1 / 1.1, err);
    case MEWL_ALTER_NARROW:
        return mewl_augment_lowpass(inout, count, MEWL_ALTER_RATE_HZ, NARROW_HZ, err);
    case MEWL_ALTER_BRIGHT:
        brighten(inout, count);
        return MEWL_OK;
    case MEWL_ALTER_GSM:
        return mewl_codec_round_trip(inout, inout, count, MEWL_ALTER_RATE_HZ, MEWL_CODEC_GSM, 0, err);
    default:
        return mewl_error_set(err, MEWL_E_ARG, "no such alteration: %d", (int)kind);
    }
}

/* One recording, unless it is there already. `number` stands for its path. */
static mewl_status alter_file(const char *to, const char *from, mewl_alteration kind, uint64_t number, mewl_error *err)
{
    mewl_clip clip;
    if (access(to, R_OK) == 0) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_clip_read(&clip, from, MEWL_ALTER_RATE_HZ, SECONDS_MAX, err));
    mewl_status status = mewl_alter(clip.samples, clip.count, kind, number, err);
    status = status == MEWL_OK
                 ? mewl_audio_write(to, clip.samples, clip.count, MEWL_ALTER_RATE_HZ, MEWL_AUDIO_WAV_F32, err)
                 : status;
    mewl_clip_fini(&clip);
    return status == MEWL_OK ? MEWL_OK : mewl_error_prefix(err, status, "%s", from);
}

static mewl_status alter_row(mewl_manifest *out, const mewl_row *from, mewl_alteration kind, const char *folder,
                             mewl_error *err)
{
    mewl_sha256 state;
    uint8_t digest[32];
    char hex[65];
    char path[4200];
    uint64_t number = 0;
    mewl_sha256_init(&state);
    mewl_sha256_push(&state, from->path, strlen(from->path));
    mewl_sha256_finish(&state, digest);
    mewl_sha256_hex(hex, digest);
    memcpy(&number, digest, sizeof number);
    int n = snprintf(path, sizeof path, "%s/%s-%.16s.wav", folder, table[kind].name, hex);
    if (n < 0 || (size_t)n >= sizeof path) {
        return mewl_error_set(err, MEWL_E_ARG, "the name of the folder is too long");
    }
    MEWL_TRY(alter_file(path, from->path, kind, number, err));
    mewl_row row = mewl_row_empty();
    row.path = path;
    return mewl_manifest_add(out, &row, err);
}

mewl_status mewl_alter_files(mewl_manifest *out, const mewl_manifest *from, const bool *wanted, mewl_alteration kind,
                             const char *folder, const mewl_progress *progress, const volatile sig_atomic_t *stop,
                             mewl_error *err)
{
    MEWL_TRY(mewl_folder_make(folder, err));
    MEWL_TRY(mewl_manifest_init(out, err));
    mewl_status status = MEWL_OK;
    for (size_t i = 0; i < from->count && status == MEWL_OK; i++) {
        mewl_progress_report(progress, (double)i, (double)from->count, table[kind].text);
        status = wanted[i] ? alter_row(out, &from->rows[i], kind, folder, err) : MEWL_OK;
        if (status == MEWL_OK && stop != NULL && *stop != 0) {
            status = mewl_error_set(err, MEWL_E_CANCELLED, "stopped");
        }
    }
    if (status != MEWL_OK) {
        mewl_manifest_fini(out);
    }
    return status;
}
