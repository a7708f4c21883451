/* SPDX-License-Identifier: BSD-3-Clause */
/* What a power trace says to a grid operator: swing, lines, bands, ramps, limits. */
#ifndef MUIR_RUN_POWER_REPORT_H
#define MUIR_RUN_POWER_REPORT_H

#include "power/power_smooth.h"

/* Bands of swing frequencies [Hz]: name of the column, from, to. The first holds steps; those from 0.1 Hz on
 * are what grids watch: swings between areas, of plants and sources, of turbine shafts (arXiv 2508.14318). */
#define MUIR_POWER_BAND_LIST(X)                                                                              \
    X(band_0_01_hz, 0.01, 0.1)                                                                               \
    X(band_0_1_hz, 0.1, 1.0)                                                                                 \
    X(band_1_hz, 1.0, 2.5)                                                                                   \
    X(band_2_5_hz, 2.5, 7.0)                                                                                 \
    X(band_7_hz, 7.0, 20.0)

#define MUIR_POWER_BAND_ENUM(name, from_hz, to_hz) MUIR_POWER_##name,
enum { MUIR_POWER_BAND_LIST(MUIR_POWER_BAND_ENUM) MUIR_POWER_BANDS };
#undef MUIR_POWER_BAND_ENUM

enum { MUIR_POWER_HARMONICS = 5, MUIR_POWER_RAMPS = 3 };

/* What a trace says of a limit; stored as these numbers. */
typedef enum muir_verdict {
    MUIR_VERDICT_MISSED = 0,
    MUIR_VERDICT_MET = 1,
    MUIR_VERDICT_NOT_MEASURED = -1, /* the trace is too short, or sampled too slowly */
    MUIR_VERDICT_NO_LIMIT = -2,     /* none was given */
} muir_verdict;

/* Of one window. "Swing" is the power less its mean; shares are of its energy, from one periodogram of the
 * whole window (Hann). */
typedef struct muir_power_report {
    int64_t window, first_step, steps;
    size_t samples; /* 0: nothing was traced */
    double time_s, sample_hz;
    double mean_w, min_w, max_w, rms_w;      /* rms of the swing */
    double step_hz;                          /* training steps a second, pauses left out; 0: no whole step */
    double cycle_hz;                         /* evaluations a second; 0: none */
    double cycle_share;                      /* of the line at cycle_hz */
    double line_share[MUIR_POWER_HARMONICS]; /* of the lines at step_hz and its multiples; 0 above hz / 2 */
    double line_w[MUIR_POWER_HARMONICS];     /* peak to peak */
    /* NaN: the trace holds fewer than two periods of the band's lower end, or samples too slowly */
    double band_share[MUIR_POWER_BANDS];
    double grid_share, grid_w;             /* of 0.1 to 20 Hz; peak to peak of a sine of that energy */
    double ramp_w_per_s[MUIR_POWER_RAMPS]; /* fastest change of the mean over 1, 10, 60 s; NaN: too short */
    double range;                          /* (max - min) / max; NaN: fewer than two steps */
    muir_verdict share, swing, ramp, range_verdict; /* limits of the scenario's power.limit_* */
    double difference;                              /* energy of the samples over that of the steps, less 1 */
    double energy_j;                                /* at the meter, remedies included */
    muir_smooth_cost cost;
} muir_power_report;

/* Times over which ramps are taken [s]: 1, 10, 60. Local. */
double muir_power_ramp_s(int i);

/* "met", "MISSED", "not measured", "no limit". Local. */
const char *muir_verdict_text(muir_verdict verdict);

/* Fills all that follows from the samples alone.
 * w       in      [n] samples at the meter [W]
 * report  in/out  step_hz and cycle_hz are read
 * Local. MUIR_ERR_MEM. */
muir_status muir_power_analyse(muir_ctx *ctx, const muir_power_options *options, const double *w, size_t n,
                               muir_power_report *report);

#endif
