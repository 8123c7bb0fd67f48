/* teacher_net.h - private to teacher.c and import.c: a teacher's network with its weights, from any file that holds it.
 */
#ifndef MEWL_MODELS_TEACHER_NET_H
#define MEWL_MODELS_TEACHER_NET_H

#include "nn/checkpoint.h"
#include "nn/net.h"

/* What there is to know about a teacher. */
typedef struct mewl__teacher_kind {
    const char *name, *front_end;
    double rate_hz;
    size_t classes, embedding, bands;
    const char *logits_out, *embedding_out; /* outputs of the net */
    size_t crying, baby_cry;                /* classes */
    const char *licence;                    /* of the published weights, with their source */
} mewl__teacher_kind;

/* Metadata of our own imports, and the extra array that a YAMNet import carries. */
#define MEWL__TEACHER_ARCH_KEY "mewl.arch"
#define MEWL__TEACHER_MEL_KEY "frontend.mel"

/* By name; NULL when there is no such teacher. */
const mewl__teacher_kind *mewl__teacher_kind_find(const char *name);

/* Label of a class; NULL out of range. Static storage. */
const char *mewl__teacher_label(const mewl__teacher_kind *kind, size_t index);

/* The network in the file at `path`: a publisher's file or our import, told apart by content. `name` NULL: whichever it
 * is. *mel is the file's own mel matrix (64 x 257) or NULL; free() and mewl_net_free() are the caller's. Errors as
 * mewl_teacher_open. */
mewl_status mewl__teacher_net_open(mewl_net **net, float **mel, const mewl__teacher_kind **kind, const char *name,
                                   const char *path, mewl_error *err);

#endif
