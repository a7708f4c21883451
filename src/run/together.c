/* SPDX-License-Identifier: BSD-3-Clause */
/* Turns, and times of steps alone and together. */
#include "run/together.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "network/sharing.h"

enum { MODELLED_STEPS = 400, NAP_NS = 1000000 };

struct muir_together {
    muir_ctx *ctx; /* of the launch; borrowed */
    muir_ctx *own; /* of this rank's job */
    int n, job;
    int64_t half, steps;
    double *step_s, *comm_s; /* [steps] of this rank */
    int64_t done;            /* steps whose times are known */
    double left_s;           /* when the gate was left */
};

/* All ranks meet, and sleep until they do: a rank that spins takes cores from the job whose turn it is. */
static muir_status meet(muir_together *t, int times)
{
    const struct timespec nap = {0, NAP_NS};
    muir_ctx *ctx = t->ctx;
    muir_status st = MUIR_OK;
    for (int i = 0; i < times; i++) {
        MPI_Request request = MPI_REQUEST_NULL;
        int is_there = 0;
        MUIR_TRY_MPI(MPI_Ibarrier(ctx->comm, &request));
        while (!is_there) {
            MUIR_TRY_MPI(MPI_Test(&request, &is_there, MPI_STATUS_IGNORE));
            if (!is_there) nanosleep(&nap, NULL);
        }
    }
done:
    return st;
}

/* Takes the times of the step before; half way it waits for the others. */
static muir_status gate(int64_t step, const muir_host_row *host, void *data)
{
    muir_status st = MUIR_OK;
    muir_together *t = data;
    if (step > 0 && step <= t->steps) {
        t->step_s[step - 1] = muir_now_s() - t->left_s;
        t->comm_s[step - 1] = host ? host->tally.coll_s + host->tally.p2p_s : 0.0;
        t->done = step;
    }
    if (step == t->half) MUIR_TRY(meet(t, t->n - t->job));
    t->left_s = muir_now_s();
done:
    if (st != MUIR_OK) muir_fail(t->own, st, "%s", t->ctx->message);
    return st;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int64_t n)
{
    if (n < 1) return NAN;
    qsort(values, (size_t)n, sizeof *values, by_value);
    return 0.5 * (values[(n - 1) / 2] + values[n / 2]);
}

/* Medians of the first half, and of those steps of the second that ended while every job still ran; at least
 * of its first step. */
static muir_status measure(muir_together *t, muir_together_job *mine)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = t->ctx;
    double window_s = 0.0, at_s = 0.0;
    int64_t n = 0;
    for (int64_t i = t->half; i < t->done; i++) window_s += t->step_s[i];
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &window_s, 1, MPI_DOUBLE, MPI_MIN, ctx->comm));
    for (int64_t i = t->half; i < t->done; i++, n++) {
        at_s += t->step_s[i];
        if (n > 0 && at_s > window_s * (1.0 + 1e-9)) break;
    }
    mine->alone_steps = t->half;
    mine->together_steps = n;
    mine->alone_s = median(t->step_s, t->half);
    mine->alone_comm_s = median(t->comm_s, t->half);
    mine->together_s = median(t->step_s + t->half, n);
    mine->together_comm_s = median(t->comm_s + t->half, n);
    mine->slowdown = mine->together_s / mine->alone_s;
done:
    return st;
}

/* Slow-downs if collectives and messages of all jobs pass one link, divided max-min, and nothing else is
 * shared: steps as they were alone. */
static muir_status model(muir_ctx *ctx, muir_together_job *jobs, int n)
{
    muir_status st = MUIR_OK;
    muir_sharing *sharing = NULL;
    double *sum_s = NULL, *begun_s = NULL;
    int64_t *steps = NULL;
    muir_uplinks link = {.n = 1, .n_jobs = n};
    MUIR_TRY(muir_alloc(ctx, 2, sizeof *link.of_uplink, "a link", &link.of_uplink));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *link.loads, "a link", &link.loads));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *link.by_job, "a link", &link.by_job));
    MUIR_TRY(muir_alloc(ctx, (size_t)n + 1, sizeof *link.of_job, "a link", &link.of_job));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *link.room, "a link", &link.room));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *link.alone, "a link", &link.alone));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *sum_s, "a link", &sum_s));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *begun_s, "a link", &begun_s));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *steps, "a link", &steps));
    link.of_uplink[1] = n;
    link.room[0] = 1.0;
    for (int j = 0; j < n; j++) {
        link.loads[j] = link.by_job[j] = (muir_uplink_load){j, 0, 1.0};
        link.of_job[j + 1] = j + 1;
        link.alone[j] = 1.0;
    }
    MUIR_TRY(muir_sharing_create(ctx, &link, &sharing));
    for (int i = -n; i < MODELLED_STEPS; i++) {
        double now_s = 0.0;
        const int j = i < 0 ? i + n : muir_sharing_next(sharing, &now_s);
        const double comm_s = fmin(jobs[j].alone_comm_s, jobs[j].alone_s);
        const muir_shared_step step = {.compute_s = jobs[j].alone_s - comm_s, .exposed_s = comm_s};
        if (i >= 0) sum_s[j] += now_s - begun_s[j], steps[j]++;
        begun_s[j] = now_s;
        muir_sharing_begin(sharing, j, &step);
    }
    for (int j = 0; j < n; j++) jobs[j].modelled = sum_s[j] / (double)steps[j] / jobs[j].alone_s;
done:
    muir_sharing_destroy(&sharing);
    muir_uplinks_free(&link);
    free(sum_s);
    free(begun_s);
    free(steps);
    return st;
}

muir_status muir_together_create(muir_ctx *ctx, int n, muir_together **out, muir_ctx **own)
{
    muir_status st = MUIR_OK;
    muir_together *t = NULL;
    MPI_Comm comm = MPI_COMM_NULL;
    if (n > ctx->size)
        return muir_fail(ctx, MUIR_ERR_ARG, "%d jobs at once take a rank each at least: mpirun -n %d or more",
                         n, n);
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *t, "jobs", &t)));
    t->ctx = ctx;
    t->n = n;
    t->job = ctx->rank % n;
    MUIR_TRY_MPI(MPI_Comm_split(ctx->comm, t->job, ctx->rank, &comm));
    MUIR_TRY(muir_ctx_create(comm, &t->own));
    *own = t->own;
    *out = t;
    t = NULL;
done:
    if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
    muir_together_destroy(&t);
    return st;
}

void muir_together_destroy(muir_together **together)
{
    muir_together *t = *together;
    if (!t) return;
    muir_ctx_destroy(&t->own);
    free(t->step_s);
    free(t->comm_s);
    free(t);
    *together = NULL;
}

int muir_together_job_of(const muir_together *t)
{
    return t->job;
}

muir_status muir_together_run(muir_together *t, muir_run_request *request, muir_summary *summary,
                              muir_together_job *jobs)
{
    muir_status st = MUIR_OK;
    muir_ctx *ctx = t->ctx;
    t->steps = muir_scenario_steps(request->scenario, 1.0);
    t->half = t->steps / 2;
    MUIR_TRY(muir_alloc(ctx, (size_t)t->steps, sizeof *t->step_s, "times of steps", &t->step_s));
    MUIR_TRY(muir_alloc(ctx, (size_t)t->steps, sizeof *t->comm_s, "times of steps", &t->comm_s));
    request->gate = gate;
    request->gate_data = t;
    MUIR_TRY(meet(t, t->job + 1));
    st = muir_run(t->own, request, summary);
    if (st != MUIR_OK) { /* the others wait for this job, and nothing but the end of all is left */
        muir_fail(ctx, st, "job %d: %s", t->job + 1, t->own->message);
        ctx->is_alone = true;
        return st;
    }
    MUIR_TRY(meet(t, 1));
    MUIR_TRY(measure(t, &jobs[t->job]));
    for (int j = 0; j < t->n; j++) /* rank j is rank 0 of job j */
        MUIR_TRY_MPI(MPI_Bcast(&jobs[j], (int)sizeof jobs[j], MPI_BYTE, j, ctx->comm));
    MUIR_TRY(model(ctx, jobs, t->n));
done:
    return st;
}
