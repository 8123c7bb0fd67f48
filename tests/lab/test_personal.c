/* The experiments on personal models: tables of figures, ICLAS's table on made-up identities, simulated lives. */
#include "golden.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "lab/alarms.h"
#include "lab/iclas.h"
#include "lab/sheet.h"

#define DIMS 8
#define PEOPLE 12
#define EACH 10

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

/* Identities a good way apart, each with sessions of two recordings; the last ones have too few. */
static void make_people(mewl_manifest *manifest, double *x, double apart)
{
    mewl_rng rng = mewl_rng_seeded(31);
    assert_int_equal(mewl_manifest_init(manifest, NULL), MEWL_OK);
    for (size_t who = 0; who < PEOPLE; who++) {
        double centre[DIMS];
        double session[DIMS];
        for (size_t j = 0; j < DIMS; j++) {
            centre[j] = 3 + apart * mewl_rng_normal(&rng);
        }
        size_t each = who < PEOPLE - 2 ? EACH : 3;
        for (size_t k = 0; k < each; k++) {
            char text[5][32];
            mewl_row row = mewl_row_empty();
            (void)snprintf(text[0], sizeof text[0], "%02zu-%02zu.wav", who, k);
            (void)snprintf(text[1], sizeof text[1], "person%zu", who);
            (void)snprintf(text[2], sizeof text[2], "device%zu", who);
            (void)snprintf(text[3], sizeof text[3], "s%zu", k / 2);
            row.path = text[0];
            row.speaker = text[1];
            row.group = text[2];
            row.session = text[3];
            row.age = who % 2 == 0 ? "04" : "26";
            row.sex = "f";
            size_t at = manifest->count;
            assert_int_equal(mewl_manifest_add(manifest, &row, NULL), MEWL_OK);
            for (size_t j = 0; j < DIMS; j++) {
                session[j] = k % 2 == 0 ? centre[j] + 0.2 * mewl_rng_normal(&rng) : session[j];
                x[at * DIMS + j] = session[j] + 0.2 * mewl_rng_normal(&rng);
            }
        }
    }
}

static double member(const json_t *document, const char *key)
{
    return json_number_value(json_object_get(document, key));
}

static void test_iclas_on_made_up_people(void **state)
{
    (void)state;
    for (int far_apart = 0; far_apart < 2; far_apart++) {
        mewl_manifest manifest;
        double x[PEOPLE * EACH * DIMS];
        make_people(&manifest, x, far_apart ? 1 : 0);
        mewl_iclas_table table = {.name = "made-up", .x = x, .dims = DIMS};
        mewl_iclas_opts opts = {.name = "people", .rotate = true, .anomalies = 20, .quick = true, .seed = 2};
        json_t *document = NULL;
        mewl_error err = {0};
        if (mewl_iclas_run(&document, &manifest, &table, 1, opts, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        /* Ten of twelve have enough, each reported once; told apart when they are apart, and else not. */
        assert_true(member(document, "infants") == PEOPLE - 2);
        double auc = member(document, "auc");
        if (far_apart ? auc < 0.9 : auc < 0.3 || auc > 0.7) {
            fail_msg("apart %d: AUC %.3f", far_apart, auc);
        }
        /* One row a way and always-alarm; the normal ones stay within the nominal rate. */
        const json_t *rows = json_object_get(json_array_get(json_object_get(document, "sheets"), 0), "rows");
        assert_true(json_array_size(rows) == 8);
        for (size_t k = 1; k < 8; k++) {
            assert_true(json_number_value(json_array_get(json_array_get(rows, k), 7)) <= 0.2);
        }
        json_decref(document);
        mewl_manifest_fini(&manifest);
    }
}

static void test_iclas_needs_enough(void **state)
{
    (void)state;
    mewl_manifest manifest;
    double x[PEOPLE * EACH * DIMS];
    make_people(&manifest, x, 1);
    mewl_iclas_table table = {.name = "made-up", .x = x, .dims = DIMS};
    json_t *document = NULL;
    mewl_error err = {0};
    mewl_iclas_opts opts = {.name = "people", .rotate = true, .min_recordings = 50, .quick = true};
    assert_int_equal(mewl_iclas_run(&document, &manifest, &table, 1, opts, &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_iclas_run(&document, &manifest, &table, 0, opts, &err), MEWL_E_ARG);
    opts.level = 2;
    assert_int_equal(mewl_iclas_run(&document, &manifest, &table, 1, opts, &err), MEWL_E_ARG);
    assert_null(document);
    mewl_manifest_fini(&manifest);
}

static void test_alarms_on_few_infants(void **state)
{
    (void)state;
    json_t *document = NULL;
    mewl_error err = {0};
    mewl_alarms_opts opts = {.infants = 2, .lifetimes = 2, .days = 40, .seed = 3};
    if (mewl_alarms_run(&document, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    const json_t *sheets = json_object_get(document, "sheets");
    assert_true(json_array_size(sheets) == 5);
    for (size_t k = 0; k < 5; k++) {
        assert_true(json_array_size(json_object_get(json_array_get(sheets, k), "rows")) >= 1);
    }
    json_decref(document);
    volatile sig_atomic_t stop = 1;
    opts.stop = &stop;
    assert_int_equal(mewl_alarms_run(&document, opts, &err), MEWL_E_CANCELLED);
    assert_null(document);
    opts.days = 3;
    assert_int_equal(mewl_alarms_run(&document, opts, &err), MEWL_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sheets_print_as_markdown),
        cmocka_unit_test(test_iclas_on_made_up_people),
        cmocka_unit_test(test_iclas_needs_enough),
        cmocka_unit_test(test_alarms_on_few_infants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
