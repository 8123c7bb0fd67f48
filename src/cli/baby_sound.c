/* baby_sound.c - see baby_sound.h. */
#include "cli/baby_sound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/level.h"
#include "audio/resample.h"
#include "cli/analysis.h"
#include "cli/find.h"
#include "data/sha256.h"

#define PATH_BYTES 4096
#define PULL_FRAMES ((size_t)8192)
#define MARGIN_S 0.25 /* of sound around a take */
#define KEEP_S 0.1    /* and around each cry of it that is embedded */
#define SOUND_S 0.5   /* with less sound than that, nothing was heard */

mewl_status mewl_baby_ear_open(mewl_baby_ear *ear, const mewl_cli *cli, const char *detector, const char *embedder,
                               mewl_error *err)
{
    char path[PATH_BYTES];
    mewl_episode_opts episodes;
    *ear = (mewl_baby_ear){0};
    (void)mewl_cli_precision(cli, NULL, &ear->bf16);
    MEWL_TRY(mewl_cli_find_model(cli, path, sizeof path, detector, err));
    MEWL_TRY(mewl_model_load(&ear->detector, path, err));
    MEWL_TRY(mewl_sha256_file(ear->detector_hash, path, err));
    MEWL_TRY(mewl_session_episode_opts(&episodes, ear->detector, err));
    ear->threshold = (double)episodes.threshold;
    MEWL_TRY(mewl_cli_find_embedder(cli, path, sizeof path, embedder, err));
    return mewl_embedder_open(&ear->embedder, path, mewl_embedder_of_voices(), err);
}

void mewl_baby_ear_close(mewl_baby_ear *ear)
{
    mewl_embedder_close(ear->embedder);
    mewl_model_free(ear->detector);
    *ear = (mewl_baby_ear){0};
}

/* ---- Cries to stretches. ---- */

typedef struct stretch {
    double from_s, to_s; /* with margins, apart from its neighbours */
    size_t first, count; /* of the cries in it */
    double cry_s;
    double confidence;
} stretch;

typedef struct listening {
    mewl_baby_ear *ear;
    const mewl_episode *cries; /* none longer than MEWL_BABY_TAKE_S */
    size_t cry_count;
    mewl_baby_heard *heard;
    mewl_status (*take)(void *user, const mewl_baby_take *take, mewl_error *err);
    void *user;
} listening;

/* Cries longer than a take are cut into pieces that are not. *out is malloc'd. */
static mewl_status cut_cries(mewl_episode **out, size_t *count, const mewl_analysis *a, mewl_error *err)
{
    size_t pieces = 0;
    for (size_t i = 0; i < a->episode_count; i++) {
        pieces += 1 + (size_t)((a->episodes[i].offset_s - a->episodes[i].onset_s) / MEWL_BABY_TAKE_S);
    }
    *count = 0;
    *out = calloc(pieces + 1, sizeof **out);
    if (*out == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu cries", pieces);
    }
    for (size_t i = 0; i < a->episode_count; i++) {
        const double length = a->episodes[i].offset_s - a->episodes[i].onset_s;
        const size_t parts = 1 + (size_t)(length / MEWL_BABY_TAKE_S);
        for (size_t k = 0; k < parts; k++) {
            mewl_episode piece = a->episodes[i];
            piece.onset_s += length * (double)k / (double)parts;
            piece.offset_s = a->episodes[i].onset_s + length * (double)(k + 1) / (double)parts;
            (*out)[(*count)++] = piece;
        }
    }
    return MEWL_OK;
}

/* The stretch that begins with cry `first`. */
static stretch stretch_at(const listening *l, size_t first, double seconds)
{
    const mewl_episode *cries = l->cries;
    stretch s = {.first = first, .count = 1};
    while (first + s.count < l->cry_count &&
           cries[first + s.count].onset_s - cries[first + s.count - 1].offset_s <= MEWL_BABY_PAUSE_S &&
           cries[first + s.count].offset_s - cries[first].onset_s <= MEWL_BABY_TAKE_S) {
        s.count++;
    }
    const size_t last = first + s.count - 1;
    const double before = first > 0 ? cries[first - 1].offset_s : 0.0;
    const double after = last + 1 < l->cry_count ? cries[last + 1].onset_s : seconds;
    s.from_s = fmax(cries[first].onset_s - MARGIN_S, fmin(before, cries[first].onset_s));
    s.to_s = fmin(cries[last].offset_s + MARGIN_S, fmax(after, cries[last].offset_s));
    for (size_t i = first; i <= last; i++) {
        s.cry_s += cries[i].offset_s - cries[i].onset_s;
        s.confidence = fmax(s.confidence, (double)cries[i].confidence);
    }
    return s;
}

/* ---- A stretch's sound to figures. ---- */

/* The crying alone, joined: pauses would tell more of the room than of the voice. *out is malloc'd. */
static mewl_status join_cries(float **out, size_t *count, const listening *l, const stretch *s, const mewl_baby_take *t,
                              mewl_error *err)
{
    *count = 0;
    *out = malloc((t->count + 1) * sizeof **out);
    if (*out == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu samples", t->count);
    }
    size_t done = 0;
    for (size_t i = s->first; i < s->first + s->count; i++) {
        const double from_s = l->cries[i].onset_s - KEEP_S - s->from_s,
                     to_s = l->cries[i].offset_s + KEEP_S - s->from_s;
        size_t from = from_s > 0.0 ? (size_t)(from_s * t->rate_hz) : 0, to = (size_t)(fmax(to_s, 0.0) * t->rate_hz);
        from = from < done ? done : from;
        to = to > t->count ? t->count : to;
        if (to > from) {
            memcpy(*out + *count, t->samples + from, (to - from) * sizeof **out);
            *count += to - from;
            done = to;
        }
    }
    return MEWL_OK;
}

static mewl_status embed(const listening *l, float *vector, const float *samples, size_t count, double rate_hz,
                         mewl_error *err)
{
    const mewl_embedder_info *info = mewl_embedder_describe(l->ear->embedder);
    float *resampled = NULL;
    size_t resampled_count = 0;
    MEWL_TRY(mewl_resample(&resampled, &resampled_count, samples, count, rate_hz, info->rate_hz,
                           (mewl_resample_opts){0}, err));
    const mewl_status status = mewl_embedder_run(l->ear->embedder, vector, NULL, resampled, resampled_count, err);
    free(resampled);
    return status;
}

/* Voice and room: what cannot be measured (too short, too low a rate) is NaN and no error. */
static mewl_status measure(mewl_baby_take *t, mewl_error *err)
{
    mewl_error why = {0};
    mewl_status status = mewl_voice_measure(&t->voice, t->samples, t->count, t->rate_hz, &why);
    if (status == MEWL_OK || status == MEWL_E_EMPTY || status == MEWL_E_ARG) {
        status = mewl_ambience_measure(&t->ambience, t->samples, t->count, t->rate_hz, &why);
    }
    if (status != MEWL_OK && status != MEWL_E_EMPTY && status != MEWL_E_ARG) {
        return mewl_error_set(err, status, "%s", why.text);
    }
    t->figures.snr_db = t->voice.snr_db;
    t->figures.clipped = t->voice.clipped_share;
    return MEWL_OK;
}

static void voice_unknown(mewl_baby_take *t)
{
    double *fields[] = {
#define X(field, unit, what) &t->voice.field,
        MEWL_VOICE_ROWS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        *fields[i] = (double)NAN;
    }
    t->ambience = (mewl_ambience){(double)NAN, (double)NAN, (double)NAN};
}

static mewl_status give(const listening *l, const mewl_baby_take *t, mewl_error *err)
{
    l->heard->takes++;
    l->heard->usable += t->gate == 0;
    return l->take(l->user, t, err);
}

/* One stretch whose sound is there. */
static mewl_status finish_stretch(const listening *l, const stretch *s, const float *samples, size_t count,
                                  double rate_hz, mewl_error *err)
{
    mewl_baby_take t = {.onset_s = s->from_s,
                        .seconds = (double)count / rate_hz,
                        .figures = {.cry = s->confidence, .seconds = s->cry_s},
                        .samples = samples,
                        .count = count,
                        .rate_hz = rate_hz};
    float *joined = NULL, *vector = NULL;
    size_t joined_count = 0;
    /* What the detector's own threshold calls a cry is one here, too. */
    const mewl_gate_opts gate = {.min_cry = fmin(0.5, l->ear->threshold)};
    voice_unknown(&t);
    MEWL_TRY(measure(&t, err));
    mewl_status status = join_cries(&joined, &joined_count, l, s, &t, err);
    t.level_dbfs = status == MEWL_OK ? mewl_level_dbfs(joined, joined_count) : (double)NAN;
    t.gate = mewl_gate_judge(t.figures, gate);
    t.dimensions = mewl_embedder_describe(l->ear->embedder)->size;
    if (status == MEWL_OK && t.gate == 0) {
        vector = malloc(t.dimensions * sizeof *vector);
        status = vector != NULL ? embed(l, vector, joined, joined_count, rate_hz, err)
                                : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for an embedding");
        t.embedding = vector;
    }
    free(joined);
    status = status == MEWL_OK ? give(l, &t, err) : status;
    free(vector);
    return status;
}

/* ---- The file's second reading: each stretch is collected as it comes by. ---- */

typedef struct collecting {
    float *samples;
    size_t count, capacity;
    uint64_t at; /* samples of the file that went by */
} collecting;

/* What of a pulled piece lies in [from, to). False when there is no room: a file that is longer now than before. */
static bool collect(collecting *c, const float *piece, size_t got, uint64_t from, uint64_t to)
{
    const uint64_t begin = from > c->at ? from - c->at : 0, end = to > c->at ? to - c->at : 0;
    const size_t first = begin < got ? (size_t)begin : got, last = end < got ? (size_t)end : got;
    if (last <= first) {
        return true;
    }
    if (c->count + (last - first) > c->capacity) {
        return false;
    }
    memcpy(c->samples + c->count, piece + first, (last - first) * sizeof *piece);
    c->count += last - first;
    return true;
}

static mewl_status collect_all(const listening *l, mewl_source *source, collecting *c, float *piece, double rate_hz,
                               double seconds, mewl_error *err)
{
    for (size_t first = 0; first < l->cry_count;) {
        const stretch s = stretch_at(l, first, seconds);
        const uint64_t from = (uint64_t)(s.from_s * rate_hz), to = (uint64_t)(s.to_s * rate_hz);
        first += s.count;
        c->count = 0;
        size_t got = 0;
        while (c->at < to) {
            MEWL_TRY(mewl_source_pull(source, piece, to - c->at < PULL_FRAMES ? (size_t)(to - c->at) : PULL_FRAMES,
                                      &got, err));
            if (got == 0) {
                break;
            }
            if (!collect(c, piece, got, from, to)) {
                return mewl_error_set(err, MEWL_E_STATE, "a stretch of crying is longer than it was");
            }
            c->at += got;
        }
        if (c->count > 0) {
            MEWL_TRY(finish_stretch(l, &s, c->samples, c->count, rate_hz, err));
        }
    }
    return MEWL_OK;
}

static mewl_status read_again(const listening *l, const char *path, double seconds, mewl_error *err)
{
    mewl_source *source = NULL;
    mewl_source_info info;
    MEWL_TRY(mewl_source_open(&source, path, (mewl_source_opts){.channels = 1, .live = MEWL_SOURCE_FINITE}, err));
    mewl_source_describe(source, &info);
    collecting c = {.capacity = (size_t)((MEWL_BABY_TAKE_S + 2.0 * MARGIN_S + 0.1) * info.rate_hz)};
    float *piece = malloc(PULL_FRAMES * sizeof *piece);
    c.samples = malloc(c.capacity * sizeof *c.samples);
    const mewl_status status = piece != NULL && c.samples != NULL
                                   ? collect_all(l, source, &c, piece, info.rate_hz, seconds, err)
                                   : mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    free(piece);
    free(c.samples);
    mewl_source_close(source);
    return status;
}

/* ---- The file. ---- */

/* A recording of nothing but silence is no quiet one: it was not heard. */
static bool is_silent(const mewl_analysis *a)
{
    double sound_s = a->seconds;
    for (size_t i = 0; i < a->span_count; i++) {
        sound_s -= a->spans[i].why == MEWL_WHY_SILENCE ? fmax(0.0, a->spans[i].offset_s - a->spans[i].onset_s) : 0.0;
    }
    return (isinf(a->level_dbfs) && a->level_dbfs < 0.0) || sound_s < fmin(SOUND_S, 0.5 * a->seconds);
}

static mewl_status give_nothing(const listening *l, const mewl_analysis *a, mewl_error *err)
{
    mewl_baby_take t = {.seconds = a->seconds,
                        .level_dbfs = a->level_dbfs,
                        .figures = {.cry = a->peak_score, .snr_db = (double)NAN, .clipped = (double)NAN},
                        .gate = is_silent(a) ? MEWL_GATE_SILENT : MEWL_GATE_NO_CRY};
    voice_unknown(&t);
    return give(l, &t, err);
}

static mewl_status listen_to(listening *l, const mewl_analysis *a, const char *path, mewl_error *err)
{
    mewl_episode *cries = NULL;
    l->heard->seconds = l->heard->heard_s = a->seconds;
    for (size_t i = 0; i < a->span_count; i++) {
        l->heard->heard_s -= fmax(0.0, a->spans[i].offset_s - a->spans[i].onset_s);
    }
    l->heard->heard_s = is_silent(a) ? 0.0 : fmax(0.0, l->heard->heard_s);
    if (a->episode_count == 0) {
        return give_nothing(l, a, err);
    }
    MEWL_TRY(cut_cries(&cries, &l->cry_count, a, err));
    l->cries = cries;
    const mewl_status status = read_again(l, path, a->seconds, err);
    free(cries);
    return status;
}

mewl_status mewl_baby_listen(mewl_baby_ear *ear, mewl_baby_heard *heard, const char *path,
                             mewl_status (*take)(void *user, const mewl_baby_take *take, mewl_error *err), void *user,
                             mewl_error *err)
{
    mewl_analysis a;
    mewl_analysis_opts opts = {.source = {.live = MEWL_SOURCE_FINITE}, .session = {.bf16 = ear->bf16}};
    listening l = {.ear = ear, .heard = heard, .take = take, .user = user};
    *heard = (mewl_baby_heard){0};
    MEWL_TRY(mewl_session_episode_opts(&opts.session.episodes, ear->detector, err));
    mewl_status status = mewl_analysis_run(&a, ear->detector, path, opts);
    status = status == MEWL_OK ? listen_to(&l, &a, path, err) : mewl_error_set(err, status, "%s", a.error.text);
    mewl_analysis_fini(&a);
    return status;
}
