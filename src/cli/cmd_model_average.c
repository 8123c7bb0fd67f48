/* cmd_model_average.c - `mewl model average MODEL MODEL...`: the mean of several trainings of one recipe. */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/model_file.h"
#include "models/average.h"

#define MODELS_MAX 16

enum { OPT_OUT, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_OUT] = {"output", 'o', "OUT.safetensors", "file to write", false},
};

static const mewl_cli_usage usage = {
    .command = "model average",
    .operands = "MODEL MODEL...",
    .about =
        "Writes a model whose weights are the mean of those of 2 to 16 models, trained with one recipe from one start\n"
        "but with other seeds: as fast as one of them. Better than each it is for some recipes and not for others\n"
        "(for the shipped detector's it was not): compare with `mewl eval`. Its notes are the first's; `averaged`\n"
        "names the files.",
    .options = options,
    .examples = "  mewl model average runs/seed1/best.safetensors runs/seed2/best.safetensors -o mean.safetensors\n"};

/* "a.safetensors, b.safetensors": names without folders. */
static mewl_status note_files(mewl_model *model, int count, char **paths, mewl_error *err)
{
    char text[2048] = "";
    for (int i = 0; i < count; i++) {
        const char *slash = strrchr(paths[i], '/');
        (void)strncat(text, i > 0 ? ", " : "", sizeof text - strlen(text) - 1);
        (void)strncat(text, slash != NULL ? slash + 1 : paths[i], sizeof text - strlen(text) - 1);
    }
    return mewl_model_set_note(model, "averaged", text, err);
}

int mewl_cmd_model_average(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc < 2 || argc > MODELS_MAX || value[OPT_OUT] == NULL) {
        return mewl_cli_usage_error(cli, argc < 2            ? "name two models or more"
                                         : argc > MODELS_MAX ? "16 models at most"
                                                             : "say where to write with -o OUT.safetensors");
    }
    mewl_model *models[MODELS_MAX] = {NULL};
    mewl_error err = {0};
    mewl_status status = MEWL_OK;
    for (int i = 0; status == MEWL_OK && i < argc; i++) {
        status = mewl_model_load(&models[i], argv[i], &err);
        if (status != MEWL_OK) {
            status = mewl_cli_model_explain(argv[i], MEWL_CLI_MODEL_ANY, &err);
        }
    }
    if (status == MEWL_OK) {
        status = mewl_model_average(models, (size_t)argc, &err);
    }
    if (status == MEWL_OK) {
        status = note_files(models[0], argc, argv, &err);
    }
    if (status == MEWL_OK) {
        status = mewl_model_save(models[0], value[OPT_OUT], false, &err);
    }
    for (int i = 0; i < argc; i++) {
        mewl_model_free(models[i]);
    }
    return status == MEWL_OK ? MEWL_EXIT_DONE : mewl_cli_fail(cli, &err);
}
