/* baby_show.c - `mewl baby list` and `mewl baby show`: who there is, and what is known of one. */
#include <string.h>

#include "cli/baby.h"
#include "cli/baby_learn.h"
#include "cli/baby_words.h"
#include "store/coverage.h"
#include "store/embeddings.h"

static const mewl_cli_option options[MEWL_BABY_OPTIONS + 1] = {MEWL_BABY_OPTION_ROWS};

static const mewl_cli_usage list_usage = {.command = "baby list",
                                          .operands = "",
                                          .about = "The infants that were added.",
                                          .options = options,
                                          .examples = "  mewl baby list\n"};

static const mewl_cli_usage show_usage = {
    .command = "baby show",
    .operands = "NAME",
    .about = "What is known of an infant: how many cries, from when, how much was listened, by which models.",
    .options = options,
    .examples = "  mewl baby show Ida\n"
                "  mewl baby show Ida --json\n"};

static json_t *infant_json(const mewl_baby *baby, const mewl_store_infant *infant, const mewl_store_totals *totals)
{
    json_t *out = json_object();
    char day[32], sex[2] = {infant->sex, '\0'};
    (void)mewl_json_set_string(out, "event", "infant");
    (void)mewl_json_set_string(out, "name", infant->name);
    (void)mewl_json_set_string(out, "born", mewl_baby_day(day, infant->born_ms));
    (void)mewl_json_set_real(out, "age_days", (double)(baby->now_ms - infant->born_ms) / (double)MEWL_BABY_DAY_MS);
    (void)mewl_json_set_string(out, "sex", sex);
    (void)mewl_json_set_real(out, "alarm_days", infant->alarm_days);
    (void)mewl_json_set_bool(out, "keep_clips", infant->keep_clips);
    (void)mewl_json_set_int(out, "clips_bytes_max", infant->clips_bytes);
    (void)mewl_json_set_int(out, "recordings", totals->recordings);
    (void)mewl_json_set_int(out, "cries", totals->cries);
    (void)mewl_json_set_int(out, "usable", totals->usable);
    (void)mewl_json_set_int(out, "enrolled", totals->enrolled);
    (void)mewl_json_set_int(out, "sessions", totals->sessions);
    (void)mewl_json_set_int(out, "clips", totals->clips);
    mewl_baby_set_time(out, "first", totals->first_ms);
    mewl_baby_set_time(out, "last", totals->last_ms);
    (void)mewl_json_set_int(out, "unusual", totals->unusual);
    (void)mewl_json_set_int(out, "alerts", totals->alerts);
    (void)mewl_json_set_int(out, "alerts_unseen", totals->unseen);
    return out;
}

/* ---- list ---- */

#define INFANTS_MAX 10000

typedef struct listing {
    mewl_baby *baby;
    json_t *list;
} listing;

static mewl_status collect(void *user, const mewl_store_infant *infant)
{
    json_t *list = user;
    json_t *name = json_array_size(list) < INFANTS_MAX ? mewl_json_string(infant->name) : NULL;
    return name != NULL && json_array_append_new(list, name) == 0 ? MEWL_OK : MEWL_E_MEMORY;
}

static void print_line(const mewl_baby *baby, const mewl_store_totals *t)
{
    char age[32], time[32];
    (void)printf("%-16s %-12s %6lld %s in %lld session%s, last %s%s\n", baby->infant.name,
                 mewl_baby_age(age, baby->infant.born_ms, baby->now_ms), (long long)t->cries,
                 t->cries == 1 ? "cry" : "cries", (long long)t->sessions, t->sessions == 1 ? "" : "s",
                 t->recordings > 0 ? mewl_baby_time(time, t->last_ms) : "-",
                 t->unseen > 0 ? "; new alerts: mewl baby alerts" : "");
}

static mewl_status list_all(mewl_baby *baby, json_t *names, json_t *out, mewl_error *err)
{
    mewl_store_totals totals;
    for (size_t i = 0; i < json_array_size(names); i++) {
        MEWL_TRY(mewl_store_infant_find(baby->store, &baby->infant, json_string_value(json_array_get(names, i)), err));
        MEWL_TRY(mewl_store_infant_totals(baby->store, &totals, baby->infant.id, err));
        if (baby->cli->json) {
            (void)json_array_append_new(out, infant_json(baby, &baby->infant, &totals));
        } else if (baby->cli->ndjson) {
            json_t *row = infant_json(baby, &baby->infant, &totals);
            const mewl_status status = mewl_json_print(row, stdout, false, err);
            json_decref(row);
            MEWL_TRY(status);
        } else {
            print_line(baby, &totals);
        }
    }
    return MEWL_OK;
}

int mewl_baby_list(mewl_cli *cli, int argc, char **argv)
{
    const char *value[MEWL_BABY_OPTIONS];
    int code = mewl_cli_parse(cli, &list_usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc != 0) {
        return mewl_cli_usage_error(cli, "list takes no name; did you mean `mewl baby show %s`?", argv[0]);
    }
    mewl_baby baby = {0};
    mewl_error err = {0};
    json_t *names = json_array(), *out = json_array();
    code = mewl_baby_open_any(&baby, cli, value);
    if (code == MEWL_CLI_GO) {
        mewl_status status =
            baby.store != NULL ? mewl_store_infant_each(baby.store, collect, names, &err) : MEWL_OK; /* nobody yet */
        status = status == MEWL_OK ? list_all(&baby, names, out, &err) : status;
        code = status == MEWL_OK ? MEWL_EXIT_DONE : mewl_cli_fail(cli, &err);
    }
    if (code == MEWL_EXIT_DONE && json_array_size(names) == 0) {
        mewl_cli_note(cli, "no infant is kept here; begin with `mewl baby add NAME --born DATE`");
    }
    if (code == MEWL_EXIT_DONE && cli->json) {
        json_t *document = json_object();
        (void)mewl_json_set(document, "infants", json_incref(out));
        code = mewl_baby_print(cli, document);
    }
    json_decref(names);
    json_decref(out);
    mewl_baby_close(&baby);
    return code;
}

/* ---- show ---- */

static mewl_status add_model(void *user, const mewl_store_model *model)
{
    json_t *row = json_object();
    (void)mewl_json_set_string(row, "kind", model->kind);
    (void)mewl_json_set_string(row, "name", model->name);
    (void)mewl_json_set_string(row, "id", model->hash);
    (void)mewl_json_set_int(row, "dimensions", model->dimensions);
    mewl_baby_set_time(row, "first_used", model->first_ms);
    return json_array_append_new(user, row) == 0 ? MEWL_OK : MEWL_E_MEMORY;
}

/* Of a model's hash, as much as tells it from another. */
#define HASH_SHOWN 12

static void print_infant(const mewl_baby *baby, const mewl_store_totals *t, double heard_s, const json_t *models,
                         const char *reach, const char *open)
{
    const mewl_store_infant *infant = &baby->infant;
    char a[32], b[32];
    (void)printf("%s, born %s (%s old)\n", infant->name, mewl_baby_day(a, infant->born_ms),
                 mewl_baby_age(b, infant->born_ms, baby->now_ms));
    (void)printf("cries        %lld in %lld session%s; %lld of them clear enough to compare\n", (long long)t->cries,
                 (long long)t->sessions, t->sessions == 1 ? "" : "s", (long long)t->usable);
    if (t->recordings > t->cries) {
        (void)printf("no cry       in %lld recording%s\n", (long long)(t->recordings - t->cries),
                     t->recordings - t->cries == 1 ? "" : "s");
    }
    if (t->recordings > 0) {
        (void)printf("from         %s to %s\n", mewl_baby_time(a, t->first_ms), mewl_baby_time(b, t->last_ms));
    }
    (void)printf("listened     %s in the last 7 days\n", mewl_cli_duration(a, sizeof a, heard_s));
    (void)printf("unusual      %lld; alerts: %lld (%lld new)\n", (long long)t->unusual, (long long)t->alerts,
                 (long long)t->unseen);
    (void)printf("alarms       set to at most about one false alarm in %g days\n", infant->alarm_days);
    if (reach != NULL) {
        (void)printf("not yet      %s\n", reach);
    }
    if (open != NULL) {
        (void)printf("to answer    %s\n", open);
    }
    if (infant->keep_clips) {
        (void)printf("recordings   %lld kept, up to %.0f MB\n", (long long)t->clips, (double)infant->clips_bytes / 1e6);
    } else {
        (void)printf("recordings   not kept (%lld from before)\n", (long long)t->clips);
    }
    for (size_t i = 0; i < json_array_size(models); i++) {
        const json_t *m = json_array_get(models, i);
        (void)printf("%-12s %s %.*s\n", json_string_value(json_object_get(m, "kind")),
                     json_string_value(json_object_get(m, "name")), HASH_SHOWN,
                     json_string_value(json_object_get(m, "id")));
    }
    (void)printf("kept in      %s\n", mewl_store_folder(baby->store));
}

static int show(mewl_baby *baby, const char *const *value)
{
    mewl_store_totals totals;
    mewl_error err = {0};
    double heard_s = 0.0;
    mewl_baby_learned learned;
    char reach[MEWL_BABY_REACH_MAX], open[MEWL_BABY_OPEN_MAX];
    json_t *models = json_array();
    int code = MEWL_EXIT_DONE;
    if (mewl_baby_settle(baby, &learned, &err) != MEWL_OK ||
        mewl_store_infant_totals(baby->store, &totals, baby->infant.id, &err) != MEWL_OK ||
        mewl_store_coverage_sum(baby->store, &heard_s, baby->infant.id, baby->now_ms - 7 * MEWL_BABY_DAY_MS,
                                baby->now_ms, &err) != MEWL_OK ||
        mewl_store_model_each(baby->store, add_model, models, &err) != MEWL_OK) {
        code = mewl_cli_fail(baby->cli, &err);
        json_decref(models);
        return code;
    }
    const bool waiting = mewl_baby_reach_words(reach, sizeof reach, &learned.state, baby->infant.alarm_days);
    const bool asked = mewl_baby_open_words(open, sizeof open, &learned.state, baby->infant.name);
    if (baby->cli->json || baby->cli->ndjson) {
        json_t *document = infant_json(baby, &baby->infant, &totals);
        (void)mewl_json_set_bool(document, "change_open", asked);
        (void)mewl_json_set_bool(document, "sessions_can_alarm", !waiting);
        (void)mewl_json_set_string(document, "personal_model",
                                   learned.state.sessions > 0 ? mewl_personal_name(learned.state.kind) : NULL);
        (void)mewl_json_set_int(document, "population_infants", (int64_t)learned.state.population_infants);
        (void)mewl_json_set_real(document, "listened_7_days_s", heard_s);
        (void)mewl_json_set(document, "models", json_incref(models));
        (void)mewl_json_set_string(document, "store", mewl_store_folder(baby->store));
        code = mewl_baby_print(baby->cli, document);
    } else {
        print_infant(baby, &totals, heard_s, models, waiting ? reach : NULL, asked ? open : NULL);
    }
    json_decref(models);
    return code;
}

int mewl_baby_show(mewl_cli *cli, int argc, char **argv)
{
    const char *value[MEWL_BABY_OPTIONS];
    return mewl_baby_run(cli, &show_usage, argc, argv, value, show);
}
