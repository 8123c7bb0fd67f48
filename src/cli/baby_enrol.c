/* baby_enrol.c - `mewl baby enrol` and `mewl baby score`: recordings that show how the infant usually cries, and
 * recordings that are compared with those. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/list.h"
#include "cli/baby_intake.h"
#include "cli/baby_learn.h"
#include "cli/baby_population.h"
#include "cli/baby_words.h"
#include "store/personals.h"

#define FILES_MAX 1000000u

enum {
    OPT_AT = MEWL_BABY_OPTIONS,
    OPT_MICROPHONE,
    OPT_NO_CLIPS,
    OPT_MODEL,
    OPT_EMBEDDER,
    OPT_POPULATION,
    OPT_KIND,
    OPT_COUNT
};

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_BABY_OPTION_ROWS,
    [OPT_AT] = {"at", 0, "TIME", "when the recording began, as in \"2026-11-20 03:12\"; further ones follow it", false},
    [OPT_MICROPHONE] = {"microphone", 0, "NAME", "what it was recorded with, so that another one is no surprise", true},
    [OPT_NO_CLIPS] = {"no-clips", 0, NULL, "keep numbers alone of these, no sound", false},
    [OPT_MODEL] = {"model", 'm', "FILE", "detector to use instead of the one that ships", true},
    [OPT_EMBEDDER] = {"embedder", 0, "FILE", "network that tells voices apart, instead of the one that ships", true},
    [OPT_POPULATION] = {"population", 0, "FILE",
                        "what other infants teach; none: the infant alone (as before; at first what ships, if any)",
                        true},
    [OPT_KIND] =
        {"kind", 0, "NAME",
         "personal model: autoencoder, oneclass, gmm, knn, mahalanobis, plda (as before; knn); plda needs a population",
         false},
};

static const mewl_cli_usage enrol_usage = {
    .command = "baby enrol",
    .operands = "NAME FILE...",
    .about = "Lets Mewl learn how an infant usually cries, from recordings of ordinary days: hunger, tiredness,\n"
             "evenings. Ten or more sessions over a week make a useful beginning; recordings within an hour are one\n"
             "session. A folder stands for the recordings in it. Long recordings are fine: the cries in them are\n"
             "found. Times come from --at, else from the file's name (20260101_063015, 2026-01-01 06.30 and the like,\n"
             "by the clock of this place), else from its date.",
    .options = options,
    .examples = "  mewl baby enrol Ida recordings/\n"
                "  mewl baby enrol Ida cry.m4a --at \"2026-11-20 03:12\"\n"};

static const mewl_cli_usage score_usage = {
    .command = "baby score",
    .operands = "NAME FILE...",
    .about = "Compares recordings with the infant's usual cries, and learns on from those that are usual. What is\n"
             "unlike them is noted on the timeline and not learned from. Whether a session was unusual is said when\n"
             "it is over, an hour after its last cry. A difference is a difference in sound, nothing more.",
    .options = options,
    .examples = "  mewl baby score Ida night.m4a\n"
                "  mewl baby score Ida cry.wav --at \"2026-11-20 03:12\" --json\n"};

typedef struct work {
    mewl_baby *baby;
    mewl_baby_intake intake;
    mewl_baby_learning learning;
    json_t *rows; /* --json, --ndjson */
    bool enrol;
} work;

/* ---- Telling. ---- */

static const mewl_store_recording *kept_one(const work *w, int64_t id)
{
    for (size_t i = 0; i < w->intake.count; i++) {
        if (w->intake.kept[i].id == id) {
            return &w->intake.kept[i];
        }
    }
    return NULL;
}

static const char *verdict_name(const mewl_verdict *v, bool enrolled)
{
    return v->gate != 0        ? "unusable"
           : enrolled          ? "enrolled"
           : !isfinite(v->p.p) ? "learning"
           : v->unusual        ? "unusual"
                               : "usual";
}

static void tell_row(work *w, const mewl_store_recording *r, const mewl_verdict *v, bool enrolled, const char *words)
{
    json_t *row = json_object();
    (void)mewl_json_set_string(row, "event", w->enrol ? "enrolled" : "scored");
    (void)mewl_json_set_string(row, "file", r->file);
    mewl_baby_set_time(row, "time", r->start_ms);
    (void)mewl_json_set_string(row, "time_from",
                               r->time_from == MEWL_STORE_TIME_GIVEN  ? "given"
                               : r->time_from == MEWL_STORE_TIME_NAME ? "name"
                                                                      : "file");
    (void)mewl_json_set_real(row, "seconds", r->duration_s);
    (void)mewl_json_set_real(row, "cry_s", r->cry_s);
    (void)mewl_json_set_real(row, "confidence", r->confidence);
    (void)mewl_json_set_bool(row, "usable", v->gate == 0);
    (void)mewl_json_set_string(row, "verdict", verdict_name(v, enrolled));
    (void)mewl_json_set_real(row, "score", v->score);
    (void)mewl_json_set_real(row, "p_value", v->p.p);
    (void)mewl_json_set_real(row, "p_step", v->p.step);
    (void)mewl_json_set_real(row, "level", v->level);
    (void)mewl_json_set_string(row, "calibration", isfinite(v->p.p) ? mewl_calibration_name(v->p.calibration) : NULL);
    (void)mewl_json_set_string(row, "text", words);
    if (w->baby->cli->ndjson) {
        (void)mewl_json_print(row, stdout, false, NULL);
        json_decref(row);
    } else {
        (void)json_array_append_new(w->rows, row);
    }
}

static void tell(work *w, const mewl_store_recording *r, const mewl_verdict *v, bool enrolled)
{
    char words[512], time[32];
    mewl_baby_verdict_words(words, sizeof words, v, enrolled);
    if (w->baby->cli->json || w->baby->cli->ndjson) {
        tell_row(w, r, v, enrolled, words);
    } else if (!w->enrol) {
        mewl_cli_report_clear(w->baby->cli);
        (void)printf("%s  %s: %s\n", mewl_baby_time(time, r->start_ms), r->file, words);
    }
}

static void on_said(void *user, int64_t recording_id, const mewl_verdict *verdict, bool enrolled)
{
    work *w = user;
    const mewl_store_recording *r = kept_one(w, recording_id);
    if (r != NULL) {
        tell(w, r, verdict, enrolled);
    }
}

/* What could not be compared never reaches the personal model, and is told here. */
static void tell_unusable(work *w)
{
    for (size_t i = 0; i < w->intake.count; i++) {
        const mewl_store_recording *r = &w->intake.kept[i];
        if (r->usable) {
            continue;
        }
        char time[32];
        if (w->baby->cli->json || w->baby->cli->ndjson) {
            const mewl_verdict v = {.gate = MEWL_GATE_NO_CRY,
                                    .score = (double)NAN,
                                    .level = (double)NAN,
                                    .p = {.p = (double)NAN, .step = (double)NAN}};
            tell_row(w, r, &v, false, r->why);
        } else {
            (void)printf("%s  %s: could not be compared: %s\n", mewl_baby_time(time, r->start_ms), r->file, r->why);
        }
    }
}

static json_t *state_json(const mewl_baby_learned *learned)
{
    const mewl_infant_state *s = &learned->state;
    json_t *out = json_object();
    (void)mewl_json_set_string(out, "kind", mewl_personal_name(s->kind));
    (void)mewl_json_set_int(out, "sessions", (int64_t)s->sessions);
    (void)mewl_json_set_int(out, "learned_sessions", (int64_t)s->learned);
    (void)mewl_json_set_int(out, "held_apart_sessions", (int64_t)s->held_apart);
    (void)mewl_json_set_int(out, "learned_recordings", (int64_t)s->learned_recordings);
    (void)mewl_json_set_real(out, "sessions_per_day", s->sessions_per_day);
    (void)mewl_json_set_real(out, "level", s->level);
    (void)mewl_json_set_real(out, "p_step", s->p_step);
    (void)mewl_json_set_string(out, "calibration", mewl_calibration_name(s->calibration));
    (void)mewl_json_set_bool(out, "change_open", s->change_open);
    (void)mewl_json_set_int(out, "population_infants", (int64_t)s->population_infants);
    (void)mewl_json_set_bool(out, "made_anew", learned->anew);
    return out;
}

/* What became of it all, in one line. */
static void say_sum(const work *w, size_t usable, bool known)
{
    char span[32], left[64] = "";
    const mewl_baby_intake *in = &w->intake;
    const char *files = in->files == 1 ? "recording" : "recordings";
    const char *done = w->enrol ? "taken as usual"
                       : known  ? "compared"
                                : "kept, but there is nothing yet to compare with";
    if (in->files == 0) {
        return; /* all of it unreadable, or known before: told */
    }
    (void)mewl_cli_duration(span, sizeof span, in->heard_s);
    if (in->left_out > 0) {
        (void)snprintf(left, sizeof left, "; %zu %s left out, as told above", in->left_out,
                       in->left_out == 1 ? "recording was" : "recordings were");
    }
    if (usable > 0) {
        mewl_cli_note(w->baby->cli, "%zu %s from %zu %s (%s listened to) %s%s", usable, usable == 1 ? "cry" : "cries",
                      in->files, files, span, done, left);
    } else if (in->heard_s < 0.05) {
        mewl_cli_note(w->baby->cli, "nothing could be heard in %zu %s", in->files, files);
    } else {
        mewl_cli_note(w->baby->cli, "no cry in %zu %s (%s listened to) is clear enough to be %s", in->files, files,
                      span, w->enrol ? "taken as usual" : "compared");
    }
}

static int tell_all(work *w, const mewl_baby_learned *learned)
{
    char reach[MEWL_BABY_REACH_MAX];
    const mewl_cli *cli = w->baby->cli;
    mewl_cli_report_clear(cli);
    tell_unusable(w);
    if (cli->json) {
        json_t *document = json_object();
        (void)mewl_json_set_string(document, "name", w->baby->infant.name);
        (void)mewl_json_set_string(document, "embedder", w->learning.embedder.hash);
        (void)mewl_json_set(document, "recordings", json_incref(w->rows));
        (void)mewl_json_set_real(document, "listened_s", w->intake.heard_s);
        (void)mewl_json_set_int(document, "already_known", (int64_t)w->intake.known);
        (void)mewl_json_set_int(document, "unreadable", (int64_t)w->intake.unreadable);
        (void)mewl_json_set_int(document, "alerts", (int64_t)learned->alerts);
        (void)mewl_json_set(document, "model", state_json(learned));
        return mewl_baby_print(cli, document);
    }
    size_t usable = 0;
    for (size_t i = 0; i < w->intake.count; i++) {
        usable += w->intake.kept[i].usable;
    }
    say_sum(w, usable, learned->state.sessions > 0);
    if (w->enrol && learned->state.sessions == 0) {
        mewl_cli_note(cli, "nothing is known yet of how %s usually cries: enrol further recordings, with clear crying",
                      w->baby->infant.name);
    } else if (mewl_baby_reach_words(reach, sizeof reach, &learned->state, w->baby->infant.alarm_days)) {
        mewl_cli_note(cli, "%s", reach);
    }
    if (learned->alerts > 0) {
        mewl_cli_note(cli, "there is something to tell: mewl baby alerts %s", w->baby->infant.name);
    }
    return MEWL_EXIT_DONE;
}

/* ---- Doing. ---- */

static mewl_status take_files(work *w, int count, char **operands, mewl_error *err)
{
    mewl_audio_files files = {0};
    mewl_status status = MEWL_OK;
    for (int i = 0; i < count; i++) {
        mewl_error bad = {0};
        if (mewl_audio_list(&files, operands[i], FILES_MAX, &bad) != MEWL_OK) {
            mewl_cli_error(w->baby->cli, "%s", bad.text);
            w->intake.unreadable++;
            w->intake.first_bad = w->intake.unreadable == 1 ? bad.status : w->intake.first_bad;
        }
    }
    for (size_t i = 0; i < files.count && status == MEWL_OK; i++) {
        mewl_cli_report(w->baby->cli, (double)i, (double)files.count, "listening");
        status = mewl_baby_intake_file(&w->intake, files.paths[i], err);
    }
    mewl_audio_files_fini(&files);
    return status;
}

static int exit_code(const work *w, int code)
{
    if (code != MEWL_EXIT_DONE || w->intake.unreadable == 0) {
        return code;
    }
    return w->intake.files + w->intake.known > 0 ? MEWL_EXIT_PARTLY : mewl_cli_exit_code(w->intake.first_bad);
}

/* The kind of model that was used before, where none is asked for. */
static mewl_status keep_kind(work *w, const char *asked, mewl_error *err)
{
    mewl_store_personal latest;
    if (asked != NULL) {
        return MEWL_OK;
    }
    const mewl_status status = mewl_store_personal_latest(w->baby->store, &latest, w->baby->infant.id, err);
    if (status == MEWL_OK && mewl_personal_find(&w->learning.kind, latest.kind)) {
        w->intake.kind = mewl_personal_name(w->learning.kind);
    }
    return status == MEWL_E_NOT_FOUND ? MEWL_OK : status;
}

/* Whether the personal model can be made, before anything is listened to and kept: with the population that was named,
 * and with one at all where the kind of model needs it. */
static mewl_status check_population(const work *w, mewl_error *err)
{
    mewl_population population;
    const bool needed = w->learning.kind == MEWL_PERSONAL_PLDA;
    if (!needed && w->learning.population == NULL) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_baby_population_open(w->baby, &population, w->learning.population, &w->intake.embedder, err));
    const bool enough = !needed || population.plda.dims > 0;
    mewl_population_fini(&population);
    return enough ? MEWL_OK
                  : mewl_error_set(err, MEWL_E_ARG,
                                   "a personal model of the kind %s needs a population of other infants: make one with "
                                   "`mewl lab population` and name it with --population, or choose another --kind",
                                   mewl_personal_name(w->learning.kind));
}

static int run_work(work *w, const char *const *value, int count, char **operands)
{
    mewl_error err = {0};
    mewl_baby_learned learned = {0};
    mewl_status status = keep_kind(w, value[OPT_KIND], &err);
    if (status == MEWL_OK) {
        status = mewl_baby_intake_open(&w->intake, value[OPT_MODEL], value[OPT_EMBEDDER], value[OPT_MICROPHONE], &err);
    }
    status = status == MEWL_OK ? check_population(w, &err) : status;
    status = status == MEWL_OK ? take_files(w, count, operands, &err) : status;
    w->learning.embedder = w->intake.embedder;
    if (status == MEWL_OK && w->intake.files + w->intake.known > 0) {
        status = mewl_baby_learn(w->baby, &learned, w->learning, &err);
    } else if (status == MEWL_OK) { /* nothing new: how it stood before */
        status = mewl_baby_settle(w->baby, &learned, &err);
    }
    if (status != MEWL_OK) {
        mewl_cli_report_clear(w->baby->cli);
        (void)mewl_cli_fail(w->baby->cli, &err);
        return MEWL_EXIT_FAILED;
    }
    return exit_code(w, tell_all(w, &learned));
}

static int enrol_or_score(mewl_cli *cli, const mewl_cli_usage *usage, bool enrol, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    mewl_baby baby = {0};
    work w = {.baby = &baby, .enrol = enrol, .learning = {.kind = MEWL_PERSONAL_KNN, .said = on_said, .user = &w}};
    int code = mewl_cli_parse(cli, usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc < 2) {
        return mewl_cli_usage_error(cli, argc == 0 ? "name an infant and recordings" : "name the recordings");
    }
    if (value[OPT_KIND] != NULL && !mewl_personal_find(&w.learning.kind, value[OPT_KIND])) {
        const char *names[MEWL_PERSONAL_KINDS];
        for (unsigned i = 0; i < MEWL_PERSONAL_KINDS; i++) {
            names[i] = mewl_personal_name((mewl_personal_kind)i);
        }
        return mewl_cli_unknown(cli, "kind of personal model", value[OPT_KIND], names, MEWL_PERSONAL_KINDS);
    }
    w.learning.population = value[OPT_POPULATION];
    w.intake = (mewl_baby_intake){.baby = &baby,
                                  .role = enrol ? MEWL_STORE_ENROLLED : MEWL_STORE_SCORED,
                                  .kind = mewl_personal_name(w.learning.kind),
                                  .timed = value[OPT_AT] != NULL,
                                  .no_clips = value[OPT_NO_CLIPS] != NULL};
    if (w.intake.timed && !mewl_baby_parse_time(&w.intake.next_ms, value[OPT_AT])) {
        return mewl_cli_usage_error(cli, "--at takes a time like \"2026-11-20 03:12\", not `%s`", value[OPT_AT]);
    }
    code = mewl_baby_open(&baby, cli, value, argv[0], true);
    code = code == MEWL_CLI_GO && w.intake.timed ? mewl_baby_check_at(&baby, w.intake.next_ms) : code;
    w.rows = json_array();
    code = code == MEWL_CLI_GO ? run_work(&w, value, argc - 1, argv + 1) : code;
    json_decref(w.rows);
    mewl_baby_intake_close(&w.intake);
    mewl_baby_close(&baby);
    return code;
}

int mewl_baby_enrol(mewl_cli *cli, int argc, char **argv)
{
    return enrol_or_score(cli, &enrol_usage, true, argc, argv);
}

int mewl_baby_score(mewl_cli *cli, int argc, char **argv)
{
    return enrol_or_score(cli, &score_usage, false, argc, argv);
}
