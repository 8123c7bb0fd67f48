#include "audio/writer.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>

#include "audio/avlog.h"
#include "base/file.h"

#define WAV_HEADER 44
#define WAV_BYTES_MOST 4294966000.0
#define FLAC_HEADER 42 /* "fLaC", the block's head, STREAMINFO */
#define BLOCK 4096     /* frames encoded at a time */
#define COMMENT_MAX 1000

struct mewl_audio_writer {
    char *path;
    mewl_file_writer *file;
    mewl_audio_format format;
    uint32_t rate_hz;
    int channels;
    uint64_t bytes;      /* of samples, wav */
    uint32_t list_bytes; /* of the chunk with the remark after them, wav */
    char *comment;
    uint8_t *block;        /* wav: BLOCK frames of bytes */
    AVCodecContext *codec; /* flac */
    AVFrame *frame;
    AVPacket *packet;
    int held; /* frames in `frame` */
    bool committed;
};

static void put_u16(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t *to, uint32_t value)
{
    put_u16(to, value);
    put_u16(to + 2, value >> 16);
}

static int sample_bytes(const mewl_audio_writer *w)
{
    return w->format == MEWL_AUDIO_WAV_F32 ? 4 : 2;
}

static void wav_header(const mewl_audio_writer *w, uint8_t head[WAV_HEADER])
{
    const uint32_t size = (uint32_t)sample_bytes(w), wide = (uint32_t)w->channels;
    memcpy(head, "RIFF", 4);
    put_u32(head + 4, (uint32_t)(w->bytes + (w->bytes & 1) + w->list_bytes + WAV_HEADER - 8));
    memcpy(head + 8, "WAVEfmt ", 8);
    put_u32(head + 16, 16);
    put_u16(head + 20, w->format == MEWL_AUDIO_WAV_F32 ? 3 : 1); /* IEEE float or PCM */
    put_u16(head + 22, wide);
    put_u32(head + 24, w->rate_hz);
    put_u32(head + 28, w->rate_hz * wide * size);
    put_u16(head + 32, wide * size);
    put_u16(head + 34, 8 * size);
    memcpy(head + 36, "data", 4);
    put_u32(head + 40, (uint32_t)w->bytes);
}

static int16_t to_s16(float x)
{
    const float y = x * 32768.0F;
    return y >= 32767.0F ? 32767 : y <= -32768.0F ? -32768 : (int16_t)lrintf(y);
}

static mewl_status library_failed(const mewl_audio_writer *w, int code, mewl_error *err)
{
    char reason[320];
    return mewl_error_set(err, MEWL_E_LIBRARY, "%s: flac encoder: %s", w->path,
                          mewl__avlog_reason(reason, sizeof reason, code, NULL));
}

static mewl_status open_flac(mewl_audio_writer *w, mewl_error *err)
{
    const AVCodec *encoder = avcodec_find_encoder(AV_CODEC_ID_FLAC);
    if (encoder == NULL) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: this FFmpeg cannot write flac", w->path);
    }
    w->codec = avcodec_alloc_context3(encoder);
    w->frame = av_frame_alloc();
    w->packet = av_packet_alloc();
    if (w->codec == NULL || w->frame == NULL || w->packet == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", w->path);
    }
    w->codec->sample_fmt = AV_SAMPLE_FMT_S16;
    w->codec->sample_rate = (int)w->rate_hz;
    av_channel_layout_default(&w->codec->ch_layout, w->channels);
    w->codec->time_base = (AVRational){1, (int)w->rate_hz};
    w->codec->frame_size = BLOCK;
    w->codec->thread_count = 1;
    int code = avcodec_open2(w->codec, encoder, NULL);
    if (code < 0) {
        return library_failed(w, code, err);
    }
    if (w->codec->extradata_size != FLAC_HEADER - 8) {
        return mewl_error_set(err, MEWL_E_LIBRARY, "%s: the flac encoder gave no stream header", w->path);
    }
    w->frame->nb_samples = w->codec->frame_size > 0 ? w->codec->frame_size : BLOCK;
    w->frame->format = AV_SAMPLE_FMT_S16;
    w->frame->sample_rate = (int)w->rate_hz;
    code = av_channel_layout_copy(&w->frame->ch_layout, &w->codec->ch_layout);
    code = code < 0 ? code : av_frame_get_buffer(w->frame, 0);
    return code < 0 ? library_failed(w, code, err) : MEWL_OK;
}

static void flac_header(const mewl_audio_writer *w, const uint8_t *stream_info, uint8_t head[FLAC_HEADER])
{
    memcpy(head, "fLaC", 4);
    head[4] = 0x80; /* last metadata block, type STREAMINFO */
    head[5] = 0;
    head[6] = 0;
    head[7] = FLAC_HEADER - 8;
    memcpy(head + 8, stream_info, FLAC_HEADER - 8);
    (void)w;
}

/* Sends the held frames, or NULL at the end, to the encoder and its packets to the file. */
static mewl_status encode(mewl_audio_writer *w, bool last, mewl_error *err)
{
    if (!last) {
        const int code = avcodec_send_frame(w->codec, w->frame);
        if (code < 0) {
            return library_failed(w, code, err);
        }
    } else if (avcodec_send_frame(w->codec, NULL) < 0) {
        return library_failed(w, AVERROR_UNKNOWN, err);
    }
    for (;;) {
        const int code = avcodec_receive_packet(w->codec, w->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) {
            return MEWL_OK;
        }
        if (code < 0) {
            return library_failed(w, code, err);
        }
        size_t size = 0;
        const uint8_t *info = av_packet_get_side_data(w->packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
        mewl_status status = MEWL_OK;
        if (info != NULL && size == FLAC_HEADER - 8) {
            /* At the end: length, checksum and block sizes are known now. */
            uint8_t head[FLAC_HEADER];
            flac_header(w, info, head);
            status = mewl_file_writer_patch(w->file, 0, head, sizeof head, err);
        }
        if (status == MEWL_OK && w->packet->size > 0) {
            status = mewl_file_writer_push(w->file, w->packet->data, (size_t)w->packet->size, err);
        }
        av_packet_unref(w->packet);
        MEWL_TRY(status);
    }
}

static mewl_status push_flac(mewl_audio_writer *w, const float *interleaved, size_t frames, mewl_error *err)
{
    const size_t wide = (size_t)w->channels;
    const int room = w->codec->frame_size > 0 ? w->codec->frame_size : BLOCK;
    for (size_t at = 0; at < frames;) {
        if (w->held == 0) {
            w->frame->nb_samples = room;
            const int code = av_frame_make_writable(w->frame);
            if (code < 0) {
                return library_failed(w, code, err);
            }
        }
        const size_t left = frames - at, free_frames = (size_t)(room - w->held);
        const size_t take = left < free_frames ? left : free_frames;
        int16_t *to = (int16_t *)(void *)w->frame->data[0] + (size_t)w->held * wide;
        for (size_t i = 0; i < take * wide; i++) {
            to[i] = to_s16(interleaved[at * wide + i]);
        }
        at += take;
        w->held += (int)take;
        if (w->held == room) {
            MEWL_TRY(encode(w, false, err));
            w->held = 0;
        }
    }
    return MEWL_OK;
}

static mewl_status push_wav(mewl_audio_writer *w, const float *interleaved, size_t frames, mewl_error *err)
{
    const size_t wide = (size_t)w->channels, size = (size_t)sample_bytes(w);
    if ((double)w->bytes + (double)frames * (double)(wide * size) > WAV_BYTES_MOST) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: a wav file holds at most 4 GiB; write flac", w->path);
    }
    for (size_t at = 0; at < frames;) {
        const size_t take = frames - at < BLOCK ? frames - at : BLOCK;
        const float *from = interleaved + at * wide;
        for (size_t i = 0; i < take * wide; i++) {
            if (size == 2) {
                put_u16(w->block + 2 * i, (uint32_t)(uint16_t)to_s16(from[i]));
            } else {
                uint32_t bits = 0;
                memcpy(&bits, from + i, sizeof bits);
                put_u32(w->block + 4 * i, bits);
            }
        }
        MEWL_TRY(mewl_file_writer_push(w->file, w->block, take * wide * size, err));
        w->bytes += take * wide * size;
        at += take;
    }
    return MEWL_OK;
}

static mewl_status begin(mewl_audio_writer *w, mewl_error *err)
{
    if (w->format != MEWL_AUDIO_FLAC) {
        w->block = malloc(BLOCK * (size_t)w->channels * sizeof(float));
        if (w->block == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", w->path);
        }
        uint8_t head[WAV_HEADER];
        wav_header(w, head);
        MEWL_TRY(mewl_file_writer_open(&w->file, w->path, err));
        return mewl_file_writer_push(w->file, head, sizeof head, err);
    }
    mewl__avlog avlog = {0};
    mewl__avlog *before = mewl__avlog_use(&avlog);
    const mewl_status status = open_flac(w, err);
    (void)mewl__avlog_use(before);
    MEWL_TRY(status);
    uint8_t head[FLAC_HEADER];
    flac_header(w, w->codec->extradata, head);
    MEWL_TRY(mewl_file_writer_open(&w->file, w->path, err));
    return mewl_file_writer_push(w->file, head, sizeof head, err);
}

mewl_status mewl_audio_writer_open(mewl_audio_writer **out, const char *path, double rate_hz, int channels,
                                   mewl_audio_format format, mewl_error *err)
{
    *out = NULL;
    const char *dot = strrchr(path, '.');
    if (format == MEWL_AUDIO_BY_NAME) {
        if (dot != NULL && strcasecmp(dot, ".wav") == 0) {
            format = MEWL_AUDIO_WAV_S16;
        } else if (dot != NULL && strcasecmp(dot, ".flac") == 0) {
            format = MEWL_AUDIO_FLAC;
        } else {
            return mewl_error_set(err, MEWL_E_ARG, "%s: the name must end in .wav or .flac", path);
        }
    }
    const double most = format == MEWL_AUDIO_FLAC ? 655350.0 : 1e9;
    if (!(rate_hz >= 1.0 && rate_hz <= most && rate_hz == floor(rate_hz))) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: a sampling rate of %g Hz cannot be written", path, rate_hz);
    }
    if (channels < 1 || channels > 8 || (double)channels * 4.0 * rate_hz > 4e9) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: %d channels cannot be written: 1 to 8", path, channels);
    }
    mewl_audio_writer *w = calloc(1, sizeof *w);
    if (w == NULL || (w->path = strdup(path)) == NULL) {
        free(w);
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    }
    w->format = format;
    w->rate_hz = (uint32_t)rate_hz;
    w->channels = channels;
    const mewl_status status = begin(w, err);
    if (status != MEWL_OK) {
        mewl_audio_writer_close(w);
        return status;
    }
    *out = w;
    return MEWL_OK;
}

mewl_status mewl_audio_writer_push(mewl_audio_writer *w, const float *interleaved, size_t frames, mewl_error *err)
{
    if (w->committed) {
        return mewl_error_set(err, MEWL_E_STATE, "%s: samples after the end", w->path);
    }
    for (size_t i = 0; i < frames * (size_t)w->channels; i++) {
        if (!isfinite(interleaved[i])) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: sample %zu is not a number that can be written", w->path, i);
        }
    }
    if (w->format != MEWL_AUDIO_FLAC) {
        return push_wav(w, interleaved, frames, err);
    }
    mewl__avlog avlog = {0};
    mewl__avlog *before = mewl__avlog_use(&avlog);
    const mewl_status status = push_flac(w, interleaved, frames, err);
    (void)mewl__avlog_use(before);
    return status;
}

static mewl_status finish_flac(mewl_audio_writer *w, mewl_error *err)
{
    if (w->held > 0) {
        w->frame->nb_samples = w->held;
        w->held = 0;
        MEWL_TRY(encode(w, false, err));
    }
    return encode(w, true, err);
}

mewl_status mewl_audio_writer_comment(mewl_audio_writer *w, const char *text, mewl_error *err)
{
    if (w->format == MEWL_AUDIO_FLAC) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: remarks go into wav files alone", w->path);
    }
    if (strlen(text) > COMMENT_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: a remark of over %d bytes", w->path, COMMENT_MAX);
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory for a remark", w->path);
    }
    free(w->comment);
    w->comment = copy;
    return MEWL_OK;
}

/* The remark as a chunk after the samples: LIST, INFO, ICMT, the text with its NUL, padded to a whole number of words.
 */
static mewl_status push_comment(mewl_audio_writer *w, mewl_error *err)
{
    if (w->comment == NULL) {
        return MEWL_OK;
    }
    uint8_t chunk[20 + COMMENT_MAX + 2] = {0};
    uint32_t text = (uint32_t)strlen(w->comment) + 1, padded = text + (text & 1);
    memcpy(chunk, "LIST", 4);
    put_u32(chunk + 4, 12 + padded);
    memcpy(chunk + 8, "INFOICMT", 8);
    put_u32(chunk + 16, text);
    memcpy(chunk + 20, w->comment, text);
    w->list_bytes = 20 + padded;
    return mewl_file_writer_push(w->file, chunk, w->list_bytes, err);
}

mewl_status mewl_audio_writer_commit(mewl_audio_writer *w, mewl_error *err)
{
    if (w->committed) {
        return mewl_error_set(err, MEWL_E_STATE, "%s: completed twice", w->path);
    }
    w->committed = true;
    if (w->format == MEWL_AUDIO_FLAC) {
        mewl__avlog avlog = {0};
        mewl__avlog *before = mewl__avlog_use(&avlog);
        const mewl_status status = finish_flac(w, err);
        (void)mewl__avlog_use(before);
        MEWL_TRY(status);
    } else {
        if ((w->bytes & 1) != 0) {
            MEWL_TRY(mewl_file_writer_push(w->file, "", 1, err));
        }
        MEWL_TRY(push_comment(w, err));
        uint8_t head[WAV_HEADER];
        wav_header(w, head);
        MEWL_TRY(mewl_file_writer_patch(w->file, 0, head, sizeof head, err));
    }
    return mewl_file_writer_commit(w->file, err);
}

void mewl_audio_writer_close(mewl_audio_writer *w)
{
    if (w == NULL) {
        return;
    }
    avcodec_free_context(&w->codec);
    av_frame_free(&w->frame);
    av_packet_free(&w->packet);
    mewl_file_writer_close(w->file);
    free(w->block);
    free(w->comment);
    free(w->path);
    free(w);
}

mewl_status mewl_audio_write(const char *path, const float *samples, size_t count, double rate_hz,
                             mewl_audio_format format, mewl_error *err)
{
    mewl_audio_writer *w = NULL;
    MEWL_TRY(mewl_audio_writer_open(&w, path, rate_hz, 1, format, err));
    mewl_status status = mewl_audio_writer_push(w, samples, count, err);
    if (status == MEWL_OK) {
        status = mewl_audio_writer_commit(w, err);
    }
    mewl_audio_writer_close(w);
    return status;
}
