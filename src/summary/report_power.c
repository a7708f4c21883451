/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines of a summary that a grid operator reads. */
#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "summary/report.h"

/* A share as a percentage, or that it was not measured. */
typedef struct share_text {
    char s[24];
} share_text;

static share_text percent(double share)
{
    share_text text;
    if (isnan(share))
        snprintf(text.s, sizeof text.s, "not measured");
    else
        snprintf(text.s, sizeof text.s, "%.1f %%", 100.0 * share);
    return text;
}

static muir_text32 ramp(double w_per_s)
{
    muir_text32 text = muir_si(w_per_s, "W/s");
    if (isnan(w_per_s)) snprintf(text.s, sizeof text.s, "not measured");
    return text;
}

static void print_swing(const muir_power_report *r)
{
    printf("  trace       %s from step %lld, %lld samples at %g Hz: %s mean, %s to %s; swing rms %.2f %% of "
           "the mean\n",
           muir_time_text(r->time_s).s, (long long)r->first_step, (long long)r->samples, r->sample_hz,
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
    printf(" %g-%g Hz %s;", from_hz, to_hz, percent(r->band_share[MUIR_POWER_##name]).s);
    MUIR_POWER_BAND_LIST(BAND)
#undef BAND
    printf(" of the swing's energy\n");
}

/* "57.3 % (at most 20 %): MISSED", or "not measured". */
static void print_limit(const char *what, double share, double limit, muir_verdict verdict)
{
    printf("%s: ", what);
    if (verdict == MUIR_VERDICT_NOT_MEASURED)
        printf("not measured");
    else
        printf("%s (at most %.3g %%): %s", percent(share).s, 100.0 * limit, muir_verdict_text(verdict));
}

static void print_limits(const muir_power_options *o, const muir_power_report *r)
{
    const double per_min = 60.0 * r->ramp_w_per_s[MUIR_POWER_RAMPS - 1] / r->max_w;
    print_limit("  limits      share of the swing's energy in 0.1 to 20 Hz", r->grid_share,
                o->limit_band_share, r->share);
    if (!isnan(r->grid_w)) printf("; %s peak to peak", muir_si(r->grid_w, "W").s);
    if (r->swing != MUIR_VERDICT_NO_LIMIT)
        printf(" (at most %s): %s", muir_si(o->limit_band_w, "W").s, muir_verdict_text(r->swing));
    print_limit("\n              change of the minute's mean", per_min, o->limit_ramp_per_min, r->ramp);
    print_limit("; peak to peak over peak", r->range, o->limit_range, r->range_verdict);
    printf("\n");
    if (r->time_s < 0.99 * o->window_s)
        printf("              the run ended after %s of the %s that power.window_s asks for\n",
               muir_time_text(r->time_s).s, muir_time_text(o->window_s).s);
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
    printf("  ramps       %s over 1 s, %s over 10 s, %s over 60 s\n", ramp(r->ramp_w_per_s[0]).s,
           ramp(r->ramp_w_per_s[1]).s, ramp(r->ramp_w_per_s[2]).s);
    print_limits(o, r);
    if (r->cost.lost_j + r->cost.burnt_j + r->cost.deferred_j > 0.0)
        printf(
            "  remedies    lost in storage %s, burnt to fall slowly %s, work deferred %s (%s at the mean)\n",
            muir_si(r->cost.lost_j, "J").s, muir_si(r->cost.burnt_j, "J").s,
            muir_si(r->cost.deferred_j, "J").s, muir_time_text(r->cost.deferred_j / r->mean_w).s);
    printf("  trace check energy of samples over energy of steps - 1 = %.1e; %s for %s of fleet time\n",
           r->difference, muir_time_text(power->spent_s).s, muir_time_text(power->traced_s).s);
}
