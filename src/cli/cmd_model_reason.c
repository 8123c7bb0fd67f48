/* cmd_model_reason.c - `mewl model info` of a reason model: what it names, what it stands on, what it was shown to be
 * worth. */
#include <math.h>

#include "base/json.h"
#include "cli/commands.h"
#include "hear/reasoner.h"

static json_t *describe(const mewl_reason *m, const mewl_embedder_opts *opts, const char *path)
{
    json_t *out = json_object(), *reasons = json_array(), *evidence = json_object();
    (void)mewl_json_set_string(out, "file", path);
    (void)mewl_json_set_string(out, "form", "reason model");
    for (size_t k = 0; k < m->classes; k++) {
        json_t *row = json_object();
        (void)mewl_json_set_string(row, "reason", m->label[k]);
        (void)mewl_json_set_real(row, "share", m->share[k]);
        (void)json_array_append_new(reasons, row);
    }
    (void)mewl_json_set(out, "reasons", reasons);
    (void)mewl_json_set_string(out, "embedder", m->embedder);
    (void)mewl_json_set_string(out, "embedder_id", m->embedder_id);
    (void)mewl_json_set_int(out, "embedding", (int64_t)m->dims);
    (void)mewl_json_set_bool(out, "cry_weighted", opts->cry_weighted);
    (void)mewl_json_set_string(out, "calibration", mewl_calibration_kind_name(m->calibration.kind));
    (void)mewl_json_set_real(out, "coverage", m->sets.opts.coverage);
    (void)mewl_json_set_real(evidence, "balanced_accuracy", m->evidence.balanced);
    (void)mewl_json_set_real(evidence, "low", m->evidence.low);
    (void)mewl_json_set_real(evidence, "high", m->evidence.high);
    (void)mewl_json_set_real(evidence, "chance", 1.0 / (double)m->classes);
    (void)mewl_json_set_real(evidence, "p", m->evidence.p);
    (void)mewl_json_set_int(evidence, "clips", (int64_t)m->evidence.clips);
    (void)mewl_json_set_int(evidence, "groups", (int64_t)m->evidence.groups);
    (void)mewl_json_set(out, "evidence", evidence);
    (void)mewl_json_set_bool(out, "names_reasons", mewl_reason_proven(m));
    return out;
}

static void print(const mewl_reason *m, const char *path)
{
    const mewl_reason_evidence *e = &m->evidence;
    (void)printf("file         %s\n", path);
    (void)printf("form         reason model: why an infant cries, for `mewl analyze --reason`\n");
    (void)printf("reasons      ");
    for (size_t k = 0; k < m->classes; k++) {
        (void)printf("%s%s %.1f %%", k > 0 ? ", " : "", m->label[k], 100 * m->share[k]);
    }
    (void)printf(" (shares of the recordings it learned from)\n");
    (void)printf("stands on    the embedding of %s (%zu numbers, id %s)\n", m->embedder, m->dims, m->embedder_id);
    (void)printf("calibration  %s; the reasons that it leaves open hold the true one in %.0f of 100\n",
                 mewl_calibration_kind_name(m->calibration.kind), 100 * m->sets.opts.coverage);
    (void)printf("evidence     balanced accuracy %.1f %% [%.1f, %.1f] on voices it had not heard, guessing %.1f %%; "
                 "%zu recordings of %zu groups",
                 100 * e->balanced, 100 * e->low, 100 * e->high, 100.0 / (double)m->classes, e->clips, e->groups);
    if (isnan(e->p)) {
        (void)puts("");
    } else {
        (void)printf("; p = %.2f with labels shuffled\n", e->p);
    }
    (void)printf("says         %s\n", mewl_reason_proven(m) ? "a reason where the sound speaks for one, else `not sure`"
                                                            : "always `not sure`: it was not shown to be better than "
                                                              "guessing");
}

bool mewl_cli_reason_info(mewl_cli *cli, int *code, const char *path)
{
    mewl_reason model;
    mewl_embedder_opts opts;
    json_t *notes;
    mewl_error err = {0};
    if (mewl_reasoner_read(&model, &opts, &notes, path, NULL) != MEWL_OK) {
        return false;
    }
    *code = MEWL_EXIT_DONE;
    if (cli->json || cli->ndjson) {
        json_t *document = describe(&model, &opts, path);
        (void)mewl_json_set(document, "notes", json_incref(notes));
        *code = mewl_json_print(document, stdout, cli->json, &err) == MEWL_OK ? *code : mewl_cli_fail(cli, &err);
        json_decref(document);
    } else {
        const char *key;
        json_t *text;
        print(&model, path);
        json_object_foreach(notes, key, text)
        {
            mewl_cli_print_note(key, json_string_value(text));
        }
    }
    json_decref(notes);
    mewl_reason_fini(&model);
    return true;
}
