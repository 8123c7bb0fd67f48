/* events.c - matching of reference and estimated events. Spans are sorted by clip and label; each such cell is a small
 * bipartite graph whose largest matching is found by augmenting paths. */
#include "lab/events.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/spans.h"

#define CELL_EVENTS_MAX 65536

int mewl__span_compare(const void *a, const void *b)
{
    const mewl_span *x = a;
    const mewl_span *y = b;
    if (x->clip != y->clip) {
        return x->clip < y->clip ? -1 : 1;
    }
    if (x->label != y->label) {
        return x->label < y->label ? -1 : 1;
    }
    if (x->onset_s != y->onset_s) {
        return x->onset_s < y->onset_s ? -1 : 1;
    }
    return x->offset_s < y->offset_s ? -1 : x->offset_s > y->offset_s;
}

mewl_status mewl__spans_sorted(mewl_span **out, const mewl_span *spans, size_t count, size_t clips, size_t labels,
                               const char *what, mewl_error *err)
{
    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        const mewl_span *s = &spans[i];
        if (s->clip >= clips || s->label >= labels) {
            return mewl_error_set(err, MEWL_E_ARG, "%s event %zu names clip %u of %zu and class %u of %zu", what, i,
                                  s->clip, clips, s->label, labels);
        }
        if (!isfinite(s->onset_s) || !isfinite(s->offset_s) || s->offset_s <= s->onset_s) {
            return mewl_error_set(err, MEWL_E_ARG, "%s event %zu goes from %g s to %g s", what, i, s->onset_s,
                                  s->offset_s);
        }
    }
    if (count > SIZE_MAX / 2 / sizeof(mewl_span)) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%zu events are too many", count);
    }
    *out = malloc((count + 1) * sizeof **out);
    if (*out == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu events", count);
    }
    if (count > 0) {
        memcpy(*out, spans, count * sizeof **out);
        qsort(*out, count, sizeof **out, mewl__span_compare);
    }
    return MEWL_OK;
}

static bool within_collars(const mewl_span *reference, const mewl_span *estimate, const mewl_collar_opts *opts)
{
    if (fabs(reference->onset_s - estimate->onset_s) > opts->onset_s) {
        return false;
    }
    double collar = fmax(opts->offset_s, opts->offset_share * (reference->offset_s - reference->onset_s));
    return opts->ignore_offset || fabs(reference->offset_s - estimate->offset_s) <= collar;
}

/* One cell: the reference and estimated events of one clip and label, and the working arrays of the matching. */
typedef struct cell {
    const mewl_span *reference, *estimated;
    size_t references, estimates;
    const mewl_collar_opts *opts;
    size_t *partner; /* [references] estimate + 1, or 0 */
    size_t *queue;   /* [estimates] */
    size_t *came_by; /* [references] estimate that reached it + 1, or 0: breadth-first search for a free reference */
} cell;

/* Gives estimate `root` a reference by an augmenting path; false when there is none. Breadth first, so that the depth
 * of the call stack does not grow with the events. */
static bool augment(cell *c, size_t root)
{
    memset(c->came_by, 0, c->references * sizeof *c->came_by);
    size_t head = 0;
    size_t tail = 0;
    c->queue[tail++] = root;
    while (head < tail) {
        size_t estimate = c->queue[head++];
        for (size_t r = 0; r < c->references; r++) {
            if (c->came_by[r] != 0 || !within_collars(&c->reference[r], &c->estimated[estimate], c->opts)) {
                continue;
            }
            c->came_by[r] = estimate + 1;
            if (c->partner[r] != 0) {
                c->queue[tail++] = c->partner[r] - 1;
                continue;
            }
            /* Free: hand each reference on the way back to the estimate that reached it. */
            for (size_t at = r;;) {
                size_t by = c->came_by[at] - 1;
                size_t before = SIZE_MAX;
                for (size_t q = 0; by != root && q < c->references; q++) {
                    if (c->partner[q] == by + 1) {
                        before = q;
                        break;
                    }
                }
                c->partner[at] = by + 1;
                if (by == root) {
                    return true;
                }
                at = before;
            }
        }
    }
    return false;
}

static size_t match_cell(cell *c)
{
    memset(c->partner, 0, c->references * sizeof *c->partner);
    size_t matched = 0;
    for (size_t e = 0; e < c->estimates; e++) {
        matched += augment(c, e);
    }
    return matched;
}

static size_t cell_length(const mewl_span *spans, size_t count, size_t from, uint32_t clip, uint32_t label)
{
    size_t n = 0;
    while (from + n < count && spans[from + n].clip == clip && spans[from + n].label == label) {
        n++;
    }
    return n;
}

static mewl_status match_all(mewl_event_counts *counts, const mewl_span *ref, size_t refs, const mewl_span *est,
                             size_t ests, const mewl_collar_opts *opts, size_t *work, mewl_error *err)
{
    size_t r = 0;
    size_t e = 0;
    while (r < refs || e < ests) {
        bool from_reference =
            e >= ests ||
            (r < refs && (ref[r].clip < est[e].clip || (ref[r].clip == est[e].clip && ref[r].label <= est[e].label)));
        uint32_t clip = from_reference ? ref[r].clip : est[e].clip;
        uint32_t label = from_reference ? ref[r].label : est[e].label;
        cell c = {.reference = ref + r, .estimated = est + e, .opts = opts};
        c.references = cell_length(ref, refs, r, clip, label);
        c.estimates = cell_length(est, ests, e, clip, label);
        if (c.references > CELL_EVENTS_MAX || c.estimates > CELL_EVENTS_MAX) {
            return mewl_error_set(err, MEWL_E_MEMORY, "clip %u holds more than %d events", clip, CELL_EVENTS_MAX);
        }
        c.partner = work;
        c.came_by = work + c.references;
        c.queue = work + 2 * c.references;
        counts[clip].reference += c.references;
        counts[clip].estimated += c.estimates;
        counts[clip].matched += match_cell(&c);
        r += c.references;
        e += c.estimates;
    }
    return MEWL_OK;
}

mewl_status mewl_event_match(mewl_event_counts *counts, size_t clips, const mewl_span *reference, size_t references,
                             const mewl_span *estimated, size_t estimates, mewl_collar_opts opts, mewl_error *err)
{
    if (!(opts.onset_s >= 0) || !(opts.offset_s >= 0) || !(opts.offset_share >= 0)) {
        return mewl_error_set(err, MEWL_E_ARG, "collars must not be negative");
    }
    mewl_span *ref = NULL;
    mewl_span *est = NULL;
    size_t *work = NULL;
    mewl_status status = mewl__spans_sorted(&ref, reference, references, clips, UINT32_MAX, "reference", err);
    if (status == MEWL_OK) {
        status = mewl__spans_sorted(&est, estimated, estimates, clips, UINT32_MAX, "estimated", err);
    }
    if (status == MEWL_OK) {
        work = malloc((2 * references + estimates + 1) * sizeof *work);
        status =
            work != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory to match %zu events", references);
    }
    if (status == MEWL_OK) {
        memset(counts, 0, clips * sizeof *counts);
        status = match_all(counts, ref, references, est, estimates, &opts, work, err);
    }
    free(ref);
    free(est);
    free(work);
    return status;
}

mewl_event_score mewl_event_score_sum(const mewl_event_counts *counts, const double *weights, size_t clips)
{
    mewl_event_score s = {0};
    for (size_t i = 0; i < clips; i++) {
        double w = weights == NULL ? 1.0 : weights[i];
        s.reference += w * (double)counts[i].reference;
        s.estimated += w * (double)counts[i].estimated;
        s.matched += w * (double)counts[i].matched;
    }
    s.precision = s.estimated > 0 ? s.matched / s.estimated : NAN;
    s.recall = s.reference > 0 ? s.matched / s.reference : NAN;
    s.f1 = s.reference + s.estimated > 0 ? 2 * s.matched / (s.reference + s.estimated) : NAN;
    return s;
}
