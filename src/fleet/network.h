/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of messages and collectives on the fleet: alpha-beta over the scale-up domain, the fabric and the
 * links between sites.
 *
 * A group is p chips numbered first, first + stride, ... Those that share a server exchange over the scale-up
 * links; the servers of the group then exchange over the fabric, every chip through its own port
 * (hierarchical). Where they are on several sites, the servers of each site exchange first, and every chip's
 * part then crosses, on links that all chips of a site share. A group that fits a site lies on one. */
#ifndef MUIR_FLEET_NETWORK_H
#define MUIR_FLEET_NETWORK_H

#include "base/words.h"
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

/* How long a collective or message takes, and for how long of that a chip's ports carry it. [s] */
typedef struct muir_port_times {
    double time_s;   /* first byte to last */
    double local_s;  /* on the scale-up links */
    double fabric_s; /* on the port to the fabric; the two are one after the other unless said */
} muir_port_times;

/* a + times b. Local. */
muir_port_times muir_ports_sum(muir_port_times a, muir_port_times b, double times);

/* Where a group of p chips with the given stride lies.
 * stride  in   distance of neighbouring members in chip numbers, >= 1 [chips]
 * p       in   members, >= 1
 * Local. */
muir_group muir_group_place(const muir_fleet *fleet, int64_t stride, int64_t p);

/* Time of a collective [s]; 0 for a group of one. An all_gather or reduce_scatter of V bytes takes
 * inside a server of q members
 *     switch  (q - 1) (alpha + V / (q beta))                           ring
 *     torus   V in parts, one per dimension, each walking the          bucket algorithm
 *             dimensions in turn, so that all links work at once
 * and between n servers, with v = V / q bytes a chip
 *             log2(n) alpha + v (n - 1) / (n beta)                     recursive doubling
 * and where m of the n servers are on each of S sites, m for n above and then, with w = v / m and a chip's
 * share b in the links of its site, site_byte_per_s over all chips of the site,
 *             log2(S) site_alpha + w (S - 1) / (S min(b, beta))
 * all_reduce = reduce_scatter + all_gather. Each collective starts with the base time of its widest level.
 * group  in   from muir_group_place
 * bytes  in   nccl-tests' size: the vector for all_reduce and broadcast, the total for all_gather and
 *             reduce_scatter, a chip's send buffer for all_to_all [byte]
 * Local. Sources: Jain and Sabharwal, "Optimal bucket algorithms for large MPI collectives on torus
 * interconnects", ICS 2010; Thakur, Rabenseifner, Gropp, "Optimization of collective communication operations
 * in MPICH", IJHPCA 19(1), 2005. */
double muir_coll_time_s(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind, double bytes);

/* The same, by port; the base time counts as that of the widest level's. Local. */
muir_port_times muir_coll_ports(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                                double bytes);

/* Time of an exchange with experts in which every token crosses the fabric once to each server that it
 * visits, to the chip with the sender's place there, which passes it on to the chips that it visits while
 * more arrive: with T bytes of tokens a chip, p members, q of them in a server, each of n servers visited by
 * a share P of the tokens and each chip by a share c [s],
 *     between servers  log2(n) alpha + T (n - 1) P / beta
 *     inside           as an all_to_all of T p c bytes among the q members of a server
 *     t                base + the longer of the two, which are busy side by side
 * token_bytes  in   T: tokens that one chip sends, each counted once [byte]
 * server_share in   P, of tokens that visit a given server, 0 to 1
 * chip_share   in   c, of tokens that visit a given chip, 0 to 1
 * Local. Source: DeepEP, deepseek-ai/DeepEP @0297fc8 (hybrid and internode kernels). */
muir_port_times muir_dispatch_ports(const muir_fleet *fleet, const muir_group *group, double token_bytes,
                                    double server_share, double chip_share);

/* Time of one message between two chips, while their neighbours send likewise [s].
 *     t = alpha + bytes / beta
 * stride  in   distance of the two in chip numbers, >= 1 [chips]
 * bytes   in   [byte]
 * Local. */
double muir_p2p_time_s(const muir_fleet *fleet, int64_t stride, double bytes);

/* The same, by port. Local. */
muir_port_times muir_p2p_ports(const muir_fleet *fleet, int64_t stride, double bytes);

/* Message of a pipeline whose stages are `stride` chips apart; at the borders of sites a stage's chips share
 * the links. With hops = 1 between neighbours, the mean over the borders of stages: a microbatch crosses each
 * once each way, so what counts is their sum. With hops = stages - 1 from the last to the first. Local. */
muir_port_times muir_hop_ports(const muir_fleet *fleet, int64_t stride, int64_t stages, int64_t hops,
                               double bytes);

#endif
