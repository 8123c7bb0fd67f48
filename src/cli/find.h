/* find.h - what a command works on: the model file, and the recordings that operands stand for. */
#ifndef MEWL_CLI_FIND_H
#define MEWL_CLI_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include "base/status.h"
#include "cli/cli.h"

/* Where NAME of what ships with Mewl ("models/detector.safetensors", "recipes/embed.ini") can be read: beside or above
 * the executable, in the tree it was built from, or in the installed data folder. Writes the path to `out`; false when
 * it is in none of these. */
bool mewl_cli_find_shipped(char *out, size_t size, const char *name);

/* Path of the model: `given` (from --model, MEWL_MODEL or the settings file) when not NULL; else models/
 * detector.safetensors beside or above the executable, in the tree it was built from, or in the installed data folder.
 * Writes it to `out`. MEWL_E_NOT_FOUND with a sentence that says where was looked and what to do. */
mewl_status mewl_cli_find_model(const mewl_cli *cli, char *out, size_t size, const char *given, mewl_error *err);

/* The same of the network whose embeddings tell infants apart: `given` (from --embedder), else
 * models/embedder.safetensors in those places, else the shipped detector, whose trunk serves as one. */
mewl_status mewl_cli_find_embedder(const mewl_cli *cli, char *out, size_t size, const char *given, mewl_error *err);

/* The same for the reason model: `given` (--reason-model), else models/reason.safetensors in those places. */
mewl_status mewl_cli_find_reason(const mewl_cli *cli, char *out, size_t size, const char *given, mewl_error *err);

/* Writes to `out` where the population is that ships, models/population.mewl in those places; false when there is none.
 */
bool mewl_cli_find_population(char *out, size_t size);

/* Whether the network runs in bf16, from an option's text: "fp32", "bf16", or "auto" (and NULL): bf16 where the
 * processor multiplies in it, which costs at most about 1e-3 of a confidence. Returns MEWL_CLI_GO, or MEWL_EXIT_USAGE
 * after reporting another word. */
int mewl_cli_precision(const mewl_cli *cli, const char *text, bool *bf16);

/* Whether --raw, --rate and --channels (NULL where not given) can mean something: they are of raw sound from standard
 * input, while files say themselves what they hold. False after reporting a wrong use. */
bool mewl_cli_raw_fits(const mewl_cli *cli, const char *raw, const char *rate, const char *channels, int argc,
                       char *const *argv);

/* One recording to work on. */
typedef struct mewl_cli_input {
    char *path;       /* what to open: a path, a URL, or "-" */
    const char *name; /* tail of path: relative to the folder operand it came from, else its last part; or all of it */
    double bytes;     /* size, for progress; 0 where unknown */
} mewl_cli_input;

typedef struct mewl_cli_inputs {
    mewl_cli_input *list;
    size_t count;
} mewl_cli_inputs;

/* Adds what `operand` stands for: itself, or, for a folder, the recordings below it (audio/list.h). Errors: those of
 * mewl_audio_list; at most 1,000,000 recordings. */
mewl_status mewl_cli_inputs_add(mewl_cli_inputs *inputs, const char *operand, mewl_error *err);

/* When two recordings share a name, one's labels would be written over the other's: then each is named by its whole
 * path. MEWL_E_MEMORY. */
mewl_status mewl_cli_inputs_distinguish(mewl_cli_inputs *inputs, mewl_error *err);

/* Refuses, before any work, to make a file called "-", and to write over a recording: `out` is a file that is there and
 * has the name of sound or video (audio/list.h), which a slip of the keyboard (`--csv night1.m4a night2.m4a`) must not
 * cost anybody. MEWL_E_ARG. */
mewl_status mewl_cli_spare_recording(const char *out, mewl_error *err);

/* Frees and empties. */
void mewl_cli_inputs_fini(mewl_cli_inputs *inputs);

#endif
