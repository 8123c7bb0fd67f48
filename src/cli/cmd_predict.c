/* cmd_predict.c - `mewl predict MODEL FILE...`: clips through any model, one answer a clip. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/clip.h"
#include "audio/list.h"
#include "base/json.h"
#include "base/npy.h"
#include "cli/commands.h"
#include "cli/find.h"
#include "cli/model_file.h"
#include "models/embedder.h"

#define FILES_MAX 1000000u
#define TOP_DEFAULT 5

enum { OPT_EMBEDDING, OPT_POOL, OPT_WINDOW, OPT_TOP, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_EMBEDDING] = {"embedding", 'e', "OUT.npy", "write the clips' embeddings: one row a clip that could be read",
                       false},
    [OPT_POOL] = {"pool", 0, "HOW", "rows of a clip into its embedding: mean, mean-std, cry-mean, cry-mean-std (mean)",
                  false},
    [OPT_WINDOW] = {"window", 0, "S", "score windows of S seconds, every S/2, instead of whole clips", false},
    [OPT_TOP] = {"top", 0, "N", "only the N likeliest classes (5; with --json all)", false},
};

static const mewl_cli_usage usage = {
    .command = "predict",
    .operands = "MODEL FILE...",
    .about = "Scores whole clips with a model: our .safetensors, YAMNet's .tflite or mn04's .pt. A folder stands for\n"
             "the recordings in it. `cry` is the largest probability among the model's classes for cries.\n"
             "For when and where somebody cried in a long recording, use `mewl analyze`.",
    .options = options,
    .examples = "  mewl predict yamnet.tflite clip.wav\n"
                "  mewl predict model.safetensors recordings/ --json > scores.json\n"
                "  mewl predict mn04_as_mAP_432.pt *.wav --ndjson --embedding e.npy\n"};

typedef struct prediction {
    mewl_cli *cli;
    mewl_embedder *embedder;
    mewl_classifier *classifier; /* its network */
    const mewl_classifier_info *info;
    const char *model_path;
    mewl_npy_writer *writer; /* NULL: no embeddings */
    float *logits, *probabilities, *embedding;
    size_t *order;   /* classes, likeliest first */
    size_t top;      /* classes to show */
    double window_s; /* --window; 0: whole clips */
    size_t rows, unreadable;
    mewl_status first_bad; /* of a file */
    json_t *files;         /* --json: the list so far */
} prediction;

static const char *label_of(const prediction *p, size_t index, char *room, size_t size)
{
    const char *label = mewl_classifier_label(p->classifier, index);
    if (label != NULL && label[0] != '\0') {
        return label;
    }
    (void)snprintf(room, size, "class %zu", index);
    return room;
}

/* Puts the `top` likeliest classes to the front of `order`, likeliest first. */
static void sort_classes(prediction *p)
{
    for (size_t i = 0; i < p->info->classes; i++) {
        p->order[i] = i;
    }
    for (size_t i = 0; i < p->top; i++) {
        size_t best = i;
        for (size_t k = i + 1; k < p->info->classes; k++) {
            if (p->logits[p->order[k]] > p->logits[p->order[best]]) {
                best = k;
            }
        }
        const size_t kept = p->order[i];
        p->order[i] = p->order[best];
        p->order[best] = kept;
    }
}

static json_t *classes_json(const prediction *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->top; i++) {
        char room[32];
        const size_t k = p->order[i];
        json_t *row = json_object();
        (void)mewl_json_set_string(row, "label", label_of(p, k, room, sizeof room));
        (void)mewl_json_set_int(row, "index", (int64_t)k);
        (void)mewl_json_set_real(row, "probability", (double)p->probabilities[k]);
        (void)mewl_json_set_real(row, "logit", (double)p->logits[k]);
        (void)json_array_append_new(list, row);
    }
    return list;
}

/* One clip's answer, or one file's error when `err` is not NULL. */
static json_t *answer_json(const prediction *p, const char *path, double seconds, float cry, const mewl_error *err)
{
    json_t *row = json_object();
    (void)mewl_json_set_string(row, "event", err != NULL ? "error" : "prediction");
    (void)mewl_json_set_string(row, "file", path);
    if (err != NULL) {
        (void)mewl_json_set_string(row, "status", mewl_status_name(err->status));
        (void)mewl_json_set_string(row, "message", err->text);
        return row;
    }
    (void)mewl_json_set_real(row, "seconds", seconds);
    (void)mewl_json_set_real(row, "cry", (double)cry);
    if (p->writer != NULL) {
        (void)mewl_json_set_int(row, "embedding_row", (int64_t)p->rows - 1);
    }
    (void)mewl_json_set(row, "classes", classes_json(p));
    return row;
}

static mewl_status give(prediction *p, json_t *row, mewl_error *err)
{
    if (p->cli->json) {
        return json_array_append_new(p->files, row) == 0 ? MEWL_OK
                                                         : mewl_error_set(err, MEWL_E_MEMORY, "out of memory");
    }
    const mewl_status status = mewl_json_print(row, stdout, false, err);
    json_decref(row);
    return status;
}

static void print_text(const prediction *p, const char *path, float cry)
{
    char room[32];
    mewl_cli_report_clear(p->cli);
    (void)printf("%s", path);
    if (!isnan(cry)) {
        (void)printf("\tcry %.3f", (double)cry);
    }
    for (size_t i = 0; i < p->top; i++) {
        const size_t k = p->order[i];
        (void)printf("%s%s %.3f", i == 0 ? "\t" : "; ", label_of(p, k, room, sizeof room), (double)p->probabilities[k]);
    }
    (void)putchar('\n');
}

/* One clip. A file that cannot be read or scored is reported and counted; only trouble with the output is returned. */
static mewl_status predict_one(prediction *p, const char *path, mewl_error *err)
{
    mewl_clip clip = {0};
    mewl_error bad = {0};
    mewl_classifier_result result = {.logits = p->logits, .probabilities = p->probabilities};
    mewl_status status = mewl_clip_read(&clip, path, p->info->rate_hz, MEWL_CLASSIFIER_MAX_SECONDS + 1, &bad);
    if (status == MEWL_OK) {
        status = mewl_embedder_score(p->embedder, p->embedding, &result, clip.samples, clip.count, &bad);
        status = status != MEWL_OK ? mewl_error_prefix(&bad, status, "%s", path) : MEWL_OK;
    }
    const double seconds = (double)clip.count / p->info->rate_hz;
    mewl_clip_fini(&clip);
    if (status != MEWL_OK) {
        p->unreadable++;
        p->first_bad = p->unreadable == 1 ? status : p->first_bad;
        mewl_cli_error(p->cli, "%s", bad.text);
        return p->cli->json || p->cli->ndjson ? give(p, answer_json(p, path, 0, 0, &bad), err) : MEWL_OK;
    }
    if (p->writer != NULL) {
        MEWL_TRY(mewl_npy_writer_push(p->writer, p->embedding, 1, err));
    }
    p->rows++;
    sort_classes(p);
    if (p->cli->json || p->cli->ndjson) {
        return give(p, answer_json(p, path, seconds, result.cry, NULL), err);
    }
    print_text(p, path, result.cry);
    return MEWL_OK;
}

static mewl_status print_document(prediction *p, mewl_error *err)
{
    json_t *document = json_object();
    (void)mewl_json_set_string(document, "model", p->model_path);
    (void)mewl_json_set_string(document, "arch", p->info->arch);
    (void)mewl_json_set_string(document, "front_end", p->info->front_end);
    (void)mewl_json_set_string(document, "activation", p->info->softmax ? "softmax" : "sigmoid");
    if (p->window_s > 0) {
        (void)mewl_json_set_real(document, "window_s", p->window_s);
    }
    (void)mewl_json_set_int(document, "unreadable", (int64_t)p->unreadable);
    mewl_status status = mewl_json_set(document, "files", json_incref(p->files));
    status = status == MEWL_OK ? mewl_json_print(document, stdout, true, err) : status;
    json_decref(document);
    return status;
}

static mewl_status predict_all(prediction *p, const mewl_audio_files *files, const char *embedding, mewl_error *err)
{
    if (embedding != NULL) {
        const size_t size = mewl_embedder_describe(p->embedder)->size;
        MEWL_TRY(mewl_npy_writer_open(&p->writer, embedding, &size, 1, err));
    }
    for (size_t i = 0; i < files->count; i++) {
        mewl_cli_report(p->cli, (double)i, (double)files->count, "predicting");
        MEWL_TRY(predict_one(p, files->paths[i], err));
    }
    mewl_cli_report_clear(p->cli);
    if (p->cli->json) {
        MEWL_TRY(print_document(p, err));
    }
    return p->writer != NULL ? mewl_npy_writer_commit(p->writer, err) : MEWL_OK;
}

static bool allocate(prediction *p)
{
    p->logits = calloc(p->info->classes, sizeof *p->logits);
    p->probabilities = calloc(p->info->classes, sizeof *p->probabilities);
    p->embedding = calloc(mewl_embedder_describe(p->embedder)->size, sizeof *p->embedding);
    p->order = calloc(p->info->classes, sizeof *p->order);
    p->files = json_array();
    return p->logits != NULL && p->probabilities != NULL && p->embedding != NULL && p->order != NULL &&
           p->files != NULL;
}

/* Folders into files; what cannot be listed counts as unreadable. */
static void list_files(prediction *p, mewl_audio_files *files, int count, char **operands)
{
    for (int i = 0; i < count; i++) {
        mewl_error bad = {0};
        const mewl_status status = mewl_audio_list(files, operands[i], FILES_MAX, &bad);
        if (status != MEWL_OK) {
            mewl_cli_error(p->cli, "%s", bad.text);
            p->unreadable++;
            p->first_bad = p->unreadable == 1 ? status : p->first_bad;
        }
    }
}

/* The words of --pool. */
static bool read_pool(const mewl_cli *cli, mewl_embedder_opts *opts, const char *text)
{
    static const char *const words[] = {"mean", "mean-std", "cry-mean", "cry-mean-std"};
    for (size_t i = 0; text != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            opts->pool = i % 2 == 1 ? MEWL_EMBEDDER_MEAN_STD : MEWL_EMBEDDER_MEAN;
            opts->cry_weighted = i >= 2;
            return true;
        }
    }
    return text == NULL || mewl_cli_unknown(cli, "pooling", text, words, sizeof words / sizeof words[0]) == MEWL_CLI_GO;
}

int mewl_cmd_predict(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    long top = -1;
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc < 2) {
        return mewl_cli_usage_error(cli, argc == 0 ? "name a model and the clips" : "name the clips to score");
    }
    mewl_embedder_opts opts = {0};
    if (!mewl_cli_integer(cli, "top", value[OPT_TOP], 1, 100000, &top) || !read_pool(cli, &opts, value[OPT_POOL]) ||
        !mewl_cli_number(cli, "window", value[OPT_WINDOW], 0.1, 60.0, &opts.window_s)) {
        return MEWL_EXIT_USAGE;
    }
    mewl_error err = {0};
    prediction p = {.cli = cli, .model_path = argv[0], .window_s = opts.window_s};
    mewl_audio_files files = {0};
    mewl_status status = value[OPT_EMBEDDING] != NULL ? mewl_cli_spare_recording(value[OPT_EMBEDDING], &err) : MEWL_OK;
    if (status == MEWL_OK && (status = mewl_embedder_open(&p.embedder, argv[0], opts, &err)) != MEWL_OK) {
        status = mewl_cli_model_explain(argv[0], MEWL_CLI_MODEL_ANY, &err);
    }
    if (status != MEWL_OK) {
        return mewl_cli_fail(cli, &err);
    }
    p.classifier = mewl_embedder_network(p.embedder);
    p.info = mewl_classifier_describe(p.classifier);
    const size_t wanted = top > 0 ? (size_t)top : cli->json ? p.info->classes : TOP_DEFAULT;
    p.top = wanted < p.info->classes ? wanted : p.info->classes;
    list_files(&p, &files, argc - 1, argv + 1);
    status = allocate(&p) ? predict_all(&p, &files, value[OPT_EMBEDDING], &err)
                          : mewl_error_set(&err, MEWL_E_MEMORY, "out of memory");
    mewl_cli_report_clear(cli);
    if (status != MEWL_OK) {
        (void)mewl_cli_fail(cli, &err);
        code = MEWL_EXIT_FAILED;
    } else if (p.unreadable == 0) {
        code = MEWL_EXIT_DONE;
    } else {
        code = p.rows > 0 ? MEWL_EXIT_PARTLY : mewl_cli_exit_code(p.first_bad);
    }
    mewl_npy_writer_close(p.writer);
    mewl_audio_files_fini(&files);
    mewl_embedder_close(p.embedder);
    json_decref(p.files);
    free(p.logits);
    free(p.probabilities);
    free(p.embedding);
    free(p.order);
    return code;
}
