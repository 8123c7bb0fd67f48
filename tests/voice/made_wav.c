/* made_wav.c - writes the made sounds of made.h as wav files into a folder, for tools/golden_praat.py and nothing else.
 *
 *   made_wav FOLDER
 */
#include <stdio.h>

#include "audio/writer.h"
#include "made.h"

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < MADE_COUNT; i++) {
        char path[512];
        size_t count = 0;
        float *samples = made_sound(&made_sounds[i], &count);
        mewl_error err = {0};
        (void)snprintf(path, sizeof path, "%s/%s.wav", argv[1], made_sounds[i].name);
        if (samples == NULL ||
            mewl_audio_write(path, samples, count, made_sounds[i].rate_hz, MEWL_AUDIO_WAV_S16, &err) != MEWL_OK) {
            (void)fprintf(stderr, "made_wav: %s\n", err.text);
            return 1;
        }
        free(samples);
    }
    return argc == 2 ? 0 : 2;
}
