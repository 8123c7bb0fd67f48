/* twins.h - every layer kind as plain loops in double, for tests alone: what the engine's layers must compute.
 *
 * All maps are plain (n, c, t, f). A twin writes y and returns its shape; `p` are parameters in the layer's order.
 */
#ifndef MEWL_TESTS_NN_TWINS_H
#define MEWL_TESTS_NN_TWINS_H

#include "nn/net.h"

typedef struct map4 {
    int64_t n, c, t, f;
} map4;

/* One row of the table of layer kinds: how to build it, and what its twin needs to know. */
typedef struct twin_row {
    const char *name;
    mewl_node (*build)(const struct twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1);
    map4 (*twin)(const struct twin_row *row, double *y, double *const *x, double *const *p);
    map4 in;          /* first input */
    map4 in1;         /* second input; n 0: there is none */
    double f32, bf16; /* largest error over the largest value: of outputs and of every gradient */
    mewl_conv2d_opts conv;
    mewl_pool_kind pool;
    int64_t kernel[2];
    int64_t out;
    mewl_window_opts window;
    int64_t first; /* slices: first; padding: before (out: after); LSTM: directions (out: hidden) */
    bool flag;     /* batch norm: per feature; linear: no bias; LSTM: last; stat: full; statistics: unbiased */
    bool frozen;
} twin_row;

static inline int64_t map4_count(map4 m)
{
    return m.n * m.c * m.t * m.f;
}

/* Place of (n, c, t, f) in a plain map. */
static inline int64_t map4_at(map4 m, int64_t n, int64_t c, int64_t t, int64_t f)
{
    return ((n * m.c + c) * m.t + t) * m.f + f;
}

#define EACH(m)                                                                                                        \
    for (int64_t n = 0; n < (m).n; n++)                                                                                \
        for (int64_t c = 0; c < (m).c; c++)                                                                            \
            for (int64_t t = 0; t < (m).t; t++)                                                                        \
                for (int64_t f = 0; f < (m).f; f++)

map4 twin_conv2d(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_batch_norm(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_batch_norm_fixed(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_relu(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_relu6(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_sigmoid(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_hard_sigmoid(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_hard_swish(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_pool2d(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_global_pool(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_mean_features(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_flatten(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_linear(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_add(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_multiply(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_concat(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_linear_softmax(const twin_row *row, double *y, double *const *x, double *const *p);

/* twins_sequence.c */
map4 twin_tanh(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_slice(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_slice_features(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_crop_time(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_crop_like(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_resize(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_unflatten(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_features_to_time(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_pad_reflect(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_pool2d_window(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_layer_norm(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_l2_normalize(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_self_attention(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_lstm(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_stat_pool(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_mha_pool(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_attn_literal(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_time_stats(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_context(const twin_row *row, double *y, double *const *x, double *const *p);
map4 twin_attentive_stats(const twin_row *row, double *y, double *const *x, double *const *p);

#endif
