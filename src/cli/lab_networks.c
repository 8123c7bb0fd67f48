/* lab_networks.c - `mewl lab table3`, `table4` and `grid`: why a baby cries, by networks and poolings. One list of
 * rows, of which each table is a part; tables that write into one folder share what was trained. */
#include "cli/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/study.h"

#define ROWS_MAX 128
#define PATH_BYTES 4096

enum {
    OPT_NETWORKS = LAB_OPTION_COUNT,
    OPT_POOLINGS,
    OPT_START,
    OPT_PRETRAINED,
    OPT_FOLDS,
    OPT_FOLDS_RUN,
    OPT_EPOCHS,
    OPT_WIDTH,
    OPT_BALANCE,
    OPT_COUNT
};

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_LAB_OPTIONS,
    [OPT_NETWORKS] = {"networks", 0, "LIST", "only these networks, with commas: cnn10,cnn14", false},
    [OPT_POOLINGS] = {"poolings", 0, "LIST", "only these poolings: max,avg,max+avg,stat,mha", false},
    [OPT_START] = {"start", 0, "LIST", "only these starts: scratch,pretrained", false},
    [OPT_PRETRAINED] = {"pretrained", 0, "FOLDER", "models of `mewl lab pretrain` (default: runs/lab/pretrain-PROFILE)",
                        false},
    [OPT_FOLDS] = {"folds", 0, "N", "folds the recordings are dealt to (default 5)", false},
    [OPT_FOLDS_RUN] = {"folds-run", 0, "N", "folds tested for each seed (default 1)", false},
    [OPT_EPOCHS] = {"epochs", 0, "N", "passes over the training side", false},
    [OPT_WIDTH] = {"width", 0, "X", "channels as a share of the published networks'", false},
    [OPT_BALANCE] = {"balance", 0, "X", "share of examples drawn by class, 0 to 1 (default 0.5)", false},
};

/* Networks in the order of InfantCryNet's table 3, then PANNs' small ones. `cost`: a training step next to CNN10's. */
static const struct {
    const char *arch;
    double cost;
} networks[] = {
    {"wavegram-logmel-cnn14", 2.5}, {"resnet22", 1.8},    {"cnn10", 1}, {"cnn14", 1.7},
    {"mobilenetv1", 0.8},           {"mobilenetv2", 1.2},
};
#define NETWORK_COUNT (sizeof networks / sizeof networks[0])

static const struct {
    const char *name;
    mewl_model_pool pool;
} poolings[] = {
    {"max", MEWL_MODEL_POOL_MAX},   {"avg", MEWL_MODEL_POOL_AVG}, {"max+avg", MEWL_MODEL_POOL_MAX_AVG},
    {"stat", MEWL_MODEL_POOL_STAT}, {"mha", MEWL_MODEL_POOL_MHA},
};
#define POOLING_COUNT (sizeof poolings / sizeof poolings[0])

/* What the paper's tables 3 and 4 have (their own 835 clips of six reasons, which nobody else has). */
static const struct {
    const char *row, *figure;
} paper[] = {
    {"wavegram-logmel-cnn14/stat/pretrained", "70.33 %"},
    {"resnet22/stat/pretrained", "53.85 %"},
    {"cnn10/stat/pretrained", "52.75 %"},
    {"cnn14/stat/scratch", "64.84 %"},
    {"cnn14/stat/pretrained", "74.73 %"},
    {"cnn14/max/pretrained", "62.64 %"},
    {"cnn14/avg/pretrained", "70.33 %"},
    {"cnn14/max+avg/pretrained", "71.42 %"},
    {"cnn14/mha/pretrained", "72.53 %"},
};

/* One of the three tables. */
typedef struct table {
    const char *name, *title;
    const char *networks, *poolings, *start; /* what is in it unless options say otherwise; NULL: all */
    const char *compared_to;
} table;

typedef struct rows {
    mewl_study_config list[ROWS_MAX];
    char init[ROWS_MAX][PATH_BYTES];
    size_t count;
    size_t without_init; /* rows left out for want of a pretrained network */
} rows;

/* Is `word` in a list with commas? A NULL list holds everything. */
static bool listed(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at != NULL && *at != '\0'; at += strcspn(at, ",")) {
        at += *at == ',';
        if (strcspn(at, ",") == length && strncmp(at, word, length) == 0) {
            return true;
        }
    }
    return list == NULL;
}

typedef struct figures {
    double epochs, width, balance;
    long folds, folds_run;
} figures;

static mewl_fit_opts fit_of(const mewl_lab *lab, const figures *f)
{
    return (mewl_fit_opts){
        .epochs = f->epochs,
        .batch = 16,
        .frames = lab->paper ? 500 : 200,
        .rate = lab->paper ? 3e-4 : 2e-3,
        .weight_decay = 1e-4,
        .balance = f->balance,
        .mask_frames = lab->paper ? 40 : 0, /* so short a training needs no masks, and no dropout */
        .mask_bands = lab->paper ? 8 : 0,
        .bf16 = true,
        .threads = 1,
        .crops = lab->paper ? 1 : 2,
    };
}

static void add_row(rows *r, const mewl_lab *lab, const figures *f, size_t network, size_t pooling, bool pretrained)
{
    mewl_study_config *c = &r->list[r->count];
    memset(c, 0, sizeof *c);
    (void)snprintf(c->name, sizeof c->name, "%s/%s/%s", networks[network].arch, poolings[pooling].name,
                   pretrained ? "pretrained" : "scratch");
    if (pretrained) {
        char folder[PATH_BYTES - 100];
        const char *given = lab->value[OPT_PRETRAINED];
        (void)snprintf(folder, sizeof folder, "%s",
                       given != NULL ? given
                       : lab->paper  ? "runs/lab/pretrain-paper"
                                     : "runs/lab/pretrain-quick");
        (void)snprintf(r->init[r->count], PATH_BYTES, "%s/%s.safetensors", folder, networks[network].arch);
        if (access(r->init[r->count], R_OK) != 0) {
            r->without_init++;
            return;
        }
        c->init = r->init[r->count];
    }
    (void)snprintf(c->model.arch, sizeof c->model.arch, "%s", networks[network].arch);
    (void)snprintf(c->model.front_end, sizeof c->model.front_end, "%s",
                   strncmp(networks[network].arch, "wavegram", 8) == 0 ? "wavegram-16k" : "panns-16k");
    c->model.width = f->width;
    c->model.pooling = MEWL_POOL_AVG;
    c->model.global_pooling = poolings[pooling].pool;
    c->model.dropout_block = c->model.dropout_head = lab->paper ? 0 : -1; /* 0: PANNs' own */
    c->fit = fit_of(lab, f);
    c->cost = networks[network].cost;
    for (size_t i = 0; i < sizeof paper / sizeof paper[0]; i++) {
        if (lab->value[LAB_OPTION_MANIFEST] == NULL && strcmp(paper[i].row, c->name) == 0) {
            (void)snprintf(c->paper, sizeof c->paper, "%s", paper[i].figure);
        }
    }
    r->count++;
}

static void choose_rows(rows *r, const mewl_lab *lab, const table *t, const figures *f)
{
    const char *nets = lab->value[OPT_NETWORKS] != NULL ? lab->value[OPT_NETWORKS] : t->networks;
    const char *pools = lab->value[OPT_POOLINGS] != NULL ? lab->value[OPT_POOLINGS] : t->poolings;
    const char *starts = lab->value[OPT_START] != NULL ? lab->value[OPT_START] : t->start;
    for (size_t n = 0; n < NETWORK_COUNT; n++) {
        for (size_t p = 0; p < POOLING_COUNT && listed(nets, networks[n].arch); p++) {
            for (int pretrained = 0; pretrained < 2 && listed(pools, poolings[p].name); pretrained++) {
                if (listed(starts, pretrained ? "pretrained" : "scratch")) {
                    add_row(r, lab, f, n, p, pretrained == 1);
                }
            }
        }
    }
}

/* Every word of a list must be one that there is. */
static bool list_valid(const mewl_cli *cli, const char *what, const char *list, const char *const *names, size_t count)
{
    for (const char *at = list; at != NULL && *at != '\0'; at += strcspn(at, ",")) {
        at += *at == ',';
        char word[64];
        (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(at, ","), at);
        bool known = false;
        for (size_t i = 0; i < count; i++) {
            known = known || strcmp(names[i], word) == 0;
        }
        if (!known) {
            (void)mewl_cli_unknown(cli, what, word, names, count);
            return false;
        }
    }
    return true;
}

static bool options_valid(const mewl_lab *lab, figures *f)
{
    const mewl_cli *cli = lab->cli;
    const char *const *value = lab->value;
    const char *nets[NETWORK_COUNT];
    const char *pools[POOLING_COUNT];
    static const char *const starts[] = {"scratch", "pretrained"};
    for (size_t i = 0; i < NETWORK_COUNT; i++) {
        nets[i] = networks[i].arch;
    }
    for (size_t i = 0; i < POOLING_COUNT; i++) {
        pools[i] = poolings[i].name;
    }
    *f = (figures){
        .epochs = lab->paper ? 2 : 12, .width = lab->paper ? 1 : 0.125, .balance = 0.5, .folds = 5, .folds_run = 1};
    return list_valid(cli, "network", value[OPT_NETWORKS], nets, NETWORK_COUNT) &&
           list_valid(cli, "pooling", value[OPT_POOLINGS], pools, POOLING_COUNT) &&
           list_valid(cli, "start", value[OPT_START], starts, 2) &&
           mewl_cli_number(cli, "epochs", value[OPT_EPOCHS], 0.01, 1000, &f->epochs) &&
           mewl_cli_number(cli, "width", value[OPT_WIDTH], 1.0 / 64, 4, &f->width) &&
           mewl_cli_number(cli, "balance", value[OPT_BALANCE], 0, 1, &f->balance) &&
           mewl_cli_integer(cli, "folds", value[OPT_FOLDS], 2, MEWL_STUDY_FOLDS_MAX, &f->folds) &&
           mewl_cli_integer(cli, "folds-run", value[OPT_FOLDS_RUN], 1, f->folds, &f->folds_run);
}

static mewl_status run_table(json_t **document, mewl_lab *lab, const table *t, const rows *r, const figures *f,
                             mewl_error *err)
{
    MEWL_TRY(mewl_lab_read_manifest(lab, err));
    mewl_study_opts opts = mewl_lab_study_opts(lab, t->title, lab->paper ? 1 : 3);
    opts.experiment = t->name;
    opts.folds = (int)f->folds;
    opts.folds_run = (int)f->folds_run;
    opts.compared_to = t->compared_to;
    return mewl_lab_run_study(document, lab, opts, r->list, r->count, err);
}

static void add_notes(json_t *document, const rows *r)
{
    json_t *notes = json_array();
    (void)json_array_append_new(
        notes,
        json_string("The paper's figures are of 835 recordings of its own with six reasons; these are other "
                    "recordings with other reasons, so the rows can be compared with one another, not with it."));
    if (r->without_init > 0) {
        char text[160];
        (void)snprintf(text, sizeof text,
                       "%zu rows that start from a pretrained network are left out: `mewl lab pretrain` makes them.",
                       r->without_init);
        (void)json_array_append_new(notes, json_string(text));
    }
    (void)mewl_json_set(document, "notes", notes);
}

static int run(mewl_cli *cli, int argc, char **argv, const mewl_cli_usage *usage, const table *t)
{
    const char *value[OPT_COUNT];
    mewl_lab lab;
    figures f;
    int code = mewl_lab_parse(cli, usage, 0, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO || (code = mewl_lab_open(&lab, cli, value, "reasons")) != MEWL_CLI_GO) {
        return code;
    }
    if (argc > 0) {
        return mewl_cli_usage_error(cli, "`%s` is one word too many", argv[0]);
    }
    if (!options_valid(&lab, &f)) {
        return MEWL_EXIT_USAGE;
    }
    mewl_error err = {0};
    json_t *document = NULL;
    rows *r = calloc(1, sizeof *r);
    mewl_status status = r != NULL ? MEWL_OK : mewl_error_set(&err, MEWL_E_MEMORY, "no memory for a table");
    if (status == MEWL_OK) {
        choose_rows(r, &lab, t, &f);
        status = r->count > 0 ? run_table(&document, &lab, t, r, &f, &err)
                              : mewl_error_set(&err, MEWL_E_NOT_FOUND,
                                               "no pretrained network to start from: run `mewl lab pretrain` first, "
                                               "or name its folder with --pretrained");
    }
    if (status == MEWL_OK) {
        add_notes(document, r);
    }
    free(r);
    return mewl_lab_close(&lab, status, document, &err);
}

int mewl_lab_table3(mewl_cli *cli, int argc, char **argv)
{
    static const mewl_cli_usage usage = {
        "lab table3", "",
        "Why a baby cries, by network: Wavegram-Logmel-CNN14, ResNet22, CNN10 and CNN14, from scratch and from\n"
        "a network that YAMNet taught (`mewl lab pretrain`), each pooled by mean and variance over time.\n"
        "Random folds, which leak, and folds in which nobody is on both sides, beside one another.",
        options,
        "  mewl lab table3\n"
        "  mewl lab table3 --profile paper --networks cnn10 --start scratch\n"
        "  mewl lab table3 --manifest mine.csv --column reason --html table3.html\n"};
    static const table t = {.name = "table3",
                            .title = "Why a baby cries, by network (InfantCryNet, table 3)",
                            .networks = "wavegram-logmel-cnn14,resnet22,cnn10,cnn14",
                            .poolings = "stat",
                            .compared_to = "cnn14/stat/pretrained"};
    return run(cli, argc, argv, &usage, &t);
}

int mewl_lab_table4(mewl_cli *cli, int argc, char **argv)
{
    static const mewl_cli_usage usage = {
        "lab table4", "",
        "Why a baby cries, by pooling over time: CNN14 from a pretrained start, with maximum, mean, their sum,\n"
        "statistic pooling (mean and variance) and multi-head attention.",
        options,
        "  mewl lab table4\n"
        "  mewl lab table4 --networks cnn10 --start scratch --seeds 5\n"};
    static const table t = {.name = "table4",
                            .title = "Why a baby cries, by pooling over time (InfantCryNet, table 4)",
                            .networks = "cnn14",
                            .start = "pretrained",
                            .compared_to = "cnn14/max+avg/pretrained"};
    return run(cli, argc, argv, &usage, &t);
}

int mewl_lab_grid(mewl_cli *cli, int argc, char **argv)
{
    static const mewl_cli_usage usage = {
        "lab grid", "",
        "All of tables 3 and 4: every network with every pooling, from scratch and from a pretrained start.\n"
        "Writes into the same folder as table3 and table4, which then cost nothing.",
        options,
        "  mewl lab grid --profile quick --seeds 3\n"
        "  mewl lab grid --networks cnn10,cnn14 --poolings stat,mha -o runs/few\n"};
    static const table t = {.name = "grid", .title = "Why a baby cries: networks and poolings"};
    return run(cli, argc, argv, &usage, &t);
}
