/* gather.h - private to the lab room: clips through all systems into a table of trials. */
#ifndef MEWL_LAB_GATHER_H
#define MEWL_LAB_GATHER_H

#include "lab/eval.h"

/* Names the table's systems. MEWL_E_ARG for none or too many. */
mewl_status mewl__gather_init(mewl_trials *t, mewl_system *const *systems, size_t system_count, mewl_error *err);

/* Scores one clip with every system and appends the trial (whose logits are filled in here). */
mewl_status mewl__gather_clip(mewl_trials *t, mewl_system *const *systems, const mewl_trial *about,
                              const float *samples, size_t count, double rate_hz, mewl_error *err);

/* Group of the recording that a mixture's `source` names (a file name without its folder); the name itself when the
 * corpus holds no such file. `buffer` is scratch of `size` bytes. */
const char *mewl__source_group(const mewl_corpus *corpus, const char *source, char *buffer, size_t size);

/* "train", "valid", "test". */
const char *mewl__side_name(mewl_side side);

/* The seed, rounds and rate of false alarms of an evaluation, as trials.h takes them. */
mewl_trial_opts mewl__trial_opts(const mewl_eval_opts *opts);

#endif
