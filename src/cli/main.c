/* main.c - the `mewl` program: finds the command and hands it its arguments. A command is listed once it exists. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/document.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_COUNT (sizeof mewl_commands / sizeof mewl_commands[0])

/* In the order in which people meet them. Each command's file is src/cli/cmd_<name>.c. */
static const mewl_cli_command mewl_commands[] = {
    {"analyze", "when an infant cried in recordings", mewl_cmd_analyze},
    {"listen", "cries as they happen: microphone, camera, stream", mewl_cmd_listen},
    {"baby", "one infant over weeks: its usual cries, and when they change", mewl_cmd_baby},
    {"features", "spectrograms, mel bands, cepstra of a recording; its voice in figures", mewl_cmd_features},
    {"bench", "what a second of sound costs on this machine, stage by stage", mewl_cmd_bench},
    {"predict", "whole clips through a model: class probabilities, embeddings", mewl_cmd_predict},
    {"data", "data sets: scan, split, fetch, mix", mewl_cmd_data},
    {"train", "a model from a recipe and recordings", mewl_cmd_train},
    {"eval", "what a model is worth, beside its baselines", mewl_cmd_eval},
    {"lab", "the papers' experiments, with an honest protocol beside theirs", mewl_cmd_lab},
    {"model", "what a model file holds; import published checkpoints", mewl_cmd_model},
    {"synth", "simulated infants with the truth beside them, for tests", mewl_cmd_synth},
    {"help", "what a command does: mewl help COMMAND", mewl_cmd_help},
};

static void print_commands(FILE *stream)
{
    (void)fputs("Mewl listens for an infant's cry.\n\nUsage: mewl COMMAND [OPTIONS] ...\n\nCommands:\n", stream);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        (void)fprintf(stream, "  %-10s %s\n", mewl_commands[i].name, mewl_commands[i].summary);
    }
    (void)fputs("\n`mewl COMMAND --help` says more, with examples; `mewl --version`, which Mewl this is.\n"
                "Settings come from flags, then MEWL_* variables, then ~/.config/mewl/mewl.ini (or MEWL_CONFIG).\n"
                "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 input unreadable, 4 some of a batch unreadable.\n"
                "Mewl is not a medical device.\n",
                stream);
}

static const mewl_cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(mewl_commands[i].name, name) == 0) {
            return &mewl_commands[i];
        }
    }
    return NULL;
}

static int unknown_command(const mewl_cli *cli, const char *name)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = mewl_commands[i].name;
    }
    if (access(name, F_OK) == 0) { /* a recording where the command should be: the likeliest slip of all */
        return mewl_cli_usage_error(
            cli, "`%s` is no command but a file or folder. Did you mean `mewl analyze`, then its name?", name);
    }
    return mewl_cli_unknown(cli, "command", name, names, COMMAND_COUNT);
}

int mewl_cmd_help(mewl_cli *cli, int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_commands(stdout);
        return MEWL_EXIT_DONE;
    }
    const mewl_cli_command *command = find_command(argv[1]);
    if (command == NULL) {
        return unknown_command(cli, argv[1]);
    }
    cli->command = command->name;
    char flag[] = "--help";
    char *forward[4] = {argv[1], NULL, NULL, NULL};
    int count = 1;
    if (argc > 2 && argv[2][0] != '-') {
        forward[count++] = argv[2]; /* `mewl help data scan` */
    }
    forward[count++] = flag;
    return command->run(cli, count, forward);
}

static int run(mewl_cli *cli, int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return MEWL_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        (void)printf("mewl %s (%s)\n", mewl_program_version(), mewl_program_revision());
        return MEWL_EXIT_DONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_commands(stdout);
        return MEWL_EXIT_DONE;
    }
    if (argv[1][0] == '-') {
        return mewl_cli_usage_error(cli, "`%s` comes after the command, or does not exist", argv[1]);
    }
    const mewl_cli_command *command = find_command(argv[1]);
    if (command == NULL) {
        return unknown_command(cli, argv[1]);
    }
    cli->command = command->name;
    return command->run(cli, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    mewl_cli cli;
    mewl_error err = {0};
    if (mewl_cli_init(&cli, argc > 0 ? argv[0] : "mewl", &err) != MEWL_OK) {
        (void)fprintf(stderr, "mewl: %s\n", err.text);
        return MEWL_EXIT_USAGE;
    }
    cli.commands = mewl_commands;
    cli.command_count = COMMAND_COUNT;
    int code = run(&cli, argc, argv);
    mewl_cli_report_clear(&cli);
    /* A full disk or closed pipe shows only here; results that were not written must not look like success. */
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && code == MEWL_EXIT_DONE) {
        mewl_cli_error(&cli, "the output could not be written");
        code = MEWL_EXIT_FAILED;
    }
    mewl_cli_fini(&cli);
    return code;
}
