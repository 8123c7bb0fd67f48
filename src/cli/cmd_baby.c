/* cmd_baby.c - `mewl baby`: one infant over time. The commands of the command are in baby_<name>.c. */
#include <string.h>

#include "cli/baby.h"
#include "cli/commands.h"

static const mewl_cli_usage baby_usage = {
    .command = "baby",
    .operands = "add|set|list|show|enrol|score|timeline|note|alerts|export|delete ...",
    .about = "Follows one infant over weeks: learns how it usually cries and says when that changes.\n"
             "All of it stays on this machine, in one folder that only you can read.\n"
             "Mewl is not a medical device: it compares sounds and knows nothing of their reasons.",
    .options = NULL,
    .examples = "  mewl baby add Ida --born 2026-09-01\n"
                "  mewl baby enrol Ida recordings/\n"
                "  mewl baby score Ida night.m4a\n"
                "  mewl baby timeline Ida --picture weeks.png\n"};

int mewl_cmd_baby(mewl_cli *cli, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(mewl_cli *cli, int argc, char **argv);
    } commands[] = {{"add", mewl_baby_add},           {"set", mewl_baby_set},      {"list", mewl_baby_list},
                    {"show", mewl_baby_show},         {"enrol", mewl_baby_enrol},  {"score", mewl_baby_score},
                    {"timeline", mewl_baby_timeline}, {"note", mewl_baby_note},    {"alerts", mewl_baby_alerts},
                    {"export", mewl_baby_export},     {"delete", mewl_baby_delete}};
    const char *names[sizeof commands / sizeof commands[0]];
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        names[i] = commands[i].name;
        if (argc > 1 && strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(cli, argc - 1, argv + 1);
        }
    }
    if (argc > 1 && argv[1][0] != '-') {
        return mewl_cli_unknown(cli, "command of `mewl baby`", argv[1], names, sizeof names / sizeof names[0]);
    }
    const int code = mewl_cli_parse(cli, &baby_usage, argc, argv, NULL, &argc, &argv);
    return code != MEWL_CLI_GO ? code : mewl_cli_usage_error(cli, "say `mewl baby list`, or what else is to be done");
}
