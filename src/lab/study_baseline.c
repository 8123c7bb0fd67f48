/* study_baseline.c - what needs no sound: the most frequent class, a class drawn by its share, and a model that knows
 * age, sex and platform alone. Each learns from the training side of each split, like the networks beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/readers.h"
#include "lab/study_private.h"
#include "learn/logistic.h"

#define VALUES_MAX 64 /* different sexes, ages and platforms together */

const char *mewl__study_baseline_name(mewl__baseline kind)
{
    switch (kind) {
    case MEWL__BASELINE_MAJORITY:
        return "always the most frequent";
    case MEWL__BASELINE_PRIOR:
        return "drawn by share";
    default:
        return "age, sex, platform alone";
    }
}

/* ---- What is known besides the sound ---- */

static const char *platform_of(const mewl_row *row)
{
    const char *slash = strrchr(row->path, '/');
    mewl_donateacry_name name;
    if (!mewl_donateacry_parse(&name, slash != NULL ? slash + 1 : row->path)) {
        return "";
    }
    return name.android ? "android" : "ios";
}

/* "sex:f", "age:04", "platform:ios" */
typedef struct fact {
    char text[32];
} fact;

static void facts_of(fact facts[3], const mewl_row *row)
{
    (void)snprintf(facts[0].text, sizeof facts[0].text, "sex:%.20s", row->sex);
    (void)snprintf(facts[1].text, sizeof facts[1].text, "age:%.20s", row->age);
    (void)snprintf(facts[2].text, sizeof facts[2].text, "platform:%.12s", platform_of(row));
}

typedef struct vocabulary {
    fact value[VALUES_MAX];
    size_t count;
} vocabulary;

static size_t look_up(vocabulary *v, const fact *value)
{
    size_t i = 0;
    while (i < v->count && strcmp(v->value[i].text, value->text) != 0) {
        i++;
    }
    if (i == v->count && v->count < VALUES_MAX) {
        v->value[v->count++] = *value;
    }
    return i;
}

static void gather(vocabulary *v, const mewl_manifest *manifest)
{
    v->count = 0;
    for (size_t i = 0; i < manifest->count; i++) {
        fact facts[3];
        facts_of(facts, &manifest->rows[i]);
        for (size_t k = 0; k < 3; k++) {
            (void)look_up(v, &facts[k]);
        }
    }
}

bool mewl__study_has_metadata(const mewl_study *s)
{
    vocabulary v;
    gather(&v, s->manifest);
    return v.count > 3; /* one value of each kind says nothing */
}

/* One column a value, 1 where the row has it. */
static void one_hot(double *out, vocabulary *v, const mewl_row *row)
{
    fact facts[3];
    facts_of(facts, row);
    memset(out, 0, v->count * sizeof *out);
    for (size_t k = 0; k < 3; k++) {
        size_t at = look_up(v, &facts[k]);
        if (at < v->count) {
            out[at] = 1;
        }
    }
}

static mewl_status forecast_metadata(float *p, const mewl_study *s, const size_t *train, size_t train_count,
                                     const size_t *test, size_t test_count, mewl_error *err)
{
    vocabulary v;
    gather(&v, s->manifest);
    double *x = calloc(train_count * v.count + 1, sizeof *x);
    int *labels = calloc(train_count + 1, sizeof *labels);
    mewl_logistic model = {0};
    mewl_status status = x != NULL && labels != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu rows", train_count);
    for (size_t i = 0; status == MEWL_OK && i < train_count; i++) {
        one_hot(x + i * v.count, &v, &s->manifest->rows[train[i]]);
        labels[i] = s->label[train[i]];
    }
    if (status == MEWL_OK) {
        status =
            mewl_logistic_fit(&model, x, labels, train_count, v.count, s->class_count, (mewl_logistic_opts){0}, err);
    }
    for (size_t i = 0; status == MEWL_OK && i < test_count; i++) {
        double row[VALUES_MAX];
        double own[MEWL_CLIPSET_CLASSES_MAX];
        one_hot(row, &v, &s->manifest->rows[test[i]]);
        mewl_logistic_probability(&model, own, row);
        for (size_t k = 0; k < s->class_count; k++) {
            p[i * s->class_count + k] = (float)own[k];
        }
    }
    mewl_logistic_fini(&model);
    free(x);
    free(labels);
    return status;
}

/* ---- Forecasts ---- */

static int draw_class(const double *share, size_t classes, mewl_rng *rng)
{
    double left = mewl_rng_unit(rng);
    for (size_t k = 0; k + 1 < classes; k++) {
        left -= share[k];
        if (left < 0) {
            return (int)k;
        }
    }
    return (int)classes - 1;
}

static int equal_call(const float *p, const double *share, size_t classes)
{
    int best = 0;
    double top = -1;
    for (size_t k = 0; k < classes; k++) {
        double lift = share[k] > 0 ? (double)p[k] / share[k] : 0;
        best = lift > top * (1 + 1e-6) ? (int)k : best;
        top = lift > top * (1 + 1e-6) ? lift : top;
    }
    return best;
}

static mewl_status add_fold(mewl_forecasts *f, const mewl_study *s, mewl__baseline kind, const size_t *train,
                            size_t train_count, const size_t *test, size_t test_count, mewl_rng *rng, mewl_error *err)
{
    size_t classes = s->class_count;
    double share[MEWL_CLIPSET_CLASSES_MAX];
    double drawn[MEWL_CLIPSET_CLASSES_MAX];
    mewl_fit_prior(share, drawn, s->label, classes, train, train_count, 0);
    float *p = calloc(test_count * classes + 1, sizeof *p);
    if (p == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a baseline");
    }
    for (size_t i = 0; i < test_count * classes; i++) {
        p[i] = (float)share[i % classes];
    }
    mewl_status status =
        kind == MEWL__BASELINE_METADATA ? forecast_metadata(p, s, train, train_count, test, test_count, err) : MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < test_count; i++) {
        const float *own = p + i * classes;
        int called = kind == MEWL__BASELINE_PRIOR ? draw_class(share, classes, rng) : -1;
        int equal = kind == MEWL__BASELINE_METADATA ? equal_call(own, share, classes) : called;
        status = mewl_forecasts_add_equal(f, own, s->label[test[i]], called, equal, s->group[test[i]], err);
    }
    free(p);
    return status;
}

mewl_status mewl__study_baseline(mewl_forecasts *f, const mewl_study *s, mewl__baseline kind, size_t split,
                                 mewl_error *err)
{
    size_t rows = s->manifest->count;
    MEWL_TRY(mewl_forecasts_init(f, s->class_count, err));
    size_t *train = calloc(rows, sizeof *train);
    size_t *test = calloc(rows, sizeof *test);
    mewl_status status = train != NULL && test != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for the sides of a split");
    for (size_t seed = 0; status == MEWL_OK && seed < s->opts.seeds; seed++) {
        for (int fold = 1; status == MEWL_OK && fold <= s->opts.folds_run; fold++) {
            size_t train_count;
            size_t test_count;
            mewl_rng rng = mewl_rng_stream(seed + 1, (uint64_t)fold);
            mewl_study_sides(s, train, &train_count, test, &test_count, split, seed, fold);
            status = add_fold(f, s, kind, train, train_count, test, test_count, &rng, err);
        }
    }
    free(train);
    free(test);
    if (status != MEWL_OK) {
        mewl_forecasts_fini(f);
    }
    return status;
}
