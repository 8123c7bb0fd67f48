/* cry.c - see cry.h. */
#include "models/cry.h"

#include <string.h>

/* Ours; our own in other spellings; AudioSet's class of infants; ESC-50's; AudioSet's class of anybody's crying. */
static const char *const labels[] = {"cry",         "infant_cry",     "Infantcry", "Baby cry, infant cry",
                                     "crying_baby", "Crying, sobbing"};

const char *mewl_cry_label(size_t index)
{
    return index < sizeof labels / sizeof labels[0] ? labels[index] : NULL;
}

bool mewl_cry_label_is(const char *label)
{
    for (size_t i = 0; label != NULL && i < sizeof labels / sizeof labels[0]; i++) {
        if (strcmp(label, labels[i]) == 0) {
            return true;
        }
    }
    return false;
}
