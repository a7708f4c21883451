/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the members of a collective lie on the fleet.
 *
 * A group is p chips numbered first, first + stride, ... Those that share a server exchange over the scale-up
 * links; all others over the fabric, every chip through its own port. A group that fits a site
 * lies on one. */
#ifndef MUIR_NETWORK_GROUP_H
#define MUIR_NETWORK_GROUP_H

#include "fleet/fleet.h"

typedef struct muir_group {
    int64_t p;              /* members */
    int64_t local;          /* members that share a scale-up domain: a server, or a slice of a pod */
    int64_t servers;        /* domains that the group spans, p / local rounded up */
    int extent[MUIR_DIMS];  /* torus: members along each dimension inside a server */
    double rate[MUIR_DIMS]; /* torus: a member's rate along each, both ways where it is a ring [byte/s] */
    double hops[MUIR_DIMS]; /* torus: message steps along each dimension */
    int64_t sites;          /* sites that the group spans */
    int64_t site_servers;   /* of its servers, those on one site */
    bool is_beyond_leaf;    /* it spans more servers than a leaf joins */
    double uplink_share;    /* share of a port's rate through uplinks, members talking to neighbours only */
} muir_group;

/* Where a group of p chips with the given stride lies.
 * stride  in   distance of neighbouring members in chip numbers, >= 1 [chips]
 * p       in   members, >= 1
 * Local. */
muir_group muir_group_place(const muir_fleet *fleet, int64_t stride, int64_t p);

/* Of a number of servers, how many scale-up domains they are, at least 1. Local. */
int64_t muir_group_domains(const muir_fleet *fleet, int64_t servers);

/* The part of a group on one site. Local. */
muir_group muir_group_on_site(const muir_group *group);

#endif
