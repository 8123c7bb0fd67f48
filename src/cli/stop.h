/* stop.h - Ctrl-C and SIGTERM as a wish: for commands that have something to keep before they end. */
#ifndef MEWL_CLI_STOP_H
#define MEWL_CLI_STOP_H

#include <signal.h>

/* From now on the first Ctrl-C or SIGTERM asks for an end after the step at hand: it sets what is returned to 1. The
 * second ends the program as usual. */
const volatile sig_atomic_t *mewl_cli_catch_signals(void);

#endif
