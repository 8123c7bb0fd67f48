/* lab_iclas_alter.c - altered copies of recordings for `mewl lab iclas`: made, turned into vectors, put behind the
 * others. */
#include "cli/lab_iclas_alter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Individuals with so many usable recordings may be reported: only theirs are altered. */
static void find_wanted(bool *wanted, const mewl_manifest *m, const bool *usable, size_t least)
{
    for (size_t i = 0; i < m->count; i++) {
        size_t alike = 0;
        for (size_t k = 0; k < m->count && usable[i] && m->rows[i].speaker[0] != '\0'; k++) {
            alike += usable[k] && strcmp(m->rows[k].speaker, m->rows[i].speaker) == 0 ? 1 : 0;
        }
        wanted[i] = alike >= least;
    }
}

/* `more` NULL: zeros. */
static mewl_status append_vectors(mewl_vectors *to, const double *more, size_t rows, mewl_error *err)
{
    double *x = realloc(to->x, (to->rows + rows) * to->dims * sizeof *x);
    if (x == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu vectors", to->rows + rows);
    }
    to->x = x;
    for (size_t i = 0; i < rows * to->dims; i++) {
        x[to->rows * to->dims + i] = more != NULL ? more[i] : 0;
    }
    to->rows += rows;
    return MEWL_OK;
}

/* One alteration of all wanted rows, behind what is there. */
static mewl_status add_kind(mewl_lab_altered *a, mewl_lab *lab, mewl_alteration kind, const bool *wanted,
                            size_t originals, const char *folder, mewl_error *err)
{
    mewl_manifest made;
    mewl_manifest only = lab->manifest;
    only.count = originals;
    MEWL_TRY(mewl_alter_files(&made, &only, wanted, kind, folder, &lab->progress, lab->stop, err));
    size_t *row = malloc(originals * sizeof *row + 1);
    size_t at = lab->manifest.count;
    mewl_status status =
        row != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu rows", originals);
    for (size_t i = 0; i < originals && status == MEWL_OK; i++) {
        row[i] = wanted[i] ? at++ : SIZE_MAX;
    }
    for (size_t k = 0; k < a->systems && status == MEWL_OK; k++) {
        mewl_vectors more = {0};
        if (a->vectors[k].x == NULL || made.count == 0) {
            continue;
        }
        if (a->needed[k]) {
            status = mewl_vectors_read(&more, &made, &a->system[k], a->cache, &lab->progress, err);
        }
        status = status == MEWL_OK ? append_vectors(&a->vectors[k], more.x, made.count, err) : status;
        mewl_vectors_fini(&more);
    }
    status = status == MEWL_OK ? mewl_manifest_append(&lab->manifest, &made, err) : status;
    mewl_manifest_fini(&made);
    if (status != MEWL_OK) {
        free(row);
        return status;
    }
    a->list[a->count++] = (mewl_iclas_altered){
        .name = mewl_alteration_text(kind), .control = mewl_alteration_is_control(kind), .row = row};
    return MEWL_OK;
}

mewl_status mewl_lab_alter(mewl_lab_altered *a, bool **usable, mewl_lab *lab, size_t least, mewl_error *err)
{
    size_t originals = lab->manifest.count;
    char folder[4300];
    bool *wanted = calloc(originals + 1, sizeof *wanted);
    bool *all = calloc(originals * (1 + MEWL_ALTERATIONS) + 1, sizeof *all);
    mewl_status status = MEWL_OK;
    (void)snprintf(folder, sizeof folder, "%s/altered", lab->folder);
    if (wanted == NULL || all == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu rows", originals);
    }
    for (size_t i = 0; i < originals && status == MEWL_OK; i++) {
        all[i] = *usable == NULL || (*usable)[i];
    }
    if (status == MEWL_OK) {
        find_wanted(wanted, &lab->manifest, all, least);
        free(*usable);
        *usable = all;
        all = NULL;
    }
    for (int kind = 0; kind < MEWL_ALTERATIONS && status == MEWL_OK; kind++) {
        if (mewl_alteration_available((mewl_alteration)kind)) {
            status = add_kind(a, lab, (mewl_alteration)kind, wanted, originals, folder, err);
        }
    }
    free(wanted);
    free(all);
    return status;
}

void mewl_lab_altered_fini(mewl_lab_altered *a)
{
    for (size_t k = 0; k < a->count; k++) {
        free((void *)a->list[k].row);
    }
    a->count = 0;
}
