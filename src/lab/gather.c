/* gather.c - clips through all systems into a table of trials. */
#include "lab/gather.h"

#include <string.h>

#include "data/split.h"

mewl_status mewl__gather_init(mewl_trials *t, mewl_system *const *systems, size_t system_count, mewl_error *err)
{
    memset(t, 0, sizeof *t);
    if (system_count == 0 || system_count > MEWL_TRIAL_SYSTEMS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu systems cannot be evaluated together", system_count);
    }
    t->system_count = system_count;
    for (size_t s = 0; s < system_count; s++) {
        t->systems[s] = mewl_system_name(systems[s]);
    }
    return MEWL_OK;
}

mewl_status mewl__gather_clip(mewl_trials *t, mewl_system *const *systems, const mewl_trial *about,
                              const float *samples, size_t count, double rate_hz, mewl_error *err)
{
    mewl_trial trial = *about;
    for (size_t s = 0; s < t->system_count; s++) {
        mewl_track track;
        mewl_status status = mewl_system_score(systems[s], &track, samples, count, rate_hz, err);
        if (status != MEWL_OK) {
            return mewl_error_prefix(err, status, "%s", t->systems[s]);
        }
        trial.logit[s] = track.logit;
    }
    return mewl_trials_add(t, &trial, err);
}

const char *mewl__source_group(const mewl_corpus *corpus, const char *source, char *buffer, size_t size)
{
    size_t count = 0;
    const mewl_sound *sounds = mewl_corpus_sounds(corpus, &count);
    for (size_t i = 0; i < count; i++) {
        const char *path = sounds[i].row->path;
        const char *slash = strrchr(path, '/');
        if (strcmp(slash == NULL ? path : slash + 1, source) == 0) {
            return mewl_split_group(sounds[i].row, buffer, size);
        }
    }
    return source;
}

const char *mewl__side_name(mewl_side side)
{
    static const char *const names[MEWL_SIDE_COUNT] = {"train", "valid", "test"};
    return names[side];
}

mewl_trial_opts mewl__trial_opts(const mewl_eval_opts *opts)
{
    return (mewl_trial_opts){.per_hour = opts->per_hour, .rounds = opts->rounds, .seed = opts->seed};
}
