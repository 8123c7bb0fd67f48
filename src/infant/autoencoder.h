/* autoencoder.h - the personal autoencoder of ICLAS: d-128-64-32-64-128-d, ReLU between, trained on one infant's rows;
 * its score is the mean squared error of the reconstruction. Private to personal.c. */
#ifndef MEWL_INFANT_AUTOENCODER_H
#define MEWL_INFANT_AUTOENCODER_H

#include <stdint.h>

#include "learn/bytes.h"
#include "learn/table.h"

typedef struct mewl__autoencoder mewl__autoencoder;

/* Untrained, for rows of `dims` numbers. MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl__autoencoder_new(mewl__autoencoder **out, size_t dims, uint64_t seed, mewl_error *err);
void mewl__autoencoder_free(mewl__autoencoder *a);

/* Some passes over the rows with Adam, all rows in a batch (at most 64 a step). Rows are scaled by `scale`, fixed at
 * the first call, so that their mean square is 1. */
mewl_status mewl__autoencoder_train(mewl__autoencoder *a, const double *x, size_t rows, size_t epochs, double rate,
                                    mewl_error *err);

/* Mean squared error of one row's reconstruction, in the rows' own units. */
double mewl__autoencoder_score(mewl__autoencoder *a, const double *x);

size_t mewl__autoencoder_dims(const mewl__autoencoder *a);

void mewl__autoencoder_save(mewl__autoencoder *a, mewl_buffer *out);
mewl_status mewl__autoencoder_load(mewl__autoencoder **out, mewl_bytes *in, mewl_error *err);

#endif
