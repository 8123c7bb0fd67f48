#include "audio/codec.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libavutil/samplefmt.h>

#include "audio/avlog.h"
#include "audio/convert.h"
#include "audio/resample.h"

#define FRAME_UNBOUND 1024 /* for codecs that take frames of any size */

typedef struct codec_row {
    const char *name;
    int rate_hz, bit_rate;
} codec_row;

static const codec_row rows[] = {
#define X(id, name, rate, bits) [id] = {name, rate, bits},
    MEWL_CODEC_ROWS(X)
#undef X
};

typedef struct codec_library {
    enum AVCodecID id;
    const char *encoder; /* FFmpeg's name for it; NULL: the first for the id */
    bool rates;          /* bit_rate can be chosen */
    int delay;           /* samples the decoder adds beyond the encoder's initial_padding; measured, see the tests */
} codec_library;

static const codec_library libraries[] = {
    [MEWL_CODEC_MULAW] = {AV_CODEC_ID_PCM_MULAW, NULL, false, 0},
    [MEWL_CODEC_ALAW] = {AV_CODEC_ID_PCM_ALAW, NULL, false, 0},
    [MEWL_CODEC_G726] = {AV_CODEC_ID_ADPCM_G726, NULL, true, 0},
    [MEWL_CODEC_G722] = {AV_CODEC_ID_ADPCM_G722, NULL, false, 0},
    [MEWL_CODEC_GSM] = {AV_CODEC_ID_GSM, NULL, false, 0},
    [MEWL_CODEC_SPEEX] = {AV_CODEC_ID_SPEEX, "libspeex", true, 80},
    [MEWL_CODEC_OPUS] = {AV_CODEC_ID_OPUS, "libopus", true, 0},
    [MEWL_CODEC_AAC] = {AV_CODEC_ID_AAC, "aac", true, 0},
    [MEWL_CODEC_MP3] = {AV_CODEC_ID_MP3, "libmp3lame", true, 0},
    [MEWL_CODEC_AMRNB] = {AV_CODEC_ID_AMR_NB, "libopencore_amrnb", true, 0},
};

_Static_assert(sizeof libraries / sizeof *libraries == MEWL_CODEC_COUNT, "one library row a codec");

static const AVCodec *encoder_for(mewl_codec codec)
{
    const codec_library *library = &libraries[codec];
    return library->encoder != NULL ? avcodec_find_encoder_by_name(library->encoder)
                                    : avcodec_find_encoder(library->id);
}

const char *mewl_codec_name(mewl_codec codec)
{
    return (unsigned)codec < MEWL_CODEC_COUNT ? rows[codec].name : "unknown";
}

bool mewl_codec_available(mewl_codec codec)
{
    return (unsigned)codec < MEWL_CODEC_COUNT && encoder_for(codec) != NULL &&
           avcodec_find_decoder(libraries[codec].id) != NULL;
}

/* One way there and back at the codec's own rate. */
typedef struct trip {
    const codec_row *row;
    AVCodecContext *encoder, *decoder;
    AVFrame *frame, *decoded;
    AVPacket *packet;
    int frame_size;
    size_t lag;    /* of the result, in samples */
    float *result; /* `room` samples, `held` of them decoded */
    size_t room, held;
    float *work; /* one decoded frame as float */
    size_t work_room;
} trip;

static mewl_status failed(const trip *t, const char *what, int code, mewl_error *err)
{
    char reason[320];
    return mewl_error_set(err, code == AVERROR(ENOMEM) ? MEWL_E_MEMORY : MEWL_E_LIBRARY, "codec %s: %s: %s",
                          t->row->name, what, mewl__avlog_reason(reason, sizeof reason, code, NULL));
}

static void fini(trip *t)
{
    avcodec_free_context(&t->encoder);
    avcodec_free_context(&t->decoder);
    av_frame_free(&t->frame);
    av_frame_free(&t->decoded);
    av_packet_free(&t->packet);
    free(t->work);
}

/* The encoder's first sample format that fill() knows. */
static enum AVSampleFormat choose_format(const AVCodec *encoder)
{
    for (const enum AVSampleFormat *f = encoder->sample_fmts; f != NULL && *f != AV_SAMPLE_FMT_NONE; f++) {
        const enum AVSampleFormat packed = av_get_packed_sample_fmt(*f);
        if (packed == AV_SAMPLE_FMT_S16 || packed == AV_SAMPLE_FMT_FLT) {
            return *f;
        }
    }
    return AV_SAMPLE_FMT_S16;
}

static mewl_status init(trip *t, mewl_codec codec, double bit_rate, mewl_error *err)
{
    const AVCodec *encoder = encoder_for(codec), *decoder = avcodec_find_decoder(libraries[codec].id);
    t->encoder = avcodec_alloc_context3(encoder);
    t->decoder = avcodec_alloc_context3(decoder);
    t->frame = av_frame_alloc();
    t->decoded = av_frame_alloc();
    t->packet = av_packet_alloc();
    if (t->encoder == NULL || t->decoder == NULL || t->frame == NULL || t->decoded == NULL || t->packet == NULL) {
        return failed(t, "opening", AVERROR(ENOMEM), err);
    }
    AVCodecContext *e = t->encoder;
    e->sample_fmt = choose_format(encoder);
    e->sample_rate = t->row->rate_hz;
    e->bit_rate = libraries[codec].rates && bit_rate > 0.0 ? (int64_t)bit_rate : t->row->bit_rate;
    e->time_base = (AVRational){1, t->row->rate_hz};
    e->thread_count = 1;
    av_channel_layout_default(&e->ch_layout, 1);
    if (codec == MEWL_CODEC_OPUS) {
        /* Little effort, as on a phone. */
        e->compression_level = 2;
        (void)av_opt_set(e->priv_data, "application", "voip", 0);
    }
    if (codec == MEWL_CODEC_AAC) {
        (void)av_opt_set(e->priv_data, "aac_coder", "fast", 0);
    }
    int code = avcodec_open2(e, encoder, NULL);
    if (code < 0) {
        return failed(t, "opening the encoder", code, err);
    }
    AVCodecParameters *shape = avcodec_parameters_alloc();
    code = shape == NULL ? AVERROR(ENOMEM) : avcodec_parameters_from_context(shape, e);
    code = code < 0 ? code : avcodec_parameters_to_context(t->decoder, shape);
    avcodec_parameters_free(&shape);
    t->decoder->pkt_timebase = e->time_base;
    t->decoder->thread_count = 1;
    t->decoder->flags2 |= AV_CODEC_FLAG2_SKIP_MANUAL; /* the delay is removed here, the same for all */
    code = code < 0 ? code : avcodec_open2(t->decoder, decoder, NULL);
    if (code < 0) {
        return failed(t, "opening the decoder", code, err);
    }
    t->frame_size = e->frame_size > 0 ? e->frame_size : FRAME_UNBOUND;
    t->lag = (size_t)e->initial_padding + (size_t)libraries[codec].delay;
    return MEWL_OK;
}

/* The next frame for the encoder: in[at ...], zeros after `count`. */
static mewl_status fill(trip *t, const float *in, size_t count, size_t at, mewl_error *err)
{
    AVFrame *f = t->frame;
    av_frame_unref(f);
    f->nb_samples = t->frame_size;
    f->format = t->encoder->sample_fmt;
    f->sample_rate = t->row->rate_hz;
    f->pts = (int64_t)at;
    av_channel_layout_default(&f->ch_layout, 1);
    const int code = av_frame_get_buffer(f, 0);
    if (code < 0) {
        return failed(t, "encoding", code, err);
    }
    for (size_t i = 0; i < (size_t)t->frame_size; i++) {
        float x = at + i < count ? in[at + i] : 0.0F;
        x = x > 1.0F ? 1.0F : x >= -1.0F ? x : x < -1.0F ? -1.0F : 0.0F; /* NaN: 0 */
        if (av_get_packed_sample_fmt(t->encoder->sample_fmt) == AV_SAMPLE_FMT_S16) {
            ((int16_t *)(void *)f->data[0])[i] = (int16_t)lrintf(x * 32767.0F);
        } else {
            ((float *)(void *)f->data[0])[i] = x;
        }
    }
    return MEWL_OK;
}

/* Takes everything the decoder has. */
static mewl_status collect(trip *t, mewl_error *err)
{
    for (;;) {
        const int code = avcodec_receive_frame(t->decoder, t->decoded);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) {
            return MEWL_OK;
        }
        if (code < 0) {
            return failed(t, "decoding", code, err);
        }
        const size_t n = (size_t)t->decoded->nb_samples;
        if (t->decoded->sample_rate != t->row->rate_hz || !mewl__frame_readable(t->decoded->format)) {
            return mewl_error_set(err, MEWL_E_LIBRARY, "codec %s: decoded to %d Hz", t->row->name,
                                  t->decoded->sample_rate);
        }
        if (n > t->work_room) {
            float *work = realloc(t->work, 2 * n * sizeof *work);
            if (work == NULL) {
                return failed(t, "decoding", AVERROR(ENOMEM), err);
            }
            t->work = work;
            t->work_room = n;
        }
        size_t first = 0;
        (void)mewl__frame_convert(t->work, t->work + t->work_room, &first, t->decoded, 0, n, 1);
        const size_t take = n < t->room - t->held ? n : t->room - t->held;
        memcpy(t->result + t->held, t->work, take * sizeof *t->result);
        t->held += take;
    }
}

/* Sends packets on to the decoder; `last`: that was all. */
static mewl_status pass_on(trip *t, bool last, mewl_error *err)
{
    int code = 0;
    while ((code = avcodec_receive_packet(t->encoder, t->packet)) == 0) {
        code = avcodec_send_packet(t->decoder, t->packet);
        av_packet_unref(t->packet);
        if (code < 0) {
            return failed(t, "decoding", code, err);
        }
        MEWL_TRY(collect(t, err));
    }
    if (code != AVERROR(EAGAIN) && code != AVERROR_EOF) {
        return failed(t, "encoding", code, err);
    }
    if (last && avcodec_send_packet(t->decoder, NULL) >= 0) {
        return collect(t, err);
    }
    return MEWL_OK;
}

/* in[0, count) at the codec's rate to t->result[0, room), its delay at the front. */
static mewl_status travel(trip *t, const float *in, size_t count, mewl_error *err)
{
    const size_t frame = (size_t)t->frame_size, end = count + t->lag + 2 * frame;
    for (size_t at = 0; at < end && t->held < t->room; at += frame) {
        MEWL_TRY(fill(t, in, count, at, err));
        const int code = avcodec_send_frame(t->encoder, t->frame);
        if (code < 0) {
            return failed(t, "encoding", code, err);
        }
        MEWL_TRY(pass_on(t, false, err));
    }
    if (t->held < t->room && avcodec_send_frame(t->encoder, NULL) >= 0) {
        return pass_on(t, true, err);
    }
    return MEWL_OK;
}

mewl_status mewl_codec_round_trip(float *out, const float *in, size_t count, double rate_hz, mewl_codec codec,
                                  double bit_rate, mewl_error *err)
{
    if ((unsigned)codec >= MEWL_CODEC_COUNT || !(rate_hz >= 1000.0 && rate_hz <= 192000.0) ||
        !(bit_rate >= 0.0 && bit_rate <= 1e6)) {
        return mewl_error_set(err, MEWL_E_ARG, "codec %d at %g Hz and %g bit/s is out of range", (int)codec, rate_hz,
                              bit_rate);
    }
    if (!mewl_codec_available(codec)) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "codec %s: this FFmpeg cannot both write and read it",
                              rows[codec].name);
    }
    if (count == 0) {
        return MEWL_OK;
    }
    const mewl_resample_opts opts = {.pass_band = 0.88, .attenuation_db = 72.0};
    trip t = {.row = &rows[codec]};
    float *narrow = NULL, *back = NULL;
    size_t narrow_count = 0, back_count = 0;
    mewl__avlog avlog = {0};
    mewl__avlog *before = mewl__avlog_use(&avlog);
    mewl_status status = mewl_resample(&narrow, &narrow_count, in, count, rate_hz, t.row->rate_hz, opts, err);
    if (status == MEWL_OK) {
        status = init(&t, codec, bit_rate, err);
    }
    if (status == MEWL_OK) {
        t.room = narrow_count + t.lag;
        t.result = calloc(t.room, sizeof *t.result);
        status =
            t.result == NULL ? failed(&t, "decoding", AVERROR(ENOMEM), err) : travel(&t, narrow, narrow_count, err);
    }
    if (status == MEWL_OK) {
        status = mewl_resample(&back, &back_count, t.result + t.lag, narrow_count, t.row->rate_hz, rate_hz, opts, err);
    }
    if (status == MEWL_OK) {
        const size_t n = back_count < count ? back_count : count;
        memcpy(out, back, n * sizeof *out);
        memset(out + n, 0, (count - n) * sizeof *out);
    }
    (void)mewl__avlog_use(before);
    free(narrow);
    free(back);
    free(t.result);
    fini(&t);
    return status;
}
