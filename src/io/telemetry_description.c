/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a description fits together, before anything is made of it. */
#include <string.h>

#include "io/telemetry_state.h"

size_t muir_value_bytes(muir_value_type type)
{
    static const size_t bytes[] = {
#define VALUE_BYTES(constant, size) [constant] = (size),
        MUIR_VALUE_TYPE_LIST(VALUE_BYTES)
#undef VALUE_BYTES
    };
    return bytes[type];
}

const muir_dimension *muir_description_find(const muir_description *description, const char *group,
                                            const char *name)
{
    for (size_t i = 0; i < description->n_dimensions; i++) {
        const muir_dimension *dimension = &description->dimensions[i];
        if (strcmp(dimension->group, group) == 0 && strcmp(dimension->label.name, name) == 0)
            return dimension;
    }
    return NULL;
}

static size_t count_tables_of_row(const muir_description *description, const char *group, const char *row)
{
    size_t n = 0;
    for (size_t i = 0; i < description->n_tables; i++)
        n += strcmp(description->tables[i].group, group) == 0 && strcmp(description->tables[i].row, row) == 0;
    return n;
}

static muir_status check_columns(muir_ctx *ctx, const muir_table *table)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        const muir_column *column = &table->columns[i];
        if (column->type == MUIR_TEXT)
            return muir_fail(ctx, MUIR_ERR_ARG, "telemetry %s/%s: a column cannot hold text", table->group,
                             column->label.name);
        if (column->is_wide && !table->across)
            return muir_fail(ctx, MUIR_ERR_ARG, "telemetry %s/%s: wide, but the table has one dimension",
                             table->group, column->label.name);
    }
    return MUIR_OK;
}

static muir_status check_table(muir_ctx *ctx, const muir_description *description, const muir_table *table)
{
    const muir_dimension *row = muir_description_find(description, table->group, table->row);
    if (!row || row->size > 0 || count_tables_of_row(description, table->group, table->row) != 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "telemetry %s/%s: needs a growing dimension of its own",
                         table->group, table->row);
    if (table->batch_rows < 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "telemetry %s: batch_rows=0 must be at least 1", table->group);
    if (table->across) {
        const muir_dimension *across = muir_description_find(description, table->group, table->across);
        if (!across || across->size == 0)
            return muir_fail(ctx, MUIR_ERR_ARG, "telemetry %s/%s: needs a dimension of fixed size",
                             table->group, table->across);
        if (table->is_gathered && across->size % (size_t)ctx->size != 0)
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "telemetry %s/%s: %zu places cannot be gathered from %d ranks", table->group,
                             table->across, across->size, ctx->size);
    }
    return check_columns(ctx, table);
}

muir_status muir_description_check(muir_ctx *ctx, const muir_description *description)
{
    muir_status st = MUIR_OK;
    for (size_t i = 0; i < description->n_tables; i++)
        MUIR_TRY(check_table(ctx, description, &description->tables[i]));
    for (size_t i = 0; i < description->n_constants; i++) {
        const muir_constant *constant = &description->constants[i];
        if (!constant->dimension) continue;
        const muir_dimension *dimension =
            muir_description_find(description, constant->group, constant->dimension);
        if (!dimension || dimension->size == 0)
            MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "telemetry %s/%s: needs dimension %s of fixed size",
                               constant->group, constant->label.name, constant->dimension));
    }
done:
    return st;
}
