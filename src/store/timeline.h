/* timeline.h - how far an infant's cries were from its usual ones: a score a recording, an entry a session, and what
 * else happened at a time. Reading 90 days touches the days asked for and nothing else. */
#ifndef MEWL_STORE_TIMELINE_H
#define MEWL_STORE_TIMELINE_H

#include "store/store.h"

/* What was made of a recording. */
typedef enum mewl_store_verdict {
    MEWL_STORE_LEARNING, /* too little is known of the infant: it was learned from, not judged */
    MEWL_STORE_USUAL,    /* like the infant's own: may be learned from */
    MEWL_STORE_UNUSUAL,  /* not like it: noted, not learned from */
    MEWL_STORE_UNUSABLE  /* no cry that can be judged */
} mewl_store_verdict;

typedef struct mewl_store_score {
    int64_t recording_id, session_id;
    int64_t model_id;               /* the embedder's version; 0 for an unusable recording */
    int64_t personal_id;            /* the personal model's state; 0: none */
    char kind[MEWL_STORE_NAME_MAX]; /* of the personal model */
    int64_t time_ms;                /* of the recording */
    double score;                   /* larger: further from usual; NaN when not judged */
    double p_value;                 /* share of the infant's own that lie as far out, 0 to 1; NaN */
    mewl_store_verdict verdict;
} mewl_store_score;

/* The first five are what came of a session: one a session. */
typedef enum mewl_store_entry_kind {
    MEWL_STORE_ENTRY_ENROLLED, /* part of the baseline */
    MEWL_STORE_ENTRY_USUAL,
    MEWL_STORE_ENTRY_UNUSUAL,
    MEWL_STORE_ENTRY_LEARNING, /* too little was known to compare it */
    MEWL_STORE_ENTRY_UNUSABLE,
    MEWL_STORE_ENTRY_CHANGE,    /* different for some time */
    MEWL_STORE_ENTRY_DEVICE,    /* another microphone or room: before and after do not compare */
    MEWL_STORE_ENTRY_ACCEPTED,  /* the family: a change is true and fine, what comes is the new usual */
    MEWL_STORE_ENTRY_DISMISSED, /* the family: a change was nothing */
    MEWL_STORE_ENTRY_NOTE       /* what somebody wrote down */
} mewl_store_entry_kind;

typedef struct mewl_store_entry {
    int64_t id;
    int64_t infant_id;
    int64_t time_ms;
    mewl_store_entry_kind kind;
    int64_t session_id;                    /* 0: none; the first five kinds have one */
    int64_t recordings;                    /* usable ones that it stands for; of an unusable session: all */
    unsigned gate;                         /* why recordings of it were not usable: bits of infant/gate.h */
    double score;                          /* how far from usual, in the personal model's unit */
    double p_value;                        /* share of usual sessions that lie as far out */
    double p_step;                         /* the smallest that could have come out */
    char calibration[MEWL_STORE_NAME_MAX]; /* whose sessions that stands on: "own", "pooled", ...; "" */
    bool learned;                          /* the personal model learned from it */
    bool held_apart;                       /* kept for calibration alone */
    char channel[MEWL_STORE_NAME_MAX];     /* what changed: "score", "log_f0", ...; of a session: what had changed and
                                              is as before again with it; "" */
    double z;                              /* difference from what was expected, in standard deviations: of a change in
                                              what changed, else of the score */
    double evidence;                       /* of a change: natural logarithm of the detector's figure */
    double coverage;                       /* share of the day before it that was listened to, 0 to 1; NaN: not known */
    char text[MEWL_STORE_TEXT_MAX];        /* for people; "" */
} mewl_store_entry;

/* Name in exports and JSON: "learning", "usual", "unusual", "unusable"; "enrolled", "usual", "unusual",
 * "learning", "unusable", "change", "device", "accepted", "dismissed", "note". */
const char *mewl_store_verdict_name(mewl_store_verdict verdict);
const char *mewl_store_entry_name(mewl_store_entry_kind kind);

/* Whether an entry of that kind is what came of a session: there is one a session. */
bool mewl_store_entry_of_session(mewl_store_entry_kind kind);

/* Keeps a recording's score by one kind of personal model, replacing an earlier one; session and time are the
 * recording's. MEWL_E_NOT_FOUND, MEWL_E_ARG. */
mewl_status mewl_store_score_put(mewl_store *store, const mewl_store_score *score, mewl_error *err);

/* Scores of recordings that start in [from_ms, to_ms), by time. */
mewl_status mewl_store_score_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                  mewl_status (*row)(void *user, const mewl_store_score *score), void *user,
                                  mewl_error *err);

/* An entry without figures (all NaN), texts and session, to be filled. Allocates nothing. */
mewl_store_entry mewl_store_entry_plain(int64_t infant_id, mewl_store_entry_kind kind, int64_t time_ms);

/* Adds an entry and writes its id; one of the first five kinds replaces that of the same session. MEWL_E_NOT_FOUND,
 * MEWL_E_ARG.
 */
mewl_status mewl_store_entry_put(mewl_store *store, mewl_store_entry *entry, mewl_error *err);

/* Entries in [from_ms, to_ms), by time. */
mewl_status mewl_store_entry_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                  mewl_status (*row)(void *user, const mewl_store_entry *entry), void *user,
                                  mewl_error *err);

/* Recordings with an embedding by this model version that no personal model of this kind on it has judged: their
 * number, and when the first of them began. */
mewl_status mewl_store_unscored(mewl_store *store, int64_t *count, int64_t *first_ms, int64_t infant_id,
                                int64_t model_id, const char *kind, mewl_error *err);

/* Forgets an infant's scores by personal models and its entries, before they are made anew, but what people said: notes
 * and what was answered to changes. Alerts stay: they were told. */
mewl_status mewl_store_timeline_clear(mewl_store *store, int64_t infant_id, mewl_error *err);

#endif
