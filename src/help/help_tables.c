/* SPDX-License-Identifier: BSD-3-Clause */
/* Help on tables of the program: columns of the telemetry, kinds of events, keys that plans search. */
#include <stdio.h>
#include <string.h>

#include "help/help.h"
#include "text/print.h"
#include "plan/plan.h"
#include "run/describe.h"

enum { NAME_INDENT = 36 };

/* Columns of the telemetry. */

static const char *const provenances[] = {"executed", "measured", "modelled", "injected", "input"};

/* A column: its name in the file, and the shape of what it holds. */
typedef struct entry {
    char name[96], shape[48];
    const muir_column *column;
} entry;

static entry entry_of(muir_record_table t, const muir_column *column)
{
    const muir_table_shape *table = muir_table_shape_of(t);
    entry e = {.column = column};
    snprintf(e.name, sizeof e.name, "/%s/%s", table->group, column->label.name);
    snprintf(e.shape, sizeof e.shape, "[%s%s%s]", table->row.name, column->is_wide ? "," : "",
             column->is_wide ? table->across : "");
    return e;
}

static void print_column(const entry *e)
{
    char first[128], text[600];
    snprintf(first, sizeof first, "  %s ", e->name);
    snprintf(text, sizeof text, "%s %s, %s: %s", e->shape, e->column->label.units,
             provenances[e->column->label.provenance], e->column->label.long_name);
    muir_print_wrapped(first, NAME_INDENT, text);
}

static json_t *column_json(const entry *e)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", e->name, "shape", e->shape, "units",
                     e->column->label.units, "provenance", provenances[e->column->label.provenance],
                     "meaning", e->column->label.long_name);
}

static bool answer_telemetry(const char *word, json_t *json)
{
    const bool is_all = strcmp(word, "telemetry") == 0;
    int found = 0;
    json_t *list = json_array();
    for (muir_record_table t = 0; t < MUIR_TABLE_COUNT; t++) {
        size_t n = 0;
        const muir_column_row *rows = muir_columns_of(t, &n);
        for (size_t i = 0; i < n; i++) {
            const entry e = entry_of(t, &rows[i].column);
            if (!is_all && strcmp(word, e.name) != 0 && strcmp(word, e.column->label.name) != 0) continue;
            if (!json && found == 0)
                printf(is_all ? "columns of the telemetry file\n" : "in the telemetry file\n");
            found++;
            if (json)
                json_array_append_new(list, column_json(&e));
            else
                print_column(&e);
        }
    }
    if (json && found > 0) json_object_set(json, "columns", list);
    json_decref(list);
    return found > 0;
}

static const char *telemetry_word(int i)
{
    if (i == 0) return "telemetry";
    for (muir_record_table t = 0; t < MUIR_TABLE_COUNT; t++) {
        size_t n = 0;
        const muir_column_row *rows = muir_columns_of(t, &n);
        if ((size_t)i <= n) return rows[i - 1].column.label.name;
        i -= (int)n;
    }
    return NULL;
}
const muir_topic muir_topic_telemetry = {answer_telemetry, telemetry_word};

/* Kinds of events; they go with the keys of faults. */

static bool answer_events(const char *word, json_t *json)
{
    if (strcmp(word, "events") != 0 && strcmp(word, "faults") != 0) return false;
    json_t *list = json ? json_array() : NULL;
    if (!json) printf("kinds of events, as /events/kind numbers them\n");
    for (int k = 0; k < MUIR_KIND_COUNT; k++)
        if (json)
            json_array_append_new(list, json_pack("{s:i,s:s,s:s}", "number", k, "name", muir_kind_name(k),
                                                  "meaning", muir_kind_help(k)));
        else
            printf("  %2d  %-14s %s\n", k, muir_kind_name(k), muir_kind_help(k));
    if (json) json_object_set_new(json, "events", list);
    return true;
}

static const char *events_word(int i)
{
    return i == 0 ? "events" : NULL;
}
const muir_topic muir_topic_events = {answer_events, events_word};

/* Keys that plans search. */

static bool answer_plan(const char *word, json_t *json)
{
    if (strcmp(word, "plan") != 0) return false;
    json_t *list = json ? json_array() : NULL;
    if (!json) printf("keys that muir plan searches, unless an argument fixes them\n");
    for (int i = 0; i < muir_plan_key_count(); i++) {
        char first[2 * MUIR_NAME_SIZE];
        snprintf(first, sizeof first, "  %s ", muir_plan_key(i));
        if (json)
            json_array_append_new(
                list, json_pack("{s:s,s:s}", "key", muir_plan_key(i), "tries", muir_plan_key_help(i)));
        else
            muir_print_wrapped(first, NAME_INDENT, muir_plan_key_help(i));
    }
    if (json) json_object_set_new(json, "searched", list);
    return true;
}

static const char *plan_word(int i)
{
    return i == 0 ? "plan" : NULL;
}
const muir_topic muir_topic_plan = {answer_plan, plan_word};
