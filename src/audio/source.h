/* source.h - sound from anywhere, as float: files, standard input, network streams, sound devices.
 *
 * The one door to FFmpeg's readers. Not a player and not a mixer. Everything happens inside pull, on the caller's
 * thread; different sources may be used by different threads at once.
 *
 * Addresses:
 *   path               any file FFmpeg reads: wav, flac, ogg, opus, mp3, m4a, mp4, 3gp, amr, caf, aiff, mkv, ...; of a
 *                      video the best sound stream
 *   -                  standard input: a container, or raw PCM when opts.raw.format is set
 *   http:// https:// rtsp:// rtsps:// rtmp:// udp:// rtp:// srt://
 *                      a stream. http(s) of known length is read like a file unless opts.live says otherwise
 *   alsa:NAME pulse:NAME
 *                      a sound device (audio/device.h lists them); "alsa:default", "pulse:default"
 * A path that contains "://" or starts with "alsa:" can be given as "file:PATH".
 *
 * What comes out: interleaved float, full scale [-1, 1], louder kept as it is. A sample that is not finite, or beyond
 * +-1e6, becomes 0 and is counted; where such samples are more than one in a hundred of those decoded so far (looked at
 * after the first second and at the end) pull fails with MEWL_E_FORMAT. Damaged packets are skipped and counted.
 * Downmix is the mean of all channels but low-frequency ones.
 */
#ifndef MEWL_AUDIO_SOURCE_H
#define MEWL_AUDIO_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"

typedef struct mewl_source mewl_source;

/* Shape of raw PCM, which carries none of its own. */
typedef struct mewl_source_raw {
    const char
        *format;    /* NULL: not raw. s8 u8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be mulaw alaw */
    double rate_hz; /* 0: 16000 */
    int channels;   /* 0: 1 */
} mewl_source_raw;

typedef enum mewl_source_live {
    MEWL_SOURCE_AUTO, /* live: devices, streams of unknown length; not live: files, standard input, http of known length
                       */
    MEWL_SOURCE_FINITE, /* an end is an end */
    MEWL_SOURCE_LIVE    /* an end is a lost connection */
} mewl_source_live;

/* How to read. Zero-initialised fields mean the default. */
typedef struct mewl_source_opts {
    double rate_hz; /* of what is pulled, 1000 to 1000000; 0: the source's own rate when it was opened */
    int channels;   /* of what is pulled: 0: the source's own when it was opened, 1: mono */
    mewl_source_raw raw;
    mewl_source_live live;
    double open_timeout_s;     /* 0: 15. Network and devices */
    double read_timeout_s;     /* 0: 5. A live source silent for longer counts as lost */
    double backoff_first_s;    /* 0: 0.5. Wait before the first reconnect; doubles with each failure ... */
    double backoff_most_s;     /* 0: 30. ... up to this; a second of sound resets it */
    int max_reconnects;        /* live: failures in a row after which pull gives up. 0: never; -1: do not reconnect */
    bool rtsp_udp;             /* RTSP over UDP instead of TCP */
    const atomic_bool *cancel; /* borrowed; true ends a wait with MEWL_E_CANCELLED */
    const mewl_clock *clock;   /* borrowed; NULL: the machine's */
    const mewl_log *log;       /* borrowed; NULL: none. Reconnects, changed rates, FFmpeg's own warnings */
} mewl_source_opts;

/* What is known about a source; strings are valid until close. Counters run from open. */
typedef struct mewl_source_info {
    const char *container; /* FFmpeg's name: "wav", "mov,mp4,m4a,3gp,3g2,mj2" */
    const char *codec;     /* "pcm_s16le", "aac" */
    double source_rate_hz; /* now; a live source may change it */
    int source_channels;   /* now */
    double rate_hz;        /* of what is pulled; fixed */
    int channels;          /* of what is pulled; fixed */
    double duration_s;     /* as the container tells; NaN when unknown or live */
    bool live;
    bool connected;         /* false between a loss and a successful reconnect */
    uint64_t frames;        /* pulled so far */
    uint64_t decode_errors; /* damaged packets skipped */
    uint64_t bad_samples;   /* samples replaced by 0: NaN, infinite or beyond +-1e6 */
    double first_bad_s;     /* where the first of them was; NaN */
    uint64_t rate_changes;  /* changes of rate or channel count after the start */
    uint64_t reconnects;    /* successful ones */
    double lost_s;          /* time between losses and reconnects, by the clock, the present one included */
    bool truncated;         /* the container promised at least 1 s and 1 % more than it held */
} mewl_source_info;

/* Opens `url` and reads on until the first sound is decoded; connecting is tried once. Errors name the url (without its
 * password):
 * MEWL_E_NOT_FOUND, MEWL_E_PERMISSION, MEWL_E_FORMAT (no sound format is recognised; or nothing could be decoded),
 * MEWL_E_EMPTY (no byte, no sound stream, or not one sample in it), MEWL_E_UNSUPPORTED (no decoder; rate outside 1 kHz
 * to 1 MHz; over 64 channels; an mp4 from a pipe whose index comes last), MEWL_E_TIMEOUT, MEWL_E_IO, MEWL_E_ARG (bad
 * opts), MEWL_E_CANCELLED, MEWL_E_MEMORY. On failure *out is NULL. */
mewl_status mewl_source_open(mewl_source **out, const char *url, mewl_source_opts opts, mewl_error *err);

/* Waits for sound and writes at most max_frames frames (info.channels numbers each) to `interleaved`; *got says how
 * many: any number up to max_frames, 0 at the end, for ever after. Live sources: MEWL_E_TIMEOUT means that nothing
 * arrived (lost, or waiting to reconnect): not final, call again; it is returned after at most read_timeout_s without
 * sound, and at least every second while waiting to reconnect, so that the caller can tell "not hearing" (info.lost_s
 * says how long by now). The end never comes unless max_reconnects is used up: then MEWL_E_IO, finally. Files:
 * MEWL_E_FORMAT when too many samples are not numbers, MEWL_E_IO. After a final error every pull returns it again.
 * MEWL_E_CANCELLED. */
mewl_status mewl_source_pull(mewl_source *source, float *interleaved, size_t max_frames, size_t *got, mewl_error *err);

/* Fills *info. */
void mewl_source_describe(const mewl_source *source, mewl_source_info *info);

/* NULL is fine. */
void mewl_source_close(mewl_source *source);

/* Whether `url` is a network address or a device rather than a file. */
bool mewl_source_is_remote(const char *url);

#endif
