/* window.h - window functions, written out as arrays. */
#ifndef MEWL_DSP_WINDOW_H
#define MEWL_DSP_WINDOW_H

#include <stddef.h>

typedef enum mewl_window_kind {
    MEWL_WINDOW_RECTANGULAR,      /* 1 */
    MEWL_WINDOW_HANN_PERIODIC,    /* 1/2 - 1/2 cos(2 pi n / N): torch.hann_window(N), librosa, tf.signal.hann_window */
    MEWL_WINDOW_HANN_SYMMETRIC,   /* 1/2 - 1/2 cos(2 pi n / (N-1)): numpy.hanning, torch.hann_window(periodic=False) */
    MEWL_WINDOW_HAMMING_PERIODIC, /* 0.54 - 0.46 cos(2 pi n / N): torch.hamming_window(N) */
    MEWL_WINDOW_HAMMING_SYMMETRIC /* 0.54 - 0.46 cos(2 pi n / (N-1)): numpy.hamming */
} mewl_window_kind;

/* Fills `out` with `length` values. One sample is 1 for every kind. */
void mewl_window_fill(double *out, size_t length, mewl_window_kind kind);

#endif
