/* schedule.c - learning rates by step, and the plateau watcher. */
#include "nn/schedule.h"

#include <math.h>

double mewl_schedule_rate(const mewl_schedule *s, uint64_t step)
{
    if (step < s->warmup_steps) {
        return s->rate * ((double)step + 1.0) / (double)s->warmup_steps;
    }
    if (s->kind == MEWL_SCHEDULE_CONSTANT) {
        return s->rate;
    }
    uint64_t span = s->total_steps > s->warmup_steps ? s->total_steps - s->warmup_steps : 1;
    uint64_t done = step - s->warmup_steps < span ? step - s->warmup_steps : span;
    double cosine = 0.5 * (1.0 + cos(3.14159265358979323846 * (double)done / (double)span));
    return s->rate * (s->final_fraction + (1.0 - s->final_fraction) * cosine);
}

bool mewl_plateau_observe(mewl_plateau *p, double figure)
{
    bool better = false;
    if (!isnan(figure)) {
        double margin = p->threshold * fabs(p->best);
        better = !p->started || (p->larger_is_better ? figure > p->best + margin : figure < p->best - margin);
    }
    if (better) {
        p->best = figure;
        p->started = true;
        p->bad = 0;
    } else {
        p->bad++;
    }
    if (p->cooling > 0) {
        p->cooling--;
        p->bad = 0;
    }
    if (p->bad <= p->patience) {
        return false;
    }
    double before = p->scale;
    p->scale = fmax(p->scale * p->factor, p->floor);
    p->bad = 0;
    p->cooling = p->cooldown;
    return p->scale < before;
}
