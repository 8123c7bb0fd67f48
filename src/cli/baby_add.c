/* baby_add.c - `mewl baby add` and `mewl baby set`: an infant and what is wanted for it. */
#include <stdlib.h>
#include <string.h>

#include "cli/baby.h"

#define ALARM_DAYS 30.0
#define CLIPS_MB 1000.0

enum { OPT_BORN = MEWL_BABY_OPTIONS, OPT_SEX, OPT_ALARM_DAYS, OPT_CLIPS, OPT_NO_CLIPS, OPT_CLIPS_MB, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_BABY_OPTION_ROWS,
    [OPT_BORN] = {"born", 0, "DATE", "day of birth, as in 2026-11-20", false},
    [OPT_SEX] = {"sex", 0, "f|m|x", "x: not said (x)", false},
    [OPT_ALARM_DAYS] = {"alarm-days", 0, "N", "at most about one false alarm in N days, 0.1 to 3650 (30)", true},
    [OPT_CLIPS] = {"clips", 0, NULL, "keep the recordings themselves beside the database (as at first)", false},
    [OPT_NO_CLIPS] = {"no-clips", 0, NULL, "keep numbers alone, no sound", false},
    [OPT_CLIPS_MB] = {"clips-mb", 0, "MB", "most room for kept recordings; the oldest go first (1000)", true},
};

static const mewl_cli_usage add_usage = {
    .command = "baby add",
    .operands = "NAME",
    .about = "Adds an infant. Everything about it stays in one folder on this machine; `mewl baby delete` removes all\n"
             "of it. Then let Mewl learn its usual cries with `mewl baby enrol`.",
    .options = options,
    .examples = "  mewl baby add Ida --born 2026-09-01 --sex f\n"
                "  mewl baby add Otto --born 2026-09-01 --alarm-days 90 --no-clips\n"};

static const mewl_cli_usage set_usage = {
    .command = "baby set",
    .operands = "NAME",
    .about = "Changes what was said when the infant was added. What was kept so far stays.",
    .options = options,
    .examples = "  mewl baby set Ida --alarm-days 60\n"
                "  mewl baby set Ida --no-clips\n"};

/* What the options say into *infant; what they do not say stays. MEWL_CLI_GO or the exit code. */
static int take_options(mewl_cli *cli, mewl_store_infant *infant, const char *const *value)
{
    double megabytes = (double)infant->clips_bytes / 1e6;
    if (value[OPT_BORN] != NULL && !mewl_baby_parse_day(&infant->born_ms, value[OPT_BORN])) {
        return mewl_cli_usage_error(cli, "--born takes a day like 2026-11-20, not `%s`", value[OPT_BORN]);
    }
    if (value[OPT_SEX] != NULL) {
        if (strlen(value[OPT_SEX]) != 1 || strchr("fmx", value[OPT_SEX][0]) == NULL) {
            return mewl_cli_usage_error(cli, "--sex is f, m or x, not `%s`", value[OPT_SEX]);
        }
        infant->sex = value[OPT_SEX][0];
    }
    if (value[OPT_CLIPS] != NULL && value[OPT_NO_CLIPS] != NULL) {
        return mewl_cli_usage_error(cli, "--clips and --no-clips exclude each other");
    }
    if (!mewl_cli_number(cli, "alarm-days", value[OPT_ALARM_DAYS], 0.1, 3650.0, &infant->alarm_days) ||
        !mewl_cli_number(cli, "clips-mb", value[OPT_CLIPS_MB], 0.0, 1e7, &megabytes)) {
        return MEWL_EXIT_USAGE;
    }
    infant->clips_bytes = (int64_t)(1e6 * megabytes);
    infant->keep_clips = value[OPT_CLIPS] != NULL || (infant->keep_clips && value[OPT_NO_CLIPS] == NULL);
    return MEWL_CLI_GO;
}

/* A name is one line of text that can be seen and typed. */
static bool good_name(const char *name, size_t size)
{
    bool seen = false;
    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return false;
        }
        seen = seen || *c != ' ';
    }
    return seen && strlen(name) < size;
}

/* Whether the name is free, as far as there is a store: asked before anything else is. MEWL_CLI_GO or the exit code. */
static int check_free(mewl_cli *cli, const char *name, const char *const *value)
{
    mewl_baby baby = {0};
    mewl_store_infant infant;
    int code = mewl_baby_open_any(&baby, cli, value);
    if (code == MEWL_CLI_GO && baby.store != NULL &&
        mewl_store_infant_find(baby.store, &infant, name, NULL) == MEWL_OK) {
        mewl_error err = {0};
        (void)mewl_error_set(&err, MEWL_E_STATE, "there is an infant called %s already; `mewl baby set` changes it",
                             infant.name);
        code = mewl_cli_fail(cli, &err);
    }
    mewl_baby_close(&baby);
    return code;
}

static int add(mewl_cli *cli, const char *name, const char *const *value)
{
    mewl_baby baby = {0};
    mewl_error err = {0};
    mewl_store_infant infant = {
        .sex = 'x', .alarm_days = ALARM_DAYS, .keep_clips = true, .clips_bytes = (int64_t)(1e6 * CLIPS_MB)};
    if (!good_name(name, sizeof infant.name)) {
        return mewl_cli_usage_error(cli, "a name is one line of 1 to %zu bytes, and not blank", sizeof infant.name - 1);
    }
    int code = check_free(cli, name, value);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (value[OPT_BORN] == NULL) {
        return mewl_cli_usage_error(cli, "say with --born DATE when %s was born: voices change with age", name);
    }
    code = take_options(cli, &infant, value);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    (void)strcpy(infant.name, name);
    code = mewl_baby_now(&baby, cli, value);
    code = code == MEWL_CLI_GO ? mewl_baby_not_future(&baby, "born", infant.born_ms) : code;
    if (code != MEWL_CLI_GO) {
        return code; /* no store is made for that */
    }
    code = mewl_baby_open(&baby, cli, value, NULL, false);
    infant.created_ms = baby.now_ms;
    if (code == MEWL_CLI_GO) {
        code = mewl_store_infant_add(baby.store, &infant.id, &infant, &err) == MEWL_OK ? MEWL_EXIT_DONE
                                                                                       : mewl_cli_fail(cli, &err);
    }
    if (code == MEWL_EXIT_DONE) {
        mewl_cli_note(cli, "%s is in %s. Next: mewl baby enrol %s RECORDINGS...", infant.name,
                      mewl_store_folder(baby.store), infant.name);
    }
    mewl_baby_close(&baby);
    return code;
}

/* Whether no recording was made before the day of birth said now. */
static int check_birth(mewl_baby *baby)
{
    mewl_store_totals totals;
    mewl_error err = {0};
    char day[32], time[32];
    if (mewl_store_infant_totals(baby->store, &totals, baby->infant.id, &err) != MEWL_OK) {
        return mewl_cli_fail(baby->cli, &err);
    }
    if (totals.recordings == 0 || !mewl_baby_before_birth(totals.first_ms, baby->infant.born_ms)) {
        return MEWL_CLI_GO;
    }
    return mewl_cli_usage_error(baby->cli, "--born: there are cries of %s from before %s, the first of %s",
                                baby->infant.name, mewl_baby_day(day, baby->infant.born_ms),
                                mewl_baby_time(time, totals.first_ms));
}

static int change(mewl_cli *cli, const char *name, const char *const *value)
{
    mewl_baby baby = {0};
    mewl_error err = {0};
    int code = mewl_baby_open(&baby, cli, value, name, true);
    code = code == MEWL_CLI_GO ? take_options(cli, &baby.infant, value) : code;
    code = code == MEWL_CLI_GO ? mewl_baby_not_future(&baby, "born", baby.infant.born_ms) : code;
    code = code == MEWL_CLI_GO && value[OPT_BORN] != NULL ? check_birth(&baby) : code;
    if (code == MEWL_CLI_GO) {
        code = mewl_store_infant_update(baby.store, &baby.infant, &err) == MEWL_OK ? MEWL_EXIT_DONE
                                                                                   : mewl_cli_fail(cli, &err);
    }
    mewl_baby_close(&baby);
    return code;
}

static int parse_one_name(mewl_cli *cli, const mewl_cli_usage *usage, int *argc, char ***argv, const char **value)
{
    const int code = mewl_cli_parse(cli, usage, *argc, *argv, value, argc, argv);
    return code == MEWL_CLI_GO && *argc != 1 ? mewl_cli_usage_error(cli, "name one infant") : code;
}

int mewl_baby_add(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    const int code = parse_one_name(cli, &add_usage, &argc, &argv, value);
    return code != MEWL_CLI_GO ? code : add(cli, argv[0], value);
}

int mewl_baby_set(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    const int code = parse_one_name(cli, &set_usage, &argc, &argv, value);
    return code != MEWL_CLI_GO ? code : change(cli, argv[0], value);
}
