/* picture_acc.h - the inside of mewl_picture_acc. Private to the room. */
#ifndef MEWL_DRAW_PICTURE_ACC_H
#define MEWL_DRAW_PICTURE_ACC_H

#include "draw/columns.h"
#include "draw/picture.h"

struct mewl_picture_acc {
    mewl_picture_acc_opts opts; /* band_hz points to the copy below */
    double *band_hz;
    float *linear;        /* (bands) one frame as power */
    mewl__columns wave;   /* highest sample and highest negated sample */
    mewl__columns frames; /* power */
    mewl__columns scores;
};

#endif
