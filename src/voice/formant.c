/* formant.c - see formant.h. */
#include "voice/formant.h"

#include <math.h>
#include <stdlib.h>

#include "voice/lpc.h"

#define WINDOW_S 0.05 /* a Gaussian twice as long as the 25 ms it is said to be */
#define EMPHASIS_HZ 50.0
#define HZ_A_PAIR 1600.0
#define EDGE_HZ 50.0 /* poles this near 0 or half the rate are none */
#define BANDWIDTH_MAX_HZ 1500.0

struct mewl_formant_finder {
    double rate_hz, emphasis;
    size_t order, length;
    double *window, *frame, *work;
};

mewl_status mewl_formant_finder_new(mewl_formant_finder **out, double rate_hz, mewl_error *err)
{
    *out = NULL;
    if (!(rate_hz >= 4000 && rate_hz <= 2.04 * MEWL_FORMANT_CEILING_HZ)) {
        return mewl_error_set(err, MEWL_E_ARG, "formants: rate %g Hz is not in 4000 to %g", rate_hz,
                              2.04 * MEWL_FORMANT_CEILING_HZ);
    }
    mewl_formant_finder *f = calloc(1, sizeof *f);
    size_t length = (size_t)(WINDOW_S * rate_hz);
    double *memory = malloc(4 * length * sizeof *memory);
    if (f == NULL || memory == NULL) {
        free(f);
        free(memory);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for formants");
    }
    *f = (mewl_formant_finder){.rate_hz = rate_hz,
                               .emphasis = exp(-2 * M_PI * EMPHASIS_HZ / rate_hz),
                               .order = 2 * (size_t)ceil(0.5 * rate_hz / HZ_A_PAIR - 0.1),
                               .length = length,
                               .window = memory,
                               .frame = memory + length,
                               .work = memory + 2 * length};
    double edge = exp(-12.0);
    for (size_t i = 0; i < length; i++) {
        double phase = ((double)i + 1) / (double)(length + 1) - 0.5;
        f->window[i] = (exp(-48.0 * phase * phase) - edge) / (1 - edge);
    }
    *out = f;
    return MEWL_OK;
}

void mewl_formant_finder_free(mewl_formant_finder *finder)
{
    if (finder != NULL) {
        free(finder->window);
        free(finder);
    }
}

static double sample_at(const float *samples, size_t count, long i)
{
    return i >= 0 && (size_t)i < count && isfinite(samples[i]) ? (double)samples[i] : 0;
}

mewl_formants mewl_formant_find(mewl_formant_finder *f, const float *samples, size_t count, double time_s)
{
    mewl_formants out;
    for (size_t i = 0; i < MEWL_FORMANT_COUNT; i++) {
        out.hz[i] = out.bandwidth_hz[i] = NAN;
    }
    long first = lround(time_s * f->rate_hz - 0.5 * (double)f->length);
    for (size_t i = 0; i < f->length; i++) {
        long at = first + (long)i;
        f->frame[i] = f->window[i] * (sample_at(samples, count, at) - f->emphasis * sample_at(samples, count, at - 1));
    }
    double a[MEWL__LPC_ORDER_MAX], hz[MEWL__LPC_ORDER_MAX / 2], bandwidth_hz[MEWL__LPC_ORDER_MAX / 2];
    if (!(mewl__lpc_burg(a, f->order, f->frame, f->length, f->work) > 0)) {
        return out;
    }
    size_t found = mewl__lpc_resonances(hz, bandwidth_hz, a, f->order, f->rate_hz), kept = 0;
    for (size_t i = 0; i < found && kept < MEWL_FORMANT_COUNT; i++) {
        if (hz[i] >= EDGE_HZ && hz[i] <= 0.5 * f->rate_hz - EDGE_HZ && bandwidth_hz[i] <= BANDWIDTH_MAX_HZ) {
            out.hz[kept] = hz[i];
            out.bandwidth_hz[kept++] = bandwidth_hz[i];
        }
    }
    return out;
}
