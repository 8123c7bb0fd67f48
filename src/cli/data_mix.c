/* data_mix.c - `mewl data mix`: held-out mixtures (src/data/mixture.h) as wav files with DESED tables. */
#include "cli/data_mix.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/writer.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/folder.h"
#include "data/mixture.h"

#define MIX_COUNT_MAX 100000
#define TABLE_BYTES_MAX ((size_t)1 << 28)

static int fail(const mewl_cli *cli, const mewl_error *err)
{
    mewl_cli_report_clear(cli);
    return mewl_cli_fail(cli, err);
}

enum {
    MIX_OUT,
    MIX_DATA,
    MIX_COUNT,
    MIX_SNR,
    MIX_SECONDS,
    MIX_CRIES,
    MIX_NEGATIVES,
    MIX_SIDE,
    MIX_SEED,
    MIX_SYNTHETIC,
    MIX_TRAIN,
    MIX_OPTIONS
};

static const mewl_cli_option mix_options[MIX_OPTIONS + 1] = {
    [MIX_OUT] = {"output", 'o', "DIR", "folder to write (needed)", false},
    [MIX_DATA] = {"data", 0, "DIR", "folder of the data sets (default: the recipe's, else MEWL_DATA)", false},
    [MIX_COUNT] = {"count", 'n', "N", "mixtures at each SNR (default: the recipe's eval.mixtures)", false},
    [MIX_SNR] = {"snr", 0, "DB,...", "SNRs in dB (default: the recipe's eval.snr_db)", false},
    [MIX_SECONDS] = {"seconds", 0, "S", "length of each (default: the recipe's eval.seconds)", false},
    [MIX_CRIES] = {"cries", 0, "N", "cries a minute (default 4; 0: to count false alarms)", false},
    [MIX_NEGATIVES] = {"negatives", 0, "N", "other sounds a minute (default: the recipe's)", false},
    [MIX_SIDE] = {"side", 0, "SIDE", "train, valid or test (default: test)", false},
    [MIX_SEED] = {"seed", 0, "N", "seed (default: the recipe's)", false},
    [MIX_SYNTHETIC] = {"synthetic", 0, NULL, "made sounds besides recorded ones", false},
    [MIX_TRAIN] = {"train", 0, NULL, "write training examples as the loader makes them, to listen to", false},
};

static const mewl_cli_usage mix_usage = {
    "data mix", "[RECIPE.ini]",
    "Writes mixtures with known cries: audio/SIDE/snr_<dB>/*.wav and metadata/SIDE/snr_<dB>.tsv in the\n"
    "DESED layout (label Infantcry), the other sounds in negatives/SIDE/snr_<dB>.tsv, lengths in durations.tsv.\n"
    "Mixtures that differ in SNR alone hold the same sounds at the same times.",
    mix_options,
    "  mewl data mix recipes/detect.ini -o mixtures\n"
    "  mewl data mix -o quiet --cries 0 --count 60 --snr 0\n"};

typedef struct mixing {
    mewl_cli *cli;
    const char *folder, *side_name;
    mewl_mixer *mixer;
    mewl_example example;
    mewl_mix_test test;
    uint64_t seed;
    size_t count, done, total;
    bool train;
} mixing;

/* Appends the events of one mixture to the tables. */
static void note_events(const mewl_example *e, const char *file, mewl_buffer *truth, mewl_buffer *others)
{
    bool any = false;
    for (size_t k = 0; k < e->event_count; k++) {
        const mewl_mix_event *v = &e->events[k];
        (void)mewl_buffer_print(v->cry ? truth : others, "%s\t%.3f\t%.3f\t%s", file, v->onset_s, v->offset_s,
                                v->cry ? "Infantcry" : v->label);
        (void)mewl_buffer_text(v->cry ? truth : others, "\n");
        any = any || v->cry;
    }
    if (!any) {
        (void)mewl_buffer_print(truth, "%s\t\t\t\n", file); /* DESED's way of saying: a file without events */
    }
}

/* Writes a table to FOLDER/KIND/SIDE/name. */
static mewl_status write_table(const mixing *m, const char *kind, const char *name, const mewl_buffer *table,
                               mewl_error *err)
{
    char folder[PATH_MAX], path[PATH_MAX + 80];
    if (table->failed ||
        snprintf(folder, sizeof folder, "%s/%s/%s", m->folder, kind, m->side_name) >= (int)sizeof folder) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: table or path too long", name);
    }
    MEWL_TRY(mewl_folder_make(folder, err));
    snprintf(path, sizeof path, "%s/%.70s", folder, name);
    return mewl_file_write(path, table->data, table->size, err);
}

static mewl_status mix_files(mixing *m, const char *snr_name, mewl_buffer *truth, mewl_buffer *others,
                             mewl_buffer *lengths, mewl_error *err)
{
    char folder[PATH_MAX], path[PATH_MAX + 64], file[64];
    if (snprintf(folder, sizeof folder, "%s/audio/%s/%s", m->folder, m->side_name, snr_name) >= (int)sizeof folder) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: path too long", m->folder);
    }
    MEWL_TRY(mewl_folder_make(folder, err));
    for (size_t i = 0; i < m->count; i++) {
        MEWL_TRY(m->train ? mewl_mixer_make(m->mixer, &m->example, m->seed, 0, i, err)
                          : mewl_mixer_test(m->mixer, &m->example, m->test, m->seed, i, err));
        snprintf(file, sizeof file, "mix_%05zu.wav", i);
        snprintf(path, sizeof path, "%s/%s", folder, file);
        MEWL_TRY(
            mewl_audio_write(path, m->example.samples, m->example.count, MEWL_MIX_RATE_HZ, MEWL_AUDIO_WAV_S16, err));
        note_events(&m->example, file, truth, others);
        (void)mewl_buffer_print(lengths, "%s\t%.3f\n", file, (double)m->example.count / MEWL_MIX_RATE_HZ);
        mewl_cli_report(m->cli, (double)++m->done, (double)m->total, "mixing");
    }
    return MEWL_OK;
}

/* All mixtures of one SNR, with their tables. */
static mewl_status mix_one(mixing *m, const char *snr_name, mewl_error *err)
{
    char name[128];
    mewl_buffer truth, others, lengths;
    mewl_buffer_init(&truth, TABLE_BYTES_MAX);
    mewl_buffer_init(&others, TABLE_BYTES_MAX);
    mewl_buffer_init(&lengths, TABLE_BYTES_MAX);
    (void)mewl_buffer_text(&truth, "filename\tonset\toffset\tevent_label\n");
    (void)mewl_buffer_text(&others, "filename\tonset\toffset\tevent_label\n");
    (void)mewl_buffer_text(&lengths, "filename\tduration\n");
    mewl_status status = mix_files(m, snr_name, &truth, &others, &lengths, err);
    snprintf(name, sizeof name, "%s.tsv", snr_name);
    status = status == MEWL_OK ? write_table(m, "metadata", name, &truth, err) : status;
    status = status == MEWL_OK ? write_table(m, "negatives", name, &others, err) : status;
    status = status == MEWL_OK ? write_table(m, "metadata", "durations.tsv", &lengths, err) : status;
    mewl_buffer_fini(&truth);
    mewl_buffer_fini(&others);
    mewl_buffer_fini(&lengths);
    return status;
}

/* The recordings of one side alone: the others are not needed. */
static mewl_status open_side(mewl_corpus **corpus, const mewl_recipe *recipe, const char *side,
                             const mewl_progress *progress, mewl_error *err)
{
    mewl_manifest all;
    MEWL_TRY(mewl_corpus_gather(&all, recipe, err));
    size_t kept = 0;
    for (size_t i = 0; i < all.count; i++) {
        if (strcmp(all.rows[i].split, side) == 0) {
            all.rows[kept++] = all.rows[i];
        }
    }
    all.count = kept;
    mewl_status status = mewl_corpus_load(corpus, &all, recipe, (int)recipe->train_loader_threads, progress, err);
    mewl_manifest_fini(&all);
    return status;
}

static int mix_all(mixing *m, const mewl_recipe *recipe, mewl_side side, mewl_error *err)
{
    mewl_progress progress = {mewl_cli_report, m->cli};
    mewl_corpus *corpus = NULL;
    size_t snrs = m->train ? 1 : recipe->eval_snr_db.count;
    mewl_status status = open_side(&corpus, recipe, m->side_name, &progress, err);
    mewl_cli_report_clear(m->cli);
    if (status == MEWL_OK) {
        status = m->train ? mewl_mixer_new(&m->mixer, corpus, recipe, side, err)
                          : mewl_mixer_new_test(&m->mixer, corpus, recipe, side, recipe->eval_seconds, err);
    }
    if (status == MEWL_OK) {
        status = mewl_example_init(&m->example, mewl_mixer_count(m->mixer), err);
    }
    m->total = m->count * snrs;
    for (size_t k = 0; status == MEWL_OK && k < snrs; k++) {
        char name[64];
        m->test.snr_db = m->train ? 0 : recipe->eval_snr_db.items[k];
        snprintf(name, sizeof name, m->train ? "train" : "snr_%g", m->test.snr_db);
        status = mix_one(m, name, err);
    }
    char *text = status == MEWL_OK ? mewl_recipe_write(recipe) : NULL;
    if (text != NULL) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/recipe.ini", m->folder) < (int)sizeof path) {
            status = mewl_file_write(path, text, strlen(text), err);
        }
    }
    free(text);
    mewl_example_fini(&m->example);
    mewl_mixer_free(m->mixer);
    mewl_corpus_close(corpus);
    if (status != MEWL_OK) {
        return fail(m->cli, err);
    }
    mewl_cli_report_clear(m->cli);
    mewl_cli_note(m->cli, "%zu mixture%s of %g s, side %s, seed %llu", m->total, mewl_cli_s(m->total),
                  (double)m->test.seconds, m->side_name, (unsigned long long)m->seed);
    (void)printf("%s\n", m->folder);
    return MEWL_EXIT_DONE;
}

static int mix_settings(mixing *m, mewl_recipe *recipe, const char **value, mewl_error *err)
{
    long count = (long)recipe->eval_mixtures, seed = (long)recipe->recipe_seed;
    m->test = mewl_mix_test_default();
    m->test.negatives_per_minute = recipe->eval_negatives_per_minute;
    if (!mewl_cli_integer(m->cli, "count", value[MIX_COUNT], 1, MIX_COUNT_MAX, &count) ||
        !mewl_cli_integer(m->cli, "seed", value[MIX_SEED], 0, LONG_MAX, &seed) ||
        !mewl_cli_number(m->cli, "cries", value[MIX_CRIES], 0, 30, &m->test.cries_per_minute) ||
        !mewl_cli_number(m->cli, "negatives", value[MIX_NEGATIVES], 0, 30, &m->test.negatives_per_minute)) {
        return MEWL_EXIT_USAGE;
    }
    mewl_status status = MEWL_OK;
    if (value[MIX_SNR] != NULL) {
        status = mewl_recipe_set(recipe, "eval.snr_db", value[MIX_SNR], err);
    }
    if (status == MEWL_OK && value[MIX_SECONDS] != NULL) {
        status = mewl_recipe_set(recipe, "eval.seconds", value[MIX_SECONDS], err);
    }
    if (status == MEWL_OK && value[MIX_DATA] != NULL) {
        recipe->data_root = value[MIX_DATA];
    }
    if (status != MEWL_OK) {
        return mewl_cli_usage_error(m->cli, "%s", err->text);
    }
    m->count = (size_t)count;
    m->seed = (uint64_t)seed;
    m->test.seconds = m->train ? recipe->mixture_seconds : recipe->eval_seconds;
    m->test.synthetic = value[MIX_SYNTHETIC] != NULL;
    return MEWL_CLI_GO;
}

int mewl_data_mix(mewl_cli *cli, int argc, char **argv)
{
    static const char *const sides[MEWL_SIDE_COUNT] = {"train", "valid", "test"};
    const char *value[MIX_OPTIONS];
    int code = mewl_cli_parse(cli, &mix_usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    mixing m = {.cli = cli, .folder = value[MIX_OUT], .train = value[MIX_TRAIN] != NULL};
    m.side_name = value[MIX_SIDE] != NULL ? value[MIX_SIDE] : m.train ? "train" : "test";
    int side = 0;
    while (side < MEWL_SIDE_COUNT && strcmp(sides[side], m.side_name) != 0) {
        side++;
    }
    if (side == MEWL_SIDE_COUNT) {
        return mewl_cli_unknown(cli, "side", m.side_name, sides, MEWL_SIDE_COUNT);
    }
    if (m.folder == NULL || argc > 1) {
        return mewl_cli_usage_error(cli, m.folder == NULL ? "say with -o where the mixtures go" : "one recipe at most");
    }
    mewl_error err = {0};
    mewl_recipe recipe;
    mewl_status status = argc == 1 ? mewl_recipe_read(&recipe, argv[0], &err) : mewl_recipe_init(&recipe, &err);
    if (status != MEWL_OK) {
        return fail(cli, &err);
    }
    code = mix_settings(&m, &recipe, value, &err);
    if (code == MEWL_CLI_GO) {
        code = mix_all(&m, &recipe, (mewl_side)side, &err);
    }
    mewl_recipe_fini(&recipe);
    return code;
}
