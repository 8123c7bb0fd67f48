#include "audio/convert.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libavutil/samplefmt.h>

#define MOST 1e6F

/* Loads `count` samples of one type, `step` apart, as float. */
#define LOADER(name, type, expression)                                                                                 \
    static void load_##name(float *out, const uint8_t *data, size_t start, size_t step, size_t count)                  \
    {                                                                                                                  \
        const type *in = (const type *)(const void *)data + start;                                                     \
        if (step == 1) {                                                                                               \
            for (size_t i = 0; i < count; i++) {                                                                       \
                const type x = in[i];                                                                                  \
                out[i] = (expression);                                                                                 \
            }                                                                                                          \
        } else {                                                                                                       \
            for (size_t i = 0; i < count; i++) {                                                                       \
                const type x = in[i * step];                                                                           \
                out[i] = (expression);                                                                                 \
            }                                                                                                          \
        }                                                                                                              \
    }

LOADER(u8, uint8_t, (float)((int)x - 128) * (1.0F / 128.0F))
LOADER(s16, int16_t, (float)x *(1.0F / 32768.0F))
LOADER(s32, int32_t, (float)x *(1.0F / 2147483648.0F))
LOADER(s64, int64_t, (float)x *(1.0F / 9223372036854775808.0F))
LOADER(flt, float, x)
LOADER(dbl, double, (float)x)

typedef void (*loader)(float *out, const uint8_t *data, size_t start, size_t step, size_t count);

static loader loader_for(int format)
{
    switch (av_get_packed_sample_fmt((enum AVSampleFormat)format)) {
    case AV_SAMPLE_FMT_U8:
        return load_u8;
    case AV_SAMPLE_FMT_S16:
        return load_s16;
    case AV_SAMPLE_FMT_S32:
        return load_s32;
    case AV_SAMPLE_FMT_S64:
        return load_s64;
    case AV_SAMPLE_FMT_FLT:
        return load_flt;
    case AV_SAMPLE_FMT_DBL:
        return load_dbl;
    default:
        return NULL;
    }
}

int mewl__frame_readable(int format)
{
    return loader_for(format) != NULL;
}

/* Replaces what is no sound sample by 0; how many there were, and where the first. Comparisons with NaN are false. */
static size_t clean(float *x, size_t *first, size_t count)
{
    size_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        bad += !(fabsf(x[i]) <= MOST);
    }
    if (bad == 0) {
        return 0;
    }
    for (size_t i = count; i-- > 0;) {
        if (!(fabsf(x[i]) <= MOST)) {
            x[i] = 0.0F;
            *first = i;
        }
    }
    return bad;
}

static int low_frequency(const AVFrame *frame, int channel)
{
    const enum AVChannel name = av_channel_layout_channel_from_index(&frame->ch_layout, (unsigned)channel);
    return name == AV_CHAN_LOW_FREQUENCY || name == AV_CHAN_LOW_FREQUENCY_2;
}

/* The commonest case, 16-bit stereo to mono, in one pass. */
static void mean_s16(float *out, const AVFrame *frame, size_t start, size_t count)
{
    const int16_t *in = (const int16_t *)(const void *)frame->extended_data[0] + 2 * start;
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)((int)in[2 * i] + (int)in[2 * i + 1]) * (0.5F / 32768.0F);
    }
}

size_t mewl__frame_convert(float *out, float *work, size_t *first, const AVFrame *frame, size_t start, size_t count,
                           int channels)
{
    const int have = frame->ch_layout.nb_channels;
    const int planar = av_sample_fmt_is_planar((enum AVSampleFormat)frame->format);
    const int is_float = av_get_packed_sample_fmt((enum AVSampleFormat)frame->format) == AV_SAMPLE_FMT_FLT ||
                         av_get_packed_sample_fmt((enum AVSampleFormat)frame->format) == AV_SAMPLE_FMT_DBL;
    const loader load = loader_for(frame->format);
    const size_t step = planar ? 1 : (size_t)have;
    size_t bad = 0;
    *first = count;

    if (channels == 1 && have == 2 && frame->format == AV_SAMPLE_FMT_S16) {
        mean_s16(out, frame, start, count);
        return 0;
    }
    int used = 0;
    for (int c = 0; c < have; c++) {
        used += !low_frequency(frame, c);
    }
    const int all = used == 0; /* nothing but low-frequency channels: take them */
    const float weight = 1.0F / (float)(all ? have : used);
    const size_t wide = (size_t)channels;
    int any = 0;
    for (int c = 0; c < have; c++) {
        if (channels != have && !all && low_frequency(frame, c)) {
            continue;
        }
        const uint8_t *data = planar ? frame->extended_data[c] : frame->extended_data[0];
        float *to = channels == 1 && !any ? out : work;
        load(to, data, planar ? start : start * step + (size_t)c, step, count);
        if (is_float) {
            size_t at = count;
            bad += clean(to, &at, count);
            *first = at < *first ? at : *first;
        }
        if (channels == have) {
            if (to != out) {
                for (size_t i = 0; i < count; i++) {
                    out[i * wide + (size_t)c] = work[i];
                }
            }
        } else if (channels == 1) {
            if (any) {
                for (size_t i = 0; i < count; i++) {
                    out[i] += work[i];
                }
            }
        } else {
            for (size_t i = 0; i < count; i++) {
                out[i * wide] = (any ? out[i * wide] : 0.0F) + work[i];
            }
        }
        any = 1;
    }
    if (channels != have) {
        for (size_t i = 0; i < count; i++) {
            const float mean = out[i * wide] * weight;
            for (size_t k = 0; k < wide; k++) {
                out[i * wide + k] = mean;
            }
        }
    }
    return bad;
}
