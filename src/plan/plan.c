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
#include "plan/plan_rank.h"
#include "plan/plan_space.h"
#include "memory/fit.h"

/* Orders are kept for the candidates that share one, so many steps of them in all. */
enum { MOST_ORDERS = 64, MOST_ORDER_STEPS = 4000000, MOST_PARETO = 1024 };

typedef struct known_order {
    const muir_schedule *schedule;
    muir_shape shape;
    muir_memory_load load;
    muir_order *order; /* NULL until a candidate is timed */
} known_order;

typedef struct search {
    const muir_plan_request *request;
    muir_scenario work; /* the candidate */
    bool is_fixed[MUIR_PLAN_KEYS];
    int64_t deal; /* counts what is dealt over ranks */
    known_order orders[MOST_ORDERS];
    int n_orders;
    int64_t n_order_steps;
    muir_ranking *ranking;
    muir_plan_entry own;
    int64_t count[3]; /* legal, fitting, better than own: reduced over ranks together */
} search;

enum { LEGAL, FITTING, BETTER, COUNTS };

static void forget_orders(search *s)
{
    for (int i = 0; i < s->n_orders; i++) {
        muir_order_destroy(&s->orders[i].order);
        muir_memory_load_free(&s->orders[i].load);
    }
    s->n_orders = 0;
    s->n_order_steps = 0;
}

/* What a candidate's schedule holds; the same again for the next candidate with its shape. */
static muir_status find_held(muir_ctx *ctx, search *s, const muir_job *job, known_order **out)
{
    muir_status st = MUIR_OK;
    const muir_schedule *schedule = muir_schedule_find(job->parallel.schedule);
    const muir_shape shape = {(int)job->parallel.pp, (int)job->parallel.vpp, (int)job->microbatches};
    for (int i = 0; i < s->n_orders; i++)
        if (s->orders[i].schedule == schedule && memcmp(&s->orders[i].shape, &shape, sizeof shape) == 0) {
            *out = &s->orders[i];
            return MUIR_OK;
        }
    if (s->n_orders == MOST_ORDERS || s->n_order_steps > MOST_ORDER_STEPS) forget_orders(s);
    known_order *known = &s->orders[s->n_orders++];
    *known = (known_order){.schedule = schedule, .shape = shape};
    MUIR_TRY(muir_memory_load_make(ctx, schedule, shape, &known->load));
    *out = known;
done:
    return st;
}

static muir_status make_order(muir_ctx *ctx, search *s, known_order *known)
{
    muir_status st = MUIR_OK;
    if (known->order) return MUIR_OK;
    MUIR_TRY(muir_order_create(ctx, known->schedule, known->shape, &known->order));
    s->n_order_steps += known->order->n_steps;
done:
    return st;
}

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

/* Prices the layout of s->work.job. A screening leaves layouts that do not fit alone, and does not tell
 * messages from bubbles. */
static muir_status time_entry(muir_ctx *ctx, search *s, bool is_screening, muir_plan_entry *e)
{
    muir_status st = MUIR_OK;
    muir_scenario *work = &s->work;
    const muir_job *job = &work->job;
    muir_program *program = NULL;
    muir_slot_times *slot_times = NULL;
    muir_ideal *ideal = NULL;
    known_order *known = NULL;
    *e = (muir_plan_entry){.parallel = job->parallel,
                           .micro_batch_size = job->batch.micro_batch_size,
                           .microbatches = job->microbatches,
                           .chips = muir_job_chips(job)};
    MUIR_TRY(muir_program_create(ctx, job, &program));
    MUIR_TRY(find_held(ctx, s, job, &known));
    set_memory(e, muir_memory_screen(job, program, &known->load), &work->fleet.chip);
    if (!e->is_fitting && is_screening) goto done;
    MUIR_TRY(make_order(ctx, s, known));
    if (!is_screening) set_memory(e, muir_memory_of(job, program, known->order), &work->fleet.chip);
    MUIR_TRY(muir_slot_times_create(ctx, work, program, &slot_times));
    MUIR_TRY((is_screening ? muir_ideal_screen : muir_ideal_create)(ctx, known->order, slot_times, &ideal));
    fill_entry(work, s->request->by, program, ideal, e);
done:
    muir_ideal_destroy(&ideal);
    muir_slot_times_destroy(&slot_times);
    muir_program_destroy(&program);
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

/* The interval of a layout that was found: its scenario once more. */
static muir_status find_interval(muir_ctx *ctx, search *s, muir_plan_entry *e)
{
    muir_status st = MUIR_OK;
    muir_interval interval;
    muir_job *job = &s->work.job;
    s->work.fleet = s->request->base->fleet;
    job->parallel = e->parallel;
    job->batch.micro_batch_size = e->micro_batch_size;
    job->microbatches = e->microbatches;
    job->place = muir_schedule_find(e->parallel.schedule)->place;
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
        st = muir_ranking_create(ctx, request->is_pareto ? MOST_PARETO : request->keep, request->is_pareto,
                                 &s->ranking);
    }
    if (st == MUIR_OK) st = search_all(ctx, s);
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY(finish(ctx, s, start_s, out));
done:
    if (s) {
        forget_orders(s);
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
