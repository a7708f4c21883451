/* SPDX-License-Identifier: BSD-3-Clause */
/* muir help: every key of a kind of file, every column of the telemetry and every key that plans search, from
 * the tables that define them. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "plan/plan.h"
#include "run/describe.h"
#include "scenario/scenario.h"
#include "scenario/tuning_table.h"

static void print_option(const muir_section *section, const muir_option *option)
{
    char key[2 * MUIR_NAME_SIZE];
    muir_option_path(section, option, key, sizeof key);
    printf("  %-34s %s", key, option->help);
    if (option->units[0]) printf(" [%s]", option->units);
    if (option->allowed[0]) printf(", %s", option->allowed);
    if (!option->initial)
        printf("; must be given");
    else if (option->initial[0])
        printf("; default %s", option->initial);
    printf("\n");
}

static void print_schema(const muir_schema *schema)
{
    if (schema->folder)
        printf("keys of %s files (data/%s)\n", schema->kind, schema->folder);
    else
        printf("keys of a row in a %s table\n", schema->kind);
    for (int s = 0; s < schema->n_sections; s++)
        for (int i = 0; i < schema->sections[s].n_options; i++)
            print_option(&schema->sections[s], &schema->sections[s].options[i]);
}

static void print_kinds(void)
{
    printf("kinds of events, as /events/kind numbers them\n");
    for (int k = 0; k < MUIR_KIND_COUNT; k++)
        printf("  %2d  %-14s %s\n", k, muir_kind_name(k), muir_kind_help(k));
}

static void print_plan(void)
{
    printf("keys that muir plan searches, unless an argument fixes them\n");
    for (int i = 0; i < muir_plan_key_count(); i++)
        printf("  %-34s %s\n", muir_plan_key(i), muir_plan_key_help(i));
}

static const char *const provenances[] = {"executed", "measured", "modelled", "injected", "input"};

static void print_telemetry(void)
{
    printf("columns of the telemetry file\n");
    for (muir_record_table t = 0; t < MUIR_TABLE_COUNT; t++) {
        size_t n = 0;
        const muir_table_shape *table = muir_table_shape_of(t);
        const muir_column_row *rows = muir_columns_of(t, &n);
        for (size_t i = 0; i < n; i++) {
            const muir_column *c = &rows[i].column;
            char name[96], shape[32];
            snprintf(name, sizeof name, "/%s/%s", table->group, c->label.name);
            snprintf(shape, sizeof shape, "[%s%s%s]", table->row.name, c->is_wide ? "," : "",
                     c->is_wide ? table->across : "");
            printf("  %-26s %-20s %-8s %-9s %s\n", name, shape, c->label.units,
                   provenances[c->label.provenance], c->label.long_name);
        }
    }
}

/* Topics beside the kinds of files. */
static const struct {
    const char *name;
    void (*print)(void);
} topics[] = {{"telemetry", print_telemetry}, {"plan", print_plan}};

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    static const muir_schema *const schemas[] = {
        &muir_scenario_schema, &muir_fleet_schema,  &muir_chip_schema,  &muir_model_schema,
        &muir_stack_schema,    &muir_faults_schema, &muir_tuning_schema};
    const char *topic = argc > 0 ? argv[0] : "";
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++)
        if (strcmp(topic, schemas[i]->kind) == 0) {
            if (muir_is_root(ctx)) print_schema(schemas[i]);
            if (muir_is_root(ctx) && schemas[i] == &muir_faults_schema) print_kinds();
            return MUIR_OK;
        }
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        if (strcmp(topic, topics[i].name) == 0) {
            if (muir_is_root(ctx)) topics[i].print();
            return MUIR_OK;
        }
    return muir_fail(
        ctx, MUIR_ERR_ARG,
        "muir help what? scenario, fleet, chip, model, stack, faults, tuning, telemetry or plan (muir --help "
        "lists the commands)");
}

const muir_command muir_command_help = {
    .name = "help",
    .usage = "scenario|fleet|chip|model|stack|faults|tuning|telemetry|plan",
    .summary = "every key of a kind of file with its default, every column of the telemetry, or every key "
               "that plans search",
    .help = "",
    .run = run,
};
