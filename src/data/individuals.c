/* individuals.c - crops of recordings by the individual heard in them: mewl_loader_open_individuals of loader.h.
 *
 * A training batch holds P individuals x K crops. The K crops come from as many sessions of the individual as there
 * are, then from as many recordings; a session is what the row says, else recordings of one app within an hour.
 */
#include "audio/augment.h"
#include "data/maker.h"
#include "data/sounds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_GAP_S 3600.0
#define INDIVIDUALS_MAX 4096
#define CROP_TRIES 6

/* One individual: a run of `order`, sorted by session. */
typedef struct individual {
    char *name; /* "set:speaker" */
    size_t first, count;
} individual;

typedef struct member {
    size_t sound;
    const mewl_row *row;
    const char *set;
    size_t session;
} member;

typedef struct individuals {
    const mewl_corpus *corpus;
    const mewl_recipe *recipe;
    const mewl_sound *sounds;
    member *members;
    size_t member_count;
    individual *list;
    size_t count;
    const char **names;
    size_t samples, batch, each;
    mewl_side side;
    bool train;
} individuals;

typedef struct thread_state {
    float *samples, *spare, *targets;
    size_t *order; /* individuals, or recordings of one */
} thread_state;

static void individuals_close(void *shared)
{
    individuals *s = shared;
    for (size_t i = 0; s->list != NULL && i < s->count; i++) {
        free(s->list[i].name);
    }
    free(s->list);
    free(s->names);
    free(s->members);
    free(s);
}

/* ---- who is heard ---- */

static int by_individual(const void *a, const void *b)
{
    const member *x = a, *y = b;
    int order = strcmp(x->row->set, y->row->set);
    order = order != 0 ? order : strcmp(x->row->speaker, y->row->speaker);
    order = order != 0 ? order : strcmp(x->row->session, y->row->session);
    if (order == 0 && !isnan(x->row->time_s) && !isnan(y->row->time_s) && x->row->time_s != y->row->time_s) {
        return x->row->time_s < y->row->time_s ? -1 : 1;
    }
    return order != 0 ? order : strcmp(x->row->path, y->row->path);
}

static bool same_individual(const mewl_row *a, const mewl_row *b)
{
    return strcmp(a->set, b->set) == 0 && strcmp(a->speaker, b->speaker) == 0;
}

bool mewl_individual_same_session(const mewl_row *a, const mewl_row *b)
{
    if (!same_individual(a, b)) {
        return false;
    }
    if (a->session[0] != '\0' || b->session[0] != '\0') {
        return strcmp(a->session, b->session) == 0;
    }
    return isnan(a->time_s) || isnan(b->time_s) || fabs(a->time_s - b->time_s) < SESSION_GAP_S;
}

/* A sound that tells of an individual: somebody is named, and something is heard of them. */
static bool usable(const mewl_sound *sound, mewl_side side)
{
    bool voice = sound->role == MEWL_ROLE_CRY || sound->role == MEWL_ROLE_SPEECH || sound->role == MEWL_ROLE_NEGATIVE;
    voice = voice && strcmp(sound->row->label, MEWL_LABEL_HOUSEHOLD) != 0; /* a phone's name, nobody's voice */
    return voice && sound->side == side && sound->samples != NULL && sound->row->speaker[0] != '\0' &&
           sound->count >= MEWL_CORPUS_RATE_HZ / 5;
}

static mewl_status gather(individuals *s, size_t least, mewl_error *err)
{
    size_t total = 0;
    s->sounds = mewl_corpus_sounds(s->corpus, &total);
    s->members = calloc(total + 1, sizeof *s->members);
    s->list = calloc(INDIVIDUALS_MAX, sizeof *s->list);
    if (s->members == NULL || s->list == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for individuals");
    }
    size_t count = 0;
    for (size_t i = 0; i < total; i++) {
        if (usable(&s->sounds[i], s->side)) {
            s->members[count++] = (member){.sound = i, .row = s->sounds[i].row};
        }
    }
    qsort(s->members, count, sizeof *s->members, by_individual);
    for (size_t from = 0, to; from < count; from = to) {
        const mewl_row *row = s->members[from].row;
        for (to = from + 1; to < count && same_individual(row, s->members[to].row); to++) {
            bool same = mewl_individual_same_session(s->members[to - 1].row, s->members[to].row);
            s->members[to].session = s->members[to - 1].session + (same ? 0 : 1);
        }
        if (to - from < least) {
            continue;
        }
        if (s->count == INDIVIDUALS_MAX) {
            return mewl_error_set(err, MEWL_E_MEMORY, "more than %d individuals", INDIVIDUALS_MAX);
        }
        individual *one = &s->list[s->count];
        *one = (individual){.first = s->member_count, .count = to - from};
        if (asprintf(&one->name, "%s:%s", row->set, row->speaker) < 0) {
            one->name = NULL;
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for individuals");
        }
        memmove(s->members + s->member_count, s->members + from, (to - from) * sizeof *s->members);
        s->member_count += to - from;
        s->count++;
    }
    s->names = calloc(s->count + 1, sizeof *s->names);
    if (s->names == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for individuals");
    }
    for (size_t i = 0; i < s->count; i++) {
        s->names[i] = s->list[i].name;
    }
    return s->count >= 2 ? MEWL_OK
                         : mewl_error_set(err, MEWL_E_EMPTY,
                                          "%zu individuals with %zu recordings or more: two at least "
                                          "are needed",
                                          s->count, least);
}

/* ---- one crop ---- */

static double power(const float *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return sum / (double)(count > 0 ? count : 1);
}

/* A stretch of the sound; shorter sounds are repeated from a random place. Of a few tries the first that is not much
 * fainter than the whole, else the last. */
static void crop(const individuals *s, const mewl_sound *sound, float *out, mewl_rng *rng)
{
    if (sound->count <= s->samples) {
        size_t from = s->train ? mewl_rng_below(rng, sound->count) : 0;
        for (size_t at = 0; at < s->samples;) {
            size_t left = s->samples - at, some = sound->count - from < left ? sound->count - from : left;
            mewl_sound_copy(sound, out + at, from, some);
            at += some;
            from = 0;
        }
        return;
    }
    double whole = 0;
    for (size_t i = 0; i < sound->count; i++) {
        double x = (double)sound->samples[i] / 32767 * (double)sound->peak;
        whole += x * x;
    }
    whole /= (double)sound->count;
    size_t spare = sound->count - s->samples;
    for (int i = 0; i < CROP_TRIES; i++) {
        size_t from = s->train ? mewl_rng_below(rng, spare + 1) : spare * (size_t)(i + 1) / (CROP_TRIES + 1);
        mewl_sound_copy(sound, out, from, s->samples);
        if (power(out, s->samples) >= 0.7 * whole) {
            return;
        }
    }
}

/* A recorded or made background under the crop. */
static mewl_status add_noise(const individuals *s, thread_state *t, mewl_rng *rng, mewl_error *err)
{
    static const mewl_sound_kind kinds[] = {MEWL_SOUND_WHITE, MEWL_SOUND_PINK, MEWL_SOUND_BROWN, MEWL_SOUND_HUM,
                                            MEWL_SOUND_FAN};
    const mewl_recipe *r = s->recipe;
    double snr_db = mewl_rng_range(rng, r->embed_noise_snr_db.low, r->embed_noise_snr_db.high);
    const mewl_sound *sound = NULL;
    if (mewl_rng_unit(rng) >= r->mixture_synthetic_probability) {
        sound = mewl_corpus_draw(s->corpus, MEWL_ROLE_BACKGROUND, s->side, 0, rng);
    }
    if (sound != NULL && sound->count > 0) {
        for (size_t at = 0, from = mewl_rng_below(rng, sound->count); at < s->samples; from = 0) {
            size_t left = s->samples - at, some = sound->count - from < left ? sound->count - from : left;
            mewl_sound_copy(sound, t->spare + at, from, some);
            at += some;
        }
    } else {
        mewl_sound_kind kind = kinds[mewl_rng_below(rng, sizeof kinds / sizeof kinds[0])];
        MEWL_TRY(mewl_sound_make(t->spare, s->samples, kind, rng, NULL, 0, err));
    }
    double noise = power(t->spare, s->samples), voice = power(t->samples, s->samples);
    double gain = noise > 0 ? sqrt(voice / noise * pow(10, -snr_db / 10)) : 0;
    mewl_augment_add(t->samples, s->samples, t->spare, s->samples, 0, gain);
    return MEWL_OK;
}

static mewl_status add_room(const individuals *s, thread_state *t, mewl_rng *rng, mewl_error *err)
{
    const mewl_sound *room = mewl_corpus_draw(s->corpus, MEWL_ROLE_ROOM, s->side, 0, rng);
    if (room == NULL || room->count == 0) {
        return MEWL_OK;
    }
    float *response = malloc(room->count * sizeof *response);
    if (response == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a room");
    }
    mewl_sound_copy(room, response, 0, room->count);
    mewl_status status =
        mewl_augment_room(t->spare, t->samples, s->samples, response, room->count, MEWL_CORPUS_RATE_HZ, err);
    if (status == MEWL_OK) {
        memcpy(t->samples, t->spare, s->samples * sizeof *t->samples);
    }
    free(response);
    return status;
}

static mewl_status vary(const individuals *s, thread_state *t, mewl_rng *rng, mewl_error *err)
{
    bool room = mewl_rng_unit(rng) < s->recipe->mixture_room_probability;
    bool noise = mewl_rng_unit(rng) < s->recipe->embed_noise_probability;
    if (room) {
        MEWL_TRY(add_room(s, t, rng, err));
    }
    if (noise) {
        MEWL_TRY(add_noise(s, t, rng, err));
    }
    return mewl__vary(t->samples, s->samples, MEWL_CORPUS_RATE_HZ, s->recipe, rng, err);
}

/* ---- which crop ---- */

/* The individual in place `group` of a batch: places hold different ones. */
static size_t draw_individual(const individuals *s, thread_state *t, uint64_t seed, uint64_t batch, size_t group)
{
    mewl_rng rng = mewl_rng_stream(seed ^ 0x1d1d1d1du, batch);
    for (size_t i = 0; i < s->count; i++) {
        t->order[i] = i;
    }
    mewl_rng_shuffle(&rng, t->order, s->count);
    return t->order[group % s->count];
}

/* The k-th recording of an individual: sessions first, in a random order, then further recordings of each. */
static size_t draw_member(const individuals *s, thread_state *t, const individual *one, mewl_rng *rng, size_t k)
{
    for (size_t i = 0; i < one->count; i++) {
        t->order[i] = one->first + i;
    }
    mewl_rng_shuffle(rng, t->order, one->count);
    k %= one->count;
    for (size_t round = 0, seen = 0; round < one->count; round++) { /* the (round + 1)-th of each session */
        for (size_t i = 0; i < one->count; i++) {
            size_t before = 0;
            for (size_t j = 0; j < i; j++) {
                before += s->members[t->order[j]].session == s->members[t->order[i]].session;
            }
            if (before == round && seen++ == k) {
                return t->order[i];
            }
        }
    }
    return t->order[0];
}

static mewl_status make(void *shared, void *state, mewl__made *out, uint64_t seed, uint64_t epoch, uint64_t index,
                        mewl_error *err)
{
    const individuals *s = shared;
    thread_state *t = state;
    uint64_t mixed = seed ^ (epoch * 0x9e3779b97f4a7c15u) ^ 0x1d5u, batch = index / s->batch;
    mewl_rng rng = mewl_rng_stream(mixed, index);
    size_t place = (size_t)(index % s->member_count), owner = 0;
    if (s->train) {
        size_t group = (size_t)(index % s->batch) / s->each;
        owner = draw_individual(s, t, mixed, batch, group);
        mewl_rng shared_rng = mewl_rng_stream(mixed ^ 0x6b6b6bu, batch * s->batch + group);
        place = draw_member(s, t, &s->list[owner], &shared_rng, (size_t)(index % s->batch) % s->each);
    } else {
        while (place >= s->list[owner].first + s->list[owner].count) {
            owner++;
        }
    }
    crop(s, &s->sounds[s->members[place].sound], t->samples, &rng);
    if (s->train) {
        MEWL_TRY(vary(s, t, &rng, err));
    }
    memset(t->targets, 0, s->count * sizeof *t->targets);
    t->targets[owner] = 1;
    *out = (mewl__made){.samples = t->samples,
                        .clip_targets = t->targets,
                        .snr_db = (float)s->members[place].session, /* see loader.h */
                        .sound = s->members[place].sound};
    return MEWL_OK;
}

static void thread_free(void *state)
{
    thread_state *t = state;
    free(t->samples);
    free(t->spare);
    free(t->targets);
    free(t->order);
    free(t);
}

static mewl_status thread_new(void *shared, void **state, mewl_error *err)
{
    const individuals *s = shared;
    size_t order = s->count > s->member_count ? s->count : s->member_count;
    thread_state *t = calloc(1, sizeof *t);
    *state = NULL;
    if (t == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a crop");
    }
    t->samples = malloc(s->samples * sizeof *t->samples);
    t->spare = malloc(s->samples * sizeof *t->spare);
    t->targets = calloc(s->count, sizeof *t->targets);
    t->order = calloc(order, sizeof *t->order);
    if (t->samples == NULL || t->spare == NULL || t->targets == NULL || t->order == NULL) {
        thread_free(t);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a crop");
    }
    *state = t;
    return MEWL_OK;
}

mewl_status mewl_loader_open_individuals(mewl_loader **out, const mewl_corpus *corpus, const mewl_recipe *recipe,
                                         mewl_loader_opts opts, mewl_error *err)
{
    *out = NULL;
    if ((unsigned)opts.side >= MEWL_SIDE_COUNT) {
        return mewl_error_set(err, MEWL_E_ARG, "no side %d", (int)opts.side);
    }
    individuals *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for individuals");
    }
    s->corpus = corpus;
    s->recipe = recipe;
    s->side = opts.side;
    s->train = opts.side == MEWL_SIDE_TRAIN && opts.augment;
    s->samples = (size_t)llround(recipe->embed_seconds * MEWL_CORPUS_RATE_HZ);
    s->batch = opts.batch > 0 ? opts.batch : (size_t)recipe->train_batch;
    s->each = (size_t)recipe->embed_recordings;
    mewl_status status = gather(s, (size_t)recipe->embed_min_recordings, err);
    if (status == MEWL_OK && s->train && s->batch / s->each > s->count) {
        status = mewl_error_set(err, MEWL_E_ARG, "a batch of %zu individuals needs more than the %zu there are",
                                s->batch / s->each, s->count);
    }
    if (status != MEWL_OK) {
        individuals_close(s);
        return status;
    }
    mewl__maker maker = {.shared = s,
                         .frontend = recipe->model_frontend,
                         .samples = s->samples,
                         .classes = s->count,
                         .examples = s->member_count,
                         .class_names = s->names,
                         .thread_new = thread_new,
                         .thread_free = thread_free,
                         .make = make,
                         .close = individuals_close};
    return mewl__loader_open(out, maker, recipe, opts, err);
}
