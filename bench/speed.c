/* speed.c - Mewl's side of bench/pytorch.sh: does what lines on stdin say and prints milliseconds, so that two programs
 * can take turns on one machine.
 *
 *     peak f32|bf16|int8 THREADS         matrix product of 1024 cubed, GFLOP/s, best of some
 *     open ARCH WIDTH BATCH FRAMES THREADS f32|winograd|bf16|int8 infer|train    plans and runs once; megabytes of the
 * plan run                                once more: wall and processor milliseconds error largest difference of
 * probabilities to float32, of what is open close
 *
 * Features and weights are made up; shapes are real. A training step is forward, backward and AdamW. */
#include <dnnl.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "models/quantise.h"
#include "nn/loss.h"

enum { BANDS = 64, CLASSES = 527, EDGE = 1024 };

typedef struct work {
    mewl_model *model;
    mewl_optim *optim;
    float *x, *logits; /* logits, their gradient, targets */
    mewl_model_mode mode;
    int64_t batch, frames;
    bool int8;
} work;

static double clock_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void close_work(work *w)
{
    mewl_optim_free(w->optim);
    mewl_model_free(w->model);
    free(w->x);
    free(w->logits);
    *w = (work){0};
}

static mewl_status step(work *w, mewl_error *err)
{
    MEWL_TRY(mewl_model_forward(w->model, w->x, w->batch, w->frames, w->logits, NULL, NULL, err));
    if (!w->mode.training) {
        return MEWL_OK;
    }
    const size_t count = (size_t)(w->batch * CLASSES);
    mewl_net_zero_grad(mewl_model_net(w->model));
    mewl_loss_sigmoid(w->logits + count, w->logits, w->logits + 2 * count, NULL, count, 1.0); /* targets: all 0 */
    MEWL_TRY(mewl_model_backward(w->model, w->logits + count, NULL, err));
    return mewl_optim_step(w->optim, NULL, 1e-4, err);
}

static mewl_status open_work(work *w, const char *arch, double width, const char *precision, bool training, int threads,
                             mewl_error *err)
{
    mewl_model_config config = {.front_end = "panns-16k", .classes = CLASSES, .width = width};
    (void)snprintf(config.arch, sizeof config.arch, "%s", arch);
    const size_t features = (size_t)(w->batch * w->frames * BANDS);
    w->int8 = strcmp(precision, "int8") == 0;
    w->mode = (mewl_model_mode){.training = training,
                                .bf16 = strcmp(precision, "bf16") == 0,
                                .winograd = strcmp(precision, "winograd") == 0,
                                .threads = threads};
    w->x = malloc(features * sizeof *w->x);
    w->logits = calloc((size_t)(3 * w->batch * CLASSES), sizeof *w->logits);
    if (w->x == NULL || w->logits == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory");
    }
    mewl_rng rng = mewl_rng_seeded(1);
    for (size_t i = 0; i < features; i++) {
        w->x[i] = (float)mewl_rng_normal(&rng);
    }
    MEWL_TRY(mewl_model_new(&w->model, config, 1, err));
    if (training) {
        MEWL_TRY(mewl_optim_new(&w->optim, mewl_model_net(w->model), (mewl_optim_opts){.kind = MEWL_OPTIM_ADAMW}, err));
    }
    if (w->int8) {
        MEWL_TRY(mewl_model_calibrate(w->model, w->x, 1, w->frames, err));
        MEWL_TRY(mewl_model_quantise(w->model, (mewl_quant_opts){.kind = MEWL_QUANT_STATIC}, err));
    }
    MEWL_TRY(mewl_model_plan(w->model, w->mode, err));
    return step(w, err);
}

/* Probabilities of the same weights in plain float32, beside those at hand. */
static mewl_status error_of(work *w, double *most, mewl_error *err)
{
    const size_t count = (size_t)(w->batch * CLASSES);
    mewl_model *model;
    MEWL_TRY(mewl_model_new(&model, *mewl_model_configuration(w->model), 1, err));
    float *logits = w->logits + count;
    const mewl_status status = mewl_model_forward(model, w->x, w->batch, w->frames, logits, NULL, NULL, err);
    *most = 0.0;
    for (size_t i = 0; i < count && status == MEWL_OK; i++) {
        const double a = 1.0 / (1.0 + exp(-(double)w->logits[i])), b = 1.0 / (1.0 + exp(-(double)logits[i]));
        *most = fmax(*most, fabs(a - b));
    }
    mewl_model_free(model);
    return status;
}

/* Matrix product of oneDNN, as its convolutions use it. 0 where it cannot. */
static double peak_gflops(dnnl_data_type_t a, dnnl_data_type_t b, dnnl_data_type_t c, int threads)
{
    const dnnl_dims_t dims = {EDGE, EDGE};
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_desc_t md[3];
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_exec_arg_t args[3] = {{.arg = DNNL_ARG_SRC}, {.arg = DNNL_ARG_WEIGHTS}, {.arg = DNNL_ARG_DST}};
    const clockid_t clock = threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC; /* as the runs are compared */
    double best = 0.0;
    omp_set_num_threads(threads);
    dnnl_engine_create(&engine, dnnl_cpu, 0);
    dnnl_stream_create(&stream, engine, dnnl_stream_in_order);
    dnnl_memory_desc_init_by_tag(&md[0], 2, dims, a, dnnl_ab);
    dnnl_memory_desc_init_by_tag(&md[1], 2, dims, b, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&md[2], 2, dims, c, dnnl_ab);
    if (dnnl_matmul_desc_init(&desc, &md[0], &md[1], NULL, &md[2]) == dnnl_success &&
        dnnl_primitive_desc_create(&pd, &desc, NULL, engine, NULL) == dnnl_success &&
        dnnl_primitive_create(&primitive, pd) == dnnl_success) {
        md[1] = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
        for (int i = 0; i < 3; i++) {
            void *data = NULL;
            dnnl_memory_create(&args[i].memory, &md[i], engine, DNNL_MEMORY_ALLOCATE);
            dnnl_memory_get_data_handle(args[i].memory, &data);
            memset(data, 0, dnnl_memory_desc_get_size(&md[i]));
        }
        for (int run = 0; run < 12; run++) {
            const double start = clock_ms(clock);
            dnnl_primitive_execute(primitive, stream, 3, args);
            dnnl_stream_wait(stream);
            const double gflops = 2.0 * EDGE * EDGE * EDGE / (clock_ms(clock) - start) * 1e-6;
            best = gflops > best ? gflops : best;
        }
    }
    for (int i = 0; i < 3; i++) {
        dnnl_memory_destroy(args[i].memory);
    }
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(pd);
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
    return best;
}

static void say_peak(const char *dtype, int threads)
{
    const double gflops = strcmp(dtype, "f32") == 0    ? peak_gflops(dnnl_f32, dnnl_f32, dnnl_f32, threads)
                          : strcmp(dtype, "bf16") == 0 ? peak_gflops(dnnl_bf16, dnnl_bf16, dnnl_f32, threads)
                                                       : peak_gflops(dnnl_u8, dnnl_s8, dnnl_s32, threads);
    (void)printf("%.1f\n", gflops);
}

static void obey(work *w, const char *line)
{
    char arch[32], precision[16], what[16];
    double width;
    long long batch, frames;
    int threads;
    mewl_error err = {0};
    mewl_status status = MEWL_OK;
    if (sscanf(line, "peak %15s %d", precision, &threads) == 2) {
        say_peak(precision, threads);
    } else if (sscanf(line, "open %31s %lf %lld %lld %d %15s %15s", arch, &width, &batch, &frames, &threads, precision,
                      what) == 7) {
        close_work(w);
        w->batch = batch;
        w->frames = frames;
        status = open_work(w, arch, width, precision, strcmp(what, "train") == 0, threads, &err);
        (void)printf(status == MEWL_OK ? "%.0f\n" : "", (double)mewl_net_plan_bytes(mewl_model_net(w->model)) / 1e6);
    } else if (strncmp(line, "run", 3) == 0 && w->model != NULL) {
        const double wall = clock_ms(CLOCK_MONOTONIC), processor = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
        status = step(w, &err);
        const double after = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
        (void)printf(status == MEWL_OK ? "%.3f %.3f\n" : "", clock_ms(CLOCK_MONOTONIC) - wall, after - processor);
    } else if (strncmp(line, "error", 5) == 0 && w->model != NULL) {
        double most = 0.0;
        status = error_of(w, &most, &err);
        (void)printf(status == MEWL_OK ? "%.3g\n" : "", most);
    } else {
        close_work(w);
        (void)printf("closed\n");
    }
    if (status != MEWL_OK) {
        (void)printf("failed: %s\n", err.text);
    }
    (void)fflush(stdout);
}

int main(void)
{
    char line[256];
    work w = {0};
    while (fgets(line, sizeof line, stdin) != NULL) {
        obey(&w, line);
    }
    close_work(&w);
    return 0;
}
