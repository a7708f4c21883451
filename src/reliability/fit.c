/* SPDX-License-Identifier: BSD-3-Clause */
/* Fits of recorded histories. */
#include "reliability/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/statistics.h"
#include "reliability/draws.h"

enum { DRAWS = 200, FEWEST_REPAIRS = 20, FEWEST_REPEATS = 20 };

static const double z80 = 1.2815515655446004; /* 90 % quantile of the normal law */
static const double month_days = 30.4375, most_log_s = 9.0e9;

/* What is known of each server. */
typedef struct tally {
    int32_t n;        /* servers */
    int *failures;    /* [n] */
    int *in_place;    /* [n] of those whose outcome is known */
    int *known;       /* [n] */
    double *out_days; /* [n] in repair */
    double *repair_s; /* [n_repairs] */
    int n_repairs;
    bool *is_lemon; /* [n] */
} tally;

/* Means of a draw of servers. */
typedef struct sample {
    double rate, spread, in_place;
} sample;

muir_fit_figure muir_poisson_figure(int n, double exposure)
{
    const double x = (double)n, y = x + 1.0;
    const double low = n > 0 ? x * pow(1.0 - 1.0 / (9.0 * x) - z80 / (3.0 * sqrt(x)), 3.0) : 0.0;
    const double high = y * pow(1.0 - 1.0 / (9.0 * y) + z80 / (3.0 * sqrt(y)), 3.0);
    return (muir_fit_figure){x / exposure, fmax(0.0, low) / exposure, high / exposure, n};
}

static void free_tally(tally *t)
{
    free(t->failures);
    free(t->in_place);
    free(t->known);
    free(t->out_days);
    free(t->repair_s);
    free(t->is_lemon);
}

static muir_status make_tally(muir_ctx *ctx, const muir_fault_log *log, const muir_exposure *x, tally *t)
{
    muir_status st = MUIR_OK;
    const size_t n = (size_t)x->servers;
    const char *what = "a fit";
    t->n = x->servers;
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->failures, what, &t->failures));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->in_place, what, &t->in_place));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->known, what, &t->known));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->out_days, what, &t->out_days));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->is_lemon, what, &t->is_lemon));
    MUIR_TRY(muir_alloc(ctx, (size_t)log->n + 1, sizeof *t->repair_s, what, &t->repair_s));
    for (int i = 0; i < log->n; i++) {
        const muir_log_entry *e = &log->entries[i];
        if (e->kind >= MUIR_CAUSE_COUNT) continue;
        t->failures[e->server]++;
        t->known[e->server] += e->outcome != MUIR_LOG_UNKNOWN;
        t->in_place[e->server] += e->outcome == MUIR_LOG_IN_PLACE;
        if (e->outcome != MUIR_LOG_DRAINED || e->until_ns <= e->start_ns) continue;
        const double start_days = 1e-9 * (double)e->start_ns / 86400.0,
                     repair_s = 1e-9 * (double)(e->until_ns - e->start_ns);
        t->out_days[e->server] += fmax(0.0, fmin(repair_s / 86400.0, x->days - start_days));
        t->repair_s[t->n_repairs++] = repair_s;
    }
done:
    return st;
}

/* Over the servers picked; NULL: all. Lemons are left out. */
static sample measure(const tally *t, const muir_exposure *x, const int32_t *pick)
{
    double days = 0.0, n = 0.0, sum = 0.0, square = 0.0, known = 0.0, in_place = 0.0;
    for (int32_t i = 0; i < t->n; i++) {
        const int32_t k = pick ? pick[i] : i;
        known += t->known[k], in_place += t->in_place[k];
        if (t->is_lemon[k]) continue;
        const double f = t->failures[k];
        days += fmax(0.0, x->days - t->out_days[k]);
        n += 1.0, sum += f, square += f * f;
    }
    const double mean = sum / n, variance = (square - sum * mean) / fmax(1.0, n - 1.0);
    return (sample){1000.0 * sum / (days * x->chips),
                    variance > mean ? mean * mean / (variance - mean) : INFINITY,
                    known > 0.0 ? in_place / known : 0.0};
}

/* 80 % interval from the draws, which it sorts. */
static muir_fit_figure interval(double value, double *draws, int n)
{
    muir_sort(draws, DRAWS);
    return (muir_fit_figure){value, muir_percentile(draws, DRAWS, 0.1), muir_percentile(draws, DRAWS, 0.9),
                             n};
}

/* Wilson's interval of a share of n. Source: J. Am. Stat. Assoc. 22(158), 1927. */
static muir_fit_figure share_figure(double share, int n)
{
    const double zz = z80 * z80 / n, middle = (share + 0.5 * zz) / (1.0 + zz);
    const double half = sqrt(share * (1.0 - share) * zz + 0.25 * zz * zz) / (1.0 + zz);
    return (muir_fit_figure){share, fmax(0.0, middle - half), fmin(1.0, middle + half), n};
}

/* Chance of at least k failures under a negative binomial law of this mean and shape. */
static double tail(double mean, double shape, int k)
{
    const double p = mean / (mean + shape);
    double term = pow(1.0 - p, shape), sum = 0.0;
    for (int i = 0; i < k; i++) {
        sum += term;
        term *= p * (shape + i) / (i + 1.0);
    }
    return fmax(0.0, 1.0 - sum);
}

/* Again and again, since lemons widen the law that is to show them. */
static void find_lemons(const tally *t, const muir_exposure *x, muir_fault_fit *fit)
{
    for (int round = 0, before = -1; round < 20 && fit->n_lemons != before; round++) {
        const sample s = measure(t, x, NULL);
        const double mean = s.rate * 1e-3 * x->chips * x->days, shape = fmin(1e6, fmax(1.0, s.spread));
        before = fit->n_lemons;
        fit->n_lemons = 0;
        for (int32_t i = 0; i < t->n; i++) {
            t->is_lemon[i] = t->failures[i] >= 3 && tail(mean, shape, t->failures[i]) < 0.05 / t->n;
            if (!t->is_lemon[i] || fit->n_lemons == MUIR_MOST_LEMONS) continue;
            fit->lemon[fit->n_lemons] = i;
            fit->lemon_failures[fit->n_lemons++] = t->failures[i];
        }
    }
}

static void fit_lemons(const tally *t, const muir_exposure *x, muir_fault_fit *fit)
{
    int n = 0, failures = 0;
    double days = 0.0;
    for (int32_t i = 0; i < t->n; i++) {
        if (!t->is_lemon[i]) continue;
        n++, failures += t->failures[i], days += fmax(0.0, x->days - t->out_days[i]);
    }
    if (n == 0) return;
    const muir_fit_figure rate = muir_poisson_figure(failures, days * x->chips * 1e-3);
    fit->lemon_share = muir_poisson_figure(n, t->n);
    fit->lemon_factor = (muir_fit_figure){rate.value / fit->rate.value, rate.low / fit->rate.value,
                                          rate.high / fit->rate.value, failures};
}

/* Intervals of all that differs from server to server: servers drawn again, with replacement. */
static muir_status fit_servers(muir_ctx *ctx, const tally *t, const muir_exposure *x, muir_fault_fit *fit)
{
    muir_status st = MUIR_OK;
    double rate[DRAWS], spread[DRAWS];
    int32_t *pick = NULL;
    int n = 0, known = 0, repeats = 0;
    const sample all = measure(t, x, NULL);
    MUIR_TRY(muir_alloc(ctx, (size_t)t->n, sizeof *pick, "a fit", &pick));
    for (uint32_t k = 0; k < DRAWS; k++) {
        for (int32_t i = 0; i < t->n; i++) {
            const muir_draw d = {1, MUIR_STREAM_FIT, (uint64_t)i, k};
            pick[i] = (int32_t)(muir_draw_uniform(&d, 0) * t->n);
        }
        const sample s = measure(t, x, pick);
        rate[k] = s.rate, spread[k] = fmin(1e9, s.spread);
    }
    for (int32_t i = 0; i < t->n; i++) {
        n += t->is_lemon[i] ? 0 : t->failures[i];
        known += t->known[i];
        repeats += t->failures[i] > 1;
    }
    fit->rate = interval(all.rate, rate, n);
    if (n < 30)
        fit->rate = muir_poisson_figure(n, n > 0 ? n / all.rate : 1e-3 * x->chips * x->days * x->servers);
    if (repeats >= FEWEST_REPEATS && isfinite(all.spread))
        fit->spread = interval(all.spread, spread, repeats);
    if (known > 0) fit->in_place = share_figure(all.in_place, known);
done:
    free(pick);
    return st;
}

static muir_status fit_repairs(muir_ctx *ctx, const tally *t, muir_fault_fit *fit)
{
    muir_status st = MUIR_OK;
    double median[DRAWS], sigma[DRAWS], share[DRAWS], *again = NULL;
    const int n = t->n_repairs;
    if (n < FEWEST_REPAIRS) return MUIR_OK;
    double most_s = 86400.0;
    for (int i = 0; i < n; i++) most_s = fmax(most_s, t->repair_s[i]);
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *again, "a fit", &again));
    for (uint32_t k = 0; k < DRAWS; k++) {
        for (int i = 0; i < n; i++) {
            const muir_draw d = {1, MUIR_STREAM_FIT, (uint64_t)i, DRAWS + k};
            again[i] = t->repair_s[(int)(muir_draw_uniform(&d, 0) * n)];
        }
        const muir_repair_law law = muir_repair_fit(again, n, most_s);
        median[k] = law.median_s, sigma[k] = law.sigma, share[k] = law.long_share;
    }
    const muir_repair_law law = muir_repair_fit(t->repair_s, n, most_s);
    fit->repair_median_s = interval(law.median_s, median, n);
    fit->repair_sigma = interval(law.sigma, sigma, n);
    fit->long_repair_share = interval(law.long_share, share, n);
    fit->long_repair_min_s = 86400.0;
    fit->long_repair_max_s = most_s;
done:
    free(again);
    return st;
}

/* Rate, lengths and severities of the episodes of a kind; exposure in the unit of its key. */
static muir_slow_fit fit_slow(const muir_fault_log *history, int kind, double exposure)
{
    muir_slow_fit fit = {.least = INFINITY, .most = -INFINITY};
    double sum = 0.0, square = 0.0;
    int n = 0, lengths = 0;
    for (int i = 0; i < history->n; i++) {
        const muir_log_entry *e = &history->entries[i];
        if (e->kind != kind) continue;
        n++;
        if (!isnan(e->severity))
            fit.least = fmin(fit.least, e->severity), fit.most = fmax(fit.most, e->severity);
        if (e->until_ns <= e->start_ns) continue;
        const double y = log(1e-9 * (double)(e->until_ns - e->start_ns));
        sum += y, square += y * y, lengths++;
    }
    fit.rate = muir_poisson_figure(n, exposure);
    if (lengths < 3) return fit;
    const double mu = sum / lengths, sigma = sqrt(fmax(0.0, (square - sum * mu) / (lengths - 1)));
    const double of_mu = z80 * sigma / sqrt(lengths), of_sigma = z80 / sqrt(2.0 * lengths);
    fit.median_s = (muir_fit_figure){exp(mu), exp(mu - of_mu), exp(mu + of_mu), lengths};
    fit.sigma = (muir_fit_figure){sigma, sigma * exp(-of_sigma), sigma * exp(of_sigma), lengths};
    return fit;
}

/* Failures of several servers within a minute, and how the days differ. */
static muir_status fit_bursts(muir_ctx *ctx, const muir_fault_log *log, double days, muir_fault_fit *fit)
{
    int *of_day = NULL, size = 0;
    int64_t first_ns = 0;
    const int n_days = (int)days > 1 ? (int)days : 1;
    muir_status st = muir_alloc(ctx, (size_t)n_days, sizeof *of_day, "a fit", &of_day);
    for (int i = 0; st == MUIR_OK && i < log->n; i++) {
        const muir_log_entry *e = &log->entries[i];
        if (e->kind >= MUIR_CAUSE_COUNT) continue;
        const int day = (int)(1e-9 * (double)e->start_ns / 86400.0);
        if (day < n_days) of_day[day]++;
        if (size > 0 && e->start_ns - first_ns <= 60000000000) {
            fit->bursts += ++size == 2;
            fit->largest_burst = size > fit->largest_burst ? size : fit->largest_burst;
        } else {
            first_ns = e->start_ns, size = 1;
        }
    }
    double sum = 0.0, square = 0.0;
    for (int d = 0; st == MUIR_OK && d < n_days; d++)
        sum += of_day[d], square += (double)of_day[d] * of_day[d];
    fit->dispersion =
        n_days > 2 && sum > 0.0 ? (square - sum * sum / n_days) / (n_days - 1) / (sum / n_days) : 0.0;
    free(of_day);
    return st;
}

muir_status muir_fault_fit_make(muir_ctx *ctx, const muir_fault_log *log, muir_exposure x,
                                muir_fault_fit *fit)
{
    muir_status st = MUIR_OK;
    tally t;
    memset(&t, 0, sizeof t);
    memset(fit, 0, sizeof *fit);
    if (x.servers < log->servers)
        return muir_fail(ctx, MUIR_ERR_ARG, "the log names %d servers, but --servers says %d",
                         (int)log->servers, (int)x.servers);
    if (x.days * 86400.0 > most_log_s || 1e-9 * (double)log->length_ns > x.days * 86400.0)
        return muir_fail(ctx, MUIR_ERR_ARG, "the log covers %.3f days, but --days says %g",
                         1e-9 * (double)log->length_ns / 86400.0, x.days);
    const double chip_days = x.chips * x.servers * x.days;
    fit->exposure = x;
    for (int i = 0; i < log->n; i++) fit->of_kind[log->entries[i].kind]++;
    MUIR_TRY(make_tally(ctx, log, &x, &t));
    find_lemons(&t, &x, fit);
    MUIR_TRY(fit_servers(ctx, &t, &x, fit));
    fit_lemons(&t, &x, fit);
    MUIR_TRY(fit_repairs(ctx, &t, fit));
    fit->compute = fit_slow(log, MUIR_KIND_slow_compute, 1e-3 * chip_days);
    fit->network = fit_slow(log, MUIR_KIND_slow_network, 1e-3 * chip_days);
    fit->flap = fit_slow(log, MUIR_KIND_flap, chip_days / month_days);
    for (int k = 0; k < MUIR_KIND_COUNT; k++) fit->per_day[k] = muir_poisson_figure(fit->of_kind[k], x.days);
    MUIR_TRY(fit_bursts(ctx, log, x.days, fit));
done:
    free_tally(&t);
    return st;
}
