/* SPDX-License-Identifier: BSD-3-Clause */
/* muir replay: a traced step on the clock of a fleet, and its collectives on this machine's ranks. */
#include "replay/tape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "text/print.h"
#include "scenario/scenario.h"

enum { MOST_KEYS = 64, MOST_STEPS = 1000 };

static const double byte_budget = 256.0 * 1048576.0; /* of a step that is executed, in all */

/* Collectives of one operation and group. */
typedef struct total {
    int calls;
    double bytes, traced_s, priced_s;
} total;

typedef struct replay {
    muir_args args;
    const char *json, *steps_text, *shrink_text;
    bool is_executed;
    muir_tape *program;
    muir_scenario *scenario;
    double *traced_s, *priced_s, *start_s; /* [n] by node */
    double as_traced_s, step_s, without_s; /* steps: durations of the trace, priced, collectives in no time */
    int64_t traced_ranks;
    total totals[MUIR_COLL_KIND_COUNT][MUIR_TAPE_GROUPS];
    double shrink;
    long long steps;
    muir_tape_done *done;
    int n_done;
} replay;

/* The fleet, and everything else that may be said of it, comes as with scenarios. */
static muir_status load_fleet(muir_ctx *ctx, replay *r)
{
    muir_status st = MUIR_OK;
    const char *keys[MOST_KEYS] = {"parallel.pp=1", "parallel.dp=1"};
    int n = 2;
    bool has_fleet = false;
    for (int i = 0; i < r->args.n_overrides; i++) {
        const char *given = r->args.overrides[i];
        has_fleet |= strncmp(given, "fleet=", 6) == 0;
        if (strncmp(given, "ranks=", 6) == 0) continue;
        if (strncmp(given, "fleet", 5) != 0)
            return muir_fail(
                ctx, MUIR_ERR_ARG,
                "'%s' would change nothing: muir replay knows fleet=NAME, keys of the fleet, and ranks=N",
                given);
        if (n < MOST_KEYS) keys[n++] = given;
    }
    if (!has_fleet) return muir_fail(ctx, MUIR_ERR_ARG, "on which fleet? fleet=NAME (muir list fleets)");
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *r->scenario, "a fleet", &r->scenario));
    MUIR_TRY(muir_scenario_load(ctx, "tiny", keys, n, r->scenario));
    muir_fleet_slice(&r->scenario->fleet, r->program->ranks);
done:
    return st;
}

static muir_status stretch(muir_ctx *ctx, replay *r)
{
    r->traced_ranks = r->program->ranks;
    for (int i = 0; i < r->args.n_overrides; i++) {
        const char *given = r->args.overrides[i];
        char *end = NULL;
        if (strncmp(given, "ranks=", 6) != 0) continue;
        const long long ranks = strtoll(given + 6, &end, 10);
        if (end == given + 6 || *end || ranks < 1 || ranks > 1000000000)
            return muir_fail(ctx, MUIR_ERR_ARG, "%s: it must be a whole number of at least 1", given);
        const muir_status st = muir_tape_stretch(ctx, r->program, ranks);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

static muir_status put_on_clock(muir_ctx *ctx, replay *r)
{
    muir_status st = MUIR_OK;
    const muir_tape *p = r->program;
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n, sizeof(double), "a step", &r->traced_s));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n, sizeof(double), "a step", &r->priced_s));
    MUIR_TRY(muir_alloc(ctx, (size_t)p->n, sizeof(double), "a step", &r->start_s));
    MUIR_TRY(muir_tape_price(ctx, p, &r->scenario->fleet, r->priced_s));
    for (int i = 0; i < p->n; i++) r->traced_s[i] = p->nodes[i].kind == MUIR_TAPE_COLL ? 0.0 : r->priced_s[i];
    MUIR_TRY(muir_tape_run(ctx, p, r->traced_s, NULL, &r->without_s));
    for (int i = 0; i < p->n; i++) r->traced_s[i] = p->nodes[i].time_s;
    MUIR_TRY(muir_tape_run(ctx, p, r->traced_s, NULL, &r->as_traced_s));
    MUIR_TRY(muir_tape_run(ctx, p, r->priced_s, r->start_s, &r->step_s));
    for (int i = 0; i < p->n; i++) {
        const muir_tape_node *node = &p->nodes[i];
        if (node->kind != MUIR_TAPE_COLL) continue;
        total *t = &r->totals[node->coll][node->group];
        t->calls++;
        t->bytes += node->bytes;
        t->traced_s += node->time_s;
        t->priced_s += r->priced_s[i];
    }
done:
    return st;
}

static void print_change(double from_s, double to_s)
{
    if (from_s > 0.0) printf("  %+.2f %%", 100.0 * (to_s / from_s - 1.0));
    printf("\n");
}

static void print_steps(const replay *r, const char *path)
{
    const muir_tape *p = r->program;
    printf("%s: %s operations of one of %s ranks\n\n", path, muir_count_text(p->n).s,
           muir_count_text(r->traced_ranks).s);
    if (p->step_s > 0.0)
        printf("  step of the trace         %9s  input: first start to last end\n",
               muir_time_text(p->step_s).s);
    printf("  replayed as traced        %9s", muir_time_text(r->as_traced_s).s);
    print_change(p->step_s, r->as_traced_s);
    printf("  with collectives priced   %9s", muir_time_text(r->step_s).s);
    print_change(r->as_traced_s, r->step_s);
    printf("    of it exposed           %9s  what the step is longer than with collectives in no time\n",
           muir_time_text(r->step_s - r->without_s).s);
    printf("\nmodelled: collectives on the first %s chips of %s, a rank each, by library %s;\n"
           "as traced: everything else, and what waits for what. All ranks do what this one does\n",
           muir_count_text(p->ranks).s, r->scenario->run.fleet, muir_fleet_library(&r->scenario->fleet));
    for (int i = 0; i < p->n_groups && p->ranks != r->traced_ranks; i++)
        if (p->groups[i].does_scale)
            printf("assumed: group %s grows with the job to %s ranks, with the bytes that it had and the "
                   "compute of the trace\n",
                   p->groups[i].name, muir_count_text(p->groups[i].members).s);
}

static void print_totals(const replay *r)
{
    printf("\n  %-14s %-16s %8s %6s %11s %10s %10s\n", "collective", "group", "members", "calls", "bytes",
           "traced", "priced");
    for (int k = 0; k < MUIR_COLL_KIND_COUNT; k++)
        for (int g = 0; g < r->program->n_groups; g++) {
            const total *t = &r->totals[k][g];
            if (t->calls > 0)
                printf("  %-14s %-16s %8s %6d %11s %10s %10s\n", muir_coll_kind_name((muir_coll_kind)k),
                       r->program->groups[g].name, muir_count_text(r->program->groups[g].members).s, t->calls,
                       muir_bytes_text(t->bytes).s, muir_time_text(t->traced_s).s,
                       muir_time_text(t->priced_s).s);
        }
}

static void print_done(const muir_ctx *ctx, const replay *r)
{
    if (!r->is_executed) return;
    printf("\nexecuted on %d ranks, bytes / %g, %lld steps; every group by all ranks, every result checked\n",
           ctx->size, r->shrink, r->steps);
    printf("  %-14s %11s %6s %10s %12s  %-18s %s\n", "collective", "bytes", "calls", "a call", "busbw",
           "algorithm", "wrong");
    for (int i = 0; i < r->n_done; i++) {
        const muir_tape_done *d = &r->done[i];
        const double call_s = d->time_s / (double)d->calls;
        printf("  %-14s %11s %6lld %10s %12s  %-18s %lld\n", muir_coll_kind_name(d->kind),
               muir_bytes_text(d->bytes).s, d->calls, muir_time_text(call_s).s,
               muir_si(d->bytes * muir_busbw_factor(d->kind, ctx->size) / call_s, "B/s").s, d->algorithm,
               d->wrong);
    }
}

static json_t *as_json(const muir_ctx *ctx, const replay *r)
{
    json_t *totals = json_array(), *done = json_array();
    for (int k = 0; k < MUIR_COLL_KIND_COUNT; k++)
        for (int g = 0; g < r->program->n_groups; g++) {
            const total *t = &r->totals[k][g];
            if (t->calls > 0)
                json_array_append_new(totals, json_pack("{s:s,s:s,s:I,s:i,s:f,s:f,s:f}", "collective",
                                                        muir_coll_kind_name((muir_coll_kind)k), "group",
                                                        r->program->groups[g].name, "members",
                                                        (json_int_t)r->program->groups[g].members, "calls",
                                                        t->calls, "bytes", t->bytes, "traced_s", t->traced_s,
                                                        "priced_s", t->priced_s));
        }
    for (int i = 0; i < r->n_done; i++)
        json_array_append_new(done, json_pack("{s:s,s:f,s:I,s:f,s:s,s:I}", "collective",
                                              muir_coll_kind_name(r->done[i].kind), "bytes", r->done[i].bytes,
                                              "calls", (json_int_t)r->done[i].calls, "time_s",
                                              r->done[i].time_s, "algorithm", r->done[i].algorithm, "wrong",
                                              (json_int_t)r->done[i].wrong));
    return json_pack("{s:i,s:I,s:I,s:f,s:f,s:f,s:f,s:o,s:i,s:f,s:o}", "nodes", r->program->n, "traced_ranks",
                     (json_int_t)r->traced_ranks, "ranks", (json_int_t)r->program->ranks, "trace_step_s",
                     r->program->step_s, "as_traced_s", r->as_traced_s, "step_s", r->step_s, "exposed_s",
                     r->step_s - r->without_s, "collectives", totals, "host_ranks",
                     r->is_executed ? ctx->size : 0, "shrink", r->shrink, "executed", done);
}

/* Bytes are divided by a power of two, so that a step's collectives stay within the budget. */
static muir_status choose_shrink(muir_ctx *ctx, replay *r)
{
    muir_status st = MUIR_OK;
    double bytes = 0.0;
    char *end = NULL;
    r->steps = 3;
    r->shrink = 1.0;
    if (!r->is_executed && (r->steps_text || r->shrink_text))
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG, "--steps and --shrink are about --execute, which is not given"));
    for (int i = 0; i < r->program->n; i++)
        if (r->program->nodes[i].kind == MUIR_TAPE_COLL) bytes += r->program->nodes[i].bytes;
    while (bytes / r->shrink > byte_budget) r->shrink *= 2.0;
    if (r->shrink_text) r->shrink = strtod(r->shrink_text, &end);
    if (r->shrink_text && (end == r->shrink_text || *end || !(r->shrink >= 1.0 && r->shrink <= 1e12)))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--shrink is '%s', but must be a number from 1 to 1e12",
                           r->shrink_text));
    if (r->steps_text) r->steps = strtoll(r->steps_text, &end, 10);
    if (r->steps_text && (end == r->steps_text || *end || r->steps < 1 || r->steps > MOST_STEPS))
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG, "--steps is '%s', but must be 1 to %d", r->steps_text, MOST_STEPS));
done:
    return st;
}

static void leave(replay *r)
{
    muir_tape_destroy(&r->program);
    free(r->scenario);
    free(r->traced_s);
    free(r->priced_s);
    free(r->start_s);
    free(r->done);
    muir_args_free(&r->args);
    free(r);
}

static muir_status show(muir_ctx *ctx, const replay *r)
{
    if (!muir_is_root(ctx)) return MUIR_OK;
    if (r->json && strcmp(r->json, "-") == 0) return muir_print_json(ctx, as_json(ctx, r), r->json);
    print_steps(r, r->args.positional);
    print_totals(r);
    print_done(ctx, r);
    return r->json ? muir_print_json(ctx, as_json(ctx, r), r->json) : MUIR_OK;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    replay *r = calloc(1, sizeof *r);
    if (!r) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a replay");
    const muir_arg known[] = {{"--json", NULL, &r->json, NULL},
                              {"--execute", NULL, NULL, &r->is_executed},
                              {"--steps", NULL, &r->steps_text, NULL},
                              {"--shrink", NULL, &r->shrink_text, NULL}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, sizeof known / sizeof known[0], &r->args));
    if (!r->args.positional)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "which step program? (muir import chakra|kineto TRACE -o STEPS.yaml)"));
    MUIR_TRY(muir_agree(ctx, muir_tape_create(ctx, r->args.positional, &r->program)));
    MUIR_TRY(stretch(ctx, r));
    MUIR_TRY(choose_shrink(ctx, r));
    MUIR_TRY(load_fleet(ctx, r));
    MUIR_TRY(put_on_clock(ctx, r));
    if (r->is_executed)
        MUIR_TRY(
            muir_tape_execute(ctx, r->program, r->start_s, r->shrink, (int)r->steps, &r->done, &r->n_done));
    st = muir_agree(ctx, show(ctx, r));
done:
    leave(r);
    return st;
}

const muir_command muir_command_replay = {
    .name = "replay",
    .usage = "STEPS.yaml fleet=NAME [ranks=N] [--execute [--steps N] [--shrink X]] [--json FILE]",
    .summary = "a traced step on a fleet: collectives priced, stretched to more ranks, executed",
    .help = "  STEPS.yaml    a step program, which muir import chakra or kineto makes of a trace\n"
            "  fleet=NAME    whose network the collectives are priced on; fleet.KEY=value changes it\n"
            "  ranks=N       as if the job had N ranks: groups that scale (scales: true in the file) grow or "
            "shrink\n"
            "                with them\n"
            "  --execute     also execute the collectives over the ranks of this launch, in the order of the "
            "step\n"
            "  --steps N     how often (3)\n"
            "  --shrink X    divide their bytes by X; without it, by as much as keeps a step below 256 MiB\n"
            "  --json FILE   the same for programs; -: to standard output, instead of the text\n",
    .run = run,
};
