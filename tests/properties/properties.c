/* SPDX-License-Identifier: BSD-3-Clause */
/* Laws held against random scenarios; one that breaks a law loses key after key for as long as it breaks it.
 *
 * usage: properties NUMBER SEED [--digest]    --digest: a line per scenario instead, the same on any ranks
 * Exit status 1 if a law was broken, or if too few scenarios were legal. */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "memory/fit.h"
#include "plan/plan.h"
#include "reliability/expect.h"
#include "run/run.h"

static const double ROUNDING = 1e-9, FASTER = 1.5;
static const double LEAST_LEGAL = 0.05; /* of the scenarios drawn */
enum { WHY = 200, MODELLED_PARTS = MUIR_PART_optimizer + 1 };

/* A scenario with what muir says of it. */
typedef struct trial {
    muir_ctx *ctx;
    muir_scenario scenario;
    muir_summary summary;
    double step_s, params; /* the ideal step; weights */
    char why[WHY];
} trial;

static const char *wrong(trial *t, const char *format, double a, double b)
{
    snprintf(t->why, sizeof t->why, format, a, b);
    return t->why;
}

/* Laws. */

static const char *figures_make_sense(trial *t)
{
    const muir_summary *s = &t->summary;
    const double figures[] = {s->step_time_s.mean,
                              s->step_time_s.min,
                              s->step_time_s.max,
                              s->mfu,
                              s->hfu,
                              s->tokens_per_s,
                              s->goodput,
                              s->power_mean_w,
                              s->energy_j,
                              s->cost_usd,
                              s->chip_mean_c,
                              s->fleet_time_s,
                              s->interval.low,
                              s->cost.capital_usd_per_s,
                              s->throttled};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (!isfinite(figures[i]) || figures[i] < 0.0)
            return wrong(t, "figure %.0f is %g", (double)i, figures[i]);
    if (s->mfu > s->hfu * (1.0 + ROUNDING) + ROUNDING)
        return wrong(t, "MFU %.6f is above HFU %.6f", s->mfu, s->hfu);
    if (s->hfu > 1.0 || s->goodput > 1.0 + ROUNDING || s->throttled > 1.0)
        return wrong(t, "HFU %g or goodput %g is above 1", s->hfu, s->goodput);
    if (!(s->interval.low <= 1.0 && s->interval.high >= 1.0))
        return wrong(t, "the interval from %g to %g lacks its middle", s->interval.low, s->interval.high);
    return NULL;
}

static const char *parts_close(trial *t)
{
    double sum_s = 0.0;
    for (int i = 0; i < MUIR_PART_COUNT; i++) {
        if (!isfinite(t->summary.part_s[i])) return wrong(t, "part %.0f is %g", i, t->summary.part_s[i]);
        sum_s += t->summary.part_s[i];
    }
    const double step_s = t->summary.step_time_s.mean;
    return fabs(sum_s - step_s) > 1e-6 * step_s
               ? wrong(t, "parts add up to %.9g s, the step takes %.9g s", sum_s, step_s)
               : NULL;
}

/* What is drawn for each step may change these parts, so only jobs in which nothing is. */
static bool is_plain(const muir_scenario *s)
{
    return strcmp(s->run.faults, "none") == 0;
}

static const char *run_is_check(trial *t)
{
    muir_fleet_clock *clock = NULL;
    const char *why = NULL;
    if (!is_plain(&t->scenario)) return NULL;
    if (muir_fleet_clock_create(t->ctx, &t->scenario, &clock) != MUIR_OK) return t->ctx->message;
    const muir_ideal *ideal = muir_fleet_clock_ideal(clock);
    for (int i = 0; i < MODELLED_PARTS && !why; i++)
        if (i != MUIR_PART_ep && fabs(ideal->part_s[i] - t->summary.part_s[i]) > 1e-6 * ideal->step_s &&
            t->scenario.job.model.experts == 0)
            why = wrong(t, "check says %.9g s of a part, the run %.9g s", ideal->part_s[i],
                        t->summary.part_s[i]);
    if (!why && fabs(ideal->step_s / t->step_s - 1.0) > ROUNDING)
        why = wrong(t, "the clock's ideal step is %.9g s, that of check %.9g s", ideal->step_s, t->step_s);
    muir_fleet_clock_destroy(&clock);
    return why;
}

static const char *plan_is_check(trial *t)
{
    const char *fixed[64];
    muir_plan *plan = NULL;
    const int n = muir_plan_key_count();
    for (int i = 0; i < n; i++) fixed[i] = muir_plan_key(i);
    const muir_plan_request request = {
        .base = &t->scenario, .limits = &t->scenario, .fixed = fixed, .n_fixed = n, .keep = 1};
    if (muir_plan_create(t->ctx, &request, &plan) != MUIR_OK) return t->ctx->message;
    const double step_s = plan->own.step_s;
    muir_plan_destroy(&plan);
    return fabs(step_s / t->step_s - 1.0) > ROUNDING
               ? wrong(t, "plan says %.9g s, check %.9g s", step_s, t->step_s)
               : NULL;
}

static const char *is_not_longer(trial *t, const muir_scenario *better)
{
    double step_s = 0.0;
    if (muir_ideal_step_time(t->ctx, better, &step_s) != MUIR_OK) return t->ctx->message;
    return step_s > t->step_s * (1.0 + ROUNDING) ? wrong(t, "%.9g s instead of %.9g s", step_s, t->step_s)
                                                 : NULL;
}

static const char *faster_chips_help(trial *t)
{
    muir_scenario better = t->scenario;
    muir_chip *c = &better.fleet.chip;
    c->bf16_flop_per_s *= FASTER;
    c->fp8_flop_per_s *= FASTER;
    c->fp4_flop_per_s *= FASTER;
    c->int8_flop_per_s *= FASTER;
    c->hbm_byte_per_s *= FASTER;
    return is_not_longer(t, &better);
}

static const char *more_bandwidth_helps(trial *t)
{
    muir_scenario better = t->scenario;
    better.fleet.server.port_byte_per_s *= FASTER;
    better.fleet.server.link_x_byte_per_s *= FASTER;
    better.fleet.server.link_y_byte_per_s *= FASTER;
    better.fleet.server.link_z_byte_per_s *= FASTER;
    better.fleet.fabric.port_byte_per_s *= FASTER;
    better.fleet.fabric.site_byte_per_s *= FASTER;
    return is_not_longer(t, &better);
}

/* `auto` takes the simplest reaction that keeps 90 % of the time, so fewer failures may well lead to one that
 * keeps less: the reaction stays. */
static const char *fewer_failures_help(trial *t)
{
    muir_scenario now = t->scenario;
    now.faults.reaction.scope = muir_goodput_expect(&now, t->params, t->step_s).scope;
    muir_scenario then = now;
    then.faults.top.rate /= 2.0;
    then.faults.top.planned /= 2.0;
    const double before = muir_goodput_expect(&now, t->params, t->step_s).goodput;
    const double after = muir_goodput_expect(&then, t->params, t->step_s).goodput;
    if (!(before >= 0.0 && before <= 1.0))
        return wrong(t, "a goodput of %g is expected at %g s per step", before, t->step_s);
    return after < before - 1e-6 ? wrong(t, "%.9g instead of %.9g", after, before) : NULL;
}

static const char *memory_is_whole(trial *t)
{
    muir_program *program = NULL;
    muir_memory memory;
    if (muir_program_create(t->ctx, &t->scenario.job, &program) != MUIR_OK) return t->ctx->message;
    const muir_status st = muir_scenario_memory(t->ctx, &t->scenario, program, &memory);
    muir_program_destroy(&program);
    if (st != MUIR_OK) return t->ctx->message;
    double sum = 0.0;
    for (int i = 0; i < MUIR_MEMORY_PARTS; i++) {
        if (!(memory.part[i] >= 0.0)) return wrong(t, "part %.0f of memory is %g bytes", i, memory.part[i]);
        sum += memory.part[i];
    }
    return fabs(sum - memory.total) > 1e-6 * memory.total || !(memory.total > 0.0)
               ? wrong(t, "parts of memory are %g bytes, all of it %g", sum, memory.total)
               : NULL;
}

typedef struct law {
    const char *name, *sentence;
    const char *(*holds)(trial *t);
} law;
#define LAW(function, text) {#function, text, function},
static const law laws[] = {
#include "laws.def"
};
#undef LAW
enum { LAWS = sizeof laws / sizeof laws[0] };

/* Scenarios. */

/* false: muir refuses it. */
static bool make_trial(muir_ctx *ctx, const muir_drawn *drawn, trial *t)
{
    muir_ctx_clear(ctx);
    memset(&t->summary, 0, sizeof t->summary);
    t->ctx = ctx;
    if (muir_drawn_load(ctx, drawn, &t->scenario) != MUIR_OK) return false;
    const muir_run_request request = {.scenario = &t->scenario};
    return muir_ideal_step_time(ctx, &t->scenario, &t->step_s) == MUIR_OK &&
           muir_run(ctx, &request, &t->summary) == MUIR_OK;
}

static void shrink(trial *t, const law *l, muir_drawn *drawn)
{
    for (int key = 0; key < drawn->n;) {
        const muir_drawn less = muir_drawn_without(drawn, key);
        if (make_trial(t->ctx, &less, t) && l->holds(t)) {
            *drawn = less;
            key = 0;
        } else {
            key++;
        }
    }
    make_trial(t->ctx, drawn, t);
}

static void report(trial *t, const law *l, muir_drawn drawn, long number)
{
    shrink(t, l, &drawn);
    const char *why = l->holds(t);
    printf("broken in scenario %ld: %s: %s\n  muir check tiny", number, l->sentence, why ? why : "");
    for (int i = 0; i < drawn.n; i++) printf(" %s", drawn.text[i]);
    printf("\n");
    fflush(stdout);
}

/* Every bit of what does not depend on the number of ranks. */
static void print_digest(const trial *t, long number, bool is_legal)
{
    const muir_summary *s = &t->summary;
    printf("%ld", number);
    if (is_legal)
        printf(" %a %a %a %a %a %a %a %lld", s->step_time_s.mean, s->step_time_s.max, s->mfu, s->goodput,
               s->energy_j, s->chip_hottest_c, s->part_s[MUIR_PART_straggler],
               (long long)s->account.total_ns);
    printf("\n");
}

static int hold_laws(muir_ctx *ctx, const muir_names *names, long n, uint64_t seed, bool is_digest)
{
    trial *t = calloc(1, sizeof *t);
    long legal = 0, broken[LAWS] = {0};
    int all = 0;
    if (!t) return 1;
    for (long i = 0; i < n; i++) {
        const muir_drawn drawn = muir_draw_scenario(names, seed, (uint64_t)i);
        const bool is_legal = make_trial(ctx, &drawn, t);
        legal += is_legal;
        if (is_digest && muir_is_root(ctx)) print_digest(t, i, is_legal);
        for (int l = 0; l < LAWS && is_legal && !is_digest; l++) {
            muir_ctx_clear(ctx);
            if (!laws[l].holds(t)) continue;
            all++;
            if (broken[l]++ < 3) { /* of a law that is broken often, the first cases tell */
                report(t, &laws[l], drawn, i);
                make_trial(ctx, &drawn, t);
            }
        }
    }
    free(t);
    if (is_digest) return 0;
    for (int l = 0; l < LAWS; l++) printf("%6ld broken: %s\n", broken[l], laws[l].sentence);
    printf("%ld scenarios, %ld legal, %d laws broken\n", n, legal, all);
    return all > 0 || (double)legal < LEAST_LEGAL * (double)n;
}

int main(int argc, char **argv)
{
    muir_ctx *ctx = NULL;
    MPI_Init(&argc, &argv);
    if (argc < 3 || muir_ctx_create(MPI_COMM_WORLD, &ctx) != MUIR_OK) {
        fputs("usage: properties NUMBER SEED [--digest]\n", stderr);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    muir_names *names = muir_names_read();
    const int code = hold_laws(ctx, names, strtol(argv[1], NULL, 10), strtoull(argv[2], NULL, 10),
                               argc > 3 && strcmp(argv[3], "--digest") == 0);
    muir_names_free(names);
    muir_ctx_destroy(&ctx);
    MPI_Finalize();
    return code;
}
