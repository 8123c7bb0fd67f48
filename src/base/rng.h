/* rng.h - seeded random numbers, the same on every machine: xoshiro256++ (Blackman and Vigna 2019) seeded through
 * splitmix64. Not for secrets. A state is 32 bytes that the caller places, copies and stores in checkpoints. */
#ifndef MEWL_BASE_RNG_H
#define MEWL_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* The state; never all zeros once seeded. One thread at a time. */
typedef struct mewl_rng {
    uint64_t s[4];
} mewl_rng;

/* A generator for `seed`; every seed, 0 included, gives a usable state. */
mewl_rng mewl_rng_seeded(uint64_t seed);

/* A generator that depends on seed and stream alone: how a worker or item gets its own, whatever the thread order. */
mewl_rng mewl_rng_stream(uint64_t seed, uint64_t stream);

/* The next 64 bits, all of them uniform. */
uint64_t mewl_rng_u64(mewl_rng *rng);

/* Whole number in [0, bound), without modulo bias (Lemire 2019). bound 0 gives 0. */
uint64_t mewl_rng_below(mewl_rng *rng, uint64_t bound);

/* In [0, 1), 53 bits. */
double mewl_rng_unit(mewl_rng *rng);

/* In [low, high). */
double mewl_rng_range(mewl_rng *rng, double low, double high);

/* Standard normal, by Box and Muller's transform (one value a call; no hidden state). */
double mewl_rng_normal(mewl_rng *rng);

/* Shuffles `count` indices in place (Fisher-Yates). */
void mewl_rng_shuffle(mewl_rng *rng, size_t *indices, size_t count);

#endif
