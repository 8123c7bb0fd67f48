/* iclas_private.h - parts, sessions and one infant's figures, for the files iclas*.c alone. */
#ifndef MEWL_LAB_ICLAS_PRIVATE_H
#define MEWL_LAB_ICLAS_PRIVATE_H

#include "lab/iclas.h"

#define MEWL__ICLAS_ROWS_MAX 512 /* recordings of one identity that are used */

typedef enum mewl__part { MEWL__PART_OTHER, MEWL__PART_POPULATION, MEWL__PART_CHOOSE, MEWL__PART_REPORT } mewl__part;

/* Who said what when. */
typedef struct mewl__cast {
    const mewl_manifest *manifest;
    size_t rows;
    size_t *identity; /* [rows], number; SIZE_MAX when not usable */
    size_t *device;   /* [rows], number of the group (uuid) */
    size_t *session;  /* [rows], unique within an identity */
    size_t identities;
    size_t *recordings, *sessions, *first; /* [identities]: usable rows, sessions, first row */
    mewl__part *part;                      /* [identities], of the turn at hand */
    size_t turns;
} mewl__cast;

mewl_status mewl__cast_make(mewl__cast *cast, const mewl_manifest *manifest, const mewl_iclas_opts *opts,
                            mewl_error *err);
void mewl__cast_fini(mewl__cast *cast);

/* Deals the parts of turn `turn`. */
void mewl__cast_deal(mewl__cast *cast, const mewl_iclas_opts *opts, size_t turn);

/* Up to `wanted` rows of others that may stand as anomalies of `identity`; returns how many, and into *alike how many
 * of them are of its age and sex. */
size_t mewl__cast_anomalies(const mewl__cast *cast, size_t *rows, size_t *alike, size_t identity, size_t wanted,
                            uint64_t seed);

/* One infant under one approach. */
typedef struct mewl__figures {
    size_t normal, anomalies, sessions;
    double auc, ap, f1, recall, fpr;
    double false_positives; /* mean over the repeats */
    size_t repeats;         /* behind the means; 0: none */
    bool valid;
} mewl__figures;

/* Rows are in the space of the population, [cast->rows x dims]. */
mewl_status mewl__iclas_infant(mewl__figures *out, const mewl__cast *cast, const double *placed, size_t dims,
                               const mewl_population *population, mewl_personal_kind kind, size_t identity,
                               const mewl_iclas_opts *opts, mewl_error *err);

#endif
