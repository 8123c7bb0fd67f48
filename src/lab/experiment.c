/* experiment.c - the journal of an experiment's cells, and the loop over those that are still to do. */
#include "lab/experiment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/folder.h"

#define JOURNAL_BYTES_MAX ((size_t)1 << 30)

struct mewl_experiment {
    char *folder, *path;
    json_t *results; /* {key: {"seconds", "result"}} */
    int fd;          /* of the journal, for appending; it holds the lock */
};

mewl_status mewl_cell_key(char *key, size_t size, const mewl_cell *cell, mewl_error *err)
{
    int n = snprintf(key, size, "%s|%s|%d|%" PRIu64, cell->config, cell->split, cell->fold, cell->seed);
    if (n < 0 || (size_t)n >= size || strchr(cell->config, '|') != NULL || strchr(cell->split, '|') != NULL) {
        return mewl_error_set(err, MEWL_E_ARG, "`%.80s` cannot name a cell of an experiment", cell->config);
    }
    return MEWL_OK;
}

/* ---- Reading ---- */

static mewl_status check_identity(const json_t *stored, const json_t *wanted, const char *path, mewl_error *err)
{
    if (json_equal(stored, wanted)) {
        return MEWL_OK;
    }
    const char *member = "what it is";
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)wanted, key, value)
    {
        if (!json_equal(value, json_object_get(stored, key))) {
            member = key;
            break;
        }
    }
    return mewl_error_set(err, MEWL_E_STATE,
                          "%s holds results of an experiment that differs in `%s`: name another folder, or remove "
                          "that one",
                          path, member);
}

/* One whole line; `number` counts from 1. */
static mewl_status take_line(mewl_experiment *e, const char *text, size_t bytes, size_t number, const json_t *identity,
                             mewl_error *err)
{
    json_t *line = NULL;
    char name[4200];
    (void)snprintf(name, sizeof name, "%s:%zu", e->path, number);
    MEWL_TRY(mewl_json_parse(&line, text, bytes, name, err));
    mewl_status status = MEWL_OK;
    const char *key = json_string_value(json_object_get(line, "cell"));
    if (number == 1) {
        const json_t *stored = json_object_get(line, "experiment");
        status = stored != NULL ? check_identity(stored, identity, e->path, err)
                                : mewl_error_set(err, MEWL_E_FORMAT, "%s: not the journal of an experiment", name);
    } else if (key == NULL || !json_is_object(json_object_get(line, "result"))) {
        status = mewl_error_set(err, MEWL_E_FORMAT, "%s: no cell with a result", name);
    } else if (json_object_set(e->results, key, line) != 0) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for the results in %s", e->path);
    }
    json_decref(line);
    return status;
}

/* Reads whole lines; *kept gets where the last of them ends. A first line torn off leaves an empty journal. */
static mewl_status read_journal(mewl_experiment *e, size_t *kept, const json_t *identity, mewl_error *err)
{
    char *text = NULL;
    size_t bytes = 0;
    *kept = 0;
    mewl_status status = mewl_file_read_all(&text, &bytes, e->path, JOURNAL_BYTES_MAX, err);
    for (size_t number = 1; status == MEWL_OK && *kept < bytes; number++) {
        const char *end = memchr(text + *kept, '\n', bytes - *kept);
        if (end == NULL) {
            break;
        }
        size_t length = (size_t)(end - (text + *kept));
        status = take_line(e, text + *kept, length, number, identity, err);
        *kept += length + 1;
    }
    free(text);
    return status;
}

/* ---- Writing ---- */

static mewl_status append(mewl_experiment *e, const json_t *line, mewl_error *err)
{
    char *text = mewl_json_text(line, false);
    if (text == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a line of %s", e->path);
    }
    size_t bytes = strlen(text);
    text[bytes++] = '\n'; /* in place of the NUL: the text is written by length */
    mewl_status status = MEWL_OK;
    for (size_t done = 0; status == MEWL_OK && done < bytes;) {
        ssize_t n = write(e->fd, text + done, bytes - done);
        if (n < 0 && errno != EINTR) {
            status = mewl_error_errno(err, errno, e->path);
        }
        done += n > 0 ? (size_t)n : 0;
    }
    if (status == MEWL_OK && fdatasync(e->fd) != 0) {
        status = mewl_error_errno(err, errno, e->path);
    }
    free(text);
    return status;
}

static mewl_status append_identity(mewl_experiment *e, const json_t *identity, mewl_error *err)
{
    json_t *line = json_object();
    mewl_status status = mewl_json_set(line, "experiment", json_deep_copy(identity));
    status = status == MEWL_OK ? append(e, line, err) : mewl_error_set(err, status, "no memory for %s", e->path);
    json_decref(line);
    return status;
}

/* ---- Open and close ---- */

static mewl_status open_journal(mewl_experiment *e, const json_t *identity, mewl_error *err)
{
    MEWL_TRY(mewl_folder_make(e->folder, err));
    e->fd = open(e->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (e->fd < 0) {
        return mewl_error_errno(err, errno, e->path);
    }
    if (flock(e->fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? mewl_error_set(err, MEWL_E_STATE, "%s: another process works in it", e->folder)
                                    : mewl_error_errno(err, errno, e->path);
    }
    size_t kept = 0;
    MEWL_TRY(read_journal(e, &kept, identity, err));
    if (ftruncate(e->fd, (off_t)kept) != 0) {
        return mewl_error_errno(err, errno, e->path);
    }
    return kept == 0 ? append_identity(e, identity, err) : MEWL_OK;
}

mewl_status mewl_experiment_open(mewl_experiment **out, const char *folder, const json_t *identity, mewl_error *err)
{
    *out = NULL;
    mewl_experiment *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for an experiment");
    }
    e->fd = -1;
    e->folder = strdup(folder);
    e->path = mewl_folder_join(folder, "journal.ndjson");
    e->results = json_object();
    mewl_status status = e->folder != NULL && e->path != NULL && e->results != NULL
                             ? open_journal(e, identity, err)
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for an experiment");
    if (status != MEWL_OK) {
        mewl_experiment_close(e);
        return status;
    }
    *out = e;
    return MEWL_OK;
}

void mewl_experiment_close(mewl_experiment *e)
{
    if (e == NULL) {
        return;
    }
    if (e->fd >= 0) {
        (void)close(e->fd);
    }
    json_decref(e->results);
    free(e->folder);
    free(e->path);
    free(e);
}

/* ---- Results ---- */

static const json_t *find(const mewl_experiment *e, const mewl_cell *cell)
{
    char key[MEWL_CELL_KEY_MAX];
    return mewl_cell_key(key, sizeof key, cell, NULL) == MEWL_OK ? json_object_get(e->results, key) : NULL;
}

const json_t *mewl_experiment_result(const mewl_experiment *e, const mewl_cell *cell)
{
    return json_object_get(find(e, cell), "result");
}

mewl_status mewl_experiment_put(mewl_experiment *e, const mewl_cell *cell, json_t *result, double seconds,
                                mewl_error *err)
{
    char key[MEWL_CELL_KEY_MAX];
    mewl_status status = mewl_cell_key(key, sizeof key, cell, err);
    if (status == MEWL_OK && json_object_get(e->results, key) != NULL) {
        status = mewl_error_set(err, MEWL_E_STATE, "%s has a result already", key);
    }
    if (status != MEWL_OK) {
        json_decref(result);
        return status;
    }
    json_t *line = json_object();
    (void)mewl_json_set_string(line, "cell", key);
    (void)mewl_json_set_real(line, "seconds", seconds);
    status = mewl_json_set(line, "result", result);
    if (status == MEWL_OK) {
        status = append(e, line, err);
    } else {
        status = mewl_error_set(err, status, "no memory for the result of %s", key);
    }
    /* What is used is what a later run will read: figures as the journal's digits give them. */
    char *text = status == MEWL_OK ? mewl_json_text(line, false) : NULL;
    json_decref(line);
    json_t *read = NULL;
    if (text != NULL) {
        status = mewl_json_parse(&read, text, strlen(text), e->path, err);
        if (status == MEWL_OK && json_object_set_new(e->results, key, read) != 0) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for the result of %s", key);
        }
    } else if (status == MEWL_OK) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for the result of %s", key);
    }
    free(text);
    return status;
}

/* ---- The loop ---- */

typedef struct meter {
    const mewl_progress *outer;
    char what[160];
    double before, cost, total;
} meter;

static void report_cell(void *user, double done, double total, const char *what)
{
    const meter *m = user;
    double share = total > 0 ? fmin(1, fmax(0, done / total)) : 0;
    mewl_progress_report(m->outer, m->before + share * m->cost, m->total, m->what);
}

static double cost_of(const mewl_cell *cell)
{
    return cell->cost > 0 ? cell->cost : 1;
}

mewl_status mewl_experiment_run(mewl_experiment *e, const mewl_cell *cells, size_t count, mewl_cell_fn fn, void *user,
                                mewl_experiment_opts opts, mewl_error *err)
{
    meter m = {.outer = opts.progress};
    mewl_progress inner = {.report = report_cell, .user = &m};
    mewl_clock clock = mewl_clock_system();
    for (size_t i = 0; i < count; i++) {
        m.total += find(e, &cells[i]) == NULL ? cost_of(&cells[i]) : 0;
    }
    for (size_t i = 0; i < count; i++) {
        char key[MEWL_CELL_KEY_MAX];
        MEWL_TRY(mewl_cell_key(key, sizeof key, &cells[i], err));
        if (find(e, &cells[i]) != NULL) {
            continue;
        }
        m.cost = cost_of(&cells[i]);
        (void)snprintf(m.what, sizeof m.what, "%s %zu of %zu", opts.what != NULL ? opts.what : "cell", i + 1, count);
        mewl_progress_report(opts.progress, m.before, m.total, m.what);
        double started_s = mewl_clock_now_s(&clock);
        json_t *result = NULL;
        mewl_status status = opts.stop != NULL && *opts.stop != 0 ? mewl_error_set(err, MEWL_E_CANCELLED, "stopped")
                                                                  : fn(&result, &cells[i], &inner, user, err);
        if (status == MEWL_E_CANCELLED) {
            return mewl_error_set(err, status, "stopped at cell %zu of %zu; the same command goes on from there", i + 1,
                                  count);
        }
        if (status != MEWL_OK) {
            return mewl_error_prefix(err, status, "%s", key);
        }
        MEWL_TRY(mewl_experiment_put(e, &cells[i], result, mewl_clock_now_s(&clock) - started_s, err));
        m.before += m.cost;
    }
    return MEWL_OK;
}
