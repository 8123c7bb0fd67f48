/* Numbers into bytes and back, and bytes that lie. */
#include "golden.h"

static void test_round_trip(void **state)
{
    (void)state;
    mewl_buffer out;
    mewl_buffer_init(&out, 1 << 16);
    const double values[] = {1.5, -2, 1e300};
    const float floats[] = {0.25F, -7};
    mewl_bytes_put_head(&out, "TEST", 3);
    mewl_bytes_put_u32(&out, 7);
    mewl_bytes_put_u64(&out, 1ULL << 40);
    mewl_bytes_put_f64(&out, -0.125);
    mewl_bytes_put_f64s(&out, values, 3);
    mewl_bytes_put_f32s(&out, floats, 2);
    mewl_bytes_put_f64s(&out, values, 0);
    mewl_bytes_put_blob(&out, "abc", 3);
    mewl_bytes in = golden_bytes(&out);
    uint32_t version = 0;
    uint32_t small = 0;
    uint64_t large = 0;
    double real = 0;
    double *doubles = NULL;
    float *singles = NULL;
    double *none = NULL;
    const void *blob = NULL;
    size_t size = 0;
    mewl_error err = {0};
    assert_int_equal(mewl_bytes_get_head(&in, &version, "TEST", 3, &err), MEWL_OK);
    assert_int_equal(mewl_bytes_get_u32(&in, &small, &err), MEWL_OK);
    assert_int_equal(mewl_bytes_get_u64(&in, &large, &err), MEWL_OK);
    assert_int_equal(mewl_bytes_get_f64(&in, &real, &err), MEWL_OK);
    assert_int_equal(mewl_bytes_get_f64s(&in, &doubles, 3, &err), MEWL_OK);
    assert_int_equal(mewl_bytes_get_f32s(&in, &singles, 2, &err), MEWL_OK);
    assert_int_equal(mewl_bytes_get_f64s(&in, &none, 0, &err), MEWL_OK);
    assert_int_equal(mewl_bytes_end(&in, &err), MEWL_E_FORMAT);
    assert_int_equal(mewl_bytes_get_blob(&in, &blob, &size, &err), MEWL_OK);
    assert_int_equal(mewl_bytes_end(&in, &err), MEWL_OK);
    assert_true(version == 3 && small == 7 && large == 1ULL << 40 && real == -0.125 && none != NULL);
    assert_memory_equal(doubles, values, sizeof values);
    assert_memory_equal(singles, floats, sizeof floats);
    assert_true(size == 3 && memcmp(blob, "abc", 3) == 0);
    assert_int_equal(mewl_bytes_get_u32(&in, &small, &err), MEWL_E_FORMAT);
    free(doubles);
    free(singles);
    free(none);
    mewl_buffer_fini(&out);
}

static void test_lies_are_refused(void **state)
{
    (void)state;
    mewl_buffer out;
    mewl_error err = {0};
    mewl_buffer_init(&out, 1 << 16);
    mewl_bytes_put_head(&out, "TEST", 2);
    mewl_bytes in = golden_bytes(&out);
    assert_int_equal(mewl_bytes_get_head(&in, NULL, "BEST", 9, &err), MEWL_E_FORMAT);
    in.at = 0;
    assert_int_equal(mewl_bytes_get_head(&in, NULL, "TEST", 1, &err), MEWL_E_UNSUPPORTED);

    /* An array longer than the file: nothing is allocated for it. */
    mewl_buffer_clear(&out);
    mewl_bytes_put_u64(&out, 1ULL << 60);
    in = golden_bytes(&out);
    double *values = NULL;
    assert_int_equal(mewl_bytes_get_f64s(&in, &values, (size_t)1 << 60, &err), MEWL_E_FORMAT);
    assert_null(values);
    in.at = 0;
    const void *blob = NULL;
    size_t size = 0;
    assert_int_equal(mewl_bytes_get_blob(&in, &blob, &size, &err), MEWL_E_FORMAT);
    in.at = 0;
    assert_int_equal(mewl_bytes_get_count(&in, &size, 1, 100, "the number of cats", &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "the number of cats"));

    /* Numbers that are none. */
    const double bad[] = {1, NAN};
    const float bad_single[] = {1, INFINITY};
    mewl_buffer_clear(&out);
    mewl_bytes_put_f64s(&out, bad, 2);
    mewl_bytes_put_f32s(&out, bad_single, 2);
    mewl_bytes_put_f64(&out, INFINITY);
    in = golden_bytes(&out);
    float *singles = NULL;
    double real = 0;
    assert_int_equal(mewl_bytes_get_f64s(&in, &values, 3, &err), MEWL_E_FORMAT);
    in.at = 0;
    assert_int_equal(mewl_bytes_get_f64s(&in, &values, 2, &err), MEWL_E_FORMAT);
    assert_int_equal(mewl_bytes_get_f32s(&in, &singles, 2, &err), MEWL_E_FORMAT);
    assert_int_equal(mewl_bytes_get_f64(&in, &real, &err), MEWL_E_FORMAT);
    assert_true(values == NULL && singles == NULL);
    mewl_buffer_fini(&out);
}

static void test_a_full_buffer_is_noticed(void **state)
{
    (void)state;
    mewl_buffer out;
    mewl_buffer_init(&out, 20);
    const double values[] = {1, 2, 3};
    mewl_bytes_put_f64s(&out, values, 3);
    mewl_bytes_put_u32(&out, 1);
    assert_true(out.failed);
    mewl_buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_lies_are_refused),
        cmocka_unit_test(test_a_full_buffer_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
