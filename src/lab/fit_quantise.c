/* fit_quantise.c - a trained model into one of eight bits with the clips it was trained on: ranges from their crops,
 * and, where asked for, a few more passes in which it rounds as it will (nn/quant.h). */
#include <stdlib.h>

#include "lab/fit.h"
#include "models/quantise.h"

#define CALIBRATION_CLIPS 64
#define CALIBRATION_BATCH 8

mewl_status mewl_fit_calibrate(mewl_model *model, const mewl_clipset *set, const size_t *train, size_t train_count,
                               mewl_fit_opts opts, mewl_error *err)
{
    size_t frames = opts.frames == 0 ? 200 : opts.frames;
    size_t size = frames * set->bands;
    size_t shown = train_count < CALIBRATION_CLIPS ? train_count : CALIBRATION_CLIPS;
    float *x = calloc(CALIBRATION_BATCH * size, sizeof *x);
    if (x == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory to calibrate");
    }
    mewl_status status = mewl_model_plan(model, (mewl_model_mode){.threads = opts.threads}, err);
    for (size_t i = 0; status == MEWL_OK && i < shown; i += CALIBRATION_BATCH) {
        for (size_t k = 0; k < CALIBRATION_BATCH; k++) {
            size_t clip = train[(i + k) * train_count / (shown + CALIBRATION_BATCH)];
            size_t have = set->clips[clip].frames;
            mewl_clipset_crop(set, x + k * size, clip, have > frames ? (have - frames) / 2 : 0, frames);
        }
        status = mewl_model_calibrate(model, x, CALIBRATION_BATCH, (int64_t)frames, err);
    }
    free(x);
    return status;
}

mewl_status mewl_fit_quantise(mewl_model *model, const mewl_clipset *set, const size_t *train, size_t train_count,
                              mewl_fit_opts opts, mewl_quant_opts how, mewl_error *err)
{
    how.kind = MEWL_QUANT_STATIC;
    opts.bf16 = false;
    if (train_count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "there are no clips to calibrate with");
    }
    MEWL_TRY(mewl_fit_calibrate(model, set, train, train_count, opts, err));
    if (opts.epochs > 0) {
        MEWL_TRY(mewl_net_fake_quantise(mewl_model_net(model), how, err));
        MEWL_TRY(mewl_fit_train(NULL, model, set, train, train_count, NULL, opts, err));
    }
    return mewl_model_quantise(model, how, err);
}
