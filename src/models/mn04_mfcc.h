/* mn04_mfcc.h - what the architectures mn04-mfcc-embed and mn04-mfcc-statistics are made of, for whoever fills them
 * (lab/verify.h). mn04 was taught to tell kinds of sound apart, and forgets on the way what its own input says of a
 * voice, a microphone and a room; averages of cepstra keep just that.
 *
 *   mn04's body, its mean                       384 numbers   "trunk" (linear, 96), length one
 *   40 MFCC of the front end's bands: mean and
 *   standard deviation over frames, and the
 *   standard deviation of their differences     120 numbers   "voice" (linear, 96), length one
 *
 * Both halves side by side, each times its "balance": 192 numbers of length one, whose cosine is the weighted mean of
 * the halves' cosines. mn04-mfcc-statistics gives the 504 numbers as they are.
 */
#ifndef MEWL_MODELS_MN04_MFCC_H
#define MEWL_MODELS_MN04_MFCC_H

#include "models/mn04.h"

#define MEWL_MN04_MFCC_COEFFICIENTS 40
#define MEWL_MN04_MFCC_STATISTICS (3 * MEWL_MN04_MFCC_COEFFICIENTS)
#define MEWL_MN04_MFCC_SIZE (MEWL_MN04_EMBEDDING + MEWL_MN04_MFCC_STATISTICS)
#define MEWL_MN04_MFCC_HALF 96 /* numbers of each half of the embedding */

/* Names of the layers besides the body's. */
#define MEWL_MN04_MFCC_TRUNK "trunk"
#define MEWL_MN04_MFCC_VOICE "voice"
#define MEWL_MN04_MFCC_BALANCE "balance"

/* Fills a net of either architecture but for its heads: the published body from the PyTorch file at `path`, the cosine
 * transform, the differences, equal balance. Errors: those of mewl_torchzip_open and mewl_mn04_load, MEWL_E_MEMORY. */
mewl_status mewl_mn04_mfcc_fill(mewl_net *net, const char *path, mewl_error *err);

#endif
