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

/* Scores of sessions of one kind of model, each from a model of the same infant that had not seen the session. */
typedef struct mewl_population_scores {
    size_t sessions;
    double *score;    /* [sessions], mean over the session's recordings */
    uint32_t *infant; /* [sessions], numbers from 0 */
} mewl_population_scores;

/* Owns its arrays; zero-initialised is empty. */
struct mewl_population {
    size_t dims;    /* of an embedding */
    size_t reduced; /* of the space in which infants are compared */
    bool normalise; /* embeddings are brought to length 1 before and after the reduction */
    mewl_pca pca;
    double *within; /* [reduced x reduced], covariance of one infant's recordings around its mean */
    mewl_plda plda; /* dims 0 where there were too few infants */
    double sessions_per_infant;
    mewl_population_scores scores[MEWL_PERSONAL_KINDS];
};

typedef struct mewl_population_opts {
    size_t reduced;      /* at most; 0 means 64 */
    bool plain;          /* do not bring embeddings to length 1 */
    unsigned kinds;      /* bit k: learn calibration scores for kind k; 0 means all but the autoencoder */
    size_t min_sessions; /* of an infant to give calibration scores; 0 means 3 */
    mewl_personal_opts personal;
} mewl_population_opts;

/* Learns from embeddings [rows x dims] of infants (infant[rows]: any numbers) in sessions (session[rows]: numbers that
 * are unique within an infant). MEWL_E_EMPTY with fewer than two infants or no infant with two recordings; else as
 * mewl_table_check. On failure *out is empty. */
mewl_status mewl_population_fit(mewl_population *out, const float *x, const size_t *infant, const size_t *session,
                                size_t rows, size_t dims, mewl_population_opts opts, mewl_error *err);

/* An embedding's place in the common space [reduced]. */
void mewl_population_place(const mewl_population *population, double *out, const float *embedding);

void mewl_population_fini(mewl_population *population);
void mewl_population_save(const mewl_population *population, mewl_buffer *out);
mewl_status mewl_population_load(mewl_population *out, mewl_bytes *in, mewl_error *err);

#endif
