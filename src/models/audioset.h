/* audioset.h - names of the classes of AudioSet (Gemmeke et al. 2017), which both teachers and PANNs were trained on.
 * Names and their order are those of AudioSet's class_labels_indices.csv (Google, CC BY 4.0). */
#ifndef MEWL_MODELS_AUDIOSET_H
#define MEWL_MODELS_AUDIOSET_H

#include <stddef.h>

#define MEWL_AUDIOSET_CLASSES 527u
#define MEWL_AUDIOSET_YAMNET_CLASSES 521u

/* Where "Crying, sobbing" and "Baby cry, infant cry" stand among the 527, and among YAMNet's 521. */
#define MEWL_AUDIOSET_CRYING 22u
#define MEWL_AUDIOSET_BABY_CRY 23u
#define MEWL_AUDIOSET_YAMNET_CRYING 19u
#define MEWL_AUDIOSET_YAMNET_BABY_CRY 20u

/* English name of class `index` of the 527; of YAMNet's 521, which leave out six. NULL out of range. Static storage. */
const char *mewl_audioset_label(size_t index);
const char *mewl_audioset_yamnet_label(size_t index);

#endif
