/* population.c - see population.h. */
#include "cli/population.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/find.h"

#define TAG "POPF"
#define VERSION 1u
#define BYTES_MAX ((size_t)64 << 20)
#define EMBEDDER_MAX 256u

mewl_status mewl_cli_population_write(const char *path, const mewl_population *population, const char *embedder,
                                      mewl_error *err)
{
    mewl_buffer bytes;
    mewl_buffer_init(&bytes, BYTES_MAX);
    mewl_bytes_put_head(&bytes, TAG, VERSION);
    mewl_bytes_put_blob(&bytes, embedder, strlen(embedder));
    mewl_population_save(population, &bytes);
    const mewl_status status = bytes.failed ? mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory for it", path)
                                            : mewl_file_write(path, bytes.data, bytes.size, err);
    mewl_buffer_fini(&bytes);
    return status;
}

static mewl_status parse(mewl_population *out, mewl_bytes *in, const char *embedder, mewl_error *err)
{
    const void *id;
    size_t length;
    MEWL_TRY(mewl_bytes_get_head(in, NULL, TAG, VERSION, err));
    MEWL_TRY(mewl_bytes_get_blob(in, &id, &length, err));
    if (length > EMBEDDER_MAX) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: an embedder's id of %zu bytes", in->name, length);
    }
    if (length != strlen(embedder) || memcmp(id, embedder, length) != 0) {
        return mewl_error_set(err, MEWL_E_STATE,
                              "%s: this population was made with another embedder, so its figures mean nothing beside "
                              "this one's; make one anew with `mewl lab population`",
                              in->name);
    }
    MEWL_TRY(mewl_population_load(out, in, err));
    return mewl_bytes_end(in, err);
}

mewl_status mewl_cli_population_read(mewl_population *out, const char *path, const char *embedder, mewl_error *err)
{
    char *data;
    size_t size;
    *out = (mewl_population){0};
    MEWL_TRY(mewl_file_read_all(&data, &size, path, BYTES_MAX, err));
    mewl_bytes in = {.data = (const unsigned char *)data, .size = size, .name = path};
    const mewl_status status = parse(out, &in, embedder, err);
    if (status != MEWL_OK) {
        mewl_population_fini(out);
    }
    free(data);
    return status;
}

mewl_status mewl_cli_population_open(const mewl_cli *cli, mewl_population *out, const char *given, const char *embedder,
                                     mewl_error *err)
{
    char path[4096];
    *out = (mewl_population){0};
    if (given != NULL) {
        return strcmp(given, "none") == 0 ? MEWL_OK : mewl_cli_population_read(out, given, embedder, err);
    }
    if (!mewl_cli_find_population(path, sizeof path)) {
        return MEWL_OK;
    }
    const mewl_status status = mewl_cli_population_read(out, path, embedder, err);
    if (status == MEWL_E_STATE) {
        mewl_cli_note(cli, "%s; going on without", err->text);
        *err = (mewl_error){0};
        return MEWL_OK;
    }
    return status;
}
