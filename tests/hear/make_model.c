/* make_model.c - writes the little random detector that tests work with: make_model OUT.safetensors */
#include <stdio.h>

#include "little_model.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fputs("usage: make_model OUT.safetensors\n", stderr);
        return 2;
    }
    mewl_error err = {0};
    mewl_model *model = little_model(3);
    if (model == NULL || mewl_model_set_label(model, 0, "cry", &err) != MEWL_OK ||
        mewl_model_save(model, argv[1], false, &err) != MEWL_OK) {
        (void)fprintf(stderr, "%s: %s\n", argv[1], err.text);
        mewl_model_free(model);
        return 1;
    }
    mewl_model_free(model);
    return 0;
}
