/* personal.c - how long a personal model takes: enrolment of 40 recordings by each kind and by all, scoring one
 * recording through both gates, one session learned from.
 *
 *     personal [DIMS]
 *
 * DIMS numbers an embedding, 192 unless said otherwise, from a simulated population of 60 infants reduced to 64. Prints
 * processor time, one thread: on a busy machine that is the one to believe.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "infant/infant.h"

enum { INFANTS = 60, EACH = 8, ENROLLED = 40, SCORED = 2000, SESSIONS = 20 };

static double processor_ms(void)
{
    struct timespec t;
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0 ? (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6 : 0;
}

/* Recordings two to a session, around a centre of the infant's own. */
static void draw(float *x, size_t rows, size_t dims, uint64_t number)
{
    mewl_rng centre = mewl_rng_stream(1, number);
    mewl_rng rng = mewl_rng_stream(2, number);
    for (size_t j = 0; j < dims; j++) {
        double own = mewl_rng_normal(&centre);
        double session = 0;
        for (size_t i = 0; i < rows; i++) {
            session = i % 2 == 0 ? 0.5 * mewl_rng_normal(&rng) : session;
            x[i * dims + j] = (float)(own + session + 0.4 * mewl_rng_normal(&rng));
        }
    }
}

static mewl_status make_population(mewl_population *population, size_t dims, mewl_error *err)
{
    size_t rows = INFANTS * EACH;
    float *x = malloc(rows * dims * sizeof *x);
    size_t *infant = malloc(2 * rows * sizeof *infant);
    mewl_status status = x == NULL || infant == NULL ? MEWL_E_MEMORY : MEWL_OK;
    for (size_t i = 0; i < INFANTS && status == MEWL_OK; i++) {
        draw(x + i * EACH * dims, EACH, dims, 100 + i);
        for (size_t k = 0; k < EACH; k++) {
            infant[i * EACH + k] = i;
            infant[rows + i * EACH + k] = k / 2;
        }
    }
    if (status == MEWL_OK) {
        status = mewl_population_fit(population, x, infant, infant + rows, rows, dims, (mewl_population_opts){0}, err);
    }
    free(x);
    free(infant);
    return status;
}

static mewl_recording recording(const float *x, double time_s)
{
    return (mewl_recording){
        .time_s = time_s, .embedding = x, .figures = {.cry = 0.9, .snr_db = 20, .clipped = 0, .seconds = 4}};
}

static mewl_status time_kind(double *enrol_ms, const mewl_population *population, mewl_personal_kind kind,
                             const float *x, size_t dims, mewl_error *err)
{
    mewl_infant *infant = NULL;
    mewl_recording list[ENROLLED];
    mewl_verdict verdict;
    mewl_entry entries[MEWL_INFANT_ENTRIES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < ENROLLED; i++) {
        list[i] = recording(x + i * dims, (double)(i / 2) * 21600 + (double)(i % 2) * 60);
    }
    MEWL_TRY(mewl_infant_new(&infant, dims, population, (mewl_infant_opts){.kind = kind}, err));
    double start = processor_ms();
    mewl_status status = mewl_infant_enrol(infant, NULL, list, ENROLLED, err);
    *enrol_ms = processor_ms() - start;
    start = processor_ms();
    for (size_t i = 0; i < SCORED && status == MEWL_OK; i++) {
        status = mewl_infant_score(infant, &verdict, &list[i % ENROLLED], err);
    }
    double score_ms = (processor_ms() - start) / SCORED;
    start = processor_ms();
    for (size_t i = 0; i < 2 * SESSIONS && status == MEWL_OK; i++) {
        mewl_recording next = recording(x + i * dims, 1e7 + (double)(i / 2) * 21600 + (double)(i % 2) * 60);
        status = mewl_infant_hear(infant, &verdict, entries, &count, &next, err);
    }
    double session_ms = (processor_ms() - start) / SESSIONS;
    printf("%-12s enrolment of %d: %8.1f ms   score and gates: %.4f ms   a session learned: %.1f ms\n",
           mewl_personal_name(kind), ENROLLED, *enrol_ms, score_ms, session_ms);
    mewl_infant_free(infant);
    return status;
}

int main(int argc, char **argv)
{
    size_t dims = argc > 1 ? strtoul(argv[1], NULL, 10) : 192;
    mewl_error err = {0};
    mewl_population population;
    if (dims < 8 || dims > MEWL_LEARN_DIMS_MAX || make_population(&population, dims, &err) != MEWL_OK) {
        (void)fprintf(stderr, "personal: %s\n", err.text[0] != '\0' ? err.text : "no memory, or DIMS out of range");
        return 1;
    }
    float *x = malloc(ENROLLED * dims * sizeof *x);
    double sum = 0;
    mewl_status status = x == NULL ? MEWL_E_MEMORY : MEWL_OK;
    for (size_t kind = 0; kind < MEWL_PERSONAL_KINDS && status == MEWL_OK; kind++) {
        double ms = 0;
        draw(x, ENROLLED, dims, 1);
        status = time_kind(&ms, &population, (mewl_personal_kind)kind, x, dims, &err);
        sum += ms;
    }
    printf("all six      enrolment of %d: %8.1f ms\n", ENROLLED, sum);
    if (status != MEWL_OK) {
        (void)fprintf(stderr, "personal: %s\n", err.text);
    }
    free(x);
    mewl_population_fini(&population);
    return status == MEWL_OK ? 0 : 1;
}
