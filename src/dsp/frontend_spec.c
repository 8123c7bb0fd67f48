/* frontend_spec.c - the table of front ends: what each name means, exactly. */
#include "dsp/frontend_spec.h"

#include <string.h>

/* 10 log10(max(x, 1e-10)) */
#define DECIBELS                                                                                                       \
    {                                                                                                                  \
        .floor = 1e-10f, .add = 0.0f, .scale = 4.3429448190325182765f, .offset = 0.0f                                  \
    }

static const mewl__frontend_spec specs[] = {
    {
        /* torchlibrosa's Spectrogram and LogmelFilterBank as PANNs sets them (Kong et al. 2020). */
        .name = "panns-32k",
        .default_kind = MEWL_FEATURE_LOGMEL,
        .rate_hz = 32000.0,
        .hop = 320,
        .span = 1024,
        .padding = MEWL__PAD_REFLECT,
        .stft = {1024, 1024, 0, MEWL_WINDOW_HANN_PERIODIC, MEWL_STFT_POWER},
        .mel = {32000.0, 1024, 64, 50.0, 14000.0, MEWL_MEL_SLANEY, MEWL_MEL_LINEAR_HZ, MEWL_MEL_AREA_ONE},
        .log = DECIBELS,
    },
    {
        /* The same as Cnn14_16k sets them. */
        .name = "panns-16k",
        .default_kind = MEWL_FEATURE_LOGMEL,
        .rate_hz = 16000.0,
        .hop = 160,
        .span = 512,
        .padding = MEWL__PAD_REFLECT,
        .stft = {512, 512, 0, MEWL_WINDOW_HANN_PERIODIC, MEWL_STFT_POWER},
        .mel = {16000.0, 512, 64, 50.0, 8000.0, MEWL_MEL_SLANEY, MEWL_MEL_LINEAR_HZ, MEWL_MEL_AREA_ONE},
        .log = DECIBELS,
    },
    {
        /* SpeechBrain's Fbank (n_mels 80) and InputNormalization(norm_type="sentence", std_norm=False). */
        .name = "ecapa",
        .default_kind = MEWL_FEATURE_LOGMEL,
        .rate_hz = 16000.0,
        .hop = 160,
        .span = 400,
        .padding = MEWL__PAD_ZERO,
        .stft = {400, 400, 0, MEWL_WINDOW_HAMMING_PERIODIC, MEWL_STFT_POWER},
        .mel = {16000.0, 400, 80, 0.0, 8000.0, MEWL_MEL_HTK, MEWL_MEL_SYMMETRIC_HZ, MEWL_MEL_PEAK_ONE},
        .log = DECIBELS,
        .clip_floor_db = 80.0f,
    },
    {
        /* torchaudio's MelSpectrogram and what checkpoints named speaker_encoder.* do around it: pre-emphasis before,
         * ln(x + 1e-6) and removal of each band's mean after. */
        .name = "ecapa-encoder",
        .default_kind = MEWL_FEATURE_LOGMEL,
        .rate_hz = 16000.0,
        .hop = 160,
        .span = 512,
        .padding = MEWL__PAD_REFLECT,
        .preemphasis = 0.97,
        .stft = {512, 400, 56, MEWL_WINDOW_HAMMING_PERIODIC, MEWL_STFT_POWER},
        .mel = {16000.0, 512, 80, 20.0, 7600.0, MEWL_MEL_HTK, MEWL_MEL_LINEAR_HZ, MEWL_MEL_PEAK_ONE},
        .log = {.floor = 0.0f, .add = 1e-6f, .scale = 1.0f, .offset = 0.0f},
        .clip_floor_db = 1e9f,
    },
    {
        /* YAMNet: tf.signal.stft (frames zero-padded at their end) and linear_to_mel_weight_matrix. */
        .name = "yamnet",
        .default_kind = MEWL_FEATURE_LOGMEL,
        .rate_hz = 16000.0,
        .hop = 160,
        .span = 400,
        .padding = MEWL__PAD_NONE,
        .stft = {512, 400, 0, MEWL_WINDOW_HANN_PERIODIC, MEWL_STFT_MAGNITUDE},
        .mel = {16000.0, 512, 64, 125.0, 7500.0, MEWL_MEL_HTK, MEWL_MEL_LINEAR_MEL, MEWL_MEL_PEAK_ONE},
        .log = {.floor = 0.0f, .add = 1e-3f, .scale = 1.0f, .offset = 0.0f},
    },
    {
        /* EfficientAT's AugmentMelSTFT in evaluation: torch.stft puts the window of 800 in the middle of 1024. */
        .name = "mn",
        .default_kind = MEWL_FEATURE_LOGMEL,
        .rate_hz = 32000.0,
        .hop = 320,
        .span = 1024,
        .padding = MEWL__PAD_REFLECT,
        .preemphasis = 0.97,
        .stft = {1024, 800, 112, MEWL_WINDOW_HANN_SYMMETRIC, MEWL_STFT_POWER},
        .mel = {32000.0, 1024, 128, 0.0, 15000.0, MEWL_MEL_HTK, MEWL_MEL_LINEAR_MEL, MEWL_MEL_PEAK_ONE},
        .log = {.floor = 0.0f, .add = 1e-5f, .scale = 0.2f, .offset = 0.9f},
    },
    {
        /* TinyToes: w(n) = 1/2 - 1/2 cos(2 pi n / (N - 1)); what its text leaves open is as in panns-16k. */
        .name = "hybrid",
        .default_kind = MEWL_FEATURE_HYBRID,
        .rate_hz = 16000.0,
        .hop = 160,
        .span = 512,
        .padding = MEWL__PAD_REFLECT,
        .stft = {512, 512, 0, MEWL_WINDOW_HANN_SYMMETRIC, MEWL_STFT_POWER},
        .mel = {16000.0, 512, 64, 50.0, 8000.0, MEWL_MEL_SLANEY, MEWL_MEL_LINEAR_HZ, MEWL_MEL_AREA_ONE},
        .log = DECIBELS,
    },
    {
        /* As panns-32k, with the waveform beside it: the input of PANNs' Wavegram_Logmel_Cnn14. */
        .name = "wavegram-32k",
        .default_kind = MEWL_FEATURE_WAVEGRAM,
        .rate_hz = 32000.0,
        .hop = 320,
        .span = 1024,
        .padding = MEWL__PAD_REFLECT,
        .stft = {1024, 1024, 0, MEWL_WINDOW_HANN_PERIODIC, MEWL_STFT_POWER},
        .mel = {32000.0, 1024, 64, 50.0, 14000.0, MEWL_MEL_SLANEY, MEWL_MEL_LINEAR_HZ, MEWL_MEL_AREA_ONE},
        .log = DECIBELS,
    },
    {
        /* As panns-16k, with the waveform beside it: the same at 16 kHz. */
        .name = "wavegram-16k",
        .default_kind = MEWL_FEATURE_WAVEGRAM,
        .rate_hz = 16000.0,
        .hop = 160,
        .span = 512,
        .padding = MEWL__PAD_REFLECT,
        .stft = {512, 512, 0, MEWL_WINDOW_HANN_PERIODIC, MEWL_STFT_POWER},
        .mel = {16000.0, 512, 64, 50.0, 8000.0, MEWL_MEL_SLANEY, MEWL_MEL_LINEAR_HZ, MEWL_MEL_AREA_ONE},
        .log = DECIBELS,
    },
};

const mewl__frontend_spec *mewl__frontend_spec_at(size_t index)
{
    return index < sizeof specs / sizeof *specs ? &specs[index] : NULL;
}

const mewl__frontend_spec *mewl__frontend_spec_find(const char *name)
{
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        if (strcmp(specs[i].name, name) == 0) {
            return &specs[i];
        }
    }
    return NULL;
}
