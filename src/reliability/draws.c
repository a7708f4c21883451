/* SPDX-License-Identifier: BSD-3-Clause */
/* Distributions for events. */
#include "reliability/draws.h"

#include <math.h>

#include "base/real.h"

enum { GAMMA_TRIES = 60 }; /* each fails with less than 5 %, so the last is never reached */

/* The fourth counter word is 0 for the draws of base/rng.h and above 0 here, so none is used twice. */
double muir_draw_uniform(const muir_draw *d, uint32_t which)
{
    const uint32_t counter[4] = {(uint32_t)d->place, (uint32_t)(d->place >> 32), d->ordinal, which + 1};
    const uint32_t key[4] = {(uint32_t)d->seed, (uint32_t)(d->seed >> 32), (uint32_t)d->stream, 0};
    uint32_t out[4];
    muir_threefry4x32(counter, key, out);
    const uint64_t bits = ((uint64_t)out[0] << 20) ^ (out[1] >> 12); /* 52 bits, and the half */
    return ((double)bits + 0.5) * 0x1p-52;
}

double muir_draw_between(const muir_draw *d, uint32_t which, double least, double most)
{
    return least + muir_draw_uniform(d, which) * (most - least);
}

double muir_draw_exponential(const muir_draw *d, uint32_t which)
{
    return -muir_real_log(muir_draw_uniform(d, which));
}

/* Marsaglia's polar method, one of the pair; ends after 1.27 tries in the mean. */
static double normal(const muir_draw *d, uint32_t which)
{
    for (uint32_t i = 0;; i++) {
        const uint32_t at = (which << 8) + 2 * (i & 127);
        const double a = 2.0 * muir_draw_uniform(d, at) - 1.0, b = 2.0 * muir_draw_uniform(d, at + 1) - 1.0;
        const double s = a * a + b * b;
        if (s < 1.0 && s > 0.0) return a * sqrt(-2.0 * muir_real_log(s) / s);
        if (i == 127) return 0.0; /* a chance of 1e-85 */
    }
}

double muir_draw_lognormal(const muir_draw *d, uint32_t which, double median, double sigma)
{
    return median * muir_real_exp(sigma * normal(d, which));
}

double muir_draw_gamma(const muir_draw *d, uint32_t which, double shape)
{
    const double boosted = shape < 1.0 ? shape + 1.0 : shape;
    const double a = boosted - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * a);
    double value = a;
    for (uint32_t i = 0; i < GAMMA_TRIES; i++) {
        const double x = normal(d, which + 2 * i), v = 1.0 + c * x, v3 = v * v * v;
        if (v <= 0.0) continue;
        value = a * v3;
        const double u = muir_draw_uniform(d, (which + 2 * i + 1) << 8);
        if (muir_real_log(u) < 0.5 * x * x + a - value + a * muir_real_log(v3)) break;
    }
    if (shape < 1.0) value *= muir_real_power(muir_draw_uniform(d, (which + 127) << 8), 1.0 / shape);
    return value;
}

double muir_draw_weibull(const muir_draw *d, uint32_t which, double shape)
{
    return muir_real_power(muir_draw_exponential(d, which), 1.0 / shape) / muir_real_gamma(1.0 + 1.0 / shape);
}

/* Of length-biased gaps x, x^shape is gamma with shape 1 + 1 / shape. */
double muir_draw_weibull_rest(const muir_draw *d, uint32_t which, double shape)
{
    const double x = muir_real_power(muir_draw_gamma(d, which, 1.0 + 1.0 / shape), 1.0 / shape);
    return muir_draw_uniform(d, (which + 126) << 8) * x / muir_real_gamma(1.0 + 1.0 / shape);
}
