/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of single ops: products and memory on a chip, collectives on the network. */
#include "step_time/op_times.h"

#include <math.h>

#include "models/layout.h"
#include "models/routing.h"

/* Attention stays in 16 bits, also where products are fp8, and never leaves the chip. */
static double attention_time_s(const muir_scenario *scenario, const muir_op_gemm *op)
{
    const muir_chip *chip = &scenario->fleet.chip;
    const muir_stack *stack = &scenario->job.stack;
    const double keys = (double)scenario->job.batch.seq_len;
    double fraction = chip->attention_fraction * stack->attention * keys / (keys + stack->attention_half_seq);
    if (op->is_backward) fraction *= stack->attention_backward;
    const double flop = 2.0 * op->m * op->n * op->k * op->count * op->share;
    return chip->launch_s + stack->launch_s + flop / (chip->bf16_flop_per_s * fmin(fraction, 1.0));
}

static double gemm_time_s(const muir_scenario *scenario, const muir_op_gemm *op)
{
    const muir_chip *chip = &scenario->fleet.chip;
    const muir_stack *stack = &scenario->job.stack;
    if (op->is_attention) return attention_time_s(scenario, op);
    const double operand_bytes = op->is_16bit ? 2.0 : muir_job_operand_bytes(&scenario->job);
    const bool is_8bit = operand_bytes < 2.0;
    muir_gemm_shape shape = {.m = op->m, .n = op->n, .k = op->k, .count = op->count, .share = op->share};
    shape.in_bytes = op->count * operand_bytes * (op->m * op->k + op->k * op->n);
    shape.out_bytes = op->count * op->out_bytes * op->m * op->n;
    shape.peak_flop_per_s = is_8bit ? muir_scenario_peak_flop_per_s(scenario) : chip->bf16_flop_per_s;
    shape.fraction =
        is_8bit && chip->gemm_fraction_8bit > 0.0 ? chip->gemm_fraction_8bit : chip->gemm_fraction;
    const bool is_4bit = operand_bytes < 1.0 && stack->gemm_4bit > 0.0;
    shape.fraction *= is_4bit ? stack->gemm_4bit : is_8bit ? stack->gemm_8bit : stack->gemm;
    if (op->is_grouped)
        shape.fraction *=
            is_8bit && stack->grouped_gemm_8bit > 0.0 ? stack->grouped_gemm_8bit : stack->grouped_gemm;
    return muir_chip_gemm_time_s(chip, &shape) + stack->launch_s;
}

/* The chips' data have no rate of vector arithmetic, so the operations are held against the peak of
 * products; what binds is memory: 5 log2(n) / 16 FLOP a byte is 3 at n = 1024, where H100's vector units
 * would bind from 20. */
static double fft_time_s(const muir_scenario *scenario, const muir_op *op)
{
    const muir_chip *chip = &scenario->fleet.chip;
    const double compute_s = muir_op_flop(op) / (chip->bf16_flop_per_s * chip->gemm_fraction);
    return fmax(chip->launch_s + compute_s, muir_chip_mem_time_s(chip, muir_op_fft_bytes(op)));
}

/* Tokens that each go once to the servers and chips that they visit. */
static muir_port_times dispatch_ports(const muir_scenario *scenario, double token_bytes,
                                      const muir_group *group)
{
    const muir_model *model = &scenario->job.model;
    const double held = (double)model->experts / (double)group->p;
    const double chip_share = muir_model_visit(model, held);
    const double server_share =
        group->servers > 1 ? muir_model_visit(model, held * (double)group->local) : 1.0;
    return muir_dispatch_ports(&scenario->fleet, group, token_bytes, server_share, chip_share);
}

muir_port_times muir_op_ports(const muir_scenario *scenario, const muir_op *op)
{
    const muir_op_coll *coll = &op->coll;
    const muir_group group = muir_group_place(
        &scenario->fleet, muir_job_stride(&scenario->job, coll->axis) * coll->stride, coll->members);
    const bool is_once = coll->copies > 0.0 && scenario->job.stack.dispatch == MUIR_DISPATCH_ONCE;
    const double slower = 1.0 / scenario->job.stack.collective;
    const double bytes = op->load > 0.0 ? coll->bytes * op->load : coll->bytes;
    muir_port_times ports = is_once ? dispatch_ports(scenario, bytes / coll->copies, &group)
                                    : muir_coll_ports(&scenario->fleet, &group, coll->kind, bytes);
    if (coll->kind == MUIR_BROADCAST) { /* members in turn, each down a chain of servers */
        const double chain_s =
            (double)coll->members * ((double)(group.servers - group.sites) * scenario->fleet.fabric.alpha_s +
                                     (double)(group.sites - 1) * scenario->fleet.fabric.site_alpha_s);
        ports = muir_ports_sum(ports, (muir_port_times){chain_s, 0.0, chain_s}, 1.0);
    }
    return (muir_port_times){ports.time_s * slower, ports.local_s * slower, ports.fabric_s * slower};
}

static double mem_time_s(const muir_scenario *scenario, const muir_op_mem *mem, double load)
{
    const muir_chip *chip = &scenario->fleet.chip;
    const double launch_s = scenario->job.stack.launch_s;
    if (mem->is_host) return mem->bytes / chip->host_byte_per_s;
    return muir_chip_mem_time_s(chip, mem->bytes * load) + launch_s +
           (mem->launches - 1.0) * (chip->launch_s + launch_s);
}

double muir_op_time_s(const muir_scenario *scenario, const muir_op *op)
{
    const double load = op->load > 0.0 ? op->load : 1.0; /* of the busiest chip: everybody waits for it */
    muir_op_gemm gemm;
    switch (op->kind) {
    case MUIR_OP_GEMM:
        gemm = op->gemm;
        gemm.m *= load;
        return gemm_time_s(scenario, &gemm);
    case MUIR_OP_FFT: return fft_time_s(scenario, op) + scenario->job.stack.launch_s;
    case MUIR_OP_MEM: return mem_time_s(scenario, &op->mem, load);
    case MUIR_OP_COLL: return muir_op_ports(scenario, op).time_s;
    }
    return 0.0;
}
