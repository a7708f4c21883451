/* SPDX-License-Identifier: BSD-3-Clause */
/* muir faults: what a recorded history of faults says, as a preset. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "reliability/fit.h"

/* A figure that the log tells, by the key that it goes to. */
typedef struct line {
    const char *key, *units;
    muir_fit_figure figure;
} line;

enum { MOST_LINES = 48 };

typedef struct lines {
    line line[MOST_LINES];
    int n;
} lines;

static void add(lines *l, const char *key, const char *units, muir_fit_figure figure)
{
    if (l->n < MOST_LINES) l->line[l->n++] = (line){key, units, figure};
}

static void add_slow(lines *l, const char *const keys[3], const muir_slow_fit *fit, const char *units)
{
    add(l, keys[0], units, fit->rate);
    if (fit->median_s.n == 0 || !keys[1]) return;
    add(l, keys[1], "s", fit->median_s);
    add(l, keys[2], "", fit->sigma);
}

/* Keys and figures in the order in which they are written; those without observations are left out. */
static lines collect(const muir_fault_fit *f)
{
    static const char *const compute[] = {"slow.compute", "slow.compute_median_s", "slow.compute_sigma"},
                             *const network[] = {"slow.network", "slow.network_median_s",
                                                 "slow.network_sigma"},
                             *const flap[] = {"slow.flap", NULL, NULL};
    lines l = {.n = 0};
    add(&l, "rate", "1/1000 chip-days", f->rate);
    if (f->spread.n > 0) add(&l, "spread", "", f->spread);
    if (f->n_lemons > 0) add(&l, "lemon_share", "", f->lemon_share);
    if (f->n_lemons > 0) add(&l, "lemon_factor", "", f->lemon_factor);
    if (f->in_place.n > 0) add(&l, "in_place", "", f->in_place);
    if (f->repair_median_s.n > 0) {
        add(&l, "repair_median_s", "s", f->repair_median_s);
        add(&l, "repair_sigma", "", f->repair_sigma);
        add(&l, "long_repair_share", "", f->long_repair_share);
    }
    add(&l, "planned", "1/day", f->per_day[MUIR_KIND_planned]);
    add_slow(&l, compute, &f->compute, "1/1000 chip-days");
    add_slow(&l, network, &f->network, "1/1000 chip-days");
    add_slow(&l, flap, &f->flap, "1/month");
    add(&l, "job.crash", "1/day", f->per_day[MUIR_KIND_crash]);
    add(&l, "job.hang", "1/day", f->per_day[MUIR_KIND_job_hang]);
    add(&l, "job.deployment", "1/day", f->per_day[MUIR_KIND_deployment]);
    add(&l, "job.loss_spike", "1/day", f->per_day[MUIR_KIND_loss_spike]);
    add(&l, "job.data_stall", "1/day", f->per_day[MUIR_KIND_data_stall]);
    return l;
}

static void print_figures(const lines *l)
{
    printf("\n  %-24s %10s   %-23s %s\n", "key", "fitted", "80 % interval", "observations");
    for (int i = 0; i < l->n; i++) {
        const line *x = &l->line[i];
        printf("  %-24s %10.4g   %-10.4g to %-10.4g %6d  %s\n", x->key, x->figure.value, x->figure.low,
               x->figure.high, x->figure.n, x->units);
    }
}

static void print_rest(const muir_fault_fit *f)
{
    printf("\ncauses:");
    for (int k = 0; k < MUIR_CAUSE_COUNT; k++)
        if (f->of_kind[k] > 0) printf(" %s %d", muir_kind_name(k), f->of_kind[k]);
    printf("\nlemons: ");
    if (f->n_lemons == 0) printf("no server fails more often than the spread of rates explains");
    for (int i = 0; i < f->n_lemons; i++)
        printf("%sserver %d (%d failures)", i ? ", " : "", f->lemon[i], f->lemon_failures[i]);
    printf("\nbursts: %d times several servers failed within a minute, at most %d; failures per day vary "
           "%.2f times\nas much as independent ones\n",
           f->bursts, f->largest_burst, f->dispersion);
    printf("\nwhat this log cannot tell, so that muir's defaults apply:\n"
           "  detection and reaction: how soon failures are noticed, what a restart takes, whether it fails "
           "again\n"
           "  checkpoint and jitter: what is saved and how often, how steps vary\n");
    if (f->spread.n == 0)
        printf(
            "  spread: fewer than 20 servers failed more than once, or they differ no more than by chance\n");
    printf("  weibull: whether gaps come in bursts, since rates that differ between servers look the same\n");
    if (f->in_place.n == 0) printf("  in_place: no row says in_place or drained\n");
    if (f->repair_median_s.n == 0) printf("  repairs: fewer than 20 rows are drained with an until_s\n");
}

static void write_section(FILE *out, const lines *l, const char *section)
{
    const size_t n = strlen(section);
    bool is_open = false;
    for (int i = 0; i < l->n; i++) {
        const line *x = &l->line[i];
        const char *dot = strchr(x->key, '.');
        const bool is_mine = n == 0 ? !dot : strncmp(x->key, section, n) == 0 && x->key[n] == '.';
        if (!is_mine) continue;
        if (n > 0 && !is_open) fprintf(out, "%s:\n", section);
        is_open = true;
        fprintf(out, "%s%s: %.6g  # %.4g to %.4g (80 %%), %d observations\n", n > 0 ? "  " : "",
                n > 0 ? dot + 1 : x->key, x->figure.value, x->figure.low, x->figure.high, x->figure.n);
    }
    if (!is_open && n > 0) fprintf(out, "# %s: nothing was recorded\n", section);
}

static void write_causes(FILE *out, const muir_fault_fit *f)
{
    const char *comma = "";
    fprintf(out, "causes: {");
    for (int k = 0; k < MUIR_CAUSE_COUNT; k++) {
        if (f->of_kind[k] == 0) continue;
        fprintf(out, "%s%s: %d", comma, muir_kind_name(k), f->of_kind[k]);
        comma = ", ";
    }
    fprintf(out, "}\n");
}

/* Severities: what was seen, if any was. */
static void write_range(FILE *out, const char *name, const muir_slow_fit *fit)
{
    if (isfinite(fit->least))
        fprintf(out, "  %s_least: %.6g\n  %s_most: %.6g\n", name, fit->least, name, fit->most);
}

static muir_status write_preset(muir_ctx *ctx, const char *path, const char *log, const muir_fault_fit *f,
                                const lines *l)
{
    FILE *out = fopen(path, "w");
    if (!out) return muir_fail(ctx, MUIR_ERR_FILE, "%s cannot be written", path);
    fprintf(out, "# Fitted by muir faults fit; comments give 80 %% intervals.\n");
    fprintf(out, "description: faults as in %.200s\n", log);
    write_section(out, l, "");
    if (f->n_lemons == 0) fprintf(out, "lemon_share: 0\n");
    if (f->spread.n == 0) fprintf(out, "# spread: the log cannot tell\n");
    if (f->repair_median_s.n > 0)
        fprintf(out, "long_repair_min_s: %.6g\nlong_repair_max_s: %.6g\n", f->long_repair_min_s,
                f->long_repair_max_s);
    if (f->rate.n > 0) write_causes(out, f);
    write_section(out, l, "slow");
    write_range(out, "compute", &f->compute);
    write_range(out, "network", &f->network);
    write_section(out, l, "job");
    fprintf(out, "source: muir faults fit of %.200s, %d servers of %g chips, %.2f days\n", log,
            (int)f->exposure.servers, f->exposure.chips, f->exposure.days);
    return fclose(out) == 0 ? MUIR_OK : muir_fail(ctx, MUIR_ERR_FILE, "%s cannot be written", path);
}

static muir_status read_positive(muir_ctx *ctx, const char *name, const char *text, double *value)
{
    char *end = NULL;
    if (!text) return MUIR_OK;
    *value = strtod(text, &end);
    if (end == text || *end != '\0' || !(*value > 0.0) || *value > 1e8)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s is '%s', but must be a number above 0 and at most 1e8", name,
                         text);
    return MUIR_OK;
}

static muir_status fit(muir_ctx *ctx, const char *path, const char *out, const char *const text[3])
{
    muir_status st = MUIR_OK;
    muir_fault_log *log = NULL;
    muir_fault_fit *f = NULL;
    double servers = 0.0, chips = 8.0, days = 0.0;
    MUIR_TRY(read_positive(ctx, "--servers", text[0], &servers));
    MUIR_TRY(read_positive(ctx, "--chips", text[1], &chips));
    MUIR_TRY(read_positive(ctx, "--days", text[2], &days));
    MUIR_TRY(muir_fault_log_read(ctx, path, &log));
    if (log->n == 0) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s has no rows that can be fitted", path));
    if (!text[0]) servers = log->servers > 0 ? log->servers : 1.0;
    /* the end of the log, if all it says is when its last event was */
    if (!text[2]) days = 1e-9 * (double)log->length_ns / 86400.0 * (log->n + 1.0) / log->n;
    f = calloc(1, sizeof *f);
    if (!f) MUIR_TRY(muir_fail(ctx, MUIR_ERR_MEM, "no memory for a fit"));
    MUIR_TRY(muir_fault_fit_make(ctx, log, (muir_exposure){(int32_t)servers, chips, days}, f));
    const lines l = collect(f);
    printf("%s: %d events of %d servers of %g chips in %.2f days%s%s%s\n", path, log->n, (int)servers, chips,
           days, text[0] ? "" : "; --servers not given: those that the log names",
           text[1] ? "" : "; --chips not given: 8",
           text[2] ? "" : "; --days not given: until the last event");
    print_figures(&l);
    print_rest(f);
    if (out) MUIR_TRY(write_preset(ctx, out, path, f, &l));
    if (out) printf("\nwritten to %s; muir run SCENARIO faults=%s uses it\n", out, out);
done:
    free(f);
    muir_fault_log_destroy(&log);
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    const char *out = NULL, *text[3] = {NULL, NULL, NULL};
    const muir_arg known[] = {{"-o", "--output", &out, NULL},
                              {"--servers", NULL, &text[0], NULL},
                              {"--chips", NULL, &text[1], NULL},
                              {"--days", NULL, &text[2], NULL}};
    muir_args args = {.positional = NULL};
    MUIR_TRY(muir_args_read_words(ctx, argc, argv, known, (int)(sizeof known / sizeof known[0]), 2, &args));
    if (args.n_words < 1 || strcmp(args.words[0], "fit") != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir faults needs a task: fit LOG.csv"));
    if (args.n_words < 2 || args.n_overrides > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir faults fit needs a CSV file and no key=value"));
    if (muir_is_root(ctx)) st = fit(ctx, args.words[1], out, text);
    MUIR_TRY(muir_agree(ctx, st));
done:
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_faults = {
    .name = "faults",
    .usage = "fit LOG.csv [-o NAME.yaml] [--servers N] [--chips N] [--days X]",
    .summary = "fit rates of faults, with intervals, to a recorded history",
    .help = "LOG.csv has the columns time_s, kind, server, until_s, consequence, severity "
            "(docs/reliability.md);\n"
            "scripts/slurm_to_log.py and scripts/events_to_log.py write such files. faults.log=LOG.csv "
            "replays one.\n"
            "  -o NAME.yaml   writes a preset for faults=NAME.yaml\n"
            "  --servers N    servers that were watched, including those without a failure\n"
            "  --chips N      chips per server, default 8\n"
            "  --days X       length of the record\n",
    .mpi = MUIR_MPI_LAUNCHED,
    .run = run,
};
