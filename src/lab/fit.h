/* fit.h - a model trained on clips in memory, and what it says of others: the fast trainer of experiments. For
 * trainings that take hours, stop and go on, there is train.h.
 *
 * Everything happens on the training side alone: crops, masks, mixing, the balance of classes. Results follow from the
 * model, the clips and the options; not from the clock nor the number of threads of others.
 */
#ifndef MEWL_LAB_FIT_H
#define MEWL_LAB_FIT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/progress.h"
#include "lab/clipset.h"
#include "models/model.h"
#include "nn/quant.h"

typedef struct mewl_fit_opts {
    double epochs;       /* passes over as many examples as the training side has clips (parts of one are fine) */
    size_t batch;        /* 0 means 16 */
    size_t frames;       /* of a crop, front-end frames; 0 means 200 */
    double rate;         /* the highest learning rate; 0 means 1e-3 */
    double weight_decay; /* AdamW */
    double balance;      /* share of examples drawn by class, all classes alike; the rest clip by clip */
    double mixup;        /* Beta(a, a) of mixed pairs (Zhang et al. 2018); 0: none */
    double smoothing;    /* of labels, 0 to < 1 */
    size_t mask_frames;  /* SpecAugment: the longest of two masks over time; 0: none */
    size_t mask_bands;   /* and of two over features (samples beside them stay) */
    bool bf16;
    int threads;
    uint64_t seed;
    const float *teacher;  /* (clips of the set, classes) logits to be taught by (loss.h), or NULL */
    double temperature;    /* of the teaching; 0 means 2 */
    double teacher_weight; /* share of the teacher in the loss, 0 to 1 */
    const float *targets;  /* (clips of the set, outputs): regression on these (mean squared error) instead of classes,
                              for a model with that many outputs; or NULL */
    size_t crops;          /* in prediction: evenly spaced crops whose probabilities are averaged; 0 means 2 */
    const volatile sig_atomic_t *stop;
    const mewl_progress *progress;
} mewl_fit_opts;

/* Trains `model` on the clips train[train_count] of `set`. labels [set->count] replaces the set's own labels when not
 * NULL (permutation). *loss (may be NULL) gets the mean over the last tenth of the steps. Errors: MEWL_E_SHAPE when the
 * model's classes or floats in a frame are not the set's, MEWL_E_EMPTY, MEWL_E_STATE when the loss is not finite,
 * MEWL_E_CANCELLED, and those of the model. */
mewl_status mewl_fit_train(double *loss, mewl_model *model, const mewl_clipset *set, const size_t *train,
                           size_t train_count, const int *labels, mewl_fit_opts opts, mewl_error *err);

/* Shows `model` crops of up to 64 of the clips, so that mewl_model_quantise knows how large its activations get. */
mewl_status mewl_fit_calibrate(mewl_model *model, const mewl_clipset *set, const size_t *train, size_t train_count,
                               mewl_fit_opts opts, mewl_error *err);

/* A trained model into one of eight bits, weights and activations: calibrates, trains on for opts.epochs (0: not at
 * all) while the network rounds as its eight bits will, in float32 whatever opts.bf16 says, and quantises. The rate
 * should be a tenth of the training's or less. Errors: those of mewl_fit_train and mewl_model_quantise. */
mewl_status mewl_fit_quantise(mewl_model *model, const mewl_clipset *set, const size_t *train, size_t train_count,
                              mewl_fit_opts opts, mewl_quant_opts how, mewl_error *err);

/* The log of the mean over crops of the softmax of each clip: out (count, classes), sums of exp to 1. Of a model
 * trained with `balance`, add log(share in the recordings / share in training) for probabilities: mewl_fit_prior. With
 * opts.targets the mean over crops of the outputs themselves. */
mewl_status mewl_fit_predict(float *out, mewl_model *model, const mewl_clipset *set, const size_t *clips, size_t count,
                             mewl_fit_opts opts, mewl_error *err);

/* Share of each class among the training clips, and among the examples drawn with `balance`: both [classes]. labels: of
 * all clips. */
void mewl_fit_prior(double *natural, double *drawn, const int *labels, size_t classes, const size_t *train,
                    size_t train_count, double balance);

/* Takes every array of `from` that has the same name and shape in `to`, whose other arrays stay; *taken (may be NULL)
 * counts them. What a pretrained network gives to a fresh one. */
mewl_status mewl_fit_inherit(mewl_model *to, mewl_model *from, size_t *taken, mewl_error *err);

#endif
