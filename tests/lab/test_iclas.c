/* ICLAS's table on made-up identities: who plays which part, what is chosen by whom, every sheet, later sessions. */
#include "golden.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "lab/iclas_private.h"

#define DIMS 8
#define PEOPLE 16
#define MANY 10 /* recordings of one who can be reported */
#define FEW 6   /* of one who only chooses */
#define ROWS_MAX (PEOPLE * MANY * 3)

/* Made-up identities with sessions of two recordings, later ones first in the file. Those below `many` have MANY. */
typedef struct people {
    mewl_manifest manifest;
    double x[ROWS_MAX * DIMS];
    bool usable[ROWS_MAX];
    size_t own; /* rows of people; altered ones come behind */
} people;

static void add_row(people *p, size_t who, size_t number, const double *x, bool usable)
{
    char text[4][32];
    mewl_row row = mewl_row_empty();
    size_t at = p->manifest.count;
    (void)snprintf(text[0], sizeof text[0], "%02zu-%03zu.wav", who, number);
    (void)snprintf(text[1], sizeof text[1], "person%zu", who);
    (void)snprintf(text[2], sizeof text[2], "device%zu", who);
    (void)snprintf(text[3], sizeof text[3], "s%zu", number / 2);
    row.path = text[0];
    row.speaker = usable ? text[1] : "";
    row.group = text[2];
    row.session = text[3];
    row.age = who % 2 == 0 ? "04" : "26";
    row.sex = "f";
    assert_int_equal(mewl_manifest_add(&p->manifest, &row, NULL), MEWL_OK);
    memcpy(p->x + at * DIMS, x, DIMS * sizeof *x);
    p->usable[at] = usable;
}

/* Recordings scatter around their session, sessions around the person, persons `apart`. */
static people *make_people(size_t many, double apart)
{
    people *p = calloc(1, sizeof *p);
    mewl_rng rng = mewl_rng_seeded(31);
    assert_non_null(p);
    assert_int_equal(mewl_manifest_init(&p->manifest, NULL), MEWL_OK);
    for (size_t who = 0; who < PEOPLE; who++) {
        double centre[DIMS];
        double session[DIMS];
        for (size_t j = 0; j < DIMS; j++) {
            centre[j] = 3 + apart * mewl_rng_normal(&rng);
        }
        for (size_t k = 0; k < (who < many ? MANY : FEW); k++) {
            double x[DIMS];
            for (size_t j = 0; j < DIMS; j++) {
                session[j] = k % 2 == 0 ? centre[j] + 0.2 * mewl_rng_normal(&rng) : session[j];
                x[j] = session[j] + 0.2 * mewl_rng_normal(&rng);
            }
            add_row(p, who, k, x, true);
        }
    }
    p->own = p->manifest.count;
    return p;
}

static void free_people(people *p)
{
    mewl_manifest_fini(&p->manifest);
    free(p);
}

static mewl_iclas_opts few_opts(void)
{
    return (mewl_iclas_opts){.name = "people", .anomalies = 20, .quick = true, .repeats = 1, .seed = 2};
}

static json_t *run(const people *p, const mewl_iclas_table *tables, size_t count, mewl_iclas_opts opts)
{
    json_t *document = NULL;
    mewl_error err = {0};
    opts.usable = p->usable;
    if (mewl_iclas_run(&document, &p->manifest, tables, count, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return document;
}

static const json_t *sheet_of(const json_t *document, size_t number)
{
    const json_t *sheet = json_array_get(json_object_get(document, "sheets"), number);
    assert_non_null(sheet);
    return sheet;
}

/* A cell as a number: an interval's value. */
static double cell(const json_t *sheet, size_t row, size_t column)
{
    const json_t *c = json_array_get(json_array_get(json_object_get(sheet, "rows"), row), column);
    return json_number_value(json_is_object(c) ? json_object_get(c, "value") : c);
}

static size_t row_count(const json_t *sheet)
{
    return json_array_size(json_object_get(sheet, "rows"));
}

static const char *label(const json_t *sheet, size_t row)
{
    return json_string_value(json_array_get(json_array_get(json_object_get(sheet, "rows"), row), 0));
}

/* Nobody plays two parts, devices stay together, and no reported recording is heard while the approach is chosen. */
static void test_parts(void **state)
{
    (void)state;
    people *p = make_people(8, 1);
    for (int rotate = 0; rotate < 2; rotate++) {
        mewl_iclas_opts opts = few_opts();
        mewl__cast cast;
        opts.rotate = rotate != 0;
        opts.min_recordings = 8;
        opts.min_choose = 3;
        opts.gap_s = 3600;
        assert_int_equal(mewl__cast_make(&cast, &p->manifest, &opts, NULL), MEWL_OK);
        size_t reported[PEOPLE] = {0};
        size_t chose[PEOPLE] = {0};
        for (size_t turn = 0; turn < cast.turns; turn++) {
            for (size_t fold = 0; fold <= MEWL__CAST_FOLDS; fold++) {
                bool reporting = fold == MEWL__CAST_FOLDS;
                mewl__cast_deal(&cast, &opts, turn, reporting ? MEWL__CAST_ALL : fold);
                for (size_t k = 0; k < cast.identities; k++) {
                    mewl__part part = cast.part[k];
                    bool own_turn = k < 8 && mewl__cast_turn(&cast, k) == turn;
                    reported[k] += part == MEWL__PART_REPORT ? 1 : 0;
                    chose[k] += part == MEWL__PART_CHOOSE ? 1 : 0;
                    assert_true((part == MEWL__PART_REPORT) == (reporting && own_turn));
                    assert_true(part != MEWL__PART_CHOOSE || !reporting);
                    assert_true(!own_turn || reporting || part == MEWL__PART_ABSENT);
                    if (part != MEWL__PART_CHOOSE && part != MEWL__PART_REPORT) {
                        continue;
                    }
                    size_t rows[60];
                    size_t alike = 0;
                    size_t found = mewl__cast_anomalies(&cast, rows, &alike, k, 60, 4);
                    for (size_t i = 0; i < found; i++) {
                        mewl__part other = cast.part[cast.identity[rows[i]]];
                        assert_true(cast.identity[rows[i]] != k);
                        assert_true(other == part || other == MEWL__PART_OTHER);
                        bool same_age = strcmp(p->manifest.rows[rows[i]].age, p->manifest.rows[cast.first[k]].age) == 0;
                        assert_true(same_age == (i < alike)); /* those of the same age first */
                    }
                }
            }
        }
        for (size_t k = 0; k < PEOPLE; k++) {
            assert_true(reported[k] == (k < 8 ? 1 : 0)); /* once each */
            assert_true(chose[k] <= cast.turns && (rotate || chose[k] == (k < 8 ? 0 : 1)));
        }
        mewl__cast_fini(&cast);
    }
    free_people(p);
}

/* Three embeddings: one that tells apart those who choose, one that tells apart those who are reported, one that tells
 * all apart but is said to have heard them. The first is chosen, however good the others would have been. */
static void test_nobody_reported_chooses(void **state)
{
    (void)state;
    people *p = make_people(6, 1);
    double *x = calloc(2 * p->own * DIMS, sizeof *x);
    mewl_rng rng = mewl_rng_seeded(7);
    assert_non_null(x);
    for (size_t i = 0; i < p->own; i++) {
        bool reported = atoi(p->manifest.rows[i].path) < 6;
        for (size_t j = 0; j < DIMS; j++) {
            x[i * DIMS + j] = reported ? 3 + 0.3 * mewl_rng_normal(&rng) : p->x[i * DIMS + j];
            x[(p->own + i) * DIMS + j] = reported ? p->x[i * DIMS + j] : 3 + 0.3 * mewl_rng_normal(&rng);
        }
    }
    const mewl_iclas_table tables[] = {{.name = "choosers", .x = x, .dims = DIMS},
                                       {.name = "reported", .x = x + p->own * DIMS, .dims = DIMS},
                                       {.name = "both", .x = p->x, .dims = DIMS, .heard = true}};
    mewl_iclas_opts opts = few_opts();
    opts.level = 0.3; /* so few hardly keep a small one */
    json_t *document = run(p, tables, 3, opts);
    const char *chosen = json_string_value(json_object_get(document, "chosen"));
    if (strncmp(chosen, "choosers / ", 11) != 0) {
        fail_msg("%s was chosen", chosen);
    }
    assert_int_equal(json_integer_value(json_object_get(document, "infants")), 6);
    assert_int_equal(json_integer_value(json_object_get(document, "infants_choosing")), PEOPLE - 6);
    json_decref(document);
    free(x);
    free_people(p);
}

/* All sheets, with who stands in them; told apart when they are apart, and else not. */
static void test_sheets(void **state)
{
    (void)state;
    for (int far_apart = 0; far_apart < 2; far_apart++) {
        people *p = make_people(12, far_apart ? 1 : 0);
        const mewl_iclas_table tables[] = {{.name = "a", .x = p->x, .dims = DIMS},
                                           {.name = "b", .x = p->x, .dims = DIMS, .confound = true}};
        const mewl_iclas_fusion fusion = {.table = {0, 1}, .count = 2};
        mewl_iclas_opts opts = few_opts();
        opts.rotate = true;
        opts.fusions = &fusion;
        opts.fusion_count = 1;
        json_t *document = run(p, tables, 2, opts);
        const json_t *all = sheet_of(document, 0);
        /* Always-alarm, what was chosen, seven ways on two embeddings, two ways on both. */
        assert_int_equal(row_count(all), 2 + 2 * 7 + 2);
        assert_string_equal(label(all, 0), "always alarm");
        assert_memory_equal(label(all, 1), "chosen: a / ", 12); /* what is no voice is not chosen */
        assert_non_null(strstr(label(all, 9), "b / plain / knn (no voice)"));
        assert_non_null(strstr(label(all, 16), "a & b / within / knn"));
        double auc = cell(all, 1, 3);
        if (far_apart ? auc < 0.9 : auc < 0.3 || auc > 0.7) {
            fail_msg("apart %d: AUC %.3f", far_apart, auc);
        }
        assert_true(fabs(auc - json_number_value(json_object_get(document, "auc"))) < 1e-6);
        assert_true(fabs(cell(all, 0, 3) - 0.5) < 1e-9 && cell(all, 0, 7) == 1);
        for (size_t k = 1; k < row_count(all); k++) {
            assert_true(cell(all, k, 7) <= 0.25); /* the normal ones stay about within the nominal rate */
        }
        const json_t *chosen = sheet_of(document, 1);
        assert_int_equal(row_count(chosen), 12);
        double sum = 0;
        for (size_t k = 0; k < 12; k++) {
            assert_true(cell(chosen, k, 1) == MANY && cell(chosen, k, 2) == MANY / 2.0 && cell(chosen, k, 3) == 20);
            sum += cell(chosen, k, 4) / 12;
        }
        assert_true(fabs(sum - auc) < 1e-6);
        const json_t *levels = sheet_of(document, 4); /* after the paper's three, less the autoencoder */
        assert_int_equal(row_count(levels), 3);
        for (size_t k = 0; k < 3; k++) {
            assert_true(cell(levels, k, 0) == (k == 0 ? 0.01 : k == 1 ? 0.05 : 0.1));
            assert_true(cell(levels, k, 2) == 12 * MANY);
            assert_true(cell(levels, k, 4) >= cell(levels, k, 3)); /* a drawn rank is never larger than p */
            assert_true(k == 0 || cell(levels, k, 3) >= cell(levels, k - 1, 3));
        }
        const json_t *later = sheet_of(document, 5);
        assert_int_equal(row_count(later), 1); /* others alone: nothing was altered */
        assert_true(cell(later, 0, 5) == 12 * (MANY - 2 * MEWL__LATER_FIRST));
        const json_t *rates = sheet_of(document, 6);
        assert_int_equal(row_count(rates), 3 * 3);
        for (size_t k = 0; k < 9; k++) {
            assert_true(cell(rates, k, 2) == 12 && cell(rates, k, 3) == 12 * (MANY / 2.0 - MEWL__LATER_FIRST));
            assert_true(fabs(cell(rates, k, 4) - cell(rates, k, 5)) < 1e-6);
            assert_true(k % 3 != 1 || cell(rates, k, 4) >= cell(rates, k - 1, 4) - 1e-9); /* drawn is never larger */
            assert_true(k % 3 != 2 || (cell(rates, k, 4) > 0 && cell(rates, k, 4) < 3 * cell(rates, k, 0)));
        }
        json_decref(document);
        free_people(p);
    }
}

/* Later recordings moved far away are told, and left as they are they are not; only later ones are compared. */
static void test_later_sessions(void **state)
{
    (void)state;
    people *p = make_people(12, 1);
    size_t *row = malloc(2 * p->own * sizeof *row);
    assert_non_null(row);
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < p->own; i++) {
            double x[DIMS];
            for (size_t j = 0; j < DIMS; j++) {
                x[j] = p->x[i * DIMS + j] * (kind == 0 || j % 2 == 0 ? 1 : -0.5);
            }
            row[kind * p->own + i] = p->manifest.count;
            add_row(p, 99, p->manifest.count, x, false);
        }
    }
    const mewl_iclas_altered altered[] = {{.name = "nothing", .control = true, .row = row},
                                          {.name = "much", .row = row + p->own}};
    const mewl_iclas_table table = {.name = "a", .x = p->x, .dims = DIMS};
    mewl_iclas_opts opts = few_opts();
    opts.rotate = true;
    opts.altered = altered;
    opts.altered_count = 2;
    json_t *document = run(p, &table, 1, opts);
    const json_t *later = sheet_of(document, row_count(sheet_of(document, 0)) > 0 ? 5 : 0);
    assert_int_equal(row_count(later), 3);
    assert_string_equal(label(later, 1), "nothing (control: should not be told)");
    assert_string_equal(label(later, 2), "much");
    size_t heard = 12 * (MANY - 2 * MEWL__LATER_FIRST);
    assert_true(cell(later, 1, 2) == (double)heard && cell(later, 2, 2) == (double)heard);
    assert_true(fabs(cell(later, 1, 3) - 0.5) < 1e-9); /* the same scores */
    assert_true(fabs(cell(later, 1, 4) - cell(later, 1, 6)) < 1e-6);
    assert_true(cell(later, 0, 3) > 0.9 && cell(later, 2, 3) > 0.95);
    json_decref(document);
    free(row);
    free_people(p);
}

/* A table without a population: in rows of its own, never chosen, over the recordings it has. */
static void test_alone(void **state)
{
    (void)state;
    people *p = make_people(12, 1);
    bool there[ROWS_MAX];
    for (size_t i = 0; i < p->own; i++) {
        there[i] = i % MANY != 3; /* of each of the reported, one recording fewer */
    }
    const mewl_iclas_table tables[] = {{.name = "a", .x = p->x, .dims = DIMS},
                                       {.name = "as it comes", .x = p->x, .dims = DIMS, .alone = true, .there = there}};
    mewl_iclas_opts opts = few_opts();
    opts.rotate = true;
    json_t *document = run(p, tables, 2, opts);
    const json_t *all = sheet_of(document, 0);
    assert_int_equal(row_count(all), 2 + 7 + 1);
    assert_memory_equal(label(all, 1), "chosen: a / ", 12);
    assert_string_equal(label(all, 9), "as it comes / alone / knn");
    assert_true(cell(all, 9, 3) > 0.9);
    /* Five sessions of its own: no p-value is as small as a tenth. */
    assert_true(cell(all, 9, 6) == 0 && cell(all, 9, 7) == 0);
    const json_t *own = sheet_of(document, 4); /* behind what was chosen and the paper's two */
    assert_int_equal(row_count(own), 12);
    for (size_t k = 0; k < 12; k++) {
        assert_true(cell(own, k, 1) == MANY - 1 && cell(own, k, 2) == MANY / 2.0);
    }
    json_decref(document);
    /* What has gaps cannot have a population, and scores of it are added to no others. */
    mewl_iclas_table odd[] = {tables[0], tables[1]};
    const mewl_iclas_fusion fusion = {.table = {0, 1}, .count = 2};
    mewl_error err = {0};
    odd[1].alone = false;
    document = NULL;
    assert_int_equal(mewl_iclas_run(&document, &p->manifest, odd, 2, opts, &err), MEWL_E_ARG);
    opts.fusions = &fusion;
    opts.fusion_count = 1;
    assert_int_equal(mewl_iclas_run(&document, &p->manifest, tables, 2, opts, &err), MEWL_E_ARG);
    free_people(p);
}

/* Rates by hand; and for sessions that can be exchanged they are the level on average, while scores that grow from
 * session to session show. */
static void test_rates(void **state)
{
    (void)state;
    const size_t start[] = {0, 2, 3, 5};
    const double scores[] = {1, 3, 2.5, 2.25, 2.25}; /* means 2, 2.5, 2.25 */
    mewl_conformal c = {.score = scores, .start = start, .sessions = 3};
    mewl__rates r = {.sessions = 0};
    mewl__rates_own(&r, &c); /* second of three: p lies between 1/3 and 2/3 */
    assert_true(r.own_sessions == 1 && r.own[2] == 0);
    c.sessions = 2;
    mewl__rates_own(&r, &c); /* the larger of two: between 0 and 1/2 */
    assert_true(r.own_sessions == 2 && fabs(r.own[2] - 0.2) < 1e-12 && fabs(r.own[0] - 0.02) < 1e-12);
    mewl__rates_pooled(&r, &c, 10); /* beyond both: 1/3 as given, above all levels; drawn between 0 and 1/3 */
    assert_true(r.sessions == 1 && r.given[2] == 0 && fabs(r.drawn[2] - 0.3) < 1e-12);

    mewl_rng rng = mewl_rng_seeded(17);
    enum { LIVES = 4000, SESSIONS = 6 };
    for (int drift = 0; drift < 2; drift++) {
        mewl__rates sum = {.sessions = 0};
        for (size_t k = 0; k < LIVES; k++) {
            double list[SESSIONS];
            size_t begin[SESSIONS + 1];
            for (size_t i = 0; i <= SESSIONS; i++) {
                begin[i] = i;
                list[i < SESSIONS ? i : 0] = i < SESSIONS ? mewl_rng_normal(&rng) + drift * (double)i : list[0];
            }
            mewl_conformal life = {.score = list, .start = begin, .sessions = SESSIONS};
            mewl__rates_own(&sum, &life);
        }
        for (size_t k = 0; k < MEWL__ICLAS_LEVELS; k++) {
            double rate = sum.own[k] / sum.own_sessions;
            double level = k == 0 ? 0.01 : k == 1 ? 0.05 : 0.1;
            assert_true(drift ? rate > 1.5 * level : fabs(rate - level) < 0.1 * level);
        }
    }
    json_t *sheet = NULL;
    assert_int_equal(mewl__rates_sheet(&sheet, "people", &r, 1, 1, 3, NULL), MEWL_OK);
    assert_int_equal(row_count(sheet), 9);
    assert_true(cell(sheet, 8, 3) == 2 && fabs(cell(sheet, 8, 4) - 0.1) < 1e-9);
    assert_true(fabs(cell(sheet, 7, 4) - 0.3) < 1e-9 && cell(sheet, 6, 4) == 0);
    json_decref(sheet);
}

static void test_too_few_and_odd_options(void **state)
{
    (void)state;
    people *p = make_people(8, 1);
    const mewl_iclas_table table = {.name = "a", .x = p->x, .dims = DIMS};
    json_t *document = NULL;
    mewl_error err = {0};
    mewl_iclas_opts opts = few_opts();
    opts.min_recordings = 50;
    assert_int_equal(mewl_iclas_run(&document, &p->manifest, &table, 1, opts, &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_iclas_run(&document, &p->manifest, &table, 0, opts, &err), MEWL_E_ARG);
    opts.level = 2;
    assert_int_equal(mewl_iclas_run(&document, &p->manifest, &table, 1, opts, &err), MEWL_E_ARG);
    opts.level = 0.1;
    mewl_iclas_fusion fusion = {.table = {0, 1}, .count = 2}; /* there is no second table */
    opts.fusions = &fusion;
    opts.fusion_count = 1;
    assert_int_equal(mewl_iclas_run(&document, &p->manifest, &table, 1, opts, &err), MEWL_E_ARG);
    opts.fusion_count = 0;
    opts.altered_count = MEWL_ICLAS_ALTERED_MAX + 1;
    assert_int_equal(mewl_iclas_run(&document, &p->manifest, &table, 1, opts, &err), MEWL_E_ARG);
    volatile sig_atomic_t stop = 1;
    opts = few_opts();
    opts.stop = &stop;
    assert_int_equal(mewl_iclas_run(&document, &p->manifest, &table, 1, opts, &err), MEWL_E_CANCELLED);
    assert_null(document);
    free_people(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_nobody_reported_chooses),
        cmocka_unit_test(test_sheets),
        cmocka_unit_test(test_later_sessions),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_too_few_and_odd_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
