/* iclas_rates.c - how often normal sessions of real individuals come out at or below a level, tested strictly later:
 * with p-values as they ship, and with their ranks drawn, which makes a p-value uniform where its sessions can be
 * exchanged.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lab/iclas_private.h"
#include "lab/ratio.h"
#include "lab/sheet.h"

/* Share of all draws of the rank at which p, uniform between high - width and high, is at or below the level. */
static double share_below(double high, double width, double level)
{
    return fmin(fmax((level - (high - width)) / width, 0), 1);
}

void mewl__rates_pooled(mewl__rates *rates, const mewl_conformal *c, const double *score, size_t count)
{
    for (size_t k = 0; k < MEWL__ICLAS_LEVELS; k++) {
        double level = mewl__iclas_levels[k];
        for (size_t i = 0; i < count; i++) {
            mewl_p_value p = mewl__own_p(c, score[i], level);
            rates->given[k] += (p.p <= level ? 1 : 0) / (double)count;
            rates->drawn[k] += share_below(p.p, p.step, level) / (double)count;
        }
    }
    rates->sessions += count > 0 ? 1 : 0;
}

void mewl__rates_own(mewl__rates *rates, const mewl_conformal *all)
{
    size_t last = all->sessions - 1;
    double n = (double)all->sessions;
    size_t count = all->start[last + 1] - all->start[last];
    for (size_t i = all->start[last]; i < all->start[last + 1]; i++) {
        double above = 0; /* earlier sessions' shares of recordings farther out, and as far */
        double same = 0;
        for (size_t s = 0; s < last; s++) {
            double size = (double)(all->start[s + 1] - all->start[s]);
            for (size_t j = all->start[s]; j < all->start[s + 1]; j++) {
                above += (all->score[j] > all->score[i] ? 1 : 0) / size;
                same += (all->score[j] == all->score[i] ? 1 : 0) / size;
            }
        }
        for (size_t k = 0; k < MEWL__ICLAS_LEVELS; k++) {
            rates->own[k] += share_below((above + same + 1) / n, (same + 1) / n, mewl__iclas_levels[k]) / (double)count;
        }
    }
    rates->own_sessions += 1;
}

/* Sums of one column over individuals as a rate. which: 0 as given, 1 drawn, 2 own. */
static mewl_status add_rate(json_t *row, const mewl__rates *rates, size_t count, size_t level, int which, uint64_t seed,
                            mewl_error *err)
{
    double *top = calloc(2 * count + 1, sizeof *top);
    if (top == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for rates");
    }
    double *bottom = top + count;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const mewl__rates *r = &rates[i];
        double sessions = which == 2 ? r->own_sessions : r->sessions;
        if (sessions > 0) {
            top[used] = which == 0 ? r->given[level] : which == 1 ? r->drawn[level] : r->own[level];
            bottom[used++] = sessions;
        }
    }
    mewl_interval rate = {.value = NAN, .low = NAN, .high = NAN};
    mewl_status status = used > 0 ? mewl_ratio_interval(&rate, top, bottom, used, seed, err) : MEWL_OK;
    mewl_sheet_interval(row, rate.value, rate.low, rate.high);
    free(top);
    return status;
}

mewl_status mewl__rates_sheet(json_t **out, const char *name, const mewl__rates *rates, size_t count, size_t repeats,
                              uint64_t seed, mewl_error *err)
{
    static const char *const columns[] = {"nominal",     "infants",           "sessions",
                                          "as it ships", "ships, rank drawn", "own sessions alone, rank drawn"};
    char title[256];
    size_t infants = 0;
    double sessions = 0;
    for (size_t i = 0; i < count; i++) {
        infants += rates[i].sessions > 0 ? 1 : 0;
        sessions += rates[i].sessions / (double)repeats;
    }
    (void)snprintf(title, sizeof title, "%s: rates of normal sessions tested strictly later", name);
    json_t *sheet =
        mewl_sheet_new(title, columns, sizeof columns / sizeof *columns,
                       "What was chosen. Each later session weighs one, its recordings share that. As it ships: other "
                       "individuals' sessions are added while the own are few. Rank drawn: the mean over all draws of "
                       "the rank among equals. Own sessions alone: every session up to the tested one is scored by a "
                       "model of all the others, so that none has learned from more than another: uniform where "
                       "sessions can be exchanged, which drift would show. Intervals by a bootstrap over individuals.");
    mewl_status status = sheet != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a table");
    for (size_t level = 0; level < MEWL__ICLAS_LEVELS && status == MEWL_OK; level++) {
        json_t *row = mewl_sheet_row();
        mewl_sheet_real(row, mewl__iclas_levels[level]);
        mewl_sheet_count(row, infants);
        mewl_sheet_count(row, (size_t)(sessions + 0.5));
        for (int which = 0; which < 3 && status == MEWL_OK; which++) {
            status = add_rate(row, rates, count, level, which, seed, err);
        }
        if (status == MEWL_OK) {
            status = mewl_sheet_add(sheet, row);
        } else {
            json_decref(row);
        }
    }
    if (status != MEWL_OK) {
        json_decref(sheet);
        return status;
    }
    *out = sheet;
    return MEWL_OK;
}
