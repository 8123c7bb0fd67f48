#include "lab/gating.h"

#include <math.h>
#include <stdlib.h>

#include "audio/clip.h"
#include "lab/bootstrap.h"
#include "lab/metrics.h"
#include "lab/sheet.h"
#include "voice/measure.h"

#define RATE_HZ 16000.0
#define SECONDS_MAX 60.0
#define ROUNDS 2000
#define COLUMNS(list) list, sizeof list / sizeof list[0]

mewl_status mewl_gating_measure(mewl_gate_figures *out, mewl_system *system, double threshold, const char *path,
                                mewl_error *err)
{
    mewl_clip clip;
    mewl_track track;
    mewl_voice voice;
    *out = (mewl_gate_figures){NAN, NAN, NAN, NAN};
    MEWL_TRY(mewl_clip_read(&clip, path, RATE_HZ, SECONDS_MAX, err));
    mewl_status status = mewl_system_score(system, &track, clip.samples, clip.count, clip.rate_hz, err);
    if (status == MEWL_OK) {
        double bar = log(threshold / (1 - threshold));
        out->cry = track.score;
        out->seconds = 0;
        for (size_t i = 0; i < track.frames && track.logits != NULL; i++) {
            out->seconds += (double)track.logits[i] >= bar ? track.frame_s : 0;
        }
        /* Too short or too quiet for a voice to be measured is no error. */
        if (mewl_voice_measure(&voice, clip.samples, clip.count, clip.rate_hz, NULL) == MEWL_OK) {
            out->snr_db = voice.snr_db;
            out->clipped = voice.clipped_share;
        }
    }
    mewl_clip_fini(&clip);
    return status == MEWL_OK ? MEWL_OK : mewl_error_prefix(err, status, "%s", path);
}

/* Usable cries against one sort, or all others. */
typedef struct contest {
    mewl_ranking gate, cry;
    size_t *group;
    size_t count, negatives;
} contest;

static void contest_fini(contest *c)
{
    mewl_ranking_fini(&c->gate);
    mewl_ranking_fini(&c->cry);
    free(c->group);
}

static mewl_status contest_init(contest *c, const mewl_gating_clip *clips, size_t count, size_t sort, mewl_error *err)
{
    float *score = malloc(2 * count * sizeof *score + 1);
    bool *positive = malloc(count * sizeof *positive + 1);
    *c = (contest){.group = malloc(count * sizeof *c->group + 1)};
    mewl_status status = score != NULL && positive != NULL && c->group != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu recordings", count);
    for (size_t i = 0; i < count && status == MEWL_OK; i++) {
        if (clips[i].sort != 0 && sort != 0 && clips[i].sort != sort) {
            continue;
        }
        positive[c->count] = clips[i].sort == 0;
        c->negatives += clips[i].sort != 0 ? 1 : 0;
        c->group[c->count] = clips[i].group;
        score[c->count] = (float)mewl_gate_score(clips[i].figures, (mewl_gate_opts){0});
        score[count + c->count++] = (float)clips[i].figures.cry;
    }
    if (status == MEWL_OK && c->negatives > 0) {
        status = mewl_ranking_init(&c->gate, score, positive, c->count, err);
        status = status == MEWL_OK ? mewl_ranking_init(&c->cry, score + count, positive, c->count, err) : status;
    }
    free(score);
    free(positive);
    return status;
}

static void both_areas(double *values, const double *weights, void *user)
{
    const contest *c = user;
    values[0] = mewl_ranking_roc_auc(&c->gate, weights);
    values[1] = mewl_ranking_roc_auc(&c->cry, weights);
}

static size_t count_groups(const mewl_gating_clip *clips, size_t count, size_t sort)
{
    size_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        bool known = clips[i].sort != sort;
        for (size_t k = 0; k < i && !known; k++) {
            known = clips[k].sort == sort && clips[k].group == clips[i].group;
        }
        groups += known ? 0 : 1;
    }
    return groups;
}

static mewl_status add_areas(json_t *sheet, const mewl_gating_clip *clips, size_t count, const char *name, size_t sort,
                             uint64_t seed, mewl_error *err)
{
    contest c;
    mewl_interval area[2];
    mewl_status status = contest_init(&c, clips, count, sort, err);
    if (status == MEWL_OK && c.negatives > 0) {
        status = mewl_bootstrap(area, 2, c.group, NULL, c.count, both_areas, &c,
                                (mewl_bootstrap_opts){.rounds = ROUNDS, .seed = seed}, err);
    }
    if (status == MEWL_OK && c.negatives > 0) {
        json_t *row = mewl_sheet_row();
        mewl_sheet_text_cell(row, name);
        mewl_sheet_count(row, c.negatives);
        mewl_sheet_interval(row, area[0].value, area[0].low, area[0].high);
        mewl_sheet_interval(row, area[1].value, area[1].low, area[1].high);
        status = mewl_sheet_add(sheet, row);
    }
    contest_fini(&c);
    return status;
}

/* What passes, and how often each reason was given to what does not. */
static mewl_status add_passes(json_t *sheet, const mewl_gating_clip *clips, size_t count, const char *name, size_t sort)
{
    static const unsigned bits[] = {MEWL_GATE_NO_CRY, MEWL_GATE_NOISY, MEWL_GATE_CLIPPED, MEWL_GATE_SHORT};
    size_t all = 0;
    size_t passed = 0;
    size_t reasons[4] = {0};
    for (size_t i = 0; i < count; i++) {
        if (clips[i].sort == sort) {
            unsigned found = mewl_gate_judge(clips[i].figures, (mewl_gate_opts){0});
            all++;
            passed += found == 0 ? 1 : 0;
            for (size_t k = 0; k < 4; k++) {
                reasons[k] += (found & bits[k]) != 0 ? 1 : 0;
            }
        }
    }
    if (all == 0) {
        return MEWL_OK;
    }
    double low = 0;
    double high = 1;
    json_t *row = mewl_sheet_row();
    mewl_share_interval(&low, &high, passed, all);
    mewl_sheet_text_cell(row, name);
    mewl_sheet_count(row, all);
    mewl_sheet_count(row, count_groups(clips, count, sort));
    mewl_sheet_interval(row, (double)passed / (double)all, low, high);
    for (size_t k = 0; k < 4; k++) {
        mewl_sheet_count(row, reasons[k]);
    }
    return mewl_sheet_add(sheet, row);
}

static mewl_status fill(json_t *areas, json_t *passes, const mewl_gating_clip *clips, size_t count,
                        const char *const *names, size_t sorts, uint64_t seed, mewl_error *err)
{
    for (size_t sort = 1; sort < sorts; sort++) {
        MEWL_TRY(add_areas(areas, clips, count, names[sort], sort, seed, err));
    }
    MEWL_TRY(add_areas(areas, clips, count, "all of them", 0, seed, err));
    for (size_t sort = 0; sort < sorts; sort++) {
        MEWL_TRY(add_passes(passes, clips, count, names[sort], sort));
    }
    return MEWL_OK;
}

mewl_status mewl_gating_document(json_t **out, const mewl_gating_clip *clips, size_t count, const char *const *names,
                                 size_t sorts, uint64_t seed, mewl_error *err)
{
    static const char *const area_columns[] = {"usable cries against", "recordings", "AUC of the gate's score",
                                               "AUC of the detector alone"};
    static const char *const pass_columns[] = {"what was recorded", "recordings", "groups", "passes", "no cry", "noisy",
                                               "clipped",           "short"};
    size_t usable = 0;
    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        usable += clips[i].sort == 0 ? 1 : 0;
        if (clips[i].sort >= sorts || sorts > MEWL_GATING_SORTS_MAX) {
            return mewl_error_set(err, MEWL_E_ARG, "a recording of sort %zu of %zu", clips[i].sort, sorts);
        }
    }
    if (usable == 0 || usable == count) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%zu usable cries among %zu recordings: nothing to tell apart", usable,
                              count);
    }
    json_t *areas = mewl_sheet_new("Is it a usable cry? The first gate, ranked by its score", COLUMNS(area_columns),
                                   "Intervals by a bootstrap over groups.");
    json_t *passes =
        mewl_sheet_new("What passes the first gate", COLUMNS(pass_columns),
                       "Shares with Wilson's interval. Reasons of what does not pass; there may be several.");
    mewl_status status = fill(areas, passes, clips, count, names, sorts, seed, err);
    if (status == MEWL_OK) {
        *out = json_pack("{s:s, s:s, s:I, s:[o, o]}", "experiment", "gate", "title", "The first gate", "seed",
                         (json_int_t)seed, "sheets", areas, passes);
    } else {
        json_decref(areas);
        json_decref(passes);
    }
    status = status == MEWL_OK && *out == NULL ? MEWL_E_MEMORY : status;
    return status == MEWL_E_MEMORY ? mewl_error_set(err, status, "no memory for the results") : status;
}
