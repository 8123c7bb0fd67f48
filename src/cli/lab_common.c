/* lab_common.c - options, recordings and results that all experiments have in common. */
#include "cli/lab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "cli/document.h"
#include "cli/lab_sheets.h"
#include "cli/stop.h"
#include "data/readers.h"
#include "lab/report.h"

#define OPTIONS_MAX 48
#define CLEANED "donateacry-corpus/donateacry_corpus_cleaned_and_updated_data"

int mewl_lab_parse(mewl_cli *cli, const mewl_cli_usage *usage, unsigned unused, int argc, char **argv,
                   const char **value, int *operand_count, char ***operands)
{
    mewl_cli_option kept[OPTIONS_MAX + 1] = {{0}};
    const char *got[OPTIONS_MAX] = {NULL};
    size_t place[OPTIONS_MAX], count = 0;
    for (size_t i = 0; usage->options[i].name != NULL; i++) {
        value[i] = NULL;
        if ((i >= LAB_OPTION_COUNT || (unused >> i & 1u) == 0) && count < OPTIONS_MAX) {
            place[count] = i;
            kept[count++] = usage->options[i];
        }
    }
    mewl_cli_usage shown = *usage;
    shown.options = kept;
    const int code = mewl_cli_parse(cli, &shown, argc, argv, got, operand_count, operands);
    for (size_t i = 0; i < count; i++) {
        value[place[i]] = got[i];
    }
    return code;
}

int mewl_lab_open(mewl_lab *lab, mewl_cli *cli, const char *const *value, const char *name)
{
    memset(lab, 0, sizeof *lab);
    static const char *const profiles[] = {"quick", "paper"};
    const char *profile = value[LAB_OPTION_PROFILE] != NULL ? value[LAB_OPTION_PROFILE] : profiles[0];
    lab->paper = strcmp(profile, profiles[1]) == 0;
    if (!lab->paper && strcmp(profile, profiles[0]) != 0) {
        return mewl_cli_unknown(cli, "profile", profile, profiles, 2);
    }
    long seeds = 0;
    if (!mewl_cli_integer(cli, "seeds", value[LAB_OPTION_SEEDS], 1, 100, &seeds)) {
        return MEWL_EXIT_USAGE;
    }
    const char *data = value[LAB_OPTION_DATA] != NULL ? value[LAB_OPTION_DATA] : getenv("MEWL_DATA");
    const char *out = value[LAB_OPTION_OUT];
    int n = snprintf(lab->data, sizeof lab->data, "%s", data != NULL ? data : "");
    int m = out != NULL ? snprintf(lab->folder, sizeof lab->folder, "%s", out)
                        : snprintf(lab->folder, sizeof lab->folder, "runs/lab/%s-%s", name, profile);
    if (n >= (int)sizeof lab->data || m >= (int)sizeof lab->folder) {
        return mewl_cli_usage_error(cli, "the name of a folder is too long");
    }
    lab->cli = cli;
    lab->value = value;
    lab->name = name;
    lab->seeds = (size_t)seeds;
    lab->progress = (mewl_progress){.report = mewl_cli_report, .user = cli};
    lab->log = (mewl_log){.write = mewl_cli_log, .user = cli, .most = MEWL_LOG_INFO};
    lab->stop = mewl_cli_catch_signals();
    return MEWL_CLI_GO;
}

/* ---- Recordings ---- */

mewl_status mewl_lab_scan(const mewl_lab *lab, mewl_manifest *out, const char *folder, mewl_error *err)
{
    if (lab->data[0] == '\0') {
        return mewl_error_set(err, MEWL_E_NOT_FOUND,
                              "where are the data sets? Name their folder with --data or MEWL_DATA");
    }
    char *path = mewl_folder_join(lab->data, folder);
    if (path == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a path");
    }
    mewl_status status = mewl_scan(out, NULL, path, NULL, err);
    free(path);
    return status;
}

/* The column asked for, else `reason` where some row has one, else `label`. */
static mewl_status choose_column(mewl_lab *lab, mewl_error *err)
{
    lab->column = lab->value[LAB_OPTION_COLUMN];
    if (lab->column != NULL) {
        return mewl_manifest_has_column(&lab->manifest, lab->column)
                   ? MEWL_OK
                   : mewl_error_set(err, MEWL_E_ARG, "%s has no column `%s`", lab->manifest_name, lab->column);
    }
    lab->column = "label";
    for (size_t i = 0; i < lab->manifest.count; i++) {
        if (lab->manifest.rows[i].reason[0] != '\0') {
            lab->column = "reason";
        }
    }
    return MEWL_OK;
}

static void drop_unlabelled(mewl_lab *lab)
{
    mewl_manifest *m = &lab->manifest;
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++) {
        char buffer[64];
        const char *label = mewl_manifest_value(m, &m->rows[i], lab->column, buffer, sizeof buffer);
        if (label != NULL && label[0] != '\0') {
            m->rows[kept++] = m->rows[i];
        }
    }
    m->count = kept;
}

mewl_status mewl_lab_read_manifest(mewl_lab *lab, mewl_error *err)
{
    const char *given = lab->value[LAB_OPTION_MANIFEST];
    const char *slash = given != NULL ? strrchr(given, '/') : NULL;
    const char *name = given == NULL ? "Donate-a-Cry, cleaned" : slash != NULL ? slash + 1 : given;
    (void)snprintf(lab->manifest_name, sizeof lab->manifest_name, "%s", name);
    MEWL_TRY(given != NULL ? mewl_manifest_read(&lab->manifest, given, err)
                           : mewl_lab_scan(lab, &lab->manifest, CLEANED, err));
    lab->has_manifest = true;
    mewl_manifest_sort(&lab->manifest);
    MEWL_TRY(choose_column(lab, err));
    drop_unlabelled(lab);
    return lab->manifest.count > 0 ? MEWL_OK
                                   : mewl_error_set(err, MEWL_E_EMPTY, "%s: no recording with a class in column `%s`",
                                                    lab->manifest_name, lab->column);
}

/* ---- Studies ---- */

mewl_study_opts mewl_lab_study_opts(const mewl_lab *lab, const char *title, size_t seeds)
{
    return (mewl_study_opts){
        .experiment = lab->name,
        .title = title,
        .profile = lab->paper ? "paper" : "quick",
        .data_name = lab->manifest_name,
        .column = lab->column,
        .folds = 5,
        .folds_run = 1,
        .seeds = lab->seeds > 0 ? lab->seeds : seeds,
        .stop = lab->stop,
        .progress = &lab->progress,
        .log = &lab->log,
    };
}

mewl_status mewl_lab_run_study(json_t **document, mewl_lab *lab, mewl_study_opts opts, const mewl_study_config *configs,
                               size_t count, mewl_error *err)
{
    mewl_study *study = NULL;
    mewl_experiment *experiment = NULL;
    MEWL_TRY(mewl_study_open(&study, &lab->manifest, opts, err));
    json_t *identity = mewl_study_identity(study);
    mewl_status status = mewl_experiment_open(&experiment, lab->folder, identity, err);
    json_decref(identity);
    if (status == MEWL_OK) {
        status = mewl_study_run(study, experiment, configs, count, err);
    }
    if (status == MEWL_OK) {
        status = mewl_study_document(document, study, experiment, configs, count, err);
    }
    mewl_experiment_close(experiment);
    mewl_study_close(study);
    return status;
}

/* ---- Results ---- */

void mewl_lab_path(const mewl_lab *lab, char *path, size_t size, const char *file)
{
    (void)snprintf(path, size, "%s/%s", lab->folder, file);
}

static mewl_status write_results(const mewl_lab *lab, json_t *document, const mewl_lab_ending *ending, mewl_error *err)
{
    char page[4096];
    const char *html = lab->value[LAB_OPTION_HTML];
    if (ending->page) {
        MEWL_TRY(mewl_report_label(document, err));
    }
    MEWL_TRY(mewl_document_keep(lab->cli, document, lab->folder, ending->name, ending->extension, ending->text, err));
    mewl_lab_path(lab, page, sizeof page, "report.html");
    return ending->page ? mewl_report_html(document, html != NULL ? html : page, err) : MEWL_OK;
}

int mewl_lab_end(mewl_lab *lab, mewl_status status, json_t *document, mewl_lab_ending ending, const mewl_error *err)
{
    mewl_error own = *err;
    mewl_cli_report_clear(lab->cli);
    if (status == MEWL_OK && document != NULL) {
        status = write_results(lab, document, &ending, &own);
    }
    json_decref(document);
    if (lab->has_manifest) {
        mewl_manifest_fini(&lab->manifest);
    }
    return status == MEWL_OK ? MEWL_EXIT_DONE : mewl_cli_fail(lab->cli, &own);
}

int mewl_lab_close(mewl_lab *lab, mewl_status status, json_t *document, const mewl_error *err)
{
    const mewl_lab_ending ending = {"report", "txt", mewl_report_text, true};
    return mewl_lab_end(lab, status, document, ending, err);
}
