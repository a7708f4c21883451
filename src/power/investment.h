/* SPDX-License-Identifier: BSD-3-Clause */
/* Does a fleet earn its capital: the price of a chip-hour and of a million tokens that does, payback, net
 * present value. Modelled, from the site's keys; every one of them is an input, and most are assumed. */
#ifndef MUIR_POWER_INVESTMENT_H
#define MUIR_POWER_INVESTMENT_H

#include "power/cost.h"

/* Of the whole fleet. */
typedef struct muir_investment {
    double capital_usd;
    double energy_usd_per_year, staff_usd_per_year, repairs_usd_per_year;
    /* equal yearly payments that pay each part of the capital back over its life at wacc */
    double servers_usd_per_year, network_usd_per_year, site_usd_per_year;
    double annuity_usd_per_year;       /* the three together */
    double chip_hours_per_year;        /* sold: chips x utilisation */
    double required_usd_per_chip_hour; /* annuity and running costs over the sold chip-hours */
    /* of the job's kept tokens, if all sold chip-hours trained like it */
    double required_usd_per_mtoken;
    double revenue_usd_per_year; /* from rent and serving; NaN: no rent known */
    double payback_years;        /* capital over yearly earnings; infinity: never; NaN: no rent known */
    /* over the chips' life, the rest of the site's life at its straight-line value; NaN: no rent known */
    double npv_usd;
} muir_investment;

/* With w = wacc, capital parts C over lives L, crf(L) = w / (1 - (1 + w)^-L):
 *     annuity  = sum C crf(L);  required = (annuity + energy + staff + repairs) / sold chip-hours
 *     earnings = revenue - energy - staff - repairs
 *     npv      = -capital + earnings / crf(L_chips) + site (1 - L_chips / L_site) (1 + w)^-L_chips
 * power_w        in   mean at the meter while a job runs [W]
 * tokens_per_s   in   kept by the job; 0: required_usd_per_mtoken is NaN
 * Local. */
muir_investment muir_investment_of(const muir_scenario *scenario, double power_w, double tokens_per_s);

#endif
