/* baby_population.h - which other infants a personal model is made with: those that were named, else those that the
 * model there was made with, which holds them; so that the choice outlives a model made anew. */
#ifndef MEWL_CLI_BABY_POPULATION_H
#define MEWL_CLI_BABY_POPULATION_H

#include "cli/baby.h"
#include "infant/population.h"
#include "store/embeddings.h"

/* `given` (from --population): as mewl_cli_population_open. NULL: what the infant's latest personal model on this
 * embedder was made with, which may be none (*out stays empty, dims 0); where there is no such model, or it cannot be
 * read, the population that ships, if any. One that was named for another embedder is passed over with a note. */
mewl_status mewl_baby_population_open(mewl_baby *baby, mewl_population *out, const char *given,
                                      const mewl_store_model *embedder, mewl_error *err);

#endif
