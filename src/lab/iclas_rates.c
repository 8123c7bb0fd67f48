/* iclas_rates.c - how often normal sessions of real individuals come out at or below a level, tested strictly later:
 * with p-values as they ship, and with their ranks drawn, which makes a p-value uniform where its sessions can be
 * exchanged.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lab/iclas_private.h"
#include "lab/metrics.h"
#include "lab/ratio.h"
#include "lab/sheet.h"

/* Share of all draws of the rank at which p, uniform between high - width and high, is at or below the level. */
static double share_below(double high, double width, double level)
{
    return fmin(fmax((level - (high - width)) / width, 0), 1);
}

void mewl__rates_pooled(mewl__rates *rates, const mewl_conformal *c, double mean_score)
{
    for (size_t k = 0; k < MEWL__ICLAS_LEVELS; k++) {
        double level = mewl__iclas_levels[k];
        mewl_conformal wide = mewl__own_widened(c, level);
        mewl_p_value p = mewl_conformal_session(&wide, mean_score);
        rates->given[k] += p.p <= level ? 1 : 0;
        rates->drawn[k] += share_below(p.p, p.step, level);
    }
    rates->sessions += 1;
}

static double mean_of_session(const mewl_conformal *c, size_t session)
{
    double sum = 0;
    for (size_t i = c->start[session]; i < c->start[session + 1]; i++) {
        sum += c->score[i];
    }
    return sum / (double)(c->start[session + 1] - c->start[session]);
}

void mewl__rates_own(mewl__rates *rates, const mewl_conformal *all)
{
    size_t last = all->sessions - 1;
    double n = (double)all->sessions;
    double score = mean_of_session(all, last);
    double above = 0;
    double same = 1; /* itself */
    for (size_t s = 0; s < last; s++) {
        double other = mean_of_session(all, s);
        above += other > score ? 1 : 0;
        same += other == score ? 1 : 0;
    }
    for (size_t k = 0; k < MEWL__ICLAS_LEVELS; k++) {
        rates->own[k] += share_below((above + same) / n, same / n, mewl__iclas_levels[k]);
    }
    rates->own_sessions += 1;
}

/* The three sorts of p-values. */
typedef enum sort { AS_IT_SHIPS, RANK_DRAWN, OWN_ALONE, SORTS } sort;

static const char *const sort_names[SORTS] = {"as it ships", "as it ships, rank drawn",
                                              "own sessions alone, rank drawn"};

/* Sessions at or below a level, of how many, by individual: top and bottom [count]. Returns how many individuals. */
static size_t take_sort(double *top, double *bottom, const mewl__rates *rates, size_t count, size_t level, sort which)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const mewl__rates *r = &rates[i];
        double sessions = which == OWN_ALONE ? r->own_sessions : r->sessions;
        if (sessions > 0) {
            top[used] = which == AS_IT_SHIPS ? r->given[level] : which == RANK_DRAWN ? r->drawn[level] : r->own[level];
            bottom[used++] = sessions;
        }
    }
    return used;
}

static mewl_status add_rate(json_t *sheet, const mewl__rates *rates, size_t count, size_t repeats, size_t level,
                            sort which, uint64_t seed, mewl_error *err)
{
    double *top = calloc(2 * count + 1, sizeof *top);
    if (top == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for rates");
    }
    double *bottom = top + count;
    size_t used = take_sort(top, bottom, rates, count, level, which);
    double alarms = 0;
    double sessions = 0;
    for (size_t i = 0; i < used; i++) {
        alarms += top[i] / (double)repeats;
        sessions += bottom[i] / (double)repeats;
    }
    mewl_interval rate = {.value = NAN, .low = NAN, .high = NAN};
    mewl_status status = used > 0 ? mewl_ratio_interval(&rate, top, bottom, used, seed, err) : MEWL_OK;
    free(top);
    MEWL_TRY(status);
    json_t *row = mewl_sheet_row();
    double low = 0;
    double high = 1;
    mewl_share_interval(&low, &high, (size_t)(alarms + 0.5), (size_t)(sessions + 0.5));
    mewl_sheet_real(row, mewl__iclas_levels[level]);
    mewl_sheet_text_cell(row, sort_names[which]);
    mewl_sheet_count(row, used);
    mewl_sheet_count(row, (size_t)(sessions + 0.5));
    mewl_sheet_interval(row, alarms / sessions, low, high);
    mewl_sheet_interval(row, rate.value, rate.low, rate.high);
    return mewl_sheet_add(sheet, row);
}

mewl_status mewl__rates_sheet(json_t **out, const char *name, const mewl__rates *rates, size_t count, size_t repeats,
                              uint64_t seed, mewl_error *err)
{
    static const char *const columns[] = {"nominal",  "p-value",        "infants",
                                          "sessions", "rate, binomial", "rate, bootstrap over infants"};
    char title[256];
    (void)snprintf(title, sizeof title, "%s: rates of normal sessions tested strictly later", name);
    json_t *sheet = mewl_sheet_new(
        title, columns, sizeof columns / sizeof *columns,
        "What was chosen. A session is judged by its mean score, as on the timeline of `mewl baby`. As it "
        "ships: other individuals' sessions are added while the own are few. Rank drawn: the mean over all draws of "
        "the rank among equals. Own sessions alone: every session up to the tested one is scored by a "
        "model of all the others, so that none has learned from more than another: uniform where "
        "sessions can be exchanged, which drift would show. Wilson's interval over sessions; a "
        "bootstrap over a handful of individuals is too narrow.");
    mewl_status status = sheet != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a table");
    for (size_t k = 0; k < MEWL__ICLAS_LEVELS * SORTS && status == MEWL_OK; k++) {
        status = add_rate(sheet, rates, count, repeats, k / SORTS, (sort)(k % SORTS), seed, err);
    }
    if (status != MEWL_OK) {
        json_decref(sheet);
        return status;
    }
    *out = sheet;
    return MEWL_OK;
}
