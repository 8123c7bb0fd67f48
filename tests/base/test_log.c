/* One line to one callback: formatted, cut, and held back beyond the level asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"

typedef struct kept {
    char text[2 * MEWL_LOG_TEXT_MAX];
    mewl_log_level level;
    int lines;
} kept;

static void keep(void *user, mewl_log_level level, const char *text)
{
    kept *k = user;
    (void)snprintf(k->text, sizeof k->text, "%s", text);
    k->level = level;
    k->lines++;
}

static void lines_reach_the_callback(void **state)
{
    (void)state;
    kept k = {0};
    const mewl_log log = {.write = keep, .user = &k, .most = MEWL_LOG_INFO}, nobody = {.most = MEWL_LOG_DEBUG};
    mewl_log_print(&log, MEWL_LOG_WARNING, "%s lost %d s", "camera", 3);
    assert_string_equal(k.text, "camera lost 3 s");
    assert_int_equal(k.level, MEWL_LOG_WARNING);
    mewl_log_print(&log, MEWL_LOG_INFO, "at the level asked for");
    mewl_log_print(&log, MEWL_LOG_DEBUG, "beyond it");
    assert_int_equal(k.lines, 2);
    assert_string_equal(k.text, "at the level asked for");
    mewl_log_print(&nobody, MEWL_LOG_ERROR, "nobody hears it");
    mewl_log_print(NULL, MEWL_LOG_ERROR, "nobody hears it");
    assert_int_equal(k.lines, 2);
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    kept k = {0};
    const mewl_log log = {.write = keep, .user = &k, .most = MEWL_LOG_DEBUG};
    mewl_log_print(&log, MEWL_LOG_ERROR, "%*s", 3000, "end");
    assert_int_equal(strlen(k.text), MEWL_LOG_TEXT_MAX - 1);
}

static void levels_have_names(void **state)
{
    (void)state;
    assert_string_equal(mewl_log_level_name(MEWL_LOG_ERROR), "error");
    assert_string_equal(mewl_log_level_name(MEWL_LOG_WARNING), "warning");
    assert_string_equal(mewl_log_level_name(MEWL_LOG_INFO), "info");
    assert_string_equal(mewl_log_level_name(MEWL_LOG_DEBUG), "debug");
    assert_string_equal(mewl_log_level_name((mewl_log_level)9), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_reach_the_callback), cmocka_unit_test(long_lines_are_cut),
                                       cmocka_unit_test(levels_have_names)};
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
