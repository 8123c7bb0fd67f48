/* word.h - how far two words lie apart, for "did you mean ...". */
#ifndef MEWL_BASE_WORD_H
#define MEWL_BASE_WORD_H

#include <stddef.h>

/* Bytes of a word that are compared; the rest is passed over. */
#define MEWL_WORD_MAX 63

/* Optimal string alignment distance: how many letters must be inserted, dropped, changed or swapped with a neighbour to
 * make `b` of `a` (Damerau 1964; no letter is touched twice). */
size_t mewl_word_distance(const char *a, const char *b);

#endif
