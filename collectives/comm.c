/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a communicator for collectives. */
#include "collectives/comm.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/tags.h"
#include "collectives/hosts.h"
#include "collectives/shared.h"

muir_status muir_coll_comm_create(muir_ctx *ctx, MPI_Comm comm, muir_coll_comm **out)
{
    return muir_coll_comm_create_on(ctx, comm, -1, out);
}

muir_status muir_coll_comm_create_on(muir_ctx *ctx, MPI_Comm comm, int host, muir_coll_comm **out)
{
    muir_status st = MUIR_OK;
    muir_coll_comm *made = NULL;
    int *tag_max = NULL, is_known = 0;

    MUIR_TRY(muir_alloc(ctx, 1, sizeof *made, "a communicator", &made));
    made->comm = MPI_COMM_NULL;
    MUIR_TRY_MPI(MPI_Comm_dup(comm, &made->comm));
    MUIR_TRY_MPI(MPI_Comm_set_errhandler(made->comm, MPI_ERRORS_RETURN));
    MUIR_TRY_MPI(MPI_Comm_rank(made->comm, &made->rank));
    MUIR_TRY_MPI(MPI_Comm_size(made->comm, &made->size));
    MUIR_TRY_MPI(MPI_Comm_get_attr(made->comm, MPI_TAG_UB, &tag_max, &is_known));
    made->tag_max = is_known ? *tag_max : 32767; /* the least that the MPI standard allows */
    made->next_tag = MUIR_TAG_COLL;
    MUIR_TRY(muir_hosts_create(ctx, made, host, &made->hosts, made->why_not_hierarchical));
    MUIR_TRY(muir_shared_create(ctx, made, &made->shared, made->why_not_shared));
done:
    if (st != MUIR_OK)
        muir_coll_comm_destroy(&made);
    else
        *out = made;
    return st;
}

void muir_coll_comm_destroy(muir_coll_comm **comm)
{
    if (!*comm) return;
    muir_shared_destroy(&(*comm)->shared);
    muir_hosts_destroy(&(*comm)->hosts);
    if ((*comm)->comm != MPI_COMM_NULL) MPI_Comm_free(&(*comm)->comm);
    free(*comm);
    *comm = NULL;
}

MPI_Datatype muir_coll_mpi_type(muir_dtype dtype)
{
    switch (dtype) {
    case MUIR_FP32: return MPI_FLOAT;
    case MUIR_FP64: return MPI_DOUBLE;
    case MUIR_INT8: return MPI_INT8_T;
    case MUIR_INT32: return MPI_INT32_T;
    default: return muir_dtype_bytes(dtype) == 2 ? MPI_UINT16_T : MPI_UINT8_T;
    }
}
