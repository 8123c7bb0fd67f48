/* Folders: made with those above, read in one order everywhere, paths joined with one slash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/folder.h"

static void made_read_and_joined(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "a10", "a2", "B", ".hidden"}, *const sorted[] = {"B", "a10", "a2", "b"};
    char root[] = "/tmp/mewl-folder-XXXXXX";
    mewl_folder_list list;
    mewl_error err = {0};
    assert_non_null(mkdtemp(root));
    char *deep = mewl_folder_join(root, "x/y");
    assert_false(mewl_folder_exists(deep));
    assert_int_equal(mewl_folder_make(deep, &err), MEWL_OK);
    assert_int_equal(mewl_folder_make(deep, &err), MEWL_OK); /* again is fine */
    assert_true(mewl_folder_exists(deep));
    char *paths[5];
    for (size_t i = 0; i < 5; i++) {
        paths[i] = mewl_folder_join(deep, names[i]);
        assert_int_equal(mewl_file_write(paths[i], "x", 1, &err), MEWL_OK);
    }
    assert_int_equal(mewl_folder_read(&list, deep, 4, &err), MEWL_OK);
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(list.names[i], sorted[i]);
    }
    mewl_folder_list_fini(&list);
    assert_int_equal(list.count, 0);
    assert_int_equal(mewl_folder_read(&list, deep, 3, &err), MEWL_E_MEMORY);
    assert_int_equal(list.count, 0);
    assert_false(mewl_folder_exists(paths[0]));
    assert_int_equal(mewl_folder_make(paths[0], &err), MEWL_E_STATE); /* a file stands there */
    assert_int_equal(mewl_folder_make("", &err), MEWL_E_ARG);
    assert_int_equal(mewl_folder_read(&list, "/none/such", 3, &err), MEWL_E_NOT_FOUND);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(unlink(paths[i]), 0);
        free(paths[i]);
    }
    assert_int_equal(rmdir(deep), 0);
    deep[strlen(deep) - 2] = '\0';
    assert_int_equal(rmdir(deep) + rmdir(root), 0);
    free(deep);
}

static void joins_have_one_slash(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}, {NULL, "b", "b"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *joined = mewl_folder_join(rows[i][0], rows[i][1]);
        assert_string_equal(joined, rows[i][2]);
        free(joined);
    }
    mewl_folder_list_fini(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(made_read_and_joined), cmocka_unit_test(joins_have_one_slash)};
    return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
