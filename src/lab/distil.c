/* distil.c - teachers of a training of classes by recipe. */
#include "lab/distil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/classifier.h"

void mewl__distil_fini(mewl__distil *d)
{
    for (size_t i = 0; i < d->count; i++) {
        mewl_model_free(d->teachers[i]);
        free(d->order[i]);
    }
    free(d->said);
    free(d->mean);
    mewl__answers_fini(&d->answers);
    memset(d, 0, sizeof *d);
}

void mewl__distil_path(char *path, const mewl_recipe *recipe, const char *name)
{
    const char *slash = recipe->path != NULL ? strrchr(recipe->path, '/') : NULL;
    int folder = name[0] != '/' && slash != NULL ? (int)(slash - recipe->path) + 1 : 0;
    (void)snprintf(path, MEWL__DISTIL_PATH_BYTES, "%.*s%s", folder, folder > 0 ? recipe->path : "", name);
}

/* Finds the student's classes among the teacher's. */
static mewl_status match_classes(int64_t *order, const mewl_model *teacher, const char *const *classes, size_t count,
                                 const char *path, mewl_error *err)
{
    for (size_t k = 0; k < count; k++) {
        order[k] = mewl_model_label_find(teacher, classes[k]);
        if (order[k] < 0) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: the teacher has no class `%s`", path, classes[k]);
        }
    }
    return MEWL_OK;
}

/* A model of ours that hears what the student hears. */
static mewl_status open_teacher(mewl__distil *d, const mewl_recipe *recipe, const char *path,
                                const char *const *classes, mewl_error *err)
{
    mewl_model *teacher = NULL;
    MEWL_TRY(mewl_model_load(&teacher, path, err));
    d->teachers[d->count] = teacher;
    d->order[d->count] = calloc(d->classes, sizeof *d->order[0]);
    size_t at = d->count++; /* fini frees both from here on */
    if (d->order[at] == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a teacher");
    }
    MEWL_TRY(match_classes(d->order[at], teacher, classes, d->classes, path, err));
    mewl_model_mode mode = {.bf16 = strcmp(recipe->train_precision, "bf16") == 0,
                            .threads = (int)recipe->train_threads};
    return mewl_model_plan(teacher, mode, err);
}

/* Whether the model takes the student's features as they are. */
static mewl_status hears_batches(bool *out, const mewl_recipe *recipe, const char *path, mewl_error *err)
{
    mewl_classifier *model = NULL;
    MEWL_TRY(mewl_classifier_open(&model, path, err));
    const mewl_classifier_info *info = mewl_classifier_describe(model);
    *out = !info->teacher && strcmp(info->front_end, recipe->model_frontend) == 0;
    mewl_classifier_close(model);
    return MEWL_OK;
}

static mewl_status open_all(mewl__distil *d, const mewl_recipe *recipe, const mewl_manifest *manifest,
                            const char *const *classes, const volatile sig_atomic_t *stop,
                            const mewl_progress *progress, mewl_error *err)
{
    char path[MEWL__DISTIL_PATH_BYTES];
    for (size_t i = 0; i < recipe->distil_teacher.count; i++) {
        bool batches = false;
        mewl__distil_path(path, recipe, recipe->distil_teacher.items[i]);
        MEWL_TRY(hears_batches(&batches, recipe, path, err));
        MEWL_TRY(
            batches ? open_teacher(d, recipe, path, classes, err)
                    : mewl__answers_ask(&d->answers, manifest, recipe, classes, d->classes, path, stop, progress, err));
    }
    for (size_t i = 0; i < recipe->distil_logits.count; i++) {
        mewl__distil_path(path, recipe, recipe->distil_logits.items[i]);
        MEWL_TRY(mewl__answers_read(&d->answers, manifest, recipe, classes, d->classes, path, err));
    }
    return MEWL_OK;
}

bool mewl__distil_any(const mewl__distil *d)
{
    return d->count + d->answers.count > 0;
}

mewl_status mewl__distil_open(mewl__distil *d, const mewl_recipe *recipe, const mewl_manifest *manifest,
                              const char *const *classes, size_t count, const volatile sig_atomic_t *stop,
                              const mewl_progress *progress, mewl_error *err)
{
    memset(d, 0, sizeof *d);
    if (recipe->distil_teacher.count + recipe->distil_logits.count == 0 ||
        strcmp(recipe->recipe_task, "embed") == 0) { /* embed: tutor.h */
        return MEWL_OK;
    }
    if (strcmp(recipe->recipe_task, "classify") != 0 || recipe->classify_multi_label || classes == NULL) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                              "%s: [distil] is for recipes of task embed, or of task classify with one class a clip",
                              recipe->path);
    }
    if (recipe->distil_teacher.count > MEWL__DISTIL_TEACHERS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: more than %d teachers", recipe->path, MEWL__DISTIL_TEACHERS_MAX);
    }
    d->classes = count;
    mewl_status status = open_all(d, recipe, manifest, classes, stop, progress, err);
    if (status == MEWL_OK && d->answers.count > 0 && recipe->augment_mixup_probability > 0) {
        status = mewl_error_set(err, MEWL_E_UNSUPPORTED,
                                "%s: augment.mixup_probability is for teachers that hear the mixture: models of ours "
                                "with the front end %s",
                                recipe->path, recipe->model_frontend);
    }
    if (status != MEWL_OK) {
        mewl__distil_fini(d);
    }
    return status;
}

static mewl_status grow(float **at, size_t *room, size_t count, mewl_error *err)
{
    if (count <= *room) {
        return MEWL_OK;
    }
    free(*at);
    *at = calloc(count, sizeof **at);
    *room = *at != NULL ? count : 0;
    return *at != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for what the teachers say");
}

mewl_status mewl__distil_ask(mewl__distil *d, const float **logits, const mewl_batch *batch, mewl_error *err)
{
    MEWL_TRY(grow(&d->mean, &d->mean_room, batch->count * d->classes, err));
    const float share = 1 / (float)(d->count + d->answers.count);
    for (size_t i = 0; i < batch->count * d->classes; i++) {
        const size_t row = batch->sounds[i / d->classes];
        d->mean[i] = d->answers.count > 0 ? share * d->answers.sum[row * d->classes + i % d->classes] : 0;
    }
    for (size_t i = 0; i < d->count; i++) {
        const mewl_model_config *config = mewl_model_configuration(d->teachers[i]);
        size_t classes = (size_t)config->classes;
        if (config->bands != (int64_t)batch->bands) {
            return mewl_error_set(err, MEWL_E_SHAPE, "a teacher takes frames of %lld floats, the batch has %zu",
                                  (long long)config->bands, batch->bands);
        }
        MEWL_TRY(grow(&d->said, &d->said_room, batch->count * classes, err));
        MEWL_TRY(mewl_model_forward(d->teachers[i], batch->features, (int64_t)batch->count, (int64_t)batch->frames,
                                    d->said, NULL, NULL, err));
        for (size_t n = 0; n < batch->count; n++) {
            for (size_t k = 0; k < d->classes; k++) {
                d->mean[n * d->classes + k] += share * d->said[n * classes + (size_t)d->order[i][k]];
            }
        }
    }
    *logits = d->mean;
    return MEWL_OK;
}
