/* Recipes: defaults, every type, and what each kind of mistake is answered with. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/recipe.h"

static void defaults_are_valid(void **state)
{
    (void)state;
    mewl_recipe recipe;
    mewl_error err = {0};
    assert_int_equal(mewl_recipe_init(&recipe, &err), MEWL_OK);
    assert_int_equal(mewl_recipe_check(&recipe, &err), MEWL_OK);
    assert_string_equal(recipe.model_arch, "cnn10");
    assert_int_equal(recipe.train_batch, 16);
    assert_true(recipe.mixture_snr_db.low == -10 && recipe.mixture_snr_db.high == 30);
    assert_int_equal(recipe.model_time_pool.count, 4);
    mewl_recipe_fini(&recipe);
    size_t count;
    const mewl_recipe_key *keys = mewl_recipe_keys(&count);
    assert_true(count > 50);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(keys[i].help) > 0);
        for (size_t j = 0; j < i; j++) {
            assert_false(strcmp(keys[i].section, keys[j].section) == 0 && strcmp(keys[i].key, keys[j].key) == 0);
        }
    }
}

static mewl_status parse(mewl_recipe *recipe, const char *text, mewl_error *err)
{
    return mewl_recipe_parse(recipe, "folder/r.ini", text, strlen(text), err);
}

static void every_type_is_read(void **state)
{
    (void)state;
    mewl_recipe r;
    mewl_error err = {0};
    const char *text =
        "# a comment\n[recipe]\nname = night one ; of many\nseed = 42\r\n"
        "[model]\nwidth = 0.5\n"
        "[data]\nsets = esc10,\n    catmeows,\n    speech-commands\nroot = sets\ncry_list = /abs/list.csv\n"
        "[mixture]\nsnr_db = -5..20\npitch_semitones = 1\n"
        "[classify]\nmulti_label = yes\n"
        "[train]\noptimizer = sgd\nlr = 1e-2\n"
        "[eval]\nsnr_db = 0, 5,10\n";
    assert_int_equal(parse(&r, text, &err), MEWL_OK);
    assert_string_equal(r.recipe_name, "night one");
    assert_int_equal(r.recipe_seed, 42);
    assert_true(r.model_width == 0.5);
    assert_int_equal(r.data_sets.count, 3);
    assert_string_equal(r.data_sets.items[1], "catmeows");
    assert_string_equal(r.data_root, "folder/sets");
    assert_string_equal(r.data_cry_list, "/abs/list.csv");
    assert_true(r.mixture_snr_db.low == -5 && r.mixture_snr_db.high == 20);
    assert_true(r.mixture_pitch_semitones.low == 1 && r.mixture_pitch_semitones.high == 1);
    assert_true(r.classify_multi_label);
    assert_string_equal(r.train_optimizer, "sgd");
    assert_int_equal(r.eval_snr_db.count, 3);
    assert_true(r.eval_snr_db.items[2] == 10);
    assert_string_equal(r.text, text);
    mewl_recipe_fini(&r);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[train]\nlrr = 1\n", "folder/r.ini:2: no key 'lrr' in [train]; did you mean 'lr'?"},
        {"[train]\n\nbatch = 0\n", "folder/r.ini:3: train.batch '0' is not a whole number from 1 to 4096"},
        {"[train]\nbatch = 2.5\n", "folder/r.ini:2: train.batch '2.5' is not a whole number from 1 to 4096"},
        {"[train]\nlr = fast\n", "folder/r.ini:2: train.lr 'fast' is not a number from 1e-08 to 10"},
        {"[train]\nlr = nan\n", "folder/r.ini:2: train.lr 'nan' is not a number from 1e-08 to 10"},
        {"[train]\noptimizer = adamx\n", "folder/r.ini:2: train.optimizer 'adamx' is none of sgd|adam|adamw"},
        {"[train]\noptimizer =\n", "folder/r.ini:2: train.optimizer '' is none of sgd|adam|adamw"},
        {"[train]\nbatch = 4\nlr = 0.1\nbatch = 5\n",
         "folder/r.ini:4: train.batch is given a second time (first on line 2)"},
        {"[recipe]\nname = x\n\n[data scna]\nsets = esc10\n", "folder/r.ini:4: no section [data scna]"},
        {"[trian]\nbatch = 4\n", "folder/r.ini:1: no section [trian]; did you mean [train]?"},
        {"batch = 4\n", "folder/r.ini:1: 'batch' stands before any [section]"},
        {"[train]\nbatch\n", "folder/r.ini:2: neither [section], key = value, nor a comment (; or #)"},
        {"[model]\nframewise = maybe\n", "folder/r.ini:2: model.framewise 'maybe' is not yes or no"},
        {"[mixture]\nsnr_db = 20 .. -5\n",
         "folder/r.ini:2: mixture.snr_db '20 .. -5' is not a range from -40 to 60 (written 'low .. high')"},
        {"[data]\nsets = a,,b\n", "folder/r.ini:2: data.sets 'a,,b' is not a list"},
        {"[model]\nbatch = 3\n", "folder/r.ini:2: no key 'batch' in [model]; it belongs to [train]"},
        {"[eval]\nsnr_db = 1, x\n", "folder/r.ini:2: eval.snr_db '1, x' is not a list of numbers from -40 to 60"},
        {"[train]\n batch = 4\nlr = 0.1\n  beta1 = 0.5\n",
         "folder/r.ini:4: an indented line goes on with the value above; keys start at the margin"},
        {"[train]\nlr = 0.00001\nlr_floor = 0.1\n", "folder/r.ini: train.lr_floor 0.1 is above train.lr 1e-05"},
        {"[model]\ntime_pool = 2, 2\n",
         "folder/r.ini: model.time_pool multiplies to 4; targets are frames of 80 ms, so it must give 8"},
        {"[train]\nlrr = 1\nbatch = 0\nx = 1\n",
         "folder/r.ini:2: no key 'lrr' in [train]; did you mean 'lr'? (and 2 more problems)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mewl_recipe recipe;
        mewl_error err = {0};
        assert_int_equal(parse(&recipe, cases[i].text, &err), MEWL_E_FORMAT);
        assert_string_equal(err.text, cases[i].message);
    }
}

static void hostile_text_is_refused(void **state)
{
    (void)state;
    mewl_recipe recipe;
    mewl_error err = {0};
    assert_int_equal(mewl_recipe_parse(&recipe, "r", "[train]\nlr\0= 1\n", 15, &err), MEWL_E_FORMAT);
    char line[400] = "[train]\nlr = ";
    memset(line + 13, '1', 300);
    assert_int_equal(parse(&recipe, line, &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "folder/r.ini:2: line longer than"));
    assert_int_equal(mewl_recipe_parse(&recipe, "r", line, (size_t)MEWL_RECIPE_BYTES_MAX + 1, &err), MEWL_E_MEMORY);
    assert_int_equal(mewl_recipe_read(&recipe, "/nonexistent/r.ini", &err), MEWL_E_NOT_FOUND);
}

static void set_and_write_come_round(void **state)
{
    (void)state;
    mewl_recipe a, b;
    mewl_error err = {0};
    assert_int_equal(mewl_recipe_init(&a, &err), MEWL_OK);
    assert_int_equal(mewl_recipe_set(&a, "train.lr", "0.0123456789", &err), MEWL_OK);
    assert_int_equal(mewl_recipe_set(&a, "eval.snr_db", "1,2,3", &err), MEWL_OK);
    assert_int_equal(mewl_recipe_set(&a, "train.lrx", "1", &err), MEWL_E_FORMAT);
    assert_int_equal(mewl_recipe_set(&a, "train", "1", &err), MEWL_E_FORMAT);
    char *text = mewl_recipe_write(&a);
    assert_non_null(text);
    assert_int_equal(mewl_recipe_parse(&b, "r.ini", text, strlen(text), &err), MEWL_OK);
    assert_true(b.train_lr == a.train_lr);
    assert_int_equal(b.eval_snr_db.count, 3);
    assert_int_equal(b.data_sets.count, a.data_sets.count);
    char *again = mewl_recipe_write(&b);
    assert_string_equal(text, again);
    free(text);
    free(again);
    mewl_recipe_fini(&a);
    mewl_recipe_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_valid),       cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(mistakes_are_named),       cmocka_unit_test(hostile_text_is_refused),
        cmocka_unit_test(set_and_write_come_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
