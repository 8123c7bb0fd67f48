/* Tests of base/json. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "scratch.h"

static void bad_text_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",  "{",           "{\"a\":1,\"a\":2}", "{\"a\":01}", "[1,]",         "nul", "{\"a\":NaN}",
        "3", "{\"a\":1} x", "[\"\xff\"]",        "[1e999]",    "[\"\\ud800\"]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *document = (json_t *)state;
        mewl_error err = {0};
        assert_int_equal(mewl_json_parse(&document, bad[i], strlen(bad[i]), "m.json", &err), MEWL_E_FORMAT);
        assert_null(document);
        assert_non_null(strstr(err.text, "m.json: line 1, column"));
    }
    char deep[6001];
    memset(deep, '[', 3000);
    memset(deep + 3000, ']', 3000);
    json_t *document = NULL;
    assert_int_equal(mewl_json_parse(&document, deep, 6000, "deep", NULL), MEWL_E_FORMAT);
}

static void members_are_read_by_type(void **state)
{
    (void)state;
    static const char text[] = "{\"s\":\"x\",\"r\":1.5,\"i\":-7,\"b\":true,\"n\":null,\"z\":\"a\\u0000b\"}";
    json_t *d = NULL;
    assert_int_equal(mewl_json_parse(&d, text, sizeof text - 1, "d", NULL), MEWL_E_FORMAT); /* the NUL in z */
    static const char good[] = "{\"s\":\"x\",\"r\":1.5,\"i\":-7,\"b\":true,\"n\":null}";
    assert_int_equal(mewl_json_parse(&d, good, sizeof good - 1, "d", NULL), MEWL_OK);
    const char *s = NULL;
    double r = 0;
    int64_t i = 0;
    bool b = false;
    assert_int_equal(mewl_json_get_string(d, &s, "s", "d", NULL), MEWL_OK);
    assert_string_equal(s, "x");
    assert_int_equal(mewl_json_get_real(d, &r, "r", "d", NULL), MEWL_OK);
    assert_true(r == 1.5);
    assert_int_equal(mewl_json_get_real(d, &r, "i", "d", NULL), MEWL_OK);
    assert_true(r == -7);
    assert_int_equal(mewl_json_get_int(d, &i, "i", "d", NULL), MEWL_OK);
    assert_int_equal(i, -7);
    assert_int_equal(mewl_json_get_bool(d, &b, "b", "d", NULL), MEWL_OK);
    assert_true(b);
    mewl_error err = {0};
    assert_int_equal(mewl_json_get_int(d, &i, "r", "d", &err), MEWL_E_FORMAT);
    assert_string_equal(err.text, "d: \"r\" is not a whole number");
    assert_int_equal(mewl_json_get_string(d, &s, "n", "d", &err), MEWL_E_FORMAT);
    assert_int_equal(mewl_json_get_bool(d, &b, "i", "d", &err), MEWL_E_FORMAT);
    assert_int_equal(mewl_json_get_real(d, &r, "s", "d", &err), MEWL_E_FORMAT);
    assert_int_equal(mewl_json_get_real(d, &r, "q", "d", &err), MEWL_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "\"q\" is missing"));
    assert_int_equal(mewl_json_get_real(NULL, &r, "q", "d", &err), MEWL_E_FORMAT);
    json_decref(d);
}

static void what_json_cannot_hold_is_replaced(void **state)
{
    (void)state;
    json_t *d = json_object();
    assert_int_equal(mewl_json_set_real(d, "nan", NAN), MEWL_OK);
    assert_int_equal(mewl_json_set_real(d, "inf", -INFINITY), MEWL_OK);
    assert_int_equal(mewl_json_set_real(d, "tenth", 0.1), MEWL_OK);
    assert_int_equal(mewl_json_set_int(d, "big", INT64_MIN), MEWL_OK);
    assert_int_equal(mewl_json_set_bool(d, "no", false), MEWL_OK);
    assert_int_equal(mewl_json_set_string(d, "none", NULL), MEWL_OK);
    assert_int_equal(mewl_json_set_string(d, "latin", "caf\xe9.wav"), MEWL_OK);
    assert_int_equal(mewl_json_set_string(d, "utf", "na\xc3\xafve \xf0\x9f\x91\xb6"), MEWL_OK);
    assert_int_equal(mewl_json_set_string(d, "cut", "\xf0\x9f\x91"), MEWL_OK);
    char *text = mewl_json_text(d, false);
    assert_string_equal(text,
                        "{\"nan\":null,\"inf\":null,\"tenth\":0.1,\"big\":-9223372036854775808,\"no\":false,"
                        "\"none\":null,\"latin\":\"caf\xef\xbf\xbd.wav\",\"utf\":\"na\xc3\xafve \xf0\x9f\x91\xb6\","
                        "\"cut\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
    json_t *again = NULL;
    assert_int_equal(mewl_json_parse(&again, text, strlen(text), "again", NULL), MEWL_OK);
    json_decref(again);
    free(text);
    json_decref(d);
    assert_int_equal(mewl_json_set_int(NULL, "x", 1), MEWL_E_MEMORY);
    assert_int_equal(mewl_json_set(NULL, "x", json_integer(3)), MEWL_E_MEMORY); /* a leak here is found by ASan */
}

/* Every byte string up to two bytes, and every pair after each lead byte, gives a string that jansson itself accepts.
 */
static void no_bytes_make_an_invalid_string(void **state)
{
    (void)state;
    static const unsigned char leads[] = {0x41, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff};
    for (size_t l = 0; l < sizeof leads; l++) {
        for (unsigned a = 0; a < 256; a++) {
            for (unsigned b = 0; b < 256; b += 3) {
                char text[5] = {(char)leads[l], (char)a, (char)b, (char)0x80, 0};
                json_t *made = mewl_json_string(text);
                assert_non_null(made);
                json_t *checked = json_string(json_string_value(made)); /* jansson validates here */
                assert_non_null(checked);
                json_t *verbatim = json_string(text);
                if (verbatim != NULL) { /* valid text comes through untouched */
                    assert_string_equal(json_string_value(made), text);
                }
                json_decref(verbatim);
                json_decref(checked);
                json_decref(made);
            }
        }
    }
}

static void floats_survive_the_digits(void **state)
{
    (void)state;
    static const float values[] = {0.1f, 1.0f / 3.0f, 16777217.0f, 1.17549435e-38f, 3.4028235e38f, -2.7182817f};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        json_t *array = json_array();
        json_array_append_new(array, mewl_json_real((double)values[i]));
        char *text = mewl_json_text(array, false);
        json_t *again = NULL;
        assert_int_equal(mewl_json_parse(&again, text, strlen(text), "again", NULL), MEWL_OK);
        assert_true((float)json_number_value(json_array_get(again, 0)) == values[i]);
        json_decref(again);
        free(text);
        json_decref(array);
    }
}

static void documents_go_to_files_and_streams(void **state)
{
    const char *path = scratch_path(*state, "d.json");
    json_t *d = json_object();
    assert_int_equal(mewl_json_set_int(d, "a", 1), MEWL_OK);
    assert_int_equal(mewl_json_write(d, path, NULL), MEWL_OK);
    assert_string_equal(scratch_read(path), "{\n  \"a\": 1\n}\n");
    json_t *again = NULL;
    assert_int_equal(mewl_json_read(&again, path, 100, NULL), MEWL_OK);
    assert_true(json_equal(d, again));
    json_decref(again);
    mewl_error err = {0};
    assert_int_equal(mewl_json_read(&again, path, 3, &err), MEWL_E_MEMORY);
    assert_int_equal(mewl_json_read(&again, scratch_path(*state, "no"), 3, &err), MEWL_E_NOT_FOUND);
    FILE *f = fopen(path, "w");
    assert_int_equal(mewl_json_print(d, f, false, NULL), MEWL_OK);
    (void)fclose(f);
    assert_string_equal(scratch_read(path), "{\"a\":1}\n");
    f = fopen("/dev/full", "w");
    assert_int_equal(mewl_json_print(d, f, false, &err), MEWL_E_IO);
    (void)fclose(f);
    json_decref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_text_is_refused_with_its_place),
        cmocka_unit_test(members_are_read_by_type),
        cmocka_unit_test(what_json_cannot_hold_is_replaced),
        cmocka_unit_test(no_bytes_make_an_invalid_string),
        cmocka_unit_test(floats_survive_the_digits),
        cmocka_unit_test_setup_teardown(documents_go_to_files_and_streams, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
