/* SPDX-License-Identifier: BSD-3-Clause */
/* The step loop. */
#include "run/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/checkpoint.h"
#include "run/calibrate.h"
#include "run/power.h"
#include "run/saver.h"
#include "run/times.h"

enum { FLAG_NONE = 0, FLAG_FLUSH = 1, FLAG_STOP = 2 };
#define MOST_PACKING 0.01               /* share of a run's time that packing its file may take */
#define MOST_ROWS ((int64_t)4000000000) /* their numbers are 32-bit counters of random draws */

typedef struct run_state {
    const muir_run_request *request;
    const muir_scenario *scenario; /* calibrated */
    muir_scenario calibrated;
    muir_fleet_clock *fleet;
    muir_host_clock *host; /* NULL: not wanted */
    muir_record *record;   /* NULL: not wanted */
    muir_collector *collector;
    muir_power_log *power; /* NULL: not wanted */
    muir_saver *saver;     /* NULL: not wanted */
    bool has_no_mpi_io;    /* it would be wanted */
    float *servers;        /* NULL: not wanted */
    int64_t first_step, steps;
    int64_t first_ns, limit_ns; /* fleet time at the start of the launch, and where `days` ends it */
    double started_s, flushed_s, observed_s;
    double fleet_clock_s, host_s, telemetry_s;
    double telemetry_last_s; /* of the step before */
    bool has_executed;
    muir_host_row executed; /* of the step before, where it has one */
} run_state;

/* Rank 0 asks for a flush when rows have waited long enough; any rank may ask to stop. */
static int flag_of(muir_ctx *ctx, const run_state *r)
{
    if (r->request->stop && *r->request->stop) return FLAG_STOP;
    const bool is_due = muir_is_root(ctx) && muir_now_s() - r->flushed_s > r->scenario->telemetry.flush;
    return is_due ? FLAG_FLUSH : FLAG_NONE;
}

static const muir_goodput *account(const run_state *r)
{
    return muir_events_goodput(muir_fleet_clock_events(r->fleet));
}

/* `days` are days of fleet time; a row that has begun is finished. */
static bool is_over(const run_state *r)
{
    return r->limit_ns > 0 && account(r)->total_ns >= r->limit_ns;
}

static void observe(muir_ctx *ctx, run_state *r, int64_t step, const muir_fleet_row *row)
{
    if (!muir_is_root(ctx) || !r->request->observer) return;
    const muir_goodput *g = account(r);
    const muir_progress progress = {.first_step = r->first_step,
                                    .next_step = step + 1,
                                    .steps = is_over(r) ? step + 1 : r->steps,
                                    .elapsed_s = muir_now_s() - r->started_s,
                                    .fleet_time_s = 1e-9 * (double)g->total_ns,
                                    .limit_s = 1e-9 * (double)r->limit_ns,
                                    .first_fleet_time_s = 1e-9 * (double)r->first_ns,
                                    .goodput = g,
                                    .row = row};
    r->request->observer(&progress, r->request->observer_data);
}

static muir_status write_step(muir_ctx *ctx, run_state *r, int64_t step, const muir_fleet_row *fleet,
                              const muir_rank_row *rank, const float *servers, const muir_host_row *host,
                              const muir_emulation_row *emulation)
{
    muir_status st = MUIR_OK;
    if (!r->record) return MUIR_OK;
    MUIR_TRY(muir_record_put_events(ctx, r->record, r->fleet));
    MUIR_TRY(muir_record_put(ctx, r->record, step, fleet, rank, servers, host, emulation));
    if (host) MUIR_TRY(muir_record_put_details(ctx, r->record, step, r->host));
    if (fleet->flag != FLAG_NONE || muir_record_is_full(r->record)) {
        MUIR_TRY(muir_record_flush(ctx, r->record));
        r->flushed_s = muir_now_s();
    }
done:
    return st;
}

/* Where a checkpoint cannot be written the run ends, and the file keeps the steps before this one. */
static muir_status save_step(muir_ctx *ctx, run_state *r, muir_host_row *host)
{
    const muir_status st = muir_saver_step(ctx, r->saver, &host->saves);
    if (st != MUIR_OK && st != MUIR_ERR_MPI) (void)muir_record_close(ctx, &r->record, 0.0, NULL);
    return st;
}

static muir_status run_step(muir_ctx *ctx, run_state *r, int64_t step, bool *is_stopped)
{
    muir_status st = MUIR_OK;
    muir_fleet_row fleet;
    muir_rank_row rank;
    muir_host_row host;
    const bool has_servers = r->servers && step % r->scenario->telemetry.server_every == 0;
    const bool has_host = r->host && step % r->scenario->host.every == 0;
    if (r->request->gate)
        MUIR_TRY(r->request->gate(step, r->has_executed ? &r->executed : NULL, r->request->gate_data));
    const double start_s = muir_now_s();
    MUIR_TRY(muir_power_log_before(ctx, r->power, step));
    MUIR_TRY(muir_fleet_clock_step(ctx, r->fleet, step, flag_of(ctx, r), &fleet, &rank,
                                   has_servers ? r->servers : NULL));
    const double fleet_done_s = muir_now_s();
    muir_saver_note(r->saver, muir_fleet_clock_events(r->fleet));
    if (has_host) MUIR_TRY(muir_host_clock_step(ctx, r->host, step, &host));
    if (has_host) MUIR_TRY(save_step(ctx, r, &host));
    const double host_done_s = muir_now_s();
    const muir_emulation_row emulation = {fleet_done_s - start_s, host_done_s - fleet_done_s,
                                          r->telemetry_last_s};
    muir_collector_add_fleet(r->collector, &fleet);
    if (has_host) muir_collector_add_host(r->collector, &host);
    MUIR_TRY(write_step(ctx, r, step, &fleet, &rank, has_servers ? r->servers : NULL, has_host ? &host : NULL,
                        &emulation));
    MUIR_TRY(muir_power_log_after(ctx, r->power, &fleet));
    r->has_executed = has_host;
    if (has_host) r->executed = host;
    r->telemetry_last_s = muir_now_s() - host_done_s;
    r->fleet_clock_s += emulation.fleet_clock_s;
    r->host_s += emulation.host_s;
    r->telemetry_s += r->telemetry_last_s;
    observe(ctx, r, step, &fleet);
    *is_stopped = fleet.flag >= FLAG_STOP;
done:
    return st;
}

static muir_status make_host(muir_ctx *ctx, run_state *r)
{
    const muir_program *program = muir_fleet_clock_program(r->fleet);
    muir_host_times times;
    muir_times_fill(r->scenario, program, muir_fleet_clock_slot_times(r->fleet), &times);
    return muir_host_clock_create(ctx, r->scenario, program, muir_fleet_clock_fold(r->fleet), &times,
                                  &r->host);
}

typedef struct replay_state {
    run_state *run;
    int64_t first_traced; /* row from which power is traced again */
} replay_state;

/* Steps are a function of their number and of the events before. A window of a power trace that a kill has
 * cut is laid again from its start. */
static muir_status replay_row(muir_ctx *ctx, int64_t step, double attempt_s, void *data)
{
    muir_status st = MUIR_OK;
    const replay_state *state = data;
    run_state *r = state->run;
    muir_fleet_row row;
    muir_rank_row rank;
    if (!r->power || step < state->first_traced || !muir_power_log_wants(r->power, step)) {
        muir_fleet_clock_replay(r->fleet, step, attempt_s);
    } else {
        MUIR_TRY(muir_power_log_before(ctx, r->power, step));
        MUIR_TRY(muir_fleet_clock_step(ctx, r->fleet, step, 0, &row, &rank, NULL));
        MUIR_TRY(muir_power_log_after(ctx, r->power, &row));
    }
    muir_saver_note(r->saver, muir_fleet_clock_events(r->fleet));
    if (r->host && step % r->scenario->host.every == 0) muir_saver_replay(r->saver);
done:
    return st;
}

static muir_status replay(muir_ctx *ctx, run_state *r)
{
    muir_status st = MUIR_OK;
    replay_state state = {.run = r};
    if (r->power) MUIR_TRY(muir_power_log_resume(ctx, r->power, &state.first_traced));
    MUIR_TRY(muir_record_replay(ctx, r->record, r->first_step, r->fleet, replay_row, &state));
    MUIR_TRY(muir_saver_resume(ctx, r->saver));
done:
    return st;
}

/* Beside the telemetry file means nowhere without one. A folder that was asked for is no wish. */
static muir_status settle_checkpoints(muir_ctx *ctx, run_state *r)
{
    muir_host_options *o = &r->calibrated.host;
    const bool is_auto = strcmp(o->checkpoint, "auto") == 0;
    if (!muir_snapshot_is_wanted(&r->calibrated)) return MUIR_OK;
    r->has_no_mpi_io = !muir_checkpoint_is_possible();
    if (r->has_no_mpi_io && !is_auto)
        return muir_fail(ctx, MUIR_ERR_ARG, "host.checkpoint=%s: this muir's HDF5 cannot write through MPI",
                         o->checkpoint);
    if (r->has_no_mpi_io || (is_auto && !r->request->claim))
        snprintf(o->checkpoint, sizeof o->checkpoint, "off");
    return MUIR_OK;
}

static const char *path_of(const run_state *r)
{
    return r->request->claim ? muir_claim_path(r->request->claim) : NULL;
}

static muir_status make_saver(muir_ctx *ctx, run_state *r)
{
    const muir_snapshot_facts *facts = &muir_host_clock_facts(r->host)->snapshot;
    if (facts->job_bytes == 0.0) return MUIR_OK;
    return muir_saver_create(ctx, r->scenario, facts, path_of(r), &r->saver);
}

/* Of a file that goes on; NULL: there is none. */
static const char *stored_path(const run_state *r)
{
    return r->request->claim && !muir_claim_is_new(r->request->claim) ? path_of(r) : NULL;
}

static muir_status prepare(muir_ctx *ctx, run_state *r)
{
    muir_status st = MUIR_OK;
    r->calibrated = *r->request->scenario;
    MUIR_TRY(muir_calibrate(ctx, stored_path(r), &r->calibrated));
    MUIR_TRY(settle_checkpoints(ctx, r));
    MUIR_TRY(muir_power_settle_sampling(ctx, &r->calibrated));
    const muir_scenario *s = r->scenario = &r->calibrated;
    muir_ctx_phase(ctx, "laying out the fleet");
    MUIR_TRY(muir_fleet_clock_create(ctx, s, &r->fleet));
    int64_t expected = muir_scenario_steps(s, muir_fleet_clock_ideal(r->fleet)->step_s);
    r->steps = s->run.days > 0.0 ? MOST_ROWS : expected;
    r->limit_ns = llrint(s->run.days * 86400e9);
    if (s->host.every > 0) MUIR_TRY(make_host(ctx, r));
    if (r->host) MUIR_TRY(make_saver(ctx, r));
    MUIR_TRY(
        muir_agree(ctx, muir_ctx_go_on(ctx))); /* no file is made for a run that ends before its first step */
    muir_ctx_phase(ctx, "opening the telemetry file");
    const muir_record_facts facts = {r->request->history ? r->request->history : "", expected};
    if (r->request->claim)
        MUIR_TRY(muir_record_create(ctx, r->request->claim, s, r->host, &facts, &r->first_step, &r->record));
    MUIR_TRY(muir_power_log_create(ctx, s, r->fleet, r->record, &r->power));
    if (r->first_step > 0) muir_ctx_phase(ctx, "replaying %lld steps", (long long)r->first_step);
    if (r->first_step > 0) MUIR_TRY(replay(ctx, r));
    r->first_ns = account(r)->total_ns;
    if (r->record && s->telemetry.level >= MUIR_LEVEL_SERVER)
        MUIR_TRY(muir_alloc(ctx, (size_t)s->fleet.top.servers, sizeof(float), "server rows", &r->servers));
    expected = expected > r->first_step ? expected - r->first_step : 0;
    MUIR_TRY(muir_collector_create(ctx, expected, r->fleet, &r->collector));
done:
    return st;
}

static muir_status finish(muir_ctx *ctx, run_state *r, double prepare_s, muir_summary *summary)
{
    muir_status st = MUIR_OK;
    muir_summary s;
    memset(&s, 0, sizeof s);
    const double start_s = muir_now_s();
    MUIR_TRY(muir_power_log_finish(ctx, r->power));
    MUIR_TRY(muir_record_close(ctx, &r->record, MOST_PACKING * (start_s - r->started_s), &s.file));
    r->telemetry_s += muir_now_s() - start_s;
    s.first_step = r->first_step;
    s.host_ranks = r->host ? muir_fleet_clock_fold(r->fleet)->mesh_ranks : 0;
    s.wall_s = muir_now_s() - r->started_s;
    s.prepare_s = prepare_s;
    s.fleet_clock_s = r->fleet_clock_s;
    s.host_s = r->host_s;
    s.telemetry_s = r->telemetry_s;
    s.step_sigma = r->scenario->fleet.variation.step_sigma;
    s.basis = muir_basis_word(r->scenario);
    MUIR_TRY(muir_interval_of(ctx, r->scenario, &s.interval));
    s.power = muir_power_log_summary(r->power);
    s.cost = *muir_fleet_clock_cost(r->fleet);
    s.has_no_mpi_io = r->has_no_mpi_io;
    if (r->saver) s.saver = *muir_saver_get(r->saver);
    s.bytes_per_chip = muir_fleet_clock_bytes_per_chip(r->fleet);
    MUIR_TRY(muir_collector_finish(ctx, r->collector, r->host, &s));
    s.is_whole = true;
    s.breakeven_use = muir_cost_breakeven_use(&s.cost, &r->scenario->fleet, s.power_mean_w);
    *summary = s;
done:
    return st;
}

static void destroy(run_state *r)
{
    muir_saver_destroy(&r->saver);
    muir_power_log_destroy(&r->power);
    muir_record_destroy(&r->record);
    muir_host_clock_destroy(&r->host);
    muir_fleet_clock_destroy(&r->fleet);
    muir_collector_destroy(&r->collector);
    free(r->servers);
}

/* What the run came to, once everything is written. */
static muir_status judge(muir_ctx *ctx, const run_state *r, bool is_stopped, const muir_summary *s)
{
    const int64_t reached = r->first_step + s->steps, damaged = s->saves.wrong + s->saver.wrong;
    if (is_stopped && r->limit_ns > 0 && !is_over(r))
        return muir_fail(ctx, MUIR_ERR_STOPPED, "stopped after %.4g of %.4g days; continue with --resume",
                         (double)account(r)->total_ns / 86400e9, r->scenario->run.days);
    if (is_stopped && r->limit_ns == 0 && reached < r->steps)
        return muir_fail(ctx, MUIR_ERR_STOPPED, "stopped after %lld of %lld steps; continue with --resume",
                         (long long)reached, (long long)r->steps);
    if (s->tally.wrong > 0)
        return muir_fail(ctx, MUIR_ERR_CHECK, "%lld of %lld checked results of the host clock were wrong",
                         (long long)s->tally.wrong, (long long)s->tally.checked);
    if (damaged > 0)
        return muir_fail(ctx, MUIR_ERR_CHECK,
                         "%lld of %lld checkpoints read back were wrong, the first one:  %s",
                         (long long)damaged, (long long)(s->saves.reads + s->saver.verified + s->saver.wrong),
                         s->saver.damage);
    return MUIR_OK;
}

/* A file that could not be packed holds everything; it is larger than it should be, and the next thing that
 * is written there may fail for the same reason. */
static muir_status judge_packing(muir_ctx *ctx, const run_state *r, const muir_summary *s)
{
    muir_status st = MUIR_OK;
    if (muir_is_root(ctx) && s->file.unpacked[0])
        st = muir_fail(ctx, MUIR_ERR_FILE, "%s has every row, but could not be packed: %s", path_of(r),
                       s->file.unpacked);
    return muir_agree(ctx, st);
}

muir_status muir_run(muir_ctx *ctx, const muir_run_request *request, muir_summary *summary)
{
    muir_status st = MUIR_OK;
    run_state r = {.request = request, .scenario = request->scenario};
    bool is_stopped = false;
    const double begin_s = muir_now_s();
    MUIR_TRY(prepare(ctx, &r));
    r.started_s = r.flushed_s = muir_now_s();
    for (int64_t step = r.first_step; step < r.steps && !is_stopped && !is_over(&r); step++)
        MUIR_TRY(run_step(ctx, &r, step, &is_stopped));
    MUIR_TRY(finish(ctx, &r, r.started_s - begin_s, summary));
    st = judge(ctx, &r, is_stopped, summary);
    if (st == MUIR_OK) st = judge_packing(ctx, &r, summary);
    if (st != MUIR_ERR_STOPPED) muir_saver_finish(ctx, r.saver);
done:
    destroy(&r);
    return st;
}
