/* window.c - window functions; see window.h. */
#include "dsp/window.h"

#include <math.h>
#include <stdbool.h>

void mewl_window_fill(double *out, size_t length, mewl_window_kind kind)
{
    double base = 1.0;
    double swing = 0.0;
    switch (kind) {
    case MEWL_WINDOW_RECTANGULAR:
        break;
    case MEWL_WINDOW_HANN_PERIODIC:
    case MEWL_WINDOW_HANN_SYMMETRIC:
        base = 0.5;
        swing = 0.5;
        break;
    case MEWL_WINDOW_HAMMING_PERIODIC:
    case MEWL_WINDOW_HAMMING_SYMMETRIC:
        base = 0.54;
        swing = 0.46;
        break;
    }
    bool symmetric = kind == MEWL_WINDOW_HANN_SYMMETRIC || kind == MEWL_WINDOW_HAMMING_SYMMETRIC;
    double period = symmetric ? (double)length - 1.0 : (double)length;
    for (size_t n = 0; n < length; n++) {
        out[n] = length == 1 ? 1.0 : (base - swing * cos(2.0 * M_PI * (double)n / period));
    }
}
