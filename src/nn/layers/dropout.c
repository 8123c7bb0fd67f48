/* dropout.c - zeroes elements at random in training, from a counter rather than a state: whether an element stays
 * depends on (seed, step, layer, element) alone, so backward needs no mask in memory and a resumed run drops the same.
 *
 * An element's number is its place in memory: masks differ between processors whose layouts differ. The hash is two
 * rounds of MurmurHash3's 32-bit finaliser.
 */
#include "nn/net_private.h"
#include "nn/tile.h"

typedef struct dropout {
    mewl_layer layer;
    double rate;
} dropout;

static mewl_status dropout_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                mewl_tensor *out, mewl_error *err)
{
    *out = *in;
    return MEWL_OK;
}

static inline uint32_t mix(uint32_t h)
{
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    h ^= h >> 16;
    return h;
}

/* out = in with the mask applied; the same for values and gradients. */
static void apply(const dropout *self, const mewl_pass *pass, mewl_tensor *out, const mewl_tensor *in)
{
    mewl_rng rng = mewl_rng_stream(pass->seed, (pass->step << 12) ^ self->layer.index);
    uint64_t key = mewl_rng_u64(&rng);
    uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32);
    uint32_t threshold = (uint32_t)(self->rate * 4294967296.0);
    float factor = (float)(1.0 / (1.0 - self->rate));
    int64_t total = mewl_tensor_stored(in), tiles = (total + MEWL__TILE - 1) / MEWL__TILE;
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (int64_t tile = 0; tile < tiles; tile++) {
        float from[MEWL__TILE] MEWL__ALIGNED, to[MEWL__TILE] MEWL__ALIGNED;
        size_t at = (size_t)tile * MEWL__TILE, left = (size_t)total - at, count = left < MEWL__TILE ? left : MEWL__TILE;
        const float *x = mewl__tile_load(from, in->data, in->dtype, at, count);
        float *y = mewl__tile_begin(to, out->data, out->dtype, at);
        for (size_t i = 0; i < count; i++) {
            uint32_t h = mix(mix((uint32_t)(at + i) + low) ^ high);
            y[i] = h >= threshold ? x[i] * factor : 0.0f;
        }
        mewl__tile_flush(y, out->data, out->dtype, at, count);
    }
}

static mewl_status dropout_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                   mewl_error *err)
{
    apply((const dropout *)layer, pass, y, x);
    return MEWL_OK;
}

static mewl_status dropout_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                    const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    if (dx[0].data != NULL) {
        apply((const dropout *)layer, pass, dx, dy);
    }
    return MEWL_OK;
}

static const mewl_layer_ops dropout_ops = {.kind = "dropout",
                                           .size = sizeof(dropout),
                                           .training_only = true,
                                           .plan = dropout_plan,
                                           .forward = dropout_forward,
                                           .backward = dropout_backward};

mewl_node mewl_net_dropout(mewl_net *net, const char *name, mewl_node x, double rate)
{
    mewl_layer *layer = mewl__net_add(net, &dropout_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    if (!(rate >= 0.0 && rate < 1.0)) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: a dropout rate of %g", name, rate);
    }
    ((dropout *)layer)->rate = rate;
    return (mewl_node)layer->index;
}
