/* lab_sheets.h - how an experiment ends; among them those whose results are sheets (lab/sheet.h). */
#ifndef MEWL_CLI_LAB_SHEETS_H
#define MEWL_CLI_LAB_SHEETS_H

#include "cli/document.h"
#include "cli/lab.h"

/* Experiments that end so, as those of lab.h. */
int mewl_lab_iclas(mewl_cli *cli, int argc, char **argv);
int mewl_lab_gate(mewl_cli *cli, int argc, char **argv);
int mewl_lab_population(mewl_cli *cli, int argc, char **argv);
int mewl_lab_alarms(mewl_cli *cli, int argc, char **argv);

/* The files that an experiment leaves in its folder. */
typedef struct mewl_lab_ending {
    const char *name, *extension; /* NAME.json and NAME.EXTENSION */
    mewl_document_text *text;     /* what makes the second of the first */
    bool page;                    /* the document is a report (lab/report.h): splits are labelled, an HTML page made */
} mewl_lab_ending;

/* The end of every experiment: with MEWL_OK writes the document (document.h) as `ending` says and prints it, else tells
 * the error. Takes the document over in any case, frees the manifest. Returns the exit code. */
int mewl_lab_end(mewl_lab *lab, mewl_status status, json_t *document, mewl_lab_ending ending, const mewl_error *err);

/* With MEWL_OK: writes NAME.json and NAME.md into the experiment's folder and prints the tables, or the JSON under
 * --json; else tells the error. Takes the document over in any case. Returns the exit code. */
int mewl_lab_close_sheets(mewl_lab *lab, const char *name, mewl_status status, json_t *document, const mewl_error *err);

#endif
