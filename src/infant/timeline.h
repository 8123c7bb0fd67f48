/* timeline.h - what is remembered of an infant's days, as plain data: entries with times, and how long was listened.
 *
 * No files, no pictures: the store keeps entries, the program draws and prints them.
 */
#ifndef MEWL_INFANT_TIMELINE_H
#define MEWL_INFANT_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row a kind: constant, name in files, text for people. */
#define MEWL_ENTRY_ROWS(X)                                                                                             \
    X(MEWL_ENTRY_ENROLLED, "enrolled", "part of the baseline")                                                         \
    X(MEWL_ENTRY_USUAL, "usual", "sounded as usual")                                                                   \
    X(MEWL_ENTRY_UNUSUAL, "unusual", "sounded different from usual")                                                   \
    X(MEWL_ENTRY_LEARNING, "learning", "too little was known to compare it")                                           \
    X(MEWL_ENTRY_UNUSABLE, "unusable", "could not be compared")                                                        \
    X(MEWL_ENTRY_CHANGE, "change", "has sounded different for some time")                                              \
    X(MEWL_ENTRY_DEVICE, "device", "the microphone or the room seems to have changed")

typedef enum mewl_entry_kind {
#define X(id, name, text) id,
    MEWL_ENTRY_ROWS(X)
#undef X
        MEWL_ENTRY_KINDS
} mewl_entry_kind;

const char *mewl_entry_name(mewl_entry_kind kind); /* "unusual"; NULL outside the enum */
const char *mewl_entry_text(mewl_entry_kind kind);

/* One thing that happened. Sessions give one entry each; a change and a device come beside it. */
typedef struct mewl_entry {
    mewl_entry_kind kind;
    double time_s;     /* of the session's first recording */
    uint64_t session;  /* number of the session, counted from 0 in the infant's life */
    size_t recordings; /* usable ones in it; of an unusable session: all */
    unsigned gate;     /* MEWL_GATE_ bits met in it */
    double score;      /* mean; NaN for unusable */
    double p, p_step;  /* conformal_session's; NaN for unusable, and where too little is known */
    int calibration;   /* mewl_calibration: what p stands on */
    bool learned;      /* the model was updated with it */
    bool held_apart;   /* kept for calibration alone */
    bool over;         /* of a session: with it a change that was open is over: `channel` is as before again; of a
                          device: it closes the change that was open in `channel`, which cannot be followed further */
    int channel;       /* of a change, or of one that is over or closed: 0 the score, 1 + k the k-th measure; else -1 */
    double evidence;   /* of a change or device: ln R; of a session: ln M of the score's martingale */
    double z;          /* standardised difference from what was expected: of a change in what changed, else of the
                          score; NaN if not judged */
    double covered;    /* share of the day before it that was listened to, 0 to 1; NaN when unknown */
} mewl_entry;

/* ---- Listening coverage: how much of the time somebody listened, so that quiet is not taken for well. ---- */

#define MEWL_COVERAGE_SPANS_MAX ((size_t)4096)

/* Spans of listening, merged and in order; the oldest are forgotten beyond the maximum. Zero-initialised is empty. Owns
 * its array. */
typedef struct mewl_coverage {
    double (*span)[2]; /* [count]: from, to, in seconds */
    size_t count;
} mewl_coverage;

/* Adds a span (from < to; else nothing). Returns false when out of memory: nothing is then changed. */
bool mewl_coverage_add(mewl_coverage *coverage, double from_s, double to_s);

/* Share of [from, to) that was listened to; NaN when from >= to, or when nothing was ever added. */
double mewl_coverage_share(const mewl_coverage *coverage, double from_s, double to_s);
void mewl_coverage_fini(mewl_coverage *coverage);

#endif
