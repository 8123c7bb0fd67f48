/* settings.c - see settings.h. */
#include "cli/settings.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_ROWS_MAX 256
#define SETTINGS_TEXT_MAX 1024

typedef struct settings_row {
    char *section, *name, *value;
    int line;
} settings_row;

struct mewl_cli_settings {
    settings_row rows[SETTINGS_ROWS_MAX];
    size_t count;
    mewl_status status; /* why a handler refused a line */
    FILE *file;         /* while it is read */
    int line;           /* read last */
    char *path;
};

/* As inih reads a file, with lines counted: its handler is not told which it is given. */
static char *read_line(char *out, int size, void *user)
{
    mewl_cli_settings *settings = user;
    settings->line++;
    return fgets(out, size, settings->file);
}

static int take_row(void *user, const char *section, const char *name, const char *value)
{
    mewl_cli_settings *settings = user;
    if (settings->count == SETTINGS_ROWS_MAX) {
        settings->status = MEWL_E_MEMORY;
        return 0;
    }
    if (value == NULL || name[0] == '\0') {
        settings->status = MEWL_E_FORMAT;
        return 0;
    }
    settings_row *row = &settings->rows[settings->count++];
    row->line = settings->line;
    row->section = strndup(section, SETTINGS_TEXT_MAX);
    row->name = strndup(name, SETTINGS_TEXT_MAX);
    row->value = strndup(value, SETTINGS_TEXT_MAX);
    if (row->section == NULL || row->name == NULL || row->value == NULL) {
        settings->status = MEWL_E_MEMORY;
        return 0;
    }
    return 1;
}

mewl_status mewl_cli_settings_read(mewl_cli_settings **out, const char *path, int must_exist, mewl_error *err)
{
    *out = NULL;
    mewl_cli_settings *settings = calloc(1, sizeof *settings);
    if (settings == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    }
    mewl_status status = MEWL_OK;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        if (errno != ENOENT || must_exist != 0) {
            status = mewl_error_errno(err, errno, path);
        }
    } else {
        settings->file = file;
        settings->path = strdup(path);
        int line = ini_parse_stream(read_line, settings, take_row, settings);
        if (settings->path == NULL) {
            settings->status = MEWL_E_MEMORY;
        }
        if (settings->status == MEWL_E_MEMORY) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "%s: more than %d settings", path, SETTINGS_ROWS_MAX);
        } else if (line > 0) {
            status = mewl_error_set(err, MEWL_E_FORMAT, "%s:%d: expected `name = value` or `[command]`", path, line);
        } else if (line < 0 || ferror(file)) {
            status = mewl_error_set(err, MEWL_E_IO, "%s: could not be read", path);
        }
        (void)fclose(file);
    }
    if (status != MEWL_OK) {
        mewl_cli_settings_free(settings);
        return status;
    }
    *out = settings;
    return MEWL_OK;
}

const char *mewl_cli_settings_get(const mewl_cli_settings *settings, const char *command, const char *name)
{
    const char *general = NULL;
    for (size_t i = 0; settings != NULL && i < settings->count; i++) {
        const settings_row *row = &settings->rows[i];
        if (strcmp(row->name, name) != 0) {
            continue;
        }
        if (strcmp(row->section, command) == 0) {
            return row->value;
        }
        if (row->section[0] == '\0') {
            general = row->value;
        }
    }
    return general;
}

const char *mewl_cli_settings_at(const mewl_cli_settings *settings, size_t index, const char **section,
                                 const char **path, int *line)
{
    if (settings == NULL || index >= settings->count) {
        return NULL;
    }
    *section = settings->rows[index].section;
    *path = settings->path;
    *line = settings->rows[index].line;
    return settings->rows[index].name;
}

void mewl_cli_settings_free(mewl_cli_settings *settings)
{
    for (size_t i = 0; settings != NULL && i < settings->count; i++) {
        free(settings->rows[i].section);
        free(settings->rows[i].name);
        free(settings->rows[i].value);
    }
    if (settings != NULL) {
        free(settings->path);
    }
    free(settings);
}
