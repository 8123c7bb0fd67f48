/* input.h - one connection to one source: opened by FFmpeg, decoded frame by frame. No reconnecting, no conversion:
 * source.c does that. Not for other rooms. */
#ifndef MEWL_AUDIO_INPUT_H
#define MEWL_AUDIO_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "audio/address.h"
#include "audio/avlog.h"
#include "audio/source.h"

typedef struct mewl__input {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    AVIOContext *standard_input; /* ours, or NULL */
    bool stdin_began;            /* a byte came from it */
    bool index_last;             /* from a pipe came first the sound, then the index that says where it is */
    mewl__avlog avlog;
    const atomic_bool *cancel;
    double deadline_s; /* machine's monotonic time at which a blocking call is broken off; INFINITY: never */
    double read_timeout_s;
    int stream;
    int errors_in_a_row;
    bool live; /* after open: what MEWL_SOURCE_AUTO turned out to be */
    bool draining;
    bool without_edits;    /* mov: edit lists are not applied, see input.c */
    double duration_s;     /* NaN when unknown */
    bool duration_is_sure; /* told by the container, not guessed from the bit rate */
    uint64_t decode_errors;
    char shown[256]; /* the url for messages */
} mewl__input;

/* Opens; on failure everything is released. Errors as mewl_source_open. The input must not move in memory afterwards.
 * Optional `opts` fields are already resolved to their defaults. */
mewl_status mewl__input_open(mewl__input *input, const char *url, const mewl_source_opts *opts, mewl_error *err);

/* Reads until input->frame holds the next decoded frame with at least one sample of a readable form. *ended: no more.
 * MEWL_E_CANCELLED, MEWL_E_TIMEOUT (read_timeout_s passed: the connection is of no use any more), MEWL_E_IO,
 * MEWL_E_MEMORY, MEWL_E_UNSUPPORTED (a frame outside the limits of mewl_source_open). */
mewl_status mewl__input_next(mewl__input *input, bool *ended, mewl_error *err);

/* Releases everything; twice is fine. */
void mewl__input_close(mewl__input *input);

#endif
