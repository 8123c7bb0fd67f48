/* recipe.h - what to train, on what and how: an INI file whose keys, types, ranges and defaults are all declared in one
 * table (recipe_keys.h). The whole file is checked before anything starts; every message has file and line. Values
 * only: the meaning of a key is with the module that uses it. */
#ifndef MEWL_DATA_RECIPE_H
#define MEWL_DATA_RECIPE_H

#include "base/arena.h"
#include "base/status.h"
#include "data/recipe_keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEWL_RECIPE_BYTES_MAX 262144
#define MEWL_RECIPE_LIST_MAX 64 /* items in one list */

typedef struct mewl_recipe_range {
    double low, high; /* low <= high; written "-5 .. 20", or one number for both */
} mewl_recipe_range;

typedef struct mewl_recipe_list {
    size_t count;
    const char *items[MEWL_RECIPE_LIST_MAX]; /* owned by the recipe */
} mewl_recipe_list;

typedef struct mewl_recipe_numbers {
    size_t count;
    double items[MEWL_RECIPE_LIST_MAX];
} mewl_recipe_numbers;

/* One field a row of MEWL_RECIPE_KEYS, named section_key: recipe.train_epochs, recipe.mixture_snr_db.low. */
typedef struct mewl_recipe {
#define MEWL__INT(section, key, def, low, high, help) int64_t section##_##key;
#define MEWL__REAL(section, key, def, low, high, help) double section##_##key;
#define MEWL__BOOL(section, key, def, help) bool section##_##key;
#define MEWL__TEXT(section, key, def, help) const char *section##_##key;
#define MEWL__PATH(section, key, def, help) const char *section##_##key; /* relative ones are relative to the recipe   \
                                                                          */
#define MEWL__CHOICE(section, key, def, choices, help) const char *section##_##key; /* one of choices */
#define MEWL__RANGE(section, key, def, low, high, help) mewl_recipe_range section##_##key;
#define MEWL__NUMBERS(section, key, def, low, high, help) mewl_recipe_numbers section##_##key;
#define MEWL__LIST(section, key, def, help) mewl_recipe_list section##_##key;
    MEWL_RECIPE_KEYS(MEWL__INT, MEWL__REAL, MEWL__BOOL, MEWL__TEXT, MEWL__PATH, MEWL__CHOICE, MEWL__RANGE,
                     MEWL__NUMBERS, MEWL__LIST)
#undef MEWL__INT
#undef MEWL__REAL
#undef MEWL__BOOL
#undef MEWL__TEXT
#undef MEWL__PATH
#undef MEWL__CHOICE
#undef MEWL__RANGE
#undef MEWL__NUMBERS
#undef MEWL__LIST
    char *text;       /* the file as read (owned): goes into checkpoints' metadata */
    char *path;       /* where it came from (owned) */
    mewl_arena arena; /* private: owns the texts */
} mewl_recipe;

/* One declared key, for `mewl train --keys`, documentation and tests. */
typedef struct mewl_recipe_key {
    const char *section, *key, *type, *default_text, *choices, *help;
    double low, high; /* NaN when the type has none */
} mewl_recipe_key;

/* All *count keys, in the order of their sections. Static storage. */
const mewl_recipe_key *mewl_recipe_keys(size_t *count);

/* Fills *recipe with defaults; fini releases it. */
mewl_status mewl_recipe_init(mewl_recipe *recipe, mewl_error *err);
void mewl_recipe_fini(mewl_recipe *recipe);

/* Reads and checks a whole recipe file. On success *recipe holds every key (defaults where the file is silent); fini
 * it. On failure nothing is left to release, and *err names the first problem "file:line: reason" (and how many more
 * there are): unknown section or key (with the nearest known one), a value of the wrong type or out of its range (with
 * the range), a key given twice, a key outside a section, a line that is none. Fields that contradict one another are
 * refused as well. Errors: MEWL_E_FORMAT, and I/O. */
mewl_status mewl_recipe_read(mewl_recipe *recipe, const char *path, mewl_error *err);

/* The same over bytes in memory; `name` serves in messages and as base of relative paths. */
mewl_status mewl_recipe_parse(mewl_recipe *recipe, const char *name, const char *text, size_t size, mewl_error *err);

/* Sets one key from text, as `--set section.key=value` on the command line. Call mewl_recipe_check after the last. */
mewl_status mewl_recipe_set(mewl_recipe *recipe, const char *section_dot_key, const char *value, mewl_error *err);

/* Refuses values that contradict one another. */
mewl_status mewl_recipe_check(const mewl_recipe *recipe, mewl_error *err);

/* The whole recipe as INI text, every key written out (owned by the caller, free()): what was in force, for logs and
 * checkpoints. Parsing it gives the same recipe. NULL when out of memory. */
char *mewl_recipe_write(const mewl_recipe *recipe);

#endif
