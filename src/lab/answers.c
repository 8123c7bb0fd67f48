/* answers.c - see answers.h. */
#include "lab/answers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/clip.h"
#include "base/json.h"
#include "models/classifier.h"

#define PATH_BYTES 4200
#define LOGIT_MAX 1e6F /* what is beyond is no logit */

void mewl__answers_fini(mewl__answers *a)
{
    free(a->sum);
    *a = (mewl__answers){0};
}

static mewl_status begin(mewl__answers *a, const mewl_manifest *manifest, size_t classes, mewl_error *err)
{
    if (a->sum != NULL) {
        return MEWL_OK;
    }
    a->sum = calloc(manifest->count * classes + 1, sizeof *a->sum);
    a->rows = manifest->count;
    a->classes = classes;
    return a->sum != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for what the teachers say");
}

/* Whether the row is one that the training's loader takes. */
static bool trained_on(const mewl_manifest *manifest, size_t i, const mewl_recipe *recipe, const char *const *classes,
                       size_t count)
{
    char buffer[64];
    const mewl_row *row = &manifest->rows[i];
    const char *name = mewl_manifest_value(manifest, row, recipe->classify_column, buffer, sizeof buffer);
    bool known = false;
    for (size_t k = 0; k < count; k++) {
        known = known || strcmp(classes[k], name) == 0;
    }
    return known && strcmp(row->split, "train") == 0;
}

/* ---- Asking ---- */

static mewl_status score_row(mewl_classifier *teacher, float *logits, const mewl_row *row, mewl_error *err)
{
    const double rate_hz = mewl_classifier_describe(teacher)->rate_hz;
    mewl_clip clip;
    MEWL_TRY(mewl_clip_read(&clip, row->path, rate_hz, MEWL_CLASSIFIER_MAX_SECONDS, err));
    const size_t from = isnan(row->onset_s) ? 0 : (size_t)fmin((double)clip.count, row->onset_s * rate_hz);
    const size_t to = isnan(row->offset_s) ? clip.count : (size_t)fmin((double)clip.count, row->offset_s * rate_hz);
    mewl_classifier_result result = {.logits = logits};
    mewl_status status = mewl_classifier_score(teacher, &result, clip.samples + from, to > from ? to - from : 0, err);
    mewl_clip_fini(&clip);
    return status == MEWL_OK ? status : mewl_error_prefix(err, status, "%s", row->path);
}

static mewl_status match_labels(size_t *order, const mewl_classifier *teacher, const char *const *classes, size_t count,
                                const char *path, mewl_error *err)
{
    const size_t labels = mewl_classifier_describe(teacher)->classes;
    for (size_t k = 0; k < count; k++) {
        order[k] = 0;
        while (order[k] < labels && strcmp(mewl_classifier_label(teacher, order[k]), classes[k]) != 0) {
            order[k]++;
        }
        if (order[k] == labels) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: the teacher has no class `%s`", path, classes[k]);
        }
    }
    return MEWL_OK;
}

static mewl_status ask_rows(mewl__answers *a, const mewl_manifest *manifest, const mewl_recipe *recipe,
                            const char *const *classes, mewl_classifier *teacher, const size_t *order, float *logits,
                            const volatile sig_atomic_t *stop, const mewl_progress *progress, mewl_error *err)
{
    for (size_t i = 0; i < manifest->count; i++) {
        if (stop != NULL && *stop != 0) {
            return mewl_error_set(err, MEWL_E_CANCELLED, "stopped while the teachers were asked");
        }
        if (trained_on(manifest, i, recipe, classes, a->classes)) {
            MEWL_TRY(score_row(teacher, logits, &manifest->rows[i], err));
            for (size_t k = 0; k < a->classes; k++) {
                a->sum[i * a->classes + k] += logits[order[k]];
            }
        }
        mewl_progress_report(progress, (double)(i + 1), (double)manifest->count, "asking the teacher");
    }
    return MEWL_OK;
}

mewl_status mewl__answers_ask(mewl__answers *a, const mewl_manifest *manifest, const mewl_recipe *recipe,
                              const char *const *classes, size_t count, const char *path,
                              const volatile sig_atomic_t *stop, const mewl_progress *progress, mewl_error *err)
{
    mewl_classifier *teacher = NULL;
    MEWL_TRY(begin(a, manifest, count, err));
    MEWL_TRY(mewl_classifier_open(&teacher, path, err));
    float *logits = calloc(mewl_classifier_describe(teacher)->classes + 1, sizeof *logits);
    size_t *order = calloc(count + 1, sizeof *order);
    mewl_status status = logits != NULL && order != NULL
                             ? match_labels(order, teacher, classes, count, path, err)
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a teacher");
    if (status == MEWL_OK) {
        status = ask_rows(a, manifest, recipe, classes, teacher, order, logits, stop, progress, err);
        a->count++;
    }
    free(logits);
    free(order);
    mewl_classifier_close(teacher);
    return status;
}

/* ---- Stored answers ---- */

typedef struct answer {
    char *path; /* real */
    const json_t *classes;
} answer;

static int compare_answers(const void *a, const void *b)
{
    return strcmp(((const answer *)a)->path, ((const answer *)b)->path);
}

/* The real path of a recording that a document names, to be freed; NULL where there is none. */
static char *real_path(const char *document, const char *file)
{
    char beside[PATH_BYTES];
    const char *slash = strrchr(document, '/');
    if (file[0] != '/' && slash != NULL) {
        const int length = snprintf(beside, sizeof beside, "%.*s/%s", (int)(slash - document), document, file);
        char *found = length > 0 && (size_t)length < sizeof beside ? realpath(beside, NULL) : NULL;
        if (found != NULL) {
            return found;
        }
    }
    return realpath(file, NULL);
}

/* What the document says of recordings that are there, by path; *list is to be freed with free_answers. */
static mewl_status list_answers(answer **list, size_t *count, const json_t *document, const char *path, mewl_error *err)
{
    const json_t *files = json_object_get(document, "files");
    if (json_object_get(document, "window_s") != NULL) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: answers of windows; whole recordings are wanted (no --window)",
                              path);
    }
    if (!json_is_array(files)) {
        return mewl_error_set(err, MEWL_E_FORMAT,
                              "%s: has no list \"files\"; stored answers are what `mewl predict --json` prints", path);
    }
    *list = calloc(json_array_size(files) + 1, sizeof **list);
    if (*list == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory for its answers", path);
    }
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *row = json_array_get(files, i);
        const char *file = json_string_value(json_object_get(row, "file"));
        const json_t *classes = json_object_get(row, "classes");
        char *real = file != NULL && json_is_array(classes) ? real_path(path, file) : NULL; /* not an error's row */
        if (real != NULL) {
            (*list)[(*count)++] = (answer){real, classes};
        }
    }
    qsort(*list, *count, sizeof **list, compare_answers);
    for (size_t i = 1; i < *count; i++) {
        if (strcmp((*list)[i - 1].path, (*list)[i].path) == 0) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: answers twice for %s", path, (*list)[i].path);
        }
    }
    return MEWL_OK;
}

static void free_answers(answer *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].path);
    }
    free(list);
}

static mewl_status add_answer(float *sum, const answer *said, const char *const *classes, size_t count,
                              const char *path, mewl_error *err)
{
    for (size_t k = 0; k < count; k++) {
        const json_t *logit = NULL;
        for (size_t i = 0; logit == NULL && i < json_array_size(said->classes); i++) {
            const json_t *one = json_array_get(said->classes, i);
            const char *label = json_string_value(json_object_get(one, "label"));
            logit = label != NULL && strcmp(label, classes[k]) == 0 ? json_object_get(one, "logit") : NULL;
        }
        const float value = json_is_number(logit) ? (float)json_number_value(logit) : NAN;
        if (!(fabsf(value) <= LOGIT_MAX)) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: says nothing of class `%s` for %s", path, classes[k],
                                  said->path);
        }
        sum[k] += value;
    }
    return MEWL_OK;
}

static mewl_status read_rows(mewl__answers *a, const mewl_manifest *manifest, const mewl_recipe *recipe,
                             const char *const *classes, const answer *list, size_t count, const char *path,
                             mewl_error *err)
{
    for (size_t i = 0; i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        if (!trained_on(manifest, i, recipe, classes, a->classes)) {
            continue;
        }
        if (!isnan(row->onset_s) || !isnan(row->offset_s)) {
            return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                                  "%s: stored answers are of whole recordings, and a stretch of %s is trained on", path,
                                  row->path);
        }
        answer wanted = {.path = realpath(row->path, NULL)};
        const answer *said = wanted.path != NULL ? bsearch(&wanted, list, count, sizeof *list, compare_answers) : NULL;
        free(wanted.path);
        if (said == NULL) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: holds no answer for %s", path, row->path);
        }
        MEWL_TRY(add_answer(a->sum + i * a->classes, said, classes, a->classes, path, err));
    }
    return MEWL_OK;
}

mewl_status mewl__answers_read(mewl__answers *a, const mewl_manifest *manifest, const mewl_recipe *recipe,
                               const char *const *classes, size_t count, const char *path, mewl_error *err)
{
    json_t *document = NULL;
    answer *list = NULL;
    size_t known = 0;
    MEWL_TRY(begin(a, manifest, count, err));
    MEWL_TRY(mewl_json_read(&document, path, MEWL__ANSWERS_BYTES_MAX, err));
    mewl_status status = list_answers(&list, &known, document, path, err);
    if (status == MEWL_OK) {
        status = read_rows(a, manifest, recipe, classes, list, known, path, err);
        a->count++;
    }
    free_answers(list, known);
    json_decref(document);
    return status;
}
