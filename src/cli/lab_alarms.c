/* lab_alarms.c - `mewl lab alarms`: lab/alarms.h on the command line. */
#include "cli/lab_sheets.h"

#include "lab/alarms.h"

enum { OPT_INFANTS = LAB_OPTION_COUNT, OPT_LIFETIMES, OPT_DAYS, OPT_SETTING, OPT_SEED, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_LAB_OPTIONS,
    [OPT_INFANTS] = {"infants", 0, "N", "simulated infants (default 200)", false},
    [OPT_LIFETIMES] = {"lifetimes", 0, "N", "simulated lifetimes of the martingale (default 1000)", false},
    [OPT_DAYS] =
        {"days", 0, "D",
         "of a life, 60 to 1000: 14 are enrolled, 30 waited for a change (default 90; 30 more for those that grow)",
         false},
    [OPT_SETTING] = {"false-alarm-days", 0, "D", "the setting under test: one false alarm in so many days (default 30)",
                     false},
    [OPT_SEED] = {"seed", 0, "N", "of everything random (default 1)", false},
};

static const mewl_cli_usage usage = {
    "lab alarms", "",
    "Do false alarms stay as rare as a family asked for? Hundreds of simulated infants live for months; what\n"
    "is different about them is put in at known times. Prints the rate that was set beside the one that came\n"
    "about, alarms while nothing happens, and how long it takes until a change is told. Needs no recordings,\n"
    "and says nothing about how well real infants are told apart (that is `mewl lab iclas`).",
    options,
    "  mewl lab alarms\n"
    "  mewl lab alarms --infants 20 --lifetimes 50\n"
    "  mewl lab alarms --false-alarm-days 90 --json\n"};

int mewl_lab_alarms(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    mewl_lab lab;
    const unsigned unused = LAB_UNUSED(PROFILE) | LAB_UNUSED(MANIFEST) | LAB_UNUSED(COLUMN) | LAB_UNUSED(DATA) |
                            LAB_UNUSED(SEEDS) | LAB_UNUSED(HTML);
    int code = mewl_lab_parse(cli, &usage, unused, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO || (code = mewl_lab_open(&lab, cli, value, "alarms")) != MEWL_CLI_GO) {
        return code;
    }
    double infants = 200;
    double lifetimes = 1000;
    double days = 90;
    double setting = 30;
    double seed = 1;
    if (argc > 0) {
        return mewl_cli_usage_error(cli, "`%s` is one word too many", argv[0]);
    }
    if (!mewl_cli_number(cli, "infants", value[OPT_INFANTS], 2, 10000, &infants) ||
        !mewl_cli_number(cli, "lifetimes", value[OPT_LIFETIMES], 1, 100000, &lifetimes) ||
        !mewl_cli_number(cli, "days", value[OPT_DAYS], MEWL_ALARMS_DAYS_MIN, 1000, &days) ||
        !mewl_cli_number(cli, "false-alarm-days", value[OPT_SETTING], 1, 10000, &setting) ||
        !mewl_cli_number(cli, "seed", value[OPT_SEED], 0, 1e9, &seed)) {
        return MEWL_EXIT_USAGE;
    }
    mewl_error err = {0};
    json_t *document = NULL;
    mewl_alarms_opts opts = {.infants = (size_t)infants,
                             .lifetimes = (size_t)lifetimes,
                             .days = days,
                             .false_alarm_days = setting,
                             .seed = (uint64_t)seed,
                             .progress = &lab.progress,
                             .stop = lab.stop};
    mewl_status status = mewl_alarms_run(&document, opts, &err);
    return mewl_lab_close_sheets(&lab, "alarms", status, document, &err);
}
