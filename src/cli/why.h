/* why.h - for `mewl analyze --reason`: keeps the sound of the last two minutes and asks the reason model about each cry
 * as it ends; and what is said of the answer, in JSON and in words. */
#ifndef MEWL_CLI_WHY_H
#define MEWL_CLI_WHY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "hear/reasoner.h"

typedef struct mewl_why mewl_why;

/* The reason model at `path` on the network at `model_path` or, when it was made with another, the one that ships
 * (`shipped_path`, may be NULL). One thread a handle. Errors: those of mewl_reasoner_open. */
mewl_status mewl_why_open(mewl_why **out, const char *path, const char *model_path, const char *shipped_path,
                          mewl_error *err);
void mewl_why_close(mewl_why *why); /* NULL is fine */

const mewl_reason *mewl_why_model(const mewl_why *why);

/* A new recording: forgets the sound so far. rate_hz is that of mewl_why_sound; MEWL_E_UNSUPPORTED when the network
 * hears at another. */
mewl_status mewl_why_start(mewl_why *why, double rate_hz, mewl_error *err);

/* The recording's sound, in order, without gaps. */
void mewl_why_sound(mewl_why *why, const float *samples, size_t count);

/* The answer for the cry from onset_s to offset_s, which just ended: of a long one its last 30 s are heard. asked is
 * false when it was too short or its sound is gone. */
typedef struct mewl_why_answer {
    bool asked;
    mewl_reason_answer answer;
} mewl_why_answer;
mewl_status mewl_why_ask(mewl_why *why, mewl_why_answer *out, double onset_s, double offset_s, mewl_error *err);

/* {"named": label or null, "probabilities": {label: p, ...}, "cannot_rule_out": [label, ...]}, or null when not asked.
 * A new reference. */
json_t *mewl_why_json(const mewl_reason *reason, const mewl_why_answer *answer);

/* One line for people, without a newline: "reason: not sure (hungry 84 %, discomfort 6 %, ...)". */
void mewl_why_text(char *out, size_t size, const mewl_reason *reason, const mewl_why_answer *answer);

#endif
