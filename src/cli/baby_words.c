/* baby_words.c - see baby_words.h. */
#include "cli/baby_words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

char *mewl_baby_share(char *out, size_t size, double share)
{
    if (!isfinite(share)) {
        (void)snprintf(out, size, "not known");
    } else if (share >= 0.5) {
        (void)snprintf(out, size, "most");
    } else if (share <= 0.0) {
        (void)snprintf(out, size, "none so far");
    } else {
        (void)snprintf(out, size, "about 1 in %.0f", 1.0 / share);
    }
    return out;
}

void mewl_baby_gate_words(char *out, size_t size, unsigned gate)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned bit = 1; bit != 0 && bit <= gate; bit <<= 1) {
        const char *text = (gate & bit) != 0 ? mewl_gate_text(bit) : "";
        if (text[0] != '\0' && used < size) {
            const int wrote = snprintf(out + used, size - used, "%s%s", used > 0 ? "; " : "", text);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
    }
}

/* What a channel of change is called. */
static const char *channel_words(const char *channel, bool higher)
{
    static const struct {
        const char *channel, *up, *down;
    } rows[] = {{"log_f0", "higher pitched", "lower pitched"},
                {"log_f0_range", "more varied in pitch", "more even in pitch"},
                {"hnr_db", "clearer", "rougher or hoarser"},
                {"log_dysphonation", "rougher or hoarser", "clearer"},
                {"score", "different as a whole", "different as a whole"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].channel, channel) == 0) {
            return higher ? rows[i].up : rows[i].down;
        }
    }
    return "different";
}

/* What a channel of change is, as the subject of a sentence. */
static const char *channel_noun(const char *channel)
{
    static const struct {
        const char *channel, *noun;
    } rows[] = {{"log_f0", "the pitch"},
                {"log_f0_range", "how much the pitch varies"},
                {"hnr_db", "the roughness"},
                {"log_dysphonation", "the roughness"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].channel, channel) == 0) {
            return rows[i].noun;
        }
    }
    return "the sound as a whole";
}

/* Whose sessions a comparison stands on, where they are not the infant's own. */
static const char *basis_words(const char *calibration)
{
    if (strcmp(calibration, "own") == 0 || calibration[0] == '\0') {
        return "";
    }
    return strcmp(calibration, "none") == 0 ? " (too little is known yet to say how rare that is)"
                                            : " (judged partly by other infants: few sessions are known yet)";
}

/* What is said of a change that is over with a session. */
static void say_over(char *out, size_t size, const mewl_store_entry *e)
{
    const size_t used = strlen(out);
    if (e->kind <= MEWL_STORE_ENTRY_UNUSUAL && e->channel[0] != '\0' && used < size) {
        (void)snprintf(out + used, size - used, "; %s is as it was before the change again", channel_noun(e->channel));
    }
}

void mewl_baby_entry_words(char *out, size_t size, const mewl_store_entry *e)
{
    char share[32], why[256];
    switch (e->kind) {
    case MEWL_STORE_ENTRY_ENROLLED:
        (void)snprintf(out, size, "learned as usual");
        break;
    case MEWL_STORE_ENTRY_USUAL:
        (void)snprintf(out, size, "sounded as usual");
        break;
    case MEWL_STORE_ENTRY_UNUSUAL:
        (void)snprintf(out, size, "sounded unlike usual: of usual sessions, %s would lie as far out%s",
                       mewl_baby_share(share, sizeof share, e->p_value), basis_words(e->calibration));
        break;
    case MEWL_STORE_ENTRY_LEARNING:
        (void)snprintf(out, size, "not compared: too little was known yet of what is usual");
        break;
    case MEWL_STORE_ENTRY_UNUSABLE:
        mewl_baby_gate_words(why, sizeof why, e->gate);
        (void)snprintf(out, size, "could not be compared%s%s", why[0] != '\0' ? ": " : "", why);
        break;
    case MEWL_STORE_ENTRY_CHANGE:
        (void)snprintf(out, size, "the cries have sounded different for some time: %s",
                       channel_words(e->channel, !(e->z < 0.0)));
        break;
    case MEWL_STORE_ENTRY_DEVICE:
        (void)snprintf(out, size,
                       "the microphone or the room seems to have changed: cries before and after are not "
                       "compared, Mewl gets used to the new sound first%s",
                       e->channel[0] != '\0'
                           ? ". So the change told before cannot be followed any further and is closed "
                             "without an answer; if it lasts, it is part of what is learned now"
                           : "");
        break;
    case MEWL_STORE_ENTRY_ACCEPTED:
        (void)snprintf(out, size, "said: the voice has changed and that is fine; learned as the new usual from here");
        break;
    case MEWL_STORE_ENTRY_DISMISSED:
        (void)snprintf(out, size, "said: the change was nothing; what was usual before stays so");
        break;
    default:
        out[0] = '\0';
        break;
    }
    say_over(out, size, e);
}

void mewl_baby_verdict_words(char *out, size_t size, const mewl_verdict *v, bool enrolled)
{
    char share[32], why[256];
    if (v->gate != 0) {
        mewl_baby_gate_words(why, sizeof why, v->gate);
        (void)snprintf(out, size, "could not be compared: %s", why);
    } else if (enrolled) {
        (void)snprintf(out, size, "learned as usual");
    } else if (!isfinite(v->p.p) || v->p.calibration == MEWL_CALIBRATION_NONE) {
        (void)snprintf(out, size, "too little is known yet to compare it");
    } else {
        (void)snprintf(out, size, "%s (of usual cries, %s would lie as far out)%s",
                       v->unusual ? "unlike usual" : "as usual", mewl_baby_share(share, sizeof share, v->p.p),
                       basis_words(mewl_calibration_name(v->p.calibration)));
    }
}

bool mewl_baby_open_words(char *out, size_t size, const mewl_infant_state *s, const char *name)
{
    if (s->change_open) {
        (void)snprintf(
            out, size,
            "a change is open: until it is answered, Mewl learns nothing new and tells of no other change. "
            "If the voice has changed and that is fine: `mewl baby alerts %s --accept`; if it was nothing: "
            "`mewl baby alerts %s --dismiss`. It closes by itself after six usual sessions in a row, and when the "
            "microphone or the room changes; the timeline then says so",
            name, name);
    }
    return s->change_open;
}

/* What makes sessions known: half of those that are compared are kept for that (infant/infant.h). */
#define RAISE "Each day that is compared with `mewl baby score` brings more"

bool mewl_baby_reach_words(char *out, size_t size, const mewl_infant_state *s, double alarm_days)
{
    if (s->sessions == 0) {
        (void)snprintf(out, size,
                       "nothing is known yet of how this infant usually cries, so nothing can count as unusual: begin "
                       "with `mewl baby enrol`");
        return true;
    }
    if (isfinite(s->level) && isfinite(s->p_step) && s->p_step <= s->level) {
        return false;
    }
    const int used = snprintf(out, size, "so far %zu session%s known for comparison", s->calibrated,
                              s->calibrated == 1 ? " is" : "s are");
    if (used <= 0 || (size_t)used >= size) {
        return true;
    }
    out += used;
    size -= (size_t)used;
    if (!(isfinite(s->level) && s->level > 0.0)) {
        (void)snprintf(out, size, ", too few to say of a single one that it is unusual. %s", RAISE);
        return true;
    }
    const double needed = ceil(1.0 / s->level - 1.0), most = (double)s->calibrate_most;
    const double days = (most + 1.0) * s->level * alarm_days; /* at which what can be known suffices */
    const int told =
        snprintf(out, size,
                 "; at one false alarm in %g days, about %.0f are needed before a single session can count "
                 "as unusual",
                 alarm_days, needed);
    if (told <= 0 || (size_t)told >= size) {
        return true;
    }
    if (needed <= most) {
        (void)snprintf(out + told, size - (size_t)told, ". %s. Until then the weeks as a whole are watched", RAISE);
    } else {
        (void)snprintf(
            out + told, size - (size_t)told,
            ", and in the long run, at so many sessions a day, Mewl keeps no more than about %.0f: the weeks "
            "as a whole are watched. More frequent false alarms let single sessions count, too: `mewl baby "
            "set NAME --alarm-days %g`",
            most, days >= 1.0 ? floor(days) : floor(10.0 * days) / 10.0);
    }
    return true;
}
