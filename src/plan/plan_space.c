/* SPDX-License-Identifier: BSD-3-Clause */
/* Which values each searched key may take. */
#include "plan/plan_space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedule/schedule.h"

enum { MOST_TP = 128, MOST_PP = 256, MOST_VPP = 64, LEAST_TOKENS = 2048, LEAST_SHARE = 64 };

static void add(muir_plan_values *values, int64_t value)
{
    if (values->n < MUIR_PLAN_VALUES) values->value[values->n++] = value;
}

static void add_divisors(muir_plan_values *values, int64_t whole, int64_t most)
{
    for (int64_t d = 1; d <= whole && d <= most; d++)
        if (whole % d == 0) add(values, d);
}

/* Chunks that leave no stage with a layer more than another, embedding and head counted or not. */
static bool is_even(const muir_job *job, int64_t chunks)
{
    return job->model.layers % chunks == 0 || (job->model.layers + 2) % chunks == 0;
}

static void list_pp(const muir_scenario *s, bool is_pareto, muir_plan_values *values)
{
    (void)is_pareto;
    for (int64_t pp = 1; pp <= s->job.model.layers + 2 && pp <= MOST_PP; pp++)
        if (is_even(&s->job, pp)) add(values, pp);
}

static void list_tp(const muir_scenario *s, bool is_pareto, muir_plan_values *values)
{
    (void)is_pareto;
    add_divisors(values, s->job.model.heads, MOST_TP);
}

static void list_vpp(const muir_scenario *s, bool is_pareto, muir_plan_values *values)
{
    (void)is_pareto;
    const int64_t pp = s->job.parallel.pp;
    add(values, 1);
    for (int64_t vpp = 2; pp > 1 && pp * vpp <= s->job.model.layers + 2 && vpp <= MOST_VPP; vpp++)
        if (is_even(&s->job, pp * vpp)) add(values, vpp);
}

/* One stage has nothing to order: any schedule stands for all. */
static void list_schedule(const muir_scenario *s, bool is_pareto, muir_plan_values *values)
{
    (void)is_pareto;
    for (int i = 0; i < muir_schedule_count(); i++)
        if (s->job.parallel.pp > 1 || muir_schedule_at(i) == muir_schedule_find("1f1b")) add(values, i);
}

static void list_cp(const muir_scenario *s, bool is_pareto, muir_plan_values *values)
{
    (void)is_pareto;
    add(values, 1);
    for (int64_t cp = 2; cp * LEAST_TOKENS <= s->job.batch.seq_len; cp *= 2) add(values, cp);
}

static void list_ep(const muir_scenario *s, bool is_pareto, muir_plan_values *values)
{
    (void)is_pareto;
    add_divisors(values, s->job.model.experts > 0 ? s->job.model.experts : 1, s->job.model.experts + 1);
}

static void list_micro_batch_size(const muir_scenario *s, bool is_pareto, muir_plan_values *values)
{
    (void)is_pareto;
    for (int64_t size = 1; size <= 16; size *= 2)
        if (s->job.batch.global_batch_size % size == 0) add(values, size);
}

static bool holds_whole_groups(muir_job *job, int64_t dp)
{
    job->parallel.dp = dp;
    return dp % muir_job_expert_replicas(job) == 0;
}

/* The largest number of replicas up to `most` that shares out the batch and holds whole expert groups; 0 if
 * there is none. Counts replicas down or microbatches of a replica up, whichever is shorter. */
static int64_t largest_dp(const muir_job *of, int64_t most)
{
    muir_job job = *of;
    const int64_t batch = job.batch.global_batch_size / job.batch.micro_batch_size;
    if (most < 1) return 0;
    if (most < batch / most) {
        for (int64_t dp = most; dp >= 1; dp--)
            if (batch % dp == 0 && holds_whole_groups(&job, dp)) return dp;
        return 0;
    }
    for (int64_t each = (batch + most - 1) / most; each <= batch; each++)
        if (batch % each == 0 && holds_whole_groups(&job, batch / each)) return batch / each;
    return 0;
}

static void list_dp(const muir_scenario *s, bool is_pareto, muir_plan_values *values)
{
    const int64_t most = muir_fleet_chips(&s->fleet) / muir_job_replica_chips(&s->job);
    for (int64_t dp = largest_dp(&s->job, most); dp > 0; dp = largest_dp(&s->job, dp / 2)) {
        add(values, dp);
        if (!is_pareto || dp < most / LEAST_SHARE) return;
    }
}

/* Only where both axes exist does their order matter. */
static void list_order(const muir_scenario *s, bool is_pareto, muir_plan_values *values)
{
    (void)is_pareto;
    add(values, MUIR_ORDER_PP_OUTERMOST);
    if (s->job.parallel.pp > 1 && s->job.parallel.dp > 1) add(values, MUIR_ORDER_DP_OUTERMOST);
}

/* Choices of recompute beyond those of the key: modules that are cheap to compute again; and what the
 * scenario or an argument says, which stays as it is. */
enum { RECOMPUTE_LIGHT = MUIR_RECOMPUTE_OPS + 1, RECOMPUTE_LATENT, RECOMPUTE_OWN };
static const char *const modules_of[] = {
    [RECOMPUTE_LIGHT] = "norm+activation", [RECOMPUTE_LATENT] = "norm+qkv+activation"};

/* Fused attention keeps no scores, so there is nothing in its core to leave out; latent attention is
 * projected up again from little (DeepSeek-V3, arXiv 2412.19437, section 3.2.3). */
static void list_recompute(const muir_scenario *s, bool is_pareto, muir_plan_values *values)
{
    (void)is_pareto;
    add(values, MUIR_RECOMPUTE_NONE);
    if (!s->job.stack.fused_attention) add(values, MUIR_RECOMPUTE_SELECTIVE);
    if (!s->job.stack.keeps_gradients) add(values, MUIR_RECOMPUTE_OPS);
    add(values, RECOMPUTE_LIGHT);
    if (s->job.model.kv_rank > 0) add(values, RECOMPUTE_LATENT);
    add(values, MUIR_RECOMPUTE_FULL);
}

static int64_t get_recompute(const muir_job *job)
{
    const char *modules = job->parallel.recompute_modules;
    if (job->parallel.recompute != MUIR_RECOMPUTE_SELECTIVE || strcmp(modules, "auto") == 0)
        return job->parallel.recompute;
    for (int64_t value = RECOMPUTE_LIGHT; value < RECOMPUTE_OWN; value++)
        if (strcmp(modules, modules_of[value]) == 0) return value;
    return RECOMPUTE_OWN;
}

static void set_recompute(muir_job *job, int64_t value)
{
    const bool is_by_module = value > MUIR_RECOMPUTE_OPS;
    job->parallel.recompute = is_by_module ? MUIR_RECOMPUTE_SELECTIVE : (int)value;
    if (value == RECOMPUTE_OWN) return;
    snprintf(job->parallel.recompute_modules, sizeof job->parallel.recompute_modules, "%s",
             is_by_module ? modules_of[value] : "auto");
}

/* What the option allows: "0..3". */
static void list_zero_stage(const muir_scenario *s, bool is_pareto, muir_plan_values *values)
{
    (void)is_pareto;
    const muir_section *section = NULL;
    const muir_option *option = muir_schema_find(&muir_scenario_schema, "parallel.zero_stage", &section);
    const char *most = strstr(option->allowed, "..") + 2;
    for (int64_t stage = 0; stage <= (s->job.parallel.dp > 1 ? atoll(most) : 0); stage++) add(values, stage);
}

/* How a job holds each key. */
#define NUMBER(id, field)                                                                                    \
    static int64_t get_##id(const muir_job *job)                                                             \
    {                                                                                                        \
        return job->field;                                                                                   \
    }                                                                                                        \
    static void set_##id(muir_job *job, int64_t value)                                                       \
    {                                                                                                        \
        job->field = (__typeof__(job->field))value;                                                          \
    }
NUMBER(pp, parallel.pp)
NUMBER(tp, parallel.tp)
NUMBER(vpp, parallel.vpp)
NUMBER(cp, parallel.cp)
NUMBER(ep, parallel.ep)
NUMBER(micro_batch_size, batch.micro_batch_size)
NUMBER(dp, parallel.dp)
NUMBER(order, parallel.order)
NUMBER(zero_stage, parallel.zero_stage)
#undef NUMBER

static int64_t get_schedule(const muir_job *job)
{
    for (int i = 0; i < muir_schedule_count(); i++)
        if (strcmp(muir_schedule_at(i)->name, job->parallel.schedule) == 0) return i;
    return -1;
}

static void set_schedule(muir_job *job, int64_t value)
{
    snprintf(job->parallel.schedule, sizeof job->parallel.schedule, "%s", muir_schedule_at((int)value)->name);
    job->place = muir_schedule_at((int)value)->place;
}

#define SEARCH(id, key, help) {key, help, list_##id, get_##id, set_##id},
static const muir_plan_axis axes[] = {
#include "plan/plan.def"
};
#undef SEARCH

int muir_plan_axis_count(void)
{
    return (int)(sizeof axes / sizeof axes[0]);
}

const muir_plan_axis *muir_plan_axis_at(int i)
{
    return &axes[i];
}
