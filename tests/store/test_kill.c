/* A writer that is killed at any moment: nothing acknowledged is lost, nothing is half written. bench/store_kill.c does
 * the same thousands of times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "furnish.h"
#include "killing.h"

#define KILLS 36
#define SEED 11

static void nothing_acknowledged_is_lost(void **state)
{
    killing_report report;
    char why[256] = "";
    if (!killing_run(scratch_folder(*state), KILLS, SEED, 60.0, &report, why, NULL)) {
        fail_msg("seed %d, after %u kills: %s", SEED, report.kills, why);
    }
    assert_int_equal(report.kills, KILLS);
    assert_true(report.in_write > 0); /* else it was no test of writing */
    assert_true(report.acknowledged > 0);
}

/* The first kill that each older form meets is while it is brought up to date, or soon after. */
static void migration_survives_a_kill(void **state)
{
    for (int version = 0; version < MEWL_STORE_VERSION; version++) {
        for (uint64_t round = 0; round < 4; round++) {
            mewl_rng rng = mewl_rng_stream(SEED, round);
            killing_report report = {0};
            uint64_t next = 1;
            char why[256] = "";
            killing_clear(scratch_folder(*state));
            assert_true(version == 0 || killing_old_store(scratch_folder(*state), version));
            if (!killing_one(scratch_folder(*state), &next, 0.0002 * pow(4.0, (double)round), &rng, &report, why)) {
                fail_msg("form %d, round %d: %s", version, (int)round, why);
            }
        }
    }
}

/* The check itself sees a loss and a half-written transaction: else it would prove nothing. */
static void the_check_sees_what_is_missing(void **state)
{
    mewl_store *store = NULL;
    mewl_store_model model = {.kind = "embedder", .name = "ecapa", .dimensions = 16};
    int64_t id = 0;
    uint64_t highest = 0;
    char why[256] = "", path[256];
    sqlite3 *db = NULL;
    killing_hash(model.hash, 7);
    assert_int_equal(mewl_store_open(&store, scratch_folder(*state), (mewl_store_opts){0}, NULL), MEWL_OK);
    assert_int_equal(killing_infant(store, &id, "Ida"), MEWL_OK);
    assert_int_equal(mewl_store_model_put(store, &model, NULL), MEWL_OK);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(killing_add(store, id, model.id, i), MEWL_OK);
    }
    mewl_store_close(store);
    assert_true(killing_check(scratch_folder(*state), 3, &highest, why));
    assert_int_equal(highest, 3);
    assert_false(killing_check(scratch_folder(*state), 4, &highest, why));
    assert_non_null(strstr(why, "4 told"));
    (void)snprintf(path, sizeof path, "%s/" MEWL_STORE_FILE, scratch_folder(*state));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "DELETE FROM measures WHERE name = 'jitter' AND recording_id = 2", NULL, NULL, NULL),
        SQLITE_OK);
    assert_false(killing_check(scratch_folder(*state), 3, &highest, why));
    assert_non_null(strstr(why, "in part"));
    assert_int_equal(
        sqlite3_exec(db, "PRAGMA foreign_keys = ON; DELETE FROM recordings WHERE id = 2", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_false(killing_check(scratch_folder(*state), 3, &highest, why));
    assert_non_null(strstr(why, "2 rows"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(nothing_acknowledged_is_lost), TEST(migration_survives_a_kill),
                                       TEST(the_check_sees_what_is_missing)};
    return cmocka_run_group_tests_name("store/kill", tests, NULL, NULL);
}
