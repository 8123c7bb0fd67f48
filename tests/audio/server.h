/* server.h - a server on this machine's loopback that does to its clients what cameras and radio stations do: it sends
 * sound, stops, hangs, closes, refuses. HTTP and RTSP (TCP, G.711). For tests; include after cmocka.h.
 *
 * One thread serves one connection after the other by a script; it ends with the script, or when stopped. */
#ifndef MEWL_TESTS_AUDIO_SERVER_H
#define MEWL_TESTS_AUDIO_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

typedef enum server_act {
    SERVE_STREAM, /* HTTP 200 without a length, a wav without an end; closed after `seconds` of sound */
    SERVE_FILE,   /* HTTP 200 with a length; closed after `seconds`, which may be earlier than promised_s */
    SERVE_HANG,   /* as SERVE_STREAM, but then holds the connection, silent, until the client goes */
    SERVE_MUTE,   /* accepts and never answers */
    SERVE_CLOSE,  /* accepts and closes */
    SERVE_STATUS, /* HTTP error `rate_hz` (404) */
    SERVE_RTSP    /* a camera: G.711 mu-law at 8 kHz, closed after `seconds` of sound */
} server_act;

typedef struct server_step {
    server_act act;
    int rate_hz;
    double seconds;
    double promised_s;
} server_step;

typedef struct server {
    int listener;
    int port;
    const server_step *steps;
    size_t count;
    atomic_size_t served; /* connections so far */
    atomic_bool stop;
    pthread_t thread;
    char url[64];
} server;

#define SERVER_TONE_HZ 440.0
#define SERVER_AMPLITUDE 0.5

/* Sends all of it; false when the client has gone. */
static inline bool server_send(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* Reads one request head; false when there is none within two seconds. */
static inline bool server_request(server *s, int fd, char *head, size_t size)
{
    size_t held = 0;
    for (int turn = 0; turn < 40 && !atomic_load(&s->stop); turn++) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        if (poll(&waiting, 1, 50) > 0) {
            const ssize_t n = recv(fd, head + held, size - 1 - held, 0);
            if (n <= 0) {
                return false;
            }
            held += (size_t)n;
            head[held] = '\0';
            if (strstr(head, "\r\n\r\n") != NULL || held + 1 >= size) {
                return true;
            }
        }
    }
    return false;
}

static inline void server_wait_gone(server *s, int fd)
{
    char byte;
    while (!atomic_load(&s->stop)) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        if (poll(&waiting, 1, 20) > 0 && recv(fd, &byte, 1, 0) <= 0) {
            return;
        }
    }
}

static inline bool server_wav(int fd, const server_step *step, bool endless)
{
    uint8_t h[44];
    const uint32_t rate = (uint32_t)step->rate_hz, second = 2 * rate;
    const uint32_t bytes = endless ? 0xFFFFFFFFU : 2 * (uint32_t)(step->promised_s * step->rate_hz);
    const uint32_t riff = endless ? bytes : bytes + 36;
    memcpy(h, "RIFF....WAVEfmt \x10\0\0\0\x01\0\x01\0", 24);
    memcpy(h + 4, &riff, 4);
    memcpy(h + 24, &rate, 4);
    memcpy(h + 28, &second, 4);
    memcpy(h + 32, "\x02\0\x10\0data", 8);
    memcpy(h + 40, &bytes, 4);
    if (!server_send(fd, h, sizeof h)) {
        return false;
    }
    const size_t total = (size_t)(step->seconds * step->rate_hz);
    int16_t block[512];
    for (size_t at = 0; at < total; at += 512) {
        const size_t n = total - at < 512 ? total - at : 512;
        for (size_t i = 0; i < n; i++) {
            const double t = (double)(at + i) / step->rate_hz;
            block[i] = (int16_t)lrint(32767.0 * SERVER_AMPLITUDE * sin(2.0 * M_PI * SERVER_TONE_HZ * t));
        }
        if (!server_send(fd, block, 2 * n)) {
            return false;
        }
    }
    return true;
}

/* G.711 mu-law of a sample (ITU-T G.711). */
static inline uint8_t server_mulaw(double x)
{
    int value = (int)lrint(x * 32767.0);
    const int sign = value < 0 ? 0x80 : 0;
    value = (value < 0 ? -value : value) + 132;
    value = value > 32767 ? 32767 : value;
    int exponent = 7;
    for (int mask = 0x4000; exponent > 0 && (value & mask) == 0; mask >>= 1) {
        exponent--;
    }
    return (uint8_t) ~(sign | exponent << 4 | ((value >> (exponent + 3)) & 15));
}

/* One camera session: answers what FFmpeg asks, then sends RTP inside the connection (RFC 2326 10.12). */
static inline void server_rtsp(server *s, int fd, const server_step *step)
{
    char head[4096], answer[1024];
    for (bool playing = false; !playing;) {
        if (!server_request(s, fd, head, sizeof head)) {
            return;
        }
        const char *tag = strcasestr(head, "CSeq:");
        const int sequence = tag != NULL ? atoi(tag + 5) : 0;
        const char *more = "";
        char sdp[512] = "";
        if (strncmp(head, "OPTIONS", 7) == 0) {
            more = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n";
        } else if (strncmp(head, "DESCRIBE", 8) == 0) {
            (void)snprintf(sdp, sizeof sdp,
                           "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
                           "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:track1\r\n");
            more = "Content-Type: application/sdp\r\n";
        } else if (strncmp(head, "SETUP", 5) == 0) {
            more = "Session: 12345678\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n";
        } else if (strncmp(head, "PLAY", 4) == 0) {
            more = "Session: 12345678\r\n";
            playing = true;
        } else {
            return;
        }
        (void)snprintf(answer, sizeof answer, "RTSP/1.0 200 OK\r\nCSeq: %d\r\n%sContent-Length: %zu\r\n\r\n%s",
                       sequence, more, strlen(sdp), sdp);
        if (!server_send(fd, answer, strlen(answer))) {
            return;
        }
    }
    const unsigned packets = (unsigned)(step->seconds * 50.0);
    for (unsigned p = 0; p < packets; p++) {
        uint8_t packet[4 + 12 + 160] = {'$', 0, 0, 172, 0x80, 0};
        const uint32_t stamp = p * 160;
        packet[6] = (uint8_t)(p >> 8);
        packet[7] = (uint8_t)p;
        for (int i = 0; i < 4; i++) {
            packet[8 + i] = (uint8_t)(stamp >> (24 - 8 * i));
        }
        packet[15] = 7;
        for (int i = 0; i < 160; i++) {
            const double t = (double)(stamp + (uint32_t)i) / 8000.0;
            packet[16 + i] = server_mulaw(SERVER_AMPLITUDE * sin(2.0 * M_PI * SERVER_TONE_HZ * t));
        }
        if (!server_send(fd, packet, sizeof packet)) {
            return;
        }
    }
}

static inline void server_connection(server *s, int fd, const server_step *step)
{
    char head[4096];
    if (step->act == SERVE_CLOSE) {
        return;
    }
    if (step->act == SERVE_MUTE) {
        server_wait_gone(s, fd);
        return;
    }
    if (step->act == SERVE_RTSP) {
        server_rtsp(s, fd, step);
        return;
    }
    if (!server_request(s, fd, head, sizeof head)) {
        return;
    }
    if (step->act == SERVE_STATUS) {
        (void)snprintf(head, sizeof head, "HTTP/1.0 %d No\r\nContent-Length: 0\r\n\r\n", step->rate_hz);
        (void)server_send(fd, head, strlen(head));
        return;
    }
    if (step->act == SERVE_FILE) {
        (void)snprintf(head, sizeof head, "HTTP/1.0 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: %u\r\n\r\n",
                       44 + 2 * (unsigned)(step->promised_s * step->rate_hz));
    } else {
        (void)snprintf(head, sizeof head, "HTTP/1.0 200 OK\r\nContent-Type: audio/wav\r\n\r\n");
    }
    if (server_send(fd, head, strlen(head)) && server_wav(fd, step, step->act != SERVE_FILE) &&
        step->act == SERVE_HANG) {
        server_wait_gone(s, fd);
    }
}

static inline void *server_run(void *user)
{
    server *s = user;
    while (!atomic_load(&s->stop) && atomic_load(&s->served) < s->count) {
        struct pollfd waiting = {.fd = s->listener, .events = POLLIN};
        if (poll(&waiting, 1, 20) <= 0) {
            continue;
        }
        const int fd = accept(s->listener, NULL, NULL);
        if (fd >= 0) {
            server_connection(s, fd, &s->steps[atomic_fetch_add(&s->served, 1)]);
            (void)shutdown(fd, SHUT_RDWR);
            (void)close(fd);
        }
    }
    (void)close(s->listener); /* whoever comes later is refused */
    return NULL;
}

/* Starts serving; url becomes "SCHEME://127.0.0.1:PORT/sound". */
static inline void server_start(server *s, const char *scheme, const server_step *steps, size_t count)
{
    memset(s, 0, sizeof *s);
    s->steps = steps;
    s->count = count;
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s->listener >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(s->listener, 4), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &size), 0);
    s->port = ntohs(address.sin_port);
    (void)snprintf(s->url, sizeof s->url, "%s://127.0.0.1:%d/sound", scheme, s->port);
    assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
}

static inline void server_stop(server *s)
{
    atomic_store(&s->stop, true);
    (void)pthread_join(s->thread, NULL);
}

#endif
