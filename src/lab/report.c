/* report.c - what report_text.c and report_page.c share: the splits of a document, its figures as cells. */
#include "lab/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/split.h"
#include "lab/forecasts.h"
#include "lab/report_private.h"

const mewl__report_figure mewl__report_figures[MEWL__REPORT_FIGURES] = {
    {"accuracy", "accuracy", "%", 100, 1},
    {"balanced_accuracy", "balanced accuracy", "%", 100, 1},
    {"balanced_equal", "same, priors equal", "%", 100, 1},
    {"macro_f1", "macro-F1", "", 1, 3},
    {"kappa", "kappa", "", 1, 3},
    {"log_loss", "log-loss", "", 1, 3},
    {"ece", "calibration error", "", 1, 3},
};

mewl_status mewl_report_split(json_t **out, const char *name, int folds, const mewl_manifest *manifest, mewl_error *err)
{
    *out = NULL;
    mewl_split_report report;
    MEWL_TRY(mewl_split_check(manifest, "fold", &report, err));
    json_t *split = json_object();
    (void)mewl_json_set_string(split, "name", name);
    (void)mewl_json_set_bool(split, "leaky", report.groups_straddling > 0);
    (void)mewl_json_set_int(split, "folds", folds);
    (void)mewl_json_set_int(split, "groups", (int64_t)report.groups);
    (void)mewl_json_set_int(split, "groups_straddling", (int64_t)report.groups_straddling);
    if (mewl_json_set_int(split, "clips_straddling", (int64_t)report.rows_straddling) != MEWL_OK) {
        json_decref(split);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory to describe a split");
    }
    *out = split;
    return MEWL_OK;
}

bool mewl__report_leaky(const json_t *split)
{
    return json_is_true(json_object_get(split, "leaky"));
}

mewl_status mewl_report_label(json_t *document, mewl_error *err)
{
    size_t s;
    json_t *split;
    mewl_status status = MEWL_OK;
    json_array_foreach(json_object_get(document, "splits"), s, split)
    {
        if (!mewl__report_leaky(split)) {
            continue;
        }
        status = status == MEWL_OK ? mewl_json_set_string(split, "label", MEWL_REPORT_LEAKY) : status;
        size_t r;
        json_t *row;
        json_array_foreach(json_object_get(document, "rows"), r, row)
        {
            static const char *const under[] = {"splits", "difference"};
            for (size_t k = 0; k < 2 && status == MEWL_OK; k++) {
                json_t *figures =
                    json_object_get(json_object_get(row, under[k]), mewl__report_string(split, "name", ""));
                status = figures != NULL ? mewl_json_set_string(figures, "label", MEWL_REPORT_LEAKY) : status;
            }
        }
    }
    return status == MEWL_OK ? MEWL_OK : mewl_error_set(err, status, "no memory to label a document");
}

const char *mewl__report_string(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : otherwise;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

void mewl__report_cell(char *out, size_t size, const json_t *figures, const mewl__report_figure *figure, bool interval)
{
    const json_t *i = json_object_get(figures, figure->key);
    double value = figure->scale * number(i, "value");
    double low = figure->scale * number(i, "low");
    double high = figure->scale * number(i, "high");
    if (isnan(value)) {
        (void)snprintf(out, size, "-");
    } else if (!interval || isnan(low) || isnan(high)) {
        (void)snprintf(out, size, "%.*f", figure->digits, value);
    } else {
        (void)snprintf(out, size, "%.*f [%.*f, %.*f]", figure->digits, value, figure->digits, low, figure->digits,
                       high);
    }
}

static void push_counts(mewl_buffer *out, const json_t *data)
{
    const json_t *classes = json_object_get(data, "classes");
    const json_t *counts = json_object_get(data, "counts");
    for (size_t k = 0; k < json_array_size(classes); k++) {
        const char *name = json_string_value(json_array_get(classes, k));
        (void)mewl_buffer_print(out, "%s%s %lld", k == 0 ? ": " : ", ", name != NULL ? name : "?",
                                (long long)json_integer_value(json_array_get(counts, k)));
    }
}

void mewl__report_heading(mewl_buffer *out, const json_t *document)
{
    const json_t *data = json_object_get(document, "data");
    (void)mewl_buffer_print(out, "%s, %lld clips of %lld groups", mewl__report_string(data, "name", "recordings"),
                            (long long)json_integer_value(json_object_get(data, "clips")),
                            (long long)json_integer_value(json_object_get(data, "groups")));
    push_counts(out, data);
    long long seeds = (long long)json_integer_value(json_object_get(document, "seed_count"));
    const char *profile = mewl__report_string(document, "profile", NULL);
    if (profile != NULL) {
        (void)mewl_buffer_print(out, ". Profile %s", profile);
    }
    if (seeds > 0) {
        (void)mewl_buffer_print(out, ", %lld seed%s", seeds, seeds == 1 ? "" : "s");
    }
    (void)mewl_buffer_text(out, ".");
}

void mewl__report_split_line(mewl_buffer *out, const json_t *split)
{
    long long straddling = (long long)json_integer_value(json_object_get(split, "groups_straddling"));
    long long clips = (long long)json_integer_value(json_object_get(split, "clips_straddling"));
    long long folds = (long long)json_integer_value(json_object_get(split, "folds"));
    const char *name = mewl__report_string(split, "name", "split");
    if (folds > 0) {
        (void)mewl_buffer_print(out, "%s, %lld folds: ", name, folds);
    } else {
        (void)mewl_buffer_print(out, "%s: ", name);
    }
    if (mewl__report_leaky(split)) {
        (void)mewl_buffer_print(out,
                                MEWL_REPORT_LEAKY
                                ". %lld groups lie on both sides (%lld clips): these figures say what the literature "
                                "says, not what a new infant gets.",
                                straddling, clips);
    } else {
        (void)mewl_buffer_text(out, "no group lies on both sides: what a new infant gets.");
    }
}
