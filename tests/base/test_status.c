/* Tests of base/status. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

static void names_are_distinct(void **state)
{
    (void)state;
    for (int i = 0; i < MEWL_STATUS_COUNT; i++) {
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(mewl_status_name((mewl_status)i), mewl_status_name((mewl_status)j));
        }
    }
    assert_string_equal(mewl_status_name((mewl_status)-1), "unknown");
    assert_string_equal(mewl_status_name(MEWL_STATUS_COUNT), "unknown");
}

static void prefix_keeps_the_reason_and_cuts(void **state)
{
    (void)state;
    mewl_error err = {0};
    assert_int_equal(mewl_error_set(&err, MEWL_E_FORMAT, "byte %d is wrong", 7), MEWL_E_FORMAT);
    assert_int_equal(mewl_error_prefix(&err, MEWL_E_FORMAT, "a.bin"), MEWL_E_FORMAT);
    assert_string_equal(err.text, "a.bin: byte 7 is wrong");
    for (int i = 0; i < 200; i++) {
        mewl_error_prefix(&err, MEWL_E_FORMAT, "folder%d", i);
    }
    assert_true(strlen(err.text) < MEWL_ERROR_TEXT_MAX);
    assert_int_equal(mewl_error_set(NULL, MEWL_E_IO, "x"), MEWL_E_IO);
}

static void errno_maps_to_status(void **state)
{
    (void)state;
    mewl_error err = {0};
    assert_int_equal(mewl_error_errno(&err, ENOENT, "x.wav"), MEWL_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "x.wav"));
    assert_int_equal(mewl_error_errno(&err, EACCES, "x.wav"), MEWL_E_PERMISSION);
    assert_int_equal(mewl_error_errno(&err, EIO, "x.wav"), MEWL_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_distinct),
        cmocka_unit_test(prefix_keeps_the_reason_and_cuts),
        cmocka_unit_test(errno_maps_to_status),
    };
    return cmocka_run_group_tests_name("base/status", tests, NULL, NULL);
}
