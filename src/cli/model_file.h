/* model_file.h - files that are given as models: the detector of a command opened, and, of a file that is no such
 * model, what it seems to be instead and what to do. Not a reader: models/, hear/ and infant/ read. */
#ifndef MEWL_CLI_MODEL_FILE_H
#define MEWL_CLI_MODEL_FILE_H

#include "base/status.h"
#include "models/model.h"

/* What a command wants of a model. */
typedef enum mewl_cli_model_use {
    MEWL_CLI_MODEL_DETECTOR, /* scores frames: analyze, listen, bench */
    MEWL_CLI_MODEL_ANY,      /* scores clips or gives embeddings: predict, model info, export, ... */
    MEWL_CLI_MODEL_REASON    /* says why: analyze --reason-model */
} mewl_cli_model_use;

/* After a model at `path` was refused with *err: where the file is plainly something else (a text, a recording, a
 * reason model, one infant's own model, ...), *err becomes a sentence that names the file, what it is, what was wanted
 * and what to do; else it stays. Returns err->status. */
mewl_status mewl_cli_model_explain(const char *path, mewl_cli_model_use use, mewl_error *err);

/* mewl_model_load, and that the model can say when somebody cried. Errors: its own, explained; MEWL_E_UNSUPPORTED. */
mewl_status mewl_cli_detector_load(mewl_model **out, const char *path, mewl_error *err);

#endif
