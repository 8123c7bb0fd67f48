/* lab_table5.c - `mewl lab table5`: the same answers from smaller models. */
#include "cli/lab.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab/compress.h"

#define PATH_BYTES 4200

enum {
    OPT_PRETRAINED = LAB_OPTION_COUNT,
    OPT_EPOCHS,
    OPT_WIDTH,
    OPT_TEMPERATURE,
    OPT_WEIGHT,
    OPT_TUNE,
    OPT_OWN_FOLDS,
    OPT_STUDENTS,
    OPT_FOLDS_RUN,
    OPT_COUNT
};

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_LAB_OPTIONS,
    [OPT_PRETRAINED] = {"pretrained", 0, "FOLDER",
                        "models of `mewl lab pretrain` to start teacher and students from (default: none)", false},
    [OPT_EPOCHS] = {"epochs", 0, "N", "passes over the training side", false},
    [OPT_WIDTH] = {"width", 0, "X", "channels of teacher and large student as a share of the published networks'",
                   false},
    [OPT_TEMPERATURE] = {"temperature", 0, "T", "of the distillation (default 3)", false},
    [OPT_WEIGHT] = {"weight", 0, "X", "the teacher's share in the students' loss (default 0.7)", false},
    [OPT_TUNE] = {"tune", 0, "N", "passes more of models that round as eight bits will (default 1; 0: none)", false},
    [OPT_OWN_FOLDS] = {"own-folds", 0, NULL, "the list's own folds (column `fold`), and no others", false},
    [OPT_STUDENTS] = {"students", 0, "LIST", "large, small or both with a comma (default: both)", false},
    [OPT_FOLDS_RUN] = {"folds-run", 0, "N", "of five folds, those tested for each seed (default 1)", false},
};

static const mewl_cli_usage usage = {
    "lab table5",
    "",
    "A teacher (CNN14), the paper's student (ResNet22) and a small one (a narrow CNN10), each alone, taught\n"
    "by the teacher, and in eight bits: linear layers alone, as the paper has it, everything, and everything\n"
    "after passes in which the network rounds as its eight bits will. Bytes on disk, accuracy with its paired\n"
    "difference to the teacher, and time on one thread.",
    options,
    "  mewl lab table5\n"
    "  mewl lab table5 --manifest mine.csv --column label --own-folds --folds-run 5\n"
    "  mewl lab table5 --profile paper --epochs 4 --seeds 1 -o runs/table5\n",
};

/* InfantCryNet's table 5. "Size" there is millions of parameters. */
static const char *const paper[] = {
    "cnn14 (teacher)",
    "73.63 %, 81 M",
    "resnet22 alone",
    "53.85 %, 64 M",
    "resnet22 distilled",
    "68.23 %, 64 M",
    "cnn14, int8 linear layers",
    "73.63 %, 75 M",
    "resnet22 distilled, int8 linear layers",
    "67.42 %, 58 M",
    NULL,
};

typedef struct figures {
    double epochs, width, temperature, weight, tune;
    long folds_run;
    bool large, small; /* students */
} figures;

static mewl_compress_model model_of(const mewl_lab *lab, const char *arch, const char *name, double width,
                                    const char *init)
{
    mewl_compress_model m = {.init = init};
    (void)snprintf(m.name, sizeof m.name, "%s", name);
    (void)snprintf(m.config.arch, sizeof m.config.arch, "%s", arch);
    (void)snprintf(m.config.front_end, sizeof m.config.front_end, "panns-16k");
    m.config.width = width;
    m.config.pooling = MEWL_POOL_AVG;
    m.config.dropout_block = m.config.dropout_head = lab->paper ? 0 : -1; /* 0: PANNs' own */
    m.config.global_pooling = MEWL_MODEL_POOL_STAT;
    return m;
}

static mewl_fit_opts fit_of(const mewl_lab *lab, const figures *f)
{
    return (mewl_fit_opts){
        .epochs = f->epochs,
        .batch = 16,
        .frames = lab->paper ? 500 : 200,
        .rate = lab->paper ? 3e-4 : 2e-3,
        .weight_decay = 1e-4,
        .balance = 0.5,
        .mask_frames = lab->paper ? 20 : 0,
        .mask_bands = lab->paper ? 8 : 0,
        .bf16 = true,
        .threads = 1,
        .temperature = f->temperature,
        .teacher_weight = f->weight,
        .crops = lab->paper ? 1 : 2,
    };
}

static mewl_status run_study(json_t **document, mewl_lab *lab, const mewl_compress_opts *o, const figures *f,
                             mewl_error *err)
{
    char teacher[MEWL_STUDY_NAME_MAX];
    (void)snprintf(teacher, sizeof teacher, "%s (teacher)", o->teacher.name);
    mewl_study_opts opts = mewl_lab_study_opts(
        lab, "Smaller models: distilled, in eight bits, both (InfantCryNet, table 5)", lab->paper ? 1 : 3);
    opts.compared_to = teacher;
    opts.folds_run = (int)f->folds_run;
    opts.own_folds = lab->value[OPT_OWN_FOLDS] != NULL;
    mewl_study *study = NULL;
    mewl_experiment *experiment = NULL;
    MEWL_TRY(mewl_study_open(&study, &lab->manifest, opts, err));
    json_t *identity = mewl_study_identity(study);
    mewl_status status = mewl_experiment_open(&experiment, lab->folder, identity, err);
    json_decref(identity);
    if (status == MEWL_OK) {
        status = mewl_compress_run(study, experiment, o, err);
    }
    if (status == MEWL_OK) {
        status = mewl_compress_document(document, study, experiment, o,
                                        lab->value[LAB_OPTION_MANIFEST] == NULL ? paper : NULL, err);
    }
    mewl_experiment_close(experiment);
    mewl_study_close(study);
    return status;
}

static mewl_status run(json_t **document, mewl_lab *lab, const figures *f, mewl_error *err)
{
    char teacher[PATH_BYTES];
    char student[PATH_BYTES];
    char small[PATH_BYTES];
    const char *folder = lab->value[OPT_PRETRAINED];
    (void)snprintf(teacher, sizeof teacher, "%.4000s/cnn14.safetensors", folder != NULL ? folder : "");
    (void)snprintf(student, sizeof student, "%.4000s/resnet22.safetensors", folder != NULL ? folder : "");
    (void)snprintf(small, sizeof small, "%.4000s/" MEWL_LAB_SMALL ".safetensors", folder != NULL ? folder : "");
    mewl_compress_opts o = {.fit = fit_of(lab, f), .tune_epochs = f->tune};
    o.teacher = model_of(lab, "cnn14", "cnn14", f->width, folder != NULL ? teacher : NULL);
    if (f->large) {
        o.students[o.student_count++] =
            model_of(lab, "resnet22", "resnet22", f->width, folder != NULL ? student : NULL);
    }
    if (f->small) {
        o.students[o.student_count] =
            model_of(lab, "cnn10", "small cnn10", MEWL_LAB_SMALL_WIDTH(lab->paper), folder != NULL ? small : NULL);
        o.students[o.student_count++].epochs_share = 2; /* a pass costs it little */
    }
    MEWL_TRY(mewl_lab_read_manifest(lab, err));
    MEWL_TRY(run_study(document, lab, &o, f, err));
    json_t *notes = json_array();
    (void)json_array_append_new(
        notes, json_string("The paper's sizes are millions of parameters: 81 M to 75 M is CNN14 without its linear "
                           "layers, which is what eight bits for these alone leave in 32."));
    (void)json_array_append_new(notes, json_string("Time is of this machine while it ran, one thread, clips of the "
                                                   "training's length in batches of eight."));
    return mewl_json_set(*document, "notes", notes) == MEWL_OK
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_MEMORY, "no memory for notes");
}

int mewl_lab_table5(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    mewl_lab lab;
    int code = mewl_lab_parse(cli, &usage, 0, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO || (code = mewl_lab_open(&lab, cli, value, "table5")) != MEWL_CLI_GO) {
        return code;
    }
    figures f = {.epochs = lab.paper ? 3 : 24,
                 .width = lab.paper ? 1 : 0.125,
                 .temperature = 3,
                 .weight = 0.7,
                 .tune = 1,
                 .folds_run = 1,
                 .large = true,
                 .small = true};
    if (argc > 0) {
        return mewl_cli_usage_error(cli, "`%s` is one word too many", argv[0]);
    }
    if (!mewl_cli_number(cli, "epochs", value[OPT_EPOCHS], 0.01, 1000, &f.epochs) ||
        !mewl_cli_number(cli, "width", value[OPT_WIDTH], 1.0 / 64, 4, &f.width) ||
        !mewl_cli_number(cli, "temperature", value[OPT_TEMPERATURE], 0.1, 100, &f.temperature) ||
        !mewl_cli_number(cli, "weight", value[OPT_WEIGHT], 0, 1, &f.weight) ||
        !mewl_cli_number(cli, "tune", value[OPT_TUNE], 0, 1000, &f.tune) ||
        !mewl_cli_integer(cli, "folds-run", value[OPT_FOLDS_RUN], 1, 5, &f.folds_run)) {
        return MEWL_EXIT_USAGE;
    }
    const char *students = value[OPT_STUDENTS];
    if (students != NULL) {
        f.large = strcmp(students, "small") != 0;
        f.small = strcmp(students, "large") != 0;
        if (f.large && f.small && strcmp(students, "large,small") != 0) {
            static const char *const which[] = {"large", "small", "large,small"};
            return mewl_cli_unknown(cli, "list of students", students, which, 3);
        }
    }
    mewl_error err = {0};
    json_t *document = NULL;
    mewl_status status = run(&document, &lab, &f, &err);
    return mewl_lab_close(&lab, status, document, &err);
}
