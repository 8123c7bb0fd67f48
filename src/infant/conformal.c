#include "infant/conformal.h"

#include <math.h>
#include <stdbool.h>

#define WANTED 39

const char *mewl_calibration_name(mewl_calibration calibration)
{
    switch (calibration) {
    case MEWL_CALIBRATION_POPULATION:
        return "population";
    case MEWL_CALIBRATION_POOLED:
        return "pooled";
    case MEWL_CALIBRATION_OWN:
        return "own";
    default:
        return "none";
    }
}

/* Share of the population's sessions, every infant weighing the same, with a score of at least `score`. Sessions of one
 * infant stand together. */
static double population_share(const mewl_conformal *c, double score, size_t *infants)
{
    double sum = 0;
    *infants = 0;
    for (size_t i = 0; i < c->population_sessions;) {
        size_t end = i;
        size_t above = 0;
        for (; end < c->population_sessions && c->infant[end] == c->infant[i]; end++) {
            above += c->population[end] >= score ? 1 : 0;
        }
        sum += (double)above / (double)(end - i);
        ++*infants;
        i = end;
    }
    return *infants > 0 ? sum / (double)*infants : 0;
}

/* p from the number of own sessions that are as unusual, adding the population for what is missing to `wanted`. The
 * population counts as one more session in `1 + share * infants` over `1 + infants`, as its own p-value would. */
static mewl_p_value combine(const mewl_conformal *c, double own_above, double score)
{
    mewl_p_value v = {.own_sessions = c->sessions};
    size_t wanted = c->wanted == 0 ? WANTED : c->wanted;
    double own = (double)c->sessions;
    double share = population_share(c, score, &v.population_infants);
    bool enough = c->sessions >= wanted;
    if (v.population_infants == 0 || enough) {
        v.p = (1 + own_above) / (1 + own);
        v.step = 1 / (1 + own);
        v.calibration = c->sessions > 0 ? MEWL_CALIBRATION_OWN : MEWL_CALIBRATION_NONE;
        return v;
    }
    double others = fmin((double)(wanted - c->sessions), (double)c->population_sessions);
    v.p = (1 + own_above + share * others) / (1 + own + others);
    v.step = 1 / (1 + own + others);
    v.calibration = c->sessions > 0 ? MEWL_CALIBRATION_POOLED : MEWL_CALIBRATION_POPULATION;
    return v;
}

mewl_p_value mewl_conformal_session(const mewl_conformal *c, double mean_score)
{
    double above = 0;
    for (size_t k = 0; k < c->sessions; k++) {
        double sum = 0;
        for (size_t i = c->start[k]; i < c->start[k + 1]; i++) {
            sum += c->score[i];
        }
        above += sum / (double)(c->start[k + 1] - c->start[k]) >= mean_score ? 1 : 0;
    }
    return combine(c, above, mean_score);
}

mewl_p_value mewl_conformal_recording(const mewl_conformal *c, double score)
{
    double above = 0;
    for (size_t k = 0; k < c->sessions; k++) {
        size_t reached = 0;
        for (size_t i = c->start[k]; i < c->start[k + 1]; i++) {
            reached += c->score[i] >= score ? 1 : 0;
        }
        above += (double)reached / (double)(c->start[k + 1] - c->start[k]);
    }
    return combine(c, above, score);
}

double mewl_conformal_level(double days, double sessions_per_day)
{
    if (!(days > 0) || !(sessions_per_day > 0)) {
        return NAN;
    }
    return fmin(1, 1 / (days * sessions_per_day));
}
