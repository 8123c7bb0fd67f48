/* reasoner.c - see reasoner.h. */
#include "hear/reasoner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/checkpoint.h"

#define KEY "mewl.reason"
#define WEIGHT "head.weight"

struct mewl_reasoner {
    mewl_reason model;
    mewl_embedder *embedder;
    float *vector;
};

static void put_opts(json_t *json, mewl_embedder_opts opts)
{
    json_t *own = json_object();
    (void)mewl_json_set_bool(own, "spread", opts.pool == MEWL_EMBEDDER_MEAN_STD);
    (void)mewl_json_set_bool(own, "cry_weighted", opts.cry_weighted);
    (void)mewl_json_set_real(own, "window_s", opts.window_s);
    (void)mewl_json_set_real(own, "hop_s", opts.hop_s);
    (void)mewl_json_set(json, "pooling", own);
}

static mewl_status get_opts(mewl_embedder_opts *out, const json_t *json, const char *name, mewl_error *err)
{
    const json_t *own = json_object_get(json, "pooling");
    bool spread = false;
    *out = (mewl_embedder_opts){0};
    MEWL_TRY(mewl_json_get_bool(own, &spread, "spread", name, err));
    MEWL_TRY(mewl_json_get_bool(own, &out->cry_weighted, "cry_weighted", name, err));
    MEWL_TRY(mewl_json_get_real(own, &out->window_s, "window_s", name, err));
    MEWL_TRY(mewl_json_get_real(own, &out->hop_s, "hop_s", name, err));
    out->pool = spread ? MEWL_EMBEDDER_MEAN_STD : MEWL_EMBEDDER_MEAN;
    return MEWL_OK;
}

mewl_status mewl_reasoner_write(const mewl_reason *reason, mewl_embedder_opts opts, const char *const (*notes)[2],
                                size_t note_count, const char *path, mewl_error *err)
{
    mewl_checkpoint *file = NULL;
    json_t *json = mewl_reason_to_json(reason);
    put_opts(json, opts);
    char *text = mewl_json_text(json, false);
    json_decref(json);
    mewl_status status = text != NULL ? mewl_checkpoint_new(&file, err)
                                      : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a reason model");
    if (status == MEWL_OK) {
        status = mewl_checkpoint_set_text(file, KEY, text, err);
    }
    for (size_t i = 0; status == MEWL_OK && i < note_count; i++) {
        status = mewl_checkpoint_set_text(file, notes[i][0], notes[i][1], err);
    }
    if (status == MEWL_OK) {
        const int64_t dim[] = {(int64_t)reason->classes, (int64_t)reason->dims};
        status = mewl_checkpoint_put(file, WEIGHT, MEWL_DTYPE_F32, 2, dim, reason->weight, err);
    }
    if (status == MEWL_OK) {
        status = mewl_checkpoint_write(file, path, err);
    }
    mewl_checkpoint_free(file);
    free(text);
    return status;
}

/* The model in an open file, and how its vectors are pooled. */
static mewl_status take(mewl_reason *out, mewl_embedder_opts *opts, const mewl_checkpoint *file, const char *path,
                        mewl_error *err)
{
    json_t *json = NULL;
    const char *text = mewl_checkpoint_text(file, KEY);
    if (text == NULL) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: this is no reason model", path);
    }
    MEWL_TRY(mewl_json_parse(&json, text, strlen(text), path, err));
    mewl_status status = get_opts(opts, json, path, err);
    if (status == MEWL_OK) {
        status = mewl_reason_from_json(out, json, path, err);
    }
    json_decref(json);
    if (status != MEWL_OK) {
        return status == MEWL_E_NOT_FOUND ? MEWL_E_FORMAT : status;
    }
    const size_t count = out->classes * out->dims;
    status = mewl_checkpoint_get_f32(file, out->weight, WEIGHT, (int64_t)count, err);
    for (size_t i = 0; status == MEWL_OK && i < count; i++) {
        if (!isfinite(out->weight[i])) {
            status = mewl_error_set(err, MEWL_E_FORMAT, "%s: weight %zu is no number", path, i);
        }
    }
    return status;
}

/* All texts of the file's metadata but the model itself. */
static json_t *notes_of(const mewl_checkpoint *file)
{
    const char *key, *text;
    json_t *notes = json_object();
    for (size_t i = 0; mewl_checkpoint_text_at(file, &key, &text, i); i++) {
        if (strcmp(key, KEY) != 0) {
            (void)mewl_json_set_string(notes, key, text);
        }
    }
    return notes;
}

mewl_status mewl_reasoner_read(mewl_reason *out, mewl_embedder_opts *opts, json_t **notes, const char *path,
                               mewl_error *err)
{
    mewl_checkpoint *file;
    *out = (mewl_reason){0};
    MEWL_TRY(mewl_checkpoint_read(&file, path, err));
    const mewl_status status = take(out, opts, file, path, err);
    if (status != MEWL_OK) {
        mewl_reason_fini(out);
    } else if (notes != NULL) {
        *notes = notes_of(file);
    }
    mewl_checkpoint_free(file);
    return status;
}

static mewl_status open_parts(mewl_reasoner *r, const char *path, const char *embedder_path, mewl_error *err)
{
    mewl_embedder_opts opts;
    MEWL_TRY(mewl_reasoner_read(&r->model, &opts, NULL, path, err));
    MEWL_TRY(mewl_embedder_open(&r->embedder, embedder_path, opts, err));
    const mewl_embedder_info *info = mewl_embedder_describe(r->embedder);
    if (strcmp(info->id, r->model.embedder_id) != 0 || info->size != r->model.dims) {
        return mewl_error_set(err, MEWL_E_STATE, "%s was made with another network than %s", path, embedder_path);
    }
    r->vector = calloc(info->size, sizeof *r->vector);
    return r->vector != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
}

mewl_status mewl_reasoner_open(mewl_reasoner **out, const char *path, const char *embedder_path, mewl_error *err)
{
    *out = NULL;
    mewl_reasoner *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    }
    const mewl_status status = open_parts(r, path, embedder_path, err);
    if (status != MEWL_OK) {
        mewl_reasoner_close(r);
        return status;
    }
    *out = r;
    return MEWL_OK;
}

void mewl_reasoner_close(mewl_reasoner *reasoner)
{
    if (reasoner != NULL) {
        mewl_reason_fini(&reasoner->model);
        mewl_embedder_close(reasoner->embedder);
        free(reasoner->vector);
        free(reasoner);
    }
}

const mewl_reason *mewl_reasoner_model(const mewl_reasoner *reasoner)
{
    return &reasoner->model;
}

double mewl_reasoner_rate_hz(const mewl_reasoner *reasoner)
{
    return mewl_embedder_describe(reasoner->embedder)->rate_hz;
}

mewl_status mewl_reasoner_ask(mewl_reasoner *reasoner, mewl_reason_answer *out, const float *samples, size_t count,
                              mewl_error *err)
{
    const double rate_hz = mewl_reasoner_rate_hz(reasoner);
    const size_t most = (size_t)(MEWL_REASONER_SECONDS_MAX * rate_hz);
    if ((double)count < MEWL_REASONER_SECONDS_MIN * rate_hz) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%.2f s of sound are too short to ask about", (double)count / rate_hz);
    }
    MEWL_TRY(mewl_embedder_run(reasoner->embedder, reasoner->vector, NULL, samples, count < most ? count : most, err));
    return mewl_reason_ask(&reasoner->model, out, reasoner->vector, err);
}
