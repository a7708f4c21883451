/* SPDX-License-Identifier: BSD-3-Clause */
/* Making a host clock: kernels, mesh, and the shrink that fits the budget. */
#include "host_clock/host_clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/statistics.h"
#include "host_clock/host_clock_state.h"
#include "kernels/cores.h"
#include "kernels/peak.h"

enum { TRIES_IN_VAIN = 2, OVERLAP_TRIES = 7, MOST_TRIES = 31 };

static void drop_program(muir_host_clock *c)
{
    muir_host_messages_destroy(c);
    muir_host_ops_destroy(&c->ops);
}

static muir_status prepare_program(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    if (!c->mesh->is_member) return MUIR_OK;
    MUIR_TRY(
        muir_host_ops_create(ctx, c->scenario, c->program, c->mesh, c->kernels, &c->facts.shrink, &c->ops));
    MUIR_TRY(muir_host_messages_prepare(ctx, c));
    muir_host_windows_make(c);
done:
    return st;
}

static muir_status longest(muir_ctx *ctx, double *value)
{
    muir_status st = MUIR_OK;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, value, 1, MPI_DOUBLE, MPI_MAX, ctx->comm));
done:
    return st;
}

/* Median of a few steps, longest over ranks;
 * before them one, so that memory is touched and caches are warm. */
static muir_status try_steps(muir_ctx *ctx, muir_host_clock *c, int n, bool is_empty, double *step_s,
                             double *exposed_s)
{
    muir_status st = MUIR_OK;
    muir_host_row row;
    double steps_s[MOST_TRIES], exposed[MOST_TRIES];
    for (int i = -1; i < n; i++) {
        MUIR_TRY_MPI(MPI_Barrier(ctx->comm));
        MUIR_TRY(muir_host_step_run(ctx, c, -2 - i, is_empty, &row));
        if (i < 0) continue;
        steps_s[i] = row.step_s;
        exposed[i] = row.tally.exposed_s;
    }
    *step_s = muir_median(steps_s, (size_t)n);
    *exposed_s = muir_median(exposed, (size_t)n);
    MUIR_TRY(longest(ctx, step_s));
    MUIR_TRY(longest(ctx, exposed_s));
done:
    return st;
}

/* Trying settles what the guess began: as long as a step is too long, and as
 * long as smaller ones are shorter. Where time goes into latency (ranks that outnumber cores), no factor
 * fits. */
static muir_status try_factors(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    muir_shrink *shrink = &c->facts.shrink;
    double *longest_s = &c->facts.trial_step_s, shortest_s = INFINITY, exposed_s = 0.0;
    for (int in_vain = 0;;) {
        muir_ctx_phase(ctx, "trying a step with dimensions / %g, bytes / %g", shrink->factor,
                       shrink->factor * shrink->factor);
        MUIR_TRY(muir_agree(ctx, muir_ctx_go_on(ctx)));
        MUIR_TRY(muir_agree(ctx, prepare_program(ctx, c)));
        MUIR_TRY(try_steps(ctx, c, 1, false, longest_s, &exposed_s));
        in_vain = *longest_s > 0.9 * shortest_s ? in_vain + 1 : 0;
        shortest_s = fmin(shortest_s, *longest_s);
        if (*longest_s <= shrink->budget_s || in_vain == TRIES_IN_VAIN) break;
        drop_program(c);
        shrink->factor = muir_shrink_next(shrink->factor);
    }
done:
    return st;
}

/* Ranks without a part only wait for the table. */
static muir_status tune(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    muir_tuning *tuning = NULL;
    muir_ctx_phase(ctx, "choosing algorithms of collectives");
    MUIR_TRY(muir_agree(ctx, muir_ctx_go_on(ctx)));
    MUIR_TRY(muir_tuning_create(ctx, c->scenario->host.tuning, &tuning));
    MUIR_TRY(muir_agree(ctx, c->ops ? muir_host_ops_tune(ctx, c->ops, tuning) : MUIR_OK));
    MUIR_TRY(muir_tuning_finish(ctx, tuning, &c->facts.tuning));
done:
    muir_tuning_destroy(&tuning);
    return st;
}

static muir_status settle_shrink(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    double peak = c->facts.peak_flop_per_s;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &peak, 1, MPI_DOUBLE, MPI_MIN, ctx->comm));
    c->facts.shrink = muir_shrink_choose(c->scenario, &c->fold, c->program, peak, c->facts.planned_step_s);
    MUIR_TRY(try_factors(ctx, c));
    MUIR_TRY(tune(ctx, c));
done:
    return st;
}

static void set_overlap(muir_host_clock *c, bool is_on)
{
    if (!c->ops) return;
    muir_host_ops_set_overlap(c->ops, is_on);
    muir_host_windows_make(c);
}

/* What the run's figures are held against: the empty step, and hidden collectives that block. */
static muir_status measure_facts(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    muir_host_facts *f = &c->facts;
    double none_s = 0.0;
    muir_ctx_phase(ctx, "measuring the empty step");
    if (c->scenario->host.overlap) {
        MUIR_TRY(try_steps(ctx, c, OVERLAP_TRIES, false, &f->trial_step_s, &f->exposed_off_s));
        set_overlap(c, true);
        MUIR_TRY(try_steps(ctx, c, OVERLAP_TRIES, false, &f->trial_step_s, &f->exposed_on_s));
    }
    MUIR_TRY(try_steps(ctx, c, 1, false, &f->trial_step_s, &none_s));
    MUIR_TRY(try_steps(ctx, c, MOST_TRIES, true, &f->empty_step_s, &none_s));
done:
    return st;
}

static muir_status make_pace(muir_ctx *ctx, muir_host_clock *c, double x, const muir_host_times *times,
                             muir_pace **pace)
{
    muir_status st = MUIR_OK;
    const muir_scenario *s = c->scenario;
    const int stage = c->mesh->is_member ? c->fold.place[MUIR_MESH_PP] : 0;
    MUIR_TRY(muir_pace_create(ctx, c->program, c->order, stage, x, times, s->host.overlap,
                              s->job.parallel.overlap_param_gather, pace));
    c->facts.planned_step_s = (*pace)->step_s;
done:
    return st;
}

/* Ranks without a part hold an empty one. */
static muir_status make_trace(muir_ctx *ctx, muir_host_clock *c)
{
    int n_slots = 0;
    const size_t n_ops = (size_t)c->program->n_ops;
    if (c->scenario->telemetry.trace_steps == 0) return MUIR_OK;
    if (ctx->rank < c->fold.mesh_ranks) muir_order_slots(c->order, c->fold.place[MUIR_MESH_PP], &n_slots);
    return muir_trace_create(ctx, (size_t)n_slots * (n_ops + 2) + n_ops + MUIR_MOST_PIECES, &c->trace);
}

static muir_status make_flips(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    if (c->scenario->host.flips == 0.0) return MUIR_OK;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *c->flips, "bit flips", &c->flips));
    c->flips->seed = (uint64_t)c->scenario->run.seed;
    c->flips->ranks = c->fold.mesh_ranks;
    c->flips->rank = ctx->rank;
done:
    return st;
}

/* From the trial on: how many results a step of this rank has, of which flips hit one or the other. */
static muir_status settle_flips(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    muir_host_row row;
    if (!c->flips) return MUIR_OK;
    if (c->ops) muir_host_ops_set_flips(c->ops, c->flips);
    muir_flips_begin(c->flips, 0);
    MUIR_TRY(muir_host_step_run(ctx, c, -2, false, &row));
    c->flips->n_results = c->flips->ordinal;
    c->flips->rate = c->scenario->host.flips;
done:
    return st;
}

static muir_status make_parts(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    const muir_schedule *schedule = muir_schedule_find(c->scenario->job.parallel.schedule);
    c->facts.shrink = muir_shrink_make(c->scenario, &c->fold);
    MUIR_TRY(muir_order_create(ctx, schedule, c->facts.shrink.shape, &c->order));
    MUIR_TRY(muir_kernels_create(ctx, &c->kernels));
    snprintf(c->facts.binding, sizeof c->facts.binding, "%s", muir_binding_text(c->binding));
    MUIR_TRY(make_trace(ctx, c));
    MUIR_TRY(make_flips(ctx, c));
done:
    return st;
}

/* The kernel for the job's precision on this rank's cores, and what it could reach. */
static muir_status choose_kernel(muir_ctx *ctx, muir_host_clock *c)
{
    muir_status st = MUIR_OK;
    int threads = 1;
    const muir_dtype dtype = muir_host_dtype(c->scenario, NULL);
    muir_ctx_phase(ctx, "measuring the peak of %s products on this machine", muir_dtype_name(dtype));
    MUIR_TRY(muir_cores_share(ctx, &threads));
    MUIR_TRY(muir_kernels_set_threads(ctx, c->kernels, threads));
    MUIR_TRY(muir_kernels_choose(ctx, c->kernels, dtype));
    snprintf(c->facts.kernel, sizeof c->facts.kernel, "%s on %d core%s, %s", muir_dtype_name(dtype), threads,
             threads > 1 ? "s" : "", c->kernels->chosen[dtype].text);
    c->facts.peak_flop_per_s = muir_peak_per_s(dtype, threads);
done:
    return st;
}

muir_status muir_host_clock_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                   const muir_fold *fold, const muir_host_times *times, muir_host_clock **out)
{
    muir_status st = MUIR_OK;
    muir_host_clock *c = NULL;
    muir_pace *pace = NULL;
    double x = 0.0;
    MUIR_TRY(muir_pace_parse(ctx, scenario->host.pace, &x));
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *c, "the host clock", &c)));
    c->scenario = scenario;
    c->program = program;
    c->fold = *fold;
    if (times) c->times = *times;
    MUIR_TRY(muir_binding_create(ctx, scenario->host.bind == MUIR_BIND_AUTO, &c->binding));
    MUIR_TRY(muir_agree(ctx, make_parts(ctx, c)));
    MUIR_TRY(muir_agree(ctx, choose_kernel(ctx, c)));
    MUIR_TRY(muir_agree(ctx, muir_mesh_create(ctx, &c->fold, &c->mesh)));
    if (x > 0.0) MUIR_TRY(muir_agree(ctx, make_pace(ctx, c, x, times, &pace)));
    MUIR_TRY(settle_shrink(ctx, c));
    MUIR_TRY(measure_facts(ctx, c));
    MUIR_TRY(settle_flips(ctx, c));
    memset(&c->rhythm, 0, sizeof c->rhythm);
    c->facts.snapshot = muir_snapshot_size(scenario, program, fold, c->facts.shrink.factor);
    if (c->ops) c->pace = pace, pace = NULL;
    *out = c;
    c = NULL;
done:
    muir_pace_destroy(&pace);
    muir_host_clock_destroy(&c);
    return st;
}

/* Bit flips and traces of a step are those of the run's step, not of its repetition. */
muir_status muir_host_clock_step(muir_ctx *ctx, muir_host_clock *c, int64_t step, muir_host_row *row)
{
    muir_status st = MUIR_OK;
    if (c->flips) muir_flips_begin(c->flips, step);
    if (c->trace) c->trace->is_on = muir_host_clock_trace(c, step) != NULL;
    MUIR_TRY(muir_host_step_run(ctx, c, step, false, row));
    if (c->flips) MUIR_TRY(muir_flips_gather(ctx, c->flips));
done:
    return st;
}

void muir_host_clock_destroy(muir_host_clock **clock)
{
    muir_host_clock *c = *clock;
    if (!c) return;
    drop_program(c);
    muir_pace_destroy(&c->pace);
    muir_trace_destroy(&c->trace);
    free(c->flips);
    muir_binding_destroy(&c->binding);
    muir_mesh_destroy(&c->mesh);
    muir_order_destroy(&c->order);
    muir_kernels_destroy(&c->kernels);
    free(c);
    *clock = NULL;
}

const muir_host_facts *muir_host_clock_facts(const muir_host_clock *clock)
{
    return &clock->facts;
}

const muir_host_ops *muir_host_clock_ops(const muir_host_clock *clock)
{
    return clock->ops;
}

const muir_rhythm *muir_host_clock_rhythm(const muir_host_clock *clock)
{
    return &clock->rhythm;
}

const muir_trace *muir_host_clock_trace(const muir_host_clock *clock, int64_t step)
{
    const muir_scenario *s = clock->scenario;
    return clock->trace && step / s->host.every < s->telemetry.trace_steps ? clock->trace : NULL;
}

const muir_flips *muir_host_clock_flips(const muir_host_clock *clock)
{
    return clock->flips;
}

const muir_program *muir_host_clock_program(const muir_host_clock *clock)
{
    return clock->program;
}

const muir_host_times *muir_host_clock_times(const muir_host_clock *clock)
{
    return &clock->times;
}
