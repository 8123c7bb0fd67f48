/* Tests of base/file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/folder.h"
#include "scratch.h"

static void a_file_comes_back_with_a_nul(void **state)
{
    const char *path = scratch_path(*state, "a.bin");
    assert_int_equal(mewl_file_write(path, "ab\0cd", 5, NULL), MEWL_OK);
    char *data = NULL;
    size_t bytes = 0;
    assert_int_equal(mewl_file_read_all(&data, &bytes, path, 5, NULL), MEWL_OK);
    assert_int_equal(bytes, 5);
    assert_memory_equal(data, "ab\0cd", 6);
    free(data);
}

static void the_ceiling_holds_for_files_and_pipes(void **state)
{
    const char *path = scratch_path(*state, "b.bin");
    assert_int_equal(mewl_file_write(path, "12345", 5, NULL), MEWL_OK);
    mewl_error err = {0};
    char *data = NULL;
    size_t bytes = 0;
    assert_int_equal(mewl_file_read_all(&data, &bytes, path, 4, &err), MEWL_E_MEMORY);
    assert_null(data);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(mewl_file_read_all(&data, &bytes, "/dev/zero", 100000, &err), MEWL_E_MEMORY);
    assert_null(data);
    assert_int_equal(mewl_file_read_all(&data, &bytes, "/dev/null", 0, &err), MEWL_OK);
    assert_int_equal(bytes, 0);
    assert_string_equal(data, "");
    free(data);
}

static void what_cannot_be_read_says_why(void **state)
{
    mewl_error err = {0};
    char *data = NULL;
    size_t bytes = 0;
    assert_int_equal(mewl_file_read_all(&data, &bytes, scratch_path(*state, "none"), 9, &err), MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_file_read_all(&data, &bytes, scratch_folder(*state), 9, &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "folder"));
    if (geteuid() != 0) { /* root reads everything */
        const char *path = scratch_path(*state, "closed");
        assert_int_equal(mewl_file_write(path, "x", 1, NULL), MEWL_OK);
        assert_int_equal(chmod(path, 0), 0);
        assert_int_equal(mewl_file_read_all(&data, &bytes, path, 9, &err), MEWL_E_PERMISSION);
        assert_int_equal(mewl_file_write(path, "y", 1, &err), MEWL_E_PERMISSION);
    }
}

static void without_a_commit_the_old_file_stays(void **state)
{
    const char *path = scratch_path(*state, "c.bin");
    assert_int_equal(mewl_file_write(path, "old", 3, NULL), MEWL_OK);
    assert_int_equal(chmod(path, 0640), 0);
    mewl_file_writer *writer = NULL;
    assert_int_equal(mewl_file_writer_open(&writer, path, NULL), MEWL_OK);
    assert_int_equal(mewl_file_writer_push(writer, "new", 3, NULL), MEWL_OK);
    mewl_file_writer_close(writer);
    assert_string_equal(scratch_read(path), "old");
    assert_int_equal(scratch_count(*state), 1); /* no temporary file left */

    assert_int_equal(mewl_file_writer_open(&writer, path, NULL), MEWL_OK);
    assert_int_equal(mewl_file_writer_push(writer, "newer", 5, NULL), MEWL_OK);
    assert_int_equal(mewl_file_writer_patch(writer, 0, "N", 1, NULL), MEWL_OK);
    assert_int_equal(mewl_file_writer_patch(writer, 4, "RR", 2, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_file_writer_push(writer, "!", 1, NULL), MEWL_OK);
    assert_int_equal(mewl_file_writer_commit(writer, NULL), MEWL_OK);
    assert_int_equal(mewl_file_writer_push(writer, "x", 1, NULL), MEWL_E_STATE);
    assert_int_equal(mewl_file_writer_commit(writer, NULL), MEWL_E_STATE);
    mewl_file_writer_close(writer);
    assert_string_equal(scratch_read(path), "Newer!");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(scratch_count(*state), 1);
    mewl_file_writer_close(NULL);
}

static void a_link_is_followed_and_a_device_written(void **state)
{
    const char *path = scratch_path(*state, "real");
    const char *link_path = scratch_path(*state, "link");
    assert_int_equal(mewl_file_write(path, "1", 1, NULL), MEWL_OK);
    assert_int_equal(symlink("real", link_path), 0);
    assert_int_equal(mewl_file_write(link_path, "22", 2, NULL), MEWL_OK);
    assert_string_equal(scratch_read(path), "22");
    struct stat info;
    assert_int_equal(lstat(link_path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(mewl_file_write("/dev/null", "22", 2, NULL), MEWL_OK);
    mewl_error err = {0};
    assert_int_equal(mewl_file_write("/dev/full", "22", 2, &err), MEWL_E_IO);
    assert_non_null(strstr(err.text, "/dev/full"));
    assert_int_equal(mewl_file_write(scratch_path(*state, "no/such"), "1", 1, &err), MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_file_write(scratch_folder(*state), "1", 1, &err), MEWL_E_STATE);
}

static void a_new_file_follows_the_umask(void **state)
{
    mode_t old = umask(027);
    const char *path = scratch_path(*state, "masked");
    mewl_status status = mewl_file_write(path, "1", 1, NULL);
    (void)umask(old);
    assert_int_equal(status, MEWL_OK);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

static void folders_are_made_and_listed_in_order(void **state)
{
    const char *deep = scratch_path(*state, "x/y/z");
    assert_int_equal(mewl_folder_make(deep, NULL), MEWL_OK);
    assert_int_equal(mewl_folder_make(deep, NULL), MEWL_OK);
    assert_true(mewl_folder_exists(deep));
    mewl_error err = {0};
    assert_int_equal(mewl_folder_make("", &err), MEWL_E_ARG);
    const char *names[] = {"b", "B", "a10", "a2", ".hidden"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = mewl_folder_join(deep, names[i]);
        assert_int_equal(mewl_file_write(path, "", 0, NULL), MEWL_OK);
        assert_false(mewl_folder_exists(path));
        if (i == 0) {
            assert_int_equal(mewl_folder_make(path, &err), MEWL_E_STATE);
        }
        free(path);
    }
    mewl_folder_list list;
    assert_int_equal(mewl_folder_read(&list, deep, 4, NULL), MEWL_OK);
    assert_int_equal(list.count, 4);
    assert_string_equal(list.names[0], "B");
    assert_string_equal(list.names[1], "a10");
    assert_string_equal(list.names[2], "a2");
    assert_string_equal(list.names[3], "b");
    mewl_folder_list_fini(&list);
    assert_int_equal(mewl_folder_read(&list, deep, 3, &err), MEWL_E_MEMORY);
    assert_int_equal(list.count, 0);
    assert_int_equal(mewl_folder_read(&list, scratch_path(*state, "none"), 3, &err), MEWL_E_NOT_FOUND);
    mewl_folder_list_fini(&list);
    mewl_folder_list_fini(NULL);
}

static void paths_join_with_one_slash(void **state)
{
    (void)state;
    const char *rows[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {NULL, "b", "b"}, {"/", "b", "/b"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *path = mewl_folder_join(rows[i][0], rows[i][1]);
        assert_string_equal(path, rows[i][2]);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_comes_back_with_a_nul, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(the_ceiling_holds_for_files_and_pipes, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_says_why, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(without_a_commit_the_old_file_stays, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(a_link_is_followed_and_a_device_written, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(a_new_file_follows_the_umask, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(folders_are_made_and_listed_in_order, scratch_make, scratch_remove),
        cmocka_unit_test(paths_join_with_one_slash),
    };
    return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
