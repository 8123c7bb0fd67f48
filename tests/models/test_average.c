/* The mean of models: each weight, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "models/average.h"

static mewl_model *small(double width, uint64_t seed)
{
    mewl_model *model = NULL;
    mewl_model_config config = {.classes = 2, .width = width};
    strcpy(config.arch, "cnn6");
    strcpy(config.front_end, "panns-16k");
    assert_int_equal(mewl_model_new(&model, config, seed, NULL), MEWL_OK);
    return model;
}

static void every_array_is_the_mean(void **state)
{
    (void)state;
    mewl_model *three[3] = {small(0.0625, 1), small(0.0625, 2), small(0.0625, 3)};
    mewl_model *first = small(0.0625, 1);
    assert_int_equal(mewl_model_average(three, 3, NULL), MEWL_OK);
    size_t count = 0, moved = 0;
    mewl_param *const *mean = mewl_net_params(mewl_model_net(three[0]), &count);
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++) {
        const float *m = mean[i]->value.data;
        const float *a = mewl_net_param(mewl_model_net(first), mean[i]->name)->value.data;
        const float *b = mewl_net_param(mewl_model_net(three[1]), mean[i]->name)->value.data;
        const float *c = mewl_net_param(mewl_model_net(three[2]), mean[i]->name)->value.data;
        for (int64_t k = 0; k < mewl_shape_count(mean[i]->value.shape); k++) {
            assert_float_equal(m[k], (a[k] + b[k] + c[k]) / 3, 1e-6);
            moved += m[k] != a[k];
        }
    }
    assert_true(moved > 1000);
    for (int i = 0; i < 3; i++) {
        mewl_model_free(three[i]);
    }
    mewl_model_free(first);
}

static void others_are_refused(void **state)
{
    (void)state;
    mewl_error err = {0};
    mewl_model *two[2] = {small(0.0625, 1), small(0.125, 1)};
    mewl_model *same = small(0.0625, 1);
    assert_int_equal(mewl_model_average(two, 1, &err), MEWL_E_ARG);
    assert_int_equal(mewl_model_average(two, 2, &err), MEWL_E_SHAPE);
    assert_non_null(strstr(err.text, "same shape"));
    size_t count = 0;
    mewl_param *const *params = mewl_net_params(mewl_model_net(two[0]), &count);
    for (size_t i = 0; i < count; i++) { /* untouched */
        const float *a = params[i]->value.data, *b = mewl_net_param(mewl_model_net(same), params[i]->name)->value.data;
        assert_memory_equal(a, b, (size_t)mewl_shape_count(params[i]->value.shape) * sizeof *a);
    }
    mewl_model_free(two[0]);
    mewl_model_free(two[1]);
    mewl_model_free(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_array_is_the_mean),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
