/* cli.c - messages, exit codes and progress of cli.h; options are in options.c. */
#include "cli/cli.h"
#include "base/word.h"
#include "cli/settings.h"

#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REPORT_AFTER_S 2.0
#define REPORT_EVERY_S 0.2

struct mewl_cli_meter {
    pthread_mutex_t lock;
    double start_s;    /* first report of this measurement; 0 before it */
    double drawn_s;    /* last drawing */
    double start_done; /* `done` at the first report: a resumed job must not look fast */
    bool shown;
};

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool terminal(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) != 0 && (term == NULL || strcmp(term, "dumb") != 0);
}

static mewl_status read_settings(mewl_cli *cli, mewl_error *err)
{
    const char *given = getenv("MEWL_CONFIG");
    if (given != NULL) {
        /* MEWL_CONFIG= (empty) means "no settings file", which tests and services need. */
        return given[0] == '\0' ? MEWL_OK : mewl_cli_settings_read(&cli->settings, given, 1, err);
    }
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    char path[4096];
    int length = 0;
    if (base != NULL && base[0] == '/') {
        length = snprintf(path, sizeof path, "%s/mewl/mewl.ini", base);
    } else if (home != NULL && home[0] == '/') {
        length = snprintf(path, sizeof path, "%s/.config/mewl/mewl.ini", home);
    }
    if (length <= 0 || (size_t)length >= sizeof path) {
        return MEWL_OK;
    }
    mewl_status status = mewl_cli_settings_read(&cli->settings, path, 0, err);
    if (status != MEWL_OK && status != MEWL_E_FORMAT && status != MEWL_E_MEMORY) {
        /* Nobody named this file, and a service may have the home of another user. */
        mewl_cli_error(cli, "settings are left out: %s", err->text);
        return MEWL_OK;
    }
    return status;
}

mewl_status mewl_cli_init(mewl_cli *cli, const char *program, mewl_error *err)
{
    const char *no_color = getenv("NO_COLOR");
    *cli = (mewl_cli){.program = program};
    cli->colour = terminal(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
    cli->progress = terminal(STDERR_FILENO);
    mewl_status status = read_settings(cli, err);
    if (status != MEWL_OK) {
        return status;
    }
    cli->meter = calloc(1, sizeof *cli->meter);
    if (cli->meter == NULL || pthread_mutex_init(&cli->meter->lock, NULL) != 0) {
        free(cli->meter);
        cli->meter = NULL;
        mewl_cli_fini(cli);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory at the start");
    }
    return MEWL_OK;
}

void mewl_cli_fini(mewl_cli *cli)
{
    mewl_cli_settings_free(cli->settings);
    cli->settings = NULL;
    if (cli->meter != NULL) {
        (void)pthread_mutex_destroy(&cli->meter->lock);
        free(cli->meter);
        cli->meter = NULL;
    }
}

static void wipe(mewl_cli_meter *meter)
{
    if (meter->shown) {
        (void)fputs("\r\033[K", stderr);
        meter->shown = false;
    }
}

static void say(const mewl_cli *cli, const char *format, va_list args)
{
    if (cli->meter != NULL) {
        (void)pthread_mutex_lock(&cli->meter->lock);
        wipe(cli->meter);
    }
    (void)fprintf(stderr, "mewl%s%s: ", cli->command != NULL ? " " : "", cli->command != NULL ? cli->command : "");
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    if (cli->meter != NULL) {
        (void)pthread_mutex_unlock(&cli->meter->lock);
    }
}

void mewl_cli_error(const mewl_cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(cli, format, args);
    va_end(args);
}

void mewl_cli_note(const mewl_cli *cli, const char *format, ...)
{
    if (cli->quiet) {
        return;
    }
    va_list args;
    va_start(args, format);
    say(cli, format, args);
    va_end(args);
}

int mewl_cli_usage_error(const mewl_cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(cli, format, args);
    va_end(args);
    (void)fprintf(stderr, "Try `mewl %s%s--help`.\n", cli->command != NULL ? cli->command : "",
                  cli->command != NULL ? " " : "");
    return MEWL_EXIT_USAGE;
}

int mewl_cli_unknown(const mewl_cli *cli, const char *what, const char *given, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t best = strlen(given) / 3 + 2; /* one slip in a short word, more in a long one */
    for (size_t i = 0; i < count; i++) {
        size_t distance = mewl_word_distance(given, names[i]);
        if (given[0] != '\0' && strncmp(given, names[i], strlen(given)) == 0) {
            distance = 1;
        }
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    const char *dashes = strcmp(what, "option") == 0 ? "--" : "";
    if (nearest != NULL) {
        return mewl_cli_usage_error(cli, "there is no %s `%s%s`. Did you mean `%s%s`?", what, dashes, given, dashes,
                                    nearest);
    }
    return mewl_cli_usage_error(cli, "there is no %s `%s%s`", what, dashes, given);
}

bool mewl_cli_one_of(const mewl_cli *cli, const char *what, const char *given, const char *const *names, size_t count)
{
    bool known = given == NULL;
    for (size_t i = 0; i < count && !known; i++) {
        known = strcmp(given, names[i]) == 0;
    }
    if (!known) {
        (void)mewl_cli_unknown(cli, what, given, names, count);
    }
    return known;
}

void mewl_cli_log(void *user, mewl_log_level level, const char *text)
{
    (void)level;
    mewl_cli_report_clear(user);
    mewl_cli_note(user, "%s", text);
}

int mewl_cli_exit_code(mewl_status status)
{
    switch (status) {
    case MEWL_OK:
        return MEWL_EXIT_DONE;
    case MEWL_E_ARG:
        return MEWL_EXIT_USAGE;
    case MEWL_E_IO:
    case MEWL_E_NOT_FOUND:
    case MEWL_E_PERMISSION:
    case MEWL_E_FORMAT:
    case MEWL_E_UNSUPPORTED:
    case MEWL_E_EMPTY:
        return MEWL_EXIT_UNREADABLE;
    default:
        return MEWL_EXIT_FAILED;
    }
}

int mewl_cli_fail(const mewl_cli *cli, const mewl_error *err)
{
    mewl_cli_error(cli, "%s", err->text[0] != '\0' ? err->text : mewl_status_text(err->status));
    return mewl_cli_exit_code(err->status);
}

const char *mewl_cli_s(unsigned long long count)
{
    return count == 1 ? "" : "s";
}

char *mewl_cli_sure(char *out, size_t size, double confidence)
{
    const bool over = confidence >= 0.995;
    (void)snprintf(out, size, "%s%.0f %% sure", over ? "over " : "", over ? 99.0 : 100.0 * confidence);
    return out;
}

char *mewl_cli_duration(char *out, size_t size, double seconds)
{
    if (!isfinite(seconds) || seconds < 0.0) {
        (void)snprintf(out, size, "?");
    } else if (seconds < 59.95) {
        (void)snprintf(out, size, "%.1f s", seconds);
    } else if (seconds < 3599.5) {
        long whole = lround(seconds);
        (void)snprintf(out, size, "%ld min %02ld s", whole / 60, whole % 60);
    } else {
        long minutes = lround(seconds / 60.0);
        (void)snprintf(out, size, "%ld h %02ld min", minutes / 60, minutes % 60);
    }
    return out;
}

void mewl_cli_report(void *user, double done, double total, const char *what)
{
    const mewl_cli *cli = user;
    if (!cli->progress || cli->meter == NULL) {
        return;
    }
    mewl_cli_meter *meter = cli->meter;
    (void)pthread_mutex_lock(&meter->lock);
    double now = now_s();
    if (meter->start_s <= 0.0) {
        meter->start_s = now;
        meter->start_done = done;
    }
    double elapsed = now - meter->start_s;
    if (elapsed > REPORT_AFTER_S && now - meter->drawn_s > REPORT_EVERY_S) {
        char left[32];
        (void)fprintf(stderr, "\r\033[K%s", what != NULL ? what : "");
        if (total > 0.0) {
            double rate = (done - meter->start_done) / elapsed;
            (void)fprintf(stderr, " %3.0f %%", 100.0 * fmin(done / total, 1.0));
            if (rate > 0.0) {
                (void)fprintf(stderr, " (%s left)",
                              mewl_cli_duration(left, sizeof left, fmax(total - done, 0.0) / rate));
            }
        }
        (void)fflush(stderr);
        meter->drawn_s = now;
        meter->shown = true;
    }
    (void)pthread_mutex_unlock(&meter->lock);
}

void mewl_cli_report_clear(const mewl_cli *cli)
{
    if (cli->meter == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&cli->meter->lock);
    wipe(cli->meter);
    cli->meter->start_s = 0.0;
    (void)pthread_mutex_unlock(&cli->meter->lock);
}
