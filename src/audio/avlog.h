/* avlog.h - FFmpeg's messages, kept off the terminal: during a call into FFmpeg they go to the log of whoever makes the
 * call, and the last error is kept for the sentence of a failure. Not for other rooms.
 *
 * FFmpeg has one message function for the whole process. Mewl's looks at a variable of the calling thread, set for the
 * time of a call; on threads that are not inside such a call nothing is written. */
#ifndef MEWL_AUDIO_AVLOG_H
#define MEWL_AUDIO_AVLOG_H

#include <stdbool.h>

#include "base/log.h"
#include "base/status.h"

#define MEWL__AVLOG_LAST_MAX 200

typedef struct mewl__avlog {
    const mewl_log *log;             /* NULL: nowhere */
    unsigned errors;                 /* messages of level error or worse so far */
    bool edited;                     /* the mov reader met an edit list that it left out */
    char last[MEWL__AVLOG_LAST_MAX]; /* last message of level error or worse, "" before */
} mewl__avlog;

/* Messages of this thread go to `to` (NULL: nowhere) until told otherwise; returns what was set before, to be put back.
 */
mewl__avlog *mewl__avlog_use(mewl__avlog *to);

/* " (FFmpeg: last message)" in `out`, which it returns; "" when there was none. */
const char *mewl__avlog_detail(char *out, size_t size, const mewl__avlog *avlog);

/* "why (FFmpeg: last message)" for FFmpeg's code, why in Mewl's own words, in `out`, which it returns. */
const char *mewl__avlog_reason(char *out, size_t size, int code, const mewl__avlog *avlog);

/* The status that fits FFmpeg's negative code. */
mewl_status mewl__avlog_status(int code);

#endif
