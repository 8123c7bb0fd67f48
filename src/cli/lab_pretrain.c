/* lab_pretrain.c - `mewl lab pretrain`: networks that YAMNet taught, for the tables' pretrained rows. */
#include "cli/lab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/readers.h"
#include "lab/pretrain.h"

enum { OPT_NETWORKS = LAB_OPTION_COUNT, OPT_TEACHER, OPT_EPOCHS, OPT_WIDTH, OPT_WITHOUT, OPT_LOWPASS, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_LAB_OPTIONS,
    [OPT_NETWORKS] = {"networks", 0, "LIST", "networks to make, with commas (default: those of the tables)", false},
    [OPT_TEACHER] = {"teacher", 0, "FILE", "YAMNet's file (default: weights/yamnet.tflite of the data sets)", false},
    [OPT_EPOCHS] = {"epochs", 0, "N", "passes over the sounds (default 8)", false},
    [OPT_WIDTH] = {"width", 0, "X", "channels as a share of the published networks' (" MEWL_LAB_SMALL " has its own)",
                   false},
    [OPT_WITHOUT] = {"without", 0, "SET", "folder of a data set to leave out, for tables on that set", false},
    [OPT_LOWPASS] = {"lowpass", 0, "HZ",
                     "what lies above is taken away (default 4000, as Donate-a-Cry has it; 0: nothing)", false},
};

static const mewl_cli_usage usage = {
    "lab pretrain",
    "",
    "Makes a start for the networks of the tables: each learns, without any label, to see in two seconds of\n"
    "sound what YAMNet sees in them. The sounds are those of the data sets whose licence allows any use, and\n"
    "Donate-a-Cry's uploads of apps that are not among the cleaned recordings, so that nobody of the tables\n"
    "is in them. With --manifest, the recordings of that list instead.",
    options,
    "  mewl lab pretrain\n"
    "  mewl lab pretrain --networks cnn10,cnn14 --width 0.125 -o runs/start\n"
    "  mewl lab pretrain --networks cnn14,small-cnn10 --without esc10 --lowpass 0 -o runs/start-esc10\n",
};

#define SET_COUNT 4

/* Sets of which everything may be heard; Donate-a-Cry comes first and in part. */
static const char *const folders[SET_COUNT] = {"esc10", "speech-commands", "librispeech-test-other", "catmeows"};

/* Adds the rows of a set; Donate-a-Cry's of apps that `known` does not hold. */
static mewl_status add_set(mewl_manifest *all, const mewl_lab *lab, const char *folder, const mewl_manifest *known,
                           mewl_error *err)
{
    mewl_manifest set;
    mewl_status status = mewl_lab_scan(lab, &set, folder, err);
    if (status == MEWL_E_NOT_FOUND && lab->data[0] != '\0') {
        mewl_cli_note(lab->cli, "%s is not there and is left out", folder);
        return MEWL_OK;
    }
    MEWL_TRY(status);
    for (size_t i = 0; status == MEWL_OK && i < set.count; i++) {
        bool meant = true;
        for (size_t k = 0; meant && known != NULL && k < known->count; k++) {
            meant = strcmp(known->rows[k].group, set.rows[i].group) != 0;
        }
        if (meant) {
            mewl_row row = set.rows[i];
            row.extra = NULL;
            status = mewl_manifest_add(all, &row, err);
        }
    }
    mewl_manifest_fini(&set);
    return status;
}

/* The sounds: licences that allow any use, and no infant of the tables. */
static mewl_status gather(mewl_manifest *all, mewl_lab *lab, mewl_error *err)
{
    if (lab->value[LAB_OPTION_MANIFEST] != NULL) {
        return mewl_manifest_read(all, lab->value[LAB_OPTION_MANIFEST], err);
    }
    MEWL_TRY(mewl_lab_read_manifest(lab, err));
    MEWL_TRY(mewl_manifest_init(all, err));
    mewl_status status = add_set(all, lab, "donateacry-corpus", &lab->manifest, err);
    for (size_t i = 0; status == MEWL_OK && i < SET_COUNT; i++) {
        if (lab->value[OPT_WITHOUT] == NULL || strcmp(lab->value[OPT_WITHOUT], folders[i]) != 0) {
            status = add_set(all, lab, folders[i], NULL, err);
        }
    }
    if (status != MEWL_OK) {
        mewl_manifest_fini(all);
    }
    return status;
}

static mewl_model_config network_of(const mewl_lab *lab, const char *name, double width)
{
    const bool small = strcmp(name, MEWL_LAB_SMALL) == 0;
    mewl_model_config config = {.width = small ? MEWL_LAB_SMALL_WIDTH(lab->paper) : width,
                                .pooling = MEWL_POOL_AVG,
                                .dropout_block = -1,
                                .dropout_head = -1};
    (void)snprintf(config.arch, sizeof config.arch, "%s", small ? "cnn10" : name);
    (void)snprintf(config.front_end, sizeof config.front_end, "%s",
                   strncmp(name, "wavegram", 8) == 0 ? "wavegram-16k" : "panns-16k");
    return config;
}

static mewl_status run(mewl_lab *lab, double epochs, double width, double lowpass_hz, mewl_error *err)
{
    char teacher[4096];
    if (lab->value[OPT_TEACHER] != NULL) {
        (void)snprintf(teacher, sizeof teacher, "%s", lab->value[OPT_TEACHER]);
    } else {
        (void)snprintf(teacher, sizeof teacher, "%s/weights/yamnet.tflite", lab->data);
    }
    mewl_pretrain_opts opts = {
        .teacher = teacher,
        .folder = lab->folder,
        .lowpass_hz = lowpass_hz,
        .fit = {.epochs = epochs,
                .batch = 16,
                .frames = 200,
                .rate = 2e-3,
                .weight_decay = 1e-4,
                .mask_frames = 10,
                .mask_bands = 4,
                .bf16 = true,
                .threads = 1},
        .seed = 1,
        .stop = lab->stop,
        .progress = &lab->progress,
        .log = &lab->log,
    };
    mewl_manifest sounds;
    MEWL_TRY(gather(&sounds, lab, err));
    mewl_status status = mewl_pretrain_ask(&sounds, opts, err);
    mewl_manifest_fini(&sounds);
    const char *list = lab->value[OPT_NETWORKS] != NULL ? lab->value[OPT_NETWORKS]
                                                        : "cnn10,cnn14,resnet22,mobilenetv1," MEWL_LAB_SMALL
                                                          ",wavegram-logmel-cnn14";
    for (const char *at = list; status == MEWL_OK && *at != '\0'; at += strcspn(at, ",")) {
        at += *at == ',';
        char name[sizeof((mewl_model_config *)NULL)->arch];
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
        mewl_pretrain_result result;
        status = mewl_pretrain_network(&result, name, network_of(lab, name, width), opts, err);
        mewl_cli_report_clear(lab->cli);
        if (status == MEWL_OK) {
            (void)printf("%-24s explains %.3f of the teacher's variance on %zu held-out of %zu stretches\n", name,
                         result.explained, result.held_out, result.segments);
            (void)fflush(stdout);
        }
    }
    return status;
}

int mewl_lab_pretrain(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    mewl_lab lab;
    const unsigned unused = LAB_UNUSED(COLUMN) | LAB_UNUSED(SEEDS) | LAB_UNUSED(HTML);
    int code = mewl_lab_parse(cli, &usage, unused, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO || (code = mewl_lab_open(&lab, cli, value, "pretrain")) != MEWL_CLI_GO) {
        return code;
    }
    double epochs = 8;
    double width = lab.paper ? 1 : 0.125;
    double lowpass_hz = 4000;
    if (argc > 0) {
        return mewl_cli_usage_error(cli, "`%s` is one word too many", argv[0]);
    }
    if (!mewl_cli_number(cli, "epochs", value[OPT_EPOCHS], 0.01, 1000, &epochs) ||
        !mewl_cli_number(cli, "width", value[OPT_WIDTH], 1.0 / 64, 4, &width) ||
        !mewl_cli_number(cli, "lowpass", value[OPT_LOWPASS], 0, 7500, &lowpass_hz)) {
        return MEWL_EXIT_USAGE;
    }
    if (value[OPT_WITHOUT] != NULL && value[LAB_OPTION_MANIFEST] != NULL) {
        return mewl_cli_usage_error(cli, "--without goes with the data sets, not with --manifest");
    }
    if (value[OPT_WITHOUT] != NULL) {
        size_t i = 0;
        while (i < SET_COUNT && strcmp(value[OPT_WITHOUT], folders[i]) != 0) {
            i++;
        }
        if (i == SET_COUNT) {
            return mewl_cli_unknown(cli, "data set", value[OPT_WITHOUT], folders, SET_COUNT);
        }
    }
    mewl_error err = {0};
    mewl_status status = run(&lab, epochs, width, lowpass_hz, &err);
    return mewl_lab_close(&lab, status, NULL, &err);
}
