/* SPDX-License-Identifier: BSD-3-Clause */
/* Repair times: a lognormal branch and a uniform one beyond a day. */
#include <math.h>

#include "reliability/fit.h"

enum { ROUNDS = 60 };

static const double day_s = 86400.0;

static double lognormal_density(double x, double mu, double sigma)
{
    const double z = (log(x) - mu) / sigma;
    return exp(-0.5 * z * z) / (x * sigma * sqrt(2.0 * 3.14159265358979323846));
}

/* Chance that a repair belongs to the long branch. */
static double chance_of_long(double x, double mu, double sigma, double share, double most_s)
{
    if (x < day_s || most_s <= day_s) return 0.0;
    const double in_long = share / (most_s - day_s),
                 in_short = (1.0 - share) * lognormal_density(x, mu, sigma);
    return in_long / (in_long + in_short);
}

muir_repair_law muir_repair_fit(const double *x, int n, double most_s)
{
    double mu = 0.0, sigma = 1.0, share = 0.1;
    for (int i = 0; i < n; i++) mu += log(x[i]) / n;
    for (int round = 0; round < ROUNDS; round++) {
        double weight = 0.0, sum = 0.0, square = 0.0;
        for (int i = 0; i < n; i++) {
            const double w = 1.0 - chance_of_long(x[i], mu, sigma, share, most_s), y = log(x[i]);
            weight += w, sum += w * y, square += w * y * y;
        }
        if (weight <= 1.0) break;
        mu = sum / weight;
        sigma = sqrt(fmax(1e-6, square / weight - mu * mu));
        share = 1.0 - weight / n;
    }
    return (muir_repair_law){exp(mu), sigma, share};
}
