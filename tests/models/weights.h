/* weights.h - for the tests of the models: where the published weights and the recordings lie. */
#ifndef MEWL_TESTS_MODELS_WEIGHTS_H
#define MEWL_TESTS_MODELS_WEIGHTS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Root of the data sets: MEWL_DATA, else ../shared/data beside the repository. */
static inline const char *data_root(void)
{
    const char *root = getenv("MEWL_DATA");
    return root != NULL && root[0] != '\0' ? root : SOURCE_ROOT "/../shared/data";
}

/* "<data>/weights/<name>" into `path`; false, and a word about it, when it is not there. */
static inline bool weights_path(char *path, size_t size, const char *name)
{
    (void)snprintf(path, size, "%s/weights/%s", data_root(), name);
    if (access(path, R_OK) != 0) {
        (void)fprintf(stderr, "skipped: %s is not there (MEWL_DATA)\n", path);
        return false;
    }
    return true;
}

#endif
