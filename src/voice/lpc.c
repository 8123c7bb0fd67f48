/* lpc.c - see lpc.h. Roots by Durand's and Kerner's iteration, all at once from points on a circle. */
#include "voice/lpc.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#define ROUNDS 200
#define CLOSE 1e-12

double mewl__lpc_burg(double *a, size_t order, const double *x, size_t count, double *work)
{
    double *forward = work, *backward = work + count;
    double power = 0;
    memset(a, 0, order * sizeof *a);
    for (size_t i = 0; i < count; i++) {
        forward[i] = backward[i] = x[i];
        power += x[i] * x[i];
    }
    power /= (double)(count > 0 ? count : 1);
    for (size_t m = 0; m < order && m + 1 < count; m++) {
        double cross = 0, energy = 0;
        for (size_t n = m + 1; n < count; n++) {
            cross += forward[n] * backward[n - 1];
            energy += forward[n] * forward[n] + backward[n - 1] * backward[n - 1];
        }
        if (!(energy > 0)) {
            break;
        }
        double k = 2 * cross / energy;
        double before[MEWL__LPC_ORDER_MAX];
        memcpy(before, a, m * sizeof *a);
        for (size_t i = 0; i < m; i++) {
            a[i] = before[i] - k * before[m - 1 - i];
        }
        a[m] = k;
        for (size_t n = count - 1; n > m; n--) { /* from the end: backward[n - 1] is still the old one */
            double f = forward[n], b = backward[n - 1];
            forward[n] = f - k * b;
            backward[n] = b - k * f;
        }
        power *= 1 - k * k;
    }
    return power;
}

static double complex value_at(const double *a, size_t order, double complex z)
{
    double complex sum = 1; /* z^order - sum a[k] z^(order - 1 - k) */
    for (size_t k = 0; k < order; k++) {
        sum = sum * z - a[k];
    }
    return sum;
}

static void find_roots(double complex *roots, const double *a, size_t order)
{
    for (size_t i = 0; i < order; i++) {
        roots[i] = 0.9 * cexp(I * (2 * M_PI * (double)i / (double)order + 0.4));
    }
    for (int round = 0; round < ROUNDS; round++) {
        double moved = 0;
        for (size_t i = 0; i < order; i++) {
            double complex others = 1;
            for (size_t k = 0; k < order; k++) {
                others *= k == i ? 1 : roots[i] - roots[k];
            }
            if (cabs(others) < 1e-300) {
                others = 1e-300;
            }
            double complex step = value_at(a, order, roots[i]) / others;
            roots[i] -= step;
            moved = fmax(moved, cabs(step));
        }
        if (!(moved > CLOSE)) {
            return;
        }
    }
}

size_t mewl__lpc_resonances(double *hz, double *bandwidth_hz, const double *a, size_t order, double rate_hz)
{
    double complex roots[MEWL__LPC_ORDER_MAX];
    size_t count = 0;
    if (order > MEWL__LPC_ORDER_MAX) {
        return 0;
    }
    find_roots(roots, a, order);
    for (size_t i = 0; i < order; i++) {
        double radius = cabs(roots[i]);
        if (!(cimag(roots[i]) > 1e-9) || !(radius > 1e-9) || count == MEWL__LPC_ORDER_MAX / 2) {
            continue;
        }
        radius = radius > 1 ? 1 / radius : radius;
        double f = carg(roots[i]) * rate_hz / (2 * M_PI), b = -log(radius) * rate_hz / M_PI;
        size_t at = count++;
        for (; at > 0 && hz[at - 1] > f; at--) {
            hz[at] = hz[at - 1];
            bandwidth_hz[at] = bandwidth_hz[at - 1];
        }
        hz[at] = f;
        bandwidth_hz[at] = b;
    }
    return count;
}
