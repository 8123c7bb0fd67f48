/* Scaling and principal components against scikit-learn, and the bytes of the latter. */
#include "golden.h"

#include "learn/pca.h"
#include "learn/scaler.h"

static void test_scaler_is_sklearns(void **state)
{
    (void)state;
    json_t *document = golden_read();
    const json_t *c = golden_at(document, "scaler");
    size_t dims = golden_size(c, "dims");
    size_t count = 0;
    double *x = golden_doubles(c, "x", &count);
    double *applied = golden_doubles(c, "applied", NULL);
    mewl_scaler scaler;
    assert_int_equal(mewl_scaler_fit(&scaler, x, count / dims, dims, NULL), MEWL_OK);
    assert_true(scaler.scale[2] == 1); /* the constant column */
    mewl_scaler_apply(&scaler, x, x, count / dims);
    assert_close("scaled", x, applied, count);
    mewl_scaler_fini(&scaler);
    free(x);
    free(applied);
    json_decref(document);
}

static mewl_status try_pca(mewl_bytes *in, mewl_error *err)
{
    mewl_pca pca;
    mewl_status status = mewl_pca_load(&pca, in, err);
    mewl_pca_fini(&pca);
    return status;
}

static void test_pca_is_sklearns(void **state)
{
    (void)state;
    json_t *document = golden_read();
    const json_t *cases = golden_at(document, "pca");
    for (size_t k = 0; k < json_array_size(cases); k++) {
        const json_t *c = json_array_get(cases, k);
        size_t dims = golden_size(c, "dims");
        size_t components = golden_size(c, "components");
        size_t count = 0;
        size_t tests = 0;
        double *x = golden_doubles(c, "x", &count);
        double *test = golden_doubles(c, "test", &tests);
        double *variance = golden_doubles(c, "variance", NULL);
        double *share = golden_doubles(c, "share", NULL);
        double *applied = golden_doubles(c, "applied", NULL);
        mewl_pca pca;
        mewl_pca copy;
        assert_int_equal(
            mewl_pca_fit(&pca, x, count / dims, dims, components, json_is_true(golden_at(c, "whiten")), NULL), MEWL_OK);
        assert_true(pca.components == components);
        assert_close("variance", pca.variance, variance, components);
        double ours[8];
        for (size_t i = 0; i < components; i++) {
            ours[i] = pca.variance[i] / pca.total;
        }
        assert_close("share", ours, share, components);
        mewl_buffer saved;
        mewl_buffer_init(&saved, 1 << 20);
        mewl_pca_save(&pca, &saved);
        mewl_bytes in = golden_bytes(&saved);
        assert_int_equal(mewl_pca_load(&copy, &in, NULL), MEWL_OK);
        double *out = calloc(tests / dims * components, sizeof *out);
        mewl_pca_apply(&copy, out, test, tests / dims);
        assert_close("applied", out, applied, tests / dims * components);
        assert_bytes_are_checked(&saved, try_pca);
        mewl_buffer_fini(&saved);
        mewl_pca_fini(&pca);
        mewl_pca_fini(&copy);
        free(out);
        free(x);
        free(test);
        free(variance);
        free(share);
        free(applied);
    }
    json_decref(document);
}

static void test_pca_keeps_only_what_varies(void **state)
{
    (void)state;
    /* All rows lie on a line. */
    const double x[] = {0, 0, 0, 1, 2, 2, 2, 4, 4, 3, 6, 6};
    mewl_pca pca;
    assert_int_equal(mewl_pca_fit(&pca, x, 4, 3, 3, false, NULL), MEWL_OK);
    assert_true(pca.components == 1);
    const double expected[] = {1 / 3.0, 2 / 3.0, 2 / 3.0};
    assert_close("direction", pca.direction, expected, 3);
    mewl_pca_fini(&pca);
    const double same[] = {1, 2, 1, 2, 1, 2};
    assert_int_equal(mewl_pca_fit(&pca, same, 3, 2, 2, false, NULL), MEWL_E_EMPTY);
    assert_int_equal(mewl_pca_fit(&pca, x, 1, 3, 1, false, NULL), MEWL_E_EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scaler_is_sklearns),
        cmocka_unit_test(test_pca_is_sklearns),
        cmocka_unit_test(test_pca_keeps_only_what_varies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
