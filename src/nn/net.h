/* net.h - a network as a graph of layers: built once by name, planned for a shape, run forward and backward.
 *
 * Building. Each builder call adds one layer and returns the node of its output. Builders never fail half way: after
 * a mistake they return -1, every later call on -1 returns -1, and mewl_net_seal() reports the first mistake. So a
 * recipe of layers needs no error handling between its lines:
 *
 *     mewl_node x = mewl_net_input(net, 1, 64);
 *     x = mewl_net_conv2d(net, "conv1", x, (mewl_conv2d_opts){.out = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}});
 *     x = mewl_net_relu(net, "relu1", mewl_net_batch_norm(net, "bn1", x, (mewl_batch_norm_opts){0}));
 *     mewl_node s = mewl_net_hard_sigmoid(net, "se.gate", ...);   // (N, C, 1, 1)
 *     x = mewl_net_multiply(net, "se.scale", x, s);               // broadcast over time and frequency
 *     mewl_net_output(net, "logits", x);
 *     MEWL_TRY(mewl_net_seal(net, err));
 *
 * Running. plan() fixes batch, frames, mode and precision, chooses layouts and makes all memory; forward and backward
 * then allocate nothing. Inputs and outputs are plain float32 whatever happens inside. Not thread-safe: one net, one
 * thread at a time (which itself uses opts.threads threads). Results are the same in every run for a fixed machine
 * type and thread count.
 */
#ifndef MEWL_NN_NET_H
#define MEWL_NN_NET_H

#include "nn/layer.h"

/* A network: layers, parameters, and the memory of the plan at hand. One owner; freed by mewl_net_free. */
typedef struct mewl_net mewl_net;
typedef int mewl_node; /* a value in the graph; negative: a builder failed before */

/* An empty net. Errors: MEWL_E_MEMORY. */
mewl_status mewl_net_new(mewl_net **net, mewl_error *err);

/* Frees the net with its parameters and plan. NULL is fine. */
void mewl_net_free(mewl_net *net);

/* ---- Building. `name` of every layer must be unique and not empty. {0} options are the defaults stated. ---- */

/* The net's only input, (N, channels, T, features); T is fixed when planned. */
mewl_node mewl_net_input(mewl_net *net, int64_t channels, int64_t features);

/* Two-dimensional convolution (cross-correlation) over (time, frequency). Parameters: weight (out, in / groups, kt,
 * kf), bias (out) when opts.bias. Depthwise: groups = in channels. One-dimensional over time: kernel {k, 1} on a
 * (N, C, T, 1) sequence. Weights start at zero: see mewl_net_init_*. */
typedef struct mewl_conv2d_opts {
    int64_t out;         /* output channels, a multiple of groups */
    int64_t kernel[2];   /* time, frequency */
    int64_t stride[2];   /* 0 means 1 */
    int64_t dilation[2]; /* 0 means 1 (ordinary) */
    int64_t pad[4];      /* before and after in time, before and after in frequency; may differ. Ignored under `same` */
    bool same;           /* TensorFlow's SAME: output = ceil(input / stride), the surplus of padding after */
    int64_t groups;      /* 0 means 1 */
    bool bias;
} mewl_conv2d_opts;
mewl_node mewl_net_conv2d(mewl_net *net, const char *name, mewl_node x, mewl_conv2d_opts opts);

/* Batch normalisation per channel over (N, T, F), or with `features` per feature over (N, C, T) (PANNs' bn0).
 * Parameters: weight (1), bias (0), buffers running_mean (0), running_var (1). As PyTorch: biased variance to
 * normalise, unbiased into running_var. In inference it is folded into a convolution before it. */
typedef struct mewl_batch_norm_opts {
    double eps;      /* 0 means 1e-5 */
    double momentum; /* weight of the new batch in the running statistics; 0 means 0.1 */
    bool features;
    bool zero; /* the weight starts at 0 instead of 1: a residual block begins as the identity (Goyal et al. 2017) */
} mewl_batch_norm_opts;
mewl_node mewl_net_batch_norm(mewl_net *net, const char *name, mewl_node x, mewl_batch_norm_opts opts);

/* Element by element; the shape stays. Rectifier max(x, 0); the same with a ceiling of 6; 1 / (1 + exp(-x)); and the
 * piecewise-linear forms of MobileNetV3 (Howard et al. 2019), stated beside them. */
mewl_node mewl_net_relu(mewl_net *net, const char *name, mewl_node x);
mewl_node mewl_net_relu6(mewl_net *net, const char *name, mewl_node x);
mewl_node mewl_net_sigmoid(mewl_net *net, const char *name, mewl_node x);
mewl_node mewl_net_hard_sigmoid(mewl_net *net, const char *name, mewl_node x); /* clamp(x / 6 + 1 / 2, 0, 1) */
mewl_node mewl_net_hard_swish(mewl_net *net, const char *name, mewl_node x);   /* x clamp(x / 6 + 1 / 2, 0, 1) */
mewl_node mewl_net_tanh(mewl_net *net, const char *name, mewl_node x);

/* What becomes of the values of a window. */
typedef enum mewl_pool_kind {
    MEWL_POOL_AVG,
    MEWL_POOL_MAX,
    MEWL_POOL_AVG_MAX, /* the sum of both (PANNs' "avg+max", and its pooling over time) */
} mewl_pool_kind;

/* Pooling over windows of kernel[0] frames x kernel[1] features, without overlap, padding or a partial last window
 * (PyTorch's default: output = floor(input / kernel)). */
mewl_node mewl_net_pool2d(mewl_net *net, const char *name, mewl_node x, mewl_pool_kind kind, int64_t kernel_t,
                          int64_t kernel_f);

/* Pooling over windows that may overlap and reach over the edge (PyTorch's MaxPool2d and AvgPool2d with their
 * defaults: a maximum never comes from padding, an average counts it as zeros; ResNet50's first pooling). Output =
 * floor((input + pads - kernel) / stride) + 1. Each pad at most half its kernel. */
typedef struct mewl_window_opts {
    mewl_pool_kind kind;
    int64_t kernel[2]; /* time, frequency */
    int64_t stride[2]; /* 0 means the kernel's */
    int64_t pad[4];    /* before and after in time, before and after in frequency */
} mewl_window_opts;
mewl_node mewl_net_pool2d_window(mewl_net *net, const char *name, mewl_node x, mewl_window_opts opts);

/* (N, C, T, F) to (N, C, 1, 1): the mean over frequency, then mean, maximum or their sum over time. */
mewl_node mewl_net_global_pool(mewl_net *net, const char *name, mewl_node x, mewl_pool_kind kind);

/* (N, C, T, F) to (N, C, T, 1): the mean over frequency. */
mewl_node mewl_net_mean_features(mewl_net *net, const char *name, mewl_node x);

/* (N, C, T, F) to (N, C * F, T, 1): frequency joins the channels, channel-major (PyTorch's transpose and flatten). */
mewl_node mewl_net_flatten_features(mewl_net *net, const char *name, mewl_node x);

/* y = W x + b over the channels of (N, C, T, F), at each position alike. Always in float32. Parameters: weight
 * (out, in), bias (out) unless no_bias. */
typedef struct mewl_linear_opts {
    int64_t out;
    bool no_bias;
} mewl_linear_opts;
mewl_node mewl_net_linear(mewl_net *net, const char *name, mewl_node x, mewl_linear_opts opts);

/* In training zeroes each element with probability `rate` (0 <= rate < 1) and divides the rest by 1 - rate. */
mewl_node mewl_net_dropout(mewl_net *net, const char *name, mewl_node x, double rate);

/* a + b, same shape. */
mewl_node mewl_net_add(mewl_net *net, const char *name, mewl_node a, mewl_node b);

/* a * b, where b is of a's shape or (N, C, 1, 1), repeated over time and frequency (squeeze and excitation). */
mewl_node mewl_net_multiply(mewl_net *net, const char *name, mewl_node a, mewl_node b);

/* Joins 2 to 8 values along the channels. */
mewl_node mewl_net_concat(mewl_net *net, const char *name, const mewl_node *x, size_t count);

/* Channels [first, first + count) of (N, C, T, F), copied to dense memory (Res2 splits). */
mewl_node mewl_net_slice(mewl_net *net, const char *name, mewl_node x, int64_t first, int64_t count);

/* Features [first, first + count) of (N, C, T, F): to hand a net two inputs side by side. */
mewl_node mewl_net_slice_features(mewl_net *net, const char *name, mewl_node x, int64_t first, int64_t count);

/* The inverse of flatten_features: (N, C F, T, 1) to (N, C, T, F), channel-major (Wavegram's reshape and transpose). */
mewl_node mewl_net_unflatten_features(mewl_net *net, const char *name, mewl_node x, int64_t features);

/* (N, C, T, F) to (N, C, T F, 1): rows of samples to one long line of them (Wavegram). */
mewl_node mewl_net_features_to_time(mewl_net *net, const char *name, mewl_node x);

/* Without the first `before` and the last `after` frames. */
mewl_node mewl_net_crop_time(mewl_net *net, const char *name, mewl_node x, int64_t before, int64_t after);

/* x cut to as many frames as `like` has, where it has more. No gradient goes to `like`. */
mewl_node mewl_net_crop_like(mewl_net *net, const char *name, mewl_node x, mewl_node like);

/* (N, C, T, F) to (N, C, T, features): fewer by means of runs (PyTorch's adaptive_avg_pool), more by linear
 * interpolation (F.interpolate, mode "linear", align_corners off). */
mewl_node mewl_net_resize_features(mewl_net *net, const char *name, mewl_node x, int64_t features);

/* The same as a matrix (in, out), the caller's: a row of features times it. Errors: MEWL_E_MEMORY. */
mewl_status mewl_resize_matrix(float *matrix, int64_t in, int64_t out, mewl_error *err);

/* `before` and `after` frames more, mirrored without repeating the edge (numpy and PyTorch "reflect"): each must be
 * below T when planned. (N, C, T, 1) alone. */
mewl_node mewl_net_pad_reflect(mewl_net *net, const char *name, mewl_node x, int64_t before, int64_t after);

/* Each clip's (N, C, 1, 1) divided by its Euclidean length (at least 1e-12, as PyTorch's F.normalize). */
mewl_node mewl_net_l2_normalize(mewl_net *net, const char *name, mewl_node x);

/* ---- Sequences. The kinds from here on compute in plain float32 whatever the precision of the plan. ---- */

/* Layer normalisation over the channels of each position (PyTorch's LayerNorm(C) on (N, T, C)). Parameters: weight (1),
 * bias (0). */
typedef struct mewl_layer_norm_opts {
    double eps; /* 0 means 1e-5 */
} mewl_layer_norm_opts;
mewl_node mewl_net_layer_norm(mewl_net *net, const char *name, mewl_node x, mewl_layer_norm_opts opts);

/* Multi-head self-attention (Vaswani et al. 2017, as PyTorch's nn.MultiheadAttention with query = key = value = x) over
 * the T F positions of (N, C, T, F), which keeps its shape; no mask, no dropout, no skip connection. Parameters:
 * in_proj_weight (3 C, C: query, key, value), in_proj_bias (3 C), out_proj.weight (C, C), out_proj.bias (C). */
typedef struct mewl_self_attention_opts {
    int64_t heads; /* divides C; 0 means 1 */
} mewl_self_attention_opts;
mewl_node mewl_net_self_attention(mewl_net *net, const char *name, mewl_node x, mewl_self_attention_opts opts);

/* One layer of LSTM (Hochreiter and Schmidhuber 1997, as PyTorch's nn.LSTM: gates in the order input, forget, cell,
 * output) along the time of (N, C, T, 1), from zero states, to (N, H, T, 1). Bidirectional: (N, 2 H, T, 1), forward
 * channels first. Parameters: weight_ih_l0 (4 H, C), weight_hh_l0 (4 H, H), bias_ih_l0, bias_hh_l0 (4 H), and the same
 * with `_reverse`. */
typedef struct mewl_lstm_opts {
    int64_t hidden; /* H */
    bool bidirectional;
    bool
        last; /* only the last state: (N, H, 1, 1); of the backward direction that of the first frame (PyTorch's h_n) */
} mewl_lstm_opts;
mewl_node mewl_net_lstm(mewl_net *net, const char *name, mewl_node x, mewl_lstm_opts opts);

/* ---- Global poolings, (N, C, T, F) to (N, C, 1, 1) after the mean over frequency. Parameters start so that each of
 * them begins as average pooling. ---- */

/* InfantCryNet's statistic pooling (equations 4 and 5): a linear layer on mean and biased variance over time. Without
 * `full` the same two weights for every channel: weight (1, 2), bias (1) ("to reduce two dimensions to one"); with it
 * from 2 C (means, then variances) to C: weight (C, 2 C), bias (C). */
mewl_node mewl_net_stat_pool(mewl_net *net, const char *name, mewl_node x, bool full);

/* Multi-head attention pooling: each head, C / heads channels wide, weighs frames by the softmax over time of
 * q . x / sqrt(width of the head). Parameter: query (heads, C / heads). `heads` divides C. */
mewl_node mewl_net_mha_pool(mewl_net *net, const char *name, mewl_node x, int64_t heads);

/* InfantCryNet's equation 6 as it is written: alpha = W h, pooled = sum alpha h / sum alpha for each channel, with W
 * (N, N) for a fixed number of frames N. A sum of weights nearer to zero than 1e-6 is taken for 1e-6 of its sign.
 * Parameter: weight (frames, frames). Planning for another number of frames is MEWL_E_SHAPE. */
mewl_node mewl_net_attn_literal_pool(mewl_net *net, const char *name, mewl_node x, int64_t frames);

/* ---- Statistics over time, of (N, C, T, 1) ---- */

typedef struct mewl_stats_opts {
    double eps;    /* variances below it are raised to it; 0 means 1e-12 */
    bool unbiased; /* divide by T - 1 (not with attentive_stats) */
} mewl_stats_opts;

/* Mean and standard deviation of each channel: (N, 2 C, 1, 1), means first. */
mewl_node mewl_net_time_stats(mewl_net *net, const char *name, mewl_node x, mewl_stats_opts opts);

/* Each frame with the clip's mean and standard deviation beside it: (N, 3 C, T, 1), x then means then deviations
 * (ECAPA-TDNN's global context). */
mewl_node mewl_net_context(mewl_net *net, const char *name, mewl_node x, mewl_stats_opts opts);

/* Attentive statistics (Okabe, Koshinaka and Shinoda 2018): frames weighted, for each channel, by the softmax over time
 * of `scores` (x's shape); weighted means, then weighted standard deviations: (N, 2 C, 1, 1). */
mewl_node mewl_net_attentive_stats(mewl_net *net, const char *name, mewl_node x, mewl_node scores,
                                   mewl_stats_opts opts);

/* Frame logits (N, C, T, 1) to clip logits (N, C, 1, 1) by linear softmax pooling (Wang, Li and Metze 2019): with
 * p = sigmoid(frame logit), clip probability = sum p^2 / sum p, returned as a logit (clamped to +-16). */
mewl_node mewl_net_linear_softmax(mewl_net *net, const char *name, mewl_node x);

/* Names a value to be read after forward, and to be given a gradient before backward. At most 8. */
void mewl_net_output(mewl_net *net, const char *name, mewl_node x);

/* Ends building; all parameters exist from here on. Returns the first mistake of any builder: MEWL_E_ARG,
 * MEWL_E_SHAPE, MEWL_E_MEMORY. A net that did not seal can only be freed. */
mewl_status mewl_net_seal(mewl_net *net, mewl_error *err);

/* ---- Parameters ---- */

/* All parameters and buffers in graph order. The array lives as long as the net. */
mewl_param *const *mewl_net_params(mewl_net *net, size_t *count);

/* By name; NULL when there is none. */
mewl_param *mewl_net_param(mewl_net *net, const char *name);

/* Trainable elements (buffers not counted). */
int64_t mewl_net_param_elements(const mewl_net *net);

/* PANNs' init_layer: weights uniform within +- sqrt(6 / (fan_in + fan_out)) (Glorot), biases zero; norms 1 and 0. */
void mewl_net_init_xavier(mewl_net *net, uint64_t seed);

/* To be called after writing into parameter values by hand; optimisers and loaders do it themselves. */
void mewl_net_touch(mewl_net *net);

/* Freezes (or frees) every parameter whose name starts with `pattern`, or matches the whole of it when it holds * or ?
 * ("conv_block?.*", "*.bn?.*"; as a shell's patterns, but * also takes dots); returns how many. Takes effect at the
 * next plan. Buffers of a frozen batch norm stay as they are, too: it then normalises by its running statistics. */
size_t mewl_net_freeze(mewl_net *net, const char *pattern, bool frozen);

/* ---- Running ---- */

/* What a plan is made for. Equal options and shapes give equal results. */
typedef struct mewl_net_plan_opts {
    bool training;   /* keeps what backward needs; batch statistics, dropout */
    bool bf16;       /* activations and convolution weights in bfloat16, sums in float32 (master weights stay) */
    bool dequantise; /* a quantised net (quant.h) computes in floating point, with what its eight bits mean */
    bool winograd;   /* 3x3 convolutions of float32 inference by Winograd's F(4, 3) where the processor has it: half the
                        time or less on whole batches, for four times the weights' memory and a slower plan */
    int64_t batch;   /* N, 1 to 65,536 */
    int64_t frames;  /* T, at least 1 */
    int threads;     /* 0 means 1 */
} mewl_net_plan_opts;

/* Fixes everything for these shapes; cheap when nothing differs from the plan at hand, milliseconds otherwise.
 * Errors: MEWL_E_SHAPE naming the layer that the shape does not fit, MEWL_E_MEMORY, MEWL_E_UNSUPPORTED (bf16 on a
 * processor that lacks even an emulation), MEWL_E_LIBRARY. After a failure the net has no plan. */
mewl_status mewl_net_plan(mewl_net *net, mewl_net_plan_opts opts, mewl_error *err);

/* How many compiled kernels the process keeps for later plans, of all nets: 96 unless fewer are asked for here
 * (0 to 96). With 0 every new plan is compiled anew (tenths of a second), and the memory of a program that runs
 * for weeks and plans for another length now and then stays where it is. */
void mewl_net_keep_kernels(int count);

/* Runs on `input` (N, C, T, F), plain float32, of exactly the planned shape. Errors: MEWL_E_STATE without a plan,
 * MEWL_E_LIBRARY. */
mewl_status mewl_net_forward(mewl_net *net, const float *input, mewl_error *err);

/* Plain float32 values of an output after forward, and its shape (may be NULL). NULL when there is no such output or
 * no plan. Valid until the next forward, plan or free. */
const float *mewl_net_output_value(mewl_net *net, const char *name, mewl_shape *shape);

/* Where to write the loss's gradient for an output before backward (training plans only). Zero after each forward. */
float *mewl_net_output_grad(mewl_net *net, const char *name);

/* Adds d loss / d parameter to every parameter's grad. Errors: MEWL_E_STATE unless a training forward came before. */
mewl_status mewl_net_backward(mewl_net *net, mewl_error *err);

/* Sets every parameter's grad to zero: once before the first backward of an update. */
void mewl_net_zero_grad(mewl_net *net);

/* Dropout's place: masks depend on (seed, step); step counts training forwards. Stored in checkpoints. */
void mewl_net_set_dropout(mewl_net *net, uint64_t seed, uint64_t step);

/* How output `name` sees time: one output frame every *step input frames; output frame i depends on input frames
 * i * step - left to i * step + right and no others (batch statistics aside). Returns false when it sees all of time
 * or there is no such output. */
bool mewl_net_reach(const mewl_net *net, const char *name, int64_t *step, int64_t *left, int64_t *right);

/* Bytes of activations, their gradients and scratch memory in the current plan; 0 without one. */
size_t mewl_net_plan_bytes(const mewl_net *net);

/* When on, the milliseconds that each layer took in the last forward and backward are kept: name, kind, output's shape,
 * forward, backward, one line a layer, into `text` (cut to `size`). Off by default. */
void mewl_net_profile(mewl_net *net, bool on);
void mewl_net_profile_text(const mewl_net *net, char *text, size_t size);

#endif
