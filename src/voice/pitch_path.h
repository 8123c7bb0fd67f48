/* pitch_path.h - private to the voice room: of all paths through the candidates of the frames the cheapest (Viterbi),
 * in memory that does not grow with the recording. */
#ifndef MEWL_VOICE_PITCH_PATH_H
#define MEWL_VOICE_PITCH_PATH_H

#include "voice/pitch_frame.h"

#define MEWL__PITCH_PATH_FRAMES 4096 /* 20 s: paths that far apart have long met */

typedef struct mewl__pitch_path {
    mewl_pitch_opts opts;
    mewl__pitch_candidates *frames; /* (MEWL__PITCH_PATH_FRAMES) */
    unsigned char (*from)[MEWL__PITCH_CANDIDATES];
    double gain[2]
               [MEWL__PITCH_CANDIDATES]; /* of the best path to each candidate of the frame before, and of this one */
    size_t held;
    mewl_pitch_frame *out; /* where the next decided frame goes */
} mewl__pitch_path;

/* `out`: room for as many frames as will be pushed. */
mewl_status mewl__pitch_path_init(mewl__pitch_path *path, mewl_pitch_opts opts, mewl_pitch_frame *out, mewl_error *err);
void mewl__pitch_path_fini(mewl__pitch_path *path);
void mewl__pitch_path_push(mewl__pitch_path *path, const mewl__pitch_candidates *frame);

/* Decides what is left. */
void mewl__pitch_path_finish(mewl__pitch_path *path);

#endif
