/* quant_range.c - a histogram of an activation's magnitudes, and the eight-bit scale that suits it. Arithmetic only. */
#include "nn/quant_private.h"
#include "nn/tile.h"

#include <math.h>

#define MSE_STEPS 128 /* candidates: largest value clipped to 1, 2, ... 128 of 128 parts */

/* Doubles top until `value` lies below it. */
static void widen(mewl__histogram *h, float value)
{
    if (h->top == 0.0f) {
        int exponent;
        (void)frexpf(value, &exponent); /* value < 2^exponent */
        h->top = ldexpf(1.0f, exponent < -100 ? -100 : exponent);
    }
    while (value >= h->top && h->top < 0x1p127f) {
        for (int b = 0; b < MEWL__HISTOGRAM_BINS; b++) {
            const int from = 2 * b;
            h->count[b] = from < MEWL__HISTOGRAM_BINS ? h->count[from] + h->count[from + 1] : 0;
        }
        h->top *= 2.0f;
    }
}

static void add_run(mewl__histogram *h, const float *x, size_t count)
{
    float largest = 0.0f, least = h->least;
    bool broken = false;
    for (size_t i = 0; i < count; i++) {
        const float m = fabsf(x[i]);
        broken |= !(m <= 3.4e38f);
        largest = m > largest ? m : largest;
        least = x[i] < least ? x[i] : least;
    }
    if (broken) {
        h->broken = true;
        return;
    }
    h->least = least;
    h->largest = largest > h->largest ? largest : h->largest;
    h->total += count;
    if (largest > 0.0f) {
        widen(h, largest);
    }
    if (h->top == 0.0f) {
        h->count[0] += count;
        return;
    }
    const float factor = (float)MEWL__HISTOGRAM_BINS / h->top;
    for (size_t i = 0; i < count; i++) {
        const int bin = (int)(fabsf(x[i]) * factor);
        h->count[bin < MEWL__HISTOGRAM_BINS ? bin : MEWL__HISTOGRAM_BINS - 1]++;
    }
}

void mewl__histogram_add(mewl__histogram *h, const mewl_tensor *x)
{
    const mewl__rows r = mewl__rows_of(x);
    const float *data = x->data;
    const size_t row = r.positions * r.block, used = r.channels % r.block;
    for (size_t n = 0; n < r.n; n++) {
        for (size_t b = 0; b < r.blocks; b++, data += row) {
            if (used == 0 || b + 1 < r.blocks) {
                add_run(h, data, row);
                continue;
            }
            for (size_t p = 0; p < r.positions; p++) { /* not the surplus channels */
                add_run(h, data + p * r.block, used);
            }
        }
    }
}

/* Sum over what was seen of the squared difference to its coded form, with `levels` steps up to `limit`. Values within
 * a bin count as its middle; inside the range a bin far wider or narrower than a step is treated alike by the mean
 * square of rounding, step^2 / 12, which is what it comes to over many bins. */
static double error_of(const mewl__histogram *h, double limit, double levels)
{
    const double width = (double)h->top / MEWL__HISTOGRAM_BINS, step = limit / levels;
    double sum = 0.0;
    for (int b = 0; b < MEWL__HISTOGRAM_BINS; b++) {
        if (h->count[b] == 0) {
            continue;
        }
        double middle = ((double)b + 0.5) * width, over = middle - limit;
        double each = over > 0.0 ? over * over : step * step / 12.0;
        if (b == 0) { /* zeros are coded exactly, and small values no worse than by 0 */
            each = fmin(each, width * width / 12.0);
        }
        sum += (double)h->count[b] * each;
    }
    return sum;
}

static double mse_limit(const mewl__histogram *h, double levels)
{
    double best = (double)h->largest, least = error_of(h, best, levels);
    for (int i = MSE_STEPS - 1; i >= 1; i--) {
        const double limit = (double)h->largest * i / MSE_STEPS, error = error_of(h, limit, levels);
        if (error < least) {
            least = error;
            best = limit;
        }
    }
    return best;
}

/* The upper edge of the bin below and in which `share` of all magnitudes lie. */
static double percentile_limit(const mewl__histogram *h, double share)
{
    const double wanted = share * (double)h->total, width = (double)h->top / MEWL__HISTOGRAM_BINS;
    double below = 0.0;
    for (int b = 0; b < MEWL__HISTOGRAM_BINS; b++) {
        below += (double)h->count[b];
        if (below >= wanted) {
            return fmin((double)(b + 1) * width, (double)h->largest);
        }
    }
    return (double)h->largest;
}

mewl__grid mewl__histogram_grid(const mewl__histogram *h, mewl_quant_opts opts)
{
    mewl__grid grid = {.scale = 1.0f, .is_signed = h->least < 0.0f};
    const double levels = grid.is_signed ? 127.0 : 255.0;
    double limit = (double)h->largest;
    if (limit > 0.0 && opts.range == MEWL_RANGE_MSE) {
        limit = mse_limit(h, levels);
    } else if (limit > 0.0 && opts.range == MEWL_RANGE_PERCENTILE) {
        limit = percentile_limit(h, opts.percentile / 100.0);
    }
    if (limit > 0.0) {
        const float scale = (float)(limit / levels);
        grid.scale = scale < MEWL__SCALE_MIN ? MEWL__SCALE_MIN : scale > MEWL__SCALE_MAX ? MEWL__SCALE_MAX : scale;
    }
    return grid;
}
