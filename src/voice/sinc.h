/* sinc.h - private to the voice room: values and maxima of a band-limited sequence between its samples, by a sinc under
 * a Hann window. Not a resampler. */
#ifndef MEWL_VOICE_SINC_H
#define MEWL_VOICE_SINC_H

#include <stddef.h>

/* y(x) for a sequence that is even around 0: y[-i] = y[i], i = 0 .. last; x in [0, last]. `depth` samples on each side
 * take part, fewer at the end. */
double mewl__sinc_even(const double *y, size_t last, double x, size_t depth);

/* The maximum near x: y is taken to have one within a sample of it. Returns its place, its value in *value. */
double mewl__sinc_even_peak(double *value, const double *y, size_t last, double x, size_t depth);

#endif
