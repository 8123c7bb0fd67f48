/* lab_reason.c - `mewl lab reason`: can a classical head on any embedding tell why a baby (or a cat) cries? */
#include "cli/lab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/find.h"
#include "lab/reasons.h"
#include "lab/vectors.h"

#define PATH_BYTES 4096
#define ALL "all"
#define TRUNK "trunk"
#define TRUNK_INDEX 2 /* in systems */
#define CLASSES_MAX 64

enum {
    OPT_SOURCES = LAB_OPTION_COUNT,
    OPT_FOLDS,
    OPT_CLASSES,
    OPT_CHOICE,
    OPT_PERMUTATIONS,
    OPT_CATS,
    OPT_DETECTOR,
    OPT_MAKE,
    OPT_COUNT
};

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_LAB_OPTIONS,
    [OPT_SOURCES] = {"sources", 0, "LIST", "only these vectors: yamnet,mn04,trunk,mfcc,background,all", false},
    [OPT_FOLDS] = {"folds", 0, "N", "folds the recordings are dealt to (default 10)", false},
    [OPT_CLASSES] = {"classes", 0, "N", "2: the most frequent against the rest; else the N most frequent alone", false},
    [OPT_CHOICE] = {"choice", 0, "WORD", "settings chosen by accuracy, balanced or log-loss (default log-loss)", false},
    [OPT_PERMUTATIONS] = {"permutations", 0, "N", "shufflings of the labels for each source (default 200)", false},
    [OPT_CATS] = {"cats", 0, NULL, "cats' meows instead, where identities are true: 3 contexts, folds by cat", false},
    [OPT_DETECTOR] = {"detector", 0, "FILE", "detector whose trunk is a source (default: the one that ships)", false},
    [OPT_MAKE] = {"make", 0, "FILE", "write the reason model for `mewl analyze --reason`: logistic on the trunk",
                  false},
};

static const mewl_cli_usage usage = {
    "lab reason", "",
    "Why a baby cries, by classical heads (support vector machines, neighbours, Gaussian mixtures, logistic\n"
    "regression) on what networks and plain statistics make of a recording. Settings, scaling and calibration\n"
    "are chosen inside the training side. Random folds, which leak, and folds in which nobody is on both sides,\n"
    "beside one another; with what always the same answer, and age and sex alone, would give.",
    options,
    "  mewl lab reason\n"
    "  mewl lab reason --choice accuracy --seeds 3\n"
    "  mewl lab reason --classes 2\n"
    "  mewl lab reason --cats\n"
    "  mewl lab reason --seeds 3 --make reason.safetensors\n"
    "  mewl lab reason --manifest mine.csv --column reason --sources trunk,mfcc\n"};

/* Everything there is to make vectors of, in the order of the table. */
static const mewl_vector_system systems[] = {
    {.name = "yamnet", .kind = MEWL_VECTOR_EMBEDDER},       {.name = "mn04", .kind = MEWL_VECTOR_EMBEDDER},
    {.name = TRUNK, .kind = MEWL_VECTOR_EMBEDDER},          {.name = "mfcc", .kind = MEWL_VECTOR_MFCC},
    {.name = "background", .kind = MEWL_VECTOR_BACKGROUND},
};
#define SYSTEM_COUNT (sizeof systems / sizeof systems[0])

/* Vectors of the systems that were asked for, and all of them side by side. */
typedef struct gathered {
    mewl_vectors vectors[SYSTEM_COUNT];
    double *joined;
    mewl_reason_source list[SYSTEM_COUNT + 1];
    size_t count;
    size_t absent; /* systems left out because their network is not there */
} gathered;

static void fini(gathered *g)
{
    for (size_t i = 0; i < SYSTEM_COUNT; i++) {
        mewl_vectors_fini(&g->vectors[i]);
    }
    free(g->joined);
}

static bool listed(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = list; at != NULL && *at != '\0'; at += strcspn(at, ",")) {
        at += *at == ',';
        if (strcspn(at, ",") == length && strncmp(at, word, length) == 0) {
            return true;
        }
    }
    return list == NULL;
}

static bool sources_valid(const mewl_lab *lab)
{
    const char *names[SYSTEM_COUNT + 1];
    for (size_t i = 0; i < SYSTEM_COUNT; i++) {
        names[i] = systems[i].name;
    }
    names[SYSTEM_COUNT] = ALL;
    for (const char *at = lab->value[OPT_SOURCES]; at != NULL && *at != '\0'; at += strcspn(at, ",")) {
        at += *at == ',';
        char word[64];
        bool known = false;
        (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(at, ","), at);
        for (size_t i = 0; i <= SYSTEM_COUNT; i++) {
            known = known || strcmp(names[i], word) == 0;
        }
        if (!known) {
            (void)mewl_cli_unknown(lab->cli, "source", word, names, SYSTEM_COUNT + 1);
            return false;
        }
    }
    return true;
}

/* Where a system's network lies; false when it is not there. */
static mewl_status find_network(char *path, size_t size, bool *found, const mewl_lab *lab, const char *name,
                                mewl_error *err)
{
    *found = true;
    if (strcmp(name, TRUNK) == 0) {
        return mewl_cli_find_model(lab->cli, path, size, lab->value[OPT_DETECTOR], err);
    }
    (void)snprintf(path, size, "%s/weights/%s", lab->data,
                   strcmp(name, "yamnet") == 0 ? "yamnet.tflite" : "mn04_as_mAP_432.pt");
    *found = access(path, R_OK) == 0;
    return MEWL_OK;
}

static mewl_status join(gathered *g, size_t rows, mewl_error *err)
{
    mewl_reason_source *all = &g->list[g->count];
    *all = (mewl_reason_source){.name = ALL};
    for (size_t i = 0; i < g->count; i++) {
        all->part_dims[all->parts++] = g->list[i].dims;
        all->dims += g->list[i].dims;
    }
    g->joined = calloc(rows * all->dims + 1, sizeof *g->joined);
    if (g->joined == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for all vectors side by side");
    }
    for (size_t r = 0; r < rows; r++) {
        double *to = g->joined + r * all->dims;
        for (size_t i = 0; i < g->count; i++) {
            memcpy(to, g->list[i].x + r * g->list[i].dims, g->list[i].dims * sizeof *to);
            to += g->list[i].dims;
        }
    }
    all->x = g->joined;
    g->count++;
    return MEWL_OK;
}

static mewl_status gather(gathered *g, mewl_lab *lab, mewl_error *err)
{
    char folder[PATH_BYTES];
    mewl_lab_path(lab, folder, sizeof folder, "vectors");
    for (size_t i = 0; i < SYSTEM_COUNT; i++) {
        char path[PATH_BYTES];
        bool found = true;
        mewl_vector_system system = systems[i];
        if (!listed(lab->value[OPT_SOURCES], system.name)) {
            continue;
        }
        if (system.kind == MEWL_VECTOR_EMBEDDER) {
            MEWL_TRY(find_network(path, sizeof path, &found, lab, system.name, err));
            system.path = path;
        }
        if (!found) {
            g->absent++;
            continue;
        }
        mewl_vectors *v = &g->vectors[i];
        MEWL_TRY(mewl_vectors_read(v, &lab->manifest, &system, folder, &lab->progress, err));
        g->list[g->count++] = (mewl_reason_source){
            .name = systems[i].name, .x = v->x, .dims = v->dims, .part_dims = {v->dims}, .parts = 1};
    }
    return MEWL_OK;
}

/* ---- Classes ---- */

typedef struct tally {
    const char *name;
    size_t count;
} tally;

static int by_count(const void *a, const void *b)
{
    const tally *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->name, y->name);
}

/* --classes: the most frequent against the rest (2), or the N most frequent alone. Rows that go take their vectors
 * along, which were made of all, so that every number of classes shares them. */
static mewl_status narrow(mewl_lab *lab, gathered *g, size_t wanted, mewl_error *err)
{
    tally classes[CLASSES_MAX];
    size_t count = 0, kept = 0;
    mewl_manifest *m = &lab->manifest;
    if (strcmp(lab->column, "reason") != 0) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "--classes works on the column `reason` alone");
    }
    for (size_t i = 0; i < m->count; i++) {
        size_t k = 0;
        while (k < count && strcmp(classes[k].name, m->rows[i].reason) != 0) {
            k++;
        }
        if (k == CLASSES_MAX) {
            return mewl_error_set(err, MEWL_E_UNSUPPORTED, "more than %d classes", CLASSES_MAX);
        }
        if (k == count) {
            classes[count++] = (tally){m->rows[i].reason, 0};
        }
        classes[k].count++;
    }
    qsort(classes, count, sizeof *classes, by_count);
    for (size_t i = 0; i < m->count; i++) {
        size_t k = 0;
        while (strcmp(classes[k].name, m->rows[i].reason) != 0) {
            k++;
        }
        m->rows[kept] = m->rows[i];
        m->rows[kept].reason = wanted == 2 && k > 0 ? "other" : m->rows[i].reason;
        for (size_t v = 0; v < SYSTEM_COUNT; v++) {
            const size_t dims = g->vectors[v].dims;
            if (dims > 0) {
                memmove(g->vectors[v].x + kept * dims, g->vectors[v].x + i * dims, dims * sizeof(double));
            }
        }
        kept += wanted == 2 || k < wanted;
    }
    m->count = kept;
    return MEWL_OK;
}

static mewl_status read_recordings(mewl_lab *lab, mewl_error *err)
{
    if (lab->value[OPT_CATS] != NULL) {
        MEWL_TRY(mewl_lab_scan(lab, &lab->manifest, "catmeows", err));
        lab->has_manifest = true;
        lab->column = "reason";
        (void)snprintf(lab->manifest_name, sizeof lab->manifest_name, "CatMeows: 3 contexts, groups are cats");
        mewl_manifest_sort(&lab->manifest);
        return MEWL_OK;
    }
    return mewl_lab_read_manifest(lab, err);
}

/* ---- The command ---- */

typedef struct figures {
    long folds, classes, permutations;
    size_t choice;
} figures;

static bool options_valid(const mewl_lab *lab, figures *f)
{
    const char *const *value = lab->value;
    const char *words[MEWL_REASON_CHOICES];
    bool known = value[OPT_CHOICE] == NULL;
    *f = (figures){.folds = 10, .permutations = 200, .choice = 2};
    for (size_t i = 0; i < MEWL_REASON_CHOICES; i++) {
        words[i] = mewl_reason_choice_name(i);
        if (value[OPT_CHOICE] != NULL && strcmp(words[i], value[OPT_CHOICE]) == 0) {
            f->choice = i;
            known = true;
        }
    }
    if (!known) {
        (void)mewl_cli_unknown(lab->cli, "choice", value[OPT_CHOICE], words, MEWL_REASON_CHOICES);
        return false;
    }
    return sources_valid(lab) &&
           mewl_cli_integer(lab->cli, "folds", value[OPT_FOLDS], 2, MEWL_REASON_FOLDS_MAX, &f->folds) &&
           mewl_cli_integer(lab->cli, "classes", value[OPT_CLASSES], 2, MEWL_HEAD_CLASSES_MAX, &f->classes) &&
           mewl_cli_integer(lab->cli, "permutations", value[OPT_PERMUTATIONS], 0, 10000, &f->permutations);
}

static mewl_status run(json_t **document, mewl_lab *lab, const figures *f, mewl_error *err)
{
    gathered g = {0};
    MEWL_TRY(read_recordings(lab, err));
    mewl_status status = gather(&g, lab, err);
    if (status == MEWL_OK && g.count == 0) {
        status = mewl_error_set(err, MEWL_E_NOT_FOUND, "%s/weights: none of the networks is there", lab->data);
    }
    if (status == MEWL_OK && f->classes > 0) {
        status = narrow(lab, &g, (size_t)f->classes, err);
    }
    if (status == MEWL_OK && g.count > 1 && listed(lab->value[OPT_SOURCES], ALL)) {
        status = join(&g, lab->manifest.count, err);
    }
    if (status == MEWL_OK) {
        const mewl_reasons_making making = {.source = TRUNK,
                                            .embedder = &g.vectors[TRUNK_INDEX].embedder,
                                            .embed = systems[TRUNK_INDEX].embed,
                                            .data = lab->manifest_name,
                                            .path = lab->value[OPT_MAKE]};
        const mewl_reasons_opts opts = {
            .experiment = "reason",
            .title = lab->value[OPT_CATS] != NULL ? "What a cat meows for: classical heads on embeddings"
                                                  : "Why a baby cries: classical heads on embeddings",
            .profile = lab->paper ? "paper" : "quick",
            .data_name = lab->manifest_name,
            .column = lab->column,
            .folds = (int)f->folds,
            .seeds = lab->seeds > 0 ? lab->seeds
                     : lab->paper   ? 3
                                    : 1,
            .choice = f->choice,
            .permutations = (size_t)f->permutations,
            .making = making.path != NULL ? &making : NULL,
            .stop = lab->stop,
            .progress = &lab->progress,
            .log = &lab->log,
        };
        status = mewl_reasons_run(document, &lab->manifest, g.list, g.count, lab->folder, opts, err);
    }
    fini(&g);
    return status;
}

int mewl_lab_reason(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    mewl_lab lab;
    figures f;
    int code = mewl_lab_parse(cli, &usage, 0, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO || (code = mewl_lab_open(&lab, cli, value, "reason")) != MEWL_CLI_GO) {
        return code;
    }
    if (argc > 0) {
        return mewl_cli_usage_error(cli, "`%s` is one word too many", argv[0]);
    }
    if (value[OPT_CATS] != NULL && (value[LAB_OPTION_MANIFEST] != NULL || value[LAB_OPTION_COLUMN] != NULL)) {
        return mewl_cli_usage_error(cli, "--cats brings its own recordings: leave --manifest and --column away");
    }
    if (!options_valid(&lab, &f)) {
        return MEWL_EXIT_USAGE;
    }
    mewl_error err = {0};
    json_t *document = NULL;
    const mewl_status status = run(&document, &lab, &f, &err);
    return mewl_lab_close(&lab, status, document, &err);
}
