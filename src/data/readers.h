/* readers.h - one reader per data set: a folder in the publisher's own layout becomes a manifest. Readers look at names
 * and small tables only; they never decode audio. mewl_reader_table lists
 * the sets with their licences. */
#ifndef MEWL_DATA_READERS_H
#define MEWL_DATA_READERS_H

#include "data/manifest.h"

#define MEWL_SCAN_DEPTH_MAX 16
#define MEWL_SCAN_FILES_MAX MEWL_MANIFEST_ROWS_MAX

/* How a file's name is taken apart. `relative` is the path under the set's root, with '/'. The reader fills *row, whose
 * texts may point into `scratch` (4,096 bytes) until the call returns to its caller, and returns true; false means that
 * the name is not of this set (counted, reported, left out). */
typedef struct mewl_reader {
    const char *kind;   /* "donateacry": the name for --kind and the `set` column */
    const char *title;  /* "Donate-a-Cry corpus" */
    const char *layout; /* one line that shows the layout read */
    const char *licence;
    bool trains_shipped; /* licence allows any use: shipped weights may be trained on it */
    /* Exactly one of the two is set: `table` for sets described by a file of their own (metadata.csv, wav.scp). */
    bool (*name)(const char *relative, mewl_row *row, char *scratch);
    mewl_status (*table)(const char *root, mewl_manifest *out, size_t *left_out, mewl_error *err);
    bool (*detect)(const char *root); /* whether the folder looks like this set; NULL: judged from names */
} mewl_reader;

typedef struct mewl_scan_report {
    const mewl_reader *reader;  /* the one used */
    size_t audio_files;         /* audio files seen under the folder */
    size_t left_out;            /* of them, names the reader could not take apart */
    char left_out_example[256]; /* the first such name, or "" */
} mewl_scan_report;

/* All readers, in the order in which autodetection asks them. *count gets their number. Static storage. */
const mewl_reader *mewl_reader_table(size_t *count);

/* Reader of a kind name, or NULL. */
const mewl_reader *mewl_reader_find(const char *kind);

/* Lists the folder `root` into *out (initialised here; fini on success) with the reader `kind`; NULL or "auto" chooses
 * the first reader that takes nine in ten of the names, and folder = label after all others. Rows are sorted by path.
 * `duration_s` stays absent. *report may be NULL. Errors: MEWL_E_NOT_FOUND, MEWL_E_PERMISSION, MEWL_E_EMPTY (no audio
 * file of this kind), MEWL_E_ARG (no such kind; names the nearest), MEWL_E_FORMAT from a table with its line. */
mewl_status mewl_scan(mewl_manifest *out, mewl_scan_report *report, const char *root, const char *kind,
                      mewl_error *err);

/* What a Donate-a-Cry file name says. Names are `uuid-time-version-sex-age-reason.ext`; two iOS uploads hold a
 * fractional time, a second identifier before the sex, and a doubled extension. */
typedef struct mewl_donateacry_name {
    char uuid[37]; /* lower case: an installed app, not an infant */
    double time_s; /* Android writes ms, iOS s: told apart by size */
    bool android;
    char version[12];
    char sex[2];    /* "m", "f" */
    char age[3];    /* "04", "48", "26", "72", "22" */
    char reason[3]; /* "hu", "bu", "bp", "dc", "ti", "lo", "ch", "sc", "dk" */
} mewl_donateacry_name;

/* Takes a Donate-a-Cry file name (no folder) apart. False when it is not of that form. */
bool mewl_donateacry_parse(mewl_donateacry_name *out, const char *name);

/* Whether a file name ends like a sound file that Mewl reads (wav, flac, ogg, mp3, m4a, 3gp, caf, ...). */
bool mewl_is_audio_name(const char *name);

#endif
