/* What other infants teach, as a copy and as the bytes of a file: the same figures, and hostile bytes are refused. */
#include "simulated.h"

#include "infant/population_file.h"

static void test_copies_are_equal(void **state)
{
    (void)state;
    mewl_population one;
    mewl_population other;
    mewl_population copy;
    mewl_population none = {.dims = 0};
    mewl_error err = {0};
    simulated_population(&one, 3, 20, 1u << MEWL_PERSONAL_PLDA);
    simulated_population(&other, 4, 20, 1u << MEWL_PERSONAL_PLDA);
    assert_int_equal(mewl_population_copy(&copy, &one, &err), MEWL_OK);
    assert_true(mewl_population_equal(&one, &copy) && !mewl_population_equal(&one, &other));
    assert_true(mewl_population_equal(NULL, &none) && !mewl_population_equal(&none, &one));
    copy.within[1] += 1e-9;
    assert_false(mewl_population_equal(&one, &copy));
    mewl_population_fini(&one);
    mewl_population_fini(&other);
    mewl_population_fini(&copy);
}

static mewl_status unpack(const mewl_buffer *bytes, size_t size, const char *embedder)
{
    mewl_error err = {0};
    mewl_population read;
    const mewl_status status = mewl_population_unpack(&read, bytes->data, size, "file", embedder, &err);
    assert_true(status == MEWL_OK || (err.text[0] != '\0' && read.dims == 0));
    mewl_population_fini(&read);
    return status;
}

static void test_files(void **state)
{
    (void)state;
    mewl_population one;
    mewl_population read;
    mewl_buffer bytes;
    mewl_error err = {0};
    simulated_population(&one, 3, 20, 1u << MEWL_PERSONAL_KNN);
    mewl_buffer_init(&bytes, MEWL_POPULATION_BYTES_MAX);
    mewl_population_pack(&one, "an embedder", &bytes);
    assert_int_equal(mewl_population_unpack(&read, bytes.data, bytes.size, "file", "an embedder", &err), MEWL_OK);
    assert_true(mewl_population_equal(&one, &read));
    mewl_population_fini(&read);
    assert_int_equal(unpack(&bytes, bytes.size, "another one"), MEWL_E_STATE);
    assert_int_equal(unpack(&bytes, bytes.size, "an embedde"), MEWL_E_STATE);
    for (size_t size = 0; size < bytes.size; size++) { /* cut anywhere */
        assert_int_equal(unpack(&bytes, size, "an embedder"), MEWL_E_FORMAT);
    }
    mewl_buffer_push(&bytes, "x", 1);
    assert_int_equal(unpack(&bytes, bytes.size, "an embedder"), MEWL_E_FORMAT);
    bytes.size--;
    /* Head: four letters, a version, the id's length, the id. */
    static const struct {
        size_t at, size;
        uint64_t value;
        mewl_status status;
    } odd[] = {
        {0, 4, 0x20202020, MEWL_E_FORMAT},  {4, 4, 0, MEWL_E_UNSUPPORTED},
        {4, 4, 2, MEWL_E_UNSUPPORTED},      {8, 8, 0, MEWL_E_STATE},
        {8, 8, UINT64_MAX, MEWL_E_FORMAT},  {8, 8, (uint64_t)1 << 40, MEWL_E_FORMAT},
        {8, 8, 300, MEWL_E_FORMAT},         {16, 1, 'A', MEWL_E_STATE},
        {27, 4, 0x20202020, MEWL_E_FORMAT}, {35, 8, UINT64_MAX, MEWL_E_FORMAT},
        {35, 8, 0, MEWL_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char before[8];
        memcpy(before, bytes.data + odd[i].at, odd[i].size);
        memcpy(bytes.data + odd[i].at, &odd[i].value, odd[i].size);
        const mewl_status status = unpack(&bytes, bytes.size, "an embedder");
        if (status != odd[i].status) {
            fail_msg("row %zu: %s", i, mewl_status_text(status));
        }
        memcpy(bytes.data + odd[i].at, before, odd[i].size);
    }
    /* Numbers of no recordings. */
    const double far = 1e61;
    one.within[0] = far;
    mewl_buffer_clear(&bytes);
    mewl_population_pack(&one, "an embedder", &bytes);
    assert_int_equal(unpack(&bytes, bytes.size, "an embedder"), MEWL_E_FORMAT);
    mewl_buffer_fini(&bytes);
    mewl_population_fini(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_copies_are_equal), cmocka_unit_test(test_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
