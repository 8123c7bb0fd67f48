#include "audio/dot.h"

/* GCC splits the sixteen lanes into whatever registers the target has. */
typedef float lanes __attribute__((vector_size(MEWL__DOT_LANES * sizeof(float)), aligned(4), may_alias));

static inline __attribute__((always_inline)) float fold(const lanes *v)
{
    const float *f = (const float *)v;
    float s[8];
    for (int i = 0; i < 8; i++) {
        s[i] = f[i] + f[i + 8];
    }
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static inline __attribute__((always_inline)) void one_body(float *out, const float *x, const float *c, size_t taps)
{
    lanes sum = {0};
    for (size_t k = 0; k < taps; k += MEWL__DOT_LANES) {
        sum += *(const lanes *)(x + k) * *(const lanes *)(c + k);
    }
    *out = fold(&sum);
}

static inline __attribute__((always_inline)) void four_body(float *out, size_t out_step, const float *x, size_t x_step,
                                                            const float *c, size_t taps)
{
    lanes a = {0}, b = {0}, d = {0}, e = {0};
    for (size_t k = 0; k < taps; k += MEWL__DOT_LANES) {
        const lanes w = *(const lanes *)(c + k);
        a += *(const lanes *)(x + k) * w;
        b += *(const lanes *)(x + x_step + k) * w;
        d += *(const lanes *)(x + 2 * x_step + k) * w;
        e += *(const lanes *)(x + 3 * x_step + k) * w;
    }
    out[0] = fold(&a);
    out[out_step] = fold(&b);
    out[2 * out_step] = fold(&d);
    out[3 * out_step] = fold(&e);
}

#define DOT_FORM(name, attribute)                                                                                      \
    attribute static void one_##name(float *out, const float *x, const float *c, size_t taps)                          \
    {                                                                                                                  \
        one_body(out, x, c, taps);                                                                                     \
    }                                                                                                                  \
    attribute static void four_##name(float *out, size_t out_step, const float *x, size_t x_step, const float *c,      \
                                      size_t taps)                                                                     \
    {                                                                                                                  \
        four_body(out, out_step, x, x_step, c, taps);                                                                  \
    }

DOT_FORM(plain, )
#if defined(__x86_64__)
DOT_FORM(avx2, __attribute__((target("avx2,fma"))))
DOT_FORM(avx512f, __attribute__((target("avx512f,fma,prefer-vector-width=512"))))
#endif

mewl__dot mewl__dot_best(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        return (mewl__dot){one_avx512f, four_avx512f, "avx512f"};
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return (mewl__dot){one_avx2, four_avx2, "avx2"};
    }
#endif
    return (mewl__dot){one_plain, four_plain, "plain"};
}
