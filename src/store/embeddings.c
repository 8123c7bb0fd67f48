/* embeddings.c - see embeddings.h. */
#include "store/embeddings.h"

#include <math.h>
#include <string.h>

#include "store/statement.h"

#define MODEL_COLUMNS "id, kind, name, hash, dimensions, first_ms"

static void read_model(sqlite3_stmt *statement, mewl_store_model *out)
{
    *out = (mewl_store_model){.id = sqlite3_column_int64(statement, 0),
                              .dimensions = sqlite3_column_int64(statement, 4),
                              .first_ms = sqlite3_column_int64(statement, 5)};
    mewl__column_text(statement, 1, out->kind, sizeof out->kind);
    mewl__column_text(statement, 2, out->name, sizeof out->name);
    mewl__column_text(statement, 3, out->hash, sizeof out->hash);
}

mewl_status mewl_store_model_put(mewl_store *store, mewl_store_model *model, mewl_error *err)
{
    int64_t known = 0;
    bool found = false;
    MEWL_TRY(mewl__store_bounded(model->kind, "the model's kind", sizeof model->kind, err));
    MEWL_TRY(mewl__store_bounded(model->name, "the model's name", sizeof model->name, err));
    const size_t digits = strnlen(model->hash, sizeof model->hash);
    if (digits < 16 || digits == sizeof model->hash || model->dimensions < 0 ||
        model->dimensions > MEWL_STORE_DIMENSIONS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: its hash or its %lld dimensions are out of range", model->name,
                              (long long)model->dimensions);
    }
    MEWL_TRY(mewl__store_run(store, err,
                             "INSERT INTO models(kind, name, hash, dimensions, first_ms) VALUES (?, ?, ?, ?, ?) ON "
                             "CONFLICT DO NOTHING",
                             "tttii", model->kind, model->name, model->hash, model->dimensions, model->first_ms));
    MEWL_TRY(mewl__store_one(store, &model->id, &found, err, "SELECT id FROM models WHERE kind = ? AND hash = ?", "tt",
                             model->kind, model->hash));
    MEWL_TRY(mewl__store_one(store, &known, &found, err, "SELECT dimensions FROM models WHERE id = ?", "i", model->id));
    return known == model->dimensions ? MEWL_OK
                                      : mewl_error_set(err, MEWL_E_STATE, "%s: known with %lld dimensions, not %lld",
                                                       model->name, (long long)known, (long long)model->dimensions);
}

mewl_status mewl_store_model_get(mewl_store *store, mewl_store_model *out, int64_t id, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    MEWL_TRY(mewl__store_start(store, &statement, err, "SELECT " MODEL_COLUMNS " FROM models WHERE id = ?", "i", id));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    if (more) {
        read_model(statement, out);
    }
    mewl__store_end(statement);
    return more ? MEWL_OK : mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no model version %lld", (long long)id);
}

typedef struct model_reading {
    mewl_status (*row)(void *user, const mewl_store_model *model);
    void *user;
} model_reading;

static mewl_status give_model(void *user, sqlite3_stmt *statement)
{
    const model_reading *to = user;
    mewl_store_model model;
    read_model(statement, &model);
    return to->row(to->user, &model);
}

mewl_status mewl_store_model_each(mewl_store *store, mewl_status (*row)(void *user, const mewl_store_model *model),
                                  void *user, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    model_reading to = {row, user};
    MEWL_TRY(mewl__store_start(store, &statement, err, "SELECT " MODEL_COLUMNS " FROM models ORDER BY id", ""));
    return mewl__store_each(store, statement, give_model, &to, err);
}

mewl_status mewl_store_embedding_put(mewl_store *store, int64_t recording_id, int64_t model_id, const float *values,
                                     size_t dimensions, mewl_error *err)
{
    int64_t expected = 0;
    bool found = false;
    MEWL_TRY(
        mewl__store_one(store, &expected, &found, err, "SELECT dimensions FROM models WHERE id = ?", "i", model_id));
    if (!found) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no model version %lld", (long long)model_id);
    }
    if (dimensions == 0 || (int64_t)dimensions != expected) {
        return mewl_error_set(err, MEWL_E_SHAPE, "an embedding of %zu numbers by a model of %lld", dimensions,
                              (long long)expected);
    }
    for (size_t i = 0; i < dimensions; i++) {
        if (!isfinite(values[i])) {
            return mewl_error_set(err, MEWL_E_ARG, "an embedding's number %zu is not finite", i);
        }
    }
    return mewl__store_run(store, err,
                           "INSERT OR REPLACE INTO embeddings(recording_id, model_id, vector) VALUES (?, ?, ?)", "iib",
                           recording_id, model_id, (const void *)values, dimensions * sizeof *values);
}

typedef struct reading {
    mewl_store *store;
    mewl_status (*row)(void *user, const mewl_store_embedding *embedding);
    mewl_status (*other)(void *user, int64_t infant_id, const mewl_store_embedding *embedding);
    void *user;
    size_t dimensions;
    mewl_error *err;
    float values[MEWL_STORE_DIMENSIONS_MAX];
} reading;

/* Columns: infant, recording, session, model, start, role = 'enrolled', vector. */
static mewl_status give_row(void *user, sqlite3_stmt *statement)
{
    reading *to = user;
    const void *data = sqlite3_column_blob(statement, 6);
    const size_t bytes = (size_t)sqlite3_column_bytes(statement, 6);
    if (data == NULL || bytes != to->dimensions * sizeof(float)) {
        return mewl_error_set(to->err, MEWL_E_FORMAT, "%s: an embedding of %zu bytes where %zu numbers belong",
                              to->store->path, bytes, to->dimensions);
    }
    memcpy(to->values, data, bytes);
    const mewl_store_embedding embedding = {.recording_id = sqlite3_column_int64(statement, 1),
                                            .session_id = sqlite3_column_int64(statement, 2),
                                            .model_id = sqlite3_column_int64(statement, 3),
                                            .start_ms = sqlite3_column_int64(statement, 4),
                                            .enrolled = sqlite3_column_int(statement, 5),
                                            .values = to->values,
                                            .dimensions = to->dimensions};
    return to->row != NULL ? to->row(to->user, &embedding)
                           : to->other(to->user, sqlite3_column_int64(statement, 0), &embedding);
}

static mewl_status begin_reading(reading *to, int64_t model_id, mewl_error *err)
{
    mewl_store_model model = {0};
    MEWL_TRY(mewl_store_model_get(to->store, &model, model_id, err));
    to->dimensions =
        model.dimensions >= 0 && model.dimensions <= MEWL_STORE_DIMENSIONS_MAX ? (size_t)model.dimensions : 0;
    to->err = err;
    return MEWL_OK;
}

#define COLUMNS "r.infant_id, r.id, r.session_id, e.model_id, r.start_ms, r.role = 'enrolled', e.vector"

mewl_status mewl_store_embedding_each(mewl_store *store, int64_t infant_id, int64_t model_id, int64_t from_ms,
                                      int64_t to_ms,
                                      mewl_status (*row)(void *user, const mewl_store_embedding *embedding), void *user,
                                      mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    reading to;
    to.store = store;
    to.row = row;
    to.other = NULL;
    to.user = user;
    MEWL_TRY(begin_reading(&to, model_id, err));
    MEWL_TRY(
        mewl__store_start(store, &statement, err,
                          "SELECT " COLUMNS " FROM recordings AS r CROSS JOIN embeddings AS e ON e.recording_id = "
                          "r.id AND e.model_id = ? WHERE r.infant_id = ? AND r.start_ms >= ? AND r.start_ms < ? ORDER "
                          "BY r.start_ms, r.id",
                          "iiii", model_id, infant_id, from_ms, to_ms));
    return mewl__store_each(store, statement, give_row, &to, err);
}

mewl_status mewl_store_embedding_others(mewl_store *store, int64_t infant_id, int64_t model_id,
                                        mewl_status (*row)(void *user, int64_t infant_id,
                                                           const mewl_store_embedding *embedding),
                                        void *user, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    reading to;
    to.store = store;
    to.row = NULL;
    to.other = row;
    to.user = user;
    MEWL_TRY(begin_reading(&to, model_id, err));
    MEWL_TRY(mewl__store_start(store, &statement, err,
                               "SELECT " COLUMNS " FROM recordings AS r CROSS JOIN embeddings AS e ON e.recording_id = "
                               "r.id AND e.model_id = ? WHERE r.infant_id <> ? ORDER BY r.infant_id, r.start_ms, r.id",
                               "ii", model_id, infant_id));
    return mewl__store_each(store, statement, give_row, &to, err);
}
