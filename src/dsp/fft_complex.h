/* fft_complex.h - complex transforms in double precision on libavutil's av_tx, by the best of four routes. Private to
 * the room: fft.h is the door.
 */
#ifndef MEWL_DSP_FFT_COMPLEX_H
#define MEWL_DSP_FFT_COMPLEX_H

#include <libavutil/tx.h>
#include <stddef.h>
#include <stdint.h>

#include "dsp/fft.h"

/* Before a loop whose turns touch one another's numbers nowhere, so that it may become vector code. */
#ifdef __clang__
#define MEWL__INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define MEWL__INDEPENDENT _Pragma("GCC ivdep")
#endif

typedef struct mewl__fft_complex {
    mewl_fft_route route;
    size_t length;
    size_t factor; /* taken out: 1, a power of four or an odd number */
    size_t inner;  /* length that av_tx transforms; 0: length 1, nothing to do */
    AVTXContext *forward;
    av_tx_fn forward_fn;
    AVTXContext *inverse; /* Bluestein alone */
    av_tx_fn inverse_fn;
    AVComplexDouble *gather;  /* input of one inner transform; radix four: of all */
    AVComplexDouble *scatter; /* output */
    size_t *order;            /* radix four: where block b of the input starts: b with its base-4 digits reversed */
    double *twiddle_re;       /* radix four: (3, s) for s = inner, 4 inner, ..., length / 4, one after the other; */
    double *twiddle_im;       /* odd factor r: (r, inner) exp(-2 pi i j k / length); Bluestein: the chirp (length) */
    double *part_re;          /* odd factor: (r, inner) transforms, turned */
    double *part_im;
    double *root_re; /* odd factor: (r) exp(-2 pi i j / r) */
    double *root_im;
    AVComplexDouble *chirp; /* Bluestein: transform of the conjugate chirp over inner, divided by inner */
    double *re;             /* the result, its parts apart: length + 1, the last for the caller's use */
    double *im;
} mewl__fft_complex;

/* Memory for `count` things of `size` bytes, zeroed, aligned to MEWL_FFT_ALIGNMENT; NULL when there is none. */
void *mewl__fft_memory(size_t count, size_t size);

/* exp(-2 pi i numerator / denominator), the angle reduced in whole numbers first. */
AVComplexDouble mewl__fft_root(uint64_t numerator, uint64_t denominator);

/* length >= 1. After a failure too _fini must be called. MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl__fft_complex_init(mewl__fft_complex *p, size_t length, mewl_error *err);
void mewl__fft_complex_fini(mewl__fft_complex *p);

/* Transforms `in` (length numbers, aligned, left as they are) into p->re and p->im. */
void mewl__fft_complex_run(mewl__fft_complex *p, const AVComplexDouble *in);

#endif
