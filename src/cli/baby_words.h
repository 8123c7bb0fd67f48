/* baby_words.h - figures in words that a tired parent understands: what differs and how sure that is, never why. */
#ifndef MEWL_CLI_BABY_WORDS_H
#define MEWL_CLI_BABY_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "infant/infant.h"
#include "store/timeline.h"

/* "1 in 40" for a share of 0.025; "most" from a half on; "none so far" for 0. Writes at most `size` bytes, returns out.
 */
char *mewl_baby_share(char *out, size_t size, double share);

/* What the entry says, as one sentence without a full stop. */
void mewl_baby_entry_words(char *out, size_t size, const mewl_store_entry *entry);

#define MEWL_BABY_REACH_MAX 512

/* Whether single sessions cannot count as unusual yet, at the family's rate of false alarms, with what is known so far;
 * then the sentence that says so, at most MEWL_BABY_REACH_MAX bytes. */
bool mewl_baby_reach_words(char *out, size_t size, const mewl_infant_state *state, double alarm_days);

#define MEWL_BABY_OPEN_MAX 640

/* Whether a change waits for the family's answer; then what can be done about it, at most MEWL_BABY_OPEN_MAX bytes. */
bool mewl_baby_open_words(char *out, size_t size, const mewl_infant_state *state, const char *name);

/* What is said of one recording. */
void mewl_baby_verdict_words(char *out, size_t size, const mewl_verdict *verdict, bool enrolled);

/* Why a recording could not be compared: the texts of the gate's bits, joined. */
void mewl_baby_gate_words(char *out, size_t size, unsigned gate);

#endif
