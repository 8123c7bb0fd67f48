/* baby.c - the store and the infant of `mewl baby`; see baby.h. */
#include "cli/baby.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define SKEW_MS (5 * 60000LL)     /* by which clocks may disagree */
#define ZONES_MS (14 * 3600000LL) /* by which a day begins earlier elsewhere than in UTC */

static mewl_status default_folder(char *out, size_t size, mewl_error *err)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int length = 0;
    if (data != NULL && data[0] == '/') {
        length = snprintf(out, size, "%s/mewl", data);
    } else if (home != NULL && home[0] == '/') {
        length = snprintf(out, size, "%s/.local/share/mewl", home);
    }
    return length > 0 && (size_t)length < size
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_ARG,
                                "there is no home folder to keep the store in: say where with --store");
}

static mewl_status open_store(mewl_baby *baby, const char *folder, bool existing, mewl_error *err)
{
    char usual[MEWL_STORE_PATH_MAX];
    if (folder == NULL) {
        MEWL_TRY(default_folder(usual, sizeof usual, err));
        folder = usual;
    }
    const mewl_status status = mewl_store_open(&baby->store, folder, (mewl_store_opts){.existing = existing}, err);
    return status == MEWL_E_NOT_FOUND
               ? mewl_error_set(err, status, "%s: no infant was added yet; begin with `mewl baby add NAME --born DATE`",
                                folder)
               : status;
}

int mewl_baby_now(mewl_baby *baby, mewl_cli *cli, const char *const *value)
{
    const mewl_clock clock = mewl_clock_system();
    *baby = (mewl_baby){.cli = cli, .now_ms = mewl_clock_wall_ms(&clock)};
    if (value[MEWL_BABY_NOW] != NULL && !mewl_baby_parse_time(&baby->now_ms, value[MEWL_BABY_NOW])) {
        return mewl_cli_usage_error(cli, "--now takes a time like \"2026-11-20 22:44\", not `%s`",
                                    value[MEWL_BABY_NOW]);
    }
    return MEWL_CLI_GO;
}

int mewl_baby_open_any(mewl_baby *baby, mewl_cli *cli, const char *const *value)
{
    mewl_error err = {0};
    const int code = mewl_baby_now(baby, cli, value);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    const mewl_status status = open_store(baby, value[MEWL_BABY_STORE], true, &err);
    return status == MEWL_OK || status == MEWL_E_NOT_FOUND ? MEWL_CLI_GO : mewl_cli_fail(cli, &err);
}

int mewl_baby_open(mewl_baby *baby, mewl_cli *cli, const char *const *value, const char *name, bool existing)
{
    mewl_error err = {0};
    const int code = mewl_baby_now(baby, cli, value);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    mewl_status status = open_store(baby, value[MEWL_BABY_STORE], existing, &err);
    if (status == MEWL_OK && name != NULL) {
        status = mewl_store_infant_find(baby->store, &baby->infant, name, &err);
    }
    return status == MEWL_OK ? MEWL_CLI_GO : mewl_cli_fail(cli, &err);
}

int mewl_baby_not_future(const mewl_baby *baby, const char *option, int64_t ms)
{
    const bool birth = strcmp(option, "born") == 0;
    char said[32], now[32];
    if (ms <= baby->now_ms + (birth ? ZONES_MS : SKEW_MS)) {
        return MEWL_CLI_GO;
    }
    return mewl_cli_usage_error(baby->cli, "--%s: %s has not come yet; it is %s by this machine's clock", option,
                                birth ? mewl_baby_day(said, ms) : mewl_baby_time(said, ms),
                                mewl_baby_time(now, baby->now_ms));
}

bool mewl_baby_before_birth(int64_t ms, int64_t born_ms)
{
    return ms < born_ms - ZONES_MS;
}

int mewl_baby_check_at(const mewl_baby *baby, int64_t ms)
{
    char time[32], day[32];
    const int code = mewl_baby_not_future(baby, "at", ms);
    return code == MEWL_CLI_GO && mewl_baby_before_birth(ms, baby->infant.born_ms)
               ? mewl_cli_usage_error(baby->cli, "--at: %s lies before %s was born (%s)", mewl_baby_time(time, ms),
                                      baby->infant.name, mewl_baby_day(day, baby->infant.born_ms))
               : code;
}

void mewl_baby_close(mewl_baby *baby)
{
    mewl_store_close(baby->store);
    baby->store = NULL;
}

int mewl_baby_run(mewl_cli *cli, const mewl_cli_usage *usage, int argc, char **argv, const char **value,
                  int (*run)(mewl_baby *baby, const char *const *value))
{
    mewl_baby baby = {0};
    int code = mewl_cli_parse(cli, usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc != 1) {
        return mewl_cli_usage_error(cli, "name one infant; `mewl baby list` names them");
    }
    code = mewl_baby_open(&baby, cli, value, argv[0], true);
    code = code == MEWL_CLI_GO ? run(&baby, value) : code;
    mewl_baby_close(&baby);
    return code;
}

int mewl_baby_print(const mewl_cli *cli, json_t *document)
{
    mewl_error err = {0};
    const mewl_status status = mewl_json_print(document, stdout, cli->json, &err);
    json_decref(document);
    return status == MEWL_OK ? MEWL_EXIT_DONE : mewl_cli_fail(cli, &err);
}

void mewl_baby_set_time(json_t *object, const char *key, int64_t ms)
{
    char iso[MEWL_CLOCK_ISO_MAX];
    mewl_clock_iso(iso, ms);
    (void)mewl_json_set_string(object, key, ms != 0 ? iso : NULL);
}
