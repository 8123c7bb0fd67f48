/* test_memory.c - every allocation of the room's constructors refused in turn: a clean error each time, nothing leaked
 * (the sanitizer build sees to that), until there is enough. Linked with --wrap, so that only Mewl's own calls are
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dsp/fft.h"
#include "dsp/frontend.h"

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

static void front_ends(void **state)
{
    for (size_t i = 0; mewl_frontend_name_at(i) != NULL; i++) {
        mewl_status status = MEWL_E_MEMORY;
        int enough = 0;
        for (; status != MEWL_OK; enough++) {
            mewl_frontend *fe = (mewl_frontend *)1;
            mewl_error err = {0};
            left = enough;
            status = mewl_frontend_new(&fe, mewl_frontend_name_at(i), &err);
            left = -1;
            assert_true(enough < 1000);
            if (status != MEWL_OK) {
                assert_int_equal(status, MEWL_E_MEMORY);
                assert_int_equal(err.status, MEWL_E_MEMORY);
                assert_null(fe);
            }
            mewl_frontend_free(fe);
        }
        assert_true(enough > 15);
    }
}

static void transforms(void **state)
{
    static const size_t lengths[] = {512, 400, 1021, 251, 2};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        mewl_status status = MEWL_E_MEMORY;
        for (int enough = 0; status != MEWL_OK; enough++) {
            mewl_fft *fft = NULL;
            left = enough;
            status = mewl_fft_new(&fft, lengths[i], NULL);
            left = -1;
            assert_true(enough < 100);
            assert_true(status == MEWL_OK || (status == MEWL_E_MEMORY && fft == NULL));
            mewl_fft_free(fft);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(front_ends), cmocka_unit_test(transforms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
