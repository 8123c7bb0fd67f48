/* A change of an infant's voice as a family meets it: told, answered, and answered still when the personal model is
 * made anew. The cries are points in a space of numbers, put into the store without any sound. Argument: the program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../store/furnish.h"
#include "base/rng.h"
#include "run_json.h"

#define DIMS 12
#define SESSION_MS (6 * HOUR_MS)
#define ENROLLED 20
#define CHANGED 60 /* the session from which the voice is another */
#define ANSWERED 84
#define LAST 110
#define THEN "--now 2025-10-30T06:00Z " /* three hours after session 83 */
#define LATER "--now 2025-12-01T12:00Z "

static char *program;
static int64_t microphone; /* of cries added from now on; 0: not known */
static char folder[] = "/dev/shm/mewl-test-change-XXXXXX";

static const ran *run(const char *words)
{
    return run_in(folder, "TZ=UTC HOME=%s XDG_DATA_HOME= MEWL_STORE=store MEWL_CONFIG= OMP_NUM_THREADS=1 %s baby %s",
                  folder, program, words);
}

static void expect(const char *words, int code, const char *in_out, const char *in_err)
{
    run_expect(run(words), words, code, in_out, in_err);
}

static json_t *parse(const char *words)
{
    const ran *r = run(words);
    run_expect(r, words, 0, NULL, NULL);
    return run_json(r);
}

/* A cry of session `session`: around the infant's usual place, `turned` away from it, `higher` by standard deviations.
 */
static void add_cry(mewl_store *store, int64_t infant_id, int64_t model_id, size_t session, double turned,
                    double higher, bool late)
{
    mewl_rng rng = mewl_rng_stream((uint64_t)infant_id, session + (late ? 1000 : 0));
    float embedding[DIMS];
    for (size_t j = 0; j < DIMS; j++) {
        embedding[j] = (float)((j % 3 == 0 ? 1.0 : -0.7) + 0.5 * mewl_rng_normal(&rng) + (j == 0 ? -turned : 0.0));
    }
    const mewl_store_measure pitch = {.name = "log_f0", .value = 6.0 + 0.1 * (mewl_rng_normal(&rng) + higher)};
    mewl_store_recording r = a_recording(infant_id, FIRST_MS + (int64_t)session * SESSION_MS + (late ? 2 * HOUR_MS : 0),
                                         (uint64_t)infant_id * 10000 + session + (late ? 1000 : 0));
    r.role = session < ENROLLED ? MEWL_STORE_ENROLLED : MEWL_STORE_SCORED;
    r.source_id = microphone;
    r.snr_db = 20.0;
    r.confidence = 0.99;
    assert_done(mewl_store_recording_add(store, &r, E));
    assert_done(mewl_store_measures_put(store, r.id, &pitch, 1, E));
    assert_done(mewl_store_embedding_put(store, r.id, model_id, embedding, DIMS, E));
}

/* Sessions [from, to) of the infant, who is made with a personal model that cannot be read, so that one is made. From
 * session `changed` on the voice is another: turned away and higher, or lower alone. */
static void add_cries(const char *name, size_t from, size_t to, size_t changed, double turned, double higher, bool late)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/store", folder);
    mewl_store *store = open_store(path);
    mewl_store_infant infant;
    mewl_store_model model = a_model('a', DIMS);
    assert_done(mewl_store_model_put(store, &model, E));
    if (from == 0) {
        mewl_store_personal personal = {.infant_id = add_infant(store, name), .model_id = model.id, .kind = "knn"};
        assert_done(mewl_store_personal_put(store, &personal, "x", 1, E));
    }
    assert_done(mewl_store_infant_find(store, &infant, name, E));
    assert_done(mewl_store_begin(store, E));
    for (size_t i = from; i < to; i++) {
        add_cry(store, infant.id, model.id, i, i >= changed ? turned : 0.0, i >= changed ? higher : 0.0, late);
    }
    assert_done(mewl_store_commit(store, E));
    mewl_store_close(store);
}

static void add_sessions(const char *name, size_t from, size_t to, size_t changed, bool late)
{
    add_cries(name, from, to, changed, 3.0, 3.0, late);
}

static bool is_open(const char *name, const char *now)
{
    char words[128];
    (void)snprintf(words, sizeof words, "show %s --json %s", name, now);
    json_t *document = parse(words);
    const json_t *open = json_object_get(document, "change_open");
    assert_true(json_is_boolean(open));
    const bool is = json_is_true(open);
    json_decref(document);
    return is;
}

/* Entries of a kind on the timeline. */
static size_t count_entries(const json_t *timeline, const char *kind)
{
    size_t count = 0;
    const json_t *entries = json_object_get(timeline, "entries");
    for (size_t i = 0; i < json_array_size(entries); i++) {
        count += strcmp(json_string_value(json_object_get(json_array_get(entries, i), "event")), kind) == 0;
    }
    return count;
}

static json_t *timeline(const char *name)
{
    char words[128];
    (void)snprintf(words, sizeof words, "timeline %s --json %s", name, LATER);
    return parse(words);
}

static void nothing_is_answered_without_a_question(void **state)
{
    (void)state;
    expect("add Uma --born 2025-09-20 " THEN, 0, NULL, NULL);
    expect("alerts Uma --accept " THEN, 1, NULL, "nothing is known yet");
    expect("delete Uma --yes", 0, NULL, NULL);
    add_sessions("Ida", 0, CHANGED, CHANGED, false);
    assert_false(is_open("Ida", THEN));
    expect("alerts Ida --accept " THEN, 1, NULL, "no change of Ida's voice is open");
    expect("alerts Ida --dismiss " THEN, 1, NULL, "no change of Ida's voice is open");
    expect("alerts Ida --accept --dismiss " THEN, 2, NULL, "exclude");
    expect("alerts Ida --accept --all " THEN, 2, NULL, "exclude");
}

static void a_change_is_told_with_what_can_be_done(void **state)
{
    (void)state;
    add_sessions("Ida", CHANGED, ANSWERED, CHANGED, false);
    expect("alerts Ida --keep-new " THEN, 0, "have sounded different for some time",
           "mewl baby alerts Ida --accept`; if it was nothing: `mewl baby alerts Ida --dismiss");
    expect("show Ida " THEN, 0, "to answer    a change is open", NULL);
    expect("timeline Ida " THEN, 0, "have sounded different", "mewl baby alerts Ida --accept");
    json_t *alerts = parse("alerts Ida --json --keep-new " THEN);
    assert_true(json_is_true(json_object_get(alerts, "change_open")));
    json_decref(alerts);
    assert_true(is_open("Ida", THEN));
}

static void an_accepted_change_is_the_new_usual(void **state)
{
    (void)state;
    expect("alerts Ida --accept " THEN, 0, "learned as the new usual", NULL);
    assert_false(is_open("Ida", THEN));
    expect("alerts Ida --accept " THEN, 1, NULL, "no change of Ida's voice is open");
    add_sessions("Ida", ANSWERED + 1, LAST, CHANGED, false);
    expect("timeline Ida " LATER, 0, "the voice has changed and that is fine", NULL);
    json_t *now = timeline("Ida");
    assert_int_equal(count_entries(now, "change"), 1);
    assert_int_equal(count_entries(now, "accepted"), 1);
    assert_int_equal(count_entries(now, "enrolled"), ENROLLED + 12);
    assert_false(is_open("Ida", LATER));
    json_decref(now);
}

/* Made anew from what is stored, for another rate of false alarms and back: the same to the last figure. */
static void an_answer_is_repeated(void **state)
{
    (void)state;
    json_t *before = timeline("Ida");
    expect("set Ida --alarm-days 31", 0, NULL, NULL);
    json_t *other = timeline("Ida");
    assert_int_equal(count_entries(other, "enrolled"), ENROLLED + 12);
    expect("set Ida --alarm-days 30", 0, NULL, NULL);
    json_t *again = timeline("Ida");
    const json_t *one = json_object_get(before, "entries"), *two = json_object_get(again, "entries");
    assert_int_equal(json_array_size(one), json_array_size(two));
    for (size_t i = 0; i < json_array_size(one); i++) {
        json_t *a = json_array_get(one, i), *b = json_array_get(two, i);
        if (!json_equal(a, b)) {
            fail_msg("%s\n%s", json_dumps(a, 0), json_dumps(b, 0));
        }
    }
    json_decref(before);
    json_decref(other);
    json_decref(again);
}

/* What was recorded before the answer and comes after it lies before it, whether the model has heard it or not. */
static void late_recordings_lie_before_the_answer(void **state)
{
    (void)state;
    add_sessions("Eva", 0, ANSWERED, CHANGED, false);
    expect("alerts Eva --accept --json --now 2025-10-31T12:00Z", 0, "\"event\": \"accepted\"", NULL);
    add_sessions("Eva", ANSWERED - 1, ANSWERED, CHANGED, true); /* two hours after the last, before the answer */
    json_t *late = timeline("Eva");
    assert_int_equal(count_entries(late, "accepted"), 1);
    assert_int_equal(count_entries(late, "enrolled"), ENROLLED); /* not the first after the answer */
    json_decref(late);
    assert_false(is_open("Eva", LATER));
}

static void a_dismissed_change_is_over(void **state)
{
    (void)state;
    add_sessions("Otto", 0, ANSWERED, CHANGED, false);
    assert_true(is_open("Otto", THEN));
    expect("alerts Otto --dismiss " THEN, 0, "it was nothing", NULL);
    assert_false(is_open("Otto", THEN));
    expect("set Otto --alarm-days 31", 0, NULL, NULL);
    assert_false(is_open("Otto", LATER));
    json_t *now = timeline("Otto");
    assert_int_equal(count_entries(now, "dismissed"), 1);
    assert_int_equal(count_entries(now, "enrolled"), ENROLLED);
    json_decref(now);
    expect("export Otto otto " LATER, 0, NULL, NULL);
    expect("timeline Otto --picture otto.svg " LATER, 0, "the change was nothing", NULL);
}

/* Pitch alone falls and comes back: told once, as lower; open however usual the rest is; over once, said in words. */
static void a_pitch_that_comes_back(void **state)
{
    (void)state;
    add_cries("Pia", 0, ANSWERED, CHANGED, 0.0, -4.0, false);
    expect("alerts Pia --keep-new " THEN, 0, "different for some time: lower pitched", NULL);
    assert_true(is_open("Pia", THEN));
    add_sessions("Pia", ANSWERED, LAST, SIZE_MAX, false);
    assert_false(is_open("Pia", LATER));
    json_t *now = timeline("Pia");
    assert_int_equal(count_entries(now, "change"), 1);
    json_decref(now);
    expect("timeline Pia " LATER, 0, "; the pitch is as it was before the change again", NULL);
    json_t *alerts = parse("alerts Pia --all --json " LATER);
    assert_int_equal(json_array_size(json_object_get(alerts, "alerts")), 1);
    json_decref(alerts);
}

/* A change that is open when the microphone is another one: its closing is told, in the timeline and as an alert. */
static void a_microphone_closes_a_change(void **state)
{
    (void)state;
    add_sessions("Mia", 0, ANSWERED, CHANGED, false);
    assert_true(is_open("Mia", THEN));
    expect("show Mia " THEN, 0, "and when the microphone or the room changes", NULL);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/store", folder);
    mewl_store *store = open_store(path);
    assert_done(mewl_store_source(store, &microphone, "nursery", 1, E));
    mewl_store_close(store);
    add_sessions("Mia", ANSWERED, ANSWERED + 2, CHANGED, false);
    microphone = 0;
    assert_false(is_open("Mia", LATER));
    expect("timeline Mia " LATER, 0, "cannot be followed any further and is closed", NULL);
    expect("alerts Mia " LATER, 0, "cannot be followed any further and is closed", NULL);
    json_t *now = timeline("Mia");
    assert_int_equal(count_entries(now, "device"), 1);
    json_decref(now);
}

/* What is said to be needed can come: where more sessions would be needed than are kept, that is said, and what helps
 * does help. Enrolled sessions are counted. */
static void what_is_needed_can_come(void **state)
{
    (void)state;
    add_sessions("Noa", 0, ENROLLED, SIZE_MAX, false);
    expect("show Noa " LATER, 0, "not yet      so far 20 sessions are known for comparison; ", NULL);
    add_sessions("Noa", ENROLLED, LAST, SIZE_MAX, false);
    const ran *r = run("show Noa " LATER);
    const char *named = strstr(r->out, "`mewl baby set NAME --alarm-days ");
    assert_non_null(strstr(r->out, "Mewl keeps no more than about 64"));
    assert_non_null(named);
    char words[64];
    (void)snprintf(words, sizeof words, "set Noa --alarm-days %d",
                   atoi(strstr(named, "--alarm-days ") + 13)); /* NOLINT */
    expect(words, 0, NULL, NULL);
    json_t *noa = parse("show Noa --json " LATER);
    assert_true(json_is_true(json_object_get(noa, "sessions_can_alarm")));
    json_decref(noa);
    add_sessions("Kim", 0, ENROLLED + 4, SIZE_MAX, false);
    expect("set Kim --alarm-days 15", 0, NULL, NULL);
    expect("show Kim " LATER, 0, "Each day that is compared with `mewl baby score` brings more", NULL);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) != NULL) { /* in memory: what is tested does not rest on a disk */
        return 0;
    }
    (void)strcpy(folder, "/tmp/mewl-test-change-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return run_clean(folder);
}

int main(int argc, char **argv)
{
    program = argc == 2 ? realpath(argv[1], NULL) : NULL;
    if (program == NULL) {
        (void)fprintf(stderr, "usage: test-cli-baby-change MEWL\n");
        return 2;
    }
    /* In this order. */
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_answered_without_a_question),
                                       cmocka_unit_test(a_change_is_told_with_what_can_be_done),
                                       cmocka_unit_test(an_accepted_change_is_the_new_usual),
                                       cmocka_unit_test(an_answer_is_repeated),
                                       cmocka_unit_test(late_recordings_lie_before_the_answer),
                                       cmocka_unit_test(a_dismissed_change_is_over),
                                       cmocka_unit_test(a_pitch_that_comes_back),
                                       cmocka_unit_test(a_microphone_closes_a_change),
                                       cmocka_unit_test(what_is_needed_can_come)};
    const int failed = cmocka_run_group_tests_name("baby change", tests, make_folder, remove_folder);
    free(program);
    return failed;
}
