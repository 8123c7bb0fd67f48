/* corpus_fixture.h - a corpus opened from recordings made here, for the tests of what draws from one. */
#ifndef MEWL_TESTS_DATA_CORPUS_FIXTURE_H
#define MEWL_TESTS_DATA_CORPUS_FIXTURE_H

#include "wave.h"

#include "data/corpus.h"

typedef struct fixture {
    temp sets;
    mewl_recipe recipe;
    mewl_corpus *corpus;
} fixture;

static inline int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    mewl_error err = {0};
    assert_non_null(f);
    f->sets = wave_sets();
    temp_file(&f->sets, "list.csv",
              "path,label\nx/" WAVE_UUID "f1-1431028889001-1.7-f-04-dk.flac,cry\n"
              "x/" WAVE_UUID "f0-1431028889000-1.7-f-04-dk.flac,other\n");
    char text[1024], name[512];
    snprintf(text, sizeof text,
             "[data]\nroot = %s\nsets = donateacry, esc10, speech-commands,\n  room-impulse-responses\n"
             "cry_list = %s/list.csv\nvalid_share = 0.2\ntest_share = 0.3\n[mixture]\nseconds = 6\n",
             f->sets.path, f->sets.path);
    snprintf(name, sizeof name, "%s/r.ini", f->sets.path);
    if (mewl_recipe_parse(&f->recipe, name, text, strlen(text), &err) != MEWL_OK ||
        mewl_corpus_open(&f->corpus, &f->recipe, 2, NULL, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    fixture *f = *state;
    mewl_corpus_close(f->corpus);
    mewl_recipe_fini(&f->recipe);
    temp_remove(&f->sets);
    free(f);
    return 0;
}

#endif
