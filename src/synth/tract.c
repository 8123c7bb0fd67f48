/* tract.c - see tract.h. */
#include "synth/tract.h"

#include <math.h>
#include <string.h>

#define SPEED_OF_SOUND 350.0

double mewl__tract_resonance_hz(double length_m, size_t n)
{
    return (2 * (double)n + 1) * SPEED_OF_SOUND / (4 * length_m);
}

void mewl__tract_init(mewl__tract *t, double length_m, double opening, double rate_hz)
{
    memset(t, 0, sizeof *t);
    for (size_t n = 0; n < MEWL__TRACT_RESONANCES; n++) {
        double hz = mewl__tract_resonance_hz(length_m, n) * (n == 0 ? opening : 1);
        if (hz >= 0.46 * rate_hz) {
            break;
        }
        double radius = exp(-M_PI * (100 + 0.05 * hz) / rate_hz);
        t->resonators[n].c = -radius * radius;
        t->resonators[n].b = 2 * radius * cos(2 * M_PI * hz / rate_hz);
        t->resonators[n].a = 1 - t->resonators[n].b - t->resonators[n].c;
        t->count++;
    }
}

double mewl__tract_run(mewl__tract *t, double x)
{
    for (size_t n = 0; n < t->count; n++) {
        double y = t->resonators[n].a * x + t->resonators[n].b * t->resonators[n].y1 +
                   t->resonators[n].c * t->resonators[n].y2;
        t->resonators[n].y2 = t->resonators[n].y1;
        t->resonators[n].y1 = y;
        x = y;
    }
    return x;
}
