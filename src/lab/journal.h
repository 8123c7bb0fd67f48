/* journal.h - private to the lab room: the NDJSON log of a training, one object a line, each with its step and time.
 * Not a message log for people (base/log.h). */
#ifndef MEWL_LAB_JOURNAL_H
#define MEWL_LAB_JOURNAL_H

#include <stdint.h>

#include "base/json.h"
#include "base/status.h"

typedef struct mewl__journal mewl__journal;

/* Opens the log for appending. Lines whose "step" is above `keep_step` are cut off first (a resumed training repeats
 * those steps), and a half-written last line with them; keep_step < 0 starts an empty log. */
mewl_status mewl__journal_open(mewl__journal **out, const char *path, int64_t keep_step, mewl_error *err);
void mewl__journal_close(mewl__journal *j); /* NULL is fine */

/* Writes {"event": event, "step": step, ...fields, "time": now} and hands the line to the system. Takes over `fields`
 * (a JSON object; NULL: none) in any case. */
mewl_status mewl__journal_write(mewl__journal *j, const char *event, int64_t step, json_t *fields, mewl_error *err);

#endif
