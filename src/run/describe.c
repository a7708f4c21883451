/* SPDX-License-Identifier: BSD-3-Clause */
/* The description of the telemetry file, filled for one run. */
#include "run/describe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/calibrate.h"
#include "run/launch.h"

enum {
    MOST_ATTRIBUTES = 512,
    MOST_CONSTANTS = 128,
    MOST_DIMENSIONS = 40,
    MOST_NAMES = 32,
    MOST_COLUMNS = 256
};

static const muir_column_row column_rows[] = {
#define COLUMN(table, name, type, is_wide, units, provenance, long_name)                                     \
    {MUIR_TABLE_##table, {{#name, units, long_name, MUIR_##provenance}, MUIR_##type, is_wide}},
#include "run/columns.def"
#undef COLUMN
};

static const char *const groups[MUIR_TABLE_COUNT] = {"fleet", "emulation",    "rank",       "server",
                                                     "host",  "collectives",  "host_flips", "host_trace",
                                                     "power", "power_window", "events"};

struct muir_describe {
    muir_description description;
    muir_dimension dimensions[MOST_DIMENSIONS];
    muir_table tables[MUIR_TABLE_COUNT];
    muir_column columns[MOST_COLUMNS];
    muir_constant constants[MOST_CONSTANTS];
    muir_attribute attributes[MOST_ATTRIBUTES];
    int index[MUIR_TABLE_COUNT]; /* of a table in `tables`, -1: not in this file */
    char *resolved, *identity;   /* texts of the scenario */
    char *keys;                  /* storage of attribute keys and values */
    double *frequency_hz;        /* of the power spectrum */
    size_t n_columns;
    muir_launch *launch;
    const char *names[4][MOST_NAMES]; /* of the numbers in /events */
};

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
            if (muir_scenario_is_length(key) || strcmp(key, "telemetry.flush") == 0) continue;
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

static void add_dimension(muir_describe *d, const char *group, const char *name, size_t size,
                          const char *long_name, muir_provenance provenance)
{
    d->dimensions[d->description.n_dimensions++] =
        (muir_dimension){.group = group, .label = {name, "1", long_name, provenance}, .size = size};
}

static void add_table(muir_describe *d, muir_record_table table, const char *row, const char *across,
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
        add_dimension(d, "host_flips", "flip", 0, "64 times the step, and number within it", MUIR_EXECUTED);
        add_table(d, MUIR_TABLE_FLIPS, "flip", NULL, false, 1024);
    }
    if (scenario->telemetry.trace_steps > 0) {
        add_dimension(d, "host_trace", "event", 0, "2^20 times the step, and number within it",
                      MUIR_EXECUTED);
        add_dimension(d, "host_trace", "rank", ranks, "MPI rank", MUIR_EXECUTED);
        add_table(d, MUIR_TABLE_TRACE, "event", "rank", true, batch_of(ranks, sizeof(double)));
    }
    add_dimension(d, "program", "op", d->launch->n_ops, "op of the step program", MUIR_INPUT);
}

/* What the numbers of /events mean; the texts are set by add_event_names. */
static const struct {
    const char *dimension, *name, *long_name;
    int n;
    const char *(*name_of)(int number);
} enumerations[] = {
    {"kind_number", "kind_name", "kind of event", MUIR_KIND_COUNT, muir_kind_name},
    {"noticed_number", "noticed_name", "how an event is noticed", MUIR_NOTICED_COUNT, muir_noticed_name},
    {"consequence_number", "consequence_name", "what an event does", MUIR_CONSEQUENCE_COUNT,
     muir_consequence_name},
    {"tier_number", "tier_name", "tier of checkpoints", MUIR_TIER_COUNT + 1, muir_tier_name},
};
enum { ENUMERATIONS = sizeof enumerations / sizeof enumerations[0] };

static void add_event_table(muir_describe *d)
{
    add_dimension(d, "events", "event", 0, "event, in the order in which the job met them", MUIR_INJECTED);
    for (int i = 0; i < ENUMERATIONS; i++)
        add_dimension(d, "events", enumerations[i].dimension, (size_t)enumerations[i].n,
                      enumerations[i].long_name, MUIR_INPUT);
    add_table(d, MUIR_TABLE_EVENTS, "event", NULL, false, 1024);
}

static void add_tables(muir_describe *d, const muir_scenario *scenario, size_t ranks, size_t colls,
                       bool has_host)
{
    const size_t servers = (size_t)scenario->fleet.top.servers;
    const muir_provenance steps = MUIR_MODELLED;
    for (int t = 0; t < MUIR_TABLE_COUNT; t++) d->index[t] = -1;
    add_dimension(d, "fleet", "step", 0, "step", steps);
    add_table(d, MUIR_TABLE_FLEET, "step", NULL, false, 1024);
    add_dimension(d, "emulation", "step", 0, "step", MUIR_EXECUTED);
    add_table(d, MUIR_TABLE_EMULATION, "step", NULL, false, 1024);
    add_event_table(d);
    if (scenario->telemetry.level >= MUIR_LEVEL_RANK) {
        add_dimension(d, "rank", "step", 0, "step", MUIR_EXECUTED);
        add_dimension(d, "rank", "rank", ranks, "MPI rank", MUIR_EXECUTED);
        add_table(d, MUIR_TABLE_RANK, "step", "rank", true, batch_of(ranks, sizeof(double)));
    }
    if (scenario->telemetry.level >= MUIR_LEVEL_SERVER) {
        add_dimension(d, "server", "step", 0, "step", steps);
        add_dimension(d, "server", "server", servers, "server of the fleet", MUIR_INPUT);
        add_table(d, MUIR_TABLE_SERVER, "step", "server", false, batch_of(servers, sizeof(float)));
    }
    if (!has_host) return;
    add_dimension(d, "host", "step", 0, "step", MUIR_EXECUTED);
    add_dimension(d, "host", "rank", ranks, "MPI rank", MUIR_EXECUTED);
    add_table(d, MUIR_TABLE_HOST, "step", "rank", true, batch_of(ranks, sizeof(double)));
    add_detail_tables(d, scenario, ranks);
    if (colls == 0) return;
    add_dimension(d, "collectives", "sample", 0, "flush of the telemetry", MUIR_EXECUTED);
    add_dimension(d, "collectives", "collective", colls, "collective of the host clock", MUIR_EXECUTED);
    if (d->launch->n_trials > 0)
        add_dimension(d, "collectives", "trial", d->launch->n_trials, "algorithm tried when the run started",
                      MUIR_MEASURED);
    add_table(d, MUIR_TABLE_COLLECTIVES, "sample", "collective", false, 1024);
}

/* Constants. */

static void add_constant(muir_describe *d, const char *group, const char *dimension, muir_value_type type,
                         const void *values, muir_label label)
{
    d->constants[d->description.n_constants++] = (muir_constant){group, label, type, dimension, values};
}

size_t muir_record_frequencies(const muir_scenario *scenario)
{
    const muir_power_options *o = &scenario->power;
    const double segment = fmin(o->segment_s, o->window_s) * o->sample_hz * (1.0 + 1e-12);
    return segment < 2.0 ? 2 : (size_t)segment / 2 + 1;
}

static muir_status add_power(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    const size_t n = muir_record_frequencies(scenario);
    if (scenario->power.window_s <= 0.0) return MUIR_OK;
    MUIR_TRY(muir_alloc(ctx, n, sizeof(double), "telemetry", &d->frequency_hz));
    for (size_t k = 0; k < n; k++)
        d->frequency_hz[k] = (double)k * scenario->power.sample_hz / (2.0 * (double)(n - 1));
    add_dimension(d, "power", "sample", 0, "sample of the power traces", MUIR_MODELLED);
    add_table(d, MUIR_TABLE_POWER, "sample", NULL, false, 8192);
    add_dimension(d, "power_window", "window", 0, "window of a power trace", MUIR_MODELLED);
    add_dimension(d, "power_window", "frequency", n, "frequency of the spectral density", MUIR_MODELLED);
    add_table(d, MUIR_TABLE_POWER_WINDOW, "window", "frequency", false, 16);
    add_constant(d, "power_window", "frequency", MUIR_F64, d->frequency_hz,
                 (muir_label){"frequency_hz", "Hz", "frequency of the spectral density", MUIR_MODELLED});
done:
    return st;
}

/* All that only this launch knows is `measured`: found out once, reused. */
static void add_fact(muir_describe *d, const char *group, const char *dimension, muir_value_type type,
                     const void *values, const char *name, const char *units, const char *long_name)
{
    add_constant(d, group, dimension, type, values, (muir_label){name, units, long_name, MUIR_MEASURED});
}

static void add_rank_facts(muir_describe *d)
{
    static const char *const names[MUIR_MESH_AXES] = {"mesh_tp", "mesh_cp", "mesh_dp", "mesh_pp"};
    const muir_launch *l = d->launch;
    if (d->index[MUIR_TABLE_RANK] < 0) return;
    add_fact(d, "rank", "rank", MUIR_I64, l->first_replica, "first_replica", "1",
             "rank map: first replica of the rank");
    add_fact(d, "rank", "rank", MUIR_I64, l->replicas, "replicas", "1", "rank map: replicas of the rank");
    for (int a = 0; a < MUIR_MESH_AXES; a++)
        add_fact(d, "rank", "rank", MUIR_I64, l->mesh[a], names[a], "1",
                 "rank map: place along this axis of the host clock's mesh, -1: none");
}

static void add_host_facts(muir_describe *d)
{
    const muir_launch *l = d->launch;
    if (d->index[MUIR_TABLE_HOST] < 0) return;
    add_fact(d, "host", "rank", MUIR_TEXT, l->node, "node", "1", "name of the rank's node");
    add_fact(d, "host", "rank", MUIR_F64, l->peak_flop_per_s, "peak_flop_per_s", "FLOP/s",
             "multiply-add peak of the rank's cores, of the job's precision");
    add_fact(d, "host", NULL, MUIR_TEXT, l->host.kernel, "kernel", "1", "matrix product kernel of rank 0");
    add_fact(d, "host", NULL, MUIR_F64, &l->host.shrink.factor, "shrink_factor", "1",
             "dimensions are divided by it, bytes by its square");
    add_fact(d, "host", NULL, MUIR_F64, &l->host.shrink.layers, "shrink_layers", "1",
             "layers of the job for each that is executed");
    add_fact(d, "host", NULL, MUIR_F64, &l->host.shrink.microbatches, "shrink_microbatches", "1",
             "microbatches of the job for each that is executed");
    add_fact(d, "host", NULL, MUIR_F64, &l->shrink_bytes, "shrink_bytes", "1",
             "bytes of messages, collectives and memory streams are divided by it");
    add_fact(d, "host", NULL, MUIR_F64, &l->host.planned_step_s, "planned_step_s", "s",
             "dilated: length of a step of rank 0 by the plan; 0: as soon as possible");
    add_fact(d, "host", NULL, MUIR_F64, &l->host.exposed_off_s, "exposed_off_s", "s",
             "collectives that the job hides, when they block: a step before the run, slowest rank");
    add_fact(d, "host", NULL, MUIR_F64, &l->host.exposed_on_s, "exposed_on_s", "s",
             "what could be seen of them with overlap: a step before the run, slowest rank");
    add_fact(d, "host", NULL, MUIR_TEXT, muir_host_progress_text(l->is_overlapped), "progress", "1",
             "who progresses MPI while products run");
    add_fact(d, "host", "rank", MUIR_TEXT, l->binding, "binding", "1", "what the rank runs on");
    add_constant(d, "program", "op", MUIR_TEXT, l->op_name,
                 (muir_label){"name", "1", "what the op is", MUIR_INPUT});
    add_constant(d, "program", "op", MUIR_TEXT, l->op_kind,
                 (muir_label){"kind", "1", "product, memory, or the collective", MUIR_INPUT});
    add_constant(
        d, "program", "op", MUIR_F64, l->op_s,
        (muir_label){"time_s", "s", "time of the op in the job, on chips of speed 1", MUIR_MODELLED});
    add_fact(d, "host", NULL, MUIR_F64, &l->host.empty_step_s, "empty_step_s", "s",
             "the host clock's own time: a step with everything but the work of its ops");
}

static void add_coll_facts(muir_describe *d)
{
    const muir_launch *l = d->launch;
    const char *group = "collectives", *across = "collective";
    if (d->index[MUIR_TABLE_COLLECTIVES] < 0) return;
    add_fact(d, group, across, MUIR_TEXT, l->coll_op, "op", "1", "operation");
    add_fact(d, group, across, MUIR_TEXT, l->coll_algorithm, "algorithm", "1", "algorithm");
    add_fact(d, group, across, MUIR_TEXT, l->coll_axis, "axis", "1", "parallel axis");
    add_fact(d, group, across, MUIR_TEXT, l->coll_purpose, "purpose", "1", "what the job exchanges");
    add_fact(d, group, across, MUIR_I64, l->coll_ranks, "ranks", "1", "ranks of the group");
    add_fact(d, group, across, MUIR_F64, l->coll_bytes, "bytes", "byte",
             "size as nccl-tests counts it, shrunk");
    add_fact(d, group, across, MUIR_TEXT, l->coll_chosen, "chosen", "1",
             "where the algorithm comes from: forced, measured, reused, untuned");
    add_fact(d, group, across, MUIR_F64, l->coll_median_s, "chosen_median_s", "s",
             "median of the algorithm when it was chosen; NaN: not measured");
    add_fact(d, group, across, MUIR_F64, l->coll_mpi_s, "mpi_median_s", "s",
             "trial of the MPI library's own then; NaN: not measured, or it does not do this");
    if (l->n_trials == 0) return;
    add_fact(d, group, "trial", MUIR_I64, l->trial_coll, "trial_collective", "1",
             "number of the collective that an algorithm was tried for");
    add_fact(d, group, "trial", MUIR_TEXT, l->trial_algorithm, "trial_algorithm", "1", "algorithm tried");
    add_fact(d, group, "trial", MUIR_F64, l->trial_s, "trial_s", "s",
             "median of its calls, the best of a few where it was far behind");
}

static void add_event_names(muir_describe *d)
{
    for (int i = 0; i < ENUMERATIONS; i++) {
        for (int k = 0; k < enumerations[i].n; k++) d->names[i][k] = enumerations[i].name_of(k);
        add_constant(d, "events", enumerations[i].dimension, MUIR_TEXT, d->names[i],
                     (muir_label){enumerations[i].name, "1", enumerations[i].long_name, MUIR_INPUT});
    }
}

static void add_texts(muir_describe *d, const muir_scenario *scenario)
{
    if (scenario->run.calibrate == MUIR_CALIBRATE_HOST)
        add_fact(d, "scenario", NULL, MUIR_F64, &scenario->fleet.variation.step_sigma,
                 "calibrated_step_sigma", "1",
                 "calibrate: jitter of this machine, taken for that of the fleet's chips");

    add_constant(
        d, "scenario", NULL, MUIR_TEXT, d->resolved,
        (muir_label){"resolved", "1", "the scenario with every default filled in, YAML", MUIR_INPUT});
    add_constant(
        d, "scenario", NULL, MUIR_TEXT, d->identity,
        (muir_label){"identity", "1", "every key that decides the fleet clock's numbers", MUIR_INPUT});
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
    MUIR_TRY(add_power(ctx, d, scenario));
    add_rank_facts(d);
    add_host_facts(d);
    add_coll_facts(d);
    add_event_names(d);
    add_texts(d, scenario);
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
