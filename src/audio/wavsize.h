/* wavsize.h - how long a wav file says it is. FFmpeg tells only how long it is, so that a recording which was cut off
 * would pass for a whole one. Not for other rooms. */
#ifndef MEWL_AUDIO_WAVSIZE_H
#define MEWL_AUDIO_WAVSIZE_H

/* Seconds that the data chunk of the RIFF file at `path` promises; NaN where nothing is promised: no plain wav, a size
 * left open by a stream (0 or nearly 4 GiB), or a chunk that cannot be found within the first 64 chunks. */
double mewl__wav_promised_s(const char *path);

#endif
