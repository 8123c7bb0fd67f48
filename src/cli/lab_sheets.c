#include "cli/lab_sheets.h"

#include <stdio.h>

#include "base/file.h"
#include "base/folder.h"
#include "lab/sheet.h"

#define TEXT_BYTES_MAX ((size_t)16 << 20)

static mewl_status write_sheets(const mewl_lab *lab, const char *name, json_t *document, mewl_error *err)
{
    char file[160];
    char path[4096];
    mewl_buffer text;
    MEWL_TRY(mewl_folder_make(lab->folder, err));
    (void)snprintf(file, sizeof file, "%s.json", name);
    mewl_lab_path(lab, path, sizeof path, file);
    MEWL_TRY(mewl_json_write(document, path, err));
    mewl_buffer_init(&text, TEXT_BYTES_MAX);
    mewl_status status = mewl_sheet_print(&text, document, err);
    if (status == MEWL_OK) {
        (void)snprintf(file, sizeof file, "%s.md", name);
        mewl_lab_path(lab, path, sizeof path, file);
        status = mewl_file_write(path, text.data, text.size, err);
    }
    if (status == MEWL_OK && (lab->cli->json || lab->cli->ndjson)) {
        status = mewl_json_print(document, stdout, !lab->cli->ndjson, err);
    } else if (status == MEWL_OK) {
        (void)fwrite(text.data, 1, text.size, stdout);
    }
    mewl_buffer_fini(&text);
    return status;
}

int mewl_lab_close_sheets(mewl_lab *lab, const char *name, mewl_status status, json_t *document, const mewl_error *err)
{
    mewl_error own = *err;
    mewl_cli_report_clear(lab->cli);
    if (status == MEWL_OK) {
        status = write_sheets(lab, name, document, &own);
    }
    json_decref(document);
    if (lab->has_manifest) {
        mewl_manifest_fini(&lab->manifest);
    }
    return status == MEWL_OK ? MEWL_EXIT_DONE : mewl_cli_fail(lab->cli, &own);
}
