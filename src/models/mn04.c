/* mn04.c - mn04's layers, named as in the published file, and their weights. */
#include "models/mn04.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 15
#define NAME_BYTES 72 /* of a layer */
#define KEY_BYTES 96
#define LARGEST_WEIGHT (527 * 512)

/* MobileNetV3-large's blocks at width 0.4. expand 0: the block has no expansion; squeeze 0: no squeeze-excitation. */
static const struct {
    int64_t expand, out, kernel, stride, squeeze;
    bool hard_swish;
} blocks[BLOCKS] = {
    {0, 8, 3, 1, 0, false},    {24, 16, 3, 2, 0, false},  {32, 16, 3, 1, 0, false},  {32, 16, 5, 2, 8, false},
    {48, 16, 5, 1, 16, false}, {48, 16, 5, 1, 16, false}, {96, 32, 3, 2, 0, true},   {80, 32, 3, 1, 0, true},
    {72, 32, 3, 1, 0, true},   {72, 32, 3, 1, 0, true},   {192, 48, 3, 1, 48, true}, {272, 48, 3, 1, 72, true},
    {272, 64, 5, 2, 72, true}, {384, 64, 5, 1, 96, true}, {384, 64, 5, 1, 96, true},
};

/* "prefix.suffix" in storage that lasts until the next call with the same buffer. */
static const char *join(char out[KEY_BYTES], const char *prefix, const char *suffix)
{
    (void)snprintf(out, KEY_BYTES, "%s.%s", prefix, suffix);
    return out;
}

typedef enum activation { LINEAR, RELU, HARD_SWISH } activation;

/* Convolution "name.0", batch norm "name.1" and an activation. */
static mewl_node convolve(mewl_net *net, const char *name, mewl_node x, mewl_conv2d_opts opts, activation act)
{
    char key[KEY_BYTES];
    const int64_t pad = (opts.kernel[0] - 1) / 2;
    for (int i = 0; i < 4; i++) {
        opts.pad[i] = pad;
    }
    x = mewl_net_conv2d(net, join(key, name, "0"), x, opts);
    x = mewl_net_batch_norm(net, join(key, name, "1"), x, (mewl_batch_norm_opts){.eps = 1e-3, .momentum = 0.01});
    if (act == LINEAR) {
        return x;
    }
    return act == RELU ? mewl_net_relu(net, join(key, name, "2"), x)
                       : mewl_net_hard_swish(net, join(key, name, "2"), x);
}

static mewl_node squeeze_excite(mewl_net *net, const char *name, mewl_node x, int64_t channels, int64_t squeeze)
{
    char key[KEY_BYTES];
    mewl_node s = mewl_net_global_pool(net, join(key, name, "mean"), x, MEWL_POOL_AVG);
    s = mewl_net_linear(net, join(key, name, "fc1"), s, (mewl_linear_opts){.out = squeeze});
    s = mewl_net_relu(net, join(key, name, "relu"), s);
    s = mewl_net_linear(net, join(key, name, "fc2"), s, (mewl_linear_opts){.out = channels});
    s = mewl_net_sigmoid(net, join(key, name, "gate"), s);
    return mewl_net_multiply(net, join(key, name, "scale"), x, s);
}

/* Block `index` of the table, "features.<index + 1>", from `in` channels. */
static mewl_node add_block(mewl_net *net, mewl_node x, int index, int64_t in)
{
    char name[NAME_BYTES], key[KEY_BYTES];
    const int64_t expand = blocks[index].expand != 0 ? blocks[index].expand : in;
    const activation act = blocks[index].hard_swish ? HARD_SWISH : RELU;
    int part = 0;
    mewl_node y = x;
    if (blocks[index].expand != 0) {
        (void)snprintf(name, sizeof name, "features.%d.block.%d", index + 1, part++);
        y = convolve(net, name, y, (mewl_conv2d_opts){.out = expand, .kernel = {1, 1}}, act);
    }
    (void)snprintf(name, sizeof name, "features.%d.block.%d", index + 1, part++);
    y = convolve(net, name, y,
                 (mewl_conv2d_opts){.out = expand,
                                    .kernel = {blocks[index].kernel, blocks[index].kernel},
                                    .stride = {blocks[index].stride, blocks[index].stride},
                                    .groups = expand},
                 act);
    if (blocks[index].squeeze != 0) {
        (void)snprintf(name, sizeof name, "features.%d.block.%d.conc_se_layers.0", index + 1, part++);
        y = squeeze_excite(net, name, y, expand, blocks[index].squeeze);
    }
    (void)snprintf(name, sizeof name, "features.%d.block.%d", index + 1, part);
    y = convolve(net, name, y, (mewl_conv2d_opts){.out = blocks[index].out, .kernel = {1, 1}}, LINEAR);
    if (blocks[index].stride != 1 || blocks[index].out != in) {
        return y;
    }
    (void)snprintf(name, sizeof name, "features.%d", index + 1);
    return mewl_net_add(net, join(key, name, "add"), y, x);
}

mewl_node mewl_mn04_map(mewl_net *net, mewl_node input)
{
    int64_t channels = 8;
    mewl_node x = convolve(net, "features.0", input,
                           (mewl_conv2d_opts){.out = channels, .kernel = {3, 3}, .stride = {2, 2}}, HARD_SWISH);
    for (int i = 0; i < BLOCKS; i++) {
        x = add_block(net, x, i, channels);
        channels = blocks[i].out;
    }
    x = convolve(net, "features.16", x, (mewl_conv2d_opts){.out = MEWL_MN04_EMBEDDING, .kernel = {1, 1}}, HARD_SWISH);
    return x;
}

mewl_node mewl_mn04_body(mewl_net *net, mewl_node input)
{
    return mewl_net_global_pool(net, "mean", mewl_mn04_map(net, input), MEWL_POOL_AVG);
}

mewl_status mewl_mn04_complete(mewl_model_config *c, mewl_error *err)
{
    c->depth = 0;
    c->width = 1;
    return c->bands == MEWL_MN04_BANDS
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_ARG, "%s takes %d bands (front end mn)", c->arch, MEWL_MN04_BANDS);
}

int64_t mewl_mn04_frames(const mewl_model_config *c, int64_t t)
{
    (void)c;
    return t > 0 ? (t + 31) / 32 : 0;
}

mewl_status mewl_mn04_build(mewl_net *net, mewl_error *err)
{
    mewl_node x = mewl_mn04_body(net, mewl_net_input(net, 1, MEWL_MN04_BANDS));
    mewl_net_output(net, MEWL_MN04_EMBEDDING_OUT, x);
    x = mewl_net_linear(net, "classifier.2", x, (mewl_linear_opts){.out = 512});
    x = mewl_net_hard_swish(net, "classifier.3", x);
    x = mewl_net_linear(net, "classifier.5", x, (mewl_linear_opts){.out = MEWL_MN04_CLASSES});
    mewl_net_output(net, MEWL_MN04_LOGITS, x);
    return mewl_net_seal(net, err);
}

/* One parameter; kernels are (frequency, time) in the file and (time, frequency) here. */
static mewl_status load_param(mewl_param *param, mewl_torchzip *file, float *scratch, mewl_error *err)
{
    const mewl_torch_tensor *t = mewl_torchzip_find(file, param->name);
    const mewl_shape *shape = &param->value.shape;
    if (t == NULL) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "the checkpoint is not mn04: it holds no `%s`", param->name);
    }
    bool same = t->ndim == (size_t)shape->rank;
    for (int i = 0; same && i < shape->rank; i++) {
        same = t->shape[i] == (size_t)shape->dim[i];
    }
    if (!same) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "the checkpoint is not mn04: `%s` has another shape",
                              param->name);
    }
    float *to = param->value.data;
    MEWL_TRY(mewl_torchzip_read_f32(file, scratch, t, t->count, err));
    const size_t side = shape->rank == 4 ? (size_t)shape->dim[2] : 1;
    for (size_t i = 0; i < t->count; i += side * side) {
        for (size_t row = 0; row < side; row++) {
            for (size_t column = 0; column < side; column++) {
                to[i + column * side + row] = scratch[i + row * side + column];
            }
        }
    }
    return MEWL_OK;
}

/* Counters of training batches, which evaluation does not use. */
static bool is_counter(const char *name)
{
    static const char suffix[] = ".num_batches_tracked";
    const size_t length = strlen(name);
    return length >= sizeof suffix && strcmp(name + length - (sizeof suffix - 1), suffix) == 0;
}

mewl_status mewl_mn04_load(mewl_net *net, mewl_torchzip *file, mewl_error *err)
{
    size_t count;
    mewl_param *const *params = mewl_net_params(net, &count);
    for (size_t i = 0; i < mewl_torchzip_count(file); i++) {
        const char *name = mewl_torchzip_at(file, i)->name;
        if (!is_counter(name) && mewl_net_param(net, name) == NULL) {
            return mewl_error_set(err, MEWL_E_UNSUPPORTED, "the checkpoint is not mn04: it also holds `%s`", name);
        }
    }
    float *scratch = malloc(LARGEST_WEIGHT * sizeof *scratch);
    if (scratch == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for mn04's weights");
    }
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < count; i++) {
        status = load_param(params[i], file, scratch, err);
    }
    free(scratch);
    mewl_net_touch(net);
    return status;
}
