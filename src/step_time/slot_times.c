/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of slots: ops on a chip, collectives on the network, what hides under what. */
#include "step_time/slot_times.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "models/layout.h"
#include "step_time/exposed.h"

/* What compute loses to collectives that hide under it for so long: their copies take cores and memory. */
static double interfered_s(const muir_scenario *scenario, double hidden_s)
{
    return scenario->job.stack.interference * fmax(0.0, hidden_s);
}

double muir_slot_total_s(const muir_slot_time *slot)
{
    double sum_s = 0.0;
    for (int part = 0; part < MUIR_SLOT_PARTS; part++) sum_s += slot->part_s[part];
    return sum_s;
}

void muir_slot_add(muir_slot_time *sum, const muir_slot_time *slot, double times)
{
    for (int part = 0; part < MUIR_SLOT_PARTS; part++) sum->part_s[part] += times * slot->part_s[part];
}

/* A phase of a block, or two as one: its time without the collectives over replicas in it, and what goes on
 * along with them. */
typedef struct phase_time {
    muir_slot_time slot;
    muir_port_times replicas;
    muir_overlap overlap;
} phase_time;

static void add_coll(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase,
                     phase_time *p)
{
    static const muir_slot_part parts[MUIR_AXIS_COUNT] = {
        [MUIR_AXIS_TP] = MUIR_SLOT_TP, [MUIR_AXIS_CP] = MUIR_SLOT_CP, [MUIR_AXIS_EP] = MUIR_SLOT_EP};
    const muir_port_times ports = muir_op_ports(scenario, &ops[i]);
    const muir_axis axis = ops[i].coll.axis;
    if (axis == MUIR_AXIS_DP || axis == MUIR_AXIS_EDP) {
        p->replicas = muir_ports_sum(p->replicas, ports, 1.0);
        return;
    }
    const double seen_s = muir_coll_seen_s(scenario, ops, i, n, phase, ports.time_s);
    p->slot.part_s[parts[axis]] += seen_s;
    p->slot.part_s[MUIR_SLOT_COMPUTE] += interfered_s(scenario, ports.time_s - seen_s);
    muir_overlap_add(&p->overlap, ports, seen_s);
}

/* Exchanges with experts run under the compute of another microbatch, which is as long as this one's; where a
 * slot begins and ends there is nothing to hide under. Source: NVIDIA/Megatron-LM,
 * overlap_moe_expert_parallel_comm. */
static void hide_exchanges(const muir_scenario *scenario, muir_slot_time *slot)
{
    static const double open = 0.1; /* of the compute; assumed */
    const double hidden_s = fmin(slot->part_s[MUIR_SLOT_EP], (1.0 - open) * slot->part_s[MUIR_SLOT_COMPUTE]);
    slot->part_s[MUIR_SLOT_EP] -= hidden_s;
    slot->part_s[MUIR_SLOT_COMPUTE] += interfered_s(scenario, hidden_s);
}

static phase_time time_phase(const muir_scenario *scenario, const muir_program *program,
                             const muir_block *block, muir_phase phase)
{
    const muir_op_range range = block->phase[phase];
    const muir_op *ops = &program->ops[range.first];
    phase_time p = {.slot = {{0.0}}};
    double host_s = 0.0;
    for (int i = 0; i < range.n; i++) {
        if (ops[i].kind == MUIR_OP_COLL)
            add_coll(scenario, ops, i, range.n, phase, &p);
        else if (ops[i].kind == MUIR_OP_MEM && ops[i].mem.is_host)
            host_s += muir_op_time_s(scenario, &ops[i]);
        else
            p.slot.part_s[MUIR_SLOT_COMPUTE] += muir_op_time_s(scenario, &ops[i]);
    }
    double *compute_s = &p.slot.part_s[MUIR_SLOT_COMPUTE];
    *compute_s = fmax(*compute_s, host_s);
    if (scenario->job.parallel.overlap_ep) hide_exchanges(scenario, &p.slot);
    p.overlap.compute_s = *compute_s;
    return p;
}

/* Collectives over replicas (ZeRO 2 and 3) run under the compute of the layer before; what finds no room
 * there is exposed, and the compute that they run along with slows down. */
static muir_slot_time hide_replicas(const muir_scenario *scenario, const phase_time *p)
{
    const muir_stack *stack = &scenario->job.stack;
    const double compute_s = p->slot.part_s[MUIR_SLOT_COMPUTE];
    muir_slot_time slot = p->slot;
    slot.part_s[MUIR_SLOT_DP] = muir_overlap_exposed_s(&p->overlap, p->replicas, stack->overlap, 0.0);
    slot.part_s[MUIR_SLOT_COMPUTE] +=
        interfered_s(scenario, fmin(p->replicas.time_s, stack->overlap * compute_s));
    return slot;
}

/* Adds one phase of a part of a chunk, with the slot's message to the next stage. */
static void add_part(const muir_scenario *scenario, const phase_time *p, const muir_port_times *message,
                     double repeat, muir_slot_time *slot, muir_overlap *overlap)
{
    phase_time shared = *p;
    shared.overlap.hidden = muir_ports_sum(shared.overlap.hidden, *message, 1.0);
    const muir_slot_time hidden = hide_replicas(scenario, &shared);
    shared.overlap.compute_s = hidden.part_s[MUIR_SLOT_COMPUTE];
    muir_slot_add(slot, &hidden, repeat);
    if (overlap) muir_overlap_sum(overlap, &shared.overlap, repeat);
}

static phase_time joined(const phase_time *input, const phase_time *weight)
{
    phase_time both = *input;
    muir_slot_add(&both.slot, &weight->slot, 1.0);
    both.replicas = muir_ports_sum(both.replicas, weight->replicas, 1.0);
    muir_overlap_sum(&both.overlap, &weight->overlap, 1.0);
    return both;
}

/* Chunks repeat a few kinds of layer, each of which is timed once. */
typedef struct block_time {
    phase_time kind[MUIR_SLOT_KINDS];
} block_time;

static void time_block(const muir_scenario *scenario, const muir_program *program, const muir_block *block,
                       block_time *b)
{
    for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
        b->kind[phase] = time_phase(scenario, program, block, (muir_phase)phase);
    b->kind[MUIR_SLOT_JOINED] = joined(&b->kind[MUIR_BACKWARD], &b->kind[MUIR_WEIGHT]);
}

/* A slot's message travels under the compute of its layers; weights' gradients alone send none. */
static void time_chunk(const muir_scenario *scenario, const muir_program *program, const block_time *blocks,
                       int chunk, muir_slot_times *times)
{
    const muir_chunk *c = &program->chunks[chunk];
    const muir_port_times none = {0.0, 0.0, 0.0};
    double layers = 0.0;
    for (int part = 0; part < c->n_parts; part++) layers += c->repeat[part];
    const muir_port_times message = muir_ports_sum(none, times->message, 1.0 / fmax(layers, 1.0));
    for (int part = 0; part < c->n_parts; part++)
        for (int kind = 0; kind < MUIR_SLOT_KINDS; kind++)
            add_part(scenario, &blocks[c->block[part]].kind[kind], kind == MUIR_WEIGHT ? &none : &message,
                     c->repeat[part], &times->slot[kind][chunk],
                     times->overlap[kind] ? &times->overlap[kind][chunk] : NULL);
}

static void time_chunks(const muir_scenario *scenario, const muir_program *program, muir_slot_times *times)
{
    block_time blocks[MUIR_MAX_BLOCKS];
    for (int i = 0; i < program->n_blocks; i++)
        time_block(scenario, program, &program->blocks[i], &blocks[i]);
    for (int chunk = 0; chunk < times->n_chunks; chunk++) time_chunk(scenario, program, blocks, chunk, times);
}

double muir_op_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase)
{
    return muir_coll_seen_s(scenario, ops, i, n, phase, muir_op_ports(scenario, &ops[i]).time_s);
}

/* In buckets, all but the last one's sync can hide under the backward of the last microbatch (or the first
 * forward). */
static double exposed_in_buckets_s(const muir_scenario *scenario, bool is_overlapped, muir_port_times own,
                                   const muir_overlap *with)
{
    if (!is_overlapped) return own.time_s;
    const double seen_s = muir_overlap_exposed_s(with, own, scenario->job.stack.overlap,
                                                 (double)scenario->job.parallel.buckets);
    return seen_s + interfered_s(scenario, own.time_s - seen_s);
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
    const int64_t distance = llabs((long long)(program->n_stages - 1 - 2 * stage));
    const bool is_shared = job->parallel.zero_stage > 0;
    if (muir_place_copies(program->place) < 2 || distance == 0) return (muir_port_times){0.0, 0.0, 0.0};
    const double dense = muir_stage_params(program, stage, false) /
                         (is_shared ? (double)muir_job_size(job, MUIR_AXIS_DP) : 1.0);
    const double experts = muir_stage_params(program, stage, true) /
                           (is_shared ? (double)muir_job_size(job, MUIR_AXIS_EDP) : 1.0);
    return muir_p2p_ports(&scenario->fleet, distance * muir_job_stride(job, MUIR_AXIS_PP),
                          (dense + experts) * job->parallel.grad_bytes);
}

static void time_sync(const muir_scenario *scenario, const muir_program *program, int stage,
                      muir_slot_times *times)
{
    const muir_parallel *parallel = &scenario->job.parallel;
    const muir_op_range update = program->update_ops[stage];
    muir_sync_time *sync = &times->sync[stage];
    muir_overlap forward = {.compute_s = 0.0}, backward = {.compute_s = 0.0};
    /* Chunks end one after the other, each behind as many microbatches as there are stages. */
    const double behind = parallel->vpp > 1 ? (double)parallel->pp : 1.0;
    for (int i = 0; i < program->n_held; i++) {
        const int chunk = muir_program_chunk(program, stage, i);
        muir_overlap_sum(&forward, &times->overlap[MUIR_FORWARD][chunk], behind);
        muir_overlap_sum(&backward, &times->overlap[MUIR_SLOT_JOINED][chunk], behind);
    }
    const muir_port_times reduce = muir_ports_sum(range_ports(scenario, program, program->sync_ops[stage]),
                                                  copies_ports(scenario, program, stage), 1.0);
    const muir_port_times gather = range_ports(scenario, program, update);
    sync->norm_s = range_time_s(scenario, program, program->norm_ops, MUIR_OP_COLL);
    sync->optimizer_s = range_time_s(scenario, program, update, MUIR_OP_MEM);
    sync->reduce_s = exposed_in_buckets_s(scenario, parallel->overlap_grad_reduce, reduce, &backward);
    sync->gather_s = exposed_in_buckets_s(scenario, parallel->overlap_param_gather, gather, &forward);
}

/* Chips that are throttled to a power cap compute slower: what they draw beyond idle goes with the cube of
 * the clock, since voltage follows it. Memory operations are slowed alike, which is on the safe side. */
static void throttle(const muir_scenario *scenario, muir_slot_times *times)
{
    const muir_chip *chip = &scenario->fleet.chip;
    if (scenario->power.cap <= 0.0) return;
    const double slower =
        cbrt((chip->compute_power - chip->idle_power) / (scenario->power.cap - chip->idle_power));
    for (int kind = 0; kind < MUIR_SLOT_KINDS; kind++)
        for (int i = 0; i < times->n_chunks; i++) {
            times->slot[kind][i].part_s[MUIR_SLOT_COMPUTE] *= slower;
            if (times->overlap[kind]) times->overlap[kind][i].compute_s *= slower;
        }
}

/* What the mechanisms leave unexplained stretches all alike. */
static void stretch(muir_slot_times *times, double level)
{
    for (int kind = 0; kind < MUIR_SLOT_KINDS; kind++)
        for (int i = 0; i < times->n_chunks; i++)
            for (int part = 0; part < MUIR_SLOT_PARTS; part++) times->slot[kind][i].part_s[part] *= level;
    for (int i = 0; i < times->n_stages; i++) {
        muir_sync_time *s = &times->sync[i];
        s->reduce_s *= level, s->norm_s *= level, s->optimizer_s *= level, s->gather_s *= level;
    }
    times->p2p_s *= level;
    times->wrap_p2p_s *= level;
}

/* Once per step the host works, and all chips meet: the more servers, the later the last one is. Both are
 * times as measured, which nothing stretches. */
static void add_waits(const muir_scenario *scenario, muir_slot_times *times)
{
    const muir_stack *stack = &scenario->job.stack;
    const double servers = (double)muir_job_chips(&scenario->job) / (double)scenario->fleet.server.chips;
    for (int i = 0; i < times->n_stages; i++) {
        times->sync[i].optimizer_s += stack->step_s;
        if (servers > 1.0) times->sync[i].norm_s += stack->wait_s * log2(servers);
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

static void time_messages(const muir_scenario *scenario, const muir_program *program, muir_slot_times *times)
{
    const int64_t stride = muir_job_stride(&scenario->job, MUIR_AXIS_PP), pp = scenario->job.parallel.pp;
    if (pp < 2) return;
    times->message = muir_hop_ports(&scenario->fleet, stride, pp, 1, program->p2p_bytes);
    times->p2p_s = times->message.time_s;
    times->wrap_p2p_s = muir_hop_ports(&scenario->fleet, stride, pp, pp - 1, program->p2p_bytes).time_s;
    if (scenario->job.stack.scatter_messages && !scenario->job.parallel.sequence_parallel) {
        const int64_t tp = scenario->job.parallel.tp;
        const muir_group group = muir_group_place(&scenario->fleet, 1, tp);
        const double gather_s =
            muir_coll_time_s(&scenario->fleet, &group, MUIR_ALL_GATHER, program->p2p_bytes * (double)tp);
        times->p2p_s += gather_s;
        times->wrap_p2p_s += gather_s;
    }
}

static muir_status allocate(muir_ctx *ctx, muir_slot_times *t)
{
    muir_status st = MUIR_OK;
    static const char what[] = "times of slots";
    const size_t chunks = (size_t)t->n_chunks;
    for (int kind = 0; kind < MUIR_SLOT_KINDS; kind++)
        MUIR_TRY(muir_alloc(ctx, chunks, sizeof(muir_slot_time), what, &t->slot[kind]));
    MUIR_TRY(muir_alloc(ctx, chunks, sizeof(muir_overlap), what, &t->overlap[MUIR_FORWARD]));
    MUIR_TRY(muir_alloc(ctx, chunks, sizeof(muir_overlap), what, &t->overlap[MUIR_SLOT_JOINED]));
    MUIR_TRY(muir_alloc(ctx, (size_t)t->n_stages, sizeof *t->sync, what, &t->sync));
done:
    return st;
}

muir_status muir_slot_times_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                   muir_slot_times **out)
{
    muir_status st = MUIR_OK;
    muir_slot_times *t = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *t, "times of slots", &t));
    t->n_chunks = program->n_chunks;
    t->n_stages = program->n_stages;
    MUIR_TRY(allocate(ctx, t));
    time_messages(scenario, program, t);
    time_chunks(scenario, program, t);
    throttle(scenario, t);
    for (int stage = 0; stage < t->n_stages; stage++) time_sync(scenario, program, stage, t);
    stretch(t, scenario->job.stack.level);
    add_waits(scenario, t);
    t->executed_flop = executed_flop(scenario, program);
    *out = t;
    t = NULL;
done:
    muir_slot_times_destroy(&t);
    return st;
}

void muir_slot_times_destroy(muir_slot_times **times)
{
    muir_slot_times *t = *times;
    if (!t) return;
    for (int kind = 0; kind < MUIR_SLOT_KINDS; kind++) {
        free(t->slot[kind]);
        free(t->overlap[kind]);
    }
    free(t->sync);
    free(t);
    *times = NULL;
}
