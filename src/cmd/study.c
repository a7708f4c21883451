/* SPDX-License-Identifier: BSD-3-Clause */
/* muir study: a table of scenarios, and what one assumption at a time does. */
#include "study/study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/study_write.h"
#include "text/print.h"
#include "summary/report.h"

enum { LABEL = 28 };

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

static void show_cases(int done, int cases, void *data)
{
    char text[80];
    snprintf(text, sizeof text, "scenario %d of %d", done, cases);
    muir_progress_text(data, text, done == cases);
}

/* Labels longer than their column get a line of their own. */
static void print_label(const muir_study *s, const muir_study_case *c)
{
    char label[MUIR_TEXT_SIZE];
    muir_study_label(s, c, label, sizeof label);
    if (strlen(label) > LABEL)
        printf("%s\n%-*s", label, LABEL, "");
    else
        printf("%-*s", LABEL, label);
}

static void print_speed(const muir_study *s, const muir_study_result *r)
{
    printf("\n%-*s %9s %17s %8s %21s %8s %8s\n", LABEL, "throughput", "chips", "tp/cp/pp/dp zero", "token/",
           "token/s P10, P50, P90", "goodput", "of whole");
    printf("%-*s %9s %17s %8s %21s %8s %8s\n", LABEL, "", "", "", "step", "[million]", "P50", "fleet");
    for (int i = 0; i < r->n_cells; i++) {
        const muir_study_case *c = &r->cases[i];
        const muir_spread *t = &c->spread[MUIR_MEASURE_tokens_per_s];
        print_label(s, c);
        printf(" %9s %17s %8s %6.2f %6.2f %6.2f  %7.1f%% %7.1f%%\n", muir_count_text(c->chips).s,
               muir_study_layout(c).s, muir_si(c->tokens_per_step, "").s, 1e-6 * t->p10, 1e-6 * t->p50,
               1e-6 * t->p90, 100.0 * c->spread[MUIR_MEASURE_goodput].p50,
               100.0 * c->spread[MUIR_MEASURE_throughput_share].p50);
    }
}

static muir_text32 years_text(double years)
{
    muir_text32 t;
    if (isnan(years))
        snprintf(t.s, sizeof t.s, "no rent");
    else if (isinf(years))
        snprintf(t.s, sizeof t.s, "never");
    else
        snprintf(t.s, sizeof t.s, "%.1f y", years);
    return t;
}

static muir_text32 money_text(double usd)
{
    return isnan(usd) ? (muir_text32){"no rent"} : muir_si(usd, "USD");
}

static void print_money(const muir_study *s, const muir_study_result *r)
{
    printf("\n%-*s %9s %8s %9s %9s %9s %9s %9s %9s\n", LABEL, "money", "capital", "power", "USD/Mtok",
           "must earn", "must earn", "rents for", "payback", "NPV");
    printf("%-*s %9s %8s %9s %9s %9s %9s %9s %9s\n", LABEL, "", "", "", "written off", "USD/Mtok",
           "USD/chip-h", "USD/chip-h", "", "");
    for (int i = 0; i < r->n_cells; i++) {
        const muir_study_case *c = &r->cases[i];
        const muir_investment *v = &c->investment;
        print_label(s, c);
        printf(" %9s %8s %9.3g %9.3g %9.3g", muir_si(v->capital_usd, "USD").s,
               muir_si(c->spread[MUIR_MEASURE_power_w].p50, "W").s,
               c->spread[MUIR_MEASURE_usd_per_mtoken].p50, v->required_usd_per_mtoken,
               v->required_usd_per_chip_hour);
        if (c->rent_usd_per_chip_hour > 0.0)
            printf(" %9.3g", c->rent_usd_per_chip_hour);
        else
            printf(" %9s", "unknown");
        printf(" %9s %9s\n", years_text(v->payback_years).s, money_text(v->npv_usd).s);
    }
}

/* The money's inputs: what they are on the fleets of the table, and what they rest on. */
static void print_inputs(const muir_study_result *r)
{
    printf("\n%-28s %21s  %s\n", "inputs of money (fleet.site)", "smallest, largest", "rest on");
    for (int m = 0; m < MUIR_MONEY_COUNT; m++) {
        const muir_money_input *first = &r->cases[0].money[m];
        double low = first->value, high = first->value;
        char bases[MUIR_NAME_SIZE];
        snprintf(bases, sizeof bases, "%s", first->basis);
        for (int i = 1; i < r->n_cells; i++) {
            const muir_money_input *input = &r->cases[i].money[m];
            low = fmin(low, input->value);
            high = fmax(high, input->value);
            const size_t used = strlen(bases);
            if (!strstr(bases, input->basis))
                snprintf(bases + used, sizeof bases - used, ", %s", input->basis);
        }
        if (high == 0.0 && strcmp(bases, "unsaid") == 0)
            printf("%-28s %21s\n", first->key, "unknown");
        else
            printf("%-28s %10.6g %10.6g  %s\n", first->key, low, high, bases);
    }
}

/* Keys by how far their two ends lie apart. */
typedef struct bar {
    int key;
    double low, high; /* of required_usd_per_mtoken, over the base */
} bar;

static int by_width(const void *a, const void *b)
{
    const bar *x = a, *y = b;
    const double dx = fabs(x->high - x->low), dy = fabs(y->high - y->low);
    return (dx < dy) - (dx > dy);
}

static void print_sensitivity(const muir_study *s, const muir_study_result *r)
{
    bar bars[MUIR_STUDY_VALUES];
    const double base = r->cases[0].investment.required_usd_per_mtoken;
    char label[MUIR_TEXT_SIZE];
    if (s->sensitivity.n == 0) return;
    muir_study_label(s, &r->cases[0], label, sizeof label);
    for (int k = 0; k < s->sensitivity.n; k++) {
        const muir_study_case *low = &r->cases[r->n_cells + 2 * k], *high = low + 1;
        bars[k] = (bar){k, low->investment.required_usd_per_mtoken / base - 1.0,
                        high->investment.required_usd_per_mtoken / base - 1.0};
    }
    qsort(bars, (size_t)s->sensitivity.n, sizeof bars[0], by_width);
    printf("\nwhat decides the price that a million tokens must earn (%s: %.3g USD)\n", label, base);
    printf("%-36s %18s %9s %9s %10s %10s\n", "key", "low, high", "at low", "at high", "NPV, low",
           "NPV, high");
    for (int k = 0; k < s->sensitivity.n; k++) {
        const muir_study_value *v = &s->sensitivity.values[bars[k].key];
        const muir_study_case *low = &r->cases[r->n_cells + 2 * bars[k].key], *high = low + 1;
        printf("%-36s %18s %+8.1f%% %+8.1f%% %10s %10s\n", v->label, v->overrides, 100.0 * bars[k].low,
               100.0 * bars[k].high, money_text(low->investment.npv_usd).s,
               money_text(high->investment.npv_usd).s);
    }
}

/* As given on the command line; NULL: not given. */
typedef struct study_arguments {
    muir_args args;
    const char *path, *json, *csv, *seeds;
    bool is_resumed, is_quiet;
    char history[1024];
} study_arguments;

static void print_study(const study_arguments *a, const muir_study *s, const muir_study_result *r)
{
    printf("muir %s: study %s; %lld seed%s per scenario (modelled; nothing executed)\n", MUIR_VERSION,
           a->args.positional, (long long)s->seeds, s->seeds == 1 ? "" : "s");
    if (s->description[0]) printf("%s\n", s->description);
    printf("base scenario %s%s%s; %s\n", s->scenario, s->overrides[0] ? " " : "", s->overrides,
           s->is_best ? "each at the planner's first layout" : "layouts as given");
    print_speed(s, r);
    print_money(s, r);
    print_inputs(r);
    print_sensitivity(s, r);
    printf("\nwritten off: capital over its life, without interest. must earn: with the cost of capital "
           "(fleet.site.wacc).\nInputs and their sources: muir show FLEET. P10 to P90 is over seeds, without "
           "errors of the model itself.\n");
    if (a->path) printf("file     %s: every draw of every scenario\n", a->path);
}

/* Without a date, and without what changes nothing: the same study gives the same bytes. */
static void write_history(study_arguments *a)
{
    snprintf(a->history, sizeof a->history, "muir study %.900s%s%.20s", a->args.positional,
             a->seeds ? " --seeds " : "", a->seeds ? a->seeds : "");
}

static muir_status read_arguments(muir_ctx *ctx, int argc, char **argv, study_arguments *a, muir_study *study)
{
    muir_status st = MUIR_OK;
    long long seeds = 0;
    const muir_arg known[] = {
        {"-o", "--output", &a->path, NULL},       {"--json", NULL, &a->json, NULL},
        {"--csv", NULL, &a->csv, NULL},           {"--seeds", NULL, &a->seeds, NULL},
        {"--resume", NULL, NULL, &a->is_resumed}, {"-q", "--quiet", NULL, &a->is_quiet}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, sizeof known / sizeof known[0], &a->args));
    if (!a->args.positional) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which study? (muir list studies)"));
    if (a->args.n_overrides > 0)
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG, "%s: a study's overrides stand in its file", a->args.overrides[0]));
    if (a->is_resumed && !a->path)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--resume needs -o FILE.h5, the file to go on with"));
    write_history(a);
    MUIR_TRY(muir_study_load(ctx, a->args.positional, study));
    if (a->seeds) MUIR_TRY(muir_args_size(ctx, "--seeds", a->seeds, &seeds));
    if (a->seeds && (seeds < 1 || seeds > MUIR_STUDY_SEEDS))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--seeds is %lld, but must be 1 to %d", seeds,
                           (int)MUIR_STUDY_SEEDS));
    if (a->seeds) study->seeds = seeds;
done:
    return st;
}

static muir_status execute(muir_ctx *ctx, const study_arguments *a, const muir_study *study,
                           muir_study_result **result)
{
    muir_status st = MUIR_OK;
    muir_claim *claim = NULL;
    muir_progress_line line = muir_progress_line_make();
    if (a->path) MUIR_TRY(muir_claim_create(ctx, a->path, a->is_resumed, &claim));
    if (a->is_resumed && muir_claim_is_new(claim) && muir_is_root(ctx))
        fprintf(stderr, "muir: --resume: there is no %s yet, so the study starts\n", a->path);
    const muir_study_request request = {.study = study,
                                        .name = a->args.positional,
                                        .claim = claim,
                                        .history = a->history,
                                        .stop = &stop_requested,
                                        .observer = a->is_quiet ? NULL : show_cases,
                                        .data = &line};
    signal(SIGINT, request_stop);
    signal(SIGTERM, request_stop);
    st = muir_study_run(ctx, &request, result);
    muir_progress_end(&line);
    if (claim && muir_is_root(ctx) && !a->is_quiet && muir_claim_backup(claim)[0])
        fprintf(stderr, "muir: %s existed and is now %s\n", a->path, muir_claim_backup(claim));
done:
    muir_claim_destroy(&claim);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    study_arguments a = {.path = NULL};
    muir_study_result *result = NULL;
    muir_study *study = calloc(1, sizeof *study);
    if (!study) MUIR_TRY(muir_fail(ctx, MUIR_ERR_MEM, "no memory for the study"));
    MUIR_TRY(read_arguments(ctx, argc, argv, &a, study));
    MUIR_TRY(execute(ctx, &a, study, &result));
    if (!muir_is_root(ctx)) goto done;
    const bool is_alone = (a.json && strcmp(a.json, "-") == 0) || (a.csv && strcmp(a.csv, "-") == 0);
    if (!is_alone && !a.is_quiet) print_study(&a, study, result);
    if (a.json) MUIR_TRY(muir_study_write_json(ctx, a.args.positional, study, result, a.json));
    if (a.csv) MUIR_TRY(muir_study_write_csv(ctx, study, result, a.csv));
done:
    muir_study_result_destroy(&result);
    free(study);
    muir_args_free(&a.args);
    return st;
}

const muir_command muir_command_study = {
    .name = "study",
    .usage = "STUDY [-o FILE.h5] [--resume] [--seeds N] [--csv FILE] [--json FILE] [-q]",
    .summary =
        "compare scenarios, each at its own best layout and over seeds: throughput, money, what decides",
    .help = "  STUDY         a name (muir list studies) or a YAML file with\n"
            "                  scenario: NAME            every scenario starts from it\n"
            "                  overrides: KEY=VALUE ...  for all scenarios\n"
            "                  layout: best | given      best: each at the planner's first layout\n"
            "                  by: step | tokens | cost  what that layout is best in (tokens)\n"
            "                  bounds: \"pp<=32\" ...      bounds of the search\n"
            "                  seeds: N                  draws per scenario\n"
            "                  axes: {AXIS: {LABEL: KEY=VALUE ..., ...}, ...}   their product is the table\n"
            "                  sensitivity: {KEY: LOW HIGH, ...}                of the first scenario\n"
            "  -o FILE.h5    every draw of every scenario over the axes (HDF5, netCDF-4), saved whenever one "
            "is done\n"
            "  --resume      continue FILE.h5: scenarios that it holds are not done again\n"
            "  --seeds N     draws per scenario, in place of the file's\n"
            "  --csv FILE    the table as CSV; `-` writes it to standard output, without the text\n"
            "  --json FILE   the table as JSON\n"
            "  -q            no progress and no table\n\n"
            "Ranks share each search and each ensemble: mpirun -n 8 muir study ... Pictures of FILE.h5:\n"
            "scripts/plot_study.py, muir report.\n",
    .run = run,
};
