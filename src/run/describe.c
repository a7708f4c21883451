/* SPDX-License-Identifier: BSD-3-Clause */
/* The description of the telemetry file, filled for one run. */
#include "run/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    MOST_ATTRIBUTES = 256,
    MOST_CONSTANTS = 40,
    MOST_DIMENSIONS = 16,
    MOST_COLUMNS = 64,
    NODE_SIZE = 64,
    OP_SIZE = 32
};

static const muir_column_row column_rows[] = {
#define COLUMN(table, name, type, is_wide, units, provenance, long_name)                                     \
    {MUIR_TABLE_##table, {{#name, units, long_name, MUIR_##provenance}, MUIR_##type, is_wide}},
#include "run/columns.def"
#undef COLUMN
};

static const char *const groups[MUIR_TABLE_COUNT] = {"fleet",  "emulation", "rank",
                                                     "server", "host",      "collectives"};

/* Facts that the file stores once, gathered on rank 0; arrays over ranks or collectives. */
typedef struct launch {
    int64_t *first_replica, *replicas, *mesh[MUIR_MESH_AXES];
    double *peak;
    char *node;                                             /* [ranks, NODE_SIZE] */
    char *coll_op, *coll_algorithm, *coll_axis, *coll_name; /* [colls, OP_SIZE] */
    int64_t *coll_ranks;
    double *coll_bytes;
    double shrink_factor, shrink_layers, shrink_microbatches, empty_step_s;
    char kernel[128];
    char ranks[16], seed[24];
} launch;

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
    size_t n_columns;
    launch launch;
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
    add_attribute(d, "", "seed", d->launch.seed);
    add_attribute(d, "", "ranks", d->launch.ranks);
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
    if (colls == 0) return;
    add_dimension(d, "collectives", "sample", 0, "flush of the telemetry", MUIR_EXECUTED);
    add_dimension(d, "collectives", "collective", colls, "collective of the host clock", MUIR_EXECUTED);
    add_table(d, MUIR_TABLE_COLLECTIVES, "sample", "collective", false, 1024);
}

/* Constants. */

static void add_constant(muir_describe *d, const char *group, muir_label label, muir_value_type type,
                         size_t text_size, const char *dimension, const void *values)
{
    d->constants[d->description.n_constants++] =
        (muir_constant){group, label, type, text_size, dimension, values};
}

static void add_rank_constants(muir_describe *d)
{
    static const char *const mesh_names[MUIR_MESH_AXES] = {"mesh_tp", "mesh_cp", "mesh_dp", "mesh_pp"};
    const launch *l = &d->launch;
    if (d->index[MUIR_TABLE_RANK] < 0) return;
    add_constant(
        d, "rank",
        (muir_label){"first_replica", "1", "rank map: first replica of the rank's slice", MUIR_MEASURED},
        MUIR_I64, 0, "rank", l->first_replica);
    add_constant(d, "rank",
                 (muir_label){"replicas", "1", "rank map: replicas of the rank's slice", MUIR_MEASURED},
                 MUIR_I64, 0, "rank", l->replicas);
    for (int a = 0; a < MUIR_MESH_AXES; a++)
        add_constant(d, "rank",
                     (muir_label){mesh_names[a], "1",
                                  "rank map: place along this axis of the host clock's mesh, -1: none",
                                  MUIR_MEASURED},
                     MUIR_I64, 0, "rank", l->mesh[a]);
}

static void add_host_constants(muir_describe *d)
{
    const launch *l = &d->launch;
    if (d->index[MUIR_TABLE_HOST] < 0) return;
    add_constant(d, "host", (muir_label){"node", "1", "name of the rank's node", MUIR_MEASURED}, MUIR_TEXT,
                 NODE_SIZE, "rank", l->node);
    add_constant(d, "host",
                 (muir_label){"peak_flop_per_s", "FLOP/s", "multiply-add peak of the rank's core, fp32",
                              MUIR_MEASURED},
                 MUIR_F64, 0, "rank", l->peak);
    add_constant(d, "host", (muir_label){"kernel", "1", "matrix product kernel of rank 0", MUIR_MEASURED},
                 MUIR_TEXT, sizeof l->kernel, NULL, l->kernel);
    add_constant(d, "host",
                 (muir_label){"shrink_factor", "1", "dimensions are divided by it, bytes by its square",
                              MUIR_MEASURED},
                 MUIR_F64, 0, NULL, &l->shrink_factor);
    add_constant(
        d, "host",
        (muir_label){"shrink_layers", "1", "layers of the job for each that is executed", MUIR_MEASURED},
        MUIR_F64, 0, NULL, &l->shrink_layers);
    add_constant(d, "host",
                 (muir_label){"shrink_microbatches", "1", "microbatches of the job for each that is executed",
                              MUIR_MEASURED},
                 MUIR_F64, 0, NULL, &l->shrink_microbatches);
    add_constant(d, "host",
                 (muir_label){"empty_step_s", "s", "the host clock's own time for a step without any op",
                              MUIR_MEASURED},
                 MUIR_F64, 0, NULL, &l->empty_step_s);
}

static void add_coll_constants(muir_describe *d)
{
    const launch *l = &d->launch;
    if (d->index[MUIR_TABLE_COLLECTIVES] < 0) return;
    const struct {
        const char *name, *long_name;
        const void *values;
    } texts[] = {{"op", "operation", l->coll_op},
                 {"algorithm", "algorithm", l->coll_algorithm},
                 {"axis", "parallel axis", l->coll_axis},
                 {"purpose", "what the job exchanges", l->coll_name}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        add_constant(d, "collectives", (muir_label){texts[i].name, "1", texts[i].long_name, MUIR_MEASURED},
                     MUIR_TEXT, OP_SIZE, "collective", texts[i].values);
    add_constant(d, "collectives", (muir_label){"ranks", "1", "ranks of the group", MUIR_MEASURED}, MUIR_I64,
                 0, "collective", l->coll_ranks);
    add_constant(d, "collectives",
                 (muir_label){"bytes", "byte", "size as nccl-tests counts it, shrunk", MUIR_MEASURED},
                 MUIR_F64, 0, "collective", l->coll_bytes);
}

/* Facts of the launch. */

static muir_status gather_ranks(muir_ctx *ctx, const muir_scenario *scenario, const muir_host_clock *host,
                                launch *l)
{
    muir_status st = MUIR_OK;
    const size_t n = (size_t)ctx->size;
    char node[MPI_MAX_PROCESSOR_NAME + 1] = "", mine[NODE_SIZE] = "";
    int length = 0;
    double peak = host ? muir_host_clock_facts(host)->peak_flop_per_s : 0.0;
    MUIR_TRY(muir_alloc(ctx, n, sizeof(int64_t), "the rank map", &l->first_replica));
    MUIR_TRY(muir_alloc(ctx, n, sizeof(int64_t), "the rank map", &l->replicas));
    for (int a = 0; a < MUIR_MESH_AXES; a++)
        MUIR_TRY(muir_alloc(ctx, n, sizeof(int64_t), "the rank map", &l->mesh[a]));
    MUIR_TRY(muir_alloc(ctx, n, sizeof(double), "the rank map", &l->peak));
    MUIR_TRY(muir_alloc(ctx, n, NODE_SIZE, "the rank map", &l->node));
    for (int r = 0; r < ctx->size; r++) {
        const muir_fold fold = muir_fold_make(scenario, ctx->size, r);
        l->first_replica[r] = fold.replicas.first;
        l->replicas[r] = fold.replicas.n;
        for (int a = 0; a < MUIR_MESH_AXES; a++) l->mesh[a][r] = fold.place[a];
    }
    MUIR_TRY_MPI(MPI_Get_processor_name(node, &length));
    snprintf(mine, sizeof mine, "%.*s", NODE_SIZE - 1, node);
    MUIR_TRY_MPI(MPI_Gather(mine, NODE_SIZE, MPI_CHAR, l->node, NODE_SIZE, MPI_CHAR, 0, ctx->comm));
    MUIR_TRY_MPI(MPI_Gather(&peak, 1, MPI_DOUBLE, l->peak, 1, MPI_DOUBLE, 0, ctx->comm));
done:
    return st;
}

static muir_status list_colls(muir_ctx *ctx, const muir_host_clock *host, launch *l, size_t *n)
{
    muir_status st = MUIR_OK;
    const muir_host_ops *ops = host ? muir_host_clock_ops(host) : NULL;
    int count = ops ? muir_host_ops_coll_count(ops) : 0;
    MUIR_TRY_MPI(MPI_Bcast(&count, 1, MPI_INT, 0, ctx->comm)); /* ranks without a part know none */
    *n = (size_t)count;
    MUIR_TRY(muir_alloc(ctx, *n, OP_SIZE, "collectives", &l->coll_op));
    MUIR_TRY(muir_alloc(ctx, *n, OP_SIZE, "collectives", &l->coll_algorithm));
    MUIR_TRY(muir_alloc(ctx, *n, OP_SIZE, "collectives", &l->coll_axis));
    MUIR_TRY(muir_alloc(ctx, *n, OP_SIZE, "collectives", &l->coll_name));
    MUIR_TRY(muir_alloc(ctx, *n, sizeof(int64_t), "collectives", &l->coll_ranks));
    MUIR_TRY(muir_alloc(ctx, *n, sizeof(double), "collectives", &l->coll_bytes));
    for (int i = 0; ops && i < count; i++) {
        const muir_host_coll *c = muir_host_ops_coll_at(ops, i);
        snprintf(l->coll_op + i * OP_SIZE, OP_SIZE, "%s", muir_coll_kind_name(c->op->coll));
        snprintf(l->coll_algorithm + i * OP_SIZE, OP_SIZE, "%s", c->algorithm->name);
        snprintf(l->coll_axis + i * OP_SIZE, OP_SIZE, "%s", muir_axis_name(c->op->axis));
        snprintf(l->coll_name + i * OP_SIZE, OP_SIZE, "%s", c->op->name);
        l->coll_ranks[i] = c->comm->size;
        l->coll_bytes[i] = 4.0 * (double)c->count;
    }
done:
    return st;
}

static void note_host(const muir_host_clock *host, launch *l)
{
    if (!host) return;
    const muir_host_facts *facts = muir_host_clock_facts(host);
    l->shrink_factor = facts->shrink.factor;
    l->shrink_layers = facts->shrink.layers;
    l->shrink_microbatches = facts->shrink.microbatches;
    l->empty_step_s = facts->empty_step_s;
    snprintf(l->kernel, sizeof l->kernel, "%s", facts->kernel);
}

static muir_status fill(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario,
                        const muir_host_clock *host)
{
    muir_status st = MUIR_OK;
    size_t colls = 0;
    MUIR_TRY(muir_scenario_text(ctx, scenario, false, &d->resolved));
    MUIR_TRY(muir_describe_identity(ctx, scenario, &d->identity));
    MUIR_TRY(gather_ranks(ctx, scenario, host, &d->launch));
    MUIR_TRY(list_colls(ctx, host, &d->launch, &colls));
    snprintf(d->launch.ranks, sizeof d->launch.ranks, "%d", ctx->size);
    snprintf(d->launch.seed, sizeof d->launch.seed, "%lld", (long long)scenario->run.seed);
    note_host(host, &d->launch);
    MUIR_TRY(add_scenario(ctx, d, scenario));
    add_tables(d, scenario, (size_t)ctx->size, colls, host != NULL);
    add_rank_constants(d);
    add_host_constants(d);
    add_coll_constants(d);
    add_constant(d, "scenario",
                 (muir_label){"resolved", "1", "the scenario with every default filled in, YAML", MUIR_INPUT},
                 MUIR_TEXT, strlen(d->resolved) + 1, NULL, d->resolved);
    add_constant(
        d, "scenario",
        (muir_label){"identity", "1", "every key that decides the fleet clock's numbers", MUIR_INPUT},
        MUIR_TEXT, strlen(d->identity) + 1, NULL, d->identity);
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
    MUIR_TRY(fill(ctx, d, scenario, host));
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
    launch *l = &d->launch;
    void *const memory[] = {l->first_replica,  l->replicas,  l->peak,      l->node,       l->coll_op,
                            l->coll_algorithm, l->coll_axis, l->coll_name, l->coll_ranks, l->coll_bytes,
                            d->resolved,       d->identity,  d->keys};
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++) free(memory[i]);
    for (int a = 0; a < MUIR_MESH_AXES; a++) free(l->mesh[a]);
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
