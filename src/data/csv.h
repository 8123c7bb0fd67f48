/* csv.h - comma-separated values as RFC 4180 has them, read from memory without trusting it. Fields may be quoted, hold
 * commas, quotes (doubled) and line ends; a UTF-8 byte-order mark and bare LF or CR LF ends are taken. The same reader
 * takes tab-separated tables (no quoting). Not a table: rows come one at a time, and the caller keeps what it wants. */
#ifndef MEWL_DATA_CSV_H
#define MEWL_DATA_CSV_H

#include "base/buffer.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define MEWL_CSV_FIELDS_MAX 128      /* columns of one row */
#define MEWL_CSV_ROW_BYTES_MAX 65536 /* text of one row, all fields together */

/* A reader over bytes it does not own. Fields of the current row lie in `fields` until the next call. */
typedef struct mewl_csv {
    const char *path; /* for messages; borrowed */
    const char *text; /* borrowed */
    size_t size;      /* bytes of text */
    size_t at;        /* next byte to read */
    size_t line;      /* line of the file on which the current row began, from 1 */
    size_t next_line;
    char separator;                    /* ',' or '\t' */
    size_t count;                      /* fields in the current row */
    char *fields[MEWL_CSV_FIELDS_MAX]; /* NUL-terminated, point into `row` */
    char *row;                         /* MEWL_CSV_ROW_BYTES_MAX bytes, owned */
} mewl_csv;

/* Opens a reader over `size` bytes of `text` (borrowed until fini). separator ',' means RFC 4180; '\t' means plain
 * tab-separated values in which a quote is a character like any other. Returns MEWL_E_MEMORY or MEWL_OK. */
mewl_status mewl_csv_init(mewl_csv *csv, const char *path, const char *text, size_t size, char separator,
                          mewl_error *err);
void mewl_csv_fini(mewl_csv *csv);

/* Reads the next row into csv->fields. *got is false at the end. Empty lines are passed over. Errors are
 * MEWL_E_FORMAT, with "path:line: reason": a quote left open, text after a closing quote, a NUL byte, too many fields,
 * a row over MEWL_CSV_ROW_BYTES_MAX. */
mewl_status mewl_csv_next(mewl_csv *csv, bool *got, mewl_error *err);

/* Index of the field equal to `name` in the current row (the header), or -1. */
int mewl_csv_find(const mewl_csv *csv, const char *name);

/* Appends one field to `out`, quoted when it must be, with a comma before it unless `first`. Errors: mewl_buffer_push.
 */
mewl_status mewl_csv_write(mewl_buffer *out, const char *field, bool first);

#endif
