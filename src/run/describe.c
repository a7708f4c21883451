/* SPDX-License-Identifier: BSD-3-Clause */
/* The description of the telemetry file, filled for one run. */
#include "run/describe_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const muir_column_row column_rows[] = {
#define COLUMN(table, name, type, is_wide, units, provenance, long_name)                                     \
    {MUIR_TABLE_##table, {{#name, units, long_name, MUIR_##provenance}, MUIR_##type, is_wide}},
#include "run/columns.def"
#undef COLUMN
};

static const char *const groups[MUIR_TABLE_COUNT] = {"fleet", "emulation",    "rank",       "server",
                                                     "host",  "collectives",  "host_flips", "host_trace",
                                                     "power", "power_window", "events"};

const muir_column_row *muir_column_rows(size_t *n)
{
    *n = sizeof column_rows / sizeof column_rows[0];
    return column_rows;
}

const char *muir_table_group(muir_record_table table)
{
    return groups[table];
}

/* Texts. */

static void print_options(FILE *out, const muir_schema *schema, const char *prefix, const void *file)
{
    for (int s = 0; s < schema->n_sections; s++) {
        const muir_section *section = &schema->sections[s];
        for (int i = 0; i < section->n_options; i++) {
            const muir_option *option = &section->options[i];
            char key[2 * MUIR_NAME_SIZE], text[MUIR_TEXT_SIZE];
            if (option->type == MUIR_OPTION_TEXT) continue;
            muir_option_path(section, option, key, sizeof key);
            if (muir_scenario_is_length(key) || strcmp(key, "telemetry.flush") == 0 ||
                strcmp(key, "host.checkpoint_keep") == 0)
                continue;
            muir_option_get(section, option, file, text, sizeof text);
            fprintf(out, "%s%s=%s\n", prefix, key, text);
        }
    }
}

muir_status muir_describe_identity(muir_ctx *ctx, const muir_scenario *scenario, char **text)
{
    char *buffer = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&buffer, &size);
    if (!out) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the scenario's text");
    print_options(out, &muir_scenario_schema, "", scenario);
    print_options(out, &muir_fleet_schema, "fleet.", &scenario->fleet);
    print_options(out, &muir_chip_schema, "chip.", &scenario->fleet.chip);
    print_options(out, &muir_model_schema, "model.", &scenario->job.model);
    print_options(out, &muir_faults_schema, "faults.", &scenario->faults);
    if (fclose(out) != 0) {
        free(buffer);
        return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the scenario's text");
    }
    *text = buffer;
    return MUIR_OK;
}

/* Attributes. */

static void add_attribute(muir_describe *d, const char *group, const char *key, const char *text)
{
    if (d->description.n_attributes == MOST_ATTRIBUTES) return;
    d->attributes[d->description.n_attributes++] = (muir_attribute){group, key, text};
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

/* Dimensions and tables. */

void muir_describe_dimension(muir_describe *d, const char *group, const char *name, size_t size,
                             const char *long_name, muir_provenance provenance)
{
    d->dimensions[d->description.n_dimensions++] =
        (muir_dimension){.group = group, .label = {name, "1", long_name, provenance}, .size = size};
}

void muir_describe_add_table(muir_describe *d, muir_record_table table, const char *row, const char *across,
                             bool is_gathered, size_t batch)
{
    muir_table *t = &d->tables[d->description.n_tables];
    d->index[table] = (int)d->description.n_tables++;
    *t = (muir_table){.group = groups[table],
                      .row = row,
                      .across = across,
                      .is_gathered = is_gathered,
                      .batch_rows = batch,
                      .columns = &d->columns[d->n_columns]};
    for (size_t i = 0; i < sizeof column_rows / sizeof column_rows[0]; i++)
        if (column_rows[i].table == table) {
            d->columns[d->n_columns++] = column_rows[i].column;
            t->n_columns++;
        }
}

/* Rows of a batch so that it stays near 1 MiB a column on the writer, between 16 and 1,024. */
static size_t batch_of(size_t width, size_t value_bytes)
{
    const size_t rows = ((size_t)1 << 20) / (width * value_bytes);
    return rows < 16 ? 16 : rows > 1024 ? 1024 : rows;
}

static void add_detail_tables(muir_describe *d, const muir_scenario *scenario, size_t ranks)
{
    if (scenario->host.flips > 0.0) {
        muir_describe_dimension(d, "host_flips", "flip", 0, "64 times the step, and number within it",
                                MUIR_EXECUTED);
        muir_describe_add_table(d, MUIR_TABLE_FLIPS, "flip", NULL, false, 1024);
    }
    if (scenario->telemetry.trace_steps > 0) {
        muir_describe_dimension(d, "host_trace", "event", 0, "2^20 times the step, and number within it",
                                MUIR_EXECUTED);
        muir_describe_dimension(d, "host_trace", "rank", ranks, "MPI rank", MUIR_EXECUTED);
        muir_describe_add_table(d, MUIR_TABLE_TRACE, "event", "rank", true, batch_of(ranks, sizeof(double)));
    }
    muir_describe_dimension(d, "program", "op", d->launch->n_ops, "op of the step program", MUIR_INPUT);
}

static void add_event_table(muir_describe *d)
{
    muir_describe_dimension(d, "events", "event", 0, "event, in the order in which the job met them",
                            MUIR_INJECTED);
    for (int i = 0; i < MUIR_ENUMERATIONS; i++)
        muir_describe_dimension(d, "events", muir_enumerations[i].dimension, (size_t)muir_enumerations[i].n,
                                muir_enumerations[i].long_name, MUIR_INPUT);
    muir_describe_add_table(d, MUIR_TABLE_EVENTS, "event", NULL, false, 1024);
}

static void add_tables(muir_describe *d, const muir_scenario *scenario, size_t ranks, size_t colls,
                       bool has_host)
{
    const size_t servers = (size_t)scenario->fleet.top.servers;
    const muir_provenance steps = MUIR_MODELLED;
    for (int t = 0; t < MUIR_TABLE_COUNT; t++) d->index[t] = -1;
    muir_describe_dimension(d, "fleet", "step", 0, "step", steps);
    muir_describe_add_table(d, MUIR_TABLE_FLEET, "step", NULL, false, 1024);
    muir_describe_dimension(d, "emulation", "step", 0, "step", MUIR_EXECUTED);
    muir_describe_add_table(d, MUIR_TABLE_EMULATION, "step", NULL, false, 1024);
    add_event_table(d);
    if (scenario->telemetry.level >= MUIR_LEVEL_RANK) {
        muir_describe_dimension(d, "rank", "step", 0, "step", MUIR_EXECUTED);
        muir_describe_dimension(d, "rank", "rank", ranks, "MPI rank", MUIR_EXECUTED);
        muir_describe_add_table(d, MUIR_TABLE_RANK, "step", "rank", true, batch_of(ranks, sizeof(double)));
    }
    if (scenario->telemetry.level >= MUIR_LEVEL_SERVER) {
        muir_describe_dimension(d, "server", "step", 0, "step", steps);
        muir_describe_dimension(d, "server", "server", servers, "server of the fleet", MUIR_INPUT);
        muir_describe_add_table(d, MUIR_TABLE_SERVER, "step", "server", false,
                                batch_of(servers, sizeof(float)));
    }
    if (!has_host) return;
    muir_describe_dimension(d, "host", "step", 0, "step", MUIR_EXECUTED);
    muir_describe_dimension(d, "host", "rank", ranks, "MPI rank", MUIR_EXECUTED);
    muir_describe_add_table(d, MUIR_TABLE_HOST, "step", "rank", true, batch_of(ranks, sizeof(double)));
    add_detail_tables(d, scenario, ranks);
    if (colls == 0) return;
    muir_describe_dimension(d, "collectives", "sample", 0, "flush of the telemetry", MUIR_EXECUTED);
    muir_describe_dimension(d, "collectives", "collective", colls, "collective of the host clock",
                            MUIR_EXECUTED);
    if (d->launch->n_trials > 0)
        muir_describe_dimension(d, "collectives", "trial", d->launch->n_trials,
                                "algorithm tried when the run started", MUIR_MEASURED);
    muir_describe_add_table(d, MUIR_TABLE_COLLECTIVES, "sample", "collective", false, 1024);
}

static muir_status fill(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario,
                        const muir_host_clock *host)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_launch_create(ctx, scenario, host, &d->launch));
    MUIR_TRY(muir_scenario_text(ctx, scenario, false, &d->resolved));
    MUIR_TRY(muir_describe_identity(ctx, scenario, &d->identity));
    MUIR_TRY(add_scenario(ctx, d, scenario));
    add_tables(d, scenario, d->launch->n_ranks, d->launch->n_colls, host != NULL);
    MUIR_TRY(muir_describe_facts(ctx, d, scenario));
done:
    return st;
}

muir_status muir_describe_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_host_clock *host,
                                 muir_describe **out)
{
    muir_status st = MUIR_OK;
    muir_describe *d = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *d, "telemetry", &d));
    d->description.dimensions = d->dimensions;
    d->description.tables = d->tables;
    d->description.constants = d->constants;
    d->description.attributes = d->attributes;
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

size_t muir_describe_column(const muir_describe *d, muir_record_table table, const char *name)
{
    const muir_table *t = &d->tables[d->index[table]];
    size_t i = 0;
    while (i + 1 < t->n_columns && strcmp(t->columns[i].label.name, name) != 0) i++;
    return i;
}
