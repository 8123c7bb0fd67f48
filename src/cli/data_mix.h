/* data_mix.h - `mewl data mix`, in a file of its own. */
#ifndef MEWL_CLI_DATA_MIX_H
#define MEWL_CLI_DATA_MIX_H

#include "cli/cli.h"

/* The command, as cmd_data.c calls it: argv[0] is "mix". Returns an exit code. */
int mewl_data_mix(mewl_cli *cli, int argc, char **argv);

#endif
