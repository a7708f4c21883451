/* SPDX-License-Identifier: BSD-3-Clause */
/* Logarithm, exponential and gamma function from additions, multiplications and divisions. */
#include "base/real.h"

#include <stdint.h>
#include <string.h>

static const double ln2_high =
                        0x1.62e42fefa0000p-1, /* few bits, so that a product with a whole number is exact */
    ln2_low = 0x1.cf79abc9e3b3ap-40;

/* x = m 2^e with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh((m - 1) / (m + 1)), whose series converges by a
 * factor of 34 a term. */
double muir_real_log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t shifted = bits - 0x3FE6A09E667F3BCDu; /* sqrt(1/2) */
    const double exponent = (double)((int64_t)shifted >> 52);
    bits = (shifted & 0x000FFFFFFFFFFFFFu) + 0x3FE6A09E667F3BCDu;
    double m;
    memcpy(&m, &bits, sizeof m);
    const double s = (m - 1.0) / (m + 1.0), z = s * s;
    double sum = 0.0;
    for (int k = 21; k >= 1; k -= 2) sum = sum * z + 1.0 / k;
    return exponent * ln2_high + (2.0 * s * sum + exponent * ln2_low);
}

/* x = n log 2 + r with |r| <= log(2) / 2, then Taylor's series. */
double muir_real_exp(double x)
{
    if (x > 700.0) x = 700.0;
    if (x < -700.0) x = -700.0;
    const int64_t n = (int64_t)(x * 1.4426950408889634 + (x < 0.0 ? -0.5 : 0.5));
    const double r = (x - (double)n * ln2_high) - (double)n * ln2_low;
    double sum = 1.0;
    for (int k = 15; k >= 1; k--) sum = 1.0 + sum * r / k;
    const uint64_t bits = (uint64_t)(n + 1023) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return sum * scale;
}

double muir_real_power(double x, double y)
{
    return muir_real_exp(y * muir_real_log(x));
}

double muir_real_gamma(double x)
{
    double below = 1.0;
    while (x < 20.0) {
        below *= x;
        x += 1.0;
    }
    const double z = 1.0 / (x * x);
    const double series = (1.0 / 12.0 - z * (1.0 / 360.0 - z * (1.0 / 1260.0 - z / 1680.0))) / x;
    const double log_of = (x - 0.5) * muir_real_log(x) - x + 0.9189385332046727 + series;
    return muir_real_exp(log_of) / below;
}
