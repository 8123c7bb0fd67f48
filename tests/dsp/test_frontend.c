/* test_frontend.c - the named front ends against torch's golden files, and streaming against whole clips. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/npy.h"
#include "base/rng.h"
#include "dsp/frontend.h"
#include "dsp/window.h"

#define BAR_DB 1e-3

static mewl_frontend *make(const char *name, mewl_feature kind)
{
    mewl_frontend *fe = NULL;
    mewl_error err = {0};
    if (mewl_frontend_new_kind(&fe, name, kind, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return fe;
}

static mewl_npy golden(const char *name, const char *what)
{
    char path[1024];
    mewl_npy array;
    mewl_error err = {0};
    /* The transforms of wavegram-16k are those of panns-16k. */
    const bool wavegram = strncmp(name, "wavegram", 8) == 0;
    snprintf(path, sizeof path, "%s/%s%s%s%s.npy", GOLDEN, wavegram ? "panns" : "", wavegram ? name + 8 : name,
             what[0] == '\0' ? "" : "-", what);
    if (mewl_npy_read_f32(&array, path, 1u << 20, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return array;
}

/* dB for one unit of a front end's log-mel. */
static double unit_db(const char *name)
{
    if (strcmp(name, "yamnet") == 0) {
        return 20.0 / log(10.0);
    }
    if (strcmp(name, "ecapa-encoder") == 0) {
        return 10.0 / log(10.0);
    }
    return strcmp(name, "mn") == 0 ? 50.0 / log(10.0) : 1.0;
}

static float *run(mewl_frontend *fe, const float *samples, size_t count, size_t *frames)
{
    *frames = mewl_frontend_frame_count(fe, count);
    float *out = malloc((*frames * mewl_frontend_bands(fe) + 1) * sizeof *out);
    assert_non_null(out);
    assert_int_equal(mewl_frontend_run(fe, out, samples, count, NULL), MEWL_OK);
    return out;
}

/* Largest difference in dB of `got` from `want` where the linear mel lies within 80 dB of its maximum. */
static double worst_db(const char *name, const float *got, const mewl_npy *want, const mewl_npy *level)
{
    double ratio = strcmp(name, "yamnet") == 0 ? 1e-4 : 1e-8;
    double top = 0.0;
    double worst = 0.0;
    for (size_t i = 0; i < level->count; i++) {
        top = fmax(top, (double)level->data[i]);
    }
    for (size_t i = 0; i < want->count; i++) {
        if ((double)level->data[i] >= ratio * top) {
            double apart = fabs((double)got[i] - (double)want->data[i]) * unit_db(name);
            worst = isnan(apart) ? (double)INFINITY : fmax(worst, apart);
        }
    }
    return worst;
}

static void golden_logmel(void **state)
{
    for (size_t i = 0; mewl_frontend_name_at(i) != NULL; i++) {
        const char *name = mewl_frontend_name_at(i);
        mewl_frontend *fe = make(name, MEWL_FEATURE_LOGMEL);
        mewl_npy cry = golden(mewl_frontend_rate_hz(fe) == 32000.0 ? "cry-32000" : "cry-16000", "");
        mewl_npy want = golden(name, "logmel");
        mewl_npy level = golden(name, "mel");
        size_t frames = 0;
        float *got = run(fe, cry.data, cry.count, &frames);
        assert_int_equal(frames, want.shape[0]);
        assert_int_equal(mewl_frontend_bands(fe), want.shape[1]);
        double worst = worst_db(name, got, &want, &level);
        print_message("%-10s %zu frames, %.2e dB\n", name, frames, worst);
        assert_true(worst <= BAR_DB);
        free(got);
        mewl_npy_fini(&cry);
        mewl_npy_fini(&want);
        mewl_npy_fini(&level);
        mewl_frontend_free(fe);
    }
}

static void golden_mel(void **state)
{
    for (size_t i = 0; mewl_frontend_name_at(i) != NULL; i++) {
        const char *name = mewl_frontend_name_at(i);
        mewl_frontend *fe = make(name, MEWL_FEATURE_MEL);
        mewl_npy cry = golden(mewl_frontend_rate_hz(fe) == 32000.0 ? "cry-32000" : "cry-16000", "");
        mewl_npy want = golden(name, "mel");
        size_t frames = 0;
        float *got = run(fe, cry.data, cry.count, &frames);
        assert_int_equal(frames * mewl_frontend_bands(fe), want.count);
        double top = 0.0;
        double worst = 0.0;
        double ratio = strcmp(name, "yamnet") == 0 ? 1e-4 : 1e-8;
        for (size_t k = 0; k < want.count; k++) {
            top = fmax(top, (double)want.data[k]);
        }
        for (size_t k = 0; k < want.count; k++) {
            if ((double)want.data[k] >= ratio * top) {
                worst = fmax(worst, fabs((double)got[k] / (double)want.data[k] - 1.0));
            }
        }
        /* 1e-3 dB is 2.3e-4 of power, 1.15e-4 of magnitude. */
        assert_true(worst <= 1.15e-4);
        free(got);
        mewl_npy_fini(&cry);
        mewl_npy_fini(&want);
        mewl_frontend_free(fe);
    }
}

/* Spectrum in dB, log-mel and cepstrum side by side; the spectrum within 80 dB of its own maximum. */
static void golden_hybrid(void **state)
{
    for (size_t i = 0; mewl_frontend_name_at(i) != NULL; i++) {
        const char *name = mewl_frontend_name_at(i);
        mewl_frontend *fe = make(name, MEWL_FEATURE_HYBRID);
        mewl_frontend *cepstrum = make(name, MEWL_FEATURE_MFCC);
        mewl_npy cry = golden(mewl_frontend_rate_hz(fe) == 32000.0 ? "cry-32000" : "cry-16000", "");
        mewl_npy want = golden(name, "hybrid");
        size_t width = mewl_frontend_bands(fe);
        size_t mels = mewl_mel_bands(mewl_frontend_mel(fe));
        size_t bins = width - mels - MEWL_FRONTEND_MFCC;
        size_t frames = 0;
        float *got = run(fe, cry.data, cry.count, &frames);
        float *mfcc = run(cepstrum, cry.data, cry.count, &frames);
        assert_int_equal(frames, want.shape[0]);
        assert_int_equal(width, want.shape[1]);
        float top = -1000.0f;
        double worst_spectrum = 0.0;
        double worst_mfcc = 0.0;
        for (size_t t = 0; t < frames; t++) {
            for (size_t k = 0; k < bins; k++) {
                top = fmaxf(top, want.data[t * width + k]);
            }
        }
        for (size_t t = 0; t < frames; t++) {
            for (size_t k = 0; k < bins; k++) {
                if (want.data[t * width + k] > top - 80.0f) {
                    worst_spectrum =
                        fmax(worst_spectrum, fabs((double)(got[t * width + k] - want.data[t * width + k])));
                }
            }
            for (size_t k = 0; k < MEWL_FRONTEND_MFCC; k++) {
                size_t at = t * width + bins + mels + k;
                worst_mfcc = fmax(worst_mfcc, fabs((double)(got[at] - want.data[at])) * unit_db(name));
                assert_true(got[at] == mfcc[t * MEWL_FRONTEND_MFCC + k]);
            }
        }
        print_message("%-10s spectrum %.2e dB, mfcc %.2e\n", name, worst_spectrum, worst_mfcc);
        assert_true(worst_spectrum <= BAR_DB);
        assert_true(worst_mfcc <= 2e-2); /* sums over all bands, those near the floor too */
        free(got);
        free(mfcc);
        mewl_npy_fini(&cry);
        mewl_npy_fini(&want);
        mewl_frontend_free(fe);
        mewl_frontend_free(cepstrum);
    }
}

static void golden_short(void **state)
{
    mewl_frontend *fe = make("ecapa", MEWL_FEATURE_LOGMEL);
    mewl_npy noise = golden("noise-150", "");
    mewl_npy want = golden("ecapa", "short");
    size_t frames = 0;
    float *got = run(fe, noise.data, noise.count, &frames);
    assert_int_equal(frames, want.shape[0]);
    for (size_t i = 0; i < want.count; i++) {
        assert_true(fabs((double)(got[i] - want.data[i])) <= BAR_DB);
    }
    free(got);
    mewl_npy_fini(&noise);
    mewl_npy_fini(&want);
    mewl_frontend_free(fe);
}

/* Pushes in amounts drawn at random, pulls in others, and settles. */
static size_t stream(mewl_frontend *fe, float *out, size_t room, const float *samples, size_t count, uint64_t seed)
{
    mewl_rng rng = mewl_rng_seeded(seed);
    size_t width = mewl_frontend_bands(fe);
    size_t done = 0;
    size_t got = 0;
    mewl_frontend_reset(fe);
    while (count > 0) {
        size_t most = mewl_rng_below(&rng, 4) == 0 ? 60000 : 700;
        size_t offered = 1 + mewl_rng_below(&rng, most);
        size_t taken = 0;
        offered = offered < count ? offered : count;
        assert_int_equal(mewl_frontend_push(fe, &taken, samples, offered, NULL), MEWL_OK);
        assert_true(taken <= offered);
        samples += taken;
        count -= taken;
        size_t wanted = mewl_rng_below(&rng, 40);
        wanted = taken == 0 ? wanted + 1 : wanted;
        wanted = wanted < room - done ? wanted : room - done;
        mewl_frontend_pull(fe, out + done * width, wanted, &got);
        done += got;
    }
    mewl_frontend_finish(fe);
    mewl_frontend_finish(fe);
    do {
        size_t wanted = room - done < 5 ? room - done : 5;
        mewl_frontend_pull(fe, out + done * width, wanted, &got);
        done += got;
    } while (got > 0);
    mewl_frontend_settle(fe, out, done);
    return done;
}

static void streaming_is_the_whole_clip(void **state)
{
    static const size_t counts[] = {0,   1,   2,   3,   160,  200,  255,  256,  257,  258,  399,  400,   401,   511,
                                    512, 513, 514, 515, 1023, 1024, 1025, 1026, 1344, 4000, 8000, 16384, 50000, 123457};
    size_t most = counts[sizeof counts / sizeof *counts - 1];
    float *samples = malloc(most * sizeof *samples);
    assert_non_null(samples);
    mewl_rng rng = mewl_rng_seeded(3);
    for (size_t n = 0; n < most; n++) {
        samples[n] = (float)(0.2 * mewl_rng_normal(&rng));
    }
    for (size_t i = 0; mewl_frontend_name_at(i) != NULL; i++) {
        for (int kind = MEWL_FEATURE_SPECTROGRAM; kind <= MEWL_FEATURE_WAVEGRAM; kind++) {
            mewl_frontend *fe = make(mewl_frontend_name_at(i), (mewl_feature)kind);
            for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
                size_t frames = 0;
                float *whole = run(fe, samples, counts[c], &frames);
                size_t size = frames * mewl_frontend_bands(fe);
                float *parts = malloc((size + mewl_frontend_bands(fe)) * sizeof *parts);
                assert_non_null(parts);
                uint64_t seed = 1000 * i + 100 * (uint64_t)kind + c;
                size_t got = stream(fe, parts, frames + 1, samples, counts[c], seed);
                if (got != frames || memcmp(whole, parts, size * sizeof *whole) != 0) {
                    fail_msg("%s, kind %d, %zu samples, seed %llu: %zu frames of %zu, or other values",
                             mewl_frontend_name(fe), kind, counts[c], (unsigned long long)seed, got, frames);
                }
                for (size_t k = 0; k < size; k++) {
                    assert_true(isfinite(whole[k]));
                }
                free(whole);
                free(parts);
            }
            mewl_frontend_free(fe);
        }
    }
    free(samples);
}

/* A frame of wavegram-16k is a frame of panns-16k and the hop's samples from its middle on. */
static void wavegram_joins_samples(void **state)
{
    float samples[1600];
    size_t frames = 0, same = 0;
    mewl_frontend *both = make("wavegram-16k", MEWL_FEATURE_DEFAULT);
    mewl_frontend *mel = make("panns-16k", MEWL_FEATURE_LOGMEL);
    for (size_t n = 0; n < 1600; n++) {
        samples[n] = (float)(0.5 * sin(0.01 * (double)(n * n % 1013)));
    }
    float *joined = run(both, samples, 1600, &frames);
    float *alone = run(mel, samples, 1600, &same);
    assert_int_equal(frames, 11);
    assert_int_equal(same, frames);
    for (size_t t = 0; t < frames; t++) {
        assert_memory_equal(joined + t * 224, alone + t * 64, 64 * sizeof *alone);
        if (t < 10) {
            assert_memory_equal(joined + t * 224 + 64, samples + t * 160, 160 * sizeof *samples);
        }
    }
    assert_true(isnan(mewl_frontend_band_hz(both, 64)));
    free(joined);
    free(alone);
    mewl_frontend_free(both);
    mewl_frontend_free(mel);
}

/* What the headers promise: counts, middles, latency and how much one push takes. */
static void figures(void **state)
{
    static const struct {
        const char *name;
        double rate_hz;
        size_t bands, hop, window, frames_of_ten_s, latency;
    } rows[] = {{"panns-32k", 32000.0, 64, 320, 1024, 1001, 513},
                {"panns-16k", 16000.0, 64, 160, 512, 1001, 257},
                {"ecapa", 16000.0, 80, 160, 400, 1001, 200},
                {"ecapa-encoder", 16000.0, 80, 160, 400, 1000, 258},
                {"yamnet", 16000.0, 64, 160, 400, 998, 200},
                {"mn", 32000.0, 128, 320, 800, 1000, 514},
                {"hybrid", 16000.0, 341, 160, 512, 1001, 257},
                {"wavegram-32k", 32000.0, 384, 320, 1024, 1001, 513},
                {"wavegram-16k", 16000.0, 224, 160, 512, 1001, 257}};
    float *samples = calloc(MEWL_FRONTEND_PUSH_MIN, sizeof *samples);
    float *out = malloc(200 * 600 * sizeof *out);
    assert_non_null(samples);
    assert_non_null(out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mewl_frontend *fe = make(rows[i].name, MEWL_FEATURE_DEFAULT);
        assert_string_equal(mewl_frontend_name(fe), rows[i].name);
        assert_string_equal(mewl_frontend_name_at(i), rows[i].name);
        assert_true(mewl_frontend_rate_hz(fe) == rows[i].rate_hz);
        assert_int_equal(mewl_frontend_bands(fe), rows[i].bands);
        assert_int_equal(mewl_frontend_hop_samples(fe), rows[i].hop);
        assert_int_equal(mewl_frontend_window_samples(fe), rows[i].window);
        assert_int_equal(mewl_frontend_frame_count(fe, (size_t)(10.0 * rows[i].rate_hz)), rows[i].frames_of_ten_s);
        size_t latency = mewl_frontend_latency_samples(fe);
        assert_int_equal(latency, rows[i].latency);
        /* Frame k is there after so many samples; one sample earlier the last frames of a hop are not. */
        for (size_t k = 0; k < 4; k++) {
            size_t needed = (size_t)lround(mewl_frontend_frame_time_s(fe, k) * rows[i].rate_hz) + latency;
            size_t taken = 0;
            size_t got = 0;
            mewl_frontend_reset(fe);
            assert_int_equal(mewl_frontend_push(fe, &taken, samples, needed, NULL), MEWL_OK);
            assert_int_equal(taken, needed);
            mewl_frontend_pull(fe, out, 100, &got);
            assert_true(got == k + 1);
        }
        /* Pulled dry, it takes what it promises, over and over. */
        mewl_frontend_reset(fe);
        for (size_t k = 0; k < 12; k++) {
            size_t taken = 0;
            size_t got = 0;
            assert_int_equal(mewl_frontend_push(fe, &taken, samples, MEWL_FRONTEND_PUSH_MIN, NULL), MEWL_OK);
            assert_int_equal(taken, MEWL_FRONTEND_PUSH_MIN);
            do {
                mewl_frontend_pull(fe, out, 100, &got);
            } while (got > 0);
        }
        mewl_frontend_finish(fe);
        size_t taken = 7;
        assert_int_equal(mewl_frontend_push(fe, &taken, samples, 1, NULL), MEWL_E_STATE);
        assert_int_equal(taken, 0);
        mewl_frontend_free(fe);
    }
    assert_null(mewl_frontend_name_at(sizeof rows / sizeof *rows));
    free(samples);
    free(out);
}

/* The first and last frame are those of the clip with its mirror image written out at both ends: checked at bin 0. */
static void reflection(void **state)
{
    float clip[3000];
    float longer[3512];
    double window[512];
    mewl_rng rng = mewl_rng_seeded(9);
    for (size_t n = 0; n < 3000; n++) {
        clip[n] = (float)mewl_rng_normal(&rng);
    }
    for (size_t n = 0; n < 3512; n++) {
        ptrdiff_t at = (ptrdiff_t)n - 256;
        at = at < 0 ? -at : at;
        longer[n] = clip[at < 3000 ? at : 2 * 2999 - at];
    }
    mewl_window_fill(window, 512, MEWL_WINDOW_HANN_PERIODIC);
    mewl_frontend *fe = make("panns-16k", MEWL_FEATURE_SPECTROGRAM);
    size_t frames = 0;
    float *spectra = run(fe, clip, 3000, &frames);
    assert_int_equal(frames, 19);
    for (size_t t = 0; t < frames; t++) {
        double sum = 0.0;
        for (size_t n = 0; n < 512; n++) {
            sum += (double)longer[t * 160 + n] * window[n];
        }
        assert_true(fabs((double)spectra[t * 257] - sum * sum) <= 1e-5 * sum * sum + 1e-9);
    }
    free(spectra);
    mewl_frontend_free(fe);
}

/* A NaN or infinity stays in the frames that hold it. */
static void odd_samples_stay_where_they_are(void **state)
{
    float samples[16000];
    for (size_t n = 0; n < 16000; n++) {
        samples[n] = sinf(0.1f * (float)n);
    }
    for (size_t i = 0; mewl_frontend_name_at(i) != NULL; i++) {
        mewl_frontend *fe = make(mewl_frontend_name_at(i), MEWL_FEATURE_MEL);
        size_t width = mewl_frontend_bands(fe);
        size_t frames = 0;
        samples[8000] = sinf(800.0f);
        float *clean = run(fe, samples, 16000, &frames);
        samples[8000] = i % 2 == 0 ? NAN : INFINITY;
        float *spoilt = run(fe, samples, 16000, &frames);
        double rate_hz = mewl_frontend_rate_hz(fe);
        double reach_s = ((double)mewl_frontend_window_samples(fe) / 2.0 + 2.0) / rate_hz;
        size_t same = 0;
        for (size_t t = 0; t < frames; t++) {
            if (fabs(mewl_frontend_frame_time_s(fe, t) - 8000.0 / rate_hz) > reach_s + 120.0 / rate_hz) {
                assert_memory_equal(clean + t * width, spoilt + t * width, width * sizeof *clean);
                same++;
            }
        }
        assert_true(same > frames / 2);
        free(clean);
        free(spoilt);
        mewl_frontend_free(fe);
        fe = make(mewl_frontend_name_at(i), MEWL_FEATURE_LOGMEL);
        spoilt = run(fe, samples, 16000, &frames);
        for (size_t k = 0; k < frames * width; k++) {
            assert_true(isfinite(spoilt[k]));
        }
        free(spoilt);
        mewl_frontend_free(fe);
    }
}

static void clipwide_steps(void **state)
{
    mewl_frontend *fe = make("ecapa", MEWL_FEATURE_DEFAULT);
    assert_true(mewl_frontend_is_clipwide(fe));
    float *frames = malloc(3 * 80 * sizeof *frames);
    assert_non_null(frames);
    for (size_t i = 0; i < 3 * 80; i++) {
        frames[i] = i == 100 ? 10.0f : -90.0f;
    }
    frames[20] = -60.0f;
    mewl_frontend_settle(fe, frames, 3);
    /* The floor is 10 - 80 = -70. Band 20 (index 100 = 1 * 80 + 20): -60, 10, -70, mean -40. */
    assert_true(fabsf(frames[20] + 20.0f) < 1e-4f);
    assert_true(fabsf(frames[100] - 50.0f) < 1e-4f);
    assert_true(fabsf(frames[180] + 30.0f) < 1e-4f);
    assert_true(frames[0] == 0.0f);
    free(frames);
    mewl_frontend_free(fe);
    fe = make("panns-16k", MEWL_FEATURE_DEFAULT);
    assert_false(mewl_frontend_is_clipwide(fe));
    mewl_frontend_free(fe);
}

static void another_mel_bank(void **state)
{
    mewl_frontend *fe = make("yamnet", MEWL_FEATURE_MEL);
    float *matrix = calloc(64 * 257, sizeof *matrix);
    double centres[64];
    assert_non_null(matrix);
    for (size_t b = 0; b < 64; b++) {
        centres[b] = 31.25 * (double)(b + 1);
        matrix[b * 257 + b + 1] = 2.0f;
    }
    mewl_mel *mel = NULL;
    assert_int_equal(mewl_mel_new_dense(&mel, matrix, centres, 63, 257, NULL), MEWL_OK);
    assert_int_equal(mewl_frontend_set_mel(fe, mel, NULL), MEWL_E_SHAPE);
    assert_int_equal(mewl_mel_new_dense(&mel, matrix, centres, 64, 257, NULL), MEWL_OK);
    assert_int_equal(mewl_frontend_set_mel(fe, mel, NULL), MEWL_OK);
    assert_true(mewl_frontend_band_hz(fe, 3) == centres[3]);
    mewl_frontend *spectrum = make("yamnet", MEWL_FEATURE_SPECTROGRAM);
    float samples[800];
    for (size_t n = 0; n < 800; n++) {
        samples[n] = cosf(0.3f * (float)n);
    }
    size_t frames = 0;
    float *a = run(fe, samples, 800, &frames);
    float *b = run(spectrum, samples, 800, &frames);
    assert_int_equal(frames, 3);
    for (size_t t = 0; t < frames; t++) {
        for (size_t k = 0; k < 64; k++) {
            assert_true(a[t * 64 + k] == 2.0f * b[t * 257 + k + 1]);
        }
    }
    free(a);
    free(b);
    free(matrix);
    mewl_frontend_free(fe);
    mewl_frontend_free(spectrum);
}

static void names_and_bands(void **state)
{
    mewl_frontend *fe = NULL;
    mewl_error err = {0};
    mewl_feature kind;
    assert_int_equal(mewl_frontend_new(&fe, "panns-8k", &err), MEWL_E_NOT_FOUND);
    assert_null(fe);
    assert_non_null(strstr(err.text, "panns-8k"));
    assert_int_equal(mewl_frontend_new_kind(&fe, "mn", (mewl_feature)99, &err), MEWL_E_ARG);
    assert_int_equal(mewl_feature_parse(&kind, "chroma", &err), MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_feature_parse(&kind, "mfcc", &err), MEWL_OK);
    assert_int_equal(kind, MEWL_FEATURE_MFCC);
    fe = make("hybrid", MEWL_FEATURE_DEFAULT);
    assert_int_equal(mewl_frontend_kind(fe), MEWL_FEATURE_HYBRID);
    assert_true(mewl_frontend_band_hz(fe, 32) == 1000.0);
    assert_true(mewl_frontend_band_hz(fe, 257) == mewl_mel_centre_hz(mewl_frontend_mel(fe), 0));
    assert_true(isnan(mewl_frontend_band_hz(fe, 257 + 64)));
    assert_true(isnan(mewl_frontend_band_hz(fe, 341)));
    size_t got = 1;
    mewl_frontend_pull(fe, NULL, 0, &got);
    assert_int_equal(got, 0);
    assert_int_equal(mewl_frontend_run(fe, NULL, NULL, 5, &err), MEWL_E_ARG);
    assert_int_equal(mewl_frontend_run(fe, NULL, NULL, 0, &err), MEWL_OK);
    mewl_frontend_free(fe);
    mewl_frontend_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_logmel),
        cmocka_unit_test(golden_mel),
        cmocka_unit_test(golden_hybrid),
        cmocka_unit_test(wavegram_joins_samples),
        cmocka_unit_test(golden_short),
        cmocka_unit_test(streaming_is_the_whole_clip),
        cmocka_unit_test(figures),
        cmocka_unit_test(reflection),
        cmocka_unit_test(odd_samples_stay_where_they_are),
        cmocka_unit_test(clipwide_steps),
        cmocka_unit_test(another_mel_bank),
        cmocka_unit_test(names_and_bands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
