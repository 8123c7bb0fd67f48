/* cmd_baby.c - `mewl baby`: one infant over time. The commands of the command are in baby_<name>.c. */
#include "cli/baby.h"
#include "cli/commands.h"

static const mewl_cli_usage baby_usage = {
    .command = "baby",
    .operands = "add|set|list|show|enrol|score|timeline|note|alerts|export|delete ...",
    .about = "Follows one infant over weeks: learns how it usually cries and says when that changes.\n\n"
             "add NAME             an infant, with its day of birth\n"
             "set NAME             change what was said of it\n"
             "list                 the infants that were added\n"
             "show NAME            what is known of one: cries, sessions, hours listened to\n"
             "enrol NAME FILE...   learn its usual cries from recordings of ordinary days\n"
             "score NAME FILE...   compare recordings with its usual cries, and learn on\n"
             "timeline NAME        how it sounded session by session, as a table or picture\n"
             "note NAME TEXT       write on its timeline: a cold, a tooth, another bed\n"
             "alerts NAME          what was unlike its usual cries, and since when\n"
             "export NAME FOLDER   everything kept of it, for other programs\n"
             "delete NAME          remove it and all that is known of it\n\n"
             "All of it stays on this machine, in one folder that only you can read.\n"
             "Mewl is not a medical device: it compares sounds and knows nothing of their reasons.",
    .options = NULL,
    .examples = "  mewl baby add Ida --born 2026-09-01\n"
                "  mewl baby enrol Ida recordings/\n"
                "  mewl baby score Ida night.m4a\n"
                "  mewl baby timeline Ida --picture weeks.png\n"};

int mewl_cmd_baby(mewl_cli *cli, int argc, char **argv)
{
    static const mewl_cli_command commands[] = {
        {"add", NULL, mewl_baby_add},           {"set", NULL, mewl_baby_set},      {"list", NULL, mewl_baby_list},
        {"show", NULL, mewl_baby_show},         {"enrol", NULL, mewl_baby_enrol},  {"score", NULL, mewl_baby_score},
        {"timeline", NULL, mewl_baby_timeline}, {"note", NULL, mewl_baby_note},    {"alerts", NULL, mewl_baby_alerts},
        {"export", NULL, mewl_baby_export},     {"delete", NULL, mewl_baby_delete}};
    return mewl_cli_dispatch(cli, &baby_usage, commands, sizeof commands / sizeof commands[0], "list", argc, argv);
}
