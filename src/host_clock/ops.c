/* SPDX-License-Identifier: BSD-3-Clause */
/* Preparing and running single ops of the shrunk step program. */
#include "host_clock/ops.h"

#include <stdlib.h>

#include "base/mem.h"
#include "collectives/shared.h"
#include "host_clock/ops_state.h"
#include "host_clock/pace.h"

static muir_status prepare(muir_ctx *ctx, muir_host_ops *ops, const muir_mesh *mesh)
{
    muir_status st = MUIR_OK;
    const size_t n = (size_t)ops->program->n_ops;
    MUIR_TRY(muir_alloc(ctx, n, sizeof *ops->gemms, "the host's program", &ops->gemms));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *ops->ffts, "the host's program", &ops->ffts));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *ops->colls, "the host's program", &ops->colls));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *ops->coll_of, "the host's program", &ops->coll_of));
    for (int i = 0; i < ops->program->n_ops; i++) {
        const muir_op *op = &ops->program->ops[i];
        muir_coll_comm *comm = op->kind == MUIR_OP_COLL ? muir_mesh_comm(mesh, op->coll.axis) : NULL;
        ops->coll_of[i] = -1;
        if (op->kind == MUIR_OP_GEMM) MUIR_TRY(muir_host_gemm_prepare(ctx, ops, i));
        if (op->kind == MUIR_OP_FFT) MUIR_TRY(muir_host_fft_prepare(ctx, ops, i));
        if (comm) MUIR_TRY(muir_host_coll_prepare(ctx, ops, i, comm));
    }
    MUIR_TRY(muir_host_payloads_prepare(ctx, ops));
    ops->flights.poked = mesh->world->comm;
    MUIR_TRY(muir_mem_create(ctx, MUIR_HOST_STREAM_BYTES, &ops->mem));
done:
    return st;
}

muir_status muir_host_ops_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                 const muir_mesh *mesh, const muir_kernels *kernels,
                                 const muir_shrink *shrink, muir_host_ops **out)
{
    muir_status st = MUIR_OK;
    muir_host_ops *ops = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *ops, "the host's program", &ops));
    ops->program = program;
    ops->kernels = kernels;
    ops->scenario = scenario;
    ops->shrink = *shrink;
    ops->job_stage = muir_pace_job_stage(program, shrink->shape, mesh->axis[MUIR_MESH_PP]->rank);
    MUIR_TRY(prepare(ctx, ops, mesh));
    *out = ops;
    ops = NULL;
done:
    muir_host_ops_destroy(&ops);
    return st;
}

void muir_host_ops_destroy(muir_host_ops **pointer)
{
    muir_host_ops *ops = *pointer;
    if (!ops) return;
    for (int i = 0; ops->gemms && i < ops->program->n_ops; i++) {
        free(ops->gemms[i].a);
        free(ops->gemms[i].b);
        free(ops->gemms[i].c);
        muir_gemm_check_destroy(&ops->gemms[i].check);
    }
    for (int i = 0; ops->ffts && i < ops->program->n_ops; i++) muir_fft_destroy(&ops->ffts[i]);
    muir_host_hidden_destroy(ops);
    for (int i = 0; i < ops->n_colls; i++) muir_coll_op_destroy(&ops->colls[i].prepared);
    muir_mem_destroy(&ops->mem);
    free(ops->gemms);
    free(ops->ffts);
    free(ops->colls);
    free(ops->coll_of);
    for (int i = 0; i < ops->n_payloads; i++) {
        muir_coll_free(ops->payloads[i].comm, ops->payloads[i].send);
        muir_coll_free(ops->payloads[i].comm, ops->payloads[i].recv);
    }
    free(ops);
    *pointer = NULL;
}

muir_status muir_host_ops_run(muir_ctx *ctx, muir_host_ops *ops, int index, const muir_host_moment *moment,
                              muir_tally *tally)
{
    muir_status st = MUIR_OK;
    switch (ops->program->ops[index].kind) {
    case MUIR_OP_GEMM: MUIR_TRY(muir_host_gemm_run(ctx, ops, index, moment, tally)); break;
    case MUIR_OP_FFT: MUIR_TRY(muir_host_fft_run(ctx, ops, index, moment, tally)); break;
    case MUIR_OP_MEM: MUIR_TRY(muir_host_mem_run(ctx, ops, index, moment, tally)); break;
    case MUIR_OP_COLL:
        if (ops->coll_of[index] >= 0) MUIR_TRY(muir_host_coll_run(ctx, ops, index, moment, tally));
        break;
    }
    MUIR_TRY(muir_flights_until(ctx, &ops->flights, moment->until_s, tally));
done:
    return st;
}

void muir_host_ops_set_flips(muir_host_ops *ops, muir_flips *flips)
{
    ops->flips = flips;
}

muir_flights *muir_host_ops_flights(muir_host_ops *ops)
{
    return &ops->flights;
}

int muir_host_ops_coll_count(const muir_host_ops *ops)
{
    return ops->n_colls;
}

const muir_host_coll *muir_host_ops_coll_at(const muir_host_ops *ops, int i)
{
    return &ops->colls[i];
}
