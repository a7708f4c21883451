/* SPDX-License-Identifier: BSD-3-Clause */
/* muir plan: the layouts of a model on a fleet, best first, and what each loses against the best. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/plan_print.h"
#include "import/launch.h"
#include "plan/plan_bounds.h"
#include "scenario/catalogue.h"

enum { MOST_ROWS = 1000, MOST_BOUNDS = 16 };

typedef struct plan_options {
    const char *model, *target; /* target: a fleet or a scenario */
    bool is_scenario, is_pareto;
    const char *top, *json, *csv, *by, *show, *as;
    const char **loaded; /* [n_loaded] "key=value" for the scenario */
    int n_loaded;
    const char **layout; /* [n_layout] "key=value" of searched keys, which are fixed by them */
    char (*fixed)[MUIR_NAME_SIZE];
    int n_layout;
    muir_plan_bound bounds[MOST_BOUNDS];
    int n_bounds;
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
        if (muir_plan_is_bound(item)) {
            if (o->n_bounds == MOST_BOUNDS)
                return muir_fail(ctx, MUIR_ERR_ARG, "more than %d bounds", (int)MOST_BOUNDS);
            const muir_status st = muir_plan_bound_read(ctx, item, &o->bounds[o->n_bounds]);
            if (st != MUIR_OK) return st;
            o->n_bounds++;
        } else if (is_searched(item, o->fixed[o->n_layout]))
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

/* Says which fleet or scenario a wrong name is nearest to. */
static muir_status fail_target(muir_ctx *ctx, const char *target)
{
    static const char *const folders[] = {"fleets", "scenarios"};
    char nearest[MUIR_NAME_SIZE] = "";
    for (int f = 0; f < 2 && !nearest[0]; f++) {
        char **names = NULL;
        int n = 0;
        if (muir_catalogue_names(ctx, folders[f], &names, &n) != MUIR_OK) continue;
        const char *meant = muir_closest(target, (const char *const *)names, n);
        if (meant) snprintf(nearest, sizeof nearest, "%.60s", meant);
        muir_catalogue_free(&names, n);
    }
    muir_ctx_clear(ctx);
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "'%s' is neither a fleet nor a scenario%s%s%s (muir list fleets, muir list scenarios)",
                     muir_quote(target).s, nearest[0] ? ", did you mean '" : "", nearest,
                     nearest[0] ? "'?" : "");
}

/* A fleet if data/fleets has that name, else a scenario; a path is that of a scenario. */
static muir_status is_fleet(muir_ctx *ctx, const char *target, bool *answer)
{
    muir_status st = MUIR_OK;
    int found = 0;
    if (muir_is_root(ctx)) {
        found = !strchr(target, '/') && is_in(ctx, "fleets", target);
        if (!found && !is_in(ctx, "scenarios", target)) st = fail_target(ctx, target);
    }
    MUIR_TRY(muir_agree(ctx, st));
    if (ctx->size > 1) MUIR_TRY_MPI(MPI_Bcast(&found, 1, MPI_INT, 0, ctx->comm));
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

static muir_status read_by(muir_ctx *ctx, const char *text, muir_plan_by *by)
{
    static const char *const names[] = {"step", "tokens", "cost"};
    if (!text) return MUIR_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0) {
            *by = (muir_plan_by)i;
            return MUIR_OK;
        }
    return muir_fail(ctx, MUIR_ERR_ARG, "--by is '%.60s', but must be step, tokens or cost", text);
}

/* A layout as another framework's arguments. */
static muir_status write_as(muir_ctx *ctx, const char *style, const muir_scenario *scenario,
                            const muir_plan_entry *entry)
{
    muir_status st = MUIR_OK;
    muir_scenario laid = *scenario;
    char *text = NULL;
    muir_plan_entry_apply(entry, &laid.job);
    MUIR_TRY(muir_launch_write(ctx, muir_launch_find(style), &laid, &text));
    fputs(text, stdout);
done:
    free(text);
    return st;
}

static muir_status search(muir_ctx *ctx, plan_options *o)
{
    muir_status st = MUIR_OK;
    muir_scenario scenario, fixed;
    muir_plan *plan = NULL;
    long long keep = 10;
    const char *names[MUIR_NAME_SIZE];
    muir_plan_by by = MUIR_PLAN_BY_STEP;
    long long show = 0;
    MUIR_TRY(read_by(ctx, o->by, &by));
    if (o->as && !muir_launch_find(o->as))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--as is '%.60s', but must be megatron or torchtitan", o->as));
    if (o->show) MUIR_TRY(muir_args_size(ctx, "--show", o->show, &show));
    if (o->top) MUIR_TRY(muir_args_size(ctx, "--top", o->top, &keep));
    if (keep < 1 || keep > MOST_ROWS)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--top is %lld, but must be 1 to %d", keep, MOST_ROWS));
    MUIR_TRY(load(ctx, o, &scenario));
    fixed = scenario;
    MUIR_TRY(apply_layout(ctx, o, &fixed));
    for (int i = 0; i < o->n_layout; i++) names[i] = o->fixed[i];
    if (show > keep) keep = show;
    const muir_plan_request request = {&scenario,    &fixed, names,     o->n_layout, (int)keep,
                                       o->is_pareto, by,     o->bounds, o->n_bounds, !o->is_scenario};
    MUIR_TRY(muir_plan_create(ctx, &request, &plan));
    if (!muir_is_root(ctx)) goto done;
    const muir_plan_view view = {&scenario, o->is_scenario ? o->target : NULL, o->layout, o->n_layout, by,
                                 ctx->size};
    const bool is_alone = (o->json && strcmp(o->json, "-") == 0) || (o->csv && strcmp(o->csv, "-") == 0);
    if (o->show && (show < 1 || show > plan->n))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--show is %s, but must be 1 to %d, a place of the table",
                           o->show, plan->n));
    if (o->as && plan->n > 0)
        MUIR_TRY(write_as(ctx, o->as, &scenario, &plan->entries[show > 0 ? show - 1 : 0]));
    else if (o->show)
        muir_plan_show(&view, &plan->entries[show - 1]);
    else if (!is_alone)
        muir_plan_print(&view, plan);
    if (o->json) MUIR_TRY(muir_plan_json(ctx, &view, plan, o->json));
    if (o->csv) MUIR_TRY(muir_plan_csv(ctx, plan, o->csv));
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
    const muir_arg known[] = {{"--top", NULL, &o.top, NULL},         {"--json", NULL, &o.json, NULL},
                              {"--csv", NULL, &o.csv, NULL},         {"--by", NULL, &o.by, NULL},
                              {"--show", NULL, &o.show, NULL},       {"--as", NULL, &o.as, NULL},
                              {"--pareto", NULL, NULL, &o.is_pareto}};
    MUIR_TRY(muir_args_read_words(ctx, argc, argv, known, sizeof known / sizeof known[0], 2, &args));
    if (args.n_words == 0) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which model? (muir list models)"));
    o.model = args.words[0];
    o.target = args.n_words > 1 ? args.words[1] : NULL;
    if (!o.target)
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG, "which fleet or scenario? (muir list fleets, muir list scenarios)"));
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
    .usage = "MODEL FLEET|SCENARIO [key=value ...] [\"key<=value\" ...] [--by step|tokens|cost] [--top N] "
             "[--show K] [--as megatron|torchtitan] [--pareto] [--json FILE] [--csv FILE]",
    .summary = "find the fastest layouts of a model on a fleet, and what the others lose",
    .help =
        "  SCENARIO      gives fleet, batch, sequence length and precision; its own layout is ranked too\n"
        "  key=value     fixes a searched key (parallel.tp=8), or sets anything else (seq_len=4096,\n"
        "                fleet.servers=512, faults=llama3); without global_batch_size, a fleet gets\n        "
        "        one sequence per 8 chips\n"
        "  key<=value    a bound, in quotes: \"pp<=32\", \"power_w<=20MW\", \"goodput>=90%\"\n"
        "  --by WHAT     step (default): shortest step without failures; tokens: least time per token with\n"
        "                the expected goodput; cost: least cost per token with it\n"
        "  --top N       layouts to print; default 10\n"
        "  --show K      the layout at place K as overrides to paste\n"
        "  --as WHAT     that layout, or the first, in the words of megatron (arguments) or torchtitan\n"
        "                (TOML); muir import reads it back\n"
        "  --pareto      also fewer chips: layouts that no other beats in step time, chips and cost at once\n"
        "  --json FILE   the same for programs; `-` writes it to standard output, without the table\n"
        "  --csv FILE    the table as CSV\n"
        "muir help plan lists the keys that are searched.\n"
        "Ranks share the search: mpirun -n 8 muir plan ...\n",
    .mpi = MUIR_MPI_LAUNCHED,
    .run = run,
};
