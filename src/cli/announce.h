/* announce.h - what `mewl listen` says while it listens: sentences with the time of day, or NDJSON events. */
#ifndef MEWL_CLI_ANNOUNCE_H
#define MEWL_CLI_ANNOUNCE_H

#include <stdbool.h>
#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "hear/session.h"

typedef struct mewl_announcer {
    mewl_cli *cli;
    const char *source; /* address, as given */
    bool live;          /* stream time is now: events carry the time of day */
    mewl_clock clock;
    size_t cries;
    double crying_s, deaf_since_s; /* deaf_since_s: NaN while hearing */
    double deaf_s;
    bool failed; /* stdout refused: a closed pipe */
} mewl_announcer;

/* Says that listening has begun. latency_s: from a cry's onset to its event, as the session states it. */
void mewl_announce_begin(mewl_announcer *a, double latency_s);

/* Says one event of the session. Has the form of mewl_session_sink.on_event. */
void mewl_announce_event(void *announcer, const mewl_session_event *event);

/* Says that the source came back, how often so far, and how long it was away in all. */
void mewl_announce_reconnected(mewl_announcer *a, double time_s, unsigned long long reconnects, double lost_s);

/* Says that listening has ended after `seconds` of stream time; why is for people ("stopped", "the stream ended"). */
void mewl_announce_end(mewl_announcer *a, double seconds, const char *why);

/* Says that the source failed for good. */
void mewl_announce_error(mewl_announcer *a, const mewl_error *err);

/* Prints a library's log line as a note. Has the form of mewl_log.write, `user` being the announcer. */
void mewl_announce_log(void *announcer, mewl_log_level level, const char *text);

#endif
