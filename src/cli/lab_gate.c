/* lab_gate.c - `mewl lab gate`: recordings nobody learned from, their figures, then lab/gating.h. */
#include "cli/lab_sheets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/find.h"
#include "cli/recipes.h"
#include "data/corpus.h"
#include "detect/episode.h"
#include "hear/session.h"
#include "lab/gating.h"

enum { OPT_DETECTOR = LAB_OPTION_COUNT, OPT_SEED, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_LAB_OPTIONS,
    [OPT_DETECTOR] = {"detector", 0, "FILE", "detector that is asked (default: the one shipped)", false},
    [OPT_SEED] = {"seed", 0, "N", "of the intervals (default 1)", false},
};

static const mewl_cli_usage usage = {
    "lab gate", "",
    "Is it a usable cry? How well the gate before every personal model (detector, noise, clipping, length) tells\n"
    "an infant's cry from all else, on recordings of the test side of the detector's own recipe, which it has\n"
    "not learned from: uploads in which no cry is heard, other sounds, cats, words, and infants' laughter.",
    options,
    "  mewl lab gate\n"
    "  mewl lab gate --json\n"};

#define CLEANED "donateacry_corpus_cleaned"
#define USABLE "cries, as labelled by people"
#define DOUBTED "labelled as cries, doubted by YAMNet and mn04"

/* What a row of the test side is; NULL: nothing that can be judged. Uploads on the cry list are left out: networks
 * chose them, so that they would say more of these than of the gate. */
static const char *sort_of(const mewl_row *row)
{
    bool cleaned = strstr(row->path, CLEANED) != NULL;
    if (strcmp(row->label, MEWL_LABEL_CRY) == 0) {
        return cleaned || strcmp(row->set, "donateacry") != 0 ? USABLE : NULL;
    }
    if (strcmp(row->label, MEWL_LABEL_UNCHECKED) == 0) {
        return cleaned ? DOUBTED : NULL;
    }
    if (strcmp(row->label, MEWL_LABEL_ROOM) == 0 || row->label[0] == '\0') {
        return NULL;
    }
    if (strcmp(row->label, MEWL_LABEL_HOUSEHOLD) == 0) {
        return "uploads without a cry";
    }
    return strcmp(row->set, "esc10") == 0             ? "ESC-10's other sounds"
           : strcmp(row->set, "catmeows") == 0        ? "meows"
           : strcmp(row->set, "librispeech") == 0     ? "adult speech"
           : strcmp(row->set, "speech-commands") == 0 ? "adult words and household noises"
                                                      : "other sounds";
}

typedef struct work {
    mewl_model *model;
    mewl_system *system;
    double threshold;
    mewl_manifest manifest;
    bool has_manifest;
    const char *names[MEWL_GATING_SORTS_MAX];
    size_t sorts;
    mewl_gating_clip *clips;
    const char **path;
    size_t count;
} work;

static void work_fini(work *w)
{
    if (w->has_manifest) {
        mewl_manifest_fini(&w->manifest);
    }
    mewl_system_close(w->system);
    mewl_model_free(w->model);
    free(w->clips);
    free(w->path);
}

static mewl_status open_detector(work *w, mewl_lab *lab, mewl_error *err)
{
    char path[4096];
    mewl_episode_opts episodes;
    MEWL_TRY(mewl_cli_find_model(lab->cli, path, sizeof path, lab->value[OPT_DETECTOR], err));
    MEWL_TRY(mewl_model_load(&w->model, path, err));
    MEWL_TRY(mewl_session_episode_opts(&episodes, w->model, err));
    w->threshold = (double)episodes.threshold;
    return mewl_system_open_model(&w->system, w->model, NULL, err);
}

/* All rows that the detector's recipe names, with their sides; and infants' laughter, which is on no side. */
static mewl_status list_recordings(work *w, mewl_lab *lab, mewl_error *err)
{
    mewl_recipe recipe;
    mewl_manifest laughs;
    MEWL_TRY(mewl_cli_recipe_of_model(&recipe, w->model, lab->data, err));
    mewl_status status = mewl_corpus_gather(&w->manifest, &recipe, err);
    mewl_recipe_fini(&recipe);
    MEWL_TRY(status);
    w->has_manifest = true;
    if (mewl_lab_scan(lab, &laughs, "baby-laugh", NULL) != MEWL_OK) {
        mewl_cli_note(lab->cli, "no infants' laughter here: left out");
        return MEWL_OK;
    }
    for (size_t i = 0; i < laughs.count; i++) {
        laughs.rows[i].split = "test";
        laughs.rows[i].label = "laughter";
        laughs.rows[i].set = "laughter";
    }
    status = mewl_manifest_append(&w->manifest, &laughs, err);
    mewl_manifest_fini(&laughs);
    return status;
}

static size_t number_of(const char **names, size_t *count, size_t room, const char *name)
{
    for (size_t k = 0; k < *count; k++) {
        if (strcmp(names[k], name) == 0) {
            return k;
        }
    }
    if (*count < room) {
        names[(*count)++] = name;
    }
    return *count - 1;
}

static mewl_status sort_recordings(work *w, mewl_error *err)
{
    size_t n = w->manifest.count;
    size_t groups = 0;
    const char **group = malloc(n * sizeof *group + 1);
    w->clips = calloc(n + 1, sizeof *w->clips);
    w->path = calloc(n + 1, sizeof *w->path);
    if (w->clips == NULL || w->path == NULL || group == NULL) {
        free(group);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu recordings", n);
    }
    w->names[w->sorts++] = USABLE;
    for (size_t i = 0; i < n; i++) {
        const mewl_row *row = &w->manifest.rows[i];
        const char *sort = strcmp(row->split, "test") == 0 ? sort_of(row) : NULL;
        sort = strcmp(row->set, "laughter") == 0 ? "infants' laughter (one recording, cut)" : sort;
        if (sort != NULL) {
            const char *key = row->group[0] != '\0' ? row->group : row->path;
            w->clips[w->count].sort = number_of(w->names, &w->sorts, MEWL_GATING_SORTS_MAX, sort);
            w->clips[w->count].group = number_of(group, &groups, n, key);
            w->path[w->count++] = row->path;
        }
    }
    free(group);
    return MEWL_OK;
}

static mewl_status measure_all(work *w, mewl_lab *lab, mewl_error *err)
{
    for (size_t i = 0; i < w->count; i++) {
        MEWL_TRY(mewl_gating_measure(&w->clips[i].figures, w->system, w->threshold, w->path[i], err));
        mewl_progress_report(&lab->progress, (double)(i + 1), (double)w->count, "is there a cry?");
        if (*lab->stop) {
            return mewl_error_set(err, MEWL_E_CANCELLED, "stopped");
        }
    }
    return MEWL_OK;
}

int mewl_lab_gate(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    mewl_lab lab;
    const unsigned unused =
        LAB_UNUSED(PROFILE) | LAB_UNUSED(MANIFEST) | LAB_UNUSED(COLUMN) | LAB_UNUSED(SEEDS) | LAB_UNUSED(HTML);
    int code = mewl_lab_parse(cli, &usage, unused, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO || (code = mewl_lab_open(&lab, cli, value, "gate")) != MEWL_CLI_GO) {
        return code;
    }
    double seed = 1;
    if (argc > 0) {
        return mewl_cli_usage_error(cli, "`%s` is one word too many", argv[0]);
    }
    if (!mewl_cli_number(cli, "seed", value[OPT_SEED], 0, 1e9, &seed)) {
        return MEWL_EXIT_USAGE;
    }
    work w = {0};
    mewl_error err = {0};
    json_t *document = NULL;
    mewl_status status = open_detector(&w, &lab, &err);
    status = status == MEWL_OK ? list_recordings(&w, &lab, &err) : status;
    status = status == MEWL_OK ? sort_recordings(&w, &err) : status;
    status = status == MEWL_OK ? measure_all(&w, &lab, &err) : status;
    status = status == MEWL_OK
                 ? mewl_gating_document(&document, w.clips, w.count, w.names, w.sorts, (uint64_t)seed, &err)
                 : status;
    work_fini(&w);
    return mewl_lab_close_sheets(&lab, "gate", status, document, &err);
}
