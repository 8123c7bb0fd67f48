/* pretrain.c - what a teacher sees in stretches of sound, and networks that learn to see it. */
#include "lab/pretrain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/augment.h"
#include "audio/clip.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/npy.h"
#include "data/sha256.h"
#include "data/split.h"
#include "models/teacher.h"

#define SECONDS_READ 30.0
#define SEGMENTS_MAX 100000
#define TARGETS_MAX ((size_t)400000000)
#define PATH_BYTES 4200
#define HELD_OUT_SHARE 0.1
#define IDENTITY_BYTES_MAX 4096

static void path_in(char *path, const mewl_pretrain_opts *opts, const char *name, const char *ending)
{
    (void)snprintf(path, PATH_BYTES, "%.4000s/%.100s%s", opts->folder, name, ending);
}

/* ---- Asking the teacher ---- */

typedef struct asking {
    const mewl_pretrain_opts *opts;
    mewl_teacher *teacher;
    mewl_manifest segments;
    float *targets; /* (segments, size) */
    size_t size, room;
} asking;

static mewl_status make_room(asking *a, mewl_error *err)
{
    if (a->segments.count < a->room) {
        return MEWL_OK;
    }
    size_t room = a->room == 0 ? 1024 : 2 * a->room;
    float *larger = room <= SEGMENTS_MAX ? realloc(a->targets, room * a->size * sizeof *larger) : NULL;
    if (larger == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu stretches of sound", room);
    }
    a->targets = larger;
    a->room = room;
    return MEWL_OK;
}

static mewl_status ask_recording(asking *a, const mewl_row *row, mewl_error *err)
{
    double rate_hz = mewl_teacher_rate_hz(a->teacher);
    size_t length = (size_t)(MEWL_PRETRAIN_SEGMENT_S * rate_hz);
    mewl_clip clip;
    MEWL_TRY(mewl_clip_read(&clip, row->path, rate_hz, SECONDS_READ, err));
    mewl_status status = MEWL_OK;
    if (a->opts->lowpass_hz > 0 && clip.count > 0) {
        status = mewl_augment_lowpass(clip.samples, clip.count, rate_hz, a->opts->lowpass_hz, err);
    }
    size_t fit = clip.count < length ? 1 : clip.count / length;
    size_t count = fit < MEWL_PRETRAIN_PER_RECORDING ? fit : MEWL_PRETRAIN_PER_RECORDING;
    for (size_t i = 0; status == MEWL_OK && clip.count > 0 && i < count; i++) {
        size_t from = fit > 1 ? (clip.count - length) * i / (count > 1 ? count - 1 : 1) : 0;
        size_t left = clip.count - from;
        status = make_room(a, err);
        if (status == MEWL_OK) {
            mewl_teacher_result result = {.embedding = a->targets + a->segments.count * a->size};
            status = mewl_teacher_score(a->teacher, &result, clip.samples + from, left < length ? left : length, err);
        }
        if (status == MEWL_OK) {
            mewl_row segment = *row;
            segment.extra = NULL;
            segment.onset_s = (double)from / rate_hz;
            segment.offset_s = (double)(from + (left < length ? left : length)) / rate_hz;
            status = mewl_manifest_add(&a->segments, &segment, err);
        }
    }
    mewl_clip_fini(&clip);
    return status;
}

/* Each element to mean 0 and variance 1: what is easy must not drown what is hard. */
static void standardise(float *targets, size_t count, size_t size)
{
    for (size_t d = 0; d < size; d++) {
        double sum = 0;
        double squares = 0;
        for (size_t i = 0; i < count; i++) {
            double value = (double)targets[i * size + d];
            sum += value;
            squares += value * value;
        }
        double mean = sum / (double)count;
        double deviation = sqrt(fmax(0, squares / (double)count - mean * mean));
        double scale = deviation > 1e-6 ? 1 / deviation : 0; /* an element that never moves teaches nothing */
        for (size_t i = 0; i < count; i++) {
            targets[i * size + d] = (float)(((double)targets[i * size + d] - mean) * scale);
        }
    }
}

static mewl_status ask_all(asking *a, const mewl_manifest *manifest, mewl_error *err)
{
    for (size_t i = 0; i < manifest->count; i++) {
        if (a->opts->stop != NULL && *a->opts->stop != 0) {
            return mewl_error_set(err, MEWL_E_CANCELLED, "stopped");
        }
        mewl_error own = {0};
        mewl_status status = ask_recording(a, &manifest->rows[i], &own);
        if (status == MEWL_E_MEMORY || status == MEWL_E_LIBRARY) {
            return mewl_error_set(err, status, "%s", own.text);
        }
        if (status != MEWL_OK) {
            mewl_log_print(a->opts->log, MEWL_LOG_WARNING, "left out: %s", own.text);
        }
        mewl_progress_report(a->opts->progress, (double)(i + 1), (double)manifest->count, "asking the teacher");
    }
    return a->segments.count >= 2 ? MEWL_OK
                                  : mewl_error_set(err, MEWL_E_EMPTY, "there is no sound to ask the teacher about");
}

static mewl_status ask_and_write(const mewl_manifest *manifest, const json_t *identity, const mewl_pretrain_opts *opts,
                                 mewl_error *err)
{
    char path[PATH_BYTES];
    MEWL_TRY(mewl_folder_make(opts->folder, err));
    asking a = {.opts = opts};
    MEWL_TRY(mewl_manifest_init(&a.segments, err));
    mewl_status status = mewl_teacher_open(&a.teacher, NULL, opts->teacher, err);
    if (status == MEWL_OK) {
        a.size = mewl_teacher_embedding_size(a.teacher);
        status = ask_all(&a, manifest, err);
    }
    if (status == MEWL_OK) {
        standardise(a.targets, a.segments.count, a.size);
        path_in(path, opts, "segments", ".csv");
        status = mewl_manifest_write(&a.segments, path, err);
    }
    if (status == MEWL_OK) {
        path_in(path, opts, "targets", ".npy");
        status = mewl_npy_write_f32(path, a.targets, (size_t[2]){a.segments.count, a.size}, 2, err);
    }
    if (status == MEWL_OK) { /* last: where it is, the others are whole */
        path_in(path, opts, "asked", ".json");
        status = mewl_json_write(identity, path, err);
    }
    mewl_teacher_close(a.teacher);
    mewl_manifest_fini(&a.segments);
    free(a.targets);
    return status;
}

/* What the answers follow from: recordings by name, so that the same sets in another folder are the same; teacher by
 * content. */
static mewl_status identify(json_t **out, const mewl_manifest *manifest, const mewl_pretrain_opts *opts,
                            mewl_error *err)
{
    mewl_sha256 state;
    mewl_sha256_init(&state);
    for (size_t i = 0; i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        const char *slash = strrchr(row->path, '/');
        const char *name = slash != NULL ? slash + 1 : row->path;
        mewl_sha256_push(&state, name, strlen(name) + 1);
        mewl_sha256_push(&state, row->group, strlen(row->group) + 1);
    }
    uint8_t digest[32];
    char sounds[65];
    char teacher[65];
    mewl_sha256_finish(&state, digest);
    mewl_sha256_hex(sounds, digest);
    MEWL_TRY(mewl_sha256_file(teacher, opts->teacher, err));
    *out = json_object();
    if (*out == NULL || mewl_json_set_string(*out, "sounds", sounds) != MEWL_OK ||
        mewl_json_set_string(*out, "teacher", teacher) != MEWL_OK ||
        mewl_json_set_real(*out, "lowpass_hz", opts->lowpass_hz) != MEWL_OK) {
        json_decref(*out);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for the identity of the sounds");
    }
    return MEWL_OK;
}

/* MEWL_E_NOT_FOUND when nobody has asked into this folder yet, MEWL_E_STATE when somebody asked something else. */
static mewl_status compare_identity(const json_t *identity, const mewl_pretrain_opts *opts, mewl_error *err)
{
    char path[PATH_BYTES];
    json_t *there = NULL;
    path_in(path, opts, "asked", ".json");
    MEWL_TRY(mewl_json_read(&there, path, IDENTITY_BYTES_MAX, err));
    const bool same = json_equal(there, identity) == 1;
    json_decref(there);
    return same ? MEWL_OK
                : mewl_error_set(err, MEWL_E_STATE,
                                 "%s: the answers there are of other sounds or another teacher; name another folder "
                                 "with -o, or delete this one",
                                 opts->folder);
}

mewl_status mewl_pretrain_ask(const mewl_manifest *manifest, mewl_pretrain_opts opts, mewl_error *err)
{
    json_t *identity = NULL;
    MEWL_TRY(identify(&identity, manifest, &opts, err));
    mewl_error missing = {0};
    mewl_status status = compare_identity(identity, &opts, &missing);
    if (status == MEWL_E_NOT_FOUND) {
        status = ask_and_write(manifest, identity, &opts, err);
    } else if (status != MEWL_OK) {
        *err = missing;
    }
    json_decref(identity);
    return status;
}

/* ---- Teaching ---- */

typedef struct lesson {
    mewl_manifest segments;
    mewl_npy targets;
    mewl_clipset clips;
    size_t *train, *held;
    size_t train_count, held_count;
    bool has_segments;
} lesson;

static void lesson_fini(lesson *l)
{
    if (l->has_segments) {
        mewl_manifest_fini(&l->segments);
    }
    mewl_npy_fini(&l->targets);
    mewl_clipset_fini(&l->clips);
    free(l->train);
    free(l->held);
}

static mewl_status lesson_read(lesson *l, const char *front_end, const mewl_pretrain_opts *opts, mewl_error *err)
{
    char path[PATH_BYTES];
    path_in(path, opts, "segments", ".csv");
    MEWL_TRY(mewl_manifest_read(&l->segments, path, err));
    l->has_segments = true;
    path_in(path, opts, "targets", ".npy");
    MEWL_TRY(mewl_npy_read_f32(&l->targets, path, TARGETS_MAX, err));
    if (l->targets.ndim != 2 || l->targets.shape[0] != l->segments.count || l->targets.shape[1] < 1 ||
        l->targets.shape[1] > MEWL_MODEL_CLASSES_MAX) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: does not fit segments.csv beside it", path);
    }
    mewl_clipset_opts how = {.front_end = front_end, .lowpass_hz = opts->lowpass_hz, .progress = opts->progress};
    MEWL_TRY(mewl_clipset_read(&l->clips, &l->segments, how, err));
    l->train = calloc(l->clips.count, sizeof *l->train);
    l->held = calloc(l->clips.count, sizeof *l->held);
    if (l->train == NULL || l->held == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu stretches of sound", l->clips.count);
    }
    for (size_t i = 0; i < l->clips.count; i++) {
        char buffer[PATH_BYTES];
        const char *group = mewl_split_group(&l->segments.rows[i], buffer, sizeof buffer);
        if (strcmp(mewl_split_side(group, 1, HELD_OUT_SHARE, 0, 0), "valid") == 0) {
            l->held[l->held_count++] = i;
        } else {
            l->train[l->train_count++] = i;
        }
    }
    return MEWL_OK;
}

/* 1 - squared error over variance on the held-out stretches; NaN without any. */
static mewl_status explain(double *explained, mewl_model *model, const lesson *l, mewl_fit_opts fit, mewl_error *err)
{
    size_t size = l->targets.shape[1];
    float *out = calloc(l->held_count * size + 1, sizeof *out);
    if (out == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for the held-out side");
    }
    fit.crops = 1;
    mewl_status status = mewl_fit_predict(out, model, &l->clips, l->held, l->held_count, fit, err);
    double error = 0;
    double variance = 0;
    for (size_t i = 0; i < l->held_count; i++) {
        for (size_t d = 0; d < size; d++) {
            double want = (double)l->targets.data[l->held[i] * size + d];
            double miss = want - (double)out[i * size + d];
            error += miss * miss;
            variance += want * want;
        }
    }
    *explained = variance > 0 ? 1 - error / variance : NAN;
    free(out);
    return status;
}

static mewl_status save(mewl_model *model, const char *path, const mewl_pretrain_result *r, mewl_error *err)
{
    char text[300];
    (void)snprintf(text, sizeof text, "%.6f %zu %zu", r->explained, r->segments, r->held_out);
    MEWL_TRY(mewl_model_set_note(model, "pretrain", text, err));
    MEWL_TRY(mewl_model_set_note(model, "data",
                                 "teacher: YAMNet's embedding of two-second stretches; no labels were used", err));
    return mewl_model_save(model, path, false, err);
}

static mewl_status recall(mewl_pretrain_result *result, const mewl_model_config *want, const char *path,
                          mewl_error *err)
{
    mewl_model *model = NULL;
    MEWL_TRY(mewl_model_load(&model, path, err));
    const char *note = mewl_model_note(model, "pretrain");
    mewl_status status = MEWL_OK;
    if (note == NULL || sscanf(note, "%lf %zu %zu", &result->explained, &result->segments, &result->held_out) != 3) {
        status = mewl_error_set(err, MEWL_E_FORMAT, "%s: not a pretrained network of Mewl", path);
    }
    const mewl_model_config *have = mewl_model_configuration(model);
    if (status == MEWL_OK && (strcmp(have->arch, want->arch) != 0 || strcmp(have->front_end, want->front_end) != 0 ||
                              fabs(have->width - want->width) > 1e-9)) {
        status = mewl_error_set(err, MEWL_E_STATE, "%s: is a %s of width %g, not a %s of width %g; name another folder",
                                path, have->arch, have->width, want->arch, want->width);
    }
    mewl_model_free(model);
    return status;
}

mewl_status mewl_pretrain_network(mewl_pretrain_result *result, const char *name, mewl_model_config config,
                                  mewl_pretrain_opts opts, mewl_error *err)
{
    memset(result, 0, sizeof *result);
    char path[PATH_BYTES];
    path_in(path, &opts, name, ".safetensors");
    if (access(path, R_OK) == 0) {
        return recall(result, &config, path, err);
    }
    lesson l = {0};
    mewl_model *model = NULL;
    mewl_status status = lesson_read(&l, config.front_end, &opts, err);
    mewl_fit_opts fit = opts.fit;
    fit.targets = l.targets.data;
    fit.stop = opts.stop;
    fit.progress = opts.progress;
    fit.seed = opts.seed;
    if (status == MEWL_OK) {
        config.classes = (int64_t)l.targets.shape[1];
        config.bands = (int64_t)l.clips.bands;
        status = mewl_model_new(&model, config, opts.seed, err);
    }
    if (status == MEWL_OK) {
        status = mewl_fit_train(NULL, model, &l.clips, l.train, l.train_count, NULL, fit, err);
    }
    if (status == MEWL_OK) {
        status = explain(&result->explained, model, &l, fit, err);
        result->segments = l.clips.count;
        result->held_out = l.held_count;
    }
    if (status == MEWL_OK) {
        status = save(model, path, result, err);
    }
    mewl_model_free(model);
    lesson_fini(&l);
    return status;
}
