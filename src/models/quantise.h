/* quantise.h - a trained model into one of eight bits: calibrate on features, quantise, save.
 *
 *     mewl_model_load(&model, path, err);
 *     mewl_model_calibrate(model, features, n, t, err);   // as often as there are batches; static only
 *     mewl_model_quantise(model, (mewl_quant_opts){.kind = MEWL_QUANT_STATIC}, err);
 *     mewl_model_save(model, out, false, err);            // eight-bit weights and their scales
 *
 * A quantised model loads with mewl_model_load and runs with mewl_model_forward like any other, in eight bits where it
 * can (nn/quant.h). It cannot be trained.
 */
#ifndef MEWL_MODELS_QUANTISE_H
#define MEWL_MODELS_QUANTISE_H

#include "models/model.h"
#include "nn/quant.h"

/* Runs n clips of t frames (features as in mewl_model_forward) and keeps the ranges of all activations. May be called
 * any number of times before mewl_model_quantise, with different t. Leaves the mode of mewl_model_plan as it is.
 * Errors: those of mewl_model_forward; MEWL_E_STATE when quantised already; MEWL_E_FORMAT when features are not finite.
 */
mewl_status mewl_model_calibrate(mewl_model *model, const float *features, int64_t n, int64_t t, mewl_error *err);

/* Quantises in place (mewl_net_quantise). Adds the note "quantised" in words. Errors: those of mewl_net_quantise. */
mewl_status mewl_model_quantise(mewl_model *model, mewl_quant_opts opts, mewl_error *err);

/* MEWL_QUANT_NONE for an ordinary model. */
mewl_quant_kind mewl_model_quantised(mewl_model *model);

/* Bytes that mewl_model_save would write, header included, without writing. Errors: MEWL_E_MEMORY. */
mewl_status mewl_model_bytes(mewl_model *model, uint64_t *bytes, bool bf16, mewl_error *err);

#endif
