/* infant.c - see infant.h. Every draw takes the same number of random figures whatever the state, so that a change put
 * in leaves everything else as it was. */
#include "synth/infant.h"

#include <math.h>

#define DAYS_MONTH 30.44
#define TRACT_GROWTH_M 0.010 /* in the end, within the first years */
#define TRACT_MONTHS 8.0
#define AROUSAL_SESSION 0.7 /* SD of sessions and of recordings within them: together 1 */
#define AROUSAL_RECORDING 0.714
#define AROUSAL_F0_ST 0.5 /* semitones an SD of arousal */

static double clamp(double x, double low, double high)
{
    return fmax(low, fmin(high, x));
}

mewl_synth_infant mewl_synth_infant_seeded(uint64_t seed)
{
    mewl_rng r = mewl_rng_stream(seed, 0x1f);
    mewl_synth_infant i = {.seed = seed};
    i.f0_hz = clamp(496 + 95 * mewl_rng_normal(&r), 320, 750);
    i.f0_session_st = mewl_rng_range(&r, 0.6, 1.1);
    i.f0_recording_st = mewl_rng_range(&r, 0.4, 0.8);
    i.melody_st = mewl_rng_range(&r, 3, 7);
    i.burst_s = clamp(1.4 + 0.25 * mewl_rng_normal(&r), 0.7, 2.2);
    i.pause_s = mewl_rng_range(&r, 0.35, 0.7);
    i.inspiration = mewl_rng_range(&r, 0.1, 0.6);
    i.hyperphonation = mewl_rng_range(&r, 0.01, 0.12);
    i.dysphonation = mewl_rng_range(&r, 0.03, 0.2);
    i.jitter = mewl_rng_range(&r, 0.006, 0.02);
    i.shimmer_db = mewl_rng_range(&r, 0.3, 0.9);
    i.hnr_db = mewl_rng_range(&r, 8, 18);
    i.tract_m = mewl_rng_range(&r, 0.070, 0.080);
    i.age_days = mewl_rng_range(&r, 0, 60);
    i.f0_growth_month = mewl_rng_range(&r, -0.015, 0.005);
    i.sessions_day = mewl_rng_range(&r, 2, 5);
    return i;
}

double mewl_synth_infant_f0_hz(const mewl_synth_infant *infant, double age_days)
{
    return infant->f0_hz * pow(1 + infant->f0_growth_month, age_days / DAYS_MONTH);
}

double mewl_synth_infant_tract_m(const mewl_synth_infant *infant, double age_days)
{
    return infant->tract_m + TRACT_GROWTH_M * (1 - exp(-age_days / (TRACT_MONTHS * DAYS_MONTH)));
}

mewl_synth_session mewl_synth_session_draw(const mewl_synth_infant *infant, mewl_rng *rng)
{
    mewl_synth_session s;
    s.f0_st = infant->f0_session_st * mewl_rng_normal(rng);
    s.arousal = AROUSAL_SESSION * mewl_rng_normal(rng);
    s.snr_db = clamp(24 + 5 * mewl_rng_normal(rng), 12, 35);
    return s;
}

mewl_synth_cry mewl_synth_cry_draw(const mewl_synth_infant *infant, const mewl_synth_session *session,
                                   mewl_synth_state state, double age_days, mewl_rng *rng)
{
    double z[9];
    for (size_t i = 0; i < sizeof z / sizeof z[0]; i++) {
        z[i] = mewl_rng_normal(rng);
    }
    double noise = clamp(state.noise, 0, 1);
    mewl_synth_cry c = {.seed = mewl_rng_u64(rng), .device = state.device, .age_days = age_days};
    c.seconds = mewl_rng_range(rng, 6, 12);
    c.arousal = clamp(session->arousal + AROUSAL_RECORDING * z[0], -3, 3);
    double st = session->f0_st + infant->f0_recording_st * z[1] + AROUSAL_F0_ST * c.arousal;
    c.f0_hz = clamp(mewl_synth_infant_f0_hz(infant, age_days) * exp(state.f0_log + st * M_LN2 / 12), 200, 950);
    c.melody_st = infant->melody_st * exp(0.15 * z[2]);
    c.burst_s = clamp(infant->burst_s * exp(0.15 * z[3] + 0.08 * c.arousal), 0.3, 4);
    c.pause_s = clamp(infant->pause_s * exp(0.15 * z[4] - 0.08 * c.arousal), 0.2, 1.5);
    c.inspiration = infant->inspiration;
    c.hyperphonation = clamp(infant->hyperphonation * exp(0.6 * c.arousal) + state.hyperphonation, 0, 0.9);
    c.dysphonation = clamp(infant->dysphonation * exp(0.3 * z[5] + 0.2 * c.arousal) + 0.35 * noise, 0, 0.8);
    c.jitter = clamp(infant->jitter * exp(0.2 * z[6]) * (1 + 1.5 * noise), 0, 0.08);
    c.shimmer_db = clamp(infant->shimmer_db * exp(0.15 * z[7]) * (1 + noise), 0, 3);
    c.hnr_db = clamp(infant->hnr_db + 1.2 * z[8] - 6 * noise, 0, 25);
    c.tract_m = mewl_synth_infant_tract_m(infant, age_days);
    c.snr_db = session->snr_db;
    return c;
}
