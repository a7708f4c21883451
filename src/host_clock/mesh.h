/* SPDX-License-Identifier: BSD-3-Clause */
/* The ranks' communicators: one per parallel axis, and one for all ranks that take part. */
#ifndef MUIR_HOST_CLOCK_MESH_H
#define MUIR_HOST_CLOCK_MESH_H

#include "collectives/comm.h"
#include "scenario/fold.h"

typedef struct muir_mesh {
    bool is_member;                       /* false: this rank has no part in the host clock */
    muir_coll_comm *axis[MUIR_MESH_AXES]; /* NULL without a part */
    muir_coll_comm *world;                /* all ranks with a part; NULL without */
} muir_mesh;

/* Makes the communicators.
 * fold  in   this rank's; borrowed for the call
 * out   out  free it with muir_mesh_destroy, collectively; untouched on error
 * Collective over ctx->comm. MUIR_ERR_MPI, MUIR_ERR_MEM. */
muir_status muir_mesh_create(muir_ctx *ctx, const muir_fold *fold, muir_mesh **out);
void muir_mesh_destroy(muir_mesh **mesh); /* accepts NULL, leaves NULL */

/* Ranks over which an axis of the job is executed: 1 where one rank holds all of it. Local. */
int muir_mesh_ranks(const muir_fold *fold, muir_axis axis);

/* The communicator on which an axis of the job is executed, NULL where one rank holds all of it. Expert
 * groups are part of dp; weights are shared over dp. Local. */
muir_coll_comm *muir_mesh_comm(const muir_mesh *mesh, muir_axis axis);

#endif
