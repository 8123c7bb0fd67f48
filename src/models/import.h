/* import.h - other people's checkpoints into our own .safetensors form.
 *
 *   arch                                    from                                          becomes
 *   yamnet                                  YAMNet's TFLite file                          a teacher (teacher.h)
 *   mn04                                    EfficientAT's mn04_as file (PyTorch)          a teacher
 *   cnn6, cnn10, cnn14, resnet22,           a PANNs checkpoint (PyTorch), at any width    a model (model.h)
 *   mobilenetv1, mobilenetv2,
 *   wavegram-logmel-cnn14
 *   ecapa                                   SpeechBrain's embedding_model.ckpt, or a      an embedder (model.h)
 *                                           checkpoint whose names begin speaker_encoder.
 *
 * Nothing is trained or changed: weights are copied by name and exact shape (8-bit ones dequantised). PyTorch files may
 * be of the zip form or of the older one (torchzip.h).
 */
#ifndef MEWL_MODELS_IMPORT_H
#define MEWL_MODELS_IMPORT_H

#include <stddef.h>

#include "base/status.h"

/* Names that `arch` may be, in a fixed order; NULL past the last. Static storage. */
const char *mewl_import_arch_at(size_t index);

/* Reads `path` as `arch` and writes `out_path` atomically. PANNs: the front end follows from the checkpoint's own mel
 * matrix (that of 32 kHz where it carries none), width and classes from the shapes of its layers; 527 classes get
 * AudioSet's labels. MEWL_E_ARG (unknown arch), MEWL_E_NOT_FOUND, MEWL_E_IO, MEWL_E_FORMAT, MEWL_E_UNSUPPORTED (another
 * network, naming the tensor), MEWL_E_MEMORY. */
mewl_status mewl_import(const char *path, const char *arch, const char *out_path, mewl_error *err);

#endif
