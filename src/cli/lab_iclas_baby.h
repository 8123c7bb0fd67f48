/* lab_iclas_baby.h - private to `mewl lab iclas`: recordings as `mewl baby` hears them as it comes, one vector each. */
#ifndef MEWL_CLI_LAB_ICLAS_BABY_H
#define MEWL_CLI_LAB_ICLAS_BABY_H

#include "cli/lab.h"

/* Rows of the manifest, by the chain of `mewl baby` (baby_sound.h): cries found by the detector, cut out, joined,
 * judged, embedded. Zero-initialised is empty. */
typedef struct mewl_lab_baby {
    double *x;   /* [rows x dims]: of the first take of a recording that can be compared; else zeros */
    bool *there; /* [rows]: whether there is one */
    size_t rows, dims;
} mewl_lab_baby;

/* Listens to the rows that are usable (NULL: to all). `detector` and `embedder`: paths as options gave them. A
 * recording that cannot be read has no vector. MEWL_E_CANCELLED, MEWL_E_MEMORY and those of opening the models. */
mewl_status mewl_lab_baby_listen(mewl_lab_baby *out, mewl_lab *lab, const bool *usable, const char *detector,
                                 const char *embedder, mewl_error *err);

/* Rows without a vector behind the others, until there are `rows`. */
mewl_status mewl_lab_baby_extend(mewl_lab_baby *baby, size_t rows, mewl_error *err);
void mewl_lab_baby_fini(mewl_lab_baby *baby);

#endif
