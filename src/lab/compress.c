/* compress.c - teacher, students, eight bits: one cell a split and seed. */
#include "lab/compress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "data/sha256.h"
#include "lab/study_private.h"
#include "models/quantise.h"

#define TIMING_BATCH 8
#define TUNE_RATE 0.1 /* of the training's, in the passes that round */
#define TIMING_ROUNDS 5

/* One cell under way. */
typedef struct cell {
    mewl_study *study;
    const mewl_compress_opts *opts;
    const mewl_clipset *clips;
    uint64_t seed;
    const mewl_progress *progress;
    double done, total; /* trainings */
    size_t *train, *test;
    size_t train_count, test_count;
    float *log_p;   /* (test, classes) */
    float *teacher; /* (all clips, classes) logits, of the training side alone */
    json_t *rows;
} cell;

size_t mewl_compress_names(char names[][MEWL_STUDY_NAME_MAX], const mewl_compress_opts *o)
{
    static const char *const of_teacher[] = {"%s (teacher)", "%s, int8 linear layers", "%s, int8",
                                             "%s, int8, fine-tuned"};
    static const char *const of_student[] = {"%s alone", "%s distilled", "%s distilled, int8 linear layers",
                                             "%s distilled, int8", "%s distilled, int8, fine-tuned"};
    const size_t tuned = o->tune_epochs > 0;
    size_t count = 0;
    for (size_t k = 0; k < 3 + tuned; k++) {
        (void)snprintf(names[count++], MEWL_STUDY_NAME_MAX, of_teacher[k], o->teacher.name);
    }
    for (size_t s = 0; s < o->student_count; s++) {
        for (size_t k = 0; k < 4 + tuned; k++) {
            (void)snprintf(names[count++], MEWL_STUDY_NAME_MAX, of_student[k], o->students[s].name);
        }
    }
    return count;
}

/* ---- Models ---- */

static mewl_status new_model(mewl_model **model, const cell *c, const mewl_compress_model *m, mewl_error *err)
{
    mewl_model_config config = m->config;
    config.classes = (int64_t)c->study->class_count;
    config.bands = (int64_t)c->clips->bands;
    config.frames = (int64_t)c->opts->fit.frames;
    MEWL_TRY(mewl_model_new(model, config, c->seed, err));
    if (m->init == NULL) {
        return MEWL_OK;
    }
    mewl_model *from = NULL;
    mewl_status status = mewl_model_load(&from, m->init, err);
    if (status == MEWL_OK) {
        status = mewl_fit_inherit(*model, from, NULL, err);
    }
    mewl_model_free(from);
    return status;
}

static void report_training(void *user, double done, double total, const char *what)
{
    const cell *c = user;
    mewl_progress_report(c->progress, c->done + (total > 0 ? done / total : 0), c->total, what);
}

static mewl_status train(mewl_model *model, cell *c, const mewl_compress_model *m, bool distilled, mewl_error *err)
{
    mewl_progress inner = {.report = report_training, .user = c};
    mewl_fit_opts fit = c->opts->fit;
    fit.seed = c->seed;
    fit.epochs *= m->epochs_share > 0 ? m->epochs_share : 1;
    fit.stop = c->study->opts.stop;
    fit.progress = &inner;
    fit.teacher = distilled ? c->teacher : NULL;
    MEWL_TRY(mewl_fit_train(NULL, model, c->clips, c->train, c->train_count, NULL, fit, err));
    c->done++;
    return MEWL_OK;
}

static mewl_status copy_model(mewl_model **copy, mewl_model *model, mewl_error *err)
{
    mewl_checkpoint *checkpoint = NULL;
    MEWL_TRY(mewl_checkpoint_new(&checkpoint, err));
    mewl_status status = mewl_model_to_checkpoint(model, checkpoint, false, err);
    if (status == MEWL_OK) {
        status = mewl_model_from_checkpoint(copy, checkpoint, err);
    }
    mewl_checkpoint_free(checkpoint);
    return status;
}

/* ---- What a model is worth ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static mewl_status measure_time(double *ms, mewl_model *model, const cell *c, mewl_error *err)
{
    size_t size = c->opts->fit.frames * c->clips->bands;
    double seconds[TIMING_ROUNDS];
    mewl_clock clock = mewl_clock_system();
    float *x = calloc(TIMING_BATCH * size, sizeof *x);
    float *y = calloc(TIMING_BATCH * c->study->class_count, sizeof *y);
    mewl_status status = x != NULL && y != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a batch");
    for (size_t k = 0; status == MEWL_OK && k < TIMING_BATCH; k++) {
        mewl_clipset_crop(c->clips, x + k * size, c->test[k % c->test_count], 0, c->opts->fit.frames);
    }
    for (int round = -1; status == MEWL_OK && round < TIMING_ROUNDS; round++) { /* the first one warms up */
        double started_s = mewl_clock_now_s(&clock);
        status = mewl_model_forward(model, x, TIMING_BATCH, (int64_t)c->opts->fit.frames, y, NULL, NULL, err);
        seconds[round < 0 ? 0 : round] = mewl_clock_now_s(&clock) - started_s;
    }
    qsort(seconds, TIMING_ROUNDS, sizeof seconds[0], by_value);
    *ms = 1000 * seconds[TIMING_ROUNDS / 2] / TIMING_BATCH;
    free(x);
    free(y);
    return status;
}

static mewl_status judge(mewl_model *model, cell *c, const char *name, mewl_error *err)
{
    uint64_t bytes = 0;
    double ms = 0;
    mewl_fit_opts fit = c->opts->fit;
    fit.bf16 = false; /* so that eight bits are compared with 32 */
    MEWL_TRY(mewl_fit_predict(c->log_p, model, c->clips, c->test, c->test_count, fit, err));
    MEWL_TRY(measure_time(&ms, model, c, err));
    MEWL_TRY(mewl_model_bytes(model, &bytes, false, err));
    json_t *row = mewl_study_pack(c->log_p, c->test, c->test_count, c->study->class_count);
    (void)mewl_json_set_int(row, "bytes", (int64_t)bytes);
    (void)mewl_json_set_real(row, "ms", ms);
    (void)mewl_json_set_int(row, "parameters", mewl_net_param_elements(mewl_model_net(model)));
    return mewl_json_set(c->rows, name, row) == MEWL_OK ? MEWL_OK
                                                        : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a row");
}

/* The forms in eight bits, in the order of their rows. */
typedef enum form { FORM_LINEAR, FORM_WHOLE, FORM_TUNED, FORM_COUNT } form;

static mewl_status quantise(mewl_model *model, const cell *c, form which, bool distilled, mewl_error *err)
{
    mewl_fit_opts fit = c->opts->fit;
    fit.seed = c->seed + 1; /* other examples than in training */
    fit.epochs = which == FORM_TUNED ? c->opts->tune_epochs : 0;
    fit.rate *= TUNE_RATE;
    fit.stop = c->study->opts.stop;
    fit.teacher = distilled ? c->teacher : NULL;
    return which == FORM_LINEAR
               ? mewl_model_quantise(model, (mewl_quant_opts){.kind = MEWL_QUANT_DYNAMIC}, err)
               : mewl_fit_quantise(model, c->clips, c->train, c->train_count, fit, (mewl_quant_opts){0}, err);
}

/* Copies of the model in eight bits. */
static mewl_status judge_quantised(mewl_model *model, cell *c, char names[][MEWL_STUDY_NAME_MAX], bool distilled,
                                   mewl_error *err)
{
    for (form which = FORM_LINEAR; which < FORM_COUNT; which++) {
        if (which == FORM_TUNED && !(c->opts->tune_epochs > 0)) {
            continue;
        }
        mewl_model *small = NULL;
        mewl_status status = copy_model(&small, model, err);
        if (status == MEWL_OK) {
            status = quantise(small, c, which, distilled, err);
        }
        if (status == MEWL_OK) {
            status = judge(small, c, names[which], err);
        }
        mewl_model_free(small);
        MEWL_TRY(status);
    }
    return MEWL_OK;
}

/* ---- The cell ---- */

/* What the teacher says of the clips it was trained on, for its students. */
static mewl_status ask_teacher(mewl_model *model, cell *c, mewl_error *err)
{
    size_t classes = c->study->class_count;
    float *said = calloc(c->train_count * classes + 1, sizeof *said);
    if (said == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for what the teacher says");
    }
    mewl_fit_opts fit = c->opts->fit;
    mewl_status status = mewl_fit_predict(said, model, c->clips, c->train, c->train_count, fit, err);
    for (size_t i = 0; status == MEWL_OK && i < c->train_count; i++) {
        memcpy(c->teacher + c->train[i] * classes, said + i * classes, classes * sizeof *said);
    }
    free(said);
    return status;
}

static mewl_status run_teacher(cell *c, char names[][MEWL_STUDY_NAME_MAX], mewl_error *err)
{
    mewl_model *model = NULL;
    mewl_status status = new_model(&model, c, &c->opts->teacher, err);
    if (status == MEWL_OK) {
        status = train(model, c, &c->opts->teacher, false, err);
    }
    if (status == MEWL_OK) {
        status = ask_teacher(model, c, err);
    }
    if (status == MEWL_OK) {
        status = judge(model, c, names[0], err);
    }
    if (status == MEWL_OK) {
        status = judge_quantised(model, c, names + 1, false, err);
    }
    mewl_model_free(model);
    return status;
}

static mewl_status run_student(cell *c, const mewl_compress_model *m, char names[][MEWL_STUDY_NAME_MAX],
                               mewl_error *err)
{
    for (int distilled = 0; distilled < 2; distilled++) {
        mewl_model *model = NULL;
        mewl_status status = new_model(&model, c, m, err);
        if (status == MEWL_OK) {
            status = train(model, c, m, distilled == 1, err);
        }
        if (status == MEWL_OK) {
            status = judge(model, c, names[distilled], err);
        }
        if (status == MEWL_OK && distilled == 1) {
            status = judge_quantised(model, c, names + 2, true, err);
        }
        mewl_model_free(model);
        MEWL_TRY(status);
    }
    return MEWL_OK;
}

static mewl_status run_all(cell *c, mewl_error *err)
{
    char names[MEWL_COMPRESS_ROWS_MAX][MEWL_STUDY_NAME_MAX];
    (void)mewl_compress_names(names, c->opts);
    MEWL_TRY(mewl_study_clips(c->study, &c->clips, c->opts->teacher.config.front_end, err));
    MEWL_TRY(run_teacher(c, names, err));
    const size_t tuned = c->opts->tune_epochs > 0;
    for (size_t s = 0; s < c->opts->student_count; s++) {
        MEWL_TRY(run_student(c, &c->opts->students[s], names + 3 + tuned + (4 + tuned) * s, err));
    }
    return MEWL_OK;
}

typedef struct job {
    mewl_study *study;
    const mewl_compress_opts *opts;
} job;

static mewl_status run_cell(json_t **result, const mewl_cell *at, const mewl_progress *progress, void *user,
                            mewl_error *err)
{
    job *j = user;
    mewl_study *s = j->study;
    size_t rows = s->manifest->count;
    cell c = {.study = s, .opts = j->opts, .seed = at->seed, .progress = progress};
    c.total = 1 + 2 * (double)j->opts->student_count;
    c.train = calloc(rows, sizeof *c.train);
    c.test = calloc(rows, sizeof *c.test);
    c.log_p = calloc(rows * s->class_count, sizeof *c.log_p);
    c.teacher = calloc(rows * s->class_count, sizeof *c.teacher);
    c.rows = json_object();
    mewl_status status = c.train != NULL && c.test != NULL && c.log_p != NULL && c.teacher != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for the sides of a split");
    if (status == MEWL_OK) {
        size_t split = strcmp(at->split, MEWL_SPLIT_GROUPED) == 0;
        mewl_study_sides(s, c.train, &c.train_count, c.test, &c.test_count, split, (size_t)at->seed - 1, at->fold);
        status = run_all(&c, err);
    }
    if (status == MEWL_OK) {
        *result = json_object();
        status = mewl_json_set(*result, "rows", json_incref(c.rows));
    }
    json_decref(c.rows);
    free(c.train);
    free(c.test);
    free(c.log_p);
    free(c.teacher);
    return status;
}

/* The cells' name: a fingerprint of everything that the rows follow from. */
static mewl_status cells_name(char *name, size_t size, const mewl_compress_opts *o, mewl_error *err)
{
    mewl_sha256 state;
    mewl_sha256_init(&state);
    for (size_t m = 0; m <= o->student_count; m++) {
        const mewl_compress_model *model = m == 0 ? &o->teacher : &o->students[m - 1];
        char text[MEWL_CELL_KEY_MAX];
        mewl_study_config config = {.model = model->config, .init = model->init, .fit = o->fit};
        config.fit.epochs *= model->epochs_share > 0 ? model->epochs_share : 1;
        (void)snprintf(config.name, sizeof config.name, "%s", model->name);
        MEWL_TRY(mewl__study_cell_name(text, sizeof text, &config, err));
        mewl_sha256_push(&state, text, strlen(text) + 1);
    }
    if (o->tune_epochs > 0) {
        char text[64];
        (void)snprintf(text, sizeof text, "tuned %g at %g", o->tune_epochs, TUNE_RATE);
        mewl_sha256_push(&state, text, strlen(text) + 1);
    }
    uint8_t digest[32];
    char hex[65];
    mewl_sha256_finish(&state, digest);
    mewl_sha256_hex(hex, digest);
    (void)snprintf(name, size, "compression#%.8s", hex);
    return MEWL_OK;
}

/* Cells in the order in which forecasts are joined: seeds, then folds. */
static mewl_cell cell_at(const char *name, size_t split, size_t seed_index, int fold)
{
    return (mewl_cell){.config = name, .split = mewl__study_splits[split], .fold = fold, .seed = seed_index + 1};
}

mewl_status mewl_compress_run(mewl_study *s, mewl_experiment *experiment, const mewl_compress_opts *opts,
                              mewl_error *err)
{
    char name[MEWL_CELL_KEY_MAX];
    if (opts->student_count > MEWL_COMPRESS_STUDENTS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "more than %d students", MEWL_COMPRESS_STUDENTS_MAX);
    }
    MEWL_TRY(cells_name(name, sizeof name, opts, err));
    size_t count = 0;
    mewl_cell *cells = calloc(s->opts.seeds * MEWL_STUDY_SPLITS * (size_t)s->opts.folds_run + 1, sizeof *cells);
    if (cells == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for cells");
    }
    for (size_t seed = 0; seed < s->opts.seeds; seed++) {
        for (int fold = 1; fold <= s->opts.folds_run; fold++) {
            for (size_t split = s->first_split; split < MEWL_STUDY_SPLITS; split++) {
                cells[count++] = cell_at(name, split, seed, fold);
            }
        }
    }
    job j = {s, opts};
    mewl_experiment_opts how = {.stop = s->opts.stop, .progress = s->opts.progress, .what = "teacher and students"};
    mewl_status status = mewl_experiment_run(experiment, cells, count, run_cell, &j, how, err);
    free(cells);
    return status;
}

/* ---- The document ---- */

typedef struct tally {
    double bytes, parameters;
    double ms[1000];
    size_t cells;
} tally;

static mewl_status join_row(mewl_forecasts *f, tally *t, const mewl_study *s, const mewl_experiment *experiment,
                            const mewl_compress_opts *o, const char *cells, const char *row, size_t split,
                            size_t *sides, mewl_error *err)
{
    MEWL_TRY(mewl_forecasts_init(f, s->class_count, err));
    for (size_t seed = 0; seed < s->opts.seeds; seed++) {
        for (int fold = 1; fold <= s->opts.folds_run; fold++) {
            mewl_cell at = cell_at(cells, split, seed, fold);
            const json_t *result = mewl_experiment_result(experiment, &at);
            const json_t *packed = json_object_get(json_object_get(result, "rows"), row);
            if (packed == NULL) {
                return mewl_error_set(err, MEWL_E_EMPTY, "%s has not been run in whole", row);
            }
            size_t train_count;
            size_t test_count;
            mewl_study_sides(s, sides, &train_count, sides + s->manifest->count, &test_count, split, seed, fold);
            MEWL_TRY(mewl_study_unpack(f, s, packed, sides, train_count, o->fit.balance, err));
            t->bytes = json_number_value(json_object_get(packed, "bytes"));
            t->parameters = json_number_value(json_object_get(packed, "parameters"));
            if (t->cells < sizeof t->ms / sizeof t->ms[0]) {
                t->ms[t->cells++] = json_number_value(json_object_get(packed, "ms"));
            }
        }
    }
    return MEWL_OK;
}

static void set_extra(mewl_study_row *row, const tally *t, double teacher_bytes, const char *const *paper)
{
    char text[64];
    double sorted[1000];
    row->extra = json_object();
    for (size_t i = 0; paper != NULL && paper[i] != NULL; i += 2) {
        if (strcmp(paper[i], row->name) == 0) {
            (void)mewl_json_set_string(row->extra, "paper", paper[i + 1]);
        }
    }
    (void)snprintf(text, sizeof text, t->parameters >= 1e6 ? "%.1f M" : "%.0f k",
                   t->parameters / (t->parameters >= 1e6 ? 1e6 : 1e3));
    (void)mewl_json_set_string(row->extra, "parameters", text);
    (void)snprintf(text, sizeof text, t->bytes >= 1e6 ? "%.1f MB" : "%.0f kB",
                   t->bytes / (t->bytes >= 1e6 ? 1e6 : 1e3));
    (void)mewl_json_set_string(row->extra, "bytes", text);
    (void)snprintf(text, sizeof text, "%.1f %%", 100 * t->bytes / teacher_bytes);
    (void)mewl_json_set_string(row->extra, "share", text);
    memcpy(sorted, t->ms, t->cells * sizeof sorted[0]);
    qsort(sorted, t->cells, sizeof sorted[0], by_value);
    (void)snprintf(text, sizeof text, "%.2f", t->cells > 0 ? sorted[t->cells / 2] : NAN);
    (void)mewl_json_set_string(row->extra, "time", text);
}

static json_t *columns(void)
{
    return json_pack("[{ssss},{ssss},{ssss},{ssss},{ssss}]", "key", "paper", "title", "paper", "key", "parameters",
                     "title", "size", "key", "bytes", "title", "on disk", "key", "share", "title", "of teacher", "key",
                     "time", "title", "ms a clip");
}

mewl_status mewl_compress_document(json_t **out, const mewl_study *s, const mewl_experiment *experiment,
                                   const mewl_compress_opts *opts, const char *const *paper, mewl_error *err)
{
    *out = NULL;
    char names[MEWL_COMPRESS_ROWS_MAX][MEWL_STUDY_NAME_MAX];
    char cells[MEWL_CELL_KEY_MAX];
    size_t count = mewl_compress_names(names, opts);
    MEWL_TRY(cells_name(cells, sizeof cells, opts, err));
    mewl_study_row *rows = calloc(count, sizeof *rows);
    size_t *sides = calloc(2 * s->manifest->count + 1, sizeof *sides);
    tally *t = calloc(1, sizeof *t);
    mewl_status status = rows != NULL && sides != NULL && t != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu rows", count);
    double teacher_bytes = NAN;
    for (size_t r = 0; status == MEWL_OK && r < count; r++) {
        memset(t, 0, sizeof *t);
        (void)snprintf(rows[r].name, sizeof rows[r].name, "%s", names[r]);
        for (size_t split = s->first_split; status == MEWL_OK && split < MEWL_STUDY_SPLITS; split++) {
            status = join_row(&rows[r].forecasts[split], t, s, experiment, opts, cells, names[r], split, sides, err);
        }
        teacher_bytes = r == 0 ? t->bytes : teacher_bytes;
        if (status == MEWL_OK) {
            set_extra(&rows[r], t, teacher_bytes, paper);
        }
    }
    if (status == MEWL_OK) {
        status = mewl_study_table(out, s, rows, count, columns(), err);
    }
    for (size_t r = 0; rows != NULL && r < count; r++) {
        mewl_study_row_fini(&rows[r]);
    }
    free(rows);
    free(sides);
    free(t);
    return status;
}
