/* eval_mixtures.c - held-out mixtures of ten seconds: recall at a rate of false alarms by SNR; and real hard negatives
 * at the same operating point. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/clip.h"
#include "base/folder.h"
#include "data/mixture.h"
#include "data/readers.h"
#include "data/sounds.h"
#include "data/split.h"
#include "lab/gather.h"

#define CLIP_SECONDS 10.0
#define CLIPS_DEFAULT 200
#define NEGATIVE_HOURS_DEFAULT 4.0
#define NEGATIVE_INDEX UINT64_C(1000000) /* cry-free clips are other mixtures than those with cries */
#define HARD_SECONDS_MIN 2.0             /* shorter sounds are followed by near silence up to this */
#define HARD_FILES_MAX 400               /* of one kind */
#define MADE_CLIPS 180                   /* of snoring and of breathing: half an hour each */

static mewl_mix_test ten_seconds(double snr_db, bool with_cry)
{
    mewl_mix_test test = mewl_mix_test_default();
    test.seconds = CLIP_SECONDS;
    test.snr_db = snr_db;
    test.cries_per_minute = with_cry ? 60 / CLIP_SECONDS : 0;
    test.negatives_per_minute = with_cry ? 0 : 60 / CLIP_SECONDS;
    return test;
}

/* First cry of an example, or NULL. */
static const mewl_mix_event *first_cry(const mewl_example *example)
{
    for (size_t e = 0; e < example->event_count; e++) {
        if (example->events[e].cry) {
            return &example->events[e];
        }
    }
    return NULL;
}

static const mewl_mix_event *first_negative(const mewl_example *example)
{
    for (size_t e = 0; e < example->event_count; e++) {
        if (!example->events[e].cry) {
            return &example->events[e];
        }
    }
    return NULL;
}

static mewl_status add_mixture(mewl_trials *t, mewl_system *const *systems, const mewl_corpus *corpus,
                               const mewl_example *example, double snr_db, bool with_cry, mewl_error *err)
{
    const mewl_mix_event *cry = first_cry(example);
    if ((cry != NULL) != with_cry) {
        return MEWL_OK; /* no room was found for the cry: such a clip proves nothing */
    }
    const mewl_mix_event *negative = first_negative(example);
    mewl_trial about = {.seconds = CLIP_SECONDS, .snr_db = with_cry ? snr_db : NAN, .positive = with_cry};
    char buffer[4200];
    /* A cry-free clip belongs to its hard negative, the sound that raises alarms, or to its background without one. */
    const char *source = with_cry ? cry->source : negative != NULL ? negative->source : example->background;
    const char *label = with_cry ? MEWL_LABEL_CRY : negative != NULL ? negative->label : "background";
    MEWL_TRY(mewl_trials_name(t, &about.group, mewl__source_group(corpus, source, buffer, sizeof buffer), err));
    MEWL_TRY(mewl_trials_name(t, &about.label, label, err));
    return mewl__gather_clip(t, systems, &about, example->samples, example->count, MEWL_MIX_RATE_HZ, err);
}

typedef struct plan {
    size_t clips, negatives, done;
    const double *snr;
    size_t snrs;
} plan;

static mewl_status gather_mixtures(mewl_trials *t, mewl_system *const *systems, mewl_mixer *mixer,
                                   mewl_example *example, const mewl_corpus *corpus, plan *p,
                                   const mewl_eval_opts *opts, mewl_error *err)
{
    double total = (double)(p->clips * p->snrs + p->negatives);
    for (size_t i = 0; i < p->clips; i++) {
        for (size_t k = 0; k < p->snrs; k++) {
            MEWL_TRY(mewl_mixer_test(mixer, example, ten_seconds(p->snr[k], true), opts->seed, i, err));
            MEWL_TRY(add_mixture(t, systems, corpus, example, p->snr[k], true, err));
            mewl_progress_report(opts->progress, (double)++p->done, total, "scoring mixtures");
        }
    }
    for (size_t i = 0; i < p->negatives; i++) {
        double snr = p->snr[i % p->snrs];
        MEWL_TRY(mewl_mixer_test(mixer, example, ten_seconds(snr, false), opts->seed, NEGATIVE_INDEX + i, err));
        MEWL_TRY(add_mixture(t, systems, corpus, example, snr, false, err));
        mewl_progress_report(opts->progress, (double)++p->done, total, "scoring cry-free sound");
    }
    return MEWL_OK;
}

mewl_status mewl_eval_mixtures(json_t **out, float *thresholds, mewl_system *const *systems, size_t system_count,
                               const mewl_corpus *corpus, const mewl_recipe *recipe, mewl_eval_mixture_opts opts,
                               mewl_error *err)
{
    *out = NULL;
    double hours = opts.negative_hours > 0 ? opts.negative_hours : NEGATIVE_HOURS_DEFAULT;
    plan p = {
        .clips = opts.clips > 0 ? opts.clips : CLIPS_DEFAULT,
        .negatives = (size_t)ceil(hours * 3600 / CLIP_SECONDS),
        .snr = recipe->eval_snr_db.items,
        .snrs = recipe->eval_snr_db.count,
    };
    if (p.clips > 100000 || p.negatives > 1000000 || p.snrs == 0) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu clips at %zu SNRs and %g hours cannot be evaluated", p.clips,
                              p.snrs, hours);
    }
    mewl_trials t;
    MEWL_TRY(mewl__gather_init(&t, systems, system_count, err));
    mewl_mixer *mixer = NULL;
    mewl_example example = {0};
    mewl_status status = mewl_mixer_new_test(&mixer, corpus, recipe, opts.side, CLIP_SECONDS, err);
    if (status == MEWL_OK) {
        status = mewl_example_init(&example, (size_t)(CLIP_SECONDS * MEWL_MIX_RATE_HZ), err);
    }
    if (status == MEWL_OK) {
        status = gather_mixtures(&t, systems, mixer, &example, corpus, &p, &opts.common, err);
        mewl_example_fini(&example);
    }
    mewl_mixer_free(mixer);
    json_t *labels = NULL;
    float found[MEWL_TRIAL_SYSTEMS_MAX];
    if (status == MEWL_OK) {
        status = mewl_trials_recall(out, &t, mewl__trial_opts(&opts.common), err);
    }
    if (status == MEWL_OK) {
        for (size_t s = 0; s < system_count; s++) {
            found[s] = mewl_trials_threshold(&t, s, opts.common.per_hour > 0 ? opts.common.per_hour : 1);
        }
        status = mewl_trials_labels(&labels, &t, found, mewl__trial_opts(&opts.common), err);
    }
    if (status == MEWL_OK) {
        (void)mewl_json_set_string(*out, "kind", "mixtures");
        (void)mewl_json_set_string(*out, "side", mewl__side_name(opts.side));
        (void)mewl_json_set_int(*out, "split_seed", recipe->data_split_seed);
        (void)mewl_json_set_int(*out, "seed", (int64_t)opts.common.seed);
        (void)mewl_json_set_real(*out, "clip_seconds", CLIP_SECONDS);
        (void)mewl_json_set_int(*out, "rate_hz", MEWL_MIX_RATE_HZ);
        (void)mewl_json_set(*out, "labels", labels);
        if (thresholds != NULL) {
            memcpy(thresholds, found, system_count * sizeof *thresholds);
        }
    } else if (*out != NULL) {
        json_decref(*out);
        *out = NULL;
    }
    mewl_trials_fini(&t);
    return status;
}

/* ---- Hard negatives ---- */

/* Which recordings make a row: set, and label or label's beginning. */
typedef struct hard_kind {
    const char *row, *set, *label;
} hard_kind;

static const hard_kind hard_kinds[] = {
    {"laughter (infants)", "baby-laugh", ""},
    {"meows", "catmeows", ""},
    {"children playing", "urbansound8k", "children"},
    {"sirens", "urbansound8k", "siren"},
    {"speech (sentences)", "librispeech-test-other", ""},
    {"speech (words)", "speech-commands", ""},
    {"dogs", "urbansound8k", "dog"},
    {"dogs", "esc10", "dog"},
    {"roosters", "esc10", "rooster"},
    {"street music", "urbansound8k", "street"},
};

/* A recording on the training or validation side of the corpus may not be judged by. */
static bool seen_in_training(const mewl_corpus *corpus, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t count = 0;
    const mewl_sound *sounds = corpus == NULL ? NULL : mewl_corpus_sounds(corpus, &count);
    for (size_t i = 0; i < count; i++) {
        const char *other = strrchr(sounds[i].row->path, '/');
        if (strcmp(other == NULL ? sounds[i].row->path : other + 1, name) == 0) {
            return sounds[i].side != MEWL_SIDE_TEST;
        }
    }
    return false;
}

/* Scores a sound; short ones are followed by faint noise, as no system can hear a fraction of a second. */
static mewl_status add_sound(mewl_trials *t, mewl_system *const *systems, const mewl_trial *about, const float *samples,
                             size_t count, double rate_hz, mewl_error *err)
{
    size_t least = (size_t)(HARD_SECONDS_MIN * rate_hz);
    if (count >= least) {
        return mewl__gather_clip(t, systems, about, samples, count, rate_hz, err);
    }
    float *padded = malloc(least * sizeof *padded);
    if (padded == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a clip");
    }
    memcpy(padded, samples, count * sizeof *padded);
    mewl_rng rng = mewl_rng_seeded(count);
    for (size_t i = count; i < least; i++) {
        padded[i] = (float)(3e-4 * mewl_rng_normal(&rng));
    }
    mewl_status status = mewl__gather_clip(t, systems, about, padded, least, rate_hz, err);
    free(padded);
    return status;
}

static mewl_status add_recording(mewl_trials *t, mewl_system *const *systems, const mewl_row *row, const char *label,
                                 mewl_error *err)
{
    char buffer[4200];
    mewl_trial about = {.snr_db = NAN};
    MEWL_TRY(mewl_trials_name(t, &about.group, mewl_split_group(row, buffer, sizeof buffer), err));
    MEWL_TRY(mewl_trials_name(t, &about.label, label, err));
    mewl_clip clip;
    MEWL_TRY(mewl_clip_read(&clip, row->path, 0, 60, err));
    mewl_status status = MEWL_OK;
    if (clip.count > 0) {
        about.seconds = (double)clip.count / clip.rate_hz;
        status = add_sound(t, systems, &about, clip.samples, clip.count, clip.rate_hz, err);
    }
    mewl_clip_fini(&clip);
    return status;
}

/* At most HARD_FILES_MAX recordings of a kind, evenly over the sorted list. */
static mewl_status add_kind(mewl_trials *t, mewl_system *const *systems, const char *root, const hard_kind *kind,
                            const mewl_corpus *corpus, const mewl_eval_opts *opts, mewl_error *err)
{
    char *path = mewl_folder_join(root, kind->set);
    if (path == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a path");
    }
    mewl_manifest manifest;
    bool there = mewl_folder_exists(path);
    mewl_status status = there ? mewl_scan(&manifest, NULL, path, "auto", err) : MEWL_OK;
    free(path);
    if (!there || status != MEWL_OK) {
        return status;
    }
    size_t fitting = 0;
    for (size_t i = 0; i < manifest.count; i++) {
        const mewl_row *row = &manifest.rows[i];
        fitting += strncmp(row->label, kind->label, strlen(kind->label)) == 0 && !seen_in_training(corpus, row->path);
    }
    double every = fitting > HARD_FILES_MAX ? (double)fitting / HARD_FILES_MAX : 1;
    size_t met = 0;
    double next = 0;
    for (size_t i = 0; status == MEWL_OK && i < manifest.count; i++) {
        const mewl_row *row = &manifest.rows[i];
        if (strncmp(row->label, kind->label, strlen(kind->label)) != 0 || seen_in_training(corpus, row->path)) {
            continue;
        }
        if ((double)met++ < next) {
            continue;
        }
        next += every;
        status = add_recording(t, systems, row, kind->row, err);
        mewl_progress_report(opts->progress, (double)met, (double)fitting, kind->row);
    }
    mewl_manifest_fini(&manifest);
    return status;
}

/* Snoring and breathing are made: no set of recordings at hand holds them. */
static mewl_status add_made(mewl_trials *t, mewl_system *const *systems, mewl_sound_kind kind, const char *label,
                            const mewl_eval_opts *opts, mewl_error *err)
{
    size_t count = (size_t)(CLIP_SECONDS * MEWL_SOUNDS_RATE_HZ);
    float *samples = malloc(count * sizeof *samples);
    if (samples == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a clip");
    }
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < MADE_CLIPS; i++) {
        char group[64];
        mewl_rng rng = mewl_rng_stream(opts->seed ^ (uint64_t)kind << 32, i);
        (void)snprintf(group, sizeof group, "%s %zu", label, i);
        mewl_trial about = {.snr_db = NAN, .seconds = CLIP_SECONDS};
        status = mewl_trials_name(t, &about.group, group, err);
        if (status == MEWL_OK) {
            status = mewl_trials_name(t, &about.label, label, err);
        }
        if (status == MEWL_OK) {
            status = mewl_sound_make(samples, count, kind, &rng, NULL, 0, err);
        }
        double gain = pow(10, mewl_rng_range(&rng, -24, 0) / 20); /* peak from -30 to -6 dBFS */
        for (size_t k = 0; k < count; k++) {
            samples[k] = (float)(gain * samples[k]);
        }
        if (status == MEWL_OK) {
            status = mewl__gather_clip(t, systems, &about, samples, count, MEWL_SOUNDS_RATE_HZ, err);
        }
    }
    free(samples);
    return status;
}

/* One row for the first `count` trials together: what a user who hears all of these would be woken by. */
static mewl_status add_total(json_t **row, const mewl_trials *t, size_t count, const float *thresholds,
                             mewl_trial_opts opts, mewl_error *err)
{
    mewl_trials all = {.system_count = t->system_count};
    uint32_t label = 0;
    json_t *rows = NULL;
    memcpy(all.systems, t->systems, sizeof all.systems);
    mewl_status status = mewl_trials_name(&all, &label, "all recorded", err);
    for (size_t i = 0; status == MEWL_OK && i < count; i++) {
        mewl_trial trial = t->items[i];
        trial.label = label;
        status = mewl_trials_add(&all, &trial, err);
    }
    if (status == MEWL_OK) {
        status = mewl_trials_labels(&rows, &all, thresholds, opts, err);
    }
    if (status == MEWL_OK) {
        *row = json_incref(json_array_get(rows, 0));
    }
    json_decref(rows);
    mewl_trials_fini(&all);
    return status;
}

mewl_status mewl_eval_hard(json_t **out, const float *thresholds, mewl_system *const *systems, size_t system_count,
                           const char *root, const mewl_corpus *corpus, mewl_eval_opts opts, mewl_error *err)
{
    *out = NULL;
    mewl_trials t;
    MEWL_TRY(mewl__gather_init(&t, systems, system_count, err));
    mewl_status status = MEWL_OK;
    for (size_t k = 0; status == MEWL_OK && k < sizeof hard_kinds / sizeof hard_kinds[0]; k++) {
        status = add_kind(&t, systems, root, &hard_kinds[k], corpus, &opts, err);
    }
    const size_t recorded = t.count;
    if (status == MEWL_OK) {
        status = add_made(&t, systems, MEWL_SOUND_SNORING, "snoring (made)", &opts, err);
    }
    if (status == MEWL_OK) {
        status = add_made(&t, systems, MEWL_SOUND_BREATHING, "breathing (made)", &opts, err);
    }
    json_t *labels = NULL;
    json_t *total = NULL;
    if (status == MEWL_OK) {
        status = mewl_trials_labels(&labels, &t, thresholds, mewl__trial_opts(&opts), err);
    }
    if (status == MEWL_OK && recorded > 0) {
        status = add_total(&total, &t, recorded, thresholds, mewl__trial_opts(&opts), err);
    }
    if (status == MEWL_OK) {
        *out = json_object();
        (void)mewl_json_set_string(*out, "kind", "hard-negatives");
        (void)mewl_json_set_int(*out, "seed", (int64_t)opts.seed);
        (void)mewl_json_set_int(*out, "clips", (int64_t)t.count);
        (void)mewl_json_set(*out, "labels", labels);
        if (total != NULL) {
            (void)mewl_json_set(*out, "total", total);
        }
    } else {
        json_decref(labels);
    }
    mewl_trials_fini(&t);
    return status;
}
