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

static muir_slot_price sum_of(muir_slot_price a, muir_slot_price b)
{
    return (muir_slot_price){a.compute_s + b.compute_s, a.tp_s + b.tp_s, a.cp_s + b.cp_s, a.ep_s + b.ep_s,
                             a.dp_s + b.dp_s};
}

/* Side by side, the exchanges of experts of each run under the compute of the other. */
static muir_slot_price pair_of(muir_slot_price a, muir_slot_price b)
{
    muir_slot_price pair = sum_of(a, b);
    pair.ep_s = fmax(0.0, a.ep_s - b.compute_s) + fmax(0.0, b.ep_s - a.compute_s);
    return pair;
}

muir_slot_price muir_step_price(const muir_prices *prices, const muir_step *step)
{
    switch ((muir_work)step->work) {
    case MUIR_WORK_NONE: break;
    case MUIR_WORK_JOINED: return prices->backward[step->chunk];
    case MUIR_WORK_PAIR: return pair_of(prices->forward[step->partner], prices->backward[step->chunk]);
    case MUIR_WORK_PHASE:
        if (step->phase == MUIR_FORWARD) return prices->forward[step->chunk];
        return step->phase == MUIR_BACKWARD ? prices->input[step->chunk] : prices->weight[step->chunk];
    }
    return (muir_slot_price){.compute_s = 0.0};
}

/* Rows of the table of prices: the phases alone, then the other kinds of work. */
enum { ROW_NONE = MUIR_PHASE_COUNT, ROW_JOINED, ROW_PAIR, ROWS };

static int row_of(const muir_step *step)
{
    static const int rows[] = {[MUIR_WORK_NONE] = ROW_NONE,
                               [MUIR_WORK_PHASE] = 0,
                               [MUIR_WORK_JOINED] = ROW_JOINED,
                               [MUIR_WORK_PAIR] = ROW_PAIR};
    return rows[step->work] + (step->work == MUIR_WORK_PHASE ? step->phase : 0);
}

/* What a step of each kind takes on each chunk. */
typedef struct muir_priced {
    muir_slot_price price;
    double time_s; /* its parts together */
} priced;

/* table: [ROWS, chunks] zeros. A chunk has the same partner in all its pairs: the other one of its stage. */
static void fill_table(const muir_order *order, const muir_prices *prices, priced *table)
{
    const int chunks = prices->n_chunks;
    for (int c = 0; c < chunks; c++) {
        table[MUIR_FORWARD * chunks + c].price = prices->forward[c];
        table[MUIR_BACKWARD * chunks + c].price = prices->input[c];
        table[MUIR_WEIGHT * chunks + c].price = prices->weight[c];
        table[ROW_JOINED * chunks + c].price = prices->backward[c];
    }
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        if (step->work == MUIR_WORK_PAIR)
            table[ROW_PAIR * chunks + step->chunk].price = muir_step_price(prices, step);
    }
    for (int i = 0; i < ROWS * chunks; i++) table[i].time_s = muir_slot_time_s(&table[i].price);
}

/* Inputs cross more than one stage only where chunks wrap around. */
static double edge_of(const muir_prices *prices, const muir_step *step)
{
    if (step->hops == 0) return 0.0;
    return step->hops > 1 ? prices->wrap_p2p_s : prices->p2p_s;
}

/* Ends of all stages when messages take `edge_scale` of their time; slack may be NULL. */
static void run_order(const muir_order *order, const muir_prices *prices, const priced *table,
                      double edge_scale, double *ready, double *result, muir_slack *slack)
{
    for (int s = 0; s < order->shape.stages; s++) ready[s] = 0.0;
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        const priced *p = &table[row_of(step) * prices->n_chunks + step->chunk];
        const double own_s = ready[step->stage];
        const double input_s =
            step->from >= 0 ? result[step->from] + edge_scale * edge_of(prices, step) : own_s;
        const double start_s = own_s > input_s ? own_s : input_s; /* no call in this loop */
        if (slack)
            slack[i] = (muir_slack){.self_s = (float)(own_s - start_s),
                                    .input_s = (float)(input_s - start_s),
                                    .compute_s = (float)p->price.compute_s};
        ready[step->stage] = start_s + p->time_s;
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
static void add_busy(const muir_order *order, int chunks, const priced *table, muir_slot_price *busy)
{
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        busy[step->stage] = sum_of(busy[step->stage], table[row_of(step) * chunks + step->chunk].price);
    }
}

static void find_busiest(const muir_slot_price *busy, const muir_prices *prices, muir_ideal *ideal)
{
    double most = -1.0;
    const double stages = prices->n_stages;
    for (int s = 0; s < prices->n_stages; s++) {
        const muir_slot_price *b = &busy[s];
        ideal->compute_mean_s += (b->compute_s + prices->sync[s].optimizer_s) / stages;
        ideal->comm_mean_s +=
            (b->tp_s + b->cp_s + b->ep_s + b->dp_s + prices->sync[s].reduce_s + prices->sync[s].gather_s) /
            stages;
        if (muir_slot_time_s(b) <= most) continue;
        most = muir_slot_time_s(b);
        ideal->busiest = s;
        ideal->part_s[MUIR_PART_compute] = b->compute_s;
        ideal->part_s[MUIR_PART_tp] = b->tp_s;
        ideal->part_s[MUIR_PART_cp] = b->cp_s;
        ideal->part_s[MUIR_PART_ep] = b->ep_s;
        ideal->part_s[MUIR_PART_dp] = b->dp_s;
    }
}

/* After the pipeline: each stage's gradient sync, the norm over all, then optimizer and gather side by side
 * on all stages, of which the longest counts. */
static void add_sync(const muir_prices *prices, muir_ideal *ideal)
{
    double reduced_s = 0.0, norm_s = 0.0, optimizer_s = 0.0, gather_s = 0.0;
    for (int s = 0; s < prices->n_stages; s++) {
        const muir_sync_price *sync = &prices->sync[s];
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
void muir_ideal_fill(muir_ideal *ideal, const muir_order *order, const muir_prices *prices)
{
    const int stages = order->shape.stages;
    double *part = ideal->part_s;
    memset(part, 0, sizeof ideal->part_s);
    memset(ideal->table, 0, ROWS * (size_t)prices->n_chunks * sizeof *ideal->table);
    memset(ideal->busy, 0, (size_t)stages * sizeof *ideal->busy);
    ideal->compute_mean_s = ideal->comm_mean_s = 0.0;
    fill_table(order, prices, ideal->table);
    if (ideal->slack) run_order(order, prices, ideal->table, 0.0, ideal->stage_end_s, ideal->result, NULL);
    double without_messages_s = largest(ideal->stage_end_s, stages);
    run_order(order, prices, ideal->table, 1.0, ideal->stage_end_s, ideal->result, ideal->slack);
    ideal->pipeline_s = largest(ideal->stage_end_s, stages);
    if (!ideal->slack) without_messages_s = ideal->pipeline_s;
    add_busy(order, prices->n_chunks, ideal->table, ideal->busy);
    find_busiest(ideal->busy, prices, ideal);
    part[MUIR_PART_pp] = ideal->pipeline_s - without_messages_s;
    const double bubble_s = without_messages_s - muir_slot_time_s(&ideal->busy[ideal->busiest]);
    /* a difference of long sums: rounding is no bubble */
    part[MUIR_PART_bubble] = bubble_s > 1e-13 * without_messages_s ? bubble_s : 0.0;
    add_sync(prices, ideal);
}

static muir_status create(muir_ctx *ctx, const muir_order *order, const muir_prices *prices, bool has_slack,
                          muir_ideal **out)
{
    muir_status st = MUIR_OK;
    muir_ideal *ideal = NULL;
    const size_t stages = (size_t)order->shape.stages, rows = ROWS * (size_t)prices->n_chunks;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *ideal, "the ideal step", &ideal));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof(double), "the ideal step", &ideal->stage_end_s));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof(double), "the ideal step", &ideal->reduce_s));
    if (has_slack)
        MUIR_TRY(
            muir_alloc(ctx, (size_t)order->n_steps, sizeof *ideal->slack, "the ideal step", &ideal->slack));
    MUIR_TRY(muir_alloc(ctx, (size_t)order->n_registers, sizeof(double), "the ideal step", &ideal->result));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof *ideal->busy, "the ideal step", &ideal->busy));
    MUIR_TRY(muir_alloc(ctx, rows, sizeof *ideal->table, "the ideal step", &ideal->table));
    muir_ideal_fill(ideal, order, prices);
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

muir_status muir_ideal_create(muir_ctx *ctx, const muir_order *order, const muir_prices *prices,
                              muir_ideal **out)
{
    return create(ctx, order, prices, true, out);
}

muir_status muir_ideal_screen(muir_ctx *ctx, const muir_order *order, const muir_prices *prices,
                              muir_ideal **out)
{
    return create(ctx, order, prices, false, out);
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
    muir_prices *prices = NULL;
    muir_ideal *ideal = NULL;
    MUIR_TRY(muir_program_create(ctx, job, &program));
    MUIR_TRY(muir_order_create(ctx, muir_schedule_find(job->parallel.schedule), shape, &order));
    MUIR_TRY(muir_prices_create(ctx, scenario, program, &prices));
    MUIR_TRY(muir_ideal_create(ctx, order, prices, &ideal));
    *step_s = ideal->step_s;
done:
    muir_ideal_destroy(&ideal);
    muir_prices_destroy(&prices);
    muir_order_destroy(&order);
    muir_program_destroy(&program);
    return st;
}
