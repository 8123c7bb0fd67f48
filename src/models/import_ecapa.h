/* import_ecapa.h - private to models/: published ECAPA-TDNN checkpoints into our own form. */
#ifndef MEWL_MODELS_IMPORT_ECAPA_H
#define MEWL_MODELS_IMPORT_ECAPA_H

#include "base/status.h"

/* Reads a PyTorch checkpoint of either form (told by its names) at any width and writes `out_path` atomically. Tensors
 * of the front end, of the training loss and batch counters are passed over; all else must fit. Errors as mewl_import.
 */
mewl_status mewl__import_ecapa(const char *path, const char *out_path, mewl_error *err);

#endif
