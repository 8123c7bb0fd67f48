/* baby_population.c - see baby_population.h. */
#include "cli/baby_population.h"

#include <stdlib.h>

#include "cli/population.h"
#include "infant/infant.h"
#include "store/personals.h"

/* The infant as its latest personal model holds it, of whatever kind; *out NULL where there is none that can be read.
 */
static mewl_status load_latest(mewl_baby *baby, mewl_infant **out, int64_t *model_id, mewl_error *err)
{
    mewl_store_personal row;
    mewl_error why = {0};
    void *data = NULL;
    size_t bytes = 0;
    *out = NULL;
    mewl_status status = mewl_store_personal_latest(baby->store, &row, baby->infant.id, err);
    if (status == MEWL_OK) {
        *model_id = row.model_id;
        status =
            mewl_store_personal_get(baby->store, &row, &data, &bytes, baby->infant.id, row.model_id, row.kind, err);
    }
    if (status == MEWL_E_NOT_FOUND) {
        *err = (mewl_error){0};
        return MEWL_OK;
    }
    MEWL_TRY(status);
    status = mewl_infant_load(out, data, bytes, "the personal model", &why);
    free(data);
    return status == MEWL_E_MEMORY ? mewl_error_set(err, status, "%s", why.text) : MEWL_OK;
}

mewl_status mewl_baby_population_open(mewl_baby *baby, mewl_population *out, const char *given,
                                      const mewl_store_model *embedder, mewl_error *err)
{
    mewl_infant *latest = NULL;
    int64_t model_id = 0;
    *out = (mewl_population){0};
    if (given == NULL) {
        MEWL_TRY(load_latest(baby, &latest, &model_id, err));
    }
    if (latest == NULL) {
        return mewl_cli_population_open(baby->cli, out, given, embedder->hash, err);
    }
    const mewl_population *known = mewl_infant_population(latest);
    mewl_status status = MEWL_OK;
    if (model_id != embedder->id) {
        if (known != NULL) {
            mewl_cli_note(baby->cli,
                          "what other infants taught about %s was made with another embedder: going on "
                          "without, unless --population names one for this embedder",
                          baby->infant.name);
        }
        status = mewl_cli_population_open(baby->cli, out, NULL, embedder->hash, err);
    } else if (known != NULL) {
        status = mewl_population_copy(out, known, err);
    }
    mewl_infant_free(latest);
    return status;
}
