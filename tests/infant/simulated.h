/* simulated.h - for the tests of infant: infants as points in a space of numbers, with sessions around them. */
#ifndef MEWL_TESTS_INFANT_SIMULATED_H
#define MEWL_TESTS_INFANT_SIMULATED_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "infant/infant.h"

#define DIMS 12

/* Between infants 1 in every direction, between sessions 0.5, between recordings of one session 0.4. */
typedef struct simulated {
    mewl_rng rng;
    double centre[DIMS];
    double session[DIMS];
    float embedding[DIMS];
    double measure;
    double surrounding;
} simulated;

static inline simulated simulated_infant(uint64_t seed, uint64_t number)
{
    simulated s = {.rng = mewl_rng_stream(seed, number)};
    for (size_t j = 0; j < DIMS; j++) {
        s.centre[j] = mewl_rng_normal(&s.rng);
    }
    return s;
}

static inline void simulated_session(simulated *s)
{
    for (size_t j = 0; j < DIMS; j++) {
        s->session[j] = s->centre[j] + 0.5 * mewl_rng_normal(&s->rng);
    }
}

/* A usable recording at `time_s`, moved by `shift` in the first direction; its pointers are the simulated infant's. The
 * first numbers are large, so that directions matter and not lengths. */
static inline mewl_recording simulated_recording(simulated *s, double time_s, double shift)
{
    for (size_t j = 0; j < DIMS; j++) {
        s->embedding[j] = (float)(s->session[j] + 0.4 * mewl_rng_normal(&s->rng) + (j == 0 ? shift : 0));
    }
    s->measure = s->session[0] + 0.4 * mewl_rng_normal(&s->rng) + shift;
    s->surrounding = mewl_rng_normal(&s->rng);
    return (mewl_recording){.time_s = time_s,
                            .source = 1,
                            .embedding = s->embedding,
                            .figures = {.cry = 0.99, .snr_db = 20, .clipped = 0, .seconds = 3},
                            .measures = &s->measure,
                            .surroundings = &s->surrounding};
}

/* A population of `infants` with four sessions of two recordings each, calibration for `kinds`. */
static inline void simulated_population(mewl_population *out, uint64_t seed, size_t infants, unsigned kinds)
{
    size_t rows = infants * 8;
    float *x = calloc(rows * DIMS, sizeof *x);
    size_t *infant = calloc(rows, sizeof *infant);
    size_t *session = calloc(rows, sizeof *session);
    assert_true(x != NULL && infant != NULL && session != NULL);
    for (size_t i = 0; i < rows; i += 8) {
        simulated s = simulated_infant(seed, 1000 + i / 8);
        for (size_t k = 0; k < 8; k++) {
            if (k % 2 == 0) {
                simulated_session(&s);
            }
            simulated_recording(&s, 0, 0);
            memcpy(x + (i + k) * DIMS, s.embedding, sizeof s.embedding);
            infant[i + k] = i / 8;
            session[i + k] = k / 2;
        }
    }
    mewl_error err = {0};
    mewl_population_opts opts = {.kinds = kinds};
    if (mewl_population_fit(out, x, infant, session, rows, DIMS, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    free(x);
    free(infant);
    free(session);
}

/* Enrols `sessions` sessions of two recordings, one every six hours from time 0. Returns the time after them. */
static inline double simulated_enrol(mewl_infant *infant, simulated *s, size_t sessions)
{
    float *x = calloc(sessions * 2 * DIMS, sizeof *x);
    double *figures = calloc(sessions * 4, sizeof *figures);
    mewl_recording *list = calloc(sessions * 2, sizeof *list);
    assert_true(x != NULL && figures != NULL && list != NULL);
    for (size_t i = 0; i < sessions * 2; i++) {
        if (i % 2 == 0) {
            simulated_session(s);
        }
        list[i] = simulated_recording(s, (double)(i / 2) * 21600 + (double)(i % 2) * 60, 0);
        memcpy(x + i * DIMS, s->embedding, sizeof s->embedding);
        figures[2 * i] = s->measure;
        figures[2 * i + 1] = s->surrounding;
        list[i].embedding = x + i * DIMS;
        list[i].measures = figures + 2 * i;
        list[i].surroundings = figures + 2 * i + 1;
    }
    mewl_error err = {0};
    size_t unusable = 9;
    if (mewl_infant_enrol(infant, &unusable, list, sessions * 2, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(unusable == 0);
    free(x);
    free(figures);
    free(list);
    return (double)sessions * 21600;
}

#endif
