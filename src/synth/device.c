/* device.c - see device.h. */
#include "synth/device.h"

#include <math.h>
#include <stdint.h>

#include "base/rng.h"

mewl__synth_device mewl__synth_device_of(int number)
{
    if (number == 0) {
        return (mewl__synth_device){0, 7500, 60, 0.25, -14, 0, 1};
    }
    mewl_rng r = mewl_rng_stream(0xdec1ce, (uint64_t)(int64_t)number);
    mewl__synth_device d;
    d.gain_db = mewl_rng_range(&r, -10, 4);
    d.cutoff_hz = mewl_rng_range(&r, 3600, 7500);
    d.rumble_hz = mewl_rng_range(&r, 100, 300);
    d.reverb_s = mewl_rng_range(&r, 0.3, 0.6);
    d.wet_db = mewl_rng_range(&r, -12, -7);
    d.noise_db = mewl_rng_range(&r, 2, 8);
    d.formant = exp(mewl_rng_range(&r, -0.05, 0.05));
    return d;
}
