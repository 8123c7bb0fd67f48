/* lstm.c - one layer of LSTM, one or both directions, forward and backward through time, in plain float32.
 *
 * Time-major inside: the input is turned to (T, N, C), all frames' input products are one matrix product, and each step
 * adds its state's (N, H) (H, 4 H) before the gates. Own loop on oneDNN's matrix product rather than its LSTM
 * primitive: the primitive wants weights in a layout of its own, reordered at every update (docs/architecture.md).
 * A direction that runs backward in time reads frames from the last to the first; everything else is the same.
 *
 * A step with gates i, f, o = sigmoid(.), g = tanh(.): c = f c' + i g, h = o tanh(c).
 */
#include "nn/net_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PARAMS 4 /* of one direction */

typedef struct direction {
    float *gates; /* (T, N, 4 H): i, f, g, o after their functions */
    float *cell;  /* (T, N, H) */
    float *state; /* (T, N, H) */
} direction;

typedef struct lstm {
    mewl_layer layer;
    int64_t in, hidden;
    int directions;
    bool last;
    float *input; /* (T, N, C) */
    direction way[2];
    float *dstate, *dcell; /* (N, H), training */
    float *dgates;         /* (T, N, 4 H) before their functions, of one direction, training */
    float *dinput;         /* (T, N, C), training */
} lstm;

static void lstm_unplan(mewl_layer *layer)
{
    lstm *self = (lstm *)layer;
    for (int w = 0; w < 2; w++) {
        free(self->way[w].gates);
        free(self->way[w].cell);
        free(self->way[w].state);
        self->way[w] = (direction){0};
    }
    free(self->input);
    free(self->dstate);
    free(self->dcell);
    free(self->dgates);
    free(self->dinput);
    self->input = self->dstate = self->dcell = self->dgates = self->dinput = NULL;
}

static mewl_status lstm_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                             mewl_tensor *out, mewl_error *err)
{
    lstm *self = (lstm *)layer;
    int64_t n = in->shape.dim[0], frames = in->shape.dim[2], h = self->hidden;
    if (in->shape.dim[3] != 1) {
        return mewl_error_set(err, MEWL_E_SHAPE, "a sequence has one feature, not %lld", (long long)in->shape.dim[3]);
    }
    mewl__want_plain(in);
    *out = *in;
    out->shape = mewl_shape_map(n, h * self->directions, self->last ? 1 : frames, 1);
    if (mewl_shape_count(mewl_shape_map(frames, n, 4 * h, 1)) < 0) {
        return mewl_error_set(err, MEWL_E_SHAPE, "%lld states of %lld frames are too many", (long long)h,
                              (long long)frames);
    }
    size_t each = sizeof(float), rows = (size_t)(frames * n), wide = (size_t)h;
    bool all = (self->input = mewl__alloc(rows * (size_t)self->in * each)) != NULL;
    for (int w = 0; w < self->directions && all; w++) {
        direction *way = &self->way[w];
        all = (way->gates = mewl__alloc(rows * 4 * wide * each)) != NULL;
        all = all && (way->cell = mewl__alloc(rows * wide * each)) != NULL;
        all = all && (way->state = mewl__alloc(rows * wide * each)) != NULL;
    }
    if (plan->training && all) {
        all = (self->dstate = mewl__alloc((size_t)n * wide * each)) != NULL;
        all = all && (self->dcell = mewl__alloc((size_t)n * wide * each)) != NULL;
        all = all && (self->dgates = mewl__alloc(rows * 4 * wide * each)) != NULL;
        all = all && (self->dinput = mewl__alloc(rows * (size_t)self->in * each)) != NULL;
    }
    return all ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %lld frames", (long long)frames);
}

/* (N, C, T) to (T, N, C), or back. */
static void to_frames(float *out, const float *in, int64_t n, int64_t channels, int64_t frames)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t c = 0; c < channels; c++) {
            for (int64_t t = 0; t < frames; t++) {
                out[(t * n + i) * channels + c] = in[(i * channels + c) * frames + t];
            }
        }
    }
}

static void from_frames(float *out, const float *in, int64_t n, int64_t channels, int64_t frames)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t c = 0; c < channels; c++) {
            for (int64_t t = 0; t < frames; t++) {
                out[(i * channels + c) * frames + t] = in[(t * n + i) * channels + c];
            }
        }
    }
}

static float logistic(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* Gates, cell and state of one frame of one clip; `before` is the cell before it, NULL at the start. */
static void step_forward(float *gate, float *cell, float *state, const float *before, int64_t h)
{
    for (int64_t k = 0; k < h; k++) {
        float i = logistic(gate[k]), f = logistic(gate[h + k]), g = tanhf(gate[2 * h + k]);
        float o = logistic(gate[3 * h + k]);
        cell[k] = (before != NULL ? f * before[k] : 0.0f) + i * g;
        state[k] = o * tanhf(cell[k]);
        gate[k] = i;
        gate[h + k] = f;
        gate[2 * h + k] = g;
        gate[3 * h + k] = o;
    }
}

static mewl_status way_forward(lstm *self, int w, int64_t n, int64_t frames, mewl_error *err)
{
    mewl_param *const *p = self->layer.params + w * PARAMS;
    const float *bias_in = p[2]->value.data, *bias_state = p[3]->value.data;
    const direction *way = &self->way[w];
    int64_t h = self->hidden;
    for (int64_t r = 0; r < frames * n; r++) {
        for (int64_t k = 0; k < 4 * h; k++) {
            way->gates[r * 4 * h + k] = bias_in[k] + bias_state[k];
        }
    }
    MEWL_TRY(mewl__gemm(way->gates, self->input, p[0]->value.data, false, true, frames * n, 4 * h, self->in, self->in,
                        self->in, 4 * h, true, err));
    for (int64_t s = 0; s < frames; s++) {
        int64_t t = w == 0 ? s : frames - 1 - s, from = w == 0 ? t - 1 : t + 1;
        float *gates = way->gates + t * n * 4 * h;
        if (s > 0) {
            MEWL_TRY(mewl__gemm(gates, way->state + from * n * h, p[1]->value.data, false, true, n, 4 * h, h, h, h,
                                4 * h, true, err));
        }
        for (int64_t i = 0; i < n; i++) {
            step_forward(gates + i * 4 * h, way->cell + (t * n + i) * h, way->state + (t * n + i) * h,
                         s > 0 ? way->cell + (from * n + i) * h : NULL, h);
        }
    }
    return MEWL_OK;
}

/* The frame whose state is the last of direction w. */
static int64_t last_frame(int w, int64_t frames)
{
    return w == 0 ? frames - 1 : 0;
}

static mewl_status lstm_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                mewl_error *err)
{
    lstm *self = (lstm *)layer;
    int64_t n = x->shape.dim[0], frames = x->shape.dim[2], h = self->hidden, wide = h * self->directions;
    int64_t out_frames = y->shape.dim[2];
    to_frames(self->input, x->data, n, self->in, frames);
    for (int w = 0; w < self->directions; w++) {
        MEWL_TRY(way_forward(self, w, n, frames, err));
        const float *state = self->way[w].state + (self->last ? last_frame(w, frames) * n * h : 0);
        for (int64_t i = 0; i < n; i++) {
            float *out = (float *)y->data + (i * wide + w * h) * out_frames;
            for (int64_t k = 0; k < h; k++) {
                for (int64_t t = 0; t < out_frames; t++) {
                    out[k * out_frames + t] = state[(t * n + i) * h + k];
                }
            }
        }
    }
    return MEWL_OK;
}

/* One frame of one clip: d loss / d (gates before their functions); dcell goes one frame back. */
static void step_backward(float *dgate, float *dcell, const float *gate, const float *dstate, const float *cell,
                          const float *before, int64_t h)
{
    for (int64_t k = 0; k < h; k++) {
        float i = gate[k], f = gate[h + k], g = gate[2 * h + k], o = gate[3 * h + k], squashed = tanhf(cell[k]);
        float d = dcell[k] + dstate[k] * o * (1.0f - squashed * squashed);
        dgate[k] = d * g * i * (1.0f - i);
        dgate[h + k] = before != NULL ? d * before[k] * f * (1.0f - f) : 0.0f;
        dgate[2 * h + k] = d * i * (1.0f - g * g);
        dgate[3 * h + k] = dstate[k] * squashed * o * (1.0f - o);
        dcell[k] = d * f;
    }
}

/* Adds dy of frame t to the gradient of the states there. */
static void add_output_grad(const lstm *self, const mewl_tensor *dy, int w, int64_t t, int64_t frames)
{
    int64_t n = dy->shape.dim[0], out_frames = dy->shape.dim[2], h = self->hidden, wide = h * self->directions;
    if (self->last && t != last_frame(w, frames)) {
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        const float *grad = (const float *)dy->data + (i * wide + w * h) * out_frames + (self->last ? 0 : t);
        for (int64_t k = 0; k < h; k++) {
            self->dstate[i * h + k] += grad[k * out_frames];
        }
    }
}

static void add_bias_grad(mewl_param *bias, const float *gates, int64_t rows, int64_t wide)
{
    float *out = bias->grad.data;
    for (int64_t k = 0; k < wide && !bias->frozen; k++) {
        double sum = 0.0;
        for (int64_t r = 0; r < rows; r++) {
            sum += (double)gates[r * wide + k];
        }
        out[k] += (float)sum;
    }
}

static mewl_status way_parameters(const lstm *self, int w, int64_t n, int64_t frames, mewl_error *err)
{
    mewl_param *const *p = self->layer.params + w * PARAMS;
    const direction *way = &self->way[w];
    int64_t h = self->hidden, rows = frames * n, step = n * h;
    if (!p[0]->frozen) {
        MEWL_TRY(mewl__gemm(p[0]->grad.data, self->dgates, self->input, true, false, 4 * h, self->in, rows, 4 * h,
                            self->in, self->in, true, err));
    }
    if (!p[1]->frozen && frames > 1) { /* each frame's gates with the state before it */
        const float *gates = self->dgates + (w == 0 ? 4 * step : 0), *state = way->state + (w == 0 ? 0 : step);
        MEWL_TRY(mewl__gemm(p[1]->grad.data, gates, state, true, false, 4 * h, h, rows - n, 4 * h, h, h, true, err));
    }
    add_bias_grad(p[2], self->dgates, rows, 4 * h);
    add_bias_grad(p[3], self->dgates, rows, 4 * h);
    return MEWL_OK;
}

static mewl_status way_backward(lstm *self, int w, const mewl_tensor *dy, int64_t frames, mewl_error *err)
{
    mewl_param *const *p = self->layer.params + w * PARAMS;
    const direction *way = &self->way[w];
    int64_t n = dy->shape.dim[0], h = self->hidden;
    memset(self->dcell, 0, (size_t)(n * h) * sizeof *self->dcell);
    memset(self->dstate, 0, (size_t)(n * h) * sizeof *self->dstate);
    for (int64_t s = frames; s-- > 0;) {
        int64_t t = w == 0 ? s : frames - 1 - s, from = w == 0 ? t - 1 : t + 1;
        float *dgates = self->dgates + t * n * 4 * h;
        add_output_grad(self, dy, w, t, frames);
        for (int64_t i = 0; i < n; i++) {
            step_backward(dgates + i * 4 * h, self->dcell + i * h, way->gates + (t * n + i) * 4 * h,
                          self->dstate + i * h, way->cell + (t * n + i) * h,
                          s > 0 ? way->cell + (from * n + i) * h : NULL, h);
        }
        MEWL_TRY(
            mewl__gemm(self->dstate, dgates, p[1]->value.data, false, false, n, h, 4 * h, 4 * h, h, h, false, err));
    }
    return way_parameters(self, w, n, frames, err);
}

static mewl_status lstm_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                 const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    lstm *self = (lstm *)layer;
    int64_t n = x->shape.dim[0], frames = x->shape.dim[2], h = self->hidden;
    for (int w = 0; w < self->directions; w++) {
        MEWL_TRY(way_backward(self, w, dy, frames, err));
        if (dx[0].data != NULL) {
            MEWL_TRY(mewl__gemm(self->dinput, self->dgates, layer->params[w * PARAMS]->value.data, false, false,
                                frames * n, self->in, 4 * h, 4 * h, self->in, self->in, w > 0, err));
        }
    }
    if (dx[0].data != NULL) {
        from_frames(dx[0].data, self->dinput, n, self->in, frames);
    }
    return MEWL_OK;
}

static void lstm_reach(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation, int64_t *pad)
{
    *kernel = 0;
}

static size_t lstm_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const lstm *self = (const lstm *)layer;
    const mewl_fact all[] = {
        {"hidden", (double)self->hidden}, {"directions", (double)self->directions}, {"last", self->last ? 1.0 : 0.0}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops lstm_ops = {.kind = "lstm",
                                        .facts = lstm_facts,
                                        .size = sizeof(lstm),
                                        .plan = lstm_plan,
                                        .forward = lstm_forward,
                                        .backward = lstm_backward,
                                        .unplan = lstm_unplan,
                                        .reach = lstm_reach};

mewl_node mewl_net_lstm(mewl_net *net, const char *name, mewl_node x, mewl_lstm_opts opts)
{
    static const char *const suffixes[2][PARAMS] = {
        {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"},
        {"weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse"}};
    mewl_layer *layer = mewl__net_add(net, &lstm_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    if (opts.hidden < 1 || opts.hidden > 16384 || layer->features != 1) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: %lld states on %lld features", name, (long long)opts.hidden,
                              (long long)layer->features);
    }
    lstm *self = (lstm *)layer;
    int64_t h = self->hidden = opts.hidden;
    self->in = layer->channels;
    self->directions = opts.bidirectional ? 2 : 1;
    self->last = opts.last;
    mewl_shape shapes[PARAMS] = {mewl_shape_of(2, 4 * h, self->in, 1, 1), mewl_shape_of(2, 4 * h, h, 1, 1),
                                 mewl_shape_of(1, 4 * h, 1, 1, 1), mewl_shape_of(1, 4 * h, 1, 1, 1)};
    mewl_error err = {0};
    mewl_status status = MEWL_OK;
    for (int i = 0; i < self->directions * PARAMS && status == MEWL_OK; i++) {
        bool weight = i % PARAMS < 2;
        status = mewl__layer_param(layer, suffixes[i / PARAMS][i % PARAMS], shapes[i % PARAMS], 0.0f,
                                   weight ? 1.0f : 0.0f, false, &err);
    }
    layer->channels = h * self->directions;
    return mewl__net_done(net, layer, status, &err);
}
