/* The store when memory runs out: each operation is repeated with SQLite's first, second, third, ... allocation failing
 * until it succeeds. Every failure is told as such, and what was there before is there afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "furnish.h"

static sqlite3_mem_methods real;
static int left = -1; /* allocations until one fails, and all after it; negative: none does */

static bool fails(void)
{
    return left >= 0 && (left == 0 || left-- == 0);
}

static void *limited_malloc(int bytes)
{
    return fails() ? NULL : real.xMalloc(bytes);
}

static void *limited_realloc(void *old, int bytes)
{
    return fails() ? NULL : real.xRealloc(old, bytes);
}

static const char *folder;

static mewl_status open_it(void)
{
    mewl_store *store = NULL;
    mewl_error err = {0};
    const mewl_status status = mewl_store_open(&store, folder, (mewl_store_opts){0}, &err);
    mewl_store_close(store);
    return status;
}

static mewl_status add_it(void)
{
    mewl_store *store = NULL;
    mewl_store_infant infant;
    mewl_error err = {0};
    mewl_status status = mewl_store_open(&store, folder, (mewl_store_opts){0}, &err);
    if (status == MEWL_OK) {
        status = mewl_store_infant_find(store, &infant, "Ida", &err);
    }
    if (status == MEWL_OK) {
        mewl_store_recording r = a_recording(infant.id, FIRST_MS, 1);
        status = mewl_store_recording_add(store, &r, &err);
        status = status == MEWL_E_STATE ? MEWL_OK : status;
    }
    mewl_store_close(store);
    return status;
}

/* Every n-th allocation and all after it fail, until none does; steps grow, so that the sweep ends. */
static void sweep(mewl_status (*operate)(void), int least)
{
    int failures = 0;
    for (int n = 0;; n += 1 + n / 24) {
        assert_true(n < 1000000);
        left = n;
        const mewl_status status = operate();
        left = -1;
        if (status == MEWL_OK) {
            break;
        }
        failures++;
        if (status != MEWL_E_MEMORY) {
            fail_msg("allocation %d failing gives %s", n, mewl_status_name(status));
        }
    }
    assert_true(failures >= least);
}

static mewl_status count_one(void *user, const mewl_store_recording *recording)
{
    (void)recording;
    ++*(int *)user;
    return MEWL_OK;
}

static void nothing_is_lost_without_memory(void **state)
{
    mewl_store *store = NULL;
    int count = 0;
    folder = scratch_folder(*state);
    sweep(open_it, 10);
    store = open_store(folder);
    const int64_t id = add_infant(store, "Ida");
    mewl_store_close(store);
    sweep(add_it, 10);
    store = open_store(folder);
    assert_done(mewl_store_recording_each(store, id, INT64_MIN, INT64_MAX, count_one, &count, E));
    assert_int_equal(count, 1);
    assert_done(mewl_store_check(store, E));
    mewl_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(nothing_is_lost_without_memory)};
    sqlite3_mem_methods limited;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK) {
        return 1;
    }
    limited = real;
    limited.xMalloc = limited_malloc;
    limited.xRealloc = limited_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &limited) != SQLITE_OK ||
        sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK) {
        return 1;
    }
    return cmocka_run_group_tests_name("store/memory", tests, NULL, NULL);
}
