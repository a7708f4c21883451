/* SPDX-License-Identifier: BSD-3-Clause */
/* The description of an ensemble's file, and its rows. */
#include "run/draws.h"

#include "run/describe_state.h"

static const char group[] = "ensemble", row[] = "seed";

static void add_number(muir_describe *d, const char *dataset, const char *key, muir_value_type type,
                       const void *value)
{
    const muir_attribute attribute = {group, dataset, key, type, 0, value};
    muir_describe_attribute(d, &attribute);
}

static void add_table(muir_describe *d, const muir_draws *draws)
{
    const muir_dimension rows = {
        .group = group,
        .label = {row, "1", "seed of the draw; its single run has the same values", MUIR_INPUT},
        .size = 0};
    for (size_t i = 0; i < draws->n_columns; i++) {
        const muir_draws_column *c = &draws->columns[i];
        d->columns[i] =
            (muir_column){.label = {c->name, c->units, c->long_name, MUIR_MODELLED}, .type = MUIR_F64};
    }
    d->tables[0] = (muir_table){.group = group,
                                .row = row,
                                .batch_rows = 1024,
                                .expected_rows = (size_t)draws->n,
                                .columns = d->columns,
                                .n_columns = draws->n_columns};
    d->description.n_tables = 1;
    muir_describe_add_dimension(d, &rows);
}

static void add_statistics(muir_describe *d, const muir_draws *draws)
{
    add_number(d, NULL, "steps", MUIR_I64, &draws->steps);
    add_number(d, NULL, "fleet_time_s", MUIR_F64, &draws->fleet_time_s);
    for (size_t i = 0; i < draws->n_columns; i++) {
        const muir_draws_column *c = &draws->columns[i];
        add_number(d, c->name, "p10", MUIR_F64, &c->p10);
        add_number(d, c->name, "p50", MUIR_F64, &c->p50);
        add_number(d, c->name, "p90", MUIR_F64, &c->p90);
        add_number(d, c->name, "mean", MUIR_F64, &c->mean);
        add_number(d, c->name, "standard_error", MUIR_F64, &c->error);
    }
}

static muir_status write_rows(muir_ctx *ctx, muir_telemetry *telemetry, const muir_draws *draws)
{
    muir_status st = MUIR_OK;
    for (int64_t i = 0; i < draws->n; i++) {
        if (muir_telemetry_is_full(telemetry)) MUIR_TRY(muir_telemetry_flush(ctx, telemetry));
        for (size_t c = 0; c < draws->n_columns; c++)
            MUIR_TRY(
                muir_telemetry_put(ctx, telemetry, 0, c, &draws->values[(size_t)i * draws->n_columns + c]));
        MUIR_TRY(muir_telemetry_end_row(ctx, telemetry, 0, draws->first_seed + i));
    }
done:
    return st;
}

muir_status muir_draws_write(muir_ctx *ctx, muir_claim *claim, const muir_scenario *scenario,
                             const muir_draws *draws)
{
    muir_status st = MUIR_OK;
    muir_describe *d = NULL;
    muir_telemetry *telemetry = NULL;
    MUIR_TRY(muir_describe_create_plain(ctx, scenario, draws->history, &d));
    add_table(d, draws);
    add_statistics(d, draws);
    if (d->is_out_of_memory) st = muir_fail(ctx, MUIR_ERR_MEM, "no memory for the ensemble's file");
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY(muir_telemetry_start(ctx, claim, muir_describe_get(d), &telemetry));
    MUIR_TRY(write_rows(ctx, telemetry, draws));
    MUIR_TRY(muir_telemetry_close(ctx, &telemetry, 0.0, NULL));
done:
    muir_telemetry_destroy(&telemetry);
    muir_describe_destroy(&d);
    return st;
}
