/* cmd_train.c - `mewl train RECIPE.ini`: runs lab/train.h, draws progress, turns Ctrl-C into a checkpoint. */
#include "cli/cli.h"
#include "cli/commands.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/stop.h"
#include "data/recipe.h"
#include "lab/train.h"

#define SETTINGS_MAX 64
#define SETTING_BYTES 4200

enum { OPT_RESUME, OPT_FOLD, OPT_SEED, OPT_OUT, OPT_DATA, OPT_INIT, OPT_STOP_AFTER, OPT_KEYS, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_RESUME] = {"resume", 0, NULL, "go on where the training in the output folder stopped", false},
    [OPT_FOLD] = {"fold", 0, "K", "ESC fold that is never trained on (data.esc_test_fold)", false},
    [OPT_SEED] = {"seed", 0, "N", "seed of everything random (recipe.seed)", false},
    [OPT_OUT] = {"output", 'o', "DIR", "folder for log, checkpoints and model (train.out)", false},
    [OPT_DATA] = {"data", 0, "DIR", "folder of the data sets (data.root; MEWL_DATA)", false},
    [OPT_INIT] = {"init", 0, "MODEL", "model to start from (model.init)", false},
    [OPT_STOP_AFTER] = {"stop-after", 0, "STEPS", "stop with a checkpoint after this many steps", false},
    [OPT_KEYS] = {"keys", 0, NULL, "list every key a recipe may hold, with defaults and limits", false},
};

static const mewl_cli_usage usage = {
    "train",
    "RECIPE.ini [SECTION.KEY=VALUE...]",
    "Trains a model as a recipe says. The output folder (runs/NAME unless the recipe or -o says\n"
    "otherwise) gets log.ndjson, last.safetensors (to go on from), best.safetensors (best on the\n"
    "held-out side) and model.safetensors (the last). Ctrl-C writes a checkpoint and stops; --resume\n"
    "then goes on bit for bit. Lines of the recipe can be replaced on the command line.",
    options,
    "  mewl train recipes/detect.ini\n"
    "  mewl train recipes/detect.ini --resume\n"
    "  mewl train recipes/detect.ini -o runs/wide model.width=0.5 train.epochs=40\n"
    "  mewl train recipes/esc10.ini --fold 3 -o runs/esc10-3\n",
};

static void print_keys(void)
{
    size_t count = 0;
    const mewl_recipe_key *keys = mewl_recipe_keys(&count);
    const char *section = "";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(section, keys[i].section) != 0) {
            section = keys[i].section;
            (void)printf("%s[%s]\n", i == 0 ? "" : "\n", section);
        }
        (void)printf("; %s (%s", keys[i].help, keys[i].choices != NULL ? keys[i].choices : keys[i].type);
        if (!isnan(keys[i].low)) {
            (void)printf(", %g to %g", keys[i].low, keys[i].high);
        }
        (void)printf(")\n%s = %s\n", keys[i].key, keys[i].default_text);
    }
}

static void print_result(const mewl_cli *cli, const mewl_train_result *r)
{
    if (cli->json || cli->ndjson) {
        json_t *out = json_object();
        (void)mewl_json_set_string(out, "event", r->stopped ? "stopped" : "trained");
        (void)mewl_json_set_string(out, "model", r->model_path);
        (void)mewl_json_set_int(out, "steps", (int64_t)r->steps);
        (void)mewl_json_set_real(out, "seconds", r->seconds);
        (void)mewl_json_set_real(out, "step_ms", r->step_ms);
        (void)mewl_json_set_real(out, "data_wait_ms", r->data_wait_ms);
        (void)mewl_json_set_real(out, "train_loss", r->train_loss);
        (void)mewl_json_set_real(out, "valid_loss", r->valid_loss);
        (void)mewl_json_set_real(out, "valid_figure", r->valid_figure);
        (void)mewl_json_set_real(out, "best_figure", r->best_figure);
        (void)mewl_json_set_int(out, "best_step", (int64_t)r->best_step);
        (void)mewl_json_print(out, stdout, !cli->ndjson, NULL);
        json_decref(out);
        return;
    }
    char span[32];
    (void)printf("%s %zu step%s, %s", r->stopped ? "Stopped after" : "Trained", r->steps, mewl_cli_s(r->steps),
                 mewl_cli_duration(span, sizeof span, r->seconds));
    if (isfinite(r->step_ms)) {
        (void)printf(" (%.0f ms a step, %.0f of them waiting for data)", r->step_ms, r->data_wait_ms);
    }
    (void)putchar('\n');
    if (!isnan(r->best_figure)) {
        (void)printf("Best on the held-out side: %.4f at step %zu\n", r->best_figure, r->best_step);
    }
    (void)printf("%s\n", r->model_path);
}

/* Collects SECTION.KEY=VALUE texts: from operands as they are, from options made here. */
typedef struct settings {
    const char *text[SETTINGS_MAX];
    size_t count;
    char made[4][SETTING_BYTES];
    size_t made_count;
} settings;

static bool add_option(settings *s, const char *key, const char *value)
{
    if (value == NULL) {
        return true;
    }
    char *text = s->made[s->made_count++];
    int n = snprintf(text, SETTING_BYTES, "%s=%s", key, value);
    s->text[s->count++] = text;
    return n > 0 && n < SETTING_BYTES;
}

/* A path given on the command line is relative to the working folder, one in a recipe to the recipe. */
static bool add_path(settings *s, const char *key, const char *value)
{
    char *resolved = value == NULL ? NULL : realpath(value, NULL);
    bool ok = add_option(s, key, resolved != NULL ? resolved : value);
    free(resolved);
    return ok;
}

int mewl_cmd_train(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (value[OPT_KEYS] != NULL) {
        print_keys();
        return MEWL_EXIT_DONE;
    }
    if (argc < 1) {
        return mewl_cli_usage_error(cli, "which recipe?");
    }
    if (argc - 1 > SETTINGS_MAX - 5) {
        return mewl_cli_usage_error(cli, "too many settings: put them into a recipe");
    }
    static settings s; /* too large for comfort on the stack */
    long stop_after = 0;
    if (!mewl_cli_integer(cli, "stop-after", value[OPT_STOP_AFTER], 1, 1000000000, &stop_after)) {
        return MEWL_EXIT_USAGE;
    }
    bool ok = add_option(&s, "data.esc_test_fold", value[OPT_FOLD]) && add_option(&s, "recipe.seed", value[OPT_SEED]) &&
              add_path(&s, "data.root", value[OPT_DATA]) && add_path(&s, "model.init", value[OPT_INIT]);
    if (!ok) {
        return mewl_cli_usage_error(cli, "an option's value is too long");
    }
    for (int i = 1; i < argc; i++) {
        if (strchr(argv[i], '=') == NULL) {
            return mewl_cli_usage_error(cli, "`%s` is not of the form SECTION.KEY=VALUE", argv[i]);
        }
        s.text[s.count++] = argv[i];
    }
    mewl_progress progress = {.report = mewl_cli_report, .user = cli};
    mewl_log log = {.write = mewl_cli_log, .user = cli, .most = MEWL_LOG_INFO};
    mewl_train_opts opts = {.output = value[OPT_OUT],
                            .set = s.text,
                            .set_count = s.count,
                            .stop_after = (size_t)stop_after,
                            .resume = value[OPT_RESUME] != NULL,
                            .stop = mewl_cli_catch_signals(),
                            .progress = &progress,
                            .log = &log};
    mewl_train_result result;
    mewl_error err = {0};
    mewl_status status = mewl_train_run(&result, argv[0], opts, &err);
    mewl_cli_report_clear(cli);
    if (status != MEWL_OK) {
        return mewl_cli_fail(cli, &err);
    }
    print_result(cli, &result);
    return MEWL_EXIT_DONE;
}
