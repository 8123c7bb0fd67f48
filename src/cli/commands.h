/* commands.h - one declaration a command; the table in main.c lists them. */
#ifndef MEWL_CLI_COMMANDS_H
#define MEWL_CLI_COMMANDS_H

#include "cli/cli.h"

/* A command: argv[0] is its name, its options and operands follow. Returns the exit code (cli.h), everything having
 * been said. */
int mewl_cmd_analyze(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_baby(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_bench(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_eval(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_data(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_features(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_help(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_lab(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_listen(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_model(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_model_average(mewl_cli *cli, int argc, char **argv);  /* of mewl_cmd_model's */
int mewl_cmd_model_quantise(mewl_cli *cli, int argc, char **argv); /* of mewl_cmd_model's */

/* `mewl model info` of a reason model: false, and nothing printed, when the file is none. */
bool mewl_cli_reason_info(mewl_cli *cli, int *code, const char *path);

/* A note of a model as people read it: lines after the first are indented. */
void mewl_cli_print_note(const char *key, const char *text);
int mewl_cmd_predict(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_synth(mewl_cli *cli, int argc, char **argv);
int mewl_cmd_train(mewl_cli *cli, int argc, char **argv);

#endif
