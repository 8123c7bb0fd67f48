/* colormap.c - heat-map colours from CIE LCh(ab) paths; see colormap.h. */
#include "draw/colormap.h"

#include <math.h>
#include <stddef.h>

/* A point of a path: lightness 0..100, chroma, hue in degrees. */
typedef struct lch {
    double lightness;
    double chroma;
    double hue;
} lch;

#define STOPS 6

/* Lightness rises evenly; chroma stays within what sRGB can show at that lightness and hue. */
static const lch night[STOPS] = {{3, 8, 285},   {22, 48, 305}, {41, 66, 340},
                                 {60, 70, 385}, {79, 62, 422}, {97, 22, 455}};
static const lch paper[STOPS] = {{100, 0, 250}, {87, 13, 255}, {72, 25, 260},
                                 {57, 36, 266}, {42, 44, 273}, {24, 40, 280}};

static double from_linear(double x)
{
    x = x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
    return x <= 0.0031308 ? 12.92 * x : 1.055 * pow(x, 1.0 / 2.4) - 0.055;
}

static double lab_inverse(double t)
{
    return t > 6.0 / 29.0 ? t * t * t : 3.0 * (6.0 / 29.0) * (6.0 / 29.0) * (t - 4.0 / 29.0);
}

/* CIE LCh (D65) to sRGB (IEC 61966-2-1). */
static uint32_t rgb_of(lch c)
{
    double a = c.chroma * cos(c.hue * M_PI / 180.0);
    double b = c.chroma * sin(c.hue * M_PI / 180.0);
    double fy = (c.lightness + 16.0) / 116.0;
    double x = 0.95047 * lab_inverse(fy + a / 500.0);
    double y = lab_inverse(fy);
    double z = 1.08883 * lab_inverse(fy - b / 200.0);
    double red = from_linear(3.2404542 * x - 1.5371385 * y - 0.4985314 * z);
    double green = from_linear(-0.9692660 * x + 1.8760108 * y + 0.0415560 * z);
    double blue = from_linear(0.0556434 * x - 0.2040259 * y + 1.0572252 * z);
    return (uint32_t)lround(255.0 * red) << 16 | (uint32_t)lround(255.0 * green) << 8 | (uint32_t)lround(255.0 * blue);
}

/* Catmull and Rom's cubic through four values, between the middle two. */
static double cubic(double p0, double p1, double p2, double p3, double t)
{
    return p1 + 0.5 * t * (p2 - p0 + t * (2.0 * p0 - 5.0 * p1 + 4.0 * p2 - p3 + t * (3.0 * (p1 - p2) + p3 - p0)));
}

void mewl_colormap_init(mewl_colormap *map, mewl_colormap_kind kind)
{
    const lch *stops = kind == MEWL_COLORMAP_NIGHT ? night : paper;
    for (size_t i = 0; i < 256; i++) {
        double at = (double)i / 255.0 * (STOPS - 1);
        size_t k = at >= STOPS - 1 ? STOPS - 2 : (size_t)at;
        double t = at - (double)k;
        const lch *before = &stops[k > 0 ? k - 1 : 0];
        const lch *after = &stops[k + 2 < STOPS ? k + 2 : STOPS - 1];
        lch c = {stops[k].lightness + t * (stops[k + 1].lightness - stops[k].lightness),
                 cubic(before->chroma, stops[k].chroma, stops[k + 1].chroma, after->chroma, t),
                 cubic(before->hue, stops[k].hue, stops[k + 1].hue, after->hue, t)};
        map->rgb[i] = rgb_of(c);
    }
}

uint32_t mewl_colormap_at(const mewl_colormap *map, float value)
{
    if (!(value > 0.0f)) {
        return map->rgb[0];
    }
    return map->rgb[value >= 1.0f ? 255 : (size_t)(value * 255.0f + 0.5f)];
}
