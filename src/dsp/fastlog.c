/* fastlog.c - natural logarithms of arrays; see fastlog.h.
 *
 * x = m 2^e with m in [sqrt(1/2), sqrt(2)); ln x = e ln 2 + ln(1 + z), z = m - 1, and
 * ln(1 + z) = z - z^2/2 + z^3 P(z), P of degree 7 fitted here for the least largest error relative to z (5.9e-9).
 * ln 2 is split so that e times its first part is exact.
 */
#include "dsp/fastlog.h"

#include <stdint.h>
#include <string.h>

#define SQRT_HALF_BITS 0x3f3504f3
#define LN2_HIGH 0.693359375f
#define LN2_LOW (-2.12194440e-4f)

static inline float ln(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int32_t exponent = (bits - SQRT_HALF_BITS) >> 23;
    bits -= (int32_t)((uint32_t)exponent << 23);
    float mantissa;
    memcpy(&mantissa, &bits, sizeof mantissa);
    float e = (float)exponent;
    float z = mantissa - 1.0f;
    float p = -0.07859615f;
    p = p * z + 0.12881649f;
    p = p * z - 0.13128754f;
    p = p * z + 0.14181192f;
    p = p * z - 0.16624554f;
    p = p * z + 0.20002286f;
    p = p * z - 0.2500081f;
    p = p * z + 0.33333316f;
    float square = z * z;
    float tail = square * z * p + e * LN2_LOW - 0.5f * square;
    return e * LN2_HIGH + (z + tail);
}

void mewl_fastlog(float *out, const float *in, size_t count, mewl_fastlog_opts opts)
{
    for (size_t block = 0; block < count; block += 16) {
        float x[16];
        memcpy(x, in + block, sizeof x);
        for (size_t i = 0; i < 16; i++) {
            float floored = x[i] > opts.floor ? x[i] : opts.floor;
            x[i] = opts.offset + opts.scale * ln(floored + opts.add);
        }
        memcpy(out + block, x, sizeof x);
    }
}
