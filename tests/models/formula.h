/* formula.h - weights and inputs of the golden files of networks: numbers that follow from a name, which
 * tools/golden_nn.py computes in the same way, so that golden files hold results alone. */
#ifndef MEWL_TESTS_MODELS_FORMULA_H
#define MEWL_TESTS_MODELS_FORMULA_H

#include "../nn/golden_value.h"
#include "nn/net.h"

#include <math.h>
#include <string.h>

static inline bool formula_ends(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Architectures that give a vector alone: they have no classes and no choice of pooling. */
static inline bool formula_embeds(const char *arch)
{
    return strncmp(arch, "ecapa", 5) == 0 || formula_ends(arch, "-embed") || formula_ends(arch, "-statistics");
}

/* Weights within Glorot's bound; norms near one, running statistics too, so that folding has something to fold. */
static inline void formula_fill(mewl_net *net)
{
    size_t count;
    mewl_param *const *params = mewl_net_params(net, &count);
    for (size_t i = 0; i < count; i++) {
        mewl_shape shape = params[i]->value.shape;
        const char *name = params[i]->name;
        double bound = sqrt(6.0 / (double)(shape.dim[2] * shape.dim[3] * (shape.dim[0] + shape.dim[1])));
        for (int64_t k = 0; k < mewl_shape_count(shape); k++) {
            double v = golden_value(name, (uint64_t)k);
            v = shape.rank >= 2                     ? v * bound
                : formula_ends(name, "running_var") ? 1.0 + 0.5 * v
                : formula_ends(name, "weight")      ? 1.0 + 0.2 * v
                                                    : v * 0.1;
            ((float *)params[i]->value.data)[k] = (float)v;
        }
    }
    mewl_net_touch(net);
}

#endif
