/* settings.h - the settings file: an INI file whose sections are names of commands. Read once, looked up by name. */
#ifndef MEWL_CLI_SETTINGS_H
#define MEWL_CLI_SETTINGS_H

#include "base/status.h"

typedef struct mewl_cli_settings mewl_cli_settings;

/* Reads the file at `path`. A missing file gives empty settings when `must_exist` is 0.
 * Errors: MEWL_E_NOT_FOUND, MEWL_E_PERMISSION, MEWL_E_IO; MEWL_E_FORMAT with the line; MEWL_E_MEMORY over 256 rows. */
mewl_status mewl_cli_settings_read(mewl_cli_settings **out, const char *path, int must_exist, mewl_error *err);

/* The value of `name` in section [command] ("data scan" is section [data scan]), else above any section; NULL where
 * there is none. The text lives as long as the settings. */
const char *mewl_cli_settings_get(const mewl_cli_settings *settings, const char *command, const char *name);

/* The name in row `index`, its section ("" above any), file and line; NULL past the last. */
const char *mewl_cli_settings_at(const mewl_cli_settings *settings, size_t index, const char **section,
                                 const char **path, int *line);

/* NULL is fine. */
void mewl_cli_settings_free(mewl_cli_settings *settings);

#endif
