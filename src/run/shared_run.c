/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop over the ends of jobs' steps. */
#include "run/shared_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "run/shared_state.h"

/* Number in the fleet of a server of a job's own machine; -1: of none in particular. */
static int64_t fleet_server(const muir_shared_state *s, int j, int64_t server)
{
    if (server < 0) return -1;
    return server < s->jobs[j].servers ? s->servers[s->first[j] + server]
                                       : s->spares[server - s->jobs[j].servers];
}

static muir_status put_events(muir_ctx *ctx, muir_shared_state *s, int j, int *n)
{
    muir_status st = MUIR_OK;
    const muir_event *events = muir_events_of_row(muir_fleet_clock_events(s->clocks[j]), n);
    for (int i = 0; i < *n; i++) {
        const muir_event *e = &events[i];
        const muir_shared_event event = {.job = j,
                                         .step = s->jobs[j].steps,
                                         .kind = e->kind,
                                         .consequence = e->consequence,
                                         .server = fleet_server(s, j, e->server),
                                         .start_s = 1e-9 * (double)e->start_ns,
                                         .stall_s = 1e-9 * (double)e->stall_ns};
        s->jobs[j].failures++;
        MUIR_TRY(muir_shared_record_event(ctx, s, &event));
        s->n_events++;
    }
done:
    return st;
}

/* Tells the other jobs which shared spares this one has taken or given back in its last row. */
static void share_spares(muir_shared_state *s, int j)
{
    const muir_servers *servers = muir_events_servers(muir_fleet_clock_events(s->clocks[j]));
    for (int64_t k = 0; k < s->n_spares; k++) {
        const bool is_free =
            muir_servers_state(servers, (int32_t)(s->jobs[j].servers + k)) == MUIR_SERVER_SPARE;
        if ((s->has_spare[k] == j) != is_free || (s->has_spare[k] >= 0 && s->has_spare[k] != j)) continue;
        s->has_spare[k] = is_free ? -1 : j;
        for (int i = 0; i < s->n; i++)
            muir_fleet_clock_lend(s->clocks[i], (int32_t)(s->jobs[i].servers + k), !is_free && i != j);
    }
    s->free_spares[j] = muir_servers_n_spares(servers);
}

/* The job's next step, as its own clock has it. */
static muir_status begin(muir_ctx *ctx, muir_shared_state *s, int j, double now_s, bool *is_stopped)
{
    muir_status st = MUIR_OK;
    muir_fleet_row row;
    muir_rank_row rank;
    int n = 0;
    muir_shared_job *job = &s->jobs[j];
    const int flag = s->request->stop && *s->request->stop ? 1 : 0;
    MUIR_TRY(muir_fleet_clock_step(ctx, s->clocks[j], job->steps, flag, &row, &rank, NULL));
    *is_stopped = row.flag > 0;
    MUIR_TRY(put_events(ctx, s, j, &n));
    const muir_events *events = muir_fleet_clock_events(s->clocks[j]);
    if (s->n_spares > 0 && (n > 0 || muir_servers_n_spares(muir_events_servers(events)) != s->free_spares[j]))
        share_spares(s, j);
    const bool is_broken = row.replicas == 0;
    const double still_s =
        is_broken ? row.step_s : row.part_s[MUIR_PART_recovery] + row.part_s[MUIR_PART_checkpoint];
    const muir_shared_step step = {
        still_s, is_broken ? 0.0 : fmax(0.0, row.step_s - still_s - job->load.exposed_s),
        is_broken ? 0.0 : job->load.hidden_s, is_broken ? 0.0 : job->load.exposed_s};
    muir_shared_row *r = &s->rows[j];
    *r = (muir_shared_row){.job = j,
                           .step = job->steps,
                           .replicas = row.replicas,
                           .training_step = row.training_step,
                           .start_s = now_s,
                           .still_s = still_s,
                           .alone_s = muir_sharing_alone_s(s->sharing, j, &step)};
    for (int link = 0; !is_broken && link < MUIR_LINK_COUNT; link++)
        r->link_bytes[link] = job->link_bytes[link];
    muir_sharing_begin(s->sharing, j, &step);
done:
    return st;
}

static muir_status end(muir_ctx *ctx, muir_shared_state *s, int j, double now_s)
{
    muir_status st = MUIR_OK;
    muir_shared_job *job = &s->jobs[j];
    muir_shared_row *r = &s->rows[j];
    r->end_s = now_s;
    r->step_s = now_s - r->start_s;
    r->slowdown = r->alone_s > 0.0 ? r->step_s / r->alone_s : 1.0;
    r->uplink_wait_s = fmax(0.0, r->step_s - r->alone_s);
    job->share.step_s += r->step_s;
    job->share.alone_s += r->alone_s;
    job->still_s += r->still_s;
    job->uplink_wait_s += r->uplink_wait_s;
    job->kept += r->replicas > 0;
    job->steps++;
    MUIR_TRY(muir_shared_record_step(ctx, s, r));
    s->n_rows++;
done:
    return st;
}

static muir_status play(muir_ctx *ctx, muir_shared_state *s, double *now_s)
{
    muir_status st = MUIR_OK;
    int behind = s->n;
    bool is_stopped = false, is_over = false;
    for (int j = 0; j < s->n; j++) {
        const muir_shared_step wait = {.still_s = s->jobs[j].load.start_s};
        s->jobs[j].steps = -1; /* it waits for its start */
        s->rows[j].start_s = 0.0;
        muir_sharing_begin(s->sharing, j, &wait);
    }
    while (behind > 0 && !is_over && !is_stopped) {
        const int j = muir_sharing_next(s->sharing, now_s);
        if (s->jobs[j].steps < 0)
            s->jobs[j].steps = 0;
        else
            MUIR_TRY(end(ctx, s, j, *now_s));
        if (s->limit_s == 0.0 && s->jobs[j].steps == s->steps) behind--;
        is_over = s->limit_s > 0.0 && *now_s >= s->limit_s;
        if (behind > 0 && !is_over) MUIR_TRY(begin(ctx, s, j, *now_s, &is_stopped));
    }
    if (is_stopped)
        st = muir_fail(ctx, MUIR_ERR_STOPPED, "stopped after %lld steps of all jobs", (long long)s->n_rows);
done:
    return st;
}

static void sum_up(muir_shared_state *s, muir_shared_result *result)
{
    for (int j = 0; j < s->n; j++) {
        muir_shared_job *job = &s->jobs[j];
        job->goodput = muir_goodput_share(muir_events_goodput(muir_fleet_clock_events(s->clocks[j])));
        if (job->steps < 1) {
            job->steps = 0;
            job->share.step_s = job->share.alone_s = job->share.slowdown = NAN;
            continue;
        }
        job->share.slowdown = job->share.step_s / job->share.alone_s;
        job->share.step_s /= (double)job->steps;
        job->share.alone_s /= (double)job->steps;
    }
    result->fleet_servers = s->fleet.top.servers;
    result->spares = s->n_spares;
    result->oversubscription = s->fleet.fabric.oversubscription;
    result->rows = s->n_rows;
    result->events = s->n_events;
}

muir_status muir_jobs_run(muir_ctx *ctx, const muir_shared_request *request, muir_shared_result *result)
{
    muir_status st = MUIR_OK, played = MUIR_OK;
    muir_shared_state s = {.request = request};
    memset(result, 0, sizeof *result);
    MUIR_TRY(muir_agree(ctx, muir_shared_setup(ctx, &s)));
    if (request->claim) MUIR_TRY(muir_shared_record_start(ctx, &s));
    muir_ctx_phase(ctx, "playing %d jobs", s.n);
    const double started_s = muir_now_s();
    played = play(ctx, &s, &result->fleet_time_s);
    if (played != MUIR_OK && played != MUIR_ERR_STOPPED) MUIR_TRY(played);
    result->wall_s = muir_now_s() - started_s;
    if (s.telemetry) st = muir_telemetry_close(ctx, &s.telemetry, 0.01 * result->wall_s, NULL);
    if (st == MUIR_OK) st = played;
    sum_up(&s, result);
done:
    result->jobs = s.jobs;
    result->n = s.n;
    muir_shared_state_free(&s);
    return st;
}

void muir_shared_result_free(muir_shared_result *result)
{
    free(result->jobs);
    memset(result, 0, sizeof *result);
}
