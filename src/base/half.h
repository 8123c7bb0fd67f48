/* half.h - IEEE 754 half precision to single, as files of weights and arrays hold it. Nothing computes in it. */
#ifndef MEWL_BASE_HALF_H
#define MEWL_BASE_HALF_H

#include <stdint.h>
#include <string.h>

/* The value of the 16 bits `half`: subnormals, infinities and NaN (with its payload) included. Exact. */
static inline float mewl_half_to_float(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = half >> 10 & 31u, fraction = half & 1023u;
    if (exponent == 0) {
        const float value = (float)fraction * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    const uint32_t bits = sign | (exponent == 31 ? 0xffu : exponent + 112) << 23 | fraction << 13;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

#endif
