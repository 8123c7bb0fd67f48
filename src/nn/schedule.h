/* schedule.h - learning rates by step: linear warm-up, then constant, cosine or step decay; and a plateau watcher.
 * Pure numbers: nothing here knows a net.
 */
#ifndef MEWL_NN_SCHEDULE_H
#define MEWL_NN_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum mewl_schedule_kind { MEWL_SCHEDULE_CONSTANT, MEWL_SCHEDULE_COSINE } mewl_schedule_kind;

typedef struct mewl_schedule {
    mewl_schedule_kind kind;
    double rate;           /* the highest rate */
    double final_fraction; /* cosine ends at rate * this, 0 to 1 */
    uint64_t warmup_steps; /* rate * (step + 1) / warmup_steps for step < warmup_steps */
    uint64_t total_steps;  /* cosine reaches its end at this step and stays there */
} mewl_schedule;

/* The rate for update `step`, counted from 0. */
double mewl_schedule_rate(const mewl_schedule *schedule, uint64_t step);

/* Multiplies the rate by `factor` whenever the watched figure has not become better by more than `threshold` (relative:
 * PyTorch's ReduceLROnPlateau) for more than `patience` observations. All in one block: copy it into a checkpoint. */
typedef struct mewl_plateau {
    bool larger_is_better;
    double factor;    /* 0 < factor < 1 */
    double threshold; /* relative, e.g. 1e-4 */
    int64_t patience;
    int64_t cooldown; /* observations ignored after a reduction */
    double floor;     /* scale never falls below */
    /* state: zero-initialise, then set scale to 1 */
    double scale; /* what to multiply the schedule's rate with */
    double best;
    int64_t bad;
    int64_t cooling;
    bool started;
} mewl_plateau;

/* Takes one observation; returns true when `scale` was reduced by it. A NaN counts as a bad observation. */
bool mewl_plateau_observe(mewl_plateau *plateau, double figure);

#endif
