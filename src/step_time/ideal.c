/* SPDX-License-Identifier: BSD-3-Clause */
/* The ideal step and its parts: t = max(own stage ready, input there) + duration, slot by slot. */
#include "step_time/ideal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const double most_step_s = 1e7;

const char *muir_part_name(muir_part part)
{
#define PART_NAME(name, help) #name,
    static const char *const names[] = {MUIR_PART_LIST(PART_NAME)};
#undef PART_NAME
    return part < MUIR_PART_COUNT ? names[part] : "unknown";
}

const char *muir_part_help(muir_part part)
{
#define PART_HELP(name, help) help,
    static const char *const helps[] = {MUIR_PART_LIST(PART_HELP)};
#undef PART_HELP
    return part < MUIR_PART_COUNT ? helps[part] : "unknown";
}

/* Side by side, the exchanges of experts of each run under the compute of the other. */
static muir_slot_time pair_of(const muir_slot_time *a, const muir_slot_time *b)
{
    muir_slot_time pair = *a;
    muir_slot_add(&pair, b, 1.0);
    pair.part_s[MUIR_SLOT_EP] = fmax(0.0, a->part_s[MUIR_SLOT_EP] - b->part_s[MUIR_SLOT_COMPUTE]) +
                                fmax(0.0, b->part_s[MUIR_SLOT_EP] - a->part_s[MUIR_SLOT_COMPUTE]);
    return pair;
}

muir_slot_time muir_step_time(const muir_slot_times *times, const muir_step *step)
{
    switch ((muir_work)step->work) {
    case MUIR_WORK_NONE: break;
    case MUIR_WORK_JOINED: return times->slot[MUIR_SLOT_JOINED][step->chunk];
    case MUIR_WORK_PAIR:
        return pair_of(&times->slot[MUIR_FORWARD][step->partner],
                       &times->slot[MUIR_SLOT_JOINED][step->chunk]);
    case MUIR_WORK_PHASE: return times->slot[step->phase][step->chunk];
    }
    return (muir_slot_time){{0.0}};
}

/* Rows of the table of times: the kinds of slots, then the other kinds of work. */
enum { ROW_NONE = MUIR_SLOT_KINDS, ROW_PAIR, ROWS };

static int row_of(const muir_step *step)
{
    static const int rows[] = {[MUIR_WORK_NONE] = ROW_NONE,
                               [MUIR_WORK_PHASE] = 0,
                               [MUIR_WORK_JOINED] = MUIR_SLOT_JOINED,
                               [MUIR_WORK_PAIR] = ROW_PAIR};
    return rows[step->work] + (step->work == MUIR_WORK_PHASE ? step->phase : 0);
}

/* What a step of each kind takes on each chunk. */
typedef struct muir_timed {
    muir_slot_time slot;
    double time_s; /* its parts together */
} timed;

/* table: [ROWS, chunks] zeros. A chunk has the same partner in all its pairs: the other one of its stage. */
static void fill_table(const muir_order *order, const muir_slot_times *times, timed *table)
{
    const int chunks = times->n_chunks;
    for (int kind = 0; kind < MUIR_SLOT_KINDS; kind++)
        for (int c = 0; c < chunks; c++) table[kind * chunks + c].slot = times->slot[kind][c];
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        if (step->work == MUIR_WORK_PAIR)
            table[ROW_PAIR * chunks + step->chunk].slot = muir_step_time(times, step);
    }
    for (int i = 0; i < ROWS * chunks; i++) table[i].time_s = muir_slot_total_s(&table[i].slot);
}

/* Inputs cross more than one stage only where chunks wrap around. */
static double edge_of(const muir_slot_times *times, const muir_step *step)
{
    if (step->hops == 0) return 0.0;
    return step->hops > 1 ? times->wrap_p2p_s : times->p2p_s;
}

/* Ends of all stages when messages take `edge_scale` of their time; slack may be NULL. */
static void run_order(const muir_order *order, const muir_slot_times *times, const timed *table,
                      double edge_scale, double *ready, double *result, muir_slack *slack)
{
    for (int s = 0; s < order->shape.stages; s++) ready[s] = 0.0;
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        const timed *t = &table[row_of(step) * times->n_chunks + step->chunk];
        const double own_s = ready[step->stage];
        const double input_s =
            step->from >= 0 ? result[step->from] + edge_scale * edge_of(times, step) : own_s;
        const double start_s = own_s > input_s ? own_s : input_s; /* no call in this loop */
        if (slack)
            slack[i] = (muir_slack){.self_s = (float)(own_s - start_s),
                                    .input_s = (float)(input_s - start_s),
                                    .compute_s = (float)t->slot.part_s[MUIR_SLOT_COMPUTE]};
        ready[step->stage] = start_s + t->time_s;
        if (step->to >= 0) result[step->to] = ready[step->stage];
    }
}

static double largest(const double *x, int n)
{
    double most = x[0];
    for (int i = 1; i < n; i++) most = fmax(most, x[i]);
    return most;
}

/* What a stage's slots come to: busy is [stages] zeros. */
static void add_busy(const muir_order *order, int chunks, const timed *table, muir_slot_time *busy)
{
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        muir_slot_add(&busy[step->stage], &table[row_of(step) * chunks + step->chunk].slot, 1.0);
    }
}

/* The part of a step that a part of a slot belongs to. */
static const muir_part part_of[MUIR_SLOT_PARTS] = {[MUIR_SLOT_COMPUTE] = MUIR_PART_compute,
                                                   [MUIR_SLOT_TP] = MUIR_PART_tp,
                                                   [MUIR_SLOT_CP] = MUIR_PART_cp,
                                                   [MUIR_SLOT_EP] = MUIR_PART_ep,
                                                   [MUIR_SLOT_DP] = MUIR_PART_dp};

static void find_busiest(const muir_slot_time *busy, const muir_slot_times *times, muir_ideal *ideal)
{
    double most_s = -1.0;
    const double stages = times->n_stages;
    for (int s = 0; s < times->n_stages; s++) {
        const double *part_s = busy[s].part_s;
        const muir_sync_time *sync = &times->sync[s];
        double comm_s = 0.0;
        for (int part = MUIR_SLOT_COMPUTE + 1; part < MUIR_SLOT_PARTS; part++) comm_s += part_s[part];
        ideal->compute_mean_s += (part_s[MUIR_SLOT_COMPUTE] + sync->optimizer_s) / stages;
        ideal->comm_mean_s += (comm_s + sync->reduce_s + sync->gather_s) / stages;
        if (muir_slot_total_s(&busy[s]) <= most_s) continue;
        most_s = muir_slot_total_s(&busy[s]);
        ideal->busiest = s;
        for (int part = 0; part < MUIR_SLOT_PARTS; part++) ideal->part_s[part_of[part]] = part_s[part];
    }
}

/* After the pipeline: each stage's gradient sync, the norm over all, then optimizer and gather side by side
 * on all stages, of which the longest counts. */
static void add_sync(const muir_slot_times *times, muir_ideal *ideal)
{
    double reduced_s = 0.0, norm_s = 0.0, optimizer_s = 0.0, gather_s = 0.0;
    for (int s = 0; s < times->n_stages; s++) {
        const muir_sync_time *sync = &times->sync[s];
        ideal->reduce_s[s] = sync->reduce_s;
        reduced_s = fmax(reduced_s, ideal->stage_end_s[s] + sync->reduce_s);
        norm_s = fmax(norm_s, sync->norm_s);
        if (sync->optimizer_s + sync->gather_s > optimizer_s + gather_s) {
            optimizer_s = sync->optimizer_s;
            gather_s = sync->gather_s;
        }
    }
    ideal->tail_s = norm_s + optimizer_s + gather_s;
    ideal->step_s = reduced_s + ideal->tail_s; /* as the clock adds it: equal chips wait for nothing */
    ideal->part_s[MUIR_PART_dp] += reduced_s - ideal->pipeline_s + norm_s + gather_s;
    ideal->part_s[MUIR_PART_optimizer] = optimizer_s;
}

/* Without room for slack, messages are not told from bubbles either. */
void muir_ideal_fill(muir_ideal *ideal, const muir_order *order, const muir_slot_times *times)
{
    const int stages = order->shape.stages;
    double *part = ideal->part_s;
    memset(part, 0, sizeof ideal->part_s);
    memset(ideal->table, 0, ROWS * (size_t)times->n_chunks * sizeof *ideal->table);
    memset(ideal->busy, 0, (size_t)stages * sizeof *ideal->busy);
    ideal->compute_mean_s = ideal->comm_mean_s = 0.0;
    fill_table(order, times, ideal->table);
    if (ideal->slack) run_order(order, times, ideal->table, 0.0, ideal->stage_end_s, ideal->result, NULL);
    double without_messages_s = largest(ideal->stage_end_s, stages);
    run_order(order, times, ideal->table, 1.0, ideal->stage_end_s, ideal->result, ideal->slack);
    ideal->pipeline_s = largest(ideal->stage_end_s, stages);
    if (!ideal->slack) without_messages_s = ideal->pipeline_s;
    add_busy(order, times->n_chunks, ideal->table, ideal->busy);
    find_busiest(ideal->busy, times, ideal);
    part[MUIR_PART_pp] = ideal->pipeline_s - without_messages_s;
    const double bubble_s = without_messages_s - muir_slot_total_s(&ideal->busy[ideal->busiest]);
    /* a difference of long sums: rounding is no bubble */
    part[MUIR_PART_bubble] = bubble_s > 1e-13 * without_messages_s ? bubble_s : 0.0;
    add_sync(times, ideal);
}

static muir_status create(muir_ctx *ctx, const muir_order *order, const muir_slot_times *times,
                          bool has_slack, muir_ideal **out)
{
    muir_status st = MUIR_OK;
    muir_ideal *ideal = NULL;
    const size_t stages = (size_t)order->shape.stages, rows = ROWS * (size_t)times->n_chunks;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *ideal, "the ideal step", &ideal));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof(double), "the ideal step", &ideal->stage_end_s));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof(double), "the ideal step", &ideal->reduce_s));
    if (has_slack)
        MUIR_TRY(
            muir_alloc(ctx, (size_t)order->n_steps, sizeof *ideal->slack, "the ideal step", &ideal->slack));
    MUIR_TRY(muir_alloc(ctx, (size_t)order->n_registers, sizeof(double), "the ideal step", &ideal->result));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof *ideal->busy, "the ideal step", &ideal->busy));
    MUIR_TRY(muir_alloc(ctx, rows, sizeof *ideal->table, "the ideal step", &ideal->table));
    muir_ideal_fill(ideal, order, times);
    if (has_slack && !(ideal->step_s < most_step_s))
        st =
            muir_fail(ctx, MUIR_ERR_ARG, "a step of this job would take %.3g s, but muir counts up to %.3g s",
                      ideal->step_s, most_step_s);
    MUIR_TRY(st);
    *out = ideal;
    ideal = NULL;
done:
    muir_ideal_destroy(&ideal);
    return st;
}

muir_status muir_ideal_create(muir_ctx *ctx, const muir_order *order, const muir_slot_times *times,
                              muir_ideal **out)
{
    return create(ctx, order, times, true, out);
}

muir_status muir_ideal_screen(muir_ctx *ctx, const muir_order *order, const muir_slot_times *times,
                              muir_ideal **out)
{
    return create(ctx, order, times, false, out);
}

void muir_ideal_destroy(muir_ideal **ideal)
{
    if (!*ideal) return;
    free((*ideal)->stage_end_s);
    free((*ideal)->reduce_s);
    free((*ideal)->slack);
    free((*ideal)->result);
    free((*ideal)->busy);
    free((*ideal)->table);
    free(*ideal);
    *ideal = NULL;
}

muir_status muir_ideal_step_time(muir_ctx *ctx, const muir_scenario *scenario, double *step_s)
{
    muir_status st = MUIR_OK;
    const muir_job *job = &scenario->job;
    const muir_shape shape = {(int)job->parallel.pp, (int)job->parallel.vpp, (int)job->microbatches};
    muir_program *program = NULL;
    muir_order *order = NULL;
    muir_slot_times *times = NULL;
    muir_ideal *ideal = NULL;
    MUIR_TRY(muir_program_create(ctx, job, &program));
    MUIR_TRY(muir_order_create(ctx, muir_schedule_find(job->parallel.schedule), shape, &order));
    MUIR_TRY(muir_slot_times_create(ctx, scenario, program, &times));
    MUIR_TRY(muir_ideal_create(ctx, order, times, &ideal));
    *step_s = ideal->step_s;
done:
    muir_ideal_destroy(&ideal);
    muir_slot_times_destroy(&times);
    muir_order_destroy(&order);
    muir_program_destroy(&program);
    return st;
}
