/* SPDX-License-Identifier: BSD-3-Clause */
/* The description of the telemetry file, filled for one run. */
#include "run/describe_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "estimate/interval.h"
#include "scenario/inputs.h"

/* Texts. */

/* One line, whatever the text holds. */
static void print_line(FILE *out, const char *key, const char *text)
{
    fprintf(out, "%s=", key);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 32)
            fprintf(out, "\\x%02x", (unsigned)*c);
        else
            fputc(*c, out);
    fputc('\n', out);
}

muir_status muir_describe_identity(muir_ctx *ctx, const muir_scenario *scenario, char **text)
{
    char *buffer = NULL;
    size_t size = 0;
    muir_input_key key = {.input = NULL};
    FILE *out = open_memstream(&buffer, &size);
    if (!out) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the scenario's text");
    while (muir_input_next(&key)) {
        char value[MUIR_TEXT_SIZE];
        if (muir_input_freedom(key.name)) continue;
        muir_option_get(key.section, key.option, muir_input_file(key.input, scenario), value, sizeof value);
        print_line(out, key.name, value);
    }
    if (fclose(out) != 0) {
        free(buffer);
        return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the scenario's text");
    }
    *text = buffer;
    return MUIR_OK;
}

/* Attributes. */

/* Room for one item more; NULL, which is noted, without memory. */
static void *grow(muir_describe *d, void **items, size_t n, size_t *room, size_t size)
{
    if (n < *room) return (char *)*items + n * size;
    const size_t more = *room ? 2 * *room : 64;
    void *larger = realloc(*items, more * size);
    if (!larger) {
        d->is_out_of_memory = true;
        return NULL;
    }
    *items = larger;
    *room = more;
    return (char *)larger + n * size;
}

static void add_attribute(muir_describe *d, const char *group, const char *key, const char *text)
{
    void *items = d->attributes;
    muir_attribute *added = grow(d, &items, d->description.n_attributes, &d->room_attributes, sizeof *added);
    if (!added) return;
    d->description.attributes = d->attributes = items;
    *added = (muir_attribute){group, key, text};
    d->description.n_attributes++;
}

/* The lines key=value of the identity, as attributes of /scenario. */
static muir_status add_scenario(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario)
{
    d->keys = strdup(d->identity);
    if (!d->keys) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for telemetry");
    char *rest = NULL;
    for (char *line = strtok_r(d->keys, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *value = strchr(line, '=');
        *value = '\0';
        add_attribute(d, "scenario", line, value + 1);
    }
    add_attribute(d, "scenario", "description", scenario->run.description);
    add_attribute(d, "scenario", "fleet.description", scenario->fleet.top.description);
    add_attribute(d, "scenario", "model.description", scenario->job.model.description);
    add_attribute(d, "", "title", scenario->name);
    add_attribute(d, "", "muir_version", MUIR_VERSION);
    add_attribute(d, "", "build", "compiler " __VERSION__);
    add_attribute(d, "", "seed", d->launch->seed_text);
    add_attribute(d, "", "ranks", d->launch->ranks_text);
    add_attribute(d, "", "source",
                  "muir: an emulator of distributed training; provenance says what was really executed");
    return MUIR_OK;
}

/* The 80 % interval of modelled step times, as factors on them, and what the stack's figures rest on. */
static muir_status add_interval(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario)
{
    muir_interval interval;
    const muir_status st = muir_interval_of(ctx, scenario, &interval);
    if (st != MUIR_OK) return st;
    snprintf(d->low, sizeof d->low, "%.6g", interval.low);
    snprintf(d->high, sizeof d->high, "%.6g", interval.high);
    add_attribute(d, "fleet", "interval_low", d->low);
    add_attribute(d, "fleet", "interval_high", d->high);
    add_attribute(d, "fleet", "interval_basis", muir_basis_word(scenario));
    return MUIR_OK;
}

/* Dimensions and tables. */

static void add_dimension(muir_describe *d, const muir_dimension *dimension)
{
    void *items = d->dimensions;
    muir_dimension *added = grow(d, &items, d->description.n_dimensions, &d->room_dimensions, sizeof *added);
    if (!added) return;
    d->description.dimensions = d->dimensions = items;
    *added = *dimension;
    d->description.n_dimensions++;
}

void muir_describe_dimension(muir_describe *d, const char *group, const char *name, size_t size,
                             const char *long_name, muir_provenance provenance)
{
    const muir_dimension dimension = {
        .group = group, .label = {name, "1", long_name, provenance}, .size = size};
    add_dimension(d, &dimension);
}

void muir_describe_constant(muir_describe *d, const muir_constant *constant)
{
    void *items = d->constants;
    muir_constant *added = grow(d, &items, d->description.n_constants, &d->room_constants, sizeof *added);
    if (!added) return;
    d->description.constants = d->constants = items;
    *added = *constant;
    d->description.n_constants++;
}

void muir_describe_add_table(muir_describe *d, muir_record_table table, size_t batch)
{
    const muir_table_shape *shape = muir_table_shape_of(table);
    const muir_dimension rows = {.group = shape->group, .label = shape->row, .size = 0};
    muir_table *t = &d->tables[d->description.n_tables];
    const muir_column_row *columns = muir_columns_of(table, &t->n_columns);
    d->index[table] = (int)d->description.n_tables++;
    t->group = shape->group;
    t->row = shape->row.name;
    t->across = shape->across;
    t->is_gathered = shape->is_gathered;
    t->batch_rows = batch;
    t->columns = &d->columns[d->n_columns];
    for (size_t i = 0; i < t->n_columns; i++) d->columns[d->n_columns++] = columns[i].column;
    add_dimension(d, &rows);
}

/* Rows of a batch so that it stays near 1 MiB a column on the writer, between 16 and 1,024. */
static size_t batch_of(size_t width, size_t value_bytes)
{
    const size_t rows = ((size_t)1 << 20) / (width * value_bytes);
    return rows < 16 ? 16 : rows > 1024 ? 1024 : rows;
}

static void add_detail_tables(muir_describe *d, const muir_scenario *scenario, size_t ranks)
{
    if (scenario->host.flips > 0.0) muir_describe_add_table(d, MUIR_TABLE_FLIPS, 1024);
    if (scenario->telemetry.trace_steps > 0) {
        muir_describe_dimension(d, "host_trace", "rank", ranks, "MPI rank", MUIR_EXECUTED);
        muir_describe_add_table(d, MUIR_TABLE_TRACE, batch_of(ranks, sizeof(double)));
    }
    muir_describe_dimension(d, "program", "op", d->launch->n_ops, "op of the step program", MUIR_INPUT);
}

static void add_event_table(muir_describe *d)
{
    for (int i = 0; i < MUIR_ENUMERATIONS; i++)
        muir_describe_dimension(d, "events", muir_enumerations[i].dimension, (size_t)muir_enumerations[i].n,
                                muir_enumerations[i].long_name, MUIR_INPUT);
    muir_describe_add_table(d, MUIR_TABLE_EVENTS, 1024);
}

static void add_tables(muir_describe *d, const muir_scenario *scenario, size_t ranks, size_t colls,
                       bool has_host)
{
    const size_t servers = (size_t)scenario->fleet.top.servers;
    for (int t = 0; t < MUIR_TABLE_COUNT; t++) d->index[t] = -1;
    muir_describe_add_table(d, MUIR_TABLE_FLEET, 1024);
    muir_describe_add_table(d, MUIR_TABLE_EMULATION, 1024);
    add_event_table(d);
    if (scenario->telemetry.level >= MUIR_LEVEL_RANK) {
        muir_describe_dimension(d, "rank", "rank", ranks, "MPI rank", MUIR_EXECUTED);
        muir_describe_add_table(d, MUIR_TABLE_RANK, batch_of(ranks, sizeof(double)));
    }
    if (scenario->telemetry.level >= MUIR_LEVEL_SERVER) {
        muir_describe_dimension(d, "server", "server", servers, "server of the fleet", MUIR_INPUT);
        muir_describe_add_table(d, MUIR_TABLE_SERVER, batch_of(servers, sizeof(float)));
    }
    if (!has_host) return;
    muir_describe_dimension(d, "host", "rank", ranks, "MPI rank", MUIR_EXECUTED);
    muir_describe_add_table(d, MUIR_TABLE_HOST, batch_of(ranks, sizeof(double)));
    add_detail_tables(d, scenario, ranks);
    if (colls == 0) return;
    muir_describe_dimension(d, "collectives", "collective", colls, "collective of the host clock",
                            MUIR_EXECUTED);
    if (d->launch->n_trials > 0)
        muir_describe_dimension(d, "collectives", "trial", d->launch->n_trials,
                                "algorithm tried when the run started", MUIR_MEASURED);
    muir_describe_add_table(d, MUIR_TABLE_COLLECTIVES, 1024);
}

static muir_status fill(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario,
                        const muir_host_clock *host)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_launch_create(ctx, scenario, host, &d->launch));
    MUIR_TRY(muir_scenario_text(ctx, scenario, false, &d->resolved));
    MUIR_TRY(muir_describe_identity(ctx, scenario, &d->identity));
    MUIR_TRY(add_scenario(ctx, d, scenario));
    MUIR_TRY(add_interval(ctx, d, scenario));
    add_tables(d, scenario, d->launch->n_ranks, d->launch->n_colls, host != NULL);
    MUIR_TRY(muir_describe_facts(ctx, d, scenario));
    if (d->is_out_of_memory) st = muir_fail(ctx, MUIR_ERR_MEM, "no memory for telemetry");
done:
    return st;
}

muir_status muir_describe_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_host_clock *host,
                                 muir_describe **out)
{
    muir_status st = MUIR_OK;
    muir_describe *d = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *d, "telemetry", &d));
    d->description.tables = d->tables;
    MUIR_TRY(muir_agree(ctx, fill(ctx, d, scenario, host)));
    *out = d;
    d = NULL;
done:
    muir_describe_destroy(&d);
    return st;
}

void muir_describe_destroy(muir_describe **describe)
{
    muir_describe *d = *describe;
    if (!d) return;
    muir_launch_destroy(&d->launch);
    free(d->resolved);
    free(d->identity);
    free(d->keys);
    free(d->frequency_hz);
    free(d->names);
    free(d->dimensions);
    free(d->constants);
    free(d->attributes);
    free(d);
    *describe = NULL;
}

const muir_description *muir_describe_get(const muir_describe *d)
{
    return &d->description;
}

bool muir_describe_has_table(const muir_describe *d, muir_record_table table)
{
    return d->index[table] >= 0;
}

size_t muir_describe_table(const muir_describe *d, muir_record_table table)
{
    return (size_t)d->index[table];
}
