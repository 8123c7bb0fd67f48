/* rng.c - see rng.h. */
#include "base/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

mewl_rng mewl_rng_seeded(uint64_t seed)
{
    mewl_rng rng;
    for (int i = 0; i < 4; i++) {
        rng.s[i] = splitmix64(&seed);
    }
    return rng;
}

mewl_rng mewl_rng_stream(uint64_t seed, uint64_t stream)
{
    uint64_t mixed = seed;
    (void)splitmix64(&mixed);
    uint64_t key = splitmix64(&mixed) ^ (stream * 0xd1342543de82ef95u + 0x632be59bd9b4e019u);
    return mewl_rng_seeded(key);
}

uint64_t mewl_rng_u64(mewl_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t mewl_rng_below(mewl_rng *rng, uint64_t bound)
{
    if (bound == 0) {
        return 0;
    }
    uint64_t threshold = (0 - bound) % bound;
    for (;;) {
        __extension__ typedef unsigned __int128 wide;
        wide product = (wide)mewl_rng_u64(rng) * bound;
        if ((uint64_t)product >= threshold) {
            return (uint64_t)(product >> 64);
        }
    }
}

double mewl_rng_unit(mewl_rng *rng)
{
    return (double)(mewl_rng_u64(rng) >> 11) * 0x1.0p-53;
}

double mewl_rng_range(mewl_rng *rng, double low, double high)
{
    return low + (high - low) * mewl_rng_unit(rng);
}

double mewl_rng_normal(mewl_rng *rng)
{
    double u = 1.0 - mewl_rng_unit(rng); /* in (0, 1] */
    double v = mewl_rng_unit(rng);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

void mewl_rng_shuffle(mewl_rng *rng, size_t *indices, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)mewl_rng_below(rng, i);
        size_t swap = indices[i - 1];
        indices[i - 1] = indices[j];
        indices[j] = swap;
    }
}
