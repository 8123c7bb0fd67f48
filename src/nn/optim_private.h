/* optim_private.h - private to nn/: the state of optimiser and moving average, for checkpoints. */
#ifndef MEWL_NN_OPTIM_PRIVATE_H
#define MEWL_NN_OPTIM_PRIVATE_H

#include "nn/optim.h"

struct mewl_optim {
    mewl_net *net;
    mewl_optim_opts opts;
    uint64_t steps;
    size_t count;   /* of the net's parameters; entries of buffers are NULL */
    float **first;  /* momentum, or Adam's first moment; NULL entry when not used */
    float **second; /* Adam's second moment */
};

struct mewl_ema {
    mewl_net *net;
    double decay;
    uint64_t updates;
    bool swapped;
    size_t count;
    float **average;
};

#endif
