/* pretrain.h - a start for small networks where no published weights are at hand: they learn to give what a teacher
 * (YAMNet, which heard two million recordings) sees in a sound, from sounds that need no labels.
 *
 * A network of any architecture regresses on the teacher's embedding of each two-second stretch, standardised element
 * by element: distillation of features (Romero et al. 2015, "FitNets", with the embedding as the hint). What it learned
 * in its body is then taken by name and shape (fit.h); its last layer is thrown away.
 *
 * FOLDER/segments.csv, targets.npy: the stretches and what the teacher sees in them, made once; asked.json: of which
 * sounds and teacher.
 * FOLDER/NAME.safetensors: one network each. A run that was stopped goes on with the first that is missing.
 */
#ifndef MEWL_LAB_PRETRAIN_H
#define MEWL_LAB_PRETRAIN_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/progress.h"
#include "data/manifest.h"
#include "lab/fit.h"
#include "models/model.h"

#define MEWL_PRETRAIN_SEGMENT_S 2.0
#define MEWL_PRETRAIN_PER_RECORDING 3

typedef struct mewl_pretrain_opts {
    const char *teacher; /* file of YAMNet (or another teacher of teacher.h) */
    const char *folder;  /* of everything written */
    double lowpass_hz;   /* of what the networks hear, and the teacher too; 0: none */
    mewl_fit_opts fit;   /* of the trainings; frames and targets are filled in */
    uint64_t seed;       /* of weights */
    const volatile sig_atomic_t *stop;
    const mewl_progress *progress;
    const mewl_log *log;
} mewl_pretrain_opts;

typedef struct mewl_pretrain_result {
    double explained; /* share of the teacher's variance that the network gives on held-out groups (about one in ten) */
    size_t segments, held_out;
} mewl_pretrain_result;

/* Cuts up to MEWL_PRETRAIN_PER_RECORDING stretches from each recording of the manifest and asks the teacher about them,
 * unless the folder holds the answers; MEWL_E_STATE when it holds those to other sounds or of another teacher.
 * Recordings that cannot be read are told to the log and left out. MEWL_E_EMPTY when none is left, MEWL_E_CANCELLED,
 * and those of the teacher. */
mewl_status mewl_pretrain_ask(const mewl_manifest *manifest, mewl_pretrain_opts opts, mewl_error *err);

/* Trains one network of `config` (classes and bands are filled in) on the answers and calls it `name`, unless
 * FOLDER/NAME.safetensors is there, in which case `result` comes from its notes. MEWL_E_STATE when that file is of
 * another architecture, width or front end than `config`. */
mewl_status mewl_pretrain_network(mewl_pretrain_result *result, const char *name, mewl_model_config config,
                                  mewl_pretrain_opts opts, mewl_error *err);

#endif
