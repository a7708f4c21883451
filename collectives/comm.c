/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a communicator for collectives. */
#include "collectives/comm.h"

#include <sched.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/tags.h"
#include "collectives/hosts.h"
#include "collectives/shared.h"

/* MPI's operations know nothing but their data, so each type and reduction has a function of its own. */
#define HALF_OP(name, dtype, reduce)                                                                         \
    static void name(void *in, void *inout, int *n, MPI_Datatype *type)                                      \
    {                                                                                                        \
        (void)type;                                                                                          \
        muir_reduce_find(dtype, reduce)((size_t)*n, in, inout, inout);                                       \
    }
HALF_OP(sum_bf16, MUIR_BF16, MUIR_SUM)
HALF_OP(max_bf16, MUIR_BF16, MUIR_MAX)
HALF_OP(min_bf16, MUIR_BF16, MUIR_MIN)
HALF_OP(sum_fp16, MUIR_FP16, MUIR_SUM)
HALF_OP(max_fp16, MUIR_FP16, MUIR_MAX)
HALF_OP(min_fp16, MUIR_FP16, MUIR_MIN)

static MPI_User_function *const half_functions[MUIR_COLL_HALVES][MUIR_REDUCE_COUNT] = {
    {[MUIR_SUM] = sum_bf16, [MUIR_MAX] = max_bf16, [MUIR_MIN] = min_bf16},
    {[MUIR_SUM] = sum_fp16, [MUIR_MAX] = max_fp16, [MUIR_MIN] = min_fp16},
};

static muir_status make_half_ops(muir_ctx *ctx, muir_coll_comm *comm)
{
    muir_status st = MUIR_OK;
    for (int h = 0; h < MUIR_COLL_HALVES; h++)
        for (int r = 0; r < MUIR_REDUCE_COUNT; r++)
            MUIR_TRY_MPI(MPI_Op_create(half_functions[h][r], 1, &comm->half_ops[h][r]));
done:
    return st;
}

static void free_half_ops(muir_coll_comm *comm)
{
    for (int h = 0; h < MUIR_COLL_HALVES; h++)
        for (int r = 0; r < MUIR_REDUCE_COUNT; r++)
            if (comm->half_ops[h][r] != MPI_OP_NULL) MPI_Op_free(&comm->half_ops[h][r]);
}

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
    for (int h = 0; h < MUIR_COLL_HALVES; h++)
        for (int r = 0; r < MUIR_REDUCE_COUNT; r++) made->half_ops[h][r] = MPI_OP_NULL;
    MUIR_TRY_MPI(MPI_Comm_dup(comm, &made->comm));
    MUIR_TRY_MPI(MPI_Comm_set_errhandler(made->comm, MPI_ERRORS_RETURN));
    MUIR_TRY_MPI(MPI_Comm_rank(made->comm, &made->rank));
    MUIR_TRY_MPI(MPI_Comm_size(made->comm, &made->size));
    MUIR_TRY_MPI(MPI_Comm_get_attr(made->comm, MPI_TAG_UB, &tag_max, &is_known));
    made->tag_max = is_known ? *tag_max : 32767; /* the least that the MPI standard allows */
    made->next_tag = MUIR_TAG_COLL;
    MUIR_TRY(muir_hosts_create(ctx, made, host, &made->hosts, made->why_not_hierarchical));
    MUIR_TRY(make_half_ops(ctx, made));
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
    free_half_ops(*comm);
    if ((*comm)->comm != MPI_COMM_NULL) MPI_Comm_free(&(*comm)->comm);
    free(*comm);
    *comm = NULL;
}

muir_status muir_coll_wait_all(muir_ctx *ctx, int n, MPI_Request *requests)
{
    enum { LOOKS_BEFORE_YIELD = 200 };
    muir_status st = MUIR_OK;
    int is_through = 0;
    for (int looks = 0; !is_through; looks++) {
        if (looks > LOOKS_BEFORE_YIELD) sched_yield();
        MUIR_TRY_MPI(MPI_Testall(n, requests, &is_through, MPI_STATUSES_IGNORE));
    }
done:
    return st;
}

MPI_Op muir_coll_mpi_op(const muir_coll_comm *comm, muir_dtype dtype, muir_reduce reduce)
{
    if (dtype == MUIR_BF16 || dtype == MUIR_FP16) return comm->half_ops[dtype == MUIR_FP16][reduce];
    return reduce == MUIR_SUM ? MPI_SUM : reduce == MUIR_MAX ? MPI_MAX : MPI_MIN;
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
