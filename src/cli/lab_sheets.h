/* lab_sheets.h - the end of an experiment whose results are sheets (lab/sheet.h). */
#ifndef MEWL_CLI_LAB_SHEETS_H
#define MEWL_CLI_LAB_SHEETS_H

#include "cli/lab.h"

int mewl_lab_iclas(mewl_cli *cli, int argc, char **argv);
int mewl_lab_gate(mewl_cli *cli, int argc, char **argv);
int mewl_lab_population(mewl_cli *cli, int argc, char **argv);
int mewl_lab_alarms(mewl_cli *cli, int argc, char **argv);

/* With MEWL_OK: writes NAME.json and NAME.md into the experiment's folder and prints the tables, or the JSON under
 * --json; else tells the error. Takes the document over in any case. Returns the exit code. */
int mewl_lab_close_sheets(mewl_lab *lab, const char *name, mewl_status status, json_t *document, const mewl_error *err);

#endif
