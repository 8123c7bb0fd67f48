/* onnx.h - a model or a teacher as an ONNX file (opset 13), for other runtimes.
 *
 * The file holds the network in inference, its weights as initialisers under their own names, and as metadata what the
 * model's file says: architecture, front end, labels, notes. It does not hold the front end: its input "features" is
 * (N, T, B), frames of the front end named in "mewl.front_end" (docs/models.md gives each exactly). N and T are free,
 * but for what the architecture needs. Outputs: "logits" (N, classes); frame-wise models "frame_logits" (N, T',
 * classes) too; "embedding" (N, size).
 */
#ifndef MEWL_MODELS_ONNX_H
#define MEWL_MODELS_ONNX_H

#include "base/status.h"

/* Writes the model in the file at `path`, of any kind that classifier.h opens, to `out_path`, atomically. Errors: those
 * of mewl_classifier_open; MEWL_E_UNSUPPORTED (an eight-bit model, or a layer that has no form in ONNX);
 * MEWL_E_MEMORY, MEWL_E_IO. */
mewl_status mewl_onnx_export(const char *path, const char *out_path, mewl_error *err);

#endif
