/* population_file.h - a population as the bytes of a file: a head, the id of the embedder it was made with, the
 * figures. Bytes alone: who reads and writes files is the caller's affair.
 */
#ifndef MEWL_INFANT_POPULATION_FILE_H
#define MEWL_INFANT_POPULATION_FILE_H

#include "infant/population.h"

#define MEWL_POPULATION_EMBEDDER_MAX 256 /* bytes of an embedder's id */

/* Appends the file's bytes; a failure is remembered in the buffer. */
void mewl_population_pack(const mewl_population *population, const char *embedder, mewl_buffer *out);

/* Reads them back; `name` is what errors call them. MEWL_E_STATE when it was made with another embedder than
 * `embedder`, MEWL_E_FORMAT (also for bytes left over, and numbers no population has), MEWL_E_UNSUPPORTED,
 * MEWL_E_MEMORY. On failure *out is empty. */
mewl_status mewl_population_unpack(mewl_population *out, const void *data, size_t size, const char *name,
                                   const char *embedder, mewl_error *err);

#endif
