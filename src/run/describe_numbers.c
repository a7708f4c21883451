/* SPDX-License-Identifier: BSD-3-Clause */
/* What numbers in columns mean: on the column itself, as CF's flags, and as tables of names in a group of
 * their own, so that a table of events has no other dimensions than its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/describe_state.h"

static const char GROUP[] = "names";

static const char *verdict_name(int number)
{
    switch ((muir_verdict)number) {
    case MUIR_VERDICT_MISSED: return "missed";
    case MUIR_VERDICT_MET: return "met";
    case MUIR_VERDICT_NOT_MEASURED: return "not_measured";
    case MUIR_VERDICT_NO_LIMIT: return "no_limit";
    }
    return "";
}

static const char *flip_name(int number)
{
    return muir_flip_kind_name(number);
}

/* Numbers and their names: from `first` on, one after the other. A name has no blanks. */
typedef struct enumeration {
    const char *name; /* of the dimension in /names; with _name behind it, of the names */
    const char *long_name;
    int first, n;
    const char *(*name_of)(int number);
} enumeration;

enum { KINDS, NOTICED, CONSEQUENCES, TIERS, FLIPS, VERDICTS, ENUMERATIONS };
static const enumeration enumerations[ENUMERATIONS] = {
    [KINDS] = {"kind", "kind of event", 0, MUIR_KIND_COUNT, muir_kind_name},
    [NOTICED] = {"noticed", "how an event is noticed", 0, MUIR_NOTICED_COUNT, muir_noticed_name},
    [CONSEQUENCES] = {"consequence", "what an event does", 0, MUIR_CONSEQUENCE_COUNT, muir_consequence_name},
    [TIERS] = {"tier", "tier of checkpoints", 0, MUIR_TIER_COUNT + 1, muir_tier_name},
    [FLIPS] = {"flip_kind", "whose result a flip hits", 0, MUIR_FLIP_MESSAGE + 1, flip_name},
    [VERDICTS] = {"verdict", "what a power trace says of a limit", MUIR_VERDICT_NO_LIMIT,
                  MUIR_VERDICT_MET - MUIR_VERDICT_NO_LIMIT + 1, verdict_name},
};

/* The columns that hold such numbers. */
static const struct {
    muir_record_column column;
    int enumeration;
} numbered[] = {
    {MUIR_COLUMN_EVENTS_kind, KINDS},
    {MUIR_COLUMN_EVENTS_noticed, NOTICED},
    {MUIR_COLUMN_EVENTS_consequence, CONSEQUENCES},
    {MUIR_COLUMN_EVENTS_tier, TIERS},
    {MUIR_COLUMN_FLIPS_kind, FLIPS},
    {MUIR_COLUMN_POWER_WINDOW_share_is_met, VERDICTS},
    {MUIR_COLUMN_POWER_WINDOW_ramp_is_met, VERDICTS},
    {MUIR_COLUMN_POWER_WINDOW_range_is_met, VERDICTS},
    {MUIR_COLUMN_POWER_WINDOW_swing_is_met, VERDICTS},
};
enum { NUMBERED = sizeof numbered / sizeof numbered[0] };

struct muir_numbers {
    struct {
        char name[64];
        const char **names; /* [n] */
        char *meanings;     /* all names, blanks between */
        int64_t *i64;       /* [n] the numbers, for columns of both types */
        int32_t *i32;
    } of[ENUMERATIONS];
};

static muir_status spell_out(muir_ctx *ctx, muir_describe *d, int index)
{
    muir_status st = MUIR_OK;
    const enumeration *e = &enumerations[index];
    const size_t n = (size_t)e->n;
    size_t length = 0;
    MUIR_TRY(muir_alloc(ctx, n, sizeof(char *), "telemetry", &d->numbers->of[index].names));
    MUIR_TRY(muir_alloc(ctx, n, sizeof(int64_t), "telemetry", &d->numbers->of[index].i64));
    MUIR_TRY(muir_alloc(ctx, n, sizeof(int32_t), "telemetry", &d->numbers->of[index].i32));
    for (size_t k = 0; k < n; k++) {
        const int number = e->first + (int)k;
        d->numbers->of[index].names[k] = e->name_of(number);
        d->numbers->of[index].i64[k] = d->numbers->of[index].i32[k] = number;
        length += strlen(e->name_of(number)) + 1;
    }
    MUIR_TRY(muir_alloc(ctx, length + 1, 1, "telemetry", &d->numbers->of[index].meanings));
    for (size_t k = 0; k < n; k++) {
        if (k > 0) strcat(d->numbers->of[index].meanings, " ");
        strcat(d->numbers->of[index].meanings, d->numbers->of[index].names[k]);
    }
    snprintf(d->numbers->of[index].name, sizeof d->numbers->of[index].name, "%s_name", e->name);
done:
    return st;
}

static void add_names(muir_describe *d, int index)
{
    const enumeration *e = &enumerations[index];
    const muir_dimension dimension = {.group = GROUP,
                                      .label = {e->name, "1", e->long_name, MUIR_INPUT},
                                      .size = (size_t)e->n,
                                      .places = d->numbers->of[index].i64};
    const muir_constant names = {GROUP,
                                 {d->numbers->of[index].name, "1", e->long_name, MUIR_INPUT},
                                 MUIR_TEXT,
                                 e->name,
                                 d->numbers->of[index].names};
    muir_describe_add_dimension(d, &dimension);
    muir_describe_constant(d, &names);
}

static void add_flags(muir_describe *d, muir_record_column column, int index)
{
    const muir_column_row *row = muir_column_of(column);
    const char *group = muir_table_shape_of(row->table)->group, *name = row->column.label.name;
    const muir_value_type type = row->column.type;
    const void *numbers = d->numbers->of[index].i64;
    if (type == MUIR_I32) numbers = d->numbers->of[index].i32;
    const muir_attribute values = {group, name, "flag_values", type, (size_t)enumerations[index].n, numbers};
    const muir_attribute meanings = {group,     name, "flag_meanings",
                                     MUIR_TEXT, 0,    d->numbers->of[index].meanings};
    muir_describe_attribute(d, &values);
    muir_describe_attribute(d, &meanings);
}

muir_status muir_describe_numbers(muir_ctx *ctx, muir_describe *d)
{
    muir_status st = MUIR_OK;
    bool is_used[ENUMERATIONS] = {false};
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *d->numbers, "telemetry", &d->numbers));
    for (int i = 0; i < ENUMERATIONS; i++) MUIR_TRY(spell_out(ctx, d, i));
    for (size_t i = 0; i < NUMBERED; i++) {
        if (!muir_describe_has_table(d, muir_column_of(numbered[i].column)->table)) continue;
        add_flags(d, numbered[i].column, numbered[i].enumeration);
        is_used[numbered[i].enumeration] = true;
    }
    for (int i = 0; i < ENUMERATIONS; i++)
        if (is_used[i]) add_names(d, i);
done:
    return st;
}

void muir_describe_numbers_destroy(struct muir_numbers **numbers)
{
    if (!*numbers) return;
    for (int i = 0; i < ENUMERATIONS; i++) {
        free((*numbers)->of[i].names);
        free((*numbers)->of[i].meanings);
        free((*numbers)->of[i].i64);
        free((*numbers)->of[i].i32);
    }
    free(*numbers);
    *numbers = NULL;
}
