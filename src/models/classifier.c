/* classifier.c - a teacher or a model of ours, and what both have in common. */
#include "models/classifier.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/cry.h"
#include "models/intake.h"
#include "models/model_private.h"
#include "models/teacher.h"
#include "models/teacher_net.h"
#include "nn/loss.h"

struct mewl_classifier {
    mewl_classifier_info info;
    mewl_teacher *teacher; /* or */
    mewl_model *model;
    mewl__intake in; /* of the model */
    float *logits;   /* classes */
    float *rows;     /* of a teacher: rows x classes */
    size_t rows_room;
};

mewl_status mewl__model_read(mewl_model **model, const char *path, mewl_error *err)
{
    char head[9] = {0};
    mewl_checkpoint *file;
    *model = NULL;
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return mewl_error_errno(err, errno, path);
    }
    const bool json = fread(head, 1, sizeof head, f) == sizeof head && head[8] == '{';
    (void)fclose(f);
    if (!json) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_checkpoint_read(&file, path, err));
    const char *arch = mewl_checkpoint_text(file, MEWL__TEACHER_ARCH_KEY);
    mewl_status status = MEWL_OK;
    if (arch == NULL || mewl__teacher_kind_find(arch) == NULL) {
        status = mewl_model_from_checkpoint(model, file, err);
        status = status != MEWL_OK ? mewl_error_prefix(err, status, "%s", path) : MEWL_OK;
    }
    mewl_checkpoint_free(file);
    return status;
}

static mewl_status use_model(mewl_classifier *c, mewl_error *err)
{
    const mewl_model_config *config = mewl_model_configuration(c->model);
    const char *activation = mewl_model_note(c->model, "activation");
    MEWL_TRY(mewl_frontend_new(&c->in.front_end, config->front_end, err));
    c->info = (mewl_classifier_info){
        .arch = config->arch,
        .front_end = config->front_end,
        .rate_hz = mewl_frontend_rate_hz(c->in.front_end),
        .classes = (size_t)config->classes,
        .embedding = (size_t)mewl_model_embedding_size(c->model),
        .bands = (size_t)config->bands,
        .params = mewl_net_param_elements(mewl_model_net(c->model)),
        .softmax = activation != NULL && strcmp(activation, "softmax") == 0,
        .framewise = config->framewise,
    };
    if (mewl_frontend_bands(c->in.front_end) != c->info.bands) {
        return mewl_error_set(err, MEWL_E_FORMAT, "the model takes %zu bands, its front end `%s` gives %zu",
                              c->info.bands, config->front_end, mewl_frontend_bands(c->in.front_end));
    }
    return mewl_model_plan(c->model, (mewl_model_mode){.threads = 1}, err);
}

static void use_teacher(mewl_classifier *c)
{
    const mewl__teacher_kind *kind = mewl__teacher_kind_find(mewl_teacher_name(c->teacher));
    c->info = (mewl_classifier_info){
        .arch = kind->name,
        .front_end = kind->front_end,
        .rate_hz = kind->rate_hz,
        .classes = kind->classes,
        .embedding = kind->embedding,
        .bands = kind->bands,
        .params = mewl_teacher_params(c->teacher),
        .teacher = true,
    };
}

mewl_status mewl_classifier_open(mewl_classifier **out, const char *path, mewl_error *err)
{
    *out = NULL;
    mewl_classifier *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    }
    mewl_status status = mewl__model_read(&c->model, path, err);
    if (status == MEWL_OK && c->model != NULL) {
        status = use_model(c, err);
        status = status != MEWL_OK ? mewl_error_prefix(err, status, "%s", path) : MEWL_OK;
    } else if (status == MEWL_OK) {
        status = mewl_teacher_open(&c->teacher, NULL, path, err);
        if (status == MEWL_OK) {
            use_teacher(c);
        }
    }
    if (status == MEWL_OK) {
        c->logits = calloc(c->info.classes + 1, sizeof *c->logits);
        if (c->logits == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
        }
    }
    if (status != MEWL_OK) {
        mewl_classifier_close(c);
        return status;
    }
    *out = c;
    return MEWL_OK;
}

void mewl_classifier_close(mewl_classifier *classifier)
{
    if (classifier != NULL) {
        mewl_teacher_close(classifier->teacher);
        mewl_model_free(classifier->model);
        mewl__intake_fini(&classifier->in);
        free(classifier->logits);
        free(classifier->rows);
        free(classifier);
    }
}

mewl_model *mewl_classifier_model(mewl_classifier *classifier)
{
    return classifier->model;
}

const mewl_classifier_info *mewl_classifier_describe(const mewl_classifier *classifier)
{
    return &classifier->info;
}

const char *mewl_classifier_label(const mewl_classifier *classifier, size_t index)
{
    if (index >= classifier->info.classes) {
        return NULL;
    }
    return classifier->teacher != NULL ? mewl_teacher_label(classifier->teacher, index)
                                       : mewl_model_label(classifier->model, (int64_t)index);
}

bool mewl_classifier_is_cry(const mewl_classifier *classifier, size_t index)
{
    return index < classifier->info.classes &&
           (classifier->info.classes == 1 || mewl_cry_label_is(mewl_classifier_label(classifier, index)));
}

bool mewl_classifier_note_at(const mewl_classifier *classifier, const char **key, const char **text, size_t index)
{
    if (classifier->model != NULL) {
        return mewl_model_note_at(classifier->model, key, text, index);
    }
    if (index > 0) {
        return false;
    }
    *key = "licence";
    *text = mewl__teacher_kind_find(classifier->info.arch)->licence;
    return true;
}

size_t mewl_classifier_rows(const mewl_classifier *classifier, size_t count)
{
    return classifier->teacher != NULL ? mewl_teacher_rows(classifier->teacher, count) : count > 0;
}

/* Clip logits of a teacher: of each class the largest over the rows. */
static mewl_status run_teacher(mewl_classifier *c, const mewl_classifier_result *wanted, const float *samples,
                               size_t count, mewl_error *err)
{
    const size_t rows = mewl_teacher_rows(c->teacher, count), classes = c->info.classes;
    if ((double)count <= MEWL_TEACHER_MAX_SECONDS * c->info.rate_hz) { /* else score says what is wrong */
        MEWL_TRY(mewl__intake_grow(&c->rows, &c->rows_room, rows * classes, err));
    }
    mewl_teacher_result result = {.logits = c->rows,
                                  .embedding = wanted->embedding,
                                  .row_embeddings = wanted->row_embeddings,
                                  .row_cry = wanted->row_cry};
    MEWL_TRY(mewl_teacher_score(c->teacher, &result, samples, count, err));
    for (size_t k = 0; k < classes; k++) {
        c->logits[k] = c->rows[k];
        for (size_t row = 1; row < rows; row++) {
            c->logits[k] = fmaxf(c->logits[k], c->rows[row * classes + k]);
        }
    }
    return MEWL_OK;
}

static mewl_status run_model(mewl_classifier *c, const mewl_classifier_result *wanted, const float *samples,
                             size_t count, mewl_error *err)
{
    const size_t least = (size_t)mewl_model_frames_min(c->model) * mewl_frontend_hop_samples(c->in.front_end) +
                         mewl_frontend_window_samples(c->in.front_end);
    float *embedding = wanted->embedding != NULL ? wanted->embedding : wanted->row_embeddings;
    size_t frames = 0;
    MEWL_TRY(mewl__intake_take(&c->in, &frames, samples, count, least, err));
    float *logits = c->info.classes > 0 ? c->logits : NULL; /* embedders have none */
    MEWL_TRY(mewl_model_forward(c->model, c->in.frames, 1, (int64_t)frames, logits, NULL, embedding, err));
    if (wanted->row_embeddings != NULL && wanted->row_embeddings != embedding) {
        memcpy(wanted->row_embeddings, embedding, c->info.embedding * sizeof *embedding);
    }
    return MEWL_OK;
}

/* The largest probability among the classes that are cries. */
static float cry_of(const mewl_classifier *c, const float *probabilities)
{
    float cry = NAN;
    for (size_t k = 0; k < c->info.classes; k++) {
        cry = mewl_classifier_is_cry(c, k) ? fmaxf(cry, probabilities[k])
                                           : cry; /* fmaxf gives the number when one is NaN */
    }
    return cry;
}

mewl_status mewl_classifier_score(mewl_classifier *classifier, mewl_classifier_result *result, const float *samples,
                                  size_t count, mewl_error *err)
{
    if (classifier == NULL || result == NULL || (samples == NULL && count != 0)) {
        return mewl_error_set(err, MEWL_E_ARG, "a classifier needs samples and a place for its scores");
    }
    mewl_classifier *c = classifier;
    MEWL_TRY(c->teacher != NULL ? run_teacher(c, result, samples, count, err)
                                : run_model(c, result, samples, count, err));
    if (result->logits != NULL) {
        memcpy(result->logits, c->logits, c->info.classes * sizeof *c->logits);
    }
    if (c->info.softmax) {
        mewl_softmax(c->logits, c->logits, 1, c->info.classes, 1);
    } else {
        mewl_sigmoid(c->logits, c->logits, c->info.classes);
    }
    if (result->probabilities != NULL) {
        memcpy(result->probabilities, c->logits, c->info.classes * sizeof *c->logits);
    }
    result->cry = cry_of(c, c->logits);
    if (c->teacher == NULL && result->row_cry != NULL) {
        result->row_cry[0] = result->cry;
    }
    return MEWL_OK;
}
