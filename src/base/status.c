/* status.c - see status.h. */
#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *mewl_status_name(mewl_status status)
{
    static const char *const names[] = {
#define X(id, name, text) name,
        MEWL_STATUS_ROWS(X)
#undef X
    };
    return (unsigned)status < MEWL_STATUS_COUNT ? names[status] : "unknown";
}

const char *mewl_status_text(mewl_status status)
{
    static const char *const texts[] = {
#define X(id, name, text) text,
        MEWL_STATUS_ROWS(X)
#undef X
    };
    return (unsigned)status < MEWL_STATUS_COUNT ? texts[status] : "unknown status";
}

mewl_status mewl_error_set(mewl_error *err, mewl_status status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        err->status = status;
        (void)vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}

mewl_status mewl_error_prefix(mewl_error *err, mewl_status status, const char *format, ...)
{
    if (err == NULL) {
        return status;
    }
    char old[MEWL_ERROR_TEXT_MAX];
    memcpy(old, err->text, sizeof old);
    va_list args;
    va_start(args, format);
    int used = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (used < 0) {
        used = 0;
    }
    if ((size_t)used < sizeof err->text) {
        (void)snprintf(err->text + used, sizeof err->text - (size_t)used, ": %.*s",
                       (int)(sizeof err->text - 3), old);
    }
    err->status = status;
    return status;
}

mewl_status mewl_error_errno(mewl_error *err, int errno_value, const char *path)
{
    mewl_status status = MEWL_E_IO;
    switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
        status = MEWL_E_NOT_FOUND;
        break;
    case EACCES:
    case EPERM:
    case EROFS:
        status = MEWL_E_PERMISSION;
        break;
    case ENOMEM:
        status = MEWL_E_MEMORY;
        break;
    default:
        break;
    }
    char reason[128];
    const char *text = strerror_r(errno_value, reason, sizeof reason);
    return mewl_error_set(err, status, "%s: %s", path, text);
}
