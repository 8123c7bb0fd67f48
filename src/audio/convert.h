/* convert.h - FFmpeg's frames, of whatever sample format and channel count, to float. Not for other rooms. */
#ifndef MEWL_AUDIO_CONVERT_H
#define MEWL_AUDIO_CONVERT_H

#include <stddef.h>

#include <libavutil/frame.h>

/* Channels that are taken at most. */
#define MEWL__CHANNELS_MAX 64

/* Writes frames [start, start + count) of `frame` as interleaved float to `out`, `channels` numbers each:
 * 1: the mean of all channels but low-frequency ones; the frame's own number: as they are; any other: that mean on
 * every channel. What is no sound sample (audio/source.h) becomes 0. Returns how many of the frame's samples that were;
 * *first is the lowest frame with one, from `start`, when there are any. The format must satisfy mewl__frame_readable.
 * `work` holds `count` floats. */
size_t mewl__frame_convert(float *out, float *work, size_t *first, const AVFrame *frame, size_t start, size_t count,
                           int channels);

/* Whether this sample format can be read. */
int mewl__frame_readable(int format);

#endif
