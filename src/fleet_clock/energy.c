/* SPDX-License-Identifier: BSD-3-Clause */
/* Power by phase of the chips, hosts, network and building; capital by the hour. */
#include "fleet_clock/energy.h"

#include <math.h>

double muir_step_energy_j(const muir_scenario *scenario, const muir_ideal *ideal, double step_s)
{
    const muir_fleet *fleet = &scenario->fleet;
    const muir_chip *chip = &fleet->chip;
    const double chips = (double)muir_fleet_chips(fleet), spares = (double)scenario->spare_chips;
    const double idle_s = fmax(0.0, step_s - ideal->compute_mean_s - ideal->comm_mean_s);
    const double job_chip_j =
        chip->tdp_w * (ideal->compute_mean_s * chip->compute_power +
                       ideal->comm_mean_s * chip->communicate_power + idle_s * chip->idle_power);
    const double spare_chip_j = chip->tdp_w * chip->idle_power * step_s;
    const double host_w =
        (double)fleet->top.servers * fleet->server.host_w + chips * fleet->fabric.switch_w_per_chip;
    return fleet->site.pue * ((chips - spares) * job_chip_j + spares * spare_chip_j + host_w * step_s);
}

double muir_idle_energy_j(const muir_scenario *scenario, double time_s)
{
    const muir_fleet *fleet = &scenario->fleet;
    const double chips = (double)muir_fleet_chips(fleet);
    const double host_w =
        (double)fleet->top.servers * fleet->server.host_w + chips * fleet->fabric.switch_w_per_chip;
    return fleet->site.pue * time_s * (chips * fleet->chip.tdp_w * fleet->chip.idle_power + host_w);
}

double muir_step_cost_usd(const muir_scenario *scenario, double step_s, double energy_j)
{
    const muir_site *site = &scenario->fleet.site;
    const double lifetime_s = site->lifetime_years * 365.25 * 86400.0;
    const double capital_usd = site->capital_usd_per_chip * (double)muir_fleet_chips(&scenario->fleet);
    return capital_usd * step_s / lifetime_s + energy_j / 3.6e9 * site->usd_per_mwh;
}
