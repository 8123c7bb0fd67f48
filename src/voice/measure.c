/* measure.c - see measure.h: the measures as rows, as one call and as a vector. */
#include "voice/measure.h"

#include <math.h>
#include <string.h>

#include "voice/analysis.h"

typedef struct row {
    const char *name, *unit, *about;
    size_t offset;
} row;

static const row rows[] = {
#define X(field, unit, what) {#field, unit, what, offsetof(mewl_voice, field)},
    MEWL_VOICE_ROWS(X)
#undef X
};

#define ROWS (sizeof rows / sizeof rows[0])

mewl_status mewl_voice_measure(mewl_voice *out, const float *samples, size_t count, double rate_hz, mewl_error *err)
{
    mewl_voice_analysis analysis;
    mewl_status status = mewl_voice_analyse(&analysis, samples, count, rate_hz, err);
    *out = analysis.measures;
    mewl_voice_analysis_fini(&analysis);
    return status;
}

size_t mewl_voice_count(void)
{
    return ROWS;
}

const char *mewl_voice_name(size_t index)
{
    return index < ROWS ? rows[index].name : NULL;
}

const char *mewl_voice_unit(size_t index)
{
    return index < ROWS ? rows[index].unit : NULL;
}

const char *mewl_voice_about(size_t index)
{
    return index < ROWS ? rows[index].about : NULL;
}

double mewl_voice_value(const mewl_voice *voice, size_t index)
{
    double value = NAN;
    if (index < ROWS) {
        memcpy(&value, (const char *)voice + rows[index].offset, sizeof value);
    }
    return value;
}

size_t mewl_voice_find(const char *name)
{
    size_t i = 0;
    while (i < ROWS && strcmp(rows[i].name, name) != 0) {
        i++;
    }
    return i;
}

static const char *const vector_names[MEWL_VOICE_VECTOR_DIMS] = {
    "log_f0", "log_f0_range", "log_hyperphonation", "log_dysphonation", "log_jitter", "log_shimmer", "hnr_db",
    "log_f1", "log_f2",       "log_burst"};

const char *mewl_voice_vector_name(size_t dim)
{
    return dim < MEWL_VOICE_VECTOR_DIMS ? vector_names[dim] : NULL;
}

void mewl_voice_vector(double out[MEWL_VOICE_VECTOR_DIMS], const mewl_voice *v)
{
    out[0] = log(v->f0_phonation_hz);
    out[1] = log(1 + v->f0_range_st);
    out[2] = log(0.01 + v->hyperphonation); /* shares may be 0: a hundredth is where they begin to count */
    out[3] = log(0.01 + v->dysphonation);
    out[4] = log(1e-4 + v->jitter_local);
    out[5] = log(1e-3 + v->shimmer_local_db);
    out[6] = v->hnr_db;
    out[7] = log(v->f1_hz);
    out[8] = log(v->f2_hz);
    out[9] = log(v->burst_mean_s);
}
