/* SPDX-License-Identifier: BSD-3-Clause */
/* The fleet clock's step: draws, schedule, and the meeting of all replicas in one MPI reduction. */
#include "fleet_clock/fleet_clock_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "power/cost.h"
#include "fleet_clock/rows.h"

static muir_status make_parts(muir_ctx *ctx, muir_fleet_clock *c)
{
    muir_status st = MUIR_OK;
    const muir_parallel *p = &c->scenario->job.parallel;
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)c->scenario->job.microbatches};
    const size_t stages = (size_t)p->pp;
    MUIR_TRY(muir_program_create(ctx, &c->scenario->job, &c->program));
    MUIR_TRY(muir_slot_times_create(ctx, c->scenario, c->program, &c->times));
    MUIR_TRY(muir_order_create(ctx, muir_schedule_find(p->schedule), shape, &c->order));
    MUIR_TRY(muir_ideal_create(ctx, c->order, c->times, &c->ideal));
    MUIR_TRY(muir_slowdown_create(ctx, c->scenario, c->fold.replicas, &c->slowdown));
    MUIR_TRY(muir_lengths_create(ctx, c->scenario, c->fold.replicas, &c->lengths));
    MUIR_TRY(muir_experts_create(ctx, c->scenario, c->program, c->times, &c->experts));
    c->now = c->ideal;
    if (muir_experts_are_drawn(c->experts)) MUIR_TRY(muir_ideal_create(ctx, c->order, c->times, &c->now));
    MUIR_TRY(muir_engine_create(ctx, c->order, c->now, c->lengths, &c->engine));
    MUIR_TRY(muir_power_create(ctx, c->scenario, c->order, c->times, c->ideal, &c->power));
    MUIR_TRY(muir_events_create(ctx, c->scenario, c->program->params, c->ideal->step_s, &c->events));
    c->slowdown->servers = muir_events_servers(c->events);
    MUIR_TRY(muir_alloc(ctx, stages, sizeof(double), "the fleet clock", &c->delays.stage_s));
    MUIR_TRY(muir_alloc(ctx, stages, sizeof(int64_t), "the fleet clock", &c->delays.stage_replica));
    MUIR_TRY(muir_alloc(ctx, stages + 4, sizeof(muir_maximum), "the fleet clock", &c->meeting));
done:
    return st;
}

muir_status muir_fleet_clock_create(muir_ctx *ctx, const muir_scenario *scenario, muir_fleet_clock **out)
{
    muir_status st = MUIR_OK;
    muir_fleet_clock *c = NULL;
    st = muir_alloc(ctx, 1, sizeof *c, "the fleet clock", &c);
    if (st == MUIR_OK) {
        c->scenario = scenario;
        c->fold = muir_fold_make(scenario, ctx->size, ctx->rank);
        c->cost = muir_cost_of(scenario);
        c->hold = muir_hold_make(scenario->fleet.variation.draw_steps);
        c->delays.bin_ns = (int64_t)fmax(1.0, 0.25e9 / scenario->power.sample_hz);
        st = make_parts(ctx, c);
    }
    MUIR_TRY(muir_agree(ctx, st));
    *out = c;
    c = NULL;
done:
    muir_fleet_clock_destroy(&c);
    return st;
}

void muir_fleet_clock_destroy(muir_fleet_clock **clock)
{
    muir_fleet_clock *c = *clock;
    if (!c) return;
    muir_power_destroy(&c->power);
    muir_events_destroy(&c->events);
    muir_engine_destroy(&c->engine);
    muir_experts_destroy(&c->experts);
    muir_lengths_destroy(&c->lengths);
    muir_slowdown_destroy(&c->slowdown);
    if (c->now != c->ideal) muir_ideal_destroy(&c->now);
    muir_ideal_destroy(&c->ideal);
    muir_order_destroy(&c->order);
    muir_slot_times_destroy(&c->times);
    muir_program_destroy(&c->program);
    free(c->delays.stage_s);
    free(c->delays.stage_replica);
    free(c->meeting);
    free(c);
    *clock = NULL;
}

/* Power traces know the ideal step with experts loaded as expected. */
static void late_against_expected(muir_fleet_clock *c)
{
    const int64_t shift_ns = llrint((c->now->step_s - c->ideal->step_s) * 1e9);
    for (int b = 0; b < MUIR_DELAY_BINS; b++) c->bins.sum_ns[b] += c->bins.count[b] * shift_ns;
}

/* Replicas meet at the gradient sync: the latest end of each stage over all of them. */
static muir_status meet(muir_ctx *ctx, muir_fleet_clock *c, int flag)
{
    muir_status st = MUIR_OK;
    const int stages = c->order->shape.stages;
    for (int s = 0; s < stages; s++)
        c->meeting[s] = (muir_maximum){c->delays.stage_s[s], (int)c->delays.stage_replica[s]};
    c->meeting[stages] = (muir_maximum){c->delays.worst_s, (int)c->delays.worst_replica};
    c->meeting[stages + 1] = (muir_maximum){(double)flag, 0};
    c->meeting[stages + 2] = (muir_maximum){c->longest, 0};
    c->meeting[stages + 3] = (muir_maximum){(double)c->slowdown->warmest_c, 0};
    c->sum = (muir_fleet_sums){c->delays.sum_ns, c->slowdown->n_throttled};
    if (ctx->size > 1) { /* one process may be without MPI */
        MUIR_TRY_MPI(
            MPI_Allreduce(MPI_IN_PLACE, c->meeting, stages + 4, MPI_DOUBLE_INT, MPI_MAXLOC, ctx->comm));
        MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &c->sum, 2, MPI_INT64_T, MPI_SUM, ctx->comm));
        if (c->delays.bins)
            MUIR_TRY_MPI(
                MPI_Allreduce(MPI_IN_PLACE, &c->bins, 2 * MUIR_DELAY_BINS, MPI_INT64_T, MPI_SUM, ctx->comm));
    }
    if (c->delays.bins) late_against_expected(c);
done:
    return st;
}

/* All that ranks exchange in a step whose replicas do as in the one before. */
static muir_status share_flag(muir_ctx *ctx, muir_fleet_clock *c, int flag)
{
    muir_status st = MUIR_OK;
    if (ctx->size > 1) MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &flag, 1, MPI_INT, MPI_MAX, ctx->comm));
    c->meeting[c->order->shape.stages + 1].value = (double)flag;
done:
    return st;
}

/* Replicas that an attempt begins with. */
static int64_t trained_by(const muir_fleet_clock *c, const muir_disturbance *d)
{
    return c->scenario->job.parallel.dp - (int64_t)d->n_down * d->unit_replicas;
}

/* An evaluation follows each N-th step. */
static double evaluation_s(const muir_evaluation_options *e, int64_t step)
{
    return e->every > 0 && (step + 1) % e->every == 0 ? e->time_s : 0.0;
}

/* Energy and cost, from the parts. */
static void fill_power(const muir_fleet_clock *c, muir_fleet_row *row)
{
    const muir_power_step step = muir_fleet_row_power(c, row);
    row->energy_j = muir_power_meter_j(c->power, &step);
    row->power_w = row->energy_j / row->step_s;
    row->cost_usd = muir_cost_usd(&c->cost, row->step_s, row->energy_j);
}

/* Shares out what the step takes longer than the ideal one: the mean replica's own part of it, and what all
 * wait for slower replicas and ports. Delays are added up in whole nanoseconds, so a wait of less than half
 * of one is none. */
static void share_delay(const muir_ideal *ideal, muir_fleet_row *row)
{
    const double delay_s = row->step_s - ideal->step_s, wait_s = row->step_s - row->replica_mean_s;
    row->part_s[MUIR_PART_straggler] = wait_s > 0.5e-9 ? wait_s : 0.0;
    row->part_s[MUIR_PART_variation] = delay_s - row->part_s[MUIR_PART_straggler];
}

/* The step as it would be without a failure, its evaluation included. Slow network ports stretch the gradient
 * sync of their stage, and the gather of the weights, which all wait for. */
static void fill_fleet_row(const muir_fleet_clock *c, int64_t step, const muir_disturbance *d,
                           muir_fleet_row *row)
{
    const muir_ideal *ideal = c->now;
    const int stages = c->order->shape.stages;
    double reduced_s = 0.0, gather_s = 0.0;
    for (int s = 0; s < stages; s++) {
        const double reduce_s = ideal->reduce_s[s] * d->stretch[s];
        reduced_s = fmax(reduced_s, ideal->stage_end_s[s] + c->meeting[s].value + reduce_s);
        gather_s = fmax(gather_s, c->times->sync[s].gather_s * (d->stretch[s] - 1.0));
    }
    row->step_s = reduced_s + ideal->tail_s + gather_s + c->scenario->power.stagger_s;
    memcpy(row->part_s, ideal->part_s, sizeof row->part_s);
    row->replica_mean_s = ideal->step_s + 1e-9 * (double)c->sum.delay_ns / (double)trained_by(c, d);
    share_delay(ideal, row);
    row->slowest_replica = c->meeting[stages].index;
    row->flag = (int)c->meeting[stages + 1].value;
    row->longest_replica = c->meeting[stages + 2].value;
    muir_row_disturb(row, d);
    row->part_s[MUIR_PART_evaluation] = evaluation_s(&c->scenario->evaluation, step);
    row->step_s += row->part_s[MUIR_PART_evaluation];
}

/* Of a row that still holds the whole attempt: what of it was trained for nothing, at its mean power. */
static void fill_broken(const muir_fleet_clock *c, const muir_disturbance *d, const muir_attempt *a,
                        muir_fleet_row *row)
{
    row->broken_s = row->broken_w = 0.0;
    if (a->is_kept) return;
    row->replicas = trained_by(c, d);
    const muir_power_step whole = muir_fleet_row_power(c, row);
    row->broken_s = 1e-9 * (double)a->broken_ns;
    row->broken_w = muir_power_equipment_j(c->power, &whole) / row->step_s;
}

/* Maxima over ranks of every server's slowest chip; servers that nobody touched hold no chip of the job. */
static muir_status gather_servers(muir_ctx *ctx, const muir_fleet_clock *c, float *servers)
{
    muir_status st = MUIR_OK;
    const int64_t n = c->scenario->fleet.top.servers;
    if (ctx->size > 1)
        MUIR_TRY_MPI(MPI_Reduce(muir_is_root(ctx) ? MPI_IN_PLACE : servers, servers, (int)n, MPI_FLOAT,
                                MPI_MAX, 0, ctx->comm));
    if (muir_is_root(ctx))
        for (int64_t i = 0; i < n; i++)
            if (servers[i] < 0.0f) servers[i] = NAN;
done:
    return st;
}

/* What the row meets, and how warm the chips are. */
static muir_heat_step begin_row(muir_fleet_clock *c, int64_t row, muir_disturbance *d)
{
    if (!c->has_begun) muir_heat_init(&c->heat, c->scenario, c->power, (double)row * c->ideal->step_s);
    c->has_begun = true;
    muir_events_begin(c->events, row, d);
    for (int32_t i = 0; i < d->n_moved; i++) muir_slowdown_move(c->slowdown, d->moved[i]);
    const muir_heat_step heat = muir_heat_at(&c->heat, muir_events_goodput(c->events)->total_ns);
    muir_hold_begin(&c->hold, row, &heat);
    return heat;
}

/* What this rank's replicas do with the present draws: a function of these and of the disturbance. */
static void compute(muir_fleet_clock *c, const muir_disturbance *d, float *servers)
{
    const int64_t draw = c->hold.draw;
    if (servers)
        for (int64_t i = 0; i < c->scenario->fleet.top.servers; i++) servers[i] = -1.0f;
    muir_slowdown_step(c->slowdown, (uint32_t)draw, d, &c->hold.heat, servers);
    c->longest = muir_lengths_step(c->lengths, (uint32_t)draw);
    c->expert_load = muir_experts_step(c->experts, draw);
    if (c->now != c->ideal) muir_ideal_fill(c->now, c->order, c->experts->now);
    c->delays.bins = c->has_bins ? &c->bins : NULL;
    muir_engine_step(c->engine, c->slowdown, &c->delays);
    muir_hold_keep(&c->hold, d);
}

/* Rows of servers and bins of delays are made by computing. */
static bool is_held(const muir_fleet_clock *c, const muir_disturbance *d, const float *servers)
{
    return !servers && !c->has_bins && muir_hold_is_same(&c->hold, d);
}

muir_status muir_fleet_clock_step(muir_ctx *ctx, muir_fleet_clock *c, int64_t step, int flag,
                                  muir_fleet_row *fleet, muir_rank_row *rank, float *servers)
{
    muir_status st = MUIR_OK;
    muir_disturbance d;
    muir_attempt attempt;
    const double start_s = muir_now_s();
    const muir_heat_step heat = begin_row(c, step, &d);
    const bool is_same = is_held(c, &d, servers);
    if (!is_same) compute(c, &d, servers);
    const double computed_s = muir_now_s();
    MUIR_TRY(is_same ? share_flag(ctx, c, flag) : meet(ctx, c, flag));
    fill_fleet_row(c, step, &d, fleet);
    fleet->expert_load = c->expert_load;
    fleet->mean_c = heat.mean_c;
    fleet->hottest_c = heat.mean_c + c->meeting[c->order->shape.stages + 3].value;
    fleet->throttled = (double)c->sum.throttled / (double)muir_job_chips(&c->scenario->job);
    muir_events_end(c->events, fleet->step_s, &attempt);
    muir_heat_advance(&c->heat, &attempt);
    fill_broken(c, &d, &attempt, fleet);
    muir_row_end(fleet, c->scenario, &attempt, c->program->model_flop, c->times->executed_flop);
    fill_power(c, fleet);
    fleet->goodput = muir_goodput_share(muir_events_goodput(c->events));
    if (servers) MUIR_TRY(gather_servers(ctx, c, servers));
    rank->compute_s = computed_s - start_s;
    rank->meet_s = muir_now_s() - computed_s;
done:
    return st;
}

void muir_fleet_clock_want_bins(muir_fleet_clock *clock, bool is_wanted)
{
    clock->has_bins = is_wanted;
}

const muir_delay_bins *muir_fleet_clock_bins(const muir_fleet_clock *clock)
{
    return &clock->bins;
}

/* Of a step that was broken off, what was not trained counts as standing still. */
muir_power_step muir_fleet_row_power(const muir_fleet_clock *c, const muir_fleet_row *row)
{
    const double pauses_s = row->part_s[MUIR_PART_checkpoint] + row->part_s[MUIR_PART_evaluation] +
                            row->part_s[MUIR_PART_recovery];
    const double replicas = (double)row->replicas;
    muir_power_step step = {.replicas = replicas,
                            .checkpoint_s = row->part_s[MUIR_PART_checkpoint],
                            .evaluation_s = row->part_s[MUIR_PART_evaluation],
                            .recovery_s = row->part_s[MUIR_PART_recovery] - row->broken_s,
                            .broken_s = row->broken_s,
                            .broken_w = row->broken_w};
    if (row->replicas == 0) return step;
    step.late_s = row->step_s - pauses_s - c->ideal->step_s - c->scenario->power.stagger_s;
    step.delay_sum_s = (row->replica_mean_s - c->ideal->step_s) * replicas;
    return step;
}

void muir_fleet_clock_replay(muir_fleet_clock *c, int64_t step, double attempt_s)
{
    muir_disturbance d;
    muir_attempt attempt;
    begin_row(c, step, &d);
    muir_hold_drop(&c->hold);
    muir_events_end(c->events, attempt_s, &attempt);
    muir_heat_advance(&c->heat, &attempt);
}

void muir_fleet_clock_lend(muir_fleet_clock *clock, int32_t server, bool is_taken)
{
    muir_events_lend(clock->events, server, is_taken);
}
