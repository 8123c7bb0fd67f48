/* baby_intake.h - recordings from files into the store: when they were made, what was heard in them, whether they can
 * be compared. A file is taken in as a whole or not at all, and once: one that is there already is told and passed
 * over. */
#ifndef MEWL_CLI_BABY_INTAKE_H
#define MEWL_CLI_BABY_INTAKE_H

#include "cli/baby.h"
#include "cli/baby_sound.h"
#include "store/embeddings.h"
#include "store/timeline.h"

typedef struct mewl_baby_intake {
    mewl_baby *baby;
    mewl_baby_ear ear;
    mewl_store_model embedder; /* with its id */
    mewl_store_role role;
    const char *kind;  /* of personal model, for the scores of what cannot be compared */
    int64_t source_id; /* microphone */
    bool timed;        /* --at was said: */
    int64_t next_ms;   /* when the next file begins */
    bool no_clips;     /* keep no sound this time */

    mewl_store_recording *kept; /* what was taken in, `count` of them */
    size_t count, capacity;
    size_t files, known, unreadable; /* files taken in, there before, not readable or not to be taken */
    size_t left_out;                 /* of the files: without a cry that is clear enough */
    mewl_status first_bad;           /* of the unreadable */
    double heard_s;
} mewl_baby_intake;

/* Opens the models and finds their versions and the microphone's number in the store. Close in any case. */
mewl_status mewl_baby_intake_open(mewl_baby_intake *intake, const char *detector, const char *embedder,
                                  const char *microphone, mewl_error *err);
void mewl_baby_intake_close(mewl_baby_intake *intake);

/* Takes in one file. One that cannot be read is reported and counted; only trouble with the store is returned. */
mewl_status mewl_baby_intake_file(mewl_baby_intake *intake, const char *path, mewl_error *err);

#endif
