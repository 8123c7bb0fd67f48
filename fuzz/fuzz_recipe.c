/* fuzz_recipe.c - any bytes as a recipe: a sentence with the place, or a recipe that is written and read unchanged. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mewl_recipe recipe, again;
    mewl_error err = {0};
    if (mewl_recipe_parse(&recipe, "input", (const char *)data, size, &err) != MEWL_OK) {
        if (strncmp(err.text, "input", 5) != 0) {
            abort();
        }
        return 0;
    }
    char *text = mewl_recipe_write(&recipe);
    if (text == NULL || mewl_recipe_parse(&again, "input", text, strlen(text), &err) != MEWL_OK) {
        abort();
    }
    char *second = mewl_recipe_write(&again);
    if (second == NULL || strcmp(text, second) != 0) {
        abort();
    }
    free(second);
    free(text);
    mewl_recipe_fini(&again);
    mewl_recipe_fini(&recipe);
    return 0;
}
