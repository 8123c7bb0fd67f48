/* embedder.c - a classifier's embedding, row by row, pooled into one vector a clip. */
#include "models/embedder.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/classifier.h"
#include "models/intake.h"
#include "nn/checkpoint.h"

#define OWN_KEYS "mewl."
#define WINDOW_MIN_S 0.1
#define WINDOW_MAX_S 60.0
#define WEIGHT_MIN 1e-3
#define ROWS_MAX 65536u
#define HASH_START 0xcbf29ce484222325u /* FNV-1a, 64 bits (Fowler, Noll and Vo) */
#define HASH_STEP 0x100000001b3u

struct mewl_embedder {
    mewl_embedder_info info;
    mewl_embedder_opts opts;
    mewl_classifier *classifier;
    float *rows, *cries; /* of one clip, grown to the longest so far */
    size_t rows_room, cries_room;
    float *scaled; /* the clip at its peak, grown likewise */
    size_t scaled_room;
    float *logits, *probabilities; /* of one window, classes each */
    double *mean, *spread;         /* sums over rows, `row` numbers each */
};

mewl_embedder_opts mewl_embedder_of_voices(void)
{
    return (mewl_embedder_opts){.at_peak = true};
}

static uint64_t hash(uint64_t sum, const void *data, size_t bytes)
{
    const unsigned char *b = data;
    for (size_t i = 0; i < bytes; i++) {
        sum = (sum ^ b[i]) * HASH_STEP;
    }
    return sum;
}

static mewl_status hash_file(uint64_t *sum, const char *path, mewl_error *err)
{
    unsigned char block[65536];
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return mewl_error_errno(err, errno, path);
    }
    size_t got;
    while ((got = fread(block, 1, sizeof block, f)) > 0) {
        *sum = hash(*sum, block, got);
    }
    const bool failed = ferror(f) != 0;
    (void)fclose(f);
    return failed ? mewl_error_set(err, MEWL_E_IO, "%s: cannot be read", path) : MEWL_OK;
}

/* What decides the vectors: arrays, and the texts that describe the network ("mewl.*"). Other notes say where it comes
 * from, and a better word there must not make strangers of vectors that are the same. */
static uint64_t hash_checkpoint(uint64_t sum, const mewl_checkpoint *file)
{
    mewl_checkpoint_entry entry;
    const char *key, *text;
    uint64_t texts = 0; /* a sum, since their order in the file means nothing */
    for (size_t i = 0; mewl_checkpoint_at(file, &entry, i); i++) {
        sum = hash(sum, entry.name, strlen(entry.name) + 1);
        sum = hash(sum, &entry.dtype, sizeof entry.dtype);
        sum = hash(sum, entry.dim, (size_t)entry.rank * sizeof entry.dim[0]);
        sum = hash(sum, entry.data, (size_t)entry.bytes);
    }
    for (size_t i = 0; mewl_checkpoint_text_at(file, &key, &text, i); i++) {
        if (strncmp(key, OWN_KEYS, strlen(OWN_KEYS)) == 0) {
            texts += hash(hash(HASH_START, key, strlen(key) + 1), text, strlen(text));
        }
    }
    return hash(sum, &texts, sizeof texts);
}

/* A model of Mewl's by what is in it, a teacher's file by its bytes. */
static mewl_status hash_model(uint64_t *sum, const char *path, mewl_error *err)
{
    mewl_checkpoint *file = NULL;
    const mewl_status status = mewl_checkpoint_read(&file, path, err);
    if (status == MEWL_E_FORMAT) {
        return hash_file(sum, path, err);
    }
    MEWL_TRY(status);
    *sum = hash_checkpoint(*sum, file);
    mewl_checkpoint_free(file);
    return MEWL_OK;
}

static bool good_window(const mewl_embedder_opts *o)
{
    return o->window_s == 0.0 ? o->hop_s == 0.0
                              : o->window_s >= WINDOW_MIN_S && o->window_s <= WINDOW_MAX_S &&
                                    (o->hop_s == 0.0 || (o->hop_s >= WINDOW_MIN_S / 10 && o->hop_s <= WINDOW_MAX_S));
}

/* Name, sizes and id, from the opened network. */
static mewl_status describe(mewl_embedder *e, const char *path, mewl_error *err)
{
    const mewl_classifier_info *net = mewl_classifier_describe(e->classifier);
    if (net->embedding == 0) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: the network (%s) gives no embedding", path, net->arch);
    }
    float cry = NAN;
    for (size_t k = 0; k < net->classes && isnan(cry); k++) {
        cry = mewl_classifier_is_cry(e->classifier, k) ? 1.0f : NAN;
    }
    if (e->opts.cry_weighted && isnan(cry)) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: the network (%s) has no class for cries to weigh by", path,
                              net->arch);
    }
    uint64_t sum = HASH_START;
    MEWL_TRY(hash_model(&sum, path, err));
    const double options[] = {(double)e->opts.pool, (double)e->opts.cry_weighted, e->opts.window_s, e->opts.hop_s};
    sum = hash(sum, options, sizeof options);
    sum = e->opts.at_peak ? hash(sum, "peak", 4) : sum; /* ids of vectors without it are older than the option */
    (void)snprintf(e->info.name, sizeof e->info.name, "%s", net->arch);
    (void)snprintf(e->info.id, sizeof e->info.id, "%016llx", (unsigned long long)sum);
    e->info.rate_hz = net->rate_hz;
    e->info.row = net->embedding;
    e->info.size = e->opts.pool == MEWL_EMBEDDER_MEAN_STD ? 2 * net->embedding : net->embedding;
    e->info.scores_cry = !isnan(cry);
    return MEWL_OK;
}

mewl_status mewl_embedder_open(mewl_embedder **out, const char *path, mewl_embedder_opts opts, mewl_error *err)
{
    *out = NULL;
    if (!good_window(&opts) || (opts.pool != MEWL_EMBEDDER_MEAN && opts.pool != MEWL_EMBEDDER_MEAN_STD)) {
        return mewl_error_set(err, MEWL_E_ARG, "windows of %g s every %g s: a window is %g to %g s long", opts.window_s,
                              opts.hop_s, WINDOW_MIN_S, WINDOW_MAX_S);
    }
    mewl_embedder *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    }
    e->opts = opts;
    e->opts.hop_s = opts.hop_s == 0.0 ? opts.window_s / 2 : opts.hop_s;
    mewl_status status = mewl_classifier_open(&e->classifier, path, err);
    if (status == MEWL_OK) {
        status = describe(e, path, err);
    }
    if (status == MEWL_OK) {
        const size_t classes = mewl_classifier_describe(e->classifier)->classes;
        e->mean = calloc(e->info.row, sizeof *e->mean);
        e->spread = calloc(e->info.row, sizeof *e->spread);
        e->logits = calloc(classes + 1, sizeof *e->logits);
        e->probabilities = calloc(classes + 1, sizeof *e->probabilities);
        if (e->mean == NULL || e->spread == NULL || e->logits == NULL || e->probabilities == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
        }
    }
    if (status != MEWL_OK) {
        mewl_embedder_close(e);
        return status;
    }
    *out = e;
    return MEWL_OK;
}

void mewl_embedder_close(mewl_embedder *embedder)
{
    if (embedder != NULL) {
        mewl_classifier_close(embedder->classifier);
        free(embedder->rows);
        free(embedder->cries);
        free(embedder->scaled);
        free(embedder->logits);
        free(embedder->probabilities);
        free(embedder->mean);
        free(embedder->spread);
        free(embedder);
    }
}

const mewl_embedder_info *mewl_embedder_describe(const mewl_embedder *embedder)
{
    return &embedder->info;
}

mewl_classifier *mewl_embedder_network(mewl_embedder *embedder)
{
    return embedder->classifier;
}

const mewl_embedder_opts *mewl_embedder_options(const mewl_embedder *embedder)
{
    return &embedder->opts;
}

/* Class by class the larger of what was and what is; all of it when this is the clip's first stretch. */
static void keep_largest(float *kept, const float *now, size_t count, bool first)
{
    for (size_t i = 0; kept != NULL && i < count; i++) {
        kept[i] = first ? now[i] : fmaxf(kept[i], now[i]);
    }
}

/* One stretch of sound through the network: its rows behind the *rows there are, its classes into the clip's. */
static mewl_status add_rows(mewl_embedder *e, mewl_classifier_result *clip, size_t *rows, const float *samples,
                            size_t count, mewl_error *err)
{
    const size_t more = mewl_classifier_rows(e->classifier, count);
    const size_t classes = mewl_classifier_describe(e->classifier)->classes;
    if (more > ROWS_MAX - *rows) {
        return mewl_error_set(err, MEWL_E_MEMORY, "the clip gives more than %u rows: take longer windows", ROWS_MAX);
    }
    MEWL_TRY(mewl__intake_grow(&e->rows, &e->rows_room, (*rows + more) * e->info.row, err));
    MEWL_TRY(mewl__intake_grow(&e->cries, &e->cries_room, *rows + more, err));
    mewl_classifier_result result = {.logits = e->logits,
                                     .probabilities = e->probabilities,
                                     .row_embeddings = e->rows + *rows * e->info.row,
                                     .row_cry = e->cries + *rows};
    MEWL_TRY(mewl_classifier_score(e->classifier, &result, samples, count, err));
    keep_largest(clip->logits, e->logits, classes, *rows == 0);
    keep_largest(clip->probabilities, e->probabilities, classes, *rows == 0);
    keep_largest(&clip->cry, &result.cry, 1, *rows == 0);
    *rows += more;
    return MEWL_OK;
}

/* Windows from the clip's start; the last one is moved back so that it ends with the clip. */
static mewl_status add_windows(mewl_embedder *e, mewl_classifier_result *clip, size_t *rows, const float *samples,
                               size_t count, mewl_error *err)
{
    const size_t window = (size_t)lround(e->opts.window_s * e->info.rate_hz);
    const size_t hop = (size_t)lround(e->opts.hop_s * e->info.rate_hz);
    if (e->opts.window_s == 0.0 || count <= window) {
        return add_rows(e, clip, rows, samples, count, err);
    }
    for (size_t at = 0;; at += hop) {
        const size_t last = count - window;
        MEWL_TRY(add_rows(e, clip, rows, samples + (at < last ? at : last), window, err));
        if (at >= last) {
            return MEWL_OK;
        }
    }
}

/* Weighted mean of the rows, and beside it their spread where that is wanted. Two passes, in double. */
static mewl_status pool(mewl_embedder *e, float *vector, size_t rows, mewl_error *err)
{
    const size_t size = e->info.row;
    double total = 0;
    memset(e->mean, 0, size * sizeof *e->mean);
    memset(e->spread, 0, size * sizeof *e->spread);
    for (size_t r = 0; r < rows; r++) {
        const double weight = e->opts.cry_weighted ? fmax((double)e->cries[r], WEIGHT_MIN) : 1.0;
        total += weight;
        for (size_t i = 0; i < size; i++) {
            e->mean[i] += weight * (double)e->rows[r * size + i];
        }
    }
    for (size_t i = 0; i < size; i++) {
        e->mean[i] /= total;
        vector[i] = (float)e->mean[i];
        if (!isfinite(vector[i])) {
            return mewl_error_set(err, MEWL_E_LIBRARY, "the network's embedding is not finite");
        }
    }
    if (e->opts.pool != MEWL_EMBEDDER_MEAN_STD) {
        return MEWL_OK;
    }
    for (size_t r = 0; r < rows; r++) {
        const double weight = e->opts.cry_weighted ? fmax((double)e->cries[r], WEIGHT_MIN) : 1.0;
        for (size_t i = 0; i < size; i++) {
            const double d = (double)e->rows[r * size + i] - e->mean[i];
            e->spread[i] += weight / total * d * d;
        }
    }
    for (size_t i = 0; i < size; i++) {
        vector[size + i] = (float)sqrt(e->spread[i]);
    }
    return MEWL_OK;
}

/* *samples at a peak of 1, in memory of the embedder's. What is not finite counts as 0, as in the network's front end.
 */
static mewl_status to_peak(mewl_embedder *e, const float **samples, size_t count, mewl_error *err)
{
    float peak = 0;
    for (size_t i = 0; i < count; i++) {
        peak = isfinite((*samples)[i]) ? fmaxf(peak, fabsf((*samples)[i])) : peak;
    }
    if (peak <= 0) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl__intake_grow(&e->scaled, &e->scaled_room, count, err));
    for (size_t i = 0; i < count; i++) {
        e->scaled[i] = isfinite((*samples)[i]) ? (*samples)[i] / peak : 0.0f;
    }
    *samples = e->scaled;
    return MEWL_OK;
}

mewl_status mewl_embedder_score(mewl_embedder *embedder, float *vector, mewl_classifier_result *clip,
                                const float *samples, size_t count, mewl_error *err)
{
    if (embedder == NULL || vector == NULL || clip == NULL || (samples == NULL && count != 0)) {
        return mewl_error_set(err, MEWL_E_ARG, "an embedder needs samples and a place for the vector");
    }
    if (clip->embedding != NULL || clip->row_embeddings != NULL || clip->row_cry != NULL) {
        return mewl_error_set(err, MEWL_E_ARG, "an embedder gives its vector, not the network's rows");
    }
    if ((double)count > MEWL_EMBEDDER_MAX_SECONDS * embedder->info.rate_hz) {
        return mewl_error_set(err, MEWL_E_MEMORY, "the clip is longer than the %.0f s that are taken as one",
                              MEWL_EMBEDDER_MAX_SECONDS);
    }
    size_t rows = 0;
    if (embedder->opts.at_peak) {
        MEWL_TRY(to_peak(embedder, &samples, count, err));
    }
    MEWL_TRY(add_windows(embedder, clip, &rows, samples, count, err));
    return pool(embedder, vector, rows, err);
}

mewl_status mewl_embedder_run(mewl_embedder *embedder, float *vector, float *cry, const float *samples, size_t count,
                              mewl_error *err)
{
    mewl_classifier_result clip = {0};
    MEWL_TRY(mewl_embedder_score(embedder, vector, &clip, samples, count, err));
    if (cry != NULL) {
        *cry = clip.cry;
    }
    return MEWL_OK;
}
