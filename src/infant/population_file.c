/* population_file.c - see population_file.h. */
#include "infant/population_file.h"

#include <string.h>

#define TAG "POPF"
#define VERSION 1u

void mewl_population_pack(const mewl_population *population, const char *embedder, mewl_buffer *out)
{
    mewl_bytes_put_head(out, TAG, VERSION);
    mewl_bytes_put_blob(out, embedder, strlen(embedder));
    mewl_population_save(population, out);
}

static mewl_status parse(mewl_population *out, mewl_bytes *in, const char *embedder, mewl_error *err)
{
    const void *id = NULL;
    size_t length = 0;
    MEWL_TRY(mewl_bytes_get_head(in, NULL, TAG, VERSION, err));
    MEWL_TRY(mewl_bytes_get_blob(in, &id, &length, err));
    if (length > MEWL_POPULATION_EMBEDDER_MAX) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: an embedder's id of %zu bytes", in->name, length);
    }
    if (length != strlen(embedder) || memcmp(id, embedder, length) != 0) {
        return mewl_error_set(err, MEWL_E_STATE,
                              "%s: this population was made with another embedder, so its figures mean nothing beside "
                              "this one's",
                              in->name);
    }
    MEWL_TRY(mewl_population_load(out, in, err));
    return mewl_bytes_end(in, err);
}

mewl_status mewl_population_unpack(mewl_population *out, const void *data, size_t size, const char *name,
                                   const char *embedder, mewl_error *err)
{
    mewl_bytes in = {.data = data, .size = size, .name = name, .most = MEWL_PERSONAL_NUMBER_MAX};
    memset(out, 0, sizeof *out);
    const mewl_status status = parse(out, &in, embedder, err);
    if (status != MEWL_OK) {
        mewl_population_fini(out);
    }
    return status;
}
