#include "audio/input.h"

#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <libavdevice/version.h>
#include <libavutil/opt.h>

#include "audio/convert.h"
#include "audio/device.h"
#include "audio/wavsize.h"

#define STDIN_BUFFER 32768
#define ERRORS_IN_A_ROW 200 /* damaged packets without one good frame between: then the rest is given up */

/* To apply an edit list the mov reader copies the index of all packets: 50 MB for 12 hours of m4a. Files from this size
 * on are read without, and again with when there is a list of more than one entry, which moves or leaves out sound. */
#define EDITS_BYTES 48000000

/* What a network source may open in turn (playlists do): never files of this machine. */
#define NETWORK_PROTOCOLS "http,https,httpproxy,tls,tcp,udp,rtp,srtp,rtmp,rtmps,rtmpt,ffrtmphttp,srt,crypto,data"
#define FILE_PROTOCOLS "file,crypto,data"

static double machine_now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool cancelled(const mewl__input *input)
{
    return input->cancel != NULL && atomic_load(input->cancel);
}

/* FFmpeg asks this while it waits. */
static int interrupted(void *user)
{
    const mewl__input *input = user;
    return cancelled(input) || machine_now_s() >= input->deadline_s;
}

/* Why FFmpeg failed with `code`, as a status and sentence. */
static mewl_status explain(const mewl__input *input, int code, const char *what, mewl_error *err)
{
    char reason[320];
    if (cancelled(input)) {
        return mewl_error_set(err, MEWL_E_CANCELLED, "%s: stopped on request", input->shown);
    }
    if (code == AVERROR_EXIT || machine_now_s() >= input->deadline_s) {
        return mewl_error_set(err, MEWL_E_TIMEOUT, "%s: %s: nothing arrived in time", input->shown, what);
    }
    return mewl_error_set(err, mewl__avlog_status(code), "%s: %s: %s", input->shown, what,
                          mewl__avlog_reason(reason, sizeof reason, code, &input->avlog));
}

/* Standard input by way of poll, so that waiting on it can be broken off. */
static int read_stdin(void *user, uint8_t *data, int size)
{
    mewl__input *input = user;
    for (;;) {
        if (interrupted(input)) {
            return AVERROR_EXIT;
        }
        struct pollfd waiting = {.fd = STDIN_FILENO, .events = POLLIN};
        const int ready = poll(&waiting, 1, 100);
        if (ready < 0 && errno != EINTR) {
            return AVERROR(errno);
        }
        if (ready > 0) {
            const ssize_t got = read(STDIN_FILENO, data, (size_t)size);
            if (got > 0) {
                input->stdin_began = true;
                return (int)got;
            }
            if (got == 0) {
                return AVERROR_EOF;
            }
            if (errno != EINTR && errno != EAGAIN) {
                return AVERROR(errno);
            }
        }
    }
}

static int64_t seek_stdin(void *user, int64_t offset, int whence)
{
    (void)user;
    if (whence == AVSEEK_SIZE) {
        struct stat about;
        return fstat(STDIN_FILENO, &about) == 0 && S_ISREG(about.st_mode) ? about.st_size : AVERROR(ENOSYS);
    }
    const off_t at = lseek(STDIN_FILENO, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : at;
}

static mewl_status attach_stdin(mewl__input *input, mewl_error *err)
{
    struct stat about;
    const bool regular = fstat(STDIN_FILENO, &about) == 0 && S_ISREG(about.st_mode);
    unsigned char *buffer = av_malloc(STDIN_BUFFER);
    input->standard_input = buffer == NULL ? NULL
                                           : avio_alloc_context(buffer, STDIN_BUFFER, 0, input, read_stdin, NULL,
                                                                regular ? seek_stdin : NULL);
    if (input->standard_input == NULL) {
        av_free(buffer);
        return mewl_error_set(err, MEWL_E_MEMORY, "standard input: out of memory");
    }
    input->format->pb = input->standard_input;
    input->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    return MEWL_OK;
}

/* What can be said about a file before FFmpeg sees it, in plainer words. */
static mewl_status check_file(mewl__input *input, const char *path, mewl_error *err)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        return mewl_error_errno(err, errno, path);
    }
    if (S_ISDIR(about.st_mode)) {
        return access(path, R_OK | X_OK) != 0
                   ? mewl_error_errno(err, errno, path)
                   : mewl_error_set(err, MEWL_E_FORMAT, "%s: is a folder, not a recording", path);
    }
    if (S_ISREG(about.st_mode) && about.st_size == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: the file is empty", path);
    }
    if (access(path, R_OK) != 0) {
        return mewl_error_errno(err, errno, path);
    }
    input->without_edits = about.st_size >= EDITS_BYTES && !input->avlog.edited;
    return MEWL_OK;
}

/* FFmpeg's device library is loaded when a device is opened: it brings eighty graphics and other libraries along, which
 * would cost every run 18 MB and 25 ms. It stays loaded. */
static void register_devices(void)
{
    void *library = dlopen("libavdevice.so." AV_STRINGIFY(LIBAVDEVICE_VERSION_MAJOR), RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) {
        void *symbol = dlsym(library, "avdevice_register_all");
        void (*enlist)(void) = NULL;
        memcpy(&enlist, &symbol, sizeof enlist);
        if (enlist != NULL) {
            enlist();
        }
    }
}

/* Picks the demuxer where it is not to be guessed, and sets its options. */
static mewl_status prepare(mewl__input *input, mewl__address_kind kind, const mewl_source_opts *opts,
                           const AVInputFormat **demuxer, AVDictionary **options, mewl_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const bool device = kind == MEWL__ADDRESS_ALSA || kind == MEWL__ADDRESS_PULSE;
    const char *name = device ? (kind == MEWL__ADDRESS_ALSA ? "alsa" : "pulse") : opts->raw.format;
    char text[64];
    if (device) {
        (void)pthread_once(&once, register_devices);
        mewl__device_quiet();
        input->format->flags |= AVFMT_FLAG_NONBLOCK;
    }
    if (name != NULL) {
        *demuxer = av_find_input_format(name);
        if (*demuxer == NULL) {
            return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: this FFmpeg cannot read \"%s\"", input->shown, name);
        }
        const double rate_hz = device ? 48000.0 : (opts->raw.rate_hz > 0.0 ? opts->raw.rate_hz : 16000.0);
        const int channels = opts->raw.channels > 0 ? opts->raw.channels : 1;
        av_dict_set_int(options, "sample_rate", (int64_t)rate_hz, 0);
        if (device) {
            av_dict_set_int(options, "channels", channels, 0);
            if (kind == MEWL__ADDRESS_PULSE) {
                /* In bytes: a twentieth of a second, where the server's own choice is two seconds. */
                av_dict_set_int(options, "fragment_size", (int64_t)rate_hz * channels * 2 / 20, 0);
            }
        } else {
            (void)snprintf(text, sizeof text,
                           channels == 1   ? "mono"
                           : channels == 2 ? "stereo"
                                           : "%d channels",
                           channels);
            av_dict_set(options, "ch_layout", text, 0);
        }
    }
    const bool network = kind == MEWL__ADDRESS_HTTP || kind == MEWL__ADDRESS_STREAM;
    if (network) {
        const int64_t wait_us = (int64_t)(1e6 * opts->read_timeout_s);
        if (kind == MEWL__ADDRESS_HTTP) {
            av_dict_set(options, "user_agent", "Mewl", 0);
            av_dict_set_int(options, "rw_timeout", wait_us, 0);
        } else if (strncmp(input->shown, "rtsp", 4) == 0) {
            av_dict_set(options, "rtsp_transport", opts->rtsp_udp ? "udp" : "tcp", 0);
            av_dict_set(options, "allowed_media_types", "audio", 0);
            av_dict_set_int(options, "timeout", wait_us, 0);
        }
    }
    if (network || device) {
        input->format->max_analyze_duration = 2 * AV_TIME_BASE;
        input->format->max_probe_packets = 4; /* of PCM that might be something else: a second, not eight */
    }
    const char *ending = strrchr(input->shown, '.');
    if (kind == MEWL__ADDRESS_FILE && ending != NULL && strcasecmp(ending, ".wav") == 0) {
        /* Whether its PCM is something else in disguise: one look, since every look asks all of FFmpeg's readers and
         * takes longer than decoding a second of sound. */
        input->format->max_probe_packets = 1;
    }
    if (input->without_edits) {
        av_dict_set(options, "advanced_editlist", "0", 0);
    }
    if (!device) {
        av_dict_set(options, "protocol_whitelist", network ? NETWORK_PROTOCOLS : FILE_PROTOCOLS, 0);
    }
    return MEWL_OK;
}

/* A frame of wav or raw PCM is otherwise as short as 1,024 samples, which costs more than their decoding. */
static void prefer_large_packets(AVFormatContext *format, bool live)
{
    if (!live && format->iformat != NULL && strcmp(format->iformat->name, "wav") == 0) {
        (void)av_opt_set_int(format->priv_data, "max_size", 65536, 0);
    }
}

static mewl_status open_decoder(mewl__input *input, mewl_error *err)
{
    AVFormatContext *format = input->format;
    const AVCodec *decoder = NULL;
    input->stream = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
    if (input->stream == AVERROR_STREAM_NOT_FOUND) {
        if (strcmp(format->iformat->name, "tty") == 0) { /* FFmpeg draws texts as pictures of a terminal */
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: a text, not a sound or video file", input->shown);
        }
        unsigned videos = 0;
        for (unsigned i = 0; i < format->nb_streams; i++) {
            videos += format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
        }
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: there is no sound in it%s", input->shown,
                              videos > 0 ? ", only pictures" : "");
    }
    if (input->stream == AVERROR_DECODER_NOT_FOUND || (input->stream >= 0 && decoder == NULL)) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: this FFmpeg has no decoder for its sound", input->shown);
    }
    if (input->stream < 0) {
        return explain(input, input->stream, "looking for sound", err);
    }
    for (unsigned i = 0; i < format->nb_streams; i++) {
        if ((int)i != input->stream) {
            format->streams[i]->discard = AVDISCARD_ALL;
        }
    }
    const AVStream *stream = format->streams[input->stream];
    input->codec = avcodec_alloc_context3(decoder);
    if (input->codec == NULL || avcodec_parameters_to_context(input->codec, stream->codecpar) < 0) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory for the decoder", input->shown);
    }
    input->codec->pkt_timebase = stream->time_base;
    input->codec->thread_count = 1;
    const int code = avcodec_open2(input->codec, decoder, NULL);
    if (code < 0) {
        return explain(input, code, "opening the decoder", err);
    }
    if (stream->duration != AV_NOPTS_VALUE && stream->duration > 0) {
        input->duration_s = (double)stream->duration * av_q2d(stream->time_base);
    } else if (format->duration != AV_NOPTS_VALUE && format->duration > 0) {
        input->duration_s = (double)format->duration / AV_TIME_BASE;
    }
    input->duration_is_sure = format->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE;
    return MEWL_OK;
}

/* Whether the end of this source is the end of a connection rather than of a recording. */
static bool is_live(const AVFormatContext *format, mewl__address_kind kind, mewl_source_live wish)
{
    if (wish != MEWL_SOURCE_AUTO) {
        return wish == MEWL_SOURCE_LIVE;
    }
    switch (kind) {
    case MEWL__ADDRESS_HTTP:
        return format->pb == NULL || avio_size(format->pb) <= 0;
    case MEWL__ADDRESS_STREAM:
    case MEWL__ADDRESS_ALSA:
    case MEWL__ADDRESS_PULSE:
        return true;
    default:
        return false;
    }
}

/* Why it could not be opened at all. */
static mewl_status explain_open(const mewl__input *input, mewl__address_kind kind, int code, mewl_error *err)
{
    char reason[320];
    const bool began = kind == MEWL__ADDRESS_FILE || (kind == MEWL__ADDRESS_STDIN && input->stdin_began);
    if (began && code != AVERROR(EIO) && code != AVERROR(ENOMEM) && mewl__avlog_status(code) != MEWL_E_PERMISSION &&
        !cancelled(input)) {
        /* FFmpeg has many codes for "this is none of mine". */
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: not a sound or video file, or damaged%s", input->shown,
                              mewl__avlog_detail(reason, sizeof reason, &input->avlog));
    }
    if (kind == MEWL__ADDRESS_STDIN && !input->stdin_began && !cancelled(input)) {
        return mewl_error_set(err, MEWL_E_EMPTY,
                              "standard input: nothing came from it; the program before the pipe may have failed");
    }
    if (kind == MEWL__ADDRESS_PULSE && code == AVERROR(ESRCH)) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "%s: no sound server answers", input->shown);
    }
    if ((kind == MEWL__ADDRESS_ALSA || kind == MEWL__ADDRESS_PULSE) && !cancelled(input)) {
        const bool busy = strstr(input->avlog.last, "busy") != NULL;
        return mewl_error_set(err, busy ? MEWL_E_IO : MEWL_E_NOT_FOUND, "%s: cannot record from it: %s", input->shown,
                              mewl__avlog_reason(reason, sizeof reason, code, &input->avlog));
    }
    return explain(input, code, "opening", err);
}

static void release(mewl__input *input)
{
    avcodec_free_context(&input->codec);
    avformat_close_input(&input->format);
    if (input->standard_input != NULL) {
        av_freep(&input->standard_input->buffer);
        avio_context_free(&input->standard_input);
    }
    av_packet_free(&input->packet);
    av_frame_free(&input->frame);
}

/* Whether a pipe gave the sound before the index that says where in it each packet lies, as phones write mp4 and m4a:
 * by then the sound has gone by, unless it is so short that FFmpeg holds it still. */
static bool index_came_last(const AVFormatContext *format)
{
    const AVIOContext *pb = format->pb;
    for (unsigned i = 0; pb != NULL && (pb->seekable & AVIO_SEEKABLE_NORMAL) == 0 && i < format->nb_streams; i++) {
        const AVIndexEntry *first = avformat_index_get_entry(format->streams[i], 0);
        if (first != NULL && first->pos < avio_tell(format->pb)) {
            return true;
        }
    }
    return false;
}

static mewl_status open_format(mewl__input *input, const char *url, const mewl_source_opts *opts, mewl_error *err)
{
    const char *rest = NULL;
    const mewl__address_kind kind = mewl__address_parse(url, &rest);
    if (kind == MEWL__ADDRESS_UNKNOWN) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: Mewl does not read this kind of address", input->shown);
    }
    const bool file = kind == MEWL__ADDRESS_FILE;
    if (file) {
        MEWL_TRY(check_file(input, rest, err));
    }
    input->format = avformat_alloc_context();
    input->packet = av_packet_alloc();
    input->frame = av_frame_alloc();
    if (input->format == NULL || input->packet == NULL || input->frame == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", input->shown);
    }
    input->format->interrupt_callback = (AVIOInterruptCB){.callback = interrupted, .opaque = input};
    if (kind == MEWL__ADDRESS_STDIN) {
        MEWL_TRY(attach_stdin(input, err));
    }
    AVDictionary *options = NULL;
    const AVInputFormat *demuxer = NULL;
    mewl_status status = prepare(input, kind, opts, &demuxer, &options, err);
    char path[4096 + 8];
    if (status == MEWL_OK && (size_t)snprintf(path, sizeof path, "%s%s", file ? "file:" : "", rest) >= sizeof path) {
        status = mewl_error_set(err, MEWL_E_ARG, "%s: the name is too long", input->shown);
    }
    if (status != MEWL_OK) {
        av_dict_free(&options);
        return status;
    }
    if (!file && kind != MEWL__ADDRESS_STDIN) {
        input->deadline_s = machine_now_s() + opts->open_timeout_s;
    }
    /* Older FFmpeg takes the demuxer without const. */
    int code = avformat_open_input(&input->format, kind == MEWL__ADDRESS_STDIN ? "" : path, (void *)demuxer, &options);
    av_dict_free(&options);
    if (code < 0) {
        return explain_open(input, kind, code, err);
    }
    input->live = is_live(input->format, kind, opts->live);
    input->index_last = kind == MEWL__ADDRESS_STDIN && index_came_last(input->format);
    if (!file) {
        input->format->max_ts_probe = 0; /* else up to 50 packets are read ahead, seconds of raw PCM */
    }
    prefer_large_packets(input->format, input->live);
    code = avformat_find_stream_info(input->format, NULL);
    if (code < 0) {
        return explain(input, code, "reading its form", err);
    }
    return open_decoder(input, err);
}

mewl_status mewl__input_open(mewl__input *input, const char *url, const mewl_source_opts *opts, mewl_error *err)
{
    *input = (mewl__input){.cancel = opts->cancel,
                           .deadline_s = INFINITY,
                           .read_timeout_s = opts->read_timeout_s,
                           .stream = -1,
                           .duration_s = NAN,
                           .avlog = {.log = opts->log}};
    if (strcmp(url, "-") == 0) {
        (void)snprintf(input->shown, sizeof input->shown, "standard input");
    } else {
        (void)mewl__address_show(input->shown, sizeof input->shown, url);
    }
    mewl__avlog *before = mewl__avlog_use(&input->avlog);
    mewl_status status = open_format(input, url, opts, err);
    if (status == MEWL_OK && input->without_edits && input->avlog.edited) {
        release(input);
        status = open_format(input, url, opts, err);
    }
    (void)mewl__avlog_use(before);
    if (status != MEWL_OK) {
        mewl__input_close(input);
    } else if (input->live) {
        input->duration_s = NAN;
    } else if (strcmp(input->format->iformat->name, "wav") == 0 && strcmp(url, "-") != 0) {
        double promised_s = mewl__wav_promised_s(strncmp(url, "file:", 5) == 0 ? url + 5 : url);
        if (promised_s > 0.0) {
            input->duration_s = promised_s;
            input->duration_is_sure = true;
        }
    }
    return status;
}

/* One packet of the chosen stream into the decoder, or the order to drain it. */
static mewl_status feed(mewl__input *input, mewl_error *err)
{
    const double start_s = machine_now_s();
    input->deadline_s = input->live ? start_s + input->read_timeout_s : INFINITY;
    for (;;) {
        const unsigned errors = input->avlog.errors;
        int code = av_read_frame(input->format, input->packet);
        if (code != AVERROR_INVALIDDATA && input->avlog.errors != errors) {
            input->decode_errors++; /* damaged pages of ogg and others are skipped inside FFmpeg, with a message */
        }
        if (code == AVERROR(EAGAIN)) {
            if (interrupted(input)) {
                return explain(input, AVERROR_EXIT, "reading", err);
            }
            (void)usleep(5000);
            continue;
        }
        if (code == AVERROR_EOF && input->format->pb != NULL && input->format->pb->error < 0 &&
            input->format->pb->error != AVERROR_EOF) {
            code = input->format->pb->error; /* FFmpeg calls a failed read an end */
        }
        if (code == AVERROR_EOF) {
            input->draining = true;
            (void)avcodec_send_packet(input->codec, NULL);
            return MEWL_OK;
        }
        if (code == AVERROR_INVALIDDATA && !input->live && ++input->errors_in_a_row < ERRORS_IN_A_ROW) {
            input->decode_errors++;
            continue;
        }
        if (code == AVERROR_INVALIDDATA && !input->live) {
            input->draining = true;
            (void)avcodec_send_packet(input->codec, NULL);
            return MEWL_OK;
        }
        if (code < 0) {
            return explain(input, code, "reading", err);
        }
        if (input->packet->stream_index != input->stream) {
            av_packet_unref(input->packet);
            continue;
        }
        code = avcodec_send_packet(input->codec, input->packet);
        av_packet_unref(input->packet);
        if (code == AVERROR(ENOMEM)) {
            return explain(input, code, "decoding", err);
        }
        if (code < 0) {
            input->decode_errors++;
            if (++input->errors_in_a_row >= ERRORS_IN_A_ROW && input->live) {
                return explain(input, code, "decoding", err);
            }
        }
        return MEWL_OK;
    }
}

/* Whether the frame is one that can be converted. */
static mewl_status check_frame(const mewl__input *input, mewl_error *err)
{
    const AVFrame *frame = input->frame;
    const int channels = frame->ch_layout.nb_channels;
    if (frame->sample_rate < 1000 || frame->sample_rate > 1000000) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: a sampling rate of %d Hz is outside 1 kHz to 1 MHz",
                              input->shown, frame->sample_rate);
    }
    if (channels < 1 || channels > MEWL__CHANNELS_MAX) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: %d channels where %d are the most", input->shown, channels,
                              MEWL__CHANNELS_MAX);
    }
    if (!mewl__frame_readable(frame->format)) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: unknown sample format %d", input->shown, frame->format);
    }
    return MEWL_OK;
}

static mewl_status next_frame(mewl__input *input, bool *ended, mewl_error *err)
{
    for (;;) {
        const int code = avcodec_receive_frame(input->codec, input->frame);
        if (code == 0 && input->frame->nb_samples > 0) {
            input->errors_in_a_row = 0;
            return check_frame(input, err);
        }
        if (code == AVERROR(ENOMEM)) {
            return explain(input, code, "decoding", err);
        }
        if (code == AVERROR_EOF || (input->draining && code == AVERROR(EAGAIN))) {
            *ended = true;
            return MEWL_OK;
        }
        if (code < 0 && code != AVERROR(EAGAIN)) {
            input->decode_errors++;
            if (++input->errors_in_a_row >= ERRORS_IN_A_ROW && input->draining) {
                *ended = true;
                return MEWL_OK;
            }
        }
        if (cancelled(input)) {
            return explain(input, AVERROR_EXIT, "reading", err);
        }
        if (code == AVERROR(EAGAIN)) {
            MEWL_TRY(feed(input, err));
        }
    }
}

mewl_status mewl__input_next(mewl__input *input, bool *ended, mewl_error *err)
{
    *ended = false;
    mewl__avlog *before = mewl__avlog_use(&input->avlog);
    const mewl_status status = next_frame(input, ended, err);
    (void)mewl__avlog_use(before);
    return status;
}

void mewl__input_close(mewl__input *input)
{
    /* A teardown message to an unanswering camera must not hang. */
    input->deadline_s = machine_now_s() + 1.0;
    mewl__avlog *before = mewl__avlog_use(&input->avlog);
    release(input);
    (void)mewl__avlog_use(before);
}
