/* SPDX-License-Identifier: BSD-3-Clause */
/* Annuities, earnings, net present value. */
#include "power/investment.h"

#include <math.h>

static const double hours_per_year = 8766.0, seconds_per_year = 31557600.0;

/* Capital recovery factor [1/year]. */
static double recovery(double wacc, double years)
{
    return wacc > 0.0 ? wacc / (1.0 - pow(1.0 + wacc, -years)) : 1.0 / years;
}

/* Failures that take a server out: all but those repaired in place. */
static double repairs_per_year(const muir_scenario *s)
{
    const muir_faults_top *f = &s->faults.top;
    return f->rate / 1000.0 * 365.25 * (double)muir_fleet_chips(&s->fleet) * (1.0 - f->in_place);
}

static double revenue(const muir_site *site, double chip_hours)
{
    const double rent = site->rent_usd_per_chip_hour, serving = site->serving_usd_per_chip_hour;
    if (rent <= 0.0 && site->serving_share < 1.0) return NAN;
    return chip_hours * ((1.0 - site->serving_share) * rent + site->serving_share * serving);
}

muir_investment muir_investment_of(const muir_scenario *s, double power_w, double tokens_per_s)
{
    const muir_site *site = &s->fleet.site;
    const muir_cost cost = muir_cost_of(s);
    const double chips = (double)muir_fleet_chips(&s->fleet), w = site->wacc, life = site->lifetime_years;
    muir_investment i = {.capital_usd = cost.servers_usd + cost.network_usd + cost.site_usd};
    i.energy_usd_per_year = power_w * site->utilisation * seconds_per_year * cost.usd_per_j;
    i.staff_usd_per_year = site->staff_usd_per_chip_year * chips;
    i.repairs_usd_per_year = repairs_per_year(s) * site->repair_usd;
    i.servers_usd_per_year = cost.servers_usd * recovery(w, life);
    i.network_usd_per_year = cost.network_usd * recovery(w, life);
    i.site_usd_per_year = cost.site_usd * recovery(w, site->site_lifetime_years);
    i.annuity_usd_per_year = i.servers_usd_per_year + i.network_usd_per_year + i.site_usd_per_year;
    i.chip_hours_per_year = chips * hours_per_year * site->utilisation;
    const double running = i.energy_usd_per_year + i.staff_usd_per_year + i.repairs_usd_per_year;
    i.required_usd_per_chip_hour = (i.annuity_usd_per_year + running) / i.chip_hours_per_year;
    i.required_usd_per_mtoken =
        tokens_per_s > 0.0 ? i.required_usd_per_chip_hour * chips / 3600.0 / (tokens_per_s / 1e6) : NAN;
    i.revenue_usd_per_year = revenue(site, i.chip_hours_per_year);
    const double earnings = i.revenue_usd_per_year - running;
    const double rest_usd = cost.site_usd * fmax(0.0, 1.0 - life / site->site_lifetime_years);
    i.payback_years = isnan(earnings) ? NAN : earnings > 0.0 ? i.capital_usd / earnings : INFINITY;
    i.npv_usd = -i.capital_usd + earnings / recovery(w, life) + rest_usd * pow(1.0 + w, -life);
    return i;
}
