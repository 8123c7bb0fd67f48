/* synth.h - what `mewl synth` writes: recordings of simulated infants, and the diary with the truth. */
#ifndef MEWL_CLI_SYNTH_H
#define MEWL_CLI_SYNTH_H

#include "base/json.h"
#include "cli/cli.h"
#include "synth/diary.h"
#include "synth/render.h"

/* Stands in every wav file and in the diary's `note` column. */
#define MEWL_CLI_SYNTH_REMARK "simulated by mewl synth: for tests, no evidence about real infants"

typedef enum mewl_cli_synth_kind { MEWL_CLI_SYNTH_SHIFT, MEWL_CLI_SYNTH_DEVICE } mewl_cli_synth_kind;

/* Appends the events in `text` (NULL: none) to `events`, which has room for MEWL_SYNTH_EVENTS_MAX: "P@DAY+RAMP,..."
 * where P is percent of F0 (-60 to 150) or a device's number (0 to 1,000,000) and +RAMP may be left out. MEWL_E_ARG
 * with a sentence for the user. */
mewl_status mewl_cli_synth_events(mewl_synth_event *events, size_t *count, const char *text, mewl_cli_synth_kind kind,
                                  mewl_error *err);

/* Renders one cry to a .wav or .flac file; the bursts as mewl_synth_render gives them. */
mewl_status mewl_cli_synth_write(const char *path, mewl_synth_burst *bursts, size_t *burst_count,
                                 const mewl_synth_cry *cry, double rate_hz, mewl_error *err);

/* The truth of one cry; NULL when out of memory. */
json_t *mewl_cli_synth_json(const char *path, const mewl_synth_cry *cry, const mewl_synth_burst *bursts,
                            size_t burst_count);

typedef struct mewl_cli_synth {
    mewl_cli *cli;
    const char *folder;
    size_t infants;
    uint64_t seed;
    double rate_hz;
    bool sound;
    mewl_synth_diary_opts diary; /* seed is set for each infant */
    size_t written;              /* recordings, filled in */
} mewl_cli_synth;

/* Whether a diary may be written into `folder`: it is not there yet, is empty, or holds a diary that was made so
 * (*again), and nothing else. MEWL_E_STATE with what to do; errors of mewl_folder_read. */
mewl_status mewl_cli_synth_place(const char *folder, bool *again, mewl_error *err);

/* Writes folder/infant-0001/0001.wav ... and folder/diary.csv: a manifest (path, label, set, group, speaker, session,
 * time, duration) with the truth in columns of its own; without sound, with the voice measures of quick.h instead,
 * paths naming what is not there. */
mewl_status mewl_cli_synth_run(mewl_cli_synth *job, mewl_error *err);

#endif
