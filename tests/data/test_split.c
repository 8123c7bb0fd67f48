/* Splits: groups stay whole, labels are spread, sides never move; and a leak is seen. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/readers.h"
#include "data/sha256.h"
#include "data/split.h"
#include "temp.h"

static void sha256_vectors(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < 3; i++) {
        mewl_sha256 sha;
        uint8_t digest[32];
        char hex[65];
        mewl_sha256_init(&sha);
        for (const char *at = vectors[i][0]; *at != '\0'; at++) {
            mewl_sha256_push(&sha, at, 1);
        }
        mewl_sha256_finish(&sha, digest);
        mewl_sha256_hex(hex, digest);
        assert_string_equal(hex, vectors[i][1]);
    }
}

static void made_up(mewl_manifest *m, size_t groups)
{
    mewl_error err = {0};
    mewl_rng rng = mewl_rng_seeded(3);
    assert_int_equal(mewl_manifest_init(m, &err), MEWL_OK);
    for (size_t g = 0; g < groups; g++) {
        size_t size = 1 + mewl_rng_below(&rng, 6);
        for (size_t i = 0; i < size; i++) {
            char path[64], group[64];
            mewl_row row = mewl_row_empty();
            snprintf(path, sizeof path, "g%zu/%zu.wav", g, i);
            snprintf(group, sizeof group, "g%zu", g);
            row.path = path;
            row.group = group;
            row.label = g % 10 == 0 ? "rare" : "common";
            assert_int_equal(mewl_manifest_add(m, &row, &err), MEWL_OK);
        }
    }
}

static void folds_are_even_and_whole(void **state)
{
    (void)state;
    mewl_manifest m;
    mewl_error err = {0};
    mewl_split_report report;
    made_up(&m, 200);
    assert_int_equal(mewl_split_folds(&m, 5, "label", true, 1, &err), MEWL_OK);
    assert_int_equal(mewl_split_check(&m, "fold", &report, &err), MEWL_OK);
    assert_int_equal(report.groups, 200);
    assert_int_equal(report.groups_straddling, 0);
    assert_int_equal(mewl_split_require(&m, "fold", &err), MEWL_OK);
    double rare[5] = {0}, all[5] = {0}, rare_total = 0;
    for (size_t i = 0; i < m.count; i++) {
        assert_in_range(m.rows[i].fold, 1, 5);
        all[m.rows[i].fold - 1]++;
        rare[m.rows[i].fold - 1] += strcmp(m.rows[i].label, "rare") == 0;
        rare_total += strcmp(m.rows[i].label, "rare") == 0;
    }
    for (size_t f = 0; f < 5; f++) {
        assert_true(fabs(all[f] / (double)m.count - 0.2) < 0.02);
        assert_true(fabs(rare[f] / rare_total - 0.2) < 0.06);
    }
    int before = m.rows[17].fold;
    assert_int_equal(mewl_split_folds(&m, 5, "label", true, 1, &err), MEWL_OK);
    assert_int_equal(m.rows[17].fold, before);
    /* Random folds of single rows, as in the literature, leak and are called so. */
    assert_int_equal(mewl_split_folds(&m, 5, "label", false, 1, &err), MEWL_OK);
    assert_int_equal(mewl_split_require(&m, "fold", &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "LEAKY: "));
    assert_int_equal(mewl_split_folds(&m, 1, "label", true, 1, &err), MEWL_E_ARG);
    assert_int_equal(mewl_split_folds(&m, 5, "colour", true, 1, &err), MEWL_E_ARG);
    mewl_manifest_fini(&m);
    made_up(&m, 3);
    assert_int_equal(mewl_split_folds(&m, 4, NULL, true, 1, &err), MEWL_E_ARG);
    mewl_manifest_fini(&m);
}

static void sides_never_move(void **state)
{
    (void)state;
    mewl_manifest m;
    mewl_error err = {0};
    made_up(&m, 2000);
    assert_int_equal(mewl_split_hash(&m, 0, 0.1, 0.2, &err), MEWL_OK);
    assert_int_equal(mewl_split_require(&m, "split", &err), MEWL_OK);
    double test = 0, valid = 0, more = 0;
    for (size_t i = 0; i < m.count; i++) {
        test += strcmp(m.rows[i].split, "test") == 0;
        valid += strcmp(m.rows[i].split, "valid") == 0;
        assert_string_equal(m.rows[i].split, mewl_split_side(m.rows[i].group, 0, 0.1, 0.2, 0));
        /* A wider validation side takes from training alone. */
        const char *wider = mewl_split_side(m.rows[i].group, 0, 0.1, 0.2, 0.3);
        more += strcmp(wider, m.rows[i].split) != 0;
        if (strcmp(wider, m.rows[i].split) != 0) {
            assert_string_equal(m.rows[i].split, "train");
            assert_string_equal(wider, "valid");
        }
    }
    assert_true(fabs(more / (double)m.count - 0.3) < 0.03);
    assert_true(fabs(test / (double)m.count - 0.2) < 0.03);
    assert_true(fabs(valid / (double)m.count - 0.1) < 0.03);
    assert_int_equal(mewl_split_hash(&m, 0, 0.6, 0.5, &err), MEWL_E_ARG);
    assert_int_equal(mewl_split_hash(&m, 0, NAN, 0.5, &err), MEWL_E_ARG);
    mewl_manifest_fini(&m);
    /* Pinned (hashlib.sha256 of b"0:<group>" gives the same), so that a published test side stays the test side. */
    assert_string_equal(mewl_split_side("freesound:4211", 0, 0.08, 0.2, 0), "test");
    assert_string_equal(mewl_split_side("catmeows:BAC01", 0, 0.08, 0.2, 0), "train");
    assert_string_equal(mewl_split_side("librispeech:3005", 0, 0.08, 0.2, 0), "train");
}

static void donateacry_folds(void **state)
{
    (void)state;
    char path[1024];
    mewl_manifest m;
    mewl_error err = {0};
    mewl_split_report report;
    if (temp_data(path, sizeof path, "donateacry-corpus/donateacry_corpus_cleaned_and_updated_data") == NULL) {
        skip();
    }
    assert_int_equal(mewl_scan(&m, NULL, path, NULL, &err), MEWL_OK);
    assert_int_equal(mewl_split_folds(&m, 10, "reason", false, 1, &err), MEWL_OK);
    assert_int_equal(mewl_split_check(&m, "fold", &report, &err), MEWL_OK);
    assert_true(report.groups_straddling > 40);
    assert_int_equal(mewl_split_folds(&m, 5, "reason", true, 1, &err), MEWL_OK);
    assert_int_equal(mewl_split_require(&m, "fold", &err), MEWL_OK);
    for (int fold = 1; fold <= 5; fold++) {
        size_t hungry = 0, burping = 0;
        for (size_t i = 0; i < m.count; i++) {
            hungry += m.rows[i].fold == fold && strcmp(m.rows[i].reason, "hungry") == 0;
            burping += m.rows[i].fold == fold && strcmp(m.rows[i].reason, "burping") == 0;
        }
        assert_in_range(hungry, 60, 92);
        assert_true(burping >= 1);
    }
    mewl_manifest_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_vectors),
        cmocka_unit_test(folds_are_even_and_whole),
        cmocka_unit_test(sides_never_move),
        cmocka_unit_test(donateacry_folds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
