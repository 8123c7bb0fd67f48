/* voice.h - what `features --kind voice|egemaps` and `analyze --steps` share: a recording read at its own rate, its
 * voice analysed, and the ways to show it. */
#ifndef MEWL_CLI_VOICE_H
#define MEWL_CLI_VOICE_H

#include "audio/clip.h"
#include "cli/cli.h"
#include "voice/analysis.h"

typedef struct mewl_cli_voice {
    mewl_clip clip;
    mewl_voice_analysis analysis;
} mewl_cli_voice;

/* Reads at most max_seconds (0: all, up to an hour) of the recording at `path` and analyses it. Released by
 * mewl_cli_voice_fini, on failure too. Errors of mewl_clip_read and mewl_voice_analyse. */
mewl_status mewl_cli_voice_open(mewl_cli_voice *voice, const char *path, double max_seconds, mewl_error *err);
void mewl_cli_voice_fini(mewl_cli_voice *voice);

/* The whole of `features --kind voice` (egemaps false) or `--kind egemaps` for one recording; `out` (NULL: none) is a
 * file to write: .npy the F0 track, .csv or .json the measures. Prints the measures. Returns the exit code. */
int mewl_cli_voice_features(mewl_cli *cli, const char *path, const char *out, bool egemaps);

/* `analyze --steps`: draws the steps of the recording at `path` (its first two minutes) to `picture`. */
mewl_status mewl_cli_voice_steps(const char *path, const char *title, const char *picture, mewl_error *err);

#endif
