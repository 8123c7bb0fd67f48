/* Downloads, against a server in this program on the loopback: whole, cut and continued, changed under way, wrong,
 * gone, stalled. Nothing outside this machine is asked. */
#include <arpa/inet.h>
#include <dirent.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "data/fetch.h"
#include "data/sha256.h"
#include "data/unpack.h"
#include "archive_made.h"
#include "temp.h"

/* What the server gives for any path. */
typedef struct server {
    int socket;
    int port;
    pthread_t thread;
    pthread_mutex_t lock; /* held while answering, and while a test changes what is answered */
    const char *body;
    size_t size;
    const char *etag;  /* "" for none */
    size_t cut_after;  /* close the connection after so many body bytes, once */
    atomic_int status; /* 0: 200 or 206 */
    bool ranges;
    atomic_bool stall;
    atomic_int requests, ranged, cuts;
    atomic_bool stop;
} server;

static void send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        data += n;
        size -= (size_t)n;
    }
}

static void answer(server *s, int fd)
{
    char request[4096], head[512], tag[256] = "";
    size_t have = 0;
    while (have + 1 < sizeof request) {
        ssize_t n = recv(fd, request + have, sizeof request - 1 - have, 0);
        if (n <= 0) {
            return;
        }
        have += (size_t)n;
        request[have] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL) {
            break;
        }
    }
    atomic_fetch_add(&s->requests, 1);
    if (strncmp(request, "GET /moved", 10) == 0) {
        int used = snprintf(head, sizeof head,
                            "HTTP/1.1 302 Found\r\nLocation: /file\r\nETag: \"of-redirect\"\r\n"
                            "Content-Length: 0\r\nConnection: close\r\n\r\n");
        send_all(fd, head, (size_t)used);
        return;
    }
    if (s->stall) {
        for (int i = 0; i < 40 && !atomic_load(&s->stop); i++) {
            usleep(100000);
        }
        return;
    }
    if (s->status != 0) {
        int used =
            snprintf(head, sizeof head, "HTTP/1.1 %d No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", s->status);
        send_all(fd, head, (size_t)used);
        return;
    }
    unsigned long from = 0;
    const char *range = strcasestr(request, "\r\nRange: bytes="), *if_range = strcasestr(request, "\r\nIf-Range: ");
    bool partial = s->ranges && range != NULL && sscanf(range + 15, "%lu-", &from) == 1;
    if (if_range != NULL) {
        char wanted[256] = "";
        sscanf(if_range + 12, "%255[^\r]", wanted);
        partial = partial && strcmp(wanted, s->etag) == 0;
    }
    if (partial && from >= s->size) {
        int used = snprintf(head, sizeof head, "HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        send_all(fd, head, (size_t)used);
        return;
    }
    from = partial ? from : 0;
    atomic_fetch_add(&s->ranged, partial);
    if (s->etag[0] != '\0') {
        snprintf(tag, sizeof tag, "ETag: %s\r\n", s->etag);
    }
    int used = partial
                   ? snprintf(head, sizeof head,
                              "HTTP/1.1 206 Partial\r\nContent-Range: bytes %lu-%zu/%zu\r\nContent-Length: %zu\r\n"
                              "%sConnection: close\r\n\r\n",
                              from, s->size - 1, s->size, s->size - from, tag)
                   : snprintf(head, sizeof head,
                              "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n", s->size, tag);
    send_all(fd, head, (size_t)used);
    size_t n = s->size - from;
    if (s->cut_after > 0 && n > s->cut_after && atomic_fetch_add(&s->cuts, 1) == 0) {
        n = s->cut_after;
    }
    send_all(fd, s->body + from, n);
}

static void *serve(void *argument)
{
    server *s = argument;
    while (!atomic_load(&s->stop)) {
        struct pollfd p = {s->socket, POLLIN, 0};
        if (poll(&p, 1, 50) > 0) {
            int fd = accept(s->socket, NULL, NULL);
            if (fd >= 0) {
                pthread_mutex_lock(&s->lock);
                answer(s, fd);
                pthread_mutex_unlock(&s->lock);
                shutdown(fd, SHUT_WR);
                close(fd);
            }
        }
    }
    return NULL;
}

static void server_start(server *s, const char *body, size_t size)
{
    memset(s, 0, sizeof *s);
    s->body = body;
    s->size = size;
    s->etag = "";
    s->ranges = true;
    s->socket = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    assert_true(s->socket >= 0);
    assert_int_equal(bind(s->socket, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s->socket, 8), 0);
    assert_int_equal(getsockname(s->socket, (struct sockaddr *)&address, &length), 0);
    s->port = ntohs(address.sin_port);
    pthread_mutex_init(&s->lock, NULL);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void set_etag(server *s, const char *etag)
{
    pthread_mutex_lock(&s->lock);
    s->etag = etag;
    pthread_mutex_unlock(&s->lock);
}

static void server_stop(server *s)
{
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->lock);
    close(s->socket);
}

static char body[300000];
static char body_sha[65];

static int set_up(void **state)
{
    (void)state;
    mewl_sha256 sha;
    uint8_t digest[32];
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] = (char)(i * 2654435761u >> 13);
    }
    mewl_sha256_init(&sha);
    mewl_sha256_push(&sha, body, sizeof body);
    mewl_sha256_finish(&sha, digest);
    mewl_sha256_hex(body_sha, digest);
    unsetenv("http_proxy");
    setenv("no_proxy", "127.0.0.1", 1);
    return 0;
}

static char url[128];

static mewl_fetch_source source_of(const server *s, const char *path, const char *sha256)
{
    snprintf(url, sizeof url, "http://127.0.0.1:%d/%s", s->port, path);
    return (mewl_fetch_source){.name = "set",
                               .title = "a set",
                               .url = url,
                               .page = "",
                               .file = "file.bin",
                               .sha256 = sha256,
                               .folder = "out",
                               .archive = "",
                               .reader = "",
                               .licence = "",
                               .note = ""};
}

static const mewl_fetch_opts quick = {.attempts = 3, .timeout_s = 20, .backoff_s = 0.01};

static void check_content(const char *path)
{
    char *data;
    size_t size;
    assert_int_equal(mewl_file_read_all(&data, &size, path, 1 << 20, NULL), MEWL_OK);
    assert_int_equal(size, sizeof body);
    assert_memory_equal(data, body, size);
    free(data);
}

static void reported(void *user, double done, double total, const char *what)
{
    *(double *)user = done;
    assert_true(total >= 0);
    assert_string_equal(what, "set");
}

static void a_whole_file(void **state)
{
    (void)state;
    server s;
    temp t = temp_make();
    mewl_fetch_result r;
    mewl_error err = {0};
    double done = 0;
    mewl_progress progress = {reported, &done};
    server_start(&s, body, sizeof body);
    mewl_fetch_source source = source_of(&s, "moved", body_sha);
    if (mewl_fetch(&r, &source, t.path, quick, &progress, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(r.verified && !r.resumed && r.bytes == sizeof body && done == sizeof body);
    assert_string_equal(r.sha256, body_sha);
    check_content(r.path);
    /* Once more: it is there. */
    assert_int_equal(mewl_fetch(&r, &source, t.path, quick, NULL, &err), MEWL_E_STATE);
    server_stop(&s);
    temp_remove(&t);
}

static void an_unknown_checksum_is_said(void **state)
{
    (void)state;
    server s;
    temp t = temp_make();
    mewl_fetch_result r;
    mewl_error err = {0};
    server_start(&s, body, sizeof body);
    mewl_fetch_source source = source_of(&s, "file", "");
    assert_int_equal(mewl_fetch(&r, &source, t.path, quick, NULL, &err), MEWL_OK);
    assert_false(r.verified);
    assert_string_equal(r.sha256, body_sha);
    assert_int_equal(remove(r.path), 0);
    /* The user's figure verifies it; a wrong one refuses it; nonsense is refused before anything is asked. */
    mewl_fetch_opts opts = quick;
    opts.sha256 = body_sha;
    assert_int_equal(mewl_fetch(&r, &source, t.path, opts, NULL, &err), MEWL_OK);
    assert_true(r.verified);
    assert_int_equal(remove(r.path), 0);
    opts.sha256 = "0000000000000000000000000000000000000000000000000000000000000000";
    assert_int_equal(mewl_fetch(&r, &source, t.path, opts, NULL, &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, body_sha));
    char bad[600];
    snprintf(bad, sizeof bad, "%s/file.bin.bad", t.path);
    assert_int_equal(access(bad, F_OK), 0);
    int before = atomic_load(&s.requests);
    opts.sha256 = "abc";
    assert_int_equal(mewl_fetch(&r, &source, t.path, opts, NULL, &err), MEWL_E_ARG);
    assert_int_equal(atomic_load(&s.requests), before);
    server_stop(&s);
    temp_remove(&t);
}

static void a_cut_is_continued(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        /* 0: checksum known; 1: only an ETag; 2: the server has no ranges; 3: neither checksum nor ETag. */
        server s;
        temp t = temp_make();
        mewl_fetch_result r;
        mewl_error err = {0};
        server_start(&s, body, sizeof body);
        pthread_mutex_lock(&s.lock);
        s.cut_after = 100000;
        s.etag = kind == 1 ? "\"v1\"" : "";
        s.ranges = kind != 2;
        pthread_mutex_unlock(&s.lock);
        mewl_fetch_source source = source_of(&s, "file", kind == 0 || kind == 2 ? body_sha : "");
        if (mewl_fetch(&r, &source, t.path, quick, NULL, &err) != MEWL_OK) {
            fail_msg("%d: %s", kind, err.text);
        }
        check_content(r.path);
        assert_int_equal(r.resumed, kind < 2);
        assert_int_equal(atomic_load(&s.ranged), kind < 2);
        server_stop(&s);
        temp_remove(&t);
    }
}

static void an_old_part_of_another_file(void **state)
{
    (void)state;
    server s;
    temp t = temp_make();
    mewl_fetch_result r;
    mewl_error err = {0};
    server_start(&s, body, sizeof body);
    /* By its ETag: the server says that it is another file, so it starts over. */
    set_etag(&s, "\"v2\"");
    temp_file(&t, "file.bin.part", "an older edition");
    temp_file(&t, "file.bin.part.etag", "\"v1\"");
    mewl_fetch_source source = source_of(&s, "file", "");
    assert_int_equal(mewl_fetch(&r, &source, t.path, quick, NULL, &err), MEWL_OK);
    check_content(r.path);
    assert_int_equal(remove(r.path), 0);
    /* By its checksum: the halves do not fit, so it is fetched whole. */
    set_etag(&s, "");
    temp_file(&t, "file.bin.part", "an older edition");
    source = source_of(&s, "file", body_sha);
    assert_int_equal(mewl_fetch(&r, &source, t.path, quick, NULL, &err), MEWL_OK);
    check_content(r.path);
    assert_int_equal(remove(r.path), 0);
    /* Longer than the file: 416, then whole. */
    char *longer = calloc(1, sizeof body + 10);
    memset(longer, 'x', sizeof body + 9);
    temp_file(&t, "file.bin.part", longer);
    free(longer);
    assert_int_equal(mewl_fetch(&r, &source, t.path, quick, NULL, &err), MEWL_OK);
    check_content(r.path);
    server_stop(&s);
    temp_remove(&t);
}

static void failures_have_names(void **state)
{
    (void)state;
    server s;
    temp t = temp_make();
    mewl_fetch_result r;
    mewl_error err = {0};
    server_start(&s, body, sizeof body);
    mewl_fetch_source source = source_of(&s, "file", "");
    static const struct {
        int http, requests;
        mewl_status status;
    } cases[] = {{404, 1, MEWL_E_NOT_FOUND}, {403, 1, MEWL_E_PERMISSION}, {400, 1, MEWL_E_IO}, {503, 3, MEWL_E_IO}};
    for (size_t i = 0; i < 4; i++) {
        s.status = cases[i].http;
        int before = atomic_load(&s.requests);
        assert_int_equal(mewl_fetch(&r, &source, t.path, quick, NULL, &err), cases[i].status);
        assert_int_equal(atomic_load(&s.requests) - before, cases[i].requests);
    }
    s.status = 0;
    mewl_fetch_opts opts = quick;
    opts.max_bytes = 1000;
    assert_int_equal(mewl_fetch(&r, &source, t.path, opts, NULL, &err), MEWL_E_MEMORY);
    s.stall = true;
    opts = quick;
    opts.attempts = 1;
    opts.timeout_s = 1;
    assert_int_equal(mewl_fetch(&r, &source, t.path, opts, NULL, &err), MEWL_E_TIMEOUT);
    server_stop(&s);
    opts.attempts = 2;
    assert_int_equal(mewl_fetch(&r, &source, t.path, opts, NULL, &err), MEWL_E_IO);
    source.url = "file:///etc/passwd";
    assert_int_equal(mewl_fetch(&r, &source, t.path, opts, NULL, &err), MEWL_E_IO);
    source.url = "";
    assert_int_equal(mewl_fetch(&r, &source, t.path, opts, NULL, &err), MEWL_E_UNSUPPORTED);
    temp_remove(&t);
}

static void a_set_is_fetched_and_unpacked(void **state)
{
    (void)state;
    server s;
    temp t = temp_make();
    mewl_fetch_result r;
    mewl_error err = {0};
    char archive[400], *data;
    size_t size;
    snprintf(archive, sizeof archive, "%s/source.zip", t.path);
    make_archive(archive, true, NULL, 0, "");
    assert_int_equal(mewl_file_read_all(&data, &size, archive, 1 << 20, &err), MEWL_OK);
    server_start(&s, data, size);
    mewl_fetch_source source = source_of(&s, "a.zip", "");
    source.archive = "zip";
    source.file = "a.zip";
    if (mewl_fetch(&r, &source, t.path, quick, NULL, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    char path[5000];
    snprintf(path, sizeof path, "%s/set-master/audio/one.wav", r.path);
    assert_int_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/a.zip", t.path);
    assert_int_not_equal(access(path, F_OK), 0);
    server_stop(&s);
    free(data);
    temp_remove(&t);
}

/* An archive that breaks off: the set's folder is not there, and neither is what was unpacked of it. */
static void a_failed_unpack_leaves_nothing(void **state)
{
    (void)state;
    server s;
    temp t = temp_make();
    mewl_fetch_result r;
    mewl_error err = {0};
    char archive[400], *data;
    size_t size;
    snprintf(archive, sizeof archive, "%s/source.tar.gz", t.path);
    make_archive(archive, false, "../out.txt", AE_IFREG, "evil");
    assert_int_equal(mewl_file_read_all(&data, &size, archive, 1 << 20, &err), MEWL_OK);
    server_start(&s, data, size);
    mewl_fetch_source source = source_of(&s, "a.tar.gz", "");
    source.archive = "tar.gz";
    source.file = "a.tar.gz";
    char target[300];
    snprintf(target, sizeof target, "%s/to", t.path);
    assert_int_not_equal(mewl_fetch(&r, &source, target, quick, NULL, &err), MEWL_OK);
    DIR *folder = opendir(target);
    assert_non_null(folder);
    size_t archives = 0;
    for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        archives += strcmp(e->d_name, "a.tar.gz") == 0;
        assert_null(strstr(e->d_name, "unpacking"));
        assert_string_not_equal(e->d_name, source.folder);
    }
    closedir(folder);
    assert_int_equal(archives, 1);
    server_stop(&s);
    free(data);
    temp_remove(&t);
}

static void the_table_is_sound(void **state)
{
    (void)state;
    size_t count;
    const mewl_fetch_source *table = mewl_fetch_table(&count);
    assert_true(count >= 9);
    for (size_t i = 0; i < count; i++) {
        assert_true(table[i].sha256[0] == '\0' || strspn(table[i].sha256, "0123456789abcdef") == 64);
        assert_true(table[i].url[0] == '\0' || strncmp(table[i].url, "https://", 8) == 0);
        assert_true(table[i].url[0] != '\0' || table[i].note[0] != '\0');
        assert_ptr_equal(mewl_fetch_find(table[i].name), &table[i]);
    }
    assert_null(mewl_fetch_find("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file),
        cmocka_unit_test(an_unknown_checksum_is_said),
        cmocka_unit_test(a_cut_is_continued),
        cmocka_unit_test(an_old_part_of_another_file),
        cmocka_unit_test(failures_have_names),
        cmocka_unit_test(a_failed_unpack_leaves_nothing),
        cmocka_unit_test(a_set_is_fetched_and_unpacked),
        cmocka_unit_test(the_table_is_sound),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
