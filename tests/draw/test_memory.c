/* test_memory.c - every allocation of the room's constructors refused in turn: a clean error each time, nothing leaked
 * (the sanitizer build sees to that), until there is enough. Linked with --wrap, so that only Mewl's own calls are
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "../base/scratch.h"
#include "draw/picture.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

/* How many more allocations succeed; negative: all. */
static int left = -1;

static int refused(void)
{
    if (left < 0) {
        return 0;
    }
    return left-- == 0 ? (left = 0, 1) : 0;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : __real_aligned_alloc(alignment, size);
}

static mewl_status make(mewl_picture_acc **acc)
{
    static const double band_hz[] = {100.0, 200.0, 300.0};
    mewl_picture_acc_opts opts = {
        .rate_hz = 8000.0, .bands = 3, .frame_step_s = 0.01, .band_hz = band_hz, .score_step_s = 0.1};
    return mewl_picture_acc_new(acc, opts, NULL);
}

static void accumulators(void **state)
{
    mewl_status status = MEWL_E_MEMORY;
    int enough = 0;
    for (; status != MEWL_OK; enough++) {
        mewl_picture_acc *acc = (mewl_picture_acc *)1;
        left = enough;
        status = make(&acc);
        left = -1;
        assert_true(enough < 100);
        assert_true(status == MEWL_OK || (status == MEWL_E_MEMORY && acc == NULL));
        mewl_picture_acc_free(acc);
    }
    assert_true(enough > 5);
}

/* cairo's own memory is not refused: this goes through what src/draw takes itself. */
static void pictures(void **state)
{
    const char *path = scratch_path(*state, "p.png");
    static const float sound[800] = {0.5f};
    static const float frame[3] = {0.0f, -10.0f, -20.0f};
    mewl_picture_span span = {MEWL_PICTURE_EPISODE, 0.01, 0.05, 0.8};
    mewl_picture_opts opts = {.title = "t", .threshold = 0.5, .width_px = 480, .height_px = 320};
    mewl_picture_acc *acc = NULL;
    struct stat info;
    assert_int_equal(make(&acc), MEWL_OK);
    mewl_picture_acc_samples(acc, sound, 800);
    mewl_picture_acc_frames(acc, frame, 1);
    mewl_status status = MEWL_E_MEMORY;
    for (int enough = 0; status != MEWL_OK; enough++) {
        left = enough;
        status = mewl_picture_write(acc, path, &span, 1, opts, NULL);
        left = -1;
        assert_true(enough < 1000);
        assert_int_equal(stat(path, &info), status == MEWL_OK ? 0 : -1);
    }
    mewl_picture_acc_free(acc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accumulators),
        cmocka_unit_test_setup_teardown(pictures, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
