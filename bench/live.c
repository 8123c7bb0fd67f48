/* live.c - `mewl listen` on a stream that goes on for simulated days, faster than real time, and breaks off now and
 * then.
 *
 *   bench-live [--mewl PATH] [--hours 24] [--breaks 48] [--every 300] [--cry FILE] [--seed 1] [-- OPTIONS OF LISTEN]
 *
 * A server on this machine sends 16 kHz sound over HTTP as fast as it is taken: room noise, and every so many seconds a
 * cry at a known place (that file, or the first of ESC-10's in MEWL_DATA, or one made here). It drops the connection at
 * random moments, in the middle of a sample, and refuses one in five of the attempts that follow. Told at the end, as
 * JSON: whether memory grew, whether every break was survived, and the latency in stream time from a cry's true onset
 * to its event. Bars: no growth, all reconnects survived, latency at most 2 s. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audio/clip.h"
#include "base/json.h"
#include "base/rng.h"

enum { RATE = 16000, BLOCK_S = 10, BLOCK = RATE * BLOCK_S, CRY_AT_S = 2, CRY_MAX = 6 * RATE, KINDS = 6, ARGS_MAX = 64 };

static const double GRACE_S = 5.0;

/* What was sent where; read by the main thread once the server's has ended. */
typedef struct cry {
    size_t connection;
    double into_s;
} cry;

typedef struct room {
    double seconds; /* of sound to send */
    double every_s; /* from cry to cry */
    double *breaks; /* seconds of the stream, ascending */
    size_t break_count, next_break;
    int16_t plain[KINDS][BLOCK], with_cry[BLOCK];
    cry *cries;
    size_t cry_count, cry_room;
    size_t connections, refused;
    double sent_s;
    int listener;
    pid_t listening; /* the process of mewl */
    mewl_rng rng;
} room;

/* A list of numbers that grows. */
typedef struct series {
    double *values;
    size_t count, room;
} series;

typedef struct watch {
    pid_t pid;
    atomic_bool over;
    series mb;
} watch;

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench-live: %s: %s\n", what, why);
    exit(1);
}

static void *grown(void *list, size_t *places, size_t count, size_t size)
{
    if (count < *places) {
        return list;
    }
    *places = *places > 0 ? 2 * *places : 256;
    list = realloc(list, *places * size);
    if (list == NULL) {
        fail("a list", "out of memory");
    }
    return list;
}

static void series_add(series *s, double value)
{
    s->values = grown(s->values, &s->room, s->count, sizeof *s->values);
    s->values[s->count++] = value;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median of values that it puts in order. */
static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return count % 2 == 1 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void pause_s(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(1e9 * fmod(seconds, 1.0))};
    nanosleep(&t, NULL);
}

/* Three seconds of harmonic glides at 450 Hz: stands in for a cry where there are no recordings. */
static size_t make_cry(float *out)
{
    double phase = 0.0;
    for (size_t i = 0; i < 3 * RATE; i++) {
        double t = (double)i / RATE;
        double value = 0.0;
        phase += 2.0 * M_PI * (450.0 + 60.0 * sin(2.0 * M_PI * 0.8 * t)) / RATE;
        for (int k = 1; k < 8; k++) {
            value += sin(k * phase) / k;
        }
        out[i] = (float)(6000.0 / 32768.0 * value * (0.2 + 0.8 * sin(M_PI * fmod(t / 1.2, 1.0))));
    }
    return 3 * RATE;
}

/* A recording of a cry from where it is first within 20 dB of its peak: that is its onset. */
static size_t read_cry(float *out, const char *path)
{
    mewl_clip clip;
    mewl_error err = {0};
    if (mewl_clip_read(&clip, path, RATE, 600.0, &err) != MEWL_OK) {
        fail("the cry", err.text);
    }
    float peak = 0.0f;
    for (size_t i = 0; i < clip.count; i++) {
        peak = fmaxf(peak, fabsf(clip.samples[i]));
    }
    size_t first = 0;
    while (first < clip.count && fabsf(clip.samples[first]) < 0.1f * peak) {
        first++;
    }
    size_t count = clip.count - first < CRY_MAX ? clip.count - first : CRY_MAX;
    memcpy(out, clip.samples + first, count * sizeof *out);
    mewl_clip_fini(&clip);
    return count;
}

/* Blocks of quiet noise, RMS about -55 dBFS, and one with the cry in it. */
static void fill_blocks(room *r, const float *sound, size_t count)
{
    for (int k = 0; k < KINDS; k++) {
        for (size_t i = 0; i < BLOCK; i++) {
            r->plain[k][i] = (int16_t)lrint(mewl_rng_range(&r->rng, -100.0, 100.0));
        }
    }
    memcpy(r->with_cry, r->plain[0], sizeof r->with_cry);
    for (size_t i = 0; i < count; i++) {
        int16_t *at = &r->with_cry[CRY_AT_S * RATE + i];
        *at = (int16_t)lrint(fmin(32767.0, fmax(-32768.0, *at + 32768.0 * (double)sound[i])));
    }
}

static bool send_all(int client, const void *bytes, size_t count)
{
    for (const char *at = bytes; count > 0;) {
        ssize_t sent = send(client, at, count, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        count -= (size_t)sent;
    }
    return true;
}

/* One connection, until its break, the end, or until the other side leaves. */
static void serve_one(room *r, int client)
{
    char request[4096];
    static const char head[] = "HTTP/1.0 200 OK\r\nContent-Type: audio/wav\r\n\r\n";
    /* 16 kHz, mono, 16 bits, and no end: the sizes are the largest there are. */
    static const unsigned char wav[] = {'R', 'I', 'F', 'F', 255, 255, 255, 255, 'W', 'A',  'V',  'E', 'f', 'm', 't',
                                        ' ', 16,  0,   0,   0,   1,   0,   1,   0,   0x80, 0x3e, 0,   0,   0,   0x7d,
                                        0,   0,   2,   0,   16,  0,   'd', 'a', 't', 'a',  255,  255, 255, 255};
    if (recv(client, request, sizeof request, 0) <= 0 || !send_all(client, head, sizeof head - 1) ||
        !send_all(client, wav, sizeof wav)) {
        return;
    }
    size_t connection = r->connections++;
    double into_s = 0.0;
    double next_break = r->next_break < r->break_count ? r->breaks[r->next_break] : INFINITY;
    while (r->sent_s < r->seconds) {
        bool cries = floor(r->sent_s / r->every_s) != floor((r->sent_s + BLOCK_S) / r->every_s);
        const int16_t *data = cries ? r->with_cry : r->plain[mewl_rng_below(&r->rng, KINDS)];
        if (r->sent_s + BLOCK_S > next_break) {
            double left_s = fmax(0.0, next_break - r->sent_s);
            r->next_break++;
            send_all(client, data, (size_t)(left_s * 2.0 * RATE) | 1); /* an odd byte: in the middle of a sample */
            r->sent_s += left_s;
            return;
        }
        if (cries) {
            r->cries = grown(r->cries, &r->cry_room, r->cry_count, sizeof *r->cries);
            r->cries[r->cry_count++] = (cry){connection, into_s + CRY_AT_S};
        }
        if (!send_all(client, data, BLOCK * sizeof *data)) {
            return;
        }
        r->sent_s += BLOCK_S;
        into_s += BLOCK_S;
    }
}

/* The server's thread. Once everything was sent and what is still on its way has been heard: Ctrl-C. */
static void *serve(void *user)
{
    room *r = user;
    while (r->sent_s < r->seconds) {
        int client = accept(r->listener, NULL, NULL);
        if (client < 0) {
            return NULL; /* closed: mewl is gone */
        }
        if (r->connections > 0 && mewl_rng_range(&r->rng, 0.0, 1.0) < 0.2) {
            r->refused++; /* closed without an answer: the next attempt comes after a back-off */
        } else {
            serve_one(r, client);
        }
        close(client);
    }
    pause_s(GRACE_S);
    kill(r->listening, SIGINT);
    return NULL;
}

/* Opens the server's socket; its port. */
static int open_listener(room *r)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (r->listener < 0 || bind(r->listener, (struct sockaddr *)&address, size) != 0 || listen(r->listener, 8) != 0 ||
        getsockname(r->listener, (struct sockaddr *)&address, &size) != 0) {
        fail("the server", strerror(errno));
    }
    return ntohs(address.sin_port);
}

/* The memory's thread: resident MB twice a second. */
static void *watch_memory(void *user)
{
    watch *w = user;
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%ld/status", (long)w->pid);
    while (!atomic_load(&w->over)) {
        FILE *status = fopen(path, "r");
        long kb;
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            if (sscanf(line, "VmRSS: %ld kB", &kb) == 1) {
                series_add(&w->mb, (double)kb / 1024.0);
            }
        }
        if (status != NULL) {
            fclose(status);
        }
        pause_s(0.5);
    }
    return NULL;
}

/* Starts mewl on one core; its events come out of *events. */
static pid_t start_listening(FILE **events, const char *const *command)
{
    int pipes[2];
    if (pipe(pipes) != 0) {
        fail("a pipe", strerror(errno));
    }
    pid_t pid = fork();
    if (pid < 0) {
        fail("a process", strerror(errno));
    }
    if (pid == 0) {
        cpu_set_t all, one;
        CPU_ZERO(&one);
        for (int core = 0; sched_getaffinity(0, sizeof all, &all) == 0 && core < CPU_SETSIZE; core++) {
            if (CPU_ISSET(core, &all)) {
                CPU_SET(core, &one);
                sched_setaffinity(0, sizeof one, &one);
                break;
            }
        }
        setenv("OMP_NUM_THREADS", "1", 1);
        dup2(pipes[1], STDOUT_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        execv(command[0], (char *const *)command);
        fprintf(stderr, "bench-live: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    close(pipes[1]);
    *events = fdopen(pipes[0], "r");
    return pid;
}

/* What mewl told. */
typedef struct told {
    series starts;       /* onset of each connection in the stream's time */
    series onsets, said; /* of each episode: its onset, and when it was told */
    size_t reconnected;
    double heard_s;
} told;

static void take_event(told *t, const char *line)
{
    json_t *event = NULL;
    const char *kind;
    double onset_s, told_s;
    mewl_error err = {0};
    if (mewl_json_parse(&event, line, strlen(line), "event", &err) != MEWL_OK ||
        mewl_json_get_string(event, &kind, "event", "event", &err) != MEWL_OK) {
        fail("an event", err.text);
    }
    bool placed = mewl_json_get_real(event, &onset_s, "onset_s", "event", &err) == MEWL_OK;
    if (strcmp(kind, "reconnected") == 0 && placed) {
        t->reconnected++;
        series_add(&t->starts, onset_s);
    } else if (strcmp(kind, "episode_start") == 0 && placed &&
               mewl_json_get_real(event, &told_s, "told_s", "event", &err) == MEWL_OK) {
        series_add(&t->onsets, onset_s);
        series_add(&t->said, told_s);
    } else if (strcmp(kind, "stopped") == 0) {
        (void)mewl_json_get_real(event, &t->heard_s, "seconds", "event", &err);
    }
    json_decref(event);
}

/* For each cry: when the first start whose cry began near it was told, minus its true place. */
static void find_latencies(series *found, const room *r, const told *t)
{
    for (size_t i = 0; i < r->cry_count; i++) {
        if (r->cries[i].connection >= t->starts.count) {
            continue;
        }
        double true_s = t->starts.values[r->cries[i].connection] + r->cries[i].into_s;
        for (size_t k = 0; k < t->onsets.count; k++) {
            double off_s = t->onsets.values[k] - true_s;
            if (off_s >= -0.5 && off_s <= 5.0) {
                series_add(found, t->said.values[k] - true_s);
                break;
            }
        }
    }
}

static void print_figures(const room *r, const told *t, watch *w, double wall_s, int code, uint64_t seed,
                          const char *cry_name)
{
    series found = {0};
    find_latencies(&found, r, t);
    double internal_s = NAN;
    for (size_t i = 0; i < t->onsets.count; i++) {
        internal_s = fmax(internal_s, t->said.values[i] - t->onsets.values[i]);
    }
    json_t *out = json_object(), *latency = found.count > 0 ? json_object() : json_null();
    mewl_status status = mewl_json_set_string(out, "bench", "live");
    status |= mewl_json_set_real(out, "hours", r->seconds / 3600.0);
    status |= mewl_json_set_int(out, "seed", (int64_t)seed);
    status |= mewl_json_set_string(out, "cry", cry_name);
    status |= mewl_json_set_real(out, "wall_s", wall_s);
    status |= mewl_json_set_real(out, "times_real_time", r->seconds / wall_s);
    status |= mewl_json_set_int(out, "breaks", (int64_t)r->break_count);
    status |= mewl_json_set_int(out, "reconnected", (int64_t)t->reconnected);
    status |= mewl_json_set_int(out, "refused_attempts", (int64_t)r->refused);
    status |= mewl_json_set_real(out, "heard_s", t->heard_s);
    status |= mewl_json_set_int(out, "cries_sent", (int64_t)r->cry_count);
    status |= mewl_json_set_int(out, "cries_told", (int64_t)found.count);
    status |= mewl_json_set_int(out, "cries_missed", (int64_t)(r->cry_count - found.count));
    if (found.count > 0) {
        status |= mewl_json_set_real(latency, "median", median(found.values, found.count));
        status |= mewl_json_set_real(latency, "max", found.values[found.count - 1]);
    }
    status |= mewl_json_set(out, "latency_s", latency);
    status |= mewl_json_set_real(out, "event_minus_its_onset_s", internal_s);
    status |= mewl_json_set_int(out, "exit", code);
    /* Growth from the first to the last tenth of the run, without its first twentieth (start-up). */
    size_t first = w->mb.count / 20;
    size_t tenth = (w->mb.count - first) / 10 > 0 ? (w->mb.count - first) / 10 : 1;
    if (w->mb.count > 0) {
        double peak = 0.0;
        for (size_t i = 0; i < w->mb.count; i++) {
            peak = fmax(peak, w->mb.values[i]);
        }
        json_t *tenths = json_array();
        for (size_t at = first; at + tenth <= w->mb.count; at += tenth) {
            (void)json_array_append_new(tenths, json_real(median(w->mb.values + at, tenth)));
        }
        double late = median(w->mb.values + w->mb.count - tenth, tenth);
        status |= mewl_json_set_real(out, "peak_rss_mb", peak);
        status |= mewl_json_set(out, "rss_mb_by_tenth", tenths);
        status |= mewl_json_set_real(out, "growth_mb", late - median(w->mb.values + first, tenth));
    }
    status |= mewl_json_set_int(out, "samples", (int64_t)w->mb.count);
    if (status != MEWL_OK || mewl_json_print(out, stdout, true, NULL) != MEWL_OK) {
        fail("the figures", "could not be written");
    }
    json_decref(out);
    free(found.values);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"mewl", 1, 0, 'm'},
                                            {"hours", 1, 0, 'h'},
                                            {"breaks", 1, 0, 'b'},
                                            {"every", 1, 0, 'e'},
                                            {"cry", 1, 0, 'c'},
                                            {"seed", 1, 0, 's'},
                                            {0}};
    static room r = {.every_s = 300.0, .seconds = 24.0 * 3600.0, .break_count = 48};
    static float sound[CRY_MAX];
    const char *mewl = NULL, *path = NULL, *data = getenv("MEWL_DATA");
    uint64_t seed = 1;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'm':
            mewl = optarg;
            break;
        case 'h':
            r.seconds = 3600.0 * atof(optarg);
            break;
        case 'b':
            r.break_count = strtoul(optarg, NULL, 10);
            break;
        case 'e':
            r.every_s = atof(optarg);
            break;
        case 'c':
            path = optarg;
            break;
        case 's':
            seed = strtoull(optarg, NULL, 10);
            break;
        default:
            return 2;
        }
    }
    char beside[4096], pattern[4096], url[64];
    if (mewl == NULL) { /* that of the build this program lies in */
        const char *slash = strrchr(argv[0], '/');
        snprintf(beside, sizeof beside, "%.*s/../src/cli/mewl", slash != NULL ? (int)(slash - argv[0]) : 1,
                 slash != NULL ? argv[0] : ".");
        mewl = beside;
    }
    if (!(r.seconds >= 60.0 && r.every_s >= BLOCK_S && r.break_count < 1000000 && argc - optind < ARGS_MAX - 6)) {
        fail("the options", "at least 1/60 hour, 10 s from cry to cry, less than a million breaks");
    }
    r.rng = mewl_rng_seeded(seed);
    r.breaks = calloc(r.break_count + 1, sizeof *r.breaks);
    if (r.breaks == NULL) {
        fail("the breaks", "out of memory");
    }
    for (size_t i = 0; i < r.break_count; i++) {
        r.breaks[i] = mewl_rng_range(&r.rng, 60.0, r.seconds);
    }
    qsort(r.breaks, r.break_count, sizeof *r.breaks, by_size);
    glob_t files = {0};
    if (path == NULL && data != NULL) {
        snprintf(pattern, sizeof pattern, "%s/esc10/004 - Baby cry/*", data);
        path = glob(pattern, 0, NULL, &files) == 0 ? files.gl_pathv[0] : NULL;
    }
    fill_blocks(&r, sound, path != NULL ? read_cry(sound, path) : make_cry(sound));
    char cry_name[256];
    snprintf(cry_name, sizeof cry_name, "%s",
             path == NULL                 ? "made"
             : strrchr(path, '/') != NULL ? strrchr(path, '/') + 1
                                          : path);
    globfree(&files);

    const char *command[ARGS_MAX] = {mewl, "listen", "--ndjson", "-q"};
    size_t words = 4;
    for (int i = optind; i < argc; i++) {
        command[words++] = argv[i];
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%d/room.wav", open_listener(&r));
    command[words] = url;

    FILE *events;
    pthread_t server, watcher;
    watch w = {0};
    told t = {.heard_s = NAN};
    series_add(&t.starts, 0.0);
    double start_s = now_s();
    r.listening = w.pid = start_listening(&events, command);
    if (events == NULL || pthread_create(&server, NULL, serve, &r) != 0 ||
        pthread_create(&watcher, NULL, watch_memory, &w) != 0) {
        fail("a thread", strerror(errno));
    }
    char *line = NULL;
    size_t room_of_line = 0;
    while (getline(&line, &room_of_line, events) > 0) {
        take_event(&t, line);
    }
    int status = 0;
    atomic_store(&w.over, true);
    pthread_join(watcher, NULL);
    shutdown(r.listener, SHUT_RDWR); /* wakes a server that still waits for someone */
    pthread_join(server, NULL);
    waitpid(w.pid, &status, 0);
    print_figures(&r, &t, &w, now_s() - start_s - GRACE_S, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
                  seed, cry_name);
    fclose(events);
    free(line);
    free(r.breaks);
    free(r.cries);
    free(w.mb.values);
    free(t.starts.values);
    free(t.onsets.values);
    free(t.said.values);
    return status == 0 ? 0 : 1;
}
