#include "audio/hearing.h"

#include <math.h>

#define FULL_SCALE 0.999F

static double or_default(double value, double fallback)
{
    return value > 0.0 ? value : fallback;
}

void mewl_hearing_init(mewl_hearing *hearing, double rate_hz, mewl_hearing_opts opts)
{
    *hearing = (mewl_hearing){
        .opts = {.silence_s = or_default(opts.silence_s, 3.0),
                 .clip_window_s = or_default(opts.clip_window_s, 2.0),
                 .clip_share = or_default(opts.clip_share, 0.05),
                 .stop_s = or_default(opts.stop_s, 1.0)},
        .rate_hz = rate_hz,
        .verdict = {.hearing = true, .why = MEWL_WHY_HEARING, .since_s = 0.0},
    };
}

/* Takes the verdict `why` since `since_s`; whether that is news. */
static bool decide(mewl_hearing *h, mewl_hearing_why why, double since_s)
{
    if (h->verdict.why == why) {
        return false;
    }
    h->verdict = (mewl_hearing_verdict){.hearing = why == MEWL_WHY_HEARING, .why = why, .since_s = since_s};
    return true;
}

/* Judges and restarts the clipping window. */
static void end_window(mewl_hearing *h)
{
    const double share = h->window_clipped / h->window_count;
    /* Half the share must be reached to leave the state again, so that it does not flicker. */
    h->clipping = share >= (h->clipping ? h->opts.clip_share / 2.0 : h->opts.clip_share);
    h->window_clipped = h->window_count = 0.0;
}

bool mewl_hearing_push(mewl_hearing *h, const float *samples, size_t count)
{
    if (count == 0) {
        return false;
    }
    const double sample_s = 1.0 / h->rate_hz;
    const double window = fmax(1.0, h->opts.clip_window_s * h->rate_hz);
    const double start_s = h->time_s;
    double moved_s = h->time_s; /* where a constant value was first left */
    bool moved = false;
    h->gap_s = 0.0;
    for (size_t i = 0; i < count; i++) {
        const float x = isfinite(samples[i]) ? samples[i] : 0.0F;
        if (!h->any || x != h->last) {
            if (h->any && !moved) {
                moved = true;
                moved_s = start_s + (double)i * sample_s;
            }
            h->constant_from_s = start_s + (double)i * sample_s;
            h->any = true;
            h->last = x;
        }
        if (x >= FULL_SCALE) {
            h->run = h->run > 0 ? h->run + 1 : 1;
        } else if (x <= -FULL_SCALE) {
            h->run = h->run < 0 ? h->run - 1 : -1;
        } else {
            h->run = 0;
        }
        if (h->run > 1000000 || h->run < -1000000) {
            h->run /= 2;
        }
        h->window_clipped += h->run >= 3 || h->run <= -3 ? 1.0 : 0.0;
        h->window_count += 1.0;
        if (h->window_count >= window) {
            end_window(h);
        }
    }
    h->time_s = start_s + (double)count * sample_s;
    if (h->time_s - h->constant_from_s >= h->opts.silence_s - 0.5 * sample_s) {
        return decide(h, MEWL_WHY_SILENCE, h->constant_from_s);
    }
    if (h->clipping) {
        return decide(h, MEWL_WHY_CLIPPING, h->time_s);
    }
    if (h->verdict.why == MEWL_WHY_SILENCE) {
        /* Silence ends where a sample differs, not where one was merely added. */
        return moved && decide(h, MEWL_WHY_HEARING, moved_s);
    }
    if (h->verdict.why == MEWL_WHY_STOPPED) {
        return decide(h, MEWL_WHY_HEARING, start_s);
    }
    return decide(h, MEWL_WHY_HEARING, h->time_s);
}

bool mewl_hearing_gap(mewl_hearing *h, double seconds)
{
    if (!(seconds > 0.0)) {
        return false;
    }
    h->gap_s += seconds;
    h->time_s += seconds;
    h->any = false;
    h->run = 0;
    h->constant_from_s = h->time_s;
    if (h->gap_s >= h->opts.stop_s) {
        h->clipping = false;
        h->window_clipped = h->window_count = 0.0;
        return decide(h, MEWL_WHY_STOPPED, h->time_s - h->gap_s);
    }
    return false;
}

mewl_hearing_verdict mewl_hearing_now(const mewl_hearing *hearing)
{
    return hearing->verdict;
}

const char *mewl_hearing_text(mewl_hearing_why why)
{
    switch (why) {
    case MEWL_WHY_HEARING:
        return "hearing";
    case MEWL_WHY_SILENCE:
        return "digital silence";
    case MEWL_WHY_CLIPPING:
        return "clipping";
    case MEWL_WHY_STOPPED:
        return "stopped";
    }
    return "unknown";
}
