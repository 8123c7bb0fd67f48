/* baby_alerts.c - `mewl baby alerts`: what Mewl had to say, and that it was seen. */
#include "cli/baby.h"
#include "cli/baby_learn.h"
#include "cli/baby_words.h"
#include "store/alerts.h"

#define ALERTS_MAX 100000

enum { OPT_ALL = MEWL_BABY_OPTIONS, OPT_KEEP, OPT_ACCEPT, OPT_DISMISS, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_BABY_OPTION_ROWS,
    [OPT_ALL] = {"all", 'a', NULL, "also those that were seen before", false},
    [OPT_KEEP] = {"keep-new", 0, NULL, "leave them marked as new", false},
    [OPT_ACCEPT] = {"accept", 0, NULL, "the voice has changed and that is fine: learn it as usual from here on", false},
    [OPT_DISMISS] = {"dismiss", 0, NULL, "the change was nothing: what was usual before stays so", false},
};

static const mewl_cli_usage usage = {
    .command = "baby alerts",
    .operands = "NAME",
    .about = "What was unlike the infant's usual cries, and since when. Those shown count as seen afterwards.\n"
             "An alert says that the sound differs, not why. Mewl is not a medical device: when you are worried, ask\n"
             "somebody who can look at your child.\n"
             "After a change that lasts, Mewl learns nothing new and tells of no other change until you say what to\n"
             "make of it, with --accept or --dismiss, or until six sessions in a row are as before.",
    .options = options,
    .examples = "  mewl baby alerts Ida\n"
                "  mewl baby alerts Ida --all --json\n"
                "  mewl baby alerts Ida --accept\n"
                "  mewl baby alerts Ida --dismiss\n"};

typedef struct listing {
    bool all;
    size_t count;
    json_t *list; /* NULL: print */
} listing;

static void print_alert(const mewl_store_alert *alert)
{
    char time[32];
    (void)printf("%s%s  %s\n", mewl_baby_time(time, alert->time_ms), alert->seen_ms == 0 ? "  new" : "     ",
                 alert->text);
}

static mewl_status take(void *user, const mewl_store_alert *alert)
{
    listing *l = user;
    if (!l->all && alert->seen_ms != 0) {
        return MEWL_OK;
    }
    if (l->count++ >= ALERTS_MAX) {
        return MEWL_OK;
    }
    if (l->list == NULL) {
        print_alert(alert);
        return MEWL_OK;
    }
    json_t *row = json_object();
    (void)mewl_json_set_string(row, "event", "alert");
    (void)mewl_json_set_int(row, "id", alert->id);
    mewl_baby_set_time(row, "time", alert->time_ms);
    mewl_baby_set_time(row, "told", alert->told_ms);
    mewl_baby_set_time(row, "seen", alert->seen_ms);
    (void)mewl_json_set_string(row, "kind", alert->kind);
    (void)mewl_json_set_real(row, "p_value", alert->p_value);
    (void)mewl_json_set_real(row, "alarm_days", alert->alarm_days);
    (void)mewl_json_set_string(row, "text", alert->text);
    return json_array_append_new(l->list, row) == 0 ? MEWL_OK : MEWL_E_MEMORY;
}

static mewl_status print_rows(const mewl_baby *baby, const json_t *list, bool open, mewl_error *err)
{
    if (baby->cli->ndjson) {
        for (size_t i = 0; i < json_array_size(list); i++) {
            MEWL_TRY(mewl_json_print(json_array_get(list, i), stdout, false, err));
        }
        return MEWL_OK;
    }
    json_t *document = json_object();
    (void)mewl_json_set_string(document, "name", baby->infant.name);
    (void)mewl_json_set_bool(document, "change_open", open);
    (void)mewl_json_set(document, "alerts", json_incref((json_t *)(uintptr_t)list));
    const mewl_status status = mewl_json_print(document, stdout, true, err);
    json_decref(document);
    return status;
}

static mewl_status alerts(mewl_baby *baby, bool all, bool keep, mewl_error *err)
{
    const bool json = baby->cli->json || baby->cli->ndjson;
    mewl_baby_learned learned;
    char words[MEWL_BABY_OPEN_MAX > MEWL_BABY_REACH_MAX ? MEWL_BABY_OPEN_MAX : MEWL_BABY_REACH_MAX];
    MEWL_TRY(mewl_baby_settle(baby, &learned, err)); /* a session may be over since, and have something to tell */
    listing l = {.all = all, .list = json ? json_array() : NULL};
    mewl_status status = mewl_store_alert_each(baby->store, baby->infant.id, INT64_MIN, INT64_MAX, take, &l, err);
    if (status == MEWL_OK && json) {
        status = print_rows(baby, l.list, learned.state.change_open, err);
    } else if (status == MEWL_OK && l.count == 0) {
        (void)printf("No %salerts for %s.\n", all ? "" : "new ", baby->infant.name);
    }
    if (status == MEWL_OK && mewl_baby_reach_words(words, sizeof words, &learned.state, baby->infant.alarm_days)) {
        mewl_cli_note(baby->cli, "%s", words);
    }
    if (status == MEWL_OK && mewl_baby_open_words(words, sizeof words, &learned.state, baby->infant.name)) {
        mewl_cli_note(baby->cli, "%s", words);
    }
    if (status == MEWL_OK && !keep && l.count > 0) {
        status = mewl_store_alert_seen(baby->store, baby->infant.id, baby->now_ms, err);
    }
    json_decref(l.list);
    return status;
}

/* What the family says of the change that is open. */
static int answer(mewl_baby *baby, bool accept)
{
    mewl_error err = {0};
    mewl_baby_learned learned;
    if (mewl_baby_answer(baby, &learned, accept, &err) != MEWL_OK) {
        return mewl_cli_fail(baby->cli, &err);
    }
    if (baby->cli->json || baby->cli->ndjson) {
        json_t *document = json_object();
        (void)mewl_json_set_string(document, "event", accept ? "accepted" : "dismissed");
        (void)mewl_json_set_string(document, "name", baby->infant.name);
        (void)mewl_json_set_bool(document, "change_open", learned.state.change_open);
        return mewl_baby_print(baby->cli, document);
    }
    if (accept) {
        (void)printf("Noted: %s's voice has changed. The next sessions are learned as the new usual.\n",
                     baby->infant.name);
    } else {
        (void)printf("Noted: it was nothing. What was usual for %s stays so; Mewl learns on.\n", baby->infant.name);
    }
    return MEWL_EXIT_DONE;
}

static int run_alerts(mewl_baby *baby, const char *const *value)
{
    mewl_error err = {0};
    const bool accept = value[OPT_ACCEPT] != NULL, dismiss = value[OPT_DISMISS] != NULL;
    if (accept + dismiss + (value[OPT_ALL] != NULL || value[OPT_KEEP] != NULL) > 1) {
        return mewl_cli_usage_error(baby->cli, "--accept, --dismiss and what is listed exclude one another");
    }
    if (accept || dismiss) {
        return answer(baby, accept);
    }
    return alerts(baby, value[OPT_ALL] != NULL, value[OPT_KEEP] != NULL, &err) == MEWL_OK
               ? MEWL_EXIT_DONE
               : mewl_cli_fail(baby->cli, &err);
}

int mewl_baby_alerts(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    return mewl_baby_run(cli, &usage, argc, argv, value, run_alerts);
}
