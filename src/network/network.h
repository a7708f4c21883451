/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of messages and collectives on the fleet, as its library goes about them: over the scale-up domain,
 * the fabric and the links between sites. */
#ifndef MUIR_NETWORK_NETWORK_H
#define MUIR_NETWORK_NETWORK_H

#include "network/ways.h"

/* How long a collective or message takes, and for how long of that a chip's ports carry it. [s] */
typedef struct muir_port_times {
    double time_s;   /* first byte to last */
    double local_s;  /* on the scale-up links */
    double fabric_s; /* on the port to the fabric; where phases pipeline both are busy at the same time */
} muir_port_times;

/* a + times b. Local. */
muir_port_times muir_ports_sum(muir_port_times a, muir_port_times b, double times);

/* Time of a collective [s]; 0 for a group of one: the least of the ways that the fleet's library has for it
 * (ways.def, docs/network.md), on one site. Where the group's servers are on several sites, m of them on each
 * of S, the servers of each site exchange first, and every chip's part w of the size then crosses, a chip's
 * share b in the links of its site being site_byte_per_s over all chips of the site:
 *             log2(S) site_alpha + w (S - 1) / (S min(b, beta)), twice for an all_reduce
 * group  in   from muir_group_place
 * bytes  in   nccl-tests' size: the vector for all_reduce and broadcast, the total for all_gather and
 *             reduce_scatter, a chip's send buffer for all_to_all [byte]
 * Local. */
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
