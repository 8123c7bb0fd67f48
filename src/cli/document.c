/* document.c - see document.h. */
#include "cli/document.h"

#include "base/file.h"
#include "base/folder.h"

#define TEXT_BYTES_MAX ((size_t)16 << 20)

#ifndef MEWL_VERSION
#error "the build must say which version this is"
#endif

const char *mewl_program_version(void)
{
    return MEWL_VERSION;
}

mewl_status mewl_document_stamp(json_t *document, mewl_error *err)
{
    json_t *program = json_object();
    mewl_status status = mewl_json_set_string(program, "name", "mewl");
    status = status == MEWL_OK ? mewl_json_set_string(program, "version", mewl_program_version()) : status;
    status = status == MEWL_OK ? mewl_json_set_string(program, "revision", mewl_program_revision()) : status;
    const mewl_status put = mewl_json_set(document, "program", program);
    return status == MEWL_OK && put == MEWL_OK
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the program's version");
}

/* FOLDER/NAME.EXTENSION */
static mewl_status path_of(char *out, size_t size, const char *folder, const char *name, const char *extension,
                           mewl_error *err)
{
    const int used = snprintf(out, size, "%s/%s.%s", folder, name, extension);
    return used > 0 && (size_t)used < size ? MEWL_OK
                                           : mewl_error_set(err, MEWL_E_ARG, "%.200s: the path is too long", folder);
}

mewl_status mewl_document_keep(const mewl_cli *cli, json_t *document, const char *folder, const char *name,
                               const char *extension, mewl_document_text *text, mewl_error *err)
{
    char path[4200];
    mewl_buffer tables;
    MEWL_TRY(mewl_document_stamp(document, err));
    MEWL_TRY(mewl_folder_make(folder, err));
    MEWL_TRY(path_of(path, sizeof path, folder, name, "json", err));
    MEWL_TRY(mewl_json_write(document, path, err));
    mewl_buffer_init(&tables, TEXT_BYTES_MAX);
    mewl_status status = text(&tables, document, err);
    if (status == MEWL_OK) {
        status = path_of(path, sizeof path, folder, name, extension, err);
    }
    if (status == MEWL_OK) {
        status = mewl_file_write(path, tables.data, tables.size, err);
    }
    if (status == MEWL_OK && (cli->json || cli->ndjson)) {
        status = mewl_json_print(document, stdout, !cli->ndjson, err);
    } else if (status == MEWL_OK) {
        (void)fwrite(tables.data, 1, tables.size, stdout);
    }
    mewl_buffer_fini(&tables);
    return status;
}
