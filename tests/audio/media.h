/* media.h - makes sound and video files of every container that Debian's FFmpeg can write. For tests; include after
 * cmocka.h. The sound is a tone of 440 Hz at amplitude 0.5 on every channel. */
#ifndef MEWL_TESTS_AUDIO_MEDIA_H
#define MEWL_TESTS_AUDIO_MEDIA_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/log.h>

#define MEDIA_TONE_HZ 440.0
#define MEDIA_AMPLITUDE 0.5
#define MEDIA_TRACKS 3

typedef struct media {
    const char *muxer;   /* "wav", "ipod", "3gp", "matroska", ... */
    const char *encoder; /* of the sound; NULL: no sound */
    int rate_hz, channels;
    double seconds;
    bool video;     /* five pictures of grey, MPEG-4 */
    int extra_mono; /* a further, mono stream of the same encoder before the main one */
} media;

static inline double media_sample(uint8_t *to, enum AVSampleFormat format, size_t index, double value)
{
    switch (av_get_packed_sample_fmt(format)) {
    case AV_SAMPLE_FMT_U8:
        to[index] = (uint8_t)lrint(value * 127.0 + 128.0);
        break;
    case AV_SAMPLE_FMT_S16:
        ((int16_t *)(void *)to)[index] = (int16_t)lrint(value * 32767.0);
        break;
    case AV_SAMPLE_FMT_S32:
        ((int32_t *)(void *)to)[index] = (int32_t)lrint(value * 2147483647.0);
        break;
    case AV_SAMPLE_FMT_S64:
        ((int64_t *)(void *)to)[index] = (int64_t)(value * 9.2e18);
        break;
    case AV_SAMPLE_FMT_FLT:
        ((float *)(void *)to)[index] = (float)value;
        break;
    case AV_SAMPLE_FMT_DBL:
        ((double *)(void *)to)[index] = value;
        break;
    default:
        break;
    }
    return value;
}

static inline void media_drain(AVCodecContext *codec, AVFormatContext *out, int stream)
{
    AVPacket *packet = av_packet_alloc();
    while (avcodec_receive_packet(codec, packet) == 0) {
        packet->stream_index = stream;
        av_packet_rescale_ts(packet, codec->time_base, out->streams[stream]->time_base);
        assert_true(av_interleaved_write_frame(out, packet) >= 0);
    }
    av_packet_free(&packet);
}

static inline AVCodecContext *media_encoder(AVFormatContext *out, const char *name, int rate_hz, int channels)
{
    const AVCodec *encoder = avcodec_find_encoder_by_name(name);
    assert_non_null(encoder);
    AVCodecContext *codec = avcodec_alloc_context3(encoder);
    if (encoder->type == AVMEDIA_TYPE_VIDEO) {
        codec->width = codec->height = 64;
        codec->pix_fmt = AV_PIX_FMT_YUV420P;
        codec->time_base = (AVRational){1, 5};
    } else {
        codec->sample_fmt = encoder->sample_fmts != NULL ? encoder->sample_fmts[0] : AV_SAMPLE_FMT_S16;
        codec->sample_rate = rate_hz;
        codec->bit_rate = 64000 * channels;
        codec->time_base = (AVRational){1, rate_hz};
        av_channel_layout_default(&codec->ch_layout, channels);
        if (codec->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
            codec->ch_layout.nb_channels = channels;
        }
    }
    codec->strict_std_compliance = -2;
    codec->thread_count = 1;
    if ((out->oformat->flags & AVFMT_GLOBALHEADER) != 0) {
        codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    }
    assert_true(avcodec_open2(codec, encoder, NULL) >= 0);
    AVStream *stream = avformat_new_stream(out, NULL);
    assert_true(avcodec_parameters_from_context(stream->codecpar, codec) >= 0);
    stream->time_base = codec->time_base;
    return codec;
}

static inline void media_pictures(AVCodecContext *codec, AVFormatContext *out, int stream)
{
    for (int i = 0; i < 5; i++) {
        AVFrame *frame = av_frame_alloc();
        frame->width = frame->height = 64;
        frame->format = AV_PIX_FMT_YUV420P;
        frame->pts = i;
        assert_true(av_frame_get_buffer(frame, 0) >= 0);
        for (int plane = 0; plane < 3; plane++) {
            memset(frame->data[plane], 128, (size_t)frame->linesize[plane] * (plane == 0 ? 64U : 32U));
        }
        assert_true(avcodec_send_frame(codec, frame) >= 0);
        av_frame_free(&frame);
        media_drain(codec, out, stream);
    }
    (void)avcodec_send_frame(codec, NULL);
    media_drain(codec, out, stream);
}

static inline void media_sound(AVCodecContext *codec, AVFormatContext *out, int stream, double seconds)
{
    const int64_t total = (int64_t)(seconds * codec->sample_rate);
    const int size = codec->frame_size > 0 ? codec->frame_size : 1024;
    for (int64_t at = 0; at < total; at += size) {
        AVFrame *frame = av_frame_alloc();
        frame->nb_samples = total - at < size ? (int)(total - at) : size;
        frame->format = codec->sample_fmt;
        frame->sample_rate = codec->sample_rate;
        frame->pts = at;
        assert_true(av_channel_layout_copy(&frame->ch_layout, &codec->ch_layout) >= 0);
        assert_true(av_frame_get_buffer(frame, 0) >= 0);
        const int wide = codec->ch_layout.nb_channels;
        for (int i = 0; i < frame->nb_samples; i++) {
            const double t = (double)(at + i) / codec->sample_rate;
            const double value = MEDIA_AMPLITUDE * sin(2.0 * M_PI * MEDIA_TONE_HZ * t);
            for (int c = 0; c < wide; c++) {
                const bool planar = av_sample_fmt_is_planar(codec->sample_fmt) != 0;
                (void)media_sample(frame->extended_data[planar ? c : 0], codec->sample_fmt,
                                   planar ? (size_t)i : (size_t)(i * wide + c), value);
            }
        }
        assert_true(avcodec_send_frame(codec, frame) >= 0);
        av_frame_free(&frame);
        media_drain(codec, out, stream);
    }
    (void)avcodec_send_frame(codec, NULL);
    media_drain(codec, out, stream);
}

/* Whether this FFmpeg can write it. */
static inline bool media_possible(media m)
{
    return av_guess_format(m.muxer, NULL, NULL) != NULL &&
           (m.encoder == NULL || avcodec_find_encoder_by_name(m.encoder) != NULL);
}

static inline void media_make(const char *path, media m)
{
    av_log_set_level(AV_LOG_QUIET);
    AVFormatContext *out = NULL;
    assert_true(avformat_alloc_output_context2(&out, NULL, m.muxer, path) >= 0);
    out->flags |= AVFMT_FLAG_BITEXACT;
    AVCodecContext *codecs[MEDIA_TRACKS] = {NULL};
    int tracks = 0;
    if (m.video) {
        codecs[tracks++] = media_encoder(out, "mpeg4", 0, 0);
    }
    if (m.encoder != NULL && m.extra_mono != 0) {
        codecs[tracks++] = media_encoder(out, m.encoder, m.rate_hz, 1);
    }
    if (m.encoder != NULL) {
        codecs[tracks++] = media_encoder(out, m.encoder, m.rate_hz, m.channels);
    }
    if ((out->oformat->flags & AVFMT_NOFILE) == 0) {
        assert_true(avio_open(&out->pb, path, AVIO_FLAG_WRITE) >= 0);
    }
    assert_true(avformat_write_header(out, NULL) >= 0);
    for (int i = 0; i < tracks; i++) {
        if (codecs[i]->codec_type == AVMEDIA_TYPE_VIDEO) {
            media_pictures(codecs[i], out, i);
        } else {
            media_sound(codecs[i], out, i, m.seconds);
        }
    }
    assert_true(av_write_trailer(out) >= 0);
    for (int i = 0; i < tracks; i++) {
        avcodec_free_context(&codecs[i]);
    }
    (void)avio_closep(&out->pb);
    avformat_free_context(out);
}

#endif
