/* Tests of base/npy. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/npy.h"
#include "base/rng.h"
#include "scratch.h"

/* A version 1.0 file with this dictionary and data. */
static size_t make(char *file, const char *dict, const void *data, size_t bytes)
{
    size_t length = strlen(dict);
    memcpy(file, "\x93NUMPY\x01\x00", 8);
    file[8] = (char)(length & 0xff);
    file[9] = (char)(length >> 8);
    memcpy(file + 10, dict, length);
    memcpy(file + 10 + length, data, bytes);
    return 10 + length + bytes;
}

static void arrays_of_every_rank_come_back(void **state)
{
    const char *path = scratch_path(*state, "a.npy");
    float data[24];
    for (int i = 0; i < 24; i++) {
        data[i] = (float)i * 0.25f - 1;
    }
    static const size_t shapes[][4] = {{24, 1, 1, 1}, {4, 6, 1, 1}, {2, 3, 4, 1}, {1, 2, 3, 4}};
    for (size_t ndim = 1; ndim <= 4; ndim++) {
        assert_int_equal(mewl_npy_write_f32(path, data, shapes[ndim - 1], ndim, NULL), MEWL_OK);
        mewl_npy read;
        assert_int_equal(mewl_npy_read_f32(&read, path, 24, NULL), MEWL_OK);
        assert_int_equal(read.ndim, ndim);
        assert_memory_equal(read.shape, shapes[ndim - 1], ndim * sizeof(size_t));
        assert_int_equal(read.count, 24);
        assert_memory_equal(read.data, data, sizeof data);
        mewl_npy_fini(&read);
        mewl_error err = {0};
        assert_int_equal(mewl_npy_read_f32(&read, path, 23, &err), MEWL_E_MEMORY);
        assert_null(read.data);
    }
    mewl_npy read;
    assert_int_equal(mewl_npy_write_f32(path, data, NULL, 0, NULL), MEWL_OK);
    assert_int_equal(mewl_npy_read_f32(&read, path, 1, NULL), MEWL_OK);
    assert_int_equal(read.ndim, 0);
    assert_true(read.data[0] == -1.0f);
    mewl_npy_fini(&read);
    mewl_npy_fini(NULL);
    assert_int_equal(mewl_npy_write_f32(path, data, (const size_t[]){0, 7}, 2, NULL), MEWL_OK);
    assert_int_equal(mewl_npy_read_f32(&read, path, 1, NULL), MEWL_OK);
    assert_int_equal(read.count, 0);
    mewl_npy_fini(&read);
    assert_int_equal(mewl_npy_write_f32(path, data, (const size_t[]){SIZE_MAX, 7}, 2, NULL), MEWL_E_SHAPE);
    assert_int_equal(mewl_npy_write_f32(path, data, (const size_t[9]){1}, 9, NULL), MEWL_E_ARG);
}

/* The bytes that NumPy documents: aligned to 64, dictionary with a trailing comma, newline at the end. */
static void the_header_is_what_numpy_expects(void **state)
{
    const char *path = scratch_path(*state, "h.npy");
    static const int64_t one = 1;
    assert_int_equal(mewl_npy_write(path, &one, MEWL_NPY_I64, (const size_t[]){1}, 1, NULL), MEWL_OK);
    char *file = NULL;
    size_t bytes = 0;
    assert_int_equal(mewl_file_read_all(&file, &bytes, path, 1000, NULL), MEWL_OK);
    assert_int_equal(bytes, 256 + 8);
    assert_memory_equal(file, "\x93NUMPY\x01\x00\xf6\x00{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", 67);
    assert_int_equal(file[255], '\n');
    free(file);
}

static void every_read_type_is_converted(void **state)
{
    (void)state;
    static const uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x7c00, 0xfbff, 0x3555};
    static const float half_values[] = {1, -2, 5.9604644775390625e-8f, INFINITY, -65504, 0.333251953125f};
    char file[512];
    mewl_npy read;
    size_t bytes = make(file, "{'descr': '<f2', 'fortran_order': False, 'shape': (6,)}", half, sizeof half);
    assert_int_equal(mewl_npy_parse_f32(&read, file, bytes, 9, "f2", NULL), MEWL_OK);
    for (int i = 0; i < 6; i++) {
        assert_true(read.data[i] == half_values[i]);
    }
    mewl_npy_fini(&read);

    static const double f8 = -0.5;
    static const int8_t i1 = -3;
    static const int16_t i2 = -300;
    static const int32_t i4 = -70000;
    static const int64_t i8 = -5000000000;
    static const uint8_t u1 = 200;
    static const uint16_t u2 = 60000;
    static const uint32_t u4 = 4000000000u;
    static const uint64_t u8 = 10000000000u;
    static const struct {
        const char *descr;
        const void *data;
        size_t bytes;
        float value;
    } rows[] = {{"<f8", &f8, 8, -0.5f}, {"|i1", &i1, 1, -3},  {"<i2", &i2, 2, -300},  {"<i4", &i4, 4, -70000},
                {"<i8", &i8, 8, -5e9f}, {"|u1", &u1, 1, 200}, {"<u2", &u2, 2, 60000}, {"<u4", &u4, 4, 4e9f},
                {"<u8", &u8, 8, 1e10f}, {"|b1", &u1, 1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char dict[100];
        (void)snprintf(dict, sizeof dict, "{\"shape\":(),\"descr\":\"%s\",\"fortran_order\":True,}\n", rows[i].descr);
        bytes = make(file, dict, rows[i].data, rows[i].bytes);
        char *exact = malloc(bytes); /* not a byte more, so that a read beyond the end is seen */
        assert_non_null(exact);
        memcpy(exact, file, bytes);
        assert_int_equal(mewl_npy_parse_f32(&read, exact, bytes, 9, "t", NULL), MEWL_OK);
        assert_true(read.data[0] == rows[i].value);
        mewl_npy_fini(&read);
        free(exact);
    }
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *dict;
        size_t bytes;
        mewl_status status;
    } rows[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, MEWL_OK},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 7, MEWL_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 9, MEWL_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (1,2)}", 8, MEWL_E_UNSUPPORTED},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", 8, MEWL_E_UNSUPPORTED},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", 8, MEWL_E_UNSUPPORTED},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", 8, MEWL_E_UNSUPPORTED},
        {"{'descr': [('a','<f4')], 'fortran_order': False, 'shape': (2,)}", 8, MEWL_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False}", 8, MEWL_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (2,)}", 8, MEWL_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 8, MEWL_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2", 8, MEWL_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2)}", 8, MEWL_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 8, MEWL_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,4294967296)}", 0, MEWL_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}", 0, MEWL_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}", 8, MEWL_E_FORMAT},
        {"{'descr' '<f4'}", 8, MEWL_E_FORMAT},
        {"", 8, MEWL_E_FORMAT},
    };
    static const char zeros[16];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char file[512];
        size_t bytes = make(file, rows[i].dict, zeros, rows[i].bytes);
        mewl_npy read;
        mewl_error err = {0};
        assert_int_equal(mewl_npy_parse_f32(&read, file, bytes, 9, "bad.npy", &err), rows[i].status);
        if (rows[i].status != MEWL_OK) {
            assert_non_null(strstr(err.text, "bad.npy"));
            assert_null(read.data);
        }
        mewl_npy_fini(&read);
    }
}

/* Truncations and changed bytes of a good file never crash and never give more than was there (ASan watches). */
static void damaged_files_are_safe(void **state)
{
    (void)state;
    static const float data[] = {1, 2, 3, 4, 5, 6};
    char good[512];
    size_t bytes = make(good, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  \n", data, sizeof data);
    size_t accepted = 0;
    mewl_rng rng = mewl_rng_seeded(7);
    for (int round = 0; round < 20000; round++) {
        char *file = malloc(bytes); /* its exact size, so that a read past the end is seen */
        memcpy(file, good, bytes);
        size_t length = round % 3 == 0 ? (size_t)mewl_rng_below(&rng, bytes + 1) : bytes;
        for (int flips = round % 4; flips > 0; flips--) {
            file[mewl_rng_below(&rng, bytes)] = (char)mewl_rng_u64(&rng);
        }
        char *exact = malloc(length > 0 ? length : 1);
        memcpy(exact, file, length);
        mewl_npy read;
        if (mewl_npy_parse_f32(&read, exact, length, 24, "x", NULL) == MEWL_OK) {
            assert_true(read.count <= 24);
            accepted++;
        }
        mewl_npy_fini(&read);
        free(exact);
        free(file);
    }
    assert_true(accepted > 100 && accepted < 15000);
}

static void rows_are_written_one_by_one(void **state)
{
    const char *path = scratch_path(*state, "r.npy");
    mewl_npy_writer *writer = NULL;
    assert_int_equal(mewl_npy_writer_open(&writer, path, (const size_t[]){3}, 1, NULL), MEWL_OK);
    for (int i = 0; i < 1000; i++) {
        float rows[6] = {(float)i, 1, 2, (float)i, 4, 5};
        assert_int_equal(mewl_npy_writer_push(writer, rows, 2, NULL), MEWL_OK);
    }
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(mewl_npy_writer_commit(writer, NULL), MEWL_OK);
    mewl_npy_writer_close(writer);
    mewl_npy read;
    assert_int_equal(mewl_npy_read_f32(&read, path, 6000, NULL), MEWL_OK);
    assert_int_equal(read.ndim, 2);
    assert_int_equal(read.shape[0], 2000);
    assert_int_equal(read.shape[1], 3);
    assert_true(read.data[5997] == 999.0f && read.data[5999] == 5.0f);
    mewl_npy_fini(&read);

    const char *none = scratch_path(*state, "none.npy");
    assert_int_equal(mewl_npy_writer_open(&writer, none, NULL, 0, NULL), MEWL_OK);
    mewl_npy_writer_close(writer);
    assert_int_equal(access(none, F_OK), -1);
    mewl_npy_writer_close(NULL);
    assert_int_equal(mewl_npy_writer_open(&writer, none, (const size_t[]){SIZE_MAX / 2}, 1, NULL), MEWL_E_SHAPE);
    assert_int_equal(mewl_npy_writer_open(&writer, none, (const size_t[8]){1}, 8, NULL), MEWL_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arrays_of_every_rank_come_back, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(the_header_is_what_numpy_expects, scratch_make, scratch_remove),
        cmocka_unit_test(every_read_type_is_converted),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(damaged_files_are_safe),
        cmocka_unit_test_setup_teardown(rows_are_written_one_by_one, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests_name("base/npy", tests, NULL, NULL);
}
