/* average.c - see average.h. */
#include "models/average.h"

/* Whether both models have the same arrays. */
static mewl_status check_alike(mewl_model *a, mewl_model *b, mewl_error *err)
{
    size_t count = 0, other_count = 0;
    mewl_param *const *params = mewl_net_params(mewl_model_net(a), &count);
    (void)mewl_net_params(mewl_model_net(b), &other_count);
    if (count != other_count) {
        return mewl_error_set(err, MEWL_E_SHAPE, "one model has %zu arrays, another %zu", count, other_count);
    }
    for (size_t i = 0; i < count; i++) {
        const mewl_param *other = mewl_net_param(mewl_model_net(b), params[i]->name);
        if (other == NULL || !mewl_shape_same(other->value.shape, params[i]->value.shape)) {
            return mewl_error_set(err, MEWL_E_SHAPE, "another model has no `%s` of the same shape", params[i]->name);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_model_average(mewl_model *const *models, size_t count, mewl_error *err)
{
    if (count < 2) {
        return mewl_error_set(err, MEWL_E_ARG, "a mean needs two models or more");
    }
    for (size_t m = 1; m < count; m++) {
        MEWL_TRY(check_alike(models[0], models[m], err));
    }
    size_t params = 0;
    mewl_param *const *list = mewl_net_params(mewl_model_net(models[0]), &params);
    for (size_t i = 0; i < params; i++) {
        float *mean = list[i]->value.data;
        const int64_t elements = mewl_shape_count(list[i]->value.shape);
        for (int64_t k = 0; k < elements; k++) {
            double sum = (double)mean[k];
            for (size_t m = 1; m < count; m++) {
                const float *other = mewl_net_param(mewl_model_net(models[m]), list[i]->name)->value.data;
                sum += (double)other[k];
            }
            mean[k] = (float)(sum / (double)count);
        }
    }
    mewl_net_touch(mewl_model_net(models[0]));
    return MEWL_OK;
}
