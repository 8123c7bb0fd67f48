/* store_million.c - `bench-store-million FOLDER [RECORDINGS [INFANTS [YEARS]]]`: fills a store in FOLDER (unless it has
 * one) with a million recordings and all that belongs to them, then times reading 90 days of one infant's timeline. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/rng.h"
#include "store/alerts.h"
#include "store/coverage.h"
#include "store/embeddings.h"
#include "store/infants.h"
#include "store/recordings.h"
#include "store/timeline.h"

#define FIRST_MS 1700000000000LL
#define DAY_MS 86400000LL
#define DIMENSIONS 192
#define A_SESSION 60 /* recordings in a session */
#define ROUNDS 21

static mewl_error err;

static void must(mewl_status status)
{
    if (status != MEWL_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
}

static double clock_s(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

/* Recording `number` of an infant, with everything; the last of a session brings its entry and an hour of coverage. */
static void add_one(mewl_store *store, int64_t infant_id, int64_t model_id, uint64_t number, int64_t step_ms,
                    mewl_rng *rng)
{
    float values[DIMENSIONS];
    const int64_t session_ms = FIRST_MS + (int64_t)(number / A_SESSION) * step_ms * A_SESSION;
    mewl_store_recording r = {.infant_id = infant_id,
                              .start_ms = session_ms + (int64_t)(number % A_SESSION) * 60000,
                              .duration_s = 7.0,
                              .usable = true,
                              .role = MEWL_STORE_SCORED};
    const double p = mewl_rng_unit(rng);
    for (size_t i = 0; i < DIMENSIONS; i++) {
        values[i] = (float)mewl_rng_range(rng, -0.1, 0.1);
    }
    (void)snprintf(r.file, sizeof r.file, "%llu.wav", (unsigned long long)number);
    (void)snprintf(r.hash, sizeof r.hash, "%016llx%048llx", (unsigned long long)mewl_rng_u64(rng),
                   (unsigned long long)number);
    must(mewl_store_recording_add(store, &r, &err));
    must(mewl_store_embedding_put(store, r.id, model_id, values, DIMENSIONS, &err));
    const mewl_store_score score = {.recording_id = r.id,
                                    .kind = "knn",
                                    .model_id = model_id,
                                    .score = -log10(p + 1e-6),
                                    .p_value = p,
                                    .verdict = p > 0.01 ? MEWL_STORE_USUAL : MEWL_STORE_UNUSUAL};
    must(mewl_store_score_put(store, &score, &err));
    if (number % A_SESSION == A_SESSION - 1) {
        mewl_store_entry entry = {.infant_id = infant_id,
                                  .time_ms = session_ms,
                                  .kind = MEWL_STORE_ENTRY_USUAL,
                                  .session_id = r.session_id,
                                  .recordings = A_SESSION,
                                  .score = p,
                                  .p_value = p,
                                  .evidence = 0.1,
                                  .coverage = 0.8};
        const mewl_store_coverage heard = {
            .infant_id = infant_id, .from_ms = session_ms, .to_ms = session_ms + 3600000, .heard_s = 3600};
        must(mewl_store_entry_put(store, &entry, &err));
        must(mewl_store_coverage_add(store, &heard, &err));
        if (mewl_rng_below(rng, 500) == 0) {
            mewl_store_alert alert = {.infant_id = infant_id,
                                      .time_ms = session_ms,
                                      .kind = "unusual",
                                      .session_id = r.session_id,
                                      .p_value = p,
                                      .alarm_days = 30,
                                      .text = "unlike other days"};
            must(mewl_store_alert_add(store, &alert, &err));
        }
    }
}

static void fill(mewl_store *store, uint64_t recordings, uint64_t infants, double years)
{
    mewl_rng rng = mewl_rng_seeded(1);
    const uint64_t each = recordings / infants;
    const int64_t step_ms = (int64_t)(years * 365.25 * (double)DAY_MS / (double)each);
    mewl_store_model model = {.kind = "embedder", .name = "ecapa", .dimensions = DIMENSIONS};
    memset(model.hash, 'a', MEWL_STORE_HASH_MAX - 1);
    must(mewl_store_model_put(store, &model, &err));
    for (uint64_t i = 0; i < infants; i++) {
        mewl_store_infant infant = {.sex = 'f', .alarm_days = 30, .born_ms = FIRST_MS};
        int64_t id = 0;
        (void)snprintf(infant.name, sizeof infant.name, "infant %d", (int)i);
        must(mewl_store_infant_add(store, &id, &infant, &err));
        for (uint64_t n = 0; n < each; n++) {
            if (n % 2000 == 0) {
                must(n > 0 ? mewl_store_commit(store, &err) : MEWL_OK);
                must(mewl_store_begin(store, &err));
            }
            add_one(store, id, model.id, n, step_ms, &rng);
        }
        must(mewl_store_commit(store, &err));
    }
}

typedef struct seen {
    uint64_t entries, scores, stretches, alerts;
} seen;

static mewl_status see_entry(void *user, const mewl_store_entry *entry)
{
    ((seen *)user)->entries += entry->recordings > 0;
    return MEWL_OK;
}

static mewl_status see_score(void *user, const mewl_store_score *score)
{
    ((seen *)user)->scores += score->p_value >= 0.0;
    return MEWL_OK;
}

static mewl_status see_coverage(void *user, const mewl_store_coverage *coverage)
{
    ((seen *)user)->stretches += coverage->heard_s > 0.0;
    return MEWL_OK;
}

static mewl_status see_alert(void *user, const mewl_store_alert *alert)
{
    ((seen *)user)->alerts += alert->text[0] != '\0';
    return MEWL_OK;
}

/* What `mewl baby timeline` reads: entries, alerts and coverage; with each recording's score when `scores`. */
static double read_ms(mewl_store *store, int64_t id, int64_t from_ms, int64_t to_ms, bool scores, seen *s)
{
    const double begin = now_s();
    *s = (seen){0};
    must(mewl_store_entry_each(store, id, from_ms, to_ms, see_entry, s, &err));
    must(mewl_store_coverage_each(store, id, from_ms, to_ms, see_coverage, s, &err));
    must(mewl_store_alert_each(store, id, from_ms, to_ms, see_alert, s, &err));
    if (scores) {
        must(mewl_store_score_each(store, id, from_ms, to_ms, see_score, s, &err));
    }
    return 1000.0 * (now_s() - begin);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_reading(const char *folder, double years, bool scores)
{
    double ms[ROUNDS], processor_s = 0.0;
    seen s;
    mewl_store *store = NULL;
    mewl_store_infant infant;
    const int64_t end_ms = FIRST_MS + (int64_t)(years * 365.25 * (double)DAY_MS);
    must(mewl_store_open(&store, folder, (mewl_store_opts){.existing = true}, &err));
    must(mewl_store_infant_find(store, &infant, "infant 0", &err));
    processor_s -= clock_s(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < ROUNDS; i++) {
        ms[i] = read_ms(store, infant.id, end_ms - 90 * DAY_MS, end_ms, scores, &s);
    }
    processor_s += clock_s(CLOCK_THREAD_CPUTIME_ID);
    const double first = ms[0];
    qsort(ms, ROUNDS, sizeof ms[0], compare);
    (void)printf("90 days%s: first %.1f ms, median %.1f, highest %.1f, %.1f of processor time (%llu sessions, %llu "
                 "stretches of listening, %llu "
                 "alerts, %llu scores)\n",
                 scores ? " with each recording's score" : "", first, ms[ROUNDS / 2], ms[ROUNDS - 1],
                 1000.0 * processor_s / ROUNDS, (unsigned long long)s.entries, (unsigned long long)s.stretches,
                 (unsigned long long)s.alerts, (unsigned long long)s.scores);
    mewl_store_close(store);
}

int main(int argc, char **argv)
{
    const uint64_t recordings = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    const uint64_t infants = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    const double years = argc > 4 ? strtod(argv[4], NULL) : 5.0;
    mewl_store *store = NULL;
    char path[4096];
    struct stat info;
    if (argc < 2 || infants == 0 || recordings < infants * A_SESSION || !(years > 0.0)) {
        (void)fprintf(stderr, "usage: bench-store-million FOLDER [RECORDINGS [INFANTS [YEARS]]]\n");
        return 2;
    }
    (void)snprintf(path, sizeof path, "%s/" MEWL_STORE_FILE, argv[1]);
    if (stat(path, &info) != 0) {
        const double begin = now_s();
        must(mewl_store_open(&store, argv[1], (mewl_store_opts){0}, &err));
        fill(store, recordings, infants, years);
        mewl_store_close(store);
        (void)stat(path, &info);
        (void)printf("%llu recordings of %llu infants over %g years: %.0f s to write, %.0f MB\n",
                     (unsigned long long)recordings, (unsigned long long)infants, years, now_s() - begin,
                     (double)info.st_size / 1e6);
    }
    time_reading(argv[1], years, false);
    time_reading(argv[1], years, true);
    return 0;
}
