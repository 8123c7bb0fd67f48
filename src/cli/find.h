/* find.h - what a command works on: the model file, and the recordings that operands stand for. */
#ifndef MEWL_CLI_FIND_H
#define MEWL_CLI_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include "base/status.h"
#include "cli/cli.h"

/* Path of the model: `given` (from --model, MEWL_MODEL or the settings file) when not NULL; else models/
 * detector.safetensors beside or above the executable, in the tree it was built from, or in the installed data folder.
 * Writes it to `out`. MEWL_E_NOT_FOUND with a sentence that says where was looked and what to do. */
mewl_status mewl_cli_find_model(const mewl_cli *cli, char *out, size_t size, const char *given, mewl_error *err);

/* One recording to work on. */
typedef struct mewl_cli_input {
    char *path;        /* what to open: a path, a URL, or "-" */
    const char *name;  /* tail of path: relative to the folder operand it came from, else its last part */
    double bytes;      /* size, for progress; 0 where unknown */
} mewl_cli_input;

typedef struct mewl_cli_inputs {
    mewl_cli_input *list;
    size_t count;
    size_t capacity;
    size_t skipped; /* files in folders that do not look like recordings */
} mewl_cli_inputs;

/* Adds what `operand` stands for: itself, or, for a folder, every file below it that has the ending of a sound or
 * video file, sorted by name. Folders deeper than 32 and more than 1,000,000 files are refused (MEWL_E_MEMORY). A folder
 * that cannot be read or holds no recording becomes an input of its own, so that opening it reports the trouble. */
mewl_status mewl_cli_inputs_add(mewl_cli_inputs *inputs, const char *operand, mewl_error *err);

/* Frees and empties. */
void mewl_cli_inputs_fini(mewl_cli_inputs *inputs);

/* Whether a file's name ends like that of a sound or video file. */
bool mewl_cli_looks_like_recording(const char *name);

#endif
