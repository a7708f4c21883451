/* SPDX-License-Identifier: BSD-3-Clause */
/* Lags, ramp limits and storage over samples. */
#include "power/power_smooth.h"

#include <math.h>

#include "power/power.h"

static void lag(double tau_s, double dt_s, double *w, size_t n)
{
    if (tau_s <= 0.0 || n == 0) return;
    const double kept = exp(-dt_s / tau_s), share = tau_s / dt_s * (1.0 - kept);
    double y = w[0];
    for (size_t k = 0; k < n; k++) {
        const double x = w[k], mean = x + (y - x) * share; /* of the exponential over the sample */
        y = x + (y - x) * kept;
        w[k] = mean;
    }
}

void muir_smooth_lag(const muir_scenario *s, double *w, size_t n)
{
    const double dt_s = 1.0 / s->power.sample_hz;
    lag(s->fleet.chip.lag_s, dt_s, w, n);
    lag(s->fleet.server.supply_lag_s, dt_s, w, n);
}

void muir_smooth_ramp(const muir_scenario *s, double *w, size_t n, muir_smooth_cost *cost)
{
    const double dt_s = 1.0 / s->power.sample_hz, chips = (double)muir_fleet_chips(&s->fleet);
    const double up_w = s->power.ramp_up_w_per_s * chips * dt_s,
                 down_w = s->power.ramp_down_w_per_s * chips * dt_s;
    for (size_t k = 1; k < n; k++) {
        const double load_w = w[k];
        if (up_w > 0.0 && load_w > w[k - 1] + up_w) {
            w[k] = w[k - 1] + up_w;
            cost->deferred_j += (load_w - w[k]) * dt_s;
        } else if (down_w > 0.0 && load_w < w[k - 1] - down_w) {
            w[k] = w[k - 1] - down_w;
            cost->burnt_j += (w[k] - load_w) * dt_s;
        }
    }
}

static double clamp(double x, double most)
{
    return fmax(-most, fmin(most, x));
}

void muir_smooth_storage(const muir_scenario *s, double start_w, double *w, size_t n, muir_smooth_cost *cost)
{
    const muir_power_options *o = &s->power;
    const muir_watts chip = muir_watts_of(s);
    const double chips = (double)muir_fleet_chips(&s->fleet), dt_s = 1.0 / o->sample_hz;
    const double half_j = 0.5 * o->storage_j_per_chip * chips, most_w = o->storage_w_per_chip * chips;
    const double swing_w = fmax(1.0, chip.part[MUIR_SLOT_COMPUTE] - chip.wait) * chips,
                 tau_s = half_j / swing_w;
    if (half_j <= 0.0 || n == 0) return;
    const double follow = 1.0 - exp(-dt_s / tau_s);
    double meter_w = start_w, content_j = 0.0; /* content above half full */
    for (size_t k = 0; k < n; k++) {
        const double target_w = meter_w + (w[k] - meter_w) * follow;
        double out_w = clamp(w[k] - target_w, most_w);
        out_w = fmax((content_j - half_j) / dt_s, fmin((content_j + half_j) / dt_s, out_w));
        content_j -= out_w * dt_s;
        meter_w = w[k] - out_w;
        const double lost_w = fabs(out_w) * (1.0 - sqrt(o->storage_efficiency));
        w[k] = meter_w + lost_w;
        cost->lost_j += lost_w * dt_s;
        cost->stored_j = fmax(cost->stored_j, fabs(content_j));
    }
}
