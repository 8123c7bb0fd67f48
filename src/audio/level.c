#include "audio/level.h"

#include <math.h>
#include <stdbool.h>

#define FULL_SCALE 0.999F
#define RUN_LEAST 3
#define RUN_MOST 1000000

/* Pieces of 256 are summed in eight float lanes, which the compiler vectorises; runs at full scale are looked for only
 * in pieces that reach it. */
void mewl_level_push(mewl_level *level, const float *samples, size_t count)
{
    double energy = 0.0;
    float peak = level->peak;
    size_t zeros = 0;
    for (size_t start = 0; start < count;) {
        const size_t length = count - start < 256 ? count - start : 256;
        const float *x = samples + start;
        float sums[8] = {0}, tops[8] = {0};
        int none[8] = {0}, loud = 0;
        size_t i = 0;
        for (; i + 8 <= length; i += 8) {
            for (int j = 0; j < 8; j++) {
                /* Comparisons with NaN are false; infinities fail the second. */
                const float v = fabsf(x[i + (size_t)j]);
                const float s = v <= 3.0e18F ? v : 0.0F;
                sums[j] += s * s;
                tops[j] = s > tops[j] ? s : tops[j];
                none[j] += s == 0.0F;
                loud |= s >= FULL_SCALE;
            }
        }
        for (; i < length; i++) {
            const float v = fabsf(x[i]);
            const float s = v <= 3.0e18F ? v : 0.0F;
            sums[0] += s * s;
            tops[0] = s > tops[0] ? s : tops[0];
            none[0] += s == 0.0F;
            loud |= s >= FULL_SCALE;
        }
        for (int j = 0; j < 8; j++) {
            energy += (double)sums[j];
            peak = tops[j] > peak ? tops[j] : peak;
            zeros += (size_t)none[j];
        }
        if (loud == 0) {
            level->run = 0;
        } else {
            for (size_t k = 0; k < length; k++) {
                const bool high = x[k] >= FULL_SCALE && x[k] <= 3.0e18F, low = x[k] <= -FULL_SCALE && x[k] >= -3.0e18F;
                if (high) {
                    level->run = level->run > 0 ? level->run + (level->run < RUN_MOST) : 1;
                } else if (low) {
                    level->run = level->run < 0 ? level->run - (level->run > -RUN_MOST) : -1;
                } else {
                    level->run = 0;
                }
                const int run = level->run < 0 ? -level->run : level->run;
                /* The third sample of a run makes the first two count as well. */
                level->clipped += run == RUN_LEAST ? RUN_LEAST : (run > RUN_LEAST ? 1 : 0);
            }
        }
        start += length;
    }
    level->count += count;
    level->zeros += zeros;
    level->energy += energy;
    level->peak = peak;
}

double mewl_level_from_amplitude(double amplitude)
{
    return amplitude > 0.0 ? 20.0 * log10(amplitude) : -INFINITY;
}

double mewl_level_to_amplitude(double level_dbfs)
{
    return pow(10.0, level_dbfs / 20.0);
}

double mewl_level_rms_dbfs(const mewl_level *level)
{
    return level->count == 0 ? -INFINITY : mewl_level_from_amplitude(sqrt(level->energy / (double)level->count));
}

double mewl_level_peak_dbfs(const mewl_level *level)
{
    return mewl_level_from_amplitude((double)level->peak);
}

double mewl_level_clipped_share(const mewl_level *level)
{
    return level->count == 0 ? 0.0 : (double)level->clipped / (double)level->count;
}

double mewl_level_dbfs(const float *samples, size_t count)
{
    mewl_level level = {0};
    mewl_level_push(&level, samples, count);
    return mewl_level_rms_dbfs(&level);
}
