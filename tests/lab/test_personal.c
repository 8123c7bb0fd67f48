/* The experiments on personal models: tables of figures, simulated lives. */
#include "golden.h"

#include <math.h>
#include <string.h>

#include "lab/alarms.h"
#include "lab/sheet.h"

static void test_sheets_print_as_markdown(void **state)
{
    (void)state;
    static const char *const columns[] = {"who", "n", "share", "figure"};
    json_t *sheet = mewl_sheet_new("Title", columns, 4, "A note.");
    json_t *row = mewl_sheet_row();
    mewl_sheet_text_cell(row, "a");
    mewl_sheet_count(row, 12);
    mewl_sheet_interval(row, 0.5, 0.25, 0.75);
    mewl_sheet_real(row, NAN);
    assert_int_equal(mewl_sheet_add(sheet, row), MEWL_OK);
    row = mewl_sheet_row();
    mewl_sheet_text_cell(row, "too short");
    assert_int_equal(mewl_sheet_add(sheet, row), MEWL_E_MEMORY);
    assert_int_equal(mewl_sheet_add(NULL, mewl_sheet_row()), MEWL_E_MEMORY);
    json_t *document = json_pack("{s:s, s:[s], s:[o]}", "title", "Whole", "protocol", "One.", "sheets", sheet);
    assert_non_null(document);
    mewl_buffer text;
    mewl_buffer_init(&text, 1 << 16);
    assert_int_equal(mewl_sheet_print(&text, document, NULL), MEWL_OK);
    assert_string_equal(text.data, "## Whole\n\n- One.\n\n### Title\n\n"
                                   "| who | n  | share                  | figure |\n"
                                   "|-----|----|------------------------|--------|\n"
                                   "| a   | 12 | 0.500 (0.250 to 0.750) |      - |\n"
                                   "\nA note.\n\n");
    mewl_buffer_fini(&text);
    json_decref(document);
}

static void test_alarms_on_few_infants(void **state)
{
    (void)state;
    json_t *document = NULL;
    mewl_error err = {0};
    mewl_alarms_opts opts = {.infants = 2, .lifetimes = 2, .days = 64, .seed = 3};
    if (mewl_alarms_run(&document, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    const json_t *sheets = json_object_get(document, "sheets");
    assert_true(json_array_size(sheets) == 5);
    for (size_t k = 0; k < 5; k++) {
        assert_true(json_array_size(json_object_get(json_array_get(sheets, k), "rows")) >= 1);
    }
    /* Every table that lives come from obeys the number of days, and says so. */
    char *text = json_dumps(document, 0);
    assert_non_null(strstr(text, "held apart, not growing, 64 days"));
    assert_non_null(strstr(text, "held apart, growing, 94 days"));
    assert_non_null(strstr(text, "accept-if-normal, not growing, 64 days"));
    assert_non_null(strstr(text, "put in on day 34"));
    assert_null(strstr(text, "90 days"));
    free(text);
    json_decref(document);
    volatile sig_atomic_t stop = 1;
    opts.stop = &stop;
    assert_int_equal(mewl_alarms_run(&document, opts, &err), MEWL_E_CANCELLED);
    assert_null(document);
    opts.days = MEWL_ALARMS_DAYS_MIN - 1;
    assert_int_equal(mewl_alarms_run(&document, opts, &err), MEWL_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sheets_print_as_markdown),
        cmocka_unit_test(test_alarms_on_few_infants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
