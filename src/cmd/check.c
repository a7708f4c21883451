/* SPDX-License-Identifier: BSD-3-Clause */
/* muir check: a dry run. What would happen, where, how much of it is executed, and whether it fits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cmd/args.h"
#include "cmd/check.h"
#include "cmd/check_memory.h"
#include "cmd/cmd.h"

#include "text/print.h"
#include "reliability/events.h"
#include "reliability/expect.h"
#include "step_time/ideal.h"
#include "host_clock/algorithms.h"
#include "host_clock/mesh.h"
#include "host_clock/ops.h"
#include "host_clock/snapshot.h"
#include "io/checkpoint.h"
#include "kernels/peak.h"
#include "run/times.h"
#include "memory/fit.h"
#include "scenario/fold.h"

static void print_job(const muir_scenario *s, const muir_program *program)
{
    const muir_job *job = &s->job;
    printf("scenario %s is valid\n\n", s->name);
    printf("fleet  %s: %s chips in %s servers; the job takes %s, %s are spare (%s whole servers)\n",
           s->run.fleet, muir_count_text(muir_fleet_chips(&s->fleet)).s,
           muir_count_text(s->fleet.top.servers).s, muir_count_text(muir_job_chips(job)).s,
           muir_count_text(s->spare_chips).s, muir_count_text(s->spare_servers).s);
    if (s->fleet.server.pod_servers > 1)
        printf(
            "slice  %dx%dx%d chips of a pod, joined by optical switches: a spare server takes the place of a "
            "failed one in %s\n",
            muir_fleet_side(&s->fleet, 0), muir_fleet_side(&s->fleet, 1), muir_fleet_side(&s->fleet, 2),
            muir_time_text(s->fleet.server.rewire_s).s);
    if (muir_fleet_sites(&s->fleet) > 1)
        printf("sites  %s of %s servers, %s from each to the others, %s away\n",
               muir_count_text(muir_fleet_sites(&s->fleet)).s,
               muir_count_text(s->fleet.fabric.site_servers).s,
               muir_si(s->fleet.fabric.site_byte_per_s, "B/s").s,
               muir_time_text(s->fleet.fabric.site_alpha_s).s);
    printf("model  %s, family %s%s: %s weights, %s active; %s per step\n", s->run.model, job->model.family,
           job->model.hypothetical ? ", hypothetical" : "", muir_si(program->params, "").s,
           muir_si(program->active_params, "").s, muir_si(program->model_flop, "FLOP").s);
    int64_t least = 0, most = 0;
    muir_program_layers(program, &least, &most);
    if (least < most)
        printf("layers %s do not divide into %s chunks: %lld to %lld each, as if embedding and head were one "
               "layer each\n",
               muir_count_text(job->model.layers).s, muir_count_text(program->n_chunks).s, (long long)least,
               (long long)most);
    printf("batch  %s sequences of %s tokens in %s microbatches per replica\n",
           muir_count_text(job->batch.global_batch_size).s, muir_count_text(job->batch.seq_len).s,
           muir_count_text(job->microbatches).s);
}

/* What the schedule asks of the layout, and what its lists come to. */
static void print_schedule(const muir_scenario *s, const muir_order *order, const muir_ideal *ideal)
{
    const muir_schedule *schedule = muir_schedule_find(s->job.parallel.schedule);
    int slots = 0;
    muir_order_slots(order, 0, &slots);
    printf("\nschedule %s (needs %s):\n  %s slots per stage, %.1f %% of the pipeline's time idle on the "
           "busiest stage;\n  chunks of the first stage:",
           schedule->name, schedule->needs, muir_count_text(slots).s,
           100.0 * ideal->part_s[MUIR_PART_bubble] / ideal->pipeline_s);
    const int held = order->shape.chunks * muir_place_copies(order->place);
    for (int i = 0; i < held; i++) printf(" %d", muir_place_chunk(order->place, order->shape.stages, 0, i));
    printf(" of %d\n", order->shape.stages * order->shape.chunks);
}

static void print_ideal(const muir_check *c)
{
    const muir_ideal *ideal = c->ideal;
    printf("\nideal step (modelled, all chips of speed 1): %s, 80 %% interval %s to %s;\n  the figures of "
           "stack %s are %s\n",
           muir_time_text(ideal->step_s).s, muir_time_text(ideal->step_s * c->interval.low).s,
           muir_time_text(ideal->step_s * c->interval.high).s, c->scenario->run.stack,
           muir_basis_word(c->scenario));
    for (int i = 0; i < MUIR_PART_COUNT; i++)
        if (ideal->part_s[i] > 0.0)
            printf("  %-10s %9s  %5.1f %%  %s\n", muir_part_name((muir_part)i),
                   muir_time_text(ideal->part_s[i]).s, 100.0 * ideal->part_s[i] / ideal->step_s,
                   muir_part_help((muir_part)i));
}

static void print_tiers(const muir_checkpoints *c)
{
    printf("checkpoints of %s:", muir_bytes_text(c->bytes).s);
    bool is_any = false;
    for (int t = 0; t < MUIR_TIER_COUNT; t++) {
        const muir_checkpoint_tier *tier = &c->tier[t];
        if (!tier->is_on) continue;
        printf("\n  %-8s every %s%s, pauses for %s, loads in %s", muir_tier_name(t),
               tier->every == 1 ? "" : muir_count_text(tier->every).s, tier->every == 1 ? "step" : " steps",
               muir_time_text(1e-9 * (double)tier->block_ns).s,
               muir_time_text(1e-9 * (double)tier->load_ns).s);
        is_any = true;
    }
    printf("%s\n", is_any ? "" : " none, a failure starts training over");
}

static void print_expectation(const muir_scenario *s, double params, double step_s)
{
    const muir_expectation e = muir_goodput_expect(s, params, step_s);
    printf("expected goodput %.1f %% (modelled; with lemons one failure every %s):\n"
           "  stalls %.1f %%, planned stops and evictions %.1f %%, work lost %.1f %%, checkpoints %.1f %%, "
           "missing replicas %.1f %%\n",
           100.0 * e.goodput, muir_time_text(e.mtti_s).s, 100.0 * e.stalled_share, 100.0 * e.planned_share,
           100.0 * e.wasted_share, 100.0 * e.saved_share, 100.0 * e.missing_share);
}

/* What is expected to fail, and what the job will do about it. */
static muir_status print_reliability(muir_ctx *ctx, const muir_scenario *s, const muir_program *program,
                                     const muir_ideal *ideal)
{
    muir_events *events = NULL;
    const muir_status st = muir_events_create(ctx, s, program->params, ideal->step_s, &events);
    if (st != MUIR_OK) return st;
    const muir_reaction *r = muir_events_reaction(events);
    printf("\nfaults %s (injected): ", s->run.faults);
    if (muir_faults_has_failures(&s->faults)) {
        printf("expected: one failure of the job every %s; productive time by reaction\n",
               muir_time_text(r->mtti_s).s);
        for (int scope = MUIR_SCOPE_SYNC; scope < MUIR_SCOPE_COUNT; scope++)
            printf("  %-8s %5.1f %%, a failure stalls the job %s%s\n", muir_scope_name(scope),
                   100.0 * r->share[scope], muir_time_text(r->stall_s[scope]).s,
                   scope != r->scope ? ""
                   : r->is_chosen    ? "  <- auto"
                                     : "  <- chosen");
        print_tiers(muir_events_checkpoints(events));
        print_expectation(s, program->params, ideal->step_s);
    } else {
        printf("no failures\n");
        if (s->faults.checkpoint.storage != MUIR_STORAGE_OFF) print_tiers(muir_events_checkpoints(events));
    }
    muir_events_destroy(&events);
    return MUIR_OK;
}

/* Checkpoints that ranks will really write; `factor` of the shrink is a guess. */
static void print_saves(const muir_scenario *s, const muir_program *program, const muir_fold *fold,
                        double factor)
{
    const muir_snapshot_facts f = muir_snapshot_size(s, program, fold, factor);
    const char *folder = s->host.checkpoint;
    const bool is_beside = strcmp(folder, "auto") == 0;
    if (f.job_bytes == 0.0) {
        if (s->faults.checkpoint.storage != MUIR_STORAGE_OFF)
            printf("checkpoints: modelled (host.checkpoint=off)\n");
        return;
    }
    if (is_beside && !muir_checkpoint_is_possible()) {
        printf("checkpoints: modelled, since HDF5 was built without MPI\n");
        return;
    }
    printf(
        "checkpoints on storage: executed, %s each from %d rank%s (the job's %s / %.3g) into %s;\n"
        "             restarts from there read and verify them; tiers in memory and on disk are modelled\n",
        muir_bytes_text(f.job_bytes / f.divisor).s, fold->mesh_ranks, fold->mesh_ranks == 1 ? "" : "s",
        muir_bytes_text(f.job_bytes).s, f.divisor, is_beside ? "the telemetry file's folder" : folder);
}

/* How the job's sizes become this machine's, and how long a step takes on the wall. */
static void print_shrink(const muir_scenario *s, double dilated_s, double peak, const muir_shrink *shrink)
{
    const double step_s = dilated_s > 0.0 ? dilated_s : shrink->budget_s;
    const int64_t executed = (s->run.steps + s->host.every - 1) / s->host.every;
    if (dilated_s > 0.0)
        printf("Pace %s: a step takes %s of wall time", s->host.pace, muir_time_text(step_s).s);
    else
        printf("Pace asap: a step takes at most %s", muir_time_text(step_s).s);
    if (s->run.steps > 0)
        printf(", %s steps %s", muir_count_text(executed).s, muir_time_text(step_s * (double)executed).s);
    printf(".\nshrink: layers / %.3g, microbatches / %.3g, dimensions / %g, bytes / %g; the last two are "
           "estimates for a core\nof %s and are tuned when the run starts\n",
           shrink->layers, shrink->microbatches, shrink->factor, shrink->factor * shrink->factor,
           muir_si(peak, "FLOP/s").s);
}

static void print_executed(const muir_check *c)
{
    const muir_scenario *s = c->scenario;
    const muir_program *program = c->program;
    const muir_fold fold = muir_fold_make(s, c->ranks, 0);
    int gemms = 0, mems = 0, ffts = 0;
    for (int i = 0; i < program->n_ops; i++) {
        gemms += program->ops[i].kind == MUIR_OP_GEMM;
        mems += program->ops[i].kind == MUIR_OP_MEM;
        ffts += program->ops[i].kind == MUIR_OP_FFT;
    }
    if (s->host.every == 0) {
        printf("\nexecuted: nothing (host.every=0); modelled: everything\n");
        return;
    }
    char transforms[40] = "", every[60] = "every step";
    if (s->host.every > 1) snprintf(every, sizeof every, "one step in %s", muir_count_text(s->host.every).s);
    if (ffts > 0) snprintf(transforms, sizeof transforms, ", %d of Fourier transforms", ffts);
    printf("\nexecuted %s: %d kinds of products%s and %d of memory streams,\nschedule %s of %d stages x %d "
           "chunks with %d microbatches.\n",
           every, gemms, transforms, mems, s->job.parallel.schedule, c->shrink.shape.stages,
           c->shrink.shape.chunks, c->shrink.shape.microbatches);
    print_shrink(s, c->dilated_s, c->peak_flop_per_s, &c->shrink);
    print_saves(s, program, &fold, c->shrink.factor);
    printf("collectives:\n");
    for (int i = 0; i < MUIR_CHECK_AXES; i++) {
        const muir_axis axis = muir_check_axes[i];
        const int64_t p = muir_job_size(&s->job, axis);
        if (!muir_check_has_group(s, axis)) continue;
        const int across = muir_mesh_ranks(&fold, axis);
        if (across > 1)
            printf("  %-4s executed over %d ranks for %lld members\n", muir_axis_name(axis), across,
                   (long long)p);
        else
            printf("  %-4s modelled: one rank holds all %lld members\n", muir_axis_name(axis), (long long)p);
    }
}

static muir_status print_all(muir_ctx *ctx, const muir_check *c)
{
    print_job(c->scenario, c->program);
    muir_check_print_groups(c);
    print_schedule(c->scenario, c->order, c->ideal);
    muir_status st = muir_check_memory(ctx, c->scenario, &c->memory, c->ideal->step_s);
    if (st != MUIR_OK) return st;
    print_ideal(c);
    st = print_reliability(ctx, c->scenario, c->program, c->ideal);
    if (st != MUIR_OK) return st;
    muir_check_print_ranks(c);
    print_executed(c);
    return MUIR_OK;
}

/* How the job's sizes become this machine's, and what a launch of so many ranks takes. */
static muir_status forecast(muir_ctx *ctx, muir_check *c)
{
    const muir_scenario *s = c->scenario;
    const muir_fold fold = muir_fold_make(s, c->ranks, 0);
    const bool has_host = s->host.every > 0;
    if (has_host) {
        c->peak_flop_per_s = muir_peak_per_s(muir_host_dtype(s, NULL), 1);
        c->shrink = muir_shrink_choose(s, &fold, c->program, c->peak_flop_per_s, c->dilated_s);
    }
    return muir_forecast_make(ctx, s, c->program, has_host ? &c->shrink : NULL,
                              muir_scenario_steps(s, c->ideal->step_s), c->ranks, &c->forecast);
}

/* Works out what a dry run can say, and says it: to people, or as JSON where there is a path. */
static muir_status show(muir_ctx *ctx, const muir_scenario *s, int ranks, const char *json_path)
{
    muir_status st = MUIR_OK;
    muir_slot_times *slot_times = NULL;
    muir_check c = {.scenario = s, .ranks = ranks};
    const muir_parallel *p = &s->job.parallel;
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)s->job.microbatches};
    MUIR_TRY(muir_program_create(ctx, &s->job, &c.program));
    MUIR_TRY(muir_slot_times_create(ctx, s, c.program, &slot_times));
    MUIR_TRY(muir_order_create(ctx, muir_schedule_find(p->schedule), shape, &c.order));
    MUIR_TRY(muir_ideal_create(ctx, c.order, slot_times, &c.ideal));
    MUIR_TRY(muir_interval_of(ctx, s, &c.interval));
    MUIR_TRY(muir_times_dilated_step_s(ctx, s, c.program, slot_times, ranks, &c.dilated_s));
    MUIR_TRY(muir_scenario_memory(ctx, s, c.program, &c.memory));
    MUIR_TRY(forecast(ctx, &c));
    if (json_path)
        MUIR_TRY(muir_print_json(ctx, muir_check_json(&c), json_path));
    else
        MUIR_TRY(print_all(ctx, &c));
done:
    muir_ideal_destroy(&c.ideal);
    muir_order_destroy(&c.order);
    muir_slot_times_destroy(&slot_times);
    muir_program_destroy(&c.program);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    muir_args args = {.positional = NULL};
    muir_scenario scenario;
    const char *ranks_text = NULL, *json_path = NULL;
    long long ranks = ctx->size;
    bool is_yaml = false;
    char *text = NULL;
    const muir_arg known[] = {{"--ranks", "-n", &ranks_text, NULL},
                              {"--yaml", NULL, NULL, &is_yaml},
                              {"--json", NULL, &json_path, NULL}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, sizeof known / sizeof known[0], &args));
    if (!args.positional) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which scenario? (muir list scenarios)"));
    if (is_yaml && json_path) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--yaml and --json: give one of them"));
    if (ranks_text) MUIR_TRY(muir_args_size(ctx, "--ranks", ranks_text, &ranks));
    if (ranks < 1 || ranks > 10000000)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--ranks is %lld, but must be 1 to 10,000,000", ranks));
    MUIR_TRY(muir_scenario_load(ctx, args.positional, args.overrides, args.n_overrides, &scenario));
    MUIR_TRY(muir_host_algorithms_check(ctx, &scenario));
    if (!muir_is_root(ctx)) goto done;
    if (is_yaml) {
        MUIR_TRY(muir_scenario_text(ctx, &scenario, true, &text));
        fputs(text, stdout);
    } else {
        MUIR_TRY(show(ctx, &scenario, (int)ranks, json_path));
    }
done:
    free(text);
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_check = {
    .name = "check",
    .usage = "SCENARIO [key=value ...] [--ranks N] [--yaml | --json FILE]",
    .summary =
        "check a scenario without running it: groups, memory, rank map, what is executed and what modelled",
    .help = "  --ranks N     for N ranks; default: the ranks of this launch\n"
            "  --yaml        print the scenario with every default filled in instead\n"
            "  --json FILE   layout, memory, ideal step, rank map and every key; `-` writes them to standard "
            "output\n",
    .mpi = MUIR_MPI_LAUNCHED,
    .run = run,
};
