/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading bounds, and holding layouts against them. */
#include "plan/plan_bounds.h"

#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "plan/plan_space.h"

/* What of an entry may be bounded, with the unit of its values. */
static const struct {
    const char *name, *unit;
    size_t offset; /* of a double */
} measures[] = {
    {"step_s", "s", offsetof(muir_plan_entry, step_s)},
    {"mfu", "", offsetof(muir_plan_entry, mfu)},
    {"tokens_per_s", "", offsetof(muir_plan_entry, tokens_per_s)},
    {"goodput", "", offsetof(muir_plan_entry, goodput)},
    {"usd_per_mtoken", "USD", offsetof(muir_plan_entry, usd_per_mtoken)},
    {"power_w", "W", offsetof(muir_plan_entry, power_w)},
    {"memory_bytes", "byte", offsetof(muir_plan_entry, memory_bytes)},
    {"headroom_bytes", "byte", offsetof(muir_plan_entry, headroom_bytes)},
};
enum { MEASURES = sizeof measures / sizeof measures[0] };

bool muir_plan_is_bound(const char *text)
{
    return strstr(text, "<=") || strstr(text, ">=");
}

/* parallel.pp by its whole name or by its last part. */
static bool is_key(const char *key, const char *name, size_t length)
{
    const char *dot = strrchr(key, '.'), *tail = dot ? dot + 1 : key;
    return (strlen(key) == length && strncmp(key, name, length) == 0) ||
           (strlen(tail) == length && strncmp(tail, name, length) == 0);
}

/* Number of what a name means, -1 if nothing; chips count as a key of the job. */
static int what_of(const char *name, size_t length)
{
    for (int i = 0; i < muir_plan_axis_count(); i++)
        if (is_key(muir_plan_axis_at(i)->key, name, length)) return i;
    for (int i = 0; i < MEASURES; i++)
        if (is_key(measures[i].name, name, length)) return muir_plan_axis_count() + i;
    return -1;
}

static muir_status unknown(muir_ctx *ctx, const char *text)
{
    char known[MUIR_MESSAGE_SIZE / 2] = "";
    size_t used = 0;
    for (int i = 0; i < muir_plan_axis_count() + MEASURES; i++) {
        const char *name = i < muir_plan_axis_count() ? muir_plan_axis_at(i)->key
                                                      : measures[i - muir_plan_axis_count()].name;
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", name);
    }
    return muir_fail(ctx, MUIR_ERR_ARG, "bound '%.60s': its name is unknown; known: %s", text, known);
}

muir_status muir_plan_bound_read(muir_ctx *ctx, const char *text, muir_plan_bound *bound)
{
    const size_t length = strcspn(text, "<>");
    const int what = what_of(text, length), measure = what - muir_plan_axis_count();
    const char *unit = measure >= 0 ? measures[measure].unit : "";
    double value = 0.0;
    if (what < 0) return unknown(ctx, text);
    if (!muir_quantity_read(text + length + 2, unit, &value))
        return muir_fail(ctx, MUIR_ERR_ARG, "bound '%.60s': the value must be a number, with %s", text,
                         unit[0] ? muir_quantity_suffixes(unit) : "nothing after it");
    *bound = (muir_plan_bound){what, text[length] == '<', value};
    return MUIR_OK;
}

static bool is_within(const muir_plan_bound *bound, double value)
{
    return bound->is_most ? value <= bound->value : value >= bound->value;
}

bool muir_plan_job_is_within(const muir_plan_request *r, const muir_job *job)
{
    for (int i = 0; i < r->n_bounds; i++)
        if (r->bounds[i].what < muir_plan_axis_count() &&
            !is_within(&r->bounds[i], (double)muir_plan_axis_at(r->bounds[i].what)->get(job)))
            return false;
    return true;
}

bool muir_plan_entry_is_within(const muir_plan_request *r, const muir_plan_entry *entry)
{
    for (int i = 0; i < r->n_bounds; i++) {
        const int measure = r->bounds[i].what - muir_plan_axis_count();
        if (measure < 0) continue;
        const double *value = (const void *)((const char *)entry + measures[measure].offset);
        if (!is_within(&r->bounds[i], *value)) return false;
    }
    return true;
}
