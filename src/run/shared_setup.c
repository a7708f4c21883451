/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs of a file: their scenarios, their places, their clocks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "network/jobs_place.h"
#include "run/shared_state.h"
#include "step_time/traffic.h"

enum { MOST_KEYS = 256, MOST_JOBS = 4096, MOST_SPARES = 1024, KEY_SIZE = 64 };

/* Overrides of one item: the file's, its own, those of the command line, muir's. */
typedef struct key_list {
    char common[MUIR_ENTRY_KEYS], own[MUIR_ENTRY_KEYS];
    char replicas[KEY_SIZE], servers[KEY_SIZE];
    const char *keys[MOST_KEYS];
    int n;
} key_list;

static void add_lines(char *text, key_list *list)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line && list->n < MOST_KEYS - 2;
         line = strtok_r(NULL, "\n", &rest))
        list->keys[list->n++] = line;
}

static void list_keys(const muir_shared_request *q, const muir_jobs_entry *e, key_list *list)
{
    memset(list, 0, sizeof *list);
    memcpy(list->common, q->file->common, sizeof list->common);
    memcpy(list->own, e->keys, sizeof list->own);
    add_lines(list->common, list);
    add_lines(list->own, list);
    for (int i = 0; i < q->n_given && list->n < MOST_KEYS - 2; i++) list->keys[list->n++] = q->given[i];
}

/* A failure with the item's place in front. */
static muir_status at_entry(muir_ctx *ctx, const muir_shared_request *q, const muir_jobs_entry *e,
                            muir_status st)
{
    char message[MUIR_MESSAGE_SIZE];
    if (st == MUIR_OK) return st;
    memcpy(message, ctx->message, sizeof message);
    muir_ctx_clear(ctx);
    return muir_fail(ctx, st, "%s:%d: %.800s", q->path, e->line, message);
}

static muir_status load(muir_ctx *ctx, const muir_shared_request *q, const muir_jobs_entry *e, key_list *list,
                        muir_scenario *scenario)
{
    return at_entry(
        ctx, q, e,
        muir_scenario_load(ctx, e->scenario[0] ? e->scenario : NULL, list->keys, list->n, scenario));
}

/* As many replicas as the item's servers hold. */
static muir_status fit_replicas(muir_ctx *ctx, const muir_shared_request *q, const muir_jobs_entry *e,
                                key_list *list, muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    const muir_job *job = &scenario->job;
    if (e->servers == 0 && e->share == 0.0) return MUIR_OK;
    const int64_t servers =
        e->servers > 0 ? e->servers : (int64_t)(e->share * (double)scenario->fleet.top.servers);
    const int64_t replica = muir_job_chips(job) / job->parallel.dp,
                  chips = servers * scenario->fleet.server.chips;
    if (replica > chips)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: %lld servers hold %lld chips, but a replica takes %lld",
                         q->path, e->line, (long long)servers, (long long)chips, (long long)replica);
    snprintf(list->replicas, sizeof list->replicas, "parallel.dp=%lld", (long long)(chips / replica));
    list->keys[list->n++] = list->replicas;
    MUIR_TRY(load(ctx, q, e, list, scenario));
done:
    return st;
}

/* All jobs must mean the same fleet. */
static muir_status check_fleet(muir_ctx *ctx, const muir_shared_request *q, const muir_jobs_entry *e,
                               const muir_fleet *first, const muir_fleet *other)
{
    if (strcmp(first->top.chip, other->top.chip) == 0 && first->server.chips == other->server.chips &&
        first->top.servers == other->top.servers &&
        first->fabric.leaf_servers == other->fabric.leaf_servers &&
        first->fabric.oversubscription == other->fabric.oversubscription &&
        first->fabric.port_byte_per_s == other->fabric.port_byte_per_s)
        return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "%s:%d: job '%s' has a fleet of its own: %lld servers of %lld %s, %lld under a leaf, "
                     "oversubscription "
                     "%g; the first job has %lld of %lld %s, %lld, %g: set fleet and fleet.* for all jobs",
                     q->path, e->line, e->name, (long long)other->top.servers, (long long)other->server.chips,
                     other->top.chip, (long long)other->fabric.leaf_servers, other->fabric.oversubscription,
                     (long long)first->top.servers, (long long)first->server.chips, first->top.chip,
                     (long long)first->fabric.leaf_servers, first->fabric.oversubscription);
}

/* What all chips send in a step; of what ports send, the share that leaves leaves is known once it lies. */
static muir_status add_bytes(muir_ctx *ctx, const muir_scenario *scenario, double *link_bytes)
{
    muir_status st = MUIR_OK;
    muir_program *program = NULL;
    double bytes[MUIR_LINK_COUNT];
    const int64_t stages = scenario->job.parallel.pp;
    MUIR_TRY(muir_program_create(ctx, &scenario->job, &program));
    for (int link = 0; link < MUIR_LINK_COUNT; link++) link_bytes[link] = 0.0;
    for (int stage = 0; stage < stages; stage++) {
        muir_traffic_bytes(scenario, program, stage, bytes);
        for (int link = 0; link < MUIR_LINK_COUNT; link++)
            link_bytes[link] += bytes[link] * (double)muir_job_chips(&scenario->job) / (double)stages;
    }
done:
    muir_program_destroy(&program);
    return st;
}

static muir_status read_entry(muir_ctx *ctx, muir_shared_state *s, int entry, key_list *list,
                              muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    const muir_shared_request *q = s->request;
    const muir_jobs_entry *e = &q->file->entries[entry];
    muir_shared_job job = {.placement = e->placement};
    list_keys(q, e, list);
    MUIR_TRY(load(ctx, q, e, list, scenario));
    MUIR_TRY(fit_replicas(ctx, q, e, list, scenario));
    if (s->n == 0) s->fleet = scenario->fleet;
    if (s->n == 0) s->steps = muir_scenario_steps(scenario, 1.0);
    if (s->n == 0) s->limit_s = scenario->run.days * 86400.0;
    MUIR_TRY(check_fleet(ctx, q, e, &s->fleet, &scenario->fleet));
    MUIR_TRY(muir_traffic_of(ctx, scenario, &job.load));
    MUIR_TRY(add_bytes(ctx, scenario, job.link_bytes));
    job.load.start_s = e->start_s;
    job.chips = muir_job_chips(&scenario->job);
    job.servers = job.load.servers;
    for (int64_t i = 0; i < e->count; i++) {
        if (s->n == MOST_JOBS)
            MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: more than %d jobs", q->path, e->line, MOST_JOBS));
        char suffix[16] = "";
        if (e->count > 1) snprintf(suffix, sizeof suffix, "-%d", (int)i + 1);
        snprintf(job.name, sizeof job.name, "%.40s%s", e->name, suffix);
        s->entry[s->n] = entry;
        s->jobs[s->n++] = job;
    }
done:
    return st;
}

static muir_status place(muir_ctx *ctx, muir_shared_state *s)
{
    muir_status st = MUIR_OK;
    const int64_t servers = s->fleet.top.servers;
    int64_t at = 0;
    MUIR_TRY(muir_alloc(ctx, (size_t)servers, sizeof *s->of_server, "places of jobs", &s->of_server));
    MUIR_TRY(muir_alloc(ctx, (size_t)servers, sizeof *s->servers, "places of jobs", &s->servers));
    MUIR_TRY(muir_alloc(ctx, (size_t)s->n + 1, sizeof *s->first, "places of jobs", &s->first));
    MUIR_TRY(muir_alloc(ctx, MOST_SPARES, sizeof *s->spares, "spare servers", &s->spares));
    MUIR_TRY(muir_alloc(ctx, MOST_SPARES, sizeof *s->has_spare, "spare servers", &s->has_spare));
    for (int64_t i = 0; i < servers; i++) s->of_server[i] = -1;
    for (int j = 0; j < s->n; j++) {
        const muir_jobs_entry *e = &s->request->file->entries[s->entry[j]];
        const muir_placement placement = muir_placement_find(e->placement);
        const bool is_listed = placement == MUIR_PLACEMENT_COUNT;
        MUIR_TRY(
            at_entry(ctx, s->request, e,
                     muir_jobs_take(ctx, &s->fleet, is_listed ? MUIR_PLACEMENT_PACKED : placement, 1,
                                    is_listed ? e->placement : NULL, s->jobs[j].servers, j, s->of_server)));
        s->first[j + 1] = s->first[j] + s->jobs[j].servers;
    }
    for (int j = 0; j < s->n; j++, at = 0)
        for (int64_t i = 0; i < servers && at < s->jobs[j].servers; i++)
            if (s->of_server[i] == j) s->servers[s->first[j] + at++] = i;
    for (int64_t i = 0; i < servers && s->n_spares < MOST_SPARES; i++)
        if (s->of_server[i] < 0) {
            s->has_spare[s->n_spares] = -1;
            s->spares[s->n_spares++] = i;
        }
done:
    return st;
}

/* What is left of the file's degraded parts.
 * leaf, server  out  [leaves], [servers] */
static muir_status degrade(muir_ctx *ctx, const muir_shared_state *s, double **leaf, double **server)
{
    muir_status st = MUIR_OK;
    const int64_t under = s->fleet.fabric.leaf_servers, servers = s->fleet.top.servers;
    const int64_t leaves = (servers + under - 1) / under;
    MUIR_TRY(muir_alloc(ctx, (size_t)leaves, sizeof **leaf, "degraded parts", leaf));
    MUIR_TRY(muir_alloc(ctx, (size_t)servers, sizeof **server, "degraded parts", server));
    for (int64_t i = 0; i < leaves; i++) (*leaf)[i] = 1.0;
    for (int64_t i = 0; i < servers; i++) (*server)[i] = 1.0;
    for (int k = 0; k < s->request->file->n_degraded; k++) {
        const muir_jobs_degraded *d = &s->request->file->degraded[k];
        const int64_t n = d->is_leaf ? leaves : servers;
        double *left = d->is_leaf ? *leaf : *server;
        if (d->number >= n)
            MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: %s %lld is not in the fleet, which has %lld",
                               s->request->path, d->line, d->is_leaf ? "leaf" : "server",
                               (long long)d->number, (long long)n));
        for (int64_t i = d->number < 0 ? 0 : d->number; i < (d->number < 0 ? n : d->number + 1); i++)
            left[i] *= d->left;
    }
done:
    return st;
}

/* What of a job's ports leaves leaves. */
static void share_uplinks(muir_shared_job *job)
{
    job->link_bytes[MUIR_LINK_UPLINK] =
        job->link_bytes[MUIR_LINK_PORT] * job->share.uplink_ports / (double)job->servers;
}

static muir_status make_clocks(muir_ctx *ctx, muir_shared_state *s, key_list *list)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_alloc(ctx, (size_t)s->n, sizeof *s->scenarios, "jobs", &s->scenarios));
    MUIR_TRY(muir_alloc(ctx, (size_t)s->n, sizeof *s->clocks, "jobs", &s->clocks));
    MUIR_TRY(muir_alloc(ctx, (size_t)s->n, sizeof *s->free_spares, "jobs", &s->free_spares));
    for (int j = 0; j < s->n; j++) {
        const muir_jobs_entry *e = &s->request->file->entries[s->entry[j]];
        if (j == 0 || s->entry[j] != s->entry[j - 1]) {
            list_keys(s->request, e, list);
            const int64_t dp_chips = s->jobs[j].chips;
            MUIR_TRY(load(ctx, s->request, e, list, &s->scenarios[j]));
            const int64_t replica = muir_job_chips(&s->scenarios[j].job) / s->scenarios[j].job.parallel.dp;
            snprintf(list->replicas, sizeof list->replicas, "parallel.dp=%lld",
                     (long long)(dp_chips / replica));
            snprintf(list->servers, sizeof list->servers, "fleet.servers=%lld",
                     (long long)(s->jobs[j].servers + s->n_spares));
            list->keys[list->n++] = list->replicas;
            list->keys[list->n++] = list->servers;
            MUIR_TRY(load(ctx, s->request, e, list, &s->scenarios[j]));
        } else {
            s->scenarios[j] = s->scenarios[j - 1];
        }
        const bool is_copy = j > 0 && s->entry[j] == s->entry[j - 1];
        s->scenarios[j].run.seed += is_copy ? 1 : j; /* other chips, other failures */
        muir_ctx_phase(ctx, "laying out job %d of %d", j + 1, s->n);
        MUIR_TRY(muir_fleet_clock_create(ctx, &s->scenarios[j], &s->clocks[j]));
        for (int64_t k = 0; k < s->n_spares; k++)
            muir_fleet_clock_lend(s->clocks[j], (int32_t)(s->jobs[j].servers + k), false);
        s->free_spares[j] = (int32_t)s->n_spares;
    }
done:
    return st;
}

muir_status muir_shared_setup(muir_ctx *ctx, muir_shared_state *s)
{
    muir_status st = MUIR_OK;
    muir_scenario *scenario = NULL;
    key_list *list = NULL;
    muir_job_load *loads = NULL;
    muir_job_share *share = NULL;
    double *leaf = NULL, *server = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *scenario, "jobs", &scenario));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *list, "jobs", &list));
    MUIR_TRY(muir_alloc(ctx, MOST_JOBS, sizeof *s->jobs, "jobs", &s->jobs));
    MUIR_TRY(muir_alloc(ctx, MOST_JOBS, sizeof *s->entry, "jobs", &s->entry));
    for (int i = 0; i < s->request->file->n; i++) MUIR_TRY(read_entry(ctx, s, i, list, scenario));
    MUIR_TRY(place(ctx, s));
    MUIR_TRY(muir_alloc(ctx, (size_t)s->n, sizeof *loads, "jobs", &loads));
    MUIR_TRY(muir_alloc(ctx, (size_t)s->n, sizeof *share, "jobs", &share));
    MUIR_TRY(muir_alloc(ctx, (size_t)s->n, sizeof *s->rows, "jobs", &s->rows));
    for (int j = 0; j < s->n; j++) loads[j] = s->jobs[j].load;
    MUIR_TRY(degrade(ctx, s, &leaf, &server));
    const muir_fabric_left left = {leaf, server};
    MUIR_TRY(muir_uplinks_find(ctx, &s->fleet, loads, s->n, &left, s->of_server, share, &s->uplinks));
    for (int j = 0; j < s->n; j++) {
        s->jobs[j].share = share[j];
        share_uplinks(&s->jobs[j]);
    }
    MUIR_TRY(muir_sharing_create(ctx, &s->uplinks, &s->sharing));
    MUIR_TRY(make_clocks(ctx, s, list));
done:
    free(scenario);
    free(list);
    free(loads);
    free(share);
    free(leaf);
    free(server);
    return st;
}

void muir_shared_state_free(muir_shared_state *s)
{
    muir_shared_record_free(s);
    for (int j = 0; s->clocks && j < s->n; j++) muir_fleet_clock_destroy(&s->clocks[j]);
    muir_sharing_destroy(&s->sharing);
    muir_uplinks_free(&s->uplinks);
    free(s->entry);
    free(s->scenarios);
    free(s->clocks);
    free(s->of_server);
    free(s->servers);
    free(s->first);
    free(s->spares);
    free(s->has_spare);
    free(s->free_spares);
    free(s->rows);
}
