/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs at once: their files, and a line for each. */
#include "cmd/run_together.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "text/json.h"
#include "run/together.h"

enum { PATH_SIZE = 128 };

typedef struct job_names {
    char name[MUIR_MOST_TOGETHER][MUIR_NAME_SIZE]; /* of the scenarios */
    char path[MUIR_MOST_TOGETHER][PATH_SIZE];      /* of the telemetry files */
} job_names;

/* Loads every scenario on every rank, so that all can be refused before one runs. */
static muir_status load_all(muir_ctx *ctx, const muir_args *args, int own, muir_scenario *scenario,
                            job_names *names)
{
    muir_status st = MUIR_OK;
    muir_scenario *other = NULL;
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *other, "scenarios", &other)));
    for (int j = 0; j < args->n_words; j++) {
        int same = 0;
        MUIR_TRY(muir_scenario_load(ctx, args->words[j], args->overrides, args->n_overrides, other));
        if (other->host.every != 1)
            MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                               "%s: host.every=%lld: jobs at once execute every step (host.every=1)",
                               args->words[j], (long long)other->host.every));
        if (other->run.days > 0.0 || muir_scenario_steps(other, 1.0) < 4)
            MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: jobs at once need steps=4 or more, and no days",
                               args->words[j]));
        for (int k = 0; k < j; k++) same += strcmp(names->name[k], other->name) == 0;
        snprintf(names->name[j], sizeof names->name[j], "%s", other->name);
        if (same > 0)
            snprintf(names->path[j], sizeof names->path[j], "muir-%s-%d.h5", other->name, same + 1);
        else
            snprintf(names->path[j], sizeof names->path[j], "muir-%s.h5", other->name);
        if (j == own) *scenario = *other;
    }
done:
    free(other);
    return st;
}

static void print_jobs(const job_names *names, const muir_together_job *jobs, int n)
{
    printf("executed: %d jobs at once, each alone before\n\n%-16s %6s %12s %12s %12s %12s %9s %9s  %s\n", n,
           "job", "steps", "alone", "together", "comm alone", "together", "slowdown", "modelled",
           "telemetry");
    for (int j = 0; j < n; j++)
        printf("%-16.16s %6lld %12s %12s %12s %12s %9.3f %9.3f  %s\n", names->name[j],
               (long long)jobs[j].together_steps, muir_time_text(jobs[j].alone_s).s,
               muir_time_text(jobs[j].together_s).s, muir_time_text(jobs[j].alone_comm_s).s,
               muir_time_text(jobs[j].together_comm_s).s, jobs[j].slowdown, jobs[j].modelled, names->path[j]);
    printf("\nalone, together: medians of executed steps, and of collectives and messages in them, on each "
           "job's first "
           "rank.\nmodelled: the slow-down if one link, divided max-min, is all that the jobs share.\n");
}

static muir_status write_json(muir_ctx *ctx, const job_names *names, const muir_together_job *jobs, int n,
                              const char *path)
{
    muir_json_notes notes;
    muir_json root = muir_json_begin_list(&notes);
    for (int j = 0; j < n; j++) {
        muir_json row = muir_json_item(&root);
        muir_json_text(&row, "job", names->name[j]);
        muir_json_text(&row, "telemetry", names->path[j]);
        muir_json_count(&row, "steps_alone", jobs[j].alone_steps);
        muir_json_count(&row, "steps_together", jobs[j].together_steps);
        muir_json_real(&row, "alone_s", jobs[j].alone_s);
        muir_json_real(&row, "together_s", jobs[j].together_s);
        muir_json_real(&row, "comm_alone_s", jobs[j].alone_comm_s);
        muir_json_real(&row, "comm_together_s", jobs[j].together_comm_s);
        muir_json_real(&row, "slowdown", jobs[j].slowdown);
        muir_json_real(&row, "modelled_slowdown", jobs[j].modelled);
    }
    return muir_json_end(ctx, &root, path);
}

muir_status muir_run_together(muir_ctx *ctx, const muir_args *args, const muir_run_jobs_options *o)
{
    muir_status st = MUIR_OK;
    muir_together *together = NULL;
    muir_ctx *own = NULL;
    muir_claim *claim = NULL;
    muir_scenario *scenario = NULL;
    job_names names;
    muir_summary summary;
    muir_together_job jobs[MUIR_MOST_TOGETHER];
    memset(jobs, 0, sizeof jobs);
    if (o->is_alone || o->path)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "jobs at once write muir-NAME.h5 each: no -o, --seeds, --until or --resume");
    MUIR_TRY(muir_together_create(ctx, args->n_words, &together, &own));
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *scenario, "scenarios", &scenario)));
    MUIR_TRY(load_all(ctx, args, muir_together_job_of(together), scenario, &names));
    st = muir_claim_create(own, names.path[muir_together_job_of(together)], false, &claim);
    if (st != MUIR_OK) muir_fail(ctx, st, "%s", own->message);
    MUIR_TRY(muir_agree(ctx, st));
    muir_run_request request = {.scenario = scenario, .claim = claim, .history = o->history, .stop = o->stop};
    MUIR_TRY(muir_together_run(together, &request, &summary, jobs));
    const bool is_json_alone = o->json && strcmp(o->json, "-") == 0;
    if (muir_is_root(ctx) && !o->is_quiet && !is_json_alone) print_jobs(&names, jobs, args->n_words);
    if (muir_is_root(ctx) && o->json) st = write_json(ctx, &names, jobs, args->n_words, o->json);
    st = muir_agree(ctx, st);
done:
    muir_claim_destroy(&claim);
    if (!ctx->is_alone) muir_together_destroy(&together); /* else the others are not here */
    free(scenario);
    return st;
}
