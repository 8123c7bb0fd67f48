/* announce.c - see announce.h. */
#include "cli/announce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

/* UTC milliseconds of a moment that lies `ago_s` of stream time back. */
static int64_t wall_ms(const mewl_announcer *a, double ago_s)
{
    return mewl_clock_wall_ms(&a->clock) - (int64_t)llround(1e3 * ago_s);
}

/* Local time of day for people; stream time where there is no "now". */
static const char *when(const mewl_announcer *a, char *out, size_t size, double ago_s, double time_s)
{
    if (a->live) {
        time_t seconds = (time_t)(wall_ms(a, ago_s) / 1000);
        struct tm local;
        if (localtime_r(&seconds, &local) != NULL && strftime(out, size, "%H:%M:%S", &local) > 0) {
            return out;
        }
    }
    long whole = lround(time_s);
    (void)snprintf(out, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    return out;
}

static void print(mewl_announcer *a, json_t *event, mewl_status status)
{
    if (status != MEWL_OK || mewl_json_print(event, stdout, false, NULL) != MEWL_OK) {
        a->failed = true;
    }
    json_decref(event);
}

static json_t *new_event(const mewl_announcer *a, const char *kind, mewl_status *status)
{
    json_t *event = json_object();
    *status = mewl_json_set_string(event, "event", kind);
    if (*status == MEWL_OK) {
        *status = mewl_json_set_string(event, "file", a->source);
    }
    return event;
}

static mewl_status set_wall(json_t *event, const mewl_announcer *a, const char *key, double ago_s)
{
    if (!a->live) {
        return MEWL_OK;
    }
    char iso[MEWL_CLOCK_ISO_MAX];
    mewl_clock_iso(iso, wall_ms(a, ago_s));
    return mewl_json_set_string(event, key, iso);
}

static void end_line(mewl_announcer *a)
{
    (void)putchar('\n');
    if (fflush(stdout) != 0) {
        a->failed = true;
    }
}

void mewl_announce_begin(mewl_announcer *a, double latency_s)
{
    a->deaf_since_s = NAN;
    if (a->cli->ndjson) {
        mewl_status status;
        json_t *event = new_event(a, "listening", &status);
        if (status == MEWL_OK) {
            status = mewl_json_set_real(event, "latency_s", round(1e3 * latency_s) / 1e3);
        }
        if (status == MEWL_OK) {
            status = set_wall(event, a, "time", 0.0);
        }
        print(a, event, status);
        return;
    }
    mewl_cli_note(a->cli, "listening to %s; a cry is told within %.1f s. Ctrl-C ends it.", a->source, latency_s);
}

static void cry_as_json(mewl_announcer *a, const mewl_session_event *e)
{
    static const char *const kinds[] = {[MEWL_SESSION_START] = "episode_start",
                                        [MEWL_SESSION_UPDATE] = "episode_update",
                                        [MEWL_SESSION_END] = "episode"};
    mewl_status status;
    json_t *event = new_event(a, kinds[e->kind], &status);
    status = status == MEWL_OK ? mewl_json_set_real(event, "onset_s", e->episode.onset_s) : status;
    status = status == MEWL_OK ? mewl_json_set_real(event, "offset_s", e->episode.offset_s) : status;
    double confidence = round(1e6 * (double)e->episode.confidence) / 1e6;
    status = status == MEWL_OK ? mewl_json_set_real(event, "confidence", confidence) : status;
    double level = round(1e3 * (double)e->episode.level_dbfs) / 1e3;
    status = status == MEWL_OK ? mewl_json_set_real(event, "level_dbfs", level) : status;
    status = status == MEWL_OK ? mewl_json_set_real(event, "told_s", e->time_s) : status;
    status = status == MEWL_OK ? set_wall(event, a, "onset", e->time_s - e->episode.onset_s) : status;
    if (e->kind == MEWL_SESSION_END) {
        status = status == MEWL_OK ? set_wall(event, a, "offset", e->time_s - e->episode.offset_s) : status;
    }
    print(a, event, status);
}

static void cry_as_text(mewl_announcer *a, const mewl_session_event *e)
{
    const mewl_episode *cry = &e->episode;
    char at[32], length[32], sure[32], level[32] = "";
    const char *bold = a->cli->colour ? "\033[1m" : "", *plain = a->cli->colour ? "\033[0m" : "";
    if (isfinite(cry->level_dbfs)) {
        (void)snprintf(level, sizeof level, ", %.1f dBFS", (double)cry->level_dbfs);
    }
    (void)mewl_cli_duration(length, sizeof length, cry->offset_s - cry->onset_s);
    (void)mewl_cli_sure(sure, sizeof sure, (double)cry->confidence);
    switch (e->kind) {
    case MEWL_SESSION_START:
        (void)printf("%s  %scrying%s (%s%s)", when(a, at, sizeof at, e->time_s - cry->onset_s, cry->onset_s), bold,
                     plain, sure, level);
        break;
    case MEWL_SESSION_UPDATE:
        (void)printf("%s  still crying, for %s (%s%s)", when(a, at, sizeof at, 0.0, e->time_s), length, sure, level);
        break;
    default:
        (void)printf("%s  the cry ended after %s (%s%s)",
                     when(a, at, sizeof at, e->time_s - cry->offset_s, cry->offset_s), length, sure, level);
        break;
    }
    end_line(a);
}

static void hearing_changed(mewl_announcer *a, const mewl_session_event *e)
{
    const mewl_hearing_verdict *v = &e->hearing;
    if (!isnan(a->deaf_since_s)) {
        a->deaf_s += fmax(0.0, v->since_s - a->deaf_since_s);
    }
    a->deaf_since_s = v->hearing ? NAN : v->since_s;
    if (a->cli->ndjson) {
        mewl_status status;
        json_t *event = new_event(a, v->hearing ? "hearing" : "not_hearing", &status);
        status = status == MEWL_OK ? mewl_json_set_real(event, "onset_s", v->since_s) : status;
        if (!v->hearing) {
            status = status == MEWL_OK ? mewl_json_set_string(event, "reason", mewl_hearing_text(v->why)) : status;
        }
        status = status == MEWL_OK ? set_wall(event, a, "onset", e->time_s - v->since_s) : status;
        print(a, event, status);
        return;
    }
    char at[32];
    (void)when(a, at, sizeof at, e->time_s - v->since_s, v->since_s);
    if (v->hearing) {
        (void)printf("%s  hearing again", at);
    } else {
        (void)printf("%s  NOT HEARING: %s", at, mewl_hearing_text(v->why));
    }
    end_line(a);
}

void mewl_announce_event(void *announcer, const mewl_session_event *event)
{
    mewl_announcer *a = announcer;
    mewl_cli_report_clear(a->cli);
    if (event->kind == MEWL_SESSION_HEARING) {
        hearing_changed(a, event);
        return;
    }
    if (event->kind == MEWL_SESSION_END) {
        a->cries++;
        a->crying_s += event->episode.offset_s - event->episode.onset_s;
    }
    if (a->cli->ndjson) {
        cry_as_json(a, event);
    } else {
        cry_as_text(a, event);
    }
}

void mewl_announce_reconnected(mewl_announcer *a, double time_s, unsigned long long reconnects, double lost_s)
{
    if (!a->cli->ndjson) {
        mewl_cli_note(a->cli, "reconnected (%llu so far, %.1f s lost in all)", reconnects, lost_s);
        return;
    }
    mewl_status status;
    json_t *event = new_event(a, "reconnected", &status);
    status = status == MEWL_OK ? mewl_json_set_real(event, "onset_s", time_s) : status;
    status = status == MEWL_OK ? mewl_json_set_int(event, "reconnects", (int64_t)reconnects) : status;
    status = status == MEWL_OK ? mewl_json_set_real(event, "lost_s", round(1e3 * lost_s) / 1e3) : status;
    print(a, event, status);
}

void mewl_announce_end(mewl_announcer *a, double seconds, const char *why)
{
    if (!isnan(a->deaf_since_s)) {
        a->deaf_s += fmax(0.0, seconds - a->deaf_since_s);
        a->deaf_since_s = NAN;
    }
    mewl_cli_report_clear(a->cli);
    if (a->cli->ndjson) {
        mewl_status status;
        json_t *event = new_event(a, "stopped", &status);
        status = status == MEWL_OK ? mewl_json_set_real(event, "seconds", seconds) : status;
        status = status == MEWL_OK ? mewl_json_set_int(event, "episodes", (int64_t)a->cries) : status;
        status = status == MEWL_OK ? mewl_json_set_real(event, "not_hearing_s", a->deaf_s) : status;
        status = status == MEWL_OK ? mewl_json_set_string(event, "reason", why) : status;
        print(a, event, status);
        return;
    }
    char length[32], sum[32];
    mewl_cli_note(a->cli, "%s after %s: %zu %s, %s of crying%s", why, mewl_cli_duration(length, sizeof length, seconds),
                  a->cries, a->cries == 1 ? "cry" : "cries", mewl_cli_duration(sum, sizeof sum, a->crying_s),
                  a->deaf_s > 0.0 ? "; part of the time nothing could be heard" : "");
}

void mewl_announce_error(mewl_announcer *a, const mewl_error *err)
{
    mewl_cli_error(a->cli, "%s", err->text[0] != '\0' ? err->text : mewl_status_text(err->status));
    if (a->cli->ndjson) {
        mewl_status status;
        json_t *event = new_event(a, "error", &status);
        status = status == MEWL_OK ? mewl_json_set_string(event, "code", mewl_status_name(err->status)) : status;
        status = status == MEWL_OK ? mewl_json_set_string(event, "message", err->text) : status;
        print(a, event, status);
    }
}

void mewl_announce_log(void *announcer, mewl_log_level level, const char *text)
{
    const mewl_announcer *a = announcer;
    (void)level;
    mewl_cli_note(a->cli, "%s", text);
}
