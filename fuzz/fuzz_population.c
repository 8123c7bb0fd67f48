/* fuzz_population.c - any bytes for what other infants teach (the body of a population file, after its head and the
 * embedder's id): an error, or a population that embeddings have a place in, and that can be written and read again. */
#include <stdint.h>
#include <stdlib.h>

#include "infant/population.h"

#define BYTES_MAX ((size_t)64 << 20)

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
    mewl_bytes in = {.data = data, .size = size, .name = "input"};
    if (mewl_population_load(&population, &in, &err) != MEWL_OK) {
        if (err.text[0] == '\0' || population.dims != 0) {
            abort();
        }
        return 0;
    }
    place(&population);
    mewl_buffer bytes;
    mewl_buffer_init(&bytes, BYTES_MAX);
    mewl_population_save(&population, &bytes);
    in = (mewl_bytes){.data = (const unsigned char *)bytes.data, .size = bytes.size, .name = "what was written"};
    if (bytes.failed || mewl_population_load(&again, &in, &err) != MEWL_OK || mewl_bytes_end(&in, &err) != MEWL_OK) {
        abort();
    }
    mewl_population_fini(&again);
    mewl_population_fini(&population);
    mewl_buffer_fini(&bytes);
    return 0;
}
