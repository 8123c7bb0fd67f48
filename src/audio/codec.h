/* codec.h - a sound through a lossy codec and back, in memory: what a phone, a camera or a messenger makes of it. */
#ifndef MEWL_AUDIO_CODEC_H
#define MEWL_AUDIO_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* X(constant, name, working rate in Hz, default bits a second). G.711 mu-law and A-law: telephone; G.722: wideband
 * telephone; G.726: DECT baby monitors; GSM full rate: old mobile phones, and the nearest to AMR-NB that Debian can
 * encode (it decodes AMR only); Speex: voice chat; Opus: messengers; AAC, MP3: phones' recorders and cameras. */
#define MEWL_CODEC_ROWS(X)                                                                                             \
    X(MEWL_CODEC_MULAW, "mulaw", 8000, 64000)                                                                          \
    X(MEWL_CODEC_ALAW, "alaw", 8000, 64000)                                                                            \
    X(MEWL_CODEC_G726, "g726", 8000, 32000)                                                                            \
    X(MEWL_CODEC_G722, "g722", 16000, 64000)                                                                           \
    X(MEWL_CODEC_GSM, "gsm", 8000, 13000)                                                                              \
    X(MEWL_CODEC_SPEEX, "speex", 16000, 16000)                                                                         \
    X(MEWL_CODEC_OPUS, "opus", 48000, 24000)                                                                           \
    X(MEWL_CODEC_AAC, "aac", 32000, 48000)                                                                             \
    X(MEWL_CODEC_MP3, "mp3", 32000, 48000)                                                                             \
    X(MEWL_CODEC_AMRNB, "amrnb", 8000, 12200)

typedef enum mewl_codec {
#define X(id, name, rate, bits) id,
    MEWL_CODEC_ROWS(X)
#undef X
        MEWL_CODEC_COUNT
} mewl_codec;

/* The name in the table above. Static storage; codec: below MEWL_CODEC_COUNT. */
const char *mewl_codec_name(mewl_codec codec);

/* Whether this machine's FFmpeg can both encode and decode it (AMR-NB: not on Debian). */
bool mewl_codec_available(mewl_codec codec);

/* out[0 .. count) becomes in[0 .. count) as the codec leaves it: resampled to its working rate, encoded at bit_rate
 * (0: the default; ignored where the codec has one rate only), decoded, resampled back, its delay removed. out == in is
 * allowed. Samples beyond full scale are cut, as the codecs do. rate_hz 1000 to 192000.
 * MEWL_E_UNSUPPORTED when not available, MEWL_E_ARG, MEWL_E_LIBRARY, MEWL_E_MEMORY. */
mewl_status mewl_codec_round_trip(float *out, const float *in, size_t count, double rate_hz, mewl_codec codec,
                                  double bit_rate, mewl_error *err);

#endif
