/* compress.h - smaller models of one teacher, compared on the same clips: students alone and distilled, each of them
 * and the teacher in eight bits. The cells of InfantCryNet's table 5.
 *
 * One cell is one split of one seed: the teacher is trained, its students learn from what it says of the training side
 * (and from nothing else), every model is quantised after training and says what it thinks of the test side. Time is
 * measured where the cell runs, so it alone is not the same in two runs.
 */
#ifndef MEWL_LAB_COMPRESS_H
#define MEWL_LAB_COMPRESS_H

#include "lab/study.h"

#define MEWL_COMPRESS_STUDENTS_MAX 4
#define MEWL_COMPRESS_ROWS_MAX 32

typedef struct mewl_compress_model {
    char name[48];            /* "cnn14" */
    mewl_model_config config; /* classes and bands are filled in; one front end for all */
    const char *init;         /* checkpoint to start from, or NULL */
    double epochs_share;      /* of opts.fit.epochs; 0 means 1 */
} mewl_compress_model;

typedef struct mewl_compress_opts {
    mewl_compress_model teacher;
    mewl_compress_model students[MEWL_COMPRESS_STUDENTS_MAX];
    size_t student_count;
    mewl_fit_opts fit;  /* of all trainings; temperature and teacher_weight of the distilled ones */
    double tune_epochs; /* passes more of models that round as their eight bits will (fit.h); 0: no such rows */
} mewl_compress_opts;

/* Rows of the table in order: teacher, teacher in int8 (dynamic, static, static after passes that round), then for
 * each student: alone, distilled, distilled in int8 (the same three). Writes at most MEWL_COMPRESS_ROWS_MAX names and
 * returns how many. */
size_t mewl_compress_names(char names[][MEWL_STUDY_NAME_MAX], const mewl_compress_opts *opts);

/* Runs what the journal does not hold yet. MEWL_E_CANCELLED when stopped. */
mewl_status mewl_compress_run(mewl_study *study, mewl_experiment *experiment, const mewl_compress_opts *opts,
                              mewl_error *err);

/* The document: columns "bytes" (on disk, and as a share of the teacher's), "time" (ms a clip of the crop's length, one
 * thread, median over cells), "paper" where `paper` (names and texts, NULL-terminated pairs) has the row; differences
 * to the teacher. */
mewl_status mewl_compress_document(json_t **out, const mewl_study *study, const mewl_experiment *experiment,
                                   const mewl_compress_opts *opts, const char *const *paper, mewl_error *err);

#endif
