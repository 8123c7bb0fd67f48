/* report.h - what `mewl analyze` prints and writes about each recording: sentences, JSON, label files, exit code. */
#ifndef MEWL_CLI_REPORT_H
#define MEWL_CLI_REPORT_H

#include <stdbool.h>
#include "cli/analysis.h"
#include "cli/cli.h"
#include "cli/find.h"

typedef struct mewl_report_opts {
    /* Files (or folders) to write, or NULL; borrowed. One of them may be "-": standard output, which then holds
     * nothing else. */
    const char *audacity, *csv, *tsv, *raven;
    const char *model_path;
    const mewl_reason *reason; /* the model that was asked about reasons, or NULL */
    double threshold;
    bool bf16;
} mewl_report_opts;

typedef struct mewl_report mewl_report;

/* Starts the tables that hold all recordings. Errors: those of mewl_labels_open. */
mewl_status mewl_report_open(mewl_report **out, const mewl_cli *cli, mewl_report_opts opts, mewl_error *err);

/* Whether several recordings come: labels of a kind that holds one recording then go into a folder. */
void mewl_report_many(mewl_report *report, bool many);

/* An operand that could not be made into recordings. */
void mewl_report_refused(mewl_report *report, const char *operand, const mewl_error *why);

/* One recording's result, or its failure. Errors are those of writing, never the recording's own. */
mewl_status mewl_report_file(mewl_report *report, const mewl_cli_input *input, const mewl_analysis *result,
                             mewl_error *err);

/* Puts the tables in place and prints what comes once: the JSON document, the sum of a batch. */
mewl_status mewl_report_finish(mewl_report *report, mewl_error *err);

/* 0 when everything was read and written; 1 when all was read but a picture could not be written; 3 (or 1 where the
 * cause was not the input) when nothing was; 4 when something was; else 1 when a cry was found and fail_on_cry. */
int mewl_report_exit_code(const mewl_report *report, bool fail_on_cry);

/* Frees; tables that were not finished leave no file behind. NULL is fine. */
void mewl_report_close(mewl_report *report);

/* Whether something can be written to `out`, which is one file, or a folder when it is one or `many` is set: MEWL_OK,
 * or MEWL_E_NOT_FOUND, MEWL_E_PERMISSION, MEWL_E_STATE (a file stands where a folder must be) with the reason. Nothing
 * is made. The disk may still fill later. */
mewl_status mewl_report_check(const char *out, bool many, mewl_error *err);

/* Where an output of one recording goes: `out` itself, or, when there are several or `out` is a folder, out/name with
 * the ending `ending` (slashes in name become folders, which are made; a part ".." becomes "__"). A malloc'd string;
 * NULL after an error. */
char *mewl_report_place(const char *out, bool many, const char *name, const char *ending, mewl_error *err);

#endif
