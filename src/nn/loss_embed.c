/* loss_embed.c - NT-Xent, GE2E, AAM-softmax and the cosine to a teacher, with their gradients. */
#include "nn/loss_embed.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define LENGTH_MIN 1e-12
#define PI 3.14159265358979323846

static double dot(const double *a, const double *b, size_t size)
{
    double sum = 0.0;
    for (size_t i = 0; i < size; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* out = x / |x|, |x| at least LENGTH_MIN. */
static void unit_f(double *out, const float *x, size_t size)
{
    double squares = 0.0;
    for (size_t i = 0; i < size; i++) {
        squares += (double)x[i] * (double)x[i];
    }
    double length = fmax(sqrt(squares), LENGTH_MIN);
    for (size_t i = 0; i < size; i++) {
        out[i] = (double)x[i] / length;
    }
}

static double unit_d(double *out, const double *x, size_t size)
{
    double length = fmax(sqrt(dot(x, x, size)), LENGTH_MIN);
    for (size_t i = 0; i < size; i++) {
        out[i] = x[i] / length;
    }
    return length;
}

/* d loss / d x from d loss / d (x / |x|), in place: (g - (g . u) u) / |x|. */
static void unit_gradient(double *grad, const double *unit, double length, size_t size)
{
    double along = dot(grad, unit, size);
    for (size_t i = 0; i < size; i++) {
        grad[i] = (grad[i] - along * unit[i]) / length;
    }
}

/* Adds factor * from to to. */
static void add_scaled(double *to, const double *from, double factor, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        to[i] += factor * from[i];
    }
}

/* The float form: out = (or +=) the gradient of x, given `grad` of its unit vector (changed). */
static void put_gradient(float *out, double *grad, const double *unit, const float *x, size_t size, bool add)
{
    double squares = 0.0;
    for (size_t i = 0; i < size; i++) {
        squares += (double)x[i] * (double)x[i];
    }
    unit_gradient(grad, unit, fmax(sqrt(squares), LENGTH_MIN), size);
    for (size_t i = 0; i < size; i++) {
        out[i] = (float)grad[i] + (add ? out[i] : 0.0f);
    }
}

/* ---- NT-Xent ---- */

/* Row i: its loss; slope[k] = d loss / d (z_i . z_k / t), 0 at i. Returns false when it has no positive. */
static bool contrast_row(double *loss, double *slope, const double *z, const int32_t *label, size_t i, size_t n,
                         size_t size, double temperature)
{
    double top = -INFINITY, sum = 0.0, positives = 0.0;
    for (size_t k = 0; k < n; k++) {
        slope[k] = dot(z + i * size, z + k * size, size) / temperature;
        top = k != i ? fmax(top, slope[k]) : top;
        positives += k != i && label[k] == label[i] ? 1.0 : 0.0;
    }
    if (positives == 0.0) {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        sum += k != i ? exp(slope[k] - top) : 0.0;
    }
    double log_sum = top + log(sum);
    *loss = 0.0;
    for (size_t k = 0; k < n; k++) {
        bool positive = k != i && label[k] == label[i];
        *loss += positive ? (log_sum - slope[k]) / positives : 0.0;
        slope[k] = k == i ? 0.0 : exp(slope[k] - log_sum) - (positive ? 1.0 / positives : 0.0);
    }
    return true;
}

double mewl_loss_nt_xent(float *dx, const float *x, const int32_t *label, size_t n, size_t size, double temperature,
                         double *scratch)
{
    double *slope = scratch, *z = scratch + n * n, loss = 0.0, rows = 0.0;
    for (size_t i = 0; i < n; i++) {
        unit_f(z + i * size, x + i * size, size);
    }
    for (size_t i = 0; i < n; i++) {
        double one = 0.0;
        if (contrast_row(&one, slope + i * n, z, label, i, n, size, temperature)) {
            loss += one;
            rows += 1.0;
        } else {
            memset(slope + i * n, 0, n * sizeof *slope);
        }
    }
    double share = rows > 0.0 ? 1.0 / (rows * temperature) : 0.0, *grad = z + n * size;
    for (size_t i = 0; i < n && dx != NULL; i++) {
        memset(grad, 0, size * sizeof *grad);
        for (size_t k = 0; k < n; k++) {
            add_scaled(grad, z + k * size, share * (slope[i * n + k] + slope[k * n + i]), size);
        }
        put_gradient(dx + i * size, grad, z + i * size, x + i * size, size, false);
    }
    return rows > 0.0 ? loss / rows : 0.0;
}

/* ---- GE2E ---- */

/* Arrays in `scratch`. S speakers, E rows each, D numbers. */
typedef struct ge2e {
    size_t speakers, each, size;
    double w;
    double *slope;   /* (S E, S): d loss / d similarity */
    double *z;       /* (S E, D): rows, not of length one */
    double *unit;    /* (S E, D) */
    double *grad;    /* (S E, D) */
    double *sum;     /* (S, D) of rows */
    double *centre;  /* (S, D): unit centroids */
    double *dcentre; /* (S, D): gradients of unit centroids */
} ge2e;

static ge2e ge2e_init(const float *x, size_t speakers, size_t each, size_t size, double w, double *scratch)
{
    size_t rows = speakers * each;
    ge2e g = {.speakers = speakers, .each = each, .size = size, .w = w, .slope = scratch};
    g.z = g.slope + rows * speakers;
    g.unit = g.z + rows * size;
    g.grad = g.unit + rows * size;
    g.sum = g.grad + rows * size;
    g.centre = g.sum + speakers * size;
    g.dcentre = g.centre + speakers * size;
    memset(g.grad, 0, (rows + 3 * speakers) * size * sizeof *g.grad);
    for (size_t i = 0; i < rows; i++) {
        for (size_t d = 0; d < size; d++) {
            g.z[i * size + d] = (double)x[i * size + d];
        }
        (void)unit_d(g.unit + i * size, g.z + i * size, size);
        add_scaled(g.sum + i / each * size, g.z + i * size, 1.0, size);
    }
    for (size_t k = 0; k < speakers; k++) { /* the mean's direction is the sum's */
        (void)unit_d(g.centre + k * size, g.sum + k * size, size);
    }
    return g;
}

/* Row i's own centroid without it, not of length one (its direction is all that matters). */
static void own_centre(const ge2e *g, double *out, size_t i)
{
    const double *sum = g->sum + i / g->each * g->size, *z = g->z + i * g->size;
    for (size_t d = 0; d < g->size; d++) {
        out[d] = sum[d] - z[d];
    }
}

/* Cosines of row i into cosine[S]. */
static void ge2e_cosines(const ge2e *g, double *cosine, size_t i, const double *own)
{
    const double *unit = g->unit + i * g->size;
    for (size_t k = 0; k < g->speakers; k++) {
        cosine[k] = k == i / g->each ? dot(unit, own, g->size) / fmax(sqrt(dot(own, own, g->size)), LENGTH_MIN)
                                     : dot(unit, g->centre + k * g->size, g->size);
    }
}

/* Cosines in slope become d loss / d similarity; returns the row's loss, adds to dw and db. */
static double ge2e_softmax(const ge2e *g, double *slope, size_t own, double b, double *dw, double *db)
{
    double top = -INFINITY, sum = 0.0, share = 1.0 / (double)(g->speakers * g->each);
    for (size_t k = 0; k < g->speakers; k++) {
        top = fmax(top, g->w * slope[k] + b);
    }
    for (size_t k = 0; k < g->speakers; k++) {
        sum += exp(g->w * slope[k] + b - top);
    }
    double log_sum = top + log(sum), loss = log_sum - (g->w * slope[own] + b);
    for (size_t k = 0; k < g->speakers; k++) {
        double grad = share * (exp(g->w * slope[k] + b - log_sum) - (k == own ? 1.0 : 0.0));
        *dw += grad * slope[k];
        *db += grad;
        slope[k] = grad;
    }
    return share * loss;
}

/* Spreads row i's gradient to itself, its speaker's other rows and the other centroids. own: scratch of D. */
static void ge2e_backward(ge2e *g, size_t i, double *own)
{
    size_t size = g->size, speaker = i / g->each;
    const double *slope = g->slope + i * g->speakers, *unit = g->unit + i * size;
    double *grad = g->grad + i * size, length = sqrt(dot(g->z + i * size, g->z + i * size, size));
    double along = 0.0; /* of the row's unit vector along itself */
    own_centre(g, own, i);
    double own_length = unit_d(own, own, size);
    for (size_t k = 0; k < g->speakers; k++) {
        const double *centre = k == speaker ? own : g->centre + k * size;
        double factor = g->w * slope[k], cosine = dot(unit, centre, size);
        along += factor * cosine;
        add_scaled(grad, centre, factor / fmax(length, LENGTH_MIN), size);
        if (k != speaker) {
            add_scaled(g->dcentre + k * size, unit, factor, size);
            continue;
        }
        for (size_t j = speaker * g->each; j < (speaker + 1) * g->each; j++) { /* through the centroid without i */
            if (j != i) {
                add_scaled(g->grad + j * size, unit, factor / own_length, size);
                add_scaled(g->grad + j * size, own, -factor * cosine / own_length, size);
            }
        }
    }
    add_scaled(grad, unit, -along / fmax(length, LENGTH_MIN), size);
}

double mewl_loss_ge2e(float *dx, double *dw, double *db, const float *x, size_t speakers, size_t each, size_t size,
                      double w, double b, double *scratch)
{
    ge2e g = ge2e_init(x, speakers, each, size, w, scratch);
    double loss = 0.0, slope_w = 0.0, slope_b = 0.0;
    double *own = g.dcentre + speakers * size;
    for (size_t i = 0; i < speakers * each; i++) {
        own_centre(&g, own, i);
        ge2e_cosines(&g, g.slope + i * speakers, i, own);
        loss += ge2e_softmax(&g, g.slope + i * speakers, i / each, b, &slope_w, &slope_b);
    }
    if (dw != NULL) {
        *dw = slope_w;
    }
    if (db != NULL) {
        *db = slope_b;
    }
    if (dx == NULL) {
        return loss;
    }
    for (size_t i = 0; i < speakers * each; i++) {
        ge2e_backward(&g, i, own);
    }
    for (size_t k = 0; k < speakers; k++) {
        double length = fmax(sqrt(dot(g.sum + k * size, g.sum + k * size, size)), LENGTH_MIN);
        unit_gradient(g.dcentre + k * size, g.centre + k * size, length, size);
    }
    for (size_t i = 0; i < speakers * each; i++) {
        for (size_t d = 0; d < size; d++) {
            dx[i * size + d] = (float)(g.grad[i * size + d] + g.dcentre[i / each * size + d]);
        }
    }
    return loss;
}

/* ---- AAM-softmax ---- */

/* The own class's cosine with the margin, and its derivative. */
static double with_margin(double *slope, double cosine, double margin)
{
    double c = cosine > 1.0 ? 1.0 : cosine < -1.0 ? -1.0 : cosine;
    if (c <= cos(PI - margin)) {
        *slope = 1.0;
        return cosine - margin * sin(margin);
    }
    double sine = sqrt(fmax(1.0 - c * c, 1e-12)); /* d cos(a + m) / d cos a = sin(a + m) / sin a */
    *slope = cos(margin) + c / sine * sin(margin);
    return c * cos(margin) - sine * sin(margin);
}

/* The nearest sub-centre of a class: its row. */
static size_t nearest(const double *cosine, size_t class_index, size_t centres)
{
    size_t best = class_index * centres;
    for (size_t r = best + 1; r < (class_index + 1) * centres; r++) {
        best = cosine[r] > cosine[best] ? r : best;
    }
    return best;
}

/* Cosines of one row to every centre become d loss / d cosine; returns the row's loss. */
static double aam_row(double *cosine, size_t own, const mewl_aam_opts *o, double share)
{
    double top = -INFINITY, sum = 0.0, slope = 1.0, target = 0.0;
    size_t winner = nearest(cosine, own, o->centres);
    target = o->scale * with_margin(&slope, cosine[winner], o->margin);
    for (size_t k = 0; k < o->classes; k++) {
        top = fmax(top, k == own ? target : o->scale * cosine[nearest(cosine, k, o->centres)]);
    }
    for (size_t k = 0; k < o->classes; k++) {
        sum += exp((k == own ? target : o->scale * cosine[nearest(cosine, k, o->centres)]) - top);
    }
    double log_sum = top + log(sum);
    for (size_t k = 0; k < o->classes; k++) {
        size_t best = nearest(cosine, k, o->centres);
        double logit = k == own ? target : o->scale * cosine[best];
        double grad = share * o->scale * (exp(logit - log_sum) - (k == own ? 1.0 : 0.0)) * (k == own ? slope : 1.0);
        for (size_t r = k * o->centres; r < (k + 1) * o->centres; r++) {
            cosine[r] = r == best ? grad : 0.0;
        }
    }
    return share * (log_sum - target);
}

double mewl_loss_aam(float *dx, float *dweight, const float *x, const float *weight, const int32_t *label, size_t n,
                     size_t size, mewl_aam_opts opts, double *scratch)
{
    opts.centres = opts.centres == 0 ? 1 : opts.centres;
    size_t rows = opts.classes * opts.centres;
    double *slope = scratch, *z = slope + n * rows, *centre = z + n * size, loss = 0.0;
    for (size_t r = 0; r < rows; r++) {
        unit_f(centre + r * size, weight + r * size, size);
    }
    for (size_t i = 0; i < n; i++) {
        unit_f(z + i * size, x + i * size, size);
        for (size_t r = 0; r < rows; r++) {
            slope[i * rows + r] = dot(z + i * size, centre + r * size, size);
        }
        loss += aam_row(slope + i * rows, (size_t)label[i], &opts, 1.0 / (double)n);
    }
    double *grad = centre + rows * size;
    for (size_t i = 0; i < n && dx != NULL; i++) {
        memset(grad, 0, size * sizeof *grad);
        for (size_t r = 0; r < rows; r++) {
            add_scaled(grad, centre + r * size, slope[i * rows + r], size);
        }
        put_gradient(dx + i * size, grad, z + i * size, x + i * size, size, false);
    }
    for (size_t r = 0; r < rows && dweight != NULL; r++) {
        memset(grad, 0, size * sizeof *grad);
        for (size_t i = 0; i < n; i++) {
            add_scaled(grad, z + i * size, slope[i * rows + r], size);
        }
        put_gradient(dweight + r * size, grad, centre + r * size, weight + r * size, size, true);
    }
    return loss;
}

/* ---- A teacher ---- */

double mewl_loss_cosine(float *dx, const float *x, const float *target, size_t n, size_t size, double weight,
                        double *scratch)
{
    double *z = scratch, *t = z + size, *grad = t + size, loss = 0.0, rows = 0.0;
    for (size_t i = 0; i < n; i++) {
        unit_f(t, target + i * size, size);
        rows += dot(t, t, size) > 0.5 ? 1.0 : 0.0;
    }
    for (size_t i = 0; i < n && rows > 0.0; i++) {
        unit_f(t, target + i * size, size);
        if (dot(t, t, size) <= 0.5) {
            continue;
        }
        unit_f(z, x + i * size, size);
        loss += weight / rows * (1.0 - dot(z, t, size));
        if (dx != NULL) {
            memset(grad, 0, size * sizeof *grad);
            add_scaled(grad, t, -weight / rows, size);
            put_gradient(dx + i * size, grad, z, x + i * size, size, true);
        }
    }
    return loss;
}
