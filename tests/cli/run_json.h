/* run_json.h - for tests alone: what a run of the program printed, as the JSON document it is. */
#ifndef MEWL_TESTS_RUN_JSON_H
#define MEWL_TESTS_RUN_JSON_H

#include "base/json.h"
#include "run.h"

/* The caller releases it. */
static inline json_t *parse_json(const char *text)
{
    json_t *document = NULL;
    mewl_error err = {0};
    if (mewl_json_parse(&document, text, strlen(text), "out", &err) != MEWL_OK) {
        fail_msg("%s: \"%.300s\"", err.text, text);
    }
    return document;
}

static inline json_t *run_json(const ran *r)
{
    return parse_json(r->out);
}

#endif
