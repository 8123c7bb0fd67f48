/* analysis.h - one recording from its file to its cries: source, session, results in memory. What `mewl analyze` and
 * `mewl bench` do with each file; printing is theirs. */
#ifndef MEWL_CLI_ANALYSIS_H
#define MEWL_CLI_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>

#include "audio/source.h"
#include "base/status.h"
#include "cli/why.h"
#include "hear/session.h"

typedef struct mewl_analysis_opts {
    mewl_source_opts source;   /* rate and channels are set here */
    mewl_session_opts session; /* rate and channels are taken from the source */
    const char *picture;       /* PNG to draw, or NULL */
    const char *title;         /* over the picture */
    mewl_why *why;             /* asks about the reason of each cry, or NULL; borrowed */
    /* Called about ten times a second of work with the share done, 0 to 1 (NaN: unknown length), or NULL. */
    void (*on_progress)(void *user, double share);
    void *user;
} mewl_analysis_opts;

/* A stretch in which nothing could be heard. */
typedef struct mewl_analysis_span {
    double onset_s, offset_s;
    mewl_hearing_why why;
} mewl_analysis_span;

typedef struct mewl_analysis {
    mewl_status status; /* MEWL_OK, or why there is no result */
    mewl_error error;
    mewl_error unwritten; /* why a picture could not be written, with its status; the rest stands all the same */
    double seconds;
    double peak_score; /* highest confidence of a frame, 0 to 1 */
    double level_dbfs; /* of the whole; -INFINITY: digital silence */
    mewl_episode *episodes;
    size_t episode_count, episode_capacity;
    mewl_why_answer *reasons; /* one for each episode, or NULL */
    size_t reason_capacity;
    mewl_analysis_span *spans;
    size_t span_count, span_capacity;
    mewl_source_info info;  /* counters; its strings are gone */
    mewl_session_cost cost; /* processor seconds a stage ... */
    double decode_s;        /* ... and of reading and decoding */
    bool out_of_memory;
} mewl_analysis;

/* Analyses the recording at `path` with `model` into *out (released by mewl_analysis_fini whatever the status). Returns
 * out->status. A picture that cannot be made leaves the result as it is and is told in out->unwritten. A source that is
 * live is refused (MEWL_E_UNSUPPORTED); one too short for a frame is MEWL_E_EMPTY. */
mewl_status mewl_analysis_run(mewl_analysis *out, mewl_model *model, const char *path, mewl_analysis_opts opts);
void mewl_analysis_fini(mewl_analysis *analysis);

#endif
