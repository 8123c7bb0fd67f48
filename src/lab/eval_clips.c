/* eval_clips.c - recordings of a manifest: scores, confusion at fixed thresholds, rows by label; and the bandwidth
 * check. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/clip.h"
#include "audio/resample.h"
#include "lab/bootstrap.h"
#include "lab/gather.h"

#define CLIP_SECONDS_MAX 600.0
#define WIDE_RATE_HZ 32000.0
#define NARROW_RATE_HZ 8000.0

static bool wanted(const mewl_row *row, const char *split, int fold)
{
    return (split == NULL || strcmp(row->split, split) == 0) && (fold == 0 || row->fold == fold);
}

/* A label that was named, and that no row has, is a slip; a set without cries is not. */
static mewl_status check_positive(const mewl_manifest *manifest, const mewl_eval_manifest_opts *opts, mewl_error *err)
{
    size_t rows = 0, positives = 0;
    for (size_t i = 0; i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        const bool counts = wanted(row, opts->split, opts->fold);
        rows += counts;
        positives += counts && opts->positive != NULL && strcmp(row->label, opts->positive) == 0;
    }
    return opts->positive == NULL || positives > 0
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_ARG, "none of the %zu rows has the label `%s`", rows, opts->positive);
}

/* The stretch of the recording that a row means. */
static mewl_status read_row(mewl_clip *clip, const mewl_row *row, size_t *from, size_t *count, mewl_error *err)
{
    MEWL_TRY(mewl_clip_read(clip, row->path, 0, CLIP_SECONDS_MAX, err));
    double onset = isnan(row->onset_s) ? 0 : row->onset_s;
    double offset = isnan(row->offset_s) ? (double)clip->count / clip->rate_hz : row->offset_s;
    *from = (size_t)fmin((double)clip->count, onset * clip->rate_hz);
    size_t to = (size_t)fmin((double)clip->count, offset * clip->rate_hz);
    *count = to > *from ? to - *from : 0;
    if (*count == 0) {
        mewl_clip_fini(clip);
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: nothing from %g s to %g s", row->path, onset, offset);
    }
    return MEWL_OK;
}

static mewl_status add_row(mewl_trials *t, mewl_system *const *systems, const mewl_manifest *manifest,
                           const mewl_row *row, const char *positive, const char *group, mewl_error *err)
{
    char buffer[4200];
    const char *key = mewl_manifest_value(manifest, row, group, buffer, sizeof buffer);
    if (key == NULL || key[0] == '\0') {
        key = row->path; /* a group of its own */
    }
    mewl_trial about = {.snr_db = NAN, .positive = strcmp(row->label, positive) == 0};
    MEWL_TRY(mewl_trials_name(t, &about.group, key, err));
    MEWL_TRY(mewl_trials_name(t, &about.label, row->label[0] == '\0' ? "(none)" : row->label, err));
    mewl_clip clip;
    size_t from = 0;
    size_t count = 0;
    MEWL_TRY(read_row(&clip, row, &from, &count, err));
    about.seconds = (double)count / clip.rate_hz;
    mewl_status status = mewl__gather_clip(t, systems, &about, clip.samples + from, count, clip.rate_hz, err);
    mewl_clip_fini(&clip);
    return status;
}

static void choose_thresholds(float *logits, mewl_system *const *systems, size_t count,
                              const mewl_eval_manifest_opts *o)
{
    for (size_t s = 0; s < count; s++) {
        mewl_system_kind kind = mewl_system_get_kind(systems[s]);
        float p = kind == MEWL_SYSTEM_MODEL    ? (isnan(o->threshold) ? 0.5F : o->threshold)
                  : kind == MEWL_SYSTEM_ENERGY ? 0.5F
                                               : (isnan(o->teacher_threshold) ? 0.3F : o->teacher_threshold);
        logits[s] = logf(p) - log1pf(-p);
    }
}

static mewl_status conclude(json_t **out, const mewl_trials *t, const float *thresholds, size_t unreadable,
                            const char *positive, const mewl_eval_manifest_opts *opts, mewl_error *err)
{
    json_t *confusions = NULL;
    json_t *labels = NULL;
    json_t *recall = NULL;
    mewl_trial_opts trial_opts = mewl__trial_opts(&opts->common);
    mewl_status status = mewl_trials_confusions(&confusions, t, thresholds, trial_opts, err);
    if (status == MEWL_OK) {
        status = mewl_trials_labels(&labels, t, thresholds, trial_opts, err);
    }
    if (status == MEWL_OK) {
        status = mewl_trials_recall(&recall, t, trial_opts, err);
        if (status == MEWL_E_EMPTY) { /* cries alone, or none: the rest still stands */
            recall = json_null();
            status = MEWL_OK;
        }
    }
    if (status != MEWL_OK) {
        json_decref(confusions);
        json_decref(labels);
        return status;
    }
    *out = json_object();
    (void)mewl_json_set_string(*out, "kind", "clips");
    (void)mewl_json_set_string(*out, "positive", positive);
    (void)mewl_json_set_string(*out, "split", opts->split);
    (void)mewl_json_set_int(*out, "fold", opts->fold);
    (void)mewl_json_set_string(*out, "group", opts->group == NULL ? "group" : opts->group);
    (void)mewl_json_set_int(*out, "seed", (int64_t)opts->common.seed);
    (void)mewl_json_set_int(*out, "clips", (int64_t)t->count);
    (void)mewl_json_set_int(*out, "unreadable", (int64_t)unreadable);
    (void)mewl_json_set(*out, "at_threshold", confusions);
    (void)mewl_json_set(*out, "labels", labels);
    (void)mewl_json_set(*out, "operating_point", recall);
    return MEWL_OK;
}

mewl_status mewl_eval_manifest(json_t **out, size_t *unreadable, mewl_system *const *systems, size_t system_count,
                               const mewl_manifest *manifest, mewl_eval_manifest_opts opts, mewl_error *err)
{
    *out = NULL;
    const char *positive = opts.positive == NULL ? MEWL_LABEL_CRY : opts.positive;
    const char *group = opts.group == NULL ? "group" : opts.group;
    if (!mewl_manifest_has_column(manifest, group)) {
        return mewl_error_set(err, MEWL_E_ARG, "the manifest has no column `%s`", group);
    }
    MEWL_TRY(check_positive(manifest, &opts, err));
    mewl_trials t;
    MEWL_TRY(mewl__gather_init(&t, systems, system_count, err));
    size_t skipped = 0;
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        if (!wanted(row, opts.split, opts.fold)) {
            continue;
        }
        mewl_error why = {0};
        status = add_row(&t, systems, manifest, row, positive, group, &why);
        if (status == MEWL_E_MEMORY || status == MEWL_E_LIBRARY) {
            (void)mewl_error_set(err, status, "%s", why.text);
        } else if (status != MEWL_OK) { /* one bad file does not spoil the rest */
            skipped++;
            mewl_log_print(opts.common.log, MEWL_LOG_WARNING, "left out: %s", why.text);
            status = MEWL_OK;
        }
        mewl_progress_report(opts.common.progress, (double)(i + 1), (double)manifest->count, "scoring recordings");
    }
    if (status == MEWL_OK && t.count == 0) {
        status =
            mewl_error_set(err, MEWL_E_EMPTY, "no recording of the manifest could be scored (%zu unreadable)", skipped);
    }
    if (status == MEWL_OK) {
        float thresholds[MEWL_TRIAL_SYSTEMS_MAX];
        choose_thresholds(thresholds, systems, system_count, &opts);
        status = conclude(out, &t, thresholds, skipped, positive, &opts, err);
    }
    if (unreadable != NULL) {
        *unreadable = skipped;
    }
    mewl_trials_fini(&t);
    return status;
}

/* ---- Bandwidth ---- */

typedef struct moves {
    double (*wide)[MEWL_TRIAL_SYSTEMS_MAX];   /* probabilities of each clip as recorded */
    double (*narrow)[MEWL_TRIAL_SYSTEMS_MAX]; /* and through 8 kHz */
    size_t *group;
    size_t count, systems;
    double *sorted; /* scratch */
} moves;

static void median_moves(double *values, const double *weights, void *user)
{
    moves *m = user;
    for (size_t s = 0; s < m->systems; s++) {
        size_t n = 0;
        for (size_t i = 0; i < m->count; i++) {
            for (double w = weights[i]; w > 0.5 && n < 4 * m->count; w -= 1) {
                m->sorted[n++] = fabs(m->wide[i][s] - m->narrow[i][s]);
            }
        }
        values[s] = mewl_percentile(m->sorted, n, 0.5);
    }
}

static mewl_status move_row(moves *m, mewl_trials *names, mewl_system *const *systems, const mewl_row *row,
                            mewl_error *err)
{
    mewl_clip clip;
    size_t from = 0;
    size_t count = 0;
    MEWL_TRY(read_row(&clip, row, &from, &count, err));
    float *narrow = NULL;
    size_t narrow_count = 0;
    mewl_status status = MEWL_OK;
    if (clip.rate_hz >= WIDE_RATE_HZ) {
        status = mewl_resample(&narrow, &narrow_count, clip.samples + from, count, clip.rate_hz, NARROW_RATE_HZ,
                               (mewl_resample_opts){0}, err);
        for (size_t s = 0; status == MEWL_OK && s < m->systems; s++) {
            mewl_track track;
            status = mewl_system_score(systems[s], &track, clip.samples + from, count, clip.rate_hz, err);
            m->wide[m->count][s] = track.score;
            if (status == MEWL_OK) {
                status = mewl_system_score(systems[s], &track, narrow, narrow_count, NARROW_RATE_HZ, err);
                m->narrow[m->count][s] = track.score;
            }
        }
        uint32_t group = 0;
        if (status == MEWL_OK) {
            status = mewl_trials_name(names, &group, row->group[0] != '\0' ? row->group : row->path, err);
        }
        m->group[m->count] = group;
        m->count += status == MEWL_OK;
    }
    free(narrow);
    mewl_clip_fini(&clip);
    return status;
}

static json_t *moves_json(const moves *m, mewl_system *const *systems, const mewl_interval *median, const char *split,
                          size_t groups, const mewl_eval_opts *opts)
{
    json_t *out = json_object();
    (void)mewl_json_set_string(out, "kind", "bandwidth");
    (void)mewl_json_set_string(out, "split", split);
    (void)mewl_json_set_int(out, "seed", (int64_t)opts->seed);
    (void)mewl_json_set_int(out, "clips", (int64_t)m->count);
    (void)mewl_json_set_int(out, "groups", (int64_t)groups);
    json_t *rows = json_array();
    for (size_t s = 0; s < m->systems; s++) {
        double largest = 0;
        double wide = 0;
        double narrow = 0;
        for (size_t i = 0; i < m->count; i++) {
            largest = fmax(largest, fabs(m->wide[i][s] - m->narrow[i][s]));
            wide += m->wide[i][s] / (double)m->count;
            narrow += m->narrow[i][s] / (double)m->count;
        }
        json_t *row = json_object();
        (void)mewl_json_set_string(row, "name", mewl_system_name(systems[s]));
        (void)mewl_json_set(row, "median_move", mewl_interval_json(median[s].value, median[s].low, median[s].high));
        (void)mewl_json_set_real(row, "largest_move", largest);
        (void)mewl_json_set_real(row, "mean_wide", wide);
        (void)mewl_json_set_real(row, "mean_narrow", narrow);
        (void)json_array_append_new(rows, row);
    }
    (void)mewl_json_set(out, "systems", rows);
    return out;
}

static void moves_fini(moves *m)
{
    free(m->wide);
    free(m->narrow);
    free(m->group);
    free(m->sorted);
}

mewl_status mewl_eval_bandwidth(json_t **out, mewl_system *const *systems, size_t system_count,
                                const mewl_manifest *manifest, const char *split, mewl_eval_opts opts, mewl_error *err)
{
    *out = NULL;
    mewl_trials names;
    MEWL_TRY(mewl__gather_init(&names, systems, system_count, err));
    size_t n = manifest->count + 1;
    moves m = {.systems = system_count};
    m.wide = calloc(n, sizeof *m.wide);
    m.narrow = calloc(n, sizeof *m.narrow);
    m.group = calloc(n, sizeof *m.group);
    m.sorted = calloc(4 * n, sizeof *m.sorted);
    mewl_status status = MEWL_OK;
    if (m.wide == NULL || m.narrow == NULL || m.group == NULL || m.sorted == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu clips", manifest->count);
    }
    for (size_t i = 0; status == MEWL_OK && i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        if (strcmp(row->label, MEWL_LABEL_CRY) == 0 && wanted(row, split, 0)) {
            status = move_row(&m, &names, systems, row, err);
            mewl_progress_report(opts.progress, (double)(i + 1), (double)manifest->count, "bandwidth");
        }
    }
    if (status == MEWL_OK && m.count == 0) {
        status = mewl_error_set(err, MEWL_E_EMPTY, "no cry of at least %g kHz to compare", WIDE_RATE_HZ / 1000);
    }
    if (status == MEWL_OK) {
        mewl_interval median[MEWL_TRIAL_SYSTEMS_MAX];
        mewl_bootstrap_opts bootstrap = {.rounds = opts.rounds, .seed = opts.seed};
        status = mewl_bootstrap(median, system_count, m.group, NULL, m.count, median_moves, &m, bootstrap, err);
        if (status == MEWL_OK) {
            *out = moves_json(&m, systems, median, split, names.name_count, &opts);
        }
    }
    moves_fini(&m);
    mewl_trials_fini(&names);
    return status;
}
