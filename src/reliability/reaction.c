/* SPDX-License-Identifier: BSD-3-Clause */
/* Reactions: start laws, stalls, and the choice of a scope. */
#include "reliability/reaction.h"

#include <math.h>
#include <string.h>

#include "base/real.h"
#include "reliability/causes.h"
#include "reliability/policy.h"

static int64_t ns(double seconds)
{
    return llrint(seconds * 1e9);
}

const char *muir_scope_name(int scope)
{
    return muir_schema_word(&muir_faults_schema, "reaction.scope", scope);
}

/* Sources: MegaScale, arXiv 2402.15627 (fast); MLPerf Training v3.1 and v4.0 logs, first event to start of
 * the run. These two were measured up to 11,616 chips and stay flat from 16,384 on: nobody has started more
 * that way. */
static double init_s(int law, double n)
{
    const double most = 16384.0;
    if (law != MUIR_INIT_FAST) n = fmin(n, most);
    if (law == MUIR_INIT_2023) return 162.0 + 2.0e-6 * n * n;
    if (law == MUIR_INIT_2024) return 270.0 + 0.048 * n;
    return 2.0 + 2.0 * muir_real_log(n > 1.0 ? n : 1.0) / 0.6931471805599453;
}

/* Servers' failures survive in peer memory, without it in place on disk; else storage is needed. Copies in
 * memory and on disks survive a failure of the whole job.
 * of_servers  in  share of failures that are servers' */
static double storage_share(const muir_faults *f, double of_servers)
{
    const muir_checkpoint_options *o = &f->checkpoint;
    const double wide = muir_causes_wide_share(&f->causes);
    const double without_memory = o->disk ? 1.0 - f->top.in_place : 1.0;
    if (!o->memory && !o->disk) return 1.0;
    return of_servers * (!o->memory ? without_memory : o->memory_remote ? 0.0 : wide * without_memory);
}

static double mean_detection_s(const muir_faults *f)
{
    const double hang = muir_causes_timeout_share(&f->causes), sigma = f->detection.explicit_sigma;
    return hang * f->detection.hang_s +
           (1.0 - hang) * f->detection.explicit_median_s * muir_real_exp(0.5 * sigma * sigma);
}

/* Half the interval of the fastest tier, and half a step. */
static double mean_lost_s(const muir_checkpoints *c, double step_s)
{
    for (int t = 0; t < MUIR_TIER_COUNT; t++)
        if (c->tier[t].is_on)
            return 0.5 * step_s * (double)c->tier[t].every + 0.5e-9 * (double)c->tier[t].write_ns;
    return 1e18; /* nothing is ever saved */
}

static double mean_load_s(const muir_checkpoints *c)
{
    for (int t = 0; t < MUIR_TIER_COUNT; t++)
        if (c->tier[t].is_on) return 1e-9 * (double)c->tier[t].load_ns;
    return 0.0;
}

/* Whether more servers are in repair than there are spares, in the mean. */
static bool lacks_spares(const muir_reaction *r, const muir_scenario *s)
{
    const muir_faults_top *f = &s->faults.top;
    const double short_s = f->repair_median_s * muir_real_exp(0.5 * f->repair_sigma * f->repair_sigma),
                 long_s = 0.5 * (f->long_repair_min_s + f->long_repair_max_s);
    const double repair_s = short_s + f->long_repair_share * (long_s - short_s);
    return (1.0 - f->in_place) * repair_s / r->servers_mtti_s > (double)s->spare_servers;
}

static void expect(muir_reaction *r, const muir_scenario *s, const muir_checkpoints *c, double step_s)
{
    const muir_faults *f = &s->faults;
    const muir_reaction_options *o = &f->reaction;
    const double sigma = o->operator_sigma;
    r->lacks_spares = lacks_spares(r, s);
    const double replace_s = (r->lacks_spares ? o->no_spare_s : o->reschedule_s) + s->fleet.server.rewire_s;
    const muir_case mean = {
        ns(mean_detection_s(f)), ns(o->operator_median_s * muir_real_exp(0.5 * sigma * sigma)),
        ns(f->top.in_place * o->reschedule_s + (1.0 - f->top.in_place) * replace_s), ns(mean_load_s(c)), 0};
    const bool is_replicated = s->job.parallel.zero_stage == 0 || f->checkpoint.memory;
    int64_t class_ns[MUIR_CLASS_COUNT];
    const double load_s = mean_load_s(c);
    for (int scope = MUIR_SCOPE_SYNC; scope <= MUIR_SCOPE_ELASTIC; scope++) {
        const double lost_s =
            scope != MUIR_SCOPE_SYNC && is_replicated ? 0.5 * step_s : mean_lost_s(c, step_s);
        muir_case failure = mean;
        failure.retry_ns =
            ns(muir_policy_mean_retry_s(&f->policy, muir_reaction_restart_s(r, s, scope, load_s)));
        if (scope == MUIR_SCOPE_ELASTIC && is_replicated) failure.load_ns = 0; /* nobody else goes back */
        r->stall_s[scope] = 1e-9 * (double)muir_reaction_stall(r, s, scope, &failure, class_ns);
        r->share[scope] = fmax(0.0, 1.0 - (r->stall_s[scope] + lost_s) / r->mtti_s);
    }
}

/* The first that keeps 90 % of the time, else the best; where none keeps any, the shortest stall. */
static int choose(const muir_reaction *r, bool is_alone)
{
    int best = MUIR_SCOPE_SYNC;
    if (is_alone) return best;
    for (int scope = MUIR_SCOPE_SYNC; scope <= MUIR_SCOPE_ELASTIC; scope++) {
        if (r->share[scope] >= 0.9) return scope;
        const bool is_equal = r->share[scope] == r->share[best]; /* both 0 */
        if (r->share[scope] > r->share[best] || (is_equal && r->stall_s[scope] < r->stall_s[best]))
            best = scope;
    }
    return best;
}

void muir_reaction_init(muir_reaction *r, const muir_scenario *s, const muir_checkpoints *c, double step_s)
{
    const muir_faults *f = &s->faults;
    const double units = (double)(s->job.parallel.dp / muir_job_expert_replicas(&s->job)),
                 chips = (double)muir_job_chips(&s->job);
    memset(r, 0, sizeof *r);
    const double job_per_day = muir_faults_job_per_day(f);
    const bool has_failures = muir_faults_has_failures(f);
    r->servers_mtti_s = f->top.rate > 0.0 ? 8.64e7 / (f->top.rate * chips) : INFINITY;
    r->mtti_s =
        job_per_day > 0.0 ? 1.0 / (1.0 / r->servers_mtti_s + job_per_day / 86400.0) : r->servers_mtti_s;
    if (has_failures)
        r->storage_share = storage_share(f, job_per_day > 0.0 ? r->mtti_s / r->servers_mtti_s : 1.0);
    r->init_job_ns = ns(init_s(f->reaction.init, chips));
    r->init_unit_ns = ns(init_s(f->reaction.init, chips / units));
    r->reconnect_ns =
        ns(f->reaction.reconnect_s > 0.0 ? f->reaction.reconnect_s : init_s(MUIR_INIT_FAST, units));
    r->scope = f->reaction.scope;
    if (!c) return;
    if (has_failures) expect(r, s, c, step_s);
    r->is_chosen = r->scope == MUIR_SCOPE_AUTO;
    if (r->is_chosen) r->scope = has_failures ? choose(r, units < 2.0) : MUIR_SCOPE_SYNC;
    if (units < 2.0) r->scope = MUIR_SCOPE_SYNC;
}

double muir_reaction_restart_s(const muir_reaction *r, const muir_scenario *s, int scope, double load_s)
{
    const int64_t start_ns = scope == MUIR_SCOPE_SYNC ? r->init_job_ns : r->init_unit_ns;
    return s->faults.reaction.reschedule_s + 1e-9 * (double)start_ns + load_s;
}

int64_t muir_reaction_stall(const muir_reaction *r, const muir_scenario *s, int scope,
                            const muir_case *failure, int64_t *class_ns)
{
    const muir_reaction_options *o = &s->faults.reaction;
    const double fixed_s = scope == MUIR_SCOPE_SYNC      ? o->sync_stall_s
                           : scope == MUIR_SCOPE_REPLICA ? o->replica_stall_s
                                                         : 0.0;
    memset(class_ns, 0, MUIR_CLASS_COUNT * sizeof *class_ns);
    if (fixed_s > 0.0) {
        class_ns[MUIR_CLASS_infrastructure_recovery] = ns(fixed_s) + failure->retry_ns;
        return ns(fixed_s) + failure->retry_ns;
    }
    class_ns[MUIR_CLASS_detection] = failure->detection_ns;
    class_ns[MUIR_CLASS_checkpoint_restore] = failure->load_ns;
    if (scope == MUIR_SCOPE_ELASTIC) {
        class_ns[MUIR_CLASS_program_startup] = r->reconnect_ns;
    } else {
        class_ns[MUIR_CLASS_infrastructure_recovery] =
            failure->operator_ns + failure->server_ns + failure->retry_ns;
        class_ns[MUIR_CLASS_program_startup] =
            scope == MUIR_SCOPE_SYNC ? r->init_job_ns : r->init_unit_ns + r->reconnect_ns;
    }
    return class_ns[MUIR_CLASS_detection] + class_ns[MUIR_CLASS_checkpoint_restore] +
           class_ns[MUIR_CLASS_infrastructure_recovery] + class_ns[MUIR_CLASS_program_startup];
}
