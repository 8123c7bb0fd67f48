/* Personal models of every kind: what is unlike what was learned scores higher; updates; bytes. */
#include "simulated.h"

#define SESSIONS 10
#define ROWS (2 * SESSIONS)

/* One infant's rows in the population's space, and as many of others. */
typedef struct rows {
    double own[ROWS * DIMS], later[ROWS * DIMS], other[ROWS * DIMS];
    size_t session[ROWS];
} rows;

static void make_rows(rows *out, const mewl_population *population, uint64_t seed)
{
    simulated s = simulated_infant(seed, 1);
    for (size_t i = 0; i < 3 * ROWS; i++) {
        if (i >= 2 * ROWS) {
            s = i % 4 == 0 ? simulated_infant(seed, 2 + i) : s;
        }
        if (i % 2 == 0) {
            simulated_session(&s);
        }
        simulated_recording(&s, 0, 0);
        double *to = i < ROWS ? out->own : i < 2 * ROWS ? out->later : out->other;
        mewl_population_place(population, to + (i % ROWS) * population->reduced, s.embedding);
        out->session[i % ROWS] = i % ROWS / 2;
    }
}

/* Share of pairs in which the other infant's recording scores higher. */
static double area(mewl_personal *model, const rows *r, size_t dims)
{
    double won = 0;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < ROWS; k++) {
            double own = mewl_personal_score(model, r->later + i * dims);
            double other = mewl_personal_score(model, r->other + k * dims);
            assert_true(isfinite(own) && isfinite(other));
            won += other > own ? 1 : other == own ? 0.5 : 0;
        }
    }
    return won / (ROWS * ROWS);
}

static void check_bytes(mewl_personal *model, const rows *r, size_t dims)
{
    mewl_error err = {0};
    mewl_buffer saved;
    mewl_personal *copy = NULL;
    mewl_buffer_init(&saved, 8 << 20);
    assert_int_equal(mewl_personal_save(model, &saved, &err), MEWL_OK);
    mewl_bytes in = {.data = (const unsigned char *)saved.data, .size = saved.size, .name = "saved"};
    if (mewl_personal_load(&copy, &in, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(mewl_bytes_end(&in, &err), MEWL_OK);
    assert_int_equal(mewl_personal_kind_of(copy), mewl_personal_kind_of(model));
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(mewl_personal_score(copy, r->later + i * dims) == mewl_personal_score(model, r->later + i * dims));
    }
    mewl_personal_free(copy);
    for (size_t size = 0; size < saved.size; size += 1 + saved.size / 40) {
        in = (mewl_bytes){.data = (const unsigned char *)saved.data, .size = size, .name = "cut"};
        assert_int_equal(mewl_personal_load(&copy, &in, &err), MEWL_E_FORMAT);
        assert_null(copy);
    }
    mewl_rng rng = mewl_rng_seeded(12);
    for (size_t round = 0; round < 100; round++) {
        size_t at = mewl_rng_below(&rng, round % 2 == 0 ? 160 : saved.size);
        char before = saved.data[at];
        saved.data[at] = (char)mewl_rng_below(&rng, 256);
        in = (mewl_bytes){.data = (const unsigned char *)saved.data, .size = saved.size, .name = "changed"};
        if (mewl_personal_load(&copy, &in, &err) == MEWL_OK && mewl_personal_dims(copy) == dims) {
            mewl_personal_score(copy, r->later); /* stays within what was read */
        }
        mewl_personal_free(copy);
        saved.data[at] = before;
    }
    mewl_buffer_fini(&saved);
}

static void test_every_kind(void **state)
{
    (void)state;
    mewl_population population;
    simulated_population(&population, 3, 30, 0);
    size_t dims = population.reduced;
    assert_true(dims <= DIMS && dims >= DIMS - 1);
    double sum[MEWL_PERSONAL_KINDS] = {0};
    enum { INFANTS = 4 };
    for (uint64_t seed = 40; seed < 40 + INFANTS; seed++) {
        rows r;
        make_rows(&r, &population, seed);
        for (size_t k = 0; k < MEWL_PERSONAL_KINDS; k++) {
            mewl_personal *model = NULL;
            mewl_error err = {0};
            if (mewl_personal_fit(&model, (mewl_personal_kind)k, r.own, r.session, ROWS, dims, &population,
                                  (mewl_personal_opts){.seed = 1, .nu = 0.1}, &err) != MEWL_OK) {
                fail_msg("%s: %s", mewl_personal_name((mewl_personal_kind)k), err.text);
            }
            assert_true(mewl_personal_rows(model) == ROWS && mewl_personal_dims(model) == dims);
            assert_true(k == MEWL_PERSONAL_GMM ? mewl_personal_components(model) >= 1
                                               : mewl_personal_components(model) == 0);
            sum[k] += area(model, &r, dims) / INFANTS;
            if (seed == 40) {
                check_bytes(model, &r, dims);
            }
            mewl_personal_free(model);
        }
    }
    for (size_t k = 0; k < MEWL_PERSONAL_KINDS; k++) {
        if (sum[k] < 0.75) {
            fail_msg("%s: area %.3f (seeds 40 to 43)", mewl_personal_name((mewl_personal_kind)k), sum[k]);
        }
    }
    assert_true(sum[MEWL_PERSONAL_PLDA] > 0.85 && sum[MEWL_PERSONAL_MAHALANOBIS] > 0.85);
    mewl_population_fini(&population);
}

/* What was once unusual becomes usual when it is learned again and again. */
static void test_updates(void **state)
{
    (void)state;
    mewl_population population;
    simulated_population(&population, 3, 30, 0);
    size_t dims = population.reduced;
    rows r;
    make_rows(&r, &population, 40);
    for (size_t k = 0; k < MEWL_PERSONAL_KINDS; k++) {
        mewl_personal *model = NULL;
        mewl_error err = {0};
        assert_int_equal(mewl_personal_fit(&model, (mewl_personal_kind)k, r.own, r.session, ROWS, dims, &population,
                                           (mewl_personal_opts){.seed = 1}, &err),
                         MEWL_OK);
        double before = mewl_personal_score(model, r.other);
        if (k == MEWL_PERSONAL_ONECLASS) {
            assert_int_equal(mewl_personal_update(model, r.other, &err), MEWL_E_UNSUPPORTED);
        } else {
            for (size_t i = 0; i < 25; i++) {
                assert_int_equal(mewl_personal_update(model, r.other, &err), MEWL_OK);
            }
            assert_true(mewl_personal_rows(model) == ROWS + 25);
            assert_true(mewl_personal_score(model, r.other) < before);
        }
        mewl_personal_free(model);
    }
    mewl_population_fini(&population);
}

/* Three heaps far apart are three components, whatever their number may be at most. */
static void test_components_are_counted(void **state)
{
    (void)state;
    enum { HEAPED = 60 };
    static double x[HEAPED * DIMS];
    size_t session[HEAPED];
    mewl_rng rng = mewl_rng_seeded(3);
    for (size_t i = 0; i < HEAPED; i++) {
        for (size_t j = 0; j < DIMS; j++) {
            x[i * DIMS + j] = (j == i % 3 ? 5 : 0) + 0.1 * mewl_rng_normal(&rng);
        }
        session[i] = i;
    }
    mewl_error err = {0};
    mewl_personal *model = NULL;
    assert_int_equal(mewl_personal_fit(&model, MEWL_PERSONAL_GMM, x, session, HEAPED, DIMS, NULL,
                                       (mewl_personal_opts){.covariance = MEWL_GMM_DIAGONAL}, &err),
                     MEWL_OK);
    assert_int_equal(mewl_personal_components(model), 3);
    mewl_personal_free(model);
}

/* Sessions that are heaps of their own, anywhere: a component more for each heap is of no use for sessions that are
 * held out whole, but would be for recordings that leave the rest of their session behind. */
static void test_components_are_judged_by_sessions(void **state)
{
    (void)state;
    enum { HEAPS = 24, EACH = 6, COUNT = HEAPS * EACH };
    static double x[COUNT * DIMS];
    size_t session[COUNT];
    mewl_rng rng = mewl_rng_seeded(17);
    for (size_t i = 0; i < COUNT; i++) {
        session[i] = i / EACH;
        for (size_t j = 0; j < DIMS; j++) {
            x[i * DIMS + j] =
                i % EACH == 0 ? mewl_rng_normal(&rng) : x[(i - i % EACH) * DIMS + j] + 0.02 * mewl_rng_normal(&rng);
        }
    }
    mewl_error err = {0};
    size_t components[2];
    for (int by_session = 0; by_session < 2; by_session++) {
        mewl_personal *model = NULL;
        mewl_personal_opts opts = {.components_max = 8, .covariance = MEWL_GMM_DIAGONAL};
        assert_int_equal(
            mewl_personal_fit(&model, MEWL_PERSONAL_GMM, x, by_session ? session : NULL, COUNT, DIMS, NULL, opts, &err),
            MEWL_OK);
        components[by_session] = mewl_personal_components(model);
        mewl_personal_free(model);
    }
    if (components[0] < 6 || components[1] > 3) {
        fail_msg("%zu components by recordings, %zu by sessions", components[0], components[1]);
    }
}

static void test_odd_uses_are_refused(void **state)
{
    (void)state;
    mewl_population population;
    simulated_population(&population, 3, 10, 0);
    const double x[DIMS * 2] = {1, 2, 3};
    mewl_personal *model = NULL;
    mewl_error err = {0};
    mewl_personal_opts opts = {0};
    assert_int_equal(mewl_personal_fit(&model, MEWL_PERSONAL_PLDA, x, NULL, 2, DIMS, NULL, opts, &err), MEWL_E_ARG);
    assert_int_equal(mewl_personal_fit(&model, MEWL_PERSONAL_GMM, x, NULL, 1, DIMS, NULL, opts, &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_personal_fit(&model, MEWL_PERSONAL_KNN, x, NULL, 2, 3, &population, opts, &err),
                     MEWL_E_SHAPE);
    assert_int_equal(mewl_personal_fit(&model, MEWL_PERSONAL_KINDS, x, NULL, 2, 3, NULL, opts, &err), MEWL_E_ARG);
    opts.nu = 3;
    assert_int_equal(mewl_personal_fit(&model, MEWL_PERSONAL_KNN, x, NULL, 2, 3, NULL, opts, &err), MEWL_E_ARG);
    mewl_personal_kind kind = MEWL_PERSONAL_GMM;
    assert_true(mewl_personal_find(&kind, "knn") && kind == MEWL_PERSONAL_KNN);
    assert_false(mewl_personal_find(&kind, "cat"));
    assert_null(mewl_personal_name(MEWL_PERSONAL_KINDS));
    mewl_population_fini(&population);
}

static void test_populations(void **state)
{
    (void)state;
    mewl_error err = {0};
    mewl_population p;
    mewl_population copy;
    simulated_population(&p, 9, 20, 1u << MEWL_PERSONAL_KNN | 1u << MEWL_PERSONAL_PLDA);
    assert_true(p.infants == 20 && p.scores[MEWL_PERSONAL_KNN].sessions == 80);
    assert_true(p.scores[MEWL_PERSONAL_PLDA].sessions == 80 && p.scores[MEWL_PERSONAL_GMM].sessions == 0);
    /* Within one infant every direction of the space varies about as much. */
    for (size_t j = 0; j < p.reduced; j++) {
        assert_true(p.within[j * p.reduced + j] > 0.7 && p.within[j * p.reduced + j] < 1.4);
    }
    mewl_buffer saved;
    mewl_buffer_init(&saved, 8 << 20);
    mewl_population_save(&p, &saved);
    mewl_bytes in = {.data = (const unsigned char *)saved.data, .size = saved.size, .name = "saved"};
    assert_int_equal(mewl_population_load(&copy, &in, &err), MEWL_OK);
    assert_int_equal(mewl_bytes_end(&in, &err), MEWL_OK);
    simulated s = simulated_infant(1, 1);
    simulated_session(&s);
    simulated_recording(&s, 0, 0);
    double a[DIMS];
    double b[DIMS];
    mewl_population_place(&p, a, s.embedding);
    mewl_population_place(&copy, b, s.embedding);
    assert_memory_equal(a, b, p.reduced * sizeof *a);
    mewl_population_fini(&copy);
    for (size_t size = 0; size < saved.size; size += 1 + saved.size / 50) {
        in = (mewl_bytes){.data = (const unsigned char *)saved.data, .size = size, .name = "cut"};
        assert_int_equal(mewl_population_load(&copy, &in, &err), MEWL_E_FORMAT);
    }
    mewl_buffer_fini(&saved);
    mewl_population_fini(&p);
    const float x[6] = {1, 2, 3, 4, 5, 7};
    const size_t same[3] = {4, 4, 4};
    const size_t each[3] = {0, 1, 2};
    assert_int_equal(mewl_population_fit(&p, x, same, each, 3, 2, (mewl_population_opts){0}, &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_population_fit(&p, x, each, each, 3, 2, (mewl_population_opts){0}, &err), MEWL_E_EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_updates),
        cmocka_unit_test(test_components_are_counted),
        cmocka_unit_test(test_components_are_judged_by_sessions),
        cmocka_unit_test(test_odd_uses_are_refused),
        cmocka_unit_test(test_populations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
