/* `mewl baby` as a family runs it, on cries of an infant that does not exist, with a pretended clock. Argument: the
 * program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "audio/writer.h"
#include "base/folder.h"
#include "base/json.h"
#include "run_json.h"
#include "sounds.h"
#include "synth/diary.h"
#include "synth/render.h"

#define DAY_MS 86400000LL
#define FIRST_MS 1760000000000LL /* 2025-10-09 */
#define CRIES 14
#define NOW "--now 2025-12-01T12:00Z "

static char *program;
static char folder[] = "/tmp/mewl-test-baby-XXXXXX";
static char names[CRIES][96];

/* Runs `mewl baby words` in the folder; the store is store/ in it. */
static const ran *run(const char *words)
{
    return run_in(folder, "TZ=UTC HOME=%s XDG_DATA_HOME= MEWL_STORE=store MEWL_CONFIG= OMP_NUM_THREADS=1 %s baby %s",
                  folder, program, words);
}

static void expect(const char *words, int code, const char *in_out, const char *in_err)
{
    run_expect(run(words), words, code, in_out, in_err);
}

static json_t *parse(const char *words, int code)
{
    const ran *r = run(words);
    run_expect(r, words, code, NULL, NULL);
    return run_json(r);
}

static int64_t number(const json_t *document, const char *key)
{
    const json_t *value = json_object_get(document, key);
    if (!json_is_number(value)) {
        fail_msg("there is no number \"%s\"", key);
    }
    return (int64_t)json_number_value(value);
}

static size_t files_in(const char *path)
{
    mewl_folder_list list;
    if (mewl_folder_read(&list, path, 1000, NULL) != MEWL_OK) {
        return 0;
    }
    const size_t count = list.count;
    mewl_folder_list_fini(&list);
    return count;
}

static bool holds(const char *path, const char *text)
{
    char command[512];
    (void)snprintf(command, sizeof command, "grep -q -a -F '%s' '%s' 2>/dev/null", text, path);
    return system(command) == 0; /* NOLINT */
}

/* Names of cries [from, to) behind `words`. */
static const char *with_cries(const char *words, size_t from, size_t to)
{
    static char text[2048];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", words);
    for (size_t i = from; i < to; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, " %s", names[i]);
    }
    return text;
}

static void wrong_use_is_told(void **state)
{
    (void)state;
    static const run_row rows[] = {
        {"", 2, "mewl baby list"},
        {"lsit", 2, "Did you mean `list`"},
        {"show Ida", 3, "mewl baby add NAME"},
        {"add", 2, "name one infant"},
        {"add Ida", 2, "--born"},
        {"add Ida --born 2025-12-03 " NOW, 2, "has not come yet"},
        {"add '  ' --born 2025-09-01", 2, "not blank"},
        {"add 'I\nda' --born 2025-09-01", 2, "one line"},
        {"add Ida --born 2025-13-01", 2, "2025-13-01"},
        {"add Ida --born 2025-02-29", 2, "2025-02-29"},
        {"add Ida --born 2025-10-01 --sex q", 2, "--sex"},
        {"add Ida --born 2025-10-01 --alarm-days 0", 2, "--alarm-days"},
        {"add Ida --born 2025-10-01 --clips --no-clips", 2, "exclude"},
        {"add '' --born 2025-10-01", 2, "name"},
        {"add ''", 2, "not blank"},
        {"add Ida --born 2025-10-01 --now yesterday", 2, "--now"},
        {"list Ida", 2, "mewl baby show"},
        {"list", 0, "mewl baby add NAME"}, /* nobody yet is no failure */
        {"enrol", 2, "name an infant"},
        {"enrol Ida", 2, "name the recordings"},
        {"enrol Ida x.wav --at noon", 2, "--at"},
        {"enrol Ida x.wav --kind svm", 2, "kind of personal model"},
        {"timeline", 2, "name one infant"},
        {"export Ida", 2, "folder"},
        {"note Ida", 2, "quotes"},
    };
    run_expect_rows(run, rows, sizeof rows / sizeof rows[0]);
    assert_int_equal(access("store", F_OK), -1); /* none of these made a store */
    expect("--help", 0, "not a medical device", NULL);
    assert_true(write_text("afile", "x"));
    expect("add Ida --born 2025-10-01 --store afile", 3, NULL, "afile");
}

static void infants_come_and_stay(void **state)
{
    (void)state;
    expect("add Ida --born 2025-09-20 --sex f " NOW, 0, NULL, "mewl baby enrol Ida");
    expect("add ida --born 2025-09-20", 1, NULL, "already");
    expect("add ida", 1, NULL, "there is an infant called Ida already"); /* before it asks for anything */
    expect("note Ida 'a kick' --at 2025-09-01", 2, NULL, "before Ida was born (2025-09-20)");
    expect("add Otto --born 2025-11-30 --no-clips", 0, NULL, NULL);
    expect("list " NOW, 0, "10 weeks", NULL);
    expect("list " NOW, 0, "1 day", NULL);
    expect("show Paul", 3, NULL, "there is Ida, Otto");
    expect("set Ida --alarm-days 60", 0, NULL, NULL);
    expect("set Otto --born 2025-09-01", 0, NULL, NULL);
    json_t *list = parse("list --json " NOW, 0);
    assert_int_equal(json_array_size(json_object_get(list, "infants")), 2);
    const json_t *ida = json_array_get(json_object_get(list, "infants"), 0);
    assert_string_equal(json_string_value(json_object_get(ida, "born")), "2025-09-20");
    assert_int_equal(number(ida, "alarm_days"), 60);
    json_decref(list);
    struct stat info;
    assert_int_equal(stat("store", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(stat("store/mewl.db", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void usual_cries_are_learned(void **state)
{
    (void)state;
    expect(with_cries("enrol Ida " NOW, 0, 8), 0, NULL, "8 cries from 8 recordings");
    expect(with_cries("enrol Ida " NOW, 7, 8), 0, NULL, "passed over; nothing needs to be done");
    expect("enrol Ida quiet.wav --at '2025-10-09 7:00' " NOW, 0, "no clear cry", "no cry in 1 recording");
    expect("enrol Ida quiet.wav --at '2025-10-09 7:0' " NOW, 2, NULL, "--at takes a time");
    expect("score Ida silent.wav --at '2025-09-02 07:00' " NOW, 2, NULL, "before Ida was born (2025-09-20)");
    expect("enrol Ida 00000000-0000-0000-0000-000000000001-1750000000000-1.7-f-04-hu.wav " NOW, 3, NULL,
           "before Ida was born (2025-09-20), so it is not taken in");
    expect("set Ida --born 2025-11-01 " NOW, 2, NULL, "there are cries of Ida from before 2025-11-01");
    expect("enrol Ida quiet.wav --at '2025-12-01 13:00Z' " NOW, 2, NULL, "--at: ");
    expect("note Ida 'a cold' --at 2026-01-01 " NOW, 2, NULL, "has not come yet");
    expect("enrol Ida text.wav none.wav", 3, NULL, "none.wav");
    json_t *ida = parse("show Ida --json " NOW, 0);
    assert_int_equal(number(ida, "recordings"), 9);
    assert_int_equal(number(ida, "cries"), 8); /* a recording without one is none */
    assert_int_equal(number(ida, "usable"), 8);
    expect("show Ida " NOW, 0, "no cry       in 1 recording\n", NULL);
    assert_int_equal(number(ida, "enrolled"), 9);
    assert_int_equal(number(ida, "clips"), 8);
    assert_string_equal(json_string_value(json_object_get(ida, "first")), "2025-10-09T07:00:00.000Z");
    assert_int_equal(json_array_size(json_object_get(ida, "models")), 2);
    json_decref(ida);
    assert_int_equal(files_in("store/clips/1"), 8);
    struct stat info;
    assert_int_equal(stat("store/clips/1", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

static void later_cries_are_compared(void **state)
{
    (void)state;
    json_t *out = parse(with_cries("score Ida --json text.wav " NOW, 8, 11), 4);
    const json_t *rows = json_object_get(out, "recordings");
    assert_int_equal(json_array_size(rows), 3);
    assert_int_equal(number(out, "unreadable"), 1);
    const ran *r = run("score Ida text.wav " NOW);
    assert_true(r->code != 0 && strstr(r->err, "nothing is known yet") == NULL);
    assert_non_null(strstr(r->err, "known for comparison"));
    for (size_t i = 0; i < 3; i++) {
        const json_t *row = json_array_get(rows, i);
        assert_string_equal(json_string_value(json_object_get(row, "file")), names[8 + i]);
        assert_string_equal(json_string_value(json_object_get(row, "time_from")), "name");
        assert_string_equal(json_string_value(json_object_get(row, "verdict")), "usual");
        assert_true(json_is_real(json_object_get(row, "score")));
        const double p = json_number_value(json_object_get(row, "p_value"));
        assert_true(p > 0.0 && p <= 1.0);
    }
    assert_true(json_is_false(json_object_get(json_object_get(out, "model"), "made_anew")));
    json_decref(out);
    expect("score Ida " NOW, 2, NULL, "name the recordings");
    /* Too few to call one session unusual: said wherever one could take silence for "all is usual". */
    expect("show Ida " NOW, 0, "before a single session can count as unusual", NULL);
    expect("alerts Ida " NOW, 0, "No new alerts", "before a single session can count as unusual");
}

/* The same cry at a gain 20 dB lower: heard, compared, and just as usual. In float, since what 16 bits round off would
 * be all that is heard in the pauses of cries as clean as these. */
static void loudness_says_nothing(void **state)
{
    (void)state;
    expect("add Lea --born 2025-09-20 --store loud " NOW, 0, NULL, NULL);
    expect(with_cries("enrol Lea --store loud " NOW, 0, 8), 0, NULL, NULL);
    double score[2], cry_s[2], level[2];
    for (size_t i = 0; i < 2; i++) { /* within a session that goes on, so that the model is the same */
        char words[160];
        (void)snprintf(words, sizeof words,
                       "score Lea --store loud --json --at '2025-11-20 07:0%zu' --now 2025-11-20T07:30Z %s", i,
                       i == 0 ? "near.wav" : "far.wav");
        json_t *out = parse(words, 0);
        const json_t *row = json_array_get(json_object_get(out, "recordings"), 0);
        assert_string_equal(json_string_value(json_object_get(row, "verdict")), "usual");
        score[i] = json_number_value(json_object_get(row, "score"));
        cry_s[i] = json_number_value(json_object_get(row, "cry_s"));
        level[i] = json_number_value(json_object_get(row, "p_value"));
        json_decref(out);
    }
    if (fabs(score[0] - score[1]) > 0.03 * score[0] || fabs(cry_s[0] - cry_s[1]) > 0.5 || level[0] != level[1]) {
        fail_msg("near: score %g, %g s, p %g; far: %g, %g s, p %g", score[0], cry_s[0], level[0], score[1], cry_s[1],
                 level[1]);
    }
}

/* What is older than the last: the model is made anew from what is stored, and comes to the same. */
static void order_does_not_matter(void **state)
{
    (void)state;
    json_t *out = parse(with_cries("score Ida --json " NOW, 12, 13), 0);
    json_decref(out);
    out = parse(with_cries("score Ida --json " NOW, 11, 12), 0);
    const json_t *model = json_object_get(out, "model");
    assert_true(json_is_true(json_object_get(model, "made_anew")));
    assert_int_equal(json_array_size(json_object_get(out, "recordings")), 1);
    json_decref(out);
    /* In one go, in a store of their own: the same figures. */
    expect("add Ida --born 2025-09-20 --alarm-days 60 --store other " NOW, 0, NULL, NULL);
    expect(with_cries("enrol Ida --store other " NOW, 0, 8), 0, NULL, NULL);
    expect("enrol Ida quiet.wav --at '2025-10-09 07:00' --store other " NOW, 0, NULL, NULL);
    expect(with_cries("score Ida --store other " NOW, 8, 13), 0, NULL, NULL);
    json_t *a = parse("timeline Ida --json " NOW, 0), *b = parse("timeline Ida --json --store other " NOW, 0);
    assert_true(json_array_size(json_object_get(a, "recordings")) > 10);
    const json_t *one = json_object_get(a, "recordings"), *two = json_object_get(b, "recordings");
    assert_int_equal(json_array_size(one), json_array_size(two));
    for (size_t i = 0; i < json_array_size(one); i++) {
        assert_true(json_equal(json_object_get(json_array_get(one, i), "score"),
                               json_object_get(json_array_get(two, i), "score")));
        assert_true(json_equal(json_object_get(json_array_get(one, i), "p_value"),
                               json_object_get(json_array_get(two, i), "p_value")));
    }
    json_decref(a);
    json_decref(b);
}

/* Runs `mewl baby words` on store pair/ for cries [from, to) at a time: in one call, or in one each. */
static void hand_over(const char *words, size_t from, size_t to, const char *at, bool one_by_one)
{
    for (size_t i = from; i < to; i += one_by_one ? 1 : to - from) {
        char text[256];
        (void)snprintf(text, sizeof text, "%s Ada --store pair --at '%s:%02zu' " NOW, words, at, 3 * (i - from));
        expect(with_cries(text, i, one_by_one ? i + 1 : to), 0, NULL, NULL);
        expect("timeline Ada --store pair " NOW, 0, NULL, NULL);
    }
}

static void copy_out(char *text, size_t size, const char *words)
{
    const ran *r = run(words);
    run_expect(r, words, 0, NULL, NULL);
    assert_true(strlen(r->out) < size - 1);
    (void)strcpy(text, r->out);
}

/* Recordings of a session in one call or in one each: the same timeline, counts and p-values, to the byte. */
static void it_does_not_matter_how_files_come(void **state)
{
    (void)state;
    static char timeline[2][65536], show[2][8192];
    for (size_t way = 0; way < 2; way++) {
        expect("add Ada --born 2025-09-20 --alarm-days 0.1 --store pair " NOW, 0, NULL, NULL);
        hand_over("enrol", 0, 3, "2025-10-10 06:30", way == 1);
        hand_over("enrol", 3, 6, "2025-10-11 06:30", way == 1);
        hand_over("enrol", 6, 8, "2025-10-12 06:30", way == 1);
        hand_over("score", 8, 11, "2025-10-13 06:30", way == 1);
        hand_over("score", 11, 14, "2025-10-14 06:30", way == 1);
        copy_out(timeline[way], sizeof timeline[way], "timeline Ada --json --store pair " NOW);
        copy_out(show[way], sizeof show[way], "show Ada --json --store pair " NOW);
        expect("timeline Ada --store pair " NOW, 0, "2025-10-10 06:30   3 cries", NULL);
        expect("timeline Ada --store pair " NOW, 0, "2025-10-14 06:30 ! 3 cries", NULL);
        assert_int_equal(rename("pair", way == 0 ? "pair-0" : "pair-1"), 0);
    }
    assert_string_equal(timeline[0], timeline[1]);
    assert_string_equal(show[0], show[1]);
}

/* Too little known to compare is not "usual": in words, in JSON, in the picture. */
static void what_is_not_compared_is_said_so(void **state)
{
    (void)state;
    expect("add Ada --born 2025-09-20 --store new " NOW, 0, NULL, NULL);
    expect(with_cries("score Ada --store new --at '2025-10-10 06:30' " NOW, 0, 1), 0,
           "too little is known yet to compare it", "1 cry from 1 recording (3.0 s listened to) kept");
    expect("timeline Ada --store new " NOW, 0, "06:30   1 cry      not compared: too little was known yet", NULL);
    expect(with_cries("enrol Ada --store new --at '2025-10-11 06:30' " NOW, 1, 2), 0, NULL, NULL);
    json_t *out = parse(with_cries("score Ada --json --store new --at '2025-10-12 06:30' " NOW, 2, 3), 0);
    const json_t *row = json_array_get(json_object_get(out, "recordings"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "verdict")), "learning");
    assert_true(json_is_null(json_object_get(row, "p_value")));
    json_decref(out);
    out = parse("timeline Ada --json --picture new.svg --store new " NOW, 0);
    const json_t *entries = json_object_get(out, "entries");
    static const char *const events[] = {"learning", "enrolled", "learning"};
    assert_int_equal(json_array_size(entries), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *e = json_array_get(entries, i);
        assert_string_equal(json_string_value(json_object_get(e, "event")), events[i]);
        assert_true(json_is_null(json_object_get(e, "p_value"))); /* a hollow dot in the picture */
        assert_int_equal(number(e, "recordings"), 1);
    }
    json_decref(out);
}

/* A session that was still going on when it was compared is told of when it is over, though nothing came since. */
static void a_session_of_this_hour_is_told(void **state)
{
    (void)state;
    expect("add Ada --born 2025-09-20 --alarm-days 0.1 --store live " NOW, 0, NULL, NULL);
    expect(with_cries("enrol Ada --store live " NOW, 0, 8), 0, NULL, NULL);
    expect(with_cries("score Ada --store live --at '2025-11-20 07:00' --now '2025-11-20 07:20'", 13, 14), 0, NULL,
           NULL);
    expect("alerts Ada --store live --now '2025-11-20 07:50'", 0, "No new alerts", NULL);
    expect("alerts Ada --store live --now '2025-11-20 09:00'", 0, "new  sounded unlike usual", NULL);
}

static void the_timeline_tells_what_was_heard(void **state)
{
    (void)state;
    expect("note Ida 'first tooth' --at 2025-10-12", 0, NULL, NULL);
    expect("timeline Ida " NOW, 0, "of the others nothing is known", NULL);
    expect("timeline Ida " NOW, 0, "first tooth", NULL);
    expect("timeline Ida " NOW, 0, "learned as usual", NULL);
    expect("timeline Ida --days 0", 2, NULL, "--days");
    expect("timeline Ida --from 2025-12-01 --to 2025-11-01", 2, NULL,
           "would begin on 2025-12-01 00:00 and end on 2025-11-01 00:00");
    expect("timeline Ida --from 2025-11-20 --to 2025-11-25 " NOW, 0, "No session of crying", NULL);
    json_t *out = parse("timeline Ida --json --picture weeks.svg " NOW, 0);
    const json_t *entries = json_object_get(out, "entries");
    size_t enrolled = 0, notes = 0;
    int64_t cries = 0;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *e = json_array_get(entries, i);
        const char *event = json_string_value(json_object_get(e, "event"));
        notes += strcmp(event, "note") == 0;
        enrolled += strcmp(event, "enrolled") == 0;
        cries += number(e, "recordings");
    }
    assert_int_equal(notes, 1);
    assert_true(enrolled >= 6);
    assert_int_equal(cries, 13); /* each in one session's entry */
    assert_true(json_number_value(json_object_get(out, "listened_s")) > 30.0);
    json_decref(out);
    assert_true(holds("weeks.svg", "</svg>"));
    expect("timeline Ida --picture weeks.png " NOW, 0, NULL, NULL);
    assert_true(holds("weeks.png", "PNG"));
    expect("timeline Ida --picture weeks.gif " NOW, 2, NULL, "weeks.gif");
}

/* At ten false alarms a day everything is one. */
static void alarms_keep_to_the_wish(void **state)
{
    (void)state;
    expect("alerts Ida " NOW, 0, "No new alerts", NULL);
    expect("set Ida --alarm-days 0.1", 0, NULL, NULL);
    expect(with_cries("score Ida " NOW, 13, 14), 0, "unlike usual", "mewl baby alerts Ida");
    expect("list " NOW, 0, "new alerts", NULL);
    json_t *out = parse("alerts Ida --json --keep-new " NOW, 0);
    const json_t *alerts = json_object_get(out, "alerts");
    assert_int_equal(json_array_size(alerts), 1); /* of what is new alone, though all was judged anew */
    assert_string_equal(json_string_value(json_object_get(json_array_get(alerts, 0), "kind")), "unusual");
    assert_true(json_is_null(json_object_get(json_array_get(alerts, 0), "seen")));
    json_decref(out);
    expect("alerts Ida " NOW, 0, "new  sounded unlike usual", NULL);
    expect("alerts Ida " NOW, 0, "No new alerts", NULL);
    expect("alerts Ida --all " NOW, 0, "sounded unlike usual", NULL);
}

/* Silence is told apart from a quiet room, and counts are words that people use. */
static void silence_is_not_hearing(void **state)
{
    (void)state;
    expect("score Otto silent.wav --at '2025-11-01 07:00' " NOW, 0, "not hearing: there is no sound in it",
           "nothing could be heard in 1 recording");
    expect("score Otto silent.wav --at '2025-11-01 07:00' " NOW, 0, NULL, "is there already");
    expect("timeline Otto --json " NOW, 0, NULL, NULL);
    expect("delete Otto --yes", 0, NULL, "0 cries, 0 kept recordings");
    expect("add Otto --born 2025-09-01 --no-clips " NOW, 0, NULL, NULL);
}

static void times_come_from_where_they_can(void **state)
{
    (void)state;
    char command[256];
    (void)snprintf(command, sizeof command, "cp %s a.wav && cp %s b.wav && touch -d 2025-11-02T03:00:00Z a.wav",
                   names[0], names[1]);
    assert_int_equal(system(command), 0); /* NOLINT */
    expect("enrol Otto a.wav " NOW, 0, NULL, "its name tells no time");
    expect("enrol Otto b.wav --at '2025-11-03T04:00:00+01:00' " NOW, 0, NULL, NULL);
    json_t *otto = parse("show Otto --json " NOW, 0);
    assert_true(strncmp(json_string_value(json_object_get(otto, "last")), "2025-11-03T03:00:00", 19) == 0);
    assert_true(strncmp(json_string_value(json_object_get(otto, "first")), "2025-11-02T02:59:5", 18) == 0);
    assert_int_equal(number(otto, "clips"), 0); /* --no-clips */
    json_decref(otto);
    assert_int_equal(files_in("store/clips/3"), 0);
    expect("set Otto --clips --clips-mb 0.0001", 0, NULL, NULL);
    expect(with_cries("score Otto " NOW, 2, 4), 0, NULL, NULL);
    assert_int_equal(files_in("store/clips/3"), 0); /* none fits */
}

static void all_of_it_can_be_taken_along(void **state)
{
    (void)state;
    static const char *const made[] = {"infant.json", "recordings.csv", "sessions.csv",      "measures.csv",
                                       "scores.csv",  "timeline.csv",   "alerts.csv",        "listening.csv",
                                       "models.csv",  "timeline.json",  "personal-model.bin"};
    expect("export Ida out " NOW, 0, NULL, "14 kept recordings");
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "out/%s", made[i]);
        struct stat info;
        if (stat(path, &info) != 0 || info.st_size == 0) {
            fail_msg("%s was not written", path);
        }
    }
    assert_int_equal(files_in("out/clips"), 14);
    assert_true(holds("out/recordings.csv", names[3]));
    assert_true(holds("out/timeline.csv", "first tooth"));
    assert_true(holds("out/measures.csv", "f0_median_hz"));
    expect("export Ida out " NOW, 1, NULL, "is there already");
    expect("export Ida none/out " NOW, 3, NULL, "none/out");
}

/* Other infants' recordings to a file, a model that needs one, and a file of another embedder. */
static void others_teach_about_a_new_one(void **state)
{
    (void)state;
    char command[700];
    FILE *csv = fopen("others.csv", "w");
    assert_non_null(csv);
    (void)fputs("path,label,set,speaker,time\n", csv);
    for (size_t i = 0; i < CRIES; i++) {
        (void)fprintf(csv, "%s,cry,home,infant%zu,2025-10-%02zuT07:00:00Z\n", names[i], i % 2, 1 + i);
    }
    (void)fputs("gone.wav,cry,home,infant1,2025-11-01T07:00:00Z\n", csv);
    assert_int_equal(fclose(csv), 0);
    (void)snprintf(command, sizeof command, "MEWL_CONFIG= %s lab population --manifest others.csv -o others.mewl",
                   program);
    const ran *r = run_in(folder, "%s", command);
    run_expect(r, command, 4, "\"infants\": 2", "left out: gone.wav");
    run_expect(r, command, 4, "\"knn\": 14", NULL);
    run_expect(r, command, 4, "\"unreadable\": 1", NULL);
    assert_true(!holds("others.mewl", "infant1"));
    expect("add Eva --born 2025-09-20 --store other " NOW, 0, NULL, NULL);
    expect("enrol Eva --store other --kind plda " NOW " quiet.wav", 1, NULL, "mewl lab population");
    json_t *eva = parse("show Eva --store other --json " NOW, 0);
    assert_int_equal(number(eva, "recordings"), 0); /* told before anything was kept */
    json_decref(eva);
    expect("enrol Eva --store other " NOW " quiet.wav --at '2025-10-08 07:00'", 0, "no clear cry",
           "enrol further recordings");
    expect(with_cries("enrol Eva --store other --kind plda --population others.mewl " NOW, 0, 6), 0, NULL, "6 cries");
    /* Another rate of false alarms makes the model anew: what was named is in the model, and outlives it. */
    expect("set Eva --store other --alarm-days 31", 0, NULL, NULL);
    expect("show Eva --store other --json " NOW, 0, "\"population_infants\": 2", NULL);
    expect("show Eva --store other --json " NOW, 0, "\"personal_model\": \"plda\"", NULL);
    expect("alerts Eva --store other " NOW, 0, "No new alerts", NULL);
    expect(with_cries("enrol Eva --store other --population others.csv --kind knn " NOW, 6, 7), 1, NULL, "others.csv");
    /* The embedder's id, eight bytes behind the head. */
    assert_int_equal(system("printf XX | dd of=others.mewl bs=1 seek=20 conv=notrunc 2>/dev/null"), 0); /* NOLINT */
    expect(with_cries("enrol Eva --store other --kind gmm --population others.mewl " NOW, 7, 8), 1, NULL,
           "with another embedder");
    expect(with_cries("enrol Eva --store other --kind gmm --population none " NOW, 7, 8), 0, NULL, "1 cry");
    expect("set Eva --store other --alarm-days 32", 0, NULL, NULL);
    expect("show Eva --store other --json " NOW, 0, "\"population_infants\": 0", NULL); /* as was said */
}

static void deleted_is_deleted(void **state)
{
    (void)state;
    expect("delete Ida", 2, NULL, "--yes");
    assert_true(holds("store/mewl.db", "first tooth") || holds("store/mewl.db-wal", "first tooth"));
    expect("delete Ida --yes", 0, NULL, "14 kept recordings");
    assert_false(holds("store/mewl.db", "first tooth"));
    assert_false(holds("store/mewl.db", names[5]));
    assert_false(holds("store/mewl.db-wal", names[5]));
    assert_int_equal(access("store/clips/1", F_OK), -1);
    expect("show Ida", 3, NULL, "there is Otto");
    expect("delete Otto --yes", 0, NULL, NULL);
    expect("list", 0, "", "no infant is kept here");
}

/* The cries of two weeks, their times in names like the Donate-a-Cry corpus's. */
static bool make_cries(void)
{
    mewl_synth_infant infant = mewl_synth_infant_seeded(7);
    mewl_synth_diary diary = {0};
    const mewl_synth_diary_opts opts = {.seed = 3, .days = 14, .sessions_day = 1.5, .recordings_session = 1.2};
    bool ok = mewl_synth_diary_draw(&diary, &infant, opts, NULL) == MEWL_OK && diary.count >= CRIES;
    for (size_t i = 0; i < CRIES && ok; i++) {
        float *samples = NULL;
        size_t count = 0;
        mewl_synth_cry cry = diary.list[i].cry;
        cry.seconds = 3.0;
        (void)snprintf(names[i], sizeof names[i], "00000000-0000-0000-0000-000000000001-%lld-1.7-f-04-hu.wav",
                       FIRST_MS + (long long)(diary.list[i].day * (double)DAY_MS));
        ok = mewl_synth_render(&samples, &count, NULL, NULL, &cry, 16000.0, NULL) == MEWL_OK &&
             mewl_audio_write(names[i], samples, count, 16000.0, MEWL_AUDIO_BY_NAME, NULL) == MEWL_OK;
        free(samples);
    }
    float *samples = NULL;
    size_t count = 0;
    mewl_synth_cry cry = ok ? diary.list[CRIES - 1].cry : (mewl_synth_cry){0};
    cry.seed++; /* another cry of the same sort */
    cry.seconds = 3.0;
    ok = ok && mewl_synth_render(&samples, &count, NULL, NULL, &cry, 16000.0, NULL) == MEWL_OK &&
         mewl_audio_write("near.wav", samples, count, 16000.0, MEWL_AUDIO_WAV_F32, NULL) == MEWL_OK;
    for (size_t i = 0; i < count; i++) {
        samples[i] *= 0.1F;
    }
    ok = ok && mewl_audio_write("far.wav", samples, count, 16000.0, MEWL_AUDIO_WAV_F32, NULL) == MEWL_OK;
    free(samples);
    mewl_synth_diary_fini(&diary);
    return ok;
}

static int make_folder(void **state)
{
    (void)state;
    const wav_form silent = {.rate_hz = 16000, .channels = 1, .seconds = 4.0, .gain = 0.0};
    const wav_form early = {.rate_hz = 16000, .channels = 1, .seconds = 3.0, .gain = 0.01};
    const wav_form quiet = {.rate_hz = 16000, .channels = 1, .seconds = 3.0, .gain = 0.001};
    return mkdtemp(folder) != NULL && chdir(folder) == 0 && make_cries() && write_wav("quiet.wav", quiet) &&
                   write_wav("silent.wav", silent) &&
                   write_wav("00000000-0000-0000-0000-000000000001-1750000000000-1.7-f-04-hu.wav", early) &&
                   write_text("text.wav", "no sound\n")
               ? 0
               : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return chdir("/") == 0 ? run_clean(folder) : -1;
}

int main(int argc, char **argv)
{
    program = argc == 2 ? realpath(argv[1], NULL) : NULL;
    if (program == NULL) {
        (void)fprintf(stderr, "usage: test-cli-baby MEWL\n");
        return 2;
    }
    /* In this order: one family's weeks. */
    const struct CMUnitTest tests[] = {cmocka_unit_test(wrong_use_is_told),
                                       cmocka_unit_test(infants_come_and_stay),
                                       cmocka_unit_test(usual_cries_are_learned),
                                       cmocka_unit_test(later_cries_are_compared),
                                       cmocka_unit_test(loudness_says_nothing),
                                       cmocka_unit_test(order_does_not_matter),
                                       cmocka_unit_test(it_does_not_matter_how_files_come),
                                       cmocka_unit_test(what_is_not_compared_is_said_so),
                                       cmocka_unit_test(a_session_of_this_hour_is_told),
                                       cmocka_unit_test(the_timeline_tells_what_was_heard),
                                       cmocka_unit_test(alarms_keep_to_the_wish),
                                       cmocka_unit_test(silence_is_not_hearing),
                                       cmocka_unit_test(times_come_from_where_they_can),
                                       cmocka_unit_test(all_of_it_can_be_taken_along),
                                       cmocka_unit_test(others_teach_about_a_new_one),
                                       cmocka_unit_test(deleted_is_deleted)};
    const int failed = cmocka_run_group_tests_name("baby", tests, make_folder, remove_folder);
    free(program);
    return failed;
}
