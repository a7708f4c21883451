/* SPDX-License-Identifier: BSD-3-Clause */
/* The ideal step of one chip, op by op: the slots of its stage in their order, messages between them, the end
 * of the step. Collectives that hide for the most part under what is around them wait for the op before them,
 * and what comes after the slot waits for them; all others come one after the other. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "export/chakra.h"
#include "models/layout.h"

enum { NONE = -1 };

typedef struct writer {
    muir_ctx *ctx;
    const muir_scenario *scenario;
    muir_program *program;
    muir_order *order;
    muir_slot_times *times;
    muir_pb *file;
    muir_chakra_groups *groups;
    muir_chakra_totals *totals;
    int64_t chip, stage;
    double *start_s;  /* [n_steps] of the order */
    int *sent, *came; /* [n_steps] message that a step makes, or waits for; NONE */
    int *to, *from;   /* [messages] stages */
    int n_messages;
    double at_s; /* where the next op begins */
    int64_t last, aside, came_node,
        before; /* nodes: op, hidden collective, message; op before the slot; NONE */
} writer;

/* Starts of all steps, and which of them exchange messages. */
static void walk(writer *w, double *end_s, int *made_by, double *ready_s)
{
    for (int i = 0; i < w->order->n_steps; i++) {
        const muir_step *step = &w->order->steps[i];
        const double message_s = step->hops == 0  ? 0.0
                                 : step->hops > 1 ? w->times->wrap_p2p_s
                                                  : w->times->p2p_s;
        const muir_slot_time slot = muir_step_time(w->times, step);
        double start_s = ready_s[step->stage];
        w->sent[i] = w->came[i] = NONE;
        if (step->from >= 0) start_s = fmax(start_s, end_s[step->from] + message_s);
        if (step->from >= 0 && step->hops > 0) {
            w->from[w->n_messages] = w->order->steps[made_by[step->from]].stage;
            w->to[w->n_messages] = step->stage;
            w->sent[made_by[step->from]] = w->came[i] = w->n_messages++;
        }
        w->start_s[i] = start_s;
        ready_s[step->stage] = start_s + muir_slot_total_s(&slot);
        if (step->to >= 0) {
            end_s[step->to] = ready_s[step->stage];
            made_by[step->to] = i;
        }
    }
}

static void wait_for(muir_chakra_node *node, int64_t other)
{
    for (int i = 0; i < node->n_waits; i++)
        if (node->waits[i] == (uint64_t)other) return;
    if (other != NONE && node->n_waits < MUIR_CHAKRA_WAITS) node->waits[node->n_waits++] = (uint64_t)other;
}

static muir_status put(writer *w, const muir_chakra_node *node, int64_t *number)
{
    *number = w->totals->nodes++;
    return muir_chakra_put(w->ctx, w->file, (uint64_t)*number, node);
}

/* Number of the group that the chip is in. */
static int group_of(writer *w, const muir_op_coll *coll, int64_t *stride)
{
    const int64_t apart = muir_job_stride(&w->scenario->job, coll->axis) * coll->stride;
    const int64_t first = w->chip - w->chip / apart % coll->members * apart;
    *stride = apart;
    for (int i = 0; i < w->groups->n; i++) {
        const muir_chakra_group *g = &w->groups->at[i];
        if (g->axis == coll->axis && g->first == first && g->members == coll->members && g->stride == apart)
            return i;
    }
    if (w->groups->n == MUIR_CHAKRA_GROUPS) return NONE;
    w->groups->at[w->groups->n] = (muir_chakra_group){coll->axis, first, coll->members, apart};
    return w->groups->n++;
}

/* A collective; its size in the file is what a chip puts in. */
static muir_status fill_coll(writer *w, const muir_op *op, muir_chakra_node *node)
{
    static const int types[] = {
        [MUIR_ALL_REDUCE] = 0, [MUIR_REDUCE] = 1,         [MUIR_ALL_GATHER] = 2, [MUIR_BROADCAST] = 5,
        [MUIR_ALL_TO_ALL] = 6, [MUIR_REDUCE_SCATTER] = 7, [MUIR_BARRIER] = 9};
    const muir_op_coll *coll = &op->coll;
    node->type = MUIR_CHAKRA_COLLECTIVE;
    node->comm_type = types[coll->kind];
    node->bytes = coll->kind == MUIR_ALL_GATHER ? coll->bytes / (double)coll->members : coll->bytes;
    node->members = coll->members;
    node->axis = muir_axis_name(coll->axis);
    node->group = group_of(w, coll, &node->stride);
    w->totals->calls[coll->axis]++;
    w->totals->bytes[coll->axis] += coll->bytes;
    return node->group != NONE
               ? MUIR_OK
               : muir_fail(w->ctx, MUIR_ERR_ARG, "more than %d groups: fewer --chips", MUIR_CHAKRA_GROUPS);
}

/* One op. is_aside: it waits for the op before it, and the op after it does not wait for it. */
static muir_status put_op(writer *w, const muir_op *op, bool is_aside)
{
    muir_chakra_node node = {.name = op->name, .type = MUIR_CHAKRA_COMPUTE, .start_s = w->at_s};
    muir_status st = MUIR_OK;
    int64_t number = NONE;
    node.time_s = muir_op_time_s(w->scenario, op) * w->scenario->job.stack.level;
    node.flop = muir_op_flop(op);
    if (op->kind == MUIR_OP_MEM) node.bytes = op->mem.bytes;
    if (op->kind == MUIR_OP_GEMM) /* operands once, results once */
        node.bytes = op->gemm.count * (muir_job_operand_bytes(&w->scenario->job) *
                                           (op->gemm.m * op->gemm.k + op->gemm.k * op->gemm.n) +
                                       op->gemm.out_bytes * op->gemm.m * op->gemm.n);
    if (op->kind == MUIR_OP_FFT) node.bytes = muir_op_fft_bytes(op);
    if (op->kind == MUIR_OP_COLL) MUIR_TRY(fill_coll(w, op, &node));
    wait_for(&node, w->last);
    wait_for(&node, w->came_node);
    MUIR_TRY(put(w, &node, &number));
    if (is_aside) {
        w->aside = number;
        goto done;
    }
    w->last = number;
    w->came_node = NONE;
    w->at_s += node.time_s;
done:
    return st;
}

/* Whether most of a collective hides under the ops around it. */
static bool is_hidden(const writer *w, const muir_op *ops, int i, int n, muir_phase phase)
{
    if (ops[i].kind == MUIR_OP_MEM) return ops[i].mem.is_host;
    if (ops[i].kind != MUIR_OP_COLL) return false;
    if (ops[i].coll.axis == MUIR_AXIS_DP || ops[i].coll.axis == MUIR_AXIS_EDP) return true;
    return muir_op_exposed_s(w->scenario, ops, i, n, phase) < 0.5 * muir_op_time_s(w->scenario, &ops[i]);
}

static muir_status put_phase(writer *w, int chunk, muir_phase phase)
{
    const muir_chunk *c = &w->program->chunks[chunk];
    for (int k = 0; k < c->n_parts; k++) {
        const int part = phase == MUIR_FORWARD ? k : c->n_parts - 1 - k;
        const muir_op_range range = w->program->blocks[c->block[part]].phase[phase];
        const muir_op *ops = &w->program->ops[range.first];
        for (int layer = 0; layer < c->repeat[part]; layer++)
            for (int i = 0; i < range.n; i++) {
                const muir_status st = put_op(w, &ops[i], is_hidden(w, ops, i, range.n, phase));
                if (st != MUIR_OK) return st;
            }
    }
    return MUIR_OK;
}

/* The chip of the same place and replica on another stage. */
static int64_t chip_on(const writer *w, int stage)
{
    const muir_chip_place place = muir_layout_place(&w->scenario->job, w->chip);
    return muir_layout_chip(&w->scenario->job, stage, place.replica, place.in_group);
}

static muir_status put_message(writer *w, int message, bool is_sent, double start_s)
{
    muir_chakra_node node = {.name = is_sent ? "send" : "receive",
                             .type = is_sent ? MUIR_CHAKRA_SEND : MUIR_CHAKRA_RECEIVE,
                             .start_s = start_s,
                             .time_s = w->times->p2p_s,
                             .bytes = w->program->p2p_bytes,
                             .from = chip_on(w, w->from[message]),
                             .to = chip_on(w, w->to[message]),
                             .tag = message};
    int64_t number = NONE;
    if (is_sent) wait_for(&node, w->last);
    const muir_status st = put(w, &node, &number);
    if (!is_sent) w->came_node = number;
    if (is_sent) w->totals->calls[MUIR_AXIS_PP]++, w->totals->bytes[MUIR_AXIS_PP] += node.bytes;
    return st;
}

static muir_status put_step(writer *w, int i)
{
    muir_status st = MUIR_OK;
    const muir_step *step = &w->order->steps[i];
    if (w->came[i] != NONE)
        MUIR_TRY(put_message(w, w->came[i], false, fmax(0.0, w->start_s[i] - w->times->p2p_s)));
    if (step->work == MUIR_WORK_NONE) goto sends;
    w->before = w->last;
    w->at_s = fmax(w->at_s, w->start_s[i]);
    if (step->work == MUIR_WORK_PAIR) MUIR_TRY(put_phase(w, step->partner, MUIR_FORWARD));
    if (step->work == MUIR_WORK_PHASE) {
        MUIR_TRY(put_phase(w, step->chunk, (muir_phase)step->phase));
    } else {
        MUIR_TRY(put_phase(w, step->chunk, MUIR_BACKWARD));
        MUIR_TRY(put_phase(w, step->chunk, MUIR_WEIGHT));
    }
    if (w->aside != NONE) w->came_node = w->came_node == NONE ? w->aside : w->came_node;
    w->aside = NONE;
sends:
    if (w->sent[i] != NONE) MUIR_TRY(put_message(w, w->sent[i], true, w->at_s));
done:
    return st;
}

static muir_status put_range(writer *w, muir_op_range range)
{
    for (int i = range.first; i < range.first + range.n; i++) {
        const muir_status st = put_op(w, &w->program->ops[i], false);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

/* Gradient sync, which with overlap_grad_reduce begins with the last slot; then norm, update and gather. */
static muir_status put_end(writer *w, double last_slot_s)
{
    muir_status st = MUIR_OK;
    const muir_op_range sync = w->program->sync_ops[w->stage];
    const bool is_overlapped = w->scenario->job.parallel.overlap_grad_reduce;
    const int64_t last = w->last;
    const double end_s = w->at_s;
    if (is_overlapped) {
        w->last = w->before;
        w->at_s = last_slot_s;
    }
    MUIR_TRY(put_range(w, sync));
    if (is_overlapped && sync.n > 0) w->came_node = last;
    if (is_overlapped && sync.n == 0) w->last = last;
    w->at_s = fmax(w->at_s, end_s);
    MUIR_TRY(put_range(w, w->program->norm_ops));
    MUIR_TRY(put_range(w, w->program->update_ops[w->stage]));
done:
    return st;
}

static muir_status prepare(writer *w)
{
    muir_status st = MUIR_OK;
    const muir_job *job = &w->scenario->job;
    const muir_shape shape = {(int)job->parallel.pp, (int)job->parallel.vpp, (int)job->microbatches};
    double *end_s = NULL, *ready_s = NULL;
    int *made_by = NULL;
    MUIR_TRY(muir_program_create(w->ctx, job, &w->program));
    MUIR_TRY(muir_order_create(w->ctx, muir_schedule_find(job->parallel.schedule), shape, &w->order));
    MUIR_TRY(muir_slot_times_create(w->ctx, w->scenario, w->program, &w->times));
    const size_t n = (size_t)w->order->n_steps;
    MUIR_TRY(muir_alloc(w->ctx, n, sizeof *w->start_s, "a trace", &w->start_s));
    MUIR_TRY(muir_alloc(w->ctx, n, sizeof *w->sent, "a trace", &w->sent));
    MUIR_TRY(muir_alloc(w->ctx, n, sizeof *w->came, "a trace", &w->came));
    MUIR_TRY(muir_alloc(w->ctx, n, sizeof *w->to, "a trace", &w->to));
    MUIR_TRY(muir_alloc(w->ctx, n, sizeof *w->from, "a trace", &w->from));
    MUIR_TRY(muir_alloc(w->ctx, (size_t)w->order->n_registers, sizeof *end_s, "a trace", &end_s));
    MUIR_TRY(muir_alloc(w->ctx, (size_t)w->order->n_registers, sizeof *made_by, "a trace", &made_by));
    MUIR_TRY(muir_alloc(w->ctx, (size_t)shape.stages, sizeof *ready_s, "a trace", &ready_s));
    walk(w, end_s, made_by, ready_s);
done:
    free(end_s);
    free(made_by);
    free(ready_s);
    return st;
}

muir_status muir_chakra_chip(muir_ctx *ctx, const muir_scenario *scenario, int64_t chip, muir_pb *file,
                             muir_chakra_groups *groups, muir_chakra_totals *totals)
{
    muir_status st = MUIR_OK;
    double last_slot_s = 0.0;
    writer w = {.ctx = ctx,
                .scenario = scenario,
                .file = file,
                .groups = groups,
                .totals = totals,
                .chip = chip,
                .stage = muir_layout_place(&scenario->job, chip).stage,
                .last = NONE,
                .aside = NONE,
                .came_node = NONE,
                .before = NONE};
    MUIR_TRY(prepare(&w));
    for (int i = 0; i < w.order->n_steps; i++) {
        if (w.order->steps[i].stage != w.stage) continue;
        if (w.order->steps[i].work != MUIR_WORK_NONE) last_slot_s = w.start_s[i];
        MUIR_TRY(put_step(&w, i));
    }
    MUIR_TRY(put_end(&w, last_slot_s));
done:
    free(w.start_s);
    free(w.sent);
    free(w.came);
    free(w.to);
    free(w.from);
    muir_slot_times_destroy(&w.times);
    muir_order_destroy(&w.order);
    muir_program_destroy(&w.program);
    return st;
}
