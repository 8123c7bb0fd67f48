#include "infant/gate.h"

#include <math.h>

#define LOGIT_MAX 12.0

static mewl_gate_opts with_defaults(mewl_gate_opts opts)
{
    opts.min_cry = opts.min_cry == 0 ? 0.5 : opts.min_cry;
    opts.min_snr_db = opts.min_snr_db == 0 ? 3 : opts.min_snr_db;
    opts.max_clipped = opts.max_clipped == 0 ? 0.02 : opts.max_clipped;
    opts.min_seconds = opts.min_seconds == 0 ? 0.5 : opts.min_seconds;
    return opts;
}

unsigned mewl_gate_judge(mewl_gate_figures figures, mewl_gate_opts opts)
{
    opts = with_defaults(opts);
    unsigned found = 0;
    found |= figures.cry < opts.min_cry ? MEWL_GATE_NO_CRY : 0;
    found |= figures.snr_db < opts.min_snr_db ? MEWL_GATE_NOISY : 0;
    found |= figures.clipped > opts.max_clipped ? MEWL_GATE_CLIPPED : 0;
    found |= figures.seconds < opts.min_seconds ? MEWL_GATE_SHORT : 0;
    return found;
}

/* How far `value` lies below `limit`; 0 above it and when not measured. */
static double missing(double value, double limit)
{
    return value < limit ? fmin(limit - value, 1000) : 0;
}

double mewl_gate_score(mewl_gate_figures figures, mewl_gate_opts opts)
{
    opts = with_defaults(opts);
    double logit = 0;
    if (!isnan(figures.cry)) {
        logit = figures.cry <= 0   ? -LOGIT_MAX
                : figures.cry >= 1 ? LOGIT_MAX
                                   : fmin(fmax(log(figures.cry / (1 - figures.cry)), -LOGIT_MAX), LOGIT_MAX);
    }
    return logit - missing(figures.snr_db, opts.min_snr_db) - 100 * missing(-figures.clipped, -opts.max_clipped) -
           10 * missing(figures.seconds, opts.min_seconds);
}

const char *mewl_gate_text(unsigned bit)
{
    switch (bit) {
    case MEWL_GATE_NO_CRY:
        return "no clear cry in it";
    case MEWL_GATE_NOISY:
        return "too much noise around it";
    case MEWL_GATE_CLIPPED:
        return "too loud for the microphone";
    case MEWL_GATE_SHORT:
        return "too short";
    case MEWL_GATE_NO_EMBEDDING:
        return "nothing to compare in it";
    case MEWL_GATE_SILENT:
        return "not hearing: there is no sound in it, as from a muted microphone";
    default:
        return "";
    }
}
