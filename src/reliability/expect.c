/* SPDX-License-Identifier: BSD-3-Clause */
/* Expected goodput from the laws of the event machine. */
#include "reliability/expect.h"

#include <math.h>

#include "reliability/causes.h"
#include "reliability/policy.h"
#include "scenario/fault_log.h"

enum { ROUNDS = 8 };
static const double day_s = 86400.0;

/* What the parts of the expectation share. */
typedef struct laws {
    const muir_scenario *s;
    const muir_faults *f;
    muir_reaction reaction;
    muir_checkpoints checkpoints;
    double step_s, horizon_s;
    double units;          /* of replicas */
    double servers_rate;   /* failures of servers that stop the job [1/s] */
    double job_rate;       /* failures of the job as a whole [1/s] */
    double drained_rate;   /* servers that go to repair [1/s] */
    double evictions_rate; /* [1/s] */
    double migrations_rate;
    int scope;
} laws;

static double seconds(int64_t ns)
{
    return 1e-9 * (double)ns;
}

static double lognormal_mean(double median, double sigma)
{
    return median * exp(0.5 * sigma * sigma);
}

/* Share of a lognormal law beyond x. */
static double beyond(double x, double median, double sigma)
{
    if (sigma <= 0.0) return median > x;
    return 0.5 * erfc(log(x / median) / (sigma * sqrt(2.0)));
}

/* Rates. */

/* Share of the failures of servers that take more than one along on this fleet. */
static double wide_share(const laws *l)
{
    double wide = 0.0, all = 0.0;
    for (int i = 0; i < MUIR_CAUSE_COUNT; i++) {
        int32_t first = 0, last = 0;
        muir_reach_servers(&l->s->fleet, muir_cause_at(i)->reach, 0, &first, &last);
        all += l->f->causes.weight[i];
        if (first < last) wide += l->f->causes.weight[i];
    }
    return all > 0.0 ? wide / all : 0.0;
}

/* Failures that lemons add to those of all servers, as a share, in the mean of the run: they are repaired one
 * by one. */
static double lemons(const laws *l)
{
    const muir_faults_top *t = &l->f->top;
    const double excess = t->lemon_share * (t->lemon_factor - 1.0);
    const double cured_per_s = t->rate * (double)l->s->fleet.server.chips / (1000.0 * day_s) *
                               t->lemon_factor * (1.0 - t->in_place) * l->f->policy.repair_cures;
    const double x = cured_per_s * l->horizon_s;
    if (muir_faults_has_log(l->f)) return 0.0;
    return x > 1e-9 ? excess * -expm1(-x) / x : excess;
}

/* Episodes of slowness that last until somebody acts. */
static double evictions(const laws *l)
{
    const muir_slow_options *o = &l->f->slow;
    const double chip_days_per_s = (double)muir_job_chips(&l->s->job) / (1000.0 * day_s);
    const double width = o->compute_most - o->compute_least;
    const double severe = width > 0.0 ? fmin(1.0, fmax(0.0, (o->compute_most - o->alert_slowdown) / width))
                                      : o->compute_most >= o->alert_slowdown;
    double rate = 0.0;
    if (o->alerts > 0)
        rate += o->compute * severe *
                beyond((double)o->alerts * o->alert_s, o->compute_median_s, o->compute_sigma);
    if (o->network_patience_s > 0.0)
        rate += o->network * beyond(o->network_patience_s, o->network_median_s, o->network_sigma);
    return rate * chip_days_per_s;
}

/* A server that is foreseen to fail is left in time, if there is a spare one: there is none in the share
 * `lacking` of the time. One that stays after a wrong diagnosis fails again. */
static void set_rates(laws *l, double lacking)
{
    const muir_policy *p = &l->f->policy;
    const double single = 1.0 - wide_share(l);
    const double drained = 1.0 - l->f->top.in_place;
    const double explicit_share = 1.0 - muir_causes_timeout_share(&l->f->causes);
    const double seen = p->foreseen * single * explicit_share * (1.0 - lacking);
    const double again = p->evict == MUIR_EVICT_SERVER ? p->misdiagnosis * drained * single : 0.0;
    const double all = (1.0 + lemons(l)) / l->reaction.servers_mtti_s;
    l->job_rate = muir_faults_job_per_day(l->f) / day_s;
    l->servers_rate = all * (1.0 - seen) * (1.0 + again);
    l->evictions_rate = evictions(l);
    l->migrations_rate = all * seen;
    l->drained_rate = l->servers_rate * drained + all * seen + l->evictions_rate;
}

/* Stalls. */

static double load_s(const laws *l, int tier)
{
    return tier < MUIR_TIER_COUNT ? seconds(l->checkpoints.tier[tier].load_ns) : 0.0;
}

static int fastest(const laws *l)
{
    int tier = MUIR_TIER_MEMORY;
    while (tier < MUIR_TIER_COUNT && !l->checkpoints.tier[tier].is_on) tier++;
    return tier;
}

/* A restart of the whole job without anything to be noticed or mended. */
static double restart_s(const laws *l)
{
    const muir_policy *p = &l->f->policy;
    if (p->hot_update_s > 0.0) return p->hot_update_s;
    return l->f->reaction.reschedule_s + p->preflight_s + seconds(l->reaction.init_job_ns) +
           load_s(l, fastest(l));
}

/* Of failures of the job as a whole, by second of time. */
static double job_stalls(const laws *l)
{
    const muir_job_faults *o = &l->f->job;
    const muir_detection *d = &l->f->detection;
    const double start_s = l->f->reaction.reschedule_s + seconds(l->reaction.init_job_ns);
    const double mended_s = start_s + load_s(l, fastest(l)) +
                            muir_policy_mean_retry_s(&l->f->policy, start_s + load_s(l, fastest(l)));
    const double try_s = l->f->policy.hot_update_s > 0.0 ? l->f->policy.hot_update_s : start_s;
    return (l->job_rate * mended_s + o->hang / day_s * d->hang_s +
            (l->job_rate - o->hang / day_s) * lognormal_mean(d->explicit_median_s, d->explicit_sigma) +
            o->deployment / day_s * (double)o->deployment_tries * try_s);
}

static double eviction_s(const laws *l)
{
    int64_t class_ns[MUIR_CLASS_COUNT];
    const bool is_elastic = l->scope == MUIR_SCOPE_ELASTIC;
    const double ready_s = l->f->reaction.reschedule_s + l->s->fleet.server.rewire_s;
    const muir_case served = {.server_ns = llrint(1e9 * ready_s),
                              .load_ns = is_elastic ? 0 : llrint(1e9 * load_s(l, fastest(l)))};
    return seconds(muir_reaction_stall(&l->reaction, l->s, l->scope, &served, class_ns));
}

static double planned(const laws *l)
{
    const muir_job_faults *o = &l->f->job;
    const muir_reaction_options *r = &l->f->reaction;
    double share = l->f->top.planned / day_s * restart_s(l) + l->evictions_rate * eviction_s(l) +
                   o->data_stall / day_s * lognormal_mean(o->data_median_s, o->data_sigma);
    if (o->window_days > 0.0) share += (o->window_s + restart_s(l)) / (o->window_days * day_s);
    if (l->scope == MUIR_SCOPE_ELASTIC) share += (l->servers_rate + l->evictions_rate) * r->join_s;
    return share + l->migrations_rate * l->f->policy.migrate_s;
}

/* Work. */

/* Waits that all chips share: pauses of hosts, and links that flap [s per step]. Of k uniform draws the
 * largest is k / (k + 1) in the mean. */
static double waits_s(const laws *l)
{
    const muir_jitter *j = &l->f->jitter;
    const muir_slow_options *o = &l->f->slow;
    const double hosts = (double)muir_fleet_hosts(&l->s->fleet, muir_job_chips(&l->s->job));
    const double down_s = 0.5 * (o->flap_down_least_s + o->flap_down_most_s),
                 cycles = 0.5 * (double)(o->flap_cycles_least + o->flap_cycles_most);
    const double flaps_per_s = o->flap * (double)muir_job_chips(&l->s->job) / (30.4375 * day_s);
    const double hit = flaps_per_s * cycles * down_s;
    double wait_s = hit > 0.0 ? -expm1(-hit) * down_s * hit / (hit + 1.0) : 0.0;
    if (j->gc_steps > 0) {
        const double k = j->gc_synchronised ? hosts : hosts / (double)j->gc_steps;
        const double longest_s = j->gc_least_s + (j->gc_most_s - j->gc_least_s) * k / (k + 1.0);
        wait_s += j->gc_synchronised ? longest_s / (double)j->gc_steps : -expm1(-k) * longest_s;
    }
    return wait_s + l->step_s * (j->spike_share *
                                     fmin(j->spike_most, lognormal_mean(j->spike_median, j->spike_sigma)) +
                                 j->period_size / (double)j->period);
}

static double saved_per_step_s(const muir_checkpoints *c)
{
    double block_s = 0.0;
    for (int t = 0; t < MUIR_TIER_COUNT; t++)
        if (c->tier[t].is_on) block_s += seconds(c->tier[t].block_ns) / (double)c->tier[t].every;
    return block_s;
}

/* Whether those that are left keep their state, so that nothing but the broken step is lost. */
static bool keeps_state(const laws *l)
{
    return l->scope != MUIR_SCOPE_SYNC && l->s->job.parallel.zero_stage == 0;
}

/* The tier that training goes back to: of those that survive the one that saves most often; MUIR_TIER_NONE if
 * none is left. */
static int tier_of(const laws *l, bool is_memory_left, bool is_disk_left)
{
    const bool survives[MUIR_TIER_COUNT] = {is_memory_left, is_disk_left, true};
    int best = MUIR_TIER_NONE;
    for (int t = 0; t < MUIR_TIER_COUNT; t++) {
        if (!survives[t] || !l->checkpoints.tier[t].is_on) continue;
        if (best == MUIR_TIER_NONE || l->checkpoints.tier[t].every < l->checkpoints.tier[best].every)
            best = t;
    }
    return best;
}

/* Steps between saves of a tier, which waits for its last write; without one, all of the run. */
static double steps_of(const laws *l, int tier)
{
    if (tier == MUIR_TIER_NONE) return fmax(1.0, l->horizon_s / l->step_s);
    const muir_checkpoint_tier *t = &l->checkpoints.tier[tier];
    return fmax((double)t->every, ceil(seconds(t->write_ns) / l->step_s));
}

/* What a failure loses of the work before the broken step, and the load that all wait for [s]. */
static double back_to_s(const laws *l, int tier)
{
    const double write_s = tier == MUIR_TIER_NONE ? 0.0 : seconds(l->checkpoints.tier[tier].write_ns);
    return 0.5 * l->step_s * (steps_of(l, tier) - 1.0) + write_s + load_s(l, tier);
}

/* What failures after which fewer tiers are left lose beyond those that lose least, by second of time; and
 * loads of which the mean stall knows nothing. */
static double lost_beyond(const laws *l, int least)
{
    const double all = l->servers_rate + l->job_rate, in_place = l->f->top.in_place;
    const double wide = l->f->checkpoint.memory_remote ? 0.0 : wide_share(l);
    const double lost = l->f->job.loss_spike / day_s * (double)l->f->job.spike_rewind * l->step_s;
    if (keeps_state(l) || all <= 0.0) return lost;
    const double least_s = back_to_s(l, least), known_s = load_s(l, fastest(l));
    const double drained_s = back_to_s(l, tier_of(l, true, false)) - least_s,
                 wide_s = back_to_s(l, tier_of(l, false, true)) - least_s,
                 both_s = back_to_s(l, tier_of(l, false, false)) - least_s;
    return lost + all * (load_s(l, least) - known_s) +
           l->servers_rate * ((1.0 - wide) * (1.0 - in_place) * drained_s +
                              wide * (in_place * wide_s + (1.0 - in_place) * both_s));
}

/* Mean length of a repair, as far as it lies in the run, in the mean of the times at which it begins [s]. */
static double repair_s(const laws *l)
{
    const muir_faults_top *t = &l->f->top;
    const double half_s = 0.5 * l->horizon_s;
    const double short_s = fmin(lognormal_mean(t->repair_median_s, t->repair_sigma), half_s),
                 long_s = fmin(0.5 * (t->long_repair_min_s + t->long_repair_max_s), half_s);
    return (1.0 - t->long_repair_share) * short_s + t->long_repair_share * long_s;
}

/* Of Poisson's law: the share of draws of at least `spares`, and the mean of units which the servers beyond
 * them leave incomplete, so many servers each, if those are put together in as few units as they go. */
typedef struct shortage {
    double share, units;
} shortage;

static shortage lack(double mean, double spares, double servers_per_unit)
{
    shortage lack = {0.0, 0.0};
    const double most = mean + 12.0 * sqrt(mean) + 12.0;
    for (double k = fmax(0.0, floor(mean - 12.0 * sqrt(mean))); k <= most; k++) {
        const double p = exp(k * log(fmax(mean, 1e-300)) - mean - lgamma(k + 1.0));
        if (k >= spares) lack.share += p;
        if (k > spares) lack.units += p * ceil((k - spares) / servers_per_unit);
    }
    return lack;
}

/* Units that lack servers since a leaf or a rack is in repair. */
static double cut_off_units(const laws *l, double servers_per_unit)
{
    double units = 0.0;
    const double sum = muir_causes_sum(&l->f->causes);
    for (int i = 0; i < MUIR_CAUSE_COUNT; i++) {
        int32_t first = 0, last = 0;
        muir_reach_servers(&l->s->fleet, muir_cause_at(i)->reach, 0, &first, &last);
        const double lacking = (double)(last - first + 1) - (double)l->s->spare_servers;
        if (first == last || lacking <= 0.0) continue;
        units += l->servers_rate * l->f->causes.weight[i] / sum * (1.0 - l->f->top.in_place) * repair_s(l) *
                 ceil(lacking / servers_per_unit);
    }
    return units;
}

/* Stalls of failures that drain a server when no spare one is left: the job waits for the first that comes
 * back, beyond what the mean stall has of it [s]. */
static double spare_wait_s(const laws *l, double share)
{
    const muir_reaction_options *o = &l->f->reaction;
    const double known_s = l->reaction.lacks_spares ? o->no_spare_s : o->reschedule_s;
    if (l->scope == MUIR_SCOPE_ELASTIC) return 0.0;
    return (1.0 - l->f->top.in_place) * (share * o->no_spare_s + o->reschedule_s - known_s);
}

/* Units that are not there: those that start while the others train, and those that lack servers. */
static double missing(const laws *l, double stall_s, double lacking_units)
{
    if (l->scope != MUIR_SCOPE_ELASTIC) return 0.0;
    const double start_s =
        muir_reaction_restart_s(&l->reaction, l->s, l->scope, load_s(l, fastest(l))) + 0.5 * l->step_s;
    const double starting = (l->servers_rate + l->evictions_rate) * fmax(0.0, start_s - stall_s);
    return fmin(1.0, (starting + lacking_units) / l->units);
}

static void set_laws(laws *l, const muir_scenario *s, double params, double step_s)
{
    *l = (laws){.s = s, .f = &s->faults, .step_s = step_s};
    l->units = (double)(s->job.parallel.dp / muir_job_expert_replicas(&s->job));
    l->horizon_s = s->run.days > 0.0 ? s->run.days * day_s : (double)s->run.steps * step_s;
    muir_reaction_init(&l->reaction, s, NULL, step_s);
    muir_checkpoints_init(&l->checkpoints, s, params, step_s, l->reaction.mtti_s, l->reaction.storage_share);
    muir_reaction_init(&l->reaction, s, &l->checkpoints, step_s);
    l->scope = l->reaction.scope;
}

muir_expectation muir_goodput_expect(const muir_scenario *scenario, double params, double step_s)
{
    laws l;
    set_laws(&l, scenario, params, step_s);
    const double servers = (double)(scenario->fleet.top.servers - scenario->spare_servers);
    const double per_unit = fmax(1.0, servers / l.units);
    shortage none = {scenario->spare_servers > 0 ? 0.0 : 1.0, 0.0};
    for (int round = 0; round < ROUNDS; round++) { /* the fewer spares, the fewer servers are left in time */
        set_rates(&l, none.share);
        if (l.drained_rate <= 0.0) break;
        const double share = none.share;
        none = lack(l.drained_rate * repair_s(&l), (double)scenario->spare_servers, per_unit);
        none.share = 0.5 * (share + none.share);
    }
    const double stall_s = l.reaction.stall_s[l.scope] + spare_wait_s(&l, none.share);
    const double missing_share = missing(&l, stall_s, none.units + cut_off_units(&l, per_unit));
    l.servers_rate *= 1.0 - missing_share; /* whose failures stop nobody */
    const double rate = l.servers_rate + l.job_rate;
    muir_expectation e = {.mtti_s = rate > 0.0 ? 1.0 / rate : INFINITY, .scope = l.scope};
    const int tier = tier_of(&l, true, true);
    const double n = keeps_state(&l) ? 1.0 : steps_of(&l, tier);
    const double write_s =
        keeps_state(&l) || tier == MUIR_TIER_NONE ? 0.0 : seconds(l.checkpoints.tier[tier].write_ns);
    const double attempt_s = step_s + waits_s(&l), block_s = saved_per_step_s(&l.checkpoints);
    const double x = rate * (n * (attempt_s + block_s) + 2.0 * write_s);
    e.saved_share = block_s / (attempt_s + block_s);
    e.planned_share = planned(&l);
    e.stalled_share = rate > 0.0 ? l.servers_rate * stall_s + job_stalls(&l) : 0.0;
    e.missing_share = missing_share;
    const double trained = fmax(0.0, 1.0 - e.stalled_share - e.planned_share) * (1.0 - e.saved_share);
    const double kept = x > 1e-9 ? x / expm1(x) : 1.0;
    const double useful = fmax(0.0, trained * kept - lost_beyond(&l, tier));
    e.wasted_share = trained - useful;
    e.saved_share *= 1.0 - e.stalled_share - e.planned_share;
    e.goodput = useful * (1.0 - e.missing_share);
    return e;
}
