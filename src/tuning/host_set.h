/* SPDX-License-Identifier: BSD-3-Clause */
/* What a launch runs on, in words that tell one set of hosts from another. */
#ifndef MUIR_TUNING_HOST_SET_H
#define MUIR_TUNING_HOST_SET_H

#include "base/options.h"

typedef struct muir_host_set {
    char launch[MUIR_NAME_SIZE]; /* hosts x ranks per host: 2x4; 3x2..4 where hosts differ */
    char cpu[MUIR_NAME_SIZE];    /* of rank 0's host, `mixed` where others differ */
    char mpi[MUIR_NAME_SIZE];    /* library and version */
    int64_t cores;               /* on which a host's ranks may run; of the host with fewest */
} muir_host_set;

/* Source: ranks are on one host where MPI_Comm_split_type finds them so; /proc/cpuinfo; sched_getaffinity.
 * Collective over ctx->comm. MUIR_ERR_MPI. */
muir_status muir_host_set_describe(muir_ctx *ctx, muir_host_set *set);

/* Number of hosts on which the ranks of comm are. Collective over comm. MUIR_ERR_MPI. */
muir_status muir_host_count(muir_ctx *ctx, MPI_Comm comm, int *hosts);

#endif
