/* infant.h - one infant over time: baseline, two gates, conformal calibration, careful learning, change over weeks; all
 * of it in one object that is saved to one file. Numbers and times in, verdicts and timeline entries out.
 *
 * No audio, no files, no clock: recordings carry their times, and come as embeddings with a few figures.
 *
 * How it learns. Recordings less than `session_gap_s` apart are one session. Enrolled sessions teach the model, and
 * each is scored by a model that has not seen it, for calibration. Later sessions go to one of two lanes by their
 * number alone, whatever their score: every other one is held apart for calibration (never learned from, and never left
 * out for being unusual, or false alarms would grow more frequent with every update); the rest are learned from when
 * they pass both gates. The buffer is bounded: the oldest sessions leave. So the model follows slow growth, and
 * p-values stay those of sessions that the model has not seen. While a change is open, nothing is learned and nothing
 * held apart.
 */
#ifndef MEWL_INFANT_INFANT_H
#define MEWL_INFANT_INFANT_H

#include "infant/change.h"
#include "infant/conformal.h"
#include "infant/gate.h"
#include "infant/population.h"
#include "infant/timeline.h"

#define MEWL_INFANT_MEASURES_MAX 8     /* watched over weeks, beside the score */
#define MEWL_INFANT_SURROUNDINGS_MAX 8 /* figures of microphone and room */
#define MEWL_INFANT_SESSIONS_MAX 128   /* kept to learn from, and as many held apart */
#define MEWL_INFANT_SESSION_RECORDINGS_MAX 16
#define MEWL_INFANT_ENTRIES_MAX 8 /* that one call can give */
#define MEWL_INFANT_EMBEDDER_MAX 64
#define MEWL_INFANT_FILE_BYTES_MAX ((size_t)256 << 20)

/* One recording. Pointers are borrowed for the call. */
typedef struct mewl_recording {
    double time_s;          /* when it began, seconds since any fixed moment (the epoch) */
    uint32_t source;        /* which microphone, as far as known: numbers of the caller's */
    const float *embedding; /* [dims] */
    mewl_gate_figures figures;
    const double *measures; /* [opts.measures] or NULL; NaN where not measured: log F0, HNR, ... */
    const double
        *surroundings; /* [opts.surroundings] or NULL: noise level, bandwidth, ... of the microphone and room */
} mewl_recording;

/* Zero means the default in brackets. */
typedef struct mewl_infant_opts {
    mewl_personal_kind kind; /* no default: name one */
    mewl_personal_opts personal;
    mewl_gate_opts gate;
    double session_gap_s;      /* a pause this long ends a session [3600] */
    double false_alarm_days;   /* at most one false alarm in so many days, of each sort: unusual sessions, and
                                  changes [30] */
    double lifetime_alpha;     /* the martingale's [0.05] */
    double normal_level;       /* second gate: learn from a session only when its p is above [0.1] */
    size_t learn_sessions;     /* kept to learn from [64, at most MEWL_INFANT_SESSIONS_MAX] */
    size_t calibrate_sessions; /* held apart [64, at most MEWL_INFANT_SESSIONS_MAX] */
    double learn_days;         /* sessions older than this are not learned from nor calibrated with [60] */
    size_t measures;           /* [0] */
    size_t surroundings;       /* [0] */
    char embedder[MEWL_INFANT_EMBEDDER_MAX]; /* id of what made the embeddings; kept, compared by the caller */
    uint64_t seed;
} mewl_infant_opts;

/* What is said of one recording at once. */
typedef struct mewl_verdict {
    unsigned gate; /* 0: usable; else MEWL_GATE_ bits, and the rest is NaN or false */
    double score;
    mewl_p_value p; /* of this recording */
    double level;   /* p at or below this is unusual: from false_alarm_days and the sessions a day so far */
    bool unusual;
    uint64_t session; /* number of the session it belongs to */
} mewl_verdict;

typedef struct mewl_infant mewl_infant;

/* An infant of whom nothing is known. dims: of an embedding. `population` may be NULL (not for PLDA) and is copied.
 * MEWL_E_ARG, MEWL_E_SHAPE, MEWL_E_MEMORY. */
mewl_status mewl_infant_new(mewl_infant **out, size_t dims, const mewl_population *population, mewl_infant_opts opts,
                            mewl_error *err);
void mewl_infant_free(mewl_infant *infant); /* NULL is fine */

/* Learns the baseline from recordings in order of time (else MEWL_E_ARG), in one or more calls; later than all before.
 * Unusable ones are passed over and counted in *unusable (may be NULL). A call ends its last session. MEWL_E_EMPTY when
 * no recording is usable. On failure nothing of this call is learned. */
mewl_status mewl_infant_enrol(mewl_infant *infant, size_t *unusable, const mewl_recording *recordings, size_t count,
                              mewl_error *err);

/* Scores one recording; changes nothing. MEWL_E_STATE before anything was enrolled. */
mewl_status mewl_infant_score(mewl_infant *infant, mewl_verdict *verdict, const mewl_recording *recording,
                              mewl_error *err);

/* Hears one recording, later than all before: scores it, and puts it into the running session. When it begins a new
 * session, the one before is ended first: judged, learned from or not, watched for change; what came of it is written
 * to entries[MEWL_INFANT_ENTRIES_MAX], their number to *entry_count. MEWL_E_STATE before anything was enrolled,
 * MEWL_E_ARG for a time before the last. When learning fails (MEWL_E_MEMORY) the session that ended is lost, all else
 * as before. */
mewl_status mewl_infant_hear(mewl_infant *infant, mewl_verdict *verdict, mewl_entry *entries, size_t *entry_count,
                             const mewl_recording *recording, mewl_error *err);

/* Ends the running session, as above; no entry when there is none. */
mewl_status mewl_infant_end_session(mewl_infant *infant, mewl_entry *entries, size_t *entry_count, mewl_error *err);

/* Tells that somebody listened, for the coverage beside every entry. */
mewl_status mewl_infant_listened(mewl_infant *infant, double from_s, double to_s, mewl_error *err);

/* Closes an open change as a true one: what is heard from now on is the new usual. Nothing when none is open. (A change
 * also closes by itself after six sessions in a row that are usual in what had changed: by their p-values where that
 * was the score; where it was a measure, each within 1.645 standard deviations of what was expected before the change,
 * and their mean within half of one. What was heard meanwhile is then no part of what is usual, and the way back is not
 * told as a change of its own: the session's entry says that the change is over. And a new microphone or room closes
 * it, since sounds before and after do not compare: the device's entry says so.) */
void mewl_infant_accept_change(mewl_infant *infant);

/* Closes an open change as a false alarm: what was usual stays so; learning goes on. Nothing when none is open. */
void mewl_infant_dismiss_change(mewl_infant *infant);

/* How the infant stands. */
typedef struct mewl_infant_state {
    size_t dims;
    mewl_personal_kind kind;
    uint64_t sessions;          /* in its life */
    size_t learned, held_apart; /* sessions in the buffers */
    size_t learned_recordings;
    double sessions_per_day;
    double first_time_s, last_time_s; /* of what was heard; NaN before */
    double level;
    mewl_calibration calibration; /* what a p-value now stands on */
    double p_step;
    size_t calibrated;     /* own sessions that it stands on: held apart, and enrolled ones */
    size_t calibrate_most; /* held apart at a time once the enrolled ones have left, at the sessions a day so far: every
                              other one is, until there are opts.calibrate_sessions or they are opts.learn_days old */
    bool change_open;
    bool lifetime_alarm;
    uint64_t updates;          /* sessions learned from after enrolment */
    size_t population_infants; /* other infants it is compared with, too; 0: none */
} mewl_infant_state;

mewl_infant_state mewl_infant_describe(const mewl_infant *infant);
const mewl_population *mewl_infant_population(const mewl_infant *infant); /* borrowed; NULL where it has none */
const mewl_infant_opts *mewl_infant_options(const mewl_infant *infant);   /* defaults filled in; borrowed */

/* The whole infant as bytes, and from bytes: what is read goes on as what was written would have, to the bit, but for
 * the autoencoder's optimiser, which starts anew. Files hold no number beyond MEWL_PERSONAL_NUMBER_MAX and no count
 * beyond 2^40: such are refused when read (MEWL_E_FORMAT), and an infant that has come to hold them is not written
 * (MEWL_E_STATE, nothing appended). So what was written can be read. */
mewl_status mewl_infant_save(mewl_infant *infant, mewl_buffer *out, mewl_error *err);
mewl_status mewl_infant_load(mewl_infant **out, const void *data, size_t size, const char *name, mewl_error *err);

#endif
