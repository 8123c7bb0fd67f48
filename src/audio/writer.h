/* writer.h - wav and flac files, written whole or as a stream; each appears at its path complete, or not at all.
 *
 * Not a general encoder: mp3 and friends exist in augment.h, in memory alone. */
#ifndef MEWL_AUDIO_WRITER_H
#define MEWL_AUDIO_WRITER_H

#include <stddef.h>

#include "base/status.h"

typedef enum mewl_audio_format {
    MEWL_AUDIO_BY_NAME, /* .wav: WAV_S16, .flac: FLAC, else MEWL_E_ARG */
    MEWL_AUDIO_WAV_S16, /* rounded to nearest, cut at full scale, no dither */
    MEWL_AUDIO_WAV_F32, /* as it is */
    MEWL_AUDIO_FLAC     /* 16 bit */
} mewl_audio_format;

/* Writes `count` mono samples at rate_hz (a whole number, 1 to 655350 for flac, 1 to 1e9 for wav). The samples must be
 * finite: else MEWL_E_FORMAT. Also MEWL_E_IO, MEWL_E_PERMISSION, MEWL_E_NOT_FOUND, MEWL_E_ARG. */
mewl_status mewl_audio_write(const char *path, const float *samples, size_t count, double rate_hz,
                             mewl_audio_format format, mewl_error *err);

/* The same in pieces. Wav holds at most 4 GiB: then push fails with MEWL_E_UNSUPPORTED. */
typedef struct mewl_audio_writer mewl_audio_writer;

/* channels: 1 to 8. */
mewl_status mewl_audio_writer_open(mewl_audio_writer **out, const char *path, double rate_hz, int channels,
                                   mewl_audio_format format, mewl_error *err);

/* Appends `frames` interleaved frames. */
mewl_status mewl_audio_writer_push(mewl_audio_writer *writer, const float *interleaved, size_t frames, mewl_error *err);

/* A remark of up to 1,000 bytes that wav files carry along (INFO, ICMT), copied; before the commit. MEWL_E_UNSUPPORTED
 * for flac, MEWL_E_ARG when longer, MEWL_E_MEMORY. */
mewl_status mewl_audio_writer_comment(mewl_audio_writer *writer, const char *text, mewl_error *err);

/* Completes the file, flushes it to the disk and puts it in place. Once. */
mewl_status mewl_audio_writer_commit(mewl_audio_writer *writer, mewl_error *err);

/* Releases it; without a commit nothing appears. NULL is fine. */
void mewl_audio_writer_close(mewl_audio_writer *writer);

#endif
