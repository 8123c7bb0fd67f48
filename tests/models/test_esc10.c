/* Both teachers over all 400 clips of ESC-10, at 0.3: the published figures. Skipped, out loud, without MEWL_DATA. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audio/clip.h"
#include "audio/list.h"
#include "models/teacher.h"
#include "weights.h"

#define THRESHOLD 0.3f

typedef struct tally {
    int cries, others, cries_found, others_found, roosters_found;
} tally;

static void score_all(tally *sum, const char *name, const char *weights)
{
    char path[4096], folder[4096];
    mewl_teacher *teacher;
    mewl_audio_files files = {0};
    mewl_error err = {0};
    (void)snprintf(folder, sizeof folder, "%s/esc10", data_root());
    if (!weights_path(path, sizeof path, weights) || mewl_audio_list(&files, folder, 1000, &err) != MEWL_OK) {
        (void)fprintf(stderr, "skipped: ESC-10 and the weights are not there (MEWL_DATA)\n");
        skip();
    }
    if (mewl_teacher_open(&teacher, name, path, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    *sum = (tally){0};
    for (size_t i = 0; i < files.count; i++) {
        mewl_clip clip;
        mewl_teacher_result result = {0};
        if (mewl_clip_read(&clip, files.paths[i], mewl_teacher_rate_hz(teacher), 0, &err) != MEWL_OK ||
            mewl_teacher_score(teacher, &result, clip.samples, clip.count, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        const int found = result.cry >= THRESHOLD;
        const int cry = strstr(files.paths[i], "Baby cry") != NULL;
        sum->cries += cry;
        sum->others += !cry;
        sum->cries_found += cry && found;
        sum->others_found += !cry && found;
        sum->roosters_found += strstr(files.paths[i], "Rooster") != NULL && found;
        mewl_clip_fini(&clip);
    }
    (void)fprintf(stderr, "%s: %d of %d cries, %d of %d others\n", name, sum->cries_found, sum->cries,
                  sum->others_found, sum->others);
    mewl_audio_files_fini(&files);
    mewl_teacher_close(teacher);
    assert_int_equal(sum->cries, 40);
    assert_int_equal(sum->others, 360);
}

static void yamnet_finds_39(void **state)
{
    (void)state;
    tally sum;
    score_all(&sum, "yamnet", "yamnet.tflite");
    assert_int_equal(sum.cries_found, 39);
    assert_int_equal(sum.others_found, 2);
    assert_int_equal(sum.roosters_found, 2);
}

static void mn04_finds_34(void **state)
{
    (void)state;
    tally sum;
    score_all(&sum, "mn04", "mn04_as_mAP_432.pt");
    assert_int_equal(sum.cries_found, 34);
    assert_int_equal(sum.others_found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(yamnet_finds_39), cmocka_unit_test(mn04_finds_34)};
    return cmocka_run_group_tests_name("esc10", tests, NULL, NULL);
}
