/* CSV and manifests: what RFC 4180 allows is read and written back; what is wrong is refused with its line. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rng.h"
#include "data/csv.h"
#include "data/manifest.h"
#include "data/text.h"
#include "temp.h"

static void csv_fields(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf"
                               "a,b,\"c \"\"quoted\"\"\"\r\n\r\n1,\"two\nlines, and a comma\",\n,,\n\"\",x,y";
    static const char *const expected[4][3] = {
        {"a", "b", "c \"quoted\""}, {"1", "two\nlines, and a comma", ""}, {"", "", ""}, {"", "x", "y"}};
    static const size_t lines[4] = {1, 3, 5, 6};
    mewl_csv csv;
    mewl_error err = {0};
    bool got;
    assert_int_equal(mewl_csv_init(&csv, "t.csv", text, sizeof text - 1, ',', &err), MEWL_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(mewl_csv_next(&csv, &got, &err), MEWL_OK);
        assert_true(got);
        assert_int_equal(csv.count, 3);
        assert_int_equal(csv.line, lines[i]);
        for (size_t k = 0; k < 3; k++) {
            assert_string_equal(csv.fields[k], expected[i][k]);
        }
    }
    assert_int_equal(mewl_csv_next(&csv, &got, &err), MEWL_OK);
    assert_false(got);
    mewl_csv_fini(&csv);
    /* Tab-separated: a quote is a character. */
    assert_int_equal(mewl_csv_init(&csv, "t.tsv", "a\t\"b\nc,d\te\n", 11, '\t', &err), MEWL_OK);
    assert_int_equal(mewl_csv_next(&csv, &got, &err), MEWL_OK);
    assert_string_equal(csv.fields[1], "\"b");
    assert_int_equal(mewl_csv_find(&csv, "a"), 0);
    assert_int_equal(mewl_csv_find(&csv, "z"), -1);
    mewl_csv_fini(&csv);
}

static void csv_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *message;
    } cases[] = {{"a\n\"open\n\n", 9, "t.csv:2: quote left open"},
                 {"\"a\"b\n", 5, "t.csv:1: text after a closing quote"},
                 {"a\nb\0c\n", 6, "t.csv:2: NUL byte"},
                 {"\"b\0c\"\n", 6, "t.csv:1: NUL byte"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mewl_csv csv;
        mewl_error err = {0};
        bool got = true;
        mewl_status status = MEWL_OK;
        assert_int_equal(mewl_csv_init(&csv, "t.csv", cases[i].text, cases[i].size, ',', &err), MEWL_OK);
        while (status == MEWL_OK && got) {
            status = mewl_csv_next(&csv, &got, &err);
        }
        assert_int_equal(status, MEWL_E_FORMAT);
        assert_string_equal(err.text, cases[i].message);
        mewl_csv_fini(&csv);
    }
    /* Rows and columns have ceilings. */
    size_t size = 200000;
    char *text = malloc(size);
    mewl_csv csv;
    mewl_error err = {0};
    bool got;
    assert_non_null(text);
    for (int kind = 0; kind < 3; kind++) {
        memset(text, kind == 1 ? ',' : 'x', size);
        text[0] = kind == 2 ? '"' : text[0];
        assert_int_equal(mewl_csv_init(&csv, "t.csv", text, size, ',', &err), MEWL_OK);
        assert_int_equal(mewl_csv_next(&csv, &got, &err), MEWL_E_FORMAT);
        assert_non_null(strstr(err.text, kind == 1 ? "columns" : "longer than"));
        mewl_csv_fini(&csv);
    }
    free(text);
}

/* Random fields come back as they were written. */
static void csv_round_trip(void **state)
{
    (void)state;
    static const char letters[] = "ab,\"\r\n; \t\xc3\xa4";
    mewl_rng rng = mewl_rng_seeded(4);
    for (int round = 0; round < 500; round++) {
        char fields[5][32];
        mewl_buffer out;
        mewl_buffer_init(&out, 4096);
        for (int f = 0; f < 5; f++) {
            size_t n = mewl_rng_below(&rng, 12) + (f == 0); /* an all-empty row would be an empty line */
            for (size_t i = 0; i < n; i++) {
                fields[f][i] = letters[mewl_rng_below(&rng, sizeof letters - 1)];
            }
            fields[f][n] = '\0';
            assert_int_equal(mewl_csv_write(&out, fields[f], f == 0), MEWL_OK);
        }
        assert_int_equal(mewl_buffer_text(&out, "\r\n"), MEWL_OK);
        mewl_csv csv;
        bool got;
        assert_int_equal(mewl_csv_init(&csv, "t", out.data, out.size, ',', NULL), MEWL_OK);
        assert_int_equal(mewl_csv_next(&csv, &got, NULL), MEWL_OK);
        assert_true(got && csv.count == 5);
        for (int f = 0; f < 5; f++) {
            assert_string_equal(csv.fields[f], fields[f]);
        }
        mewl_csv_fini(&csv);
        mewl_buffer_fini(&out);
    }
}

static void rows_are_read(void **state)
{
    (void)state;
    static const char text[] = "label,path,onset_s,offset_s,time,fold,teacher,split\n"
                               "cry,a.wav,0.5,2.25,2015-05-04T12:23:17.125Z,3,0.9,train\n"
                               "dog,/abs/b.wav,,,1430742197,,,\n";
    mewl_manifest m;
    mewl_error err = {0};
    assert_int_equal(mewl_manifest_parse(&m, "some/folder/m.csv", text, sizeof text - 1, &err), MEWL_OK);
    assert_int_equal(m.count, 2);
    assert_string_equal(m.rows[0].path, "some/folder/a.wav");
    assert_string_equal(m.rows[1].path, "/abs/b.wav");
    assert_true(m.rows[0].onset_s == 0.5 && m.rows[0].offset_s == 2.25 && m.rows[0].fold == 3);
    assert_true(fabs(m.rows[0].time_s - 1430742197.125) < 1e-6);
    assert_true(isnan(m.rows[1].onset_s) && m.rows[1].fold == -1 && m.rows[1].time_s == 1430742197);
    assert_string_equal(m.rows[1].speaker, "");
    char buffer[64];
    assert_string_equal(mewl_manifest_value(&m, &m.rows[0], "teacher", buffer, sizeof buffer), "0.9");
    assert_string_equal(mewl_manifest_value(&m, &m.rows[0], "time", buffer, sizeof buffer), "2015-05-04T12:23:17.125Z");
    assert_string_equal(mewl_manifest_value(&m, &m.rows[1], "fold", buffer, sizeof buffer), "");
    assert_null(mewl_manifest_value(&m, &m.rows[0], "colour", buffer, sizeof buffer));
    assert_true(mewl_manifest_has_column(&m, "teacher") && !mewl_manifest_has_column(&m, "colour"));
    mewl_manifest_fini(&m);
}

static void mistakes_have_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        mewl_status status;
        const char *message;
    } cases[] = {
        {"", MEWL_E_EMPTY, "m.csv: empty, not even a header"},
        {"path\n", MEWL_E_EMPTY, "m.csv: a header and no rows"},
        {"label\ncry\n", MEWL_E_FORMAT, "m.csv:1: no column 'path' in the header"},
        {"path,label,path\na,b,c\n", MEWL_E_FORMAT, "m.csv:1: column 'path' twice"},
        {"path,x,x\na,b,c\n", MEWL_E_FORMAT, "m.csv:1: column 'x' twice"},
        {"path,\na,b\n", MEWL_E_FORMAT, "m.csv:1: column 2 has no name"},
        {"path,label\na,b\nc\n", MEWL_E_FORMAT, "m.csv:3: 1 columns where the header has 2"},
        {"path,fold\na,1.5\n", MEWL_E_FORMAT, "m.csv:2: fold '1.5' is not a whole number from 0 to 1000"},
        {"path,onset_s\na,-1\n", MEWL_E_FORMAT, "m.csv:2: onset_s '-1' is not seconds"},
        {"path,onset_s\na,nan\n", MEWL_E_FORMAT, "m.csv:2: onset_s 'nan' is not seconds"},
        {"path,onset_s,offset_s\na,2,1\n", MEWL_E_FORMAT, "m.csv:2: offset 1 s is not after onset 2 s"},
        {"path,offset_s\na,0\n", MEWL_E_FORMAT, "m.csv:2: offset 0 s is not after onset 0 s"},
        {"path,split\na,dev\n", MEWL_E_FORMAT, "m.csv:2: split 'dev' is not train, valid or test"},
        {"path,time\na,yesterday\n", MEWL_E_FORMAT,
         "m.csv:2: time 'yesterday' is not a time (ISO 8601, or seconds since 1970)"},
        {"path,time\na,2015-13-01\n", MEWL_E_FORMAT,
         "m.csv:2: time '2015-13-01' is not a time (ISO 8601, or seconds since 1970)"},
        {"path,label\n,b\n", MEWL_E_FORMAT, "m.csv:2: no path"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mewl_manifest m;
        mewl_error err = {0};
        assert_int_equal(mewl_manifest_parse(&m, "m.csv", cases[i].text, strlen(cases[i].text), &err), cases[i].status);
        assert_string_equal(err.text, cases[i].message);
    }
    mewl_manifest m;
    mewl_error err = {0};
    assert_int_equal(mewl_manifest_read(&m, "/nonexistent/m.csv", &err), MEWL_E_NOT_FOUND);
}

static void written_and_read_again(void **state)
{
    (void)state;
    temp t = temp_make();
    char path[600], inside[600];
    mewl_manifest a, b;
    mewl_error err = {0};
    assert_int_equal(mewl_manifest_init(&a, &err), MEWL_OK);
    mewl_row row = mewl_row_empty();
    snprintf(inside, sizeof inside, "%s/audio/one, \"two\".wav", t.path);
    row.path = inside;
    row.label = "cry";
    row.group = "g:1";
    row.time_s = 1430742197.5;
    row.onset_s = 1.0 / 3;
    row.offset_s = 7;
    row.duration_s = 8;
    row.fold = 0;
    row.split = "test";
    assert_int_equal(mewl_manifest_add(&a, &row, &err), MEWL_OK);
    row = mewl_row_empty();
    row.path = "/elsewhere/b.wav";
    assert_int_equal(mewl_manifest_add(&a, &row, &err), MEWL_OK);
    snprintf(path, sizeof path, "%s/m.csv", t.path);
    assert_int_equal(mewl_manifest_write(&a, path, &err), MEWL_OK);
    char *text;
    size_t size;
    assert_int_equal(mewl_file_read_all(&text, &size, path, 10000, &err), MEWL_OK);
    assert_non_null(strstr(text, "\n\"audio/one, \"\"two\"\".wav\",cry,")); /* under its own folder: relative */
    free(text);
    assert_int_equal(mewl_manifest_read(&b, path, &err), MEWL_OK);
    assert_int_equal(b.count, 2);
    assert_string_equal(b.rows[0].path, inside);
    assert_string_equal(b.rows[0].group, "g:1");
    assert_true(fabs(b.rows[0].onset_s - 1.0 / 3) < 1e-8 && b.rows[0].fold == 0 && b.rows[0].time_s == 1430742197.5);
    assert_true(isnan(b.rows[1].duration_s) && b.rows[1].fold == -1);
    mewl_manifest_sort(&b);
    assert_string_equal(b.rows[0].path, "/elsewhere/b.wav");
    mewl_manifest_fini(&a);
    mewl_manifest_fini(&b);
    temp_remove(&t);
}

static void extras_come_along(void **state)
{
    (void)state;
    static const char first[] = "path,x\na,1\n", other[] = "path,y\nb,2\n";
    mewl_manifest a, b, c;
    mewl_error err = {0};
    char buffer[64];
    assert_int_equal(mewl_manifest_init(&a, &err), MEWL_OK);
    assert_int_equal(mewl_manifest_parse(&b, "m.csv", first, sizeof first - 1, &err), MEWL_OK);
    assert_int_equal(mewl_manifest_parse(&c, "m.csv", other, sizeof other - 1, &err), MEWL_OK);
    assert_int_equal(mewl_manifest_append(&a, &b, &err), MEWL_OK);
    assert_int_equal(mewl_manifest_append(&a, &b, &err), MEWL_OK);
    assert_int_equal(mewl_manifest_append(&a, &c, &err), MEWL_OK);
    mewl_manifest_fini(&b);
    mewl_manifest_fini(&c);
    assert_int_equal(a.count, 3);
    assert_string_equal(mewl_manifest_value(&a, &a.rows[1], "x", buffer, sizeof buffer), "1");
    assert_string_equal(mewl_manifest_value(&a, &a.rows[2], "x", buffer, sizeof buffer), "");
    assert_null(mewl_manifest_value(&a, &a.rows[2], "y", buffer, sizeof buffer));
    mewl_manifest_fini(&a);
}

static void texts_and_times(void **state)
{
    (void)state;
    double value;
    char buffer[64];
    assert_true(mewl__parse_number(&value, "-1.5e2", -200, 0) && value == -150);
    static const char *const bad[] = {"", " 1", "1 ", "0x10", "inf", "nan", "1e999", "1..2", "--1", "1,5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(mewl__parse_number(&value, bad[i], -1e300, 1e300));
    }
    static const struct {
        double time_s;
        const char *text;
    } times[] = {{0, "1970-01-01T00:00:00Z"},
                 {951782400, "2000-02-29T00:00:00Z"},
                 {1545250860, "2018-12-19T20:21:00Z"},
                 {-1, "1969-12-31T23:59:59Z"},
                 {4107542400.25, "2100-03-01T00:00:00.250Z"}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        mewl__format_time(buffer, sizeof buffer, times[i].time_s);
        assert_string_equal(buffer, times[i].text);
        assert_true(mewl__parse_time(&value, buffer) && fabs(value - times[i].time_s) < 1e-6);
    }
    assert_true(mewl__parse_time(&value, "2018-12-19 20:21") && value == 1545250860);
    assert_false(mewl__parse_time(&value, "2018-12-19T20:21:00+01:00"));
    static const char *const known[] = {"train", "valid", "test"};
    assert_string_equal(mewl__nearest("trian", known, 3), "train");
    assert_string_equal(mewl__nearest("tests", known, 3), "test");
    assert_null(mewl__nearest("xyzzy", known, 3));
    mewl__slug(buffer, sizeof buffer, "  Dog_Bark (2)!");
    assert_string_equal(buffer, "dog-bark-2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_fields),          cmocka_unit_test(csv_mistakes),
        cmocka_unit_test(csv_round_trip),      cmocka_unit_test(rows_are_read),
        cmocka_unit_test(mistakes_have_lines), cmocka_unit_test(written_and_read_again),
        cmocka_unit_test(extras_come_along),   cmocka_unit_test(texts_and_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
