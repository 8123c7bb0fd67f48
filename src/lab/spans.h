/* spans.h - private to the lab room: checking and sorting lists of events. */
#ifndef MEWL_LAB_SPANS_H
#define MEWL_LAB_SPANS_H

#include "lab/events.h"

/* qsort order: clip, label, onset, offset. */
int mewl__span_compare(const void *a, const void *b);

/* A sorted copy (malloc'd, *out) of events after checking that clips, labels and times are in range; `what` names the
 * list in errors. */
mewl_status mewl__spans_sorted(mewl_span **out, const mewl_span *spans, size_t count, size_t clips, size_t labels,
                               const char *what, mewl_error *err);

#endif
