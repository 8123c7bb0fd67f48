/* lpc.h - linear prediction by Burg's method, and the resonances of the filter found. Private to the voice room:
 * formant.h is the door. */
#ifndef MEWL_VOICE_LPC_H
#define MEWL_VOICE_LPC_H

#include <stddef.h>

#define MEWL__LPC_ORDER_MAX 16

/* Burg (1975), as in Childers (1978): a[0..order-1] such that x(n) is predicted by the sum of a[k] x(n - 1 - k). `work`
 * holds 2 * count doubles. Returns the mean squared error of prediction, 0 for silence (a is then 0). */
double mewl__lpc_burg(double *a, size_t order, const double *x, size_t count, double *work);

/* The resonances of 1 / (1 - sum a[k] z^-(k+1)): frequency and bandwidth in Hz of each pole pair above the real axis,
 * by rising frequency; poles outside the unit circle are reflected into it. Returns their number (at most order / 2);
 * the arrays have room for MEWL__LPC_ORDER_MAX / 2. */
size_t mewl__lpc_resonances(double *hz, double *bandwidth_hz, const double *a, size_t order, double rate_hz);

#endif
