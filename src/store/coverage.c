/* coverage.c - see coverage.h. */
#include "store/coverage.h"

#include "store/statement.h"

/* Longest stretch kept as one: what touches a time is then found without reading all that came before. */
#define STRETCH_MS (7LL * 86400000)

mewl_status mewl_store_coverage_add(mewl_store *store, const mewl_store_coverage *c, mewl_error *err)
{
    const double length_s = (double)(c->to_ms - c->from_ms) / 1000.0;
    bool own = false;
    if (c->to_ms < c->from_ms || c->to_ms - c->from_ms > STRETCH_MS || !(c->heard_s >= 0.0) ||
        c->heard_s > length_s + 0.001) {
        return mewl_error_set(err, MEWL_E_ARG,
                              "%g s heard of %g s: a stretch is up to a week and heard no more than that", c->heard_s,
                              length_s);
    }
    MEWL_TRY(mewl__store_whole_begin(store, &own, err));
    mewl_status status = mewl__store_run(store, err,
                                         "DELETE FROM coverage WHERE infant_id = ? AND from_ms = ? AND to_ms = ? AND "
                                         "source_id IS nullif(?, 0)",
                                         "iiii", c->infant_id, c->from_ms, c->to_ms, c->source_id);
    if (status == MEWL_OK) {
        status =
            mewl__store_run(store, err,
                            "INSERT INTO coverage(infant_id, source_id, from_ms, to_ms, heard_s) VALUES (?, nullif(?, "
                            "0), ?, ?, ?)",
                            "iiiid", c->infant_id, c->source_id, c->from_ms, c->to_ms, c->heard_s);
    }
    return mewl__store_whole_end(store, own, status, err);
}

typedef struct reading {
    mewl_status (*row)(void *user, const mewl_store_coverage *coverage);
    void *user;
} reading;

static mewl_status give_row(void *user, sqlite3_stmt *statement)
{
    const reading *to = user;
    const mewl_store_coverage coverage = {.infant_id = sqlite3_column_int64(statement, 0),
                                          .source_id = sqlite3_column_int64(statement, 1),
                                          .from_ms = sqlite3_column_int64(statement, 2),
                                          .to_ms = sqlite3_column_int64(statement, 3),
                                          .heard_s = sqlite3_column_double(statement, 4)};
    return to->row(to->user, &coverage);
}

mewl_status mewl_store_coverage_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                     mewl_status (*row)(void *user, const mewl_store_coverage *coverage), void *user,
                                     mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    reading to = {row, user};
    MEWL_TRY(
        mewl__store_start(store, &statement, err,
                          "SELECT infant_id, source_id, from_ms, to_ms, heard_s FROM coverage WHERE infant_id = ? AND "
                          "from_ms >= ? AND from_ms < ? AND to_ms > ? ORDER BY from_ms",
                          "iiii", infant_id, from_ms - STRETCH_MS, to_ms, from_ms));
    return mewl__store_each(store, statement, give_row, &to, err);
}

typedef struct sum {
    int64_t from_ms, to_ms; /* asked for */
    int64_t done_ms;        /* counted up to here */
    double heard_s;
} sum;

/* Stretches come by their start: of each, what lies behind the end of those before counts. */
static mewl_status add_up(void *user, const mewl_store_coverage *c)
{
    sum *s = user;
    const int64_t from = c->from_ms > s->done_ms ? c->from_ms : s->done_ms;
    const int64_t to = c->to_ms < s->to_ms ? c->to_ms : s->to_ms;
    if (to > from) {
        s->heard_s += c->heard_s * (double)(to - from) / (double)(c->to_ms - c->from_ms);
        s->done_ms = to;
    }
    return MEWL_OK;
}

mewl_status mewl_store_coverage_sum(mewl_store *store, double *heard_s, int64_t infant_id, int64_t from_ms,
                                    int64_t to_ms, mewl_error *err)
{
    sum s = {.from_ms = from_ms, .to_ms = to_ms, .done_ms = from_ms};
    MEWL_TRY(mewl_store_coverage_each(store, infant_id, from_ms, to_ms, add_up, &s, err));
    *heard_s = s.heard_s;
    return MEWL_OK;
}
