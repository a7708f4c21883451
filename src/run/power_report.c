/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures of a power trace. */
#include "run/power_report.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "kernels/spectrum.h"

/* A line is what lies within so many bins, or within this share of its frequency: steps are not all alike. */
enum { LINE_BINS = 2 };
static const double line_width = 0.05;

static const struct {
    double from_hz, to_hz;
} bands[] = {
#define BAND(name, from_hz, to_hz) {from_hz, to_hz},
    MUIR_POWER_BAND_LIST(BAND)
#undef BAND
};

double muir_power_ramp_s(int i)
{
    static const double spans_s[MUIR_POWER_RAMPS] = {1.0, 10.0, 60.0};
    return spans_s[i];
}

static void find_range(const double *w, size_t n, muir_power_report *r)
{
    double sum = 0.0, squares = 0.0;
    r->min_w = r->max_w = w[0];
    for (size_t i = 0; i < n; i++) {
        sum += w[i];
        r->min_w = fmin(r->min_w, w[i]);
        r->max_w = fmax(r->max_w, w[i]);
    }
    r->mean_w = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += (w[i] - r->mean_w) * (w[i] - r->mean_w);
    r->rms_w = sqrt(squares / (double)n);
    r->range = r->max_w > 0.0 ? (r->max_w - r->min_w) / r->max_w : 0.0;
}

/* Fastest change from the mean over one span to that over the next, in W/s. */
static double ramp_of(const double *w, size_t n, size_t span, double span_s)
{
    if (span < 1 || 2 * span > n) return NAN;
    double before = 0.0, after = 0.0, most = 0.0;
    for (size_t i = 0; i < span; i++) before += w[i], after += w[i + span];
    for (size_t i = 0;; i++) {
        most = fmax(most, fabs(after - before));
        if (i + 2 * span >= n) return most / (double)span / span_s;
        before += w[i + span] - w[i];
        after += w[i + 2 * span] - w[i + span];
    }
}

const char *muir_verdict_text(muir_verdict verdict)
{
    switch (verdict) {
    case MUIR_VERDICT_MISSED: return "MISSED";
    case MUIR_VERDICT_MET: return "met";
    case MUIR_VERDICT_NO_LIMIT: return "no limit";
    case MUIR_VERDICT_NOT_MEASURED: break;
    }
    return "not measured";
}

/* Nothing that was not measured is ever met. */
static muir_verdict verdict_of(double value, double limit)
{
    if (isnan(value)) return MUIR_VERDICT_NOT_MEASURED;
    return value <= limit ? MUIR_VERDICT_MET : MUIR_VERDICT_MISSED;
}

/* Share of the swing between two frequencies; bins belong to the band that holds their middle. */
static double share_of(const double *squares, size_t bins, double bin_hz, double from_hz, double to_hz)
{
    double part = 0.0, all = 0.0;
    for (size_t k = 1; k < bins; k++) {
        const double hz = (double)k * bin_hz;
        all += squares[k];
        if (hz >= from_hz && hz < to_hz) part += squares[k];
    }
    return all > 0.0 ? part / all : 0.0;
}

static double line_of(const double *squares, size_t bins, double bin_hz, double line_hz)
{
    const double half_hz = fmax((LINE_BINS + 0.5) * bin_hz, line_width * line_hz);
    if (line_hz <= 0.0 || line_hz + half_hz > (double)(bins - 1) * bin_hz) return 0.0;
    return share_of(squares, bins, bin_hz, line_hz - half_hz, line_hz + half_hz);
}

/* A band can be judged from two periods of its lower end on, and up to half the sampling rate. */
static double band_of(const double *squares, size_t bins, double bin_hz, double from_hz, double to_hz)
{
    if (from_hz < 2.0 * bin_hz || to_hz > (double)(bins - 1) * bin_hz * (1.0 + 1e-9)) return NAN;
    return share_of(squares, bins, bin_hz, from_hz, to_hz);
}

static void find_lines(const double *squares, size_t bins, double bin_hz, muir_power_report *r)
{
    for (int i = 0; i < MUIR_POWER_HARMONICS; i++) {
        r->line_share[i] = line_of(squares, bins, bin_hz, (i + 1) * r->step_hz);
        r->line_w[i] = 2.0 * sqrt(2.0 * r->line_share[i]) * r->rms_w;
    }
    r->cycle_share = line_of(squares, bins, bin_hz, r->cycle_hz);
    for (int i = 0; i < MUIR_POWER_BANDS; i++)
        r->band_share[i] = band_of(squares, bins, bin_hz, bands[i].from_hz, bands[i].to_hz);
    r->grid_share = band_of(squares, bins, bin_hz, 0.1, 20.0);
    r->grid_w = 2.0 * sqrt(2.0 * r->grid_share) * r->rms_w;
}

muir_status muir_power_analyse(muir_ctx *ctx, const muir_power_options *o, const double *w, size_t n,
                               muir_power_report *r)
{
    muir_status st = MUIR_OK;
    double *y = NULL, *squares = NULL;
    muir_spectrum *spectrum = NULL;
    const double pi = acos(-1.0);
    if (n == 0) return MUIR_OK;
    MUIR_TRY(muir_alloc(ctx, n, sizeof *y, "a power spectrum", &y));
    MUIR_TRY(muir_alloc(ctx, n / 2 + 1, sizeof *squares, "a power spectrum", &squares));
    MUIR_TRY(muir_spectrum_create(ctx, n, false, &spectrum));
    find_range(w, n, r);
    for (size_t i = 0; i < n; i++)
        y[i] = (w[i] - r->mean_w) * (0.5 - 0.5 * cos(2.0 * pi * (double)i / (double)n));
    muir_spectrum_squares(spectrum, y, squares);
    find_lines(squares, n / 2 + 1, o->sample_hz / (double)n, r);
    for (int i = 0; i < MUIR_POWER_RAMPS; i++)
        r->ramp_w_per_s[i] =
            ramp_of(w, n, (size_t)lrint(muir_power_ramp_s(i) * o->sample_hz), muir_power_ramp_s(i));
    if (r->step_hz <= 0.0 || (double)n * r->step_hz < 2.0 * o->sample_hz) r->range = NAN;
    r->share = verdict_of(r->grid_share, o->limit_band_share);
    r->swing = o->limit_band_w > 0.0 ? verdict_of(r->grid_w, o->limit_band_w) : MUIR_VERDICT_NO_LIMIT;
    r->ramp = verdict_of(60.0 * r->ramp_w_per_s[MUIR_POWER_RAMPS - 1], o->limit_ramp_per_min * r->max_w);
    r->range_verdict = verdict_of(r->range, o->limit_range);
done:
    free(y);
    free(squares);
    muir_spectrum_destroy(&spectrum);
    return st;
}
