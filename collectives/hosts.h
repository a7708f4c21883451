/* SPDX-License-Identifier: BSD-3-Clause */
/* Which ranks of a communicator share a host, where there is more than one host. */
#ifndef MUIR_COLLECTIVES_HOSTS_H
#define MUIR_COLLECTIVES_HOSTS_H

#include "base/ctx.h"
#include "collectives/comm.h"

/* A rank's place on its host is its number among the host's ranks, in the order of ranks. */
typedef struct muir_hosts {
    int n;                 /* hosts */
    int fewest, most;      /* ranks of one host */
    int *host_of;          /* [p] number of the rank's host: that of its first rank among all first ranks */
    int *place_of;         /* [p] on its host */
    muir_coll_comm *local; /* ranks of the own host */
    muir_coll_comm *peers; /* ranks that have the own place on other hosts, in the order of ranks */
} muir_hosts;

/* Finds the hosts.
 * comm  in   without its hosts
 * host  in   number, >= 0, that the ranks of one host have in common; -1: found out. Ranks that give
 *            different numbers are taken for ranks of different hosts, as one may want for sockets or tests
 * out   out  free it with muir_hosts_destroy; NULL where all ranks are on one host
 * why   out  [MUIR_SHM_WHY_SIZE] why there is no hierarchy of hosts to make use of, "" where there is one;
 *            the same on all ranks
 * Collective over comm->comm. MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_hosts_create(muir_ctx *ctx, const muir_coll_comm *comm, int host, muir_hosts **out,
                              char *why);

/* Collective over the communicator. Accepts NULL, leaves NULL. */
void muir_hosts_destroy(muir_hosts **hosts);

/* The rank that has a place on the k-th host, counted over the hosts that have this place, in the order of
 * ranks; -1: there is none. Local. */
int muir_hosts_rank(const muir_hosts *hosts, int p, int place, int k);

#endif
