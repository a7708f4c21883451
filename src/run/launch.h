/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts of a launch that the telemetry file stores once: the rank map, the nodes, the host clock's sizes. */
#ifndef MUIR_RUN_LAUNCH_H
#define MUIR_RUN_LAUNCH_H

#include "host_clock/host_clock.h"

enum { MUIR_NODE_SIZE = 64 };

typedef struct muir_launch {
    size_t n_ranks, n_colls, n_ops; /* n_ops: of the program, and receiving and sending */
    int64_t *first_replica;         /* [n_ranks] */
    int64_t *replicas;              /* [n_ranks] */
    int64_t *mesh[MUIR_MESH_AXES];  /* [n_ranks] each */
    double *peak_flop_per_s;        /* [n_ranks], on rank 0 */
    char *node_names;               /* [n_ranks, MUIR_NODE_SIZE], on rank 0 */
    const char **node;              /* [n_ranks], into node_names */
    const char **coll_op;           /* [n_colls], static texts */
    const char **coll_algorithm;    /* [n_colls], static texts */
    const char **coll_axis;         /* [n_colls], static texts */
    const char **coll_purpose;      /* [n_colls], static texts */
    int64_t *coll_ranks;            /* [n_colls] */
    double *coll_bytes;             /* [n_colls] */
    const char **coll_chosen;       /* [n_colls], static texts */
    double *coll_median_s;          /* [n_colls] of the algorithm when it was chosen; NAN: not measured */
    double *coll_mpi_s;             /* [n_colls] of the library's own then */
    size_t n_trials;                /* of all choices that were measured */
    int64_t *trial_coll;            /* [n_trials] number of the collective */
    const char **trial_algorithm;   /* [n_trials], static texts */
    double *trial_s;                /* [n_trials] */
    char *binding_texts;            /* [n_ranks, MUIR_BINDING_SIZE], on rank 0 */
    const char **binding;           /* [n_ranks], into binding_texts */
    const char **op_name;           /* [n_ops], static texts */
    const char **op_kind;           /* [n_ops], static texts */
    double *op_s;                   /* [n_ops], on the fleet */
    muir_host_facts host;           /* zeros without host clock */
    double shrink_bytes;
    bool is_overlapped;
} muir_launch;

/* Gathers the facts; ranks without a part in the host clock learn the number of its collectives too.
 * Collective over ctx->comm. Freed with muir_launch_destroy.
 * host  in   borrowed until destroyed; NULL where the host clock does not run
 * MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_launch_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_host_clock *host,
                               muir_launch **out);
void muir_launch_destroy(muir_launch **launch); /* accepts NULL, leaves NULL */

#endif
