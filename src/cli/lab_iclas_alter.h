/* lab_iclas_alter.h - private to `mewl lab iclas`: altered copies of recordings and their vectors. */
#ifndef MEWL_CLI_LAB_ICLAS_ALTER_H
#define MEWL_CLI_LAB_ICLAS_ALTER_H

#include "cli/lab.h"
#include "lab/alter.h"
#include "lab/iclas.h"
#include "lab/vectors.h"

typedef struct mewl_lab_altered {
    mewl_vectors *vectors;              /* [systems], of the originals; altered ones are put behind; empty: left out */
    const mewl_vector_system *system;   /* [systems] */
    bool needed[MEWL_ICLAS_TABLES_MAX]; /* [systems]; what is never chosen gets zeros instead */
    size_t systems;
    const char *cache;
    mewl_iclas_altered list[MEWL_ALTERATIONS];
    size_t count;
} mewl_lab_altered;

/* Copies the recordings of all who have at least `least` usable ones in every way, under the experiment's folder; rows
 * behind lab->manifest's, which are not usable: *usable (NULL: all are) is replaced by a longer one, the caller's. */
mewl_status mewl_lab_alter(mewl_lab_altered *a, bool **usable, mewl_lab *lab, size_t least, mewl_error *err);
void mewl_lab_altered_fini(mewl_lab_altered *a);

#endif
