/* SPDX-License-Identifier: BSD-3-Clause */
/* What hides under what inside a block: tensor- and context-parallel collectives under products
 * and attention. */
#include "step_time/exposed.h"

#include <math.h>

#include "step_time/op_times.h"

/* Done in p pieces along with a product, all but one piece of either can hide under the other. */
static double exposed_in_pieces_s(double coll_s, double gemm_s, double p)
{
    return fmax(coll_s / p, coll_s - gemm_s * (p - 1.0) / p);
}

/* The product next to a collective on one side, past memory operations; NULL: there is none. */
static const muir_op *next_product(const muir_op *ops, int i, int n, int way)
{
    for (i += way; i >= 0 && i < n && ops[i].kind == MUIR_OP_MEM;) i += way;
    return i >= 0 && i < n && ops[i].kind == MUIR_OP_GEMM ? &ops[i] : NULL;
}

/* A gather hides under the product that follows it, a scatter under the one before it. What carries gradients
 * of inputs out of the backward pass can hide under the product of the weights' gradient instead, which is as
 * large as the one before it. */
static double tp_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase,
                           double coll_s)
{
    const double tp = (double)scenario->job.parallel.tp;
    const bool is_gather = ops[i].coll.kind == MUIR_ALL_GATHER;
    const muir_op *product = next_product(ops, i, n, is_gather ? 1 : -1);
    if (!product) return coll_s;
    if (phase == MUIR_BACKWARD && !is_gather && scenario->job.stack.overlap_input_grads)
        return fmax(0.0, coll_s - muir_op_time_s(scenario, product));
    if (!scenario->job.parallel.overlap_tp || ops[i].coll.kind == MUIR_ALL_REDUCE) return coll_s;
    return exposed_in_pieces_s(coll_s, muir_op_time_s(scenario, product), tp);
}

/* Part of the attention's core: its products, in a fused kernel or not, and passes over the scores. */
static bool is_core(const muir_op *op)
{
    return op->kind == MUIR_OP_MEM ||
           (op->kind == MUIR_OP_GEMM && (op->gemm.is_attention || op->gemm.is_16bit));
}

/* Rings hide all but one of their parts under the attention, which is the compute around them. */
static double cp_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, double coll_s)
{
    const double p = (double)scenario->job.parallel.cp;
    double attention_s = 0.0;
    if (scenario->job.parallel.cp_exchange != MUIR_CP_RING) return coll_s;
    for (int a = i + 1; a < n && is_core(&ops[a]); a++) attention_s += muir_op_time_s(scenario, &ops[a]);
    return fmax(0.0, coll_s - attention_s * (p - 1.0) / p);
}

double muir_coll_seen_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase,
                        double coll_s)
{
    if (ops[i].coll.axis == MUIR_AXIS_TP) return tp_exposed_s(scenario, ops, i, n, phase, coll_s);
    return ops[i].coll.axis == MUIR_AXIS_CP ? cp_exposed_s(scenario, ops, i, n, coll_s) : coll_s;
}
