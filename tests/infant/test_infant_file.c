/* Files that families have: of the first version (seeds of the fuzz harness, written by it) they are read, say the same
 * after they were written in today's version, and go on hearing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "infant/infant.h"

static uint32_t version_of(const void *bytes)
{
    uint32_t version;
    memcpy(&version, (const char *)bytes + 4, sizeof version); /* after the tag; files are little-endian, as we are */
    return version;
}

static void assert_same_state(const mewl_infant *a, const mewl_infant *b)
{
    const mewl_infant_state x = mewl_infant_describe(a);
    const mewl_infant_state y = mewl_infant_describe(b);
    assert_int_equal(x.kind, y.kind);
    assert_int_equal(x.sessions, y.sessions);
    assert_int_equal(x.learned, y.learned);
    assert_int_equal(x.held_apart, y.held_apart);
    assert_int_equal(x.learned_recordings, y.learned_recordings);
    assert_int_equal(x.change_open, y.change_open);
    assert_true(x.last_time_s == y.last_time_s && x.level == y.level);
}

static void test_version_1(void **state)
{
    (void)state;
    static const char *const names[] = {"autoencoder", "gmm", "knn", "mahalanobis", "oneclass", "plda"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[600];
        char *old = NULL;
        size_t bytes = 0;
        mewl_infant *first = NULL;
        mewl_infant *again = NULL;
        mewl_buffer now;
        mewl_error err = {0};
        (void)snprintf(path, sizeof path, "%s/%s.bin", MEWL_CORPUS, names[i]);
        assert_int_equal(mewl_file_read_all(&old, &bytes, path, 1 << 20, &err), MEWL_OK);
        assert_int_equal(version_of(old), 1);
        if (mewl_infant_load(&first, old, bytes, path, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        assert_in_range(mewl_infant_describe(first).sessions, 1, 1000);
        mewl_buffer_init(&now, MEWL_INFANT_FILE_BYTES_MAX);
        assert_int_equal(mewl_infant_save(first, &now, &err), MEWL_OK);
        assert_int_equal(version_of(now.data), 2);
        assert_int_equal(mewl_infant_load(&again, now.data, now.size, "rewritten", &err), MEWL_OK);
        assert_same_state(first, again);
        assert_int_equal(mewl_infant_load(&(mewl_infant *){NULL}, now.data, now.size - 1, "cut", &err), MEWL_E_FORMAT);
        mewl_buffer_fini(&now);
        mewl_infant_free(first);
        mewl_infant_free(again);
        free(old);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_version_1)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
