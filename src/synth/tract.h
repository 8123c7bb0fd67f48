/* tract.h - private to the synth room: the resonances of a vocal tract that is a tube closed at one end, as a cascade
 * of second-order resonators (Klatt 1980). */
#ifndef MEWL_SYNTH_TRACT_H
#define MEWL_SYNTH_TRACT_H

#include <stddef.h>

#define MEWL__TRACT_RESONANCES 6

typedef struct mewl__tract {
    struct {
        double a, b, c, y1, y2;
    } resonators[MEWL__TRACT_RESONANCES];
    size_t count;
} mewl__tract;

/* Resonance n (0: the first) of a tube of length_m: (2n + 1) c / 4 L with c = 350 m/s, in Hz. */
double mewl__tract_resonance_hz(double length_m, size_t n);

/* As many resonances as fit below 0.46 rate_hz; `opening` multiplies the first. State cleared. */
void mewl__tract_init(mewl__tract *tract, double length_m, double opening, double rate_hz);

double mewl__tract_run(mewl__tract *tract, double x);

#endif
