/* gate.h - the first gate: is this recording a cry that can be compared at all? Figures in, reasons out.
 *
 * Says nothing about whether the cry is usual for the infant (infant.h does), and measures nothing itself.
 */
#ifndef MEWL_INFANT_GATE_H
#define MEWL_INFANT_GATE_H

#include <stdbool.h>
#include <stddef.h>

/* What was measured of one recording; NaN where something was not measured, which then speaks neither way. */
typedef struct mewl_gate_figures {
    double cry;     /* the detector's probability that there is a cry, 0 to 1 */
    double snr_db;  /* cry above the background */
    double clipped; /* share of samples at full scale, 0 to 1 */
    double seconds; /* length of crying */
} mewl_gate_figures;

/* Zero means the default in brackets. */
typedef struct mewl_gate_opts {
    double min_cry;     /* [0.5] */
    double min_snr_db;  /* [3]; negative infinity for none */
    double max_clipped; /* [0.02] */
    double min_seconds; /* [0.5] */
} mewl_gate_opts;

/* Why a recording is not usable: bits. */
enum {
    MEWL_GATE_NO_CRY = 1,
    MEWL_GATE_NOISY = 2,
    MEWL_GATE_CLIPPED = 4,
    MEWL_GATE_SHORT = 8,
    MEWL_GATE_NO_EMBEDDING = 16, /* the embedding holds something that is no number, or zeros alone */
    MEWL_GATE_SILENT = 32        /* nothing could be heard: said by the caller, who knows; no figure here tells it */
};

/* 0 when usable, else bits. */
unsigned mewl_gate_judge(mewl_gate_figures figures, mewl_gate_opts opts);

/* One figure for ranking recordings by how usable they are, larger being better: the logit of `cry` (clamped to +-12)
 * minus a penalty of one for each dB, percent and tenth of a second beyond the other limits. This is what an AUC of the
 * gate is computed from. */
double mewl_gate_score(mewl_gate_figures figures, mewl_gate_opts opts);

/* What a bit means, for people ("too much noise around it"); "" for 0 and unknown bits. Static storage. */
const char *mewl_gate_text(unsigned bit);

#endif
