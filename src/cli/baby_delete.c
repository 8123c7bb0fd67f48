/* baby_delete.c - `mewl baby delete`: every trace of an infant, after asking. */
#include <string.h>
#include <unistd.h>

#include "cli/baby.h"
#include "cli/baby_clips.h"

enum { OPT_YES = MEWL_BABY_OPTIONS, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    MEWL_BABY_OPTION_ROWS,
    [OPT_YES] = {"yes", 'y', NULL, "do not ask", false},
};

static const mewl_cli_usage usage = {
    .command = "baby delete",
    .operands = "NAME",
    .about = "Removes an infant and all that is known of it: recordings, numbers, timeline, alerts. The database is\n"
             "written anew, so that nothing of it remains in the file. What you exported or backed up elsewhere\n"
             "stays where you put it. `mewl baby export` first, should you want it later.",
    .options = options,
    .examples = "  mewl baby delete Ida\n"
                "  mewl baby delete Ida --yes\n"};

/* Asks on the terminal. The name must be written, since a habit can press y. */
static bool agreed(const mewl_baby *baby, const mewl_store_totals *totals)
{
    char line[256];
    (void)fprintf(stderr,
                  "This removes %s: %lld %s, %lld kept %s, the whole timeline. It cannot be undone.\n"
                  "Write the name to go on: ",
                  baby->infant.name, (long long)totals->cries, totals->cries == 1 ? "cry" : "cries",
                  (long long)totals->clips, totals->clips == 1 ? "recording" : "recordings");
    (void)fflush(stderr);
    if (fgets(line, sizeof line, stdin) == NULL) {
        return false;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return strcmp(line, baby->infant.name) == 0;
}

/* Clips first: when this is cut short, the infant is still there to be deleted again. */
static mewl_status erase(const mewl_baby *baby, size_t *clips, mewl_error *err)
{
    MEWL_TRY(mewl_baby_clips_remove(baby, clips, err));
    MEWL_TRY(mewl_store_infant_delete(baby->store, baby->infant.id, err));
    return mewl_store_scrub(baby->store, err);
}

static int delete_infant(mewl_baby *baby, const char *const *value)
{
    const bool yes = value[OPT_YES] != NULL;
    mewl_store_totals totals;
    mewl_error err = {0};
    size_t clips = 0;
    if (mewl_store_infant_totals(baby->store, &totals, baby->infant.id, &err) != MEWL_OK) {
        return mewl_cli_fail(baby->cli, &err);
    }
    if (!yes && isatty(STDIN_FILENO) == 0) {
        return mewl_cli_usage_error(baby->cli, "to delete %s without being asked, say --yes", baby->infant.name);
    }
    if (!yes && !agreed(baby, &totals)) {
        mewl_cli_note(baby->cli, "nothing was deleted");
        return MEWL_EXIT_FAILED;
    }
    if (erase(baby, &clips, &err) != MEWL_OK) {
        return mewl_cli_fail(baby->cli, &err);
    }
    mewl_cli_note(baby->cli, "%s is deleted: %lld %s, %zu kept %s", baby->infant.name, (long long)totals.cries,
                  totals.cries == 1 ? "cry" : "cries", clips, clips == 1 ? "recording" : "recordings");
    return MEWL_EXIT_DONE;
}

int mewl_baby_delete(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    return mewl_baby_run(cli, &usage, argc, argv, value, delete_infant);
}
