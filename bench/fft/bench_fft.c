/* bench_fft.c - the transform libraries that were considered for src/dsp, side by side: time to plan, time a transform,
 * and signal-to-noise ratio against the definition in extended precision. Real input, forward.
 *
 * FFTW and kissfft are measured where they are installed (Debian: libfftw3-dev, libkissfft-dev); Mewl does not use
 * them.
 */
#include <libavutil/log.h>
#include <libavutil/tx.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dsp/fft.h"

#ifdef HAVE_FFTW
#include <fftw3.h>
#endif
#ifdef HAVE_KISSFFT
#include <kiss_fftr.h>
#endif

#define LENGTH_MAX 2048
#define RUNS 41

/* One library at one length: `in` holds doubles and floats of the same signal; `run` leaves its result in `out` of
 * either. */
typedef struct bench {
    size_t length;
    double *in;
    float *in_f;
    double *out;
    float *out_f;
    bool is_float;
    void *plan;
    av_tx_fn fn;
} bench;

typedef struct candidate {
    const char *name;
    bool is_float;
    bool (*open)(bench *b);
    void (*run)(bench *b);
    void (*close)(bench *b);
} candidate;

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

static bool mewl_open(bench *b)
{
    mewl_fft *fft = NULL;
    bool good = mewl_fft_new(&fft, b->length, NULL) == MEWL_OK;
    b->plan = fft;
    return good;
}

static void mewl_run(bench *b)
{
    mewl_fft_forward(b->plan, b->out, b->in);
}

static void mewl_close(bench *b)
{
    mewl_fft_free(b->plan);
}

static bool tx_open(bench *b)
{
    AVTXContext *tx = NULL;
    const float scale_f = 1.0f;
    const double scale = 1.0;
    bool good = av_tx_init(&tx, &b->fn, b->is_float ? AV_TX_FLOAT_RDFT : AV_TX_DOUBLE_RDFT, 0, (int)b->length,
                           b->is_float ? (const void *)&scale_f : (const void *)&scale, 0) >= 0;
    b->plan = tx;
    return good;
}

static void tx_run(bench *b)
{
    if (b->is_float) {
        b->fn(b->plan, b->out_f, b->in_f, sizeof(float));
        b->out_f[b->length + 1] = 0.0f;
    } else {
        b->fn(b->plan, b->out, b->in, sizeof(double));
        b->out[b->length + 1] = 0.0;
    }
}

static void tx_close(bench *b)
{
    AVTXContext *tx = b->plan;
    av_tx_uninit(&tx);
}

#ifdef HAVE_FFTW
static bool fftw_open(bench *b)
{
    double kept[LENGTH_MAX];
    memcpy(kept, b->in, b->length * sizeof *kept);
    b->plan = fftw_plan_dft_r2c_1d((int)b->length, b->in, (fftw_complex *)b->out, FFTW_MEASURE);
    memcpy(b->in, kept, b->length * sizeof *kept);
    return b->plan != NULL;
}

static void fftw_run(bench *b)
{
    fftw_execute(b->plan);
}

static void fftw_close(bench *b)
{
    fftw_destroy_plan(b->plan);
}

static bool fftwf_open(bench *b)
{
    float kept[LENGTH_MAX];
    memcpy(kept, b->in_f, b->length * sizeof *kept);
    b->plan = fftwf_plan_dft_r2c_1d((int)b->length, b->in_f, (fftwf_complex *)b->out_f, FFTW_MEASURE);
    memcpy(b->in_f, kept, b->length * sizeof *kept);
    return b->plan != NULL;
}

static void fftwf_run(bench *b)
{
    fftwf_execute(b->plan);
}

static void fftwf_close(bench *b)
{
    fftwf_destroy_plan(b->plan);
}
#endif

#ifdef HAVE_KISSFFT
static bool kiss_open(bench *b)
{
    b->plan = kiss_fftr_alloc((int)b->length, 0, NULL, NULL);
    return b->plan != NULL;
}

static void kiss_run(bench *b)
{
    kiss_fftr(b->plan, b->in_f, (kiss_fft_cpx *)b->out_f);
}

static void kiss_close(bench *b)
{
    kiss_fftr_free(b->plan);
}
#endif

static const candidate candidates[] = {
    {"mewl_fft (av_tx double)", false, mewl_open, mewl_run, mewl_close},
    {"av_tx double RDFT", false, tx_open, tx_run, tx_close},
    {"av_tx float RDFT", true, tx_open, tx_run, tx_close},
#ifdef HAVE_FFTW
    {"FFTW 3 double", false, fftw_open, fftw_run, fftw_close},
    {"FFTW 3 float", true, fftwf_open, fftwf_run, fftwf_close},
#endif
#ifdef HAVE_KISSFFT
    {"kissfft float", true, kiss_open, kiss_run, kiss_close},
#endif
};

static double snr_db(const bench *b)
{
    long double signal = 0.0L;
    long double noise = 0.0L;
    long double step = 2.0L * acosl(-1.0L) / (long double)b->length;
    for (size_t k = 0; k <= b->length / 2; k++) {
        long double re = 0.0L;
        long double im = 0.0L;
        for (size_t n = 0; n < b->length; n++) {
            long double x = b->is_float ? (long double)b->in_f[n] : (long double)b->in[n];
            re += x * cosl(step * (long double)(k * n % b->length));
            im -= x * sinl(step * (long double)(k * n % b->length));
        }
        long double got_re = b->is_float ? (long double)b->out_f[2 * k] : (long double)b->out[2 * k];
        long double got_im = b->is_float ? (long double)b->out_f[2 * k + 1] : (long double)b->out[2 * k + 1];
        signal += re * re + im * im;
        noise += (re - got_re) * (re - got_re) + (im - got_im) * (im - got_im);
    }
    return (double)(10.0L * log10l(signal / noise));
}

static void measure(const candidate *c, bench *b)
{
    double start = now_s();
    b->is_float = c->is_float;
    if (!c->open(b)) {
        printf("%-24s %5zu  refused\n", c->name, b->length);
        return;
    }
    double plan_s = now_s() - start;
    c->run(b);
    double snr = snr_db(b);
    start = now_s();
    c->run(b);
    size_t count = (size_t)fmin(fmax(1e-3 / fmax(now_s() - start, 1e-8), 1.0), 2000.0);
    double times[RUNS];
    for (int run = 0; run < RUNS; run++) {
        start = now_s();
        for (size_t i = 0; i < count; i++) {
            c->run(b);
        }
        times[run] = (now_s() - start) / (double)count;
    }
    qsort(times, RUNS, sizeof *times, by_size);
    printf("%-24s %5zu  %9.3f us  plan %8.3f ms  SNR %5.1f dB\n", c->name, b->length, 1e6 * times[RUNS / 2],
           1e3 * plan_s, snr);
    c->close(b);
}

int main(void)
{
    static const size_t lengths[] = {400, 512, 800, 1024};
    bench b = {0};
    size_t bytes = (LENGTH_MAX + 16) * sizeof(double);
    b.in = aligned_alloc(64, bytes);
    b.out = aligned_alloc(64, bytes);
    b.in_f = aligned_alloc(64, bytes);
    b.out_f = aligned_alloc(64, bytes);
    if (b.in == NULL || b.out == NULL || b.in_f == NULL || b.out_f == NULL) {
        fprintf(stderr, "bench_fft: out of memory\n");
        return 1;
    }
    av_log_set_level(AV_LOG_QUIET);
    unsigned state = 1;
    for (size_t n = 0; n < LENGTH_MAX; n++) {
        state = state * 1664525u + 1013904223u;
        b.in_f[n] = (float)(state >> 8) / 8388608.0f - 1.0f;
        b.in[n] = (double)b.in_f[n];
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        b.length = lengths[i];
        for (size_t c = 0; c < sizeof candidates / sizeof *candidates; c++) {
            measure(&candidates[c], &b);
        }
    }
    free(b.in);
    free(b.out);
    free(b.in_f);
    free(b.out_f);
    return 0;
}
