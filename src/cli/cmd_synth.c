/* cmd_synth.c - `mewl synth`: infants that do not exist, as sound with the truth beside it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/writer.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/find.h"
#include "cli/synth.h"
#include "synth/render.h"

#define INFANTS_MAX 10000
#define RATE_USUAL_HZ 16000.0

enum {
    OPT_INFANTS,
    OPT_DAYS,
    OPT_SEED,
    OPT_SESSIONS,
    OPT_SHIFT,
    OPT_DEVICE,
    OPT_FROZEN,
    OPT_NO_SOUND,
    OPT_RATE,
    OPT_CLIP,
    OPT_F0,
    OPT_HYPER,
    OPT_COUNT
};

static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_INFANTS] = {"infants", 'n', "N", "infants to make (1)", false},
    [OPT_DAYS] = {"days", 'd', "D", "days of each one's diary (30)", false},
    [OPT_SEED] = {"seed", 0, "N", "another seed, other infants (1)", true},
    [OPT_SESSIONS] = {"sessions", 0, "X", "cry sessions a day, mean (each infant's own, 2 to 5)", false},
    [OPT_SHIFT] = {"shift", 0, "P@DAY+RAMP,...", "F0 changed by P percent from DAY on, within RAMP days", false},
    [OPT_DEVICE] = {"device", 0, "N@DAY,...", "microphone and room number N from DAY on (0: the usual one)", false},
    [OPT_FROZEN] = {"frozen", 0, NULL, "infants do not grow", false},
    [OPT_NO_SOUND] = {"no-sound", 0, NULL, "write the diary with quickly drawn voice measures, without recordings",
                      false},
    [OPT_RATE] = {"rate", 0, "HZ", "rate of the sound, 8000 to 48000 (16000)", false},
    [OPT_CLIP] = {"clip", 0, NULL, "make one cry: OUT is a .wav or .flac file", false},
    [OPT_F0] = {"f0", 0, "HZ", "with --clip: mean F0 of the cry (the infant's own)", false},
    [OPT_HYPER] = {"hyperphonation", 0, "SHARE", "with --clip: probability of a burst above 1 kHz (the infant's own)",
                   false},
};

static const mewl_cli_usage usage = {
    .command = "synth",
    .operands = "OUT",
    .about = "Makes simulated infants: a folder OUT with a recording for each cry of weeks of diary, and OUT/diary.csv "
             "with\n"
             "the truth (age, F0, what was changed when, which microphone). For tests and for how long a known change "
             "takes\n"
             "to be found. Simulated cries are no evidence about real infants: no accuracy is ever measured on them.",
    .options = options,
    .examples = "  mewl synth diary --infants 2 --days 3\n"
                "  mewl synth diary --days 60 --shift 10@30+3 --device 1@45 --seed 7\n"
                "  mewl synth diary --infants 200 --days 90 --no-sound\n"
                "  mewl synth --clip cry.wav --seed 3 --hyperphonation 0.8\n"};

static int clip(mewl_cli *cli, const char **value, const char *path, uint64_t seed, double rate_hz)
{
    mewl_error err = {0};
    if (mewl_cli_spare_recording(path, &err) != MEWL_OK) {
        return mewl_cli_fail(cli, &err);
    }
    mewl_synth_infant infant = mewl_synth_infant_seeded(seed);
    mewl_rng rng = mewl_rng_stream(seed, 0);
    mewl_synth_session session = mewl_synth_session_draw(&infant, &rng);
    mewl_synth_cry cry = mewl_synth_cry_draw(&infant, &session, (mewl_synth_state){0}, infant.age_days, &rng);
    if (!mewl_cli_number(cli, "f0", value[OPT_F0], 200, 950, &cry.f0_hz) ||
        !mewl_cli_number(cli, "hyperphonation", value[OPT_HYPER], 0, 1, &cry.hyperphonation)) {
        return MEWL_EXIT_USAGE;
    }
    mewl_synth_burst *bursts = malloc(MEWL_SYNTH_BURSTS_MAX * sizeof *bursts);
    size_t burst_count = 0;
    mewl_status status = bursts == NULL ? mewl_error_set(&err, MEWL_E_MEMORY, "out of memory")
                                        : mewl_cli_synth_write(path, bursts, &burst_count, &cry, rate_hz, &err);
    if (status == MEWL_OK && (cli->json || cli->ndjson)) {
        json_t *doc = mewl_cli_synth_json(path, &cry, bursts, burst_count);
        status = doc == NULL ? mewl_error_set(&err, MEWL_E_MEMORY, "out of memory")
                             : mewl_json_print(doc, stdout, cli->json, &err);
        json_decref(doc);
    } else if (status == MEWL_OK) {
        mewl_cli_note(cli, "%s: a simulated cry of %.1f s, %zu burst%s, F0 about %.0f Hz", path, cry.seconds,
                      burst_count, mewl_cli_s(burst_count), cry.f0_hz);
    }
    free(bursts);
    if (status != MEWL_OK) {
        mewl_cli_error(cli, "%s", err.text);
    }
    return status == MEWL_OK ? MEWL_EXIT_DONE : MEWL_EXIT_FAILED;
}

static int diaries(mewl_cli *cli, const char **value, const char *folder, uint64_t seed, double rate_hz)
{
    long infants = 1;
    double days = 30, sessions = 0;
    mewl_synth_event events[MEWL_SYNTH_EVENTS_MAX];
    size_t event_count = 0;
    bool again = false;
    mewl_error err = {0};
    if (!mewl_cli_integer(cli, "infants", value[OPT_INFANTS], 1, INFANTS_MAX, &infants) ||
        !mewl_cli_number(cli, "days", value[OPT_DAYS], 0.01, MEWL_SYNTH_DAYS_MAX, &days) ||
        !mewl_cli_number(cli, "sessions", value[OPT_SESSIONS], 0.01, 200, &sessions)) {
        return MEWL_EXIT_USAGE;
    }
    if (mewl_cli_synth_events(events, &event_count, value[OPT_SHIFT], MEWL_CLI_SYNTH_SHIFT, &err) != MEWL_OK ||
        mewl_cli_synth_events(events, &event_count, value[OPT_DEVICE], MEWL_CLI_SYNTH_DEVICE, &err) != MEWL_OK) {
        return mewl_cli_usage_error(cli, "%s", err.text);
    }
    if (mewl_cli_synth_place(folder, &again, &err) != MEWL_OK) {
        mewl_cli_error(cli, "%s", err.text);
        return MEWL_EXIT_FAILED;
    }
    if (again) {
        mewl_cli_note(cli, "%s: a simulated diary is there already; recordings that the new one has none for stay",
                      folder);
    }
    mewl_cli_synth job = {.cli = cli,
                          .folder = folder,
                          .infants = (size_t)infants,
                          .seed = seed,
                          .rate_hz = rate_hz,
                          .sound = value[OPT_NO_SOUND] == NULL,
                          .diary = {.days = days,
                                    .sessions_day = sessions,
                                    .frozen = value[OPT_FROZEN] != NULL,
                                    .events = events,
                                    .event_count = event_count}};
    if (mewl_cli_synth_run(&job, &err) != MEWL_OK) {
        mewl_cli_report_clear(cli);
        mewl_cli_error(cli, "%s", err.text);
        return MEWL_EXIT_FAILED;
    }
    mewl_cli_report_clear(cli);
    mewl_cli_note(cli, "%s: %zu recording%s of %ld simulated infant%s over %g day%s%s", folder, job.written,
                  mewl_cli_s(job.written), infants, mewl_cli_s((unsigned long long)infants), days,
                  days > 1 || days < 1 ? "s" : "", job.sound ? "" : " (measures alone)");
    return MEWL_EXIT_DONE;
}

int mewl_cmd_synth(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    long seed = 1;
    double rate_hz = RATE_USUAL_HZ;
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc != 1) {
        return mewl_cli_usage_error(cli, "name the folder to write, or with --clip the file");
    }
    if (!mewl_cli_integer(cli, "seed", value[OPT_SEED], 0, 0x7fffffff, &seed) ||
        !mewl_cli_number(cli, "rate", value[OPT_RATE], MEWL_SYNTH_RATE_MIN_HZ, MEWL_SYNTH_RATE_MAX_HZ, &rate_hz)) {
        return MEWL_EXIT_USAGE;
    }
    rate_hz = round(rate_hz);
    return value[OPT_CLIP] != NULL ? clip(cli, value, argv[0], (uint64_t)seed, rate_hz)
                                   : diaries(cli, value, argv[0], (uint64_t)seed, rate_hz);
}
