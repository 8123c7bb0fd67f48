/* golden.h - for tests alone: reads what Praat said of a made sound (golden/praat.txt, by tools/golden_praat.py). */
#ifndef MEWL_TESTS_GOLDEN_H
#define MEWL_TESTS_GOLDEN_H

#include <stdio.h>
#include <string.h>

#define GOLDEN_FRAMES 400

typedef struct golden {
    double first_s, jitter_local, jitter_rap, shimmer_db, shimmer_local, hnr_db;
    size_t frames;
    double f0[GOLDEN_FRAMES];
} golden;

static inline golden golden_read(const char *wanted)
{
    golden g = {0};
    FILE *file = fopen(GOLDEN "/praat.txt", "r");
    assert_non_null(file);
    char name[32];
    for (;;) {
        assert_int_equal(fscanf(file, "%31s %lf %zu %lf %lf %lf %lf %lf", name, &g.first_s, &g.frames, &g.jitter_local,
                                &g.jitter_rap, &g.shimmer_db, &g.shimmer_local, &g.hnr_db),
                         8);
        assert_true(g.frames <= GOLDEN_FRAMES);
        for (size_t i = 0; i < g.frames; i++) {
            assert_int_equal(fscanf(file, "%lf", &g.f0[i]), 1);
        }
        if (strcmp(name, wanted) == 0) {
            (void)fclose(file);
            return g;
        }
    }
}

#endif
