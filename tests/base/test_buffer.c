/* Bytes that grow up to a ceiling, and remember a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buffer.h"

static void pieces_join(void **state)
{
    (void)state;
    mewl_buffer b;
    size_t size = 0;
    mewl_buffer_init(&b, 1000);
    assert_null(b.data);
    assert_int_equal(mewl_buffer_text(&b, "one"), MEWL_OK);
    assert_int_equal(mewl_buffer_push(&b, "\0two", 4), MEWL_OK);
    assert_int_equal(mewl_buffer_print(&b, " %d %s", 3, "four"), MEWL_OK);
    assert_int_equal(b.size, 14);
    assert_memory_equal(b.data, "one\0two 3 four", 15); /* the NUL after them */
    char *taken = mewl_buffer_take(&b, &size);
    assert_int_equal(size, 14);
    assert_memory_equal(taken, "one\0two 3 four", 15);
    assert_int_equal(b.size, 0);
    free(taken);
    taken = mewl_buffer_take(&b, &size); /* an empty one gives "" */
    assert_string_equal(taken, "");
    free(taken);
    mewl_buffer_fini(&b);
    mewl_buffer_fini(NULL);
}

static void the_ceiling_holds_and_is_remembered(void **state)
{
    (void)state;
    mewl_buffer b;
    size_t size = 0;
    mewl_buffer_init(&b, 8);
    assert_int_equal(mewl_buffer_text(&b, "12345678"), MEWL_OK);
    assert_int_equal(mewl_buffer_text(&b, "9"), MEWL_E_MEMORY);
    assert_int_equal(b.size, 8); /* nothing of the piece */
    assert_string_equal(b.data, "12345678");
    assert_int_equal(mewl_buffer_push(&b, "", 0), MEWL_E_MEMORY);
    assert_null(mewl_buffer_take(&b, &size));
    mewl_buffer_clear(&b);
    assert_int_equal(mewl_buffer_print(&b, "%s", "123456789"), MEWL_E_MEMORY);
    mewl_buffer_clear(&b);
    assert_int_equal(mewl_buffer_text(&b, "again"), MEWL_OK);
    assert_string_equal(b.data, "again");
    mewl_buffer_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pieces_join),
                                       cmocka_unit_test(the_ceiling_holds_and_is_remembered)};
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
