/* lab_iclas.c - `mewl lab iclas`: recordings, their vectors and the first gate, then lab/iclas.h. */
#include "cli/lab_sheets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/clip.h"
#include "base/folder.h"
#include "base/npy.h"
#include "cli/find.h"
#include "cli/lab_iclas_alter.h"
#include "cli/lab_iclas_baby.h"
#include "models/embedder.h"

#define MIN_CRY 0.5F
#define MIN_RECORDINGS 8 /* of an infant that is reported */

enum {
    OPT_CATS = LAB_OPTION_COUNT,
    OPT_QUICK,
    OPT_EMBEDDER,
    OPT_DETECTOR,
    OPT_NO_GATE,
    OPT_NO_ALTERED,
    OPT_LEVEL,
    OPT_SEED,
    OPT_COUNT
};

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_LAB_OPTIONS,
    [OPT_CATS] = {"cats", 0, NULL, "cats' meows instead, where identities are true and the microphone is one", false},
    [OPT_QUICK] = {"quick", 0, NULL, "without the autoencoder, which takes longest", false},
    [OPT_EMBEDDER] = {"embedder", 0, "FILE", "network of ours whose embedding is tried too", false},
    [OPT_DETECTOR] = {"detector", 0, "FILE", "detector that says which recordings hold a cry", false},
    [OPT_NO_GATE] = {"no-gate", 0, NULL, "use every recording, cry or none", false},
    [OPT_NO_ALTERED] = {"no-altered", 0, NULL, "without recordings altered in pitch, noise and microphone", false},
    [OPT_LEVEL] = {"level", 0, "X", "false-positive rate asked for (default 0.1)", false},
    [OPT_SEED] = {"seed", 0, "N", "of parts, anomalies and models (default 1)", false},
};

static const mewl_cli_usage usage = {
    "lab iclas", "",
    "ICLAS's table: how well a model of one infant tells its later cries from 50 of other infants, for each\n"
    "infant with eight recordings or more: AUC, AP, F1, recall and false-positive rate, beside an alarm that\n"
    "always rings. Several embeddings and models are tried; which is best is chosen on other infants than\n"
    "those reported. Then the same with the earliest sessions enrolled and the later ones tested, against\n"
    "others and against the same recordings altered in pitch, noise and microphone. Donate-a-Cry's raw uploads\n"
    "(uuid, sex and age group stand for an infant; the detector says which hold a cry), CatMeows with --cats,\n"
    "or a manifest with columns speaker and session or time.",
    options,
    "  mewl lab iclas\n"
    "  mewl lab iclas --cats --quick\n"
    "  mewl lab iclas --manifest mine.csv --level 0.05\n"};

/* Embeddings tried, in this order; the two with a `file` lie among the data's weights. */
static const struct {
    const char *name, *file;
    mewl_vector_kind kind;
    bool confound;
} systems[] = {
    {"yamnet", "yamnet.tflite", MEWL_VECTOR_EMBEDDER, false},
    {"mn04", "mn04_as_mAP_432.pt", MEWL_VECTOR_EMBEDDER, false},
    {"detector", NULL, MEWL_VECTOR_EMBEDDER, false},
    {"embedder", NULL, MEWL_VECTOR_EMBEDDER, false},
    {"mfcc", NULL, MEWL_VECTOR_MFCC, false},
    {"background", NULL, MEWL_VECTOR_BACKGROUND, true},
};
#define SYSTEMS (sizeof systems / sizeof *systems)

/* Scores that are added up: decided on before any result was looked at. Those of networks that are not here fall away.
 */
static const char *const fusions[][MEWL_ICLAS_MEMBERS_MAX] = {
    {"mfcc", "mn04"},
    {"mfcc", "yamnet"},
    {"mfcc", "detector"},
    {"mfcc", "mn04", "detector"},
    {"yamnet", "mn04", "detector", "mfcc"},
};
#define FUSIONS (sizeof fusions / sizeof *fusions)

typedef struct gathered {
    mewl_vectors vectors[SYSTEMS];
    mewl_vector_system system[SYSTEMS];
    char path[SYSTEMS][4200];
    mewl_lab_altered altered;
    mewl_lab_baby baby;
    mewl_iclas_table tables[SYSTEMS + 1];
    size_t count;
    mewl_iclas_fusion fusions[FUSIONS];
    size_t fusion_count;
    bool *usable;
    char detector[4096], embedder[4096], cache[4096];
} gathered;

static void gathered_fini(gathered *g)
{
    for (size_t k = 0; k < SYSTEMS; k++) {
        mewl_vectors_fini(&g->vectors[k]);
    }
    mewl_lab_altered_fini(&g->altered);
    mewl_lab_baby_fini(&g->baby);
    free(g->usable);
}

/* Donate-a-Cry's uploads as they came, since the cleaned set has few an infant; or the cats; or the manifest given. */
static mewl_status read_recordings(mewl_lab *lab, mewl_error *err)
{
    bool cats = lab->value[OPT_CATS] != NULL;
    if (lab->value[LAB_OPTION_MANIFEST] != NULL) {
        MEWL_TRY(mewl_manifest_read(&lab->manifest, lab->value[LAB_OPTION_MANIFEST], err));
    } else {
        MEWL_TRY(mewl_lab_scan(lab, &lab->manifest, cats ? "catmeows" : "donateacry-corpus", err));
    }
    lab->has_manifest = true;
    mewl_manifest_sort(&lab->manifest);
    size_t kept = 0;
    for (size_t i = 0; i < lab->manifest.count; i++) {
        bool cleaned = strcmp(lab->manifest.rows[i].label, MEWL_LABEL_CRY) == 0 &&
                       strcmp(lab->manifest.rows[i].set, "donateacry") == 0; /* the uploads hold these, too */
        if (!cleaned || lab->value[LAB_OPTION_MANIFEST] != NULL) {
            lab->manifest.rows[kept++] = lab->manifest.rows[i];
        }
    }
    lab->manifest.count = kept;
    return kept > 0 ? MEWL_OK : mewl_error_set(err, MEWL_E_EMPTY, "there are no recordings to compare");
}

/* What the detector says of each recording, clip by clip; one that cannot be read holds no cry. */
static mewl_status ask_detector(float *cry, mewl_embedder *detector, mewl_lab *lab, mewl_error *err)
{
    const mewl_embedder_info *info = mewl_embedder_describe(detector);
    size_t n = lab->manifest.count;
    float *vector = malloc(info->size * sizeof *vector);
    mewl_status status = vector != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a vector");
    for (size_t i = 0; i < n && status == MEWL_OK; i++) {
        mewl_clip clip = {0};
        bool heard =
            mewl_clip_read(&clip, lab->manifest.rows[i].path, info->rate_hz, 60, NULL) == MEWL_OK && clip.count > 0;
        status = heard ? mewl_embedder_run(detector, vector, &cry[i], clip.samples, clip.count, err) : MEWL_OK;
        mewl_clip_fini(&clip);
        mewl_progress_report(&lab->progress, (double)(i + 1), (double)n, "is there a cry?");
        status = *lab->stop ? mewl_error_set(err, MEWL_E_CANCELLED, "stopped") : status;
    }
    free(vector);
    return status;
}

/* The first gate, from the cache where this detector has been asked before. */
static mewl_status judge_usable(gathered *g, mewl_lab *lab, mewl_error *err)
{
    size_t n = lab->manifest.count;
    char path[4300];
    mewl_embedder *detector = NULL;
    mewl_npy kept = {0};
    MEWL_TRY(mewl_embedder_open(&detector, g->detector, (mewl_embedder_opts){0}, err));
    (void)snprintf(path, sizeof path, "%s/cry-%s-%zu.npy", g->cache, mewl_embedder_describe(detector)->id, n);
    g->usable = calloc(n, sizeof *g->usable);
    float *cry = calloc(n, sizeof *cry);
    mewl_status status = MEWL_OK;
    if (g->usable == NULL || cry == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu rows", n);
    } else if (mewl_npy_read_f32(&kept, path, n, NULL) == MEWL_OK && kept.count == n) {
        memcpy(cry, kept.data, n * sizeof *cry);
    } else {
        status = ask_detector(cry, detector, lab, err);
        status = status == MEWL_OK ? mewl_npy_write_f32(path, cry, &n, 1, err) : status;
    }
    for (size_t i = 0; i < n && status == MEWL_OK; i++) {
        g->usable[i] = cry[i] >= MIN_CRY;
    }
    mewl_embedder_close(detector);
    mewl_npy_fini(&kept);
    free(cry);
    return status;
}

static void find_fusions(gathered *g)
{
    for (size_t k = 0; k < FUSIONS; k++) {
        mewl_iclas_fusion f = {.count = 0};
        size_t wanted = 0;
        for (; wanted < MEWL_ICLAS_MEMBERS_MAX && fusions[k][wanted] != NULL; wanted++) {
            for (size_t t = 0; t < g->count; t++) {
                if (strcmp(g->tables[t].name, fusions[k][wanted]) == 0) {
                    f.table[f.count++] = t;
                }
            }
        }
        if (f.count == wanted) {
            g->fusions[g->fusion_count++] = f;
        }
    }
}

static mewl_status read_vectors(gathered *g, mewl_lab *lab, mewl_error *err)
{
    for (size_t k = 0; k < SYSTEMS; k++) {
        char *path = g->path[k];
        if (systems[k].file != NULL) {
            (void)snprintf(path, sizeof g->path[k], "%s/weights/%s", lab->data, systems[k].file);
        } else if (systems[k].kind == MEWL_VECTOR_EMBEDDER) {
            (void)snprintf(path, sizeof g->path[k], "%s",
                           strcmp(systems[k].name, "embedder") == 0 ? g->embedder : g->detector);
        }
        /* What is not there is left out of the table, and the run says so. */
        if (systems[k].kind == MEWL_VECTOR_EMBEDDER && (path[0] == '\0' || access(path, R_OK) != 0)) {
            mewl_cli_note(lab->cli, "no %s here: left out", systems[k].name);
            continue;
        }
        g->system[k] = (mewl_vector_system){
            .name = systems[k].name, .kind = systems[k].kind, .path = path, .embed = mewl_embedder_of_voices()};
        MEWL_TRY(mewl_vectors_read(&g->vectors[k], &lab->manifest, &g->system[k], g->cache, &lab->progress, err));
    }
    return MEWL_OK;
}

/* `mewl baby` as it comes, behind the other tables. */
static mewl_status add_baby(gathered *g, const mewl_lab *lab, mewl_error *err)
{
    if (g->baby.x == NULL) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_lab_baby_extend(&g->baby, lab->manifest.count, err));
    g->tables[g->count++] = (mewl_iclas_table){.name = "mewl baby as it comes",
                                               .x = g->baby.x,
                                               .dims = g->baby.dims,
                                               .heard = g->embedder[0] != '\0',
                                               .alone = true,
                                               .there = g->baby.there};
    return MEWL_OK;
}

static mewl_status gather(gathered *g, mewl_lab *lab, mewl_error *err)
{
    MEWL_TRY(read_vectors(g, lab, err));
    if (lab->value[OPT_CATS] == NULL) { /* whose meows are no cries to the detector */
        MEWL_TRY(
            mewl_lab_baby_listen(&g->baby, lab, g->usable, lab->value[OPT_DETECTOR], lab->value[OPT_EMBEDDER], err));
    }
    g->altered = (mewl_lab_altered){.vectors = g->vectors, .system = g->system, .systems = SYSTEMS, .cache = g->cache};
    for (size_t k = 0; k < SYSTEMS; k++) {
        g->altered.needed[k] = !systems[k].confound && strcmp(systems[k].name, "embedder") != 0;
    }
    if (lab->value[OPT_NO_ALTERED] == NULL) {
        MEWL_TRY(mewl_lab_alter(&g->altered, &g->usable, lab, MIN_RECORDINGS, err));
    }
    for (size_t k = 0; k < SYSTEMS; k++) {
        if (g->vectors[k].x != NULL) {
            g->tables[g->count++] = (mewl_iclas_table){
                .name = systems[k].name,
                .x = g->vectors[k].x,
                .dims = g->vectors[k].dims,
                .scale = systems[k].kind != MEWL_VECTOR_EMBEDDER,
                .heard = strcmp(systems[k].name, "embedder") == 0,
                .confound = systems[k].confound,
            };
        }
    }
    return add_baby(g, lab, err);
}

static mewl_status run(json_t **document, mewl_lab *lab, mewl_iclas_opts opts, mewl_error *err)
{
    gathered g = {0};
    MEWL_TRY(read_recordings(lab, err));
    (void)snprintf(g.cache, sizeof g.cache, "%s/vectors", lab->folder);
    MEWL_TRY(mewl_folder_make(g.cache, err));
    MEWL_TRY(mewl_cli_find_model(lab->cli, g.detector, sizeof g.detector, lab->value[OPT_DETECTOR], err));
    MEWL_TRY(mewl_cli_find_embedder(lab->cli, g.embedder, sizeof g.embedder, lab->value[OPT_EMBEDDER], err));
    if (strcmp(g.embedder, g.detector) == 0) {
        g.embedder[0] = '\0'; /* it falls back to the detector, which is tried anyway */
    }
    bool cats = lab->value[OPT_CATS] != NULL;
    mewl_status status = cats || lab->value[OPT_NO_GATE] != NULL ? MEWL_OK : judge_usable(&g, lab, err);
    status = status == MEWL_OK ? gather(&g, lab, err) : status;
    if (status == MEWL_OK) {
        find_fusions(&g);
        opts.usable = g.usable;
        opts.fusions = g.fusions;
        opts.fusion_count = g.fusion_count;
        opts.altered = g.altered.list;
        opts.altered_count = g.altered.count;
        status = mewl_iclas_run(document, &lab->manifest, g.tables, g.count, opts, err);
    }
    gathered_fini(&g);
    return status;
}

int mewl_lab_iclas(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    mewl_lab lab;
    const unsigned unused = LAB_UNUSED(PROFILE) | LAB_UNUSED(COLUMN) | LAB_UNUSED(HTML);
    int code = mewl_lab_parse(cli, &usage, unused, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO || (code = mewl_lab_open(&lab, cli, value, "iclas")) != MEWL_CLI_GO) {
        return code;
    }
    double level = 0.1;
    double seed = 1;
    if (argc > 0) {
        return mewl_cli_usage_error(cli, "`%s` is one word too many", argv[0]);
    }
    if (!mewl_cli_number(cli, "level", value[OPT_LEVEL], 0.001, 0.5, &level) ||
        !mewl_cli_number(cli, "seed", value[OPT_SEED], 0, 1e9, &seed)) {
        return MEWL_EXIT_USAGE;
    }
    bool cats = value[OPT_CATS] != NULL;
    mewl_iclas_opts opts = {.name = value[LAB_OPTION_MANIFEST] != NULL ? "The manifest given"
                                    : cats                             ? "CatMeows"
                                                                       : "Donate-a-Cry, raw uploads",
                            .min_recordings = MIN_RECORDINGS,
                            .rotate = cats,
                            .level = level,
                            .quick = value[OPT_QUICK] != NULL,
                            .repeats = lab.seeds,
                            .seed = (uint64_t)seed,
                            .progress = &lab.progress,
                            .stop = lab.stop};
    mewl_error err = {0};
    json_t *document = NULL;
    mewl_status status = run(&document, &lab, opts, &err);
    return mewl_lab_close_sheets(&lab, cats ? "iclas-cats" : "iclas", status, document, &err);
}
