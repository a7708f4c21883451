/* SPDX-License-Identifier: BSD-3-Clause */
/* Temperatures: inlet, load with a lag, spread. */
#include "fleet_clock/heat.h"

#include <math.h>

#include "base/real.h"
#include "base/rng.h"

enum { DRAW_OF_CHIP, DRAW_OF_SERVER }; /* steps of MUIR_STREAM_HEAT */

static const double day_s = 86400.0, margin_grid_c = 0.1;

void muir_heat_init(muir_heat *heat, const muir_scenario *scenario, const muir_power *power, double first_s)
{
    const double compute_w = scenario->fleet.chip.compute_power * scenario->fleet.chip.tdp_w;
    *heat = (muir_heat){.scenario = scenario, .skipped_s = first_s};
    if (compute_w > 0.0) {
        heat->training = muir_power_chip_w(power) / compute_w;
        heat->still = power->chip.restart / compute_w;
    }
    heat->load = heat->training;
}

/* Over its mean [K]; rounded, so that no last bit depends on the C library's cosine. */
static double inlet_swing(const muir_heat *heat, int64_t now_ns)
{
    const muir_site *site = &heat->scenario->fleet.site;
    const double time_s = heat->skipped_s + 1e-9 * (double)now_ns - 3600.0 * site->inlet_peak_h;
    const double wave = cos(2.0 * acos(-1.0) * fmod(time_s, day_s) / day_s);
    return 0.5 * site->inlet_swing_c * round(wave * 1e9) * 1e-9;
}

muir_heat_step muir_heat_at(const muir_heat *heat, int64_t now_ns)
{
    const muir_chip *chip = &heat->scenario->fleet.chip;
    const double swing_c = inlet_swing(heat, now_ns);
    const double mean_c = heat->scenario->fleet.site.inlet_c + swing_c + chip->heat_rise_c * heat->load;
    /* on a grid, so that who throttles is counted anew now and then and not in each step */
    const double margin_c = margin_grid_c * ceil((chip->heat_limit_c - mean_c) / margin_grid_c);
    return (muir_heat_step){mean_c, (float)(chip->slow_per_c * swing_c), (float)margin_c,
                            (float)(1.0 / chip->heat_throttle)};
}

static void follow(muir_heat *heat, double load, int64_t time_ns)
{
    const double lag_s = heat->scenario->fleet.chip.heat_lag_s;
    const double kept = lag_s > 0.0   ? muir_real_exp(-1e-9 * (double)time_ns / lag_s)
                        : time_ns > 0 ? 0.0
                                      : 1.0;
    heat->load = load + (heat->load - load) * kept;
}

void muir_heat_advance(muir_heat *heat, const muir_attempt *a)
{
    const int64_t trained_ns = a->is_kept ? a->row_ns - a->prefix_ns - a->checkpoint_ns : a->broken_ns;
    follow(heat, heat->still, a->prefix_ns);
    follow(heat, heat->training, trained_ns);
    follow(heat, heat->still, a->row_ns - a->prefix_ns - trained_ns);
}

double muir_chip_warmth_c(const muir_scenario *s, int64_t chip)
{
    const uint64_t seed = (uint64_t)s->run.seed, server = (uint64_t)(chip / s->fleet.server.chips);
    const double own = (double)muir_rng_normal_at(seed, MUIR_STREAM_HEAT, DRAW_OF_CHIP, (uint64_t)chip);
    const double place = (double)muir_rng_normal_at(seed, MUIR_STREAM_HEAT, DRAW_OF_SERVER, server);
    return s->fleet.variation.inlet_sigma_c * place +
           s->fleet.variation.heat_sigma * s->fleet.chip.heat_rise_c * own;
}
