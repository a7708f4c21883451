/* SPDX-License-Identifier: BSD-3-Clause */
/* Classes of links, and what a collective puts on them. */
#ifndef MUIR_NETWORK_LINKS_H
#define MUIR_NETWORK_LINKS_H

#include "network/group.h"

/* Constant, name. Below the leaf all servers are alike, so that one link of a class stands for all.
 * LOCAL   a chip's links inside its scale-up domain
 * PORT    a chip's port to the fabric
 * UPLINK  what leaves a leaf
 * SITE    what leaves a site */
#define MUIR_LINK_LIST(X)                                                                                    \
    X(MUIR_LINK_LOCAL, "local")                                                                              \
    X(MUIR_LINK_PORT, "port")                                                                                \
    X(MUIR_LINK_UPLINK, "uplink")                                                                            \
    X(MUIR_LINK_SITE, "site")
#define MUIR_LINK_FIRST(constant, name) constant,
typedef enum muir_link { MUIR_LINK_LIST(MUIR_LINK_FIRST) MUIR_LINK_COUNT } muir_link;
#undef MUIR_LINK_FIRST

/* Never NULL. Local. */
const char *muir_link_name(muir_link link);

/* What a collective does to the network.
 *     t = latency_s + x + ramp_s,  x = the longest of load_s where phases pipeline, their sum otherwise */
typedef struct muir_flow {
    double latency_s;               /* to start, and of the messages that follow each other */
    double load_s[MUIR_LINK_COUNT]; /* how long the busiest link of a class carries it, at its share */
    double bytes[MUIR_LINK_COUNT];  /* that a member sends over links of a class, mean over the members */
    double ramp_s;                  /* by which it falls behind its rate while pieces fill the chain */
    double time_s;
} muir_flow;

/* Rates that long transfers reach [byte/s]. Local.
 * local   of a member among the members in its domain; infinite for one alone
 * ports   of the ports of a group's members in one server together, members talking to neighbours only
 * port    of one port to any other chip of the fabric
 * site    of a chip to other sites, while `chips` of its site send there */
double muir_rate_local(const muir_fleet *fleet, const muir_group *group);
double muir_rate_ports(const muir_fleet *fleet, const muir_group *group);
double muir_rate_far(const muir_fleet *fleet, bool is_beyond_leaf);
double muir_rate_site(const muir_fleet *fleet, double chips);

/* Chips of a site. Local. */
double muir_site_chips(const muir_fleet *fleet);

/* Time of a message step between two servers of a group, the more of them the longer [s]. Local. */
double muir_step_between_s(const muir_fleet *fleet, const muir_group *group);

/* How long the ports of a server carry so many bytes of a pair of trees over servers [s]. Local. */
double muir_tree_ports_s(const muir_fleet *fleet, const muir_group *group, double bytes);

/* Ends a flow whose phases pipeline: ramp_s and time_s from the rest.
 *     ramp = min(sqrt(scale_s x), most_s)
 * Local. */
void muir_flow_end(muir_flow *flow, double scale_s, double most_s);

/* x of a flow whose phases pipeline [s]. Local. */
double muir_flow_slowest_s(const muir_flow *flow);

#endif
