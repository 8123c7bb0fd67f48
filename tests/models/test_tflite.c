/* The TFLite reader on a small file of known content, on every way to cut or spoil it, and on YAMNet's own file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/npy.h"
#include "models/tflite.h"
#include "weights.h"

static uint8_t *tiny(size_t *size)
{
    char *bytes = NULL;
    mewl_error err = {0};
    if (mewl_file_read_all(&bytes, size, GOLDEN "/tiny.tflite", 1 << 20, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return (uint8_t *)bytes;
}

static void reads_graph(void **state)
{
    (void)state;
    mewl_tflite *file;
    mewl_error err = {0};
    assert_int_equal(mewl_tflite_open(&file, GOLDEN "/tiny.tflite", &err), MEWL_OK);
    assert_string_equal(mewl_tflite_description(file), "a tiny graph");
    assert_int_equal(mewl_tflite_tensor_count(file), 7);
    assert_int_equal(mewl_tflite_op_count(file), 4);
    assert_null(mewl_tflite_tensor_at(file, 7));
    assert_null(mewl_tflite_op_at(file, 4));

    const mewl_tflite_tensor *weight = mewl_tflite_tensor_at(file, 1);
    assert_string_equal(weight->name, "weight");
    assert_int_equal(weight->type, MEWL_TFLITE_I8);
    assert_int_equal(weight->ndim, 4);
    assert_int_equal(weight->shape[3], 4);
    assert_int_equal(weight->count, 36);
    assert_int_equal(weight->scale_count, 4);
    assert_int_equal(weight->quantised_dim, 3);
    assert_null(mewl_tflite_tensor_at(file, 0)->data);

    const mewl_tflite_op *op = mewl_tflite_op_at(file, 0);
    assert_int_equal(op->code, MEWL_TFLITE_DEPTHWISE_CONV_2D);
    assert_int_equal(op->stride_h, 2);
    assert_int_equal(op->dilation_w, 1);
    assert_int_equal(op->depth_multiplier, 1);
    assert_int_equal(op->activation, 1);
    assert_false(op->padding_valid);
    assert_int_equal(op->input_count, 3);
    assert_int_equal(op->inputs[1], 1);
    assert_int_equal(mewl_tflite_op_at(file, 1)->inputs[2], -1);
    assert_int_equal(mewl_tflite_op_at(file, 2)->code, MEWL_TFLITE_COMPLEX_ABS);

    size_t count;
    assert_int_equal(mewl_tflite_inputs(file, &count)[0], 0);
    assert_int_equal(count, 1);
    assert_int_equal(mewl_tflite_outputs(file, &count)[0], 5);
    mewl_tflite_close(file);
}

static void same_as_golden(const mewl_tflite *file, size_t index, const char *path)
{
    mewl_npy want;
    mewl_error err = {0};
    float got[64];
    assert_int_equal(mewl_npy_read_f32(&want, path, 64, &err), MEWL_OK);
    assert_int_equal(mewl_tflite_read_f32(file, got, index, want.count, &err), MEWL_OK);
    assert_memory_equal(got, want.data, want.count * sizeof(float));
    mewl_npy_fini(&want);
}

static void dequantises(void **state)
{
    (void)state;
    mewl_tflite *file;
    mewl_error err = {0};
    assert_int_equal(mewl_tflite_open(&file, GOLDEN "/tiny.tflite", &err), MEWL_OK);
    same_as_golden(file, 1, GOLDEN "/tiny_depthwise.npy"); /* scales along the last dimension */
    same_as_golden(file, 3, GOLDEN "/tiny_dense.npy");     /* one scale, zero point 3 */
    float half[4];
    assert_int_equal(mewl_tflite_read_f32(file, half, 4, 4, &err), MEWL_OK);
    assert_float_equal(half[0], 1.0f, 0);
    assert_float_equal(half[1], -2.5f, 0);
    assert_float_equal(half[2], 65504.0f, 0);
    assert_float_equal(half[3], 5.9604645e-8f, 0);
    assert_int_equal(mewl_tflite_read_f32(file, half, 4, 3, &err), MEWL_E_SHAPE);
    assert_int_equal(mewl_tflite_read_f32(file, half, 0, 4, &err), MEWL_E_ARG); /* an activation */
    assert_int_equal(mewl_tflite_read_f32(file, half, 99, 4, &err), MEWL_E_ARG);
    mewl_tflite_close(file);
}

/* The file cut anywhere is refused, but for its last bytes, which may be padding. */
static void refuses_cut(void **state)
{
    (void)state;
    size_t size, opened = 0;
    uint8_t *bytes = tiny(&size);
    for (size_t cut = 0; cut < size; cut++) {
        mewl_tflite *file;
        mewl_error err = {0};
        uint8_t *exact = malloc(cut + 1);
        assert_non_null(exact);
        memcpy(exact, bytes, cut);
        exact = realloc(exact, cut > 0 ? cut : 1); /* no byte beyond, so that a sanitizer sees an overrun */
        assert_non_null(exact);
        if (mewl_tflite_open_memory(&file, exact, cut, "cut", &err) == MEWL_OK) {
            opened++;
            mewl_tflite_close(file);
        } else {
            assert_null(file);
            assert_non_null(strstr(err.text, "cut"));
        }
        free(exact);
    }
    free(bytes);
    assert_int_equal(opened, 0);
}

/* Any four bytes replaced by awkward numbers: an error or a file that can be read, never a crash. */
static void survives_spoiling(void **state)
{
    (void)state;
    static const uint32_t awkward[] = {0, 1, 4, 0x7fffffff, 0x80000000u, 0xffffffffu, 0xfffffff0u, 0x10000};
    size_t size, refused = 0;
    uint8_t *bytes = tiny(&size);
    for (size_t at = 0; at + 4 <= size; at++) {
        for (size_t k = 0; k < sizeof awkward / sizeof awkward[0]; k++) {
            uint8_t kept[4];
            mewl_tflite *file;
            mewl_error err = {0};
            memcpy(kept, bytes + at, 4);
            memcpy(bytes + at, &awkward[k], 4);
            if (mewl_tflite_open_memory(&file, bytes, size, "spoilt", &err) == MEWL_OK) {
                float values[64];
                for (size_t i = 0; i < mewl_tflite_tensor_count(file); i++) {
                    (void)mewl_tflite_read_f32(file, values, i, 36, &err);
                }
                mewl_tflite_close(file);
            } else {
                assert_string_not_equal(err.text, "");
                refused++;
            }
            memcpy(bytes + at, kept, 4);
        }
    }
    free(bytes);
    assert_true(refused > size); /* most such changes hit something that matters */
}

static void refuses_other_files(void **state)
{
    (void)state;
    mewl_tflite *file;
    mewl_error err = {0};
    assert_int_equal(mewl_tflite_open(&file, GOLDEN "/bare.pth", &err), MEWL_E_FORMAT);
    assert_null(file);
    assert_int_equal(mewl_tflite_open(&file, GOLDEN "/no such file", &err), MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_tflite_open_memory(&file, "", 0, "nothing", &err), MEWL_E_FORMAT);
    mewl_tflite_close(NULL);
}

static void reads_yamnet(void **state)
{
    (void)state;
    char path[4096];
    mewl_tflite *file;
    mewl_error err = {0};
    if (!weights_path(path, sizeof path, "yamnet.tflite")) {
        skip();
    }
    assert_int_equal(mewl_tflite_open(&file, path, &err), MEWL_OK);
    assert_int_equal(mewl_tflite_tensor_count(file), 115);
    assert_int_equal(mewl_tflite_op_count(file), 44);
    const mewl_tflite_tensor *mel = mewl_tflite_tensor_at(file, 70);
    assert_int_equal(mel->count, 64 * 257);
    assert_int_equal(mel->scale_count, 1);
    float *values = malloc(mel->count * sizeof *values);
    assert_non_null(values);
    assert_int_equal(mewl_tflite_read_f32(file, values, 70, mel->count, &err), MEWL_OK);
    double sum = 0;
    for (size_t i = 0; i < mel->count; i++) {
        assert_true(values[i] >= 0 && values[i] <= 1);
        sum += (double)values[i];
    }
    assert_true(sum > 200 &&
                sum < 260); /* triangles of height one that cover 125 to 7,500 Hz, but for the edges, twice */
    free(values);
    mewl_tflite_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_graph),       cmocka_unit_test(dequantises),         cmocka_unit_test(refuses_cut),
        cmocka_unit_test(survives_spoiling), cmocka_unit_test(refuses_other_files), cmocka_unit_test(reads_yamnet),
    };
    return cmocka_run_group_tests_name("tflite", tests, NULL, NULL);
}
