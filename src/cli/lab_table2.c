/* lab_table2.c - `mewl lab table2`: is it a cry? Clips of cries against clips of everything else, as InfantCryNet's
 * table 2 has it. What a detector is worth in a home is another question: `mewl eval`. */
#include "cli/lab.h"

#include <stdio.h>
#include <string.h>

enum { OPT_FOLDS_RUN = LAB_OPTION_COUNT, OPT_EPOCHS, OPT_WIDTH, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_LAB_OPTIONS,
    [OPT_FOLDS_RUN] = {"folds-run", 0, "N", "of five folds, those tested for each seed (default 1)", false},
    [OPT_EPOCHS] = {"epochs", 0, "N", "passes over the training side", false},
    [OPT_WIDTH] = {"width", 0, "X", "channels as a share of the published networks'", false},
};

static const mewl_cli_usage usage = {
    "lab table2",
    "",
    "Cry or no cry, clip by clip: CNN10, CNN14 and, as a plain baseline, a network of one narrow block-stack\n"
    "(CNN6 at a sixteenth of its width). Cries of Donate-a-Cry and ESC-10 against ESC-10's other sounds,\n"
    "speech, single words and cats. All sound through the same band-limit of 4 kHz: the cries were recorded at\n"
    "8 kHz, and a network that hears the difference needs no cry. With --manifest, any list with labels.",
    options,
    "  mewl lab table2\n"
    "  mewl lab table2 --profile paper --seeds 1\n",
};

static mewl_status add_rows(mewl_manifest *all, mewl_lab *lab, const char *folder, mewl_error *err)
{
    mewl_manifest set;
    MEWL_TRY(mewl_lab_scan(lab, &set, folder, err));
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < set.count; i++) {
        mewl_row row = set.rows[i];
        row.extra = NULL;
        row.label = strcmp(row.label, MEWL_LABEL_CRY) == 0 ? MEWL_LABEL_CRY : "other";
        status = mewl_manifest_add(all, &row, err);
    }
    mewl_manifest_fini(&set);
    return status;
}

static mewl_status gather(mewl_lab *lab, mewl_error *err)
{
    static const char *const folders[] = {
        "donateacry-corpus/donateacry_corpus_cleaned_and_updated_data",
        "esc10",
        "speech-commands",
        "librispeech-test-other",
        "catmeows",
    };
    if (lab->value[LAB_OPTION_MANIFEST] != NULL) {
        return mewl_lab_read_manifest(lab, err);
    }
    MEWL_TRY(mewl_manifest_init(&lab->manifest, err));
    lab->has_manifest = true;
    lab->column = "label";
    (void)snprintf(lab->manifest_name, sizeof lab->manifest_name,
                   "Donate-a-Cry, ESC-10, Speech Commands, LibriSpeech, CatMeows");
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        MEWL_TRY(add_rows(&lab->manifest, lab, folders[i], err));
    }
    mewl_manifest_sort(&lab->manifest);
    return MEWL_OK;
}

static mewl_study_config row_of(const mewl_lab *lab, const char *arch, double width, double epochs, const char *paper,
                                double cost)
{
    mewl_study_config c = {.cost = cost};
    (void)snprintf(c.name, sizeof c.name, "%s", arch);
    (void)snprintf(c.paper, sizeof c.paper, "%s", lab->value[LAB_OPTION_MANIFEST] == NULL ? paper : "");
    (void)snprintf(c.model.arch, sizeof c.model.arch, "%s", arch);
    (void)snprintf(c.model.front_end, sizeof c.model.front_end, "panns-16k");
    c.model.width = width;
    c.model.pooling = MEWL_POOL_AVG;
    c.model.dropout_block = c.model.dropout_head = lab->paper ? 0 : -1; /* 0: PANNs' own */
    c.fit = (mewl_fit_opts){.epochs = epochs,
                            .batch = 16,
                            .frames = lab->paper ? 300 : 150,
                            .rate = lab->paper ? 3e-4 : 2e-3,
                            .weight_decay = 1e-4,
                            .mask_frames = lab->paper ? 15 : 0,
                            .mask_bands = lab->paper ? 6 : 0,
                            .bf16 = true,
                            .threads = 1,
                            .crops = 2};
    return c;
}

static mewl_status run(json_t **document, mewl_lab *lab, double epochs, double width, long folds_run, mewl_error *err)
{
    mewl_study_config rows[3] = {row_of(lab, "cnn10", width, epochs, "99.8 %", 1),
                                 row_of(lab, "cnn14", width, epochs, "99.8 %", 1.5),
                                 row_of(lab, "cnn6", 0.0625, epochs, "", 0.7)};
    MEWL_TRY(gather(lab, err));
    mewl_study_opts opts =
        mewl_lab_study_opts(lab, "Cry or no cry, clip by clip (InfantCryNet, table 2)", lab->paper ? 1 : 3);
    opts.lowpass_hz = 4000;
    opts.folds_run = (int)folds_run;
    opts.compared_to = "cnn10";
    MEWL_TRY(mewl_lab_run_study(document, lab, opts, rows, 3, err));
    json_t *notes = json_array();
    (void)json_array_append_new(
        notes, json_string("Clips that hold a cry or none at all, loud and alone: how the paper tests. In a home, "
                           "cries are faint, rooms noisy and hours long; `mewl eval --mixtures` measures that."));
    return mewl_json_set(*document, "notes", notes) == MEWL_OK
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_MEMORY, "no memory for notes");
}

int mewl_lab_table2(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    mewl_lab lab;
    int code = mewl_lab_parse(cli, &usage, 0, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO || (code = mewl_lab_open(&lab, cli, value, "table2")) != MEWL_CLI_GO) {
        return code;
    }
    double epochs = lab.paper ? 2 : 5;
    double width = lab.paper ? 1 : 0.125;
    long folds_run = 1;
    if (argc > 0) {
        return mewl_cli_usage_error(cli, "`%s` is one word too many", argv[0]);
    }
    if (value[LAB_OPTION_COLUMN] != NULL && value[LAB_OPTION_MANIFEST] == NULL) {
        return mewl_cli_usage_error(cli, "--column says where the classes of --manifest stand");
    }
    if (!mewl_cli_number(cli, "epochs", value[OPT_EPOCHS], 0.01, 1000, &epochs) ||
        !mewl_cli_number(cli, "width", value[OPT_WIDTH], 1.0 / 64, 4, &width) ||
        !mewl_cli_integer(cli, "folds-run", value[OPT_FOLDS_RUN], 1, 5, &folds_run)) {
        return MEWL_EXIT_USAGE;
    }
    mewl_error err = {0};
    json_t *document = NULL;
    mewl_status status = run(&document, &lab, epochs, width, folds_run, &err);
    return mewl_lab_close(&lab, status, document, &err);
}
