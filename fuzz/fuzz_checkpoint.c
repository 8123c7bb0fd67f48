/* fuzz_checkpoint.c - any bytes as a safetensors checkpoint: an error, or arrays whose every byte can be read; then as
 * a model: an error, or one that can be described. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches all of it, so that a sanitizer sees an array that reaches beyond the file. */
static unsigned sum_of(const mewl_checkpoint_entry *entry)
{
    const unsigned char *bytes = entry->data;
    unsigned sum = 0;
    for (uint64_t i = 0; i < entry->bytes; i++) {
        sum += bytes[i];
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mewl_checkpoint *checkpoint = NULL;
    mewl_error err = {0};
    if (mewl_checkpoint_parse(&checkpoint, data, size, "input", &err) != MEWL_OK) {
        if (err.text[0] == '\0') {
            abort();
        }
        return 0;
    }
    volatile unsigned sum = 0;
    mewl_checkpoint_entry entry;
    for (size_t i = 0; mewl_checkpoint_at(checkpoint, &entry, i); i++) {
        mewl_checkpoint_entry found;
        if (!mewl_checkpoint_find(checkpoint, &found, entry.name) || found.data != entry.data || entry.bytes > size) {
            abort();
        }
        sum += sum_of(&entry);
    }
    const char *key = NULL, *text = NULL;
    for (size_t i = 0; mewl_checkpoint_text_at(checkpoint, &key, &text, i); i++) {
        sum += (unsigned)(strlen(key) + strlen(text));
    }
    mewl_model *model = NULL;
    if (mewl_model_from_checkpoint(&model, checkpoint, &err) == MEWL_OK) {
        mewl_model_free(model);
    } else if (model != NULL || err.text[0] == '\0') {
        abort();
    }
    mewl_checkpoint_free(checkpoint);
    return 0;
}
