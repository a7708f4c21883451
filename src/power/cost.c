/* SPDX-License-Identifier: BSD-3-Clause */
/* Capital by parts, staff and energy. */
#include "power/cost.h"

#include <math.h>

muir_cost muir_cost_of(const muir_scenario *scenario)
{
    const muir_fleet *fleet = &scenario->fleet;
    const muir_site *site = &fleet->site;
    const double chips = (double)muir_fleet_chips(fleet), year_s = 365.25 * 86400.0;
    const double capital_usd = site->capital_usd_per_chip * chips;
    muir_cost c = {.usd_per_j = site->usd_per_mwh / 3.6e9};
    c.design_w = chips * (fleet->chip.tdp_w + fleet->fabric.switch_w_per_chip) +
                 (double)fleet->top.servers * fleet->server.host_w;
    c.site_usd = fmin(capital_usd, site->site_usd_per_w * c.design_w);
    c.network_usd = site->network_share * (capital_usd - c.site_usd);
    c.servers_usd = capital_usd - c.site_usd - c.network_usd;
    c.capital_usd_per_s = ((c.servers_usd + c.network_usd) / (site->lifetime_years * year_s) +
                           c.site_usd / (site->site_lifetime_years * year_s)) /
                          site->utilisation;
    c.staff_usd_per_s = site->staff_usd_per_chip_year * chips / year_s / site->utilisation;
    return c;
}

double muir_cost_usd(const muir_cost *cost, double time_s, double energy_j)
{
    return (cost->capital_usd_per_s + cost->staff_usd_per_s) * time_s + cost->usd_per_j * energy_j;
}

double muir_cost_breakeven_use(const muir_cost *cost, const muir_fleet *fleet, double power_w)
{
    const double rent_usd_per_s =
        fleet->site.rent_usd_per_chip_hour * (double)muir_fleet_chips(fleet) / 3600.0;
    const double saved_usd_per_s = rent_usd_per_s - power_w * cost->usd_per_j;
    if (rent_usd_per_s <= 0.0 || saved_usd_per_s <= 0.0) return NAN;
    return fleet->site.utilisation * (cost->capital_usd_per_s + cost->staff_usd_per_s) / saved_usd_per_s;
}
