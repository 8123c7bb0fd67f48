/* voice.c - see voice.h: reading, and the measures as a table, as JSON, as CSV, as an array. */
#include "cli/voice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/npy.h"
#include "data/csv.h"
#include "voice/egemaps.h"

#define TABLE_BYTES_MAX (1u << 20)
#define TRACK_COLUMNS 3

mewl_status mewl_cli_voice_open(mewl_cli_voice *voice, const char *path, double max_seconds, mewl_error *err)
{
    memset(voice, 0, sizeof *voice);
    MEWL_TRY(mewl_clip_read(&voice->clip, path, 0, max_seconds, err));
    mewl_status status =
        mewl_voice_analyse(&voice->analysis, voice->clip.samples, voice->clip.count, voice->clip.rate_hz, err);
    return status == MEWL_OK ? MEWL_OK : mewl_error_prefix(err, status, "%s", path);
}

void mewl_cli_voice_fini(mewl_cli_voice *voice)
{
    mewl_voice_analysis_fini(&voice->analysis);
    mewl_clip_fini(&voice->clip);
}

/* The numbers asked for, whichever they are. */
typedef struct numbers {
    bool egemaps;
    double functionals[MEWL_EGEMAPS_COUNT];
    const mewl_voice *measures;
} numbers;

static size_t count_of(const numbers *n)
{
    return n->egemaps ? MEWL_EGEMAPS_COUNT : mewl_voice_count();
}

static const char *name_of(const numbers *n, size_t i)
{
    return n->egemaps ? mewl_egemaps_name(i) : mewl_voice_name(i);
}

static double value_of(const numbers *n, size_t i)
{
    return n->egemaps ? n->functionals[i] : mewl_voice_value(n->measures, i);
}

static json_t *breaths_json(const mewl_breaths *breaths)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < breaths->count; i++) {
        const mewl_breath *b = &breaths->list[i];
        json_t *item = json_object();
        double frames = (double)(b->end - b->first);
        bool ok = mewl_json_set_string(item, "kind",
                                       b->kind == MEWL_BREATH_EXPIRATION ? "expiration" : "inspiration") == MEWL_OK &&
                  mewl_json_set_real(item, "onset_s", b->onset_s) == MEWL_OK &&
                  mewl_json_set_real(item, "offset_s", b->offset_s) == MEWL_OK &&
                  mewl_json_set_real(item, "level_dbfs", b->level_dbfs) == MEWL_OK &&
                  mewl_json_set_real(item, "f0_median_hz", b->f0_median_hz) == MEWL_OK &&
                  mewl_json_set_real(item, "phonation", frames > 0 ? (double)b->phonated / frames : NAN) == MEWL_OK &&
                  mewl_json_set_real(item, "hyperphonation", frames > 0 ? (double)b->hyperphonated / frames : NAN) ==
                      MEWL_OK &&
                  mewl_json_set_string(item, "melody", mewl_melody_name(b->melody)) == MEWL_OK;
        if (!ok || json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *document_of(const numbers *n, const mewl_cli_voice *voice, const char *path)
{
    json_t *doc = json_object(), *values = json_object();
    bool ok = values != NULL;
    for (size_t i = 0; ok && i < count_of(n); i++) {
        ok = mewl_json_set_real(values, name_of(n, i), value_of(n, i)) == MEWL_OK;
    }
    ok = ok && mewl_json_set_string(doc, "event", n->egemaps ? "egemaps" : "voice") == MEWL_OK &&
         mewl_json_set_string(doc, "file", path) == MEWL_OK &&
         mewl_json_set_real(doc, "seconds", voice->analysis.seconds) == MEWL_OK &&
         mewl_json_set_real(doc, "rate_hz", voice->clip.rate_hz) == MEWL_OK &&
         (!n->egemaps ||
          mewl_json_set_string(doc, "formulas",
                               "Mewl's own, under the names of eGeMAPSv02; not compared with openSMILE") == MEWL_OK);
    ok = ok && mewl_json_set(doc, n->egemaps ? "functionals" : "measures", json_incref(values)) == MEWL_OK;
    ok = ok && (n->egemaps || mewl_json_set(doc, "breaths", breaths_json(&voice->analysis.breaths)) == MEWL_OK);
    json_decref(values);
    if (!ok) {
        json_decref(doc);
        return NULL;
    }
    return doc;
}

static void print_table(const numbers *n)
{
    for (size_t i = 0; i < count_of(n); i++) {
        double value = value_of(n, i);
        char text[32] = "-";
        if (!isnan(value)) {
            (void)snprintf(text, sizeof text, "%.6g", value);
        }
        if (n->egemaps) {
            (void)printf("%-44s %12s\n", name_of(n, i), text);
        } else {
            const char *unit = mewl_voice_unit(i);
            (void)printf("%-18s %12s %-11s %s\n", name_of(n, i), text, strcmp(unit, "1") == 0 ? "" : unit,
                         mewl_voice_about(i));
        }
    }
}

static mewl_status write_csv(const numbers *n, const char *path, const char *out, mewl_error *err)
{
    mewl_buffer text;
    mewl_buffer_init(&text, TABLE_BYTES_MAX);
    (void)mewl_buffer_text(&text, "file");
    for (size_t i = 0; i < count_of(n); i++) {
        (void)mewl_buffer_print(&text, ",%s", name_of(n, i));
    }
    (void)mewl_buffer_text(&text, "\n");
    (void)mewl_csv_write(&text, path, true);
    for (size_t i = 0; i < count_of(n); i++) {
        double value = value_of(n, i);
        (void)(isnan(value) ? mewl_buffer_text(&text, ",") : mewl_buffer_print(&text, ",%.9g", value));
    }
    mewl_status status = mewl_buffer_text(&text, "\n");
    status = status == MEWL_OK ? mewl_file_write(out, text.data, text.size, err)
                               : mewl_error_set(err, status, "%s: out of memory for a table", out);
    mewl_buffer_fini(&text);
    return status;
}

/* Rows of time, F0 (0: unvoiced) and strength. */
static mewl_status write_track(const mewl_pitch_track *track, const char *out, mewl_error *err)
{
    const size_t shape[2] = {track->count, TRACK_COLUMNS};
    float *rows = malloc((track->count * TRACK_COLUMNS + 1) * sizeof *rows);
    if (rows == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu frames", track->count);
    }
    for (size_t i = 0; i < track->count; i++) {
        rows[TRACK_COLUMNS * i] = (float)mewl_pitch_time_s(track, i);
        rows[TRACK_COLUMNS * i + 1] = track->frames[i].f0_hz;
        rows[TRACK_COLUMNS * i + 2] = track->frames[i].strength;
    }
    mewl_status status = mewl_npy_write_f32(out, rows, shape, 2, err);
    free(rows);
    return status;
}

static bool ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

static mewl_status write_out(const numbers *n, const mewl_cli_voice *voice, const json_t *doc, const char *path,
                             const char *out, mewl_error *err)
{
    return ends_in(out, ".npy")   ? write_track(&voice->analysis.track, out, err)
           : ends_in(out, ".csv") ? write_csv(n, path, out, err)
                                  : mewl_json_write(doc, out, err);
}

int mewl_cli_voice_features(mewl_cli *cli, const char *path, const char *out, bool egemaps)
{
    if (out != NULL && !ends_in(out, ".csv") && !ends_in(out, ".json") && !(ends_in(out, ".npy") && !egemaps)) {
        return mewl_cli_usage_error(cli, egemaps ? "-o takes a name that ends in .csv or .json"
                                                 : "-o takes a name that ends in .npy (F0 track), .csv or .json");
    }
    mewl_cli_voice voice;
    mewl_error err = {0};
    numbers n = {.egemaps = egemaps, .measures = &voice.analysis.measures};
    json_t *doc = NULL;
    mewl_cli_report(cli, 0, 0, "measuring");
    mewl_status status = mewl_cli_voice_open(&voice, path, 0, &err);
    if (status == MEWL_OK && egemaps) {
        status = mewl_egemaps_compute(n.functionals, &voice.analysis, voice.clip.samples, voice.clip.count, &err);
    }
    int code = status == MEWL_OK ? MEWL_EXIT_DONE : mewl_cli_fail(cli, &err);
    mewl_cli_report_clear(cli);
    if (status == MEWL_OK) {
        if (!(voice.analysis.measures.voiced_s > 0.0)) {
            mewl_cli_note(cli, "%s: no voice was found in it, so that most of this could not be measured", path);
        }
        doc = document_of(&n, &voice, path);
        status = doc == NULL ? mewl_error_set(&err, MEWL_E_MEMORY, "out of memory for the result") : MEWL_OK;
        if (status == MEWL_OK && out != NULL) {
            status = write_out(&n, &voice, doc, path, out, &err);
        }
        if (status == MEWL_OK && (cli->json || cli->ndjson)) {
            status = mewl_json_print(doc, stdout, cli->json, &err);
        } else if (status == MEWL_OK && out == NULL) {
            print_table(&n);
        } else if (status == MEWL_OK) {
            mewl_cli_note(cli, "%s: written", out);
        }
        if (status != MEWL_OK) {
            mewl_cli_error(cli, "%s", err.text);
            code = MEWL_EXIT_FAILED;
        }
    }
    json_decref(doc);
    mewl_cli_voice_fini(&voice);
    return code;
}
