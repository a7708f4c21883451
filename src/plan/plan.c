/* SPDX-License-Identifier: BSD-3-Clause */
/* The search: every combination of the searched keys' values, timed, and the best kept. */
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "estimate/interval.h"
#include "power/cost.h"
#include "reliability/expect.h"
#include "power/power.h"
#include "plan/plan_bounds.h"
#include "plan/plan_known.h"
#include "plan/plan_rank.h"
#include "plan/plan_space.h"
#include "memory/fit.h"

enum { MOST_PARETO = 1024 };

typedef struct search {
    const muir_plan_request *request;
    muir_scenario work; /* the candidate */
    bool is_fixed[MUIR_PLAN_KEYS];
    int64_t deal; /* counts what is dealt over ranks */
    muir_known *known;
    muir_ranking *ranking;
    muir_plan_entry own;
    int64_t count[3]; /* legal, fitting, better than own: reduced over ranks together */
} search;

enum { LEGAL, FITTING, BETTER, COUNTS };

/* Pays for the servers that the job uses. */
static void fill_entry(const muir_scenario *s, muir_plan_by by, const muir_program *program,
                       const muir_ideal *ideal, muir_plan_entry *e)
{
    const muir_batch *batch = &s->job.batch;
    const double tokens = (double)(batch->global_batch_size * batch->seq_len);
    const double peak = muir_scenario_peak_flop_per_s(s);
    const muir_cost cost = muir_cost_of(s);
    const double energy_j = muir_power_ideal_j(s, ideal);
    memcpy(e->part_s, ideal->part_s, sizeof e->part_s);
    e->step_s = e->low_s = e->high_s = ideal->step_s;
    e->mfu = program->model_flop / (ideal->step_s * peak * (double)e->chips);
    e->power_w = energy_j / ideal->step_s;
    e->tokens_per_s = tokens / ideal->step_s;
    e->goodput = muir_goodput_expect(s, program->params, ideal->step_s).goodput;
    e->usd_per_mtoken = muir_cost_usd(&cost, ideal->step_s, energy_j) / tokens * 1e6 / e->goodput;
    e->score = by == MUIR_PLAN_BY_STEP     ? e->step_s
               : by == MUIR_PLAN_BY_TOKENS ? e->step_s / (tokens * e->goodput)
                                           : e->usd_per_mtoken;
}

static void set_memory(muir_plan_entry *e, muir_memory memory, const muir_chip *chip)
{
    const muir_memory_fit fit = muir_memory_fit_of(&memory, chip);
    e->memory_bytes = memory.total;
    e->headroom_bytes = fit.headroom;
    e->verdict = fit.verdict;
    e->is_fitting = fit.verdict == MUIR_FITS;
}

/* A bound below the score from one below the step; no bound on cost, which depends on power. */
static double score_of_step(const muir_scenario *s, muir_plan_by by, double step_s)
{
    if (by == MUIR_PLAN_BY_STEP) return step_s;
    if (by == MUIR_PLAN_BY_TOKENS)
        return step_s / (double)(s->job.batch.global_batch_size * s->job.batch.seq_len);
    return 0.0;
}

/* Whether a layout that takes this long at least is neither wanted nor better than the own one, so that its
 * step need not be known. */
static bool is_hopeless(const search *s, double least_s)
{
    const double rounding = 1e-9;
    const double score = score_of_step(&s->work, s->request->by, least_s) * (1.0 - rounding);
    return !s->request->is_pareto && s->ranking->n == s->ranking->room &&
           (s->request->is_own_unplaced || score > s->own.score) &&
           score > s->ranking->entries[s->ranking->n - 1].score;
}

/* Prices the layout of s->work.job. A screening leaves layouts that do not fit alone, stops at those that a
 * bound rules out, whose step is then 0, and does not tell messages from bubbles. */
static muir_status time_entry(muir_ctx *ctx, search *s, bool is_screening, muir_plan_entry *e)
{
    muir_status st = MUIR_OK;
    muir_scenario *work = &s->work;
    const muir_job *job = &work->job;
    const muir_known_program *known = NULL;
    muir_known_order *order = NULL;
    muir_slot_times *slot_times = NULL;
    muir_ideal *ideal = NULL;
    *e = (muir_plan_entry){.parallel = job->parallel,
                           .micro_batch_size = job->batch.micro_batch_size,
                           .microbatches = job->microbatches,
                           .chips = muir_job_chips(job)};
    MUIR_TRY(muir_known_order_find(ctx, s->known, job, &order));
    MUIR_TRY(muir_known_program_find(ctx, s->known, job, &order->load, &known));
    set_memory(e, known->memory, &work->fleet.chip);
    if (!e->is_fitting && is_screening) goto done;
    MUIR_TRY(muir_slot_times_create(ctx, work, known->program, &slot_times));
    if (is_screening && is_hopeless(s, muir_known_least_s(known->program, slot_times, job->microbatches)))
        goto done;
    MUIR_TRY(muir_known_order_make(ctx, s->known, order));
    if (!is_screening) set_memory(e, muir_memory_of(job, known->program, order->order), &work->fleet.chip);
    MUIR_TRY((is_screening ? muir_ideal_screen : muir_ideal_create)(ctx, order->order, slot_times, &ideal));
    fill_entry(work, s->request->by, known->program, ideal, e);
done:
    muir_ideal_destroy(&ideal);
    muir_slot_times_destroy(&slot_times);
    return st;
}

/* Whether the sizes divide what they must; a refusal is no failure here. */
static bool is_legal(muir_ctx *ctx, muir_scenario *work)
{
    muir_job *job = &work->job;
    const int64_t each = job->parallel.dp * job->batch.micro_batch_size;
    if (muir_job_chips(job) > muir_fleet_chips(&work->fleet)) return false;
    if (job->batch.global_batch_size % each != 0) return false;
    job->microbatches = job->batch.global_batch_size / each;
    const muir_shape shape = {(int)job->parallel.pp, (int)job->parallel.vpp, (int)job->microbatches};
    const bool is_legal = muir_job_check(ctx, job) == MUIR_OK &&
                          muir_schedule_find(job->parallel.schedule)->check(ctx, shape) == MUIR_OK;
    muir_ctx_clear(ctx);
    return is_legal;
}

static muir_status try_candidate(muir_ctx *ctx, search *s, int64_t number)
{
    muir_status st = MUIR_OK;
    muir_plan_entry entry;
    const muir_fleet fleet = s->work.fleet;
    if (!muir_plan_job_is_within(s->request, &s->work.job) || !is_legal(ctx, &s->work)) return MUIR_OK;
    s->count[LEGAL]++;
    if (s->request->is_pareto) {
        const int64_t chips = muir_job_chips(&s->work.job), each = s->work.fleet.server.chips;
        s->work.fleet.top.servers = (chips + each - 1) / each;
        s->work.spare_chips = s->work.fleet.top.servers * each - chips;
    } else {
        s->work.spare_chips = muir_fleet_chips(&fleet) - muir_job_chips(&s->work.job);
    }
    muir_fleet_slice(&s->work.fleet, muir_job_chips(&s->work.job));
    MUIR_TRY(time_entry(ctx, s, true, &entry));
    if (!entry.is_fitting) goto done;
    s->count[FITTING]++;
    if (entry.step_s == 0.0) goto done;
    if (!muir_plan_entry_is_within(s->request, &entry)) goto done;
    s->count[BETTER] += entry.score < s->own.score;
    entry.number = number;
    if (!muir_ranking_wants(s->ranking, &entry)) goto done;
    MUIR_TRY(time_entry(ctx, s, false, &entry));
    entry.number = number;
    if (entry.is_fitting && muir_plan_entry_is_within(s->request, &entry))
        muir_ranking_offer(s->ranking, &entry);
done:
    s->work.fleet = fleet;
    return st;
}

/* Values of the key at `depth` in turn, and under each all that follow. The second key deals over ranks. */
static muir_status descend(muir_ctx *ctx, search *s, int depth, int64_t number)
{
    muir_status st = MUIR_OK;
    muir_plan_values values = {.n = 0};
    if (depth == muir_plan_axis_count()) return try_candidate(ctx, s, number);
    if (depth == 2 && s->deal++ % ctx->size != ctx->rank) return MUIR_OK;
    if (muir_job_replica_chips(&s->work.job) > muir_fleet_chips(&s->work.fleet)) return MUIR_OK;
    const muir_plan_axis *axis = muir_plan_axis_at(depth);
    const int64_t before = axis->get(&s->work.job);
    if (s->is_fixed[depth])
        values = (muir_plan_values){.value = {axis->get(&s->request->limits->job)}, .n = 1};
    else
        axis->list(&s->work, s->request->is_pareto, &values);
    for (int i = 0; i < values.n; i++) {
        axis->set(&s->work.job, values.value[i]);
        MUIR_TRY(descend(ctx, s, depth + 1, number << MUIR_PLAN_VALUE_BITS | i));
    }
done:
    axis->set(&s->work.job, before);
    return st;
}

/* All sizes 1, so that what is not yet chosen does not forbid anything. */
static void start_work(search *s)
{
    s->work = *s->request->base;
    muir_parallel *p = &s->work.job.parallel;
    p->tp = p->cp = p->ep = p->pp = p->vpp = p->dp = 1;
    for (int i = 0; i < muir_plan_axis_count(); i++) {
        const muir_plan_axis *axis = muir_plan_axis_at(i);
        for (int f = 0; f < s->request->n_fixed; f++)
            s->is_fixed[i] |= strcmp(axis->key, s->request->fixed[f]) == 0;
    }
}

static muir_status search_all(muir_ctx *ctx, search *s)
{
    muir_status st = MUIR_OK;
    s->work = *s->request->base;
    MUIR_TRY(time_entry(ctx, s, false, &s->own));
    start_work(s);
    MUIR_TRY(descend(ctx, s, 0, 0));
done:
    return st;
}

void muir_plan_entry_apply(const muir_plan_entry *e, muir_job *job)
{
    job->parallel = e->parallel;
    job->batch.micro_batch_size = e->micro_batch_size;
    job->microbatches = e->microbatches;
    job->place = muir_schedule_find(e->parallel.schedule)->place;
}

/* The interval of a layout that was found: its scenario once more. */
static muir_status find_interval(muir_ctx *ctx, search *s, muir_plan_entry *e)
{
    muir_status st = MUIR_OK;
    muir_interval interval;
    s->work.fleet = s->request->base->fleet;
    muir_plan_entry_apply(e, &s->work.job);
    muir_fleet_slice(&s->work.fleet, e->chips);
    MUIR_TRY(muir_interval_of(ctx, &s->work, &interval));
    e->low_s = e->step_s * interval.low;
    e->high_s = e->step_s * interval.high;
done:
    return st;
}

static muir_status finish(muir_ctx *ctx, search *s, double start_s, muir_plan **out)
{
    muir_status st = MUIR_OK;
    muir_plan *plan = NULL;
    double search_s = muir_now_s() - start_s;
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *plan, "the plan", &plan)));
    MUIR_TRY(muir_ranking_meet(ctx, s->ranking));
    MUIR_TRY(find_interval(ctx, s, &s->own));
    for (int i = 0; i < s->ranking->n; i++) MUIR_TRY(find_interval(ctx, s, &s->ranking->entries[i]));
    if (ctx->size > 1) { /* one process may be without MPI */
        MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, s->count, COUNTS, MPI_INT64_T, MPI_SUM, ctx->comm));
        MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &search_s, 1, MPI_DOUBLE, MPI_MAX, ctx->comm));
    }
    *plan = (muir_plan){.entries = s->ranking->entries,
                        .n = s->ranking->n,
                        .legal = s->count[LEGAL],
                        .fitting = s->count[FITTING],
                        .own = s->own,
                        .better_than_own = s->count[BETTER],
                        .search_s = search_s};
    s->ranking->entries = NULL;
    *out = plan;
    plan = NULL;
done:
    muir_plan_destroy(&plan);
    return st;
}

muir_status muir_plan_create(muir_ctx *ctx, const muir_plan_request *request, muir_plan **out)
{
    muir_status st = MUIR_OK;
    search *s = NULL;
    const double start_s = muir_now_s();
    st = muir_alloc(ctx, 1, sizeof *s, "the search", &s);
    if (st == MUIR_OK) {
        s->request = request;
        st = muir_known_create(ctx, &s->known);
    }
    if (st == MUIR_OK) {
        st = muir_ranking_create(ctx, request->is_pareto ? MOST_PARETO : request->keep, request->is_pareto,
                                 &s->ranking);
    }
    if (st == MUIR_OK) st = search_all(ctx, s);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY(finish(ctx, s, start_s, out));
done:
    if (s) {
        muir_known_destroy(&s->known);
        muir_ranking_destroy(&s->ranking);
    }
    free(s);
    return st;
}

void muir_plan_destroy(muir_plan **plan)
{
    if (!*plan) return;
    free((*plan)->entries);
    free(*plan);
    *plan = NULL;
}

int muir_plan_key_count(void)
{
    return muir_plan_axis_count();
}

const char *muir_plan_key(int i)
{
    return muir_plan_axis_at(i)->key;
}

const char *muir_plan_key_help(int i)
{
    return muir_plan_axis_at(i)->help;
}
