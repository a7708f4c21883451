/* SPDX-License-Identifier: BSD-3-Clause */
/* Pricing of the step program: ops on a chip, collectives on the network, what hides under what. */
#include "step_time/prices.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "models/layout.h"
#include "step_time/contention.h"

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
static double tp_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase,
                           double coll_s)
{
    const double tp = (double)scenario->job.parallel.tp;
    const bool is_gather = ops[i].coll == MUIR_ALL_GATHER;
    const muir_op *beside = product_beside(ops, i, n, is_gather ? 1 : -1);
    if (!beside) return coll_s;
    if (phase == MUIR_BACKWARD && !is_gather && scenario->job.stack.overlap_input_grads)
        return fmax(0.0, coll_s - muir_op_time_s(scenario, beside));
    if (!scenario->job.parallel.overlap_tp || ops[i].coll == MUIR_ALL_REDUCE) return coll_s;
    return exposed_in_pieces_s(coll_s, muir_op_time_s(scenario, beside), tp);
}

/* Rings hide all but one of their parts under the attention, which is the compute around them. */
static double cp_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, double coll_s)
{
    const double p = (double)scenario->job.parallel.cp;
    double attention_s = 0.0;
    if (scenario->job.parallel.cp_exchange != MUIR_CP_RING) return coll_s;
    for (int a = i + 1; a < n && (ops[a].is_attention || ops[a].is_16bit || ops[a].kind == MUIR_OP_MEM); a++)
        attention_s += muir_op_time_s(scenario, &ops[a]);
    return fmax(0.0, coll_s - attention_s * (p - 1.0) / p);
}

/* What is seen of a collective of a block that takes coll_s. */
static double exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase,
                        double coll_s)
{
    if (ops[i].axis == MUIR_AXIS_TP) return tp_exposed_s(scenario, ops, i, n, phase, coll_s);
    return ops[i].axis == MUIR_AXIS_CP ? cp_exposed_s(scenario, ops, i, n, coll_s) : coll_s;
}

/* A phase of a block: its price, the collectives over replicas in it, and what goes on beside them. */
typedef struct phase_price {
    muir_slot_price price;
    muir_port_times replicas;
    muir_beside beside;
} phase_price;

static void add_coll(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase,
                     phase_price *p)
{
    const muir_port_times ports = muir_op_ports(scenario, &ops[i]);
    const muir_axis axis = ops[i].axis;
    if (axis == MUIR_AXIS_DP || axis == MUIR_AXIS_EDP) {
        p->replicas = muir_ports_sum(p->replicas, ports, 1.0);
        return;
    }
    const double seen_s = exposed_s(scenario, ops, i, n, phase, ports.time_s);
    double *part_s = axis == MUIR_AXIS_TP   ? &p->price.tp_s
                     : axis == MUIR_AXIS_CP ? &p->price.cp_s
                                            : &p->price.ep_s;
    *part_s += seen_s;
    muir_beside_add(&p->beside, ports, seen_s);
}

static phase_price price_phase(const muir_scenario *scenario, const muir_program *program,
                               const muir_block *block, muir_phase phase)
{
    const muir_op_range range = block->phase[phase];
    const muir_op *ops = &program->ops[range.first];
    phase_price p = {.price = {.compute_s = 0.0}};
    for (int i = 0; i < range.n; i++) {
        if (ops[i].kind == MUIR_OP_COLL)
            add_coll(scenario, ops, i, range.n, phase, &p);
        else
            p.price.compute_s += muir_op_time_s(scenario, &ops[i]);
    }
    p.beside.compute_s = p.price.compute_s;
    return p;
}

/* Collectives over replicas (ZeRO 2 and 3) run under the compute of the layer before; what finds no room
 * there is exposed, and the compute beside them slows down. */
static muir_slot_price hide_replicas(const muir_scenario *scenario, const phase_price *p)
{
    const muir_stack *stack = &scenario->job.stack;
    muir_slot_price price = p->price;
    price.dp_s = muir_beside_exposed_s(&p->beside, p->replicas, stack->overlap, 0.0);
    price.compute_s += stack->interference * fmin(p->replicas.time_s, stack->overlap * p->price.compute_s);
    return price;
}

static void add_slot(muir_slot_price *sum, const muir_slot_price *price, double repeat)
{
    sum->compute_s += repeat * price->compute_s;
    sum->tp_s += repeat * price->tp_s;
    sum->cp_s += repeat * price->cp_s;
    sum->ep_s += repeat * price->ep_s;
    sum->dp_s += repeat * price->dp_s;
}

/* Adds one phase of a part of a chunk, or two as one, with the slot's message to the next stage. */
static void add_part(const muir_scenario *scenario, const phase_price *p, const muir_port_times *message,
                     double repeat, muir_slot_price *price, muir_beside *beside)
{
    phase_price shared = *p;
    shared.beside.hidden = muir_ports_sum(shared.beside.hidden, *message, 1.0);
    const muir_slot_price hidden = hide_replicas(scenario, &shared);
    shared.beside.compute_s = hidden.compute_s;
    add_slot(price, &hidden, repeat);
    if (beside) muir_beside_sum(beside, &shared.beside, repeat);
}

static phase_price joined(const phase_price *input, const phase_price *weight)
{
    phase_price both = *input;
    add_slot(&both.price, &weight->price, 1.0);
    both.replicas = muir_ports_sum(both.replicas, weight->replicas, 1.0);
    muir_beside_sum(&both.beside, &weight->beside, 1.0);
    return both;
}

/* Chunks repeat a few kinds of layer, each of which is priced once. */
typedef struct block_price {
    phase_price forward, input, weight, backward;
} block_price;

static void price_block(const muir_scenario *scenario, const muir_program *program, const muir_block *block,
                        block_price *price)
{
    price->forward = price_phase(scenario, program, block, MUIR_FORWARD);
    price->input = price_phase(scenario, program, block, MUIR_BACKWARD);
    price->weight = price_phase(scenario, program, block, MUIR_WEIGHT);
    price->backward = joined(&price->input, &price->weight);
}

static void price_chunk(const muir_scenario *scenario, const muir_program *program, const block_price *blocks,
                        int chunk, muir_prices *prices)
{
    const muir_chunk *c = &program->chunks[chunk];
    const muir_port_times none = {0.0, 0.0, 0.0};
    double layers = 0.0;
    for (int part = 0; part < c->n_parts; part++) layers += c->repeat[part];
    const muir_port_times message = muir_ports_sum(none, prices->message, 1.0 / fmax(layers, 1.0));
    for (int part = 0; part < c->n_parts; part++) {
        const block_price *b = &blocks[c->block[part]];
        const double repeat = c->repeat[part];
        add_part(scenario, &b->forward, &message, repeat, &prices->forward[chunk],
                 &prices->beside_forward[chunk]);
        add_part(scenario, &b->backward, &message, repeat, &prices->backward[chunk],
                 &prices->beside_backward[chunk]);
        add_part(scenario, &b->input, &message, repeat, &prices->input[chunk], NULL);
        add_part(scenario, &b->weight, &none, repeat, &prices->weight[chunk], NULL);
    }
}

static void price_chunks(const muir_scenario *scenario, const muir_program *program, muir_prices *prices)
{
    block_price blocks[MUIR_MAX_BLOCKS];
    for (int i = 0; i < program->n_blocks; i++)
        price_block(scenario, program, &program->blocks[i], &blocks[i]);
    for (int chunk = 0; chunk < prices->n_chunks; chunk++)
        price_chunk(scenario, program, blocks, chunk, prices);
}

double muir_op_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase)
{
    return exposed_s(scenario, ops, i, n, phase, muir_op_ports(scenario, &ops[i]).time_s);
}

double muir_slot_time_s(const muir_slot_price *price)
{
    return price->compute_s + price->tp_s + price->cp_s + price->ep_s + price->dp_s;
}

/* In buckets, all but the last one's sync can hide under the backward of the last microbatch (or the first
 * forward). */
static double exposed_in_buckets_s(const muir_scenario *scenario, bool is_overlapped, muir_port_times own,
                                   const muir_beside *beside)
{
    if (!is_overlapped) return own.time_s;
    return muir_beside_exposed_s(beside, own, scenario->job.stack.overlap,
                                 (double)scenario->job.parallel.buckets);
}

static muir_port_times range_ports(const muir_scenario *scenario, const muir_program *program,
                                   muir_op_range range)
{
    muir_port_times sum = {0.0, 0.0, 0.0};
    for (int i = range.first; i < range.first + range.n; i++)
        if (program->ops[i].kind == MUIR_OP_COLL)
            sum = muir_ports_sum(sum, muir_op_ports(scenario, &program->ops[i]), 1.0);
    return sum;
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
static muir_port_times copies_ports(const muir_scenario *scenario, const muir_program *program, int stage)
{
    const muir_job *job = &scenario->job;
    const int64_t apart = llabs((long long)(program->n_stages - 1 - 2 * stage));
    const bool is_shared = job->parallel.zero_stage > 0;
    if (muir_place_copies(program->place) < 2 || apart == 0) return (muir_port_times){0.0, 0.0, 0.0};
    const double dense = muir_stage_params(program, stage, false) /
                         (is_shared ? (double)muir_job_size(job, MUIR_AXIS_DP) : 1.0);
    const double experts = muir_stage_params(program, stage, true) /
                           (is_shared ? (double)muir_job_size(job, MUIR_AXIS_EDP) : 1.0);
    return muir_p2p_ports(&scenario->fleet, apart * muir_job_stride(job, MUIR_AXIS_PP),
                          (dense + experts) * job->parallel.grad_bytes);
}

static void price_sync(const muir_scenario *scenario, const muir_program *program, int stage,
                       muir_prices *prices)
{
    const muir_parallel *parallel = &scenario->job.parallel;
    const muir_op_range update = program->update_ops[stage];
    muir_sync_price *sync = &prices->sync[stage];
    muir_beside forward = {.compute_s = 0.0}, backward = {.compute_s = 0.0};
    /* Chunks end one after the other, each behind as many microbatches as there are stages. */
    const double behind = parallel->vpp > 1 ? (double)parallel->pp : 1.0;
    for (int i = 0; i < program->n_held; i++) {
        const int chunk = muir_program_chunk(program, stage, i);
        muir_beside_sum(&forward, &prices->beside_forward[chunk], behind);
        muir_beside_sum(&backward, &prices->beside_backward[chunk], behind);
    }
    const muir_port_times reduce = muir_ports_sum(range_ports(scenario, program, program->sync_ops[stage]),
                                                  copies_ports(scenario, program, stage), 1.0);
    const muir_port_times gather = range_ports(scenario, program, update);
    sync->norm_s = range_time_s(scenario, program, program->norm_ops, MUIR_OP_COLL);
    sync->optimizer_s = range_time_s(scenario, program, update, MUIR_OP_MEM) + scenario->job.stack.step_s;
    sync->reduce_s = exposed_in_buckets_s(scenario, parallel->overlap_grad_reduce, reduce, &backward);
    sync->gather_s = exposed_in_buckets_s(scenario, parallel->overlap_param_gather, gather, &forward);
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
        prices->beside_forward[i].compute_s *= slower;
        prices->beside_backward[i].compute_s *= slower;
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
    prices->message = muir_hop_ports(&scenario->fleet, stride, pp, 1, program->p2p_bytes);
    prices->p2p_s = prices->message.time_s;
    prices->wrap_p2p_s = muir_hop_ports(&scenario->fleet, stride, pp, pp - 1, program->p2p_bytes).time_s;
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
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_chunks, sizeof *p->beside_forward, "prices", &p->beside_forward));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_chunks, sizeof *p->beside_backward, "prices", &p->beside_backward));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n_stages, sizeof *p->sync, "prices", &p->sync));
    price_p2p(scenario, program, p);
    price_chunks(scenario, program, p);
    throttle(scenario, p);
    for (int stage = 0; stage < p->n_stages; stage++) price_sync(scenario, program, stage, p);
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
    free((*prices)->beside_forward);
    free((*prices)->beside_backward);
    free((*prices)->sync);
    free(*prices);
    *prices = NULL;
}
