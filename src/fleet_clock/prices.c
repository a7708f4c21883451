/* SPDX-License-Identifier: BSD-3-Clause */
/* Pricing of the step program: ops on a chip, collectives on the network, what hides under what. */
#include "fleet_clock/prices.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fleet/network.h"

static double gemm_time_s(const muir_scenario *scenario, const muir_op *op)
{
    const muir_chip *chip = &scenario->fleet.chip;
    if (op->is_attention) /* scores stay on the chip, in bf16 also where products are fp8 */
        return muir_chip_gemm_time_s(chip, op->m, op->n, op->k, op->count, op->share, 0.0,
                                     chip->bf16_flop_per_s, chip->attention_fraction);
    const bool is_fp8 = scenario->job.batch.precision == MUIR_PRECISION_FP8;
    const double operand_bytes = is_fp8 ? 1.0 : 2.0;
    const double bytes = op->count * (operand_bytes * (op->m * op->k + op->k * op->n) + 2.0 * op->m * op->n);
    return muir_chip_gemm_time_s(chip, op->m, op->n, op->k, op->count, op->share, bytes,
                                 muir_chip_peak_flop_per_s(chip, is_fp8), chip->gemm_fraction);
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

static double coll_time_s(const muir_scenario *scenario, const muir_op *op)
{
    const int64_t stride = muir_job_stride(&scenario->job, op->axis);
    const int64_t p = muir_job_size(&scenario->job, op->axis);
    const muir_group group = muir_group_place(&scenario->fleet, stride, p);
    return muir_coll_time_s(&scenario->fleet, &group, op->coll, op->bytes);
}

double muir_op_time_s(const muir_scenario *scenario, const muir_op *op)
{
    muir_op busiest = *op; /* everybody waits for it */
    if (op->load > 0.0) busiest.m *= op->load, busiest.bytes *= op->load;
    switch (op->kind) {
    case MUIR_OP_GEMM: return gemm_time_s(scenario, &busiest);
    case MUIR_OP_FFT: return fft_time_s(scenario, &busiest);
    case MUIR_OP_MEM: return muir_chip_mem_time_s(&scenario->fleet.chip, busiest.bytes);
    case MUIR_OP_COLL: return coll_time_s(scenario, &busiest);
    }
    return 0.0;
}

/* Done in p pieces with the product beside it, all but one piece of either can hide under the other. */
static double exposed_in_pieces_s(double coll_s, double gemm_s, double p)
{
    return fmax(coll_s / p, coll_s - gemm_s * (p - 1.0) / p);
}

/* A gather hides under the product that follows it, a scatter under the one before it. */
static double tp_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n)
{
    const double coll_s = coll_time_s(scenario, &ops[i]);
    const int beside = ops[i].coll == MUIR_ALL_GATHER ? i + 1 : i - 1;
    if (!scenario->job.parallel.overlap_tp || ops[i].coll == MUIR_ALL_REDUCE) return coll_s;
    if (beside < 0 || beside >= n || ops[beside].kind != MUIR_OP_GEMM) return coll_s;
    return exposed_in_pieces_s(coll_s, gemm_time_s(scenario, &ops[beside]),
                               (double)scenario->job.parallel.tp);
}

static void add_range(const muir_scenario *scenario, const muir_program *program, muir_op_range range,
                      double repeat, muir_slot_price *price)
{
    const muir_op *ops = &program->ops[range.first];
    for (int i = 0; i < range.n; i++) {
        if (ops[i].kind != MUIR_OP_COLL)
            price->compute_s += repeat * muir_op_time_s(scenario, &ops[i]);
        else if (ops[i].axis == MUIR_AXIS_TP)
            price->tp_s += repeat * tp_exposed_s(scenario, ops, i, range.n);
        else if (ops[i].axis == MUIR_AXIS_CP)
            price->cp_s += repeat * coll_time_s(scenario, &ops[i]);
        else
            price->ep_s += repeat * muir_op_time_s(scenario, &ops[i]);
    }
}

static void price_chunk(const muir_scenario *scenario, const muir_program *program, int chunk,
                        muir_prices *prices)
{
    const muir_chunk *c = &program->chunks[chunk];
    for (int part = 0; part < c->n_parts; part++) {
        const muir_block *block = &program->blocks[c->block[part]];
        const double repeat = c->repeat[part];
        add_range(scenario, program, block->phase[MUIR_FORWARD], repeat, &prices->forward[chunk]);
        add_range(scenario, program, block->phase[MUIR_BACKWARD], repeat, &prices->input[chunk]);
        add_range(scenario, program, block->phase[MUIR_WEIGHT], repeat, &prices->weight[chunk]);
    }
    const muir_slot_price input = prices->input[chunk], weight = prices->weight[chunk];
    prices->backward[chunk] = (muir_slot_price){
        .compute_s = input.compute_s + weight.compute_s,
        .tp_s = input.tp_s + weight.tp_s,
        .cp_s = input.cp_s + weight.cp_s,
        .ep_s = input.ep_s + weight.ep_s,
    };
}

double muir_op_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n)
{
    return ops[i].axis == MUIR_AXIS_TP ? tp_exposed_s(scenario, ops, i, n) : coll_time_s(scenario, &ops[i]);
}

double muir_slot_time_s(const muir_slot_price *price)
{
    return price->compute_s + price->tp_s + price->cp_s + price->ep_s;
}

/* In buckets, all but the last one's sync can hide under the backward of the last microbatch (or the first
 * forward). */
static double exposed_in_buckets_s(const muir_scenario *scenario, bool is_overlapped, double coll_s,
                                   double window_s)
{
    if (!is_overlapped) return coll_s;
    return exposed_in_pieces_s(coll_s, window_s, (double)scenario->job.parallel.buckets);
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
    const double reduce_s = range_time_s(scenario, program, program->sync_ops[stage], MUIR_OP_COLL) +
                            copies_time_s(scenario, program, stage);
    const double gather_s = range_time_s(scenario, program, update, MUIR_OP_COLL);
    sync->norm_s = range_time_s(scenario, program, program->norm_ops, MUIR_OP_COLL);
    sync->optimizer_s = range_time_s(scenario, program, update, MUIR_OP_MEM);
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
