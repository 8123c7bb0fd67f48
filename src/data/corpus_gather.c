/* corpus_gather.c - which recordings a recipe means: sets and manifests, licences, uploads, sides. No audio is read. */
#include "data/corpus.h"
#include "data/readers.h"
#include "data/split.h"
#include "data/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mewl_role mewl_corpus_role(const mewl_row *row)
{
    static const char *const backgrounds[] = {"rain",
                                              "sea-waves",
                                              "crackling-fire",
                                              "helicopter",
                                              "chainsaw",
                                              "clock-tick",
                                              "wind",
                                              "crickets",
                                              "thunderstorm",
                                              "pouring-water",
                                              "washing-machine",
                                              "vacuum-cleaner",
                                              "engine",
                                              "train",
                                              "airplane",
                                              "doing-the-dishes",
                                              "exercise-bike",
                                              "pink-noise",
                                              "white-noise",
                                              "running-tap",
                                              "air-conditioner",
                                              "drilling",
                                              "jackhammer",
                                              "street-music",
                                              "children-playing",
                                              "background",
                                              "noise",
                                              "silence"};
    const char *label = row->label;
    if (label[0] == '\0' || strcmp(label, MEWL_LABEL_UNCHECKED) == 0) {
        return MEWL_ROLE_COUNT;
    }
    if (strcmp(label, MEWL_LABEL_CRY) == 0) {
        return MEWL_ROLE_CRY;
    }
    if (strcmp(label, MEWL_LABEL_ROOM) == 0) {
        return MEWL_ROLE_ROOM;
    }
    if (strcmp(label, "speech") == 0) {
        return MEWL_ROLE_SPEECH;
    }
    for (size_t i = 0; i < sizeof backgrounds / sizeof backgrounds[0]; i++) {
        if (strcmp(label, backgrounds[i]) == 0) {
            return MEWL_ROLE_BACKGROUND;
        }
    }
    return MEWL_ROLE_NEGATIVE;
}

static mewl_status check_licence(const mewl_reader *reader, const mewl_recipe *recipe, mewl_error *err)
{
    bool generic = reader->licence[0] == '\0';
    if (reader->trains_shipped || generic || recipe->data_research) {
        return MEWL_OK;
    }
    return mewl_error_set(err, MEWL_E_ARG, "%s is not for shipped weights (licence: %s); data.research = yes allows it",
                          reader->title, reader->licence);
}

static mewl_status append_listed(mewl_manifest *all, const mewl_recipe *recipe, mewl_error *err)
{
    const char *root = recipe->data_root[0] != '\0' ? recipe->data_root : getenv("MEWL_DATA");
    if (recipe->data_sets.count > 0 && (root == NULL || root[0] == '\0')) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "where are the data sets? Set data.root or MEWL_DATA");
    }
    for (size_t i = 0; i < recipe->data_sets.count; i++) {
        char path[MEWL__PATH_MAX];
        mewl_manifest set;
        mewl_scan_report report;
        if (snprintf(path, sizeof path, "%s/%s", root, recipe->data_sets.items[i]) >= (int)sizeof path) {
            return mewl_error_set(err, MEWL_E_ARG, "path of set %.60s too long", recipe->data_sets.items[i]);
        }
        MEWL_TRY(mewl_scan(&set, &report, path, NULL, err));
        mewl_status status = check_licence(report.reader, recipe, err);
        if (status == MEWL_OK) {
            status = mewl_manifest_append(all, &set, err);
        }
        mewl_manifest_fini(&set);
        MEWL_TRY(status);
    }
    for (size_t i = 0; i < recipe->data_manifests.count; i++) {
        char path[MEWL__PATH_MAX], folder[MEWL__PATH_MAX] = "";
        const char *item = recipe->data_manifests.items[i];
        if (item[0] != '/' && recipe->path != NULL) {
            (void)mewl__folder_of(folder, sizeof folder, recipe->path);
        }
        if (snprintf(path, sizeof path, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", item) >= (int)sizeof path) {
            return mewl_error_set(err, MEWL_E_ARG, "path of manifest %.60s too long", item);
        }
        mewl_manifest part;
        MEWL_TRY(mewl_manifest_read(&part, path, err));
        mewl_status status = MEWL_OK;
        for (size_t k = 0; status == MEWL_OK && k < part.count; k++) {
            const mewl_reader *reader = mewl_reader_find(part.rows[k].set);
            status = reader != NULL ? check_licence(reader, recipe, err) : MEWL_OK;
        }
        if (status == MEWL_OK) {
            status = mewl_manifest_append(all, &part, err);
        }
        mewl_manifest_fini(&part);
        MEWL_TRY(status);
    }
    return MEWL_OK;
}

/* File name without folder and extensions, for matching a raw upload with its cleaned copy. */
static void stem_of(char *out, size_t size, const char *path)
{
    snprintf(out, size, "%s", mewl__base_name(path));
    char *dash = strrchr(out, '-');
    char *dot = strchr(dash != NULL ? dash : out, '.');
    if (dot != NULL) {
        *dot = '\0';
    }
}

typedef struct stem {
    char text[160];
} stem;

static int compare_stems(const void *a, const void *b)
{
    return strcmp(((const stem *)a)->text, ((const stem *)b)->text);
}

/* Sorted stems of the rows labelled `label` (NULL: of all rows). NULL when out of memory. */
static stem *stems_of(const mewl_manifest *m, const char *label, size_t *count)
{
    stem *stems = calloc(m->count + 1, sizeof *stems);
    *count = 0;
    for (size_t i = 0; stems != NULL && i < m->count; i++) {
        if (label == NULL || m->rows[i].label[0] == '\0' || strcmp(m->rows[i].label, label) == 0) {
            stem_of(stems[*count].text, sizeof stems[0].text, m->rows[i].path);
            (*count)++;
        }
    }
    if (stems != NULL) {
        qsort(stems, *count, sizeof *stems, compare_stems);
    }
    return stems;
}

static bool has_stem(const stem *stems, size_t count, const char *path)
{
    stem wanted;
    stem_of(wanted.text, sizeof wanted.text, path);
    return bsearch(&wanted, stems, count, sizeof wanted, compare_stems) != NULL;
}

/* Sorted stems of a manifest file's rows labelled `label`; none when the recipe names no file. */
static mewl_status listed_stems(stem **stems, size_t *count, const char *path, const char *label, mewl_error *err)
{
    *stems = NULL;
    *count = 0;
    if (path[0] == '\0') {
        return MEWL_OK;
    }
    mewl_manifest list;
    MEWL_TRY(mewl_manifest_read(&list, path, err));
    *stems = stems_of(&list, label, count);
    mewl_manifest_fini(&list);
    return *stems != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for names");
}

/* Cries in doubt: left out like uploads that nobody checked. */
static mewl_status drop_doubted(mewl_manifest *all, const mewl_recipe *recipe, mewl_error *err)
{
    size_t count = 0;
    stem *doubted = NULL;
    MEWL_TRY(listed_stems(&doubted, &count, recipe->data_doubt_list, MEWL_LABEL_CRY, err));
    for (size_t i = 0; doubted != NULL && i < all->count; i++) {
        if (strcmp(all->rows[i].label, MEWL_LABEL_CRY) == 0 && has_stem(doubted, count, all->rows[i].path)) {
            all->rows[i].label = MEWL_LABEL_UNCHECKED;
        }
    }
    free(doubted);
    return MEWL_OK;
}

/* Unchecked uploads: those on the cry list become cries, unless a cleaned clip repeats them; those on the household
 * list become negatives. The rest stay unused. */
static mewl_status sort_uploads(mewl_manifest *all, const mewl_recipe *recipe, mewl_error *err)
{
    size_t cleaned_count, cry_count = 0, household_count = 0;
    stem *cleaned = stems_of(all, MEWL_LABEL_CRY, &cleaned_count), *cries = NULL, *household = NULL;
    mewl_status status = cleaned != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for names");
    if (status == MEWL_OK) {
        status = listed_stems(&cries, &cry_count, recipe->data_cry_list, MEWL_LABEL_CRY, err);
    }
    if (status == MEWL_OK) {
        status = listed_stems(&household, &household_count, recipe->data_household_list, MEWL_LABEL_HOUSEHOLD, err);
    }
    for (size_t i = 0; status == MEWL_OK && i < all->count; i++) {
        mewl_row *row = &all->rows[i];
        if (strcmp(row->label, MEWL_LABEL_UNCHECKED) != 0 || has_stem(cleaned, cleaned_count, row->path)) {
            continue;
        }
        if (cries != NULL && has_stem(cries, cry_count, row->path)) {
            row->label = MEWL_LABEL_CRY;
        } else if (household != NULL && has_stem(household, household_count, row->path)) {
            row->label = MEWL_LABEL_HOUSEHOLD;
        }
    }
    free(cleaned);
    free(cries);
    free(household);
    return status;
}

static void deal_sides(mewl_manifest *all, const mewl_recipe *recipe)
{
    for (size_t i = 0; i < all->count; i++) {
        mewl_row *row = &all->rows[i];
        char buffer[MEWL__PATH_MAX];
        if (row->split[0] != '\0') {
            continue;
        }
        const char *side =
            mewl_split_side(mewl_split_group(row, buffer, sizeof buffer), (uint64_t)recipe->data_split_seed,
                            recipe->data_valid_share, recipe->data_test_share, recipe->data_more_valid_share);
        bool esc = strcmp(row->set, "esc10") == 0 || strcmp(row->set, "esc50") == 0;
        if (esc && recipe->data_esc_test_fold > 0) {
            side = row->fold == recipe->data_esc_test_fold ? "test" : strcmp(side, "test") == 0 ? "train" : side;
        }
        /* Rooms are few and carry no label: the test side has its own all the same, validation shares with training. */
        row->split = strcmp(row->label, MEWL_LABEL_ROOM) == 0 && strcmp(side, "valid") == 0 ? "train" : side;
    }
}

mewl_status mewl_corpus_list(mewl_manifest *out, const mewl_recipe *recipe, mewl_error *err)
{
    MEWL_TRY(mewl_manifest_init(out, err));
    mewl_status status = append_listed(out, recipe, err);
    if (status != MEWL_OK) {
        mewl_manifest_fini(out);
    }
    return status;
}

mewl_status mewl_corpus_gather(mewl_manifest *out, const mewl_recipe *recipe, mewl_error *err)
{
    MEWL_TRY(mewl_corpus_list(out, recipe, err));
    mewl_status status = sort_uploads(out, recipe, err);
    if (status == MEWL_OK) {
        status = drop_doubted(out, recipe, err);
    }
    if (status == MEWL_OK) {
        deal_sides(out, recipe);
        mewl_manifest_sort(out);
        status = mewl_split_require(out, "split", err);
    }
    if (status != MEWL_OK) {
        mewl_manifest_fini(out);
    }
    return status;
}
