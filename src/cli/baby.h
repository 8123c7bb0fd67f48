/* baby.h - what the commands of `mewl baby` share: the open store, the infant named, times as people write them. Each
 * command is in a file of its own, baby_<command>.c. */
#ifndef MEWL_CLI_BABY_H
#define MEWL_CLI_BABY_H

#include "base/json.h"
#include "cli/cli.h"
#include "store/infants.h"
#include "store/recordings.h"

#define MEWL_BABY_DAY_MS 86400000LL

/* Rows that every command's table of options begins with. */
enum { MEWL_BABY_STORE, MEWL_BABY_NOW, MEWL_BABY_OPTIONS };
#define MEWL_BABY_OPTION_ROWS                                                                                          \
    [MEWL_BABY_STORE] = {"store", 0, "FOLDER", "where it is all kept (the data folder of your account)", true},        \
    [MEWL_BABY_NOW] = {"now", 0, "TIME", "take this for the present time", false}

typedef struct mewl_baby {
    mewl_cli *cli;
    mewl_store *store;
    mewl_store_infant infant;
    int64_t now_ms;
} mewl_baby;

/* Begins *baby, with what time it is: by --now, else the clock. MEWL_CLI_GO, or the exit code after reporting. */
int mewl_baby_now(mewl_baby *baby, mewl_cli *cli, const char *const *value);

/* Opens the store that value[MEWL_BABY_STORE] names (NULL: $XDG_DATA_HOME/mewl, else ~/.local/share/mewl) and, when
 * `name` is not NULL, finds that infant. `existing`: do not make a store. MEWL_CLI_GO, or the exit code after reporting
 * why not. Close in any case. */
int mewl_baby_open(mewl_baby *baby, mewl_cli *cli, const char *const *value, const char *name, bool existing);

/* The same without a name, where no store is no error: baby->store is then NULL. */
int mewl_baby_open_any(mewl_baby *baby, mewl_cli *cli, const char *const *value);
void mewl_baby_close(mewl_baby *baby);

/* A moment: "2026-11-20 22:44" or "2026-11-20 7:05", with T, seconds, Z or +01:00 where given; else the clock of this
 * place. A day alone is its midnight. False for anything else, and for years outside 1900 to 2199. */
bool mewl_baby_parse_time(int64_t *ms, const char *text);

/* A day of birth, "2026-11-20", as midnight UTC. */
bool mewl_baby_parse_day(int64_t *ms, const char *text);

/* Whether a moment said with `option` is no later than now, a few minutes of clocks that disagree (a day's hours for a
 * day of birth, which has no time zone) allowed. MEWL_CLI_GO, or MEWL_EXIT_USAGE after saying so. */
int mewl_baby_not_future(const mewl_baby *baby, const char *option, int64_t ms);

/* "2026-11-20 22:44" by the clock of this place; `out` has 32 bytes. Returns it. */
char *mewl_baby_time(char *out, int64_t ms);
char *mewl_baby_day(char *out, int64_t born_ms);

/* "3 days", "7 weeks", "5 months", "2 years" at a moment; "not born yet". `out` has 32 bytes. Returns it. */
char *mewl_baby_age(char *out, int64_t born_ms, int64_t at_ms);

/* When the recording at `path` began, and how that is known: from a Donate-a-Cry or Lockhart-Bouron name or one that
 * name_time.h reads, else from the time of the file's last change less `seconds`, its length. MEWL_E_NOT_FOUND and the
 * like when there is no such file.
 */
mewl_status mewl_baby_file_time(int64_t *ms, mewl_store_time_from *from, const char *path, double seconds,
                                mewl_error *err);

/* The whole of a command that takes one infant and options: parses into `value` (as many as usage->options has), opens
 * the store, runs, closes. Returns the exit code. */
int mewl_baby_run(mewl_cli *cli, const mewl_cli_usage *usage, int argc, char **argv, const char **value,
                  int (*run)(mewl_baby *baby, const char *const *value));

/* Whether a moment lies before a day of birth, wherever on earth that day was. */
bool mewl_baby_before_birth(int64_t ms, int64_t born_ms);

/* Whether the time said with --at has come, and lies in the infant's life. MEWL_CLI_GO, or MEWL_EXIT_USAGE after saying
 * so. */
int mewl_baby_check_at(const mewl_baby *baby, int64_t ms);

/* Prints a document where --json or --ndjson asks for it (and releases it). Returns the exit code. */
int mewl_baby_print(const mewl_cli *cli, json_t *document);

/* A member that holds a time as ISO 8601 UTC, null for 0. */
void mewl_baby_set_time(json_t *object, const char *key, int64_t ms);

/* The commands. */
int mewl_baby_add(mewl_cli *cli, int argc, char **argv);
int mewl_baby_set(mewl_cli *cli, int argc, char **argv);
int mewl_baby_list(mewl_cli *cli, int argc, char **argv);
int mewl_baby_show(mewl_cli *cli, int argc, char **argv);
int mewl_baby_enrol(mewl_cli *cli, int argc, char **argv);
int mewl_baby_score(mewl_cli *cli, int argc, char **argv);
int mewl_baby_timeline(mewl_cli *cli, int argc, char **argv);
int mewl_baby_export(mewl_cli *cli, int argc, char **argv);
int mewl_baby_note(mewl_cli *cli, int argc, char **argv);
int mewl_baby_alerts(mewl_cli *cli, int argc, char **argv);
int mewl_baby_delete(mewl_cli *cli, int argc, char **argv);

#endif
