/* recipe_value.h - texts of a recipe into values of the types that recipe_keys.h names. Private to recipe.c. */
#ifndef MEWL_DATA_RECIPE_VALUE_H
#define MEWL_DATA_RECIPE_VALUE_H

#include "base/arena.h"
#include "data/recipe.h"

#include <stdbool.h>

/* Copies [from, to) without blanks at its ends. NULL when out of memory. */
char *mewl__value_trimmed(mewl_arena *arena, const char *from, const char *to);

/* yes, true, on, 1; no, false, off, 0. */
bool mewl__value_bool(bool *out, const char *text);

/* One of the words of `choices` ("sgd|adam"). */
bool mewl__value_choice(const char **out, const char *text, const char *choices, mewl_arena *arena);

/* "low .. high", or one number for both, within [low, high]. Changes `text`; NULL gives false. */
bool mewl__value_range(mewl_recipe_range *out, char *text, double low, double high);

/* Items between commas or line ends; false when there are too many or one is empty, or out of memory. */
bool mewl__value_list(mewl_recipe_list *out, const char *text, mewl_arena *arena);

#endif
