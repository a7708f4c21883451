/* SPDX-License-Identifier: BSD-3-Clause */
/* Pricing of the step program: ops on a chip, collectives on the network, what hides under what. */
#include "fleet_clock/prices.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fleet/network.h"
#include "models/routing.h"

/* Attention stays in 16 bits, also where products are fp8, and never leaves the chip. */
static double attention_time_s(const muir_scenario *scenario, const muir_op *op)
{
    const muir_chip *chip = &scenario->fleet.chip;
    const muir_stack *stack = &scenario->job.stack;
    const double keys = (double)scenario->job.batch.seq_len;
    double fraction = chip->attention_fraction * stack->attention * keys / (keys + stack->attention_half_seq);
    if (op->is_backward) fraction *= stack->attention_backward;
    const double flop = 2.0 * op->m * op->n * op->k * op->count * op->share;
    return chip->launch_s + stack->launch_s + flop / (chip->bf16_flop_per_s * fmin(fraction, 1.0));
}

static double gemm_time_s(const muir_scenario *scenario, const muir_op *op)
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
    shape.fraction *= is_8bit ? stack->gemm_8bit : stack->gemm;
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
static double dispatch_time_s(const muir_scenario *scenario, const muir_op *op, const muir_group *group)
{
    const muir_model *model = &scenario->job.model;
    const double held = (double)model->experts / (double)group->p;
    const double chip_share = muir_model_visit(model, held);
    const double server_share =
        group->servers > 1 ? muir_model_visit(model, held * (double)group->local) : 1.0;
    return muir_dispatch_time_s(&scenario->fleet, group, op->bytes / op->copies, server_share, chip_share);
}

static double coll_time_s(const muir_scenario *scenario, const muir_op *op)
{
    const int64_t stride = muir_job_stride(&scenario->job, op->axis) * (op->apart > 0 ? op->apart : 1);
    const int64_t p = op->members > 0 ? op->members : muir_job_size(&scenario->job, op->axis);
    const muir_group group = muir_group_place(&scenario->fleet, stride, p);
    const bool is_once = op->copies > 0.0 && scenario->job.stack.dispatch == MUIR_DISPATCH_ONCE;
    double time_s = is_once ? dispatch_time_s(scenario, op, &group)
                            : muir_coll_time_s(&scenario->fleet, &group, op->coll, op->bytes);
    if (op->coll == MUIR_BROADCAST) /* p in turn, each down a chain of servers */
        time_s += (double)(p * (group.servers - 1)) * scenario->fleet.fabric.alpha_s;
    return time_s / scenario->job.stack.collective;
}

double muir_op_time_s(const muir_scenario *scenario, const muir_op *op)
{
    muir_op busiest = *op; /* everybody waits for it */
    if (op->load > 0.0) busiest.m *= op->load, busiest.bytes *= op->load;
    switch (op->kind) {
    case MUIR_OP_GEMM: return gemm_time_s(scenario, &busiest);
    case MUIR_OP_FFT: return fft_time_s(scenario, &busiest) + scenario->job.stack.launch_s;
    case MUIR_OP_MEM:
        return muir_chip_mem_time_s(&scenario->fleet.chip, busiest.bytes) + scenario->job.stack.launch_s +
               (op->launches - 1.0) * (scenario->fleet.chip.launch_s + scenario->job.stack.launch_s);
    case MUIR_OP_COLL: return coll_time_s(scenario, &busiest);
    }
    return 0.0;
}

/* Done in p pieces with the product beside it, all but one piece of either can hide under the other. */
static double exposed_in_pieces_s(double coll_s, double gemm_s, double p)
{
    return fmax(coll_s / p, coll_s - gemm_s * (p - 1.0) / p);
}

/* The product beside a collective, memory operations between them aside; NULL: there is none. */
static const muir_op *product_beside(const muir_op *ops, int i, int n, int way)
{
    for (i += way; i >= 0 && i < n && ops[i].kind == MUIR_OP_MEM;) i += way;
    return i >= 0 && i < n && ops[i].kind == MUIR_OP_GEMM ? &ops[i] : NULL;
}

/* A gather hides under the product that follows it, a scatter under the one before it. What carries gradients
 * of inputs out of the backward pass can hide under the product of the weights' gradient instead, which is as
 * large as the one before it. */
static double tp_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase)
{
    const double coll_s = coll_time_s(scenario, &ops[i]), tp = (double)scenario->job.parallel.tp;
    const bool is_gather = ops[i].coll == MUIR_ALL_GATHER;
    const muir_op *beside = product_beside(ops, i, n, is_gather ? 1 : -1);
    if (!beside) return coll_s;
    if (phase == MUIR_BACKWARD && !is_gather && scenario->job.stack.overlap_input_grads)
        return fmax(0.0, coll_s - gemm_time_s(scenario, beside));
    if (!scenario->job.parallel.overlap_tp || ops[i].coll == MUIR_ALL_REDUCE) return coll_s;
    return exposed_in_pieces_s(coll_s, gemm_time_s(scenario, beside), tp);
}

/* Rings hide all but one of their parts under the attention, which is the compute around them. */
static double cp_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n)
{
    const double coll_s = coll_time_s(scenario, &ops[i]), p = (double)scenario->job.parallel.cp;
    double attention_s = 0.0;
    if (scenario->job.parallel.cp_exchange != MUIR_CP_RING) return coll_s;
    for (int a = i + 1; a < n && (ops[a].is_attention || ops[a].is_16bit || ops[a].kind == MUIR_OP_MEM); a++)
        attention_s += muir_op_time_s(scenario, &ops[a]);
    return fmax(0.0, coll_s - attention_s * (p - 1.0) / p);
}

/* Adds a range's times; dp_s takes the collectives over replicas whole. */
static void add_range(const muir_scenario *scenario, const muir_program *program, muir_op_range range,
                      muir_phase phase, muir_slot_price *price)
{
    const muir_op *ops = &program->ops[range.first];
    for (int i = 0; i < range.n; i++) {
        if (ops[i].kind != MUIR_OP_COLL)
            price->compute_s += muir_op_time_s(scenario, &ops[i]);
        else if (ops[i].axis == MUIR_AXIS_TP)
            price->tp_s += tp_exposed_s(scenario, ops, i, range.n, phase);
        else if (ops[i].axis == MUIR_AXIS_CP)
            price->cp_s += cp_exposed_s(scenario, ops, i, range.n);
        else if (ops[i].axis == MUIR_AXIS_DP || ops[i].axis == MUIR_AXIS_EDP)
            price->dp_s += coll_time_s(scenario, &ops[i]);
        else
            price->ep_s += muir_op_time_s(scenario, &ops[i]);
    }
}

/* Collectives over replicas (ZeRO 2 and 3) run under the compute of the layer before; what finds no room
 * there is exposed, and the compute beside them slows down. */
static void hide_replicas(const muir_scenario *scenario, muir_slot_price *price)
{
    const muir_stack *stack = &scenario->job.stack;
    const double coll_s = price->dp_s, room_s = stack->overlap * price->compute_s;
    price->dp_s = fmax(0.0, coll_s - room_s);
    price->compute_s += stack->interference * fmin(coll_s, room_s);
}

static void add_slot(muir_slot_price *sum, const muir_slot_price *price, double repeat)
{
    sum->compute_s += repeat * price->compute_s;
    sum->tp_s += repeat * price->tp_s;
    sum->cp_s += repeat * price->cp_s;
    sum->ep_s += repeat * price->ep_s;
    sum->dp_s += repeat * price->dp_s;
}

static void price_chunk(const muir_scenario *scenario, const muir_program *program, int chunk,
                        muir_prices *prices)
{
    const muir_chunk *c = &program->chunks[chunk];
    for (int part = 0; part < c->n_parts; part++) {
        const muir_block *block = &program->blocks[c->block[part]];
        muir_slot_price forward = {.compute_s = 0.0}, backward = {.compute_s = 0.0},
                        input = {.compute_s = 0.0}, weight = {.compute_s = 0.0};
        add_range(scenario, program, block->phase[MUIR_FORWARD], MUIR_FORWARD, &forward);
        add_range(scenario, program, block->phase[MUIR_BACKWARD], MUIR_BACKWARD, &input);
        add_range(scenario, program, block->phase[MUIR_WEIGHT], MUIR_WEIGHT, &weight);
        add_slot(&backward, &input, 1.0);
        add_slot(&backward, &weight, 1.0);
        hide_replicas(scenario, &forward);
        hide_replicas(scenario, &backward);
        hide_replicas(scenario, &input);
        hide_replicas(scenario, &weight);
        add_slot(&prices->forward[chunk], &forward, c->repeat[part]);
        add_slot(&prices->backward[chunk], &backward, c->repeat[part]);
        add_slot(&prices->input[chunk], &input, c->repeat[part]);
        add_slot(&prices->weight[chunk], &weight, c->repeat[part]);
    }
}

double muir_op_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase)
{
    if (ops[i].axis == MUIR_AXIS_TP) return tp_exposed_s(scenario, ops, i, n, phase);
    return ops[i].axis == MUIR_AXIS_CP ? cp_exposed_s(scenario, ops, i, n) : coll_time_s(scenario, &ops[i]);
}

double muir_slot_time_s(const muir_slot_price *price)
{
    return price->compute_s + price->tp_s + price->cp_s + price->ep_s + price->dp_s;
}

/* In buckets, all but the last one's sync can hide under the backward of the last microbatch (or the first
 * forward). */
static double exposed_in_buckets_s(const muir_scenario *scenario, bool is_overlapped, double coll_s,
                                   double window_s)
{
    if (!is_overlapped) return coll_s;
    return exposed_in_pieces_s(coll_s, scenario->job.stack.overlap * window_s,
                               (double)scenario->job.parallel.buckets);
}

static double range_time_s(const muir_scenario *scenario, const muir_program *program, muir_op_range range,
                           muir_op_kind kind)
{
    double time_s = 0.0;
    for (int i = range.first; i < range.first + range.n; i++)
        if (program->ops[i].kind == kind) time_s += muir_op_time_s(scenario, &program->ops[i]);
    return time_s;
}

/* Two stages that hold the same weights add their gradients: what each has after the sync over replicas, its
 * share with zero_stage 1, goes to the other, both ways at once. */
static double copies_time_s(const muir_scenario *scenario, const muir_program *program, int stage)
{
    const muir_job *job = &scenario->job;
    const int64_t apart = llabs((long long)(program->n_stages - 1 - 2 * stage));
    const bool is_shared = job->parallel.zero_stage > 0;
    if (muir_place_copies(program->place) < 2 || apart == 0) return 0.0;
    const double dense = muir_stage_params(program, stage, false) /
                         (is_shared ? (double)muir_job_size(job, MUIR_AXIS_DP) : 1.0);
    const double experts = muir_stage_params(program, stage, true) /
                           (is_shared ? (double)muir_job_size(job, MUIR_AXIS_EDP) : 1.0);
    return muir_p2p_time_s(&scenario->fleet, apart * muir_job_stride(job, MUIR_AXIS_PP),
                           (dense + experts) * job->parallel.grad_bytes);
}

static void price_sync(const muir_scenario *scenario, const muir_program *program, int stage,
                       muir_prices *prices)
{
    const muir_parallel *parallel = &scenario->job.parallel;
    const muir_op_range update = program->update_ops[stage];
    muir_sync_price *sync = &prices->sync[stage];
    double forward_s = 0.0, backward_s = 0.0;
    for (int i = 0; i < program->n_held; i++) {
        const int chunk = muir_program_chunk(program, stage, i);
        forward_s += prices->forward[chunk].compute_s;
        backward_s += prices->backward[chunk].compute_s;
    }
    /* Chunks end one after the other, each behind as many microbatches as there are stages. */
    if (parallel->vpp > 1) {
        forward_s *= (double)parallel->pp;
        backward_s *= (double)parallel->pp;
    }
    const double reduce_s = range_time_s(scenario, program, program->sync_ops[stage], MUIR_OP_COLL) +
                            copies_time_s(scenario, program, stage);
    const double gather_s = range_time_s(scenario, program, update, MUIR_OP_COLL);
    sync->norm_s = range_time_s(scenario, program, program->norm_ops, MUIR_OP_COLL);
    sync->optimizer_s = range_time_s(scenario, program, update, MUIR_OP_MEM) + scenario->job.stack.step_s;
    sync->reduce_s = exposed_in_buckets_s(scenario, parallel->overlap_grad_reduce, reduce_s, backward_s);
    sync->gather_s = exposed_in_buckets_s(scenario, parallel->overlap_param_gather, gather_s, forward_s);
}

/* Chips that are throttled to a power cap compute slower: what they draw beyond idle goes with the cube of
 * the clock, since voltage follows it. Memory operations are slowed alike, which is on the safe side. */
static void throttle(const muir_scenario *scenario, muir_prices *prices)
{
    const muir_chip *chip = &scenario->fleet.chip;
    if (scenario->power.cap <= 0.0) return;
    const double slower =
        cbrt((chip->compute_power - chip->idle_power) / (scenario->power.cap - chip->idle_power));
    for (int i = 0; i < prices->n_chunks; i++) {
        prices->forward[i].compute_s *= slower;
        prices->backward[i].compute_s *= slower;
        prices->input[i].compute_s *= slower;
        prices->weight[i].compute_s *= slower;
    }
}

static double executed_flop(const muir_scenario *scenario, const muir_program *program)
{
    double chip_flop = 0.0;
    for (int chunk = 0; chunk < program->n_chunks; chunk++)
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
            chip_flop += muir_chunk_flop(program, chunk, (muir_phase)phase);
    const muir_parallel *p = &scenario->job.parallel;
    return chip_flop * (double)(p->tp * p->cp) * (double)p->dp * (double)scenario->job.microbatches;
}

static void price_p2p(const muir_scenario *scenario, const muir_program *program, muir_prices *prices)
{
    const int64_t stride = muir_job_stride(&scenario->job, MUIR_AXIS_PP), pp = scenario->job.parallel.pp;
    if (pp < 2) return;
    prices->p2p_s = muir_p2p_time_s(&scenario->fleet, stride, program->p2p_bytes);
    prices->wrap_p2p_s = muir_p2p_time_s(&scenario->fleet, stride * (pp - 1), program->p2p_bytes);
    if (scenario->job.stack.scatter_messages && !scenario->job.parallel.sequence_parallel) {
        const int64_t tp = scenario->job.parallel.tp;
        const muir_group group = muir_group_place(&scenario->fleet, 1, tp);
        const double gather_s =
            muir_coll_time_s(&scenario->fleet, &group, MUIR_ALL_GATHER, program->p2p_bytes * (double)tp);
        prices->p2p_s += gather_s;
        prices->wrap_p2p_s += gather_s;
    }
}

muir_status muir_prices_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                               muir_prices **out)
{
    muir_status st = MUIR_OK;
    muir_prices *p = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *p, "prices", &p));
    p->n_chunks = program->n_chunks;
    p->n_stages = program->n_stages;
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_chunks, sizeof *p->forward, "prices", &p->forward));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_chunks, sizeof *p->backward, "prices", &p->backward));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_chunks, sizeof *p->input, "prices", &p->input));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_chunks, sizeof *p->weight, "prices", &p->weight));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_stages, sizeof *p->sync, "prices", &p->sync));
    for (int chunk = 0; chunk < p->n_chunks; chunk++) price_chunk(scenario, program, chunk, p);
    throttle(scenario, p);
    for (int stage = 0; stage < p->n_stages; stage++) price_sync(scenario, program, stage, p);
    price_p2p(scenario, program, p);
    p->executed_flop = executed_flop(scenario, program);
    *out = p;
    p = NULL;
done:
    muir_prices_destroy(&p);
    return st;
}

void muir_prices_destroy(muir_prices **prices)
{
    if (!*prices) return;
    free((*prices)->forward);
    free((*prices)->backward);
    free((*prices)->input);
    free((*prices)->weight);
    free((*prices)->sync);
    free(*prices);
    *prices = NULL;
}
