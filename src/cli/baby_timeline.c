/* baby_timeline.c - `mewl baby timeline`: an infant's weeks as text, JSON or a picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/baby_learn.h"
#include "cli/baby_span.h"
#include "cli/baby_words.h"
#include "draw/timeline.h"

#define DAYS 90.0

enum { OPT_DAYS = MEWL_BABY_OPTIONS, OPT_FROM, OPT_TO, OPT_PICTURE, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_BABY_OPTION_ROWS,
    [OPT_DAYS] = {"days", 0, "N", "how many days, to the present or the last recording (90)", true},
    [OPT_FROM] = {"from", 0, "DAY", "first day instead, as in 2026-11-20", false},
    [OPT_TO] = {"to", 0, "DAY", "last day instead", false},
    [OPT_PICTURE] = {"picture", 'p', "OUT", "draw it: OUT.png, OUT.svg or OUT.pdf", false},
};

static const mewl_cli_usage usage = {
    .command = "baby timeline",
    .operands = "NAME",
    .about = "How an infant sounded over the weeks, session by session, beside how long was listened: of a day on\n"
             "which nobody listened, nothing is known. In the picture, height says how rare a session was among the\n"
             "usual ones; grey days were not listened to.",
    .options = options,
    .examples = "  mewl baby timeline Ida\n"
                "  mewl baby timeline Ida --days 30 --picture weeks.png\n"
                "  mewl baby timeline Ida --json > weeks.json\n"};

/* ---- The picture. ---- */

/* Days since 1970 by the clock of this place. */
static double local_day(int64_t ms)
{
    const time_t seconds = (time_t)(ms >= 0 ? ms / 1000 : (ms - 999) / 1000);
    struct tm t;
    if (localtime_r(&seconds, &t) == NULL) {
        return (double)ms / (double)MEWL_BABY_DAY_MS;
    }
    return ((double)seconds + (double)t.tm_gmtoff + (double)(ms - (int64_t)seconds * 1000) / 1000.0) / 86400.0;
}

static size_t make_points(mewl_timeline_point *points, const mewl_baby_span *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->score_count; i++) {
        if (isfinite(s->scores[i].p_value)) {
            points[count++] = (mewl_timeline_point){local_day(s->scores[i].time_ms), s->scores[i].p_value, false,
                                                    s->scores[i].verdict == MEWL_STORE_UNUSUAL};
        }
    }
    for (size_t i = 0; i < s->entry_count; i++) {
        const mewl_store_entry *e = &s->entries[i];
        if (e->kind <= MEWL_STORE_ENTRY_LEARNING) {
            points[count++] =
                (mewl_timeline_point){local_day(e->time_ms), e->p_value, true, e->kind == MEWL_STORE_ENTRY_UNUSUAL};
        }
    }
    return count;
}

/* Whether a change of microphone or room lies within two days before: learning anew is then part of that. */
static bool after_device(const mewl_baby_span *s, int64_t time_ms)
{
    for (size_t i = 0; i < s->entry_count && s->entries[i].time_ms <= time_ms; i++) {
        if (s->entries[i].kind == MEWL_STORE_ENTRY_DEVICE && s->entries[i].time_ms > time_ms - 2 * MEWL_BABY_DAY_MS) {
            return true;
        }
    }
    return false;
}

static size_t make_marks(mewl_timeline_mark *marks, const mewl_baby_span *s)
{
    size_t count = 0;
    bool learned = false;
    for (size_t i = 0; i < s->entry_count; i++) {
        const mewl_store_entry *e = &s->entries[i];
        if (e->kind == MEWL_STORE_ENTRY_DEVICE) {
            marks[count++] =
                (mewl_timeline_mark){MEWL_TIMELINE_MICROPHONE, local_day(e->time_ms), "microphone or room"};
        } else if (e->kind == MEWL_STORE_ENTRY_NOTE) {
            marks[count++] = (mewl_timeline_mark){MEWL_TIMELINE_NOTE, local_day(e->time_ms), e->text};
        } else if (e->kind == MEWL_STORE_ENTRY_ACCEPTED || e->kind == MEWL_STORE_ENTRY_DISMISSED) {
            marks[count++] = (mewl_timeline_mark){MEWL_TIMELINE_NOTE, local_day(e->time_ms),
                                                  e->kind == MEWL_STORE_ENTRY_ACCEPTED ? "a new usual" : "was nothing"};
        } else if (e->kind == MEWL_STORE_ENTRY_ENROLLED && !learned && !after_device(s, e->time_ms)) {
            marks[count++] = (mewl_timeline_mark){MEWL_TIMELINE_BASELINE, local_day(e->time_ms), "learned as usual"};
        }
        learned = e->kind == MEWL_STORE_ENTRY_ENROLLED;
    }
    for (size_t i = 0; i < s->alert_count; i++) {
        if (strcmp(s->alerts[i].kind, "device") != 0) {
            marks[count++] = (mewl_timeline_mark){MEWL_TIMELINE_ALERT, local_day(s->alerts[i].time_ms),
                                                  strcmp(s->alerts[i].kind, "change") == 0 ? "different for some time"
                                                                                           : "unlike usual"};
        }
    }
    return count;
}

static mewl_status draw(const mewl_baby_span *s, const mewl_baby *baby, const char *path, double level, mewl_error *err)
{
    char title[160], note[256], age[32], span[32];
    size_t heard_days = 0;
    const double heard_s = mewl_baby_span_heard(s, &heard_days);
    double *heard_h = calloc(s->days, sizeof *heard_h);
    mewl_timeline_point *points = calloc(s->score_count + s->entry_count + 1, sizeof *points);
    mewl_timeline_mark *marks = calloc(s->entry_count + s->alert_count + 1, sizeof *marks);
    mewl_status status = heard_h == NULL || points == NULL || marks == NULL
                             ? mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the picture")
                             : MEWL_OK;
    for (size_t i = 0; i < s->days && status == MEWL_OK; i++) {
        heard_h[i] = fmin(24.0, s->heard_s[i] / 3600.0);
    }
    (void)snprintf(title, sizeof title, "%s, %s old", baby->infant.name,
                   mewl_baby_age(age, baby->infant.born_ms, s->to_ms));
    (void)snprintf(
        note, sizeof note,
        "Listened %s on %zu of %zu days. At most about one false alarm in %g days. A difference in sound, not a "
        "diagnosis.",
        mewl_cli_duration(span, sizeof span, heard_s), heard_days, s->days, baby->infant.alarm_days);
    if (status == MEWL_OK) {
        const double first_day = round(local_day(s->from_ms));
        const mewl_timeline_opts opts = {.title = title,
                                         .note = note,
                                         .first_day = first_day,
                                         .last_day = first_day + (double)s->days,
                                         .born_day = (double)baby->infant.born_ms / (double)MEWL_BABY_DAY_MS,
                                         .usual_p = level > 0.0 && level < 1.0 ? level : 0.01,
                                         .heard_h = heard_h};
        status = mewl_timeline_draw(path, points, make_points(points, s), marks, make_marks(marks, s), opts, err);
    }
    free(heard_h);
    free(points);
    free(marks);
    return status;
}

/* ---- The text. ---- */

static void print_text(const mewl_baby_span *s, const mewl_baby *baby, const mewl_infant_state *state)
{
    char a[32], b[32], span[32], open[MEWL_BABY_OPEN_MAX];
    size_t heard_days = 0, sessions = 0;
    const double heard_s = mewl_baby_span_heard(s, &heard_days);
    (void)printf("%s, born %s: %zu days to %s\n", baby->infant.name, mewl_baby_day(a, baby->infant.born_ms), s->days,
                 mewl_baby_time(b, s->to_ms - 1));
    (void)printf("Listened %s on %zu of these days%s\n\n", mewl_cli_duration(span, sizeof span, heard_s), heard_days,
                 heard_days < s->days ? "; of the others nothing is known." : ".");
    for (size_t i = 0; i < s->entry_count; i++) {
        const mewl_store_entry *e = &s->entries[i];
        char cries[32] = "";
        if (e->kind <= MEWL_STORE_ENTRY_LEARNING) {
            (void)snprintf(cries, sizeof cries, "%lld cr%s", (long long)e->recordings,
                           e->recordings == 1 ? "y" : "ies");
            sessions++;
        }
        const bool loud = e->kind == MEWL_STORE_ENTRY_UNUSUAL || e->kind == MEWL_STORE_ENTRY_CHANGE;
        (void)printf("%s %c %-10s %s\n", mewl_baby_time(a, e->time_ms), loud ? '!' : ' ', cries, e->text);
    }
    if (sessions == 0) {
        (void)printf("No session of crying in these days.\n");
    }
    if (s->alert_count > 0) {
        (void)printf("\nTold: %zu (mewl baby alerts %s --all)\n", s->alert_count, baby->infant.name);
    }
    if (mewl_baby_open_words(open, sizeof open, state, baby->infant.name)) {
        mewl_cli_note(baby->cli, "%s", open);
    }
}

/* ---- The command. ---- */

/* The stretch asked for, MEWL_CLI_GO or the exit code. Without a wish it ends now, or with the last recording where
 * that lies further back than the stretch is long. */
static int choose_days(mewl_baby *baby, const char *const *value, int64_t *from_ms, int64_t *to_ms)
{
    double days = DAYS;
    mewl_store_totals totals;
    mewl_error err = {0};
    if (!mewl_cli_number(baby->cli, "days", value[OPT_DAYS], 1.0, MEWL_BABY_SPAN_DAYS_MAX, &days)) {
        return MEWL_EXIT_USAGE;
    }
    if (mewl_store_infant_totals(baby->store, &totals, baby->infant.id, &err) != MEWL_OK) {
        return mewl_cli_fail(baby->cli, &err);
    }
    const int64_t length_ms = (int64_t)((days - 1.0) * (double)MEWL_BABY_DAY_MS);
    *to_ms = baby->now_ms;
    if (totals.recordings > 0 && (totals.last_ms < *to_ms - length_ms || totals.last_ms > *to_ms)) {
        *to_ms = totals.last_ms;
    }
    if (value[OPT_TO] != NULL && !mewl_baby_parse_time(to_ms, value[OPT_TO])) {
        return mewl_cli_usage_error(baby->cli, "--to takes a day like 2026-11-20, not `%s`", value[OPT_TO]);
    }
    *from_ms = *to_ms - length_ms;
    const int64_t two_weeks = *to_ms - 13 * MEWL_BABY_DAY_MS;
    if (value[OPT_DAYS] == NULL && totals.recordings > 0 && totals.first_ms > *from_ms) { /* not weeks of nothing */
        *from_ms = totals.first_ms < two_weeks ? totals.first_ms : two_weeks;
    }
    if (value[OPT_FROM] != NULL && !mewl_baby_parse_time(from_ms, value[OPT_FROM])) {
        return mewl_cli_usage_error(baby->cli, "--from takes a day like 2026-11-20, not `%s`", value[OPT_FROM]);
    }
    char first[32], last[32];
    return *from_ms <= *to_ms
               ? MEWL_CLI_GO
               : mewl_cli_usage_error(baby->cli,
                                      "the timeline would begin on %s and end on %s, before that: --from is "
                                      "the earlier day, --to the later one",
                                      mewl_baby_time(first, *from_ms), mewl_baby_time(last, *to_ms));
}

static int timeline(mewl_baby *baby, const char *const *value)
{
    mewl_baby_learned learned;
    mewl_baby_span span = {0};
    mewl_error err = {0};
    int64_t from_ms = 0, to_ms = 0;
    mewl_status status = mewl_baby_settle(baby, &learned, &err);
    int code = status == MEWL_OK ? choose_days(baby, value, &from_ms, &to_ms) : mewl_cli_fail(baby->cli, &err);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    status = mewl_baby_span_read(&span, baby, from_ms, to_ms, &err);
    if (status == MEWL_OK && value[OPT_PICTURE] != NULL) {
        status = draw(&span, baby, value[OPT_PICTURE], learned.state.level, &err);
    }
    if (status != MEWL_OK) {
        code = mewl_cli_fail(baby->cli, &err);
    } else if (baby->cli->json || baby->cli->ndjson) {
        code = mewl_baby_print(baby->cli, mewl_baby_span_json(&span, baby));
    } else {
        print_text(&span, baby, &learned.state);
        code = MEWL_EXIT_DONE;
    }
    mewl_baby_span_fini(&span);
    return code;
}

int mewl_baby_timeline(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    return mewl_baby_run(cli, &usage, argc, argv, value, timeline);
}
