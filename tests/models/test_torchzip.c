/* The PyTorch reader: names, types, shapes and values of a checkpoint that torch.save wrote, the forms in which state
 * dictionaries come, and everything that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "models/pickle.h"
#include "models/torchzip.h"
#include "weights.h"

static mewl_torchzip *open_good(const char *name)
{
    char path[512];
    mewl_torchzip *file;
    mewl_error err = {0};
    (void)snprintf(path, sizeof path, GOLDEN "/%s", name);
    if (mewl_torchzip_open(&file, path, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return file;
}

static void same_values(mewl_torchzip *file, const char *name, mewl_torch_type type, const float *want, size_t count)
{
    float got[32];
    mewl_error err = {0};
    const mewl_torch_tensor *t = mewl_torchzip_find(file, name);
    if (t == NULL) {
        fail_msg("no tensor %s", name);
    }
    assert_int_equal(t->type, type);
    assert_int_equal(t->count, count);
    assert_int_equal(mewl_torchzip_read_f32(file, got, t, count, &err), MEWL_OK);
    for (size_t i = 0; i < count; i++) {
        assert_float_equal(got[i], want[i], 0);
    }
}

/* The same dictionary in the form since PyTorch 1.6 and in the one before it. */
static void check_every_type(const char *name)
{
    mewl_torchzip *file = open_good(name);
    float plain[24];
    for (int i = 0; i < 24; i++) {
        plain[i] = (float)i / 8;
    }
    assert_int_equal(mewl_torchzip_count(file), 12);
    same_values(file, "plain.weight", MEWL_TORCH_F32, plain, 24);
    same_values(file, "shared", MEWL_TORCH_F32, plain, 24);
    same_values(file, "half", MEWL_TORCH_F16, (float[]){1, -2.5f, 65504}, 3);
    same_values(file, "brain", MEWL_TORCH_BF16, (float[]){1, -2.5f, 3}, 3);
    same_values(file, "double", MEWL_TORCH_F64, (float[]){1e-3f, 2}, 2);
    same_values(file, "count", MEWL_TORCH_I64, (float[]){7}, 1);
    same_values(file, "bytes", MEWL_TORCH_U8, (float[]){1, 255}, 2);
    same_values(file, "small", MEWL_TORCH_I8, (float[]){-3, 4}, 2);
    same_values(file, "flags", MEWL_TORCH_BOOL, (float[]){1, 0}, 2);
    same_values(file, "parameter", MEWL_TORCH_F32, (float[]){0.5f, 0.25f}, 2);
    same_values(file, "empty", MEWL_TORCH_F32, NULL, 0);
    assert_int_equal(mewl_torchzip_find(file, "count")->ndim, 0);

    /* base[1:3, ::2].t(): three rows of two */
    same_values(file, "view.weight", MEWL_TORCH_F32, (float[]){0.75f, 1.5f, 1.0f, 1.75f, 1.25f, 2.0f}, 6);
    const mewl_torch_tensor *view = mewl_torchzip_find(file, "view.weight");
    assert_int_equal(view->shape[0], 3);
    assert_int_equal(view->stride[0], 2);
    assert_int_equal(view->offset, 6);

    assert_null(mewl_torchzip_find(file, "module.half"));
    assert_null(mewl_torchzip_at(file, 12));
    mewl_torchzip_close(file);
}

static void reads_every_type(void **state)
{
    (void)state;
    check_every_type("state.pth");
    check_every_type("legacy.pth");
}

static void takes_the_state_dictionary(void **state)
{
    (void)state;
    mewl_torchzip *file = open_good("bare.pth");
    same_values(file, "a", MEWL_TORCH_F32, (float[]){1, 1}, 2);
    same_values(file, "b.c", MEWL_TORCH_F32, (float[]){3, 3}, 2);
    mewl_torchzip_close(file);
    file = open_good("state_dict.pth");
    assert_int_equal(mewl_torchzip_count(file), 1);
    same_values(file, "w", MEWL_TORCH_F32, (float[]){1, 1, 1}, 3);
    mewl_torchzip_close(file);
    file = open_good("legacy_bare.pth");
    same_values(file, "w", MEWL_TORCH_F32, (float[]){1, 2, 3, 4}, 4);
    mewl_torchzip_close(file);
    file = open_good("legacy_by_hand.pth"); /* so for the hostile ones of its form */
    same_values(file, "w", MEWL_TORCH_F32, (float[]){1, 2, 3, 4}, 4);
    mewl_torchzip_close(file);
    file = open_good("ok_by_hand.pth"); /* the hostile ones below differ from this one in one figure each */
    same_values(file, "w", MEWL_TORCH_F32, (float[]){1, 2, 3, 4}, 4);
    mewl_torchzip_close(file);
}

static const struct {
    const char *name;
    mewl_status status;
    const char *word; /* that the sentence must hold */
} bad[] = {
    {"evil_global.pth", MEWL_E_UNSUPPORTED, "posix.system"},
    {"evil_stack_global.pth", MEWL_E_UNSUPPORTED, "posix.system"},
    {"bad_stride.pth", MEWL_E_FORMAT, "leaves its storage"},
    {"bad_offset.pth", MEWL_E_FORMAT, "leaves its storage"},
    {"bad_negative.pth", MEWL_E_FORMAT, "without its sizes"},
    {"bad_overflow.pth", MEWL_E_FORMAT, "leaves its storage"},
    {"bad_storage.pth", MEWL_E_FORMAT, "400 elements"},
    {"bad_key.pth", MEWL_E_FORMAT, "impossible key"},
    {"bad_type.pth", MEWL_E_UNSUPPORTED, "ComplexFloatStorage"},
    {"no_storage.pth", MEWL_E_FORMAT, "holds no"},
    {"compressed.pth", MEWL_E_UNSUPPORTED, "compressed"},
    {"big_endian.pth", MEWL_E_UNSUPPORTED, "little-endian"},
    {"cycle.pth", MEWL_E_MEMORY, "nested too deep"},
    {"bomb.pth", MEWL_E_MEMORY, "nested too deep"},
    {"legacy_cut.pth", MEWL_E_FORMAT, "claims 4 elements"},
    {"legacy_short.pth", MEWL_E_FORMAT, "its end"},
    {"legacy_evil.pth", MEWL_E_UNSUPPORTED, "posix.system"},
    {"legacy_version.pth", MEWL_E_UNSUPPORTED, "1001"},
    {"legacy_big_endian.pth", MEWL_E_UNSUPPORTED, "little-endian"},
    {"legacy_missing.pth", MEWL_E_FORMAT, "does not hold"},
    {"legacy_stranger.pth", MEWL_E_FORMAT, "no tensor uses"},
    {"legacy_number.pth", MEWL_E_FORMAT, "no text"},
    {"legacy_none.pth", MEWL_E_FORMAT, "no list"},
    {"legacy_huge.pth", MEWL_E_FORMAT, "claims 4611686018427387904"},
    {"legacy_other.pth", MEWL_E_FORMAT, "3 elements where 4"},
    {"legacy_twice.pth", MEWL_E_FORMAT, "two storages"},
    {"legacy_view.pth", MEWL_E_UNSUPPORTED, "view of another"},
    {"tar.pth", MEWL_E_UNSUPPORTED, "tar archive"},
    {"tensor.pth", MEWL_E_UNSUPPORTED, "no dictionary"},
    {"empty.pth", MEWL_E_EMPTY, "holds no tensor"},
    {"other.zip", MEWL_E_UNSUPPORTED, "data.pkl"},
    {"tiny.tflite", MEWL_E_FORMAT, "neither a zip"},
    {"no such file", MEWL_E_NOT_FOUND, "no such file"},
};

static void refuses_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char path[512];
        mewl_torchzip *file;
        mewl_error err = {0};
        (void)snprintf(path, sizeof path, GOLDEN "/%s", bad[i].name);
        const mewl_status status = mewl_torchzip_open(&file, path, &err);
        if (status != bad[i].status || file != NULL || strstr(err.text, bad[i].word) == NULL) {
            fail_msg("%s: status %s, \"%s\"", bad[i].name, mewl_status_name(status), err.text);
        }
    }
    mewl_torchzip_close(NULL);
}

static void refuses_cut_archives(void **state)
{
    (void)state;
    char *bytes;
    size_t size;
    mewl_error err = {0};
    assert_int_equal(mewl_file_read_all(&bytes, &size, GOLDEN "/bare.pth", 1 << 20, &err), MEWL_OK);
    for (size_t cut = 0; cut < size; cut++) {
        mewl_torchzip *file;
        char *exact = malloc(cut > 0 ? cut : 1);
        assert_non_null(exact);
        memcpy(exact, bytes, cut);
        assert_int_not_equal(mewl_torchzip_open_memory(&file, exact, cut, "cut", &err), MEWL_OK);
        assert_null(file);
        free(exact);
    }
    mewl_torchzip *file;
    assert_int_equal(mewl_torchzip_open_memory(&file, bytes, size, "whole", &err), MEWL_OK);
    mewl_torchzip_close(file);
    free(bytes);
}

/* A checksum that does not fit is noticed when the values are read. */
static void notices_spoilt_values(void **state)
{
    (void)state;
    char *bytes;
    size_t size;
    mewl_torchzip *file;
    mewl_error err = {0};
    float values[4];
    const float first[4] = {1, 2, 3, 4};
    assert_int_equal(mewl_file_read_all(&bytes, &size, GOLDEN "/ok_by_hand.pth", 1 << 20, &err), MEWL_OK);
    char *at = memmem(bytes, size, first, sizeof first);
    assert_non_null(at);
    at[3] ^= 1;
    assert_int_equal(mewl_torchzip_open_memory(&file, bytes, size, "spoilt", &err), MEWL_OK);
    assert_int_equal(mewl_torchzip_read_f32(file, values, mewl_torchzip_find(file, "w"), 4, &err), MEWL_E_FORMAT);
    mewl_torchzip_close(file);
    free(bytes);
}

static mewl_status run_pickle(const void *bytes, size_t size)
{
    mewl__pickle *pickle;
    mewl_error err = {0};
    const mewl_status status = mewl__pickle_run(&pickle, bytes, size, "pickle", &err);
    assert_true((status == MEWL_OK) == (pickle != NULL));
    assert_true((status == MEWL_OK) == (err.text[0] == '\0'));
    mewl__pickle_free(pickle);
    return status;
}

#define RUN(text) run_pickle("\x80\x02" text, sizeof("\x80\x02" text) - 1)

static void keeps_the_machine_in_order(void **state)
{
    (void)state;
    assert_int_equal(RUN("N."), MEWL_OK);
    assert_int_equal(RUN("(K\x01K\x02t."), MEWL_OK);
    assert_int_equal(RUN("}(K\x01K\x02u."), MEWL_OK);
    assert_int_equal(RUN(""), MEWL_E_FORMAT);                    /* no stop */
    assert_int_equal(RUN("."), MEWL_E_FORMAT);                   /* nothing on the stack */
    assert_int_equal(RUN("0."), MEWL_E_FORMAT);                  /* pop of nothing */
    assert_int_equal(RUN("N(."), MEWL_E_FORMAT);                 /* a mark open at the end */
    assert_int_equal(RUN("N(0."), MEWL_E_FORMAT);                /* pop below a mark */
    assert_int_equal(RUN("t."), MEWL_E_FORMAT);                  /* a tuple without a mark */
    assert_int_equal(RUN("(K\x01u."), MEWL_E_FORMAT);            /* items for nothing */
    assert_int_equal(RUN("}(K\x01u."), MEWL_E_FORMAT);           /* a key without its value */
    assert_int_equal(RUN("N(K\x01K\x02u."), MEWL_E_FORMAT);      /* items for None */
    assert_int_equal(RUN("h\x05."), MEWL_E_FORMAT);              /* an empty memo slot */
    assert_int_equal(RUN("Nr\xff\xff\xff\xff."), MEWL_E_FORMAT); /* a huge one */
    assert_int_equal(RUN("X\xff\xff\xff\xff"
                         "a."),
                     MEWL_E_FORMAT);
    assert_int_equal(RUN("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                         "a."),
                     MEWL_E_FORMAT);
    assert_int_equal(RUN("K\x01K\x02R."), MEWL_E_FORMAT); /* a call of a number */
    assert_int_equal(RUN("ctorch\nFloatStorage\n)R."), MEWL_E_FORMAT);
    assert_int_equal(RUN("cbuiltins\neval\n."), MEWL_E_UNSUPPORTED);
    assert_int_equal(RUN("cos\nsystem\n(X\x02\x00\x00\x00lstR."), MEWL_E_UNSUPPORTED);
    assert_int_equal(RUN("I1\n."), MEWL_E_UNSUPPORTED); /* opcodes of protocol 0 */
    assert_int_equal(RUN("NQ."), MEWL_E_FORMAT);        /* a persistent id that is none */
    assert_int_equal(run_pickle("\x80\x09N.", 4), MEWL_E_FORMAT);
    assert_int_equal(run_pickle("", 0), MEWL_E_FORMAT);
}

static void bounds_what_it_builds(void **state)
{
    (void)state;
    const size_t size = (MEWL__PICKLE_MAX_VALUES + 8u);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, 'N', size);
    memcpy(bytes, "\x80\x02", 2);
    assert_int_equal(run_pickle(bytes, size), MEWL_E_MEMORY);
    memset(bytes + 2, '(', size - 2);
    assert_int_equal(run_pickle(bytes, size), MEWL_E_FORMAT); /* millions of marks, and no stop */
    free(bytes);
}

static void reads_mn04(void **state)
{
    (void)state;
    char path[4096];
    mewl_torchzip *file;
    mewl_error err = {0};
    if (!weights_path(path, sizeof path, "mn04_as_mAP_432.pt")) {
        skip();
    }
    assert_int_equal(mewl_torchzip_open(&file, path, &err), MEWL_OK);
    assert_int_equal(mewl_torchzip_count(file), 312);
    size_t elements = 0;
    for (size_t i = 0; i < mewl_torchzip_count(file); i++) {
        const mewl_torch_tensor *t = mewl_torchzip_at(file, i);
        const bool buffer = strstr(t->name, "running_") != NULL || strstr(t->name, "num_batches") != NULL;
        elements += buffer ? 0 : t->count;
    }
    assert_int_equal(elements, 983599);
    mewl_torchzip_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type),      cmocka_unit_test(takes_the_state_dictionary),
        cmocka_unit_test(refuses_with_a_reason), cmocka_unit_test(refuses_cut_archives),
        cmocka_unit_test(notices_spoilt_values), cmocka_unit_test(keeps_the_machine_in_order),
        cmocka_unit_test(bounds_what_it_builds), cmocka_unit_test(reads_mn04),
    };
    return cmocka_run_group_tests_name("torchzip", tests, NULL, NULL);
}
