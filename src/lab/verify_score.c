/* verify_score.c - scores of trials: cosines of vectors as they are, or through heads learned in folds. */
#include "lab/verify_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Vectors ---- */

static void normalise(double *v, size_t size)
{
    double squares = 0;
    for (size_t i = 0; i < size; i++) {
        squares += v[i] * v[i];
    }
    for (size_t i = 0; i < size && squares > 0; i++) {
        v[i] /= sqrt(squares);
    }
}

static void row_vector(const mewl_verify_system *system, const mewl_verify_head *head, double *out, size_t row)
{
    const double *x = system->x + row * system->dims;
    if (head != NULL) {
        mewl_verify_head_apply(head, out, x);
    } else {
        memcpy(out, x, system->dims * sizeof *out);
        normalise(out, system->dims);
    }
}

static size_t vector_size(const mewl_verify_system *system, const mewl_verify_head *head)
{
    return head != NULL ? head->size : system->dims;
}

mewl_status mewl__verify_vectors(float **out, const mewl_verify_system *system, const mewl_verify_head *head,
                                 const mewl__trials *t, const bool *wanted, mewl_error *err)
{
    const size_t size = vector_size(system, head);
    double *one = malloc((2 * size + 1) * sizeof *one), *sum = one != NULL ? one + size : NULL;
    *out = calloc(t->side_count * size + 1, sizeof **out);
    if (one == NULL || *out == NULL) {
        free(one);
        free(*out);
        *out = NULL;
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for vectors of trials");
    }
    for (size_t s = 0; s < t->side_count; s++) {
        memset(sum, 0, size * sizeof *sum);
        for (size_t i = 0; i < t->sides[s].count && (wanted == NULL || wanted[s]); i++) {
            row_vector(system, head, one, t->rows[t->sides[s].first + i]);
            for (size_t d = 0; d < size; d++) {
                sum[d] += one[d];
            }
        }
        normalise(sum, size);
        for (size_t d = 0; d < size; d++) {
            (*out)[s * size + d] = (float)sum[d];
        }
    }
    free(one);
    return MEWL_OK;
}

static float cosine(const float *vectors, size_t size, const mewl__trial *trial)
{
    const float *a = vectors + trial->left * size, *b = vectors + trial->right * size;
    double sum = 0;
    for (size_t d = 0; d < size; d++) {
        sum += (double)a[d] * (double)b[d];
    }
    return (float)sum;
}

/* ---- Heads ---- */

mewl_status mewl__verify_fit(mewl_verify_head *out, const mewl_verify_system *system, const mewl__trials *t,
                             const bool *hear, mewl_verify_head_opts opts, mewl_error *err)
{
    const size_t dims = system->dims, rows = t->row_count;
    size_t count = 0;
    double *kept = malloc((rows * dims + 1) * sizeof *kept);
    size_t *group = malloc((2 * rows + 1) * sizeof *group), *set = group != NULL ? group + rows : NULL;
    bool *heard = calloc(rows + 1, sizeof *heard); /* sides of a file of trials share rows: each counts once */
    mewl_status status = kept != NULL && group != NULL && heard != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a head");
    for (size_t s = 0; status == MEWL_OK && s < t->side_count; s++) {
        for (size_t i = 0; i < t->sides[s].count && hear[s]; i++) {
            size_t row = t->rows[t->sides[s].first + i];
            if (!heard[row]) {
                memcpy(kept + count * dims, system->x + row * dims, dims * sizeof *kept);
                group[count] = t->sides[s].individual;
                set[count++] = t->sides[s].set;
                heard[row] = true;
            }
        }
    }
    if (status == MEWL_OK) {
        status = mewl_verify_head_fit(out, kept, group, set, count, dims, opts, err);
    }
    free(kept);
    free(group);
    free(heard);
    return status;
}

mewl_status mewl_verify_head_learn(mewl_verify_head *out, mewl_verify_head_opts *chosen, const mewl_manifest *manifest,
                                   const mewl_verify_system *system, const char *split, uint64_t seed, mewl_error *err)
{
    mewl__trials t;
    mewl_verify_head_opts opts;
    MEWL_TRY(mewl__trials_make(&t, manifest, NULL, seed, err));
    bool *hear = malloc(t.side_count * sizeof *hear + 1);
    mewl_status status = hear != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a head");
    for (size_t s = 0; status == MEWL_OK && s < t.side_count; s++) {
        hear[s] = split == NULL || strcmp(manifest->rows[t.rows[t.sides[s].first]].split, split) == 0;
    }
    if (status == MEWL_OK) {
        status = mewl__verify_choose(&opts, system, &t, hear, seed, err);
    }
    if (status == MEWL_OK) {
        status = mewl__verify_fit(out, system, &t, hear, opts, err);
    }
    if (status == MEWL_OK && chosen != NULL) {
        *chosen = opts;
    }
    free(hear);
    mewl__trials_fini(&t);
    return status;
}

/* ---- Folds ---- */

/* What scoring in folds needs at hand. */
typedef struct bench {
    const mewl_verify_system *system;
    const mewl_manifest *manifest;
    const mewl__trials *t;
    json_t *choices;
    uint64_t seed;
    float *scores;
    bool *wanted, *hear; /* of each side */
} bench;

static int fold_of(const bench *b, size_t side)
{
    return b->manifest->rows[b->t->rows[b->t->sides[side].first]].fold;
}

static bool lies_between(const bench *b, size_t trial, int one, int other)
{
    int left = fold_of(b, b->t->trials[trial].left), right = fold_of(b, b->t->trials[trial].right);
    return (left == one && right == other) || (left == other && right == one);
}

static void note_choice(const bench *b, int one, int other, const mewl_verify_head_opts *opts)
{
    json_t *choice = json_object();
    (void)mewl_json_set_string(choice, "system", b->system->name);
    (void)mewl_json_set_int(choice, "fold", one);
    (void)mewl_json_set_int(choice, "other_fold", other);
    (void)mewl_json_set_real(choice, "shrinkage", opts->shrinkage);
    if (opts->branch > 0) {
        (void)mewl_json_set_real(choice, "balance", opts->balance);
    }
    (void)json_array_append_new(b->choices, choice);
}

/* The trials between two folds, both sides through one head that has heard nobody of either: vectors of two heads lie
 * in two spaces, and their cosine says only that the folds differ, which individuals' trials never do. */
static mewl_status score_between(const bench *b, int one, int other, mewl_error *err)
{
    size_t found = 0;
    memset(b->wanted, 0, b->t->side_count * sizeof *b->wanted);
    for (size_t s = 0; s < b->t->side_count; s++) {
        b->hear[s] = fold_of(b, s) != one && fold_of(b, s) != other;
    }
    for (size_t i = 0; i < b->t->count; i++) {
        if (lies_between(b, i, one, other)) {
            b->wanted[b->t->trials[i].left] = b->wanted[b->t->trials[i].right] = true;
            found++;
        }
    }
    if (found == 0) {
        return MEWL_OK;
    }
    mewl_verify_head_opts opts;
    mewl_verify_head head = {0};
    float *vectors = NULL;
    MEWL_TRY(mewl__verify_choose(&opts, b->system, b->t, b->hear, b->seed, err));
    MEWL_TRY(mewl__verify_fit(&head, b->system, b->t, b->hear, opts, err));
    if (b->system->choose) {
        note_choice(b, one, other, &opts);
    }
    mewl_status status = mewl__verify_vectors(&vectors, b->system, &head, b->t, b->wanted, err);
    for (size_t i = 0; status == MEWL_OK && i < b->t->count; i++) {
        if (lies_between(b, i, one, other)) {
            b->scores[i] = cosine(vectors, head.size, &b->t->trials[i]);
        }
    }
    free(vectors);
    mewl_verify_head_fini(&head);
    return status;
}

static mewl_status score_in_folds(bench *b, size_t folds, mewl_error *err)
{
    b->wanted = malloc(b->t->side_count * sizeof *b->wanted + 1);
    b->hear = malloc(b->t->side_count * sizeof *b->hear + 1);
    mewl_status status = b->wanted != NULL && b->hear != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a list of trials");
    for (int one = 1; status == MEWL_OK && one <= (int)folds; one++) {
        for (int other = one; status == MEWL_OK && other <= (int)folds; other++) {
            status = score_between(b, one, other, err);
        }
    }
    free(b->wanted);
    free(b->hear);
    return status;
}

mewl_status mewl__verify_score(float **scores, json_t *choices, const mewl_verify_system *system,
                               const mewl_manifest *manifest, const mewl__trials *t, mewl_verify_opts opts,
                               mewl_error *err)
{
    *scores = calloc(t->count + 1, sizeof **scores);
    if (*scores == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for scores");
    }
    if (system->head) {
        bench b = {
            .system = system, .manifest = manifest, .t = t, .choices = choices, .seed = opts.seed, .scores = *scores};
        return score_in_folds(&b, opts.folds, err);
    }
    float *vectors = NULL;
    MEWL_TRY(mewl__verify_vectors(&vectors, system, NULL, t, NULL, err));
    for (size_t i = 0; i < t->count; i++) {
        (*scores)[i] = cosine(vectors, system->dims, &t->trials[i]);
    }
    free(vectors);
    return MEWL_OK;
}
