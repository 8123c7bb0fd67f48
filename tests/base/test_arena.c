/* Tests of base/arena and base/buffer, against a dumb model each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/rng.h"

static void pieces_are_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    mewl_arena arena;
    mewl_arena_init(&arena, 1 << 22);
    mewl_rng rng = mewl_rng_seeded(11);
    enum { PIECES = 400 };
    for (int round = 0; round < 3; round++) {
        static unsigned char *pieces[PIECES];
        static size_t sizes[PIECES];
        for (int i = 0; i < PIECES; i++) {
            sizes[i] = (size_t)mewl_rng_below(&rng, i % 50 == 0 ? 60000 : 300);
            pieces[i] = mewl_arena_alloc(&arena, sizes[i]);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % MEWL_ARENA_ALIGN, 0);
            for (size_t k = 0; k < sizes[i]; k++) {
                assert_int_equal(pieces[i][k], 0);
            }
            memset(pieces[i], i % 255 + 1, sizes[i]);
        }
        for (int i = 0; i < PIECES; i++) {
            for (size_t k = 0; k < sizes[i]; k++) {
                assert_int_equal(pieces[i][k], i % 255 + 1);
            }
        }
        mewl_arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
    }
    mewl_arena_fini(&arena);
    mewl_arena_fini(&arena);
    mewl_arena_fini(NULL);
}

static void the_arena_ceiling_holds(void **state)
{
    (void)state;
    mewl_arena arena;
    mewl_arena_init(&arena, 1000);
    assert_non_null(mewl_arena_alloc(&arena, 600));
    assert_null(mewl_arena_alloc(&arena, 401));
    assert_non_null(mewl_arena_alloc(&arena, 400));
    assert_non_null(mewl_arena_alloc(&arena, 0));
    assert_null(mewl_arena_alloc(&arena, 1));
    assert_null(mewl_arena_alloc(&arena, SIZE_MAX));
    assert_null(mewl_arena_array(&arena, SIZE_MAX / 2, 3));
    mewl_arena_reset(&arena);
    assert_string_equal(mewl_arena_string(&arena, "cry"), "cry");
    assert_null(mewl_arena_string(&arena, NULL));
    assert_non_null(mewl_arena_array(&arena, 249, 4));
    assert_null(mewl_arena_alloc(&arena, 1));
    mewl_arena_fini(&arena);
    mewl_arena_init(&arena, SIZE_MAX);
    assert_null(mewl_arena_alloc(&arena, SIZE_MAX - 8));
    mewl_arena_fini(&arena);
}

static void a_buffer_grows_as_the_model_does(void **state)
{
    (void)state;
    enum { MAX = 5000 };
    for (uint64_t seed = 0; seed < 20; seed++) {
        print_message("seed %d\n", (int)seed);
        mewl_rng rng = mewl_rng_seeded(seed);
        mewl_buffer buffer;
        mewl_buffer_init(&buffer, MAX);
        char model[MAX + 1] = "";
        size_t size = 0;
        bool failed = false;
        for (int step = 0; step < 400; step++) {
            char piece[200];
            size_t bytes = (size_t)mewl_rng_below(&rng, sizeof piece);
            memset(piece, 'a' + step % 26, sizeof piece);
            piece[bytes] = '\0';
            switch (mewl_rng_below(&rng, 40)) {
            case 0:
                mewl_buffer_clear(&buffer);
                size = 0;
                failed = false;
                break;
            default:
                if (failed || size + bytes > MAX) {
                    failed = true;
                    assert_int_equal(step % 2 != 0 ? mewl_buffer_print(&buffer, "%s", piece)
                                                   : mewl_buffer_push(&buffer, piece, bytes),
                                     MEWL_E_MEMORY);
                } else {
                    memcpy(model + size, piece, bytes);
                    size += bytes;
                    assert_int_equal(step % 2 != 0 ? mewl_buffer_print(&buffer, "%s", piece)
                                                   : mewl_buffer_text(&buffer, piece),
                                     MEWL_OK);
                }
            }
            model[size] = '\0';
            assert_int_equal(buffer.size, size);
            assert_int_equal(buffer.failed, failed);
            if (buffer.data != NULL) {
                assert_string_equal(buffer.data, model);
            }
        }
        size_t taken_size = 0;
        char *taken = mewl_buffer_take(&buffer, &taken_size);
        assert_true((taken == NULL) == failed);
        if (taken != NULL) {
            assert_string_equal(taken, model);
            assert_int_equal(taken_size, size);
            assert_int_equal(buffer.size, 0);
        }
        free(taken);
        mewl_buffer_fini(&buffer);
    }
    mewl_buffer_fini(NULL);
}

static void an_empty_buffer_gives_an_empty_text(void **state)
{
    (void)state;
    mewl_buffer buffer;
    mewl_buffer_init(&buffer, 0);
    size_t size = 9;
    char *text = mewl_buffer_take(&buffer, &size);
    assert_string_equal(text, "");
    assert_int_equal(size, 0);
    free(text);
    assert_int_equal(mewl_buffer_push(&buffer, "x", 1), MEWL_E_MEMORY);
    mewl_buffer_fini(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_zeroed_and_apart),
        cmocka_unit_test(the_arena_ceiling_holds),
        cmocka_unit_test(a_buffer_grows_as_the_model_does),
        cmocka_unit_test(an_empty_buffer_gives_an_empty_text),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
