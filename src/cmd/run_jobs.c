/* SPDX-License-Identifier: BSD-3-Clause */
/* Several jobs on one fleet: a line for each, and what they cost each other. */
#include "cmd/run_jobs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "text/json.h"
#include "summary/report.h"
#include "run/shared_run.h"

enum { SHOWN = 40 };

static void print_result(const muir_shared_result *r, const char *path)
{
    double mean = 0.0;
    int n = 0;
    printf(
        "modelled: %d jobs on %s servers, oversubscription %g, %s spare servers shared; %s of fleet time\n\n",
        r->n, muir_count_text(r->fleet_servers).s, r->oversubscription, muir_count_text(r->spares).s,
        muir_time_text(r->fleet_time_s).s);
    printf("%-20s %9s %8s %-10s %6s %7s %6s %10s %10s %8s %7s %7s %7s\n", "job", "chips", "servers",
           "placement", "leaves", "shared", "steps", "step", "alone", "slowdown", "uplinks", "events",
           "goodput");
    for (int j = 0; j < r->n; j++) {
        const muir_shared_job *job = &r->jobs[j];
        if (!isnan(job->share.slowdown)) mean += job->share.slowdown, n++;
        if (j >= SHOWN) continue;
        printf("%-20.20s %9lld %8lld %-10.10s %6lld %7lld %6lld %10s %10s %8.3f %6.1f%% %7lld %6.1f%%\n",
               job->name, (long long)job->chips, (long long)job->servers, job->placement,
               (long long)job->share.leaves, (long long)job->share.shared, (long long)job->steps,
               muir_time_text(job->share.step_s).s, muir_time_text(job->share.alone_s).s, job->share.slowdown,
               100.0 * job->uplink_wait_s / (job->share.step_s * (double)job->steps),
               (long long)job->failures, 100.0 * job->goodput);
    }
    if (r->n > SHOWN) printf("... and %d more\n", r->n - SHOWN);
    printf("%-20s %90.3f\n\n", "mean", n > 0 ? mean / n : NAN);
    printf("alone: the same steps with nobody else on the uplinks; uplinks: share of a job's time that "
           "others on them "
           "cost.\n%s steps of jobs in %s, %.3g per second\ntelemetry  %s\n",
           muir_count_text(r->rows).s, muir_time_text(r->wall_s).s, (double)r->rows / r->wall_s, path);
}

static void add_bytes(muir_json *row, const muir_shared_job *job)
{
    for (int link = 0; link < MUIR_LINK_COUNT; link++) {
        char name[32];
        snprintf(name, sizeof name, "%s_bytes", muir_link_name((muir_link)link));
        muir_json_real(row, name, job->link_bytes[link]);
    }
}

static muir_status write_json(muir_ctx *ctx, const muir_shared_result *r, const char *path)
{
    muir_json_notes notes;
    muir_json root = muir_json_begin_list(&notes);
    for (int j = 0; j < r->n; j++) {
        const muir_shared_job *job = &r->jobs[j];
        muir_json row = muir_json_item(&root);
        muir_json_text(&row, "job", job->name);
        muir_json_text(&row, "placement", job->placement);
        muir_json_count(&row, "chips", job->chips);
        muir_json_count(&row, "servers", job->servers);
        muir_json_count(&row, "leaves", job->share.leaves);
        muir_json_count(&row, "leaves_shared", job->share.shared);
        muir_json_count(&row, "steps", job->steps);
        muir_json_count(&row, "events", job->failures);
        muir_json_real(&row, "step_time_s", job->share.step_s);
        muir_json_real(&row, "alone_s", job->share.alone_s);
        muir_json_real(&row, "slowdown", job->share.slowdown);
        muir_json_real(&row, "uplink_wait_s", job->uplink_wait_s);
        muir_json_real(&row, "still_s", job->still_s);
        muir_json_real(&row, "goodput", job->goodput);
        add_bytes(&row, job);
    }
    return muir_json_end(ctx, &root, path);
}

/* muir-NAME.h5 for the scenario's file. */
static void default_path(const char *scenario, char *path, size_t size)
{
    const char *slash = strrchr(scenario, '/');
    const char *name = slash ? slash + 1 : scenario;
    snprintf(path, size, "muir-%.*s.h5", (int)strcspn(name, "."), name);
}

static muir_status play(muir_ctx *ctx, const muir_args *args, const muir_run_jobs_options *o,
                        const char *where, const muir_jobs_file *file)
{
    muir_status st = MUIR_OK;
    char path[MUIR_ENTRY_PATH + 16];
    muir_claim *claim = NULL;
    muir_progress_line line = muir_progress_line_make();
    muir_shared_result result = {.jobs = NULL};
    default_path(where, path, sizeof path);
    if (o->path) snprintf(path, sizeof path, "%s", o->path);
    MUIR_TRY(muir_claim_create(ctx, path, false, &claim));
    const muir_shared_request request = {.file = file,
                                         .path = where,
                                         .given = args->overrides,
                                         .n_given = args->n_overrides,
                                         .claim = claim,
                                         .history = o->history,
                                         .stop = o->stop};
    if (!o->is_quiet) ctx->on_phase = muir_progress_phase;
    ctx->phase_data = &line;
    const muir_status ran = muir_jobs_run(ctx, &request, &result);
    ctx->on_phase = NULL;
    muir_progress_end(&line);
    if (ran != MUIR_OK && ran != MUIR_ERR_STOPPED) MUIR_TRY(ran);
    if (muir_is_root(ctx) && !o->is_quiet && !(o->json && strcmp(o->json, "-") == 0))
        print_result(&result, path);
    if (muir_is_root(ctx) && o->json) st = write_json(ctx, &result, o->json);
    st = muir_agree(ctx, ran != MUIR_OK ? ran : st);
done:
    muir_shared_result_free(&result);
    muir_claim_destroy(&claim);
    return st;
}

muir_status muir_run_jobs(muir_ctx *ctx, const muir_args *args, const muir_run_jobs_options *o, bool *is_one)
{
    muir_status st = MUIR_OK;
    muir_jobs_file *file = NULL;
    char where[MUIR_ENTRY_PATH];
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *file, "jobs", &file)));
    MUIR_TRY(muir_jobs_file_read(ctx, args->positional, where, file));
    *is_one = file->n == 0;
    if (*is_one) goto done;
    if (o->is_alone)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s has jobs: --seeds, --until and --resume are for one job",
                           where));
    MUIR_TRY(play(ctx, args, o, where, file));
done:
    free(file);
    return st;
}
