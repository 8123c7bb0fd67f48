/* embedder.c - how long a clip's embedding takes: samples in memory to 192 numbers, one thread, fp32.
 *
 *     embedder [MODEL] [SECONDS]
 *
 * MODEL is the shipped embedder unless said otherwise, SECONDS 5. Prints the median and least wall time and the median
 * processor time of 40 runs after five to warm up; on a busy machine the processor's time is the one to believe.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "models/embedder.h"

enum { WARM = 5, RUNS = 40 };

static double clock_ms(clockid_t id)
{
    struct timespec t;
    return clock_gettime(id, &t) == 0 ? (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6 : 0.0;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int run(mewl_embedder *embedder, double seconds, mewl_error *err)
{
    const mewl_embedder_info *info = mewl_embedder_describe(embedder);
    size_t count = (size_t)(seconds * info->rate_hz);
    float *samples = malloc((count + 1) * sizeof *samples), *vector = malloc(info->size * sizeof *vector);
    double wall[RUNS], processor[RUNS];
    mewl_rng rng = mewl_rng_seeded(1);
    mewl_status status = samples != NULL && vector != NULL ? MEWL_OK : MEWL_E_MEMORY;
    for (size_t i = 0; status == MEWL_OK && i < count; i++) {
        samples[i] = (float)(0.1 * mewl_rng_normal(&rng));
    }
    for (int i = -WARM; status == MEWL_OK && i < RUNS; i++) {
        double w = clock_ms(CLOCK_MONOTONIC), p = clock_ms(CLOCK_THREAD_CPUTIME_ID);
        status = mewl_embedder_run(embedder, vector, NULL, samples, count, err);
        if (i >= 0) {
            wall[i] = clock_ms(CLOCK_MONOTONIC) - w;
            processor[i] = clock_ms(CLOCK_THREAD_CPUTIME_ID) - p;
        }
    }
    if (status == MEWL_OK) {
        qsort(wall, RUNS, sizeof *wall, ascending);
        qsort(processor, RUNS, sizeof *processor, ascending);
        (void)printf("%s, %g s: wall %.2f ms (least %.2f), processor %.2f ms\n", info->name, seconds, wall[RUNS / 2],
                     wall[0], processor[RUNS / 2]);
    }
    free(samples);
    free(vector);
    return status == MEWL_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    mewl_error err = {0};
    mewl_embedder *embedder;
    const char *path = argc > 1 ? argv[1] : "models/embedder.safetensors";
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 5.0;
    if (mewl_embedder_open(&embedder, path, (mewl_embedder_opts){0}, &err) != MEWL_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int code = run(embedder, seconds, &err);
    mewl_embedder_close(embedder);
    if (code != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
    }
    return code;
}
