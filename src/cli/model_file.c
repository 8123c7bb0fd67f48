/* model_file.c - see model_file.h. */
#include "cli/model_file.h"

#include <stdio.h>
#include <string.h>

#include "audio/list.h"
#include "base/folder.h"
#include "nn/checkpoint.h"

#define HEAD_BYTES 512

/* What a file seems to be, and what that is for. */
typedef struct kind {
    const char *what; /* "a text file"; NULL: nothing known */
    const char *hint; /* "give it to ..."; NULL: nothing better than what the command wants */
} kind;

/* Of a safetensors file by its metadata; nothing known of one that holds what was wanted: that is damaged. */
static kind kind_of_checkpoint(const char *path, mewl_cli_model_use use)
{
    mewl_checkpoint *checkpoint;
    kind k = {0};
    if (mewl_checkpoint_read(&checkpoint, path, NULL) != MEWL_OK) {
        return k;
    }
    if (mewl_checkpoint_text(checkpoint, "mewl.reason") != NULL) {
        k = use == MEWL_CLI_MODEL_REASON
                ? k
                : (kind){"a reason model", "give it to `mewl analyze --reason --reason-model`"};
    } else if (mewl_checkpoint_text(checkpoint, "mewl.arch") != NULL) {
        k = use == MEWL_CLI_MODEL_REASON ? (kind){"a network", NULL} : k;
    } else {
        k = (kind){"a safetensors file of another program", "`mewl model import` reads published checkpoints"};
    }
    mewl_checkpoint_free(checkpoint);
    return k;
}

static bool is_text(const unsigned char *head, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (head[i] == 127 || (head[i] < 32 && strchr("\t\n\r\f", head[i]) == NULL) || head[i] == 0) {
            return false;
        }
    }
    return count > 0;
}

static kind kind_of(const char *path, mewl_cli_model_use use)
{
    static const char recording[] = "a recording", after[] = "name recordings after the model";
    static const struct {
        size_t at;
        const char *bytes;
        kind kind;
        bool scores; /* clips: where that is wanted, its reader knows best what is wrong with it */
    } heads[] = {
        {0, "MWLI", {"one infant's own model", "`mewl baby` keeps and uses it by itself"}, false},
        {0, "POPF", {"a population", "`mewl baby enrol --population` takes it"}, false},
        {0, "SQLite format 3", {"a database", "`mewl baby` keeps and uses its own by itself"}, false},
        {0, "RIFF", {recording, after}, false},
        {0, "OggS", {recording, after}, false},
        {0, "fLaC", {recording, after}, false},
        {0, "ID3", {recording, after}, false},
        {4, "ftyp", {recording, after}, false},
        {4, "TFL3", {"a TFLite model, which scores whole clips", "`mewl predict` takes it"}, true},
        {0, "PK\003\004", {"a PyTorch checkpoint or another archive", "`mewl predict` takes mn04's"}, true},
    };
    unsigned char head[HEAD_BYTES];
    if (mewl_folder_exists(path)) {
        return (kind){"a folder", "name the .safetensors file in it"};
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return (kind){0};
    }
    const size_t count = fread(head, 1, sizeof head, file);
    (void)fclose(file);
    if (count == 0) {
        return (kind){"an empty file", NULL};
    }
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        const size_t length = strlen(heads[i].bytes);
        if (heads[i].at + length <= count && memcmp(head + heads[i].at, heads[i].bytes, length) == 0) {
            return heads[i].scores && use == MEWL_CLI_MODEL_ANY ? (kind){0} : heads[i].kind;
        }
    }
    if (mewl_audio_known_name(path)) {
        return (kind){recording, after};
    }
    if (is_text(head, count)) {
        return (kind){"a text file", NULL};
    }
    return count > 8 && head[8] == '{' ? kind_of_checkpoint(path, use) : (kind){"of no form that Mewl knows", NULL};
}

mewl_status mewl_cli_model_explain(const char *path, mewl_cli_model_use use, mewl_error *err)
{
    static const char *const wanted[] = {"a detector", "a network that Mewl can run", "a reason model"};
    static const char *const hints[] = {
        [MEWL_CLI_MODEL_DETECTOR] = "leave out --model to use the detector that ships, or name a .safetensors file "
                                    "that `mewl train recipes/detect.ini` wrote",
        [MEWL_CLI_MODEL_ANY] = "name a .safetensors file that `mewl train` or `mewl model import` wrote, YAMNet's "
                               ".tflite or mn04's .pt",
        [MEWL_CLI_MODEL_REASON] = "leave out --reason-model to use the one that ships, or make one with `mewl lab "
                                  "reason --make FILE`",
    };
    if (err->status == MEWL_E_NOT_FOUND || err->status == MEWL_E_PERMISSION || err->status == MEWL_E_MEMORY) {
        return err->status;
    }
    const kind k = kind_of(path, use);
    return k.what == NULL ? err->status
                          : mewl_error_set(err, MEWL_E_FORMAT, "%s is %s, not %s: %s", path, k.what, wanted[use],
                                           k.hint != NULL ? k.hint : hints[use]);
}

mewl_status mewl_cli_detector_load(mewl_model **out, const char *path, mewl_error *err)
{
    int64_t step, left, right;
    if (mewl_model_load(out, path, err) != MEWL_OK) {
        return mewl_cli_model_explain(path, MEWL_CLI_MODEL_DETECTOR, err);
    }
    if (mewl_model_reach(*out, &step, &left, &right)) {
        return MEWL_OK;
    }
    const mewl_status status =
        mewl_error_set(err, MEWL_E_UNSUPPORTED,
                       "%s is a model of whole clips (%s), not a detector: it cannot say when somebody cried; `mewl "
                       "predict` takes it, or leave out --model to use the detector that ships",
                       path, mewl_model_configuration(*out)->arch);
    mewl_model_free(*out);
    *out = NULL;
    return status;
}
