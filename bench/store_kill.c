/* store_kill.c - `bench-store-kill FOLDER [KILLS [SEED]]`: kills a writer to a store in FOLDER at random moments, KILLS
 * times (10,000), and says whether anything acknowledged was lost. What is done to it is in tests/store/killing.h. */
#include <stdbool.h>
#include <stdint.h>

#include "../tests/store/killing.h"

static void progress(unsigned done, unsigned total)
{
    if (done % 500 == 0 || done == total) {
        (void)fprintf(stderr, "%u of %u kills\n", done, total);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 4) {
        (void)fprintf(stderr, "usage: bench-store-kill FOLDER [KILLS [SEED]]\n");
        return 2;
    }
    const unsigned kills = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10000;
    const uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    killing_report report;
    char why[256] = "";
    struct timespec begin, end;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    const bool ok = killing_run(argv[1], kills, seed, 40.0, &report, why, progress);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    (void)printf("seed %llu: %u kills in %.0f s: %u before the store was open (%u stores of an older form), %u "
                 "while writing, %u of these cut a transaction; %llu rows acknowledged\n",
                 (unsigned long long)seed, report.kills, difftime(end.tv_sec, begin.tv_sec), report.in_open,
                 report.migrations, report.in_write, report.half, (unsigned long long)report.acknowledged);
    if (ok) {
        (void)puts("no acknowledged row lost, no transaction in part, integrity_check ok after every kill");
    } else {
        (void)printf("FAILED after %u kills: %s\n", report.kills, why);
    }
    return ok ? 0 : 1;
}
