/* iclas_cast.c - who is who in ICLAS's table: identities, sessions, parts, anomalies. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "lab/iclas_private.h"

#define TURNS 3
#define REPORT_SESSIONS 3
#define CHOOSE_SESSIONS 3

void mewl__cast_fini(mewl__cast *cast)
{
    free(cast->identity);
    free(cast->device);
    free(cast->session);
    free(cast->recordings);
    free(cast->part);
    memset(cast, 0, sizeof *cast);
}

/* Number of the first row with the same text; rows are few thousand, and this happens once. */
static size_t first_alike(const mewl_manifest *m, size_t row, bool speaker)
{
    const char *own = speaker ? m->rows[row].speaker : m->rows[row].group;
    for (size_t i = 0; i < row; i++) {
        if (strcmp(speaker ? m->rows[i].speaker : m->rows[i].group, own) == 0) {
            return i;
        }
    }
    return row;
}

/* A session begins where no usable recording of the identity lies less than the gap before; or by name. */
static void find_sessions(mewl__cast *cast, size_t identity, double gap_s)
{
    const mewl_row *rows = cast->manifest->rows;
    for (size_t i = 0; i < cast->rows; i++) {
        if (cast->identity[i] != identity) {
            continue;
        }
        /* The session's first row stands for it: follow the chain of recordings closer than the gap. */
        size_t begin = i;
        bool moved = true;
        while (moved) {
            moved = false;
            for (size_t k = 0; k < cast->rows; k++) {
                bool named = rows[i].session[0] != '\0';
                double back = rows[begin].time_s - rows[k].time_s;
                bool before = named ? k < begin && strcmp(rows[k].session, rows[begin].session) == 0
                                    : (back > 0 && back <= gap_s) || (back == 0 && k < begin);
                if (cast->identity[k] == identity && before) {
                    begin = k;
                    moved = true;
                    break;
                }
            }
        }
        cast->session[i] = begin;
        cast->sessions[identity] += begin == i ? 1 : 0;
    }
}

mewl_status mewl__cast_make(mewl__cast *cast, const mewl_manifest *manifest, const mewl_iclas_opts *opts,
                            mewl_error *err)
{
    size_t n = manifest->count;
    *cast = (mewl__cast){.manifest = manifest, .rows = n, .turns = opts->rotate ? TURNS : 1};
    cast->identity = calloc(n + 1, sizeof *cast->identity);
    cast->device = calloc(n + 1, sizeof *cast->device);
    cast->session = calloc(n + 1, sizeof *cast->session);
    cast->recordings = calloc(3 * n + 1, sizeof *cast->recordings);
    cast->part = calloc(n + 1, sizeof *cast->part);
    if (cast->identity == NULL || cast->device == NULL || cast->session == NULL || cast->recordings == NULL ||
        cast->part == NULL) {
        mewl__cast_fini(cast);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu recordings", n);
    }
    cast->sessions = cast->recordings + n;
    cast->first = cast->sessions + n;
    for (size_t i = 0; i < n; i++) {
        const mewl_row *row = &manifest->rows[i];
        bool used = (opts->usable == NULL || opts->usable[i]) && row->speaker[0] != '\0';
        size_t first = first_alike(manifest, i, true);
        cast->device[i] = first_alike(manifest, i, false);
        cast->identity[i] = used ? first : SIZE_MAX;
    }
    /* Identities are numbered by the first row of theirs, usable or not; then densely. */
    for (size_t i = 0; i < n; i++) {
        size_t own = SIZE_MAX;
        for (size_t k = 0; k < cast->identities && cast->identity[i] != SIZE_MAX && own == SIZE_MAX; k++) {
            own = strcmp(manifest->rows[cast->first[k]].speaker, manifest->rows[i].speaker) == 0 ? k : SIZE_MAX;
        }
        if (cast->identity[i] != SIZE_MAX && own == SIZE_MAX) {
            own = cast->identities++;
            cast->first[own] = i;
        }
        cast->identity[i] = own;
        cast->recordings[own == SIZE_MAX ? 0 : own] += own == SIZE_MAX ? 0 : 1;
    }
    for (size_t k = 0; k < cast->identities; k++) {
        find_sessions(cast, k, opts->gap_s);
    }
    return MEWL_OK;
}

size_t mewl__cast_turn(const mewl__cast *cast, size_t identity)
{
    return identity % cast->turns;
}

static bool is_reported(const mewl__cast *cast, const mewl_iclas_opts *opts, size_t identity, size_t turn)
{
    return cast->sessions[identity] >= REPORT_SESSIONS && cast->recordings[identity] >= opts->min_recordings &&
           mewl__cast_turn(cast, identity) == turn;
}

/* Whether the identity's device is also one of those reported in this turn. */
static bool shares_device(const mewl__cast *cast, const mewl_iclas_opts *opts, size_t identity, size_t turn)
{
    for (size_t o = 0; o < cast->identities; o++) {
        if (is_reported(cast, opts, o, turn) && cast->device[cast->first[o]] == cast->device[cast->first[identity]]) {
            return true;
        }
    }
    return false;
}

void mewl__cast_deal(mewl__cast *cast, const mewl_iclas_opts *opts, size_t turn, size_t fold)
{
    bool reporting = fold == MEWL__CAST_ALL;
    for (size_t k = 0; k < cast->identities; k++) {
        /* Whole devices go one way. */
        mewl_rng rng = mewl_rng_stream(opts->seed, cast->device[cast->first[k]]);
        size_t own_fold = mewl_rng_below(&rng, MEWL__CAST_FOLDS);
        bool stands = !opts->rotate && mewl_rng_below(&rng, 3) == 2; /* a third stands as anomalies of the reported */
        if (is_reported(cast, opts, k, turn)) {
            cast->part[k] = reporting ? MEWL__PART_REPORT : MEWL__PART_ABSENT;
        } else if (shares_device(cast, opts, k, turn) || (opts->rotate && mewl__cast_turn(cast, k) == turn)) {
            cast->part[k] = reporting ? MEWL__PART_OTHER : MEWL__PART_ABSENT;
        } else if (reporting) {
            cast->part[k] = stands ? MEWL__PART_OTHER : MEWL__PART_POPULATION;
        } else if (own_fold != fold) {
            cast->part[k] = MEWL__PART_POPULATION;
        } else {
            bool enough = cast->recordings[k] >= opts->min_choose && cast->sessions[k] >= CHOOSE_SESSIONS;
            cast->part[k] = enough ? MEWL__PART_CHOOSE : MEWL__PART_OTHER;
        }
    }
}

size_t mewl__cast_anomalies(const mewl__cast *cast, size_t *rows, size_t *alike, size_t identity, size_t wanted,
                            uint64_t seed)
{
    const mewl_row *own = &cast->manifest->rows[cast->first[identity]];
    mewl_rng rng = mewl_rng_stream(seed, 7000 + identity);
    size_t found = 0;
    *alike = 0;
    /* First those of the same age and sex, then of the same age, then any. */
    for (size_t pass = 0; pass < 3 && found < wanted; pass++) {
        size_t begin = found;
        size_t room = 0;
        for (size_t i = 0; i < cast->rows; i++) {
            size_t who = cast->identity[i];
            if (who == SIZE_MAX || who == identity ||
                (cast->part[who] != MEWL__PART_OTHER && cast->part[who] != cast->part[identity]) ||
                cast->device[i] == cast->device[cast->first[identity]]) {
                continue;
            }
            const mewl_row *row = &cast->manifest->rows[i];
            bool age = strcmp(row->age, own->age) == 0;
            bool sex = strcmp(row->sex, own->sex) == 0;
            size_t belongs = age && sex ? 0 : age ? 1 : 2;
            if (belongs != pass) {
                continue;
            }
            /* A reservoir of what is still wanted: every row of the pass has the same chance. */
            room++;
            size_t place = begin + room - 1;
            if (place >= wanted) {
                place = begin + mewl_rng_below(&rng, room);
            }
            if (place < wanted) {
                rows[place] = i;
                found = found > place + 1 ? found : place + 1;
            }
        }
        *alike = pass == 0 ? found : *alike;
    }
    return found;
}
