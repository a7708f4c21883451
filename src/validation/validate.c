/* SPDX-License-Identifier: BSD-3-Clause */
/* The fleet clock's first steps for each row of a table of published runs. */
#include "validation/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "estimate/interval.h"
#include "fleet_clock/fleet_clock.h"
#include "models/program.h"
#include "validation/published.h"
#include "scenario/catalogue.h"
#include "scenario/stack.h"

enum { STEPS = 3 };

/* Mean over the first steps: what a run prints, slower chips included. */
static muir_status predict(muir_ctx *ctx, const muir_scenario *scenario, muir_validate_row *row)
{
    muir_status st = MUIR_OK;
    muir_fleet_clock *clock = NULL;
    MUIR_TRY(muir_fleet_clock_create(ctx, scenario, &clock));
    for (int step = 0; step < STEPS; step++) {
        muir_fleet_row fleet;
        muir_rank_row rank;
        MUIR_TRY(muir_fleet_clock_step(ctx, clock, step, 0, &fleet, &rank, NULL));
        row->predicted_s += fleet.step_s / STEPS;
        for (int i = 0; i < MUIR_PART_COUNT; i++) row->part_s[i] += fleet.part_s[i] / STEPS;
    }
done:
    muir_fleet_clock_destroy(&clock);
    return st;
}

/* The first word of an id says which table it comes from: "sc21-t1-1.7B" -> "sc21". */
static void family_of(const char *id, char family[MUIR_GROUP_SIZE])
{
    snprintf(family, MUIR_GROUP_SIZE, "%.*s", (int)strcspn(id, "-"), id);
}

/* What a row may print in place of the step time. */
static const char *const rates[] = {"tokens_per_s", "tokens_per_s_per_chip", "tflops_per_chip"};
enum { RATES = sizeof rates / sizeof rates[0] };

/* Seconds of a step with the rate that a row prints. */
static muir_status from_rate(muir_ctx *ctx, const muir_scenario *scenario, int rate, double value,
                             double *time_s)
{
    muir_status st = MUIR_OK;
    muir_program *program = NULL;
    const double chips = (double)muir_job_chips(&scenario->job);
    const muir_batch *batch = &scenario->job.batch;
    const double tokens = (double)(batch->global_batch_size * batch->seq_len);
    MUIR_TRY(muir_program_create(ctx, &scenario->job, &program));
    const double done[RATES] = {tokens, tokens / chips, 1e-12 * program->model_flop / chips};
    *time_s = done[rate] / value;
done:
    muir_program_destroy(&program);
    return st;
}

static muir_status measured(muir_ctx *ctx, const muir_csv *table, int i, const muir_scenario *scenario,
                            double *time_s)
{
    for (int r = -1; r < RATES; r++) {
        const char *name = r < 0 ? "step_time_s" : rates[r], *text = muir_csv_get(table, i, name);
        char *end = NULL;
        const double value = strtod(text, &end);
        if (!*text) continue;
        if (*end != '\0' || !(value > 0.0))
            return muir_fail(ctx, MUIR_ERR_ARG, "%s is '%s', but must be a number above 0", name, text);
        if (r >= 0) return from_rate(ctx, scenario, r, value, time_s);
        *time_s = value;
        return MUIR_OK;
    }
    return muir_fail(ctx, MUIR_ERR_ARG, "step_time_s is empty, and so are the rates that could replace it");
}

static bool is_timed(const muir_csv *table, int i)
{
    bool is_given = *muir_csv_get(table, i, "step_time_s") != '\0';
    for (int r = 0; r < RATES; r++) is_given = is_given || *muir_csv_get(table, i, rates[r]) != '\0';
    return is_given;
}

static muir_status step_at(muir_ctx *ctx, muir_scenario *work, int recompute, double *step_s)
{
    work->job.parallel.recompute = recompute;
    return muir_ideal_step_time(ctx, work, step_s);
}

/* A row that does not say what it recomputes can lie anywhere from nothing to all: a uniform distribution
 * over that has a standard deviation of 0.29 of its width. Others leave sizes open, which adds the floor. */
static muir_status find_open(muir_ctx *ctx, const muir_csv *table, int i, const muir_scenario *scenario,
                             double *sigma)
{
    static const double share = 0.29, least = 0.05;
    const char *recompute = muir_csv_get(table, i, "recompute");
    muir_status st = MUIR_OK;
    muir_scenario *work = NULL;
    double none_s = 1.0, full_s = 1.0;
    *sigma = 0.0;
    if (strcmp(muir_csv_get(table, i, "complete"), "yes") == 0) return MUIR_OK;
    if (!*recompute || strcmp(recompute, "custom") == 0) {
        MUIR_TRY(muir_alloc(ctx, 1, sizeof *work, "a row", &work));
        *work = *scenario;
        MUIR_TRY(step_at(ctx, work, MUIR_RECOMPUTE_NONE, &none_s));
        MUIR_TRY(step_at(ctx, work, MUIR_RECOMPUTE_FULL, &full_s));
    }
    *sigma = fmax(least, share * fabs(log(full_s / none_s)));
done:
    free(work);
    return st;
}

static muir_status find_interval(muir_ctx *ctx, const muir_scenario *scenario, muir_validate_row *row)
{
    muir_status st = MUIR_OK;
    muir_interval known;
    MUIR_TRY(muir_interval_of(ctx, scenario, &known));
    muir_interval_widen(&known, row->open_sigma);
    memcpy(row->slope, known.slope, sizeof row->slope);
    row->low_s = row->predicted_s * known.low;
    row->high_s = row->predicted_s * known.high;
    row->basis = muir_basis_word(scenario);
done:
    return st;
}

static muir_status validate_row(muir_ctx *ctx, const muir_csv *table, int i, const muir_csv *names,
                                const muir_validate_options *options, muir_scenario *scenario,
                                muir_validate_row *row)
{
    muir_status st = MUIR_OK;
    row->has_time = is_timed(table, i) || !muir_validate_is_measured(table, i);
    MUIR_TRY(muir_published_scenario(ctx, table, i, names, options ? options->stack : NULL, scenario));
    snprintf(row->chip, sizeof row->chip, "%s", scenario->fleet.top.chip);
    snprintf(row->stack, sizeof row->stack, "%s", scenario->run.stack);
    snprintf(row->kind, sizeof row->kind, "%s",
             scenario->job.stack.top_kind[0] ? scenario->job.stack.top_kind : MUIR_ANY_STACK);
    MUIR_TRY(muir_validate_peak_of(ctx, table, i, scenario, &row->peak));
    if (!row->has_time) goto done;
    MUIR_TRY(measured(ctx, table, i, scenario, &row->real_s));
    MUIR_TRY(predict(ctx, scenario, row));
    row->error = row->predicted_s / row->real_s - 1.0;
    MUIR_TRY(find_open(ctx, table, i, scenario, &row->open_sigma));
    MUIR_TRY(find_interval(ctx, scenario, row));
    if (options && options->scenarios) options->scenarios[i] = *scenario;
done:
    return st;
}

/* A row that cannot be run is skipped with its reason; only lack of memory ends the whole. */
static muir_status validate_rows(muir_ctx *ctx, const muir_csv *table, const muir_csv *names,
                                 const muir_validate_options *options, muir_scenario *scenario,
                                 muir_validate_row *rows)
{
    for (int i = 0; i < table->n_rows; i++) {
        muir_validate_row *row = &rows[i];
        memset(row, 0, sizeof *row);
        row->id = muir_csv_get(table, i, "id");
        row->fleet = muir_csv_get(table, i, "fleet");
        row->source = muir_csv_get(table, i, "source");
        row->complete = muir_csv_get(table, i, "complete");
        family_of(row->id, row->family);
        const muir_status st = validate_row(ctx, table, i, names, options, scenario, row);
        if (st == MUIR_ERR_MEM || st == MUIR_ERR_MPI) return st;
        if (st == MUIR_OK) continue;
        row->is_skipped = true;
        snprintf(row->why, sizeof row->why, "%.*s", MUIR_WHY_SIZE - 1, ctx->message);
        muir_ctx_clear(ctx);
    }
    return MUIR_OK;
}

static muir_status check_columns(muir_ctx *ctx, const muir_csv *table)
{
    static const char *const needed[] = {
        "id", "fleet", "chips", "model", "seq_len", "global_batch_size", "tp", "micro_batch_size", "pp"};
    bool has_rate = muir_csv_has(table, "step_time_s");
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!muir_csv_has(table, needed[i]))
            return muir_fail(ctx, MUIR_ERR_ARG, "the table has no column '%s'", needed[i]);
    for (int r = 0; r < RATES; r++) has_rate = has_rate || muir_csv_has(table, rates[r]);
    return has_rate ? MUIR_OK : muir_fail(ctx, MUIR_ERR_ARG, "the table has no column 'step_time_s'");
}

muir_status muir_validate(muir_ctx *ctx, const muir_csv *table, const muir_validate_options *options,
                          muir_validate_row *rows)
{
    muir_status st = MUIR_OK;
    muir_ctx *own = NULL;
    muir_csv *names = NULL;
    char root[1024], path[1100];
    muir_scenario *scenario = NULL;
    MUIR_TRY(check_columns(ctx, table));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *scenario, "a row", &scenario));
    MUIR_TRY(muir_catalogue_root(ctx, root, sizeof root));
    snprintf(path, sizeof path, "%s/published_names.csv", root);
    MUIR_TRY(muir_csv_read(ctx, path, &names));
    MUIR_TRY(muir_ctx_create_alone(&own));
    st = validate_rows(own, table, names, options, scenario, rows);
    if (st != MUIR_OK) MUIR_TRY(muir_fail(ctx, st, "%s", own->message));
done:
    free(scenario);
    muir_ctx_destroy(&own);
    muir_csv_destroy(&names);
    return st;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

muir_validate_group muir_validate_errors(const muir_validate_row *rows, int n, const char *name,
                                         muir_validate_filter filter, const void *filter_data)
{
    muir_validate_group g = {.n = 0};
    double *width = calloc((size_t)n + 1, sizeof *width); /* without room, the median is left out */
    snprintf(g.name, sizeof g.name, "%s", name);
    for (int i = 0; i < n; i++) {
        if (rows[i].is_skipped || !rows[i].has_time || (filter && !filter(&rows[i], filter_data))) continue;
        if (width) width[g.n] = 0.5 * log(rows[i].high_s / rows[i].low_s);
        g.n++;
        g.mean_error += rows[i].error;
        g.mean_abs_error += fabs(rows[i].error);
        g.max_abs_error = fmax(g.max_abs_error, fabs(rows[i].error));
        g.coverage += rows[i].low_s <= rows[i].real_s && rows[i].real_s <= rows[i].high_s;
    }
    if (g.n > 0) {
        g.mean_error /= g.n, g.mean_abs_error /= g.n, g.coverage /= g.n;
        if (width) qsort(width, (size_t)g.n, sizeof *width, by_value);
        g.median_width = width ? width[g.n / 2] : 0.0;
    }
    free(width);
    return g;
}
