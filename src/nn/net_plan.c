/* net_plan.c - fixes a net for one shape and mode: absorption, layouts, which gradients, and one arena for everything.
 *
 * The schedule has a step for each layer's forward (0 .. L - 1) and, in training, for each layer's backward (layer i at
 * 2 L - 1 - i). Every buffer knows the steps between which its content matters; buffers whose steps do not meet may
 * share memory.
 */
#include "nn/net_private.h"
#include "nn/quant_private.h"

#include <stdlib.h>
#include <string.h>

void mewl__net_unplan(mewl_net *net)
{
    for (size_t i = 0; i < net->layer_count; i++) {
        if (net->layers[i]->ops->unplan != NULL) {
            net->layers[i]->ops->unplan(net->layers[i]);
        }
    }
    for (size_t i = 0; i < net->output_count; i++) {
        mewl__output *output = &net->outputs[i];
        free(output->value.data);
        free(output->grad.data);
        output->value.data = output->grad.data = NULL;
    }
    for (size_t i = 0; net->slots != NULL && i < net->layer_count; i++) {
        for (size_t k = 0; k < MEWL_LAYER_INPUTS_MAX; k++) {
            free(net->slots[i].kept[k]);
        }
    }
    free(net->slots);
    free(net->arena);
    net->slots = NULL;
    net->arena = NULL;
    net->arena_bytes = 0;
    net->planned = net->forwarded = false;
    net->weights_changed = true;
    mewl__context_trim(net->context);
}

static mewl_node resolve(const mewl_net *net, mewl_node node)
{
    while (net->slots[node].alias >= 0) {
        node = net->slots[node].alias;
    }
    return node;
}

/* How often each node is read, by layers or as an output. */
static void count_users(const mewl_net *net, int *users)
{
    memset(users, 0, net->layer_count * sizeof *users);
    for (size_t i = 0; i < net->layer_count; i++) {
        for (size_t k = 0; k < net->input_counts[i]; k++) {
            users[net->inputs[i][k]]++;
        }
    }
    for (size_t i = 0; i < net->output_count; i++) {
        users[net->outputs[i].node]++;
    }
}

/* Is the node, and every node it stands for, read once? */
static bool only_reader(const mewl_net *net, const int *users, mewl_node node)
{
    while (users[node] == 1 && net->slots[node].alias >= 0) {
        node = net->slots[node].alias;
    }
    return users[node] == 1;
}

/* Lets each layer take over the work of its only reader where it can. */
static mewl_status absorb(mewl_net *net, const mewl_plan *plan, mewl_error *err)
{
    int *users = calloc(net->layer_count, sizeof *users);
    if (users == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a plan");
    }
    count_users(net, users);
    for (size_t i = 1; i < net->layer_count; i++) {
        mewl__slot *slot = &net->slots[i];
        if (net->layers[i]->ops->training_only && !plan->training) {
            slot->alias = net->inputs[i][0];
        } else if (net->input_counts[i] == 1 && only_reader(net, users, net->inputs[i][0])) {
            mewl_node before = resolve(net, net->inputs[i][0]);
            mewl_layer *into = net->layers[before];
            if (into->ops->absorb != NULL && into->ops->absorb(into, plan, net->layers[i])) {
                slot->alias = before;
            }
        }
    }
    for (size_t i = 0; i < net->layer_count; i++) {
        mewl__slot *slot = &net->slots[i];
        slot->in_count = net->input_counts[i];
        for (size_t k = 0; k < slot->in_count; k++) {
            slot->in[k] = resolve(net, net->inputs[i][k]);
        }
    }
    free(users);
    return MEWL_OK;
}

static bool trains(const mewl_layer *layer)
{
    for (size_t i = 0; i < layer->param_count; i++) {
        if (!layer->params[i]->buffer && !layer->params[i]->frozen) {
            return true;
        }
    }
    return false;
}

/* A gradient is needed where a trainable parameter lies upstream (in the layer itself, or in what it absorbed). */
static void mark_gradients(mewl_net *net)
{
    for (size_t i = 0; i < net->layer_count; i++) {
        mewl__slot *slot = &net->slots[i];
        if (slot->alias >= 0) {
            net->slots[resolve(net, (mewl_node)i)].grad_wanted |= trains(net->layers[i]);
            continue;
        }
        slot->grad_wanted |= trains(net->layers[i]);
        for (size_t k = 0; k < slot->in_count; k++) {
            slot->in_grad_wanted[k] = net->slots[slot->in[k]].grad_wanted;
            slot->grad_wanted |= slot->in_grad_wanted[k];
        }
    }
}

/* Do all readers of node i take eight bits? An output is read as floats. */
static bool only_eight_readers(const mewl_net *net, size_t i)
{
    for (size_t o = 0; o < net->output_count; o++) {
        if (resolve(net, net->outputs[o].node) == (mewl_node)i) {
            return false;
        }
    }
    for (size_t j = i + 1; j < net->layer_count; j++) {
        for (size_t k = 0; k < net->slots[j].in_count && net->slots[j].alias < 0; k++) {
            if (net->slots[j].in[k] == (mewl_node)i &&
                (mewl__eight_flags(net->layers[j]) & MEWL_LAYER_EIGHT_READS) == 0) {
                return false;
            }
        }
    }
    return true;
}

/* What the plan says of eight bits to layer i; layers that do not take them see floating point. */
static void plan_grids(const mewl_net *net, mewl_plan *plan, size_t i, mewl__grid *grids, mewl_tensor *want)
{
    const mewl__slot *slot = &net->slots[i];
    const mewl__eight *own = net->layers[i]->eight;
    plan->in_grid = grids;
    plan->out_grid = plan->eight && own != NULL ? own->grid : (mewl__grid){0};
    plan->out_eight = plan->eight && only_eight_readers(net, i);
    for (size_t k = 0; k < slot->in_count; k++) {
        const mewl__eight *from = net->layers[slot->in[k]]->eight;
        grids[k] = plan->eight && from != NULL ? from->grid : (mewl__grid){0};
    }
    if ((mewl__eight_flags(net->layers[i]) & MEWL_LAYER_EIGHT_READS) == 0) {
        mewl__want_float(plan, want, slot->in_count);
    }
}

static mewl_status plan_layer(mewl_net *net, mewl_plan *plan, size_t i, mewl_error *err)
{
    mewl__slot *slot = &net->slots[i];
    mewl_layer *layer = net->layers[i];
    mewl_tensor want[MEWL_LAYER_INPUTS_MAX] = {0};
    mewl__grid grids[MEWL_LAYER_INPUTS_MAX];
    for (size_t k = 0; k < slot->in_count; k++) {
        want[k] = net->slots[slot->in[k]].out.tensor;
    }
    plan_grids(net, plan, i, grids, want);
    plan->grad_wanted = slot->in_grad_wanted;
    mewl_status status = layer->ops->plan(layer, plan, want, slot->in_count, &slot->out.tensor, err);
    if (status != MEWL_OK) {
        return mewl_error_prefix(err, status, "layer %s", layer->name);
    }
    if (mewl_shape_count(slot->out.tensor.shape) < 0) {
        return mewl_error_set(err, MEWL_E_SHAPE, "layer %s: its output would be empty or too large", layer->name);
    }
    for (size_t k = 0; k < slot->in_count; k++) {
        const mewl_tensor *has = &net->slots[slot->in[k]].out.tensor;
        slot->in_grid[k] = net->fake != NULL ? net->fake->in[i][k] : (mewl__grid){0};
        if (slot->in_grid[k].scale != 0.0f || has->dtype != want[k].dtype || has->layout != want[k].layout) {
            slot->in_copy[k].tensor = want[k];
            slot->in_copy[k].used = true;
        }
    }
    return MEWL_OK;
}

static void touch(mewl__buffer *buffer, int64_t step)
{
    if (!buffer->used) {
        buffer->used = true;
        buffer->begin = buffer->end = step;
    }
    buffer->begin = step < buffer->begin ? step : buffer->begin;
    buffer->end = step > buffer->end ? step : buffer->end;
}

/* Sets the steps between which each buffer matters. */
static void schedule(mewl_net *net)
{
    int64_t last = (int64_t)net->layer_count, total = 2 * last;
    bool training = net->opts.training;
    for (size_t i = 0; i < net->layer_count; i++) {
        mewl__slot *slot = &net->slots[i];
        if (slot->alias >= 0) {
            continue;
        }
        int64_t forward = (int64_t)i, backward = total - 1 - (int64_t)i;
        touch(&slot->out, forward);
        bool goes_back = training && slot->grad_wanted;
        unsigned reads = net->layers[i]->ops->reads;
        if (goes_back && (reads & MEWL_LAYER_READS_Y) != 0) {
            touch(&slot->out, backward);
        }
        for (size_t k = 0; k < slot->in_count; k++) {
            mewl__buffer *from = slot->in_copy[k].used ? &slot->in_copy[k] : &net->slots[slot->in[k]].out;
            touch(&net->slots[slot->in[k]].out, forward);
            if (slot->in_copy[k].used) {
                slot->in_copy[k].begin = slot->in_copy[k].end = forward;
            }
            if (goes_back && (reads & MEWL_LAYER_READS_X) != 0) {
                touch(from, backward);
            }
        }
        if (goes_back) {
            touch(&slot->grad, backward);
        }
    }
    for (size_t o = 0; o < net->output_count; o++) {
        mewl__slot *slot = &net->slots[resolve(net, net->outputs[o].node)];
        touch(&slot->out, last); /* read after the last forward */
        if (training && slot->grad_wanted) {
            touch(&slot->grad, last);
        }
    }
    if (!training) {
        return;
    }
    /* Backward runs from the last layer to the first: the first to contribute writes, the others add. */
    for (size_t o = 0; o < net->output_count; o++) {
        net->slots[resolve(net, net->outputs[o].node)].grad_written = true;
    }
    for (size_t i = net->layer_count; i-- > 1;) {
        mewl__slot *slot = &net->slots[i];
        slot->grad_wanted = slot->grad_wanted && slot->grad_written; /* nothing comes from a dead end */
        if (slot->alias >= 0 || !slot->grad_wanted) {
            continue;
        }
        int64_t backward = total - 1 - (int64_t)i;
        for (size_t k = 0; k < slot->in_count; k++) {
            if (!slot->in_grad_wanted[k]) {
                continue;
            }
            mewl__slot *from = &net->slots[slot->in[k]];
            slot->in_grad_first[k] = !from->grad_written;
            from->grad_written = true;
            touch(&from->grad, backward);
            if (slot->in_copy[k].used || !slot->in_grad_first[k]) {
                slot->in_grad[k].tensor = slot->in_copy[k].used ? slot->in_copy[k].tensor : from->out.tensor;
                touch(&slot->in_grad[k], backward);
            }
        }
    }
}

typedef struct placing {
    mewl__buffer **all;
    size_t count;
} placing;

static void place(placing *p, mewl__buffer *buffer)
{
    if (buffer->used) {
        p->all[p->count++] = buffer;
    }
}

static int larger_first(const void *a, const void *b)
{
    const mewl__buffer *x = *(mewl__buffer *const *)a, *y = *(mewl__buffer *const *)b;
    if (x->bytes != y->bytes) {
        return x->bytes < y->bytes ? 1 : -1;
    }
    return x->begin != y->begin ? (x->begin < y->begin ? -1 : 1) : 0;
}

/* Gives each buffer the lowest place not taken by a placed buffer whose steps meet its own; largest first. */
static size_t assign(placing *p)
{
    size_t total = 0;
    qsort(p->all, p->count, sizeof *p->all, larger_first);
    for (size_t i = 0; i < p->count; i++) {
        mewl__buffer *buffer = p->all[i];
        size_t at = 0;
        for (bool moved = true; moved;) {
            moved = false;
            for (size_t k = 0; k < i; k++) {
                const mewl__buffer *other = p->all[k];
                bool meets = buffer->begin <= other->end && other->begin <= buffer->end;
                if (meets && at < other->offset + other->bytes && other->offset < at + buffer->bytes) {
                    at = other->offset + other->bytes;
                    moved = true;
                }
            }
        }
        buffer->offset = at;
        total = at + buffer->bytes > total ? at + buffer->bytes : total;
    }
    return total;
}

static mewl_status plan_memory(mewl_net *net, mewl_error *err)
{
    size_t most = net->layer_count * (2 + 2 * MEWL_LAYER_INPUTS_MAX);
    placing p = {.all = calloc(most, sizeof *p.all)};
    if (p.all == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a plan");
    }
    schedule(net);
    for (size_t i = 0; i < net->layer_count; i++) {
        mewl__slot *slot = &net->slots[i];
        slot->grad.tensor = slot->out.tensor;
        place(&p, &slot->out);
        place(&p, &slot->grad);
        for (size_t k = 0; k < slot->in_count; k++) {
            place(&p, &slot->in_copy[k]);
            place(&p, &slot->in_grad[k]);
        }
    }
    for (size_t i = 0; i < p.count; i++) {
        /* a line more than needed: neighbours in memory should not meet at the same place in the cache */
        p.all[i]->bytes = (mewl_tensor_bytes(&p.all[i]->tensor) + 63) / 64 * 64 + 192;
    }
    net->arena_bytes = assign(&p);
    net->arena = mewl__alloc(net->arena_bytes);
    mewl_status status = MEWL_OK;
    if (net->arena == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu bytes of activations", net->arena_bytes);
    } else {
        for (size_t i = 0; i < p.count; i++) {
            p.all[i]->tensor.data = net->arena + p.all[i]->offset;
        }
    }
    free(p.all);
    return status;
}

static mewl_status plan_outputs(mewl_net *net, mewl_error *err)
{
    for (size_t o = 0; o < net->output_count; o++) {
        mewl__output *output = &net->outputs[o];
        mewl_shape shape = net->slots[resolve(net, output->node)].out.tensor.shape;
        output->value = output->grad = (mewl_tensor){.shape = shape, .dtype = MEWL_DTYPE_F32};
        output->value.data = mewl__alloc(mewl_tensor_bytes(&output->value));
        if (net->opts.training) {
            output->grad.data = mewl__alloc(mewl_tensor_bytes(&output->grad));
        }
        if (output->value.data == NULL || (net->opts.training && output->grad.data == NULL)) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for output %s", output->name);
        }
    }
    return MEWL_OK;
}

static mewl_status plan_gradients(mewl_net *net, mewl_error *err)
{
    for (size_t i = 0; i < net->param_count && net->opts.training; i++) {
        mewl_param *param = net->params[i];
        if (!param->buffer && param->grad.data == NULL) {
            param->grad.data = mewl__alloc(mewl_tensor_bytes(&param->grad));
            if (param->grad.data == NULL) {
                return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the gradient of %s", param->name);
            }
        }
    }
    return MEWL_OK;
}

/* Room to note what is clipped in a training that rounds. */
static mewl_status plan_rounding(mewl_net *net, mewl_error *err)
{
    for (size_t i = 1; net->fake != NULL && net->opts.training && i < net->layer_count; i++) {
        mewl__slot *slot = &net->slots[i];
        for (size_t k = 0; k < slot->in_count; k++) {
            if (slot->in_grid[k].scale == 0.0f || !slot->in_grad[k].used) {
                continue;
            }
            slot->kept[k] = mewl__alloc((size_t)mewl_tensor_stored(&slot->in_copy[k].tensor));
            if (slot->kept[k] == NULL) {
                return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a plan");
            }
        }
    }
    return MEWL_OK;
}

static mewl_status plan_all(mewl_net *net, mewl_error *err)
{
    mewl_plan plan = {.training = net->opts.training,
                      .compute = net->opts.bf16 ? MEWL_DTYPE_BF16 : MEWL_DTYPE_F32,
                      .blocked = mewl__context_layout(net->context),
                      .threads = net->opts.threads,
                      .dequantise = net->opts.dequantise || net->fake != NULL,
                      .winograd = net->opts.winograd && !net->opts.training,
                      .eight = net->quant == MEWL_QUANT_STATIC && !net->opts.training && !net->opts.dequantise,
                      .context = net->context};
    net->slots = calloc(net->layer_count, sizeof *net->slots);
    if (net->slots == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a plan");
    }
    for (size_t i = 0; i < net->layer_count; i++) {
        net->slots[i].alias = -1;
    }
    MEWL_TRY(absorb(net, &plan, err));
    if (net->opts.training) {
        mark_gradients(net);
    }
    net->slots[0].out.tensor =
        (mewl_tensor){.shape = mewl_shape_map(net->opts.batch, net->in_channels, net->opts.frames, net->in_features),
                      .dtype = MEWL_DTYPE_F32};
    if (mewl_shape_count(net->slots[0].out.tensor.shape) < 0) {
        return mewl_error_set(err, MEWL_E_SHAPE, "an input of %lld clips of %lld frames is impossible",
                              (long long)net->opts.batch, (long long)net->opts.frames);
    }
    for (size_t i = 1; i < net->layer_count; i++) {
        if (net->slots[i].alias < 0) {
            MEWL_TRY(plan_layer(net, &plan, i, err));
        }
    }
    MEWL_TRY(plan_memory(net, err));
    MEWL_TRY(plan_rounding(net, err));
    MEWL_TRY(plan_outputs(net, err));
    return plan_gradients(net, err);
}

mewl_status mewl_net_plan(mewl_net *net, mewl_net_plan_opts opts, mewl_error *err)
{
    if (!net->sealed) {
        return mewl_error_set(err, MEWL_E_STATE, "the net is not sealed");
    }
    opts.threads = opts.threads == 0 ? 1 : opts.threads;
    if (opts.batch < 1 || opts.batch > 65536 || opts.frames < 1 || opts.threads < 1 || opts.threads > 1024) {
        return mewl_error_set(err, MEWL_E_SHAPE, "cannot plan for %lld clips of %lld frames with %d threads",
                              (long long)opts.batch, (long long)opts.frames, opts.threads);
    }
    if (net->planned && net->opts.training == opts.training && net->opts.bf16 == opts.bf16 &&
        net->opts.dequantise == opts.dequantise && net->opts.winograd == opts.winograd &&
        net->opts.batch == opts.batch && net->opts.frames == opts.frames && net->opts.threads == opts.threads) {
        return MEWL_OK;
    }
    mewl__net_unplan(net);
    if (opts.training && net->quant != MEWL_QUANT_NONE) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "a quantised net cannot be trained: train first, then quantise");
    }
    if (opts.bf16 && net->fake != NULL) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "a net that rounds to eight bits computes in float32");
    }
    net->opts = opts;
    int threads = mewl__threads_set(opts.threads);
    mewl_status status = plan_all(net, err);
    mewl__threads_set(threads);
    if (status != MEWL_OK) {
        mewl__net_unplan(net);
        return status;
    }
    net->planned = true;
    return MEWL_OK;
}

size_t mewl_net_plan_bytes(const mewl_net *net)
{
    return net->planned ? net->arena_bytes + mewl__context_bytes(net->context) : 0;
}
