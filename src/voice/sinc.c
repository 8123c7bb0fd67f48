/* sinc.c - see sinc.h. The window's cosine is turned from term to term instead of being computed. */
#include "voice/sinc.h"

#include <math.h>

/* One side: samples at distance d, d + 1, ... from x, `count` of them, index first, first + step, ... */
static double side(const double *y, long first, long step, double d, size_t count)
{
    double angle = M_PI / (d + (double)count);
    double c = cos(d * angle), s = sin(d * angle), dc = cos(angle), ds = sin(angle);
    double sine = sin(M_PI * d) / M_PI, sum = 0;
    long at = first;
    for (size_t i = 0; i < count; i++) {
        double distance = d + (double)i;
        sum += y[at < 0 ? -at : at] * 0.5 * (1 + c) * sine / distance;
        sine = -sine;
        double next = c * dc - s * ds;
        s = s * dc + c * ds;
        c = next;
        at += step;
    }
    return sum;
}

double mewl__sinc_even(const double *y, size_t last, double x, size_t depth)
{
    double below = floor(x);
    size_t left = (size_t)below;
    double fraction = x - below;
    if (left >= last) {
        return y[last];
    }
    if (fraction < 1e-9) {
        return y[left];
    }
    if (fraction > 1 - 1e-9) {
        return y[left + 1];
    }
    size_t right_count = last - left < depth ? last - left : depth;
    size_t left_count = left + last + 1 < depth ? left + last + 1 : depth;
    return side(y, (long)left, -1, fraction, left_count) + side(y, (long)left + 1, 1, 1 - fraction, right_count);
}

double mewl__sinc_even_peak(double *value, const double *y, size_t last, double x, size_t depth)
{
    double best = mewl__sinc_even(y, last, x, depth);
    for (double h = 0.2; h > 0.005; h *= 0.2) { /* parabolas through ever nearer points */
        if (x - h < 0 || x + h > (double)last) {
            break;
        }
        double a = mewl__sinc_even(y, last, x - h, depth), b = mewl__sinc_even(y, last, x + h, depth);
        double curve = 2 * best - a - b;
        if (curve <= 0) {
            if (a > best || b > best) {
                x += a > b ? -h : h;
                best = a > b ? a : b;
            }
            continue;
        }
        double move = 0.5 * h * (b - a) / curve;
        move = fmax(-2 * h, fmin(2 * h, move));
        double moved = mewl__sinc_even(y, last, fmax(0, fmin((double)last, x + move)), depth);
        if (moved >= best) {
            best = moved;
            x = fmax(0, fmin((double)last, x + move));
        }
    }
    *value = best;
    return x;
}
