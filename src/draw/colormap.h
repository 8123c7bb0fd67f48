/* colormap.h - colours for heat maps: dark to light with lightness rising evenly, so that equal steps of the value look
 * equal, in print and to colour-blind eyes as well. Computed from CIE LCh coordinates, not taken from a table. */
#ifndef MEWL_DRAW_COLORMAP_H
#define MEWL_DRAW_COLORMAP_H

#include <stdint.h>

typedef enum mewl_colormap_kind {
    MEWL_COLORMAP_NIGHT, /* near black over violet and red to pale yellow: spectrograms */
    MEWL_COLORMAP_PAPER  /* white to deep blue: matrices with numbers written in them */
} mewl_colormap_kind;

typedef struct mewl_colormap {
    uint32_t rgb[256]; /* 0x00RRGGBB */
} mewl_colormap;

/* Fills the 256 colours of a kind. */
void mewl_colormap_init(mewl_colormap *map, mewl_colormap_kind kind);

/* Colour at `value` in 0..1; outside it, and for NaN, the nearer end (NaN: the low one). */
uint32_t mewl_colormap_at(const mewl_colormap *map, float value);

#endif
