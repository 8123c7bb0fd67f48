/* score.c - losses of a batch, and validation. */
#include "lab/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/distil.h"
#include "lab/embed.h"
#include "lab/metrics.h"
#include "nn/loss.h"

#define VALID_FRAMES_MAX ((size_t)20000000)

void mewl__scratch_fini(mewl__scratch *s)
{
    free(s->clip_logits);
    free(s->clip_grad);
    free(s->clip_targets);
    free(s->frame_logits);
    free(s->frame_grad);
    free(s->embedding);
    free(s->embedding_grad);
    free(s->said);
    free(s->owner);
    free(s->work);
    memset(s, 0, sizeof *s);
}

static bool grow(float **at, size_t count)
{
    free(*at);
    *at = calloc(count > 0 ? count : 1, sizeof **at);
    return *at != NULL;
}

static mewl_status make_room(mewl__scratch *s, size_t clips, size_t frames, mewl_error *err)
{
    bool ok = true;
    if (clips > s->clip_room) {
        ok = grow(&s->clip_logits, clips) && grow(&s->clip_grad, clips) && grow(&s->clip_targets, clips);
        s->clip_room = ok ? clips : 0;
    }
    if (ok && frames > s->frame_room) {
        ok = grow(&s->frame_logits, frames) && grow(&s->frame_grad, frames);
        s->frame_room = ok ? frames : 0;
    }
    return ok ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for the logits of a batch");
}

static mewl_status check_frames(const mewl_model *model, const mewl_batch *batch, mewl_error *err)
{
    int64_t frames = mewl_model_output_frames(model, (int64_t)batch->frames);
    if (frames != (int64_t)batch->target_frames) {
        return mewl_error_set(err, MEWL_E_SHAPE,
                              "the model gives %lld frames for %zu of its front end, the targets have %zu: "
                              "model.time_pool must pool 8 frames in all",
                              (long long)frames, batch->frames, batch->target_frames);
    }
    return MEWL_OK;
}

/* Labels, and what the teachers of a training say. */
static mewl_status class_loss(double *loss, mewl__scratch *s, const mewl_batch *batch, const mewl_recipe *recipe,
                              bool train, mewl_error *err)
{
    size_t n = batch->count;
    size_t classes = batch->classes;
    float *grad = train ? s->clip_grad : NULL;
    if (recipe->classify_multi_label) {
        *loss = mewl_loss_sigmoid(grad, s->clip_logits, s->clip_targets, NULL, n * classes, 1.0);
        return MEWL_OK;
    }
    bool taught = train && s->distil != NULL && mewl__distil_any(s->distil);
    double share = taught ? recipe->distil_weight : 0;
    *loss = mewl_loss_softmax(grad, s->clip_logits, s->clip_targets, NULL, n, classes, 1, 1 - share);
    if (taught) {
        const float *teacher = NULL;
        MEWL_TRY(mewl__distil_ask(s->distil, &teacher, batch, err));
        *loss += mewl_loss_distil(grad, s->clip_logits, teacher, n, classes, recipe->distil_temperature, share);
    }
    return MEWL_OK;
}

mewl_status mewl__batch_run(mewl__losses *out, mewl__scratch *s, mewl_model *model, const mewl_batch *batch,
                            const mewl_recipe *recipe, bool train, mewl_error *err)
{
    if (mewl__embed_is(recipe)) {
        return mewl__embed_run(out, s, model, batch, recipe, train, err);
    }
    size_t clips = batch->count * batch->classes;
    size_t frames = batch->count * batch->target_frames;
    bool detect = frames > 0;
    if (detect) {
        MEWL_TRY(check_frames(model, batch, err));
    }
    MEWL_TRY(make_room(s, clips, frames, err));
    MEWL_TRY(mewl_model_forward(model, batch->features, (int64_t)batch->count, (int64_t)batch->frames, s->clip_logits,
                                detect ? s->frame_logits : NULL, NULL, err));
    memset(out, 0, sizeof *out);
    if (detect) {
        out->frame = mewl_loss_sigmoid(train ? s->frame_grad : NULL, s->frame_logits, batch->frame_targets,
                                       batch->frame_weights, frames, recipe->train_frame_loss);
        out->clip = mewl_loss_sigmoid(train ? s->clip_grad : NULL, s->clip_logits, batch->clip_targets, NULL, clips,
                                      recipe->train_clip_loss);
    } else {
        double keep = 1 - (train ? recipe->train_label_smoothing : 0);
        for (size_t i = 0; i < clips; i++) {
            s->clip_targets[i] = (float)(keep * batch->clip_targets[i] + (1 - keep) / (double)batch->classes);
        }
        MEWL_TRY(class_loss(&out->clip, s, batch, recipe, train, err));
    }
    out->total = out->frame + out->clip;
    if (!train) {
        return MEWL_OK;
    }
    bool clip_counts = !detect || recipe->train_clip_loss > 0;
    bool frame_counts = detect && recipe->train_frame_loss > 0;
    return mewl_model_backward(model, clip_counts ? s->clip_grad : NULL, frame_counts ? s->frame_grad : NULL, err);
}

/* Scores and labels as they come in. */
typedef struct collected {
    float *score;
    bool *positive;
    size_t count, room;
} collected;

static bool collect(collected *c, float score, bool positive)
{
    if (c->count == c->room) {
        size_t room = c->room == 0 ? 4096 : 2 * c->room;
        if (room > VALID_FRAMES_MAX) {
            return false;
        }
        float *scores = realloc(c->score, room * sizeof *scores);
        if (scores == NULL) {
            return false;
        }
        c->score = scores;
        bool *labels = realloc(c->positive, room * sizeof *labels);
        if (labels == NULL) {
            return false;
        }
        c->positive = labels;
        c->room = room;
    }
    c->score[c->count] = score;
    c->positive[c->count++] = positive;
    return true;
}

static void collected_fini(collected *c)
{
    free(c->score);
    free(c->positive);
}

static mewl_status areas(double *auc, double *ap, const collected *c, mewl_error *err)
{
    mewl_ranking r;
    MEWL_TRY(mewl_ranking_init(&r, c->score, c->positive, c->count, err));
    *auc = mewl_ranking_roc_auc(&r, NULL);
    *ap = mewl_ranking_average_precision(&r, NULL);
    mewl_ranking_fini(&r);
    return MEWL_OK;
}

/* Detect: all frames in one list, all clips in one. Classify: one list a class, and hits by class. */
typedef struct tally {
    collected frames;
    collected *classes;
    size_t class_count;
    double *hits, *seen; /* [class_count] */
    mewl__losses sum;
    size_t examples;
} tally;

static void tally_fini(tally *t)
{
    collected_fini(&t->frames);
    for (size_t k = 0; t->classes != NULL && k < t->class_count; k++) {
        collected_fini(&t->classes[k]);
    }
    free(t->classes);
    free(t->hits);
    free(t->seen);
}

static mewl_status tally_init(tally *t, size_t classes, mewl_error *err)
{
    memset(t, 0, sizeof *t);
    t->class_count = classes;
    t->classes = calloc(classes, sizeof *t->classes);
    t->hits = calloc(classes, sizeof *t->hits);
    t->seen = calloc(classes, sizeof *t->seen);
    return t->classes != NULL && t->hits != NULL && t->seen != NULL
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_MEMORY, "no memory to validate %zu classes", classes);
}

static size_t largest(const float *values, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        best = values[i] > values[best] ? i : best;
    }
    return best;
}

static mewl_status tally_batch(tally *t, const mewl_batch *batch, mewl__scratch *s, const mewl__losses *loss,
                               mewl_error *err)
{
    bool ok = true;
    for (size_t i = 0; i < batch->count * batch->target_frames; i++) {
        if (batch->frame_weights[i] > 0) {
            ok = ok && collect(&t->frames, s->frame_logits[i], batch->frame_targets[i] >= 0.5F);
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        float *logits = s->clip_logits + i * batch->classes;
        const float *targets = batch->clip_targets + i * batch->classes;
        size_t truth = largest(targets, batch->classes);
        t->seen[truth] += 1;
        t->hits[truth] += largest(logits, batch->classes) == truth;
        if (batch->target_frames == 0 && batch->classes > 1) {
            mewl_softmax(s->clip_grad, logits, 1, batch->classes, 1); /* comparable between clips */
            logits = s->clip_grad;
        }
        for (size_t k = 0; k < batch->classes; k++) {
            ok = ok && collect(&t->classes[k], logits[k], targets[k] >= 0.5F);
        }
    }
    double n = (double)batch->count;
    t->sum.total += n * loss->total;
    t->sum.frame += n * loss->frame;
    t->sum.clip += n * loss->clip;
    t->examples += batch->count;
    return ok ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "the held-out side is too large to be scored at once");
}

static mewl_status conclude(mewl__verdict *v, const tally *t, const mewl_recipe *recipe, mewl_error *err)
{
    double n = (double)t->examples;
    v->examples = t->examples;
    v->loss = (mewl__losses){t->sum.total / n, t->sum.frame / n, t->sum.clip / n};
    if (t->frames.count > 0) {
        MEWL_TRY(areas(&v->frame_auc, &v->frame_ap, &t->frames, err));
    }
    double auc_sum = 0;
    double ap_sum = 0;
    double auc_count = 0;
    double ap_count = 0;
    double recalls = 0;
    double present = 0;
    double hits = 0;
    for (size_t k = 0; k < t->class_count; k++) {
        double auc = NAN;
        double ap = NAN;
        MEWL_TRY(areas(&auc, &ap, &t->classes[k], err));
        auc_sum += isnan(auc) ? 0 : auc;
        ap_sum += isnan(ap) ? 0 : ap;
        auc_count += !isnan(auc);
        ap_count += !isnan(ap);
        present += t->seen[k] > 0;
        recalls += t->seen[k] > 0 ? t->hits[k] / t->seen[k] : 0;
        hits += t->hits[k];
    }
    v->clip_auc = auc_count > 0 ? auc_sum / auc_count : NAN;
    v->clip_ap = ap_count > 0 ? ap_sum / ap_count : NAN;
    if (t->frames.count > 0) {
        v->figure = v->frame_ap;
        return MEWL_OK;
    }
    v->accuracy = hits / n;
    v->balanced = recalls / present;
    v->figure = recipe->classify_multi_label ? v->clip_ap : v->balanced;
    return MEWL_OK;
}

mewl_status mewl__validate(mewl__verdict *out, mewl_model *model, mewl__feed *feed, const mewl_recipe *recipe,
                           mewl_error *err)
{
    *out = (mewl__verdict){.frame_auc = NAN,
                           .frame_ap = NAN,
                           .clip_auc = NAN,
                           .clip_ap = NAN,
                           .accuracy = NAN,
                           .balanced = NAN,
                           .eer = NAN,
                           .figure = NAN};
    if (mewl__embed_is(recipe)) {
        return mewl__embed_validate(out, model, feed, recipe, err);
    }
    mewl_model_mode mode = {.training = false, .bf16 = false, .threads = (int)recipe->train_threads};
    MEWL_TRY(mewl_model_plan(model, mode, err));
    MEWL_TRY(mewl_loader_seek(feed->valid, 0, 0, feed->valid_batches, err));
    mewl__scratch scratch = {0};
    mewl_batch shape;
    mewl_loader_shape(feed->valid, &shape);
    tally t;
    mewl_status status = tally_init(&t, shape.classes, err);
    for (size_t i = 0; status == MEWL_OK && i < feed->valid_batches; i++) {
        mewl_batch *batch = NULL;
        status = mewl_loader_pull(feed->valid, &batch, err);
        if (status != MEWL_OK) {
            break;
        }
        mewl__losses loss;
        status = mewl__batch_run(&loss, &scratch, model, batch, recipe, false, err);
        if (status == MEWL_OK) {
            status = tally_batch(&t, batch, &scratch, &loss, err);
        }
        mewl_loader_release(feed->valid, batch);
    }
    if (status == MEWL_OK) {
        status = conclude(out, &t, recipe, err);
    }
    tally_fini(&t);
    mewl__scratch_fini(&scratch);
    return status;
}

json_t *mewl__verdict_json(const mewl__verdict *v)
{
    json_t *out = json_object();
    if (!isnan(v->eer)) {
        (void)mewl_json_set_int(out, "pairs", (int64_t)v->examples);
        (void)mewl_json_set_real(out, "eer", v->eer);
        (void)mewl_json_set_real(out, "figure", v->figure);
        return out;
    }
    (void)mewl_json_set_real(out, "loss", v->loss.total);
    (void)mewl_json_set_int(out, "examples", (int64_t)v->examples);
    if (!isnan(v->frame_ap)) {
        (void)mewl_json_set_real(out, "frame_loss", v->loss.frame);
        (void)mewl_json_set_real(out, "clip_loss", v->loss.clip);
        (void)mewl_json_set_real(out, "frame_auc", v->frame_auc);
        (void)mewl_json_set_real(out, "frame_ap", v->frame_ap);
    } else {
        (void)mewl_json_set_real(out, "accuracy", v->accuracy);
        (void)mewl_json_set_real(out, "balanced_accuracy", v->balanced);
    }
    (void)mewl_json_set_real(out, "clip_auc", v->clip_auc);
    (void)mewl_json_set_real(out, "clip_ap", v->clip_ap);
    (void)mewl_json_set_real(out, "figure", v->figure);
    return out;
}
