/* columns.h - a stream of rows of numbers kept as a bounded number of columns: whenever the store is full, neighbours
 * are merged and every column stands for twice as many rows. Private to the room.
 */
#ifndef MEWL_DRAW_COLUMNS_H
#define MEWL_DRAW_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Even. A full store has just this many columns, one just merged half of it. */
#define MEWL__COLUMNS_MAX 4096u

typedef enum mewl__columns_rule { MEWL__COLUMNS_SUM, MEWL__COLUMNS_HIGHEST } mewl__columns_rule;

typedef struct mewl__columns {
    mewl__columns_rule rule;
    size_t width;        /* numbers in a column */
    size_t count;        /* columns begun */
    uint64_t per_column; /* rows that a full column stands for */
    uint64_t in_last;    /* rows in the last column so far */
    float *data;         /* (MEWL__COLUMNS_MAX, width) */
} mewl__columns;

/* width >= 1. MEWL_E_MEMORY. */
mewl_status mewl__columns_init(mewl__columns *c, mewl__columns_rule rule, size_t width, mewl_error *err);
void mewl__columns_fini(mewl__columns *c);

/* The column that the next rows belong to and how many of them (>= 1); the caller folds up to that many into it and
 * reports their number by _advance. A fresh column holds zeros (sum) or -FLT_MAX (highest). */
float *mewl__columns_current(mewl__columns *c, uint64_t *room);
void mewl__columns_advance(mewl__columns *c, uint64_t rows);

/* All rows so far. */
uint64_t mewl__columns_rows(const mewl__columns *c);

/* Folds the columns that touch rows [from, to) into out[width]: the mean of a sum rule's rows, the highest else. Where
 * the range is narrower than a column, sums are interpolated between column centres. Returns 0 (out untouched) when
 * there is no column in the range. */
int mewl__columns_view(const mewl__columns *c, float *out, double from, double to);

#endif
