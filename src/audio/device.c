#include "audio/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <alsa/asoundlib.h>
#include <pulse/pulseaudio.h>

#define DEVICES_MOST 256

static mewl_status add(mewl_device_set *set, const char *scheme, const char *name, const char *description,
                       bool is_default, bool is_monitor, mewl_error *err)
{
    if (set->count >= DEVICES_MOST) {
        return MEWL_OK; /* nobody reads further */
    }
    mewl_device *devices = realloc(set->devices, (set->count + 1) * sizeof *devices);
    if (devices == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "sound devices: out of memory");
    }
    set->devices = devices;
    char url[512];
    (void)snprintf(url, sizeof url, "%s:%s", scheme, name);
    mewl_device device = {strdup(url), strdup(description), is_default, is_monitor};
    if (device.url == NULL || device.description == NULL) {
        free(device.url);
        free(device.description);
        return mewl_error_set(err, MEWL_E_MEMORY, "sound devices: out of memory");
    }
    set->devices[set->count++] = device;
    return MEWL_OK;
}

/* What the sound server's answers are gathered in. */
typedef struct server_answer {
    mewl_device_set *set;
    mewl_error *err;
    mewl_status status;
    char default_name[256];
} server_answer;

static void on_server(pa_context *context, const pa_server_info *info, void *user)
{
    server_answer *answer = user;
    (void)context;
    if (info != NULL && info->default_source_name != NULL) {
        (void)snprintf(answer->default_name, sizeof answer->default_name, "%s", info->default_source_name);
    }
}

static void on_source(pa_context *context, const pa_source_info *info, int last, void *user)
{
    server_answer *answer = user;
    (void)context;
    if (last == 0 && info != NULL && info->name != NULL && answer->status == MEWL_OK) {
        const char *description = info->description != NULL ? info->description : info->name;
        answer->status =
            add(answer->set, "pulse", info->name, description, strcmp(info->name, answer->default_name) == 0,
                info->monitor_of_sink != PA_INVALID_INDEX, answer->err);
    }
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Turns the server's loop until the deadline or `done` of what is waited for. */
static bool turn(pa_mainloop *loop, double deadline_s)
{
    const double left_s = deadline_s - now_s();
    return left_s > 0.0 && pa_mainloop_prepare(loop, (int)(left_s * 1e6)) >= 0 && pa_mainloop_poll(loop) >= 0 &&
           pa_mainloop_dispatch(loop) >= 0;
}

static void wait_for(pa_mainloop *loop, pa_operation *operation, double deadline_s)
{
    if (operation != NULL) {
        while (pa_operation_get_state(operation) == PA_OPERATION_RUNNING && turn(loop, deadline_s)) {
        }
        pa_operation_cancel(operation);
        pa_operation_unref(operation);
    }
}

static void ask_server(server_answer *answer, pa_mainloop *loop, pa_context *context, double deadline_s)
{
    if (pa_context_connect(context, NULL, PA_CONTEXT_NOAUTOSPAWN, NULL) < 0) {
        return;
    }
    for (;;) {
        const pa_context_state_t state = pa_context_get_state(context);
        if (state == PA_CONTEXT_READY) {
            break;
        }
        if (!PA_CONTEXT_IS_GOOD(state) || !turn(loop, deadline_s)) {
            return;
        }
    }
    wait_for(loop, pa_context_get_server_info(context, on_server, answer), deadline_s);
    wait_for(loop, pa_context_get_source_info_list(context, on_source, answer), deadline_s);
}

static mewl_status list_pulse(mewl_device_set *set, double timeout_s, mewl_error *err)
{
    server_answer answer = {.set = set, .err = err, .status = MEWL_OK};
    pa_mainloop *loop = pa_mainloop_new();
    pa_context *context = loop != NULL ? pa_context_new(pa_mainloop_get_api(loop), "mewl") : NULL;
    if (context != NULL) {
        ask_server(&answer, loop, context, now_s() + timeout_s);
        pa_context_disconnect(context);
        pa_context_unref(context);
    }
    if (loop != NULL) {
        pa_mainloop_free(loop);
    }
    return answer.status;
}

/* The recording devices of one card. The card's id ("Device") stays the same when cards are numbered anew. */
static mewl_status list_card(mewl_device_set *set, int card, snd_ctl_card_info_t *card_info, snd_pcm_info_t *pcm_info,
                             mewl_error *err)
{
    char name[32];
    snd_ctl_t *control = NULL;
    (void)snprintf(name, sizeof name, "hw:%d", card);
    if (snd_ctl_open(&control, name, SND_CTL_READONLY) < 0) {
        return MEWL_OK;
    }
    mewl_status status = MEWL_OK;
    if (snd_ctl_card_info(control, card_info) >= 0) {
        for (int device = -1; status == MEWL_OK && snd_ctl_pcm_next_device(control, &device) >= 0 && device >= 0;) {
            snd_pcm_info_set_device(pcm_info, (unsigned)device);
            snd_pcm_info_set_subdevice(pcm_info, 0);
            snd_pcm_info_set_stream(pcm_info, SND_PCM_STREAM_CAPTURE);
            if (snd_ctl_pcm_info(control, pcm_info) >= 0) {
                char pcm[128], description[256];
                (void)snprintf(pcm, sizeof pcm, "plughw:CARD=%s,DEV=%d", snd_ctl_card_info_get_id(card_info), device);
                (void)snprintf(description, sizeof description, "%s, %s", snd_ctl_card_info_get_name(card_info),
                               snd_pcm_info_get_name(pcm_info));
                status = add(set, "alsa", pcm, description, false, false, err);
            }
        }
    }
    (void)snd_ctl_close(control);
    return status;
}

/* ALSA's own complaints (a missing configuration) are not for the terminal. */
static void be_quiet(const char *file, int line, const char *function, int code, const char *format, ...)
{
    (void)file;
    (void)line;
    (void)function;
    (void)code;
    (void)format;
}

void mewl__device_quiet(void)
{
    (void)snd_lib_error_set_handler(be_quiet);
}

static mewl_status list_alsa(mewl_device_set *set, mewl_error *err)
{
    snd_ctl_card_info_t *card_info = NULL;
    snd_pcm_info_t *pcm_info = NULL;
    mewl_status status = MEWL_OK;
    if (snd_ctl_card_info_malloc(&card_info) < 0 || snd_pcm_info_malloc(&pcm_info) < 0) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "sound devices: out of memory");
    }
    mewl__device_quiet();
    for (int card = -1; status == MEWL_OK && snd_card_next(&card) >= 0 && card >= 0;) {
        status = list_card(set, card, card_info, pcm_info, err);
    }
    (void)snd_config_update_free_global();
    if (pcm_info != NULL) {
        snd_pcm_info_free(pcm_info);
    }
    if (card_info != NULL) {
        snd_ctl_card_info_free(card_info);
    }
    return status;
}

/* Microphones before what is being played; the default first; otherwise as found. */
static int rank(const mewl_device *device)
{
    return device->is_monitor ? 2 : device->is_default ? 0 : 1;
}

static void sort(mewl_device_set *set)
{
    for (size_t i = 1; i < set->count; i++) {
        const mewl_device device = set->devices[i];
        size_t at = i;
        for (; at > 0 && rank(&set->devices[at - 1]) > rank(&device); at--) {
            set->devices[at] = set->devices[at - 1];
        }
        set->devices[at] = device;
    }
}

mewl_status mewl_device_list(mewl_device_set *out, double timeout_s, mewl_error *err)
{
    *out = (mewl_device_set){0};
    mewl_status status = list_pulse(out, timeout_s > 0.0 ? timeout_s : 2.0, err);
    if (status == MEWL_OK) {
        status = list_alsa(out, err);
    }
    if (status != MEWL_OK) {
        mewl_device_set_fini(out);
        return status;
    }
    sort(out);
    return MEWL_OK;
}

void mewl_device_set_fini(mewl_device_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        free(set->devices[i].url);
        free(set->devices[i].description);
    }
    free(set->devices);
    *set = (mewl_device_set){0};
}
