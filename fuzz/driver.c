/* driver.c - runs a fuzz harness without a fuzzer: replays files, then mutates them, the same way for the same seed.
 *
 * Not a coverage-guided fuzzer: the same harness linked with `clang -fsanitize=fuzzer` is one (meson option
 * `libfuzzer`). A harness is one file fuzz_<target>.c with LLVMFuzzerTestOneInput. This program prints and exits: it is
 * a test tool.
 *
 *     fuzz_<target> [--runs N] [--seed S] [--first I] [--max-bytes B] [--seconds T] FILE|FOLDER…
 *
 * Every file is replayed as it is; then inputs I, I+1, … I+N-1 are made. Input I depends on the seed, on I and on the
 * corpus alone, so that a finding is repeated by `--first I --runs 1`. When the harness dies (signal, sanitizer, more
 * than 20 seconds on one input), the input is written to crash-<target>-<seed>-<I>.bin in the current folder. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/rng.h"

#define CORPUS_MAX 4096
#define FILE_MAX ((size_t)64 << 20)
#define INPUT_SECONDS_MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

typedef struct corpus {
    uint8_t **data;
    size_t *sizes;
    size_t count;
} corpus;

/* What the death callback and signal handler, which take no argument, need to know. */
static struct {
    const uint8_t *data;
    size_t size;
    char crash_path[256];
    char sentence[512];
    bool reported;
} current;

static void report_death(void)
{
    if (current.reported || current.data == NULL) {
        return;
    }
    current.reported = true;
    FILE *f = fopen(current.crash_path, "wb");
    if (f != NULL) {
        (void)fwrite(current.data, 1, current.size, f);
        (void)fclose(f);
    }
    (void)!write(STDERR_FILENO, current.sentence, strlen(current.sentence));
}

static void die_of_signal(int signal_number)
{
    report_death();
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static void run_one(const char *target, uint64_t seed, const char *label, const uint8_t *data, size_t size)
{
    /* A block of exactly this size, so that a sanitizer sees the first byte read beyond it. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL) {
        (void)fprintf(stderr, "%s: out of memory for an input of %zu bytes\n", target, size);
        exit(1);
    }
    memcpy(exact, data, size);
    (void)snprintf(current.crash_path, sizeof current.crash_path, "crash-%s-%" PRIu64 "-%s.bin", target, seed, label);
    (void)snprintf(current.sentence, sizeof current.sentence,
                   "\n%s: died on input %s of seed %" PRIu64 ", written to %s\n", target, label, seed,
                   current.crash_path);
    current.size = size;
    current.data = exact;
    (void)alarm(INPUT_SECONDS_MAX);
    (void)LLVMFuzzerTestOneInput(exact, size);
    (void)alarm(0);
    current.data = NULL;
    free(exact);
}

static void corpus_add(corpus *c, const char *path)
{
    if (mewl_folder_exists(path)) {
        mewl_folder_list list;
        mewl_error err = {0};
        if (mewl_folder_read(&list, path, CORPUS_MAX, &err) != MEWL_OK) {
            (void)fprintf(stderr, "%s\n", err.text);
            exit(2);
        }
        for (size_t i = 0; i < list.count; i++) {
            char *inside = mewl_folder_join(path, list.names[i]);
            if (inside != NULL && !mewl_folder_exists(inside)) {
                corpus_add(c, inside);
            }
            free(inside);
        }
        mewl_folder_list_fini(&list);
        return;
    }
    mewl_error err = {0};
    char *data = NULL;
    size_t size = 0;
    if (c->count == CORPUS_MAX || mewl_file_read_all(&data, &size, path, FILE_MAX, &err) != MEWL_OK) {
        (void)fprintf(stderr, "%s\n", c->count == CORPUS_MAX ? "too many corpus files" : err.text);
        exit(2);
    }
    c->data[c->count] = (uint8_t *)data;
    c->sizes[c->count++] = size;
}

/* An input under construction, in a block of `max` bytes. */
typedef struct input {
    uint8_t *bytes;
    size_t size, max;
} input;

static void bytes_remove(input *in, size_t at, size_t count)
{
    memmove(in->bytes + at, in->bytes + at + count, in->size - at - count);
    in->size -= count;
}

static void bytes_insert(input *in, size_t at, const uint8_t *from, size_t count)
{
    if (count > in->max - in->size) {
        count = in->max - in->size;
    }
    memmove(in->bytes + at + count, in->bytes + at, in->size - at);
    if (from != NULL) {
        memcpy(in->bytes + at, from, count);
    }
    in->size += count;
}

/* Numbers where length checks go wrong; then, as doubles, 2^1000, 2^199, 2^-1000, the least above 0 (1, above),
 * infinity, no number, 1 and some of them below 0. */
static const uint64_t edges[] = {0,
                                 1,
                                 2,
                                 7,
                                 8,
                                 0x7f,
                                 0x80,
                                 0xff,
                                 0x100,
                                 0x7fff,
                                 0x8000,
                                 0xffff,
                                 0x10000,
                                 0x7fffffff,
                                 0x80000000,
                                 0xfffffffc,
                                 0xffffffff,
                                 0x100000000,
                                 1ull << 40,
                                 1ull << 62,
                                 1ull << 63,
                                 UINT64_MAX,
                                 UINT64_MAX - 7,
                                 0x7e70000000000000,
                                 0x4c60000000000000,
                                 0x0170000000000000,
                                 0x7ff0000000000000,
                                 0x7ff8000000000000,
                                 0x3ff0000000000000,
                                 0xfe70000000000000,
                                 0xcc60000000000000};

/* Mostly the first kilobyte, where headers are. */
static size_t position(const input *in, mewl_rng *rng)
{
    size_t reach = mewl_rng_below(rng, 4) != 0 && in->size > 1024 ? 1024 : in->size;
    return (size_t)mewl_rng_below(rng, reach);
}

static void number_overwrite(input *in, mewl_rng *rng)
{
    size_t width = (size_t)1 << mewl_rng_below(rng, 4);
    if (in->size < width) {
        return;
    }
    size_t at = position(in, rng);
    at = at > in->size - width ? in->size - width : at;
    uint64_t value = 0;
    memcpy(&value, in->bytes + at, width);
    switch (mewl_rng_below(rng, 3)) {
    case 0:
        value = edges[mewl_rng_below(rng, sizeof edges / sizeof edges[0])];
        break;
    case 1:
        value += mewl_rng_below(rng, 33) - 16;
        break;
    default:
        value = in->size - at + mewl_rng_below(rng, 17) - 8; /* close to what is left: off by a few */
    }
    if (mewl_rng_below(rng, 8) == 0) {
        value = __builtin_bswap64(value) >> (64 - 8 * width);
    }
    memcpy(in->bytes + at, &value, width);
}

/* Replaces a decimal number written in text by an awkward one. */
static void text_number_replace(input *in, mewl_rng *rng)
{
    static const char *const awkward[] = {"0",
                                          "-1",
                                          "1e999",
                                          "18446744073709551616",
                                          "9223372036854775808",
                                          "-0",
                                          "1.5",
                                          "nan",
                                          "inf",
                                          "4294967296",
                                          "0x10",
                                          "",
                                          "1e-400",
                                          "00",
                                          "2147483648"};
    size_t at = position(in, rng);
    while (at < in->size && (in->bytes[at] < '0' || in->bytes[at] > '9')) {
        at++;
    }
    size_t end = at;
    while (end < in->size && in->bytes[end] >= '0' && in->bytes[end] <= '9') {
        end++;
    }
    if (end > at) {
        const char *text = awkward[mewl_rng_below(rng, sizeof awkward / sizeof awkward[0])];
        bytes_remove(in, at, end - at);
        bytes_insert(in, at, (const uint8_t *)text, strlen(text));
    }
}

static void mutate_once(input *in, const corpus *c, mewl_rng *rng)
{
    if (in->size == 0) {
        uint8_t byte = (uint8_t)mewl_rng_u64(rng);
        bytes_insert(in, 0, &byte, 1);
        return;
    }
    size_t at = position(in, rng);
    size_t left = in->size - at;
    size_t span = 1 + (size_t)mewl_rng_below(rng, left < 64 ? left : mewl_rng_below(rng, 8) == 0 ? left : 64);
    switch (mewl_rng_below(rng, 10)) {
    case 0:
    case 1:
        in->bytes[at] ^= (uint8_t)(1u << mewl_rng_below(rng, 8));
        break;
    case 2:
        in->bytes[at] = (uint8_t)mewl_rng_u64(rng);
        break;
    case 3:
    case 4:
        number_overwrite(in, rng);
        break;
    case 5:
        bytes_remove(in, at, span);
        break;
    case 6: { /* repeat a piece */
        uint8_t piece[64];
        size_t count = span < sizeof piece ? span : sizeof piece;
        memcpy(piece, in->bytes + at, count);
        bytes_insert(in, (size_t)mewl_rng_below(rng, in->size + 1), piece, count);
        break;
    }
    case 7: { /* a piece of another corpus file */
        size_t other = (size_t)mewl_rng_below(rng, c->count);
        if (c->sizes[other] > 0) {
            size_t from = (size_t)mewl_rng_below(rng, c->sizes[other]);
            size_t count = 1 + (size_t)mewl_rng_below(rng, c->sizes[other] - from < 256 ? c->sizes[other] - from : 256);
            bytes_insert(in, at, c->data[other] + from, count);
        }
        break;
    }
    case 8:
        text_number_replace(in, rng);
        break;
    default:
        in->size = mewl_rng_below(rng, 4) == 0 ? (size_t)mewl_rng_below(rng, in->size + 1) : in->size;
    }
}

static uint64_t number_argument(const char *option, const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = text != NULL ? strtoull(text, &end, 10) : 0;
    if (text == NULL || end == text || *end != '\0' || errno != 0) {
        (void)fprintf(stderr, "%s needs a whole number\n", option);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    uint64_t runs = 1000, seed = 1, first = 0, max_bytes = 65536, seconds = 0;
    corpus c = {calloc(CORPUS_MAX, sizeof *c.data), calloc(CORPUS_MAX, sizeof *c.sizes), 0};
    const char *slash = strrchr(argv[0], '/');
    const char *target = slash != NULL ? slash + 1 : argv[0];
    static const struct {
        const char *name;
    } options[] = {{"--runs"}, {"--seed"}, {"--first"}, {"--max-bytes"}, {"--seconds"}};
    uint64_t *const values[] = {&runs, &seed, &first, &max_bytes, &seconds};
    if (c.data == NULL || c.sizes == NULL) {
        return 1;
    }
    if (LLVMFuzzerInitialize != NULL) {
        (void)LLVMFuzzerInitialize(&argc, &argv);
    }
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        while (k < sizeof options / sizeof options[0] && strcmp(argv[i], options[k].name) != 0) {
            k++;
        }
        if (k < sizeof options / sizeof options[0]) {
            *values[k] = number_argument(options[k].name, i + 1 < argc ? argv[i + 1] : NULL);
            i++;
        } else {
            corpus_add(&c, argv[i]);
        }
    }
    if (c.count == 0) { /* start from nothing */
        c.data[0] = calloc(1, 1);
        c.sizes[c.count++] = 0;
    }
    if (max_bytes == 0 || max_bytes > FILE_MAX) {
        (void)fprintf(stderr, "--max-bytes: 1 to %zu\n", FILE_MAX);
        return 2;
    }
    for (size_t i = 0; i < c.count; i++) { /* seeds are replayed in full and never cut: a cut one teaches nothing */
        max_bytes = c.sizes[i] > max_bytes ? c.sizes[i] : max_bytes;
    }
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM};
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(report_death);
    }
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        if (__sanitizer_set_death_callback == NULL || deadly[i] == SIGALRM || deadly[i] == SIGABRT) {
            (void)signal(deadly[i], die_of_signal);
        }
    }
    for (size_t i = 0; i < c.count; i++) {
        char label[64];
        (void)snprintf(label, sizeof label, "file%zu", i);
        run_one(target, seed, label, c.data[i], c.sizes[i]);
    }
    /* Room to grow by a quarter, for insertions. */
    input in = {malloc(max_bytes + max_bytes / 4 + 1), 0, max_bytes + max_bytes / 4 + 1};
    if (in.bytes == NULL) {
        return 1;
    }
    time_t start = time(NULL);
    uint64_t done = 0;
    for (; done < runs && (seconds == 0 || (uint64_t)(time(NULL) - start) < seconds); done++) {
        mewl_rng rng = mewl_rng_stream(seed, first + done);
        size_t from = (size_t)mewl_rng_below(&rng, c.count);
        in.size = c.sizes[from];
        memcpy(in.bytes, c.data[from], in.size);
        for (uint64_t steps = 1 + mewl_rng_below(&rng, 6); steps > 0; steps--) {
            mutate_once(&in, &c, &rng);
        }
        char label[64];
        (void)snprintf(label, sizeof label, "%" PRIu64, first + done);
        run_one(target, seed, label, in.bytes, in.size);
    }
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("%s: %zu files and %" PRIu64 " inputs of seed %" PRIu64 ", nothing found, at most %ld MB\n", target,
                 c.count, done, seed, usage.ru_maxrss / 1024);
    for (size_t i = 0; i < c.count; i++) {
        free(c.data[i]);
    }
    free(c.data);
    free(c.sizes);
    free(in.bytes);
    return 0;
}
