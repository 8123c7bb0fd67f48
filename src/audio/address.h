/* address.h - what kind of source an address names. Pure text work. Not for other rooms. */
#ifndef MEWL_AUDIO_ADDRESS_H
#define MEWL_AUDIO_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum mewl__address_kind {
    MEWL__ADDRESS_FILE,
    MEWL__ADDRESS_STDIN,
    MEWL__ADDRESS_HTTP,   /* may have a length, then read like a file */
    MEWL__ADDRESS_STREAM, /* rtsp, rtmp, udp, rtp, srt */
    MEWL__ADDRESS_ALSA,
    MEWL__ADDRESS_PULSE,
    MEWL__ADDRESS_UNKNOWN /* some other "scheme://" */
} mewl__address_kind;

/* `rest` (may be NULL) receives the part that matters, inside `url`: the path, the device's name, or all of a network
 * address. */
mewl__address_kind mewl__address_parse(const char *url, const char **rest);

/* `url` with "user:password" replaced by "***", for messages. Cut to `size`. Returns `out`. */
char *mewl__address_show(char *out, size_t size, const char *url);

#endif
