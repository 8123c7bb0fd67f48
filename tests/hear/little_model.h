/* little_model.h - for tests alone: a detector with random weights, whose scores wander enough to make episodes. */
#ifndef MEWL_TESTS_LITTLE_MODEL_H
#define MEWL_TESTS_LITTLE_MODEL_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "dsp/frontend.h"
#include "models/model.h"

/* Noise bursts of wandering loudness: `frames` x `channels`, malloc'd. */
static inline float *little_sound(size_t frames, int channels, double rate_hz, uint64_t seed)
{
    float *sound = malloc((frames * (size_t)channels + 1) * sizeof *sound);
    if (sound == NULL) {
        abort();
    }
    mewl_rng rng = mewl_rng_seeded(seed);
    double gain = 0.0, tone_hz = 400.0;
    size_t until = 0;
    for (size_t i = 0; i < frames; i++) {
        if (i == until) {
            gain = pow(10.0, mewl_rng_range(&rng, -3.5, -0.5));
            tone_hz = mewl_rng_range(&rng, 200.0, 0.4 * rate_hz);
            until = i + (size_t)(rate_hz * mewl_rng_range(&rng, 0.3, 2.5));
        }
        for (int c = 0; c < channels; c++) {
            sound[i * (size_t)channels + (size_t)c] =
                (float)(gain * (0.2 * mewl_rng_normal(&rng) + sin(6.283185307 * tone_hz * (double)i / rate_hz)));
        }
    }
    return sound;
}

/* Scales the last layer so that the logits on little_sound have mean -1 and deviation 2. */
static inline bool little_calibrate(mewl_model *model)
{
    enum { SAMPLES = 20 * 16000 };
    mewl_frontend *fe = NULL;
    if (mewl_frontend_new(&fe, "panns-16k", NULL) != MEWL_OK) {
        return false;
    }
    size_t frames = mewl_frontend_frame_count(fe, SAMPLES),
           count = (size_t)mewl_model_output_frames(model, (int64_t)frames);
    float *sound = little_sound(SAMPLES, 1, 16000.0, 99);
    float *features = malloc(frames * mewl_frontend_bands(fe) * sizeof *features);
    float *logits = malloc(count * sizeof *logits);
    bool ok = features != NULL && logits != NULL && mewl_frontend_run(fe, features, sound, SAMPLES, NULL) == MEWL_OK &&
              mewl_model_forward(model, features, 1, (int64_t)frames, NULL, logits, NULL, NULL) == MEWL_OK;
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; ok && i < count; i++) {
        sum += (double)logits[i];
        squares += (double)logits[i] * (double)logits[i];
    }
    double mean = sum / (double)count, deviation = sqrt(squares / (double)count - mean * mean);
    ok = ok && deviation > 0.0;
    mewl_param *weight = mewl_net_param(mewl_model_net(model), "fc_frame.weight");
    mewl_param *bias = mewl_net_param(mewl_model_net(model), "fc_frame.bias");
    for (int64_t k = 0; ok && k < weight->value.shape.dim[1]; k++) {
        ((float *)weight->value.data)[k] *= (float)(2.0 / deviation);
    }
    if (ok) {
        float *b = bias->value.data;
        b[0] = (float)(2.0 / deviation * ((double)b[0] - mean) - 1.0);
        mewl_net_touch(mewl_model_net(model));
    }
    free(sound);
    free(features);
    free(logits);
    mewl_frontend_free(fe);
    return ok;
}

/* CNN10, frame-wise, four to thirty-two channels. NULL after an error. */
static inline mewl_model *little_model(uint64_t seed)
{
    mewl_model_config config = {
        .arch = "cnn10", .front_end = "panns-16k", .classes = 1, .width = 0.0625, .framewise = true};
    mewl_model *model = NULL;
    if (mewl_model_new(&model, config, seed, NULL) != MEWL_OK) {
        return NULL;
    }
    mewl_rng rng = mewl_rng_seeded(seed);
    size_t count;
    mewl_param *const *params = mewl_net_params(mewl_model_net(model), &count);
    for (size_t i = 0; i < count; i++) {
        const mewl_shape *shape = &params[i]->value.shape;
        bool first = strncmp(params[i]->name, "bn0", 3) == 0;
        bool mean = strstr(params[i]->name, "running_mean") != NULL,
             var = strstr(params[i]->name, "running_var") != NULL;
        bool last = strcmp(params[i]->name, "fc_frame.weight") == 0;
        int64_t n = shape->dim[0] * shape->dim[1] * shape->dim[2] * shape->dim[3];
        float *value = params[i]->value.data;
        for (int64_t k = 0; k < n; k++) {
            if (mean) {
                value[k] = first ? -40.0f : (float)mewl_rng_range(&rng, -0.1, 0.1);
            } else if (var) {
                value[k] = first ? 400.0f : 1.0f;
            } else if (last) {
                value[k] = (float)mewl_rng_range(&rng, -1.0, 1.0);
            }
        }
    }
    mewl_net_touch(mewl_model_net(model));
    if (!little_calibrate(model)) {
        mewl_model_free(model);
        return NULL;
    }
    return model;
}

#endif
