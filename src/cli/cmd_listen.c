/* cmd_listen.c - `mewl listen`: cries as they happen, from a microphone, a camera, a web stream or standard input. */
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "audio/device.h"
#include "audio/level.h"
#include "audio/source.h"
#include "base/json.h"
#include "cli/announce.h"
#include "cli/commands.h"
#include "cli/find.h"
#include "cli/model_file.h"

#define PATH_BYTES 4096
#define PULL_S 0.1 /* sound taken at a time */

enum {
    OPT_LIST,
    OPT_FOR,
    OPT_THRESHOLD,
    OPT_MODEL,
    OPT_UPDATE,
    OPT_CHUNK,
    OPT_MERGE_GAP,
    OPT_RECONNECTS,
    OPT_UDP,
    OPT_PRECISION,
    OPT_RAW,
    OPT_RATE,
    OPT_CHANNELS,
    OPT_COUNT
};

static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_LIST] = {"list", 'l', NULL, "list the microphones of this machine and end", false},
    [OPT_FOR] = {"for", 0, "SECONDS", "listen for so long, then end", false},
    [OPT_THRESHOLD] = {"threshold", 't', "X", "confidence from which a sound counts as a cry, 0 to 1 (model's own)",
                       true},
    [OPT_MODEL] = {"model", 'm', "FILE", "detector to use instead of the one that ships", true},
    [OPT_UPDATE] = {"update", 0, "SECONDS", "tell so often that a cry lasts (10; 0: never)", true},
    [OPT_CHUNK] = {"chunk", 0, "SECONDS", "sound judged at a time: less is prompter and costs more (0.4)", true},
    [OPT_MERGE_GAP] = {"merge-gap", 0, "S", "pauses up to this long stay inside one cry, seconds", true},
    [OPT_RECONNECTS] = {"reconnects", 0, "N", "failed attempts in a row after which to give up (never; -1: none)",
                        true},
    [OPT_UDP] = {"rtsp-udp", 0, NULL, "take RTSP over UDP instead of TCP", true},
    [OPT_PRECISION] = {"precision", 0, "P", "fp32, bf16, or auto: bf16 where that is faster (auto)", true},
    [OPT_RAW] = {"raw", 0, "FORMAT", "standard input is raw sound: s16le, f32le, mulaw, ...", false},
    [OPT_RATE] = {"rate", 0, "HZ", "rate of raw sound (16000)", false},
    [OPT_CHANNELS] = {"channels", 0, "N", "channels of raw sound (1)", false},
};

static const mewl_cli_usage usage = {
    .command = "listen",
    .operands = "[SOURCE]",
    .about = "Tells cries as they happen: when one starts, lasts and ends; and when nothing can be heard.\n"
             "SOURCE is a microphone as `mewl listen --list` names it (default: the machine's own), an address\n"
             "(rtsp://, http://, https://), a file, or - for standard input. Lost streams are reconnected.",
    .options = options,
    .examples = "  mewl listen\n"
                "  mewl listen --list\n"
                "  mewl listen rtsp://camera.local/stream1\n"
                "  mewl listen --ndjson --for 3600 pulse:default > hour.ndjson\n"
                "  arecord -f S16_LE -r 16000 -t raw | mewl listen --raw s16le -\n"};

/* Set by SIGINT, SIGTERM and the timer of --for; the source watches it. A signal handler leaves no other way. */
static atomic_bool stop_asked;
static volatile sig_atomic_t time_is_up;

static void on_signal(int number)
{
    if (number == SIGALRM) {
        time_is_up = 1;
    }
    atomic_store(&stop_asked, true);
}

static void watch_signals(double for_s)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    if (for_s > 0.0) {
        (void)sigaction(SIGALRM, &action, NULL);
        double whole = floor(for_s);
        struct itimerval timer = {.it_value = {(time_t)whole, (suseconds_t)(1e6 * (for_s - whole))}};
        if (timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0) {
            timer.it_value.tv_usec = 1;
        }
        (void)setitimer(ITIMER_REAL, &timer, NULL);
    }
}

static int list_devices(mewl_cli *cli)
{
    mewl_device_set set;
    mewl_error err = {0};
    if (mewl_device_list(&set, 0.0, &err) != MEWL_OK) {
        return mewl_cli_fail(cli, &err);
    }
    json_t *all = json_array();
    int code = MEWL_EXIT_DONE;
    for (size_t i = 0; i < set.count; i++) {
        const mewl_device *d = &set.devices[i];
        if (!cli->json && !cli->ndjson) {
            (void)printf("%-40s %s%s%s\n", d->url, d->description, d->is_default ? " (default)" : "",
                         d->is_monitor ? " (what this machine plays, not a microphone)" : "");
            continue;
        }
        json_t *one = json_object();
        bool ok = mewl_json_set_string(one, "url", d->url) == MEWL_OK &&
                  mewl_json_set_string(one, "description", d->description) == MEWL_OK &&
                  mewl_json_set_bool(one, "default", d->is_default) == MEWL_OK &&
                  mewl_json_set_bool(one, "monitor", d->is_monitor) == MEWL_OK;
        if (!ok || (cli->ndjson && mewl_json_print(one, stdout, false, &err) != MEWL_OK) ||
            json_array_append(all, one) != 0) {
            code = MEWL_EXIT_FAILED;
        }
        json_decref(one);
    }
    if (cli->json && mewl_json_print(all, stdout, true, &err) != MEWL_OK) {
        code = MEWL_EXIT_FAILED;
    }
    if (set.count == 0) {
        mewl_cli_note(cli, "no microphone was found");
    }
    json_decref(all);
    mewl_device_set_fini(&set);
    return code;
}

/* The machine's own microphone: the default, else the first that is no monitor. */
static mewl_status default_source(char *out, size_t size, mewl_error *err)
{
    mewl_device_set set;
    MEWL_TRY(mewl_device_list(&set, 0.0, err));
    const mewl_device *best = NULL;
    for (size_t i = 0; i < set.count; i++) {
        const mewl_device *d = &set.devices[i];
        if (!d->is_monitor && (best == NULL || (d->is_default && !best->is_default))) {
            best = d;
        }
    }
    mewl_status status = MEWL_OK;
    if (best == NULL) {
        status = mewl_error_set(err, MEWL_E_NOT_FOUND,
                                "this machine has no microphone that Mewl can find; name a source "
                                "(rtsp://, http://, alsa:..., pulse:..., a file, or -)");
    } else if ((size_t)snprintf(out, size, "%s", best->url) >= size) {
        status = mewl_error_set(err, MEWL_E_ARG, "the name of the microphone is too long");
    }
    mewl_device_set_fini(&set);
    return status;
}

/* ---- The loop ---- */

typedef struct listener {
    mewl_cli *cli;
    mewl_source *source;
    mewl_session *session;
    mewl_announcer *announcer;
    mewl_clock clock;
    bool live;
    double heard_until_s; /* by the clock: up to here sound or its absence has been told to the session */
    bool waiting;         /* nothing has come since a time-out */
    uint64_t reconnects;
    double for_s;
} listener;

/* What has passed since the last sound, but for `sound_s` that has just come, was lost. */
static mewl_status tell_gap(listener *l, double sound_s, mewl_error *err)
{
    double now_s = mewl_clock_now_s(&l->clock);
    double gap_s = now_s - l->heard_until_s - sound_s;
    l->heard_until_s = now_s;
    return mewl_session_gap(l->session, fmax(gap_s, 0.0), err);
}

/* Sound that comes after a loss, long or short, does not join on to what was heard before. */
static mewl_status bridge(listener *l, size_t got, mewl_error *err)
{
    mewl_source_info info;
    mewl_source_describe(l->source, &info);
    bool reconnected = info.reconnects != l->reconnects;
    if (l->waiting || reconnected) {
        MEWL_TRY(tell_gap(l, (double)got / info.rate_hz, err));
    }
    l->waiting = false;
    l->reconnects = info.reconnects;
    if (reconnected) {
        mewl_announce_reconnected(l->announcer, mewl_session_time_s(l->session), (unsigned long long)info.reconnects,
                                  info.lost_s);
    }
    return MEWL_OK;
}

static void draw_level(listener *l, const float *pcm, size_t count)
{
    if (l->cli->progress) {
        char text[64];
        (void)snprintf(text, sizeof text, "listening  %6.1f dBFS", mewl_level_dbfs(pcm, count));
        mewl_cli_report(l->cli, mewl_session_time_s(l->session), 0.0, text);
    }
}

/* Until the end, a final error, a signal or --for. *why says which, for people. */
static mewl_status listen_on(listener *l, float *pcm, size_t most, const char **why, mewl_error *err)
{
    l->heard_until_s = mewl_clock_now_s(&l->clock);
    for (;;) {
        size_t got = 0;
        mewl_status status = mewl_source_pull(l->source, pcm, most, &got, err);
        if (status == MEWL_E_CANCELLED || atomic_load(&stop_asked)) {
            *why = time_is_up ? "time is up" : "stopped";
            status = status == MEWL_OK ? mewl_session_push(l->session, pcm, got, err) : MEWL_OK;
            return status;
        }
        if (status == MEWL_E_TIMEOUT && l->live) {
            l->waiting = true;
            MEWL_TRY(tell_gap(l, 0.0, err));
        } else if (status != MEWL_OK) {
            mewl_error ignored;
            (void)(l->live ? tell_gap(l, 0.0, &ignored) : MEWL_OK); /* what went before is the failure to tell */
            return status;
        } else if (got == 0) {
            *why = "the sound ended";
            return MEWL_OK;
        } else {
            MEWL_TRY(bridge(l, got, err));
            l->heard_until_s = mewl_clock_now_s(&l->clock);
            MEWL_TRY(mewl_session_push(l->session, pcm, got, err));
            draw_level(l, pcm, got);
        }
        if (l->announcer->failed) {
            return mewl_error_set(err, MEWL_E_STATE, "the output could not be written");
        }
        if (!l->live && l->for_s > 0.0 && mewl_session_time_s(l->session) >= l->for_s) {
            *why = "time is up";
            return MEWL_OK;
        }
    }
}

static int run(listener *l, mewl_announcer *announcer, mewl_model *model, const char *url, mewl_source_opts source_opts,
               mewl_session_opts opts)
{
    mewl_error err = {0};
    const char *why = "the source failed";
    float *pcm = NULL;
    mewl_status status = mewl_source_open(&l->source, url, source_opts, &err);
    if (status == MEWL_OK) {
        mewl_source_info info;
        mewl_source_describe(l->source, &info);
        opts.rate_hz = info.rate_hz;
        opts.channels = info.channels;
        l->live = info.live;
        announcer->live = info.live;
        mewl_session_sink sink = {.on_event = mewl_announce_event, .user = announcer};
        status = mewl_session_open(&l->session, model, opts, sink, &err);
    }
    int code = MEWL_EXIT_FAILED;
    if (status == MEWL_OK) {
        size_t most = (size_t)fmax(1.0, PULL_S * opts.rate_hz);
        pcm = malloc(most * sizeof *pcm);
        mewl_announce_begin(announcer, mewl_session_start_latency_s(l->session));
        status =
            pcm == NULL ? mewl_error_set(&err, MEWL_E_MEMORY, "out of memory") : listen_on(l, pcm, most, &why, &err);
        mewl_error late = {0};
        mewl_status finished = mewl_session_finish(l->session, &late);
        if (status == MEWL_OK && finished != MEWL_OK) {
            status = finished;
            err = late;
        }
        mewl_announce_end(announcer, mewl_session_time_s(l->session), why);
    } else if (status == MEWL_E_CANCELLED) {
        status = MEWL_OK; /* stopped before the source was open */
    }
    if (status == MEWL_OK) {
        code = MEWL_EXIT_DONE;
    } else {
        if (status == MEWL_E_NOT_FOUND && strstr(url, "://") == NULL) { /* a microphone's name, most likely */
            const mewl_error plain = err;
            (void)mewl_error_set(&err, status, "%s; `mewl listen --list` names the microphones of this machine",
                                 plain.text);
        }
        mewl_announce_error(announcer, &err);
        code = mewl_cli_exit_code(status);
        code = code == MEWL_EXIT_USAGE ? MEWL_EXIT_FAILED : code;
    }
    free(pcm);
    mewl_session_close(l->session);
    mewl_source_close(l->source);
    return code;
}

static bool read_numbers(const mewl_cli *cli, const char **value, mewl_session_opts *session, mewl_source_opts *source,
                         double *for_s)
{
    double threshold = NAN, gap = NAN, rate = 0.0;
    long channels = 0, reconnects = 0;
    session->chunk_s = MEWL_SESSION_CHUNK_LIVE_S;
    session->episodes.update_s = 10.0;
    if (!mewl_cli_number(cli, "for", value[OPT_FOR], 0.001, 1e9, for_s) ||
        !mewl_cli_number(cli, "threshold", value[OPT_THRESHOLD], 0.001, 0.999, &threshold) ||
        !mewl_cli_number(cli, "update", value[OPT_UPDATE], 0.0, 3600.0, &session->episodes.update_s) ||
        !mewl_cli_number(cli, "chunk", value[OPT_CHUNK], 0.08, 60.0, &session->chunk_s) ||
        !mewl_cli_number(cli, "merge-gap", value[OPT_MERGE_GAP], 0.0, 3600.0, &gap) ||
        !mewl_cli_number(cli, "rate", value[OPT_RATE], 1000.0, 1e6, &rate) ||
        !mewl_cli_integer(cli, "channels", value[OPT_CHANNELS], 1, 64, &channels) ||
        !mewl_cli_integer(cli, "reconnects", value[OPT_RECONNECTS], -1, 1000000, &reconnects)) {
        return false;
    }
    session->episodes.threshold = isnan(threshold) ? session->episodes.threshold : (float)threshold;
    session->episodes.merge_gap_s = isnan(gap) ? session->episodes.merge_gap_s : gap;
    source->raw = (mewl_source_raw){value[OPT_RAW], rate, (int)channels};
    source->max_reconnects = (int)reconnects;
    source->rtsp_udp = value[OPT_UDP] != NULL;
    return true;
}

static int listen_with(mewl_cli *cli, const char **value, const char *url, mewl_model *model)
{
    mewl_error err = {0};
    double for_s = 0.0;
    mewl_announcer announcer = {.cli = cli, .source = url, .clock = mewl_clock_system(), .deaf_since_s = NAN};
    mewl_log log = {.write = mewl_announce_log, .user = &announcer, .most = MEWL_LOG_WARNING};
    mewl_session_opts session = {0};
    mewl_source_opts source = {.channels = 1, .cancel = &stop_asked, .log = &log};
    if (mewl_session_episode_opts(&session.episodes, model, &err) != MEWL_OK) {
        mewl_cli_error(cli, "%s", err.text);
        return MEWL_EXIT_FAILED;
    }
    int code = mewl_cli_precision(cli, value[OPT_PRECISION], &session.bf16);
    if (code != MEWL_CLI_GO || !read_numbers(cli, value, &session, &source, &for_s)) {
        return MEWL_EXIT_USAGE;
    }
    watch_signals(for_s);
    listener l = {.cli = cli, .announcer = &announcer, .clock = announcer.clock, .for_s = for_s};
    return run(&l, &announcer, model, url, source, session);
}

int mewl_cmd_listen(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (value[OPT_LIST] != NULL) {
        return list_devices(cli);
    }
    if (argc > 1) {
        return mewl_cli_usage_error(cli, "name one source; start a `mewl listen` for each microphone");
    }
    if (cli->json_flag) {
        return mewl_cli_usage_error(cli, "a stream has no end, so there is no --json document; use --ndjson");
    }
    if (cli->json) {
        /* A setting made for all commands: JSON is wanted, and this is the form that a stream has. */
        cli->json = false;
        cli->ndjson = true;
    }
    char path[PATH_BYTES], microphone[PATH_BYTES];
    mewl_error err = {0};
    mewl_model *model = NULL;
    const char *url = argc == 1 ? argv[0] : microphone;
    mewl_net_keep_kernels(0); /* every break leaves a last piece of another length: days of them must not add up */
    if (mewl_cli_find_model(cli, path, sizeof path, value[OPT_MODEL], &err) != MEWL_OK ||
        mewl_cli_detector_load(&model, path, &err) != MEWL_OK) {
        mewl_cli_error(cli, "%s", err.text);
        return MEWL_EXIT_FAILED;
    }
    if (argc == 0 && default_source(microphone, sizeof microphone, &err) != MEWL_OK) {
        code = mewl_cli_fail(cli, &err);
    } else {
        code = listen_with(cli, value, url, model);
    }
    mewl_model_free(model);
    return code;
}
