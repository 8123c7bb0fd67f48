/* lab_verify.c - `mewl lab verify`: can recordings be told apart by who is heard in them? */
#include "cli/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/find.h"
#include "cli/recipes.h"
#include "data/corpus.h"
#include "data/recipe.h"
#include "lab/vectors.h"
#include "lab/verify.h"
#include "models/mn04.h"

#define PATH_BYTES 4096
#define RECIPE "embed.ini"
#define EMBEDDER "embedder"
#define TWO_BRANCHES "mn04 and mfcc + head"
#define STATISTICS "statistics.safetensors"

enum { OPT_TRIALS = LAB_OPTION_COUNT, OPT_EMBEDDER, OPT_ALSO, OPT_RECIPE, OPT_FOLDS, OPT_MAKE, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_LAB_OPTIONS,
    [OPT_TRIALS] = {"trials", 0, "CSV", "pairs to judge: left,right,label; or CryCeleb's dev_pairs.csv", false},
    [OPT_EMBEDDER] = {"embedder", 0, "FILE", "an embedder to judge on the test side (default: the one that ships)",
                      false},
    [OPT_ALSO] = {"also", 0, "FILE", "another embedder to judge beside it on the test side", false},
    [OPT_RECIPE] = {"recipe", 0, "INI",
                    "says which recordings there are and who is held out (default: recipes/embed.ini that ships)",
                    false},
    [OPT_FOLDS] = {"folds", 0, "N", "folds in which heads are learned (default 5)", false},
    [OPT_MAKE] = {"make", 0, "FILE", "write the embedder: mn04 beside MFCC, heads learned from the training side",
                  false},
};

static const mewl_cli_usage usage = {
    "lab verify", "",
    "Is it the same infant, cat or reader? Every pair of recordings of different sessions is a trial. Equal error\n"
    "rate and minDCF of the embedder, of YAMNet's and mn04's own embeddings, and of averages of MFCC, with\n"
    "intervals over individuals. Heads learned from individuals are judged only on those they have not heard.",
    options,
    "  mewl lab verify\n"
    "  mewl lab verify --manifest cryceleb.csv --trials dev_pairs.csv\n"
    "  mewl lab verify --embedder mine.safetensors\n"};

#define VECTORS_MAX 6

typedef struct gathered {
    mewl_vectors vectors[VECTORS_MAX];
    size_t used;
    mewl_verify_system systems[MEWL_VERIFY_SYSTEMS_MAX];
    size_t count;
} gathered;

static void fini(gathered *g)
{
    for (size_t i = 0; i < g->used; i++) {
        mewl_vectors_fini(&g->vectors[i]);
    }
}

/* ---- Recordings ---- */

static int by_speaker(const void *a, const void *b)
{
    const mewl_row *x = a, *y = b;
    int order = strcmp(x->set, y->set);
    order = order != 0 ? order : strcmp(x->speaker, y->speaker);
    return order != 0 ? order : strcmp(x->path, y->path);
}

/* Drops sets in which nobody is heard twice: they hold no trial. Sorts the rows. */
static void drop_sets(mewl_manifest *manifest)
{
    size_t kept = 0;
    qsort(manifest->rows, manifest->count, sizeof *manifest->rows, by_speaker);
    for (size_t from = 0, to; from < manifest->count; from = to) {
        bool repeats = false;
        for (to = from + 1; to < manifest->count && strcmp(manifest->rows[from].set, manifest->rows[to].set) == 0;
             to++) {
            repeats = repeats || strcmp(manifest->rows[to - 1].speaker, manifest->rows[to].speaker) == 0;
        }
        for (size_t i = from; i < to && repeats; i++) {
            manifest->rows[kept++] = manifest->rows[i];
        }
    }
    manifest->count = kept;
}

/* Drops rows in which nobody is named, whose label says that no voice is heard, or that are not of `split`. */
static void narrow(mewl_manifest *manifest, const char *split)
{
    size_t kept = 0;
    for (size_t i = 0; i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        bool voice = row->label[0] == '\0' || mewl_corpus_role(row) == MEWL_ROLE_CRY ||
                     mewl_corpus_role(row) == MEWL_ROLE_NEGATIVE || mewl_corpus_role(row) == MEWL_ROLE_SPEECH;
        voice = voice && strcmp(row->label, MEWL_LABEL_HOUSEHOLD) != 0; /* a phone's name, nobody's voice */
        if (row->speaker[0] != '\0' && voice && (split == NULL || strcmp(row->split, split) == 0)) {
            manifest->rows[kept++] = *row;
        }
    }
    manifest->count = kept;
    drop_sets(manifest);
}

/* --manifest, else what the recipe gathers, sides dealt. */
static mewl_status read_recordings(mewl_manifest *out, const mewl_lab *lab, const char *split, mewl_error *err)
{
    if (lab->value[LAB_OPTION_MANIFEST] != NULL) {
        MEWL_TRY(mewl_manifest_read(out, lab->value[LAB_OPTION_MANIFEST], err));
        narrow(out, split);
        return MEWL_OK;
    }
    mewl_recipe recipe;
    char path[PATH_BYTES];
    MEWL_TRY(mewl_cli_recipe_find(path, sizeof path, lab->value[OPT_RECIPE], RECIPE, err));
    MEWL_TRY(mewl_recipe_read(&recipe, path, err));
    const char *root = recipe.data_root;
    recipe.data_root = lab->data;
    mewl_status status = mewl_corpus_gather(out, &recipe, err);
    recipe.data_root = root;
    mewl_recipe_fini(&recipe);
    if (status == MEWL_OK) {
        narrow(out, split);
    }
    return status;
}

/* ---- Systems ---- */

/* Vectors of one kind, kept in the run's folder. */
static mewl_status hear(gathered *g, const mewl_vectors **out, mewl_lab *lab, const mewl_manifest *manifest,
                        mewl_vector_system system, mewl_error *err)
{
    char folder[PATH_BYTES];
    mewl_lab_path(lab, folder, sizeof folder, "vectors");
    if (g->used == VECTORS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "more than %d kinds of vectors", VECTORS_MAX);
    }
    MEWL_TRY(mewl_vectors_read(&g->vectors[g->used], manifest, &system, folder, &lab->progress, err));
    *out = &g->vectors[g->used++];
    return MEWL_OK;
}

static mewl_verify_system *add_system(gathered *g, const char *name, const mewl_vectors *v)
{
    mewl_verify_system *system = &g->systems[g->count++];
    *system = (mewl_verify_system){.name = name, .x = v->x, .dims = v->dims};
    return system;
}

static void add_head(gathered *g, const char *name, const mewl_vectors *v, size_t branch, bool choose)
{
    mewl_verify_system *system = add_system(g, name, v);
    system->head = true;
    system->branch = branch;
    system->choose = choose;
}

/* mn04's numbers beside statistics of MFCC, through a network that gives both. */
static mewl_status hear_statistics(gathered *g, const mewl_vectors **out, mewl_lab *lab, const mewl_manifest *manifest,
                                   const char *body, mewl_error *err)
{
    char path[PATH_BYTES];
    mewl_lab_path(lab, path, sizeof path, STATISTICS);
    MEWL_TRY(mewl_verify_make_statistics(path, body, err));
    mewl_vector_system system = {.name = "statistics", .kind = MEWL_VECTOR_EMBEDDER, .path = path};
    return hear(g, out, lab, manifest, system, err);
}

/* What everything is compared with; heads on it where there is no embedder that has one. */
static mewl_status gather_baselines(gathered *g, mewl_lab *lab, const mewl_manifest *manifest, bool heads,
                                    mewl_error *err)
{
    static const char *const names[] = {"yamnet", "mn04"}, *const files[] = {"yamnet.tflite", "mn04_as_mAP_432.pt"};
    char path[PATH_BYTES];
    const mewl_vectors *v = NULL;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/weights/%s", lab->data, files[i]);
        if (access(path, R_OK) != 0) {
            continue;
        }
        if (heads && i == 1) {
            MEWL_TRY(hear_statistics(g, &v, lab, manifest, path, err));
            add_head(g, TWO_BRANCHES, v, MEWL_MN04_EMBEDDING, true);
        }
        mewl_vector_system system = {.name = names[i], .kind = MEWL_VECTOR_EMBEDDER, .path = path};
        MEWL_TRY(hear(g, &v, lab, manifest, system, err));
        if (heads) {
            add_head(g, i == 0 ? "yamnet + head" : "mn04 + head", v, 0, i == 1);
        }
        add_system(g, names[i], v)->baseline = true;
    }
    MEWL_TRY(hear(g, &v, lab, manifest, (mewl_vector_system){.name = "mfcc", .kind = MEWL_VECTOR_MFCC}, err));
    if (heads) {
        add_head(g, "mfcc + head", v, 0, true);
    }
    add_system(g, "mfcc", v)->baseline = true;
    return MEWL_OK;
}

/* The embedder and another one, as they are. */
static mewl_status gather_embedders(gathered *g, mewl_lab *lab, const mewl_manifest *manifest, const char *embedder,
                                    mewl_error *err)
{
    const char *const paths[] = {embedder, lab->value[OPT_ALSO]}, *const names[] = {EMBEDDER, "also"};
    for (int i = 0; i < 2; i++) {
        const mewl_vectors *v = NULL;
        if (paths[i] != NULL) {
            mewl_vector_system system = {.name = names[i], .kind = MEWL_VECTOR_EMBEDDER, .path = paths[i]};
            MEWL_TRY(hear(g, &v, lab, manifest, system, err));
            add_system(g, i == 0 ? EMBEDDER : v->embedder.name, v);
        }
    }
    return MEWL_OK;
}

/* ---- Runs ---- */

static mewl_status judge(json_t **document, mewl_lab *lab, const char *split, const char *embedder, long folds,
                         mewl_error *err)
{
    mewl_manifest manifest;
    gathered g = {0};
    MEWL_TRY(read_recordings(&manifest, lab, split, err));
    mewl_status status = embedder != NULL ? gather_embedders(&g, lab, &manifest, embedder, err) : MEWL_OK;
    if (status == MEWL_OK) {
        status = gather_baselines(&g, lab, &manifest, embedder == NULL, err);
    }
    if (status == MEWL_OK) {
        mewl_verify_opts opts = {
            .folds = (size_t)folds, .seed = 1, .judge = embedder != NULL ? EMBEDDER : TWO_BRANCHES};
        status = mewl_verify_run(document, &manifest, g.systems, g.count, lab->value[OPT_TRIALS], opts, err);
    }
    fini(&g);
    mewl_manifest_fini(&manifest);
    return status;
}

/* --make: heads from the training side, on mn04's body and MFCC. */
static mewl_status make(mewl_lab *lab, const char *path, mewl_error *err)
{
    mewl_manifest manifest;
    gathered g = {0};
    mewl_verify_head head = {0};
    mewl_verify_head_opts chosen;
    const mewl_vectors *v = NULL;
    char body[PATH_BYTES];
    (void)snprintf(body, sizeof body, "%s/weights/mn04_as_mAP_432.pt", lab->data);
    if (access(body, R_OK) != 0) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "%s is not there: the embedder stands on it", body);
    }
    MEWL_TRY(read_recordings(&manifest, lab, NULL, err));
    mewl_status status = hear_statistics(&g, &v, lab, &manifest, body, err);
    if (status == MEWL_OK) {
        add_head(&g, TWO_BRANCHES, v, MEWL_MN04_EMBEDDING, true);
        status = mewl_verify_head_learn(&head, &chosen, &manifest, &g.systems[0], "train", 1, err);
    }
    if (status == MEWL_OK) {
        status = mewl_verify_make(path, body, &head, &chosen, &manifest, err);
    }
    mewl_verify_head_fini(&head);
    fini(&g);
    mewl_manifest_fini(&manifest);
    return status;
}

/* Rows of `more` go after those of `document`, their lists named "test side ...". */
static void join(json_t *document, json_t *more)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(more, "rows"), i, row)
    {
        char name[200];
        (void)snprintf(name, sizeof name, "held out, %s", json_string_value(json_object_get(row, "name")));
        (void)mewl_json_set_string(row, "name", name);
        (void)mewl_json_set_bool(row, "held_out", true);
        (void)json_array_append(json_object_get(document, "rows"), row);
    }
    json_decref(more);
}

static mewl_status run(json_t **document, mewl_lab *lab, long folds, mewl_error *err)
{
    const char *out = lab->value[OPT_MAKE];
    char shipped[PATH_BYTES];
    const char *embedder = lab->value[OPT_EMBEDDER] != NULL ? lab->value[OPT_EMBEDDER] : out;
    if (out != NULL) {
        MEWL_TRY(make(lab, out, err));
    }
    if (embedder == NULL && mewl_cli_find_embedder(lab->cli, shipped, sizeof shipped, NULL, NULL) == MEWL_OK) {
        embedder = shipped;
    }
    if (lab->value[LAB_OPTION_MANIFEST] != NULL && embedder != NULL) {
        return judge(document, lab, NULL, embedder, folds, err); /* the user's own: all of it is held out */
    }
    MEWL_TRY(judge(document, lab, NULL, NULL, folds, err));
    if (embedder == NULL) {
        return MEWL_OK;
    }
    json_t *held_out = NULL;
    mewl_status status = judge(&held_out, lab, "test", embedder, folds, err);
    if (status == MEWL_OK) {
        join(*document, held_out);
    }
    return status;
}

static const char *text_of(const json_t *extra, const char *key)
{
    const char *text = json_string_value(json_object_get(extra, key));
    return text != NULL ? text : "";
}

/* The rows as sentences: the report's own tables are those of classes. */
static void tell(json_t *document)
{
    size_t i;
    json_t *row, *notes = json_array();
    json_array_foreach(json_object_get(document, "rows"), i, row)
    {
        const json_t *extra = json_object_get(row, "extra");
        char line[400];
        (void)snprintf(line, sizeof line, "%-44s EER %-20s minDCF %-20s same / other, individuals: %s%s%s",
                       json_string_value(json_object_get(row, "name")), text_of(extra, "eer"),
                       text_of(extra, "min_dcf"), text_of(extra, "trials"),
                       text_of(extra, "difference")[0] != '\0' ? "; the first minus this: " : "",
                       text_of(extra, "difference"));
        (void)json_array_append_new(notes, mewl_json_string(line));
    }
    (void)mewl_json_set(document, "notes", notes);
}

int mewl_lab_verify(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    mewl_lab lab;
    long folds = 5;
    const unsigned unused = LAB_UNUSED(PROFILE) | LAB_UNUSED(COLUMN) | LAB_UNUSED(SEEDS);
    int code = mewl_lab_parse(cli, &usage, unused, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO || (code = mewl_lab_open(&lab, cli, value, "verify")) != MEWL_CLI_GO) {
        return code;
    }
    if (argc > 0) {
        return mewl_cli_usage_error(cli, "`%s` is one word too many", argv[0]);
    }
    if (!mewl_cli_integer(cli, "folds", value[OPT_FOLDS], 3, 20, &folds)) {
        return MEWL_EXIT_USAGE;
    }
    mewl_error err = {0};
    json_t *document = NULL;
    const mewl_status status = run(&document, &lab, folds, &err);
    if (status == MEWL_OK) {
        tell(document);
    }
    return mewl_lab_close(&lab, status, document, &err);
}
