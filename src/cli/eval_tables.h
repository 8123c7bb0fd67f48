/* eval_tables.h - evaluation documents (lab/eval.h) as tables for people. Not JSON: that is printed as it is. */
#ifndef MEWL_CLI_EVAL_TABLES_H
#define MEWL_CLI_EVAL_TABLES_H

#include <stdio.h>

#include "base/json.h"

/* Prints a document of any kind that `mewl eval` makes; members it does not know are left out. */
void mewl_eval_print(const json_t *document, FILE *stream);

#endif
