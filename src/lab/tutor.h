/* tutor.h - private to the lab room: what other embedders make of the recordings that an embedder is trained on
 * (recipe task embed, [distil]). They hear each recording of the training side once, whole, undisturbed and at their
 * own rate; the student is to say the same of any crop of it, in whatever noise. Not the teachers of classifiers, which
 * hear every batch: distil.h.
 */
#ifndef MEWL_LAB_TUTOR_H
#define MEWL_LAB_TUTOR_H

#include <stddef.h>

#include "base/progress.h"
#include "data/corpus.h"
#include "data/recipe.h"

/* Zero-initialised is empty: no teacher. */
typedef struct mewl__tutor {
    float
        *targets; /* (sounds of the corpus, size), rows of length one; zeros where nobody is named or all is held out */
    size_t sounds, size;
} mewl__tutor;

/* Asks the embedders that recipe->distil_teacher names (any file models/embedder.h takes, relative to the recipe; none
 * being fine). Their vectors, each of length one, are laid side by side, centred and turned to their `size` largest
 * principal components: a linear map, learned on the training side alone. Errors: MEWL_E_EMPTY with fewer than two
 * recordings, MEWL_E_ARG (more than MEWL_VECTORS_DIMS_MAX numbers side by side), MEWL_E_MEMORY, those of embedders and
 * of reading, which name the file. */
mewl_status mewl__tutor_open(mewl__tutor *t, const mewl_recipe *recipe, const mewl_corpus *corpus, size_t size,
                             const mewl_progress *progress, mewl_error *err);
void mewl__tutor_fini(mewl__tutor *t);

/* The targets of a batch's `count` crops, cut from sounds[count] of the corpus: out (count, size). */
void mewl__tutor_say(const mewl__tutor *t, float *out, const size_t *sounds, size_t count);

#endif
