/* lab_population.c - `mewl lab population`: recordings of many infants, heard as `mewl baby enrol` hears them, and what
 * they teach about a new one (infant/population.h), written to a file without the recordings. */
#include "cli/lab_sheets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/baby_sound.h"
#include "cli/population.h"
#include "cli/recipes.h"
#include "data/corpus.h"

#define SESSION_GAP_S 3600.0
#define ROWS_MAX ((size_t)100000)

enum { OPT_MANIFEST, OPT_DATA, OPT_SIDE, OPT_SET, OPT_MODEL, OPT_EMBEDDER, OPT_OUT, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_MANIFEST] = {"manifest", 0, "CSV", "recordings with speaker and time, all of them (default: Donate-a-Cry)",
                      false},
    [OPT_DATA] = {"data", 0, "FOLDER", "folder of the data sets (default: MEWL_DATA)", false},
    [OPT_SIDE] = {"side", 0, "NAME", "side of the detector's own recipe: train, valid or test (train)", false},
    [OPT_SET] = {"set", 0, "NAME", "and of these, one data set (donateacry)", false},
    [OPT_MODEL] = {"model", 'm', "FILE", "detector to use instead of the one that ships", true},
    [OPT_EMBEDDER] = {"embedder", 0, "FILE", "network that tells voices apart, instead of the one that ships", true},
    [OPT_OUT] = {"output", 'o', "FILE", "where to write it", false},
};

static const mewl_cli_usage usage = {
    "lab population", "",
    "What other infants teach about a new one: how the recordings of one infant vary from session to session, and how\n"
    "far out sessions lie that were as usual. `mewl baby` takes it where it makes a model anew (--population; or\n"
    "models/population.mewl beside the embedder it was made with). The file holds means, covariances and scores; no\n"
    "recording, and no embedding of one.",
    options,
    "  mewl lab population -o population.mewl\n"
    "  mewl lab population --manifest mine.csv -o population.mewl\n"};

typedef struct heard {
    const char *speaker;
    double time_s;
    size_t infant, session;
    float *embedding;
} heard;

typedef struct work {
    mewl_cli *cli;
    mewl_baby_ear ear;
    size_t dims;
    mewl_manifest manifest;
    bool has_manifest;
    heard *list;
    size_t count, room, files, unreadable;
    bool full;           /* there were more cries than ROWS_MAX */
    const mewl_row *row; /* being heard */
} work;

static void work_fini(work *w)
{
    for (size_t i = 0; i < w->count; i++) {
        free(w->list[i].embedding);
    }
    free(w->list);
    if (w->has_manifest) {
        mewl_manifest_fini(&w->manifest);
    }
    mewl_baby_ear_close(&w->ear);
}

/* The rows of the detector's recipe: the same sides for whatever is made here. */
static mewl_status gather(work *w, const char *data, mewl_error *err)
{
    mewl_recipe recipe;
    if (mewl_model_note(w->ear.detector, "recipe") == NULL) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND,
                              "the detector holds no recipe that would say which recordings are "
                              "whose; name some with --manifest");
    }
    MEWL_TRY(mewl_cli_recipe_of_model(&recipe, w->ear.detector, data, err));
    const mewl_status status = mewl_corpus_gather(&w->manifest, &recipe, err);
    mewl_recipe_fini(&recipe);
    return status;
}

static mewl_status keep(void *user, const mewl_baby_take *take, mewl_error *err)
{
    work *w = user;
    if (take->gate != 0 || take->embedding == NULL) {
        return MEWL_OK;
    }
    if (w->count == ROWS_MAX) {
        w->full = true;
        return MEWL_OK;
    }
    if (w->count == w->room) {
        const size_t wanted = w->room > 0 ? 2 * w->room : 256;
        heard *grown = realloc(w->list, wanted * sizeof *grown);
        if (grown == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu cries", wanted);
        }
        w->list = grown;
        w->room = wanted;
    }
    float *copy = malloc(take->dimensions * sizeof *copy);
    if (copy == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for an embedding");
    }
    memcpy(copy, take->embedding, take->dimensions * sizeof *copy);
    w->dims = take->dimensions;
    w->list[w->count++] =
        (heard){.speaker = w->row->speaker, .time_s = w->row->time_s + take->onset_s, .embedding = copy};
    return MEWL_OK;
}

static bool wanted(const mewl_row *row, const char *const *value)
{
    if (row->speaker[0] == '\0' || !isfinite(row->time_s)) {
        return false;
    }
    return value[OPT_MANIFEST] != NULL ||
           (strcmp(row->label, MEWL_LABEL_CRY) == 0 &&
            strcmp(row->split, value[OPT_SIDE] != NULL ? value[OPT_SIDE] : "train") == 0 &&
            strcmp(row->set, value[OPT_SET] != NULL ? value[OPT_SET] : "donateacry") == 0);
}

static mewl_status hear_all(work *w, const char *const *value, mewl_error *err)
{
    for (size_t i = 0; i < w->manifest.count && !w->full; i++) {
        mewl_baby_heard sum;
        mewl_error bad = {0};
        w->row = &w->manifest.rows[i];
        if (!wanted(w->row, value)) {
            continue;
        }
        mewl_cli_report(w->cli, (double)i, (double)w->manifest.count, "listening");
        w->files++;
        const mewl_status status = mewl_baby_listen(&w->ear, &sum, w->row->path, keep, w, &bad);
        if (status == MEWL_E_MEMORY) {
            *err = bad;
            return status;
        }
        if (status != MEWL_OK) {
            w->unreadable++;
            mewl_cli_report_clear(w->cli);
            mewl_cli_note(w->cli, "left out: %s", bad.text);
        }
    }
    mewl_cli_report_clear(w->cli);
    if (w->full) {
        mewl_cli_note(w->cli, "%zu cries are the most that are learned from: the rest, from %s on, is left out",
                      ROWS_MAX, w->row->path);
    }
    return MEWL_OK;
}

static int by_infant_and_time(const void *a, const void *b)
{
    const heard *x = a, *y = b;
    const int order = strcmp(x->speaker, y->speaker);
    return order != 0 ? order : (x->time_s > y->time_s) - (x->time_s < y->time_s);
}

/* Numbers infants and sessions: a pause of an hour ends one. */
static void number(work *w, size_t *infants, size_t *sessions)
{
    *infants = *sessions = 0;
    qsort(w->list, w->count, sizeof *w->list, by_infant_and_time);
    for (size_t i = 0; i < w->count; i++) {
        const bool same = i > 0 && strcmp(w->list[i].speaker, w->list[i - 1].speaker) == 0;
        *infants += !same;
        *sessions += !same || w->list[i].time_s - w->list[i - 1].time_s >= SESSION_GAP_S;
        w->list[i].infant = *infants - 1;
        w->list[i].session = *sessions - 1;
    }
}

static mewl_status fit(const work *w, mewl_population *out, mewl_error *err)
{
    float *x = malloc((w->count * w->dims + 1) * sizeof *x);
    size_t *infant = malloc((2 * w->count + 1) * sizeof *infant), *session = infant + w->count;
    mewl_status status = x != NULL && infant != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu cries", w->count);
    for (size_t i = 0; i < w->count && status == MEWL_OK; i++) {
        memcpy(x + i * w->dims, w->list[i].embedding, w->dims * sizeof *x);
        infant[i] = w->list[i].infant;
        session[i] = w->list[i].session;
    }
    if (status == MEWL_OK) {
        mewl_cli_note(w->cli, "%zu cries: learning from them", w->count);
        status = mewl_population_fit(out, x, infant, session, w->count, w->dims,
                                     (mewl_population_opts){.kinds = (1u << MEWL_PERSONAL_KINDS) - 1}, err);
    }
    free(x);
    free(infant);
    return status;
}

static void tell(const work *w, const mewl_population *p, size_t infants, size_t sessions)
{
    json_t *out = json_object(), *scores = json_object();
    const mewl_embedder_info *info = mewl_embedder_describe(w->ear.embedder);
    (void)mewl_json_set_string(out, "embedder", info->id);
    (void)mewl_json_set_int(out, "recordings", (int64_t)w->files);
    (void)mewl_json_set_int(out, "unreadable", (int64_t)w->unreadable);
    (void)mewl_json_set_int(out, "usable_cries", (int64_t)w->count);
    (void)mewl_json_set_int(out, "infants", (int64_t)infants);
    (void)mewl_json_set_int(out, "sessions", (int64_t)sessions);
    (void)mewl_json_set_int(out, "dimensions", (int64_t)p->reduced);
    for (size_t k = 0; k < MEWL_PERSONAL_KINDS; k++) {
        (void)mewl_json_set_int(scores, mewl_personal_name((mewl_personal_kind)k), (int64_t)p->scores[k].sessions);
    }
    (void)mewl_json_set(out, "calibration_sessions", scores);
    (void)mewl_document_stamp(out, NULL);
    (void)mewl_json_print(out, stdout, !w->cli->ndjson, NULL);
    json_decref(out);
}

static mewl_status make(work *w, const char *const *value, mewl_error *err)
{
    mewl_population population = {0};
    size_t infants, sessions;
    MEWL_TRY(mewl_baby_ear_open(&w->ear, w->cli, value[OPT_MODEL], value[OPT_EMBEDDER], err));
    MEWL_TRY(value[OPT_MANIFEST] != NULL ? mewl_manifest_read(&w->manifest, value[OPT_MANIFEST], err)
                                         : gather(w, value[OPT_DATA], err));
    w->has_manifest = true;
    MEWL_TRY(hear_all(w, value, err));
    if (w->count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY,
                              "no usable cry of an infant that is named, with its time, in %zu recordings", w->files);
    }
    number(w, &infants, &sessions);
    MEWL_TRY(fit(w, &population, err));
    const mewl_status status =
        mewl_cli_population_write(value[OPT_OUT], &population, mewl_embedder_describe(w->ear.embedder)->id, err);
    if (status == MEWL_OK) {
        tell(w, &population, infants, sessions);
    }
    mewl_population_fini(&population);
    return status;
}

int mewl_lab_population(mewl_cli *cli, int argc, char **argv)
{
    static const char *const sides[] = {"train", "valid", "test"};
    const char *value[OPT_COUNT];
    mewl_error err = {0};
    work w = {.cli = cli};
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc > 0) {
        return mewl_cli_usage_error(cli, "lab population takes no operands, only options");
    }
    if (value[OPT_OUT] == NULL) {
        return mewl_cli_usage_error(cli, "say with -o FILE where to write it");
    }
    if (value[OPT_MANIFEST] != NULL && (value[OPT_SIDE] != NULL || value[OPT_SET] != NULL)) {
        return mewl_cli_usage_error(cli,
                                    "--side and --set choose among the detector's own recordings; of --manifest, all "
                                    "are taken");
    }
    if (!mewl_cli_one_of(cli, "side", value[OPT_SIDE], sides, 3)) {
        return MEWL_EXIT_USAGE;
    }
    const mewl_status status = make(&w, value, &err);
    code = status != MEWL_OK ? mewl_cli_fail(cli, &err) : w.unreadable > 0 ? MEWL_EXIT_PARTLY : MEWL_EXIT_DONE;
    mewl_cli_report_clear(cli);
    work_fini(&w);
    return code;
}
