/* fuzz_infant.c - any bytes for an infant's own file: an error, or an infant that can be written and read again, and
 * that can hear two sessions more and be written once more. What it then is may be refused for a reason: numbers at the
 * edge of double, which mutations put there and no recording does, grow beyond it in learning. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "infant/infant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the infant and reads it again, which must succeed, or (`may_be_refused`) fail with a reason. */
static void write_and_read(mewl_infant *infant, bool may_be_refused)
{
    mewl_error err = {0};
    mewl_buffer bytes;
    mewl_infant *again = NULL;
    mewl_buffer_init(&bytes, MEWL_INFANT_FILE_BYTES_MAX);
    mewl_status status = mewl_infant_save(infant, &bytes, &err);
    status = status == MEWL_OK ? mewl_infant_load(&again, bytes.data, bytes.size, "what was written", &err) : status;
    if (status != MEWL_OK && (!may_be_refused || err.text[0] == '\0')) {
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
        const double from_s = isfinite(state.last_time_s) ? state.last_time_s : 0;
        const double gap_s = mewl_infant_options(infant)->session_gap_s;
        for (size_t i = 0; i < state.dims; i++) {
            embedding[i] = 0.5F - (float)(i % 7);
        }
        for (int i = 0; i < 2; i++) { /* the second ends the session of the first */
            hear(infant, embedding, from_s + (i + 1) * 1.5 * gap_s);
        }
        write_and_read(infant, true);
    }
    free(embedding);
    mewl_infant_free(infant);
    return 0;
}
