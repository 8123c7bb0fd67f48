/* fuzz_infant.c - any bytes for an infant's own file: an error, or an infant that can be written and read again; that
 * can enrol, hear sessions, accept and dismiss changes; and that after each of these is either refused when written,
 * with a reason (numbers at the edge of double, which mutations put there and no recording does, grow in learning), or
 * written so that it can be read. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "infant/infant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the infant, which may (`may_be_refused`) fail with a reason, and reads what was written, which must succeed.
 */
static void write_and_read(mewl_infant *infant, bool may_be_refused)
{
    mewl_error err = {0};
    mewl_buffer bytes;
    mewl_infant *again = NULL;
    mewl_buffer_init(&bytes, MEWL_INFANT_FILE_BYTES_MAX);
    const mewl_status status = mewl_infant_save(infant, &bytes, &err);
    if (status != MEWL_OK && (!may_be_refused || err.text[0] == '\0' || bytes.size != 0)) {
        abort();
    }
    if (status == MEWL_OK && mewl_infant_load(&again, bytes.data, bytes.size, "what was written", &err) != MEWL_OK) {
        abort();
    }
    mewl_infant_free(again);
    mewl_buffer_fini(&bytes);
}

/* A usable recording after all others. Whatever the file holds, p-values are p-values, and failing has a reason. */
static void hear(mewl_infant *infant, const float *embedding, double time_s)
{
    mewl_error err = {0};
    mewl_verdict verdict;
    mewl_entry entries[MEWL_INFANT_ENTRIES_MAX];
    size_t count = 0;
    const mewl_recording recording = {.time_s = time_s,
                                      .source = 1,
                                      .embedding = embedding,
                                      .figures = {.cry = 0.99, .snr_db = 30, .clipped = 0, .seconds = 3}};
    const mewl_status status = mewl_infant_hear(infant, &verdict, entries, &count, &recording, &err);
    if ((status != MEWL_OK && err.text[0] == '\0') || count > MEWL_INFANT_ENTRIES_MAX) {
        abort();
    }
    if (status == MEWL_OK && verdict.gate == 0 && !(verdict.p.p > 0 && verdict.p.p <= 1)) {
        abort();
    }
}

/* A session of the same recording three times, enrolled. */
static void enrol(mewl_infant *infant, const float *embedding, double time_s)
{
    mewl_error err = {0};
    mewl_recording list[3];
    mewl_entry entries[MEWL_INFANT_ENTRIES_MAX];
    size_t count = 0;
    size_t unusable = 0;
    (void)mewl_infant_end_session(infant, entries, &count, &err);
    for (int i = 0; i < 3; i++) {
        list[i] = (mewl_recording){.time_s = time_s + i,
                                   .source = 1,
                                   .embedding = embedding,
                                   .figures = {.cry = 0.99, .snr_db = 30, .clipped = 0, .seconds = 3}};
    }
    err = (mewl_error){0};
    if (mewl_infant_enrol(infant, &unusable, list, 3, &err) != MEWL_OK && err.text[0] == '\0') {
        abort();
    }
}

/* What a family's weeks may bring, each written and read. */
static void live_on(mewl_infant *infant, float *embedding, size_t dims)
{
    const double gap_s = 1.5 * mewl_infant_options(infant)->session_gap_s;
    for (int i = 0; i < 6; i++) {
        const double last_s = mewl_infant_describe(infant).last_time_s;
        const double time_s = (isfinite(last_s) ? last_s : 0) + gap_s;
        for (size_t j = 0; j < dims; j++) {
            embedding[j] = 0.5F - (float)((j + (size_t)i) % 7);
        }
        if (i == 4) {
            enrol(infant, embedding, time_s);
        } else {
            hear(infant, embedding, time_s); /* ends the session before */
        }
        if (i == 2) {
            mewl_infant_accept_change(infant);
        } else if (i == 3) {
            mewl_infant_dismiss_change(infant);
        }
        write_and_read(infant, true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mewl_error err = {0};
    mewl_infant *infant = NULL;
    const mewl_status status = mewl_infant_load(&infant, data, size, "input", &err);
    if ((status == MEWL_OK) != (infant != NULL) || (status != MEWL_OK && err.text[0] == '\0')) {
        abort();
    }
    if (infant == NULL) {
        return 0;
    }
    write_and_read(infant, false);
    const mewl_infant_state state = mewl_infant_describe(infant);
    float *embedding = malloc(state.dims * sizeof *embedding);
    if (embedding != NULL) {
        live_on(infant, embedding, state.dims);
    }
    free(embedding);
    mewl_infant_free(infant);
    return 0;
}
