#include "infant/autoencoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "nn/net.h"
#include "nn/optim.h"

#define LAYERS 6
#define BATCH ((size_t)64)

struct mewl__autoencoder {
    mewl_net *net;
    mewl_optim *optim; /* lives as long, so that later training goes on smoothly */
    size_t dims;
    double scale; /* rows are multiplied by it; 0 until trained */
    uint64_t seed;
    bool scoring; /* planned for one row in inference */
    float *row;   /* [BATCH x dims] */
};

void mewl__autoencoder_free(mewl__autoencoder *a)
{
    if (a == NULL) {
        return;
    }
    mewl_optim_free(a->optim);
    mewl_net_free(a->net);
    free(a->row);
    free(a);
}

static mewl_status build(mewl_net *net, size_t dims, uint64_t seed, mewl_error *err)
{
    static const int64_t hidden[LAYERS - 1] = {128, 64, 32, 64, 128};
    static const char *const names[LAYERS] = {"encoder.1", "encoder.2", "encoder.3",
                                              "decoder.1", "decoder.2", "decoder.3"};
    static const char *const relus[LAYERS - 1] = {"relu.1", "relu.2", "relu.3", "relu.4", "relu.5"};
    mewl_node x = mewl_net_input(net, (int64_t)dims, 1);
    for (size_t k = 0; k < LAYERS; k++) {
        int64_t out = k < LAYERS - 1 ? hidden[k] : (int64_t)dims;
        x = mewl_net_linear(net, names[k], x, (mewl_linear_opts){.out = out});
        x = k < LAYERS - 1 ? mewl_net_relu(net, relus[k], x) : x;
    }
    mewl_net_output(net, "row", x);
    MEWL_TRY(mewl_net_seal(net, err));
    mewl_net_init_xavier(net, seed);
    return MEWL_OK;
}

mewl_status mewl__autoencoder_new(mewl__autoencoder **out, size_t dims, uint64_t seed, mewl_error *err)
{
    *out = NULL;
    mewl__autoencoder *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for an autoencoder");
    }
    a->dims = dims;
    a->seed = seed;
    a->row = calloc(BATCH * dims, sizeof *a->row);
    mewl_status status = a->row != NULL ? mewl_net_new(&a->net, err)
                                        : mewl_error_set(err, MEWL_E_MEMORY, "no memory for an autoencoder");
    if (status == MEWL_OK) {
        status = build(a->net, dims, seed, err);
    }
    if (status == MEWL_OK) {
        mewl_optim_opts opts = {.kind = MEWL_OPTIM_ADAM, .weight_decay = 1e-5};
        status = mewl_optim_new(&a->optim, a->net, opts, err);
    }
    if (status != MEWL_OK) {
        mewl__autoencoder_free(a);
        return status;
    }
    *out = a;
    return MEWL_OK;
}

/* One step on `count` rows that lie in a->row. */
static mewl_status descend(mewl__autoencoder *a, size_t count, double rate, mewl_error *err)
{
    MEWL_TRY(mewl_net_forward(a->net, a->row, err));
    const float *y = mewl_net_output_value(a->net, "row", NULL);
    float *dy = mewl_net_output_grad(a->net, "row");
    for (size_t i = 0; i < count * a->dims; i++) {
        dy[i] = 2 * (y[i] - a->row[i]) / (float)(count * a->dims);
    }
    MEWL_TRY(mewl_net_backward(a->net, err));
    mewl_status status = mewl_optim_step(a->optim, NULL, rate, err);
    return status == MEWL_E_STATE ? MEWL_OK : status; /* a step that was no number was not taken */
}

mewl_status mewl__autoencoder_train(mewl__autoencoder *a, const double *x, size_t rows, size_t epochs, double rate,
                                    mewl_error *err)
{
    if (a->scale == 0) {
        double square = mewl_table_dot(x, x, rows * a->dims) / (double)(rows * a->dims);
        a->scale = square > 0 ? 1 / sqrt(square) : 1;
    }
    size_t batch = rows < BATCH ? rows : BATCH;
    size_t *order = malloc(rows * sizeof *order);
    if (order == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory to train on %zu rows", rows);
    }
    for (size_t i = 0; i < rows; i++) {
        order[i] = i;
    }
    a->scoring = false;
    mewl_net_plan_opts plan = {.training = true, .batch = (int64_t)batch, .frames = 1, .threads = 1};
    mewl_status status = mewl_net_plan(a->net, plan, err);
    mewl_rng rng = mewl_rng_stream(a->seed, mewl_optim_steps(a->optim));
    for (size_t epoch = 0; epoch < epochs && status == MEWL_OK; epoch++) {
        mewl_rng_shuffle(&rng, order, rows);
        /* Whole batches only: what is left over comes first in some other epoch. */
        for (size_t first = 0; first + batch <= rows && status == MEWL_OK; first += batch) {
            for (size_t i = 0; i < batch * a->dims; i++) {
                a->row[i] = (float)(a->scale * x[order[first + i / a->dims] * a->dims + i % a->dims]);
            }
            status = descend(a, batch, rate, err);
        }
    }
    free(order);
    return status;
}

double mewl__autoencoder_score(mewl__autoencoder *a, const double *x)
{
    if (!a->scoring) {
        mewl_net_plan_opts plan = {.batch = 1, .frames = 1, .threads = 1};
        if (mewl_net_plan(a->net, plan, NULL) != MEWL_OK) {
            return INFINITY;
        }
        a->scoring = true;
    }
    for (size_t j = 0; j < a->dims; j++) {
        a->row[j] = (float)(a->scale * x[j]);
    }
    if (mewl_net_forward(a->net, a->row, NULL) != MEWL_OK) {
        return INFINITY;
    }
    const float *y = mewl_net_output_value(a->net, "row", NULL);
    double sum = 0;
    for (size_t j = 0; j < a->dims; j++) {
        double away = (double)y[j] - (double)a->row[j];
        sum += away * away;
    }
    return sum / ((double)a->dims * a->scale * a->scale);
}

size_t mewl__autoencoder_dims(const mewl__autoencoder *a)
{
    return a->dims;
}

void mewl__autoencoder_save(mewl__autoencoder *a, mewl_buffer *out)
{
    size_t count = 0;
    mewl_param *const *params = mewl_net_params(a->net, &count);
    mewl_bytes_put_head(out, "AUTO", 1);
    mewl_bytes_put_u64(out, a->dims);
    mewl_bytes_put_u64(out, a->seed);
    mewl_bytes_put_f64(out, a->scale);
    for (size_t k = 0; k < count; k++) {
        mewl_bytes_put_f32s(out, params[k]->value.data, (size_t)mewl_shape_count(params[k]->value.shape));
    }
}

mewl_status mewl__autoencoder_load(mewl__autoencoder **out, mewl_bytes *in, mewl_error *err)
{
    *out = NULL;
    size_t dims = 0;
    uint64_t seed = 0;
    double scale = 0;
    MEWL_TRY(mewl_bytes_get_head(in, NULL, "AUTO", 1, err));
    MEWL_TRY(mewl_bytes_get_count(in, &dims, 1, MEWL_LEARN_DIMS_MAX, "the number of columns", err));
    MEWL_TRY(mewl_bytes_get_u64(in, &seed, err));
    MEWL_TRY(mewl_bytes_get_f64(in, &scale, err));
    if (!(scale > 0)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: an autoencoder with the scale %g", in->name, scale);
    }
    mewl__autoencoder *a = NULL;
    MEWL_TRY(mewl__autoencoder_new(&a, dims, seed, err));
    a->scale = scale;
    size_t count = 0;
    mewl_status status = MEWL_OK;
    mewl_param *const *params = mewl_net_params(a->net, &count);
    for (size_t k = 0; k < count && status == MEWL_OK; k++) {
        size_t size = (size_t)mewl_shape_count(params[k]->value.shape);
        float *values = NULL;
        status = mewl_bytes_get_f32s(in, &values, size, err);
        if (status == MEWL_OK) {
            memcpy(params[k]->value.data, values, size * sizeof *values);
        }
        free(values);
    }
    mewl_net_touch(a->net);
    if (status != MEWL_OK) {
        mewl__autoencoder_free(a);
        return status;
    }
    *out = a;
    return MEWL_OK;
}
