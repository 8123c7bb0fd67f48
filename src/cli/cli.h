/* cli.h - what every command of the `mewl` program shares: declared options (flag, then environment, then settings
 * file), help, messages, exit codes, progress.
 *
 * Data goes to stdout, messages and progress to stderr. Not a general option library: it is what a command needs so
 * that its file holds the command alone. A command is `int mewl_cmd_<name>(mewl_cli *, int argc, char **argv)`, argv[0]
 * being its name, and has a row in the table of main.c. It parses like this:
 *
 *     enum { OPT_THRESHOLD, OPT_OUT, OPT_COUNT };
 *     static const mewl_cli_option options[OPT_COUNT + 1] = {
 *         [OPT_THRESHOLD] = {"threshold", 0, "X", "confidence from which a sound counts as a cry, 0 to 1", true},
 *         [OPT_OUT] = {"output", 'o', "OUT", "file to write", false},
 *     };
 *     static const mewl_cli_usage usage = {"analyze", "PATH...", "Finds cries.", options, "  mewl analyze x.wav\n"};
 *
 *     const char *value[OPT_COUNT];
 *     int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
 *     if (code != MEWL_CLI_GO) {
 *         return code;
 *     }
 *     // value[OPT_THRESHOLD] is NULL when given nowhere; argv[0..argc-1] are the operands.
 */
#ifndef MEWL_CLI_CLI_H
#define MEWL_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/log.h"
#include "base/status.h"

/* Exit codes of the program (docs: design.md "Interfaces other software expects"). */
enum {
    MEWL_EXIT_DONE = 0,
    MEWL_EXIT_FAILED = 1,
    MEWL_EXIT_USAGE = 2,
    MEWL_EXIT_UNREADABLE = 3, /* the input, or all of the inputs, could not be read */
    MEWL_EXIT_PARTLY = 4,     /* some of a batch could not be read; the rest is done */
    MEWL_CLI_GO = -1          /* not an exit code: mewl_cli_parse says "carry on" */
};

/* One option of a command. A table of them ends with a zero row. */
typedef struct mewl_cli_option {
    const char *name;  /* long name without dashes: "threshold" */
    char letter;       /* short form, or 0 */
    const char *value; /* what its value is called in the help ("X", "OUT.png"); NULL for a switch */
    const char *help;  /* one line, no full stop */
    bool setting;      /* may also come from MEWL_THRESHOLD or `threshold = ...` in the settings file */
} mewl_cli_option;

/* What --help prints and mewl_cli_parse accepts. Options --json, --ndjson, -q/--quiet, --no-progress and -h/--help
 * are added to every command's own. */
typedef struct mewl_cli_usage {
    const char *command;  /* "analyze", or "data scan" for a command of a command */
    const char *operands; /* synopsis after the options: "PATH..." */
    const char *about;    /* one or more sentences; lines are kept as they are */
    const mewl_cli_option *options;
    const char *examples; /* lines, each indented by two blanks and ended by a newline */
} mewl_cli_usage;

typedef struct mewl_cli_settings mewl_cli_settings;
typedef struct mewl_cli_meter mewl_cli_meter;

/* State of one run of the program. Made by main.c; commands read the fields. */
typedef struct mewl_cli {
    const char *program; /* argv[0] as started, to find the models beside the executable */
    const char *command; /* name of the command, for messages */
    bool json;           /* --json: one document on stdout */
    bool json_flag;      /* --json was said on the command line, not in a setting */
    bool ndjson;         /* --ndjson: one event a line on stdout */
    bool quiet;          /* -q: no notes on stderr, errors only */
    bool progress;       /* progress may be drawn: stderr is a terminal, neither -q nor --no-progress */
    bool colour;         /* stdout is a terminal and NO_COLOR is not set */
    mewl_cli_settings *settings;
    mewl_cli_meter *meter;
    const struct mewl_cli_command *commands; /* the program's table, to know sections of settings by; NULL: unknown */
    size_t command_count;
} mewl_cli;

/* One row of the program's table of commands. */
typedef struct mewl_cli_command {
    const char *name;
    const char *summary; /* a few words for `mewl --help` */
    int (*run)(mewl_cli *cli, int argc, char **argv);
} mewl_cli_command;

/* A command of commands, such as `mewl data`: runs the one of `count` (at most 32) that argv[1] names, and returns its
 * code. Else prints the help that was asked for, or reports a name that none has, or that none was given and that
 * `usual` is one to begin with. */
int mewl_cli_dispatch(mewl_cli *cli, const mewl_cli_usage *usage, const mewl_cli_command *commands, size_t count,
                      const char *usual, int argc, char **argv);

/* Parses argv (argv[0] is the command's name and is skipped) by getopt_long. Options may stand before or after
 * operands; "--" ends them; unambiguous prefixes of long names are taken. `value` receives for each row of
 * usage->options its text ("" for a switch that is on) or NULL; an option given twice keeps the last. Options not
 * given whose row says `setting` are looked up in the environment (MEWL_ + name in capitals, dashes to underscores)
 * and then in the settings file: section [command] first, then lines above any section. For a switch, "1", "yes",
 * "true" and "on" turn it on. *operand_count and *operands receive what remains of argv.
 * Returns MEWL_CLI_GO, or the code with which the command must return at once: 0 after --help was printed,
 * MEWL_EXIT_USAGE after an unknown option, a missing value, or --json together with --ndjson was reported. */
int mewl_cli_parse(mewl_cli *cli, const mewl_cli_usage *usage, int argc, char **argv, const char **value,
                   int *operand_count, char ***operands);

/* Prints the usage's help on `stream`. */
void mewl_cli_help(const mewl_cli_usage *usage, FILE *stream);

/* A number from an option's text. `name` is the option's, for the message. Returns false after reporting a text that
 * is not a finite number in [low, high]; the command then returns MEWL_EXIT_USAGE. text NULL leaves *out. */
bool mewl_cli_number(const mewl_cli *cli, const char *name, const char *text, double low, double high, double *out);
bool mewl_cli_integer(const mewl_cli *cli, const char *name, const char *text, long low, long high, long *out);

/* Reports a wrong use ("mewl analyze: ..." and where help is) and returns MEWL_EXIT_USAGE. */
int mewl_cli_usage_error(const mewl_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reports that `given` is no such `what` ("command", "kind"), with the nearest of `names` where one is near, and
 * returns MEWL_EXIT_USAGE. `names` holds `count` strings. */
int mewl_cli_unknown(const mewl_cli *cli, const char *what, const char *given, const char *const *names, size_t count);

/* Whether `given` is one of `count` names, or NULL; false after reporting it as mewl_cli_unknown does. */
bool mewl_cli_one_of(const mewl_cli *cli, const char *what, const char *given, const char *const *names, size_t count);

/* An error on stderr, whatever -q says; a note on stderr unless -q. A newline is added. */
void mewl_cli_error(const mewl_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mewl_cli_note(const mewl_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same note from a library: it has the form of mewl_log.write, `user` being the mewl_cli. */
void mewl_cli_log(void *user, mewl_log_level level, const char *text);

/* Reports a library's error and returns the exit code that fits its status. */
int mewl_cli_fail(const mewl_cli *cli, const mewl_error *err);

/* Exit code for a status: 0 for MEWL_OK; 3 where the input is missing, forbidden, empty, of a wrong form or of an
 * unsupported kind; 2 for MEWL_E_ARG; otherwise 1. */
int mewl_cli_exit_code(mewl_status status);

/* Draws "what 42 % (1 min 20 s left)" on one line of stderr, at most five times a second and only where cli->progress,
 * from the third second on. total 0 means unknown. Any thread may call it: it has the form of mewl_progress.report,
 * `user` being the mewl_cli. */
void mewl_cli_report(void *user, double done, double total, const char *what);

/* Takes the progress line away and starts a new measurement at the next report. Printing to a terminal calls it. */
void mewl_cli_report_clear(const mewl_cli *cli);

/* Seconds as people say them: "12.3 s", "4 min 05 s", "2 h 03 min". Writes at most `size` bytes, returns `out`. */
char *mewl_cli_duration(char *out, size_t size, double seconds);

/* The s of a plural: "" for 1, else "s": "%zu clip%s", n, mewl_cli_s(n). Static text. */
const char *mewl_cli_s(unsigned long long count);

/* A confidence in 0 to 1 as people are told it: "98 % sure", and "over 99 % sure" for all that would round to more, as
 * nothing here is ever certain. Returns `out`. */
char *mewl_cli_sure(char *out, size_t size, double confidence);

/* For main.c: a cli for this process (reads NO_COLOR, TERM and the settings file named by MEWL_CONFIG, else
 * $XDG_CONFIG_HOME/mewl/mewl.ini, else ~/.config/mewl/mewl.ini). A settings file that exists and is not well formed is
 * an error that names its line; one that cannot be read is an error when MEWL_CONFIG names it, else a warning on
 * stderr. */
mewl_status mewl_cli_init(mewl_cli *cli, const char *program, mewl_error *err);
void mewl_cli_fini(mewl_cli *cli);

#endif
