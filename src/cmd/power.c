/* SPDX-License-Identifier: BSD-3-Clause */
/* muir power: a scenario's power trace, without and with each remedy, and what each costs. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "power/cost.h"
#include "summary/report.h"

enum { MOST_KEYS = 2, MOST_OVERRIDES = 64, MOST_ADDED = 2 };

/* Remedies that are compared, each with the keys that turn it on. */
static const struct {
    const char *name;
    const char *keys[MOST_KEYS];
} remedies[] = {
    {"none", {NULL}},
    {"floor 0.6", {"power.floor=0.6"}},
    {"floor 0.9", {"power.floor=0.9"}},
    {"cap 0.75", {"power.cap=0.75"}},
    {"storage 65 J", {"power.storage_j_per_chip=65"}},
    {"storage 5 kJ", {"power.storage_j_per_chip=5000"}},
    {"stagger 2 s", {"power.stagger_s=2"}},
    {"ramps 20 W/s", {"power.ramp_up_w_per_s=20", "power.ramp_down_w_per_s=20"}},
    {"floor, storage", {"power.floor=0.6", "power.storage_j_per_chip=5000"}},
};
enum { REMEDIES = sizeof remedies / sizeof remedies[0] };

/* A fleet is judged over ten minutes and with failures, unless the scenario or an argument says otherwise. */
static const char *const additions[MOST_ADDED] = {"power.window_s=600", "faults=elastic"};

typedef struct power_arguments {
    muir_args args;
    const char *json;
} power_arguments;

static bool is_given(const power_arguments *a, const char *start)
{
    for (int i = 0; i < a->args.n_overrides; i++)
        if (strncmp(a->args.overrides[i], start, strlen(start)) == 0) return true;
    return false;
}

/* One remedy's trace. */
static muir_status study(muir_ctx *ctx, const power_arguments *a, int remedy, const bool added[MOST_ADDED],
                         muir_scenario *scenario, muir_power_summary *summary)
{
    muir_status st = MUIR_OK;
    const char *overrides[MOST_OVERRIDES + MOST_KEYS + MOST_ADDED];
    int n = 0;
    for (int i = 0; i < MOST_ADDED; i++)
        if (added[i]) overrides[n++] = additions[i];
    for (int i = 0; i < a->args.n_overrides; i++) overrides[n++] = a->args.overrides[i];
    for (int i = 0; i < MOST_KEYS && remedies[remedy].keys[i]; i++) overrides[n++] = remedies[remedy].keys[i];
    MUIR_TRY(muir_scenario_load(ctx, a->args.positional, overrides, n, scenario));
    MUIR_TRY(muir_power_study(ctx, scenario, summary));
done:
    return st;
}

static void print_header(const muir_scenario *s, const muir_power_summary *power)
{
    printf("muir %s: power of %s, %s chips %s, faults %s, at the meter; modelled\n\n", MUIR_VERSION, s->name,
           muir_count_text(muir_fleet_chips(&s->fleet)).s, s->fleet.top.chip, s->run.faults);
    const double design_w = muir_cost_of(s).design_w;
    printf("  design      %s of equipment with every chip at its design power, %s at the meter\n",
           muir_si(design_w, "W").s, muir_si(design_w * s->fleet.site.pue, "W").s);
    muir_report_power(s, power);
    printf("\n%-15s %9s %9s %9s %9s %9s %10s  %-13s %8s %8s\n", "remedy", "mean", "peak", "range", "at step",
           "ramp 1 s", "ramp 60 s", "limits kept", "energy", "time");
}

/* "2 of 3", "1 of 2, 1 ?" where a limit was not measured. */
static muir_text32 limits_kept(const muir_power_report *r)
{
    const muir_verdict verdicts[] = {r->share, r->ramp, r->range_verdict, r->swing};
    int kept = 0, judged = 0, unknown = 0;
    muir_text32 text;
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        kept += verdicts[i] == MUIR_VERDICT_MET;
        judged += verdicts[i] >= 0;
        unknown += verdicts[i] == MUIR_VERDICT_NOT_MEASURED;
    }
    snprintf(text.s, sizeof text.s, unknown ? "%d of %d, %d ?" : "%d of %d", kept, judged, unknown);
    return text;
}

/* Energy and time per step against those without remedy; deferred work counts as time at the mean power. */
static void print_row(const char *name, const muir_power_report *r, const muir_power_report *none)
{
    const double step_j = r->mean_w / r->step_hz, none_j = none->mean_w / none->step_hz;
    const double late = r->cost.deferred_j / (r->mean_w * r->time_s);
    printf("%-15s %9s %9s %9s %9s %9s %10s  %-13s %+7.2f%% %+7.2f%%\n", name, muir_si(r->mean_w, "W").s,
           muir_si(r->max_w, "W").s, muir_si(r->max_w - r->min_w, "W").s, muir_si(r->line_w[0], "W").s,
           muir_si(r->ramp_w_per_s[0], "W/s").s, muir_si(r->ramp_w_per_s[MUIR_POWER_RAMPS - 1], "W/s").s,
           limits_kept(r).s, 100.0 * (step_j / none_j - 1.0),
           100.0 * (none->step_hz / r->step_hz * (1.0 + late) - 1.0));
}

static muir_status compare(muir_ctx *ctx, const power_arguments *a)
{
    muir_status st = MUIR_OK;
    muir_scenario scenario;
    muir_power_summary summary, none;
    muir_json_notes notes;
    muir_json rows = {.value = NULL};
    if (a->args.n_overrides > MOST_OVERRIDES)
        return muir_fail(ctx, MUIR_ERR_ARG, "%d overrides, but muir power takes at most %d",
                         a->args.n_overrides, (int)MOST_OVERRIDES);
    MUIR_TRY(muir_scenario_load(ctx, a->args.positional, a->args.overrides, a->args.n_overrides, &scenario));
    const bool added[MOST_ADDED] = {scenario.power.window_s <= 0.0,
                                    strcmp(scenario.run.faults, "none") == 0 && !is_given(a, "faults=")};
    const bool is_table = muir_is_root(ctx) && !(a->json && strcmp(a->json, "-") == 0);
    rows = muir_json_begin_list(&notes);
    for (int i = 0; i < REMEDIES; i++) {
        MUIR_TRY(study(ctx, a, i, added, &scenario, &summary));
        if (i == 0) none = summary;
        if (i == 0 && is_table) print_header(&scenario, &summary);
        if (is_table) print_row(remedies[i].name, &summary.report, &none.report);
        muir_json row = muir_json_item(&rows);
        muir_json_text(&row, "remedy", remedies[i].name);
        muir_power_json(&row, &summary);
    }
    if (is_table)
        printf("\nlimits kept, of those that could be judged; ? marks limits that were not measured, since "
               "the trace is too\nshort. Energy and time per step are relative to no remedy; `at step` is "
               "peak to peak at the step's frequency.\nRamps and storage are per chip. A floor is paid in "
               "energy; deferred work counts as time.\n");
    if (muir_is_root(ctx) && a->json) st = muir_json_end(ctx, &rows, a->json);
    st = muir_agree(ctx, st);
done:
    muir_json_drop(&rows);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    power_arguments a = {.json = NULL};
    const muir_arg known[] = {{"--json", NULL, &a.json, NULL}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, 1, &a.args));
    if (!a.args.positional) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which scenario? (muir list scenarios)"));
    MUIR_TRY(compare(ctx, &a));
done:
    muir_args_free(&a.args);
    return st;
}

const muir_command muir_command_power = {
    .name = "power",
    .usage = "SCENARIO [key=value ...] [--json FILE]",
    .summary = "compare the power trace of a scenario without and with each remedy",
    .help =
        "  SCENARIO      a name (muir list scenarios) or a YAML file\n"
        "  key=value     overrides a key; power.window_s, power.sample_hz, power.limit_* and others of\n"
        "                power: (muir help scenario lists all); without a window ten minutes from step 0,\n"
        "                and without faults those of data/faults/elastic.yaml (faults=none leaves them out)\n"
        "  --json FILE   the table as JSON; `-` writes it to standard output, without the text\n\n"
        "Nothing is executed but the fleet clock, and no file is written. `muir run` with power.window_s\n"
        "keeps the samples, and scripts/plot_power.py draws them.\n",
    .mpi = MUIR_MPI_LAUNCHED,
    .run = run,
};
