/* SPDX-License-Identifier: BSD-3-Clause */
/* Watts by phase laid on the ideal schedule, and the energy of a step in closed form. */
#include "power/power.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"

enum { CELLS_PER_S = 2000, LEAST_CELLS = 64, MOST_CELLS = 1 << 17 };

muir_watts muir_watts_of(const muir_scenario *scenario)
{
    const muir_chip *c = &scenario->fleet.chip;
    const double most = scenario->power.cap > 0.0 ? scenario->power.cap : INFINITY;
    const double least = scenario->power.floor, communicate = c->communicate_power;
    muir_watts w = {.part = {[MUIR_SLOT_COMPUTE] = c->compute_power,
                             [MUIR_SLOT_TP] = c->tp_power > 0.0 ? c->tp_power : communicate,
                             [MUIR_SLOT_CP] = c->cp_power > 0.0 ? c->cp_power : communicate,
                             [MUIR_SLOT_EP] = c->ep_power > 0.0 ? c->ep_power : communicate,
                             [MUIR_SLOT_DP] = c->dp_power > 0.0 ? c->dp_power : communicate},
                    .wait = c->wait_power,
                    .idle = c->idle_power,
                    .checkpoint = c->checkpoint_power,
                    .restart = c->restart_power,
                    .evaluation = scenario->evaluation.power};
    double *const others[] = {&w.wait, &w.idle, &w.checkpoint, &w.restart, &w.evaluation};
    for (int part = 0; part < MUIR_SLOT_PARTS; part++)
        w.part[part] = c->tdp_w * fmax(fmin(w.part[part], most), least);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        *others[i] = c->tdp_w * fmax(fmin(*others[i], most), least);
    return w;
}

static muir_status make_profile(muir_ctx *ctx, double length_s, muir_profile *profile)
{
    const double cells = ceil(length_s * CELLS_PER_S);
    profile->length_s = length_s;
    profile->n = cells < LEAST_CELLS ? LEAST_CELLS : cells > MOST_CELLS ? MOST_CELLS : (int)cells;
    return muir_alloc(ctx, (size_t)profile->n + 1, sizeof(double), "the power profile", &profile->energy_j);
}

/* Adds a power from one time to another; energies are those of single cells until add_up. */
static void add_power(muir_profile *p, double from_s, double to_s, double w)
{
    const double cell_s = p->length_s / p->n, from = fmax(0.0, from_s) / cell_s;
    const double to = fmin((double)p->n, to_s / cell_s);
    for (int i = (int)from; i < p->n && (double)i < to; i++)
        p->energy_j[i + 1] += w * cell_s * (fmin(to, i + 1.0) - fmax(from, (double)i));
}

static void add_up(muir_profile *p)
{
    for (int i = 0; i < p->n; i++) p->energy_j[i + 1] += p->energy_j[i];
}

double muir_profile_at(const muir_profile *p, double time_s)
{
    const double at = time_s / p->length_s * p->n;
    if (!(at > 0.0)) return 0.0;
    if (at >= p->n) return p->energy_j[p->n];
    const int i = (int)at;
    return p->energy_j[i] + (at - i) * (p->energy_j[i + 1] - p->energy_j[i]);
}

/* Mean power of a slot [W]. */
static double slot_power(const muir_watts *w, const muir_slot_time *slot)
{
    const double time_s = muir_slot_total_s(slot);
    double energy_j = 0.0;
    for (int part = 0; part < MUIR_SLOT_PARTS; part++) energy_j += slot->part_s[part] * w->part[part];
    return time_s > 0.0 ? energy_j / time_s : w->wait;
}

/* Slots start when the stage is ready, or later by what the schedule's slack says. */
static muir_status fill_pipeline(muir_ctx *ctx, muir_power *power, const muir_order *order,
                                 const muir_slot_times *times, const muir_ideal *ideal)
{
    muir_status st = MUIR_OK;
    double *ready_s = NULL;
    const muir_watts *w = &power->chip;
    const int stages = order->shape.stages;
    const double chips = power->replica_chips / stages;
    muir_profile *p = &power->pipeline;
    MUIR_TRY(muir_alloc(ctx, (size_t)stages, sizeof(double), "the power profile", &ready_s));
    add_power(p, 0.0, p->length_s, w->wait * power->replica_chips);
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        const muir_slot_time slot = muir_step_time(times, step);
        const double start_s = ready_s[step->stage] - (double)ideal->slack[i].self_s;
        ready_s[step->stage] = start_s + muir_slot_total_s(&slot);
        add_power(p, start_s, ready_s[step->stage], chips * (slot_power(w, &slot) - w->wait));
    }
    for (int s = 0; s < stages; s++)
        add_power(p, ideal->stage_end_s[s], ideal->stage_end_s[s] + ideal->reduce_s[s],
                  chips * (w->part[MUIR_SLOT_DP] - w->wait));
    add_up(p);
done:
    free(ready_s);
    return st;
}

/* Norm over all, then each stage's optimizer, the host's turn without a kernel on the chips, the gather. */
static void fill_tail(muir_power *power, const muir_slot_times *times)
{
    const muir_watts *w = &power->chip;
    const double chips = power->replica_chips / times->n_stages;
    const double host_s = power->scenario->job.stack.step_s; /* part of optimizer_s */
    double norm_s = 0.0;
    for (int s = 0; s < times->n_stages; s++) norm_s = fmax(norm_s, times->sync[s].norm_s);
    add_power(&power->tail, 0.0, power->tail.length_s, w->wait * power->replica_chips);
    for (int s = 0; s < times->n_stages; s++) {
        const muir_sync_time *sync = &times->sync[s];
        const double updated_s = norm_s + sync->optimizer_s;
        add_power(&power->tail, 0.0, norm_s, chips * (w->part[MUIR_SLOT_DP] - w->wait));
        add_power(&power->tail, norm_s, updated_s - host_s, chips * (w->part[MUIR_SLOT_COMPUTE] - w->wait));
        add_power(&power->tail, updated_s - host_s, updated_s, chips * (w->idle - w->wait));
        add_power(&power->tail, updated_s, updated_s + sync->gather_s,
                  chips * (w->part[MUIR_SLOT_DP] - w->wait));
    }
    add_up(&power->tail);
}

/* Mean over the servers of the job's chips; equal on all ranks, since each draws all. */
static double spread_of(const muir_scenario *s)
{
    const int64_t servers = s->fleet.top.servers - s->spare_servers;
    double sum = 0.0;
    for (int64_t i = 0; i < servers; i++)
        sum += (double)muir_rng_normal_at((uint64_t)s->run.seed, MUIR_STREAM_POWER, 0, (uint64_t)i);
    return fmax(0.0, 1.0 + s->fleet.variation.power_sigma * sum / (double)servers);
}

/* Power that does not depend on the job: spare chips, hosts, network [W]. */
static double base_of(const muir_scenario *s)
{
    const muir_fleet *fleet = &s->fleet;
    return fleet->chip.tdp_w * fleet->chip.idle_power * (double)s->spare_chips +
           fleet->server.host_w * (double)fleet->top.servers +
           fleet->fabric.switch_w_per_chip * (double)muir_fleet_chips(fleet);
}

muir_status muir_power_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_order *order,
                              const muir_slot_times *times, const muir_ideal *ideal, muir_power **out)
{
    muir_status st = MUIR_OK;
    muir_power *p = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *p, "the power model", &p));
    p->scenario = scenario;
    p->chip = muir_watts_of(scenario);
    p->spread = spread_of(scenario);
    p->base_w = base_of(scenario);
    p->replica_chips = (double)muir_job_replica_chips(&scenario->job);
    MUIR_TRY(make_profile(ctx, ideal->step_s - ideal->tail_s, &p->pipeline));
    MUIR_TRY(make_profile(ctx, ideal->tail_s, &p->tail));
    MUIR_TRY(fill_pipeline(ctx, p, order, times, ideal));
    if (p->tail.length_s > 0.0) fill_tail(p, times);
    *out = p;
    p = NULL;
done:
    muir_power_destroy(&p);
    return st;
}

void muir_power_destroy(muir_power **power)
{
    if (!*power) return;
    free((*power)->pipeline.energy_j);
    free((*power)->tail.energy_j);
    free(*power);
    *power = NULL;
}

double muir_power_chip_w(const muir_power *p)
{
    const double replica_j = p->pipeline.energy_j[p->pipeline.n] + p->tail.energy_j[p->tail.n];
    return replica_j / (p->replica_chips * (p->pipeline.length_s + p->tail.length_s));
}

double muir_power_training_s(const muir_power *p, const muir_power_step *step)
{
    if (step->replicas <= 0.0) return 0.0;
    return p->pipeline.length_s + step->late_s + p->scenario->power.stagger_s + p->tail.length_s;
}

double muir_power_step_s(const muir_power *p, const muir_power_step *step)
{
    return muir_power_training_s(p, step) + step->checkpoint_s + step->evaluation_s + step->recovery_s +
           step->broken_s;
}

double muir_power_evaluation_j(const muir_power *p, double time_s)
{
    const double gap_s = fmin(time_s, p->scenario->evaluation.gap_s);
    return gap_s * p->chip.idle + (time_s - gap_s) * p->chip.evaluation;
}

double muir_power_equipment_j(const muir_power *p, const muir_power_step *step)
{
    const double all = (double)p->scenario->job.parallel.dp, down = all - step->replicas;
    const double wait_w = p->chip.wait * p->replica_chips, chips = p->replica_chips;
    const double pipeline_j = p->pipeline.energy_j[p->pipeline.n], tail_j = p->tail.energy_j[p->tail.n];
    const double waiting_j = wait_w * (step->late_s + p->scenario->power.stagger_s);
    const double pauses_j = step->checkpoint_s * p->chip.checkpoint + step->recovery_s * p->chip.restart +
                            muir_power_evaluation_j(p, step->evaluation_s);
    const double idle_j = down * chips * p->chip.idle * muir_power_training_s(p, step);
    return p->base_w * muir_power_step_s(p, step) + step->broken_s * (step->broken_w - p->base_w) +
           p->spread * (step->replicas * (pipeline_j + tail_j + waiting_j) + idle_j + all * chips * pauses_j +
                        step->delay_sum_s * (pipeline_j / p->pipeline.length_s - wait_w));
}

double muir_power_meter_j(const muir_power *p, const muir_power_step *step)
{
    return p->scenario->fleet.site.pue * muir_power_equipment_j(p, step);
}

double muir_power_ideal_j(const muir_scenario *s, const muir_ideal *ideal)
{
    const muir_watts w = muir_watts_of(s);
    const double communicate_w = s->fleet.chip.tdp_w * fmax(s->fleet.chip.communicate_power, s->power.floor);
    const double rest_s = fmax(0.0, ideal->step_s - ideal->compute_mean_s - ideal->comm_mean_s);
    const double host_s = s->job.stack.step_s; /* part of compute_mean_s */
    const double chip_j = (ideal->compute_mean_s - host_s) * w.part[MUIR_SLOT_COMPUTE] + host_s * w.idle +
                          ideal->comm_mean_s * communicate_w + rest_s * w.wait;
    return s->fleet.site.pue * (base_of(s) * ideal->step_s + (double)muir_job_chips(&s->job) * chip_j);
}
