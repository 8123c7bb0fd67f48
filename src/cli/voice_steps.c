/* voice_steps.c - see voice.h: the picture of `analyze --steps`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/voice.h"
#include "draw/steps.h"

#define SECONDS_MAX 120.0
#define VALUE_BYTES 32

/* What the last panel shows, in this order. */
static const char *const shown[] = {"expirations",  "inspirations", "burst_mean_s", "pause_mean_s",
                                    "f0_median_hz", "f0_range_st",  "phonation",    "hyperphonation",
                                    "dysphonation", "jitter_local", "hnr_db",       "shimmer_local_db",
                                    "f1_hz",        "f2_hz",        "snr_db",       "level_dbfs"};

#define SHOWN (sizeof shown / sizeof shown[0])

static void fill_facts(mewl_steps_fact *facts, char (*values)[VALUE_BYTES], const mewl_voice *measures)
{
    for (size_t i = 0; i < SHOWN; i++) {
        size_t row = mewl_voice_find(shown[i]);
        double value = mewl_voice_value(measures, row);
        const char *unit = mewl_voice_unit(row);
        if (isnan(value)) {
            (void)snprintf(values[i], VALUE_BYTES, "-");
        } else if (strcmp(unit, "1") == 0 && strstr(shown[i], "pirations") == NULL) {
            (void)snprintf(values[i], VALUE_BYTES, "%.3g %%", 100 * value); /* a share */
        } else {
            (void)snprintf(values[i], VALUE_BYTES, "%.4g %s", value, strcmp(unit, "1") == 0 ? "" : unit);
        }
        facts[i] = (mewl_steps_fact){shown[i], values[i]};
    }
}

static mewl_status draw(const mewl_cli_voice *voice, const char *title, const char *picture, const float *levels,
                        size_t level_count, mewl_error *err)
{
    const mewl_voice_analysis *a = &voice->analysis;
    mewl_steps_burst *bursts = malloc((a->breaths.count + 1) * sizeof *bursts);
    float *f0 = malloc((a->track.count + 1) * sizeof *f0);
    mewl_steps_fact facts[SHOWN];
    char values[SHOWN][VALUE_BYTES];
    if (bursts == NULL || f0 == NULL) {
        free(bursts);
        free(f0);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a picture");
    }
    for (size_t i = 0; i < a->breaths.count; i++) {
        const mewl_breath *b = &a->breaths.list[i];
        bursts[i] = (mewl_steps_burst){b->onset_s, b->offset_s, b->kind == MEWL_BREATH_INSPIRATION};
    }
    for (size_t i = 0; i < a->track.count; i++) {
        f0[i] = a->track.frames[i].f0_hz;
    }
    fill_facts(facts, values, &a->measures);
    mewl_pitch_opts pitch = mewl_pitch_opts_default();
    mewl_steps steps = {.title = title,
                        .samples = voice->clip.samples,
                        .count = voice->clip.count,
                        .rate_hz = voice->clip.rate_hz,
                        .level_db = levels,
                        .level_count = level_count,
                        .level_step_s = mewl_breath_segment_opts().hop_s,
                        .threshold_db = a->breaths.segments.threshold_dbfs,
                        .bursts = bursts,
                        .burst_count = a->breaths.count,
                        .f0_hz = f0,
                        .f0_count = a->track.count,
                        .f0_first_s = a->track.first_s,
                        .f0_step_s = a->track.step_s,
                        .f0_low_hz = pitch.floor_hz,
                        .f0_high_hz = pitch.ceiling_hz,
                        .f0_line_hz = MEWL_BREATH_HYPERPHONATION_HZ,
                        .facts = facts,
                        .fact_count = SHOWN};
    mewl_status status = mewl_steps_write(picture, &steps, 0, 0, err);
    free(bursts);
    free(f0);
    return status;
}

mewl_status mewl_cli_voice_steps(const char *path, const char *title, const char *picture, mewl_error *err)
{
    mewl_cli_voice voice;
    float *levels = NULL;
    size_t level_count = 0;
    mewl_status status = mewl_cli_voice_open(&voice, path, SECONDS_MAX, err);
    if (status == MEWL_OK) {
        status = mewl_segment_levels(&levels, &level_count, voice.clip.samples, voice.clip.count, voice.clip.rate_hz,
                                     mewl_breath_segment_opts(), err);
    }
    if (status == MEWL_OK) {
        status = draw(&voice, title, picture, levels, level_count, err);
    }
    free(levels);
    mewl_cli_voice_fini(&voice);
    return status;
}
