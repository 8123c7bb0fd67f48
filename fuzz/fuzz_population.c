/* fuzz_population.c - any bytes for a population file, its head and the embedder's id included: an error, or a
 * population that embeddings have a place in, that can be copied, and that can be written and read again. */
#include <stdint.h>
#include <stdlib.h>

#include "infant/population_file.h"

#define EMBEDDER "seed" /* of the seeds in corpus/ */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void place(const mewl_population *p)
{
    float *embedding = malloc(p->dims * sizeof *embedding);
    double *out = malloc(p->reduced * sizeof *out);
    for (size_t i = 0; embedding != NULL && i < p->dims; i++) {
        embedding[i] = 0.5F - (float)(i % 7);
    }
    if (embedding != NULL && out != NULL) {
        mewl_population_place(p, out, embedding);
    }
    free(embedding);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mewl_error err = {0};
    mewl_population population, again;
    if (mewl_population_unpack(&population, data, size, "input", EMBEDDER, &err) != MEWL_OK) {
        if (err.text[0] == '\0' || population.dims != 0) {
            abort();
        }
        return 0;
    }
    place(&population);
    if (mewl_population_copy(&again, &population, &err) != MEWL_OK || !mewl_population_equal(&population, &again)) {
        abort();
    }
    mewl_population_fini(&again);
    mewl_buffer bytes;
    mewl_buffer_init(&bytes, MEWL_POPULATION_BYTES_MAX);
    mewl_population_pack(&population, EMBEDDER, &bytes);
    if (bytes.failed ||
        mewl_population_unpack(&again, bytes.data, bytes.size, "what was written", EMBEDDER, &err) != MEWL_OK) {
        abort();
    }
    mewl_population_fini(&again);
    mewl_population_fini(&population);
    mewl_buffer_fini(&bytes);
    return 0;
}
