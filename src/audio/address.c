#include "audio/address.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *after(const char *url, const char *prefix)
{
    const size_t length = strlen(prefix);
    return strncasecmp(url, prefix, length) == 0 ? url + length : NULL;
}

/* Length of the "scheme" before "://", 0 when there is none: a letter, then letters, digits, '+', '-', '.'. */
static size_t scheme_length(const char *url)
{
    size_t n = 0;
    while (isalnum((unsigned char)url[n]) || (n > 0 && url[n] != '\0' && strchr("+-.", url[n]) != NULL)) {
        n++;
    }
    return n > 0 && isalpha((unsigned char)url[0]) && strncmp(url + n, "://", 3) == 0 ? n : 0;
}

mewl__address_kind mewl__address_parse(const char *url, const char **rest)
{
    static const char *const streams[] = {"rtsp://", "rtsps://", "rtmp://", "rtmps://", "udp://", "rtp://", "srt://"};
    const char *part = url;
    mewl__address_kind kind = MEWL__ADDRESS_FILE;
    if (strcmp(url, "-") == 0) {
        kind = MEWL__ADDRESS_STDIN;
    } else if (after(url, "alsa:") != NULL) {
        kind = MEWL__ADDRESS_ALSA;
        part = after(url, "alsa:");
    } else if (after(url, "pulse:") != NULL) {
        kind = MEWL__ADDRESS_PULSE;
        part = after(url, "pulse:");
    } else if (after(url, "http://") != NULL || after(url, "https://") != NULL) {
        kind = MEWL__ADDRESS_HTTP;
    } else if (after(url, "file://") != NULL) {
        part = after(url, "file://");
    } else if (after(url, "file:") != NULL) {
        part = after(url, "file:");
    } else if (scheme_length(url) > 0) {
        kind = MEWL__ADDRESS_UNKNOWN;
        for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
            if (after(url, streams[i]) != NULL) {
                kind = MEWL__ADDRESS_STREAM;
            }
        }
    }
    if (rest != NULL) {
        *rest = part;
    }
    return kind;
}

char *mewl__address_show(char *out, size_t size, const char *url)
{
    const size_t scheme = scheme_length(url);
    const char *host = url + scheme + 3;
    const char *at = NULL;
    if (scheme > 0) {
        /* The last '@' before the path: passwords may hold one. */
        for (const char *p = host; *p != '\0' && *p != '/' && *p != '?' && *p != '#'; p++) {
            at = *p == '@' ? p : at;
        }
    }
    if (at == NULL) {
        (void)snprintf(out, size, "%s", url);
    } else {
        (void)snprintf(out, size, "%.*s://***%s", (int)scheme, url, at);
    }
    return out;
}
