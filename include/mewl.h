/* mewl.h - the C interface of libmewl: push sound, receive cries.
 *
 *     #include <mewl.h>
 *
 *     static void on_event(void *user, const mewl_event *event)
 *     {
 *         if (event->kind == MEWL_EVENT_CRY_START) {
 *             printf("an infant cries since %.1f s\n", event->onset_s);
 *         }
 *     }
 *
 *     char message[MEWL_MESSAGE_MAX];
 *     mewl_detector_options options = MEWL_DETECTOR_OPTIONS_DEFAULT;
 *     options.rate_hz = 48000;
 *     options.channels = 2;
 *     options.on_event = on_event;
 *     mewl_detector *detector;
 *     int result = mewl_detector_open(&detector, "detector.safetensors", &options, message);
 *     while (result == MEWL_RESULT_OK && (frames = read_sound(pcm, 4800)) > 0) {
 *         result = mewl_detector_push_s16(detector, pcm, frames);
 *     }
 *     mewl_detector_finish(detector);
 *     mewl_detector_close(detector);
 *
 * What it does: resamples and mixes down what is pushed, computes a log-mel spectrogram, runs a small network over it
 * and joins its scores to episodes of crying. What it does not do: open files, devices or streams; say why an infant
 * cries; anything medical.
 *
 * Threads: a detector belongs to one thread at a time; different detectors are independent. The library keeps no global
 * state, prints nothing, never exits, and reads one file: the model. Callbacks run inside push and finish, on the
 * caller's thread.
 *
 * Memory: fixed once the first push is done, about 40 MB a detector with the shipped model, however long it runs.
 *
 * Time: stream time, the number of sample frames pushed divided by the rate. Numbers of an event may therefore be
 * mapped to a wall clock by whoever knows when the first sample was taken.
 *
 * Latency with the default options: a cry is told at most 2 s of stream time after it began, its end about 2.5 s after
 * it ended (mewl_detector_latency_s gives the figures of the opened model).
 */
#ifndef MEWL_H
#define MEWL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MEWL_API __attribute__((visibility("default")))
#else
#define MEWL_API
#endif

/** Results. Everything but 0 is a failure; the detector's message says which file, place and reason. */
enum {
    MEWL_RESULT_OK = 0,
    MEWL_RESULT_BAD_ARGUMENT = -1, /**< NULL where an object is needed, or an option out of its range */
    MEWL_RESULT_NO_MEMORY = -2,
    MEWL_RESULT_NO_MODEL = -3,  /**< the model file is missing or may not be read */
    MEWL_RESULT_BAD_MODEL = -4, /**< the model file is damaged, or no detector */
    MEWL_RESULT_BAD_STATE = -5, /**< push after finish */
    MEWL_RESULT_FAILED = -6     /**< a library underneath failed */
};

/** Bytes of a message, its NUL included. */
#define MEWL_MESSAGE_MAX 512

/** What an event tells. */
typedef enum mewl_event_kind {
    MEWL_EVENT_CRY_START = 1,  /**< an infant began to cry at onset_s */
    MEWL_EVENT_CRY_UPDATE = 2, /**< the cry lasts; offset_s, confidence and level_dbfs so far */
    MEWL_EVENT_CRY_END = 3,    /**< the cry ended at offset_s; final figures */
    MEWL_EVENT_HEARING = 4 /**< whether sound is heard at all has changed: see hearing. "Not hearing" is not "quiet" */
} mewl_event_kind;

/** How well the detector hears. */
typedef enum mewl_hearing_state {
    MEWL_HEARING_OK = 0,
    MEWL_HEARING_SILENT = 1,  /**< digital silence: a muted or dead microphone, not a quiet room */
    MEWL_HEARING_CLIPPED = 2, /**< so loud that the samples are cut: scores are less reliable */
    MEWL_HEARING_STALLED = 3  /**< no samples for a while: told through mewl_detector_gap */
} mewl_hearing_state;

/** One event. Fields that do not belong to its kind are 0. */
typedef struct mewl_event {
    mewl_event_kind kind;
    double time_s;              /**< stream time at which the event was found: onset_s plus the latency */
    double onset_s;             /**< CRY_*: where the cry began, stream time */
    double offset_s;            /**< CRY_*: where it ended; in START and UPDATE: the last moment known to be crying */
    double confidence;          /**< CRY_*: 0 to 1 */
    double level_dbfs;          /**< CRY_*: mean level, dB below full scale (0: loudest); -INFINITY: digital silence */
    mewl_hearing_state hearing; /**< HEARING: the new state */
} mewl_event;

/** Receives an event, valid during the call. Must not call into the same detector. */
typedef void (*mewl_event_fn)(void *user, const mewl_event *event);

/** How to listen. Start from MEWL_DETECTOR_OPTIONS_DEFAULT and change what you know. */
typedef struct mewl_detector_options {
    size_t size;        /**< sizeof(mewl_detector_options): lets later versions add fields */
    double rate_hz;     /**< of what will be pushed: 4000 to 768000 */
    int channels;       /**< of what will be pushed, interleaved: 1 to 64; mixed down to one */
    double threshold;   /**< confidence from which a sound counts as a cry, (0, 1); 0: the model's own */
    double chunk_s;     /**< sound scored at a time, 0.08 to 60: 0.4 when live, 10 when recorded (4 times as fast) */
    double update_s;    /**< a CRY_UPDATE after each such span of a lasting cry; 0: none */
    double merge_gap_s; /**< pauses up to this long stay inside one cry; negative: the model's own, else 1 */
    mewl_event_fn on_event; /**< NULL: events are kept for mewl_detector_pull (the last 256) */
    void *user;             /**< handed to on_event */
} mewl_detector_options;

/* clang-format off */
#define MEWL_DETECTOR_OPTIONS_DEFAULT {sizeof(mewl_detector_options), 16000.0, 1, 0.0, 0.4, 5.0, -1.0, NULL, NULL}
/* clang-format on */

/** A detector with its model and the state of one stream. */
typedef struct mewl_detector mewl_detector;

/** Version of the library, "0.1.0". Static storage. */
MEWL_API const char *mewl_version(void);

/** A short text for a result. Static storage; "unknown result" for a number that is none. */
MEWL_API const char *mewl_result_text(int result);

/** Opens a detector.
 * @param detector  receives it; NULL on failure
 * @param model     path of the model file (.safetensors), read once, here
 * @param options   NULL: the defaults; copied
 * @param message   MEWL_MESSAGE_MAX bytes for the sentence of a failure, "" on success; may be NULL
 * @retval MEWL_RESULT_OK, MEWL_RESULT_BAD_ARGUMENT, MEWL_RESULT_NO_MEMORY, MEWL_RESULT_NO_MODEL, MEWL_RESULT_BAD_MODEL,
 *         MEWL_RESULT_FAILED */
MEWL_API int mewl_detector_open(mewl_detector **detector, const char *model, const mewl_detector_options *options,
                                char *message);

/** Pushes `frames` sample frames (frames x channels interleaved numbers) in [-1, 1]; louder is taken as it is, NaN and
 * infinities as 0. Any number at a time; 0 is fine. Events come before it returns.
 * @retval MEWL_RESULT_OK, MEWL_RESULT_BAD_ARGUMENT, MEWL_RESULT_BAD_STATE, MEWL_RESULT_NO_MEMORY, MEWL_RESULT_FAILED */
MEWL_API int mewl_detector_push(mewl_detector *detector, const float *samples, size_t frames);

/** The same from 16-bit numbers, -32768 to 32767 being full scale. */
MEWL_API int mewl_detector_push_s16(mewl_detector *detector, const int16_t *samples, size_t frames);

/** Tells that `seconds` of the stream were lost (a reconnect): ends an open cry, tells MEWL_HEARING_STALLED, moves
 * stream time on. Sound pushed later is told as MEWL_HEARING_OK again. seconds: 0 to 1e9.
 * @retval as mewl_detector_push */
MEWL_API int mewl_detector_gap(mewl_detector *detector, double seconds);

/** The stream is over: scores what is left and ends an open cry. The detector can then only be pulled and closed.
 * @retval as mewl_detector_push; a second finish is MEWL_RESULT_BAD_STATE */
MEWL_API int mewl_detector_finish(mewl_detector *detector);

/** Takes the oldest kept event (only without on_event). Of more than 256 that nobody took the oldest are dropped.
 * @return 1 and *event, or 0 when there is none */
MEWL_API int mewl_detector_pull(mewl_detector *detector, mewl_event *event);

/** Sentence of the detector's last failure, "" when there was none. Valid until the next call on the detector. */
MEWL_API const char *mewl_detector_message(const mewl_detector *detector);

/** Longest stream time in seconds from a cry's onset to its CRY_START and, when `end` is not NULL, from its offset to
 * its CRY_END. 0 for a NULL detector. */
MEWL_API double mewl_detector_latency_s(const mewl_detector *detector, double *end);

/** Closes a detector without telling what is open. NULL is fine. */
MEWL_API void mewl_detector_close(mewl_detector *detector);

#ifdef __cplusplus
}
#endif

#endif
