/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of a job: where they lie, and what a chip of the first stage moves over them in a step. */
#include <stdio.h>

#include "base/units.h"
#include "cmd/check.h"
#include "models/layout.h"
#include "models/routing.h"
#include "network/network.h"
#include "step_time/traffic.h"

const muir_axis muir_check_axes[MUIR_CHECK_AXES] = {MUIR_AXIS_TP, MUIR_AXIS_CP,  MUIR_AXIS_EP,
                                                    MUIR_AXIS_DP, MUIR_AXIS_EDP, MUIR_AXIS_PP};

/* Collectives of an axis in a step of the first stage: how many, and their bytes. */
typedef struct use {
    double calls, bytes;
} use;

static void add_ops(const muir_program *program, muir_op_range range, muir_axis axis, double times, use *u)
{
    for (int i = range.first; i < range.first + range.n; i++) {
        const muir_op *op = &program->ops[i];
        if (op->kind != MUIR_OP_COLL || op->coll.axis != axis) continue;
        u->calls += times;
        u->bytes += times * op->coll.bytes;
    }
}

static use use_of(const muir_job *job, const muir_program *program, muir_axis axis)
{
    use u = {0.0, 0.0};
    /* copies of a chunk share its microbatches */
    const double microbatches = (double)job->microbatches / muir_place_copies(job->place);
    for (int k = 0; k < program->n_held; k++) {
        const muir_chunk *chunk = &program->chunks[muir_program_chunk(program, 0, k)];
        for (int part = 0; part < chunk->n_parts; part++)
            for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++)
                add_ops(program, program->blocks[chunk->block[part]].phase[phase], axis,
                        chunk->repeat[part] * microbatches, &u);
    }
    add_ops(program, program->sync_ops[0], axis, 1.0, &u);
    add_ops(program, program->update_ops[0], axis, 1.0, &u);
    return u;
}

/* What the first stage's slots send to other stages. */
static use messages_of(const muir_program *program, const muir_order *order)
{
    int n = 0;
    use u = {0.0, 0.0};
    const muir_slot *slots = muir_order_slots(order, 0, &n);
    for (int i = 0; i < n; i++) {
        const int chunk = muir_program_chunk(program, 0, slots[i].chunk);
        const int to = muir_order_output(order, (muir_phase)slots[i].phase, chunk);
        const int copy = order->place == MUIR_PLACE_MIRROR ? slots[i].chunk : 0;
        u.calls += to >= 0 && muir_place_stage(order->place, order->shape.stages, to, copy) != 0;
    }
    u.bytes = u.calls * program->p2p_bytes;
    return u;
}

bool muir_check_has_group(const muir_scenario *s, muir_axis axis)
{
    return muir_job_size(&s->job, axis) >= 2 && (axis != MUIR_AXIS_EDP || s->job.model.experts > 0);
}

static use use_on(const muir_check *c, muir_axis axis)
{
    return axis == MUIR_AXIS_PP ? messages_of(c->program, c->order)
                                : use_of(&c->scenario->job, c->program, axis);
}

json_t *muir_check_groups_json(const muir_check *c)
{
    json_t *groups = json_array();
    for (int i = 0; i < MUIR_CHECK_AXES; i++) {
        const muir_axis axis = muir_check_axes[i];
        if (!muir_check_has_group(c->scenario, axis)) continue;
        const use u = use_on(c, axis);
        json_array_append_new(groups,
                              json_pack("{s:s,s:I,s:I,s:f,s:f}", "axis", muir_axis_name(axis), "members",
                                        (json_int_t)muir_job_size(&c->scenario->job, axis), "stride",
                                        (json_int_t)muir_job_stride(&c->scenario->job, axis), "calls",
                                        u.calls, "bytes", u.bytes));
    }
    return groups;
}

/* With tokens sent once, how many of the group's servers one visits. */
static void print_dispatch(const muir_job *job, const muir_group *g)
{
    if (job->model.experts == 0 || job->stack.dispatch != MUIR_DISPATCH_ONCE) return;
    const double held = (double)job->model.experts * (double)g->local / (double)g->p;
    printf("        a token goes once to each server that it visits: %.3g of %s, for %s experts\n",
           muir_model_visit(&job->model, held) * (double)g->p / (double)g->local,
           muir_count_text(g->servers).s, muir_count_text(job->model.topk).s);
}

void muir_check_print_groups(const muir_check *c)
{
    const muir_scenario *s = c->scenario;
    printf("\ngroups  members stride  in a server  servers   bytes per chip and step (first stage)\n");
    for (int i = 0; i < MUIR_CHECK_AXES; i++) {
        const muir_axis axis = muir_check_axes[i];
        const int64_t p = muir_job_size(&s->job, axis), stride = muir_job_stride(&s->job, axis);
        const muir_group g = muir_group_place(&s->fleet, stride, p);
        if (!muir_check_has_group(s, axis)) continue;
        printf("  %-5s %8s %6s %12s %8s   %s%s\n", muir_axis_name(axis), muir_count_text(p).s,
               muir_count_text(stride).s, muir_count_text(g.local).s, muir_count_text(g.servers).s,
               muir_bytes_text(use_on(c, axis).bytes).s,
               g.sites > 1        ? "  (across sites)"
               : g.is_beyond_leaf ? "  (beyond a leaf)"
                                  : "");
        if (axis == MUIR_AXIS_EP) print_dispatch(&s->job, &g);
    }
    double bytes[MUIR_LINK_COUNT];
    muir_traffic_bytes(s, c->program, 0, bytes);
    printf("  sent per chip and step by library %s: %s inside servers, %s through its port (modelled)\n",
           muir_fleet_library(&s->fleet), muir_bytes_text(bytes[MUIR_LINK_LOCAL]).s,
           muir_bytes_text(bytes[MUIR_LINK_PORT]).s);
}
