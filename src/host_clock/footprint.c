/* SPDX-License-Identifier: BSD-3-Clause */
/* Adding up what the host clock's files allocate; each sum stands for one of them. */
#include "host_clock/footprint.h"

#include <math.h>

#include "host_clock/hidable.h"
#include "host_clock/mesh.h"
#include "host_clock/ops_state.h"

static double gemm_bytes(const muir_scenario *scenario, const muir_op *op, double factor)
{
    const double m = (double)muir_shrink_size(op->gemm.m, factor),
                 n = (double)muir_shrink_size(op->gemm.n, factor),
                 k = (double)muir_shrink_size(op->gemm.k, factor);
    const double element = (double)muir_dtype_bytes(muir_host_dtype(scenario, op));
    return element * k * (m + n) + MUIR_GEMM_RESULT_BYTES * m * n;
}

/* Input and output, complex. */
static double fft_bytes(const muir_op *op, double factor)
{
    return 4.0 * sizeof(float) * op->fft.n * (double)muir_shrink_count(op->fft.count, factor * factor);
}

/* Every communicator has room for the longest collective, to send and to receive; hidden ones have their
 * own. */
static double payload_bytes(const muir_scenario *scenario, const muir_program *program, const muir_fold *fold,
                            double factor)
{
    double most[MUIR_AXIS_COUNT] = {0.0}, hidden = 0.0, sum = 0.0;
    const int64_t stage = 0;
    for (int i = 0; i < program->n_ops; i++) {
        const muir_op *op = &program->ops[i];
        size_t n_send = 0, n_recv = 0;
        if (op->kind != MUIR_OP_COLL || muir_mesh_ranks(fold, op->coll.axis) < 2) continue;
        muir_coll_lengths(op->coll.kind, muir_shrink_elements(op->coll.bytes, factor),
                          muir_mesh_ranks(fold, op->coll.axis), 0, &n_send, &n_recv);
        const double bytes = sizeof(float) * (double)(n_send + n_recv);
        most[op->coll.axis] = fmax(most[op->coll.axis], bytes);
        if (scenario->host.overlap && muir_host_is_hidable(scenario, program, i, stage)) hidden += bytes;
    }
    for (int a = 0; a < MUIR_AXIS_COUNT; a++) sum += most[a];
    return sum + hidden;
}

/* One for each slot that may send. */
static double message_bytes(const muir_program *program, const muir_fold *fold, const muir_shrink *shrink)
{
    if (fold->mesh[MUIR_MESH_PP] < 2) return 0.0;
    const double slots = 2.0 * shrink->shape.chunks * shrink->shape.microbatches;
    return (slots + 1.0) * sizeof(float) * (double)muir_shrink_elements(program->p2p_bytes, shrink->factor);
}

double muir_host_bytes(const muir_scenario *scenario, const muir_program *program, const muir_fold *fold,
                       const muir_shrink *shrink)
{
    double bytes = MUIR_HOST_STREAM_BYTES;
    for (int i = 0; i < program->n_ops; i++) {
        const muir_op *op = &program->ops[i];
        if (op->kind == MUIR_OP_GEMM) bytes += gemm_bytes(scenario, op, shrink->factor);
        if (op->kind == MUIR_OP_FFT) bytes += fft_bytes(op, shrink->factor);
    }
    return bytes + payload_bytes(scenario, program, fold, shrink->factor) +
           message_bytes(program, fold, shrink);
}
