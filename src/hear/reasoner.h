/* reasoner.h - from the sound of a cry to an answer about its reason: the embedder and the reason model, opened from
 * their files. The rules for what may be said are reason/reason.h's. One thread a handle.
 */
#ifndef MEWL_HEAR_REASONER_H
#define MEWL_HEAR_REASONER_H

#include "models/embedder.h"
#include "reason/reason.h"

#define MEWL_REASONER_SECONDS_MIN 0.3  /* of sound; shorter is not asked about */
#define MEWL_REASONER_SECONDS_MAX 30.0 /* of sound that is looked at; the rest is passed over */

typedef struct mewl_reasoner mewl_reasoner;

/* Opens the reason model at `path` and its embedder: the network at `embedder_path`, with the pooling that the reason
 * model was made with. MEWL_E_FORMAT when the file is no reason model, MEWL_E_STATE when the network is another than
 * the one it was made with (both files are named), and those of reading. *out is the caller's, to be closed. */
mewl_status mewl_reasoner_open(mewl_reasoner **out, const char *path, const char *embedder_path, mewl_error *err);
void mewl_reasoner_close(mewl_reasoner *reasoner); /* NULL is fine */

/* Borrowed until close. */
const mewl_reason *mewl_reasoner_model(const mewl_reasoner *reasoner);
double mewl_reasoner_rate_hz(const mewl_reasoner *reasoner); /* of the samples that ask takes */

/* Answers for `count` mono samples at rate_hz: the first MEWL_REASONER_SECONDS_MAX of them. MEWL_E_EMPTY for less than
 * MEWL_REASONER_SECONDS_MIN, and those of embedders. */
mewl_status mewl_reasoner_ask(mewl_reasoner *reasoner, mewl_reason_answer *out, const float *samples, size_t count,
                              mewl_error *err);

/* The reason model at `path` without its embedder: *out is the caller's to fini, *opts is how its vectors are pooled,
 * *notes (may be NULL) becomes an object of the file's other texts, a new reference. Errors as for opening. */
mewl_status mewl_reasoner_read(mewl_reason *out, mewl_embedder_opts *opts, json_t **notes, const char *path,
                               mewl_error *err);

/* Writes a reason model that stands on vectors of `opts` (safetensors: head.weight, and the rest as text under
 * mewl.reason). `notes` holds note_count pairs of key and text for the metadata ("licence", "data"). Errors of
 * mewl_checkpoint_write. */
mewl_status mewl_reasoner_write(const mewl_reason *reason, mewl_embedder_opts opts, const char *const (*notes)[2],
                                size_t note_count, const char *path, mewl_error *err);

#endif
