/* population.h - what other infants teach about a new one: the space in which embeddings are compared, how much one
 * infant varies from session to session, and how large the scores of normal sessions are while the infant's own are
 * few.
 *
 * Learned once for an embedder from recordings of many infants, never from the infant it is then used for.
 */
#ifndef MEWL_INFANT_POPULATION_H
#define MEWL_INFANT_POPULATION_H

#include <stdint.h>

#include "infant/personal.h"
#include "learn/pca.h"
#include "learn/plda.h"

#define MEWL_POPULATION_SCORES_MAX ((size_t)20000)
#define MEWL_POPULATION_BYTES_MAX ((size_t)64 << 20) /* of one, written */

/* Scores of sessions of one kind of model, each from a model of the same infant that had not seen the session. */
typedef struct mewl_population_scores {
    size_t sessions;
    double *score;    /* [sessions], mean over the session's recordings */
    uint32_t *infant; /* [sessions], numbers from 0 */
} mewl_population_scores;

/* In what space infants are compared. Embeddings are brought to length 1 and reduced by PCA; then: */
typedef enum mewl_population_space {
    MEWL_SPACE_WITHIN,   /* each direction by how much one infant varies in it (within-class covariance normalisation,
                            Hatch, Kajarekar and Stolcke 2006) */
    MEWL_SPACE_WHITENED, /* each principal component to variance 1 */
    MEWL_SPACE_PLAIN     /* as it is */
} mewl_population_space;

/* Owns its arrays; zero-initialised is empty. */
struct mewl_population {
    size_t dims;    /* of an embedding */
    size_t reduced; /* of the space in which infants are compared */
    mewl_population_space space;
    mewl_pca pca;
    double *shape;  /* [reduced x reduced], Cholesky factor of the covariance within, in the space of the PCA; NULL
                       unless  MEWL_SPACE_WITHIN */
    double *within; /* [reduced x reduced], covariance of one infant's recordings around its mean, in the final space */
    mewl_plda plda; /* in the final space; dims 0 where the recordings were too few for it */
    size_t infants; /* learned from */
    mewl_population_scores scores[MEWL_PERSONAL_KINDS];
};

typedef struct mewl_population_opts {
    mewl_population_space space;
    size_t reduced;      /* at most; 0 means 64 */
    unsigned kinds;      /* bit k: learn calibration scores for kind k; 0: none */
    size_t min_sessions; /* of an infant to give calibration scores; 0 means 3 */
    mewl_personal_opts personal;
} mewl_population_opts;

/* Calibration scores come from spaces in which the infant scored had no part (five folds by infant; the PCA, which
 * knows no infants, is shared).
 *
 * Learns from embeddings [rows x dims] of infants (infant[rows]: any numbers) in sessions (session[rows]: numbers that
 * are unique within an infant). MEWL_E_EMPTY with fewer than two infants or no infant with two recordings; else as
 * mewl_table_check. On failure *out is empty. */
mewl_status mewl_population_fit(mewl_population *out, const float *x, const size_t *infant, const size_t *session,
                                size_t rows, size_t dims, mewl_population_opts opts, mewl_error *err);

/* An embedding's place in the common space [reduced]. */
void mewl_population_place(const mewl_population *population, double *out, const float *embedding);

void mewl_population_fini(mewl_population *population);

/* A copy that owns its arrays. MEWL_E_MEMORY; on failure *out is empty. */
mewl_status mewl_population_copy(mewl_population *out, const mewl_population *from, mewl_error *err);

/* Whether both hold the same figures; NULL and an empty one are the same as one another. False also when there is no
 * memory to compare them. */
bool mewl_population_equal(const mewl_population *a, const mewl_population *b);

void mewl_population_save(const mewl_population *population, mewl_buffer *out);
mewl_status mewl_population_load(mewl_population *out, mewl_bytes *in, mewl_error *err);

#endif
