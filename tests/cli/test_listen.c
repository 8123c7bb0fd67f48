/* `mewl listen` as people run it: files, standard input, --for, Ctrl-C, and a stream that breaks off. Arguments: the
 * program and a model with random weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/json.h"
#include "sounds.h"

static char *program, *model;
static char folder[] = "/tmp/mewl-test-listen-XXXXXX";
static char sound_path[64], out_path[64], err_path[64];

#define OUT_MAX (1 << 18)

typedef struct tally {
    size_t starts, episodes, stopped, reconnected, deaf, hearing, listening, errors;
    double seconds, worst_latency_s, stated_latency_s;
    char reason[64];
} tally;

static double number(const json_t *event, const char *key)
{
    return json_number_value(json_object_get(event, key));
}

static void count_event(tally *t, const json_t *event)
{
    const char *kind = json_string_value(json_object_get(event, "event"));
    assert_non_null(kind);
    assert_non_null(json_string_value(json_object_get(event, "file")));
    if (strcmp(kind, "episode_start") == 0) {
        t->starts++;
        t->worst_latency_s = fmax(t->worst_latency_s, number(event, "told_s") - number(event, "onset_s"));
    } else if (strcmp(kind, "episode") == 0) {
        assert_true(number(event, "offset_s") > number(event, "onset_s"));
        t->episodes++;
    } else if (strcmp(kind, "stopped") == 0) {
        t->stopped++;
        t->seconds = number(event, "seconds");
        (void)snprintf(t->reason, sizeof t->reason, "%s", json_string_value(json_object_get(event, "reason")));
    } else if (strcmp(kind, "listening") == 0) {
        t->listening++;
        t->stated_latency_s = number(event, "latency_s");
    } else if (strcmp(kind, "reconnected") == 0) {
        t->reconnected++;
    } else if (strcmp(kind, "not_hearing") == 0) {
        t->deaf++;
    } else if (strcmp(kind, "hearing") == 0) {
        t->hearing++;
    } else if (strcmp(kind, "error") == 0) {
        t->errors++;
    } else {
        assert_string_equal(kind, "episode_update");
    }
}

/* Starts `mewl listen words...` (NULL ends them) with its output in a file. input: a descriptor, or -1. */
static pid_t start_plain(const char *const *words, int input)
{
    const char *argv[16] = {program, "listen", "--model", model};
    for (size_t i = 0; words[i] != NULL && i < 11; i++) {
        argv[4 + i] = words[i];
    }
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int err = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int in = input >= 0 ? input : open("/dev/null", O_RDONLY);
        if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) {
            _exit(98);
        }
        (void)execv(program, (char *const *)(void *)argv);
        _exit(97);
    }
    return child;
}

/* The same with --ndjson. */
static pid_t start(const char *const *words, int input)
{
    const char *all[12] = {"--ndjson"};
    for (size_t i = 0; words[i] != NULL && i < 10; i++) {
        all[1 + i] = words[i];
    }
    return start_plain(all, input);
}

static tally read_events(void)
{
    static char text[OUT_MAX];
    FILE *file = fopen(out_path, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    tally t = {0};
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *event = NULL;
        mewl_error err = {0};
        if (mewl_json_parse(&event, line, strlen(line), "line", &err) != MEWL_OK) {
            fail_msg("%s: %s", err.text, line);
        }
        count_event(&t, event);
        json_decref(event);
    }
    return t;
}

static int wait_for(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void pause_s(double seconds)
{
    struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    (void)nanosleep(&t, NULL);
}

static int make_sounds(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(sound_path, sizeof sound_path, "%s/sound.wav", folder);
    (void)snprintf(out_path, sizeof out_path, "%s/out", folder);
    (void)snprintf(err_path, sizeof err_path, "%s/err", folder);
    (void)setenv("MEWL_CONFIG", "", 1);
    return write_wav(sound_path, (wav_form){.rate_hz = 16000, .channels = 1, .seconds = 30.0, .gain = 1.0}) ? 0 : -1;
}

static int remove_sounds(void **state)
{
    (void)state;
    (void)unlink(sound_path);
    (void)unlink(out_path);
    (void)unlink(err_path);
    return rmdir(folder);
}

static void test_file(void **state)
{
    (void)state;
    const char *words[] = {"--threshold", "0.3", sound_path, NULL};
    assert_int_equal(wait_for(start(words, -1)), 0);
    tally t = read_events();
    assert_int_equal(t.listening, 1);
    assert_true(t.starts > 0);
    assert_int_equal(t.starts, t.episodes);
    assert_int_equal(t.stopped, 1);
    assert_float_equal(t.seconds, 30.0, 1e-6);
    assert_true(t.stated_latency_s <= 2.0);
    /* At the very start the first window has to fill; sound comes in pieces of 0.1 s. */
    assert_true(t.worst_latency_s <= t.stated_latency_s + 0.9);
}

static void test_for_and_stdin(void **state)
{
    (void)state;
    const char *limited[] = {"--for", "10", sound_path, NULL};
    assert_int_equal(wait_for(start(limited, -1)), 0);
    tally t = read_events();
    assert_float_equal(t.seconds, 10.0, 0.11);
    assert_string_equal(t.reason, "time is up");

    const char *piped[] = {"--raw", "s16le", "-", NULL};
    int input = open(sound_path, O_RDONLY);
    assert_true(input >= 0);
    assert_int_equal(wait_for(start(piped, input)), 0);
    (void)close(input);
    t = read_events();
    assert_float_equal(t.seconds, 30.0, 0.01);
}

/* Ctrl-C in the middle of a stream that goes on: the open cry is ended, the end is told, and the exit is clean. */
static void test_interrupt(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const char *words[] = {"--raw", "s16le", "--threshold", "0.001", "-", NULL};
    assert_int_equal(fcntl(ends[1], F_SETFD, FD_CLOEXEC), 0);
    pid_t child = start(words, ends[0]);
    (void)close(ends[0]);
    FILE *sound = fopen(sound_path, "rb");
    assert_non_null(sound);
    char bytes[32000];
    for (int i = 0; i < 8; i++) {
        assert_int_equal(fread(bytes, 1, sizeof bytes, sound), sizeof bytes);
        assert_int_equal(write(ends[1], bytes, sizeof bytes), (ssize_t)sizeof bytes);
    }
    (void)fclose(sound);
    pause_s(1.5);
    assert_int_equal(kill(child, SIGINT), 0);
    assert_int_equal(wait_for(child), 0);
    (void)close(ends[1]);
    tally t = read_events();
    assert_int_equal(t.stopped, 1);
    assert_string_equal(t.reason, "stopped");
    assert_true(t.starts > 0);
    assert_int_equal(t.starts, t.episodes);
    assert_float_equal(t.seconds, 8.0, 0.2);
}

/* Serves the sound over HTTP without a length, breaking off after each third, `times` times; then stops listening. */
static void serve(int listener, int times)
{
    static char sound[30 * 32000 + 44];
    FILE *file = fopen(sound_path, "rb");
    size_t length = file != NULL ? fread(sound, 1, sizeof sound, file) : 0;
    memset(sound + 40, 0xff, 4); /* a stream does not know its length */
    for (int i = 0; i < times; i++) {
        int client = accept(listener, NULL, NULL);
        char request[4096];
        static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Type: audio/wav\r\n\r\n";
        if (client < 0 || read(client, request, sizeof request) <= 0 || write(client, answer, sizeof answer - 1) <= 0) {
            _exit(1);
        }
        for (size_t at = 0; at < length / 3;) {
            ssize_t sent = send(client, sound + at, length / 3 - at, MSG_NOSIGNAL);
            if (sent <= 0) {
                break;
            }
            at += (size_t)sent;
        }
        (void)close(client);
    }
    (void)close(listener);
    _exit(0);
}

static void test_reconnect(void **state)
{
    (void)state;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    (void)fflush(NULL);
    pid_t server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        serve(listener, 3);
    }
    (void)close(listener);
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/sound.wav", (unsigned)ntohs(address.sin_port));
    const char *words[] = {"--reconnects", "2", "--threshold", "0.001", url, NULL};
    int code = wait_for(start(words, -1));
    int status = 0;
    assert_int_equal(waitpid(server, &status, 0), server);
    tally t = read_events();
    assert_int_equal(t.reconnected, 2);
    assert_int_equal(t.starts, t.episodes);
    assert_true(t.starts >= 3); /* everything is a cry here, and no cry reaches over a break */
    assert_int_equal(t.stopped, 1);
    assert_int_equal(t.errors, 1); /* the server is gone for good */
    assert_int_equal(code, 3);
    assert_true(t.deaf >= 1); /* told before giving up */
}

static void test_usage(void **state)
{
    (void)state;
    const char *two[] = {"a", "b", NULL}, *json[] = {"--json", sound_path, NULL},
               *bad_for[] = {"--for", "x", "a", NULL}, *missing[] = {"/nowhere.wav", NULL};
    assert_int_equal(wait_for(start(two, -1)), 2);
    assert_int_equal(wait_for(start(json, -1)), 2);
    assert_int_equal(wait_for(start(bad_for, -1)), 2);
    assert_int_equal(wait_for(start(missing, -1)), 3);
    const char *list[] = {"--list", NULL};
    assert_int_equal(wait_for(start(list, -1)), 0);
}

/* --json is refused where it was said; a setting made for all commands is not, and gives the form that streams have. */
static void test_json_setting(void **state)
{
    (void)state;
    const char *plain[] = {"--threshold", "0.3", "--for", "5", sound_path, NULL},
               *json[] = {"--json", sound_path, NULL};
    assert_int_equal(wait_for(start_plain(json, -1)), 2);
    (void)setenv("MEWL_JSON", "1", 1);
    const int code = wait_for(start_plain(plain, -1));
    (void)unsetenv("MEWL_JSON");
    assert_int_equal(code, 0);
    tally t = read_events();
    assert_int_equal(t.listening, 1);
    assert_int_equal(t.stopped, 1);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 99;
    }
    program = realpath(argv[1], NULL);
    model = realpath(argv[2], NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),      cmocka_unit_test(test_for_and_stdin), cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_reconnect), cmocka_unit_test(test_usage),         cmocka_unit_test(test_json_setting),
    };
    int failed = cmocka_run_group_tests(tests, make_sounds, remove_sounds);
    free(program);
    free(model);
    return failed;
}
