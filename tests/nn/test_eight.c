/* test_eight.c - loops over activations of eight bits against plain ones in double: poolings, sums, joins, means,
 * conversions; and what is chosen for a range. */
#include "nn/memory.h"
#include "nn/quant_private.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fill(float *x, size_t count, uint64_t seed)
{
    mewl_rng rng = mewl_rng_seeded(seed);
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)mewl_rng_normal(&rng);
    }
}

static int quantum(double value, mewl__grid grid)
{
    const double low = grid.is_signed ? -127.0 : 0.0, high = grid.is_signed ? 127.0 : 255.0;
    return (int)fmin(fmax(rint(value), low), high);
}

/* ---- Loops over whole numbers ---- */

typedef struct map8 {
    mewl_tensor x;
    uint8_t data[2 * 6 * 6 * 80];
} map8;

static void map8_make(map8 *m, mewl_dtype dtype, int64_t c, int64_t t, int64_t f, float scale, uint64_t seed)
{
    mewl_rng rng = mewl_rng_seeded(seed);
    m->x = (mewl_tensor){.shape = mewl_shape_map(2, c, t, f),
                         .dtype = dtype,
                         .layout = MEWL_LAYOUT_LAST,
                         .scale = scale,
                         .data = m->data};
    for (int64_t i = 0; i < 2 * c * t * f; i++) {
        int v = (int)floor(
            mewl_rng_range(&rng, dtype == MEWL_DTYPE_U8 ? 0.0 : -127.0, dtype == MEWL_DTYPE_U8 ? 256.0 : 128.0));
        m->data[i] = (uint8_t)v;
    }
}

/* What element (n, c, t, f) means. */
static double at8(const map8 *m, int64_t n, int64_t c, int64_t t, int64_t f)
{
    const mewl_shape s = m->x.shape;
    const size_t i = (size_t)(((n * s.dim[2] + t) * s.dim[3] + f) * s.dim[1] + c);
    return (double)m->x.scale * (m->x.dtype == MEWL_DTYPE_U8 ? (double)m->data[i] : (double)(int8_t)m->data[i]);
}

/* The element must be `value` rounded to the grid: to a thousandth of a step, for sums in float32. */
static void near8(const map8 *m, int64_t n, int64_t c, int64_t t, int64_t f, double value)
{
    const bool u = m->x.dtype == MEWL_DTYPE_U8;
    const double q = fmin(fmax(value / (double)m->x.scale, u ? 0.0 : -127.0), u ? 255.0 : 127.0);
    assert_true(fabs(at8(m, n, c, t, f) / (double)m->x.scale - q) <= 0.501);
}

static void test_pools(void **state)
{
    static map8 x, y;
    static const struct {
        mewl_dtype dtype;
        int64_t c, t, f;
        size_t kernel[2];
        bool mean, of;
    } rows[] = {{MEWL_DTYPE_U8, 64, 6, 6, {2, 2}, true, false},
                {MEWL_DTYPE_U8, 80, 5, 6, {2, 2}, true, true},
                {MEWL_DTYPE_I8, 3, 6, 5, {3, 2}, false, true},
                {MEWL_DTYPE_I8, 70, 6, 6, {1, 2}, true, true},
                {MEWL_DTYPE_U8, 7, 4, 4, {4, 4}, true, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int64_t kt = (int64_t)rows[i].kernel[0], kf = (int64_t)rows[i].kernel[1];
        map8_make(&x, rows[i].dtype, rows[i].c, rows[i].t, rows[i].f, 0.031f, i);
        map8_make(&y, rows[i].dtype, rows[i].c, rows[i].t / kt, rows[i].f / kf, 0.047f, 100);
        mewl__eight_pool(&y.x, &x.x, rows[i].kernel, rows[i].mean, rows[i].of, 1);
        for (int64_t n = 0; n < 2; n++) {
            for (int64_t p = 0; p < rows[i].c * (rows[i].t / kt) * (rows[i].f / kf); p++) {
                const int64_t c = p % rows[i].c, f = p / rows[i].c % (rows[i].f / kf),
                              t = p / rows[i].c / (rows[i].f / kf);
                double sum = 0.0, top = -1e9;
                for (int64_t k = 0; k < kt * kf; k++) {
                    const double v = at8(&x, n, c, t * kt + k / kf, f * kf + k % kf);
                    sum += v;
                    top = fmax(top, v);
                }
                near8(&y, n, c, t, f, (rows[i].mean ? sum / (double)(kt * kf) : 0.0) + (rows[i].of ? top : 0.0));
            }
        }
    }
}

static void test_sums_and_joins(void **state)
{
    static map8 a, b, y, z, r;
    map8_make(&a, MEWL_DTYPE_U8, 20, 5, 3, 0.02f, 1);
    map8_make(&b, MEWL_DTYPE_I8, 20, 5, 3, 0.05f, 2);
    map8_make(&y, MEWL_DTYPE_I8, 20, 5, 3, 0.06f, 3);
    map8_make(&z, MEWL_DTYPE_U8, 20, 5, 3, 0.03f, 4);
    map8_make(&r, MEWL_DTYPE_U8, 20, 5, 3, 0.04f, 4);
    mewl__eight_add(&y.x, &a.x, &b.x, false, 1);
    mewl__eight_add(&z.x, &a.x, &b.x, true, 1);
    mewl__eight_relu(&r.x, &b.x, 1);
    for (int64_t p = 0; p < 2 * 20 * 15; p++) {
        const int64_t n = p / 300, c = p % 20, t = p % 300 / 60, f = p % 60 / 20;
        const double sum = at8(&a, n, c, t, f) + at8(&b, n, c, t, f);
        near8(&y, n, c, t, f, sum);
        near8(&z, n, c, t, f, fmax(sum, 0.0));
        near8(&r, n, c, t, f, fmax(at8(&b, n, c, t, f), 0.0));
    }
    static map8 joined;
    map8_make(&joined, MEWL_DTYPE_I8, 40, 5, 3, 0.06f, 5);
    mewl__eight_concat(&joined.x, (mewl_tensor[]){a.x, b.x}, 2, 1);
    for (int64_t p = 0; p < 2 * 20 * 15; p++) {
        const int64_t n = p / 300, c = p % 20, t = p % 300 / 60, f = p % 60 / 20;
        near8(&joined, n, c, t, f, at8(&a, n, c, t, f));
        near8(&joined, n, c + 20, t, f, at8(&b, n, c, t, f));
    }
}

static void test_means(void **state)
{
    static map8 x, y;
    float wide[2 * 70 * 5], mean[2 * 70], both[2 * 70];
    map8_make(&x, MEWL_DTYPE_I8, 70, 5, 6, 0.02f, 1);
    map8_make(&y, MEWL_DTYPE_I8, 70, 5, 1, 0.01f, 2);
    mewl_tensor floats = {.shape = y.x.shape, .dtype = MEWL_DTYPE_F32, .layout = MEWL_LAYOUT_LAST, .data = wide};
    mewl__eight_mean_features(&y.x, &x.x, 1);
    mewl__eight_mean_features(&floats, &x.x, 1);
    mewl__eight_global_pool(mean, &x.x, true, false, 1);
    mewl__eight_global_pool(both, &x.x, true, true, 1);
    for (int64_t n = 0; n < 2; n++) {
        for (int64_t c = 0; c < 70; c++) {
            double total = 0.0, top = -1e9;
            for (int64_t t = 0; t < 5; t++) {
                double sum = 0.0;
                for (int64_t f = 0; f < 6; f++) {
                    sum += at8(&x, n, c, t, f) / 6.0;
                }
                near8(&y, n, c, t, 0, sum);
                assert_true(fabs((double)wide[(n * 5 + t) * 70 + c] - sum) < 1e-5);
                total += sum / 5.0;
                top = fmax(top, sum);
            }
            assert_true(fabs((double)mean[n * 70 + c] - total) < 1e-5);
            assert_true(fabs((double)both[n * 70 + c] - total - top) < 1e-5);
        }
    }
}

static void test_conversions(void **state)
{
    static float plain[2 * 20 * 15], back[2 * 32 * 15];
    static uint16_t half[2 * 32 * 15];
    static map8 q;
    fill(plain, 2 * 20 * 15, 3);
    static const mewl_layout layouts[] = {MEWL_LAYOUT_PLAIN, MEWL_LAYOUT_LAST, MEWL_LAYOUT_BLOCK8, MEWL_LAYOUT_BLOCK16};
    for (size_t i = 0; i < 8; i++) {
        const mewl_shape shape = mewl_shape_map(2, 20, 5, 3);
        const bool is_half = i >= 4;
        mewl_tensor from = {.shape = shape, .dtype = MEWL_DTYPE_F32, .data = plain};
        mewl_tensor via = {.shape = shape,
                           .dtype = is_half ? MEWL_DTYPE_BF16 : MEWL_DTYPE_F32,
                           .layout = layouts[i % 4],
                           .data = is_half ? (void *)half : (void *)back};
        static float final[2 * 20 * 15];
        mewl_tensor to = {.shape = shape, .dtype = MEWL_DTYPE_F32, .data = final};
        map8_make(&q, MEWL_DTYPE_I8, 20, 5, 3, 0.02f, 4);
        mewl__convert(&via, &from, false, 1);
        mewl__convert(&q.x, &via, false, 1);
        for (int64_t p = 0; p < 2 * 20 * 15; p++) { /* plain order */
            const double value = (double)plain[p], got = at8(&q, p / 300, p % 300 / 15, p % 15 / 3, p % 3);
            const double want = fmin(fmax(value, -127 * 0.02), 127 * 0.02);
            assert_true(fabs(got - want) <= 0.0101 + (is_half ? fabs(value) / 256.0 : 0.0));
        }
        memset(back, 0x55, sizeof back);
        memset(half, 0x55, sizeof half);
        mewl__convert(&via, &q.x, false, 1);
        mewl__convert(&to, &via, false, 1);
        for (int64_t p = 0; p < 2 * 20 * 15; p++) {
            const double want = at8(&q, p / 300, p % 300 / 15, p % 15 / 3, p % 3);
            assert_true(fabs((double) final[p] - want) <= (is_half ? 0.01 : 1e-6));
        }
    }
}

/* ---- Ranges ---- */

static void observe_all(mewl__histogram *h, const float *x, size_t count, size_t batch)
{
    memset(h, 0, sizeof *h);
    for (size_t at = 0; at < count; at += batch) {
        const size_t some = count - at < batch ? count - at : batch;
        mewl_tensor t = {.shape = mewl_shape_map(1, 1, (int64_t)some, 1),
                         .dtype = MEWL_DTYPE_F32,
                         .data = (void *)(uintptr_t)(x + at)};
        mewl__histogram_add(h, &t);
    }
}

static void test_ranges(void **state)
{
    enum { COUNT = 60000 };
    static float x[COUNT], y[COUNT];
    static mewl__histogram a, b;
    fill(x, COUNT, 1);
    x[777] = 40.0f; /* far outside */
    for (size_t i = 0; i < COUNT; i++) {
        y[i] = x[COUNT - 1 - i];
    }
    observe_all(&a, x, COUNT, COUNT);
    observe_all(&b, y, COUNT, 77); /* another order, other batches */
    assert_memory_equal(&a, &b, sizeof a);

    const mewl__grid all = mewl__histogram_grid(&a, (mewl_quant_opts){.range = MEWL_RANGE_MINMAX});
    assert_true(all.is_signed && fabsf(all.scale * 127.0f - 40.0f) < 1e-4f);
    const mewl__grid most =
        mewl__histogram_grid(&a, (mewl_quant_opts){.range = MEWL_RANGE_PERCENTILE, .percentile = 99.0});
    assert_true(most.scale * 127.0f > 2.5f && most.scale * 127.0f < 2.7f); /* 2.576 of a normal distribution */
    const mewl__grid best = mewl__histogram_grid(&a, (mewl_quant_opts){.range = MEWL_RANGE_MSE});
    double error[2] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        const mewl__grid grids[] = {all, best};
        for (int g = 0; g < 2; g++) {
            const double s = (double)grids[g].scale, d = (double)x[i] - s * quantum((double)x[i] / s, grids[g]);
            error[g] += d * d;
        }
    }
    assert_true(error[1] < error[0]);

    static float none[100];
    observe_all(&a, none, 100, 100);
    const mewl__grid zero = mewl__histogram_grid(&a, (mewl_quant_opts){0});
    assert_true(zero.scale == 1.0f && !zero.is_signed);
    none[50] = NAN;
    observe_all(&a, none, 100, 100);
    assert_true(a.broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools),       cmocka_unit_test(test_sums_and_joins), cmocka_unit_test(test_means),
        cmocka_unit_test(test_conversions), cmocka_unit_test(test_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
