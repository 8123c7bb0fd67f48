/* dump_frontend.c - features of raw float samples, for tools/check_frontends.py and nothing else.
 *
 *   dump_frontend NAME KIND < samples.f32 > frames.f32
 *
 * Both sides are little-endian 32-bit floats without a header; the samples are at the front end's own rate.
 */
#include <stdio.h>
#include <stdlib.h>

#include "dsp/frontend.h"

/* Ten minutes at 32 kHz. */
#define SAMPLES_MAX (600u * 32000u)

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: dump_frontend NAME KIND < samples.f32 > frames.f32\n");
        return 2;
    }
    mewl_error err = {0};
    mewl_feature kind;
    mewl_frontend *fe = NULL;
    float *samples = malloc(SAMPLES_MAX * sizeof *samples);
    float *frames = NULL;
    int code = 1;
    if (samples == NULL || mewl_feature_parse(&kind, argv[2], &err) != MEWL_OK ||
        mewl_frontend_new_kind(&fe, argv[1], kind, &err) != MEWL_OK) {
        goto done;
    }
    size_t count = fread(samples, sizeof *samples, SAMPLES_MAX, stdin);
    size_t total = mewl_frontend_frame_count(fe, count) * mewl_frontend_bands(fe);
    frames = malloc((total + 1) * sizeof *frames);
    if (frames == NULL || mewl_frontend_run(fe, frames, samples, count, &err) != MEWL_OK) {
        goto done;
    }
    code = fwrite(frames, sizeof *frames, total, stdout) == total ? 0 : 1;
done:
    if (code != 0) {
        fprintf(stderr, "dump_frontend: %s\n", err.text);
    }
    mewl_frontend_free(fe);
    free(frames);
    free(samples);
    return code;
}
