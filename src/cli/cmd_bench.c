/* cmd_bench.c - `mewl bench`: what a second of sound costs, stage by stage, on this machine. Whole nights, memory over
 * time and live streams are measured by what lies in bench/. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/rng.h"
#include "cli/analysis.h"
#include "cli/commands.h"
#include "cli/find.h"
#include "cli/model_file.h"

#define PATH_BYTES 4096
#define RUNS_MAX 101
#define NOISE_SEED 1u

enum { OPT_SECONDS, OPT_RATE, OPT_CHANNELS, OPT_RUNS, OPT_CHUNK, OPT_PRECISION, OPT_MODEL, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_SECONDS] = {"seconds", 's', "S", "length of the noise made when no FILE is named (60)", false},
    [OPT_RATE] = {"rate", 0, "HZ", "its rate (44100)", false},
    [OPT_CHANNELS] = {"channels", 0, "N", "its channels (2)", false},
    [OPT_RUNS] = {"runs", 'n', "N", "runs, of which the median is told (5)", false},
    [OPT_CHUNK] = {"chunk", 0, "SECONDS", "sound judged at a time (10, as in analyze; listen has 0.4)", false},
    [OPT_PRECISION] = {"precision", 0, "P", "fp32, bf16, or auto as in analyze (auto)", true},
    [OPT_MODEL] = {"model", 'm', "FILE", "detector to use instead of the one that ships", true},
};

static const mewl_cli_usage usage = {
    .command = "bench",
    .operands = "[FILE]",
    .about = "Analyses FILE, or noise, several times and tells the processor time that each stage takes for a second\n"
             "of sound (median of the runs, one thread), and how many times faster than the sound itself that is.",
    .options = options,
    .examples = "  mewl bench\n"
                "  mewl bench --runs 11 --precision bf16 night.m4a\n"
                "  mewl bench --chunk 0.4 --json\n"};

enum { STAGE_DECODE, STAGE_RESAMPLE, STAGE_FRONT_END, STAGE_NET, STAGE_DETECT, STAGE_TOTAL, STAGE_COUNT };
static const char *const stage_names[STAGE_COUNT] = {"decode", "resample", "front end", "network", "detect", "total"};
static const char *const stage_keys[STAGE_COUNT] = {"decode", "resample", "front_end", "net", "detect", "total"};

typedef struct figures {
    double ms[STAGE_COUNT][RUNS_MAX]; /* processor milliseconds a second of sound */
    size_t runs;
    double seconds;
    mewl_source_info info;
} figures;

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void put_number(uint8_t *to, uint32_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(number >> (8 * i));
    }
}

/* A wav file of quiet noise (RMS -26 dBFS) under a temporary name, which is written to `path`. */
static bool write_noise(char *path, size_t path_size, double seconds, uint32_t rate, uint32_t channels)
{
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path, path_size, "%s/mewl-bench-XXXXXX.wav", folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    int fd = mkstemps(path, 4);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (file == NULL) {
        return false;
    }
    uint32_t frames = (uint32_t)(seconds * (double)rate), bytes = 2 * frames * channels;
    uint8_t header[44] = "RIFF....WAVEfmt ";
    put_number(header + 4, 36 + bytes, 4);
    put_number(header + 16, 16, 4);
    put_number(header + 20, 1, 2);
    put_number(header + 22, channels, 2);
    put_number(header + 24, rate, 4);
    put_number(header + 28, 2 * rate * channels, 4);
    put_number(header + 32, 2 * channels, 2);
    put_number(header + 34, 16, 2);
    memcpy(header + 36, "data", 4);
    put_number(header + 40, bytes, 4);
    bool ok = fwrite(header, sizeof header, 1, file) == 1;
    mewl_rng rng = mewl_rng_seeded(NOISE_SEED);
    for (uint32_t i = 0; i < frames * channels && ok; i++) {
        uint8_t sample[2];
        put_number(sample, (uint32_t)(int32_t)(0.05 * 32767.0 * fmax(-10.0, fmin(10.0, mewl_rng_normal(&rng)))), 2);
        ok = fwrite(sample, sizeof sample, 1, file) == 1;
    }
    return fclose(file) == 0 && ok;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, size_t count)
{
    double sorted[RUNS_MAX];
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_size);
    return count % 2 == 1 ? sorted[count / 2] : 0.5 * (sorted[count / 2 - 1] + sorted[count / 2]);
}

static void measure(figures *f, const mewl_analysis *a, double total_s)
{
    const double stage_s[STAGE_COUNT] = {a->decode_s,   a->cost.resample_s, a->cost.front_end_s,
                                         a->cost.net_s, a->cost.detect_s,   total_s};
    for (size_t s = 0; s < STAGE_COUNT; s++) {
        f->ms[s][f->runs] = 1e3 * stage_s[s] / a->seconds;
    }
    f->seconds = a->seconds;
    f->info = a->info;
    f->runs++;
}

static double peak_megabytes(void)
{
    struct rusage usage_now;
    return getrusage(RUSAGE_SELF, &usage_now) == 0 ? (double)usage_now.ru_maxrss / 1024.0 : NAN;
}

static int print_figures(const mewl_cli *cli, const figures *f)
{
    double total = median(f->ms[STAGE_TOTAL], f->runs);
    if (!cli->json && !cli->ndjson) {
        (void)printf("%.1f s of sound at %.0f Hz, %d channel%s; median of %zu run%s, one thread\n", f->seconds,
                     f->info.source_rate_hz, f->info.source_channels,
                     mewl_cli_s((unsigned long long)f->info.source_channels), f->runs, mewl_cli_s(f->runs));
        for (size_t s = 0; s < STAGE_COUNT; s++) {
            (void)printf("  %-10s %8.3f ms a second\n", stage_names[s], median(f->ms[s], f->runs));
        }
        (void)printf("  %.0f times as fast as the sound; an hour takes %.1f s; at most %.0f MB of memory\n",
                     1e3 / total, 3.6 * total, peak_megabytes());
        return MEWL_EXIT_DONE;
    }
    json_t *document = json_object(), *stages = json_object();
    mewl_status status = MEWL_OK;
    for (size_t s = 0; s < STAGE_COUNT && status == MEWL_OK; s++) {
        status = mewl_json_set_real(stages, stage_keys[s], median(f->ms[s], f->runs));
    }
    status = status == MEWL_OK ? mewl_json_set_string(document, "event", "bench") : status;
    status = status == MEWL_OK ? mewl_json_set_real(document, "seconds", f->seconds) : status;
    status = status == MEWL_OK ? mewl_json_set_real(document, "rate_hz", f->info.source_rate_hz) : status;
    status = status == MEWL_OK ? mewl_json_set_int(document, "channels", f->info.source_channels) : status;
    status = status == MEWL_OK ? mewl_json_set_int(document, "runs", (int64_t)f->runs) : status;
    mewl_status put = mewl_json_set(document, "cpu_ms_per_second", stages);
    status = status == MEWL_OK ? put : status;
    status = status == MEWL_OK ? mewl_json_set_real(document, "times_real_time", 1e3 / total) : status;
    status = status == MEWL_OK ? mewl_json_set_real(document, "peak_rss_mb", peak_megabytes()) : status;
    status = status == MEWL_OK ? mewl_json_print(document, stdout, cli->json, NULL) : status;
    json_decref(document);
    return status == MEWL_OK ? MEWL_EXIT_DONE : MEWL_EXIT_FAILED;
}

static int bench(mewl_cli *cli, mewl_model *model, const char *path, double chunk_s, bool bf16, long runs)
{
    mewl_error err = {0};
    figures *f = calloc(1, sizeof *f);
    mewl_analysis_opts opts = {.session = {.chunk_s = chunk_s, .bf16 = bf16}};
    mewl_status status = f == NULL ? mewl_error_set(&err, MEWL_E_MEMORY, "out of memory")
                                   : mewl_session_episode_opts(&opts.session.episodes, model, &err);
    /* One more run than counted: the first plans the network and warms the caches. */
    for (long i = 0; i <= runs && status == MEWL_OK; i++) {
        mewl_analysis analysis;
        double start_s = cpu_s();
        status = mewl_analysis_run(&analysis, model, path, opts);
        if (status != MEWL_OK) {
            err = analysis.error;
        } else if (i > 0) {
            measure(f, &analysis, cpu_s() - start_s);
        }
        mewl_analysis_fini(&analysis);
        mewl_cli_report(cli, (double)i, (double)runs, "measuring");
    }
    mewl_cli_report_clear(cli);
    int code = status == MEWL_OK ? print_figures(cli, f) : mewl_cli_fail(cli, &err);
    free(f);
    return code;
}

int mewl_cmd_bench(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    double seconds = 60.0, chunk_s = MEWL_SESSION_CHUNK_FILE_S;
    long runs = 5, rate = 44100, channels = 2;
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc > 1) {
        return mewl_cli_usage_error(cli, "name one recording at most");
    }
    if (!mewl_cli_number(cli, "seconds", value[OPT_SECONDS], 1.0, 3600.0, &seconds) ||
        !mewl_cli_number(cli, "chunk", value[OPT_CHUNK], 0.08, 60.0, &chunk_s) ||
        !mewl_cli_integer(cli, "rate", value[OPT_RATE], 8000, 192000, &rate) ||
        !mewl_cli_integer(cli, "channels", value[OPT_CHANNELS], 1, 2, &channels) ||
        !mewl_cli_integer(cli, "runs", value[OPT_RUNS], 1, RUNS_MAX, &runs)) {
        return MEWL_EXIT_USAGE;
    }
    bool bf16 = false;
    code = mewl_cli_precision(cli, value[OPT_PRECISION], &bf16);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    char model_path[PATH_BYTES], noise[PATH_BYTES] = "";
    mewl_error err = {0};
    mewl_model *model = NULL;
    if (mewl_cli_find_model(cli, model_path, sizeof model_path, value[OPT_MODEL], &err) != MEWL_OK ||
        mewl_cli_detector_load(&model, model_path, &err) != MEWL_OK) {
        mewl_cli_error(cli, "%s", err.text);
        return MEWL_EXIT_FAILED;
    }
    if (argc == 0 && !write_noise(noise, sizeof noise, seconds, (uint32_t)rate, (uint32_t)channels)) {
        mewl_cli_error(cli, "%s: the noise to measure on could not be written", noise);
        code = MEWL_EXIT_FAILED;
    } else {
        code = bench(cli, model, argc == 1 ? argv[0] : noise, chunk_s, bf16, runs);
    }
    if (noise[0] != '\0') {
        (void)unlink(noise);
    }
    mewl_model_free(model);
    return code;
}
