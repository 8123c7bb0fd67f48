/* model_private.h - private to models/: the inside of a model, shared by model.c and model_file.c. */
#ifndef MEWL_MODELS_MODEL_PRIVATE_H
#define MEWL_MODELS_MODEL_PRIVATE_H

#include "models/arch.h"

#define MEWL__MODEL_PREFIX "mewl."

struct mewl_model {
    mewl_model_config config;
    const mewl__arch *arch;
    mewl_net *net;
    char **labels;          /* NULL: not set */
    mewl_checkpoint *notes; /* texts alone */
    mewl_model_mode mode;
    int64_t frames_min;
    int64_t n, frames; /* of the last forward: clips, output frames */
};

/* classifier.c: the model in a safetensors file, or NULL when the file is no such file or a teacher's: anything unclear
 * is left to the teachers, who say what is wrong with a file. Errors as mewl_model_load. */
mewl_status mewl__model_read(mewl_model **model, const char *path, mewl_error *err);

#endif
