/* SPDX-License-Identifier: BSD-3-Clause */
/* muir plan: the layouts of a model on a fleet, best first, and what each loses against the best. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "plan/plan.h"
#include "scenario/catalogue.h"

enum { MOST_ROWS = 1000, MOST_LOSSES = 2 };

typedef struct plan_options {
    const char *model, *target; /* target: a fleet or a scenario */
    bool is_scenario, is_pareto;
    const char *top, *json;
    const char **loaded; /* [n_loaded] "key=value" for the scenario */
    int n_loaded;
    const char **layout; /* [n_layout] "key=value" of searched keys, which are fixed by them */
    char (*fixed)[MUIR_NAME_SIZE];
    int n_layout;
} plan_options;

/* Reading of the request. */

static bool is_searched(const char *item, char key[MUIR_NAME_SIZE])
{
    snprintf(key, MUIR_NAME_SIZE, "%.*s", (int)strcspn(item, "="), item);
    for (int i = 0; i < muir_plan_key_count(); i++)
        if (strcmp(key, muir_plan_key(i)) == 0) return true;
    return false;
}

static muir_status sort_overrides(muir_ctx *ctx, const muir_args *args, plan_options *o)
{
    const size_t most = (size_t)args->n_overrides + 2;
    o->loaded = calloc(most, sizeof *o->loaded);
    o->layout = calloc(most, sizeof *o->layout);
    o->fixed = calloc(most, sizeof *o->fixed);
    if (!o->loaded || !o->layout || !o->fixed) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for arguments");
    for (int i = 0; i < args->n_overrides; i++) {
        const char *item = args->overrides[i];
        if (is_searched(item, o->fixed[o->n_layout]))
            o->layout[o->n_layout++] = item;
        else
            o->loaded[o->n_loaded++] = item;
    }
    return MUIR_OK;
}

static bool is_in(muir_ctx *ctx, const char *folder, const char *name)
{
    char path[1024];
    const bool is_found = muir_catalogue_find(ctx, folder, name, folder, path, sizeof path) == MUIR_OK;
    muir_ctx_clear(ctx);
    return is_found;
}

/* A fleet if data/fleets has that name, else a scenario; a path is that of a scenario. */
static muir_status is_fleet(muir_ctx *ctx, const char *target, bool *answer)
{
    muir_status st = MUIR_OK;
    int found = 0;
    if (muir_is_root(ctx)) {
        found = !strchr(target, '/') && is_in(ctx, "fleets", target);
        if (!found && !is_in(ctx, "scenarios", target))
            st = muir_fail(ctx, MUIR_ERR_ARG,
                           "'%s' is neither a fleet nor a scenario (muir list fleets, muir list scenarios)",
                           target);
    }
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY_MPI(MPI_Bcast(&found, 1, MPI_INT, 0, ctx->comm));
    *answer = found;
done:
    return st;
}

/* The keys that the user fixed, through the same rows as a scenario file. */
static muir_status apply_layout(muir_ctx *ctx, const plan_options *o, muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    for (int i = 0; i < o->n_layout; i++) {
        const muir_section *section = NULL;
        const muir_option *option = muir_schema_find(&muir_scenario_schema, o->fixed[i], &section);
        char where[2 * MUIR_NAME_SIZE];
        snprintf(where, sizeof where, "argument %.100s", o->layout[i]);
        MUIR_TRY(muir_option_set(ctx, where, section, option, strchr(o->layout[i], '=') + 1, scenario));
    }
done:
    return st;
}

/* One sequence for eight chips, as in Llama 3's run on 16,384 of them: the next power of two, at least 32. */
static int64_t default_batch(int64_t chips)
{
    int64_t sequences = 32;
    while (sequences * 8 < chips) sequences *= 2;
    return sequences;
}

static muir_status load(muir_ctx *ctx, plan_options *o, muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    char model[MUIR_TEXT_SIZE], fleet[MUIR_TEXT_SIZE];
    bool is_batch_given = false, is_fleet_given = false;
    MUIR_TRY(is_fleet(ctx, o->target, &is_fleet_given));
    o->is_scenario = !is_fleet_given;
    for (int i = 0; i < o->n_loaded; i++)
        is_batch_given |= strncmp(o->loaded[i], "global_batch_size=", 18) == 0;
    snprintf(model, sizeof model, "model=%s", o->model);
    snprintf(fleet, sizeof fleet, "fleet=%s", o->target);
    o->loaded[o->n_loaded++] = model;
    if (is_fleet_given) o->loaded[o->n_loaded++] = fleet;
    MUIR_TRY(muir_scenario_load(ctx, is_fleet_given ? NULL : o->target, o->loaded, o->n_loaded, scenario));
    if (is_fleet_given && !is_batch_given)
        scenario->job.batch.global_batch_size = default_batch(muir_fleet_chips(&scenario->fleet));
done:
    return st;
}

/* Printing. */

static const char *choice(const char *key, int value, char text[MUIR_NAME_SIZE])
{
    const muir_section *section = NULL;
    const char *from = muir_schema_find(&muir_scenario_schema, key, &section)->allowed;
    while (value-- > 0) from = strchr(from, '|') + 1;
    snprintf(text, MUIR_NAME_SIZE, "%.*s", (int)strcspn(from, "|"), from);
    return text;
}

static void print_head(const muir_scenario *s, const plan_options *o, const muir_plan *plan, int ranks)
{
    printf("%s on %s: %s chips, %s sequences of %s tokens a step, %s\n", s->run.model, s->run.fleet,
           muir_count_text(muir_fleet_chips(&s->fleet)).s, muir_count_text(s->job.batch.global_batch_size).s,
           muir_count_text(s->job.batch.seq_len).s, muir_scenario_precision(s));
    for (int i = 0; i < o->n_layout; i++) printf("%s%s", i ? " " : "fixed: ", o->layout[i]);
    printf("%s%s layouts whose sizes divide; %s of them fit in %s a chip and were timed (modelled, chips of "
           "speed 1)\n",
           o->n_layout ? "\n" : "", muir_count_text(plan->legal).s, muir_count_text(plan->fitting).s,
           muir_bytes_text(s->fleet.chip.hbm_bytes).s);
    printf("searched in %s on %d rank%s: %s layouts a second, %s timed a second (executed)\n",
           muir_time_text(plan->search_s).s, ranks, ranks == 1 ? "" : "s",
           muir_count_text((long long)((double)plan->legal / plan->search_s)).s,
           muir_count_text((long long)((double)plan->fitting / plan->search_s)).s);
}

/* The parts in which a layout loses most against the best, as shares of the best step. */
static void print_losses(const muir_plan_entry *e, const muir_plan_entry *best)
{
    bool is_said[MUIR_PART_COUNT] = {false};
    for (int n = 0; n < MOST_LOSSES; n++) {
        int most = -1;
        for (int i = 0; i < MUIR_PART_COUNT; i++)
            if (!is_said[i] && e->part_s[i] - best->part_s[i] > 0.0005 * best->step_s &&
                (most < 0 || e->part_s[i] - best->part_s[i] > e->part_s[most] - best->part_s[most]))
                most = i;
        if (most < 0) break;
        is_said[most] = true;
        printf("%s%s %+.1f %%", n ? ", " : "  ", muir_part_name((muir_part)most),
               100.0 * (e->part_s[most] - best->part_s[most]) / best->step_s);
    }
    printf("\n");
}

static void print_row(const char *place, const muir_plan_entry *e, const muir_plan_entry *best)
{
    char recompute[MUIR_NAME_SIZE], order[MUIR_NAME_SIZE];
    const muir_parallel *p = &e->parallel;
    printf("%6s %10s %6.1f %9.4f %9s %10s %4lld %3lld %3lld %4lld %4lld %7lld %4lld %5lld  %-11s %-9s %4lld  "
           "%-11s"
           " %9s",
           place, muir_time_text(e->step_s).s, 100.0 * e->mfu, e->usd_per_mtoken, muir_si(e->power_w, "W").s,
           muir_count_text(e->chips).s, (long long)p->tp, (long long)p->cp, (long long)p->ep,
           (long long)p->pp, (long long)p->vpp, (long long)p->dp, (long long)e->micro_batch_size,
           (long long)e->microbatches, p->schedule, choice("parallel.recompute", p->recompute, recompute),
           (long long)p->zero_stage, choice("parallel.order", p->order, order),
           muir_bytes_text(e->memory_bytes).s);
    if (best == e)
        printf("\n");
    else
        print_losses(e, best);
}

static void print_own(const muir_scenario *s, const muir_plan *plan)
{
    char place[32];
    const muir_plan_entry *own = &plan->own, *best = &plan->entries[0];
    snprintf(place, sizeof place, "%s", muir_count_text(plan->better_than_own + 1).s);
    printf("\nthe scenario's own layout, %s: place %s of %s, step %.1f %% longer than the best%s\n", s->name,
           place, muir_count_text(plan->fitting).s, 100.0 * (own->step_s / best->step_s - 1.0),
           own->is_fitting ? "" : "; by the estimate it does NOT fit in memory");
    print_row("own", own, best);
}

static void print_plan(const muir_scenario *s, const plan_options *o, const muir_plan *plan, int ranks)
{
    print_head(s, o, plan, ranks);
    if (plan->n == 0) {
        printf("no layout fits\n");
        return;
    }
    printf("\n%6s %10s %6s %9s %9s %10s %4s %3s %3s %4s %4s %7s %4s %5s  %-11s %-9s %4s  %-11s %9s  %s\n",
           "place", "step", "MFU %", "$/Mtoken", "power", "chips", "tp", "cp", "ep", "pp", "vpp", "dp", "mbs",
           "micro", "schedule", "recompute", "zero", "order", "memory", "loses against the first");
    for (int i = 0; i < plan->n; i++) {
        char place[32];
        snprintf(place, sizeof place, "%d", i + 1);
        print_row(place, &plan->entries[i], &plan->entries[0]);
    }
    if (o->is_scenario) print_own(s, plan);
}

static json_t *entry_json(const muir_plan_entry *e)
{
    const muir_parallel *p = &e->parallel;
    char recompute[MUIR_NAME_SIZE], order[MUIR_NAME_SIZE];
    json_t *parts = json_object();
    for (int i = 0; i < MUIR_PART_COUNT; i++)
        json_object_set_new(parts, muir_part_name((muir_part)i), json_real(e->part_s[i]));
    return json_pack(
        "{s:f,s:f,s:f,s:f,s:f,s:I,s:f,s:b,s:{s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:I,s:s,s:s},s:I,s:I,s:o}",
        "step_time_s", e->step_s, "mfu", e->mfu, "tokens_per_s", e->tokens_per_s, "usd_per_mtoken",
        e->usd_per_mtoken, "power_w", e->power_w, "chips", (json_int_t)e->chips, "memory_bytes",
        e->memory_bytes, "fits", e->is_fitting, "parallel", "tp", (json_int_t)p->tp, "cp", (json_int_t)p->cp,
        "ep", (json_int_t)p->ep, "pp", (json_int_t)p->pp, "vpp", (json_int_t)p->vpp, "dp", (json_int_t)p->dp,
        "schedule", p->schedule, "zero_stage", (json_int_t)p->zero_stage, "recompute",
        choice("parallel.recompute", p->recompute, recompute), "order",
        choice("parallel.order", p->order, order), "micro_batch_size", (json_int_t)e->micro_batch_size,
        "microbatches", (json_int_t)e->microbatches, "parts_s", parts);
}

static muir_status write_json(muir_ctx *ctx, const muir_scenario *s, const plan_options *o,
                              const muir_plan *plan)
{
    json_t *layouts = json_array();
    for (int i = 0; i < plan->n; i++) json_array_append_new(layouts, entry_json(&plan->entries[i]));
    json_t *root =
        json_pack("{s:s,s:s,s:I,s:I,s:I,s:f,s:o}", "model", s->run.model, "fleet", s->run.fleet, "chips",
                  (json_int_t)muir_fleet_chips(&s->fleet), "legal", (json_int_t)plan->legal, "fitting",
                  (json_int_t)plan->fitting, "search_s", plan->search_s, "layouts", layouts);
    if (o->is_scenario) {
        json_object_set_new(root, "own", entry_json(&plan->own));
        json_object_set_new(root, "own_place", json_integer(plan->better_than_own + 1));
    }
    const bool is_stdout = strcmp(o->json, "-") == 0;
    const int failed =
        is_stdout ? json_dumpf(root, stdout, JSON_INDENT(2)) : json_dump_file(root, o->json, JSON_INDENT(2));
    json_decref(root);
    return failed ? muir_fail(ctx, MUIR_ERR_FILE, "%s: the JSON cannot be written", o->json) : MUIR_OK;
}

static muir_status search(muir_ctx *ctx, plan_options *o)
{
    muir_status st = MUIR_OK;
    muir_scenario scenario, fixed;
    muir_plan *plan = NULL;
    long long keep = 10;
    const char *names[MUIR_NAME_SIZE];
    if (o->top) MUIR_TRY(muir_args_size(ctx, "--top", o->top, &keep));
    if (keep < 1 || keep > MOST_ROWS)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--top is %lld, but must be 1 to %d", keep, MOST_ROWS));
    MUIR_TRY(load(ctx, o, &scenario));
    fixed = scenario;
    MUIR_TRY(apply_layout(ctx, o, &fixed));
    for (int i = 0; i < o->n_layout; i++) names[i] = o->fixed[i];
    const muir_plan_request request = {&scenario, &fixed, names, o->n_layout, (int)keep, o->is_pareto};
    MUIR_TRY(muir_plan_create(ctx, &request, &plan));
    if (!muir_is_root(ctx)) goto done;
    if (!o->json || strcmp(o->json, "-") != 0) print_plan(&scenario, o, plan, ctx->size);
    if (o->json) MUIR_TRY(write_json(ctx, &scenario, o, plan));
    if (plan->n == 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "none of %lld layouts of %s fits into the memory of %s",
                           (long long)plan->legal, o->model, scenario.run.fleet));
done:
    muir_plan_destroy(&plan);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    plan_options o = {.model = NULL};
    muir_args args = {.positional = NULL};
    const muir_arg known[] = {{"--top", NULL, &o.top, NULL},
                              {"--json", NULL, &o.json, NULL},
                              {"--pareto", NULL, NULL, &o.is_pareto}};
    MUIR_TRY(muir_args_read_words(ctx, argc, argv, known, sizeof known / sizeof known[0], 2, &args));
    if (args.n_words == 0) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which model? (muir list models)"));
    o.model = args.words[0];
    o.target = args.n_words > 1 ? args.words[1] : NULL;
    if (!o.target)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which fleet or scenario? (muir list fleets, scenarios)"));
    MUIR_TRY(sort_overrides(ctx, &args, &o));
    MUIR_TRY(search(ctx, &o));
done:
    free(o.loaded);
    free(o.layout);
    free(o.fixed);
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_plan = {
    .name = "plan",
    .usage = "MODEL FLEET|SCENARIO [key=value ...] [--top N] [--pareto] [--json FILE]",
    .summary = "the fastest layouts of a model on a fleet, and what the others lose",
    .help =
        "  SCENARIO      gives fleet, batch, sequence length and precision; its own layout is placed too\n"
        "  key=value     fixes a searched key (parallel.tp=8), or sets anything else (seq_len=4096,\n"
        "                fleet.servers=512); without global_batch_size, a fleet gets one sequence for 8 "
        "chips\n"
        "  --top N       layouts to print, 10 if not given\n"
        "  --pareto      also fewer chips: what nothing else beats in step time, chips and cost at once\n"
        "  --json FILE   the same for programs; -: to standard output, instead of the table\n"
        "muir help plan lists the keys that are searched.\n"
        "Candidates are dealt over ranks: mpirun -n 8 muir plan ...\n",
    .run = run,
};
