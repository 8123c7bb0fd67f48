/* pitch_path.c - see pitch_path.h. Gains are those of Boersma (1993), eq. 23 to 27: a candidate's strength, less what
 * its octave costs, less what the step from the frame before costs. When the store is full, its older half is decided
 * by the path that is best then. */
#include "voice/pitch_path.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

mewl_status mewl__pitch_path_init(mewl__pitch_path *p, mewl_pitch_opts opts, mewl_pitch_frame *out, mewl_error *err)
{
    memset(p, 0, sizeof *p);
    p->opts = opts;
    p->opts.octave_jump_cost *= 0.01 / opts.step_s; /* costs are per 10 ms */
    p->opts.voicing_cost *= 0.01 / opts.step_s;
    p->out = out;
    p->frames = malloc(MEWL__PITCH_PATH_FRAMES * sizeof *p->frames);
    p->from = malloc(MEWL__PITCH_PATH_FRAMES * sizeof *p->from);
    if (p->frames == NULL || p->from == NULL) {
        mewl__pitch_path_fini(p);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for pitch candidates");
    }
    return MEWL_OK;
}

void mewl__pitch_path_fini(mewl__pitch_path *p)
{
    free(p->frames);
    free(p->from);
    memset(p, 0, sizeof *p);
}

static bool voiced(const mewl__pitch_path *p, const mewl__pitch_candidate *c)
{
    return c->f0_hz > 0 && (double)c->f0_hz < p->opts.ceiling_hz;
}

static double own_gain(const mewl__pitch_path *p, const mewl__pitch_candidates *frame, const mewl__pitch_candidate *c)
{
    if (voiced(p, c)) {
        return (double)c->strength - p->opts.octave_cost * log2(p->opts.ceiling_hz / (double)c->f0_hz);
    }
    double silence = p->opts.silence > 0 ? 2 - (double)frame->intensity * (1 + p->opts.voicing) / p->opts.silence : 0;
    return p->opts.voicing + fmax(0, silence);
}

/* Decides the oldest `decided` frames along the best path to the newest, and forgets them. */
static void decide(mewl__pitch_path *p, size_t decided)
{
    size_t best = 0, last = p->held - 1;
    for (size_t i = 1; i < p->frames[last].count; i++) {
        best = p->gain[0][i] > p->gain[0][best] ? i : best;
    }
    for (size_t t = p->held; t-- > 0; best = p->from[t][best]) {
        if (t < decided) {
            const mewl__pitch_candidate *c = &p->frames[t].list[best];
            bool is_voiced = voiced(p, c);
            p->out[t] = (mewl_pitch_frame){.f0_hz = is_voiced ? c->f0_hz : 0,
                                           .strength = is_voiced ? c->strength : 0,
                                           .intensity = p->frames[t].intensity};
        }
    }
    p->out += decided;
    p->held -= decided;
    memmove(p->frames, p->frames + decided, p->held * sizeof *p->frames);
    memmove(p->from, p->from + decided, p->held * sizeof *p->from);
}

void mewl__pitch_path_push(mewl__pitch_path *p, const mewl__pitch_candidates *frame)
{
    if (p->held == MEWL__PITCH_PATH_FRAMES) {
        decide(p, MEWL__PITCH_PATH_FRAMES / 2);
    }
    const mewl__pitch_candidates *before = p->held > 0 ? &p->frames[p->held - 1] : NULL;
    double octave[2][MEWL__PITCH_CANDIDATES];
    for (size_t k = 0; before != NULL && k < before->count; k++) {
        octave[0][k] = voiced(p, &before->list[k]) ? log2((double)before->list[k].f0_hz) : NAN;
    }
    double top = -INFINITY;
    for (size_t i = 0; i < frame->count; i++) {
        octave[1][i] = voiced(p, &frame->list[i]) ? log2((double)frame->list[i].f0_hz) : NAN;
        double best = before == NULL ? 0 : -INFINITY;
        size_t from = 0;
        for (size_t k = 0; before != NULL && k < before->count; k++) {
            bool a = !isnan(octave[0][k]), b = !isnan(octave[1][i]);
            double cost = a && b   ? p->opts.octave_jump_cost * fabs(octave[0][k] - octave[1][i])
                          : a || b ? p->opts.voicing_cost
                                   : 0;
            double gain = p->gain[0][k] - cost;
            if (gain > best) {
                best = gain;
                from = k;
            }
        }
        p->from[p->held][i] = (unsigned char)from;
        p->gain[1][i] = best + own_gain(p, frame, &frame->list[i]);
        top = fmax(top, p->gain[1][i]);
    }
    for (size_t i = 0; i < frame->count; i++) { /* differences alone matter: sums of hours would lose digits */
        p->gain[0][i] = p->gain[1][i] - top;
    }
    p->frames[p->held++] = *frame;
}

void mewl__pitch_path_finish(mewl__pitch_path *p)
{
    if (p->held > 0) {
        decide(p, p->held);
    }
}
