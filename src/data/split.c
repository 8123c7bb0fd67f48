#include "data/split.h"

#include "base/rng.h"
#include "data/sha256.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDS_MAX 100
#define LABELS_MAX 4096

const char *mewl_split_group(const mewl_row *row, char *buffer, size_t size)
{
    if (row->group[0] != '\0') {
        return row->group;
    }
    snprintf(buffer, size, "path:%s", row->path);
    return buffer;
}

const char *mewl_split_side(const char *group, uint64_t seed, double valid_share, double test_share,
                            double more_valid_share)
{
    char prefix[32];
    uint8_t digest[32];
    mewl_sha256 sha;
    mewl_sha256_init(&sha);
    int used = snprintf(prefix, sizeof prefix, "%llu:", (unsigned long long)seed);
    mewl_sha256_push(&sha, prefix, (size_t)used);
    mewl_sha256_push(&sha, group, strlen(group));
    mewl_sha256_finish(&sha, digest);
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
        bits = bits << 8 | digest[i];
    }
    double place = (double)(bits >> 11) * 0x1p-53;
    const double to_test = valid_share + test_share;
    return place < valid_share                  ? "valid"
           : place < to_test                    ? "test"
           : place < to_test + more_valid_share ? "valid"
                                                : "train";
}

mewl_status mewl_split_hash(mewl_manifest *manifest, uint64_t seed, double valid_share, double test_share,
                            mewl_error *err)
{
    if (!(valid_share >= 0 && test_share >= 0 && valid_share + test_share <= 1)) {
        return mewl_error_set(err, MEWL_E_ARG, "shares %g and %g are not shares of one whole", valid_share, test_share);
    }
    for (size_t i = 0; i < manifest->count; i++) {
        char buffer[8192];
        mewl_row *row = &manifest->rows[i];
        row->split = mewl_split_side(mewl_split_group(row, buffer, sizeof buffer), seed, valid_share, test_share, 0);
    }
    return MEWL_OK;
}

/* ---- folds ---- */

/* A row by its group, for sorting rows into groups. */
typedef struct keyed {
    const char *group; /* "" groups stand alone: they are compared by path */
    const char *path;
    size_t row;
} keyed;

static int compare_keyed(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    int order = strcmp(x->group, y->group);
    if (order == 0 && x->group[0] == '\0') {
        order = strcmp(x->path, y->path);
    }
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

/* Rows sorted by group; NULL when out of memory. */
static keyed *sorted_by_group(const mewl_manifest *manifest)
{
    keyed *rows = calloc(manifest->count + 1, sizeof *rows);
    for (size_t i = 0; rows != NULL && i < manifest->count; i++) {
        rows[i] = (keyed){manifest->rows[i].group, manifest->rows[i].path, i};
    }
    if (rows != NULL) {
        qsort(rows, manifest->count, sizeof *rows, compare_keyed);
    }
    return rows;
}

static bool same_group(const keyed *a, const keyed *b)
{
    return a->group[0] == '\0' ? b->group[0] == '\0' && strcmp(a->path, b->path) == 0 : strcmp(a->group, b->group) == 0;
}

/* One group to be dealt: rows [first, first + size) of the sorted rows. */
typedef struct deal {
    size_t first, size;
    double weight;   /* largest share that it holds of any label: dealt first where large */
    uint64_t random; /* breaks ties by the seed */
} deal;

static int compare_deals(const void *a, const void *b)
{
    const deal *x = a, *y = b;
    if (x->weight != y->weight) {
        return x->weight < y->weight ? 1 : -1;
    }
    return (x->random > y->random) - (x->random < y->random);
}

typedef struct dealing {
    keyed *rows;
    deal *deals;
    size_t deal_count;
    size_t *label_of; /* per row */
    size_t label_count;
    double *totals; /* per label: rows in all */
    double *held;   /* folds x labels */
    double *sizes;  /* rows per fold */
} dealing;

static mewl_status index_labels(dealing *d, const mewl_manifest *manifest, const char *column, mewl_error *err)
{
    char(*names)[64] = calloc(LABELS_MAX, sizeof *names);
    if (names == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for folds");
    }
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < manifest->count; i++) {
        char buffer[64];
        const char *text =
            column[0] == '\0' ? "" : mewl_manifest_value(manifest, &manifest->rows[i], column, buffer, sizeof buffer);
        size_t k = 0;
        while (k < d->label_count && strncmp(names[k], text, sizeof names[k] - 1) != 0) {
            k++;
        }
        if (k == d->label_count) {
            if (k == LABELS_MAX) {
                status = mewl_error_set(err, MEWL_E_ARG, "column '%s' has more than %d values: nothing to stratify by",
                                        column, LABELS_MAX);
                break;
            }
            snprintf(names[k], sizeof names[k], "%.63s", text);
            d->label_count++;
        }
        d->label_of[i] = k;
    }
    free(names);
    return status;
}

/* How uneven fold f would become with this group: squared distance of each label's share from the ideal, then size. */
static double cost_of(const dealing *d, const deal *g, int f, int folds)
{
    double cost = 0;
    for (size_t k = 0; k < d->label_count; k++) {
        double mine = 0;
        for (size_t i = 0; i < g->size; i++) {
            mine += d->label_of[d->rows[g->first + i].row] == k;
        }
        if (mine == 0) {
            continue;
        }
        double ideal = d->totals[k] / folds, before = d->held[(size_t)f * d->label_count + k];
        double now = (before + mine - ideal) / ideal, was = (before - ideal) / ideal;
        cost += now * now - was * was;
    }
    double ideal = 0;
    for (size_t k = 0; k < d->label_count; k++) {
        ideal += d->totals[k] / folds;
    }
    double now = (d->sizes[f] + (double)g->size - ideal) / ideal, was = (d->sizes[f] - ideal) / ideal;
    return cost + 0.5 * (now * now - was * was);
}

static void deal_out(dealing *d, mewl_manifest *manifest, int folds)
{
    for (size_t n = 0; n < d->deal_count; n++) {
        const deal *g = &d->deals[n];
        int best = 0;
        double best_cost = INFINITY;
        for (int f = 0; f < folds; f++) {
            double cost = cost_of(d, g, f, folds);
            if (cost < best_cost - 1e-12) {
                best_cost = cost;
                best = f;
            }
        }
        for (size_t i = 0; i < g->size; i++) {
            size_t row = d->rows[g->first + i].row;
            manifest->rows[row].fold = best + 1;
            d->held[(size_t)best * d->label_count + d->label_of[row]]++;
        }
        d->sizes[best] += (double)g->size;
    }
}

static void make_deals(dealing *d, const mewl_manifest *manifest, bool grouped, uint64_t seed)
{
    mewl_rng rng = mewl_rng_seeded(seed);
    for (size_t i = 0; i < manifest->count;) {
        size_t n = 1;
        while (grouped && i + n < manifest->count && same_group(&d->rows[i], &d->rows[i + n])) {
            n++;
        }
        deal *g = &d->deals[d->deal_count++];
        *g = (deal){.first = i, .size = n, .random = mewl_rng_u64(&rng)};
        for (size_t k = 0; k < n; k++) {
            /* A label's rows in this group over its rows in all, largest over labels: rare labels' big groups first. */
            size_t label = d->label_of[d->rows[i + k].row], same = 0;
            for (size_t j = 0; j < n; j++) {
                same += d->label_of[d->rows[i + j].row] == label;
            }
            g->weight = fmax(g->weight, (double)same / d->totals[label]);
        }
        i += n;
    }
    qsort(d->deals, d->deal_count, sizeof *d->deals, compare_deals);
}

mewl_status mewl_split_folds(mewl_manifest *manifest, int folds, const char *stratify, bool grouped, uint64_t seed,
                             mewl_error *err)
{
    stratify = stratify != NULL ? stratify : "";
    if (folds < 2 || folds > FOLDS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%d folds: 2 to %d are possible", folds, FOLDS_MAX);
    }
    if (stratify[0] != '\0' && !mewl_manifest_has_column(manifest, stratify)) {
        return mewl_error_set(err, MEWL_E_ARG, "no column '%.60s' to stratify by", stratify);
    }
    dealing d = {.rows = sorted_by_group(manifest),
                 .deals = calloc(manifest->count + 1, sizeof(deal)),
                 .label_of = calloc(manifest->count + 1, sizeof(size_t)),
                 .sizes = calloc((size_t)folds, sizeof(double))};
    mewl_status status = MEWL_OK;
    if (d.rows == NULL || d.deals == NULL || d.label_of == NULL || d.sizes == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for folds");
    }
    if (status == MEWL_OK) {
        status = index_labels(&d, manifest, stratify, err);
    }
    if (status == MEWL_OK) {
        d.totals = calloc(d.label_count + 1, sizeof(double));
        d.held = calloc((d.label_count + 1) * (size_t)folds, sizeof(double));
        if (d.totals == NULL || d.held == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for folds");
        }
    }
    if (status == MEWL_OK) {
        for (size_t i = 0; i < manifest->count; i++) {
            d.totals[d.label_of[i]]++;
        }
        make_deals(&d, manifest, grouped, seed);
        if (d.deal_count < (size_t)folds) {
            status = mewl_error_set(err, MEWL_E_ARG, "%zu groups cannot fill %d folds", d.deal_count, folds);
        } else {
            deal_out(&d, manifest, folds);
        }
    }
    free(d.rows);
    free(d.deals);
    free(d.label_of);
    free(d.sizes);
    free(d.totals);
    free(d.held);
    return status;
}

/* ---- leaks ---- */

mewl_status mewl_split_check(const mewl_manifest *manifest, const char *column, mewl_split_report *report,
                             mewl_error *err)
{
    memset(report, 0, sizeof *report);
    if (!mewl_manifest_has_column(manifest, column)) {
        return mewl_error_set(err, MEWL_E_ARG, "no column '%.60s' to check", column);
    }
    keyed *rows = sorted_by_group(manifest);
    if (rows == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for groups");
    }
    for (size_t i = 0, n; i < manifest->count; i += n) {
        char first[64], other[64];
        const char *side = mewl_manifest_value(manifest, &manifest->rows[rows[i].row], column, first, sizeof first);
        size_t same = 0;
        for (n = 0; i + n < manifest->count && same_group(&rows[i], &rows[i + n]); n++) {
            same += strcmp(side, mewl_manifest_value(manifest, &manifest->rows[rows[i + n].row], column, other,
                                                     sizeof other)) == 0;
        }
        report->groups++;
        if (same < n) {
            if (report->groups_straddling++ == 0) {
                snprintf(report->example, sizeof report->example, "%.255s",
                         rows[i].group[0] != '\0' ? rows[i].group : rows[i].path);
            }
            report->rows_straddling += same < n - same ? same : n - same;
        }
    }
    free(rows);
    return MEWL_OK;
}

mewl_status mewl_split_require(const mewl_manifest *manifest, const char *column, mewl_error *err)
{
    mewl_split_report report;
    MEWL_TRY(mewl_split_check(manifest, column, &report, err));
    if (report.groups_straddling == 0) {
        return MEWL_OK;
    }
    return mewl_error_set(err, MEWL_E_FORMAT,
                          "LEAKY: %zu of %zu groups lie on several sides of '%s' (%zu rows; one is %.120s)",
                          report.groups_straddling, report.groups, column, report.rows_straddling, report.example);
}
