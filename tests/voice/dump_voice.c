/* dump_voice.c - F0 track and perturbation of raw float samples, for tools/check_praat.py and nothing else.
 *
 *   dump_voice RATE_HZ OCTAVE_COST [LINES] < samples.f32 > lines
 *
 * Samples are little-endian 32-bit floats without a header. The first line is first_s, step_s, frames, jitter_local,
 * jitter_rap, shimmer_local_db, shimmer_local, hnr_db (all over the whole recording), then one line a frame: F0 and
 * strength. LINES is mewl_pitch_opts.lines: 0 leaves out the test of high frames.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "voice/perturbation.h"

#define SAMPLES_MAX (120u * 48000u)

static double mean_hnr_db(const mewl_pitch_track *track)
{
    double sum = 0;
    size_t voiced = 0;
    for (size_t i = 0; i < track->count; i++) {
        if (track->frames[i].f0_hz > 0) {
            sum += mewl_pitch_hnr_db((double)track->frames[i].strength);
            voiced++;
        }
    }
    return voiced > 0 ? sum / (double)voiced : NAN;
}

int main(int argc, char **argv)
{
    double rate_hz = argc >= 3 ? atof(argv[1]) : 0;
    mewl_pitch_opts opts = mewl_pitch_opts_default();
    opts.octave_cost = argc >= 3 ? atof(argv[2]) : 0;
    opts.lines = argc == 4 ? atof(argv[3]) : opts.lines;
    float *samples = malloc(SAMPLES_MAX * sizeof *samples);
    mewl_pitch_track track = {0};
    mewl_pulses pulses = {0};
    mewl_perturbation p;
    mewl_error err = {0};
    int code = 1;
    if (samples == NULL) {
        return 1;
    }
    size_t count = fread(samples, sizeof *samples, SAMPLES_MAX, stdin);
    if (mewl_pitch_track_make(&track, samples, count, rate_hz, opts, &err) == MEWL_OK &&
        mewl_pulses_find(&pulses, &track, samples, count, rate_hz, &err) == MEWL_OK &&
        mewl_perturbation_measure(&p, &pulses, samples, count, rate_hz, NULL, 0, &err) == MEWL_OK) {
        printf("%.9g %.9g %zu %.9g %.9g %.9g %.9g %.9g\n", track.first_s, track.step_s, track.count, p.jitter_local,
               p.jitter_rap, p.shimmer_local_db, p.shimmer_local, mean_hnr_db(&track));
        for (size_t i = 0; i < track.count; i++) {
            printf("%.9g %.9g\n", (double)track.frames[i].f0_hz, (double)track.frames[i].strength);
        }
        code = 0;
    } else {
        fprintf(stderr, "dump_voice: %s\n", err.text);
    }
    mewl_pulses_fini(&pulses);
    mewl_pitch_track_fini(&track);
    free(samples);
    return code;
}
