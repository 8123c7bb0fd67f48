/* lab.h - what the experiments of `mewl lab` share: their table, the options that all of them take, the manifest, and
 * what is done with a finished document. An experiment is `int mewl_lab_<name>(mewl_cli *, int argc, char **argv)` in a
 * file lab_<name>.c of its own, argv[0] being its name, and has a row in the table of cmd_lab.c. It parses like this:
 *
 *     enum { OPT_FOLDS = LAB_OPTION_COUNT, OPT_COUNT };
 *     static const mewl_cli_option options[OPT_COUNT + 1] = {
 *         MEWL_LAB_OPTIONS,
 *         [OPT_FOLDS] = {"folds", 0, "N", "folds, 2 to 20", false},
 *     };
 *     static const mewl_cli_usage usage = {"lab reason", "", "...", options, "  mewl lab reason\n"};
 *
 *     const char *value[OPT_COUNT];
 *     int code = mewl_lab_parse(cli, &usage, 0, argc, argv, value, &argc, &argv);
 *     mewl_lab lab;
 *     if (code != MEWL_CLI_GO || (code = mewl_lab_open(&lab, cli, value, "reason")) != MEWL_CLI_GO) {
 *         return code;
 *     }
 *     mewl_error err = {0};
 *     json_t *document = NULL;
 *     mewl_status status = mewl_lab_read_manifest(&lab, &err);
 *     ... lab.folder, lab.paper, lab.seeds, lab.manifest, lab.column, lab.progress, lab.log, lab.stop ...
 *     return mewl_lab_close(&lab, status, document, &err);
 */
#ifndef MEWL_CLI_LAB_H
#define MEWL_CLI_LAB_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "data/manifest.h"
#include "lab/study.h"

/* The experiments, one a file: argv[0] is the name, options follow. Return the exit code. */
int mewl_lab_table2(mewl_cli *cli, int argc, char **argv);
int mewl_lab_table3(mewl_cli *cli, int argc, char **argv);
int mewl_lab_table4(mewl_cli *cli, int argc, char **argv);
int mewl_lab_grid(mewl_cli *cli, int argc, char **argv);
int mewl_lab_table5(mewl_cli *cli, int argc, char **argv);
int mewl_lab_tinytoes(mewl_cli *cli, int argc, char **argv);
int mewl_lab_reason(mewl_cli *cli, int argc, char **argv);
int mewl_lab_verify(mewl_cli *cli, int argc, char **argv);
int mewl_lab_pretrain(mewl_cli *cli, int argc, char **argv);

/* The options that experiments share, first in each one's table; an experiment's own start at LAB_OPTION_COUNT. */
enum {
    LAB_OPTION_PROFILE,
    LAB_OPTION_MANIFEST,
    LAB_OPTION_COLUMN,
    LAB_OPTION_DATA,
    LAB_OPTION_SEEDS,
    LAB_OPTION_OUT,
    LAB_OPTION_HTML,
    LAB_OPTION_COUNT
};

#define MEWL_LAB_OPTIONS                                                                                               \
    [LAB_OPTION_PROFILE] = {"profile", 0, "NAME", "quick (small networks, short clips) or paper (full size)", false},  \
    [LAB_OPTION_MANIFEST] = {"manifest", 0, "CSV", "labelled recordings instead of Donate-a-Cry's", false},            \
    [LAB_OPTION_COLUMN] = {"column", 0, "NAME", "column with the classes (default: reason, else label)", false},       \
    [LAB_OPTION_DATA] = {"data", 0, "FOLDER", "folder of the data sets (default: MEWL_DATA)", false},                  \
    [LAB_OPTION_SEEDS] = {"seeds", 0, "N", "how often everything is repeated with other random numbers", false},       \
    [LAB_OPTION_OUT] = {"output", 'o', "FOLDER", "folder of the results; a stopped run goes on there", false},         \
    [LAB_OPTION_HTML] = {"html", 0, "FILE", "the page with tables and figures (default: report.html in FOLDER)",       \
                         false}

/* The small student of table 5, as a network of `mewl lab pretrain`: a CNN10 of this share of the published channels.
 */
#define MEWL_LAB_SMALL "small-cnn10"
#define MEWL_LAB_SMALL_WIDTH(paper) ((paper) ? 0.25 : 0.0625)

/* An experiment under way. */
typedef struct mewl_lab {
    mewl_cli *cli;
    const char *const *value;
    const char *name;   /* of the experiment */
    bool paper;         /* --profile paper */
    size_t seeds;       /* 0: not said */
    char folder[3900];  /* -o, else runs/lab/NAME-PROFILE */
    char data[3900];    /* --data, else MEWL_DATA, else "" */
    const char *column; /* of the classes; set by mewl_lab_read_manifest */
    char manifest_name[256];
    mewl_manifest manifest;
    bool has_manifest;
    mewl_progress progress;
    mewl_log log;
    const volatile sig_atomic_t *stop; /* set by the first Ctrl-C or SIGTERM */
} mewl_lab;

/* Those that an experiment does not use, as bits for mewl_lab_parse: LAB_UNUSED(HTML) | LAB_UNUSED(SEEDS). */
#define LAB_UNUSED(option) (1u << LAB_OPTION_##option)

/* mewl_cli_parse without the shared options that `unused` names: they are neither accepted nor in --help, and stay NULL
 * in value[]. */
int mewl_lab_parse(mewl_cli *cli, const mewl_cli_usage *usage, unsigned unused, int argc, char **argv,
                   const char **value, int *operand_count, char ***operands);

/* Takes the common options. Returns MEWL_CLI_GO, or the code with which to return after a wrong one was reported. */
int mewl_lab_open(mewl_lab *lab, mewl_cli *cli, const char *const *value, const char *name);

/* Reads --manifest, else Donate-a-Cry's 457 cleaned recordings below the data folder, sorted, and chooses the column of
 * the classes; rows without a class are left out. */
mewl_status mewl_lab_read_manifest(mewl_lab *lab, mewl_error *err);

/* Reads the one sound set `folder` of the data folder with its reader. The caller finis it. */
mewl_status mewl_lab_scan(const mewl_lab *lab, mewl_manifest *out, const char *folder, mewl_error *err);

/* Options of a study of the manifest that was read: profile, names, seeds (`seeds` when --seeds was not said), stop,
 * progress. */
mewl_study_opts mewl_lab_study_opts(const mewl_lab *lab, const char *title, size_t seeds);

/* Trains `configs` as far as the journal in the folder does not hold them, and makes the document. */
mewl_status mewl_lab_run_study(json_t **document, mewl_lab *lab, mewl_study_opts opts, const mewl_study_config *configs,
                               size_t count, mewl_error *err);

/* Path of a file in the results' folder; `path` has `size` bytes. */
void mewl_lab_path(const mewl_lab *lab, char *path, size_t size, const char *file);

/* The end: with MEWL_OK labels the document (takes it over in any case), writes report.json, report.txt and report.html
 * into the folder, prints it; else tells the error. Frees the manifest. Returns the exit code. */
int mewl_lab_close(mewl_lab *lab, mewl_status status, json_t *document, const mewl_error *err);

#endif
