/* Readers: files made in each layout, then the real sets where MEWL_DATA is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/readers.h"
#include "temp.h"

#define UUID "0D1AD73E-4C5E-45F3-85C4-9A3CB71E8856"

static const mewl_row *row_of(const mewl_manifest *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++) {
        size_t a = strlen(m->rows[i].path), b = strlen(name);
        if (a >= b && strcmp(m->rows[i].path + a - b, name) == 0) {
            return &m->rows[i];
        }
    }
    fail_msg("no row %s", name);
    return NULL;
}

static void scan(mewl_manifest *m, mewl_scan_report *report, const temp *t, const char *kind, const char *expected)
{
    mewl_error err = {0};
    if (mewl_scan(m, report, t->path, kind, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(report->reader->kind, expected);
}

static void donateacry_names(void **state)
{
    (void)state;
    mewl_donateacry_name n;
    assert_true(mewl_donateacry_parse(&n, UUID "-1430742197-1.0-m-04-hu.caf"));
    assert_string_equal(n.uuid, "0d1ad73e-4c5e-45f3-85c4-9a3cb71e8856");
    assert_true(n.time_s == 1430742197 && !n.android);
    assert_string_equal(n.version, "1.0");
    assert_string_equal(n.sex, "m");
    assert_string_equal(n.age, "04");
    assert_string_equal(n.reason, "hu");
    assert_true(mewl_donateacry_parse(&n, "0c8f14a9-6999-485b-97a2-913c1cbf099c-1431028888092-1.7-f-26-sc.3gp"));
    assert_true(n.android && fabs(n.time_s - 1431028888.092) < 1e-6);
    /* The two names of another form. */
    assert_true(mewl_donateacry_parse(&n, "CF7F6316-019B-4B3C-9EE1-A62EB5F1D0EE-1426957748.47029-1-0911C8F7-99D0-4A44-"
                                          "BC34-894BA5D83032-f-26-ti.caf.caf"));
    assert_true(fabs(n.time_s - 1426957748.47029) < 1e-6);
    assert_string_equal(n.uuid, "cf7f6316-019b-4b3c-9ee1-a62eb5f1d0ee");
    assert_string_equal(n.reason, "ti");
    assert_true(mewl_donateacry_parse(&n, "CF7F6316-019B-4B3C-9EE1-A62EB5F1D0EE-1426958010-1.0-96274EC9-59EB-49E3-96F3-"
                                          "A24D498FB7C3-f-26-ti.caf.caf"));
    assert_string_equal(n.age, "26");
    static const char *const bad[] = {"",
                                      "a.wav",
                                      UUID,
                                      UUID ".wav",
                                      UUID "-1430742197-1.0-m-04.wav",
                                      UUID "-1430742197-1.0-x-04-hu.wav",
                                      UUID "-1430742197-1.0-m-05-hu.wav",
                                      UUID "-1430742197-1.0-m-04-zz.wav",
                                      UUID "-12-1.0-m-04-hu.wav",
                                      UUID "-1430742197-1.0-m-04-hu-hu.wav",
                                      UUID "-x-1.0-m-04-hu.wav",
                                      "0D1AD73E-4C5E-45F3-85C4_9A3CB71E8856-1430742197-1.0-m-04-hu.caf"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(mewl_donateacry_parse(&n, bad[i]));
    }
}

static void donateacry_folder(void **state)
{
    (void)state;
    temp t = temp_make();
    temp_file(&t, "cleaned/hungry/" UUID "-1430742197-1.0-m-04-hu.wav", "x");
    temp_file(&t, "cleaned/discomfort/" UUID "-1430742198-1.0-f-04-ch.wav", "x");
    temp_file(&t, "ios-upload-bucket/" UUID "-1430742197-1.0-m-04-hu.caf", "x");
    temp_file(&t, "README.md", "not a sound");
    mewl_manifest m;
    mewl_scan_report report;
    scan(&m, &report, &t, NULL, "donateacry");
    assert_int_equal(m.count, 3);
    const mewl_row *cleaned = row_of(&m, "04-hu.wav"), *raw = row_of(&m, "04-hu.caf"), *cold = row_of(&m, "04-ch.wav");
    assert_string_equal(cleaned->label, "cry");
    assert_string_equal(cleaned->reason, "hungry");
    assert_string_equal(raw->label, "cry-unchecked");
    assert_string_equal(raw->reason, "hu");
    assert_string_equal(cold->reason, "discomfort");
    assert_string_equal(cleaned->group, raw->group);
    assert_string_equal(cleaned->group, cold->group);
    assert_string_not_equal(cleaned->speaker, cold->speaker);
    assert_string_equal(cleaned->set, "donateacry");
    assert_true(cleaned->time_s == 1430742197);
    mewl_manifest_fini(&m);
    temp_remove(&t);
}

static void esc_and_urbansound(void **state)
{
    (void)state;
    temp t = temp_make();
    mewl_manifest m;
    mewl_scan_report report;
    temp_file(&t, "004 - Baby cry/5-198411-A.ogg", "x");
    temp_file(&t, "001 - Dog bark/1-100032-A.ogg", "x");
    scan(&m, &report, &t, NULL, "esc10");
    assert_string_equal(row_of(&m, "5-198411-A.ogg")->label, "cry");
    assert_int_equal(row_of(&m, "5-198411-A.ogg")->fold, 5);
    assert_string_equal(row_of(&m, "1-100032-A.ogg")->label, "dog");
    assert_string_equal(row_of(&m, "1-100032-A.ogg")->group, "freesound:100032");
    mewl_manifest_fini(&m);
    temp_remove(&t);

    t = temp_make();
    temp_file(&t, "audio/1-100032-A-0.wav", "x");
    temp_file(&t, "audio/3-151081-B-20.wav", "x");
    temp_file(&t, "audio/3-151081-B-49.wav", "x");
    scan(&m, &report, &t, NULL, "esc50");
    assert_string_equal(row_of(&m, "B-20.wav")->label, "cry");
    assert_string_equal(row_of(&m, "A-0.wav")->label, "dog");
    assert_string_equal(row_of(&m, "B-49.wav")->label, "hand-saw");
    mewl_manifest_fini(&m);
    temp_remove(&t);

    t = temp_make();
    temp_file(&t, "audio/fold1/100032-3-0-0.wav", "x");
    temp_file(&t, "audio/fold10/99812-8-0-1.wav", "x");
    scan(&m, &report, &t, NULL, "urbansound8k");
    assert_string_equal(row_of(&m, "100032-3-0-0.wav")->label, "dog");
    /* The same freesound recording in ESC and here: one group. */
    assert_string_equal(row_of(&m, "100032-3-0-0.wav")->group, "freesound:100032");
    assert_int_equal(row_of(&m, "99812-8-0-1.wav")->fold, 10);
    assert_string_equal(row_of(&m, "99812-8-0-1.wav")->label, "siren");
    mewl_manifest_fini(&m);
    temp_remove(&t);
}

static void animals_and_voices(void **state)
{
    (void)state;
    temp t = temp_make();
    mewl_manifest m;
    mewl_scan_report report;
    temp_file(&t, "I_BAC01_MC_MN_SIM01_303.wav", "x");
    temp_file(&t, "B_JJX01_MC_FN_SIM01_101.wav", "x");
    scan(&m, &report, &t, NULL, "catmeows");
    const mewl_row *cat = row_of(&m, "303.wav");
    assert_string_equal(cat->label, "cat");
    assert_string_equal(cat->reason, "isolation");
    assert_string_equal(cat->speaker, "BAC01");
    assert_string_equal(cat->sex, "m");
    assert_string_equal(cat->session, "BAC01:I:3");
    mewl_manifest_fini(&m);
    temp_remove(&t);

    t = temp_make();
    temp_file(&t, "one/723efc4c_nohash_0.wav", "x");
    temp_file(&t, "off/723efc4c_nohash_1.wav", "x");
    temp_file(&t, "_background_noise_/running_tap.wav", "x");
    scan(&m, &report, &t, NULL, "speech-commands");
    assert_string_equal(row_of(&m, "_0.wav")->group, row_of(&m, "_1.wav")->group);
    assert_string_equal(row_of(&m, "_0.wav")->label, "speech");
    assert_string_equal(row_of(&m, "tap.wav")->label, "running-tap");
    mewl_manifest_fini(&m);
    temp_remove(&t);

    t = temp_make();
    temp_file(&t, "3005/3005-163389-0004.flac", "x");
    temp_file(&t, "367/130732/367-130732-0001.flac", "x");
    scan(&m, &report, &t, NULL, "librispeech");
    assert_string_equal(row_of(&m, "0004.flac")->speaker, "3005");
    assert_string_equal(row_of(&m, "0001.flac")->group, "librispeech:367");
    mewl_manifest_fini(&m);
    scan(&m, &report, &t, "speakers", "speakers");
    assert_string_equal(row_of(&m, "0001.flac")->session, "367/130732");
    mewl_manifest_fini(&m);
    temp_remove(&t);

    t = temp_make();
    temp_file(&t, "laugh_1.m4a_3.flac", "x");
    temp_file(&t, "laugh_1.m4a_68.flac", "x");
    scan(&m, &report, &t, NULL, "baby-laugh");
    assert_string_equal(m.rows[0].group, m.rows[1].group);
    mewl_manifest_fini(&m);
    temp_remove(&t);
}

static void infants_of_other_sets(void **state)
{
    (void)state;
    temp t = temp_make();
    mewl_manifest m;
    mewl_scan_report report;
    temp_file(&t, "audio/train/spk1/B/spk1_B_001.wav", "x");
    temp_file(&t, "audio/dev/spk21/D/spk21_D_004.wav", "x");
    temp_file(&t, "audio/test/spk300/B/spk300_B_010.wav", "x");
    temp_file(&t, "metadata.csv", "baby_id,period\n1,B\n");
    scan(&m, &report, &t, NULL, "cryceleb");
    assert_string_equal(row_of(&m, "spk1_B_001.wav")->split, "train");
    assert_string_equal(row_of(&m, "spk21_D_004.wav")->split, "valid");
    assert_string_equal(row_of(&m, "spk21_D_004.wav")->session, "spk21:D");
    assert_string_equal(row_of(&m, "spk300_B_010.wav")->speaker, "spk300");
    mewl_manifest_fini(&m);
    temp_remove(&t);

    t = temp_make();
    temp_file(&t, "asphyxia/A01_001.wav", "x");
    temp_file(&t, "deaf/S0102003.wav", "x");
    temp_file(&t, "normal/n7-12.wav", "x");
    scan(&m, &report, &t, NULL, "chillanto");
    assert_string_equal(row_of(&m, "A01_001.wav")->speaker, "A01");
    assert_string_equal(row_of(&m, "A01_001.wav")->reason, "asphyxia");
    assert_string_equal(row_of(&m, "S0102003.wav")->speaker, "S0102");
    assert_string_equal(row_of(&m, "n7-12.wav")->speaker, "n7");
    mewl_manifest_fini(&m);
    temp_remove(&t);

    t = temp_make();
    temp_file(&t, "BS03_W_3_F_F_19122018_2021.wav", "x");
    scan(&m, &report, &t, NULL, "lockhart-bouron");
    assert_string_equal(m.rows[0].speaker, "BS03");
    assert_true(m.rows[0].time_s == 1545250860); /* 2018-12-19 20:21 UTC */
    mewl_manifest_fini(&m);
    temp_remove(&t);

    t = temp_make();
    temp_file(&t, "audio/train/strong/a.wav", "x");
    temp_file(&t, "audio/train/weak/b.wav", "x");
    temp_file(&t, "audio/validation/real/c.wav", "x");
    temp_file(&t, "metadata/train/strong.tsv",
              "filename\tonset\toffset\tevent_label\na.wav\t0.5\t2.25\tInfantcry\na.wav\t3\t4\tSnoring\n"
              "gone.wav\t1\t2\tInfantcry\n");
    temp_file(&t, "metadata/train/weak.tsv", "filename\tevent_labels\nb.wav\tInfantcry,Adult speech\n");
    temp_file(&t, "metadata/validation/real.tsv", "filename\tonset\toffset\tevent_label\nc.wav\t\t\t\n");
    temp_file(&t, "metadata/validation/durations.tsv", "filename\tduration\nc.wav\t10\n");
    scan(&m, &report, &t, NULL, "icsd");
    assert_int_equal(m.count, 5);
    assert_int_equal(report.left_out, 1);
    assert_string_equal(m.rows[0].label, "cry");
    assert_true(m.rows[0].onset_s == 0.5 && m.rows[0].offset_s == 2.25);
    assert_string_equal(m.rows[1].label, "snoring");
    assert_string_equal(row_of(&m, "c.wav")->split, "valid");
    assert_string_equal(row_of(&m, "c.wav")->label, "");
    assert_string_equal(m.rows[2].path + strlen(m.rows[2].path) - 5, "b.wav");
    mewl_manifest_fini(&m);
    temp_remove(&t);
}

static void tables(void **state)
{
    (void)state;
    temp t = temp_make();
    mewl_manifest m;
    mewl_scan_report report;
    mewl_error err = {0};
    temp_file(&t, "wav.scp", "rec1 audio/one.wav\nrec2 /far/two words.wav\nrec3 sox x.wav -t wav - |\n");
    temp_file(&t, "segments", "u2 rec1 2.5 3.75\r\nu1 rec1 0 2.5\nu3 rec2 1 2\nu4 rec3 1 2\n");
    temp_file(&t, "utt2spk", "u1 anna\nu2 anna\nu3 ben\n");
    temp_file(&t, "utt2label", "u1 cry\n");
    scan(&m, &report, &t, NULL, "kaldi");
    assert_int_equal(m.count, 3);
    assert_int_equal(report.left_out, 1); /* the command is not run */
    assert_string_equal(m.rows[0].path, "/far/two words.wav");
    assert_true(m.rows[1].onset_s == 0 && m.rows[2].onset_s == 2.5 && m.rows[2].offset_s == 3.75);
    assert_string_equal(m.rows[1].label, "cry");
    assert_string_equal(m.rows[1].group, m.rows[2].group);
    mewl_manifest_fini(&m);
    temp_file(&t, "segments", "u1 rec1 0 2.5\nu2 rec9 0 1\n");
    assert_int_equal(mewl_scan(&m, &report, t.path, "kaldi", &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "segments:2: no recording 'rec9' in wav.scp"));
    temp_file(&t, "segments", "u1 rec1 2.5 0\n");
    assert_int_equal(mewl_scan(&m, &report, t.path, "kaldi", &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "segments:1:"));
    temp_remove(&t);

    t = temp_make();
    temp_file(&t, "train/metadata.csv", "\"file_name\",label,teacher\na.wav,cry,0.9\n\"b,1.wav\",dog,0.1\n");
    temp_file(&t, "test/metadata.csv", "file_name,label,teacher\nc.wav,cry,0.8\n");
    scan(&m, &report, &t, NULL, "audiofolder");
    assert_int_equal(m.count, 3);
    const mewl_row *b = row_of(&m, "train/b,1.wav");
    assert_string_equal(b->label, "dog");
    assert_string_equal(b->split, "train");
    assert_string_equal(row_of(&m, "test/c.wav")->split, "test");
    char buffer[64];
    assert_string_equal(mewl_manifest_value(&m, b, "teacher", buffer, sizeof buffer), "0.1");
    mewl_manifest_fini(&m);
    temp_remove(&t);
}

static void folders_and_mistakes(void **state)
{
    (void)state;
    temp t = temp_make();
    mewl_manifest m;
    mewl_scan_report report;
    mewl_error err = {0};
    temp_file(&t, "Crying baby/one.wav", "x");
    temp_file(&t, "Door Bell/two.mp3", "x");
    char path[600];
    snprintf(path, sizeof path, "%s/Door Bell/loop", t.path);
    assert_int_equal(symlink(t.path, path), 0);
    scan(&m, &report, &t, "auto", "folders");
    assert_int_equal(m.count, 2);
    assert_string_equal(row_of(&m, "one.wav")->label, "cry");
    assert_string_equal(row_of(&m, "two.mp3")->label, "door-bell");
    mewl_manifest_fini(&m);
    assert_int_equal(mewl_scan(&m, &report, t.path, "donateacri", &err), MEWL_E_ARG);
    assert_non_null(strstr(err.text, "did you mean 'donateacry'?"));
    assert_int_equal(mewl_scan(&m, &report, t.path, "esc50", &err), MEWL_E_EMPTY);
    snprintf(path, sizeof path, "%s/nowhere", t.path);
    assert_int_equal(mewl_scan(&m, &report, path, NULL, &err), MEWL_E_NOT_FOUND);
    snprintf(path, sizeof path, "%s/Door Bell/two.mp3", t.path);
    assert_int_equal(mewl_scan(&m, &report, path, NULL, &err), MEWL_E_ARG);
    temp_remove(&t);
    t = temp_make();
    assert_int_equal(mewl_scan(&m, &report, t.path, NULL, &err), MEWL_E_EMPTY);
    temp_remove(&t);
}

/* ---- the real sets ---- */

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Distinct values among `count` texts; sorts them. */
static size_t distinct(const char **texts, size_t count)
{
    size_t found = 0;
    qsort(texts, count, sizeof *texts, compare_text);
    for (size_t i = 0; i < count; i++) {
        found += i == 0 || strcmp(texts[i], texts[i - 1]) != 0;
    }
    return found;
}

static size_t distinct_groups(const mewl_manifest *m, const char *label)
{
    const char **texts = calloc(m->count, sizeof *texts);
    size_t count = 0;
    assert_non_null(texts);
    for (size_t i = 0; i < m->count; i++) {
        if (label == NULL || strcmp(m->rows[i].label, label) == 0) {
            texts[count++] = m->rows[i].group;
        }
    }
    size_t found = distinct(texts, count);
    free(texts);
    return found;
}

static size_t with_label(const mewl_manifest *m, const char *label)
{
    size_t count = 0;
    for (size_t i = 0; i < m->count; i++) {
        count += strcmp(m->rows[i].label, label) == 0;
    }
    return count;
}

static void real(mewl_manifest *m, const char *set, const char *kind, size_t rows)
{
    char path[1024];
    mewl_error err = {0};
    mewl_scan_report report;
    if (temp_data(path, sizeof path, set) == NULL) {
        skip();
    }
    if (mewl_scan(m, &report, path, NULL, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(report.reader->kind, kind);
    assert_int_equal(m->count, rows);
    assert_int_equal(report.left_out, 0);
}

static void real_donateacry(void **state)
{
    (void)state;
    mewl_manifest m;
    real(&m, "donateacry-corpus", "donateacry", 457 + 712 + 416);
    assert_int_equal(with_label(&m, "cry"), 457);
    assert_int_equal(distinct_groups(&m, MEWL_LABEL_UNCHECKED), 411);
    static const struct {
        const char *reason;
        size_t clips, groups;
    } reasons[] = {{"hungry", 382, 205},  {"discomfort", 27, 16}, {"tired", 24, 16},
                   {"belly_pain", 16, 7}, {"burping", 8, 7},      {"hu", 742, 0},
                   {"dk", 194, 0},        {"ti", 58 + 2, 0}, /* two of another form */
                   {"dc", 38, 0},         {"bp", 27, 0},          {"lo", 23, 0},
                   {"bu", 17, 0},         {"sc", 15, 0},          {"ch", 12, 0}};
    const char **texts = calloc(m.count, sizeof *texts);
    assert_non_null(texts);
    for (size_t r = 0; r < sizeof reasons / sizeof reasons[0]; r++) {
        size_t count = 0;
        for (size_t i = 0; i < m.count; i++) {
            if (strcmp(m.rows[i].reason, reasons[r].reason) == 0) {
                texts[count++] = m.rows[i].group;
            }
        }
        size_t groups = distinct(texts, count);
        assert_int_equal(count, reasons[r].clips);
        if (reasons[r].groups > 0) {
            assert_int_equal(groups, reasons[r].groups);
        }
    }
    /* Over the raw uploads: uuids with both sexes, with two, five and eight recordings or more. The two names of
     * another form were not counted in these published figures (nor in the 58 above). */
    size_t count = 0, both = 0, two = 0, five = 0, eight = 0;
    for (size_t i = 0; i < m.count; i++) {
        if (strcmp(m.rows[i].label, MEWL_LABEL_UNCHECKED) == 0 && strstr(m.rows[i].path, ".caf.caf") == NULL) {
            texts[count++] = m.rows[i].group;
        }
    }
    qsort(texts, count, sizeof *texts, compare_text);
    for (size_t i = 0, n; i < count; i += n) {
        unsigned sexes = 0;
        n = 0;
        while (i + n < count && strcmp(texts[i], texts[i + n]) == 0) {
            n++;
        }
        for (size_t k = 0; k < m.count; k++) {
            if (strcmp(m.rows[k].group, texts[i]) == 0 && strcmp(m.rows[k].label, MEWL_LABEL_UNCHECKED) == 0) {
                sexes |= m.rows[k].sex[0] == 'm' ? 1 : 2;
            }
        }
        both += sexes == 3;
        two += n >= 2;
        five += n >= 5;
        eight += n >= 8;
    }
    assert_int_equal(both, 45);
    assert_int_equal(two, 263);
    assert_int_equal(five, 54);
    assert_int_equal(eight, 15);
    /* Every cleaned clip has its raw upload, and both have one group. */
    size_t pairs = 0;
    for (size_t i = 0; i < m.count; i++) {
        if (strcmp(m.rows[i].label, "cry") != 0) {
            continue;
        }
        const char *name = strrchr(m.rows[i].path, '/') + 1;
        size_t stem = strlen(name) - 4;
        for (size_t k = 0; k < m.count; k++) {
            if (k != i && strncmp(strrchr(m.rows[k].path, '/') + 1, name, stem) == 0) {
                assert_string_equal(m.rows[k].group, m.rows[i].group);
                pairs++;
            }
        }
    }
    assert_int_equal(pairs, 457);
    free(texts);
    mewl_manifest_fini(&m);
}

static void real_esc10(void **state)
{
    (void)state;
    mewl_manifest m;
    real(&m, "esc10", "esc10", 400);
    assert_int_equal(with_label(&m, "cry"), 40);
    assert_int_equal(distinct_groups(&m, "cry"), 18);
    for (int fold = 1; fold <= 5; fold++) {
        size_t count = 0;
        for (size_t i = 0; i < m.count; i++) {
            count += m.rows[i].fold == fold;
        }
        assert_int_equal(count, 80);
    }
    mewl_manifest_fini(&m);
}

static void real_others(void **state)
{
    (void)state;
    mewl_manifest m;
    real(&m, "urbansound8k", "urbansound8k", 302);
    assert_int_equal(with_label(&m, "children-playing"), 90);
    assert_int_equal(with_label(&m, "siren"), 50);
    mewl_manifest_fini(&m);
    real(&m, "catmeows", "catmeows", 440);
    assert_int_equal(distinct_groups(&m, NULL), 21);
    mewl_manifest_fini(&m);
    real(&m, "baby-laugh", "baby-laugh", 88);
    assert_int_equal(distinct_groups(&m, NULL), 1);
    mewl_manifest_fini(&m);
    real(&m, "speech-commands", "speech-commands", 606);
    assert_int_equal(with_label(&m, "speech"), 600);
    mewl_manifest_fini(&m);
    real(&m, "librispeech-test-other", "librispeech", 50);
    assert_int_equal(distinct_groups(&m, NULL), 10);
    mewl_manifest_fini(&m);
    real(&m, "room-impulse-responses", "room-responses", 10);
    mewl_manifest_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(donateacry_names),
        cmocka_unit_test(donateacry_folder),
        cmocka_unit_test(esc_and_urbansound),
        cmocka_unit_test(animals_and_voices),
        cmocka_unit_test(infants_of_other_sets),
        cmocka_unit_test(tables),
        cmocka_unit_test(folders_and_mistakes),
        cmocka_unit_test(real_donateacry),
        cmocka_unit_test(real_esc10),
        cmocka_unit_test(real_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
