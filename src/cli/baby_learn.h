/* baby_learn.h - the personal model of an infant and the store, brought together: recordings that wait are judged in
 * order of time, and what comes of it is kept: scores, the timeline's entries, alerts, the model itself. All of it or
 * nothing.
 *
 * The model can always be made anew from what is stored, with the family's answers to changes at their places. That
 * happens when recordings come that are older than what it has heard or was answered, that belong to a session which it
 * has ended, or that are enrolled right after others were, so that it does not matter how files are handed over; when
 * another embedder, kind of model or population is used, or another rate of false alarms is asked for. */
#ifndef MEWL_CLI_BABY_LEARN_H
#define MEWL_CLI_BABY_LEARN_H

#include "cli/baby.h"
#include "infant/infant.h"
#include "store/embeddings.h"

/* Measures of the voice that are watched over weeks, by their names in the store: those of mewl_voice_vector. */
#define MEWL_BABY_WATCHED 4
extern const char *const mewl_baby_watched[MEWL_BABY_WATCHED];

/* Names in the store of what tells of microphone and room. */
#define MEWL_BABY_SURROUNDINGS 3
extern const char *const mewl_baby_surroundings[MEWL_BABY_SURROUNDINGS];

typedef struct mewl_baby_learning {
    mewl_store_model embedder; /* the version that made the embeddings; with its id */
    mewl_personal_kind kind;
    const char *population; /* file of one, "none", or NULL: as the model was made before (cli/baby_population.h) */
    /* Told of each recording that waited, in order of time; NULL: nobody. enrolled: it became part of the baseline (and
     * has no verdict but its gate). */
    void (*said)(void *user, int64_t recording_id, const mewl_verdict *verdict, bool enrolled);
    void *user;
} mewl_baby_learning;

typedef struct mewl_baby_learned {
    bool anew;     /* the model was made anew */
    size_t judged; /* recordings that waited */
    size_t alerts; /* raised now */
    mewl_infant_state state;
} mewl_baby_learned;

/* Judges what waits; what was recorded before anything was enrolled cannot be judged, and is told without a p-value. */
mewl_status mewl_baby_learn(mewl_baby *baby, mewl_baby_learned *out, mewl_baby_learning learning, mewl_error *err);

/* Ends a session that is over by now with the latest personal model, as mewl_baby_learn does, and tells how that
 * stands; out->state.sessions is 0 where there is no model yet. For commands that tell of the timeline. */
mewl_status mewl_baby_settle(mewl_baby *baby, mewl_baby_learned *out, mewl_error *err);

/* Settles, then closes the change that is open as a true one (`accepted`: what is heard from now on is the new usual)
 * or as nothing, and puts that on the timeline: both or neither. MEWL_E_STATE where no change is open. */
mewl_status mewl_baby_answer(mewl_baby *baby, mewl_baby_learned *out, bool accepted, mewl_error *err);

#endif
