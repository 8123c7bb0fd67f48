/* frontend.h - named front ends: from mono samples to the features a network was trained on.
 *
 *   name        rate    frame                                   output of a frame (default kind)           bands
 *   panns-32k   32 kHz  Hann 1024, hop 320, centred, reflected  64 mel 50-14,000 Hz (Slaney), dB           64
 *   panns-16k   16 kHz  Hann 512, hop 160, centred, reflected   64 mel 50-8,000 Hz (Slaney), dB            64
 *   ecapa       16 kHz  Hamming 400, hop 160, centred, zeros    80 mel 0-8,000 Hz, dB, clip-wide steps     80
 *   ecapa-encoder       pre-emphasis, Hamming 400 in FFT 512,   80 mel 20-7,600 Hz (HTK), ln(x + 1e-6),    80
 *               16 kHz  hop 160, centred, reflected             each band's mean over the clip removed
 *   yamnet      16 kHz  Hann 400 in FFT 512, hop 160, no pad    64 mel 125-7,500 Hz, ln(x + 0.001)         64
 *   mn          32 kHz  pre-emphasis, Hann 800 in FFT 1024,     128 mel 0-15,000 Hz (Kaldi),               128
 *                       hop 320, centred, reflected             (ln(x + 1e-5) + 4.5) / 5
 *   hybrid      16 kHz  symmetric Hann 512, hop 160, centred,   257 spectrum dB, 64 mel dB, 20 MFCC        341
 *                       reflected                               side by side
 *   wavegram-32k, -16k  as panns-32k, panns-16k                 their 64 mel, then the hop's samples       384, 224
 *
 * They reproduce torchlibrosa (PANNs), SpeechBrain's Fbank and sentence norm, YAMNet, EfficientAT's AugmentMelSTFT in
 * evaluation, and TinyToes; tools/golden_dsp.py and tools/check_frontends.py hold them to it (1e-3 dB wherever a band
 * lies within 80 dB of the clip's maximum). "dB" is 10 log10(max(x, 1e-10)) of power.
 *
 * A front end does not resample: samples come at its own rate. Samples should be finite; one that is not spoils the
 * frames that hold it and no others.
 */
#ifndef MEWL_DSP_FRONTEND_H
#define MEWL_DSP_FRONTEND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "dsp/mel.h"

/* What a frame holds. Every kind can be had of every front end. */
typedef enum mewl_feature {
    MEWL_FEATURE_DEFAULT,     /* hybrid of `hybrid`, wavegram of wavegram-*, log-mel of the others */
    MEWL_FEATURE_SPECTROGRAM, /* fft_length/2 + 1 bins, linear power (linear magnitude for yamnet) */
    MEWL_FEATURE_MEL,         /* mel bands, linear */
    MEWL_FEATURE_LOGMEL,      /* mel bands through the front end's own logarithm, clip-wide steps included (ecapa) */
    MEWL_FEATURE_MFCC,    /* first 20 coefficients of the orthonormal DCT-II of the log-mel frame as _pull gives it */
    MEWL_FEATURE_HYBRID,  /* spectrum in dB, log-mel, MFCC, side by side */
    MEWL_FEATURE_WAVEGRAM /* log-mel, then as many samples as a hop has, from the frame's middle on (as the transform
                             sees them: pre-emphasised by mn, mirrored or zeros past the ends) */
} mewl_feature;

#define MEWL_FRONTEND_MFCC 20u

/* A stream that has been pulled dry takes at least this many samples in one push. */
#define MEWL_FRONTEND_PUSH_MIN 16384u

/* Tables, scratch and the state of one stream, all allocated by _new: one thread at a time. About 0.3 MB. */
typedef struct mewl_frontend mewl_frontend;

/* The front ends' names in a fixed order, NULL for index >= their number. Static storage. */
const char *mewl_frontend_name_at(size_t index);

/* Sampling rate of the front end `name`; NaN for a name not in the table above. */
double mewl_frontend_rate_of(const char *name);

/* Kind by its name on the command line: "spectrogram", "mel", "logmel", "mfcc", "hybrid", "wavegram".
 * MEWL_E_NOT_FOUND else. */
mewl_status mewl_feature_parse(mewl_feature *out, const char *name, mewl_error *err);

/* Makes a front end by name with its default kind. *out is the caller's, to be freed by mewl_frontend_free.
 * MEWL_E_NOT_FOUND for a name not in the table above, MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_frontend_new(mewl_frontend **out, const char *name, mewl_error *err);

/* The same with a kind of feature. MEWL_E_ARG for a kind outside the enum. */
mewl_status mewl_frontend_new_kind(mewl_frontend **out, const char *name, mewl_feature kind, mewl_error *err);

/* NULL is fine. */
void mewl_frontend_free(mewl_frontend *fe);

const char *mewl_frontend_name(const mewl_frontend *fe);      /* static storage */
mewl_feature mewl_frontend_kind(const mewl_frontend *fe);     /* never MEWL_FEATURE_DEFAULT */
double mewl_frontend_rate_hz(const mewl_frontend *fe);        /* of the samples it takes */
size_t mewl_frontend_bands(const mewl_frontend *fe);          /* floats in a frame */
size_t mewl_frontend_hop_samples(const mewl_frontend *fe);    /* samples from frame to frame */
size_t mewl_frontend_window_samples(const mewl_frontend *fe); /* samples that a frame looks at */

/* Centre frequency of a band: bins of a spectrogram, mel bands. NaN for cepstral coefficients, samples and band >=
 * bands. */
double mewl_frontend_band_hz(const mewl_frontend *fe, size_t band);

/* The mel bank in use; lives as long as the front end (until mewl_frontend_set_mel). */
const mewl_mel *mewl_frontend_mel(const mewl_frontend *fe);

/* Puts a bank of the same bands and bins in place of the named one (a model's file may carry its own, quantised) and
 * starts afresh. Takes ownership of `mel` in any case. MEWL_E_SHAPE when the sizes differ. */
mewl_status mewl_frontend_set_mel(mewl_frontend *fe, mewl_mel *mel, mewl_error *err);

/* Frames of a clip of `samples` samples. Centred front ends: 1 + samples / hop, 0 for 0 samples (mn: of one sample
 * fewer, for its pre-emphasis). yamnet: 1 + (samples - 400) / 160, 0 below 400 samples. */
size_t mewl_frontend_frame_count(const mewl_frontend *fe, size_t samples);

/* Time of the middle of frame `index`, in seconds from the first sample. */
double mewl_frontend_frame_time_s(const mewl_frontend *fe, size_t index);

/* A frame can be pulled once this many samples past its middle have been pushed (or the stream is finished). */
size_t mewl_frontend_latency_samples(const mewl_frontend *fe);

/* True when a step of this front end and kind looks at the whole clip (ecapa's log-mel, and it alone: the floor
 * 80 dB below the clip's maximum and the removal of each band's mean). Such frames come out of _pull without those
 * steps; mewl_frontend_settle applies them. */
bool mewl_frontend_is_clipwide(const mewl_frontend *fe);

/* Applies the clip-wide steps in place to `count` frames of one clip as _pull gave them: (count, bands) row-major. Does
 * nothing for front ends that have none. */
void mewl_frontend_settle(const mewl_frontend *fe, float *frames, size_t count);

/* Whole clip. `out`: (frame_count(count), bands) row-major, the caller's. Gives bit for bit what streaming gives,
 * clip-wide steps applied. Drops a stream in progress and leaves the front end reset. MEWL_E_ARG when samples is NULL
 * and count is not 0. No frames (count too small) is MEWL_OK. Allocates nothing. Clips shorter than half a window are
 * reflected as often as it takes (one sample: repeated). */
mewl_status mewl_frontend_run(mewl_frontend *fe, float *out, const float *samples, size_t count, mewl_error *err);

/* Streaming. Push samples, pull frames, in any amounts; after the last sample _finish, then pull the rest; _reset
 * starts anew. Frames are those of _run, whatever the amounts (see mewl_frontend_is_clipwide). None of these allocates.
 *
 * Takes up to `count` samples and says in *taken how many: fewer than `count` only when its buffer is full, and then
 * pull first. After a pull that gave no frame, MEWL_FRONTEND_PUSH_MIN or more are taken. MEWL_E_STATE after _finish. */
mewl_status mewl_frontend_push(mewl_frontend *fe, size_t *taken, const float *samples, size_t count, mewl_error *err);

/* Writes up to max_frames ready frames to `out` (max_frames, bands) and their number to *got; 0: push more, or after
 * _finish: the end. */
void mewl_frontend_pull(mewl_frontend *fe, float *out, size_t max_frames, size_t *got);

/* No more samples will come. The frames held back for padding can then be pulled. Calling it again changes nothing. */
void mewl_frontend_finish(mewl_frontend *fe);

/* Ready for the first sample of another stream. */
void mewl_frontend_reset(mewl_frontend *fe);

#endif
