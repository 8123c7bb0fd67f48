/* The fast trainer: classes are learnt from crops, by labels, by a teacher, by targets; the same seed gives the same
 * answers; what is shuffled is not learnt; what one network learned is inherited. Clips are made here, without sound:
 * class 0 is loud in the lower bands, class 1 in the upper. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "lab/fit.h"
#include "models/quantise.h"
#include "nn/loss.h"

#define CLIPS 40
#define FRAMES 40
#define BANDS 32

typedef struct fixture {
    mewl_clipset set;
    mewl_clipset_clip clips[CLIPS];
    float features[CLIPS][FRAMES * BANDS];
    size_t train[CLIPS], test[CLIPS];
    size_t train_count, test_count;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    mewl_rng rng = mewl_rng_seeded(4);
    for (size_t i = 0; i < CLIPS; i++) {
        size_t frames = FRAMES - i % 7; /* not all of one length */
        f->clips[i] =
            (mewl_clipset_clip){.features = f->features[i], .frames = frames, .label = i % 3 == 0, .group = i};
        for (size_t k = 0; k < frames * BANDS; k++) {
            bool loud = (k % BANDS < BANDS / 2) == (i % 3 != 0);
            f->features[i][k] = (float)(-40 + (loud ? 8 : 0) + 4 * mewl_rng_normal(&rng));
        }
        if (i % 4 == 3) {
            f->test[f->test_count++] = i;
        } else {
            f->train[f->train_count++] = i;
        }
    }
    static char low[] = "low", high[] = "high";
    static char *names[] = {low, high};
    f->set = (mewl_clipset){
        .clips = f->clips, .count = CLIPS, .groups = CLIPS, .bands = BANDS, .classes = names, .class_count = 2};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    free(*state); /* the set's parts are the fixture's */
    return 0;
}

static mewl_model *new_model(int64_t classes, uint64_t seed)
{
    mewl_model_config config = {.arch = "cnn6",
                                .front_end = "panns-16k",
                                .bands = BANDS,
                                .classes = classes,
                                .width = 0.0625,
                                .dropout_block = -1,
                                .dropout_head = -1};
    mewl_model *model = NULL;
    mewl_error err = {0};
    if (mewl_model_new(&model, config, seed, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return model;
}

static mewl_fit_opts options(void)
{
    return (mewl_fit_opts){.epochs = 16,
                           .batch = 8,
                           .frames = 24,
                           .rate = 4e-3,
                           .balance = 0.5,
                           .seed = 2,
                           .threads = 1,
                           .mask_frames = 4,
                           .mask_bands = 3,
                           .mixup = 0.2};
}

static void train(mewl_model *model, const fixture *f, const int *labels, mewl_fit_opts opts)
{
    mewl_error err = {0};
    double loss = NAN;
    if (mewl_fit_train(&loss, model, &f->set, f->train, f->train_count, labels, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(isfinite(loss));
}

/* Share of the test side that is named rightly. */
static double accuracy(float *log_p, mewl_model *model, const fixture *f, mewl_fit_opts opts)
{
    assert_int_equal(mewl_fit_predict(log_p, model, &f->set, f->test, f->test_count, opts, NULL), MEWL_OK);
    double hits = 0;
    for (size_t i = 0; i < f->test_count; i++) {
        double sum = exp((double)log_p[2 * i]) + exp((double)log_p[2 * i + 1]);
        assert_true(fabs(sum - 1) < 1e-4);
        hits += (log_p[2 * i + 1] > log_p[2 * i]) == (f->clips[f->test[i]].label == 1);
    }
    return hits / (double)f->test_count;
}

static void classes_are_learnt_and_shuffled_ones_are_not(void **state)
{
    fixture *f = *state;
    float log_p[2 * CLIPS];
    float again[2 * CLIPS];
    mewl_model *model = new_model(2, 1);
    mewl_model *twin = new_model(2, 1);
    train(model, f, NULL, options());
    train(twin, f, NULL, options());
    assert_true(accuracy(log_p, model, f, options()) >= 0.99);
    assert_true(accuracy(again, twin, f, options()) >= 0.99);
    assert_memory_equal(log_p, again, 2 * f->test_count * sizeof *log_p);
    mewl_model_free(twin);
    int opposite[CLIPS];
    for (size_t i = 0; i < CLIPS; i++) {
        opposite[i] = 1 - f->clips[i].label;
    }
    mewl_model *fooled = new_model(2, 1);
    train(fooled, f, opposite, options());
    double fooled_accuracy = accuracy(log_p, fooled, f, options());
    if (fooled_accuracy > 0.2) {
        fail_msg("learnt %g of the truth from labels that say the opposite", fooled_accuracy);
    }
    mewl_model_free(fooled);
    mewl_model_free(model);
}

static void a_teacher_is_learnt_from(void **state)
{
    fixture *f = *state;
    float log_p[2 * CLIPS];
    float teacher[2 * CLIPS];
    int opposite[CLIPS];
    for (size_t i = 0; i < CLIPS; i++) {
        opposite[i] = 1 - f->clips[i].label;
        teacher[2 * i] = f->clips[i].label == 0 ? 4 : -4;
        teacher[2 * i + 1] = -teacher[2 * i];
    }
    mewl_fit_opts opts = options();
    opts.teacher = teacher;
    opts.teacher_weight = 1;
    mewl_model *model = new_model(2, 1);
    train(model, f, opposite, opts);
    assert_true(accuracy(log_p, model, f, opts) >= 0.99);
    mewl_model_free(model);
}

static void targets_are_learnt_and_the_body_inherited(void **state)
{
    fixture *f = *state;
    float targets[3 * CLIPS];
    float out[3 * CLIPS];
    for (size_t i = 0; i < CLIPS; i++) {
        targets[3 * i] = f->clips[i].label == 1 ? 1 : -1;
        targets[3 * i + 1] = 0.5F;
        targets[3 * i + 2] = -targets[3 * i];
    }
    mewl_fit_opts opts = options();
    opts.targets = targets;
    opts.epochs = 16;
    opts.mixup = 0;
    mewl_model *body = new_model(3, 1);
    train(body, f, NULL, opts);
    assert_int_equal(mewl_fit_predict(out, body, &f->set, f->test, f->test_count, opts, NULL), MEWL_OK);
    double error = 0;
    for (size_t i = 0; i < 3 * f->test_count; i++) {
        error += pow((double)out[i] - (double)targets[3 * f->test[i / 3] + i % 3], 2);
    }
    assert_true(error / (3 * (double)f->test_count) < 0.3); /* 0.67 for always saying the mean */
    mewl_model *fresh = new_model(2, 9);
    size_t taken = 0;
    size_t count = 0;
    assert_int_equal(mewl_fit_inherit(fresh, body, &taken, NULL), MEWL_OK);
    (void)mewl_net_params(mewl_model_net(fresh), &count);
    assert_int_equal(taken, count - 2); /* all but the last layer's weight and bias */
    const mewl_param *a = mewl_net_param(mewl_model_net(fresh), "conv_block1.conv1.weight");
    const mewl_param *b = mewl_net_param(mewl_model_net(body), "conv_block1.conv1.weight");
    assert_memory_equal(a->value.data, b->value.data, (size_t)mewl_shape_count(a->value.shape) * sizeof(float));
    mewl_model_free(fresh);
    mewl_model_free(body);
}

static void shares_are_those_that_were_drawn(void **state)
{
    (void)state;
    const int labels[] = {0, 0, 0, 1, 2, 2, 2, 2, 2, 2};
    const size_t train_side[] = {0, 1, 2, 3};
    double natural[3];
    double drawn[3];
    mewl_fit_prior(natural, drawn, labels, 3, train_side, 4, 0.5);
    const double want_natural[] = {0.75, 0.25, 0};
    const double want_drawn[] = {0.625, 0.375, 0}; /* a class without clips cannot be drawn */
    for (size_t k = 0; k < 3; k++) {
        assert_true(fabs(natural[k] - want_natural[k]) < 1e-12 && fabs(drawn[k] - want_drawn[k]) < 1e-12);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    mewl_model *model = new_model(2, 1);
    assert_int_equal(mewl_fit_train(NULL, model, &f->set, f->train, 0, NULL, options(), &err), MEWL_E_EMPTY);
    volatile sig_atomic_t stop = 1;
    mewl_fit_opts opts = options();
    opts.stop = &stop;
    assert_int_equal(mewl_fit_train(NULL, model, &f->set, f->train, 8, NULL, opts, &err), MEWL_E_CANCELLED);
    f->set.bands = BANDS - 1;
    assert_int_equal(mewl_fit_train(NULL, model, &f->set, f->train, 8, NULL, options(), &err), MEWL_E_SHAPE);
    f->set.bands = BANDS;
    int beyond[CLIPS];
    for (size_t i = 0; i < CLIPS; i++) {
        beyond[i] = 2;
    }
    assert_int_equal(mewl_fit_train(NULL, model, &f->set, f->train, 8, beyond, options(), &err), MEWL_E_SHAPE);
    mewl_model_free(model);
    mewl_model_config config = {.arch = "mobilenetv1", .front_end = "panns-16k", .classes = 2, .width = 0.0625};
    mewl_model *other = NULL;
    model = new_model(7, 1);
    assert_int_equal(mewl_model_new(&other, config, 1, &err), MEWL_OK);
    mewl_status status = mewl_fit_inherit(model, other, NULL, &err);
    assert_true(status == MEWL_OK || status == MEWL_E_SHAPE); /* bn0 of other bands does not fit */
    mewl_model_free(other);
    mewl_model_free(model);
}

/* Beta(a, a) of a tiny a is one of the two, whatever underflows: training with it ends, and is training without. */
static void mixing_by_next_to_nothing_ends(void **state)
{
    fixture *f = *state;
    float log_p[2 * CLIPS];
    mewl_fit_opts opts = options();
    opts.mixup = 1e-9;
    mewl_model *model = new_model(2, 1);
    train(model, f, NULL, opts);
    assert_true(accuracy(log_p, model, f, opts) >= 0.99);
    mewl_model_free(model);
}

/* Eight bits after passes that round: the classes are still told apart, by a model that is quantised and says so. */
static void eight_bits_are_trained(void **state)
{
    fixture *f = *state;
    float before[2 * CLIPS];
    float after[2 * CLIPS];
    mewl_fit_opts opts = options();
    mewl_error err = {0};
    for (int tuned = 0; tuned < 2; tuned++) {
        mewl_model *model = new_model(2, 1);
        train(model, f, NULL, opts);
        (void)accuracy(before, model, f, opts);
        mewl_fit_opts more = opts;
        more.epochs = 4 * tuned;
        more.rate *= 0.1;
        more.bf16 = true; /* is left aside */
        assert_int_equal(mewl_fit_quantise(model, &f->set, f->train, f->train_count, more, (mewl_quant_opts){0}, &err),
                         MEWL_OK);
        assert_int_equal(mewl_model_quantised(model), MEWL_QUANT_STATIC);
        assert_int_equal(strstr(mewl_model_note(model, "quantised"), "trained with rounding") != NULL, tuned);
        assert_true(accuracy(after, model, f, opts) >= 0.99);
        assert_memory_not_equal(before, after, 2 * f->test_count * sizeof *after);
        mewl_model_free(model);
    }
    mewl_model *model = new_model(2, 1);
    assert_int_equal(mewl_fit_quantise(model, &f->set, f->train, 0, opts, (mewl_quant_opts){0}, &err), MEWL_E_EMPTY);
    mewl_model_free(model);
}

static void a_crop_starts_over_at_the_end(void **state)
{
    fixture *f = *state;
    float out[10 * BANDS];
    size_t have = f->clips[3].frames;
    mewl_clipset_crop(&f->set, out, 3, have - 4, 10);
    assert_memory_equal(out, f->features[3] + (have - 4) * BANDS, 4 * BANDS * sizeof(float));
    assert_memory_equal(out + 4 * BANDS, f->features[3], 6 * BANDS * sizeof(float));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_learnt_and_shuffled_ones_are_not),
        cmocka_unit_test(a_teacher_is_learnt_from),
        cmocka_unit_test(targets_are_learnt_and_the_body_inherited),
        cmocka_unit_test(shares_are_those_that_were_drawn),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(mixing_by_next_to_nothing_ends),
        cmocka_unit_test(eight_bits_are_trained),
        cmocka_unit_test(a_crop_starts_over_at_the_end),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
