/* device.h - the sound devices of this machine, by names that survive a reboot: ALSA cards by their id
 * ("alsa:plughw:CARD=Device,DEV=0"), never by number, PulseAudio (PipeWire) sources by name. Does not open them. */
#ifndef MEWL_AUDIO_DEVICE_H
#define MEWL_AUDIO_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct mewl_device {
    char *url;         /* for mewl_source_open */
    char *description; /* for people: "USB Audio Device, USB Audio" */
    bool is_default;   /* what the sound server records from unless told otherwise */
    bool is_monitor;   /* what the machine plays, not a microphone */
} mewl_device;

typedef struct mewl_device_set {
    mewl_device *devices; /* microphones first, sound server before ALSA */
    size_t count;
} mewl_device_set;

/* Lists recording devices. None, no sound server and no ALSA are no error: *out is then empty. Waits at most timeout_s
 * for the sound server (0: 2). MEWL_E_MEMORY. */
mewl_status mewl_device_list(mewl_device_set *out, double timeout_s, mewl_error *err);

/* Turns off what ALSA's library would print by itself about missing configuration, for the whole process. For input.c.
 */
void mewl__device_quiet(void);

/* Frees and empties. NULL is fine. */
void mewl_device_set_fini(mewl_device_set *set);

#endif
