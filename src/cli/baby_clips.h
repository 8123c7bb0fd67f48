/* baby_clips.h - the recordings kept beside the database: CLIPS/<infant>/<hash>.flac, readable by their owner alone. */
#ifndef MEWL_CLI_BABY_CLIPS_H
#define MEWL_CLI_BABY_CLIPS_H

#include "cli/baby.h"

/* Keeps `count` mono samples as the clip of the recording with that hash; `clip` receives its path below the store's
 * folder. The oldest clips of the infant go until all fit into its room; a clip that does not fit alone is not kept,
 * and `clip` then is "". Call before the recording's row is written: a clip without a row is overwritten or removed
 * later, a row without its clip would be a promise broken. */
mewl_status mewl_baby_clip_keep(mewl_baby *baby, char clip[MEWL_STORE_FILE_MAX], const char *hash, const float *samples,
                                size_t count, double rate_hz, mewl_error *err);

/* Removes an infant's folder of clips; none is fine. *removed counts files. */
mewl_status mewl_baby_clips_remove(const mewl_baby *baby, size_t *removed, mewl_error *err);

#endif
