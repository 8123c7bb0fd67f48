/* teacher.c - clips through a teacher: front end, network, sigmoid, and the cry score. */
#include "models/teacher.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/audioset.h"
#include "models/intake.h"
#include "models/teacher_net.h"
#include "models/yamnet.h"

/* YAMNet's windows in one run of the network: few, so that the last run is seldom half empty. */
#define ROWS_AT_ONCE 3

struct mewl_teacher {
    const mewl__teacher_kind *kind;
    bool windows; /* YAMNet: rows are windows */
    mewl_net *net;
    mewl__intake in;
    float *batch; /* YAMNet's windows side by side */
};

/* Puts the file's own mel matrix into the front end, at the band centres of the front end's own. */
static mewl_status use_mel(mewl_frontend *fe, const float *matrix, mewl_error *err)
{
    double centre_hz[MEWL_YAMNET_BANDS];
    mewl_mel *mel;
    for (size_t i = 0; i < MEWL_YAMNET_BANDS; i++) {
        centre_hz[i] = mewl_mel_centre_hz(mewl_frontend_mel(fe), i);
    }
    MEWL_TRY(mewl_mel_new_dense(&mel, matrix, centre_hz, MEWL_YAMNET_BANDS, MEWL_YAMNET_BINS, err));
    return mewl_frontend_set_mel(fe, mel, err);
}

mewl_status mewl_teacher_open(mewl_teacher **out, const char *name, const char *path, mewl_error *err)
{
    float *mel = NULL;
    *out = NULL;
    mewl_teacher *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    }
    mewl_status status = mewl__teacher_net_open(&t->net, &mel, &t->kind, name, path, err);
    if (status == MEWL_OK) {
        t->windows = strcmp(t->kind->name, "yamnet") == 0;
        status = mewl_frontend_new(&t->in.front_end, t->kind->front_end, err);
    }
    if (status == MEWL_OK && mel != NULL) {
        status = use_mel(t->in.front_end, mel, err);
    }
    if (status == MEWL_OK && t->windows) {
        t->batch = malloc(sizeof(float) * ROWS_AT_ONCE * MEWL_YAMNET_FRAMES * MEWL_YAMNET_BANDS);
        if (t->batch == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
        }
    }
    free(mel);
    if (status != MEWL_OK) {
        mewl_teacher_close(t);
        return status;
    }
    *out = t;
    return MEWL_OK;
}

void mewl_teacher_close(mewl_teacher *teacher)
{
    if (teacher != NULL) {
        mewl_net_free(teacher->net);
        mewl__intake_fini(&teacher->in);
        free(teacher->batch);
        free(teacher);
    }
}

const char *mewl_teacher_name(const mewl_teacher *teacher)
{
    return teacher->kind->name;
}

double mewl_teacher_rate_hz(const mewl_teacher *teacher)
{
    return teacher->kind->rate_hz;
}

size_t mewl_teacher_classes(const mewl_teacher *teacher)
{
    return teacher->kind->classes;
}

size_t mewl_teacher_embedding_size(const mewl_teacher *teacher)
{
    return teacher->kind->embedding;
}

int64_t mewl_teacher_params(const mewl_teacher *teacher)
{
    return mewl_net_param_elements(teacher->net);
}

const char *mewl_teacher_label(const mewl_teacher *teacher, size_t class_index)
{
    return mewl__teacher_label(teacher->kind, class_index);
}

size_t mewl_teacher_rows(const mewl_teacher *teacher, size_t count)
{
    if (count == 0) {
        return 0;
    }
    if (!teacher->windows || count < MEWL_YAMNET_WINDOW_SAMPLES) {
        return 1;
    }
    return 1 + (count - MEWL_YAMNET_WINDOW_SAMPLES) / MEWL_YAMNET_HOP_SAMPLES;
}

/* What has been gathered of one clip. */
typedef struct tally {
    mewl_teacher_result *result;
    size_t row, best;
    float best_logit;
} tally;

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* One row of the network's outputs into the result. */
static void take_row(const mewl_teacher *t, tally *sum, const float *logits, const float *embedding)
{
    mewl_teacher_result *r = sum->result;
    const size_t classes = t->kind->classes;
    for (size_t i = 0; r->logits != NULL && i < classes; i++) {
        r->logits[sum->row * classes + i] = logits[i];
    }
    for (size_t i = 0; r->scores != NULL && i < classes; i++) {
        r->scores[sum->row * classes + i] = sigmoid(logits[i]);
    }
    for (size_t i = 0; r->embedding != NULL && i < t->kind->embedding; i++) {
        r->embedding[i] += embedding[i];
    }
    if (r->row_embeddings != NULL) {
        memcpy(r->row_embeddings + sum->row * t->kind->embedding, embedding, t->kind->embedding * sizeof *embedding);
    }
    const float cry = fmaxf(logits[t->kind->crying], logits[t->kind->baby_cry]);
    if (r->row_cry != NULL) {
        r->row_cry[sum->row] = sigmoid(cry);
    }
    if (cry > sum->best_logit) {
        sum->best_logit = cry;
        sum->best = sum->row;
    }
    sum->row++;
}

/* Runs the network on `rows` rows of `frames` frames and takes the first `wanted` of them. */
static mewl_status run(mewl_teacher *t, tally *sum, const float *input, size_t rows, size_t frames, size_t wanted,
                       mewl_error *err)
{
    const mewl_net_plan_opts opts = {.batch = (int64_t)rows, .frames = (int64_t)frames, .threads = 1};
    MEWL_TRY(mewl_net_plan(t->net, opts, err));
    MEWL_TRY(mewl_net_forward(t->net, input, err));
    const float *logits = mewl_net_output_value(t->net, t->kind->logits_out, NULL);
    const float *embedding = mewl_net_output_value(t->net, t->kind->embedding_out, NULL);
    for (size_t i = 0; i < wanted; i++) {
        take_row(t, sum, logits + i * t->kind->classes, embedding + i * t->kind->embedding);
    }
    return MEWL_OK;
}

/* YAMNet: windows of 96 frames, 48 frames apart, a fixed number at once, so that the network is planned once. Rows
 * beyond the last are what the batch held before, and are not looked at. */
static mewl_status run_windows(mewl_teacher *t, tally *sum, size_t rows, mewl_error *err)
{
    const size_t window = (size_t)MEWL_YAMNET_FRAMES * MEWL_YAMNET_BANDS;
    const size_t hop = MEWL_YAMNET_HOP_SAMPLES / mewl_frontend_hop_samples(t->in.front_end) * MEWL_YAMNET_BANDS;
    for (size_t first = 0; first < rows; first += ROWS_AT_ONCE) {
        const size_t wanted = rows - first < ROWS_AT_ONCE ? rows - first : ROWS_AT_ONCE;
        memset(t->batch, 0, sizeof(float) * ROWS_AT_ONCE * window);
        for (size_t i = 0; i < wanted; i++) {
            memcpy(t->batch + i * window, t->in.frames + (first + i) * hop, window * sizeof(float));
        }
        MEWL_TRY(run(t, sum, t->batch, ROWS_AT_ONCE, MEWL_YAMNET_FRAMES, wanted, err));
    }
    return MEWL_OK;
}

mewl_status mewl_teacher_score(mewl_teacher *teacher, mewl_teacher_result *result, const float *samples, size_t count,
                               mewl_error *err)
{
    if (teacher == NULL || result == NULL || (samples == NULL && count != 0)) {
        return mewl_error_set(err, MEWL_E_ARG, "a teacher needs samples and a place for its scores");
    }
    size_t frames = 0;
    tally sum = {.result = result, .best_logit = -FLT_MAX};
    const size_t rows = mewl_teacher_rows(teacher, count);
    const size_t least =
        teacher->windows ? MEWL_YAMNET_WINDOW_SAMPLES : mewl_frontend_hop_samples(teacher->in.front_end);
    MEWL_TRY(mewl__intake_take(&teacher->in, &frames, samples, count, least, err));
    if (result->embedding != NULL) {
        memset(result->embedding, 0, teacher->kind->embedding * sizeof(float));
    }
    MEWL_TRY(teacher->windows ? run_windows(teacher, &sum, rows, err)
                              : run(teacher, &sum, teacher->in.frames, 1, frames, 1, err));
    for (size_t i = 0; result->embedding != NULL && i < teacher->kind->embedding; i++) {
        result->embedding[i] /= (float)rows;
    }
    const size_t row_samples = teacher->windows ? MEWL_YAMNET_WINDOW_SAMPLES : count;
    result->cry = sigmoid(sum.best_logit);
    result->cry_s = ((double)(sum.best * MEWL_YAMNET_HOP_SAMPLES) + (double)row_samples / 2) / teacher->kind->rate_hz;
    return MEWL_OK;
}
