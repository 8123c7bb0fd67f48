/* fit.c - crops of clips in memory, batch by batch, into a model. */
#include "lab/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/loss.h"
#include "nn/optim.h"
#include "nn/schedule.h"

#define SKIPS_MAX 20 /* updates in a row that may be skipped for a gradient that is not finite */
#define MASKS 2
#define STATISTICS_STEPS 30

/* One training or prediction under way. */
typedef struct fit {
    mewl_model *model;
    const mewl_clipset *set;
    const int *labels; /* [set->count] */
    const size_t *train;
    size_t train_count;
    mewl_fit_opts opts;
    size_t width, classes;
    size_t maskable;          /* floats at a frame's begin that are features, not samples */
    size_t *by_class, *first; /* training clips sorted by class; [classes + 1] */
    float *features, *other;  /* a batch; one crop to be mixed in */
    float *fill;              /* of masks, a figure a band */
    float *logits, *grad, *targets, *teacher;
} fit;

static void fit_fini(fit *f)
{
    free(f->by_class);
    free(f->first);
    free(f->features);
    free(f->other);
    free(f->fill);
    free(f->logits);
    free(f->grad);
    free(f->targets);
    free(f->teacher);
}

static mewl_fit_opts with_defaults(mewl_fit_opts o)
{
    o.batch = o.batch == 0 ? 16 : o.batch;
    o.frames = o.frames == 0 ? 200 : o.frames;
    o.rate = o.rate == 0 ? 1e-3 : o.rate;
    o.temperature = o.temperature == 0 ? 2 : o.temperature;
    o.crops = o.crops == 0 ? 2 : o.crops;
    return o;
}

static mewl_status fit_init(fit *f, mewl_model *model, const mewl_clipset *set, const int *labels, mewl_fit_opts opts,
                            mewl_error *err)
{
    const mewl_model_config *config = mewl_model_configuration(model);
    *f = (fit){.model = model, .set = set, .labels = labels, .opts = with_defaults(opts)};
    f->width = set->bands;
    f->classes = (size_t)config->classes;
    if ((int64_t)f->width != config->bands) {
        return mewl_error_set(err, MEWL_E_SHAPE, "the model takes frames of %lld floats, the clips have %zu",
                              (long long)config->bands, f->width);
    }
    f->maskable = f->width - (size_t)mewl_model_describe_input(model).samples;
    size_t batch = f->opts.batch;
    f->features = calloc(batch * f->opts.frames, f->width * sizeof *f->features);
    f->other = calloc(f->opts.frames, f->width * sizeof *f->other);
    f->fill = calloc(f->width, sizeof *f->fill);
    f->logits = calloc(batch * f->classes, sizeof *f->logits);
    f->grad = calloc(batch * f->classes, sizeof *f->grad);
    f->targets = calloc(batch * f->classes, sizeof *f->targets);
    f->teacher = calloc(batch * f->classes, sizeof *f->teacher);
    if (f->features == NULL || f->other == NULL || f->fill == NULL || f->logits == NULL || f->grad == NULL ||
        f->targets == NULL || f->teacher == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a batch of %zu crops", batch);
    }
    return MEWL_OK;
}

/* ---- Drawing examples ---- */

static mewl_status sort_by_class(fit *f, const size_t *train, size_t count, mewl_error *err)
{
    f->train = train;
    f->train_count = count;
    f->by_class = calloc(count, sizeof *f->by_class);
    f->first = calloc(f->classes + 2, sizeof *f->first);
    if (f->by_class == NULL || f->first == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu clips", count);
    }
    if (f->opts.targets != NULL) {
        return MEWL_OK;
    }
    size_t at = 0;
    for (size_t k = 0; k < f->classes; k++) {
        f->first[k] = at;
        for (size_t i = 0; i < count; i++) {
            if (f->labels[train[i]] == (int)k) {
                f->by_class[at++] = train[i];
            }
        }
    }
    f->first[f->classes] = at;
    return at == count ? MEWL_OK
                       : mewl_error_set(err, MEWL_E_SHAPE, "labels beyond the model's %zu classes", f->classes);
}

static size_t draw_clip(const fit *f, mewl_rng *rng)
{
    if (mewl_rng_unit(rng) >= f->opts.balance || f->opts.targets != NULL) {
        return f->train[mewl_rng_below(rng, f->train_count)];
    }
    size_t k;
    do {
        k = mewl_rng_below(rng, f->classes);
    } while (f->first[k] == f->first[k + 1]);
    return f->by_class[f->first[k] + mewl_rng_below(rng, f->first[k + 1] - f->first[k])];
}

void mewl_fit_prior(double *natural, double *drawn, const int *labels, size_t classes, const size_t *train,
                    size_t train_count, double balance)
{
    size_t present = 0;
    memset(natural, 0, classes * sizeof *natural);
    for (size_t i = 0; i < train_count; i++) {
        natural[labels[train[i]]] += 1.0 / (double)train_count;
    }
    for (size_t k = 0; k < classes; k++) {
        present += natural[k] > 0;
    }
    for (size_t k = 0; k < classes; k++) {
        drawn[k] = (1 - balance) * natural[k] + (natural[k] > 0 ? balance / (double)present : 0);
    }
}

static void crop(const fit *f, float *out, size_t clip, mewl_rng *rng)
{
    size_t have = f->set->clips[clip].frames;
    size_t spare = have > f->opts.frames ? have - f->opts.frames : 0;
    size_t from = spare > 0 ? mewl_rng_below(rng, spare + 1) : mewl_rng_below(rng, have);
    mewl_clipset_crop(f->set, out, clip, from, f->opts.frames);
}

/* SpecAugment (Park et al. 2019) on the features: masked parts become each band's mean over the crop, which is what
 * zero is after PANNs' first normalisation; one figure for all bands would make the mask the loudest thing in those
 * that hardly move. Samples beside the features stay. */
static void mask(const fit *f, float *x, mewl_rng *rng)
{
    size_t frames = f->opts.frames;
    size_t bands = f->maskable;
    for (size_t b = 0; b < bands; b++) {
        double sum = 0;
        for (size_t t = 0; t < frames; t++) {
            sum += (double)x[t * f->width + b];
        }
        f->fill[b] = (float)(sum / (double)frames);
    }
    for (int m = 0; m < 2 * MASKS; m++) {
        bool over_time = m < MASKS;
        size_t longest = over_time ? f->opts.mask_frames : f->opts.mask_bands;
        size_t range = over_time ? frames : bands;
        size_t length = mewl_rng_below(rng, longest + 1);
        size_t from = mewl_rng_below(rng, range - (length < range ? length : range) + 1);
        size_t to = from + length < range ? from + length : range;
        for (size_t t = over_time ? from : 0; t < (over_time ? to : frames); t++) {
            for (size_t b = over_time ? 0 : from; b < (over_time ? bands : to); b++) {
                x[t * f->width + b] = f->fill[b];
            }
        }
    }
}

/* Beta(a, a), a <= 1, by Joehnk's (1964) rejection. For a small one both powers are too small for a double: then they
 * are compared by their logarithms. */
static double draw_beta(double a, mewl_rng *rng)
{
    for (;;) {
        double u = mewl_rng_unit(rng);
        double v = mewl_rng_unit(rng);
        double x = pow(u, 1 / a);
        double y = pow(v, 1 / a);
        if (x + y > 0 && x + y <= 1) {
            return x / (x + y);
        }
        if (x + y <= 0 && u > 0 && v > 0) {
            return 1 / (1 + exp(fmin((log(v) - log(u)) / a, 700)));
        }
    }
}

static void add_targets(const fit *f, size_t at, size_t clip, float share)
{
    for (size_t k = 0; k < f->classes; k++) {
        float smooth = (float)(f->opts.smoothing / (double)f->classes);
        float own = f->opts.targets != NULL ? f->opts.targets[clip * f->classes + k]
                                            : smooth + (f->labels[clip] == (int)k ? 1 - (float)f->opts.smoothing : 0);
        f->targets[at * f->classes + k] += share * own;
        if (f->opts.teacher != NULL) {
            f->teacher[at * f->classes + k] += share * f->opts.teacher[clip * f->classes + k];
        }
    }
}

static void make_example(const fit *f, size_t at, mewl_rng *rng)
{
    size_t size = f->opts.frames * f->width;
    float *x = f->features + at * size;
    size_t clip = draw_clip(f, rng);
    crop(f, x, clip, rng);
    float share = 1;
    if (f->opts.mixup > 0) {
        share = (float)draw_beta(fmin(1, f->opts.mixup), rng);
        size_t second = draw_clip(f, rng);
        crop(f, f->other, second, rng);
        for (size_t i = 0; i < size; i++) {
            x[i] = share * x[i] + (1 - share) * f->other[i];
        }
        add_targets(f, at, second, 1 - share);
    }
    if (f->opts.mask_frames > 0 || f->opts.mask_bands > 0) {
        mask(f, x, rng);
    }
    add_targets(f, at, clip, share);
}

/* ---- Training ---- */

static double batch_loss(const fit *f)
{
    size_t n = f->opts.batch;
    if (f->opts.targets != NULL) {
        return mewl_loss_squared(f->grad, f->logits, f->targets, n * f->classes, 1);
    }
    double share = f->opts.teacher != NULL ? f->opts.teacher_weight : 0;
    double loss = mewl_loss_softmax(f->grad, f->logits, f->targets, NULL, n, f->classes, 1, 1 - share);
    if (share > 0) {
        loss += mewl_loss_distil(f->grad, f->logits, f->teacher, n, f->classes, f->opts.temperature, share);
    }
    return loss;
}

static mewl_status train_step(fit *f, double *loss, mewl_optim *optim, double rate, size_t step, mewl_error *err)
{
    size_t n = f->opts.batch;
    memset(f->targets, 0, n * f->classes * sizeof *f->targets);
    memset(f->teacher, 0, n * f->classes * sizeof *f->teacher);
    for (size_t i = 0; i < n; i++) {
        mewl_rng rng = mewl_rng_stream(f->opts.seed, step * n + i);
        make_example(f, i, &rng);
    }
    MEWL_TRY(
        mewl_model_forward(f->model, f->features, (int64_t)n, (int64_t)f->opts.frames, f->logits, NULL, NULL, err));
    *loss = batch_loss(f);
    if (!isfinite(*loss)) {
        return mewl_error_set(err, MEWL_E_STATE, "the loss of step %zu is not finite: lower the rate", step + 1);
    }
    MEWL_TRY(mewl_model_backward(f->model, f->grad, NULL, err));
    return mewl_optim_step(optim, NULL, rate, err);
}

/* In a short training the running statistics of batch norm are those of weights long gone and of masked sound: some
 * batches more, forward alone, whole crops, with the weights that stay. */
static mewl_status settle_statistics(fit *f, size_t steps, mewl_error *err)
{
    size_t n = f->opts.batch;
    f->opts.mask_frames = f->opts.mask_bands = 0;
    f->opts.mixup = 0;
    for (size_t step = steps; step < steps + STATISTICS_STEPS; step++) {
        for (size_t i = 0; i < n; i++) {
            mewl_rng rng = mewl_rng_stream(f->opts.seed, step * n + i);
            make_example(f, i, &rng);
        }
        MEWL_TRY(
            mewl_model_forward(f->model, f->features, (int64_t)n, (int64_t)f->opts.frames, f->logits, NULL, NULL, err));
    }
    return MEWL_OK;
}

static mewl_status run_steps(fit *f, double *last_loss, mewl_optim *optim, mewl_error *err)
{
    double wanted = f->opts.epochs * (double)f->train_count / (double)f->opts.batch;
    size_t steps = wanted < 1 ? 1 : (size_t)wanted;
    size_t tail = steps - steps / 10 - 1;
    size_t skips = 0;
    mewl_schedule schedule = {.kind = MEWL_SCHEDULE_COSINE,
                              .rate = f->opts.rate,
                              .final_fraction = 0.01,
                              .warmup_steps = steps / 10,
                              .total_steps = steps};
    double sum = 0;
    for (size_t step = 0; step < steps; step++) {
        if (f->opts.stop != NULL && *f->opts.stop != 0) {
            return mewl_error_set(err, MEWL_E_CANCELLED, "stopped");
        }
        double loss = 0;
        mewl_status status = train_step(f, &loss, optim, mewl_schedule_rate(&schedule, step), step, err);
        if (status == MEWL_E_STATE && isfinite(loss) && ++skips <= SKIPS_MAX) {
            continue; /* bf16 overflows once in a while: the update is left out */
        }
        MEWL_TRY(status);
        skips = 0;
        sum += step >= tail ? loss : 0;
        mewl_progress_report(f->opts.progress, (double)(step + 1), (double)steps, "training");
    }
    *last_loss = sum / (double)(steps - tail);
    return settle_statistics(f, steps, err);
}

static int *own_labels(const mewl_clipset *set)
{
    int *labels = calloc(set->count, sizeof *labels);
    for (size_t i = 0; labels != NULL && i < set->count; i++) {
        labels[i] = set->clips[i].label;
    }
    return labels;
}

mewl_status mewl_fit_train(double *loss, mewl_model *model, const mewl_clipset *set, const size_t *train,
                           size_t train_count, const int *labels, mewl_fit_opts opts, mewl_error *err)
{
    fit f = {0};
    mewl_optim *optim = NULL;
    double last = 0;
    if (train_count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "there are no clips to train on");
    }
    int *own = own_labels(set);
    mewl_status status =
        own != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu labels", set->count);
    if (status == MEWL_OK) {
        status = fit_init(&f, model, set, labels != NULL ? labels : own, opts, err);
    }
    if (status == MEWL_OK) {
        status = sort_by_class(&f, train, train_count, err);
    }
    if (status == MEWL_OK) {
        mewl_optim_opts how = {.kind = MEWL_OPTIM_ADAMW, .weight_decay = opts.weight_decay, .clip_norm = 5};
        status = mewl_optim_new(&optim, mewl_model_net(model), how, err);
    }
    if (status == MEWL_OK) {
        mewl_net_set_dropout(mewl_model_net(model), opts.seed, 0);
        status = mewl_model_plan(model, (mewl_model_mode){true, opts.bf16, opts.threads}, err);
    }
    if (status == MEWL_OK) {
        status = run_steps(&f, &last, optim, err);
    }
    if (loss != NULL) {
        *loss = last;
    }
    mewl_optim_free(optim);
    fit_fini(&f);
    free(own);
    return status;
}

/* ---- Prediction ---- */

/* Crops of clips [first, first + n) of the list, `which` of them evenly spaced. */
static void crop_evenly(const fit *f, const size_t *clips, size_t n, size_t which)
{
    for (size_t i = 0; i < n; i++) {
        size_t have = f->set->clips[clips[i]].frames;
        size_t spare = have > f->opts.frames ? have - f->opts.frames : 0;
        size_t from = f->opts.crops == 1 ? spare / 2 : spare * which / (f->opts.crops - 1);
        mewl_clipset_crop(f->set, f->features + i * f->opts.frames * f->width, clips[i], from, f->opts.frames);
    }
}

static mewl_status predict_batch(fit *f, float *out, const size_t *clips, size_t n, mewl_error *err)
{
    memset(out, 0, n * f->classes * sizeof *out);
    for (size_t which = 0; which < f->opts.crops; which++) {
        crop_evenly(f, clips, n, which);
        /* The last batch is filled up with what lies in it: one plan serves all. */
        MEWL_TRY(mewl_model_forward(f->model, f->features, (int64_t)f->opts.batch, (int64_t)f->opts.frames, f->logits,
                                    NULL, NULL, err));
        if (f->opts.targets == NULL) {
            mewl_softmax(f->logits, f->logits, n, f->classes, 1);
        }
        for (size_t i = 0; i < n * f->classes; i++) {
            out[i] += f->logits[i] / (float)f->opts.crops;
        }
    }
    for (size_t i = 0; f->opts.targets == NULL && i < n * f->classes; i++) {
        out[i] = logf(fmaxf(out[i], 1e-12F));
    }
    return MEWL_OK;
}

mewl_status mewl_fit_predict(float *out, mewl_model *model, const mewl_clipset *set, const size_t *clips, size_t count,
                             mewl_fit_opts opts, mewl_error *err)
{
    fit f = {0};
    mewl_status status = fit_init(&f, model, set, NULL, opts, err);
    if (status == MEWL_OK) {
        status = mewl_model_plan(model, (mewl_model_mode){false, opts.bf16, opts.threads}, err);
    }
    for (size_t i = 0; status == MEWL_OK && i < count; i += f.opts.batch) {
        size_t n = count - i < f.opts.batch ? count - i : f.opts.batch;
        status = predict_batch(&f, out + i * f.classes, clips + i, n, err);
    }
    fit_fini(&f);
    return status;
}

/* ---- Starting from another ---- */

mewl_status mewl_fit_inherit(mewl_model *to, mewl_model *from, size_t *taken, mewl_error *err)
{
    size_t count = 0;
    size_t found = 0;
    mewl_param *const *params = mewl_net_params(mewl_model_net(to), &count);
    for (size_t i = 0; i < count; i++) {
        const mewl_param *source = mewl_net_param(mewl_model_net(from), params[i]->name);
        const mewl_shape *want = &params[i]->value.shape;
        bool same = source != NULL && source->value.shape.rank == want->rank;
        for (int d = 0; same && d < want->rank; d++) {
            same = source->value.shape.dim[d] == want->dim[d];
        }
        if (same) {
            memcpy(params[i]->value.data, source->value.data, (size_t)mewl_shape_count(*want) * sizeof(float));
            found++;
        }
    }
    if (taken != NULL) {
        *taken = found;
    }
    if (found == 0) {
        return mewl_error_set(err, MEWL_E_SHAPE, "no array of the one model fits the other by name and shape");
    }
    mewl_net_touch(mewl_model_net(to));
    return MEWL_OK;
}
