/* SPDX-License-Identifier: BSD-3-Clause */
/* A preset of faults from a recorded history: each figure with an 80 % interval, or the reason why the log
 * cannot tell it. */
#ifndef MUIR_RELIABILITY_FIT_H
#define MUIR_RELIABILITY_FIT_H

#include "scenario/fault_log.h"

/* A fitted figure; n: observations behind it, 0: the log cannot tell. */
typedef struct muir_fit_figure {
    double value, low, high;
    int n;
} muir_fit_figure;

/* What was watched, for how long. */
typedef struct muir_exposure {
    int32_t servers;
    double chips; /* of a server */
    double days;
} muir_exposure;

enum { MUIR_MOST_LEMONS = 64 };

typedef struct muir_slow_fit {
    muir_fit_figure rate;            /* 1/1000 chip-days; of flaps 1/month and chip */
    muir_fit_figure median_s, sigma; /* length */
    double least, most;          /* severity */
} muir_slow_fit;

/* Units are those of the keys in data/faults. */
typedef struct muir_fault_fit {
    muir_exposure exposure;
    int of_kind[MUIR_KIND_COUNT]; /* events of each kind */
    muir_fit_figure rate;             /* of servers that are no lemons */
    muir_fit_figure spread;
    muir_fit_figure in_place;
    muir_fit_figure repair_median_s, repair_sigma, long_repair_share;
    double long_repair_min_s, long_repair_max_s;
    muir_slow_fit compute, network, flap;
    muir_fit_figure per_day[MUIR_KIND_COUNT]; /* of the whole job: planned, crash, ... */
    int32_t lemon[MUIR_MOST_LEMONS];      /* [n_lemons] servers */
    int lemon_failures[MUIR_MOST_LEMONS];
    int n_lemons;
    muir_fit_figure lemon_share, lemon_factor;
    int bursts, largest_burst; /* failures of several servers within a minute */
    double dispersion;         /* variance over mean of the failures of a day; 1: Poisson */
} muir_fault_fit;

/* Fits a log.
 *     rate      failures over chip-days in service, lemons left out
 *     spread    m^2 / (v - m), m and v mean and variance of the failures of a server (negative binomial)
 *     lemons    servers whose number of failures has a chance below 0.05 / servers under that law
 *     repairs   a lognormal and, beyond a day, a uniform branch, by expectation and maximisation
 *     intervals of these from 200 draws of as many servers and repairs with replacement; of counts by
 *     Wilson and Hilferty's approximation of the Poisson's exact ones, of shares by Wilson's, of lengths
 *     from the normal law
 * fit  out
 * Local. MUIR_ERR_ARG for an exposure that the log contradicts, MUIR_ERR_MEM.
 * Sources: Dempster, Laird and Rubin, J. R. Stat. Soc. B 39(1), 1977; Efron, Ann. Stat. 7(1), 1979; Wilson
 * and Hilferty, PNAS 17(12), 1931. */
muir_status muir_fault_fit_make(muir_ctx *ctx, const muir_fault_log *log, muir_exposure exposure,
                                muir_fault_fit *fit);

/* The exact interval of a Poisson count that holds it in 80 % of all cases. Local. */
muir_fit_figure muir_poisson_figure(int n, double exposure);

/* A branch of repairs that takes at least a day, and a lognormal one. */
typedef struct muir_repair_law {
    double median_s, sigma, long_share;
} muir_repair_law;

/* Fits repair times by expectation and maximisation.
 * x      in  [n] > 0 [s]
 * most_s in  the longest that is possible [s]
 * Local. */
muir_repair_law muir_repair_fit(const double *x, int n, double most_s);

#endif
