/* SPDX-License-Identifier: BSD-3-Clause */
/* Measuring collectives in turns. */
#include "collectives/measure.h"

#include <string.h>

#include "base/clock.h"
#include "collectives/shared.h"

double muir_coll_copies(muir_coll_kind kind, int p)
{
    const bool is_shrinking = kind == MUIR_REDUCE_SCATTER || kind == MUIR_REDUCE;
    return is_shrinking ? (p + 1.0) / (2.0 * p) : 1.0;
}

/* Where ranks outnumber cores, a library's barrier may take a time slice of the operating system. */
static muir_status meet(muir_ctx *ctx, muir_coll_comm *comm)
{
    muir_status st = MUIR_OK;
    if (comm->shared) return muir_shared_meet(ctx, comm->shared);
    MUIR_TRY_MPI(MPI_Barrier(comm->comm));
done:
    return st;
}

static muir_status call(muir_ctx *ctx, const muir_coll_sample *contender, void *send, void *recv)
{
    if (contender->op) return muir_coll_run(ctx, contender->op, send, recv);
    memcpy(contender->copy_to, contender->copy_from, contender->copy_bytes);
    return MUIR_OK;
}

muir_status muir_coll_measure(muir_ctx *ctx, muir_coll_comm *comm, const muir_coll_sample *contenders, int n,
                              int samples, int calls, void *send, void *recv, muir_coll_change change,
                              muir_coll_change after, void *data)
{
    muir_status st = MUIR_OK;
    for (int s = 0; s < samples; s++)
        for (int c = 0; c < n; c++) {
            const int n_calls = contenders[c].calls > 0 ? contenders[c].calls : calls;
            if (change) change(s, c, data);
            MUIR_TRY(meet(ctx, comm));
            const double start_s = muir_now_s();
            for (int i = 0; i < n_calls; i++) MUIR_TRY(call(ctx, &contenders[c], send, recv));
            contenders[c].time_s[s] = (muir_now_s() - start_s) / n_calls;
            if (after) after(s, c, data);
        }
    for (int c = 0; c < n; c++)
        MUIR_TRY_MPI(
            MPI_Allreduce(MPI_IN_PLACE, contenders[c].time_s, samples, MPI_DOUBLE, MPI_MAX, comm->comm));
done:
    return st;
}
