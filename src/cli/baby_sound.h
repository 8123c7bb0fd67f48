/* baby_sound.h - a recording's file as takes: stretches of crying, each with what an infant's model, the voice and the
 * room have to say of it. A night of sound gives many takes, a short clip one. Nothing is stored here. */
#ifndef MEWL_CLI_BABY_SOUND_H
#define MEWL_CLI_BABY_SOUND_H

#include "cli/cli.h"
#include "dsp/ambience.h"
#include "infant/gate.h"
#include "models/embedder.h"
#include "models/model.h"
#include "voice/measure.h"

/* Pauses up to this long stay within a take; a take is no longer than that. */
#define MEWL_BABY_PAUSE_S 10.0
#define MEWL_BABY_TAKE_S 60.0

/* What listens: detector and embedder, opened once for many files. */
typedef struct mewl_baby_ear {
    mewl_model *detector;
    mewl_embedder *embedder;
    char detector_hash[65]; /* SHA-256 of its file */
    double threshold;       /* confidence from which the detector calls a sound a cry */
    bool bf16;
} mewl_baby_ear;

/* One stretch. Arrays are valid during the callback. */
typedef struct mewl_baby_take {
    double onset_s, seconds; /* within the file */
    double level_dbfs;       /* of the crying */
    mewl_gate_figures figures;
    unsigned gate;          /* 0: usable, else bits of infant/gate.h */
    const float *embedding; /* NULL when not usable */
    size_t dimensions;
    mewl_voice voice;       /* NaN where not measured */
    mewl_ambience ambience; /* likewise */
    const float *samples;   /* the stretch as it was recorded, for a clip; NULL without crying */
    size_t count;
    double rate_hz;
} mewl_baby_take;

/* Of the file as a whole. */
typedef struct mewl_baby_heard {
    double seconds; /* of sound */
    double heard_s; /* of them in which something could be heard */
    size_t takes;   /* given to the callback */
    size_t usable;
} mewl_baby_heard;

/* Opens the models: `detector` and `embedder` are paths as options gave them, or NULL for those that ship; without an
 * embedder of its own the shipped detector serves as one. Close in any case. */
mewl_status mewl_baby_ear_open(mewl_baby_ear *ear, const mewl_cli *cli, const char *detector, const char *embedder,
                               mewl_error *err);
void mewl_baby_ear_close(mewl_baby_ear *ear);

/* Listens to the file at `path` and gives its takes in order; a file without crying gives one take, of all of it, that
 * is not usable. `take` may end the reading by an error, which is returned (it sets *err). Errors: those of
 * mewl_analysis_run, mewl_source_open and pull. */
mewl_status mewl_baby_listen(mewl_baby_ear *ear, mewl_baby_heard *heard, const char *path,
                             mewl_status (*take)(void *user, const mewl_baby_take *take, mewl_error *err), void *user,
                             mewl_error *err);

#endif
