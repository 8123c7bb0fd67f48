/* fuzz_manifest.c - any bytes as a manifest (CSV): a sentence with the place, or rows that can be read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mewl_manifest manifest;
    mewl_error err = {0};
    if (mewl_manifest_parse(&manifest, "input", (const char *)data, size, &err) != MEWL_OK) {
        if (strncmp(err.text, "input", 5) != 0) {
            abort();
        }
        return 0;
    }
    volatile size_t sum = 0;
    static const char *const columns[] = {"path", "label", "group", "onset_s", "duration_s", "fold", "split"};
    for (size_t i = 0; i < manifest.count; i++) {
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
            char buffer[64];
            const char *value = mewl_manifest_value(&manifest, &manifest.rows[i], columns[k], buffer, sizeof buffer);
            sum += value != NULL ? strlen(value) : 0;
        }
    }
    mewl_manifest_sort(&manifest);
    mewl_manifest_fini(&manifest);
    return 0;
}
