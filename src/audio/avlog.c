#include "audio/avlog.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/error.h>
#include <libavutil/log.h>

static _Thread_local mewl__avlog *current;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void receive(void *context, int level, const char *format, va_list args)
{
    mewl__avlog *to = current;
    if (to == NULL || level > AV_LOG_WARNING) {
        return;
    }
    char line[MEWL_LOG_TEXT_MAX];
    int prefix = 1;
    const int length = av_log_format_line2(context, level, format, args, line, (int)sizeof line, &prefix);
    if (length <= 0) {
        return;
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0') {
        return;
    }
    to->edited = to->edited || strstr(line, "multiple edit list entries") != NULL;
    if (level <= AV_LOG_ERROR) {
        to->errors++;
        /* Without the "[mov,mp4 @ 0x55...] " before it: the address says nothing to people. */
        const char *text = line;
        for (const char *end; *text == '[' && (end = strstr(text, "] ")) != NULL;) {
            text = end + 2;
        }
        (void)snprintf(to->last, sizeof to->last, "%.*s", MEWL__AVLOG_LAST_MAX - 1, text);
    }
    mewl_log_print(to->log, MEWL_LOG_DEBUG, "ffmpeg: %s", line);
}

static void install(void)
{
    av_log_set_callback(receive);
}

mewl__avlog *mewl__avlog_use(mewl__avlog *to)
{
    (void)pthread_once(&once, install);
    mewl__avlog *before = current;
    current = to;
    return before;
}

/* FFmpeg's codes in words of our own; NULL for those that are errno values, which have good ones. */
static const char *plain_words(int code)
{
    switch (code) {
    case AVERROR_INVALIDDATA:
        return "damaged, or not what its name says";
    case AVERROR_EOF:
        return "it ends too early";
    case AVERROR_STREAM_NOT_FOUND:
        return "there is no sound in it";
    case AVERROR_DECODER_NOT_FOUND:
    case AVERROR_DEMUXER_NOT_FOUND:
    case AVERROR_PATCHWELCOME:
        return "a form of sound that Mewl cannot read";
    case AVERROR_PROTOCOL_NOT_FOUND:
        return "a kind of address that Mewl cannot read";
    case AVERROR_HTTP_BAD_REQUEST:
    case AVERROR_HTTP_OTHER_4XX:
        return "the server refuses the request";
    case AVERROR_HTTP_UNAUTHORIZED:
    case AVERROR_HTTP_FORBIDDEN:
        return "the server wants a name and password, or refuses these";
    case AVERROR_HTTP_NOT_FOUND:
        return "the server has nothing at this address";
    case AVERROR_HTTP_SERVER_ERROR:
        return "the server failed";
    case AVERROR_BUG:
    case AVERROR_BUG2:
    case AVERROR_EXTERNAL:
    case AVERROR_UNKNOWN:
        return "FFmpeg, which reads sound for Mewl, failed";
    default:
        return NULL;
    }
}

const char *mewl__avlog_detail(char *out, size_t size, const mewl__avlog *avlog)
{
    const bool more = avlog != NULL && avlog->last[0] != '\0';
    (void)snprintf(out, size, "%s%s%s", more ? " (FFmpeg: " : "", more ? avlog->last : "", more ? ")" : "");
    return out;
}

const char *mewl__avlog_reason(char *out, size_t size, int code, const mewl__avlog *avlog)
{
    char text[AV_ERROR_MAX_STRING_SIZE], detail[MEWL__AVLOG_LAST_MAX + 16];
    const char *words = plain_words(code);
    if (words == NULL && av_strerror(code, text, sizeof text) < 0) {
        (void)snprintf(text, sizeof text, "error %d", code);
    }
    (void)snprintf(out, size, "%s%s", words != NULL ? words : text, mewl__avlog_detail(detail, sizeof detail, avlog));
    return out;
}

mewl_status mewl__avlog_status(int code)
{
    switch (code) {
    case AVERROR(ENOENT):
    case AVERROR(ENODEV):
    case AVERROR(ENXIO):
    case AVERROR_HTTP_NOT_FOUND:
        return MEWL_E_NOT_FOUND;
    case AVERROR(EACCES):
    case AVERROR(EPERM):
    case AVERROR_HTTP_UNAUTHORIZED:
    case AVERROR_HTTP_FORBIDDEN:
        return MEWL_E_PERMISSION;
    case AVERROR(ENOMEM):
        return MEWL_E_MEMORY;
    case AVERROR(ETIMEDOUT):
        return MEWL_E_TIMEOUT;
    case AVERROR_INVALIDDATA:
    case AVERROR_EOF:
        return MEWL_E_FORMAT;
    case AVERROR_DECODER_NOT_FOUND:
    case AVERROR_DEMUXER_NOT_FOUND:
    case AVERROR_PROTOCOL_NOT_FOUND:
    case AVERROR_PATCHWELCOME:
        return MEWL_E_UNSUPPORTED;
    case AVERROR_BUG:
    case AVERROR_BUG2:
    case AVERROR_EXTERNAL:
    case AVERROR_UNKNOWN:
        return MEWL_E_LIBRARY;
    default:
        return MEWL_E_IO;
    }
}
