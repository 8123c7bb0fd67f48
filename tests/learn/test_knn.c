/* Nearest neighbours against scikit-learn, and their bytes. */
#include "golden.h"

#include "learn/knn.h"

static mewl_status try_knn(mewl_bytes *in, mewl_error *err)
{
    mewl_knn knn;
    mewl_status status = mewl_knn_load(&knn, in, err);
    mewl_knn_fini(&knn);
    return status;
}

static void check_case(const json_t *c)
{
    size_t dims = golden_size(c, "dims");
    size_t rows = 0;
    size_t tests = 0;
    double *x = golden_doubles(c, "x", NULL);
    int *y = golden_ints(c, "y", &rows);
    double *test = golden_doubles(c, "test", &tests);
    double *distance = golden_doubles(c, "distance", NULL);
    int *index = golden_ints(c, "index", NULL);
    double *vote = golden_doubles(c, "vote", NULL);
    bool cosine = strcmp(json_string_value(golden_at(c, "metric")), "cosine") == 0;
    mewl_knn knn;
    mewl_knn copy;
    assert_int_equal(mewl_knn_fit(&knn, x, y, rows, dims, 3, cosine ? MEWL_KNN_COSINE : MEWL_KNN_EUCLIDEAN, NULL),
                     MEWL_OK);
    mewl_buffer saved;
    mewl_buffer_init(&saved, 1 << 20);
    mewl_knn_save(&knn, &saved);
    mewl_bytes in = golden_bytes(&saved);
    assert_int_equal(mewl_knn_load(&copy, &in, NULL), MEWL_OK);
    assert_int_equal(mewl_bytes_end(&in, NULL), MEWL_OK);
    for (size_t i = 0; i < tests / dims; i++) {
        size_t found[5];
        double near[5];
        double share[3];
        assert_true(mewl_knn_nearest(&copy, found, near, test + i * dims, 5, SIZE_MAX) == 5);
        assert_close("distance", near, distance + 5 * i, 5);
        double mean = 0;
        for (size_t k = 0; k < 5; k++) {
            assert_int_equal(found[k], index[5 * i + k]);
            mean += near[k] / 5;
        }
        double ours = mewl_knn_distance(&copy, test + i * dims, 5);
        assert_close("mean distance", &ours, &mean, 1);
        mewl_knn_vote(&copy, share, test + i * dims, 5);
        assert_close("vote", share, vote + 3 * i, 3);
    }
    assert_bytes_are_checked(&saved, try_knn);
    mewl_buffer_fini(&saved);
    mewl_knn_fini(&knn);
    mewl_knn_fini(&copy);
    free(x);
    free(y);
    free(test);
    free(distance);
    free(index);
    free(vote);
}

static void test_neighbours_are_sklearns(void **state)
{
    (void)state;
    json_t *document = golden_read();
    const json_t *cases = golden_at(document, "knn");
    assert_true(json_array_size(cases) == 2);
    check_case(json_array_get(cases, 0));
    check_case(json_array_get(cases, 1));
    json_decref(document);
}

static void test_leaving_one_out_and_ties(void **state)
{
    (void)state;
    const double x[] = {0, 1, 1, 3};
    const double zero[] = {0, 0};
    mewl_knn knn;
    size_t found[4];
    assert_int_equal(mewl_knn_fit(&knn, x, NULL, 4, 1, 0, MEWL_KNN_EUCLIDEAN, NULL), MEWL_OK);
    assert_true(mewl_knn_nearest(&knn, found, NULL, x + 1, 9, 1) == 3);
    assert_true(found[0] == 2 && found[1] == 0 && found[2] == 3);
    assert_true(mewl_knn_nearest(&knn, found, NULL, x + 1, 2, SIZE_MAX) == 2 && found[0] == 1 && found[1] == 2);
    mewl_knn_fini(&knn);
    assert_int_equal(mewl_knn_fit(&knn, x, NULL, 2, 2, 0, MEWL_KNN_COSINE, NULL), MEWL_OK);
    assert_true(mewl_knn_distance(&knn, zero, 1) == 1); /* no direction: like nothing */
    mewl_knn_fini(&knn);
    const int wrong[] = {0, 5, 0, 0};
    assert_int_equal(mewl_knn_fit(&knn, x, wrong, 4, 1, 2, MEWL_KNN_COSINE, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_knn_fit(&knn, x, NULL, 4, 1, 2, MEWL_KNN_COSINE, NULL), MEWL_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neighbours_are_sklearns),
        cmocka_unit_test(test_leaving_one_out_and_ties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
