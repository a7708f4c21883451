/* SPDX-License-Identifier: BSD-3-Clause */
/* muir run --seeds: reading, progress, the table of percentiles. */
#include "cmd/run_ensemble.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cmd/args.h"
#include "run/draws.h"
#include "summary/report.h"
#include "study/ensemble.h"

enum { MOST_SEEDS = 100000 };

static void show_draws(int64_t done, int64_t seeds, void *data)
{
    char text[80];
    snprintf(text, sizeof text, "seed %s of %s", muir_count_text(done).s, muir_count_text(seeds).s);
    muir_progress_text(data, text, done == seeds);
}

static int measure_of(const char *name, size_t length)
{
    for (int m = 0; m < MUIR_MEASURE_COUNT; m++)
        if (strlen(muir_measure_name(m)) == length && strncmp(muir_measure_name(m), name, length) == 0)
            return m;
    return -1;
}

/* --until goodput:1% */
static muir_status read_until(muir_ctx *ctx, const char *text, muir_ensemble_request *request)
{
    const size_t length = strcspn(text, ":");
    char *end = NULL;
    const double percent = text[length] ? strtod(text + length + 1, &end) : 0.0;
    request->until = measure_of(text, length);
    request->until_share = percent / 100.0;
    if (request->until >= 0 && percent > 0.0 && isfinite(percent) && strcmp(end, "%") == 0) return MUIR_OK;
    char names[MUIR_TEXT_SIZE] = "";
    for (int m = 0; m < MUIR_MEASURE_COUNT; m++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", m ? ", " : "", muir_measure_name(m));
    }
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "--until is '%.60s', but must be MEASURE:SHARE%% such as goodput:1%%; measures: %s",
                     text, names);
}

/* Shares as percentages, times and money with their unit. */
static muir_text32 value_text(int measure, double value)
{
    const char *unit = muir_measure_unit(measure);
    muir_text32 text;
    if (measure == MUIR_MEASURE_interruptions)
        snprintf(text.s, sizeof text.s, "%.1f", value);
    else if (strcmp(unit, "1") == 0)
        snprintf(text.s, sizeof text.s, "%.2f %%", 100.0 * value);
    else if (strcmp(unit, "s") == 0)
        return muir_time_text(value);
    else
        return muir_si(value, unit);
    return text;
}

static void print_ensemble(const muir_scenario *s, const muir_ensemble *e, const char *path)
{
    printf("muir %s: %s, an ensemble of %s seeds, the first one %lld (modelled; nothing executed)\n",
           MUIR_VERSION, s->name, muir_count_text(e->seeds).s, (long long)e->first_seed);
    printf("fleet    %s: %s %s chips; model %s; faults %s; %s steps, %s of fleet time in the first draw\n\n",
           s->run.fleet, muir_count_text(muir_fleet_chips(&s->fleet)).s, s->fleet.top.chip, s->run.model,
           s->run.faults, muir_count_text(e->first.steps).s, muir_time_text(e->first.fleet_time_s).s);
    printf("  %-17s %13s %13s %13s %13s %11s\n", "", "P10", "P50", "P90", "mean", "std. error");
    for (int m = 0; m < MUIR_MEASURE_COUNT; m++) {
        const muir_spread *p = &e->spread[m];
        const muir_text32 error = value_text(m, p->error);
        printf("  %-17s %13s %13s %13s %13s %11s\n", muir_measure_name(m), value_text(m, p->p10).s,
               value_text(m, p->p50).s, value_text(m, p->p90).s, value_text(m, p->mean).s,
               isnan(p->error) ? "unknown" : error.s);
    }
    printf("\nDraws differ in chips' speeds, failures and repairs; errors of the model itself are not in "
           "these intervals.\n");
    if (path) printf("telemetry  %s: /ensemble, a row for each draw\n", path);
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *spread_json(const muir_ensemble *e, int measure)
{
    const muir_spread *p = &e->spread[measure];
    json_t *draws = json_array();
    for (int64_t i = 0; i < e->seeds; i++)
        json_array_append_new(draws, real_or_null(e->values[i * MUIR_MEASURE_COUNT + measure]));
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "unit", muir_measure_unit(measure), "p10",
                     real_or_null(p->p10), "p50", real_or_null(p->p50), "p90", real_or_null(p->p90), "mean",
                     real_or_null(p->mean), "standard_error", real_or_null(p->error), "min",
                     real_or_null(p->min), "max", real_or_null(p->max), "draws", draws);
}

static muir_status write_json(muir_ctx *ctx, const muir_scenario *s, const muir_ensemble *e, const char *path)
{
    json_t *ensemble =
        json_pack("{s:I,s:I}", "seeds", (json_int_t)e->seeds, "first_seed", (json_int_t)e->first_seed);
    for (int m = 0; m < MUIR_MEASURE_COUNT; m++)
        json_object_set_new(ensemble, muir_measure_name(m), spread_json(e, m));
    json_t *root =
        json_pack("{s:{s:s},s:s,s:I,s:I,s:I,s:f,s:o}", "muir", "version", MUIR_VERSION, "scenario", s->name,
                  "chips", (json_int_t)muir_fleet_chips(&s->fleet), "seed", (json_int_t)s->run.seed, "steps",
                  (json_int_t)e->first.steps, "fleet_time_s", e->first.fleet_time_s, "ensemble", ensemble);
    if (!root) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the JSON summary");
    const bool is_stdout = strcmp(path, "-") == 0;
    const int failed =
        is_stdout ? json_dumpf(root, stdout, JSON_INDENT(2)) : json_dump_file(root, path, JSON_INDENT(2));
    if (is_stdout) putchar('\n');
    json_decref(root);
    return failed ? muir_fail(ctx, MUIR_ERR_FILE, "%s: the JSON summary cannot be written", path) : MUIR_OK;
}

/* Into the file that was claimed before the first draw. */
static muir_status write_file(muir_ctx *ctx, muir_claim *claim, const muir_scenario *s,
                              const muir_ensemble *e, const char *history)
{
    muir_draws_column columns[MUIR_MEASURE_COUNT];
    for (int m = 0; m < MUIR_MEASURE_COUNT; m++) {
        const muir_spread *p = &e->spread[m];
        columns[m] = (muir_draws_column){muir_measure_name(m),
                                         muir_measure_unit(m),
                                         muir_measure_help(m),
                                         p->p10,
                                         p->p50,
                                         p->p90,
                                         p->mean,
                                         p->error};
    }
    const muir_draws draws = {.columns = columns,
                              .n_columns = MUIR_MEASURE_COUNT,
                              .n = e->seeds,
                              .first_seed = e->first_seed,
                              .values = e->values,
                              .steps = e->first.steps,
                              .fleet_time_s = e->first.fleet_time_s,
                              .history = history};
    return muir_draws_write(ctx, claim, s, &draws);
}

muir_status muir_run_ensemble(muir_ctx *ctx, const muir_scenario *scenario, const muir_ensemble_options *o)
{
    muir_status st = MUIR_OK;
    long long seeds = 0;
    muir_ensemble *ensemble = NULL;
    muir_claim *claim = NULL;
    muir_progress_line line = muir_progress_line_make();
    muir_ensemble_request request = {.scenario = scenario, .until = -1, .stop = o->stop};
    if (!o->seeds) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--until needs --seeds N, the most seeds to draw"));
    MUIR_TRY(muir_args_size(ctx, "--seeds", o->seeds, &seeds));
    if (seeds < 1 || seeds > MOST_SEEDS)
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG, "--seeds is %lld, but must be 1 to %d", seeds, (int)MOST_SEEDS));
    if (o->until) MUIR_TRY(read_until(ctx, o->until, &request));
    request.seeds = seeds;
    request.observer = o->is_quiet ? NULL : show_draws;
    request.observer_data = &line;
    if (o->path) MUIR_TRY(muir_claim_create(ctx, o->path, false, &claim));
    st = muir_ensemble_run(ctx, &request, &ensemble);
    muir_progress_end(&line);
    MUIR_TRY(st);
    if (claim) MUIR_TRY(write_file(ctx, claim, scenario, ensemble, o->history));
    if (claim && muir_is_root(ctx) && !o->is_quiet && muir_claim_backup(claim)[0])
        fprintf(stderr, "muir: %s existed and is now %s\n", o->path, muir_claim_backup(claim));
    const bool is_json_alone = o->json && strcmp(o->json, "-") == 0;
    if (muir_is_root(ctx) && !is_json_alone && !o->is_quiet) print_ensemble(scenario, ensemble, o->path);
    if (muir_is_root(ctx) && o->json) st = write_json(ctx, scenario, ensemble, o->json);
    st = muir_agree(ctx, st);
done:
    muir_claim_destroy(&claim);
    muir_ensemble_destroy(&ensemble);
    return st;
}
