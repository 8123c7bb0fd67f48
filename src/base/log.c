/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void mewl_log_print(const mewl_log *log, mewl_log_level level, const char *format, ...)
{
    if (log == NULL || log->write == NULL || (int)level > (int)log->most) {
        return;
    }
    char text[MEWL_LOG_TEXT_MAX];
    va_list args;
    va_start(args, format);
    int used = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (used >= 0) {
        log->write(log->user, level, text);
    }
}

const char *mewl_log_level_name(mewl_log_level level)
{
    switch (level) {
    case MEWL_LOG_ERROR:
        return "error";
    case MEWL_LOG_WARNING:
        return "warning";
    case MEWL_LOG_INFO:
        return "info";
    case MEWL_LOG_DEBUG:
        return "debug";
    }
    return "unknown";
}
