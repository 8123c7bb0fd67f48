/* recipes.h - recipes that commands find by themselves, whatever folder they are called in: one that ships with Mewl,
 * and the one inside a model. Recipes named on the command line are read by data/recipe.h alone. */
#ifndef MEWL_CLI_RECIPES_H
#define MEWL_CLI_RECIPES_H

#include <stddef.h>

#include "base/status.h"
#include "data/recipe.h"
#include "models/model.h"

/* Path of recipes/NAME that ships, looked for where models are (find.h); `given`, when not NULL, is taken as it is.
 * MEWL_E_NOT_FOUND with a sentence that says where was looked. */
mewl_status mewl_cli_recipe_find(char *out, size_t size, const char *given, const char *name, mewl_error *err);

/* The recipe that the model was trained by, from its notes, so that its held-out side can be dealt again. `data`, when
 * neither NULL nor empty, replaces data.root. Lists of recordings are named in it as the training saw them: relative to
 * the folder where it ran, on a machine that may have been another. They are looked for there; then, under the same
 * name, and in recipes/ under their last name, among what ships. fini *recipe after MEWL_OK only. MEWL_E_NOT_FOUND when
 * the model holds no recipe, or a list is nowhere; MEWL_E_FORMAT for a damaged one. */
mewl_status mewl_cli_recipe_of_model(mewl_recipe *recipe, const mewl_model *model, const char *data, mewl_error *err);

#endif
