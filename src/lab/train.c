/* train.c - the training loop. Everything it needs to go on after a stop is in last.safetensors; everything random
 * comes from (seed, epoch, batch) or from counters stored there. */
#include "lab/train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/folder.h"
#include "lab/bootstrap.h"
#include "lab/distil.h"
#include "lab/feed.h"
#include "lab/journal.h"
#include "lab/run.h"
#include "lab/score.h"
#include "lab/tutor.h"

#define TIMINGS_MAX 2000 /* steps over which medians of time are taken */
#define SKIPS_MAX 20     /* updates in a row that may be skipped for a gradient that is not finite */

typedef struct timings {
    double step_s[TIMINGS_MAX], wait_s[TIMINGS_MAX];
    size_t count;
} timings;

/* One training under way. */
typedef struct trainer {
    mewl__run run; /* model, optimiser and state: what a checkpoint holds */
    mewl_recipe recipe;
    mewl__feed feed;
    mewl__journal *journal;
    mewl__scratch scratch;
    mewl__distil distil; /* of task classify */
    mewl__tutor tutor;   /* of task embed */
    mewl_clock clock;
    timings *times;
    const mewl_train_opts *opts;
    mewl__losses since_log;
    double norm_since_log;
    size_t steps_since_log, skips;
    double log_started_s, log_wait_s;
} trainer;

static void trainer_fini(trainer *t)
{
    mewl__scratch_fini(&t->scratch);
    mewl__distil_fini(&t->distil);
    mewl__tutor_fini(&t->tutor);
    mewl__journal_close(t->journal);
    mewl__run_fini(&t->run);
    mewl__feed_close(&t->feed);
    free(t->times);
}

static mewl_status log_losses(trainer *t, double rate, mewl_error *err)
{
    double n = (double)t->steps_since_log;
    double now = mewl_clock_now_s(&t->clock);
    json_t *fields = json_object();
    (void)mewl_json_set_int(fields, "epoch", (int64_t)(t->run.state.step / t->run.steps_per_epoch));
    (void)mewl_json_set_real(fields, "rate", rate);
    (void)mewl_json_set_real(fields, "loss", t->since_log.total / n);
    if (t->feed.corpus != NULL) {
        (void)mewl_json_set_real(fields, "frame_loss", t->since_log.frame / n);
        (void)mewl_json_set_real(fields, "clip_loss", t->since_log.clip / n);
    }
    (void)mewl_json_set_real(fields, "grad_norm", t->norm_since_log / n);
    (void)mewl_json_set_real(fields, "step_ms", 1000 * (now - t->log_started_s) / n);
    (void)mewl_json_set_real(fields, "wait_ms", 1000 * t->log_wait_s / n);
    t->run.train_loss = t->since_log.total / n;
    t->since_log = (mewl__losses){0};
    t->norm_since_log = 0;
    t->steps_since_log = 0;
    t->log_started_s = now;
    t->log_wait_s = 0;
    return mewl__journal_write(t->journal, "step", (int64_t)t->run.state.step, fields, err);
}

/* One update. */
static mewl_status train_step(trainer *t, mewl_error *err)
{
    mewl__run *run = &t->run;
    double started = mewl_clock_now_s(&t->clock);
    mewl_batch *batch = NULL;
    MEWL_TRY(mewl_loader_pull(t->feed.train, &batch, err));
    double pulled = mewl_clock_now_s(&t->clock);
    mewl__losses loss;
    mewl_status status = mewl__batch_run(&loss, &t->scratch, run->model, batch, &t->recipe, true, err);
    mewl_loader_release(t->feed.train, batch);
    MEWL_TRY(status);
    if (!isfinite(loss.total)) {
        return mewl_error_set(err, MEWL_E_STATE,
                              "the loss of step %zu is not finite: lower train.lr or train.clip_norm",
                              run->state.step + 1);
    }
    double rate = run->state.plateau.scale * mewl_schedule_rate(&run->schedule, run->state.step);
    double norm = 0;
    status = mewl_optim_step(run->optim, &norm, rate, err);
    if (status == MEWL_E_STATE && ++t->skips <= SKIPS_MAX) {
        norm = 0; /* bf16 overflows once in a while: the update is left out, the next batch goes on */
    } else {
        MEWL_TRY(status);
        t->skips = 0;
        if (run->ema != NULL) {
            mewl_ema_update(run->ema);
        }
    }
    run->state.step++;
    t->since_log.total += loss.total;
    t->since_log.frame += loss.frame;
    t->since_log.clip += loss.clip;
    t->norm_since_log += norm;
    t->steps_since_log++;
    t->log_wait_s += pulled - started;
    size_t slot = t->times->count++ % TIMINGS_MAX;
    t->times->step_s[slot] = mewl_clock_now_s(&t->clock) - started;
    t->times->wait_s[slot] = pulled - started;
    if (run->state.step == 1 || run->state.step % (size_t)t->recipe.train_log_steps == 0) {
        return log_losses(t, rate, err);
    }
    return MEWL_OK;
}

/* After a pass: the held-out side decides which weights are the best so far, the plateau, and an early end. */
static mewl_status end_pass(trainer *t, mewl_error *err)
{
    mewl__run *run = &t->run;
    mewl__verdict v = {.figure = NAN, .frame_ap = NAN, .eer = NAN};
    bool better = true; /* without a held-out side the last weights are the best */
    if (run->ema != NULL) {
        mewl_ema_swap(run->ema);
    }
    mewl_status status = MEWL_OK;
    if (t->feed.valid != NULL) {
        status = mewl__validate(&v, run->model, &t->feed, &t->recipe, err);
        better = isnan(run->state.best_figure) || v.figure > run->state.best_figure;
    }
    if (status == MEWL_OK && better) {
        run->state.best_figure = v.figure;
        run->state.best_step = run->state.step;
        status = mewl__run_save_model(run, "best.safetensors", &v, err);
    }
    if (run->ema != NULL) {
        mewl_ema_swap(run->ema);
    }
    MEWL_TRY(status);
    MEWL_TRY(mewl__run_train_mode(run, &t->recipe, err));
    run->state.passes_without_gain = better ? 0 : run->state.passes_without_gain + 1;
    run->verdict = v;
    if (t->feed.valid == NULL) {
        return MEWL_OK;
    }
    if (strcmp(t->recipe.train_schedule, "plateau") == 0) {
        (void)mewl_plateau_observe(&run->state.plateau, v.figure);
    }
    json_t *fields = mewl__verdict_json(&v);
    (void)mewl_json_set_bool(fields, "best", better);
    MEWL_TRY(mewl__journal_write(t->journal, "valid", (int64_t)run->state.step, fields, err));
    if (run->embeds) {
        mewl_log_print(t->opts->log, MEWL_LOG_INFO, "step %zu of %zu: held-out equal error rate %.4f%s",
                       run->state.step, run->total_steps, v.eer, better ? " (best so far)" : "");
        return MEWL_OK;
    }
    mewl_log_print(t->opts->log, MEWL_LOG_INFO, "step %zu of %zu: held-out loss %.4f, %s %.4f%s", run->state.step,
                   run->total_steps, v.loss.total, t->feed.corpus != NULL ? "frame average precision" : "figure",
                   v.figure, better ? " (best so far)" : "");
    return MEWL_OK;
}

static bool asked_to_stop(const trainer *t)
{
    bool reached = t->opts->stop_after > 0 && t->run.state.step >= t->opts->stop_after;
    return reached || (t->opts->stop != NULL && *t->opts->stop != 0);
}

static void report(const trainer *t)
{
    char what[160];
    (void)snprintf(what, sizeof what, "training, loss %.4f, held-out %.4f", t->run.train_loss, t->run.verdict.figure);
    mewl_progress_report(t->opts->progress, (double)t->run.state.step, (double)t->run.total_steps, what);
}

static mewl_status checkpoint(trainer *t, const char *event, mewl_error *err)
{
    MEWL_TRY(mewl__run_save_state(&t->run, "last.safetensors", err));
    return mewl__journal_write(t->journal, event, (int64_t)t->run.state.step, NULL, err);
}

static mewl_status run_steps(trainer *t, bool *stopped, mewl_error *err)
{
    mewl__run *run = &t->run;
    size_t per_epoch = run->steps_per_epoch;
    MEWL_TRY(mewl__run_train_mode(run, &t->recipe, err));
    MEWL_TRY(mewl_loader_seek(t->feed.train, run->state.step / per_epoch, run->state.step % per_epoch, per_epoch, err));
    t->log_started_s = mewl_clock_now_s(&t->clock);
    while (run->state.step < run->total_steps) {
        if (asked_to_stop(t)) {
            *stopped = true;
            return checkpoint(t, "stop", err);
        }
        MEWL_TRY(train_step(t, err));
        report(t);
        bool end_of_pass = run->state.step % per_epoch == 0;
        if (end_of_pass) {
            MEWL_TRY(end_pass(t, err));
        }
        if (end_of_pass || run->state.step % (size_t)t->recipe.train_checkpoint_steps == 0) {
            MEWL_TRY(checkpoint(t, "checkpoint", err));
        }
        if (t->recipe.train_patience > 0 && run->state.passes_without_gain >= (size_t)t->recipe.train_patience) {
            break;
        }
    }
    return MEWL_OK;
}

/* The finished model: moving average where there is one. */
static mewl_status finish(trainer *t, mewl_error *err)
{
    mewl__run *run = &t->run;
    if (run->ema != NULL) {
        mewl_ema_swap(run->ema);
    }
    mewl_status status = mewl__run_save_model(run, "model.safetensors", &run->verdict, err);
    if (run->ema != NULL) {
        mewl_ema_swap(run->ema);
    }
    MEWL_TRY(status);
    json_t *fields = json_object();
    (void)mewl_json_set_real(fields, "best_figure", run->state.best_figure);
    (void)mewl_json_set_int(fields, "best_step", (int64_t)run->state.best_step);
    return mewl__journal_write(t->journal, "end", (int64_t)run->state.step, fields, err);
}

static void conclude(mewl_train_result *out, trainer *t, bool stopped, double started_s)
{
    const mewl__run *run = &t->run;
    size_t n = t->times->count < TIMINGS_MAX ? t->times->count : TIMINGS_MAX;
    *out = (mewl_train_result){
        .steps = run->state.step,
        .stopped = stopped,
        .seconds = mewl_clock_now_s(&t->clock) - started_s,
        .step_ms = 1000 * mewl_percentile(t->times->step_s, n, 0.5),
        .data_wait_ms = 1000 * mewl_percentile(t->times->wait_s, n, 0.5),
        .train_loss = run->train_loss,
        .valid_loss = isnan(run->verdict.figure) ? NAN : run->verdict.loss.total,
        .valid_figure = run->verdict.figure,
        .best_figure = run->state.best_figure,
        .best_step = run->state.best_step,
    };
    (void)snprintf(out->model_path, sizeof out->model_path, "%s/%s", run->folder,
                   stopped ? "last.safetensors" : "model.safetensors");
}

static mewl_status start_log(trainer *t, bool resume, mewl_error *err)
{
    char *path = mewl_folder_join(t->run.folder, "log.ndjson");
    if (path == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a path");
    }
    int64_t keep = resume ? (int64_t)t->run.state.step : -1;
    mewl_status status = mewl__journal_open(&t->journal, path, keep, err);
    free(path);
    MEWL_TRY(status);
    json_t *fields = json_object();
    (void)mewl_json_set_string(fields, "recipe", t->recipe.path);
    (void)mewl_json_set_string(fields, "name", t->recipe.recipe_name);
    (void)mewl_json_set_int(fields, "seed", t->recipe.recipe_seed);
    (void)mewl_json_set_int(fields, "split_seed", t->recipe.data_split_seed);
    (void)mewl_json_set_int(fields, "steps", (int64_t)t->run.total_steps);
    (void)mewl_json_set_int(fields, "parameters", mewl_net_param_elements(mewl_model_net(t->run.model)));
    (void)mewl_json_set(fields, "data", mewl__feed_describe(&t->feed));
    return mewl__journal_write(t->journal, resume ? "resume" : "start", keep < 0 ? 0 : keep, fields, err);
}

static mewl_status train_recipe(mewl_train_result *out, trainer *t, mewl_error *err)
{
    double started = mewl_clock_now_s(&t->clock);
    t->times = calloc(1, sizeof *t->times);
    if (t->times == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a training");
    }
    MEWL_TRY(mewl__feed_open(&t->feed, &t->recipe, t->opts->progress, err));
    mewl_batch shape;
    mewl_loader_shape(t->feed.train, &shape);
    MEWL_TRY(mewl__distil_open(&t->distil, &t->recipe, &t->feed.manifest, mewl_loader_classes(t->feed.train),
                               shape.classes, t->opts->stop, t->opts->progress, err));
    t->scratch.distil = &t->distil;
    MEWL_TRY(mewl__run_open(&t->run, &t->recipe, &t->feed, t->opts->output, t->opts->resume, err));
    if (t->run.embeds) {
        size_t size = (size_t)mewl_model_embedding_size(t->run.model);
        MEWL_TRY(mewl__tutor_open(&t->tutor, &t->recipe, t->feed.corpus, size, t->opts->progress, err));
        t->scratch.tutor = &t->tutor;
    }
    MEWL_TRY(start_log(t, t->opts->resume, err));
    mewl_log_print(t->opts->log, MEWL_LOG_INFO, "%s: %lld parameters, %zu steps from step %zu, into %s",
                   t->recipe.recipe_name, (long long)mewl_net_param_elements(mewl_model_net(t->run.model)),
                   t->run.total_steps, t->run.state.step, t->run.folder);
    if (t->run.fitted_note[0] != '\0') {
        mewl_log_print(t->opts->log, MEWL_LOG_INFO, "%s", t->run.fitted_note);
    }
    bool stopped = false;
    MEWL_TRY(run_steps(t, &stopped, err));
    if (!stopped) {
        MEWL_TRY(finish(t, err));
    }
    conclude(out, t, stopped, started);
    return MEWL_OK;
}

mewl_status mewl_train_run(mewl_train_result *out, const char *recipe_path, mewl_train_opts opts, mewl_error *err)
{
    trainer t = {.opts = &opts, .clock = mewl_clock_system()};
    memset(out, 0, sizeof *out);
    MEWL_TRY(mewl_recipe_read(&t.recipe, recipe_path, err));
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < opts.set_count; i++) {
        const char *equals = strchr(opts.set[i], '=');
        char key[128];
        if (equals == NULL || (size_t)(equals - opts.set[i]) >= sizeof key) {
            status = mewl_error_set(err, MEWL_E_ARG, "`%s` is not of the form section.key=value", opts.set[i]);
            break;
        }
        (void)snprintf(key, sizeof key, "%.*s", (int)(equals - opts.set[i]), opts.set[i]);
        status = mewl_recipe_set(&t.recipe, key, equals + 1, err);
    }
    if (status == MEWL_OK) {
        status = mewl_recipe_check(&t.recipe, err);
    }
    if (status == MEWL_OK) {
        status = train_recipe(out, &t, err);
    }
    trainer_fini(&t);
    mewl_recipe_fini(&t.recipe);
    return status;
}
