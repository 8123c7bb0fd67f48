/* fuzz_json.c - any bytes through the JSON reader; what is accepted must be written and read again unchanged. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *document = NULL;
    mewl_error err = {0};
    if (mewl_json_parse(&document, (const char *)data, size, "input", &err) != MEWL_OK) {
        if (document != NULL || err.text[0] == '\0') {
            abort();
        }
        return 0;
    }
    char *text = mewl_json_text(document, true);
    json_t *again = NULL;
    if (text == NULL || mewl_json_parse(&again, text, strlen(text), "again", &err) != MEWL_OK) {
        abort();
    }
    char *second = mewl_json_text(again, true);
    if (second == NULL || strcmp(text, second) != 0) {
        abort();
    }
    free(second);
    free(text);
    json_decref(again);
    json_decref(document);
    return 0;
}
