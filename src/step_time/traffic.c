/* SPDX-License-Identifier: BSD-3-Clause */
/* Port times of a stage's collectives and messages, added up over a step. */
#include "step_time/traffic.h"

#include <math.h>

#include "models/layout.h"
#include "models/routing.h"
#include "step_time/ideal.h"

/* Time on the port to the fabric in a step [s]. */
typedef struct port_use {
    double near_s, far_s;
    int64_t group; /* servers from the first to the last of the widest exchange */
} port_use;

/* Exchanges are modelled at the rate that the uplinks leave to every chip; here they are at the port's. */
static void add_op(const muir_scenario *scenario, const muir_op *op, double times, port_use *use)
{
    const muir_fleet *fleet = &scenario->fleet;
    if (op->kind != MUIR_OP_COLL) return;
    const int64_t stride = muir_job_stride(&scenario->job, op->coll.axis) * op->coll.stride;
    const muir_group group = muir_group_place(fleet, stride, op->coll.members);
    if (group.servers < 2) return;
    const double port_s = times * muir_op_ports(scenario, op).fabric_s;
    if (!muir_kind_is_exchange(op->coll.kind)) {
        use->near_s += port_s;
        return;
    }
    const int64_t span = (stride * op->coll.members + fleet->server.chips - 1) / fleet->server.chips;
    use->far_s += port_s / (group.is_beyond_leaf ? fleet->fabric.oversubscription : 1.0);
    use->group = span > use->group ? span : use->group;
}

static void add_range(const muir_scenario *scenario, const muir_program *program, muir_op_range range,
                      double times, port_use *use)
{
    for (int i = range.first; i < range.first + range.n; i++) add_op(scenario, &program->ops[i], times, use);
}

/* All that a stage does in a step. */
static port_use stage_use(const muir_scenario *scenario, const muir_program *program,
                          const muir_slot_times *times, int stage)
{
    const double microbatches = (double)scenario->job.microbatches;
    port_use use = {0.0, 0.0, 0};
    for (int i = 0; i < program->n_held; i++) {
        const muir_chunk *chunk = &program->chunks[muir_program_chunk(program, stage, i)];
        for (int part = 0; part < chunk->n_parts; part++)
            for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
                add_range(scenario, program, program->blocks[chunk->block[part]].phase[phase],
                          microbatches * chunk->repeat[part], &use);
        if (times->n_stages > 1) use.near_s += 2.0 * microbatches * times->message.fabric_s;
    }
    add_range(scenario, program, program->sync_ops[stage], 1.0, &use);
    add_range(scenario, program, program->norm_ops, 1.0, &use);
    add_range(scenario, program, program->update_ops[stage], 1.0, &use);
    return use;
}

/* Tokens for experts that each go once to the servers and chips that they visit. */
static void add_dispatch(const muir_scenario *scenario, const muir_op_coll *coll, const muir_group *group,
                         double times, double *bytes)
{
    const muir_model *model = &scenario->job.model;
    const double p = (double)group->p, q = (double)group->local, tokens = coll->bytes / coll->copies;
    const double held = (double)model->experts / p;
    bytes[MUIR_LINK_LOCAL] += times * tokens * p * muir_model_visit(model, held) * (q - 1.0) / q;
    if (group->servers > 1)
        bytes[MUIR_LINK_PORT] += times * tokens * (p - q) / q * muir_model_visit(model, held * q);
}

static void add_bytes(const muir_scenario *scenario, const muir_program *program, muir_op_range range,
                      double times, double *bytes)
{
    for (int i = range.first; i < range.first + range.n; i++) {
        const muir_op *op = &program->ops[i];
        if (op->kind != MUIR_OP_COLL) continue;
        const muir_op_coll *coll = &op->coll;
        const muir_group group = muir_group_place(
            &scenario->fleet, muir_job_stride(&scenario->job, coll->axis) * coll->stride, coll->members);
        muir_flow flow;
        if (coll->copies > 0.0 && scenario->job.stack.dispatch == MUIR_DISPATCH_ONCE) {
            if (group.p > 1) add_dispatch(scenario, coll, &group, times, bytes);
            continue;
        }
        muir_way_choose(&scenario->fleet, &group, coll->kind, coll->bytes, NULL, &flow);
        for (int link = 0; link < MUIR_LINK_COUNT; link++) bytes[link] += times * flow.bytes[link];
    }
}

/* Every chunk passes a message on and one back for each microbatch, but at the ends of the pipeline. */
static double messages_bytes(const muir_scenario *scenario, const muir_program *program)
{
    const double borders = (double)program->n_chunks - 1.0, stages = (double)program->n_stages;
    if (program->n_stages < 2) return 0.0;
    return 2.0 * borders / stages * (double)scenario->job.microbatches * program->p2p_bytes;
}

void muir_traffic_bytes(const muir_scenario *scenario, const muir_program *program, int stage, double *bytes)
{
    const double microbatches = (double)scenario->job.microbatches;
    const int64_t stride = muir_job_stride(&scenario->job, MUIR_AXIS_PP);
    for (int link = 0; link < MUIR_LINK_COUNT; link++) bytes[link] = 0.0;
    for (int i = 0; i < program->n_held; i++) {
        const muir_chunk *chunk = &program->chunks[muir_program_chunk(program, stage, i)];
        for (int part = 0; part < chunk->n_parts; part++)
            for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
                add_bytes(scenario, program, program->blocks[chunk->block[part]].phase[phase],
                          microbatches * chunk->repeat[part], bytes);
    }
    add_bytes(scenario, program, program->sync_ops[stage], 1.0, bytes);
    add_bytes(scenario, program, program->norm_ops, 1.0, bytes);
    add_bytes(scenario, program, program->update_ops[stage], 1.0, bytes);
    bytes[2 * stride <= muir_fleet_domain(&scenario->fleet) ? MUIR_LINK_LOCAL : MUIR_LINK_PORT] +=
        messages_bytes(scenario, program);
}

/* What the step shows of axes that leave the server. */
static double shown_s(const muir_scenario *scenario, const muir_ideal *ideal)
{
    const int64_t server = muir_fleet_domain(&scenario->fleet);
    double shown = ideal->part_s[MUIR_PART_dp] + ideal->part_s[MUIR_PART_pp];
    if (scenario->job.parallel.tp > server) shown += ideal->part_s[MUIR_PART_tp];
    if (muir_job_stride(&scenario->job, MUIR_AXIS_CP) * scenario->job.parallel.cp > server)
        shown += ideal->part_s[MUIR_PART_cp];
    if (muir_job_stride(&scenario->job, MUIR_AXIS_EP) * scenario->job.parallel.ep > server)
        shown += ideal->part_s[MUIR_PART_ep];
    return shown;
}

muir_status muir_traffic_of(muir_ctx *ctx, const muir_scenario *scenario, muir_job_load *load)
{
    muir_status st = MUIR_OK;
    const muir_job *job = &scenario->job;
    const muir_shape shape = {(int)job->parallel.pp, (int)job->parallel.vpp, (int)job->microbatches};
    const int64_t domain = muir_fleet_domain(&scenario->fleet), chips = muir_job_chips(job);
    muir_program *program = NULL;
    muir_order *order = NULL;
    muir_slot_times *times = NULL;
    muir_ideal *ideal = NULL;
    MUIR_TRY(muir_program_create(ctx, job, &program));
    MUIR_TRY(muir_order_create(ctx, muir_schedule_find(job->parallel.schedule), shape, &order));
    MUIR_TRY(muir_slot_times_create(ctx, scenario, program, &times));
    MUIR_TRY(muir_ideal_create(ctx, order, times, &ideal));
    const port_use use = stage_use(scenario, program, times, ideal->busiest);
    const double traffic_s = use.near_s + use.far_s;
    const double exposed_s = fmin(traffic_s, shown_s(scenario, ideal));
    *load =
        (muir_job_load){.servers = (chips + domain - 1) / domain * (domain / scenario->fleet.server.chips),
                        .compute_s = ideal->step_s - exposed_s,
                        .hidden_s = traffic_s - exposed_s,
                        .exposed_s = exposed_s,
                        .far = traffic_s > 0.0 ? use.far_s / traffic_s : 0.0,
                        .group = use.group};
done:
    muir_ideal_destroy(&ideal);
    muir_slot_times_destroy(&times);
    muir_order_destroy(&order);
    muir_program_destroy(&program);
    return st;
}
