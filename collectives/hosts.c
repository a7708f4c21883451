/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds the hosts of a communicator, and makes its communicators inside and between them. */
#include "collectives/hosts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* Lowest rank of comm with which the own rank shares a host. */
static muir_status find_first(muir_ctx *ctx, const muir_coll_comm *comm, int host, int *first)
{
    muir_status st = MUIR_OK;
    MPI_Comm near = MPI_COMM_NULL;
    if (host < 0)
        MUIR_TRY_MPI(MPI_Comm_split_type(comm->comm, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &near));
    else
        MUIR_TRY_MPI(MPI_Comm_split(comm->comm, host, comm->rank, &near));
    MUIR_TRY_MPI(MPI_Allreduce(&comm->rank, first, 1, MPI_INT, MPI_MIN, near));
done:
    if (near != MPI_COMM_NULL) MPI_Comm_free(&near);
    return st;
}

/* From the first rank of each rank's host, in host_of, to the numbers of hosts and places. */
static void number_hosts(muir_hosts *hosts, int p)
{
    int *host_of = hosts->host_of;
    for (int r = 0; r < p; r++) {
        hosts->place_of[r] = 0;
        for (int other = 0; other < r; other++) hosts->place_of[r] += host_of[other] == host_of[r];
    }
    for (int r = 0; r < p; r++) { /* place 0 is that of a host's first rank */
        int number = 0;
        for (int other = 0; other < host_of[r]; other++) number += hosts->place_of[other] == 0;
        host_of[r] = number;
    }
    hosts->fewest = p;
    for (int r = 0; r < p; r++) {
        int size = 0;
        for (int other = 0; other < p; other++) size += host_of[other] == host_of[r];
        hosts->n += hosts->place_of[r] == 0;
        if (size < hosts->fewest) hosts->fewest = size;
        if (size > hosts->most) hosts->most = size;
    }
}

static muir_status split(muir_ctx *ctx, const muir_coll_comm *comm, int color, int host, muir_coll_comm **out)
{
    muir_status st = MUIR_OK;
    MPI_Comm part = MPI_COMM_NULL;
    MUIR_TRY_MPI(MPI_Comm_split(comm->comm, color, comm->rank, &part));
    MUIR_TRY(muir_coll_comm_create_on(ctx, part, host, out));
done:
    if (part != MPI_COMM_NULL) MPI_Comm_free(&part);
    return st;
}

/* Whether every host with several ranks lets them share memory. */
static muir_status is_sharing(muir_ctx *ctx, const muir_coll_comm *comm, const muir_hosts *hosts, int *all)
{
    muir_status st = MUIR_OK;
    const int here = hosts->local->size == 1 || hosts->local->shared;
    MUIR_TRY_MPI(MPI_Allreduce(&here, all, 1, MPI_INT, MPI_MIN, comm->comm));
done:
    return st;
}

muir_status muir_hosts_create(muir_ctx *ctx, const muir_coll_comm *comm, int host, muir_hosts **out,
                              char *why)
{
    muir_status st = MUIR_OK;
    muir_hosts *hosts = NULL;
    const int p = comm->size, rank = comm->rank;
    int first = 0, all = 0;

    MUIR_TRY(muir_alloc(ctx, 1, sizeof *hosts, "hosts", &hosts));
    MUIR_TRY(muir_alloc(ctx, (size_t)p, sizeof(int), "hosts", &hosts->host_of));
    MUIR_TRY(muir_alloc(ctx, (size_t)p, sizeof(int), "hosts", &hosts->place_of));
    MUIR_TRY(find_first(ctx, comm, host, &first));
    MUIR_TRY_MPI(MPI_Allgather(&first, 1, MPI_INT, hosts->host_of, 1, MPI_INT, comm->comm));
    number_hosts(hosts, p);
    if (hosts->n == 1) {
        snprintf(why, MUIR_SHM_WHY_SIZE, "all ranks are on one host");
        muir_hosts_destroy(&hosts);
        return MUIR_OK;
    }
    *out = hosts;
    if (hosts->most == 1) {
        snprintf(why, MUIR_SHM_WHY_SIZE, "no two ranks are on the same host");
        return MUIR_OK;
    }
    MUIR_TRY(split(ctx, comm, hosts->host_of[rank], 0, &hosts->local));
    MUIR_TRY(split(ctx, comm, hosts->place_of[rank], hosts->host_of[rank], &hosts->peers));
    MUIR_TRY(is_sharing(ctx, comm, hosts, &all));
    if (!all) snprintf(why, MUIR_SHM_WHY_SIZE, "the ranks of one host share no memory");
done:
    if (st != MUIR_OK) {
        muir_hosts_destroy(&hosts);
        *out = NULL;
    }
    return st;
}

void muir_hosts_destroy(muir_hosts **hosts)
{
    if (!*hosts) return;
    muir_coll_comm_destroy(&(*hosts)->local);
    muir_coll_comm_destroy(&(*hosts)->peers);
    free((*hosts)->host_of);
    free((*hosts)->place_of);
    free(*hosts);
    *hosts = NULL;
}

int muir_hosts_rank(const muir_hosts *hosts, int p, int place, int k)
{
    for (int r = 0; r < p; r++)
        if (hosts->place_of[r] == place && k-- == 0) return r;
    return -1;
}
