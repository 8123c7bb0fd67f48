/* mfcc.c - orthonormal DCT-II; see mfcc.h. */
#include "dsp/mfcc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BANDS_MAX 512u

struct mewl_mfcc {
    size_t bands;
    size_t coefficients;
    float *table; /* (bands, coefficients): a band's share in every coefficient lies together */
};

mewl_status mewl_mfcc_new(mewl_mfcc **out, size_t bands, size_t coefficients, mewl_error *err)
{
    *out = NULL;
    if (bands < 1 || bands > BANDS_MAX || coefficients < 1 || coefficients > bands) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu cepstral coefficients of %zu bands", coefficients, bands);
    }
    mewl_mfcc *mfcc = calloc(1, sizeof *mfcc);
    float *table = calloc(bands * coefficients, sizeof *table);
    if (mfcc == NULL || table == NULL) {
        free(mfcc);
        free(table);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a cosine table of %zu bands", bands);
    }
    for (size_t b = 0; b < bands; b++) {
        for (size_t k = 0; k < coefficients; k++) {
            double scale = sqrt((k == 0 ? 1.0 : 2.0) / (double)bands);
            double turn = (double)(k * (2 * b + 1) % (4 * bands)) / (double)(2 * bands);
            table[b * coefficients + k] = (float)(scale * cos(M_PI * turn));
        }
    }
    *mfcc = (mewl_mfcc){bands, coefficients, table};
    *out = mfcc;
    return MEWL_OK;
}

void mewl_mfcc_free(mewl_mfcc *mfcc)
{
    if (mfcc != NULL) {
        free(mfcc->table);
        free(mfcc);
    }
}

void mewl_mfcc_apply(const mewl_mfcc *mfcc, float *out, const float *logmel)
{
    memset(out, 0, mfcc->coefficients * sizeof *out);
    for (size_t b = 0; b < mfcc->bands; b++) {
        const float *row = mfcc->table + b * mfcc->coefficients;
        for (size_t k = 0; k < mfcc->coefficients; k++) {
            out[k] += logmel[b] * row[k];
        }
    }
}
