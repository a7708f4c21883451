/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines of a summary that a grid operator reads. */
#include <stdio.h>

#include "base/units.h"
#include "cmd/report.h"

static const char *word(bool is_met)
{
    return is_met ? "met" : "MISSED";
}

static void print_swing(const muir_power_report *r)
{
    printf(
        "  trace       %s from step %lld, %lld samples: %s mean, %s to %s; swing rms %.2f %% of the mean\n",
        muir_time_text(r->time_s).s, (long long)r->first_step, (long long)r->samples,
        muir_si(r->mean_w, "W").s, muir_si(r->min_w, "W").s, muir_si(r->max_w, "W").s,
        100.0 * r->rms_w / r->mean_w);
    if (r->step_hz > 0.0)
        printf(
            "  lines       step %.4g Hz: %.1f %% of the swing's energy, %s peak to peak; 2nd harmonic %.1f "
            "%%, 3rd %.1f %%",
            r->step_hz, 100.0 * r->line_share[0], muir_si(r->line_w[0], "W").s, 100.0 * r->line_share[1],
            100.0 * r->line_share[2]);
    if (r->cycle_hz > 0.0) printf("; evaluations %.4g Hz %.1f %%", r->cycle_hz, 100.0 * r->cycle_share);
    printf("\n  bands      ");
#define BAND(name, from_hz, to_hz)                                                                           \
    printf(" %g-%g Hz %.1f %%;", from_hz, to_hz, 100.0 * r->band_share[MUIR_POWER_##name]);
    MUIR_POWER_BAND_LIST(BAND)
#undef BAND
    printf(" of the swing's energy\n");
}

void muir_report_power(const muir_scenario *s, const muir_power_summary *power)
{
    const muir_power_options *o = &s->power;
    const muir_power_report *r = &power->report;
    if (r->samples == 0) {
        printf("  trace       shorter than a sample\n");
        return;
    }
    print_swing(r);
    printf("  ramps       %s over 1 s, %s over 10 s, %s over 60 s\n", muir_si(r->ramp_w_per_s[0], "W/s").s,
           muir_si(r->ramp_w_per_s[1], "W/s").s, muir_si(r->ramp_w_per_s[2], "W/s").s);
    printf("  limits      0.1-20 Hz %.1f %% of at most %g %%: %s; minute's ramp %.2f %% of the peak of at "
           "most %g %%: %s; range %.1f %% of at most %g %%: %s\n",
           100.0 * r->grid_share, 100.0 * o->limit_band_share, word(r->is_share_met),
           r->max_w > 0.0 ? 6000.0 * r->ramp_w_per_s[2] / r->max_w : 0.0, 100.0 * o->limit_ramp_per_min,
           word(r->is_ramp_met), 100.0 * r->range, 100.0 * o->limit_range, word(r->is_range_met));
    if (r->cost.lost_j + r->cost.burnt_j + r->cost.deferred_j > 0.0)
        printf(
            "  remedies    lost in storage %s, burnt to fall slowly %s, work deferred %s (%s at the mean)\n",
            muir_si(r->cost.lost_j, "J").s, muir_si(r->cost.burnt_j, "J").s,
            muir_si(r->cost.deferred_j, "J").s, muir_time_text(r->cost.deferred_j / r->mean_w).s);
    printf("  trace check energy of samples over energy of steps - 1 = %.1e; %s for %s of fleet time\n",
           r->difference, muir_time_text(power->spent_s).s, muir_time_text(power->traced_s).s);
}
