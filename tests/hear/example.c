/* example.c - a whole program on mewl.h alone: raw 16-bit mono sound on standard input, cries on standard output.
 *
 *     cc example.c -lmewl -o example && arecord -f S16_LE -r 16000 -t raw | ./example detector.safetensors 16000
 */
#include <mewl.h>

#include <stdio.h>
#include <stdlib.h>

static void on_event(void *user, const mewl_event *event)
{
    unsigned *cries = user;
    switch (event->kind) {
    case MEWL_EVENT_CRY_START:
        printf("start %.2f\n", event->onset_s);
        break;
    case MEWL_EVENT_CRY_UPDATE:
        printf("lasts %.2f %.2f\n", event->onset_s, event->offset_s);
        break;
    case MEWL_EVENT_CRY_END:
        printf("end %.2f %.2f %.2f\n", event->onset_s, event->offset_s, event->confidence);
        (*cries)++;
        break;
    case MEWL_EVENT_HEARING:
        printf("hearing %d\n", (int)event->hearing);
        break;
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s MODEL [RATE_HZ]\n", argv[0]);
        return 2;
    }
    unsigned cries = 0;
    char message[MEWL_MESSAGE_MAX];
    mewl_detector_options options = MEWL_DETECTOR_OPTIONS_DEFAULT;
    options.rate_hz = argc > 2 ? atof(argv[2]) : 16000.0;
    options.on_event = on_event;
    options.user = &cries;
    mewl_detector *detector;
    if (mewl_detector_open(&detector, argv[1], &options, message) != MEWL_RESULT_OK) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    int16_t pcm[1600];
    size_t frames;
    int result = MEWL_RESULT_OK;
    while (result == MEWL_RESULT_OK && (frames = fread(pcm, sizeof pcm[0], 1600, stdin)) > 0) {
        result = mewl_detector_push_s16(detector, pcm, frames);
    }
    if (result == MEWL_RESULT_OK) {
        result = mewl_detector_finish(detector);
    }
    if (result != MEWL_RESULT_OK) {
        fprintf(stderr, "%s: %s\n", mewl_result_text(result), mewl_detector_message(detector));
    } else {
        printf("%u cries\n", cries);
    }
    mewl_detector_close(detector);
    return result == MEWL_RESULT_OK ? 0 : 1;
}
