/* status.h - what every fallible call in Mewl returns, and the sentence that goes with it.
 *
 * Not an exception system: a call returns a mewl_status; when it is not MEWL_OK, and the caller passed a
 * mewl_error, the error holds one clear sentence that names the file, the place and the reason.
 */
#ifndef MEWL_BASE_STATUS_H
#define MEWL_BASE_STATUS_H

#include <stdarg.h>
#include <stddef.h>

/* One row a status: constant, short name (used in JSON events), text for people. */
#define MEWL_STATUS_ROWS(X)                                                  \
    X(MEWL_OK, "ok", "done")                                                 \
    X(MEWL_E_ARG, "argument", "an argument is out of its range")             \
    X(MEWL_E_MEMORY, "memory", "out of memory, or over a fixed ceiling")     \
    X(MEWL_E_IO, "io", "a file or stream could not be read or written")      \
    X(MEWL_E_NOT_FOUND, "not-found", "no such file, name or device")         \
    X(MEWL_E_PERMISSION, "permission", "not allowed")                        \
    X(MEWL_E_FORMAT, "format", "the content is not of the expected form")    \
    X(MEWL_E_UNSUPPORTED, "unsupported", "valid, but not something Mewl does") \
    X(MEWL_E_SHAPE, "shape", "sizes do not fit together")                    \
    X(MEWL_E_STATE, "state", "called at the wrong moment")                   \
    X(MEWL_E_TIMEOUT, "timeout", "nothing arrived in time")                  \
    X(MEWL_E_CANCELLED, "cancelled", "stopped on request")                   \
    X(MEWL_E_LIBRARY, "library", "a library that Mewl uses failed")          \
    X(MEWL_E_EMPTY, "empty", "there is no data in it")

typedef enum mewl_status {
#define X(id, name, text) id,
    MEWL_STATUS_ROWS(X)
#undef X
    MEWL_STATUS_COUNT
} mewl_status;

#define MEWL_ERROR_TEXT_MAX 512

/* The sentence of one failure. Zero-initialised means "no error". Owned by the caller, holds no pointers. */
typedef struct mewl_error {
    mewl_status status;
    char text[MEWL_ERROR_TEXT_MAX]; /* UTF-8, NUL-terminated, without a full stop or newline at its end */
} mewl_error;

/* Short name of a status ("format"); "unknown" outside the enum. Static storage. */
const char *mewl_status_name(mewl_status status);

/* One line for people ("the content is not of the expected form"). Static storage. */
const char *mewl_status_text(mewl_status status);

/* Sets *err (when not NULL) from a printf format, cutting at MEWL_ERROR_TEXT_MAX - 1, and returns `status`, so that
 * a failing function ends with `return mewl_error_set(err, MEWL_E_FORMAT, "%s: ...", path);` */
mewl_status mewl_error_set(mewl_error *err, mewl_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text already in *err, keeping its status, which it returns (err may be NULL: returns
 * `status`). For callers that know the file name when the failing callee does not. */
mewl_status mewl_error_prefix(mewl_error *err, mewl_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Maps an errno value to a status and sets "path: reason". E.g. ENOENT gives MEWL_E_NOT_FOUND. */
mewl_status mewl_error_errno(mewl_error *err, int errno_value, const char *path);

/* Return from the enclosing function when `expr` is not MEWL_OK. */
#define MEWL_TRY(expr)                          \
    do {                                        \
        mewl_status mewl_try_status = (expr);   \
        if (mewl_try_status != MEWL_OK) {       \
            return mewl_try_status;             \
        }                                       \
    } while (0)

#endif
