/* labels.h - episodes written down in the forms that other programs open: Audacity labels, DESED's TSV, CSV, Raven
 * selection tables. Not JSON, which the commands write themselves. */
#ifndef MEWL_CLI_LABELS_H
#define MEWL_CLI_LABELS_H

#include <stddef.h>
#include "base/status.h"
#include "detect/episode.h"

typedef enum mewl_labels_form {
    MEWL_LABELS_AUDACITY, /* start, end, label by tabs; one recording a file */
    MEWL_LABELS_TSV,      /* DESED: filename, onset, offset, event_label ("Infantcry"), with its header */
    MEWL_LABELS_CSV,      /* Start (s),End (s),Label,Confidence,File, with its header; RFC 4180 quoting */
    MEWL_LABELS_RAVEN     /* selection table with Begin Path and Confidence; one recording a file */
} mewl_labels_form;

typedef struct mewl_labels mewl_labels;

/* Starts `path`; nothing is seen there before commit. "-" is standard output, written to as rows come. Errors: those of
 * mewl_file_writer_open. */
mewl_status mewl_labels_open(mewl_labels **out, mewl_labels_form form, const char *path, mewl_error *err);

/* Appends one episode of `file` (as it is to be named in the table; tabs and newlines in it become blanks where
 * the form cannot hold them). high_hz: upper edge of what the recording holds, for Raven's boxes. */
mewl_status mewl_labels_push(mewl_labels *labels, const char *file, const mewl_episode *episode, double high_hz,
                             mewl_error *err);

/* Puts the file in place. Still close. */
mewl_status mewl_labels_commit(mewl_labels *labels, mewl_error *err);
void mewl_labels_close(mewl_labels *labels);

#endif
