/* lab_tinytoes.c - `mewl lab tinytoes`: TinyToes' protocol (ten stratified folds of Donate-a-Cry's 457 clips, hybrid
 * pictures of spectrum, mel bands and cepstra) beside the same with nobody on both sides. */
#include "cli/lab.h"

#include <stdio.h>
#include <string.h>

enum { OPT_FOLDS = LAB_OPTION_COUNT, OPT_FOLDS_RUN, OPT_EPOCHS, OPT_WIDTH, OPT_BALANCE, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_LAB_OPTIONS,
    [OPT_FOLDS] = {"folds", 0, "N", "folds the recordings are dealt to (default 10)", false},
    [OPT_FOLDS_RUN] = {"folds-run", 0, "N", "folds tested for each seed (default: all)", false},
    [OPT_EPOCHS] = {"epochs", 0, "N", "passes over the training side", false},
    [OPT_WIDTH] = {"width", 0, "X", "channels as a share of the full networks'", false},
    [OPT_BALANCE] = {"balance", 0, "X", "share of examples drawn by class, 0 to 1 (default 0)", false},
};

static const mewl_cli_usage usage = {
    "lab tinytoes",
    "",
    "TinyToes' networks on hybrid pictures: four local feature blocks, multi-head attention, LSTM, softmax;\n"
    "and ResNet50 with multi-head attention. Ten stratified folds at random, as they did it, and ten in which\n"
    "nobody is on both sides. Their 88 % stands against 83.6 % for always answering `hungry`.\n"
    "Classical heads on embeddings under the same folds: `mewl lab reason`.",
    options,
    "  mewl lab tinytoes\n"
    "  mewl lab tinytoes --profile paper --seeds 1 -o runs/tinytoes\n",
};

typedef struct figures {
    double epochs, width, balance;
    long folds, folds_run;
} figures;

static mewl_study_config row_of(const mewl_lab *lab, const figures *f, const char *arch, double cost)
{
    mewl_study_config c = {.cost = cost};
    (void)snprintf(c.name, sizeof c.name, "%s", arch);
    (void)snprintf(c.paper, sizeof c.paper, "%s", lab->value[LAB_OPTION_MANIFEST] == NULL ? "88 %" : "");
    (void)snprintf(c.model.arch, sizeof c.model.arch, "%s", arch);
    (void)snprintf(c.model.front_end, sizeof c.model.front_end, "hybrid");
    c.model.width = strcmp(arch, "tinytoes") == 0 || lab->paper ? f->width : f->width / 2; /* ResNet50 is wide */
    c.fit = (mewl_fit_opts){
        .epochs = f->epochs,
        .batch = lab->paper ? 16 : 8,
        .frames = lab->paper ? 500 : 200,
        .rate =
            strcmp(arch, "tinytoes") == 0 ? 5e-3 : 1e-3, /* an LSTM's state is small: slower weights stay at guessing */
        .weight_decay = 1e-4,
        .balance = f->balance,
        .mask_frames = lab->paper ? 20 : 0,
        .mask_bands = lab->paper ? 20 : 0,
        .bf16 = true,
        .threads = 1,
        .crops = 2,
    };
    return c;
}

static mewl_status run(json_t **document, mewl_lab *lab, const figures *f, mewl_error *err)
{
    mewl_study_config rows[2] = {row_of(lab, f, "tinytoes", 1), row_of(lab, f, "resnet50-mha", 1)};
    MEWL_TRY(mewl_lab_read_manifest(lab, err));
    mewl_study_opts opts =
        mewl_lab_study_opts(lab, "Why a baby cries, by TinyToes' networks and protocol: ten folds", 1);
    opts.folds = (int)f->folds;
    opts.folds_run = (int)f->folds_run;
    MEWL_TRY(mewl_lab_run_study(document, lab, opts, rows, 2, err));
    json_t *notes = json_array();
    (void)json_array_append_new(
        notes, json_string("TinyToes reports 88 % accuracy without saying on which split; always answering the most "
                           "frequent reason gives 83.6 %."));
    return mewl_json_set(*document, "notes", notes) == MEWL_OK
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_MEMORY, "no memory for notes");
}

int mewl_lab_tinytoes(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    mewl_lab lab;
    int code = mewl_lab_parse(cli, &usage, 0, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO || (code = mewl_lab_open(&lab, cli, value, "tinytoes")) != MEWL_CLI_GO) {
        return code;
    }
    figures f = {.epochs = lab.paper ? 30 : 8, .width = lab.paper ? 1 : 0.25, .folds = 10};
    if (argc > 0) {
        return mewl_cli_usage_error(cli, "`%s` is one word too many", argv[0]);
    }
    if (!mewl_cli_number(cli, "epochs", value[OPT_EPOCHS], 0.01, 1000, &f.epochs) ||
        !mewl_cli_number(cli, "width", value[OPT_WIDTH], 1.0 / 64, 4, &f.width) ||
        !mewl_cli_number(cli, "balance", value[OPT_BALANCE], 0, 1, &f.balance) ||
        !mewl_cli_integer(cli, "folds", value[OPT_FOLDS], 2, MEWL_STUDY_FOLDS_MAX, &f.folds) ||
        !mewl_cli_integer(cli, "folds-run", value[OPT_FOLDS_RUN], 1, f.folds, &f.folds_run)) {
        return MEWL_EXIT_USAGE;
    }
    mewl_error err = {0};
    json_t *document = NULL;
    mewl_status status = run(&document, &lab, &f, &err);
    return mewl_lab_close(&lab, status, document, &err);
}
