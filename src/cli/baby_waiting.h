/* baby_waiting.h - recordings that an infant's personal model is to hear, read from the store with embedding, measures
 * and surroundings, in order of time. What is made of them is baby_learn.h's. */
#ifndef MEWL_CLI_BABY_WAITING_H
#define MEWL_CLI_BABY_WAITING_H

#include "cli/baby_learn.h"

/* One of them. */
typedef struct mewl_baby_waiting {
    mewl_recording recording;
    int64_t id, start_ms, session_id;
    bool enrolled, ready; /* ready: has an embedding by the present embedder */
    float *embedding;
    double measures[MEWL_BABY_WATCHED], surroundings[MEWL_BABY_SURROUNDINGS];
} mewl_baby_waiting;

/* All of them. Zero-initialised is empty. */
typedef struct mewl_baby_queue {
    mewl_baby_waiting *list; /* by time, then number: as the store gives recordings */
    size_t count, capacity;
    size_t at; /* where the reading of embeddings or measures is */
    size_t dims;
} mewl_baby_queue;

/* Reads the infant's usable recordings from a time on that have an embedding by that version, into an empty queue; of
 * very many the latest. MEWL_E_MEMORY and those of the store. Release in any case. */
mewl_status mewl_baby_queue_read(mewl_baby_queue *q, mewl_baby *baby, int64_t model_id, int64_t from_ms,
                                 mewl_error *err);
void mewl_baby_queue_fini(mewl_baby_queue *q);

#endif
