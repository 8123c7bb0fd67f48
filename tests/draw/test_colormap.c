/* test_colormap.c - lightness must rise (or fall) evenly, or steps of the value look unequal. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "draw/colormap.h"

static double linear(double x)
{
    return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

/* CIE L* of an sRGB colour. */
static double lightness(uint32_t rgb)
{
    double y = 0.2126 * linear((double)(rgb >> 16 & 255) / 255.0) + 0.7152 * linear((double)(rgb >> 8 & 255) / 255.0) +
               0.0722 * linear((double)(rgb & 255) / 255.0);
    return y > 0.008856 ? 116.0 * cbrt(y) - 16.0 : 903.3 * y;
}

static void even_lightness(void **state)
{
    for (int kind = 0; kind < 2; kind++) {
        mewl_colormap map;
        mewl_colormap_init(&map, (mewl_colormap_kind)kind);
        double first = lightness(map.rgb[0]);
        double last = lightness(map.rgb[255]);
        assert_true(fabs(last - first) > 65.0);
        for (size_t i = 0; i < 256; i++) {
            double even = first + (last - first) * (double)i / 255.0;
            if (fabs(lightness(map.rgb[i]) - even) > 5.0) {
                fail_msg("kind %d, step %zu: L* %.1f where %.1f would be even", kind, i, lightness(map.rgb[i]), even);
            }
        }
        for (size_t i = 16; i < 256; i++) {
            assert_true((lightness(map.rgb[i]) - lightness(map.rgb[i - 16])) * (last - first) > 0.0);
        }
    }
}

static void ends(void **state)
{
    mewl_colormap map;
    mewl_colormap_init(&map, MEWL_COLORMAP_NIGHT);
    assert_int_equal(mewl_colormap_at(&map, 0.0f), map.rgb[0]);
    assert_int_equal(mewl_colormap_at(&map, -5.0f), map.rgb[0]);
    assert_int_equal(mewl_colormap_at(&map, NAN), map.rgb[0]);
    assert_int_equal(mewl_colormap_at(&map, 1.0f), map.rgb[255]);
    assert_int_equal(mewl_colormap_at(&map, INFINITY), map.rgb[255]);
    assert_int_equal(mewl_colormap_at(&map, 0.5f), map.rgb[128]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(even_lightness), cmocka_unit_test(ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
