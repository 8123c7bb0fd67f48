/* onnx_sequence.c - layers of sequences as nodes of ONNX: attention, LSTM, norms over channels, learned poolings and
 * statistics over time. What each computes is said in nn/net.h. */
#include "models/onnx_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME(...) (mewl__onnx_name_of(__VA_ARGS__).text)
#define IN(...) MEWL__ONNX_IN(__VA_ARGS__)
#define ATTRS(...) MEWL__ONNX_ATTRS(__VA_ARGS__)
#define INTS(...) MEWL__ONNX_INTS_OF(w->graph, __VA_ARGS__)
#define OP(op, suffix, ...) mewl__onnx_op(w->graph, op, NAME("%s/" suffix, out), IN(__VA_ARGS__), NULL)
#define OP_WITH(op, suffix, attrs, ...) mewl__onnx_op(w->graph, op, NAME("%s/" suffix, out), IN(__VA_ARGS__), attrs)
#define PERM(count, ...) ATTRS(MEWL__ONNX_L("perm", count, __VA_ARGS__))
#define OVER(axis) ATTRS(MEWL__ONNX_L("axes", 1, axis), MEWL__ONNX_I("keepdims", 1))

/* ReduceSum takes its axes as an input. */
static const char *sum_over(mewl__onnx_walk *w, const char *x, int64_t axis, const char *out)
{
    return mewl__onnx_op(w->graph, "ReduceSum", out, IN(x, INTS(1, axis)), ATTRS(MEWL__ONNX_I("keepdims", 1)));
}

/* ---- Norms ---- */

static mewl_status convert_layer_norm(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                      mewl_error *err)
{
    const char *apart = OP("Sub", "apart", x, OP_WITH("ReduceMean", "mean", OVER(1), x));
    const char *variance = OP_WITH("ReduceMean", "variance", OVER(1), OP("Mul", "square", apart, apart));
    const char *raised = OP("Add", "raised", variance, mewl__onnx_real(w->graph, mewl_layer_fact_real(v, "eps")));
    const char *unit = OP("Div", "unit", apart, OP("Sqrt", "deviation", raised));
    const char *weight = MEWL__ONNX_PARAM_AS(w, v, 0, 4, 1, v->channels, 1, 1);
    const char *bias = MEWL__ONNX_PARAM_AS(w, v, 1, 4, 1, v->channels, 1, 1);
    mewl__onnx_op(w->graph, "Add", out, IN(OP("Mul", "scaled", unit, weight), bias), NULL);
    return MEWL_OK;
}

static mewl_status convert_l2_normalize(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                        mewl_error *err)
{
    const char *length = OP_WITH("ReduceL2", "length", OVER(1), x);
    mewl__onnx_op(w->graph, "Div", out, IN(x, OP("Max", "divisor", length, mewl__onnx_real(w->graph, 1e-12))), NULL);
    return MEWL_OK;
}

/* ---- Attention ---- */

/* x (N, P, C) times a weight (out, in) of PyTorch, plus bias. */
static const char *project(mewl__onnx_walk *w, const mewl_layer_view *v, size_t weight, const char *x, const char *out)
{
    const char *turned = OP_WITH("Transpose", "turned", PERM(2, 1, 0), mewl__onnx_param(w, v, weight));
    return mewl__onnx_op(w->graph, "Add", out,
                         IN(OP("MatMul", "product", x, turned), mewl__onnx_param(w, v, weight + 1)), NULL);
}

static mewl_status convert_attention(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                     mewl_error *err)
{
    const int64_t c = v->channels, heads = mewl_layer_fact(v, "heads"), size = c / heads;
    const char *lines = OP("Reshape", "lines", x, INTS(3, 0, c, -1));
    const char *rows = OP_WITH("Transpose", "rows", PERM(3, 0, 2, 1), lines);
    const char *all = project(w, v, 0, rows, NAME("%s/qkv", out));
    const mewl__onnx_name query = mewl__onnx_name_of("%s/query", out), key = mewl__onnx_name_of("%s/key", out),
                          value = mewl__onnx_name_of("%s/value", out);
    mewl__onnx_node(w->graph, "Split", IN(query.text, key.text, value.text), IN(all), ATTRS(MEWL__ONNX_I("axis", 2)));
    const char *q = OP("Reshape", "query_heads", query.text, INTS(4, 0, 0, heads, size));
    const char *k = OP("Reshape", "key_heads", key.text, INTS(4, 0, 0, heads, size));
    const char *u = OP("Reshape", "value_heads", value.text, INTS(4, 0, 0, heads, size));
    q = OP_WITH("Transpose", "q", PERM(4, 0, 2, 1, 3), q);
    k = OP_WITH("Transpose", "k", PERM(4, 0, 2, 3, 1), k);
    u = OP_WITH("Transpose", "v", PERM(4, 0, 2, 1, 3), u);
    const char *scores =
        OP("Mul", "scores", OP("MatMul", "products", q, k), mewl__onnx_real(w->graph, 1.0 / sqrt((double)size)));
    const char *shares = OP_WITH("Softmax", "shares", ATTRS(MEWL__ONNX_I("axis", -1)), scores);
    const char *mixed = OP_WITH("Transpose", "mixed", PERM(4, 0, 2, 1, 3), OP("MatMul", "mixed_heads", shares, u));
    const char *joined = OP("Reshape", "joined", mixed, INTS(3, 0, 0, c));
    const char *columns =
        OP_WITH("Transpose", "columns", PERM(3, 0, 2, 1), project(w, v, 2, joined, NAME("%s/projected", out)));
    mewl__onnx_op(w->graph, "Reshape", out, IN(columns, OP("Shape", "shape", x)), NULL);
    return MEWL_OK;
}

/* ---- LSTM ---- */

/* Rows of a weight or bias whose four parts of `hidden` rows are PyTorch's input, forget, cell, output, in ONNX's order
 * input, output, forget, cell. */
static void reorder(float *to, const float *from, int64_t hidden, int64_t columns)
{
    static const int order[4] = {0, 3, 1, 2};
    const size_t part = (size_t)(hidden * columns);
    for (int g = 0; g < 4; g++) {
        memcpy(to + (size_t)g * part, from + (size_t)order[g] * part, part * sizeof *to);
    }
}

/* Weights of all directions in one array (directions, 4 H, columns); the biases of both kinds side by side. */
static const char *join_weights(mewl__onnx_walk *w, const mewl_layer_view *v, const char *name, size_t first,
                                bool biases, int64_t hidden, int64_t directions, int64_t columns)
{
    const int64_t dims[3] = {directions, (biases ? 8 : 4) * hidden, columns};
    const size_t each = (size_t)(4 * hidden * columns);
    float *data = malloc((size_t)directions * (biases ? 2 : 1) * each * sizeof *data), *at = data;
    for (int64_t d = 0; data != NULL && d < directions; d++) {
        for (size_t k = 0; k < (biases ? 2 : 1); k++, at += each) {
            reorder(at, v->params[(size_t)d * 4 + first + k]->value.data, hidden, columns);
        }
    }
    mewl__onnx_weights(w->graph, name, data, biases ? 2 : 3, dims, true);
    return name;
}

static mewl_status convert_lstm(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                mewl_error *err)
{
    const int64_t hidden = mewl_layer_fact(v, "hidden"), directions = mewl_layer_fact(v, "directions");
    const bool last = mewl_layer_fact(v, "last") != 0;
    const char *flat = OP("Squeeze", "flat", x, INTS(1, 3));
    const char *steps = OP_WITH("Transpose", "steps", PERM(3, 2, 0, 1), flat);
    const mewl__onnx_name wx = mewl__onnx_name_of("%s/W", out), wh = mewl__onnx_name_of("%s/R", out),
                          bias = mewl__onnx_name_of("%s/B", out), all = mewl__onnx_name_of("%s/states", out),
                          end = mewl__onnx_name_of("%s/last", out);
    (void)join_weights(w, v, wx.text, 0, false, hidden, directions, v->params[0]->value.shape.dim[1]);
    (void)join_weights(w, v, wh.text, 1, false, hidden, directions, hidden);
    (void)join_weights(w, v, bias.text, 2, true, hidden, directions, 1);
    mewl__onnx_node(w->graph, "LSTM", last ? IN("", end.text) : IN(all.text), IN(steps, wx.text, wh.text, bias.text),
                    ATTRS(MEWL__ONNX_I("hidden_size", hidden),
                          MEWL__ONNX_T("direction", directions == 2 ? "bidirectional" : "forward")));
    const char *turned = last ? OP_WITH("Transpose", "turned", PERM(3, 1, 0, 2), end.text)
                              : OP_WITH("Transpose", "turned", PERM(4, 2, 1, 3, 0), all.text);
    mewl__onnx_op(w->graph, "Reshape", out, IN(turned, INTS(4, 0, directions * hidden, -1, 1)), NULL);
    return MEWL_OK;
}

/* ---- Learned poolings ---- */

static const char *frames_of(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out)
{
    return mewl__onnx_mean_features(w, x, 0, NAME("%s/frames", out));
}

static mewl_status convert_stat_pool(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                     mewl_error *err)
{
    const bool full = mewl_layer_fact(v, "full") != 0;
    const char *frames = frames_of(w, v, x, out);
    const char *mean = OP_WITH("ReduceMean", "mean", OVER(2), frames);
    const char *apart = OP("Sub", "apart", frames, mean);
    const char *variance = OP_WITH("ReduceMean", "variance", OVER(2), OP("Mul", "square", apart, apart));
    const char *both = OP_WITH("Concat", "both", ATTRS(MEWL__ONNX_I("axis", full ? 1 : 3)), mean, variance);
    if (full) {
        const char *weight = MEWL__ONNX_PARAM_AS(w, v, 0, 4, v->channels, 2 * v->channels, 1, 1);
        mewl__onnx_op(w->graph, "Conv", out, IN(both, weight, mewl__onnx_param(w, v, 1)),
                      ATTRS(MEWL__ONNX_L("kernel_shape", 2, 1, 1)));
    } else {
        const char *weight = MEWL__ONNX_PARAM_AS(w, v, 0, 2, 2, 1);
        mewl__onnx_op(w->graph, "Add", out, IN(OP("MatMul", "product", both, weight), mewl__onnx_param(w, v, 1)), NULL);
    }
    return MEWL_OK;
}

static mewl_status convert_mha_pool(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                    mewl_error *err)
{
    const int64_t heads = mewl_layer_fact(v, "heads"), size = v->channels / heads;
    const char *parts = OP("Reshape", "parts", frames_of(w, v, x, out), INTS(4, 0, heads, size, -1));
    const char *query = MEWL__ONNX_PARAM_AS(w, v, 0, 3, heads, 1, size);
    const char *scores = OP("Mul", "scores", OP("MatMul", "products", query, parts),
                            mewl__onnx_real(w->graph, 1.0 / sqrt((double)size)));
    const char *shares = OP_WITH("Softmax", "shares", ATTRS(MEWL__ONNX_I("axis", -1)), scores);
    const char *turned = OP_WITH("Transpose", "turned", PERM(4, 0, 1, 3, 2), shares);
    mewl__onnx_op(w->graph, "Reshape", out, IN(OP("MatMul", "mixed", parts, turned), INTS(4, 0, v->channels, 1, 1)),
                  NULL);
    return MEWL_OK;
}

static mewl_status convert_literal_pool(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                        mewl_error *err)
{
    const char *frames = OP("Squeeze", "lines", frames_of(w, v, x, out), INTS(1, 3));
    const char *turned = OP_WITH("Transpose", "turned", PERM(2, 1, 0), mewl__onnx_param(w, v, 0));
    const char *alpha = OP("MatMul", "alpha", frames, turned);
    const char *weighted = sum_over(w, OP("Mul", "products", alpha, frames), 2, NAME("%s/weighted", out));
    const char *total = sum_over(w, alpha, 2, NAME("%s/total", out));
    const char *small = OP("Less", "small", OP("Abs", "size", total), mewl__onnx_real(w->graph, 1e-6));
    const char *negative = OP("Less", "negative", total, mewl__onnx_real(w->graph, 0.0));
    const char *least =
        OP("Where", "least", negative, mewl__onnx_real(w->graph, -1e-6), mewl__onnx_real(w->graph, 1e-6));
    const char *divisor = OP("Where", "divisor", small, least, total);
    mewl__onnx_op(w->graph, "Reshape", out, IN(OP("Div", "mean", weighted, divisor), INTS(4, 0, v->channels, 1, 1)),
                  NULL);
    return MEWL_OK;
}

/* ---- Statistics ---- */

/* Square root of a variance, raised to eps. */
static const char *deviation_of(mewl__onnx_walk *w, const mewl_layer_view *v, const char *variance, const char *out)
{
    const char *raised = OP("Max", "raised", variance, mewl__onnx_real(w->graph, mewl_layer_fact_real(v, "eps")));
    return OP("Sqrt", "deviation", raised);
}

/* Mean and deviation over time of x (N, C, T, 1). */
static void measure(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out, const char **mean,
                    const char **deviation)
{
    *mean = OP_WITH("ReduceMean", "mean", OVER(2), x);
    const char *apart = OP("Sub", "apart", x, *mean);
    const char *square = OP("Mul", "square", apart, apart);
    const char *variance;
    if (mewl_layer_fact(v, "unbiased") != 0) {
        const char *shape = OP("Shape", "shape", x);
        const char *frames = OP("Slice", "frames", shape, INTS(1, 2), INTS(1, 3), INTS(1, 0));
        const char *count = OP_WITH("Cast", "count", ATTRS(MEWL__ONNX_I("to", 1)), frames);
        const char *fewer = OP("Sub", "fewer", count, mewl__onnx_real(w->graph, 1.0));
        variance = OP("Div", "variance", sum_over(w, square, 2, NAME("%s/squares", out)), fewer);
    } else {
        variance = OP_WITH("ReduceMean", "variance", OVER(2), square);
    }
    *deviation = deviation_of(w, v, variance, out);
}

static mewl_status convert_time_stats(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                      mewl_error *err)
{
    const char *mean, *deviation;
    measure(w, v, x, out, &mean, &deviation);
    mewl__onnx_op(w->graph, "Concat", out, IN(mean, deviation), ATTRS(MEWL__ONNX_I("axis", 1)));
    return MEWL_OK;
}

static mewl_status convert_context(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                   mewl_error *err)
{
    const char *mean, *deviation;
    measure(w, v, x, out, &mean, &deviation);
    const char *like = OP("Shape", "like", x);
    mewl__onnx_op(w->graph, "Concat", out,
                  IN(x, OP("Expand", "means", mean, like), OP("Expand", "deviations", deviation, like)),
                  ATTRS(MEWL__ONNX_I("axis", 1)));
    return MEWL_OK;
}

static mewl_status convert_attentive(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                     mewl_error *err)
{
    const char *shares = OP_WITH("Softmax", "shares", ATTRS(MEWL__ONNX_I("axis", 2)), mewl__onnx_value(w, v, 1));
    const char *mean = sum_over(w, OP("Mul", "products", shares, x), 2, NAME("%s/mean", out));
    const char *apart = OP("Sub", "apart", x, mean);
    const char *square = OP("Mul", "square", apart, apart);
    const char *variance = sum_over(w, OP("Mul", "shared", shares, square), 2, NAME("%s/variance", out));
    mewl__onnx_op(w->graph, "Concat", out, IN(mean, deviation_of(w, v, variance, out)), ATTRS(MEWL__ONNX_I("axis", 1)));
    return MEWL_OK;
}

/* log sum p^2 - log sum p (1 - p), where 1 - p is the sigmoid of the negated logit; clamped as the layer does. */
static mewl_status convert_linear_softmax(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                          mewl_error *err)
{
    const char *p = OP("Sigmoid", "p", x), *rest = OP("Sigmoid", "rest", OP("Neg", "negated", x));
    const char *squares = sum_over(w, OP("Mul", "square", p, p), 2, NAME("%s/squares", out));
    const char *others = sum_over(w, OP("Mul", "other", p, rest), 2, NAME("%s/others", out));
    const char *logit = OP("Sub", "logit", OP("Log", "log_squares", squares), OP("Log", "log_others", others));
    mewl__onnx_op(w->graph, "Clip", out, IN(logit, mewl__onnx_real(w->graph, -16.0), mewl__onnx_real(w->graph, 16.0)),
                  NULL);
    return MEWL_OK;
}

const mewl__onnx_kind mewl__onnx_sequence_kinds[] = {
    {"layer_norm", convert_layer_norm},
    {"l2_normalize", convert_l2_normalize},
    {"self_attention", convert_attention},
    {"lstm", convert_lstm},
    {"stat_pool", convert_stat_pool},
    {"mha_pool", convert_mha_pool},
    {"attn_literal_pool", convert_literal_pool},
    {"time_stats", convert_time_stats},
    {"context", convert_context},
    {"attentive_stats", convert_attentive},
    {"linear_softmax", convert_linear_softmax},
    {NULL, NULL},
};
