/* bench_nn.c - milliseconds of processor time per 10 s clip: the networks in inference and in a training step (forward,
 * backward, AdamW), float32 and bfloat16, on one thread. With an argument: also every layer's share.
 *
 * Each figure is the best of several runs: a shared machine only makes things slower.
 */
#include "models/model.h"
#include "nn/loss.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FRAMES = 1001, BANDS = 64 };

typedef struct row {
    const char *name;
    mewl_model_config config;
    int64_t batch;
    int runs;
} row;

static const row rows[] = {
    {"cnn10 frame-wise, width 1/4", {.arch = "cnn10", .classes = 1, .width = 0.25, .framewise = true}, 4, 8},
    {"cnn10 frame-wise, width 1/2", {.arch = "cnn10", .classes = 1, .width = 0.5, .framewise = true}, 4, 5},
    {"cnn6, width 1/4", {.arch = "cnn6", .classes = 10, .width = 0.25}, 4, 8},
    {"cnn10", {.arch = "cnn10", .classes = 10}, 4, 2},
    {"cnn14", {.arch = "cnn14", .classes = 10}, 4, 2},
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static mewl_status step(mewl_model *model, mewl_optim *optim, const float *x, float *logits, int64_t batch,
                        int64_t classes, mewl_error *err)
{
    MEWL_TRY(mewl_model_forward(model, x, batch, FRAMES, logits, NULL, NULL, err));
    if (optim == NULL) {
        return MEWL_OK;
    }
    size_t count = (size_t)(batch * classes);
    mewl_loss_sigmoid(logits + count, logits, logits + 2 * count, NULL, count, 1.0); /* targets: all 0 */
    MEWL_TRY(mewl_model_backward(model, logits + count, NULL, err));
    return mewl_optim_step(optim, NULL, 1e-4, err);
}

static mewl_status measure(double *best, const row *r, bool training, bool bf16, bool layers, mewl_error *err)
{
    mewl_model *model;
    mewl_optim *optim = NULL;
    float *x = calloc((size_t)r->batch * FRAMES * BANDS, sizeof *x), logits[3 * 64] = {0};
    mewl_rng rng = mewl_rng_seeded(1);
    for (int64_t i = 0; x != NULL && i < r->batch * FRAMES * BANDS; i++) {
        x[i] = (float)(mewl_rng_normal(&rng) * 15.0 - 40.0);
    }
    mewl_status status = mewl_model_new(&model, r->config, 1, err);
    if (status == MEWL_OK && training) {
        status = mewl_optim_new(&optim, mewl_model_net(model), (mewl_optim_opts){.kind = MEWL_OPTIM_ADAMW}, err);
    }
    if (status == MEWL_OK) {
        status = mewl_model_plan(model, (mewl_model_mode){.training = training, .bf16 = bf16}, err);
    }
    *best = 1e30;
    for (int run = 0; run <= r->runs && status == MEWL_OK; run++) {
        double start = now_ms();
        status = step(model, optim, x, logits, r->batch, r->config.classes, err);
        double took = (now_ms() - start) / (double)r->batch;
        *best = run > 0 && took < *best ? took : *best; /* the first run plans */
        mewl_net_profile(mewl_model_net(model), layers);
    }
    if (status == MEWL_OK && layers) {
        static char text[1 << 15];
        mewl_net_profile_text(mewl_model_net(model), text, sizeof text);
        printf("%s, %s, %s, batch of %lld\n%s\n", r->name, training ? "training" : "inference",
               bf16 ? "bfloat16" : "float32", (long long)r->batch, text);
    }
    mewl_optim_free(optim);
    mewl_model_free(model);
    free(x);
    return status;
}

int main(int argc, char **argv)
{
    printf("%-32s %10s %10s %10s %10s   ms of one core per clip of 10 s\n", "", "fwd f32", "fwd bf16", "step f32",
           "step bf16");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        printf("%-32s", rows[i].name);
        for (int k = 0; k < 4; k++) {
            mewl_error err = {0};
            double best;
            if (measure(&best, &rows[i], k >= 2, k % 2 == 1, argc > 1, &err) == MEWL_OK) {
                printf(" %10.2f", best);
            } else {
                printf(" %10s", mewl_status_name(err.status));
            }
            fflush(stdout);
        }
        printf("\n");
    }
    return 0;
}
