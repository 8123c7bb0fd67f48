/* teacher.h - the two published audio taggers that serve as teachers and as baselines: YAMNet (from its TFLite file)
 * and EfficientAT mn04 (from its PyTorch file), run in our own engine, behind one interface.
 *
 * Not a detector: it scores a whole clip that is in memory. Weights are read from the publisher's files; none are part
 * of this project.
 *
 *            rate_hz  classes  embedding  one row of scores
 *   yamnet   16000    521      1024       each 0.96 s window, every 0.48 s
 *   mn04     32000    527      384        the whole clip
 */
#ifndef MEWL_MODELS_TEACHER_H
#define MEWL_MODELS_TEACHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define MEWL_TEACHER_MAX_SECONDS 600.0 /* of one clip */

typedef struct mewl_teacher mewl_teacher;

/* Opens the teacher `name` ("yamnet" or "mn04"; NULL: by the file's content) from its publisher's file or from our own
 * .safetensors import of it. The handle serves one thread; open one for each. On success *out is the caller's, to be
 * closed. MEWL_E_ARG (unknown name), MEWL_E_NOT_FOUND, MEWL_E_IO, MEWL_E_FORMAT, MEWL_E_UNSUPPORTED (another network).
 */
mewl_status mewl_teacher_open(mewl_teacher **out, const char *name, const char *path, mewl_error *err);
void mewl_teacher_close(mewl_teacher *teacher);

const char *mewl_teacher_name(const mewl_teacher *teacher);      /* "yamnet" or "mn04" */
double mewl_teacher_rate_hz(const mewl_teacher *teacher);        /* what mewl_teacher_score expects */
size_t mewl_teacher_classes(const mewl_teacher *teacher);        /* columns of scores and logits: 521, 527 */
size_t mewl_teacher_embedding_size(const mewl_teacher *teacher); /* numbers of an embedding: 1024, 384 */
int64_t mewl_teacher_params(const mewl_teacher *teacher); /* weights and biases, running statistics not counted */

/* AudioSet's English name of a class, e.g. "Baby cry, infant cry"; NULL out of range. Static storage. */
const char *mewl_teacher_label(const mewl_teacher *teacher, size_t class_index);

/* Rows of scores that a clip of `count` samples gives: YAMNet 1 up to 15,600 samples (shorter clips are padded with
 * zeros), then one more for every 7,680; mn04 always 1. 0 for count 0. */
size_t mewl_teacher_rows(const mewl_teacher *teacher, size_t count);

/* What mewl_teacher_score fills. Each pointer may be NULL (not wanted) and else belongs to the caller. */
typedef struct mewl_teacher_result {
    float *scores;         /* rows x classes probabilities */
    float *logits;         /* rows x classes, before the sigmoid */
    float *embedding;      /* mean over the rows of each row's embedding */
    float *row_embeddings; /* rows x embedding size */
    float *row_cry;        /* rows: the larger of the two cry classes' probabilities */
    float cry;             /* set: the largest of "Crying, sobbing" and "Baby cry, infant cry" over all rows, 0..1 */
    double cry_s;          /* set: middle of the row that gave it, seconds from the clip's start */
} mewl_teacher_result;

/* Scores mono samples at the teacher's rate. Samples that are not finite count as 0. MEWL_E_ARG, MEWL_E_EMPTY (count
 * 0), MEWL_E_MEMORY (longer than MEWL_TEACHER_MAX_SECONDS). */
mewl_status mewl_teacher_score(mewl_teacher *teacher, mewl_teacher_result *result, const float *samples, size_t count,
                               mewl_error *err);

#endif
