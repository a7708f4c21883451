/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of jobs as scenarios, and their loads. */
#include "run/shared_jobs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "step_time/traffic.h"

enum { MOST_OVERRIDES = 64 };

static muir_status number(muir_ctx *ctx, const muir_csv *table, int row, const char *column, double least,
                          double most, double initial, double *value)
{
    const char *text = muir_csv_get(table, row, column);
    char *end = NULL;
    *value = *text ? strtod(text, &end) : initial;
    if (*text && (*end || !(*value >= least && *value <= most)))
        return muir_fail(ctx, MUIR_ERR_ARG, "line %d: %s is '%s', but must be %g to %g", table->lines[row],
                         column, text, least, most);
    return MUIR_OK;
}

/* The row's scenario, with its own overrides and those for all. */
static muir_status load_row(muir_ctx *ctx, const muir_csv *table, int row, const char *const *given,
                            int n_given, muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    const char *overrides[MOST_OVERRIDES];
    int n = 0;
    char *rest = NULL, *own = strdup(muir_csv_get(table, row, "overrides"));
    if (!own) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for overrides");
    for (char *item = strtok_r(own, " ", &rest); item && n < MOST_OVERRIDES;
         item = strtok_r(NULL, " ", &rest))
        overrides[n++] = item;
    for (int i = 0; i < n_given && n < MOST_OVERRIDES; i++) overrides[n++] = given[i];
    st = muir_scenario_load(ctx, muir_csv_get(table, row, "scenario"), overrides, n, scenario);
    free(own);
    return st;
}

static muir_status add_row(muir_ctx *ctx, const muir_csv *table, int row, const char *const *given,
                           int n_given, muir_scenario *scenario, muir_shared_jobs *jobs)
{
    muir_status st = MUIR_OK;
    double count = 0.0, start_s = 0.0;
    muir_job_load load;
    MUIR_TRY(number(ctx, table, row, "count", 1, MUIR_MOST_JOBS, 1.0, &count));
    MUIR_TRY(number(ctx, table, row, "start_s", 0, 1e9, 0.0, &start_s));
    MUIR_TRY(load_row(ctx, table, row, given, n_given, scenario));
    if (row == 0) jobs->fleet = scenario->fleet;
    if (strcmp(jobs->fleet.top.chip, scenario->fleet.top.chip) != 0 ||
        jobs->fleet.server.chips != scenario->fleet.server.chips)
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG,
                      "line %d: the job's fleet has servers of %lld %s, but all jobs share the first one's, "
                      "of %lld %s",
                      table->lines[row], (long long)scenario->fleet.server.chips, scenario->fleet.top.chip,
                      (long long)jobs->fleet.server.chips, jobs->fleet.top.chip));
    MUIR_TRY(muir_traffic_of(ctx, scenario, &load));
    load.start_s = start_s;
    for (int i = 0; i < (int)count; i++) {
        if (jobs->n == MUIR_MOST_JOBS)
            MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "more than %d jobs", MUIR_MOST_JOBS));
        char suffix[16] = "";
        if (count > 1.0) snprintf(suffix, sizeof suffix, "-%d", i + 1);
        snprintf(jobs->name[jobs->n], MUIR_JOB_NAME, "%.40s%s", muir_csv_get(table, row, "name"), suffix);
        jobs->chips[jobs->n] = muir_job_chips(&scenario->job);
        jobs->load[jobs->n++] = load;
    }
done:
    return st;
}

muir_status muir_shared_jobs_create(muir_ctx *ctx, const muir_csv *table, const char *const *given,
                                    int n_given, muir_shared_jobs **out)
{
    static const char *const needed[] = {"name", "scenario"};
    muir_status st = MUIR_OK;
    muir_shared_jobs *jobs = NULL;
    muir_scenario *scenario = NULL;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!muir_csv_has(table, needed[i]))
            return muir_fail(ctx, MUIR_ERR_ARG, "the table of jobs has no column '%s'", needed[i]);
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *jobs, "jobs", &jobs));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *scenario, "jobs", &scenario));
    MUIR_TRY(muir_alloc(ctx, MUIR_MOST_JOBS, sizeof *jobs->name, "jobs", &jobs->name));
    MUIR_TRY(muir_alloc(ctx, MUIR_MOST_JOBS, sizeof *jobs->load, "jobs", &jobs->load));
    MUIR_TRY(muir_alloc(ctx, MUIR_MOST_JOBS, sizeof *jobs->chips, "jobs", &jobs->chips));
    for (int row = 0; row < table->n_rows; row++)
        MUIR_TRY(add_row(ctx, table, row, given, n_given, scenario, jobs));
    if (jobs->n == 0) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "the table has no jobs"));
    *out = jobs;
    jobs = NULL;
done:
    free(scenario);
    muir_shared_jobs_destroy(&jobs);
    return st;
}

void muir_shared_jobs_destroy(muir_shared_jobs **jobs)
{
    if (!*jobs) return;
    free((*jobs)->name);
    free((*jobs)->load);
    free((*jobs)->chips);
    free(*jobs);
    *jobs = NULL;
}
