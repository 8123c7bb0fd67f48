/* cmd_lab.c - `mewl lab NAME`: the table of experiments. What each does is in its lab_<name>.c. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/lab.h"
#include "cli/lab_sheets.h"

#include <stdio.h>
#include <string.h>

#define ROW_COUNT (sizeof rows / sizeof rows[0])

static const mewl_cli_command rows[] = {
    {"table2", "cry or no cry, clip by clip (InfantCryNet, table 2)", mewl_lab_table2},
    {"table3", "why a baby cries: five networks (InfantCryNet, table 3)", mewl_lab_table3},
    {"table4", "why a baby cries: five poolings (InfantCryNet, table 4)", mewl_lab_table4},
    {"table5", "smaller models: distilled, in eight bits, both (InfantCryNet, table 5)", mewl_lab_table5},
    {"tinytoes", "TinyToes' networks and protocol: ten folds, hybrid pictures", mewl_lab_tinytoes},
    {"pretrain", "small networks taught by YAMNet, to start the others from", mewl_lab_pretrain},
    {"grid", "all networks with all poolings, with and without pretraining", mewl_lab_grid},
    {"verify", "is it the same infant, cat or reader?", mewl_lab_verify},
    {"iclas", "is it this infant as usual? every model, by infant (ICLAS)", mewl_lab_iclas},
    {"gate", "is it a usable cry? the gate before personal models", mewl_lab_gate},
    {"population", "what other infants teach about a new one, as a file for `mewl baby`", mewl_lab_population},
    {"alarms", "false alarms and delays on simulated infants", mewl_lab_alarms},
    {"reason", "why a baby cries: classical heads on embeddings", mewl_lab_reason},
};

static void print_rows(FILE *stream)
{
    (void)fputs("Usage: mewl lab [OPTIONS] ", stream);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        (void)fprintf(stream, "%s%s", i > 0 ? "|" : "", rows[i].name);
    }
    (void)fputs("\n\n"
                "Repeats an experiment of the papers that Mewl was made from, with the honest protocol beside\n"
                "theirs: clips dealt at random, and nobody on both sides. Every table can be stopped at any moment;\n"
                "the same command goes on from there.\n\nExperiments:\n",
                stream);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        (void)fprintf(stream, "  %-10s %s\n", rows[i].name, rows[i].summary);
    }
    (void)fputs("\nExamples:\n"
                "  mewl lab table3\n"
                "  mewl lab grid --profile quick --seeds 3 -o runs/grid\n"
                "  mewl lab table4 --manifest mine.csv --column reason --html table4.html\n"
                "\n`mewl lab NAME --help` says more.\n",
                stream);
}

int mewl_cmd_lab(mewl_cli *cli, int argc, char **argv)
{
    if (argc < 2) {
        print_rows(stderr);
        return MEWL_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_rows(stdout);
        return MEWL_EXIT_DONE;
    }
    const char *names[ROW_COUNT];
    for (size_t i = 0; i < ROW_COUNT; i++) {
        names[i] = rows[i].name;
        if (strcmp(rows[i].name, argv[1]) == 0) {
            return rows[i].run(cli, argc - 1, argv + 1);
        }
    }
    return mewl_cli_unknown(cli, "experiment", argv[1], names, ROW_COUNT);
}
