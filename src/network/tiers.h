/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of exchanges tier by tier, which dispatches to experts share. Private to network/. */
#ifndef MUIR_NETWORK_TIERS_H
#define MUIR_NETWORK_TIERS_H

#include "network/links.h"

/* An all_to_all of so many bytes a member among the members inside a domain [s]. Every byte of a torus's ring
 * travels a quarter of it on average (a third of a line). Local. */
double muir_tiers_exchange_s(const muir_fleet *fleet, const muir_group *group, double bytes);

/* An all_to_all in which each chip sends so many bytes to other domains [s]. Local. */
double muir_tiers_far_s(const muir_fleet *fleet, const muir_group *group, double bytes);

/* Parts one after the other, `times` over, after the base time of the widest tier. Local. */
muir_flow muir_tiers_in_turn(const muir_fleet *fleet, const muir_group *group, double local_s, double port_s,
                             double times);

#endif
