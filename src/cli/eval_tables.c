/* eval_tables.c - evaluation documents as tables. Missing members print as "-", so that a table never fails. */
#include "cli/eval_tables.h"

#include <math.h>
#include <string.h>

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "-";
}

static long whole(const json_t *object, const char *key)
{
    return (long)json_integer_value(json_object_get(object, key));
}

/* "0.912 [0.85, 0.96]" */
static void print_interval(FILE *f, const json_t *i, int digits)
{
    double value = number(i, "value");
    if (isnan(value)) {
        (void)fprintf(f, "%-22s", "-");
        return;
    }
    char cell[64];
    (void)snprintf(cell, sizeof cell, "%.*f [%.*f, %.*f]", digits, value, digits, number(i, "low"), digits,
                   number(i, "high"));
    (void)fprintf(f, "%-22s", cell);
}

static void print_recall(const json_t *d, FILE *f)
{
    (void)fprintf(f, "Recall at %g false alarm%s an hour\n", number(d, "per_hour"),
                  number(d, "per_hour") == 1 ? "" : "s");
    (void)fprintf(f,
                  "  %ld clips with cries (%ld groups), %ld without (%ld groups, %.2f h); 95 %% intervals by group, "
                  "%ld resamples, "
                  "seed %ld\n",
                  whole(d, "positives"), whole(d, "positive_groups"), whole(d, "negatives"),
                  whole(d, "negative_groups"), number(d, "negative_hours"), whole(d, "rounds"), whole(d, "seed"));
    (void)fprintf(f, "  %-8s %-10s %-22s%-22s%-22s%s\n", "system", "threshold", "recall", "ROC-AUC",
                  "average precision", "first system better by");
    size_t s;
    json_t *row;
    json_t *systems = json_object_get(d, "systems");
    json_array_foreach(systems, s, row)
    {
        (void)fprintf(f, "  %-8s %-10.4g ", text(row, "name"), number(row, "threshold"));
        print_interval(f, json_object_get(row, "recall"), 3);
        print_interval(f, json_object_get(row, "roc_auc"), 3);
        print_interval(f, json_object_get(row, "average_precision"), 3);
        print_interval(f, json_object_get(row, "difference"), 3);
        (void)fputc('\n', f);
    }
    json_t *snrs = json_object_get(json_array_get(systems, 0), "by_snr");
    if (json_array_size(snrs) == 0) {
        return;
    }
    (void)fprintf(f, "  Recall by SNR (difference to the first system below)\n  %-8s ", "dB");
    for (size_t k = 0; k < json_array_size(snrs); k++) {
        (void)fprintf(f, "%-22.3g", number(json_array_get(snrs, k), "snr_db"));
    }
    (void)fputc('\n', f);
    json_array_foreach(systems, s, row)
    {
        (void)fprintf(f, "  %-8s ", text(row, "name"));
        for (size_t k = 0; k < json_array_size(snrs); k++) {
            print_interval(f, json_object_get(json_array_get(json_object_get(row, "by_snr"), k), "recall"), 2);
        }
        (void)fputc('\n', f);
        if (s > 0) {
            (void)fprintf(f, "  %-8s ", "  less");
            for (size_t k = 0; k < json_array_size(snrs); k++) {
                print_interval(
                    f, json_object_get(json_array_get(json_object_get(row, "difference_by_snr"), k), "difference"), 2);
            }
            (void)fputc('\n', f);
        }
    }
}

static void print_labels(const json_t *rows, FILE *f)
{
    size_t i;
    json_t *row;
    (void)fprintf(f, "  %-22s %6s %6s %7s ", "label", "clips", "groups", "minutes");
    const json_t *first = json_object_get(json_array_get(rows, 0), "systems");
    for (size_t s = 0; s < json_array_size(first); s++) {
        (void)fprintf(f, "| %-30s ", text(json_array_get(first, s), "name"));
    }
    (void)fprintf(f, "\n  %-44s ", "");
    for (size_t s = 0; s < json_array_size(first); s++) {
        (void)fprintf(f, "| %-6s %-23s ", "called", "an hour (cries: share)");
    }
    (void)fputc('\n', f);
    json_array_foreach(rows, i, row)
    {
        bool positive = json_is_true(json_object_get(row, "positive"));
        (void)fprintf(f, "  %-22.22s %6ld %6ld %7.1f ", text(row, "label"), whole(row, "clips"), whole(row, "groups"),
                      number(row, "minutes"));
        size_t s;
        json_t *cell;
        json_array_foreach(json_object_get(row, "systems"), s, cell)
        {
            (void)fprintf(f, "| %6ld ", whole(cell, "called"));
            print_interval(f, json_object_get(cell, positive ? "share" : "per_hour"), positive ? 3 : 1);
            (void)fputc(' ', f);
        }
        (void)fputc('\n', f);
    }
}

static void print_figure(FILE *f, double value)
{
    (void)(isnan(value) ? fprintf(f, " %9s", "-") : fprintf(f, " %9.4f", value));
}

static void print_confusions(const json_t *rows, FILE *f)
{
    size_t i;
    json_t *row;
    (void)fprintf(f, "  %-8s %-9s %6s %6s %6s %6s  %-22s %9s %9s %9s\n", "system", "threshold", "found", "missed",
                  "false", "right", "recall", "precision", "accuracy", "balanced");
    json_array_foreach(rows, i, row)
    {
        (void)fprintf(f, "  %-8s %-9.4g %6ld %6ld %6ld %6ld  ", text(row, "name"), number(row, "threshold"),
                      whole(row, "true_positive"), whole(row, "false_negative"), whole(row, "false_positive"),
                      whole(row, "true_negative"));
        print_interval(f, json_object_get(row, "recall"), 3);
        print_figure(f, number(row, "precision"));
        print_figure(f, number(row, "accuracy"));
        print_figure(f, number(row, "balanced_accuracy"));
        (void)fputc('\n', f);
    }
}

static void print_clips(const json_t *d, FILE *f)
{
    (void)fprintf(f, "%ld clips (cry: `%s`; groups: %s; split: %s), %ld unreadable\n", whole(d, "clips"),
                  text(d, "positive"), text(d, "group"), text(d, "split"), whole(d, "unreadable"));
    (void)fprintf(f, "At fixed thresholds (that of the model from %s)\n", text(d, "threshold_from"));
    print_confusions(json_object_get(d, "at_threshold"), f);
    (void)fprintf(f, "By label\n");
    print_labels(json_object_get(d, "labels"), f);
    if (json_is_object(json_object_get(d, "operating_point"))) {
        print_recall(json_object_get(d, "operating_point"), f);
    }
}

static void print_events(const json_t *d, FILE *f)
{
    (void)fprintf(f, "Events in %ld mixtures of %g s at each SNR (side %s, seed %ld; intervals by mixture)\n",
                  whole(d, "mixtures"), number(d, "mixture_seconds"), text(d, "side"), whole(d, "seed"));
    size_t s;
    json_t *row;
    json_array_foreach(json_object_get(d, "systems"), s, row)
    {
        (void)fprintf(f, "  %s, threshold %.3g from %s\n", text(row, "name"), number(row, "threshold"),
                      text(row, "threshold_from"));
        (void)fprintf(f, "  %6s %7s  %-22s%-22s%-22s%9s %7s %s\n", "dB", "events", "event F1", "PSDS 1", "PSDS 2",
                      "precision", "recall", "unmatched/h");
        size_t k;
        json_t *cell;
        json_array_foreach(json_object_get(row, "by_snr"), k, cell)
        {
            (void)fprintf(f, "  %6g %7ld  ", number(cell, "snr_db"), whole(cell, "events"));
            print_interval(f, json_object_get(cell, "f1"), 3);
            print_interval(f, json_object_get(cell, "psds_1"), 3);
            print_interval(f, json_object_get(cell, "psds_2"), 3);
            (void)fprintf(f, "%9.3f %7.3f %.1f\n", number(cell, "precision"), number(cell, "recall"),
                          number(cell, "unmatched_per_hour"));
        }
    }
}

static void print_bandwidth(const json_t *d, FILE *f)
{
    (void)fprintf(f, "Scores of %ld wide-band cries (%ld groups, side %s) through 8 kHz\n", whole(d, "clips"),
                  whole(d, "groups"), text(d, "split"));
    size_t s;
    json_t *row;
    json_array_foreach(json_object_get(d, "systems"), s, row)
    {
        (void)fprintf(f, "  %-8s median move ", text(row, "name"));
        print_interval(f, json_object_get(row, "median_move"), 4);
        (void)fprintf(f, "largest %.3f, mean %.3f wide and %.3f narrow\n", number(row, "largest_move"),
                      number(row, "mean_wide"), number(row, "mean_narrow"));
    }
}

static void print_folds(const json_t *d, FILE *f)
{
    (void)fprintf(f, "ESC-10's official folds, threshold %.3g fixed beforehand (seed %ld)\n", number(d, "threshold"),
                  whole(d, "seed"));
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(d, "folds"), i, row)
    {
        (void)fprintf(f, "  fold %ld: %ld of %ld cries, %ld of %ld others  %s\n", whole(row, "fold"),
                      whole(row, "cries_found"), whole(row, "cries"), whole(row, "false_clips"), whole(row, "others"),
                      text(row, "model"));
    }
    json_array_foreach(json_object_get(d, "systems"), i, row)
    {
        (void)fprintf(f, "  %-8s %ld of %ld cries ", text(row, "name"), whole(row, "cries_found"), whole(row, "cries"));
        print_interval(f, json_object_get(row, "recall"), 3);
        (void)fprintf(f, " %ld of %ld others ", whole(row, "false_clips"), whole(row, "others"));
        print_interval(f, json_object_get(row, "false_share"), 4);
        (void)fprintf(f, " ROC-AUC ");
        print_interval(f, json_object_get(row, "roc_auc"), 4);
        const char *label;
        json_t *count;
        json_object_foreach(json_object_get(row, "false_labels"), label, count)
        {
            (void)fprintf(f, " %s x %ld", label, (long)json_integer_value(count));
        }
        (void)fputc('\n', f);
    }
}

static void print_tuning(const json_t *d, FILE *f)
{
    (void)fprintf(f, "Chosen on the %s side: threshold %.4g, hysteresis %g, attack_s %g, min_s %g, merge_gap_s %g\n",
                  text(d, "side"), number(d, "threshold"), number(d, "hysteresis"), number(d, "attack_s"),
                  number(d, "min_s"), number(d, "merge_gap_s"));
    (void)fprintf(
        f,
        "  mean event F1 %.3f (%ld mixtures at each SNR from 0 dB, seed %ld), %.2f false episodes an hour in %.1f h "
        "without cries\n",
        number(d, "mean_f1"), whole(d, "mixtures"), whole(d, "seed"), number(d, "false_per_hour"),
        number(d, "quiet_hours"));
}

void mewl_eval_print(const json_t *document, FILE *f)
{
    const char *kind = text(document, "kind");
    if (strcmp(kind, "clips") == 0) {
        print_clips(document, f);
    } else if (strcmp(kind, "esc10-folds") == 0) {
        print_folds(document, f);
    } else if (strcmp(kind, "tuning") == 0) {
        print_tuning(document, f);
    }
    const json_t *mixtures = json_object_get(document, "mixtures");
    if (json_is_object(mixtures)) {
        (void)fprintf(f, "Mixtures of %g s from the %s side (split seed %ld)\n", number(mixtures, "clip_seconds"),
                      text(mixtures, "side"), whole(mixtures, "split_seed"));
        print_recall(mixtures, f);
        (void)fprintf(f, "False alarms of the cry-free mixtures by what was in a cry's place\n");
        print_labels(json_object_get(mixtures, "labels"), f);
    }
    const json_t *hard = json_object_get(document, "hard_negatives");
    if (json_is_object(hard)) {
        (void)fprintf(f, "Real hard negatives at the same operating points\n");
        json_t *rows = json_array();
        (void)json_array_extend(rows, json_object_get(hard, "labels"));
        if (json_is_object(json_object_get(hard, "total"))) {
            (void)json_array_append(rows, json_object_get(hard, "total"));
        }
        print_labels(rows, f);
        json_decref(rows);
    }
    if (json_is_object(json_object_get(document, "events"))) {
        print_events(json_object_get(document, "events"), f);
    }
    if (json_is_object(json_object_get(document, "bandwidth"))) {
        print_bandwidth(json_object_get(document, "bandwidth"), f);
    }
}
