/* options.c - the declared options of cli.h: parsing, settings, help, numbers. */
#include "cli/cli.h"
#include "base/word.h"
#include "cli/settings.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define OWN_OPTIONS_MAX 48
#define DISPATCH_MAX 32u

enum { SHARED_JSON, SHARED_NDJSON, SHARED_QUIET, SHARED_NO_PROGRESS, SHARED_HELP, SHARED_COUNT };
static const mewl_cli_option shared_options[SHARED_COUNT + 1] = {
    [SHARED_JSON] = {"json", 0, NULL, "print one JSON document", true},
    [SHARED_NDJSON] = {"ndjson", 0, NULL, "print one JSON event a line", true},
    [SHARED_QUIET] = {"quiet", 'q', NULL, "no notes on stderr, errors only", true},
    [SHARED_NO_PROGRESS] = {"no-progress", 0, NULL, "do not draw progress", true},
    [SHARED_HELP] = {"help", 'h', NULL, "this text", false},
};

static size_t count_options(const mewl_cli_option *options)
{
    size_t count = 0;
    while (options != NULL && options[count].name != NULL) {
        count++;
    }
    return count;
}

static void print_options(const mewl_cli_option *options, FILE *stream)
{
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
        const mewl_cli_option *o = &options[i];
        char left[64];
        char dash[8] = "    ";
        if (o->letter != 0) {
            (void)snprintf(dash, sizeof dash, "-%c, ", o->letter);
        }
        (void)snprintf(left, sizeof left, "%s--%s%s%s", dash, o->name, o->value != NULL ? " " : "",
                       o->value != NULL ? o->value : "");
        (void)fprintf(stream, "  %-30s %s\n", left, o->help);
    }
}

void mewl_cli_help(const mewl_cli_usage *usage, FILE *stream)
{
    (void)fprintf(stream, "Usage: mewl %s [OPTIONS] %s\n\n%s\n", usage->command, usage->operands, usage->about);
    if (usage->options != NULL && usage->options[0].name != NULL) {
        (void)fputs("\nOptions:\n", stream);
        print_options(usage->options, stream);
    }
    (void)fputs("\nOptions of every command:\n", stream);
    print_options(shared_options, stream);
    if (usage->examples != NULL) {
        (void)fprintf(stream, "\nExamples:\n%s", usage->examples);
    }
}

static bool text_is_on(const char *text)
{
    static const char *const on[] = {"1", "yes", "true", "on"};
    for (size_t i = 0; i < sizeof on / sizeof on[0]; i++) {
        if (strcasecmp(text, on[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Environment, then settings file; NULL where neither has it. */
static const char *look_up(const mewl_cli *cli, const char *command, const mewl_cli_option *option)
{
    char name[64] = "MEWL_";
    size_t at = strlen(name);
    for (const char *p = option->name; *p != '\0' && at + 1 < sizeof name; p++) {
        name[at++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    }
    name[at] = '\0';
    const char *text = getenv(name);
    if (text == NULL || text[0] == '\0') {
        text = mewl_cli_settings_get(cli->settings, command, option->name);
    }
    if (text != NULL && option->value == NULL) {
        return text_is_on(text) ? "" : NULL;
    }
    return text;
}

/* Sections that belong to no command would be passed over in silence. Each is told once, at its first setting. */
static void report_bad_sections(const mewl_cli *cli)
{
    const char *section, *path, *before = "";
    int line;
    for (size_t row = 0; mewl_cli_settings_at(cli->settings, row, &section, &path, &line) != NULL; row++) {
        const char *nearest = NULL;
        size_t best = SIZE_MAX;
        char first[64];
        (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(section, " "), section); /* [data scan]: data */
        for (size_t i = 0; strcmp(section, before) != 0 && i < cli->command_count; i++) {
            const size_t distance = mewl_word_distance(first, cli->commands[i].name);
            if (distance < best) {
                best = distance;
                nearest = cli->commands[i].name;
            }
        }
        if (nearest != NULL && section[0] != '\0' && strcmp(nearest, first) != 0) {
            mewl_cli_note(cli, "%s:%d: [%s] is the section of no command; the nearest is `%s`", path, line, section,
                          nearest);
        }
        before = section;
    }
}

/* Names in the command's section that are no setting of it would be passed over in silence. */
static void report_bad_settings(const mewl_cli *cli, const mewl_cli_usage *usage)
{
    const char *name, *section, *path;
    int line;
    for (size_t row = 0; (name = mewl_cli_settings_at(cli->settings, row, &section, &path, &line)) != NULL; row++) {
        const size_t own = count_options(usage->options);
        const char *nearest = NULL;
        size_t best = SIZE_MAX;
        for (size_t i = 0; strcmp(section, usage->command) == 0 && i < own + SHARED_COUNT; i++) {
            const mewl_cli_option *o = i < own ? &usage->options[i] : &shared_options[i - own];
            const size_t distance = mewl_word_distance(name, o->name);
            if (o->setting && distance < best) {
                best = distance;
                nearest = o->name;
            }
            if (o->setting && distance == 0) {
                break;
            }
        }
        if (nearest != NULL && strcmp(nearest, name) != 0) {
            mewl_cli_note(cli, "%s:%d: [%s] has no setting `%s`; the nearest is `%s`", path, line, section, name,
                          nearest);
        }
    }
}

static int report_bad_option(mewl_cli *cli, int found, char **argv, const struct option *longs, size_t count)
{
    const char *given = argv[optind - 1];
    if (found == ':') {
        return mewl_cli_usage_error(cli, "`%s` needs a value", given);
    }
    if (optopt != 0 && optopt < 256) {
        return mewl_cli_usage_error(cli, "there is no option `-%c`", optopt);
    }
    if (optopt >= 256) {
        return mewl_cli_usage_error(cli, "`--%s` takes no value", longs[optopt - 256].name);
    }
    const char *names[OWN_OPTIONS_MAX + SHARED_COUNT];
    char word[64];
    (void)snprintf(word, sizeof word, "%s", given + strspn(given, "-"));
    word[strcspn(word, "=")] = '\0';
    for (size_t i = 0; i < count; i++) {
        names[i] = longs[i].name;
    }
    return mewl_cli_unknown(cli, "option", word, names, count);
}

int mewl_cli_parse(mewl_cli *cli, const mewl_cli_usage *usage, int argc, char **argv, const char **value,
                   int *operand_count, char ***operands)
{
    const size_t own = count_options(usage->options);
    const size_t count = own + SHARED_COUNT;
    if (own > OWN_OPTIONS_MAX) {
        mewl_cli_error(cli, "this command declares more than %d options", OWN_OPTIONS_MAX);
        return MEWL_EXIT_FAILED;
    }
    cli->command = usage->command;
    struct option longs[OWN_OPTIONS_MAX + SHARED_COUNT + 1] = {{0}};
    char letters[2 * (OWN_OPTIONS_MAX + SHARED_COUNT) + 2] = ":";
    const char *shared_value[SHARED_COUNT] = {NULL};
    size_t letter_at = 1;
    for (size_t i = 0; i < count; i++) {
        const mewl_cli_option *o = i < own ? &usage->options[i] : &shared_options[i - own];
        longs[i] = (struct option){o->name, o->value != NULL ? required_argument : no_argument, NULL, (int)(256 + i)};
        if (o->letter != 0) {
            letters[letter_at++] = o->letter;
            if (o->value != NULL) {
                letters[letter_at++] = ':';
            }
        }
    }
    letters[letter_at] = '\0';
    for (size_t i = 0; i < own; i++) {
        value[i] = NULL;
    }

    opterr = 0;
    optind = 0; /* 0, not 1: glibc then starts afresh, as a command of a command needs */
    int found;
    while ((found = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (found == '?' || found == ':') {
            return report_bad_option(cli, found, argv, longs, count);
        }
        size_t index = found >= 256 ? (size_t)(found - 256) : count;
        for (size_t i = 0; found < 256 && i < count; i++) {
            const mewl_cli_option *o = i < own ? &usage->options[i] : &shared_options[i - own];
            if (o->letter == found) {
                index = i;
            }
        }
        const char *text = optarg != NULL ? optarg : "";
        if (index < own) {
            value[index] = text;
        } else if (index < count) {
            shared_value[index - own] = text;
        }
    }
    *operand_count = argc - optind;
    *operands = argv + optind;
    if (shared_value[SHARED_HELP] != NULL) {
        mewl_cli_help(usage, stdout);
        return MEWL_EXIT_DONE;
    }
    if (shared_value[SHARED_JSON] != NULL && shared_value[SHARED_NDJSON] != NULL) {
        return mewl_cli_usage_error(cli, "--json and --ndjson exclude each other");
    }
    cli->json_flag = shared_value[SHARED_JSON] != NULL;
    /* A flag for one form beats a setting for the other. */
    bool form_given = shared_value[SHARED_JSON] != NULL || shared_value[SHARED_NDJSON] != NULL;
    for (size_t i = 0; i < count; i++) {
        const mewl_cli_option *o = i < own ? &usage->options[i] : &shared_options[i - own];
        const char **slot = i < own ? &value[i] : &shared_value[i - own];
        bool form = i == own + SHARED_JSON || i == own + SHARED_NDJSON;
        if (*slot == NULL && o->setting && !(form && form_given)) {
            *slot = look_up(cli, usage->command, o);
        }
    }
    cli->ndjson = shared_value[SHARED_NDJSON] != NULL;
    cli->json = shared_value[SHARED_JSON] != NULL && !cli->ndjson;
    cli->quiet = cli->quiet || shared_value[SHARED_QUIET] != NULL;
    report_bad_sections(cli);
    report_bad_settings(cli, usage);
    cli->progress = cli->progress && !cli->quiet && shared_value[SHARED_NO_PROGRESS] == NULL;
    return MEWL_CLI_GO;
}

int mewl_cli_dispatch(mewl_cli *cli, const mewl_cli_usage *usage, const mewl_cli_command *commands, size_t count,
                      const char *usual, int argc, char **argv)
{
    const char *names[DISPATCH_MAX];
    char what[64];
    for (size_t i = 0; i < count && i < DISPATCH_MAX; i++) {
        names[i] = commands[i].name;
        if (argc > 1 && strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(cli, argc - 1, argv + 1);
        }
    }
    if (argc > 1 && argv[1][0] != '-') {
        (void)snprintf(what, sizeof what, "command of `mewl %s`", usage->command);
        return mewl_cli_unknown(cli, what, argv[1], names, count < DISPATCH_MAX ? count : DISPATCH_MAX);
    }
    const int code = mewl_cli_parse(cli, usage, argc, argv, NULL, &argc, &argv);
    return code != MEWL_CLI_GO
               ? code
               : mewl_cli_usage_error(cli, "say `mewl %s %s`, or what else is to be done", usage->command, usual);
}

bool mewl_cli_number(const mewl_cli *cli, const char *name, const char *text, double low, double high, double *out)
{
    if (text == NULL) {
        return true;
    }
    char *end = NULL;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number) || number < low || number > high) {
        (void)mewl_cli_usage_error(cli, "--%s is `%s`; it must be a number from %g to %g", name, text, low, high);
        return false;
    }
    *out = number;
    return true;
}

bool mewl_cli_integer(const mewl_cli *cli, const char *name, const char *text, long low, long high, long *out)
{
    if (text == NULL) {
        return true;
    }
    char *end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < low || number > high) {
        (void)mewl_cli_usage_error(cli, "--%s is `%s`; it must be a whole number from %ld to %ld", name, text, low,
                                   high);
        return false;
    }
    *out = number;
    return true;
}
