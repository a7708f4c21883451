/* SPDX-License-Identifier: BSD-3-Clause */
/* Trying changes of a layout one by one. */
#include "plan/remedies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "step_time/ideal.h"

static bool change_modules(muir_job *job, const char *modules)
{
    if (job->parallel.recompute == MUIR_RECOMPUTE_FULL) return false;
    job->parallel.recompute = MUIR_RECOMPUTE_SELECTIVE;
    snprintf(job->parallel.recompute_modules, sizeof job->parallel.recompute_modules, "%s", modules);
    return true;
}

static bool change_recompute_light(muir_job *job)
{
    return change_modules(job, "norm+activation");
}

static bool change_recompute_mlp(muir_job *job)
{
    return change_modules(job, "norm+mlp");
}

static bool change_recompute_full(muir_job *job)
{
    if (job->parallel.recompute == MUIR_RECOMPUTE_FULL) return false;
    job->parallel.recompute = MUIR_RECOMPUTE_FULL;
    snprintf(job->parallel.recompute_modules, sizeof job->parallel.recompute_modules, "auto");
    return true;
}

static bool change_loss_pieces(muir_job *job)
{
    if (job->parallel.loss_pieces > 1) return false;
    job->parallel.loss_pieces = 8;
    return true;
}

static bool change_sequence_parallel(muir_job *job)
{
    if (job->parallel.sequence_parallel || job->parallel.tp == 1) return false;
    job->parallel.sequence_parallel = true;
    return true;
}

static bool change_zero(muir_job *job, int64_t stage)
{
    if (job->parallel.zero_stage >= stage || job->parallel.dp * job->parallel.cp == 1) return false;
    job->parallel.zero_stage = stage;
    return true;
}

static bool change_zero_1(muir_job *job)
{
    return change_zero(job, 1);
}

static bool change_zero_2(muir_job *job)
{
    return change_zero(job, 2);
}

static bool change_zero_3(muir_job *job)
{
    return change_zero(job, 3);
}

static bool change_smaller_micro_batch(muir_job *job)
{
    if (job->batch.micro_batch_size % 2 != 0) return false;
    job->batch.micro_batch_size /= 2;
    return true;
}

/* Chips go from dp to another axis. */
static bool take_from_dp(muir_job *job, int64_t *axis)
{
    if (job->parallel.dp % 2 != 0) return false;
    job->parallel.dp /= 2;
    *axis *= 2;
    return true;
}

static bool change_more_tp(muir_job *job)
{
    return take_from_dp(job, &job->parallel.tp);
}

static bool change_more_pp(muir_job *job)
{
    return take_from_dp(job, &job->parallel.pp);
}

static bool change_more_cp(muir_job *job)
{
    return take_from_dp(job, &job->parallel.cp);
}

static bool change_offload_optimizer(muir_job *job)
{
    if (job->parallel.offload_optimizer > 0.0) return false;
    job->parallel.offload_optimizer = 1.0;
    return true;
}

static bool change_offload_activations(muir_job *job)
{
    if (job->parallel.offload_activations > 0.0) return false;
    job->parallel.offload_activations = 1.0;
    return true;
}

static const struct {
    const char *text;
    bool (*change)(muir_job *job);
} changes[] = {
#define REMEDY(id, text) {text, change_##id},
#include "plan/remedies.def"
#undef REMEDY
};
enum { CHANGES = sizeof changes / sizeof changes[0] };

/* Whether the changed sizes divide what they must; a refusal is no failure here. */
static bool is_legal(muir_ctx *ctx, muir_job *job)
{
    const int64_t each = job->parallel.dp * job->batch.micro_batch_size;
    if (job->batch.global_batch_size % each != 0) return false;
    job->microbatches = job->batch.global_batch_size / each;
    const muir_shape shape = {(int)job->parallel.pp, (int)job->parallel.vpp, (int)job->microbatches};
    const bool is_legal = muir_job_check(ctx, job) == MUIR_OK &&
                          muir_schedule_find(job->parallel.schedule)->check(ctx, shape) == MUIR_OK;
    muir_ctx_clear(ctx);
    return is_legal;
}

/* Memory first, and the step's time only if it fits. */
static muir_status measure(muir_ctx *ctx, const muir_scenario *s, muir_remedy *r)
{
    muir_status st = MUIR_OK;
    muir_program *program = NULL;
    muir_slot_times *times = NULL;
    muir_order *order = NULL;
    muir_ideal *ideal = NULL;
    const muir_parallel *p = &s->job.parallel;
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)s->job.microbatches};
    MUIR_TRY(muir_program_create(ctx, &s->job, &program));
    MUIR_TRY(muir_scenario_memory(ctx, s, program, &r->memory));
    r->fit = muir_memory_fit_of(&r->memory, &s->fleet.chip);
    if (r->fit.verdict != MUIR_FITS) goto done;
    MUIR_TRY(muir_order_create(ctx, muir_schedule_find(p->schedule), shape, &order));
    MUIR_TRY(muir_slot_times_create(ctx, s, program, &times));
    MUIR_TRY(muir_ideal_create(ctx, order, times, &ideal));
    r->step_s = ideal->step_s;
done:
    muir_ideal_destroy(&ideal);
    muir_slot_times_destroy(&times);
    muir_order_destroy(&order);
    muir_program_destroy(&program);
    return st;
}

static int by_step(const void *a, const void *b)
{
    const double x = ((const muir_remedy *)a)->step_s, y = ((const muir_remedy *)b)->step_s;
    return x < y ? -1 : x > y;
}

/* One change, or full recompute first and the change on top. */
static muir_status try_change(muir_ctx *ctx, const muir_scenario *scenario, int change, bool is_on_top,
                              muir_remedy *remedies, int *n)
{
    muir_status st = MUIR_OK;
    muir_scenario s = *scenario;
    muir_remedy r = {.text = changes[change].text};
    if (is_on_top && !change_recompute_full(&s.job)) return MUIR_OK;
    if (is_on_top) r.and = "parallel.recompute=full";
    if (*n == MUIR_MOST_REMEDIES || !changes[change].change(&s.job) || !is_legal(ctx, &s.job)) return MUIR_OK;
    MUIR_TRY(measure(ctx, &s, &r));
    if (r.fit.verdict == MUIR_FITS) remedies[(*n)++] = r;
done:
    return st;
}

muir_status muir_remedies_find(muir_ctx *ctx, const muir_scenario *scenario, muir_remedy *remedies, int *n)
{
    muir_status st = MUIR_OK;
    *n = 0;
    for (int on_top = 0; on_top < 2; on_top++)
        for (int change = 0; change < CHANGES; change++)
            MUIR_TRY(try_change(ctx, scenario, change, on_top, remedies, n));
    qsort(remedies, (size_t)*n, sizeof *remedies, by_step);
done:
    return st;
}
