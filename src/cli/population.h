/* population.h - what other infants teach, as a file: written by `mewl lab population`, read when an infant's model is
 * made. It holds summary figures (a mean, covariances, scores), no recordings and no embeddings of any, and belongs to
 * the embedder that it was made with. */
#ifndef MEWL_CLI_POPULATION_H
#define MEWL_CLI_POPULATION_H

#include "cli/cli.h"
#include "infant/population.h"

/* Writes the file, whole or not at all. `embedder`: the id of the network that made the embeddings. */
mewl_status mewl_cli_population_write(const char *path, const mewl_population *population, const char *embedder,
                                      mewl_error *err);

/* Reads it. MEWL_E_STATE when it was made for another embedder than `embedder`; also MEWL_E_FORMAT,
 * MEWL_E_UNSUPPORTED, MEWL_E_MEMORY and those of reading a file. On failure *out is empty. */
mewl_status mewl_cli_population_read(mewl_population *out, const char *path, const char *embedder, mewl_error *err);

/* The one to use: `given` (from --population), which must fit the embedder; else models/population.mewl where models
 * are kept. `given` "none", or no such file: *out stays empty (dims 0) with MEWL_OK. One that ships for another
 * embedder is passed over with a note to the user. */
mewl_status mewl_cli_population_open(const mewl_cli *cli, mewl_population *out, const char *given, const char *embedder,
                                     mewl_error *err);

#endif
