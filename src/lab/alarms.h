/* alarms.h - false alarms, drift and delay to detection of personal models (infant/) on simulated infants (synth/),
 * where the truth is known because it was put in. Simulated: it says how the statistics keep their promises, never how
 * well real infants are told apart.
 *
 * An infant is a diary of recordings; each recording's ten voice measures (voice/measure.h) are its embedding and its
 * log F0 is watched besides. The first 14 days are enrolled, the rest is heard session by session.
 */
#ifndef MEWL_LAB_ALARMS_H
#define MEWL_LAB_ALARMS_H

#include <signal.h>
#include <stdint.h>

#include "base/json.h"
#include "base/progress.h"

/* Shortest lives: two weeks are enrolled, two more are needed before a change can be told, thirty days are waited for
 * it. */
#define MEWL_ALARMS_DAYS_MIN 60.0

typedef struct mewl_alarms_opts {
    size_t infants;          /* of levels, delay and drift; 0 means 200 */
    size_t lifetimes;        /* of the martingale; 0 means 1000 */
    double days;             /* of a life: of infants that do not grow, of the martingale's, and of those into whom
                                something is put (30 days before the end); infants that grow live 30 days longer, those
                                counted after 200 updates 270 days at least. 0: 90; MEWL_ALARMS_DAYS_MIN at least */
    double false_alarm_days; /* the setting under test; 0 means 30 */
    uint64_t seed;
    const mewl_progress *progress;
    const volatile sig_atomic_t *stop; /* MEWL_E_CANCELLED once not 0; may be NULL */
} mewl_alarms_opts;

/* The document for sheet.h: levels against realised rates, before and after 200 updates and without held-apart
 * calibration; alarms an infant-month while nothing happens, growing and not; the martingale's lifetimes; delay for
 * shifts of 5, 10 and 20 % in F0, hoarseness and a change of microphone. *out is a new reference. MEWL_E_ARG,
 * MEWL_E_MEMORY, MEWL_E_CANCELLED and those of the rooms used. */
mewl_status mewl_alarms_run(json_t **out, mewl_alarms_opts opts, mewl_error *err);

#endif
