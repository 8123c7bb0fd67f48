/* columns.c - a stream as a bounded number of columns; see columns.h. */
#include "draw/columns.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

mewl_status mewl__columns_init(mewl__columns *c, mewl__columns_rule rule, size_t width, mewl_error *err)
{
    *c = (mewl__columns){.rule = rule, .width = width, .per_column = 1};
    c->data = calloc(MEWL__COLUMNS_MAX * width, sizeof *c->data);
    if (c->data == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a picture's columns of %zu", width);
    }
    return MEWL_OK;
}

void mewl__columns_fini(mewl__columns *c)
{
    free(c->data);
    c->data = NULL;
}

static void merge(mewl__columns *c)
{
    for (size_t i = 0; i < c->count / 2; i++) {
        float *to = c->data + i * c->width;
        const float *a = c->data + 2 * i * c->width;
        const float *b = a + c->width;
        for (size_t k = 0; k < c->width; k++) {
            to[k] = c->rule == MEWL__COLUMNS_SUM ? a[k] + b[k] : (a[k] > b[k] ? a[k] : b[k]);
        }
    }
    c->count /= 2;
    c->per_column *= 2;
    c->in_last = c->per_column;
}

float *mewl__columns_current(mewl__columns *c, uint64_t *room)
{
    if (c->count == 0 || c->in_last == c->per_column) {
        if (c->count == MEWL__COLUMNS_MAX) {
            merge(c);
        }
        float *fresh = c->data + c->count * c->width;
        for (size_t k = 0; k < c->width; k++) {
            fresh[k] = c->rule == MEWL__COLUMNS_SUM ? 0.0f : -FLT_MAX;
        }
        c->count++;
        c->in_last = 0;
    }
    *room = c->per_column - c->in_last;
    return c->data + (c->count - 1) * c->width;
}

void mewl__columns_advance(mewl__columns *c, uint64_t rows)
{
    c->in_last += rows;
}

uint64_t mewl__columns_rows(const mewl__columns *c)
{
    return c->count == 0 ? 0 : (uint64_t)(c->count - 1) * c->per_column + c->in_last;
}

static double rows_in(const mewl__columns *c, size_t column)
{
    return (double)(column + 1 == c->count ? c->in_last : c->per_column);
}

/* Mean rows of a column at a fractional place: linear between the centres of its neighbours. */
static void interpolate(const mewl__columns *c, float *out, double at)
{
    double place = at - 0.5;
    double most = (double)(c->count - 1);
    place = place < 0.0 ? 0.0 : place > most ? most : place;
    size_t low = (size_t)place;
    size_t high = low + 1 < c->count ? low + 1 : low;
    double share = place - (double)low;
    for (size_t k = 0; k < c->width; k++) {
        double a = (double)c->data[low * c->width + k] / rows_in(c, low);
        double b = (double)c->data[high * c->width + k] / rows_in(c, high);
        out[k] = (float)(a + share * (b - a));
    }
}

int mewl__columns_view(const mewl__columns *c, float *out, double from, double to)
{
    double rows = (double)mewl__columns_rows(c);
    if (!(to > 0.0) || !(from < rows) || c->in_last == 0) {
        return 0;
    }
    double first = from > 0.0 ? from / (double)c->per_column : 0.0;
    double last = (to < rows ? to : rows) / (double)c->per_column;
    if (c->rule == MEWL__COLUMNS_SUM && last - first < 1.5) {
        interpolate(c, out, 0.5 * (first + last));
        return 1;
    }
    size_t begin = (size_t)first;
    size_t end = (size_t)ceil(last);
    begin = begin >= c->count ? c->count - 1 : begin;
    end = end > c->count ? c->count : end;
    end = end <= begin ? begin + 1 : end;
    double weight = 0.0;
    for (size_t k = 0; k < c->width; k++) {
        out[k] = c->rule == MEWL__COLUMNS_SUM ? 0.0f : -FLT_MAX;
    }
    for (size_t i = begin; i < end; i++) {
        const float *column = c->data + i * c->width;
        weight += rows_in(c, i);
        for (size_t k = 0; k < c->width; k++) {
            if (c->rule == MEWL__COLUMNS_SUM) {
                out[k] += column[k];
            } else if (column[k] > out[k]) {
                out[k] = column[k];
            }
        }
    }
    if (c->rule == MEWL__COLUMNS_SUM) {
        for (size_t k = 0; k < c->width; k++) {
            out[k] = (float)((double)out[k] / weight);
        }
    }
    return 1;
}
