/* verify_trials.c - which pairs are judged: all of a data set, or those of a file. */
#include "lab/verify_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "data/csv.h"
#include "data/loader.h"
#include "data/split.h"

#define FILE_BYTES_MAX ((size_t)256 << 20)
#define TRIALS_MAX ((size_t)4000000)

void mewl__trials_fini(mewl__trials *t)
{
    free(t->sides);
    free(t->rows);
    free(t->trials);
    free(t->set_names);
    free(t->within);
    memset(t, 0, sizeof *t);
}

/* ---- Numbers for names ---- */

typedef struct named {
    char *name; /* owned */
    size_t row;
} named;

static int by_name(const void *a, const void *b)
{
    const named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

/* number[row] for `count` names (freed here); returns how many different ones there are. */
static size_t enumerate(size_t *number, named *list, size_t count)
{
    size_t next = 0;
    qsort(list, count, sizeof *list, by_name);
    for (size_t i = 0; i < count; i++) {
        next += i > 0 && strcmp(list[i].name, list[i - 1].name) != 0;
        number[list[i].row] = next;
    }
    for (size_t i = 0; i < count; i++) {
        free(list[i].name);
    }
    return count > 0 ? next + 1 : 0;
}

typedef enum naming { BY_SET, BY_GROUP, BY_INDIVIDUAL } naming;

static mewl_status count_names(size_t *number, size_t *different, const mewl_manifest *manifest, naming by,
                               mewl_error *err)
{
    named *list = calloc(manifest->count + 1, sizeof *list);
    size_t used = 0;
    mewl_status status = list != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for trials");
    for (size_t i = 0; status == MEWL_OK && i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        char key[4096];
        char *name = NULL;
        int n = by == BY_SET     ? asprintf(&name, "%s", row->set)
                : by == BY_GROUP ? asprintf(&name, "%s", mewl_split_group(row, key, sizeof key))
                                 : asprintf(&name, "%s:%s", row->set, row->speaker);
        if (n < 0) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for trials");
            break;
        }
        list[used++] = (named){name, i};
    }
    if (status == MEWL_OK) {
        *different = enumerate(number, list, used);
    } else {
        for (size_t i = 0; list != NULL && i < used; i++) {
            free(list[i].name);
        }
    }
    free(list);
    return status;
}

static mewl_status add_trial(mewl__trials *t, size_t left, size_t right, bool same, mewl_error *err)
{
    if (t->count == t->room) {
        size_t room = t->room == 0 ? 4096 : 2 * t->room;
        mewl__trial *grown = room <= TRIALS_MAX ? realloc(t->trials, room * sizeof *grown) : NULL;
        if (grown == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for more than %zu trials", t->count);
        }
        t->trials = grown;
        t->room = room;
    }
    t->trials[t->count++] = (mewl__trial){(uint32_t)left, (uint32_t)right, same};
    return MEWL_OK;
}

/* ---- All pairs ---- */

/* One side a row that names a speaker. */
static void sides_of_rows(mewl__trials *t, const mewl_manifest *manifest, const size_t *set, const size_t *group,
                          const size_t *individual)
{
    for (size_t i = 0; i < manifest->count; i++) {
        if (manifest->rows[i].speaker[0] != '\0') {
            t->rows[t->side_count] = i;
            t->sides[t->side_count] = (mewl__side_of){t->side_count, 1, individual[i], group[i], set[i]};
            t->side_count++;
        }
    }
}

/* Is anybody of the set heard in two sessions? */
static bool has_sessions(const mewl__trials *t, const mewl_manifest *manifest, size_t set)
{
    for (size_t i = 0; i < t->side_count; i++) {
        for (size_t k = 0; k < i && t->sides[i].set == set; k++) {
            if (t->sides[i].individual == t->sides[k].individual &&
                !mewl_individual_same_session(&manifest->rows[t->rows[i]], &manifest->rows[t->rows[k]])) {
                return true;
            }
        }
    }
    return false;
}

/* Negatives beyond the ceiling are thinned out evenly by a draw that depends on the seed and the pair alone. */
static mewl_status pair_set(mewl__trials *t, const mewl_manifest *manifest, size_t set, double keep, uint64_t seed,
                            size_t *negatives, mewl_error *err)
{
    *negatives = 0;
    for (size_t i = 0; i < t->side_count; i++) {
        for (size_t k = 0; k < i && t->sides[i].set == set; k++) {
            const mewl__side_of *a = &t->sides[i], *b = &t->sides[k];
            if (b->set != set) {
                continue;
            }
            const mewl_row *x = &manifest->rows[t->rows[a->first]], *y = &manifest->rows[t->rows[b->first]];
            if (a->individual == b->individual) {
                if (keep >= 0 && (t->within[set] || !mewl_individual_same_session(x, y))) {
                    MEWL_TRY(add_trial(t, i, k, true, err));
                }
            } else if (a->group != b->group) {
                (*negatives)++;
                if (keep >= 0) {
                    mewl_rng rng = mewl_rng_stream(seed ^ i, k);
                    if (mewl_rng_unit(&rng) < keep) {
                        MEWL_TRY(add_trial(t, i, k, false, err));
                    }
                }
            }
        }
    }
    return MEWL_OK;
}

/* ---- Trials of a file ---- */

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The side called `name`: made when it is new, of all rows whose file, session or speaker it is. */
static mewl_status find_side(mewl__trials *t, size_t *index, const mewl_manifest *manifest, const char *name,
                             named *known, const size_t *set, const size_t *group, const size_t *individual,
                             mewl_error *err)
{
    for (size_t i = 0; i < t->side_count; i++) {
        if (strcmp(known[i].name, name) == 0) {
            *index = i;
            return MEWL_OK;
        }
    }
    if (t->side_count >= manifest->count * 2) {
        return mewl_error_set(err, MEWL_E_FORMAT, "the trials name more than there are recordings");
    }
    size_t first = t->side_count > 0 ? t->sides[t->side_count - 1].first + t->sides[t->side_count - 1].count : 0;
    mewl__side_of side = {.first = first};
    for (size_t i = 0; i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        bool fits = strcmp(file_name(row->path), name) == 0 || strcmp(row->session, name) == 0 ||
                    strcmp(row->speaker, name) == 0;
        if (fits && first + side.count < manifest->count * 4) {
            t->rows[first + side.count++] = i;
            side.individual = individual[i];
            side.group = group[i];
            side.set = set[i];
        }
    }
    if (side.count == 0) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "no recording, session or speaker is called `%.200s`", name);
    }
    known[t->side_count].name = strdup(name);
    if (known[t->side_count].name == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for trials");
    }
    t->sides[t->side_count] = side;
    *index = t->side_count++;
    return MEWL_OK;
}

/* Columns of the two sides and of the label; CryCeleb names infants, born (B) and discharged (D). */
typedef struct columns {
    int left, right, label;
    bool cryceleb;
} columns;

static mewl_status read_header(columns *c, mewl_csv *csv, mewl_error *err)
{
    bool got;
    MEWL_TRY(mewl_csv_next(csv, &got, err));
    *c = (columns){got ? mewl_csv_find(csv, "left") : -1, got ? mewl_csv_find(csv, "right") : -1,
                   got ? mewl_csv_find(csv, "label") : -1, false};
    if (got && c->left < 0) {
        c->left = mewl_csv_find(csv, "baby_id_B");
        c->right = mewl_csv_find(csv, "baby_id_D");
        c->cryceleb = true;
    }
    return c->left >= 0 && c->right >= 0 && c->label >= 0
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_FORMAT,
                                "%s:1: trials have the columns left, right, label (or baby_id_B, baby_id_D, label)",
                                csv->path);
}

static mewl_status read_rows(mewl__trials *t, mewl_csv *csv, const mewl_manifest *manifest, named *known,
                             const size_t *set, const size_t *group, const size_t *individual, mewl_error *err)
{
    columns c;
    MEWL_TRY(read_header(&c, csv, err));
    for (bool got = true; got;) {
        MEWL_TRY(mewl_csv_next(csv, &got, err));
        if (!got) {
            break;
        }
        if ((int)csv->count <= c.left || (int)csv->count <= c.right || (int)csv->count <= c.label) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: too few columns", csv->path, csv->line);
        }
        char left[256], right[256];
        const char *label = csv->fields[c.label];
        (void)snprintf(left, sizeof left, "%s%s", csv->fields[c.left], c.cryceleb ? ":B" : "");
        (void)snprintf(right, sizeof right, "%s%s", csv->fields[c.right], c.cryceleb ? ":D" : "");
        bool same = strcmp(label, "1") == 0 || strcmp(label, "1.0") == 0 || strcmp(label, "same") == 0;
        bool other = strcmp(label, "0") == 0 || strcmp(label, "0.0") == 0 || strcmp(label, "different") == 0;
        if (!same && !other) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: label `%.40s` is neither 1 nor 0", csv->path, csv->line,
                                  label);
        }
        size_t a = 0, b = 0;
        mewl_status status = find_side(t, &a, manifest, left, known, set, group, individual, err);
        if (status == MEWL_OK) {
            status = find_side(t, &b, manifest, right, known, set, group, individual, err);
        }
        if (status != MEWL_OK) {
            return mewl_error_prefix(err, status, "%s:%zu", csv->path, csv->line);
        }
        MEWL_TRY(add_trial(t, a, b, same, err));
    }
    return MEWL_OK;
}

static mewl_status read_trials(mewl__trials *t, const mewl_manifest *manifest, const char *path, const size_t *set,
                               const size_t *group, const size_t *individual, mewl_error *err)
{
    char *text = NULL;
    size_t bytes = 0;
    mewl_csv csv;
    mewl_status status = mewl_file_read_all(&text, &bytes, path, FILE_BYTES_MAX, err);
    named *known = calloc(manifest->count * 2 + 1, sizeof *known);
    if (status == MEWL_OK && known == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for trials");
    }
    if (status == MEWL_OK) {
        status = mewl_csv_init(&csv, path, text, bytes, ',', err);
        if (status == MEWL_OK) {
            status = read_rows(t, &csv, manifest, known, set, group, individual, err);
            mewl_csv_fini(&csv);
        }
    }
    for (size_t i = 0; known != NULL && i < t->side_count; i++) {
        free(known[i].name);
    }
    free(known);
    free(text);
    return status;
}

mewl_status mewl__trials_make(mewl__trials *t, const mewl_manifest *manifest, const char *path, uint64_t seed,
                              mewl_error *err)
{
    memset(t, 0, sizeof *t);
    size_t n = t->row_count = manifest->count, *number = calloc(3 * n + 1, sizeof *number);
    t->sides = calloc(2 * n + 1, sizeof *t->sides);
    t->rows = calloc(4 * n + 1, sizeof *t->rows);
    t->set_names = calloc(n + 1, sizeof *t->set_names);
    t->within = calloc(n + 1, sizeof *t->within);
    if (number == NULL || t->sides == NULL || t->rows == NULL || t->set_names == NULL || t->within == NULL ||
        n > MEWL_VERIFY_ROWS_MAX) {
        free(number);
        mewl__trials_fini(t);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for trials of %zu recordings", n);
    }
    size_t *set = number, *group = set + n, *individual = group + n;
    mewl_status status = count_names(set, &t->sets, manifest, BY_SET, err);
    if (status == MEWL_OK) {
        status = count_names(group, &t->groups, manifest, BY_GROUP, err);
    }
    if (status == MEWL_OK) {
        status = count_names(individual, &t->individuals, manifest, BY_INDIVIDUAL, err);
    }
    for (size_t i = 0; status == MEWL_OK && i < n; i++) {
        t->set_names[set[i]] = manifest->rows[i].set;
    }
    if (status == MEWL_OK && path != NULL) {
        status = read_trials(t, manifest, path, set, group, individual, err);
    } else if (status == MEWL_OK) {
        sides_of_rows(t, manifest, set, group, individual);
        for (size_t s = 0; s < t->sets && status == MEWL_OK; s++) {
            size_t negatives = 0;
            t->within[s] = !has_sessions(t, manifest, s);
            status = pair_set(t, manifest, s, -1, seed, &negatives, err);
            double keep = negatives > 0 ? fmin(1, (double)MEWL_VERIFY_NEGATIVES_MAX / (double)negatives) : 1;
            if (status == MEWL_OK) {
                status = pair_set(t, manifest, s, keep, seed, &negatives, err);
            }
        }
    }
    free(number);
    if (status != MEWL_OK) {
        mewl__trials_fini(t);
    }
    return status;
}
