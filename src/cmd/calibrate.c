/* SPDX-License-Identifier: BSD-3-Clause */
/* muir calibrate: a stack from measured runs, a few of one's own or all that are published. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>

#include "base/mem.h"
#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "estimate/interval.h"
#include "scenario/catalogue.h"
#include "scenario/stack.h"
#include "validation/calibrate.h"
#include "validation/fit.h"
#include "validation/stack_file.h"

typedef struct request {
    const char *rows, *output, *name, *stack, *slopes; /* NULL: not given */
    bool is_pool;
} request;

/* A table, its rows and their scenarios. */
typedef struct table {
    muir_csv *csv;
    muir_validate_row *rows;
    muir_scenario *scenarios;
    const char **models;
} table;

static void free_table(table *t)
{
    free(t->rows);
    free(t->scenarios);
    free(t->models);
    muir_csv_destroy(&t->csv);
}

static muir_status read_table(muir_ctx *ctx, const request *r, table *t)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_csv_read(ctx, r->rows, &t->csv));
    const size_t n = (size_t)t->csv->n_rows;
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->rows, "the rows", &t->rows));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->scenarios, "the rows", &t->scenarios));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *t->models, "the rows", &t->models));
    for (size_t i = 0; i < n; i++) t->models[i] = muir_csv_get(t->csv, (int)i, "model");
    const muir_validate_options options = {.stack = r->stack, .scenarios = t->scenarios};
    MUIR_TRY(muir_validate(ctx, t->csv, &options, t->rows));
done:
    return st;
}

static void print_rows(const table *t)
{
    const bool is_one = t->csv->n_rows == 1;
    printf("%-52s %10s %s\n", "row", "measured", is_one ? "without it" : "by the other rows");
    for (int i = 0; i < t->csv->n_rows; i++) {
        const muir_validate_row *row = &t->rows[i];
        if (row->is_skipped)
            printf("%-52.52s skipped: %s\n", row->id, row->why);
        else
            printf("%-52.52s %10s %10s (%s to %s) %+6.1f %%\n", row->id, muir_time_text(row->real_s).s,
                   muir_time_text(row->predicted_s).s, muir_time_text(row->low_s).s,
                   muir_time_text(row->high_s).s, 100.0 * row->error);
    }
}

static void print_figures(const muir_calibration *c)
{
    printf("\n%-14s %12s %12s   spread of the logarithm, before and after\n", "figure", "before", "after");
    for (int f = 0; f < MUIR_FIGURES; f++)
        printf("%-14s %12.4g %12.4g   %.3f  %.3f\n", muir_figure_name(f), exp(c->before.middle[f]),
               muir_figure_get(&c->stack, f), sqrt(c->before.covariance[f][f]),
               sqrt(fmax(0.0, c->after.covariance[f][f])));
}

static muir_status calibrate(muir_ctx *ctx, const request *r)
{
    muir_status st = MUIR_OK;
    table t = {NULL, NULL, NULL, NULL};
    muir_calibration c;
    char description[300], source[300];
    MUIR_TRY(read_table(ctx, r, &t));
    MUIR_TRY(muir_calibrate_rows(ctx, t.rows, t.scenarios, t.csv->n_rows, &c));
    const muir_validate_group g = muir_validate_errors(t.rows, t.csv->n_rows, "", NULL, NULL);
    snprintf(description, sizeof description, "%.60s, %lld measured rows on top of %s",
             r->name ? r->name : "calibrated", (long long)c.stack.rows, c.base);
    snprintf(source, sizeof source,
             "measured rows of %.160s; error of each row left out %.1f %% in the mean, %.1f %% at most",
             r->rows, 100.0 * g.mean_abs_error, 100.0 * g.max_abs_error);
    MUIR_TRY(muir_stack_write(ctx, r->output, description, c.base, source, &c.stack));
    print_rows(&t);
    print_figures(&c);
    printf("\n%s: %s; rows left out one by one: error %.1f %% in the mean, %.1f %% at most\n", r->output,
           description, 100.0 * g.mean_abs_error, 100.0 * g.max_abs_error);
done:
    free_table(&t);
    return st;
}

/* Brings a file of data/stacks up to date. */
static muir_status refit_stack(muir_ctx *ctx, const request *r, const muir_fit *fit, const char *name)
{
    muir_status st = MUIR_OK;
    muir_stack stack;
    muir_belief belief;
    char path[1400];
    int n_rows = 0;
    MUIR_TRY(muir_stack_read(ctx, name, "stack", &stack));
    if (!stack.kind[0] && strcmp(name, MUIR_ANY_STACK) != 0) goto done; /* no software: nothing to learn */
    MUIR_TRY(muir_fit_belief(ctx, fit, name, &stack, &belief, &n_rows));
    muir_belief_store(&belief, &stack);
    stack.rows = n_rows;
    stack.basis = n_rows > 0 ? MUIR_BASIS_FITTED : MUIR_BASIS_POOLED;
    snprintf(path, sizeof path, "%.1200s/%.100s.yaml", r->output, name);
    MUIR_TRY(muir_stack_rewrite(ctx, path, &stack));
    printf("  %-28s %4d rows\n", name, n_rows);
done:
    return st;
}

enum { ROUNDS = 4 };

static muir_status pool(muir_ctx *ctx, const request *r)
{
    muir_status st = MUIR_OK;
    table t = {NULL, NULL, NULL, NULL};
    muir_fit *fit = NULL;
    char **names = NULL;
    int n_names = 0;
    MUIR_TRY(read_table(ctx, r, &t));
    MUIR_TRY(muir_fit_create(ctx, t.rows, t.scenarios, t.models, t.csv->n_rows, &fit));
    MUIR_TRY(muir_fit_run(ctx, fit, ROUNDS));
    if (r->slopes) MUIR_TRY(muir_fit_write(ctx, fit, r->slopes));
    MUIR_TRY(muir_catalogue_names(ctx, "stacks", &names, &n_names));
    for (int i = 0; i < n_names; i++) MUIR_TRY(refit_stack(ctx, r, fit, names[i]));
    MUIR_TRY(muir_fit_predict(ctx, fit, t.rows));
    const muir_validate_group g = muir_validate_errors(t.rows, t.csv->n_rows, "", NULL, NULL);
    printf("%d stacks in %s, fitted to %d rows: error %.1f %% in the mean\n", n_names, r->output, g.n,
           100.0 * g.mean_abs_error);
done:
    muir_catalogue_free(&names, n_names);
    muir_fit_destroy(&fit);
    free_table(&t);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    muir_args args = {.positional = NULL};
    request r = {.rows = NULL};
    const muir_arg known[] = {{"-o", "--output", &r.output, NULL},
                              {"--name", NULL, &r.name, NULL},
                              {"--stack", NULL, &r.stack, NULL},
                              {"--slopes", NULL, &r.slopes, NULL},
                              {"--pool", NULL, NULL, &r.is_pool}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, 5, &args));
    r.rows = args.positional;
    if (!r.rows) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir calibrate needs a table of measured runs"));
    if (!r.output)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir calibrate needs -o: where to write the stack"));
    if (args.n_overrides > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "'%s': muir calibrate takes no overrides", args.overrides[0]));
    if (r.is_pool && (r.name || r.stack))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--pool fits every stack: it takes no --name and no --stack"));
    if (r.slopes && !r.is_pool) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--slopes: goes with --pool"));
    if (muir_is_root(ctx)) st = r.is_pool ? pool(ctx, &r) : calibrate(ctx, &r);
    st = muir_agree(ctx, st);
done:
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_calibrate = {
    .name = "calibrate",
    .usage = "ROWS.csv -o STACK.yaml [--name NAME] [--stack STACK] | ROWS.csv -o FOLDER --pool",
    .summary = "make a software stack from a few measured runs of your own",
    .help =
        "  ROWS.csv        measured runs, columns as in data/published_runs.csv; the time as step_time_s,\n"
        "                  tokens_per_s, tokens_per_s_per_chip or tflops_per_chip\n"
        "  -o STACK.yaml   the stack to write: muir run ... stack=STACK.yaml, muir validate --stack "
        "STACK.yaml\n"
        "  --name NAME     its name in the description\n"
        "  --stack STACK   the stack to start from; default: that of the rows' software, or of its kind\n"
        "  --pool          fit all stacks of FOLDER to the table together\n"
        "  --slopes FILE.csv   with --pool: the slopes of each row by figure, for scripts/spreads.py\n\n"
        "The rows update the figures of the kind and their spreads: one row sets the level, rows of "
        "different\nshapes separate the figures. Each row is also predicted from the others.\n",
    .mpi = MUIR_MPI_LAUNCHED,
    .run = run,
};
