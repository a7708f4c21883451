/* SPDX-License-Identifier: BSD-3-Clause */
/* Which collectives the job hides under its products. */
#include "host_clock/hidable.h"

static bool holds(muir_op_range range, int index)
{
    return index >= range.first && index < range.first + range.n;
}

/* A gather under the product that follows it, a scatter under the one before it. */
static bool has_product(const muir_program *program, muir_op_range range, int index)
{
    const int neighbour = program->ops[index].coll.kind == MUIR_ALL_GATHER ? index + 1 : index - 1;
    return holds(range, neighbour) && program->ops[neighbour].kind == MUIR_OP_GEMM;
}

bool muir_host_is_hidable(const muir_scenario *scenario, const muir_program *program, int index,
                          int64_t job_stage)
{
    const muir_parallel *parallel = &scenario->job.parallel;
    const muir_op *op = &program->ops[index];
    if (holds(program->sync_ops[job_stage], index)) return parallel->overlap_grad_reduce;
    if (holds(program->update_ops[job_stage], index)) return parallel->overlap_param_gather;
    if (!parallel->overlap_tp || op->kind != MUIR_OP_COLL || op->coll.axis != MUIR_AXIS_TP) return false;
    if (op->coll.kind != MUIR_ALL_GATHER && op->coll.kind != MUIR_REDUCE_SCATTER) return false;
    for (int block = 0; block < program->n_blocks; block++)
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
            if (holds(program->blocks[block].phase[phase], index))
                return has_product(program, program->blocks[block].phase[phase], index);
    return false;
}
