/* run.c - a training's model, optimiser and counters, and their checkpoints. */
#include "lab/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "lab/embed.h"
#include "nn/checkpoint.h"

#define STATE_KEY "train.state"
#define RECIPE_KEY "train.recipe"

void mewl__run_fini(mewl__run *run)
{
    mewl_ema_free(run->ema);
    mewl_optim_free(run->optim);
    mewl_model_free(run->model);
    free(run->recipe_text);
    free(run->data_text);
    memset(run, 0, sizeof *run);
}

/* ---- From the recipe ---- */

static mewl_model_config model_config(const mewl_recipe *recipe, const mewl_batch *shape)
{
    int64_t centres = mewl__embed_is(recipe) ? mewl__embed_centres(recipe, shape->classes) : 0;
    mewl_model_config c = {.classes = mewl__embed_is(recipe) ? centres : (int64_t)shape->classes,
                           .bands = (int64_t)shape->bands,
                           .width = recipe->model_width,
                           .depth = recipe->model_depth,
                           .pool_heads = recipe->model_pool_heads,
                           .frames = (int64_t)shape->frames};
    (void)mewl_model_pool_parse(&c.global_pooling, recipe->model_global_pooling, NULL); /* one of its choices */
    (void)snprintf(c.arch, sizeof c.arch, "%s", recipe->model_arch);
    (void)snprintf(c.front_end, sizeof c.front_end, "%s", recipe->model_frontend);
    c.framewise = recipe->model_framewise && !mewl__embed_is(recipe);
    c.pooling = strcmp(recipe->model_pooling, "max") == 0   ? MEWL_POOL_MAX
                : strcmp(recipe->model_pooling, "avg") == 0 ? MEWL_POOL_AVG
                                                            : MEWL_POOL_AVG_MAX;
    double dropout = recipe->model_dropout > 0 ? recipe->model_dropout : -1; /* the model reads 0 as "PANNs' own" */
    c.dropout_block = dropout;
    c.dropout_head = c.framewise || dropout < 0 ? dropout : 0;
    for (size_t i = 0; c.framewise && i < recipe->model_time_pool.count && i < MEWL_MODEL_BLOCKS_MAX; i++) {
        c.time_pool[i] = (int64_t)recipe->model_time_pool.items[i];
    }
    for (size_t i = recipe->model_time_pool.count; c.framewise && i < MEWL_MODEL_BLOCKS_MAX; i++) {
        c.time_pool[i] = 1;
    }
    return c;
}

static bool same_shape(const mewl_checkpoint_entry *entry, const mewl_shape *shape)
{
    bool same = entry->rank == shape->rank;
    for (int d = 0; same && d < shape->rank; d++) {
        same = entry->dim[d] == shape->dim[d];
    }
    return same;
}

/* Starts from another model: every array of the same name and shape is taken, the rest stays as initialised. */
static mewl_status take_weights(mewl__run *run, const char *path, mewl_error *err)
{
    mewl_checkpoint *from = NULL;
    MEWL_TRY(mewl_checkpoint_read(&from, path, err));
    size_t count = 0;
    size_t taken = 0;
    const char *first_new = "";
    mewl_param *const *params = mewl_net_params(mewl_model_net(run->model), &count);
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < count; i++) {
        mewl_checkpoint_entry entry;
        if (mewl_checkpoint_find(from, &entry, params[i]->name) && same_shape(&entry, &params[i]->value.shape)) {
            status = mewl_checkpoint_get_f32(from, params[i]->value.data, params[i]->name,
                                             mewl_shape_count(params[i]->value.shape), err);
            taken++;
        } else if (first_new[0] == '\0') {
            first_new = params[i]->name;
        }
    }
    mewl_checkpoint_free(from);
    MEWL_TRY(status);
    if (taken == 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: no array fits this model by name and shape", path);
    }
    mewl_net_touch(mewl_model_net(run->model));
    (void)snprintf(run->fitted_note, sizeof run->fitted_note, "%zu of %zu arrays taken from %.200s%s%.100s", taken,
                   count, path, taken < count ? ", the rest is new, first " : "", first_new);
    return MEWL_OK;
}

static mewl_status freeze(mewl__run *run, const mewl_recipe *recipe, mewl_error *err)
{
    for (size_t i = 0; i < recipe->model_freeze.count; i++) {
        if (mewl_net_freeze(mewl_model_net(run->model), recipe->model_freeze.items[i], true) == 0) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: model.freeze: no parameter's name fits `%s`", recipe->path,
                                  recipe->model_freeze.items[i]);
        }
    }
    return MEWL_OK;
}

static mewl_optim_opts optim_opts(const mewl_recipe *recipe)
{
    const char *kind = recipe->train_optimizer;
    return (mewl_optim_opts){
        .kind = strcmp(kind, "sgd") == 0    ? MEWL_OPTIM_SGD
                : strcmp(kind, "adam") == 0 ? MEWL_OPTIM_ADAM
                                            : MEWL_OPTIM_ADAMW,
        .momentum = recipe->train_momentum,
        .beta1 = recipe->train_beta1,
        .beta2 = recipe->train_beta2,
        .weight_decay = recipe->train_weight_decay,
        .clip_norm = recipe->train_clip_norm,
    };
}

static void set_schedule(mewl__run *run, const mewl_recipe *recipe)
{
    run->steps_per_epoch = (size_t)recipe->train_steps_per_epoch;
    run->total_steps = (size_t)recipe->train_epochs * run->steps_per_epoch;
    run->schedule = (mewl_schedule){
        .kind = strcmp(recipe->train_schedule, "cosine") == 0 ? MEWL_SCHEDULE_COSINE : MEWL_SCHEDULE_CONSTANT,
        .rate = recipe->train_lr,
        .final_fraction = fmin(1, recipe->train_lr_floor / recipe->train_lr),
        .warmup_steps = (uint64_t)recipe->train_warmup_steps,
        .total_steps = run->total_steps,
    };
    run->state.best_figure = NAN;
    run->state.plateau = (mewl_plateau){
        .larger_is_better = true,
        .factor = recipe->train_plateau_factor,
        .threshold = 1e-4,
        .patience = recipe->train_plateau_patience,
        .floor = fmin(1, recipe->train_lr_floor / recipe->train_lr),
        .scale = 1,
    };
}

/* ---- Counters as text: hexadecimal floats, so that not a bit is lost ---- */

static void state_text(char *out, size_t size, const mewl__run_state *s)
{
    (void)snprintf(out, size, "%zu %a %zu %zu %a %a %lld %lld %d", s->step, s->best_figure, s->best_step,
                   s->passes_without_gain, s->plateau.scale, s->plateau.best, (long long)s->plateau.bad,
                   (long long)s->plateau.cooling, s->plateau.started ? 1 : 0);
}

static mewl_status state_parse(mewl__run_state *s, const char *text, const char *path, mewl_error *err)
{
    long long bad = 0;
    long long cooling = 0;
    int started = 0;
    int got = text == NULL
                  ? 0
                  : sscanf(text, "%zu %la %zu %zu %la %la %lld %lld %d", &s->step, &s->best_figure, &s->best_step,
                           &s->passes_without_gain, &s->plateau.scale, &s->plateau.best, &bad, &cooling, &started);
    if (got != 9) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: not a checkpoint of a training under way", path);
    }
    s->plateau.bad = bad;
    s->plateau.cooling = cooling;
    s->plateau.started = started != 0;
    return MEWL_OK;
}

/* Lines of a recipe that may change between a stop and going on. */
static bool may_differ(const char *line, size_t length)
{
    static const char *const keys[] = {"out",      "root",     "threads",    "loader_threads", "memory_mb",
                                       "init",     "cry_list", "doubt_list", "household_list", "checkpoint_steps",
                                       "log_steps"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        size_t n = strlen(keys[i]);
        if (length >= n && strncmp(line, keys[i], n) == 0 && strchr(" =\t", line[n]) != NULL) {
            return true;
        }
    }
    return false;
}

/* First line in which two recipes differ (of `b`), or NULL when they describe the same training. */
static const char *difference(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        size_t n = strcspn(a, "\n");
        size_t m = strcspn(b, "\n");
        if ((n != m || strncmp(a, b, n) != 0) && !(may_differ(a, n) && may_differ(b, m))) {
            return b;
        }
        a += n + (a[n] == '\n');
        b += m + (b[m] == '\n');
    }
    return *a == *b ? NULL : b;
}

/* ---- Opening ---- */

static mewl_status open_folder(mewl__run *run, const mewl_recipe *recipe, const char *output, mewl_error *err)
{
    const char *folder = output != NULL ? output : recipe->train_out;
    int n = folder[0] != '\0' ? snprintf(run->folder, sizeof run->folder, "%s", folder)
                              : snprintf(run->folder, sizeof run->folder, "runs/%s", recipe->recipe_name);
    if (n < 0 || (size_t)n >= sizeof run->folder) {
        return mewl_error_set(err, MEWL_E_ARG, "train.out: the name of the folder is too long");
    }
    return mewl_folder_make(run->folder, err);
}

static mewl_status set_labels(mewl__run *run, const mewl__feed *feed, size_t classes, mewl_error *err)
{
    const char *const *names = mewl_loader_classes(feed->train);
    for (size_t i = 0; i < classes; i++) {
        MEWL_TRY(mewl_model_set_label(run->model, (int64_t)i, names == NULL ? MEWL_LABEL_CRY : names[i], err));
    }
    return MEWL_OK;
}

static mewl_status open_fresh(mewl__run *run, const mewl_recipe *recipe, const mewl__feed *feed, mewl_error *err)
{
    mewl_batch shape;
    mewl_loader_shape(feed->train, &shape);
    MEWL_TRY(mewl_model_new(&run->model, model_config(recipe, &shape), (uint64_t)recipe->recipe_seed, err));
    if (mewl__embed_is(recipe)) { /* nobody's name goes into a model */
        return recipe->model_init[0] != '\0' ? take_weights(run, recipe->model_init, err) : MEWL_OK;
    }
    MEWL_TRY(set_labels(run, feed, shape.classes, err));
    /* What turns logits into probabilities follows from the loss (score.c). */
    const bool sigmoid = shape.target_frames > 0 || recipe->classify_multi_label;
    MEWL_TRY(mewl_model_set_note(run->model, "activation", sigmoid ? "sigmoid" : "softmax", err));
    return recipe->model_init[0] != '\0' ? take_weights(run, recipe->model_init, err) : MEWL_OK;
}

static mewl_status open_stopped(mewl__run *run, const mewl_checkpoint *from, const char *path, mewl_error *err)
{
    const char *before = mewl_checkpoint_text(from, RECIPE_KEY);
    const char *other = before == NULL ? NULL : difference(before, run->recipe_text);
    if (other != NULL) {
        return mewl_error_set(err, MEWL_E_STATE, "%s was trained by another recipe; the first difference is `%.*s`",
                              path, (int)strcspn(other, "\n"), other);
    }
    MEWL_TRY(state_parse(&run->state, mewl_checkpoint_text(from, STATE_KEY), path, err));
    return mewl_model_from_checkpoint(&run->model, from, err);
}

static mewl_status open_training(mewl__run *run, const mewl_recipe *recipe, const mewl_checkpoint *from,
                                 mewl_error *err)
{
    mewl_net *net = mewl_model_net(run->model);
    MEWL_TRY(freeze(run, recipe, err));
    MEWL_TRY(mewl__run_train_mode(run, recipe, err));
    MEWL_TRY(mewl_optim_new(&run->optim, net, optim_opts(recipe), err));
    if (recipe->train_ema_decay > 0) {
        MEWL_TRY(mewl_ema_new(&run->ema, net, recipe->train_ema_decay, err));
    }
    return from == NULL ? MEWL_OK : mewl_checkpoint_get_training(from, net, run->optim, run->ema, err);
}

/* The recipe as it goes into checkpoints: without this machine's folders, which say nothing about the model. */
static char *portable_text(const mewl_recipe *recipe)
{
    mewl_recipe copy = *recipe; /* shallow: nothing of it is released */
    const char *slash = strrchr(recipe->model_init, '/');
    copy.data_root = "";
    copy.train_out = "";
    copy.model_init = slash == NULL ? recipe->model_init : slash + 1;
    return mewl_recipe_write(&copy);
}

mewl_status mewl__run_open(mewl__run *run, const mewl_recipe *recipe, const mewl__feed *feed, const char *output,
                           bool resume, mewl_error *err)
{
    memset(run, 0, sizeof *run);
    run->train_loss = NAN;
    run->verdict = (mewl__verdict){.figure = NAN, .frame_ap = NAN, .eer = NAN};
    run->embeds = mewl__embed_is(recipe);
    set_schedule(run, recipe);
    run->recipe_text = portable_text(recipe);
    json_t *data = mewl__feed_describe(feed);
    run->data_text = mewl_json_text(data, false);
    json_decref(data);
    if (run->recipe_text == NULL || run->data_text == NULL) {
        mewl__run_fini(run);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a training");
    }
    mewl_status status = open_folder(run, recipe, output, err);
    mewl_checkpoint *from = NULL;
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/last.safetensors", run->folder);
    if (status == MEWL_OK && resume) {
        status = mewl_checkpoint_read(&from, path, err);
        if (status == MEWL_OK) {
            status = open_stopped(run, from, path, err);
        }
    } else if (status == MEWL_OK) {
        status = open_fresh(run, recipe, feed, err);
    }
    if (status == MEWL_OK) {
        status = open_training(run, recipe, from, err);
    }
    mewl_checkpoint_free(from);
    if (status != MEWL_OK) {
        mewl__run_fini(run);
    }
    return status;
}

mewl_status mewl__run_train_mode(mewl__run *run, const mewl_recipe *recipe, mewl_error *err)
{
    mewl_model_mode mode = {
        .training = true,
        .bf16 = strcmp(recipe->train_precision, "bf16") == 0,
        .threads = (int)recipe->train_threads,
    };
    return mewl_model_plan(run->model, mode, err);
}

/* ---- Saving ---- */

static mewl_status set_notes(mewl__run *run, const mewl__verdict *v, mewl_error *err)
{
    json_t *metrics = isnan(v->figure) ? json_object() : mewl__verdict_json(v);
    (void)mewl_json_set_int(metrics, "step", (int64_t)run->state.step);
    (void)mewl_json_set_string(metrics, "side", "valid");
    char *text = mewl_json_text(metrics, false);
    json_decref(metrics);
    if (text == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a model's notes");
    }
    mewl_status status = mewl_model_set_note(run->model, "metrics", text, err);
    free(text);
    if (status == MEWL_OK) {
        status = mewl_model_set_note(run->model, "recipe", run->recipe_text, err);
    }
    return status == MEWL_OK ? mewl_model_set_note(run->model, "data", run->data_text, err) : status;
}

mewl_status mewl__run_save_model(mewl__run *run, const char *name, const mewl__verdict *v, mewl_error *err)
{
    MEWL_TRY(set_notes(run, v, err));
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", run->folder, name);
    if (mewl_model_configuration(run->model)->classes == 0 || !run->embeds) {
        return mewl_model_save(run->model, path, run->embeds, err);
    }
    mewl_model *shipped;
    MEWL_TRY(mewl__embed_strip(&shipped, run->model, err));
    mewl_status status = mewl_model_save(shipped, path, true, err);
    mewl_model_free(shipped);
    return status;
}

mewl_status mewl__run_save_state(mewl__run *run, const char *name, mewl_error *err)
{
    char path[4096];
    char state[512];
    (void)snprintf(path, sizeof path, "%s/%s", run->folder, name);
    state_text(state, sizeof state, &run->state);
    mewl_checkpoint *to = NULL;
    MEWL_TRY(mewl_checkpoint_new(&to, err));
    mewl_status status = mewl_model_to_checkpoint(run->model, to, false, err);
    if (status == MEWL_OK) {
        status = mewl_checkpoint_set_text(to, STATE_KEY, state, err);
    }
    if (status == MEWL_OK) {
        status = mewl_checkpoint_set_text(to, RECIPE_KEY, run->recipe_text, err);
    }
    if (status == MEWL_OK) {
        status = mewl_checkpoint_put_training(to, mewl_model_net(run->model), run->optim, run->ema, err);
    }
    if (status == MEWL_OK) {
        status = mewl_checkpoint_write(to, path, err);
    }
    mewl_checkpoint_free(to);
    return status;
}
