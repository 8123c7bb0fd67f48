/* Distances between words, counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/word.h"

static void distances_are_those_counted_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"analyze", "analyze", 0},
        {"analyse", "analyze", 1},
        {"anaylze", "analyze", 1}, /* a swap is one slip */
        {"analyzee", "analyze", 1},
        {"nalyze", "analyze", 1},
        {"kitten", "sitting", 3},
        {"ca", "abc", 3}, /* 2 if a letter might be touched twice */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mewl_word_distance(rows[i].a, rows[i].b), rows[i].distance);
        assert_int_equal(mewl_word_distance(rows[i].b, rows[i].a), rows[i].distance);
    }
}

static void long_words_are_cut(void **state)
{
    (void)state;
    char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(mewl_word_distance(longer, "x"), MEWL_WORD_MAX - 1);
    assert_int_equal(mewl_word_distance(longer, longer + 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(distances_are_those_counted_by_hand),
                                       cmocka_unit_test(long_words_are_cut)};
    return cmocka_run_group_tests_name("base/word", tests, NULL, NULL);
}
