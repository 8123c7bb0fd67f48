/* test_checkpoint.c - safetensors: what is written is read back, hostile files are refused with a sentence, writing is
 * all or nothing, and a training that was saved and resumed continues bit for bit. */
#include "nn/checkpoint.h"
#include "nn/loss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../base/scratch.h"

/* ---- Round trip ---- */

static void test_round_trip(void **state)
{
    mewl_error err = {0};
    mewl_checkpoint *c;
    const char *path = scratch_path(*state, "a.safetensors");
    float f[6] = {1.5f, -2.0f, 0.0f, 1e-40f, 3e38f, -0.0f};
    uint16_t b[3] = {mewl_bf16_from_f32(1.0f), mewl_bf16_from_f32(-3.14159f), 0},
             h[4] = {0x3c00, 0xc100, 0x0001, 0x7c00};
    double d[1] = {2.5};
    int64_t i[2] = {INT64_MIN, 7};
    assert_int_equal(mewl_checkpoint_new(&c, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_put(c, "floats", MEWL_DTYPE_F32, 2, (int64_t[]){2, 3}, f, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_put(c, "odd", MEWL_DTYPE_U8, 1, (int64_t[]){3}, "abc", &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_put(c, "brains", MEWL_DTYPE_BF16, 1, (int64_t[]){3}, b, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_put(c, "halves", MEWL_DTYPE_F16, 1, (int64_t[]){4}, h, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_put(c, "scalar", MEWL_DTYPE_F64, 0, NULL, d, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_put(c, "whole \"\\ \xc3\xa9", MEWL_DTYPE_I64, 1, (int64_t[]){2}, i, &err),
                     MEWL_OK);
    assert_int_equal(mewl_checkpoint_put(c, "empty", MEWL_DTYPE_F32, 2, (int64_t[]){0, 5}, NULL, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_put(c, "odd", MEWL_DTYPE_U8, 1, (int64_t[]){3}, "abc", &err), MEWL_E_ARG);
    assert_int_equal(mewl_checkpoint_put(c, "__metadata__", MEWL_DTYPE_U8, 1, (int64_t[]){3}, "abc", &err), MEWL_E_ARG);
    assert_int_equal(mewl_checkpoint_put(c, "big", MEWL_DTYPE_F64, 2, (int64_t[]){1 << 30, 1 << 30}, d, &err),
                     MEWL_E_ARG);
    assert_int_equal(mewl_checkpoint_set_text(c, "note", "old", &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_set_text(c, "note", "a \"new\"\nline", &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_write(c, path, &err), MEWL_OK);
    mewl_checkpoint_free(c);

    assert_int_equal(mewl_checkpoint_read(&c, path, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_count(c), 7);
    assert_string_equal(mewl_checkpoint_text(c, "note"), "a \"new\"\nline");
    assert_null(mewl_checkpoint_text(c, "none"));
    mewl_checkpoint_entry e;
    assert_true(mewl_checkpoint_find(c, &e, "floats"));
    assert_int_equal(e.rank, 2);
    assert_int_equal(e.dim[1], 3);
    assert_memory_equal(e.data, f, sizeof f);
    assert_true(mewl_checkpoint_find(c, &e, "whole \"\\ \xc3\xa9"));
    assert_memory_equal(e.data, i, sizeof i);
    assert_true(mewl_checkpoint_find(c, &e, "empty"));
    assert_int_equal(e.bytes, 0);
    float out[4];
    assert_int_equal(mewl_checkpoint_get_f32(c, out, "brains", 3, &err), MEWL_OK);
    assert_true(out[0] == 1.0f && out[1] == -3.140625f && out[2] == 0.0f);
    assert_int_equal(mewl_checkpoint_get_f32(c, out, "halves", 4, &err), MEWL_OK);
    assert_true(out[0] == 1.0f && out[1] == -2.5f && out[2] == 0x1p-24f && out[3] == 1.0f / 0.0f);
    assert_int_equal(mewl_checkpoint_get_f32(c, out, "scalar", 1, &err), MEWL_OK);
    assert_true(out[0] == 2.5f);
    assert_int_equal(mewl_checkpoint_get_f32(c, out, "odd", 3, &err), MEWL_E_UNSUPPORTED);
    assert_int_equal(mewl_checkpoint_get_f32(c, out, "brains", 2, &err), MEWL_E_SHAPE);
    assert_int_equal(mewl_checkpoint_get_f32(c, out, "none", 2, &err), MEWL_E_NOT_FOUND);
    mewl_checkpoint_free(c);
}

/* ---- Hostile files ---- */

typedef struct hostile {
    const char *header;
    size_t data; /* bytes after it */
    mewl_status status;
} hostile;

#define ONE(dtype, shape, offsets) "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static const hostile rows[] = {
    {ONE("\"F32\"", "[2]", "[0,8]"), 8, MEWL_OK},
    {ONE("\"F32\"", "[2]", "[0,8]"), 7, MEWL_E_FORMAT},   /* cut short */
    {ONE("\"F32\"", "[2]", "[0,8]"), 9, MEWL_E_FORMAT},   /* a byte too many */
    {ONE("\"F32\"", "[2]", "[8,16]"), 16, MEWL_E_FORMAT}, /* a hole at the start */
    {ONE("\"F32\"", "[3]", "[0,8]"), 8, MEWL_E_FORMAT},   /* shape and bytes differ */
    {ONE("\"F32\"", "[2]", "[8,0]"), 8, MEWL_E_FORMAT},   /* backwards */
    {ONE("\"F32\"", "[-2]", "[0,8]"), 8, MEWL_E_FORMAT},
    {ONE("\"F32\"", "[2.0]", "[0,8]"), 8, MEWL_E_FORMAT},
    {ONE("\"F32\"", "[2]", "[0,8.0]"), 8, MEWL_E_FORMAT},
    {ONE("\"F32\"", "[2]", "[-8,0]"), 8, MEWL_E_FORMAT},
    {ONE("\"F32\"", "[2]", "[0]"), 8, MEWL_E_FORMAT},
    {ONE("\"F32\"", "\"2\"", "[0,8]"), 8, MEWL_E_FORMAT},
    {ONE("\"F33\"", "[2]", "[0,8]"), 8, MEWL_E_UNSUPPORTED},
    {ONE("32", "[2]", "[0,8]"), 8, MEWL_E_FORMAT},
    {ONE("\"U8\"", "[1,1,1,1,1,1,1,1,8]", "[0,8]"), 8, MEWL_E_FORMAT},      /* nine dimensions */
    {ONE("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0, MEWL_E_FORMAT}, /* product wraps to 0 */
    {ONE("\"F64\"", "[2305843009213693952]", "[0,0]"), 0, MEWL_E_FORMAT},
    {ONE("\"U8\"", "[9223372036854775807]", "[0,9223372036854775807]"), 8, MEWL_E_FORMAT},
    {ONE("\"U8\"", "[99999999999999999999]", "[0,8]"), 8, MEWL_E_FORMAT}, /* no 64-bit number */
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],"
     "\"data_offsets\":[2,6]}}",
     6, MEWL_E_FORMAT}, /* overlap */
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],"
     "\"data_offsets\":[0,4]}}",
     4, MEWL_E_FORMAT}, /* the same bytes twice */
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"U8\",\"shape\":[4],"
     "\"data_offsets\":[4,8]}}",
     8, MEWL_E_FORMAT}, /* a name twice */
    {"{\"__metadata__\":{\"a\":1}}", 0, MEWL_E_FORMAT},
    {"{\"__metadata__\":[]}", 0, MEWL_E_FORMAT},
    {"{\"__metadata__\":{\"a\":\"b\"}}", 0, MEWL_OK},
    {"{\"a\":[]}", 0, MEWL_E_FORMAT},
    {"{}", 0, MEWL_OK},
    {"{", 0, MEWL_E_FORMAT},
    {"[]", 0, MEWL_E_FORMAT},
    {"{\"\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, MEWL_E_FORMAT},
    {"{} {}", 0, MEWL_E_FORMAT},
};

static size_t frame(unsigned char *out, const char *header, uint64_t length, size_t data)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (unsigned char)(length >> 8 * i);
    }
    size_t n = strlen(header);
    memcpy(out + 8, header, n);
    memset(out + 8 + n, 1, data);
    return 8 + n + data;
}

static void test_hostile(void **state)
{
    unsigned char file[1024];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl_error err = {0};
        mewl_checkpoint *c = (mewl_checkpoint *)1;
        size_t size = frame(file, rows[i].header, strlen(rows[i].header), rows[i].data);
        mewl_status status = mewl_checkpoint_parse(&c, file, size, "row", &err);
        if (status != rows[i].status || (status != MEWL_OK && (c != NULL || err.text[0] == '\0'))) {
            fail_msg("row %zu: %s, %s", i, mewl_status_name(status), err.text);
        }
        mewl_checkpoint_free(c);
    }
    /* lengths of the header that lie, and files that end anywhere */
    const uint64_t lengths[] = {0, 1, 3, 4096, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        mewl_error err = {0};
        mewl_checkpoint *c;
        size_t size = frame(file, rows[0].header, lengths[i], 8);
        assert_int_equal(mewl_checkpoint_parse(&c, file, size, "lie", &err), MEWL_E_FORMAT);
    }
    size_t whole = frame(file, rows[0].header, strlen(rows[0].header), 8);
    for (size_t size = 0; size < whole; size++) {
        mewl_error err = {0};
        mewl_checkpoint *c;
        assert_int_equal(mewl_checkpoint_parse(&c, file, size, "cut", &err), MEWL_E_FORMAT);
    }
}

static void test_files(void **state)
{
    mewl_error err = {0};
    mewl_checkpoint *c;
    assert_int_equal(mewl_checkpoint_read(&c, scratch_path(*state, "none"), &err), MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_checkpoint_read(&c, scratch_folder(*state), &err), MEWL_E_FORMAT);
    assert_int_equal(mewl_checkpoint_new(&c, &err), MEWL_OK);
    assert_int_not_equal(mewl_checkpoint_write(c, scratch_path(*state, "no/such/folder"), &err), MEWL_OK);
    assert_true(err.text[0] != '\0');
    mewl_checkpoint_free(c);
}

/* ---- A net and its training ---- */

enum { N = 2, T = 12, F = 8, STEPS = 4 };

typedef struct run {
    mewl_net *net;
    mewl_optim *optim;
    mewl_ema *ema;
} run;

static run run_new(mewl_optim_kind kind, bool bf16)
{
    mewl_error err = {0};
    run r;
    assert_int_equal(mewl_net_new(&r.net, &err), MEWL_OK);
    mewl_node x = mewl_net_conv2d(r.net, "conv", mewl_net_input(r.net, 1, F),
                                  (mewl_conv2d_opts){.out = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}});
    x = mewl_net_relu(r.net, "relu", mewl_net_batch_norm(r.net, "bn", x, (mewl_batch_norm_opts){0}));
    x = mewl_net_dropout(r.net, "drop", x, 0.3);
    x = mewl_net_conv2d(r.net, "conv2", x,
                        (mewl_conv2d_opts){.out = 5, .kernel = {3, 3}, .pad = {1, 1, 1, 1}, .bias = true});
    x = mewl_net_linear(r.net, "fc", mewl_net_global_pool(r.net, "pool", x, MEWL_POOL_AVG_MAX),
                        (mewl_linear_opts){.out = 3});
    mewl_net_output(r.net, "y", x);
    assert_int_equal(mewl_net_seal(r.net, &err), MEWL_OK);
    mewl_net_init_xavier(r.net, 3);
    mewl_net_set_dropout(r.net, 99, 0);
    mewl_optim_opts opts = {
        .kind = kind, .momentum = kind == MEWL_OPTIM_SGD ? 0.9 : 0.0, .weight_decay = 0.01, .clip_norm = 1.0};
    assert_int_equal(mewl_optim_new(&r.optim, r.net, opts, &err), MEWL_OK);
    assert_int_equal(mewl_ema_new(&r.ema, r.net, 0.99, &err), MEWL_OK);
    mewl_net_plan_opts plan = {.training = true, .bf16 = bf16, .batch = N, .frames = T, .threads = 2};
    assert_int_equal(mewl_net_plan(r.net, plan, &err), MEWL_OK);
    return r;
}

static void run_free(run *r)
{
    mewl_ema_free(r->ema);
    mewl_optim_free(r->optim);
    mewl_net_free(r->net);
}

/* Steps `first` .. `first` + STEPS - 1; losses into `loss`. */
static void run_steps(run *r, int first, double *loss)
{
    mewl_error err = {0};
    for (int s = first; s < first + STEPS; s++) {
        float x[N * T * F], target[N * 3];
        mewl_rng rng = mewl_rng_stream(17, (uint64_t)s);
        for (int i = 0; i < N * T * F; i++) {
            x[i] = (float)mewl_rng_normal(&rng);
        }
        for (int i = 0; i < N * 3; i++) {
            target[i] = (float)mewl_rng_below(&rng, 2);
        }
        assert_int_equal(mewl_net_forward(r->net, x, &err), MEWL_OK);
        loss[s] = mewl_loss_sigmoid(mewl_net_output_grad(r->net, "y"), mewl_net_output_value(r->net, "y", NULL), target,
                                    NULL, N * 3, 1.0);
        assert_int_equal(mewl_net_backward(r->net, &err), MEWL_OK);
        assert_int_equal(mewl_optim_step(r->optim, NULL, 0.01, &err), MEWL_OK);
        mewl_ema_update(r->ema);
    }
}

static void save(run *r, const char *path)
{
    mewl_error err = {0};
    mewl_checkpoint *c;
    assert_int_equal(mewl_checkpoint_new(&c, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_put_net(c, r->net, false, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_put_training(c, r->net, r->optim, r->ema, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_write(c, path, &err), MEWL_OK);
    mewl_checkpoint_free(c);
}

/* Both checkpoints hold the same arrays, to the bit. */
static void same_files(const char *path_a, const char *path_b)
{
    mewl_error err = {0};
    mewl_checkpoint *a, *b;
    assert_int_equal(mewl_checkpoint_read(&a, path_a, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_read(&b, path_b, &err), MEWL_OK);
    mewl_checkpoint_entry x, y;
    assert_int_equal(mewl_checkpoint_count(a), mewl_checkpoint_count(b));
    for (size_t i = 0; mewl_checkpoint_at(a, &x, i); i++) {
        assert_true(mewl_checkpoint_find(b, &y, x.name));
        assert_int_equal(x.bytes, y.bytes);
        if (memcmp(x.data, y.data, (size_t)x.bytes) != 0) {
            fail_msg("'%s' differs", x.name);
        }
    }
    mewl_checkpoint_free(a);
    mewl_checkpoint_free(b);
}

static void check_resume(void **state, mewl_optim_kind kind, bool bf16)
{
    mewl_error err = {0};
    double straight[2 * STEPS], resumed[2 * STEPS];
    const char *half = scratch_path(*state, "half"), *end = scratch_path(*state, "end"),
               *again = scratch_path(*state, "again");
    run r = run_new(kind, bf16);
    run_steps(&r, 0, straight);
    save(&r, half);
    run_steps(&r, STEPS, straight);
    save(&r, end);
    run_free(&r);

    r = run_new(kind, bf16);
    mewl_checkpoint *c;
    assert_int_equal(mewl_checkpoint_read(&c, half, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_get_net(c, r.net, false, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_get_training(c, r.net, r.optim, r.ema, &err), MEWL_OK);
    mewl_checkpoint_free(c);
    run_steps(&r, STEPS, resumed);
    save(&r, again);
    run_free(&r);
    for (int s = STEPS; s < 2 * STEPS; s++) {
        assert_true(straight[s] == resumed[s]);
    }
    same_files(end, again);
}

static void test_resume(void **state)
{
    check_resume(state, MEWL_OPTIM_ADAMW, false);
    check_resume(state, MEWL_OPTIM_SGD, false);
}

static void test_resume_bf16(void **state)
{
    mewl_error err = {0};
    run r = run_new(MEWL_OPTIM_ADAM, false);
    mewl_status status =
        mewl_net_plan(r.net, (mewl_net_plan_opts){.training = true, .bf16 = true, .batch = N, .frames = T}, &err);
    run_free(&r);
    if (status == MEWL_E_UNSUPPORTED) {
        print_message("%s\n", err.text);
        skip();
    }
    check_resume(state, MEWL_OPTIM_ADAM, true);
}

static void test_mismatch(void **state)
{
    mewl_error err = {0};
    const char *path = scratch_path(*state, "a");
    run r = run_new(MEWL_OPTIM_ADAMW, false);
    mewl_checkpoint *c;
    save(&r, path);
    assert_int_equal(mewl_checkpoint_read(&c, path, &err), MEWL_OK);
    float extra = 1.0f;
    assert_int_equal(mewl_checkpoint_put(c, "extra", MEWL_DTYPE_F32, 1, (int64_t[]){1}, &extra, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_get_net(c, r.net, true, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_get_net(c, r.net, false, &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "extra"));
    mewl_checkpoint_free(c);

    run other = run_new(MEWL_OPTIM_SGD, false); /* another optimiser's state */
    assert_int_equal(mewl_checkpoint_read(&c, path, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_get_training(c, other.net, other.optim, NULL, &err), MEWL_E_FORMAT);
    mewl_checkpoint_free(c);
    run_free(&other);

    assert_int_equal(mewl_checkpoint_new(&c, &err), MEWL_OK); /* missing, then misshapen */
    assert_int_equal(mewl_checkpoint_get_net(c, r.net, false, &err), MEWL_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "conv.weight"));
    float wrong[16 * 9] = {0};
    assert_int_equal(mewl_checkpoint_put(c, "conv.weight", MEWL_DTYPE_F32, 2, (int64_t[]){16, 9}, wrong, &err),
                     MEWL_OK);
    assert_int_equal(mewl_checkpoint_get_net(c, r.net, false, &err), MEWL_E_SHAPE);
    assert_int_equal(mewl_checkpoint_get_training(c, r.net, r.optim, r.ema, &err), MEWL_E_NOT_FOUND);
    mewl_checkpoint_free(c);

    mewl_ema_swap(r.ema);
    assert_int_equal(mewl_checkpoint_new(&c, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_put_training(c, r.net, r.optim, r.ema, &err), MEWL_E_STATE);
    mewl_checkpoint_free(c);
    run_free(&r);
}

/* Shipping in bfloat16: weights halve, norms and biases stay exact. */
static void test_half_size(void **state)
{
    mewl_error err = {0};
    run r = run_new(MEWL_OPTIM_ADAMW, false);
    mewl_checkpoint *c;
    float weight[16 * 9], before[16 * 9];
    memcpy(before, mewl_net_param(r.net, "conv.weight")->value.data, sizeof before);
    assert_int_equal(mewl_checkpoint_new(&c, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_put_net(c, r.net, true, &err), MEWL_OK);
    mewl_checkpoint_entry e;
    assert_true(mewl_checkpoint_find(c, &e, "conv.weight"));
    assert_int_equal(e.dtype, MEWL_DTYPE_BF16);
    assert_true(mewl_checkpoint_find(c, &e, "bn.running_var"));
    assert_int_equal(e.dtype, MEWL_DTYPE_F32);
    assert_int_equal(mewl_checkpoint_get_net(c, r.net, false, &err), MEWL_OK);
    memcpy(weight, mewl_net_param(r.net, "conv.weight")->value.data, sizeof weight);
    for (int i = 0; i < 16 * 9; i++) {
        float rounded = mewl_bf16_to_f32(mewl_bf16_from_f32(before[i]));
        assert_true(weight[i] == rounded);
    }
    mewl_checkpoint_free(c);
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, scratch_make, scratch_remove),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test_setup_teardown(test_files, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_resume, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_resume_bf16, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_mismatch, scratch_make, scratch_remove),
        cmocka_unit_test(test_half_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
