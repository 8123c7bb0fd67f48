/* test_stft.c - one windowed frame to its spectrum. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "dsp/stft.h"

static void compare(mewl_stft_opts opts, size_t stride)
{
    enum { N = 64 };
    assert_int_equal(opts.fft_length, N);
    mewl_stft *stft = NULL;
    assert_int_equal(mewl_stft_new(&stft, opts, NULL), MEWL_OK);
    assert_int_equal(mewl_stft_bins(stft), N / 2 + 1);
    double frame[N];
    double window[N];
    float out[(N / 2 + 1) * 3];
    mewl_rng rng = mewl_rng_seeded(11);
    for (size_t n = 0; n < N; n++) {
        frame[n] = mewl_rng_normal(&rng);
    }
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        out[i] = -7.0f;
    }
    mewl_window_fill(window, opts.window_length, opts.window);
    mewl_stft_frame(stft, out, stride, frame);
    for (size_t k = 0; k <= N / 2; k++) {
        double re = 0.0;
        double im = 0.0;
        for (size_t n = 0; n < opts.window_length; n++) {
            size_t at = n + opts.window_offset;
            double angle = 2.0 * M_PI * (double)(k * at) / N;
            re += frame[at] * window[n] * cos(angle);
            im -= frame[at] * window[n] * sin(angle);
        }
        double power = re * re + im * im;
        double want = opts.output == MEWL_STFT_POWER ? power : sqrt(power);
        assert_true(fabs((double)out[k * stride] - want) <= 1e-6 * want + 1e-12);
        if (stride == 3) {
            assert_true(out[k * stride + 1] == -7.0f && out[k * stride + 2] == -7.0f);
        }
    }
    mewl_stft_free(stft);
}

static void frames(void **state)
{
    compare((mewl_stft_opts){64, 64, 0, MEWL_WINDOW_HANN_PERIODIC, MEWL_STFT_POWER}, 1);
    compare((mewl_stft_opts){64, 50, 7, MEWL_WINDOW_HANN_SYMMETRIC, MEWL_STFT_POWER}, 3);
    compare((mewl_stft_opts){64, 50, 0, MEWL_WINDOW_HAMMING_PERIODIC, MEWL_STFT_MAGNITUDE}, 3);
    compare((mewl_stft_opts){64, 1, 63, MEWL_WINDOW_RECTANGULAR, MEWL_STFT_MAGNITUDE}, 1);
}

static void refused(void **state)
{
    static const mewl_stft_opts bad[] = {{0, 0, 0, MEWL_WINDOW_RECTANGULAR, MEWL_STFT_POWER},
                                         {63, 63, 0, MEWL_WINDOW_RECTANGULAR, MEWL_STFT_POWER},
                                         {64, 0, 0, MEWL_WINDOW_RECTANGULAR, MEWL_STFT_POWER},
                                         {64, 65, 0, MEWL_WINDOW_RECTANGULAR, MEWL_STFT_POWER},
                                         {64, 64, 1, MEWL_WINDOW_RECTANGULAR, MEWL_STFT_POWER},
                                         {64, 32, SIZE_MAX, MEWL_WINDOW_RECTANGULAR, MEWL_STFT_POWER}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mewl_stft *stft = (mewl_stft *)1;
        mewl_error err = {0};
        assert_int_equal(mewl_stft_new(&stft, bad[i], &err), MEWL_E_ARG);
        assert_null(stft);
    }
    mewl_stft_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(frames), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
