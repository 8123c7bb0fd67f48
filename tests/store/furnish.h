/* furnish.h - a store in the test's scratch folder with an infant, recordings and what belongs to them. For tests;
 * include after cmocka.h. */
#ifndef MEWL_TESTS_STORE_FURNISH_H
#define MEWL_TESTS_STORE_FURNISH_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/scratch.h"
#include "store/alerts.h"
#include "store/coverage.h"
#include "store/embeddings.h"
#include "store/infants.h"
#include "store/personals.h"
#include "store/recordings.h"
#include "store/timeline.h"

#define DAY_MS 86400000LL
#define HOUR_MS 3600000LL
#define FIRST_MS 1760000000000LL /* October 2025 */

#define assert_done(call)                                                                                              \
    do {                                                                                                               \
        mewl_error assert_err = {0};                                                                                   \
        if ((call) != MEWL_OK) {                                                                                       \
            fail_msg("%s", assert_err.text);                                                                           \
        }                                                                                                              \
    } while (0)
#define E (&assert_err) /* within assert_done */

static inline mewl_store_infant an_infant(const char *name)
{
    mewl_store_infant infant = {
        .born_ms = FIRST_MS - 30 * DAY_MS, .sex = 'f', .alarm_days = 30, .keep_clips = true, .clips_bytes = 1000000};
    (void)snprintf(infant.name, sizeof infant.name, "%s", name);
    infant.created_ms = FIRST_MS;
    return infant;
}

/* A recording whose hash is made of `number`. */
static inline mewl_store_recording a_recording(int64_t infant_id, int64_t start_ms, uint64_t number)
{
    mewl_store_recording r = {.infant_id = infant_id,
                              .start_ms = start_ms,
                              .duration_s = 5.0,
                              .time_from = MEWL_STORE_TIME_GIVEN,
                              .role = MEWL_STORE_SCORED,
                              .usable = true,
                              .cry_s = 4.0,
                              .confidence = 0.9,
                              .level_dbfs = -20.0,
                              .snr_db = (double)NAN,
                              .added_ms = start_ms + 1000};
    (void)snprintf(r.file, sizeof r.file, "cry-%llu.wav", (unsigned long long)number);
    (void)snprintf(r.hash, sizeof r.hash, "%064llx", (unsigned long long)number);
    return r;
}

static inline mewl_store_model a_model(char digit, int64_t dimensions)
{
    mewl_store_model model = {.kind = "embedder", .name = "ecapa", .dimensions = dimensions, .first_ms = FIRST_MS};
    memset(model.hash, digit, MEWL_STORE_HASH_MAX - 1);
    return model;
}

static inline mewl_store *open_store(const char *folder)
{
    mewl_store *store = NULL;
    assert_done(mewl_store_open(&store, folder, (mewl_store_opts){0}, E));
    return store;
}

static inline int64_t add_infant(mewl_store *store, const char *name)
{
    int64_t id = 0;
    const mewl_store_infant infant = an_infant(name);
    assert_done(mewl_store_infant_add(store, &id, &infant, E));
    return id;
}

/* A scratch folder in memory where there is one: what is tested here does not rest on a disk, whose flushing takes
 * long. */
static inline int store_make(void **state)
{
    scratch *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return -1;
    }
    *state = s;
    (void)snprintf(s->folder, sizeof s->folder, "/dev/shm/mewl-test-XXXXXX");
    if (mkdtemp(s->folder) != NULL) {
        return 0;
    }
    (void)snprintf(s->folder, sizeof s->folder, "/tmp/mewl-test-XXXXXX");
    return mkdtemp(s->folder) != NULL ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_make, scratch_remove)

#endif
