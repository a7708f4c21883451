/* SPDX-License-Identifier: BSD-3-Clause */
/* The description of the telemetry file, filled for one run. */
#include "run/describe_memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/build.h"
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

void muir_describe_attribute(muir_describe *d, const muir_attribute *attribute)
{
    void *items = d->attributes;
    muir_attribute *added = grow(d, &items, d->description.n_attributes, &d->room_attributes, sizeof *added);
    if (!added) return;
    d->description.attributes = d->attributes = items;
    *added = *attribute;
    d->description.n_attributes++;
}

static void add_attribute(muir_describe *d, const char *group, const char *key, muir_value_type type,
                          const void *values)
{
    const muir_attribute attribute = {group, NULL, key, type, 0, values};
    muir_describe_attribute(d, &attribute);
}

static void add_text(muir_describe *d, const char *group, const char *key, const char *text)
{
    add_attribute(d, group, key, MUIR_TEXT, text);
}

/* A key of the scenario: of the type of its option, so that no value changes it; words such as auto stay
 * words. */
static void add_key(muir_describe *d, const char *name, const char *value, int64_t *whole, double *real)
{
    muir_input_key key;
    char *end = NULL;
    const muir_option_type type = muir_input_find(name, &key) ? key.option->type : MUIR_OPTION_TEXT;
    if (type == MUIR_OPTION_INT || type == MUIR_OPTION_AUTO) {
        *whole = strtoll(value, &end, 10);
        if (end != value && *end == '\0') {
            add_attribute(d, "scenario", name, MUIR_I64, whole);
            return;
        }
    }
    if (type == MUIR_OPTION_FLOAT) {
        *real = strtod(value, &end);
        if (end != value && *end == '\0') {
            add_attribute(d, "scenario", name, MUIR_F64, real);
            return;
        }
    }
    add_text(d, "scenario", name, value);
}

/* The lines key=value of the identity, as attributes of /scenario. */
static muir_status add_scenario(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    size_t lines = 0, n = 0;
    d->keys = strdup(d->identity);
    if (!d->keys) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for telemetry");
    for (const char *c = d->keys; *c; c++) lines += *c == '\n';
    MUIR_TRY(muir_alloc(ctx, lines, sizeof *d->whole, "telemetry", &d->whole));
    MUIR_TRY(muir_alloc(ctx, lines, sizeof *d->real, "telemetry", &d->real));
    char *rest = NULL;
    for (char *line = strtok_r(d->keys, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), n++) {
        char *value = strchr(line, '=');
        if (!value) continue; /* the rest of a value with a newline in it */
        *value = '\0';
        add_key(d, line, value + 1, &d->whole[n], &d->real[n]);
    }
    add_text(d, "scenario", "description", scenario->run.description);
    add_text(d, "scenario", "fleet.description", scenario->fleet.top.description);
    add_text(d, "scenario", "model.description", scenario->job.model.description);
done:
    return st;
}

/* What the file says of itself. */
static void add_file(muir_describe *d, const muir_scenario *scenario, const char *history)
{
    d->seed = scenario->run.seed;
    d->ranks = (int64_t)d->launch->n_ranks;
    add_text(d, "", "Conventions", "CF-1.8");
    add_text(d, "", "title", scenario->name);
    add_text(d, "", "history", history);
    add_text(d, "", "muir_version", MUIR_VERSION);
    add_text(d, "", "build", muir_build_text());
    add_attribute(d, "", "seed", MUIR_I64, &d->seed);
    add_attribute(d, "", "ranks", MUIR_I64, &d->ranks);
    add_text(
        d, "", "source",
        "muir: an emulator of distributed training; the attribute provenance says what was really executed");
}

/* The 80 % interval of modelled step times, as factors on them, and what the stack's figures rest on. */
static muir_status add_interval(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario)
{
    muir_interval interval;
    const muir_status st = muir_interval_of(ctx, scenario, &interval);
    if (st != MUIR_OK) return st;
    d->interval_low = interval.low;
    d->interval_high = interval.high;
    add_attribute(d, "fleet", "interval_low", MUIR_F64, &d->interval_low);
    add_attribute(d, "fleet", "interval_high", MUIR_F64, &d->interval_high);
    add_attribute(d, "fleet", "interval_basis", MUIR_TEXT, muir_basis_word(scenario));
    return MUIR_OK;
}

/* Dimensions and tables. */

void muir_describe_add_dimension(muir_describe *d, const muir_dimension *dimension)
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
    muir_describe_add_dimension(d, &dimension);
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
    t->coordinates = shape->coordinates;
    t->batch_rows = batch;
    t->columns = &d->columns[d->n_columns];
    for (size_t i = 0; i < t->n_columns; i++) d->columns[d->n_columns++] = columns[i].column;
    muir_describe_add_dimension(d, &rows);
}

static void add_detail_tables(muir_describe *d, const muir_scenario *scenario, size_t ranks)
{
    if (scenario->host.flips > 0.0) muir_describe_add_table(d, MUIR_TABLE_FLIPS, 1024);
    if (scenario->telemetry.trace_steps > 0) {
        muir_describe_add_table(d, MUIR_TABLE_TRACE, muir_table_batch_rows(ranks, sizeof(double)));
        muir_describe_dimension(d, "host_trace", "rank", ranks, "MPI rank", MUIR_EXECUTED);
    }
    muir_describe_dimension(d, "program", "op", d->launch->n_ops, "op of the step program", MUIR_INPUT);
}

static void add_tables(muir_describe *d, const muir_scenario *scenario, size_t ranks, size_t colls,
                       bool has_host)
{
    const size_t servers = (size_t)scenario->fleet.top.servers;
    for (int t = 0; t < MUIR_TABLE_COUNT; t++) d->index[t] = -1;
    muir_describe_add_table(d, MUIR_TABLE_FLEET, 1024);
    muir_describe_add_table(d, MUIR_TABLE_EMULATION, 1024);
    muir_describe_add_table(d, MUIR_TABLE_EVENTS, 1024);
    if (scenario->telemetry.level >= MUIR_LEVEL_RANK) {
        muir_describe_add_table(d, MUIR_TABLE_RANK, muir_table_batch_rows(ranks, sizeof(double)));
        muir_describe_dimension(d, "rank", "rank", ranks, "MPI rank", MUIR_EXECUTED);
    }
    if (scenario->telemetry.level >= MUIR_LEVEL_SERVER) {
        muir_describe_add_table(d, MUIR_TABLE_SERVER, muir_table_batch_rows(servers, sizeof(float)));
        muir_describe_dimension(d, "server", "server", servers, "server of the fleet", MUIR_INPUT);
    }
    if (!has_host) return;
    muir_describe_add_table(d, MUIR_TABLE_HOST, muir_table_batch_rows(ranks, sizeof(double)));
    muir_describe_dimension(d, "host", "rank", ranks, "MPI rank", MUIR_EXECUTED);
    add_detail_tables(d, scenario, ranks);
    if (colls == 0) return;
    muir_describe_add_table(d, MUIR_TABLE_COLLECTIVES, 1024);
    muir_describe_dimension(d, "collectives", "collective", colls, "collective of the host clock",
                            MUIR_EXECUTED);
    if (d->launch->n_trials > 0)
        muir_describe_dimension(d, "collectives", "trial", d->launch->n_trials,
                                "algorithm tried when the run started", MUIR_MEASURED);
}

/* How long tables will be, where that is known: those of steps, and of the one window of a power trace. */
static void expect_rows(muir_describe *d, const muir_scenario *scenario, int64_t steps)
{
    const muir_power_options *o = &scenario->power;
    for (muir_record_table t = 0; t < MUIR_TABLE_COUNT; t++) {
        const int64_t every = muir_table_every(t, scenario);
        if (every > 0 && muir_describe_has_table(d, t))
            d->tables[d->index[t]].expected_rows = (size_t)((steps + every - 1) / every);
    }
    if (d->index[MUIR_TABLE_POWER] < 0 || o->every > 0) return;
    d->tables[d->index[MUIR_TABLE_POWER]].expected_rows = (size_t)ceil(o->window_s * o->sample_hz);
    d->tables[d->index[MUIR_TABLE_POWER_WINDOW]].expected_rows = 1;
}

/* What every file says: how it was made, and the scenario. */
static muir_status fill_scenario(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario,
                                 const muir_host_clock *host, const char *history)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_launch_create(ctx, scenario, host, &d->launch));
    MUIR_TRY(muir_scenario_text(ctx, scenario, false, &d->resolved));
    MUIR_TRY(muir_describe_identity(ctx, scenario, &d->identity));
    MUIR_TRY(add_scenario(ctx, d, scenario));
    add_file(d, scenario, history);
done:
    return st;
}

static muir_status fill(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario,
                        const muir_host_clock *host, const muir_record_facts *facts)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(fill_scenario(ctx, d, scenario, host, facts->history));
    MUIR_TRY(add_interval(ctx, d, scenario));
    add_tables(d, scenario, d->launch->n_ranks, d->launch->n_colls, host != NULL);
    MUIR_TRY(muir_describe_facts(ctx, d, scenario));
    MUIR_TRY(muir_describe_numbers(ctx, d));
    expect_rows(d, scenario, facts->steps);
    if (d->is_out_of_memory) st = muir_fail(ctx, MUIR_ERR_MEM, "no memory for telemetry");
done:
    return st;
}

muir_status muir_describe_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_host_clock *host,
                                 const muir_record_facts *facts, muir_describe **out)
{
    muir_status st = MUIR_OK;
    muir_describe *d = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *d, "telemetry", &d));
    d->description.tables = d->tables;
    MUIR_TRY(muir_agree(ctx, fill(ctx, d, scenario, host, facts)));
    *out = d;
    d = NULL;
done:
    muir_describe_destroy(&d);
    return st;
}

muir_status muir_describe_create_plain(muir_ctx *ctx, const muir_scenario *scenario, const char *history,
                                       muir_describe **out)
{
    muir_status st = MUIR_OK;
    muir_describe *d = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *d, "telemetry", &d));
    d->description.tables = d->tables;
    st = fill_scenario(ctx, d, scenario, NULL, history);
    if (st == MUIR_OK) muir_describe_texts(d, scenario);
    MUIR_TRY(muir_agree(ctx, st));
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
    muir_describe_memory_free(d);
    muir_describe_numbers_destroy(&d->numbers);
    free(d->whole);
    free(d->real);
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
