/* Base when memory runs out: each operation is repeated with its first, second, third, ... allocation failing until it
 * succeeds; every failure must be MEWL_E_MEMORY, leave nothing allocated and nothing on disk. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/npy.h"
#include "scratch.h"

/* Calls left until one fails (negative: none does), and blocks that are alive. The linker's --wrap leads base here. */
static int left = -1;
static int alive;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t most);
void __real_free(void *block);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
void __wrap_free(void *block);

static bool fails(void)
{
    bool fail = left >= 0 && left-- == 0;
    if (fail) {
        errno = ENOMEM; /* as the real ones do */
    }
    return fail;
}

static void *counted(void *block)
{
    alive += block != NULL;
    return block;
}

void *__wrap_malloc(size_t bytes)
{
    return fails() ? NULL : counted(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : counted(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *old, size_t bytes)
{
    if (fails()) {
        return NULL;
    }
    void *block = __real_realloc(old, bytes);
    alive += old == NULL && block != NULL;
    return block;
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : counted(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t most)
{
    return fails() ? NULL : counted(__real_strndup(text, most));
}

void __wrap_free(void *block)
{
    alive -= block != NULL;
    __real_free(block);
}

/* Repeats `operate` until it succeeds; it must have failed at least `least` times before. */
static void sweep(mewl_status (*operate)(const char *path), const char *path, int least)
{
    int rounds = 0;
    for (;; rounds++) {
        assert_true(rounds < 200);
        alive = 0;
        left = rounds;
        mewl_status status = operate(path);
        left = -1;
        assert_int_equal(alive, 0);
        if (status == MEWL_OK) {
            break;
        }
        assert_int_equal(status, MEWL_E_MEMORY);
        assert_int_equal(access(path, F_OK), -1);
    }
    assert_true(rounds >= least);
}

static mewl_status write_file(const char *path)
{
    return mewl_file_write(path, "abc", 3, NULL);
}

static mewl_status write_rows(const char *path)
{
    mewl_npy_writer *writer = NULL;
    mewl_status status = mewl_npy_writer_open(&writer, path, (const size_t[]){2}, 1, NULL);
    if (status == MEWL_OK) {
        status = mewl_npy_writer_push(writer, (const float[]){1, 2}, 1, NULL);
    }
    if (status == MEWL_OK) {
        status = mewl_npy_writer_commit(writer, NULL);
    }
    mewl_npy_writer_close(writer);
    return status;
}

static mewl_status write_json(const char *path)
{
    json_t *d = json_object();
    mewl_status status = mewl_json_set_string(d, "file", "a\xff.wav");
    if (status == MEWL_OK) {
        status = mewl_json_set_real(d, "level_dbfs", -23.5);
    }
    if (status == MEWL_OK) {
        status = mewl_json_write(d, path, NULL);
    }
    json_decref(d);
    return status;
}

static void writing_survives_without_memory(void **state)
{
    sweep(write_file, scratch_path(*state, "a"), 3);
    sweep(write_rows, scratch_path(*state, "b.npy"), 4);
    json_set_alloc_funcs(__wrap_malloc, __wrap_free);
    sweep(write_json, scratch_path(*state, "c.json"), 10);
    json_set_alloc_funcs(__real_malloc, __real_free);
    assert_int_equal(scratch_count(*state), 3);
}

static const char *existing;

static mewl_status read_array(const char *path)
{
    (void)path;
    mewl_npy array;
    mewl_status status = mewl_npy_read_f32(&array, existing, 100, NULL);
    assert_true((array.data != NULL) == (status == MEWL_OK));
    mewl_npy_fini(&array);
    return status;
}

static mewl_status list_folder(const char *path)
{
    (void)path;
    mewl_folder_list list;
    mewl_status status = mewl_folder_read(&list, "/", 1000, NULL);
    assert_true((list.names != NULL) == (status == MEWL_OK));
    mewl_folder_list_fini(&list);
    return status;
}

static mewl_status fill_buffer(const char *path)
{
    (void)path;
    mewl_buffer buffer;
    mewl_buffer_init(&buffer, 10000);
    for (int i = 0; i < 100; i++) {
        (void)mewl_buffer_print(&buffer, "row %d\n", i);
    }
    size_t size = 0;
    char *text = mewl_buffer_take(&buffer, &size);
    mewl_buffer_fini(&buffer);
    mewl_status status = text != NULL ? MEWL_OK : MEWL_E_MEMORY;
    free(text);
    return status;
}

static void reading_survives_without_memory(void **state)
{
    existing = scratch_path(*state, "x.npy");
    assert_int_equal(mewl_npy_write_f32(existing, (const float[]){1, 2}, (const size_t[]){2}, 1, NULL), MEWL_OK);
    const char *none = scratch_path(*state, "none");
    sweep(read_array, none, 2);
    sweep(list_folder, none, 3);
    sweep(fill_buffer, none, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writing_survives_without_memory, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(reading_survives_without_memory, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests_name("base/memory", tests, NULL, NULL);
}
