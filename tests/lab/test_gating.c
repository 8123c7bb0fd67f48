/* How the first gate is judged: figures of a recording, areas, what passes and why not. */
#include "golden.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "audio/writer.h"
#include "lab/gating.h"

#define SORTS 3
static const char *const names[SORTS] = {"cries", "doors", "songs"};

static mewl_gating_clip clip_of(size_t sort, size_t group, double cry, double snr_db, double seconds)
{
    return (mewl_gating_clip){
        .sort = sort, .group = group, .figures = {.cry = cry, .snr_db = snr_db, .clipped = 0, .seconds = seconds}};
}

static const json_t *row_of(const json_t *document, size_t sheet, size_t row)
{
    const json_t *s = json_array_get(json_object_get(document, "sheets"), sheet);
    return json_array_get(json_object_get(s, "rows"), row);
}

static double value(const json_t *row, size_t column)
{
    const json_t *c = json_array_get(row, column);
    return json_number_value(json_is_object(c) ? json_object_get(c, "value") : c);
}

/* Four cries, two doors that the detector ranks like cries but that are too short, two songs far below. */
static void test_tables(void **state)
{
    (void)state;
    const mewl_gating_clip clips[] = {
        clip_of(0, 0, 0.9, 20, 2), clip_of(0, 0, 0.8, 20, 2),    clip_of(0, 1, 0.7, NAN, 2),
        clip_of(0, 2, 0.6, 1, 2),  clip_of(1, 3, 0.95, 20, 0.1), clip_of(1, 4, 0.5, 20, 0.2),
        clip_of(2, 5, 0.1, 0, 0),  clip_of(2, 5, 0.2, 20, 1),
    };
    json_t *document = NULL;
    mewl_error err = {0};
    assert_int_equal(mewl_gating_document(&document, clips, 8, names, SORTS, 1, &err), MEWL_OK);
    /* Doors by hand: the detector ranks one above and one below all cries; with the penalty for being short 4 logits
     * below the first and 3 below the second: 2.94 - 4 = -1.06 and -3, under 0.41 - 2 (the noisy cry) in one case. */
    const json_t *doors = row_of(document, 0, 0);
    assert_string_equal(json_string_value(json_array_get(doors, 0)), "doors");
    assert_true(value(doors, 1) == 2);
    assert_true(fabs(value(doors, 2) - 7.0 / 8) < 1e-6);
    assert_true(fabs(value(doors, 3) - 0.5) < 1e-6);
    assert_true(fabs(value(row_of(document, 0, 1), 2) - 7.0 / 8) < 1e-6); /* a song at -1.39, above the noisy cry */
    assert_true(fabs(value(row_of(document, 0, 1), 3) - 1) < 1e-6);
    const json_t *all = row_of(document, 0, 2);
    assert_true(value(all, 1) == 4 && fabs(value(all, 2) - 14.0 / 16) < 1e-6 && fabs(value(all, 3) - 0.75) < 1e-6);
    /* What passes: cries but the noisy one; no door, no song. */
    const json_t *cries = row_of(document, 1, 0);
    assert_true(value(cries, 1) == 4 && value(cries, 2) == 3 && fabs(value(cries, 3) - 0.75) < 1e-6);
    assert_true(value(cries, 4) == 0 && value(cries, 5) == 1 && value(cries, 7) == 0);
    const json_t *songs = row_of(document, 1, 2);
    assert_true(value(songs, 2) == 1 && value(songs, 3) == 0);
    assert_true(value(songs, 4) == 2 && value(songs, 5) == 1 && value(songs, 6) == 0 && value(songs, 7) == 1);
    json_decref(document);
}

static void test_nothing_to_tell_apart(void **state)
{
    (void)state;
    const mewl_gating_clip clips[] = {clip_of(0, 0, 0.9, 20, 2), clip_of(1, 1, 0.1, 20, 2), clip_of(5, 1, 0.1, 20, 2)};
    json_t *document = NULL;
    mewl_error err = {0};
    assert_int_equal(mewl_gating_document(&document, clips, 1, names, SORTS, 1, &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_gating_document(&document, clips + 1, 1, names, SORTS, 1, &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_gating_document(&document, clips, 3, names, SORTS, 1, &err), MEWL_E_ARG);
    assert_null(document);
}

/* A second of a loud, voiced sound in three: its seconds, and clipping where it is overdriven. */
static void test_figures(void **state)
{
    (void)state;
    enum { COUNT = 48000 };
    static float x[COUNT];
    char path[] = "/tmp/mewl-test-gating-XXXXXX.wav";
    mewl_system *system = NULL;
    mewl_error err = {0};
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(mewl_system_open_energy(&system, &err), MEWL_OK);
    for (int overdriven = 0; overdriven < 2; overdriven++) {
        for (size_t i = 0; i < COUNT; i++) {
            double t = (double)i / 16000;
            double tone = sin(2 * M_PI * 450 * t) + 0.5 * sin(2 * M_PI * 900 * t);
            double v = t >= 1 && t < 2 ? (overdriven ? 3 : 0.3) * tone : 1e-4 * sin(2 * M_PI * 50 * t);
            x[i] = (float)fmin(fmax(v, -1), 1);
        }
        mewl_gate_figures f;
        assert_int_equal(mewl_audio_write(path, x, COUNT, 16000, MEWL_AUDIO_WAV_S16, &err), MEWL_OK);
        assert_int_equal(mewl_gating_measure(&f, system, 0.5, path, &err), MEWL_OK);
        assert_true(f.cry > 0.9);
        assert_true(f.seconds > 0.8 && f.seconds < 1.5);
        assert_true(f.snr_db > 10);
        assert_true(overdriven ? f.clipped > 0.02 : f.clipped == 0);
    }
    mewl_gate_figures none;
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(mewl_gating_measure(&none, system, 0.5, path, &err), MEWL_OK);
    assert_true(isnan(none.cry));
    mewl_system_close(system);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_nothing_to_tell_apart),
        cmocka_unit_test(test_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
