/* frontend_spec.h - the named front ends as rows of a table. Private to the room. */
#ifndef MEWL_DSP_FRONTEND_SPEC_H
#define MEWL_DSP_FRONTEND_SPEC_H

#include <stddef.h>

#include "dsp/fastlog.h"
#include "dsp/frontend.h"
#include "dsp/mel.h"
#include "dsp/stft.h"

typedef enum mewl__padding {
    MEWL__PAD_NONE,   /* frames start at the first sample; none reaches past the last */
    MEWL__PAD_ZERO,   /* frames are centred, zeros beyond both ends */
    MEWL__PAD_REFLECT /* frames are centred, the signal mirrored at its first and last sample */
} mewl__padding;

typedef struct mewl__frontend_spec {
    const char *name;
    mewl_feature default_kind;
    double rate_hz;
    size_t hop;
    size_t span; /* samples that a frame takes: fft_length where centred */
    mewl__padding padding;
    double preemphasis; /* y[n] = x[n+1] - preemphasis x[n], one sample fewer; 0: none */
    mewl_stft_opts stft;
    mewl_mel_opts mel;
    mewl_fastlog_opts log;
    float clip_floor_db; /* log-mel: floor below the clip's maximum, then each band's mean removed; 0: neither */
} mewl__frontend_spec;

/* The row at `index`, NULL past the end. */
const mewl__frontend_spec *mewl__frontend_spec_at(size_t index);

/* The row of that name, or NULL. */
const mewl__frontend_spec *mewl__frontend_spec_find(const char *name);

#endif
