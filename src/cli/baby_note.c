/* baby_note.c - `mewl baby note`: what a family knows and a microphone does not, at its place on the timeline. */
#include <string.h>

#include "cli/baby.h"
#include "store/timeline.h"

enum { OPT_AT = MEWL_BABY_OPTIONS, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_BABY_OPTION_ROWS,
    [OPT_AT] = {"at", 0, "TIME", "when that was, as in \"2026-11-20 03:12\" (now)", false},
};

static const mewl_cli_usage usage = {
    .command = "baby note",
    .operands = "NAME TEXT",
    .about = "Writes a few words on the timeline: a cold, a tooth, a vaccination, another bed.",
    .options = options,
    .examples = "  mewl baby note Ida \"first tooth\"\n"
                "  mewl baby note Ida \"a cold\" --at 2026-11-18\n"};

static int note(mewl_baby *baby, const char *text, const char *at)
{
    mewl_error err = {0};
    mewl_store_entry entry = mewl_store_entry_plain(baby->infant.id, MEWL_STORE_ENTRY_NOTE, baby->now_ms);
    if (text[0] == '\0' || strlen(text) >= sizeof entry.text) {
        return mewl_cli_usage_error(baby->cli, "a note has 1 to %zu bytes", sizeof entry.text - 1);
    }
    if (at != NULL && !mewl_baby_parse_time(&entry.time_ms, at)) {
        return mewl_cli_usage_error(baby->cli, "--at takes a time like \"2026-11-20 03:12\", not `%s`", at);
    }
    const int code = mewl_baby_check_at(baby, entry.time_ms);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    (void)strcpy(entry.text, text);
    return mewl_store_entry_put(baby->store, &entry, &err) == MEWL_OK ? MEWL_EXIT_DONE : mewl_cli_fail(baby->cli, &err);
}

int mewl_baby_note(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc != 2) {
        return mewl_cli_usage_error(cli, "name an infant, then the note in quotes");
    }
    mewl_baby baby = {0};
    code = mewl_baby_open(&baby, cli, value, argv[0], true);
    code = code == MEWL_CLI_GO ? note(&baby, argv[1], value[OPT_AT]) : code;
    mewl_baby_close(&baby);
    return code;
}
