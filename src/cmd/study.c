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
#include "text/json.h"
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

static void label_of(const muir_study *s, const muir_study_case *c, char *text, size_t size)
{
    text[0] = '\0';
    for (int a = 0; a < s->n_axes; a++) {
        const size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", a ? ", " : "", s->axes[a].values[c->at[a]].label);
    }
}

/* Labels longer than their column get a line of their own. */
static void print_label(const muir_study *s, const muir_study_case *c)
{
    char label[MUIR_TEXT_SIZE];
    label_of(s, c, label, sizeof label);
    if (strlen(label) > LABEL)
        printf("%s\n%-*s", label, LABEL, "");
    else
        printf("%-*s", LABEL, label);
}

static muir_text32 layout_text(const muir_study_case *c)
{
    const muir_parallel *p = &c->layout.parallel;
    muir_text32 t;
    snprintf(t.s, sizeof t.s, "%lld/%lld/%lld/%lld z%lld", (long long)p->tp, (long long)p->cp,
             (long long)p->pp, (long long)p->dp, (long long)p->zero_stage);
    return t;
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
               layout_text(c).s, muir_si(c->tokens_per_step, "").s, 1e-6 * t->p10, 1e-6 * t->p50,
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
        printf(" %9s %8s %9.3f %9.3f %9.3f", muir_si(c->capital_usd, "USD").s,
               muir_si(c->spread[MUIR_MEASURE_power_w].p50, "W").s,
               c->spread[MUIR_MEASURE_usd_per_mtoken].p50, v->required_usd_per_mtoken,
               v->required_usd_per_chip_hour);
        if (c->rent_usd_per_chip_hour > 0.0)
            printf(" %9.3f", c->rent_usd_per_chip_hour);
        else
            printf(" %9s", "unknown");
        printf(" %9s %9s\n", years_text(v->payback_years).s, money_text(v->npv_usd).s);
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
    label_of(s, &r->cases[0], label, sizeof label);
    for (int k = 0; k < s->sensitivity.n; k++) {
        const muir_study_case *low = &r->cases[r->n_cells + 2 * k], *high = low + 1;
        bars[k] = (bar){k, low->investment.required_usd_per_mtoken / base - 1.0,
                        high->investment.required_usd_per_mtoken / base - 1.0};
    }
    qsort(bars, (size_t)s->sensitivity.n, sizeof bars[0], by_width);
    printf("\nwhat decides the price that a million tokens must earn (%s: %.3f USD)\n", label, base);
    printf("%-44s %22s %12s %12s\n", "key", "low, high", "at low", "at high");
    for (int k = 0; k < s->sensitivity.n; k++) {
        const muir_study_value *v = &s->sensitivity.values[bars[k].key];
        printf("%-44s %22s %+11.1f%% %+11.1f%%\n", v->label, v->overrides, 100.0 * bars[k].low,
               100.0 * bars[k].high);
    }
}

static void print_study(const char *name, const muir_study *s, const muir_study_result *r)
{
    printf("muir %s: study %s; %lld seed%s per scenario (modelled; nothing executed)\n", MUIR_VERSION, name,
           (long long)s->seeds, s->seeds == 1 ? "" : "s");
    if (s->description[0]) printf("%s\n", s->description);
    printf("base scenario %s%s%s; %s\n", s->scenario, s->overrides[0] ? " " : "", s->overrides,
           s->is_best ? "each at the planner's first layout" : "layouts as given");
    print_speed(s, r);
    print_money(s, r);
    print_sensitivity(s, r);
    printf("\nwritten off: capital over its life, without interest. must earn: with the cost of capital "
           "(fleet.site.wacc).\nInputs and their sources: muir show FLEET. P10 to P90 is over seeds, without "
           "errors of the model itself.\n");
}

static void add_case(const muir_study *s, const muir_study_case *c, muir_json *row)
{
    char label[MUIR_TEXT_SIZE];
    label_of(s, c, label, sizeof label);
    muir_json_text(row, "label", label);
    for (int a = 0; a < s->n_axes; a++)
        muir_json_text(row, s->axes[a].name, s->axes[a].values[c->at[a]].label);
    if (c->key >= 0) {
        muir_json_text(row, "sensitivity_key", s->sensitivity.values[c->key].label);
        muir_json_text(row, "sensitivity_end", c->is_high ? "high" : "low");
    }
    muir_json_count(row, "chips", c->chips);
    muir_json_text(row, "layout", layout_text(c).s);
    muir_json_real(row, "tokens_per_step", c->tokens_per_step);
    for (int m = 0; m < MUIR_MEASURE_COUNT; m++) {
        const muir_spread *p = &c->spread[m];
        muir_json measure = muir_json_object(row, muir_measure_name(m));
        muir_json_maybe(&measure, "p10", p->p10);
        muir_json_maybe(&measure, "p50", p->p50);
        muir_json_maybe(&measure, "p90", p->p90);
        muir_json_maybe(&measure, "mean", p->mean);
        muir_json_maybe(&measure, "standard_error", p->error);
    }
    muir_json_real(row, "capital_usd", c->capital_usd);
    muir_json_maybe(row, "rent_usd_per_chip_hour",
                    c->rent_usd_per_chip_hour > 0.0 ? c->rent_usd_per_chip_hour : NAN);
    muir_json_maybe(row, "required_usd_per_chip_hour", c->investment.required_usd_per_chip_hour);
    muir_json_maybe(row, "required_usd_per_mtoken", c->investment.required_usd_per_mtoken);
    muir_json_maybe(row, "payback_years", c->investment.payback_years);
    muir_json_maybe(row, "npv_usd", c->investment.npv_usd);
    muir_json_real(row, "energy_usd_per_year", c->investment.energy_usd_per_year);
    muir_json_real(row, "staff_usd_per_year", c->investment.staff_usd_per_year);
    muir_json_real(row, "repairs_usd_per_year", c->investment.repairs_usd_per_year);
    muir_json_real(row, "annuity_usd_per_year", c->investment.annuity_usd_per_year);
}

static muir_status write_json(muir_ctx *ctx, const char *name, const muir_study *s,
                              const muir_study_result *r, const char *path)
{
    muir_json_notes notes = {.not_numbers = 0};
    muir_json root = muir_json_begin(&notes);
    muir_json_text(&root, "study", name);
    muir_json_text(&root, "description", s->description);
    muir_json_count(&root, "seeds", s->seeds);
    muir_json cases = muir_json_list(&root, "cases");
    for (int i = 0; i < r->n; i++) {
        muir_json row = muir_json_item(&cases);
        add_case(s, &r->cases[i], &row);
    }
    return muir_json_end(ctx, &root, path);
}

/* Labels may hold commas. */
static void put_quoted(FILE *file, const char *text)
{
    fputc('"', file);
    for (const char *p = text; *p; p++) fprintf(file, *p == '"' ? "\"\"" : "%c", *p);
    fputc('"', file);
}

static muir_status write_csv(muir_ctx *ctx, const muir_study *s, const muir_study_result *r, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!file) return muir_fail(ctx, MUIR_ERR_FILE, "%s: the CSV cannot be written", path);
    for (int a = 0; a < s->n_axes; a++) fprintf(file, "%s,", s->axes[a].name);
    fprintf(file,
            "sensitivity_key,sensitivity_end,chips,layout,tokens_per_step,capital_usd,rent_usd_per_chip_hour,"
            "required_usd_per_chip_hour,required_usd_per_mtoken,payback_years,npv_usd");
    for (int m = 0; m < MUIR_MEASURE_COUNT; m++)
        fprintf(file, ",%s_p10,%s_p50,%s_p90,%s_mean", muir_measure_name(m), muir_measure_name(m),
                muir_measure_name(m), muir_measure_name(m));
    fprintf(file, "\n");
    for (int i = 0; i < r->n; i++) {
        const muir_study_case *c = &r->cases[i];
        const muir_investment *v = &c->investment;
        for (int a = 0; a < s->n_axes; a++) {
            put_quoted(file, s->axes[a].values[c->at[a]].label);
            fputc(',', file);
        }
        fprintf(file, "%s,%s,%lld,%s,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g",
                c->key >= 0 ? s->sensitivity.values[c->key].label : "",
                c->key < 0   ? ""
                : c->is_high ? "high"
                             : "low",
                (long long)c->chips, layout_text(c).s, c->tokens_per_step, c->capital_usd,
                c->rent_usd_per_chip_hour, v->required_usd_per_chip_hour, v->required_usd_per_mtoken,
                v->payback_years, v->npv_usd);
        for (int m = 0; m < MUIR_MEASURE_COUNT; m++)
            fprintf(file, ",%.17g,%.17g,%.17g,%.17g", c->spread[m].p10, c->spread[m].p50, c->spread[m].p90,
                    c->spread[m].mean);
        fprintf(file, "\n");
    }
    const bool is_written = !ferror(file) && (file == stdout ? fflush(file) : fclose(file)) == 0;
    return is_written ? MUIR_OK : muir_fail(ctx, MUIR_ERR_FILE, "%s: the CSV cannot be written", path);
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    const char *json = NULL, *csv = NULL;
    bool is_quiet = false;
    muir_args args = {.positional = NULL};
    muir_study *study = NULL;
    muir_study_result *result = NULL;
    muir_progress_line line = muir_progress_line_make();
    const muir_arg known[] = {
        {"--json", NULL, &json, NULL}, {"--csv", NULL, &csv, NULL}, {"-q", "--quiet", NULL, &is_quiet}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, sizeof known / sizeof known[0], &args));
    if (!args.positional) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "which study? (muir list studies)"));
    if (args.n_overrides > 0)
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG, "%s: a study's overrides stand in its file", args.overrides[0]));
    study = calloc(1, sizeof *study);
    if (!study) MUIR_TRY(muir_fail(ctx, MUIR_ERR_MEM, "no memory for the study"));
    MUIR_TRY(muir_study_load(ctx, args.positional, study));
    signal(SIGINT, request_stop);
    signal(SIGTERM, request_stop);
    st = muir_study_run(ctx, study, &stop_requested, is_quiet ? NULL : show_cases, &line, &result);
    muir_progress_end(&line);
    MUIR_TRY(st);
    if (!muir_is_root(ctx)) goto done;
    const bool is_alone = (json && strcmp(json, "-") == 0) || (csv && strcmp(csv, "-") == 0);
    if (!is_alone && !is_quiet) print_study(args.positional, study, result);
    if (json) MUIR_TRY(write_json(ctx, args.positional, study, result, json));
    if (csv) MUIR_TRY(write_csv(ctx, study, result, csv));
done:
    muir_study_result_destroy(&result);
    free(study);
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_study = {
    .name = "study",
    .usage = "STUDY [--csv FILE] [--json FILE] [-q]",
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
            "  --csv FILE    the table as CSV; `-` writes it to standard output, without the text\n"
            "  --json FILE   the table as JSON\n"
            "  -q            no progress and no table\n\n"
            "Ranks share each search and each ensemble: mpirun -n 8 muir study ... scripts/plot_study.py "
            "draws the CSV.\n",
    .run = run,
};
