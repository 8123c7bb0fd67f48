/* vectors.c - see vectors.h. */
#include "lab/vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/clip.h"
#include "base/folder.h"
#include "base/npy.h"
#include "data/sha256.h"
#include "dsp/frontend.h"
#include "learn/table.h"
#include "lab/bootstrap.h"

#define FRONT_END "panns-16k"
#define FRAMES_MAX 8192u /* 60 s and some */

/* One system at work. */
typedef struct maker {
    const mewl_vector_system *system;
    mewl_embedder *embedder;
    mewl_frontend *fe;
    double rate_hz;
    size_t dims;
    float *frames; /* FRAMES_MAX x bands */
    double *line;  /* one band over time */
} maker;

static void close_maker(maker *m)
{
    mewl_embedder_close(m->embedder);
    mewl_frontend_free(m->fe);
    free(m->frames);
    free(m->line);
}

static mewl_status open_maker(maker *m, const mewl_vector_system *system, mewl_error *err)
{
    *m = (maker){.system = system};
    if (system->kind == MEWL_VECTOR_EMBEDDER) {
        MEWL_TRY(mewl_embedder_open(&m->embedder, system->path, system->embed, err));
        m->rate_hz = mewl_embedder_describe(m->embedder)->rate_hz;
        m->dims = mewl_embedder_describe(m->embedder)->size;
        return m->dims <= MEWL_VECTORS_DIMS_MAX
                   ? MEWL_OK
                   : mewl_error_set(err, MEWL_E_MEMORY, "%s: vectors of %zu numbers", system->path, m->dims);
    }
    const bool mfcc = system->kind == MEWL_VECTOR_MFCC;
    MEWL_TRY(mewl_frontend_new_kind(&m->fe, FRONT_END, mfcc ? MEWL_FEATURE_MFCC : MEWL_FEATURE_LOGMEL, err));
    m->rate_hz = mewl_frontend_rate_hz(m->fe);
    m->dims = mewl_frontend_bands(m->fe) * (mfcc ? 4 : 3);
    m->frames = malloc(FRAMES_MAX * mewl_frontend_bands(m->fe) * sizeof *m->frames);
    m->line = malloc(FRAMES_MAX * sizeof *m->line);
    return m->frames != NULL && m->line != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for frames");
}

static void mean_and_spread(double *mean, double *spread, const double *line, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += line[i];
    }
    *mean = count > 0 ? sum / (double)count : 0;
    for (size_t i = 0; i < count; i++) {
        squares += (line[i] - *mean) * (line[i] - *mean);
    }
    *spread = count > 0 ? sqrt(squares / (double)count) : 0;
}

/* Statistics over time of the front end's bands. */
static mewl_status summarise(maker *m, double *out, const float *samples, size_t count, mewl_error *err)
{
    const size_t bands = mewl_frontend_bands(m->fe);
    const size_t frames = mewl_frontend_frame_count(m->fe, count);
    if (frames == 0 || frames > FRAMES_MAX) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%zu samples are too few or too many", count);
    }
    MEWL_TRY(mewl_frontend_run(m->fe, m->frames, samples, count, err));
    for (size_t b = 0; b < bands; b++) {
        for (size_t t = 0; t < frames; t++) {
            m->line[t] = (double)m->frames[t * bands + b];
        }
        if (m->system->kind == MEWL_VECTOR_BACKGROUND) {
            out[b] = mewl_percentile(m->line, frames, 0.1);
            out[bands + b] = mewl_percentile(m->line, frames, 0.5);
            out[2 * bands + b] = mewl_percentile(m->line, frames, 0.9);
            continue;
        }
        mean_and_spread(&out[b], &out[bands + b], m->line, frames);
        for (size_t t = 0; t + 1 < frames; t++) {
            m->line[t] = m->line[t + 1] - m->line[t];
        }
        mean_and_spread(&out[2 * bands + b], &out[3 * bands + b], m->line, frames - 1);
    }
    return MEWL_OK;
}

static mewl_status make_one(maker *m, double *out, const mewl_row *row, mewl_error *err)
{
    mewl_clip clip;
    const double onset_s = isnan(row->onset_s) ? 0 : row->onset_s;
    const double end_s = fmin(isnan(row->offset_s) ? INFINITY : row->offset_s, onset_s + MEWL_VECTORS_SECONDS_MAX);
    MEWL_TRY(mewl_clip_read(&clip, row->path, m->rate_hz, end_s, err));
    const size_t from = (size_t)fmin(onset_s * m->rate_hz, (double)clip.count);
    mewl_status status;
    if (m->embedder != NULL) {
        float *vector = calloc(m->dims, sizeof *vector);
        status = vector != NULL
                     ? mewl_embedder_run(m->embedder, vector, NULL, clip.samples + from, clip.count - from, err)
                     : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a vector");
        if (status == MEWL_OK) {
            mewl_table_widen(out, vector, m->dims);
        }
        free(vector);
    } else {
        status = summarise(m, out, clip.samples + from, clip.count - from, err);
    }
    mewl_clip_fini(&clip);
    return status == MEWL_OK ? MEWL_OK : mewl_error_prefix(err, status, "%s", row->path);
}

static mewl_status name_cache(char *path, size_t size, const mewl_manifest *manifest, const maker *m,
                              const char *folder, mewl_error *err)
{
    mewl_sha256 state;
    uint8_t digest[32];
    char hex[65];
    char line[4400];
    mewl_sha256_init(&state);
    int n = snprintf(line, sizeof line, "%s %d %zu %s\n", m->system->name, (int)m->system->kind, m->dims,
                     m->embedder != NULL ? mewl_embedder_describe(m->embedder)->id : "");
    mewl_sha256_push(&state, line, (size_t)n);
    for (size_t i = 0; i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        const char *slash = strrchr(row->path, '/');
        n = snprintf(line, sizeof line, "%s %.6f %.6f\n", slash != NULL ? slash + 1 : row->path, row->onset_s,
                     row->offset_s);
        mewl_sha256_push(&state, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
    }
    mewl_sha256_finish(&state, digest);
    mewl_sha256_hex(hex, digest);
    n = snprintf(path, size, "%s/vectors-%s-%.12s.npy", folder, m->system->name, hex);
    return n > 0 && (size_t)n < size ? MEWL_OK : mewl_error_set(err, MEWL_E_ARG, "the name of the folder is too long");
}

/* True when the cache held them. A file that is not what it should be is computed anew. */
static bool read_cache(mewl_vectors *out, const char *path)
{
    mewl_npy array;
    mewl_error none;
    if (access(path, R_OK) != 0 || mewl_npy_read_f32(&array, path, out->rows * out->dims, &none) != MEWL_OK) {
        return false;
    }
    const bool good = array.ndim == 2 && array.shape[0] == out->rows && array.shape[1] == out->dims;
    if (good) {
        mewl_table_widen(out->x, array.data, array.count);
    }
    mewl_npy_fini(&array);
    return good;
}

/* Vectors are float32 wherever they come from, so that a run from the cache gives what the first run gave. */
static mewl_status keep(mewl_vectors *v, const char *path, mewl_error *err)
{
    const size_t count = v->rows * v->dims, shape[] = {v->rows, v->dims};
    float *narrow = malloc(count * sizeof *narrow);
    if (narrow == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for vectors");
    }
    for (size_t i = 0; i < count; i++) {
        narrow[i] = (float)v->x[i];
    }
    mewl_table_widen(v->x, narrow, count);
    mewl_status status = path != NULL ? mewl_npy_write_f32(path, narrow, shape, 2, err) : MEWL_OK;
    free(narrow);
    return status;
}

static mewl_status fill(mewl_vectors *v, maker *m, const mewl_manifest *manifest, const char *folder,
                        const mewl_progress *progress, mewl_error *err)
{
    char path[4096];
    char what[96];
    (void)snprintf(what, sizeof what, "vectors of %s", m->system->name);
    if (folder != NULL) {
        MEWL_TRY(mewl_folder_make(folder, err));
        MEWL_TRY(name_cache(path, sizeof path, manifest, m, folder, err));
        if (read_cache(v, path)) {
            return MEWL_OK;
        }
    }
    for (size_t i = 0; i < v->rows; i++) {
        mewl_progress_report(progress, (double)i, (double)v->rows, what);
        MEWL_TRY(make_one(m, v->x + i * v->dims, &manifest->rows[i], err));
    }
    MEWL_TRY(mewl_table_check(v->x, v->rows, v->dims, m->system->name, err));
    return keep(v, folder != NULL ? path : NULL, err);
}

mewl_status mewl_vectors_read(mewl_vectors *out, const mewl_manifest *manifest, const mewl_vector_system *system,
                              const char *folder, const mewl_progress *progress, mewl_error *err)
{
    maker m;
    *out = (mewl_vectors){0};
    if (manifest->count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "there are no recordings to make vectors of");
    }
    mewl_status status = open_maker(&m, system, err);
    if (status == MEWL_OK && manifest->count > MEWL_VECTORS_BYTES_MAX / sizeof(double) / m.dims) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "%zu vectors of %zu numbers", manifest->count, m.dims);
    }
    if (status == MEWL_OK) {
        out->rows = manifest->count;
        out->dims = m.dims;
        out->x = calloc(out->rows * out->dims, sizeof *out->x);
        status = out->x != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for vectors");
    }
    if (status == MEWL_OK) {
        status = fill(out, &m, manifest, folder, progress, err);
    }
    if (status == MEWL_OK && m.embedder != NULL) {
        out->embedder = *mewl_embedder_describe(m.embedder);
    }
    close_maker(&m);
    if (status != MEWL_OK) {
        mewl_vectors_fini(out);
    }
    return status;
}

void mewl_vectors_fini(mewl_vectors *vectors)
{
    free(vectors->x);
    *vectors = (mewl_vectors){0};
}
