/* recipes.c - see recipes.h. */
#include "cli/recipes.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/find.h"

mewl_status mewl_cli_recipe_find(char *out, size_t size, const char *given, const char *name, mewl_error *err)
{
    char shipped[NAME_MAX + 16];
    if (given != NULL) {
        return (size_t)snprintf(out, size, "%s", given) < size
                   ? MEWL_OK
                   : mewl_error_set(err, MEWL_E_ARG, "the path of the recipe is too long");
    }
    (void)snprintf(shipped, sizeof shipped, "recipes/%s", name);
    return mewl_cli_find_shipped(out, size, shipped)
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_NOT_FOUND,
                                "%s was found neither beside the program nor where its data is installed", shipped);
}

/* Puts one list's path right, as recipes.h says. */
static mewl_status find_list(mewl_recipe *recipe, const char *key, const char *path, mewl_error *err)
{
    char found[PATH_MAX], named[NAME_MAX + 16];
    if (path[0] == '\0' || access(path, R_OK) == 0) {
        return MEWL_OK;
    }
    const char *slash = strrchr(path, '/');
    (void)snprintf(named, sizeof named, "recipes/%s", slash != NULL ? slash + 1 : path);
    if ((path[0] != '/' && mewl_cli_find_shipped(found, sizeof found, path)) ||
        mewl_cli_find_shipped(found, sizeof found, named)) {
        return mewl_recipe_set(recipe, key, found, err);
    }
    return mewl_error_set(err, MEWL_E_NOT_FOUND,
                          "the model's recipe has %s = %s, which is neither there nor, as %s, among what ships", key,
                          path, named);
}

mewl_status mewl_cli_recipe_of_model(mewl_recipe *recipe, const mewl_model *model, const char *data, mewl_error *err)
{
    const char *text = mewl_model_note(model, "recipe");
    if (text == NULL) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "the model holds no recipe that would say what it has learned");
    }
    MEWL_TRY(mewl_recipe_parse(recipe, "recipe in the model", text, strlen(text), err));
    mewl_status status = data != NULL && data[0] != '\0' ? mewl_recipe_set(recipe, "data.root", data, err) : MEWL_OK;
    status = status == MEWL_OK ? find_list(recipe, "data.cry_list", recipe->data_cry_list, err) : status;
    status = status == MEWL_OK ? find_list(recipe, "data.doubt_list", recipe->data_doubt_list, err) : status;
    status = status == MEWL_OK ? find_list(recipe, "data.household_list", recipe->data_household_list, err) : status;
    if (status != MEWL_OK) {
        mewl_recipe_fini(recipe);
    }
    return status;
}
