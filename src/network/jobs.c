/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs whose steps are all alike: placed and played. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "network/jobs_place.h"
#include "network/sharing.h"

/* How far a job is. */
typedef struct progress {
    int64_t steps;          /* -1: it waits for its start */
    double first_s, last_s; /* ends of its first and latest step */
} progress;

static muir_shared_step step_of(const muir_job_load *job)
{
    return (muir_shared_step){0.0, job->compute_s, job->hidden_s, job->exposed_s};
}

static void find_alone(const muir_sharing *sharing, const muir_job_load *jobs, int n, muir_job_share *share)
{
    for (int j = 0; j < n; j++) {
        const muir_shared_step step = step_of(&jobs[j]);
        share[j].alone_s = muir_sharing_alone_s(sharing, j, &step);
        share[j].uplink_ports *= (jobs[j].hidden_s + jobs[j].exposed_s) / share[j].alone_s;
    }
}

/* Until the job that does fewest has done `steps`. */
static void play(muir_sharing *sharing, const muir_job_load *jobs, int n, int64_t steps, progress *reached)
{
    int behind = n;
    for (int j = 0; j < n; j++) {
        const muir_shared_step wait = {.still_s = jobs[j].start_s}, step = step_of(&jobs[j]);
        reached[j].steps = jobs[j].start_s > 0.0 ? -1 : 0;
        muir_sharing_begin(sharing, j, jobs[j].start_s > 0.0 ? &wait : &step);
    }
    while (behind > 0) {
        double now_s = 0.0;
        const int j = muir_sharing_next(sharing, &now_s);
        const muir_shared_step step = step_of(&jobs[j]);
        if (++reached[j].steps == 1) reached[j].first_s = now_s;
        reached[j].last_s = now_s;
        if (reached[j].steps == steps) behind--;
        muir_sharing_begin(sharing, j, &step);
    }
}

static muir_status check_left(muir_ctx *ctx, const char *what, const double *left, int64_t n)
{
    for (int64_t i = 0; left && i < n; i++)
        if (!(left[i] > 0.0 && left[i] <= 1.0))
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "the share left of %s %lld is %g, but must be above 0 and at most 1", what,
                             (long long)i, left[i]);
    return MUIR_OK;
}

static muir_status check_jobs(muir_ctx *ctx, const muir_fleet *fleet, const muir_job_load *jobs, int n,
                              const muir_fabric_left *left)
{
    muir_status st = MUIR_OK;
    const int64_t under = fleet->fabric.leaf_servers, n_leaves = (fleet->top.servers + under - 1) / under;
    for (int j = 0; j < n; j++)
        if (jobs[j].servers < 1 || !(jobs[j].compute_s + jobs[j].exposed_s > 0.0))
            return muir_fail(ctx, MUIR_ERR_ARG, "job %d has no servers, or steps that take no time", j);
    if (!left) return MUIR_OK;
    MUIR_TRY(check_left(ctx, "the uplinks of leaf", left->leaf, n_leaves));
    MUIR_TRY(check_left(ctx, "the ports of server", left->server, fleet->top.servers));
done:
    return st;
}

muir_status muir_jobs_share(muir_ctx *ctx, const muir_fleet *fleet, muir_placement placement, uint64_t seed,
                            const muir_job_load *jobs, int n, const muir_fabric_left *left, int64_t steps,
                            int32_t *of_server, muir_job_share *share, int64_t *events)
{
    muir_status st = MUIR_OK;
    muir_uplinks uplinks = {.n = 0};
    muir_sharing *sharing = NULL;
    progress *reached = NULL;
    int32_t *places = NULL;
    if (events) *events = 0;
    MUIR_TRY(check_jobs(ctx, fleet, jobs, n, left));
    memset(share, 0, (size_t)n * sizeof *share);
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *reached, "jobs", &reached));
    MUIR_TRY(muir_alloc(ctx, (size_t)fleet->top.servers, sizeof *places, "places of jobs", &places));
    MUIR_TRY(muir_jobs_place(ctx, fleet, placement, seed, jobs, n, places));
    MUIR_TRY(muir_uplinks_find(ctx, fleet, jobs, n, left, places, share, &uplinks));
    MUIR_TRY(muir_sharing_create(ctx, &uplinks, &sharing));
    find_alone(sharing, jobs, n, share);
    play(sharing, jobs, n, steps, reached);
    for (int j = 0; j < n; j++) {
        share[j].step_s = (reached[j].last_s - reached[j].first_s) / (double)(reached[j].steps - 1);
        share[j].slowdown = share[j].step_s / share[j].alone_s;
    }
    if (of_server) memcpy(of_server, places, (size_t)fleet->top.servers * sizeof *places);
    if (events) *events = muir_sharing_events(sharing);
done:
    muir_sharing_destroy(&sharing);
    muir_uplinks_free(&uplinks);
    free(reached);
    free(places);
    return st;
}
