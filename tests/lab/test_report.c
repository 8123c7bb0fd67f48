/* Reports: that a split that leaks says so everywhere, that random and grouped stand side by side, that the page needs
 * no other file, and that a document with holes still prints. */
#include <math.h>
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
#include "data/split.h"
#include "lab/forecasts.h"
#include "lab/report.h"

static char folder[] = "/tmp/mewl-test-report-XXXXXX";

static json_t *figures_of(int right)
{
    mewl_forecasts f;
    json_t *out = NULL;
    assert_int_equal(mewl_forecasts_init(&f, 2, NULL), MEWL_OK);
    for (int i = 0; i < 20; i++) {
        const float p[2] = {i < right ? 0.8F : 0.3F, i < right ? 0.2F : 0.7F};
        assert_int_equal(mewl_forecasts_add(&f, p, 0, -1, (size_t)i, NULL), MEWL_OK);
    }
    assert_int_equal(mewl_forecasts_json(&out, &f, (mewl_bootstrap_opts){.rounds = 20, .seed = 1}, NULL), MEWL_OK);
    mewl_forecasts_fini(&f);
    return out;
}

static json_t *row_of(const char *name, bool baseline)
{
    json_t *row = json_pack("{sssb}", "name", name, "baseline", baseline);
    json_t *splits = json_object();
    assert_int_equal(mewl_json_set(splits, "random", figures_of(15)), MEWL_OK);
    assert_int_equal(mewl_json_set(splits, "grouped", figures_of(11)), MEWL_OK);
    assert_int_equal(mewl_json_set(row, "splits", splits), MEWL_OK);
    assert_int_equal(mewl_json_set(row, "extra", json_pack("{ss}", "paper", "74.73 %")), MEWL_OK);
    return row;
}

static json_t *document_of(void)
{
    json_t *document =
        json_pack("{ssssss si s{sssisis[ss]s[ii]} s[s] s[{sssbsi}{sssbsi}] s[{ssss}] s[s]}", "experiment", "table3",
                  "title", "Networks & <why>", "profile", "quick", "seed_count", 3, "data", "name", "clips", "clips",
                  20, "groups", 20, "classes", "hungry", "tired", "counts", 15, 5, "protocol", "Two folds.", "splits",
                  "name", "random", "leaky", 1, "folds", 2, "name", "grouped", "leaky", 0, "folds", 2, "columns", "key",
                  "paper", "title", "paper", "notes", "Nothing else.");
    assert_non_null(document);
    json_t *rows = json_array();
    (void)json_array_append_new(rows, row_of("cnn10/stat", false));
    (void)json_array_append_new(rows, row_of("always the most frequent", true));
    assert_int_equal(mewl_json_set(document, "rows", rows), MEWL_OK);
    assert_int_equal(mewl_report_label(document, NULL), MEWL_OK);
    return document;
}

static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

static void a_leak_is_labelled_in_every_output(void **state)
{
    (void)state;
    json_t *document = document_of();
    const json_t *split = json_array_get(json_object_get(document, "splits"), 0);
    assert_string_equal(json_string_value(json_object_get(split, "label")), "LEAKY");
    const json_t *row = json_array_get(json_object_get(document, "rows"), 0);
    const json_t *under = json_object_get(json_object_get(row, "splits"), "random");
    assert_string_equal(json_string_value(json_object_get(under, "label")), "LEAKY");
    assert_null(json_object_get(json_object_get(json_object_get(row, "splits"), "grouped"), "label"));
    mewl_buffer text;
    mewl_buffer_init(&text, 1 << 20);
    assert_int_equal(mewl_report_text(&text, document, NULL), MEWL_OK);
    /* One sentence about the split, and one word over each column of each table. */
    assert_int_equal(occurrences(text.data, "LEAKY"), 1 + 7);
    assert_int_equal(occurrences(text.data, "random LEAKY"), 7);
    assert_non_null(strstr(text.data, "75.0 ["));
    assert_non_null(strstr(text.data, "55.0 ["));
    assert_non_null(strstr(text.data, "74.73 %"));
    assert_true(strstr(text.data, "cnn10/stat") < strstr(text.data, "always the most"));
    mewl_buffer_fini(&text);
    json_decref(document);
}

static void the_page_stands_alone(void **state)
{
    (void)state;
    char path[300];
    (void)snprintf(path, sizeof path, "%s/page.html", folder);
    json_t *document = document_of();
    mewl_error err = {0};
    if (mewl_report_html(document, path, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    char *page = NULL;
    size_t bytes = 0;
    assert_int_equal(mewl_file_read_all(&page, &bytes, path, 16 << 20, NULL), MEWL_OK);
    assert_int_equal(occurrences(page, "data:image/svg+xml;base64,"), 4); /* two charts a split, baselines have none */
    assert_int_equal(occurrences(page, "http"), 0);
    assert_int_equal(occurrences(page, "<script"), 0);
    assert_true(occurrences(page, "LEAKY") >= 8);
    assert_non_null(strstr(page, "Networks &amp; &lt;why&gt;"));
    assert_null(strstr(page, "<why>"));
    assert_non_null(strstr(page, "</html>"));
    free(page);
    mewl_folder_list list;
    assert_int_equal(mewl_folder_read(&list, folder, 100, NULL), MEWL_OK);
    assert_int_equal(list.count, 1); /* the folder of charts is gone */
    mewl_folder_list_fini(&list);
    (void)unlink(path);
    json_decref(document);
}

static void a_document_with_holes_prints(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "{\"splits\":[{\"name\":\"random\",\"leaky\":true}],\"rows\":[{\"name\":\"a\"}]}",
        "{\"splits\":[{}],\"rows\":[{\"splits\":{\"split\":{\"accuracy\":null}}}],\"notes\":[3]}",
        "{\"rows\":[{\"name\":\"a\",\"splits\":{\"x\":{\"confusion\":[[1]],\"reliability\":[]}}}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *document = NULL;
        char path[300];
        (void)snprintf(path, sizeof path, "%s/holes.html", folder);
        assert_int_equal(mewl_json_parse(&document, texts[i], strlen(texts[i]), "holes", NULL), MEWL_OK);
        mewl_buffer text;
        mewl_buffer_init(&text, 1 << 20);
        assert_int_equal(mewl_report_label(document, NULL), MEWL_OK);
        assert_int_equal(mewl_report_text(&text, document, NULL), MEWL_OK);
        assert_int_equal(mewl_report_html(document, path, NULL), MEWL_OK);
        mewl_buffer_fini(&text);
        json_decref(document);
        (void)unlink(path);
    }
}

static void a_split_is_leaky_by_its_folds_not_by_its_name(void **state)
{
    (void)state;
    mewl_manifest m;
    assert_int_equal(mewl_manifest_init(&m, NULL), MEWL_OK);
    for (int i = 0; i < 20; i++) {
        char path[32];
        char group[32];
        (void)snprintf(path, sizeof path, "%d.wav", i);
        (void)snprintf(group, sizeof group, "g%d", i / 4);
        mewl_row row = mewl_row_empty();
        row.path = path;
        row.group = group;
        row.label = i % 2 == 0 ? "a" : "b";
        assert_int_equal(mewl_manifest_add(&m, &row, NULL), MEWL_OK);
    }
    for (int grouped = 0; grouped < 2; grouped++) {
        json_t *split = NULL;
        assert_int_equal(mewl_split_folds(&m, 4, "label", grouped == 1, 1, NULL), MEWL_OK);
        assert_int_equal(mewl_report_split(&split, "grouped", 4, &m, NULL), MEWL_OK);
        assert_int_equal(json_is_true(json_object_get(split, "leaky")), grouped == 0);
        assert_int_equal(json_integer_value(json_object_get(split, "groups")), 5);
        json_decref(split);
    }
    mewl_manifest_fini(&m);
}

static void a_page_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    json_t *document = document_of();
    mewl_error err = {0};
    assert_int_not_equal(mewl_report_html(document, "/none/such/page.html", &err), MEWL_OK);
    assert_non_null(strstr(err.text, "/none/such/page.html"));
    mewl_buffer text;
    mewl_buffer_init(&text, 100);
    assert_int_equal(mewl_report_text(&text, document, &err), MEWL_E_MEMORY);
    mewl_buffer_fini(&text);
    json_decref(document);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leak_is_labelled_in_every_output),
        cmocka_unit_test(the_page_stands_alone),
        cmocka_unit_test(a_document_with_holes_prints),
        cmocka_unit_test(a_split_is_leaky_by_its_folds_not_by_its_name),
        cmocka_unit_test(a_page_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
