/* lab_iclas_baby.c - see lab_iclas_baby.h. */
#include "cli/lab_iclas_baby.h"

#include <stdlib.h>
#include <string.h>

#include "cli/baby_sound.h"

typedef struct listening {
    mewl_lab_baby *out;
    size_t row;
} listening;

static mewl_status keep_first(void *user, const mewl_baby_take *take, mewl_error *err)
{
    (void)err;
    const listening *l = user;
    if (take->gate == 0 && take->embedding != NULL && !l->out->there[l->row]) {
        for (size_t j = 0; j < l->out->dims; j++) {
            l->out->x[l->row * l->out->dims + j] = (double)take->embedding[j];
        }
        l->out->there[l->row] = true;
    }
    return MEWL_OK;
}

static mewl_status listen_to_all(mewl_lab_baby *out, mewl_baby_ear *ear, mewl_lab *lab, const bool *usable,
                                 mewl_error *err)
{
    out->rows = lab->manifest.count;
    out->dims = mewl_embedder_describe(ear->embedder)->size;
    out->x = calloc(out->rows * out->dims + 1, sizeof *out->x);
    out->there = calloc(out->rows + 1, sizeof *out->there);
    if (out->x == NULL || out->there == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu vectors", out->rows);
    }
    for (size_t i = 0; i < out->rows; i++) {
        listening l = {out, i};
        mewl_baby_heard heard;
        mewl_error bad = {0};
        mewl_progress_report(&lab->progress, (double)i, (double)out->rows, "as `mewl baby` hears them");
        if (*lab->stop) {
            return mewl_error_set(err, MEWL_E_CANCELLED, "stopped");
        }
        if ((usable == NULL || usable[i]) &&
            mewl_baby_listen(ear, &heard, lab->manifest.rows[i].path, keep_first, &l, &bad) == MEWL_E_MEMORY) {
            return mewl_error_set(err, MEWL_E_MEMORY, "%s", bad.text);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_lab_baby_listen(mewl_lab_baby *out, mewl_lab *lab, const bool *usable, const char *detector,
                                 const char *embedder, mewl_error *err)
{
    mewl_baby_ear ear;
    *out = (mewl_lab_baby){0};
    mewl_status status = mewl_baby_ear_open(&ear, lab->cli, detector, embedder, err);
    status = status == MEWL_OK ? listen_to_all(out, &ear, lab, usable, err) : status;
    mewl_baby_ear_close(&ear);
    return status;
}

mewl_status mewl_lab_baby_extend(mewl_lab_baby *baby, size_t rows, mewl_error *err)
{
    if (rows <= baby->rows) {
        return MEWL_OK;
    }
    double *x = realloc(baby->x, (rows * baby->dims + 1) * sizeof *x);
    baby->x = x != NULL ? x : baby->x;
    bool *there = realloc(baby->there, (rows + 1) * sizeof *there);
    baby->there = there != NULL ? there : baby->there;
    if (x == NULL || there == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu vectors", rows);
    }
    memset(x + baby->rows * baby->dims, 0, (rows - baby->rows) * baby->dims * sizeof *x);
    memset(there + baby->rows, 0, (rows - baby->rows) * sizeof *there);
    baby->rows = rows;
    return MEWL_OK;
}

void mewl_lab_baby_fini(mewl_lab_baby *baby)
{
    free(baby->x);
    free(baby->there);
    *baby = (mewl_lab_baby){0};
}
