/* SPDX-License-Identifier: BSD-3-Clause */
/* muir jobs: several jobs on one fleet, and how much slower each is than alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "text/json.h"
#include "run/shared_jobs.h"

enum { SHOWN = 30, STEPS = 20 };

typedef struct jobs_arguments {
    muir_args args;
    const char *json, *placement, *seed, *steps, *leaf, *server;
} jobs_arguments;

/* What every placement does to every job. */
typedef struct outcome {
    muir_job_share *share[MUIR_PLACEMENT_COUNT]; /* [n] each; NULL: not asked for */
    int64_t events;
} outcome;

static muir_status whole(muir_ctx *ctx, const char *name, const char *text, long long least, long long most,
                         long long *value)
{
    char *end = NULL;
    if (!text) return MUIR_OK;
    *value = strtoll(text, &end, 10);
    if (end != text && !*end && *value >= least && *value <= most) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG, "%s is '%s', but must be %lld to %lld", name, text, least, most);
}

/* NUMBER=SHARE or all=SHARE: what is left of a part, or of each.
 * left  out  [n], NULL without text */
static muir_status read_left(muir_ctx *ctx, const char *option, const char *text, int64_t n, double **left)
{
    muir_status st = MUIR_OK;
    char *end = NULL;
    if (!text) return MUIR_OK;
    const bool is_all = strncmp(text, "all=", 4) == 0;
    const long long at = is_all ? 0 : strtoll(text, &end, 10);
    const char *equals = is_all ? text + 3 : end;
    const double share = *equals == '=' ? strtod(equals + 1, &end) : -1.0;
    if (*equals != '=' || *end || at < 0 || at >= n || !(share > 0.0 && share <= 1.0))
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "%s is '%s', but must be N=SHARE or all=SHARE: N from 0 to %lld, SHARE above 0 and at most 1",
            option, text, (long long)n - 1);
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof **left, "degraded parts", left));
    for (int64_t i = 0; i < n; i++) (*left)[i] = is_all || i == at ? share : 1.0;
done:
    return st;
}

static muir_status play_all(muir_ctx *ctx, const jobs_arguments *a, const muir_shared_jobs *jobs,
                            const muir_fabric_left *left, outcome *out)
{
    muir_status st = MUIR_OK;
    long long seed = 1, steps = STEPS;
    const muir_placement only = a->placement ? muir_placement_find(a->placement) : MUIR_PLACEMENT_COUNT;
    if (a->placement && only == MUIR_PLACEMENT_COUNT)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "--placement is '%s', but must be packed, by_leaf, scattered or random",
                         a->placement);
    MUIR_TRY(whole(ctx, "--seed", a->seed, 0, INT64_MAX, &seed));
    MUIR_TRY(whole(ctx, "--steps", a->steps, 2, 1000000, &steps));
    for (int p = 0; p < MUIR_PLACEMENT_COUNT; p++) {
        int64_t events = 0;
        if (a->placement && p != (int)only) continue;
        MUIR_TRY(muir_alloc(ctx, (size_t)jobs->n, sizeof **out->share, "jobs", &out->share[p]));
        MUIR_TRY(muir_jobs_share(ctx, &jobs->fleet, (muir_placement)p, (uint64_t)seed, jobs->load, jobs->n,
                                 left, steps, NULL, out->share[p], &events));
        out->events += events;
    }
done:
    return st;
}

static void print_jobs(const muir_shared_jobs *jobs, const outcome *out)
{
    const muir_fleet *fleet = &jobs->fleet;
    double sum[MUIR_PLACEMENT_COUNT] = {0.0};
    printf(
        "modelled: %d jobs on %lld servers of %lld %s chips, %lld servers per leaf, oversubscription %g\n\n"
        "%-28s %8s %8s %10s %7s %6s",
        jobs->n, (long long)fleet->top.servers, (long long)fleet->server.chips, fleet->top.chip,
        (long long)fleet->fabric.leaf_servers, fleet->fabric.oversubscription, "step, and slowdown by place",
        "chips", "servers", "step", "traffic", "to all");
    for (int p = 0; p < MUIR_PLACEMENT_COUNT; p++)
        if (out->share[p]) printf(" %10s", muir_placement_name((muir_placement)p));
    printf("\n");
    for (int j = 0; j < jobs->n; j++) {
        const muir_job_load *load = &jobs->load[j];
        const double alone_s = load->compute_s + load->exposed_s;
        if (j < SHOWN)
            printf("%-28s %8lld %8lld %10s %5.0f %% %4.0f %%", jobs->name[j], (long long)jobs->chips[j],
                   (long long)load->servers, muir_time_text(alone_s).s,
                   100.0 * (load->hidden_s + load->exposed_s) / alone_s, 100.0 * load->far);
        for (int p = 0; p < MUIR_PLACEMENT_COUNT; p++) {
            if (!out->share[p]) continue;
            sum[p] += out->share[p][j].step_s / alone_s / jobs->n;
            if (j < SHOWN) printf(" %9.3fx", out->share[p][j].step_s / alone_s);
        }
        if (j < SHOWN) printf("\n");
    }
    if (jobs->n > SHOWN) printf("... and %d more\n", jobs->n - SHOWN);
    printf("%-28s %8s %8s %10s %7s %6s", "mean", "", "", "", "", "");
    for (int p = 0; p < MUIR_PLACEMENT_COUNT; p++)
        if (out->share[p]) printf(" %9.3fx", sum[p]);
    printf("\n\nstep: with uplinks that delay nobody; a slowdown has two causes, the job's own placement and "
           "other jobs.\n%lld events played\n",
           (long long)out->events);
}

static muir_status write_json(muir_ctx *ctx, const muir_shared_jobs *jobs, const outcome *out,
                              const char *path)
{
    muir_json_notes notes;
    muir_json root = muir_json_begin_list(&notes);
    for (int p = 0; p < MUIR_PLACEMENT_COUNT; p++) {
        if (!out->share[p]) continue;
        for (int j = 0; j < jobs->n; j++) {
            const muir_job_share *s = &out->share[p][j];
            muir_json row = muir_json_item(&root);
            muir_json_text(&row, "job", jobs->name[j]);
            muir_json_text(&row, "placement", muir_placement_name((muir_placement)p));
            muir_json_count(&row, "chips", jobs->chips[j]);
            muir_json_count(&row, "servers", jobs->load[j].servers);
            muir_json_count(&row, "leaves", s->leaves);
            muir_json_count(&row, "leaves_shared", s->shared);
            muir_json_real(&row, "step_time_s", s->step_s);
            muir_json_real(&row, "alone_s", s->alone_s);
            muir_json_real(&row, "slowdown", s->slowdown);
            muir_json_real(&row, "uplink_ports", s->uplink_ports);
        }
    }
    return muir_json_end(ctx, &root, path);
}

static muir_status on_root(muir_ctx *ctx, const jobs_arguments *a)
{
    muir_status st = MUIR_OK;
    muir_ctx *own = NULL; /* of one process: the others wait */
    muir_csv *table = NULL;
    muir_shared_jobs *jobs = NULL;
    double *leaf = NULL, *server = NULL;
    outcome out = {.events = 0};
    MUIR_TRY(muir_csv_read(ctx, a->args.positional, &table));
    MUIR_TRY(muir_ctx_create_alone(&own));
    st = muir_shared_jobs_create(own, table, a->args.overrides, a->args.n_overrides, &jobs);
    if (st != MUIR_OK) MUIR_TRY(muir_fail(ctx, st, "%s: %s", a->args.positional, own->message));
    const int64_t servers = jobs->fleet.top.servers, under = jobs->fleet.fabric.leaf_servers;
    MUIR_TRY(read_left(ctx, "--leaf", a->leaf, (servers + under - 1) / under, &leaf));
    MUIR_TRY(read_left(ctx, "--server", a->server, servers, &server));
    const muir_fabric_left left = {leaf, server};
    MUIR_TRY(play_all(ctx, a, jobs, &left, &out));
    if (!a->json || strcmp(a->json, "-") != 0) print_jobs(jobs, &out);
    if (a->json) MUIR_TRY(write_json(ctx, jobs, &out, a->json));
done:
    for (int p = 0; p < MUIR_PLACEMENT_COUNT; p++) free(out.share[p]);
    free(leaf);
    free(server);
    muir_shared_jobs_destroy(&jobs);
    muir_csv_destroy(&table);
    muir_ctx_destroy(&own);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    jobs_arguments a = {.json = NULL};
    const muir_arg known[] = {{"--json", NULL, &a.json, NULL}, {"--placement", NULL, &a.placement, NULL},
                              {"--seed", NULL, &a.seed, NULL}, {"--steps", NULL, &a.steps, NULL},
                              {"--leaf", NULL, &a.leaf, NULL}, {"--server", NULL, &a.server, NULL}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, (int)(sizeof known / sizeof known[0]), &a.args));
    if (!a.args.positional) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which table of jobs?"));
    if (muir_is_root(ctx)) st = on_root(ctx, &a);
    st = muir_agree(ctx, st);
done:
    muir_args_free(&a.args);
    return st;
}

const muir_command muir_command_jobs = {
    .name = "jobs",
    .usage = "FILE.csv [key=value ...] [--placement NAME] [--leaf N=SHARE] [--server N=SHARE] [--json FILE]",
    .summary = "model several jobs on one fleet: how much slower each is than alone, by placement",
    .help =
        "  FILE.csv           columns name, scenario, overrides, count, start_s: one kind of job per row\n"
        "  key=value          overrides a key of every job: fleet.fabric.oversubscription=4\n"
        "  --placement NAME   packed, by_leaf, scattered or random; default all four\n"
        "  --leaf N=SHARE     share of the uplinks that leaf N still has, counted from 0; all=SHARE for all "
        "leaves\n  --server N=SHARE   share of its ports that server N still has\n"
        "  --seed N           seed of random placements; default 1\n"
        "  --steps N          steps of the job that does fewest; default 20\n"
        "  --json FILE        one row per job and placement; `-` writes to standard output, without the "
        "text\n",
    .mpi = MUIR_MPI_LAUNCHED,
    .run = run,
};
