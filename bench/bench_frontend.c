/* bench_frontend.c - time of each front end on ten seconds of sound, one core, median of many runs.
 *
 *   bench_frontend [SECONDS]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "dsp/frontend.h"

#define RUNS 101

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static int bench_one(const char *name, mewl_feature kind, const char *kind_name, double seconds)
{
    mewl_error err = {0};
    mewl_frontend *fe = NULL;
    if (mewl_frontend_new_kind(&fe, name, kind, &err) != MEWL_OK) {
        fprintf(stderr, "bench_frontend: %s\n", err.text);
        return 1;
    }
    size_t count = (size_t)(seconds * mewl_frontend_rate_hz(fe));
    size_t frames = mewl_frontend_frame_count(fe, count);
    float *samples = calloc(count + 1, sizeof *samples);
    float *out = calloc(frames * mewl_frontend_bands(fe) + 1, sizeof *out);
    if (samples == NULL || out == NULL) {
        fprintf(stderr, "bench_frontend: out of memory\n");
        free(samples);
        free(out);
        mewl_frontend_free(fe);
        return 1;
    }
    mewl_rng rng = mewl_rng_seeded(1);
    for (size_t i = 0; i < count; i++) {
        samples[i] = (float)mewl_rng_range(&rng, -0.5, 0.5);
    }
    double times[RUNS];
    for (int run = 0; run < RUNS; run++) {
        double start = now_s();
        mewl_frontend_run(fe, out, samples, count, NULL);
        times[run] = now_s() - start;
    }
    qsort(times, RUNS, sizeof *times, by_size);
    printf("%-10s %-11s %6zu frames x %4zu  median %7.3f ms  least %7.3f ms  %8.0f times real time\n", name, kind_name,
           frames, mewl_frontend_bands(fe), 1e3 * times[RUNS / 2], 1e3 * times[0], seconds / times[RUNS / 2]);
    free(samples);
    free(out);
    mewl_frontend_free(fe);
    return 0;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 10.0;
    int code = 0;
    if (!(seconds > 0.0 && seconds <= 600.0)) {
        fprintf(stderr, "usage: bench_frontend [SECONDS up to 600]\n");
        return 2;
    }
    for (size_t i = 0; mewl_frontend_name_at(i) != NULL; i++) {
        code |= bench_one(mewl_frontend_name_at(i), MEWL_FEATURE_SPECTROGRAM, "spectrogram", seconds);
        code |= bench_one(mewl_frontend_name_at(i), MEWL_FEATURE_LOGMEL, "logmel", seconds);
    }
    return code;
}
