/* log.h - where a library puts a sentence that is no error: a reconnect, a changed sample rate, a skipped file.
 *
 * Not a logging framework: one callback, handed down by whoever opened the object. Libraries never print. */
#ifndef MEWL_BASE_LOG_H
#define MEWL_BASE_LOG_H

#include <stddef.h>

typedef enum mewl_log_level { MEWL_LOG_ERROR, MEWL_LOG_WARNING, MEWL_LOG_INFO, MEWL_LOG_DEBUG } mewl_log_level;

#define MEWL_LOG_TEXT_MAX 1024

/* `write` gets one line without a newline, valid during the call alone. It may be called from any thread of the library
 * that holds the log, several at once; it must not call back into that library. */
typedef struct mewl_log {
    void (*write)(void *user, mewl_log_level level, const char *text);
    void *user;
    mewl_log_level most; /* the most talkative level still written */
} mewl_log;

/* Formats and writes one line, cut at MEWL_LOG_TEXT_MAX - 1; nothing when log or its function is NULL, or the level is
 * beyond `most`. */
void mewl_log_print(const mewl_log *log, mewl_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "error", "warning", "info", "debug"; "unknown" outside the enum. */
const char *mewl_log_level_name(mewl_log_level level);

#endif
