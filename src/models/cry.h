/* cry.h - which labels of a class mean an infant's cry: one list for all that read models. Not a list of sounds like
 * cries (models/audioset.h has those). */
#ifndef MEWL_MODELS_CRY_H
#define MEWL_MODELS_CRY_H

#include <stdbool.h>
#include <stddef.h>

/* The labels, the most particular first: where one class alone is wanted, it is the first of these that a model has.
 * NULL past the last. */
const char *mewl_cry_label(size_t index);

/* Whether `label` is one of them, letter for letter. NULL is not. */
bool mewl_cry_label_is(const char *label);

#endif
