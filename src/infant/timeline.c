#include "infant/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *mewl_entry_name(mewl_entry_kind kind)
{
    static const char *const names[] = {
#define X(id, name, text) name,
        MEWL_ENTRY_ROWS(X)
#undef X
    };
    return (size_t)kind < MEWL_ENTRY_KINDS ? names[kind] : NULL;
}

const char *mewl_entry_text(mewl_entry_kind kind)
{
    static const char *const texts[] = {
#define X(id, name, text) text,
        MEWL_ENTRY_ROWS(X)
#undef X
    };
    return (size_t)kind < MEWL_ENTRY_KINDS ? texts[kind] : NULL;
}

bool mewl_coverage_add(mewl_coverage *coverage, double from_s, double to_s)
{
    if (!(from_s < to_s) || !isfinite(from_s) || !isfinite(to_s)) {
        return true;
    }
    if (coverage->span == NULL) {
        coverage->span = malloc((MEWL_COVERAGE_SPANS_MAX + 1) * sizeof *coverage->span);
        if (coverage->span == NULL) {
            return false;
        }
    }
    /* Spans first..last - 1 touch the new one and melt into it. */
    size_t first = coverage->count;
    while (first > 0 && coverage->span[first - 1][1] >= from_s) {
        first--;
    }
    size_t last = first;
    while (last < coverage->count && coverage->span[last][0] <= to_s) {
        from_s = fmin(from_s, coverage->span[last][0]);
        to_s = fmax(to_s, coverage->span[last][1]);
        last++;
    }
    memmove(coverage->span + first + 1, coverage->span + last, (coverage->count - last) * sizeof *coverage->span);
    coverage->span[first][0] = from_s;
    coverage->span[first][1] = to_s;
    coverage->count += 1 - (last - first);
    if (coverage->count > MEWL_COVERAGE_SPANS_MAX) {
        coverage->count--;
        memmove(coverage->span, coverage->span + 1, coverage->count * sizeof *coverage->span);
    }
    return true;
}

double mewl_coverage_share(const mewl_coverage *coverage, double from_s, double to_s)
{
    if (coverage->count == 0 || !(from_s < to_s)) {
        return NAN;
    }
    double heard = 0;
    for (size_t i = 0; i < coverage->count; i++) {
        heard += fmax(0, fmin(to_s, coverage->span[i][1]) - fmax(from_s, coverage->span[i][0]));
    }
    return heard / (to_s - from_s);
}

void mewl_coverage_fini(mewl_coverage *coverage)
{
    if (coverage == NULL) {
        return;
    }
    free(coverage->span);
    memset(coverage, 0, sizeof *coverage);
}
