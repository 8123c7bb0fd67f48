/* population.c - see population.h. */
#include "cli/population.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/find.h"
#include "infant/population_file.h"

mewl_status mewl_cli_population_write(const char *path, const mewl_population *population, const char *embedder,
                                      mewl_error *err)
{
    mewl_buffer bytes;
    mewl_buffer_init(&bytes, MEWL_POPULATION_BYTES_MAX);
    mewl_population_pack(population, embedder, &bytes);
    const mewl_status status = bytes.failed ? mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory for it", path)
                                            : mewl_file_write(path, bytes.data, bytes.size, err);
    mewl_buffer_fini(&bytes);
    return status;
}

mewl_status mewl_cli_population_read(mewl_population *out, const char *path, const char *embedder, mewl_error *err)
{
    char *data;
    size_t size;
    *out = (mewl_population){0};
    MEWL_TRY(mewl_file_read_all(&data, &size, path, MEWL_POPULATION_BYTES_MAX, err));
    const mewl_status status = mewl_population_unpack(out, data, size, path, embedder, err);
    free(data);
    if (status == MEWL_E_STATE) {
        const mewl_error found = *err;
        return mewl_error_set(err, status, "%s; make one anew with `mewl lab population`", found.text);
    }
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
