/* reason_json.c - a reason model's figures as JSON and back. Text from outside is hostile. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reason/reason.h"

#define VERSION 1

static json_t *numbers(const double *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, mewl_json_real(values[i])); /* null stands for infinity and NaN */
    }
    return list;
}

json_t *mewl_reason_to_json(const mewl_reason *r)
{
    json_t *out = json_object(), *labels = json_array(), *map = json_object(), *sets = json_object();
    json_t *evidence = json_object();
    for (size_t k = 0; k < r->classes; k++) {
        (void)json_array_append_new(labels, mewl_json_string(r->label[k]));
    }
    (void)mewl_json_set_int(out, "version", VERSION);
    (void)mewl_json_set(out, "labels", labels);
    (void)mewl_json_set_int(out, "dims", (int64_t)r->dims);
    (void)mewl_json_set_string(out, "embedder", r->embedder);
    (void)mewl_json_set_string(out, "embedder_id", r->embedder_id);
    (void)mewl_json_set(out, "bias", numbers(r->bias, r->classes));
    (void)mewl_json_set(out, "share", numbers(r->share, r->classes));
    (void)mewl_json_set_string(map, "kind", mewl_calibration_kind_name(r->calibration.kind));
    (void)mewl_json_set(map, "weight", numbers(r->calibration.weight, r->classes * r->classes));
    (void)mewl_json_set(map, "bias", numbers(r->calibration.bias, r->classes));
    (void)mewl_json_set(out, "calibration", map);
    (void)mewl_json_set_string(sets, "kind", mewl_sets_kind_name(r->sets.opts.kind));
    (void)mewl_json_set_bool(sets, "by_class", r->sets.opts.by_class);
    (void)mewl_json_set_real(sets, "coverage", r->sets.opts.coverage);
    (void)mewl_json_set(sets, "threshold", numbers(r->sets.threshold, r->classes));
    (void)mewl_json_set(out, "sets", sets);
    (void)mewl_json_set_real(out, "least_lift", r->least_lift);
    (void)mewl_json_set_real(evidence, "balanced", r->evidence.balanced);
    (void)mewl_json_set_real(evidence, "low", r->evidence.low);
    (void)mewl_json_set_real(evidence, "high", r->evidence.high);
    (void)mewl_json_set_real(evidence, "p", r->evidence.p);
    (void)mewl_json_set_int(evidence, "clips", (int64_t)r->evidence.clips);
    (void)mewl_json_set_int(evidence, "groups", (int64_t)r->evidence.groups);
    (void)mewl_json_set(out, "evidence", evidence);
    return out;
}

/* ---- Reading ---- */

/* Exactly `count` numbers within [low, high]; where `absent` is not 0, null stands for it (NaN: NaN, INFINITY). */
static mewl_status get_numbers(const json_t *object, double *out, const char *key, size_t count, double low,
                               double high, double absent, const char *name, mewl_error *err)
{
    const json_t *list = json_object_get(object, key);
    if (!json_is_array(list) || json_array_size(list) != count) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s` is no list of %zu numbers", name, key, count);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        const bool null = json_is_null(value) && absent != 0;
        out[i] = null ? absent : json_number_value(value);
        if (!null && (!json_is_number(value) || !(out[i] >= low && out[i] <= high))) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s` holds what is no number from %g to %g", name, key, low,
                                  high);
        }
    }
    return MEWL_OK;
}

static mewl_status get_text(char *out, size_t size, const json_t *value, const char *what, const char *name,
                            mewl_error *err)
{
    const char *text = json_string_value(value);
    if (text == NULL || text[0] == '\0' || strlen(text) >= size || json_string_length(value) != strlen(text)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s` is no text of 1 to %zu bytes", name, what, size - 1);
    }
    (void)snprintf(out, size, "%s", text);
    return MEWL_OK;
}

/* Index of a word among those that `name_at` gives. */
static mewl_status get_word(int *out, const json_t *object, const char *(*name_at)(int), const char *name,
                            mewl_error *err)
{
    const char *word;
    MEWL_TRY(mewl_json_get_string(object, &word, "kind", name, err));
    for (*out = 0; name_at(*out) != NULL; (*out)++) {
        if (strcmp(name_at(*out), word) == 0) {
            return MEWL_OK;
        }
    }
    return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: there is no `%s`", name, word);
}

static const char *map_name(int index)
{
    return mewl_calibration_kind_name((mewl_calibration_kind)index);
}

static const char *set_name(int index)
{
    return mewl_sets_kind_name((mewl_sets_kind)index);
}

static mewl_status get_calibration(mewl_calibration *out, const json_t *json, size_t classes, const char *name,
                                   mewl_error *err)
{
    int kind;
    MEWL_TRY(get_word(&kind, json, map_name, name, err));
    out->kind = (mewl_calibration_kind)kind;
    MEWL_TRY(get_numbers(json, out->weight, "weight", classes * classes, -1e6, 1e6, 0, name, err));
    return get_numbers(json, out->bias, "bias", classes, -1e6, 1e6, 0, name, err);
}

static mewl_status get_sets(mewl_sets *out, const json_t *json, size_t classes, const char *name, mewl_error *err)
{
    int kind;
    MEWL_TRY(get_word(&kind, json, set_name, name, err));
    out->opts.kind = (mewl_sets_kind)kind;
    MEWL_TRY(mewl_json_get_bool(json, &out->opts.by_class, "by_class", name, err));
    MEWL_TRY(mewl_json_get_real(json, &out->opts.coverage, "coverage", name, err));
    if (!(out->opts.coverage > 0 && out->opts.coverage < 1)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a coverage of %g", name, out->opts.coverage);
    }
    return get_numbers(json, out->threshold, "threshold", classes, 0, 1.01, INFINITY, name, err);
}

static mewl_status get_evidence(mewl_reason_evidence *out, const json_t *json, const char *name, mewl_error *err)
{
    static const char *const keys[] = {"balanced", "low", "high", "p"};
    double values[4];
    int64_t clips, groups;
    for (size_t i = 0; i < 4; i++) {
        const json_t *value = json_object_get(json, keys[i]);
        values[i] = json_is_null(value) ? NAN : json_number_value(value);
        if (!json_is_null(value) && (!json_is_number(value) || !(values[i] >= 0 && values[i] <= 1))) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s` is no share", name, keys[i]);
        }
    }
    MEWL_TRY(mewl_json_get_int(json, &clips, "clips", name, err));
    MEWL_TRY(mewl_json_get_int(json, &groups, "groups", name, err));
    if (clips < 0 || groups < 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a negative number of recordings", name);
    }
    *out = (mewl_reason_evidence){values[0], values[1], values[2], values[3], (size_t)clips, (size_t)groups};
    return MEWL_OK;
}

static mewl_status fill(mewl_reason *r, const json_t *json, const char *name, mewl_error *err)
{
    for (size_t k = 0; k < r->classes; k++) {
        MEWL_TRY(get_text(r->label[k], sizeof r->label[k], json_array_get(json_object_get(json, "labels"), k), "labels",
                          name, err));
    }
    MEWL_TRY(get_text(r->embedder, sizeof r->embedder, json_object_get(json, "embedder"), "embedder", name, err));
    MEWL_TRY(get_text(r->embedder_id, sizeof r->embedder_id, json_object_get(json, "embedder_id"), "embedder_id", name,
                      err));
    MEWL_TRY(get_numbers(json, r->bias, "bias", r->classes, -1e9, 1e9, 0, name, err));
    MEWL_TRY(get_numbers(json, r->share, "share", r->classes, 1e-6, 1, 0, name, err));
    MEWL_TRY(get_calibration(&r->calibration, json_object_get(json, "calibration"), r->classes, name, err));
    MEWL_TRY(get_sets(&r->sets, json_object_get(json, "sets"), r->classes, name, err));
    MEWL_TRY(mewl_json_get_real(json, &r->least_lift, "least_lift", name, err));
    if (!(r->least_lift >= 0 && r->least_lift <= 1e9)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a least_lift of %g", name, r->least_lift);
    }
    return get_evidence(&r->evidence, json_object_get(json, "evidence"), name, err);
}

mewl_status mewl_reason_from_json(mewl_reason *out, const json_t *json, const char *name, mewl_error *err)
{
    int64_t version, dims;
    *out = (mewl_reason){0};
    MEWL_TRY(mewl_json_get_int(json, &version, "version", name, err));
    MEWL_TRY(mewl_json_get_int(json, &dims, "dims", name, err));
    const size_t classes = json_array_size(json_object_get(json, "labels"));
    if (version != VERSION) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: version %lld of a reason model; this Mewl reads %d", name,
                              (long long)version, VERSION);
    }
    if (classes < 2 || classes > MEWL_REASON_CLASSES_MAX || dims < 1 || dims > MEWL_REASON_DIMS_MAX) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: %zu labels on %lld numbers", name, classes, (long long)dims);
    }
    mewl_status status = mewl_reason_init(out, classes, (size_t)dims, err);
    if (status == MEWL_OK) {
        status = fill(out, json, name, err);
    }
    if (status != MEWL_OK) {
        mewl_reason_fini(out);
    }
    return status;
}
