/* document.h - the one way by which a finished document of results leaves the program: it says which program made it,
 * lies in the experiment's folder as JSON and as tables for people, and one of the two is printed. */
#ifndef MEWL_CLI_DOCUMENT_H
#define MEWL_CLI_DOCUMENT_H

#include <stdio.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/status.h"
#include "cli/cli.h"

/* The version of this program ("0.1.0"), static storage. */
const char *mewl_program_version(void);

/* The revision of the sources that it was built from: git's short name of the commit, with "-dirty" where followed
 * files differed from it, or "unknown" where the build saw no repository. Static storage. Ninja asks git at every build
 * (tools/revision.sh); only the one small file with the answer is compiled again when it changes. */
const char *mewl_program_revision(void);

/* Adds "program": {"name": "mewl", "version", "revision"} to the document. MEWL_E_MEMORY. */
mewl_status mewl_document_stamp(json_t *document, mewl_error *err);

/* Appends a document's tables for people to `out`. */
typedef mewl_status mewl_document_text(mewl_buffer *out, const json_t *document, mewl_error *err);

/* Writes FOLDER/NAME.json, stamped, and what `text` makes of it as FOLDER/NAME.EXTENSION; the folder is made where it
 * is missing. Prints the text, or the JSON under --json and --ndjson, to stdout. I/O errors and MEWL_E_MEMORY. */
mewl_status mewl_document_keep(const mewl_cli *cli, json_t *document, const char *folder, const char *name,
                               const char *extension, mewl_document_text *text, mewl_error *err);

#endif
