/* tutor.c - see tutor.h. */
#include "lab/tutor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/distil.h"
#include "lab/vectors.h"
#include "learn/pca.h"

void mewl__tutor_fini(mewl__tutor *t)
{
    free(t->targets);
    *t = (mewl__tutor){0};
}

void mewl__tutor_say(const mewl__tutor *t, float *out, const size_t *sounds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * t->size, t->targets + sounds[i] * t->size, t->size * sizeof *out);
    }
}

/* Rows of the training side that name somebody; place[i]: the sound of row i. */
static mewl_status list_rows(mewl_manifest *rows, size_t *place, const mewl_sound *sounds, size_t count,
                             mewl_error *err)
{
    MEWL_TRY(mewl_manifest_init(rows, err));
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < count; i++) {
        const mewl_sound *s = &sounds[i];
        if (s->side == MEWL_SIDE_TRAIN && s->samples != NULL && s->row->speaker[0] != '\0') {
            mewl_row row = *s->row;
            row.extra = NULL;
            place[rows->count] = i;
            status = mewl_manifest_add(rows, &row, err);
        }
    }
    if (status != MEWL_OK) {
        mewl_manifest_fini(rows);
    }
    return status;
}

/* Vectors of all teachers side by side. */
typedef struct table {
    double *x; /* (rows, dims) */
    size_t rows, dims;
} table;

/* Lays a teacher's vectors, each divided by its length, beside those there are. */
static mewl_status add_columns(table *t, const mewl_vectors *v, mewl_error *err)
{
    const size_t dims = t->dims + v->dims;
    if (dims > MEWL_VECTORS_DIMS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "the teachers' vectors are %zu numbers side by side, more than %d", dims,
                              MEWL_VECTORS_DIMS_MAX);
    }
    double *wider = malloc((v->rows * dims + 1) * sizeof *wider);
    if (wider == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for what the teachers say");
    }
    for (size_t r = 0; r < v->rows; r++) {
        const double *from = v->x + r * v->dims;
        double squares = 0;
        for (size_t d = 0; d < v->dims; d++) {
            squares += from[d] * from[d];
        }
        if (t->dims > 0) {
            memcpy(wider + r * dims, t->x + r * t->dims, t->dims * sizeof *wider);
        }
        for (size_t d = 0; d < v->dims; d++) {
            wider[r * dims + t->dims + d] = squares > 0 ? from[d] / sqrt(squares) : 0;
        }
    }
    free(t->x);
    *t = (table){wider, v->rows, dims};
    return MEWL_OK;
}

static mewl_status ask(table *t, const mewl_recipe *recipe, const mewl_manifest *rows, const mewl_progress *progress,
                       mewl_error *err)
{
    char path[MEWL__DISTIL_PATH_BYTES];
    for (size_t i = 0; i < recipe->distil_teacher.count; i++) {
        mewl_vectors v;
        mewl__distil_path(path, recipe, recipe->distil_teacher.items[i]);
        mewl_vector_system system = {.name = "teacher", .kind = MEWL_VECTOR_EMBEDDER, .path = path};
        MEWL_TRY(mewl_vectors_read(&v, rows, &system, NULL, progress, err));
        mewl_status status = add_columns(t, &v, err);
        mewl_vectors_fini(&v);
        MEWL_TRY(status);
    }
    return MEWL_OK;
}

/* Principal components of the table as targets of length one; components that there are too few rows for stay zero. */
static mewl_status set_targets(mewl__tutor *t, const table *said, const size_t *place, mewl_error *err)
{
    mewl_pca pca;
    MEWL_TRY(mewl_pca_fit(&pca, said->x, said->rows, said->dims, t->size, false, err));
    double *line = malloc(pca.components * sizeof *line);
    for (size_t r = 0; line != NULL && r < said->rows; r++) {
        double squares = 0;
        mewl_pca_apply(&pca, line, said->x + r * said->dims, 1);
        for (size_t k = 0; k < pca.components; k++) {
            squares += line[k] * line[k];
        }
        for (size_t k = 0; k < pca.components && squares > 0; k++) {
            t->targets[place[r] * t->size + k] = (float)(line[k] / sqrt(squares));
        }
    }
    mewl_status status = line != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a teacher");
    free(line);
    mewl_pca_fini(&pca);
    return status;
}

mewl_status mewl__tutor_open(mewl__tutor *t, const mewl_recipe *recipe, const mewl_corpus *corpus, size_t size,
                             const mewl_progress *progress, mewl_error *err)
{
    *t = (mewl__tutor){.size = size};
    if (recipe->distil_teacher.count == 0) {
        return MEWL_OK;
    }
    const mewl_sound *sounds = mewl_corpus_sounds(corpus, &t->sounds);
    size_t *place = calloc(t->sounds + 1, sizeof *place);
    t->targets = calloc(t->sounds * size + 1, sizeof *t->targets);
    if (place == NULL || t->targets == NULL) {
        free(place);
        mewl__tutor_fini(t);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for what the teachers say");
    }
    mewl_manifest rows;
    table said = {0};
    mewl_status status = list_rows(&rows, place, sounds, t->sounds, err);
    if (status == MEWL_OK) {
        status = ask(&said, recipe, &rows, progress, err);
        mewl_manifest_fini(&rows);
    }
    if (status == MEWL_OK) {
        status = set_targets(t, &said, place, err);
    }
    free(said.x);
    free(place);
    if (status != MEWL_OK) {
        mewl__tutor_fini(t);
    }
    return status;
}
