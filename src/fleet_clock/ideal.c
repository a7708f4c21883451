/* SPDX-License-Identifier: BSD-3-Clause */
/* The ideal step and its parts: t = max(own stage ready, input there) + duration, slot by slot. */
#include "fleet_clock/ideal.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

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

static const muir_slot_price *price_of(const muir_prices *prices, const muir_step *step)
{
    return step->phase == MUIR_FORWARD ? &prices->forward[step->chunk] : &prices->backward[step->chunk];
}

/* Forwards leave the last stage for the first, and backwards the other way, only where chunks wrap around. */
static double edge_of(const muir_prices *prices, const muir_step *step)
{
    if (!step->is_remote) return 0.0;
    const int outer = step->phase == MUIR_FORWARD ? 0 : prices->n_stages - 1;
    return step->stage == outer ? prices->wrap_p2p_s : prices->p2p_s;
}

/* Ends of all stages when messages take `edge_scale` of their time; slack may be NULL. */
static void run_order(const muir_order *order, const muir_prices *prices, double edge_scale, double *ready,
                      double *result, muir_slack *slack)
{
    for (int s = 0; s < order->shape.stages; s++) ready[s] = 0.0;
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        const muir_slot_price *price = price_of(prices, step);
        const double own_s = ready[step->stage];
        const double input_s =
            step->from >= 0 ? result[step->from] + edge_scale * edge_of(prices, step) : own_s;
        const double start_s = fmax(own_s, input_s);
        if (slack)
            slack[i] = (muir_slack){.self_s = (float)(own_s - start_s),
                                    .input_s = (float)(input_s - start_s),
                                    .compute_s = (float)price->compute_s};
        ready[step->stage] = start_s + muir_slot_time_s(price);
        if (step->to >= 0) result[step->to] = ready[step->stage];
    }
}

static double largest(const double *x, int n)
{
    double most = x[0];
    for (int i = 1; i < n; i++) most = fmax(most, x[i]);
    return most;
}

typedef struct busy_time {
    double compute_s, tp_s, cp_s, ep_s, dp_s;
} busy_time;

static busy_time busy_of(const muir_order *order, const muir_prices *prices, int stage)
{
    busy_time busy = {0.0, 0.0, 0.0, 0.0, 0.0};
    const double n = order->shape.microbatches;
    for (int chunk = stage; chunk < prices->n_chunks; chunk += prices->n_stages) {
        const muir_slot_price *f = &prices->forward[chunk], *b = &prices->backward[chunk];
        busy.compute_s += n * (f->compute_s + b->compute_s);
        busy.tp_s += n * (f->tp_s + b->tp_s);
        busy.cp_s += n * (f->cp_s + b->cp_s);
        busy.ep_s += n * (f->ep_s + b->ep_s);
        busy.dp_s += n * (f->dp_s + b->dp_s);
    }
    return busy;
}

static double busy_total(busy_time b)
{
    return b.compute_s + b.tp_s + b.cp_s + b.ep_s + b.dp_s;
}

static void find_busiest(const muir_order *order, const muir_prices *prices, muir_ideal *ideal)
{
    double most = -1.0;
    const double stages = prices->n_stages;
    for (int s = 0; s < prices->n_stages; s++) {
        const busy_time busy = busy_of(order, prices, s);
        ideal->compute_mean_s += (busy.compute_s + prices->sync[s].optimizer_s) / stages;
        ideal->comm_mean_s += (busy.tp_s + busy.cp_s + busy.ep_s + busy.dp_s + prices->sync[s].reduce_s +
                               prices->sync[s].gather_s) /
                              stages;
        if (busy_total(busy) <= most) continue;
        most = busy_total(busy);
        ideal->busiest = s;
        ideal->part_s[MUIR_PART_compute] = busy.compute_s;
        ideal->part_s[MUIR_PART_tp] = busy.tp_s;
        ideal->part_s[MUIR_PART_cp] = busy.cp_s;
        ideal->part_s[MUIR_PART_ep] = busy.ep_s;
        ideal->part_s[MUIR_PART_dp] = busy.dp_s;
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
    ideal->step_s = reduced_s + ideal->tail_s; /* as the clock adds it, so that equal chips wait for
                                                  nothing */
    ideal->part_s[MUIR_PART_dp] += reduced_s - ideal->pipeline_s + norm_s + gather_s;
    ideal->part_s[MUIR_PART_optimizer] = optimizer_s;
}

static void fill(const muir_order *order, const muir_prices *prices, double *scratch, muir_ideal *ideal)
{
    const int stages = order->shape.stages;
    run_order(order, prices, 0.0, ideal->stage_end_s, scratch, NULL);
    const double without_messages_s = largest(ideal->stage_end_s, stages);
    run_order(order, prices, 1.0, ideal->stage_end_s, scratch, ideal->slack);
    ideal->pipeline_s = largest(ideal->stage_end_s, stages);
    find_busiest(order, prices, ideal);
    double *part = ideal->part_s;
    part[MUIR_PART_pp] = ideal->pipeline_s - without_messages_s;
    part[MUIR_PART_bubble] = without_messages_s - part[MUIR_PART_compute] - part[MUIR_PART_tp] -
                             part[MUIR_PART_cp] - part[MUIR_PART_ep] - part[MUIR_PART_dp];
    add_sync(prices, ideal);
}

muir_status muir_ideal_create(muir_ctx *ctx, const muir_order *order, const muir_prices *prices,
                              muir_ideal **out)
{
    muir_status st = MUIR_OK;
    muir_ideal *ideal = NULL;
    double *scratch = NULL;
    const size_t stages = (size_t)order->shape.stages;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *ideal, "the ideal step", &ideal));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof(double), "the ideal step", &ideal->stage_end_s));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof(double), "the ideal step", &ideal->reduce_s));
    MUIR_TRY(muir_alloc(ctx, (size_t)order->n_steps, sizeof *ideal->slack, "the ideal step", &ideal->slack));
    MUIR_TRY(muir_alloc(ctx, (size_t)order->n_registers, sizeof(double), "the ideal step", &scratch));
    fill(order, prices, scratch, ideal);
    *out = ideal;
    ideal = NULL;
done:
    free(scratch);
    muir_ideal_destroy(&ideal);
    return st;
}

void muir_ideal_destroy(muir_ideal **ideal)
{
    if (!*ideal) return;
    free((*ideal)->stage_end_s);
    free((*ideal)->reduce_s);
    free((*ideal)->slack);
    free(*ideal);
    *ideal = NULL;
}
