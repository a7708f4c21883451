/* SPDX-License-Identifier: BSD-3-Clause */
/* The fleet clock's first steps for each row of a table of published runs. */
#include "validation/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet_clock/fleet_clock.h"
#include "validation/published.h"
#include "scenario/catalogue.h"

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

static muir_status validate_row(muir_ctx *ctx, const muir_csv *table, int i, const muir_csv *names,
                                muir_validate_row *row)
{
    muir_status st = MUIR_OK;
    muir_scenario scenario;
    const char *real = muir_csv_get(table, i, "step_time_s");
    char *end = NULL;
    row->real_s = strtod(real, &end);
    row->has_time = *real != '\0' || !muir_validate_is_measured(table, i);
    if (row->has_time && (!*real || *end != '\0' || !(row->real_s > 0.0)))
        return muir_fail(ctx, MUIR_ERR_ARG, "step_time_s is '%s', but must be a time in seconds", real);
    MUIR_TRY(muir_published_scenario(ctx, table, i, names, &scenario));
    snprintf(row->chip, sizeof row->chip, "%s", scenario.fleet.top.chip);
    snprintf(row->stack, sizeof row->stack, "%s", scenario.run.stack);
    MUIR_TRY(muir_validate_peak_of(ctx, table, i, &scenario, &row->peak));
    if (!row->has_time) return MUIR_OK;
    MUIR_TRY(predict(ctx, &scenario, row));
    row->error = row->predicted_s / row->real_s - 1.0;
done:
    return st;
}

/* A row that cannot be run is skipped with its reason; only lack of memory ends the whole. */
static muir_status validate_rows(muir_ctx *ctx, const muir_csv *table, const muir_csv *names,
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
        const muir_status st = validate_row(ctx, table, i, names, row);
        if (st == MUIR_ERR_MEM || st == MUIR_ERR_MPI) return st;
        if (st == MUIR_OK) continue;
        row->is_skipped = true;
        snprintf(row->why, sizeof row->why, "%.*s", MUIR_WHY_SIZE - 1, ctx->message);
        muir_ctx_clear(ctx);
    }
    return MUIR_OK;
}

muir_status muir_validate(muir_ctx *ctx, const muir_csv *table, muir_validate_row *rows)
{
    static const char *const needed[] = {
        "id", "fleet", "chips",      "model", "seq_len", "global_batch_size", "micro_batch_size",
        "tp", "pp",    "step_time_s"};
    muir_status st = MUIR_OK;
    muir_ctx *own = NULL;
    muir_csv *names = NULL;
    char root[1024], path[1100];
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!muir_csv_has(table, needed[i]))
            return muir_fail(ctx, MUIR_ERR_ARG, "the table has no column '%s'", needed[i]);
    MUIR_TRY(muir_catalogue_root(ctx, root, sizeof root));
    snprintf(path, sizeof path, "%s/published_names.csv", root);
    MUIR_TRY(muir_csv_read(ctx, path, &names));
    MUIR_TRY(muir_ctx_create(MPI_COMM_SELF, &own));
    st = validate_rows(own, table, names, rows);
    if (st != MUIR_OK) MUIR_TRY(muir_fail(ctx, st, "%s", own->message));
done:
    muir_ctx_destroy(&own);
    muir_csv_destroy(&names);
    return st;
}

muir_validate_group muir_validate_errors(const muir_validate_row *rows, int n, const char *name,
                                         muir_validate_filter filter)
{
    muir_validate_group g = {.n = 0};
    snprintf(g.name, sizeof g.name, "%s", name);
    for (int i = 0; i < n; i++) {
        if (rows[i].is_skipped || !rows[i].has_time || (filter && !filter(&rows[i]))) continue;
        g.n++;
        g.mean_error += rows[i].error;
        g.mean_abs_error += fabs(rows[i].error);
        g.max_abs_error = fmax(g.max_abs_error, fabs(rows[i].error));
    }
    if (g.n > 0) g.mean_error /= g.n, g.mean_abs_error /= g.n;
    return g;
}
