/* why.c - see why.h. */
#include "cli/why.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_S 120.0

struct mewl_why {
    mewl_reasoner *reasoner;
    double rate_hz;
    float *ring;  /* the last `room` samples; sample n of the recording at n % room */
    float *piece; /* one cry in a row */
    size_t room;
    size_t pushed; /* samples of the recording so far */
};

mewl_status mewl_why_open(mewl_why **out, const char *path, const char *model_path, const char *shipped_path,
                          mewl_error *err)
{
    *out = NULL;
    mewl_why *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory");
    }
    mewl_status status = mewl_reasoner_open(&w->reasoner, path, model_path, err);
    if (status == MEWL_E_STATE && shipped_path != NULL && strcmp(shipped_path, model_path) != 0) {
        status = mewl_reasoner_open(&w->reasoner, path, shipped_path, err);
    }
    if (status == MEWL_OK) {
        w->rate_hz = mewl_reasoner_rate_hz(w->reasoner);
        w->room = (size_t)(KEPT_S * w->rate_hz);
        w->ring = calloc(w->room, sizeof *w->ring);
        w->piece = calloc((size_t)(MEWL_REASONER_SECONDS_MAX * w->rate_hz) + 2, sizeof *w->piece);
        status = w->ring != NULL && w->piece != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory");
    }
    if (status != MEWL_OK) {
        mewl_why_close(w);
        return status;
    }
    *out = w;
    return MEWL_OK;
}

void mewl_why_close(mewl_why *why)
{
    if (why != NULL) {
        mewl_reasoner_close(why->reasoner);
        free(why->ring);
        free(why->piece);
        free(why);
    }
}

const mewl_reason *mewl_why_model(const mewl_why *why)
{
    return mewl_reasoner_model(why->reasoner);
}

mewl_status mewl_why_start(mewl_why *why, double rate_hz, mewl_error *err)
{
    why->pushed = 0;
    return rate_hz == why->rate_hz
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_UNSUPPORTED, "reasons are asked about at %g Hz; this model hears at %g Hz",
                                why->rate_hz, rate_hz);
}

void mewl_why_sound(mewl_why *why, const float *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        why->ring[(why->pushed + i) % why->room] = samples[i];
    }
    why->pushed += count;
}

mewl_status mewl_why_ask(mewl_why *why, mewl_why_answer *out, double onset_s, double offset_s, mewl_error *err)
{
    const double longest = MEWL_REASONER_SECONDS_MAX * why->rate_hz;
    const double end = fmin(offset_s * why->rate_hz, (double)why->pushed);
    const double kept = why->pushed > why->room ? (double)(why->pushed - why->room) : 0.0;
    const double start = fmax(fmax(onset_s * why->rate_hz, end - longest), kept);
    *out = (mewl_why_answer){0};
    if (!(end - start >= MEWL_REASONER_SECONDS_MIN * why->rate_hz + 1.0)) {
        return MEWL_OK;
    }
    const size_t first = (size_t)start, count = (size_t)end - first;
    for (size_t i = 0; i < count; i++) {
        why->piece[i] = why->ring[(first + i) % why->room];
    }
    MEWL_TRY(mewl_reasoner_ask(why->reasoner, &out->answer, why->piece, count, err));
    out->asked = true;
    return MEWL_OK;
}

json_t *mewl_why_json(const mewl_reason *reason, const mewl_why_answer *answer)
{
    if (!answer->asked) {
        return json_null();
    }
    json_t *out = json_object(), *p = json_object(), *set = json_array();
    const int named = answer->answer.named;
    (void)mewl_json_set(out, "named", named >= 0 ? mewl_json_string(reason->label[named]) : json_null());
    for (size_t k = 0; k < reason->classes; k++) {
        (void)mewl_json_set_real(p, reason->label[k], round(1e4 * (double)answer->answer.p[k]) / 1e4);
        if (answer->answer.in_set[k]) {
            (void)json_array_append_new(set, mewl_json_string(reason->label[k]));
        }
    }
    (void)mewl_json_set(out, "probabilities", p);
    (void)mewl_json_set(out, "cannot_rule_out", set);
    return out;
}

/* "belly_pain" as people write it. */
static const char *spoken(char *out, size_t size, const char *label)
{
    (void)snprintf(out, size, "%s", label);
    for (char *c = out; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    return out;
}

void mewl_why_text(char *out, size_t size, const mewl_reason *reason, const mewl_why_answer *answer)
{
    char word[MEWL_REASON_LABEL_MAX];
    const mewl_reason_answer *a = &answer->answer;
    if (!answer->asked) {
        (void)snprintf(out, size, "reason: not asked, too little of it was heard");
        return;
    }
    /* Figures of a model that does no better than guessing must not read as a finding about this cry. */
    size_t used = (size_t)snprintf(out, size, "reason: %s (%s",
                                   a->named >= 0 ? spoken(word, sizeof word, reason->label[a->named]) : "not sure",
                                   mewl_reason_proven(reason) ? "" : "little more than how common each is: ");
    bool told[MEWL_REASON_CLASSES_MAX] = {0};
    for (size_t n = 0; n < reason->classes && used < size; n++) { /* likeliest first */
        size_t best = reason->classes;
        for (size_t k = 0; k < reason->classes; k++) {
            best = !told[k] && (best == reason->classes || a->p[k] > a->p[best]) ? k : best;
        }
        told[best] = true;
        used += (size_t)snprintf(out + used, size - used, "%s%s %.0f %%", n > 0 ? ", " : "",
                                 spoken(word, sizeof word, reason->label[best]), 100.0 * (double)a->p[best]);
    }
    if (used < size) {
        (void)snprintf(out + used, size - used, ")");
    }
}
