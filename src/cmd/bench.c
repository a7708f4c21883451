/* SPDX-License-Identifier: BSD-3-Clause */
/* muir bench: tables of what this machine reaches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "run/run.h"

typedef struct bench_options {
    long long min, max, factor, steps, warm_up;
    const char *json;
} bench_options;

/* The yardstick job of the fleet clock: tp 8, pp 16, 32 microbatches, all default effects, telemetry on. */
static muir_status load_clock(muir_ctx *ctx, long long chips, long long steps, muir_scenario *scenario)
{
    char servers[64], n_steps[64];
    snprintf(servers, sizeof servers, "fleet.servers=%lld", chips / 64);
    snprintf(n_steps, sizeof n_steps, "steps=%lld", steps);
    const char *const overrides[] = {"model=gpt3-175b", "seq_len=2048", "parallel.tp=8", "parallel.pp=16",
                                     "host.every=0",    servers,        n_steps};
    return muir_scenario_load(ctx, "rainier-1m", overrides, sizeof overrides / sizeof overrides[0], scenario);
}

/* A name that no other run uses, on rank 0's word. */
static muir_status temporary_path(muir_ctx *ctx, char *path, int size)
{
    muir_status st = MUIR_OK;
    const char *folder = getenv("TMPDIR");
    if (muir_is_root(ctx))
        snprintf(path, (size_t)size, "%s/muir-bench-%ld.h5", folder ? folder : "/tmp", (long)getpid());
    MUIR_TRY_MPI(MPI_Bcast(path, size, MPI_CHAR, 0, ctx->comm));
done:
    return st;
}

static muir_status bench_one(muir_ctx *ctx, long long chips, const bench_options *o, muir_summary *summary)
{
    muir_status st = MUIR_OK;
    muir_scenario scenario;
    char path[512];
    MUIR_TRY(load_clock(ctx, chips, o->warm_up > 0 ? o->warm_up : 1, &scenario));
    MUIR_TRY(temporary_path(ctx, path, sizeof path));
    muir_run_request request = {.scenario = &scenario, .path = path};
    if (o->warm_up > 0) MUIR_TRY(muir_run(ctx, &request, summary));
    if (muir_is_root(ctx)) unlink(path);
    scenario.run.steps = o->steps;
    MUIR_TRY_MPI(MPI_Barrier(ctx->comm));
    st = muir_run(ctx, &request, summary);
    if (muir_is_root(ctx)) unlink(path);
done:
    return st;
}

static void print_row(long long chips, const muir_summary *s)
{
    const double steps = (double)s->steps;
    printf("%10lld %6d %10.1f %12.3f %14.3f %12.1f %12.1f %10.3f\n", chips, s->ranks, steps / s->wall_s,
           1e3 * s->wall_s / steps, 1e9 * s->wall_s / steps / (double)chips, s->bytes_per_chip,
           100.0 * s->telemetry_s / s->wall_s, s->prepare_s);
    fflush(stdout);
}

static json_t *row_json(long long chips, const muir_summary *s)
{
    return json_pack("{s:I,s:i,s:f,s:f,s:f}", "chips", (json_int_t)chips, "ranks", s->ranks, "steps_per_s",
                     (double)s->steps / s->wall_s, "bytes_per_chip", s->bytes_per_chip, "telemetry_share",
                     s->telemetry_s / s->wall_s);
}

static muir_status write_json(muir_ctx *ctx, json_t *rows, const char *path)
{
    json_t *root = json_pack("{s:O}", "rows", rows);
    const bool is_stdout = strcmp(path, "-") == 0;
    const int failed =
        is_stdout ? json_dumpf(root, stdout, JSON_INDENT(2)) : json_dump_file(root, path, JSON_INDENT(2));
    if (is_stdout) putchar('\n');
    json_decref(root);
    return failed ? muir_fail(ctx, MUIR_ERR_ARG, "--json %s: cannot be written", path) : MUIR_OK;
}

static muir_status bench_clock(muir_ctx *ctx, const bench_options *o)
{
    muir_status st = MUIR_OK;
    json_t *rows = json_array();
    if (muir_is_root(ctx) && (!o->json || strcmp(o->json, "-") != 0))
        printf(
            "fleet clock: tp 8, pp 16, 32 microbatches, all effects and telemetry on, %lld steps\n"
            "     chips  ranks    steps/s      ms/step   ns/chip/step   bytes/chip  telemetry %%   start s\n",
            o->steps);
    for (long long chips = o->min; chips <= o->max; chips *= o->factor) {
        muir_summary summary;
        MUIR_TRY(bench_one(ctx, chips, o, &summary));
        if (!muir_is_root(ctx)) continue;
        if (!o->json || strcmp(o->json, "-") != 0) print_row(chips, &summary);
        json_array_append_new(rows, row_json(chips, &summary));
    }
    if (muir_is_root(ctx) && o->json) st = write_json(ctx, rows, o->json);
    st = muir_agree(ctx, st);
done:
    json_decref(rows);
    return st;
}

static muir_status read_sizes(muir_ctx *ctx, const char *const texts[5], bench_options *o)
{
    muir_status st = MUIR_OK;
    static const char *const names[5] = {"-b", "-e", "-f", "-n", "-w"};
    long long *const values[5] = {&o->min, &o->max, &o->factor, &o->steps, &o->warm_up};
    for (int i = 0; i < 5; i++)
        if (texts[i]) MUIR_TRY(muir_args_size(ctx, names[i], texts[i], values[i]));
    if (o->min < 8192 || o->max < o->min || o->max > (1LL << 32) || o->min % 8192 || o->factor < 2 ||
        o->steps < 1)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "-b %lld -e %lld -f %lld -n %lld: chips go from -b (a multiple of 8K) to -e in factors of "
            "-f (at least 2), -n steps (at least 1)",
            o->min, o->max, o->factor, o->steps);
done:
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    muir_args args;
    bench_options o = {65536, 1048576, 4, 1000, 50, NULL};
    const char *texts[5] = {NULL};
    const muir_arg known[] = {
        {"-b", "--minchips", &texts[0], NULL},     {"-e", "--maxchips", &texts[1], NULL},
        {"-f", "--stepfactor", &texts[2], NULL},   {"-n", "--iters", &texts[3], NULL},
        {"-w", "--warmup_iters", &texts[4], NULL}, {"--json", NULL, &o.json, NULL}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, sizeof known / sizeof known[0], &args));
    if (!args.positional || strcmp(args.positional, "clock") != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir bench what? clock"));
    if (args.n_overrides > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir bench takes no overrides, but '%s'", args.overrides[0]));
    MUIR_TRY(read_sizes(ctx, texts, &o));
    MUIR_TRY(bench_clock(ctx, &o));
done:
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_bench = {
    .name = "bench",
    .usage = "clock [-b MINCHIPS] [-e MAXCHIPS] [-f FACTOR] [-n STEPS] [-w STEPS] [--json FILE]",
    .summary = "what this machine reaches: steps of the fleet clock a second",
    .help = "  clock   the fleet clock with telemetry at -b to -e chips (64K to 1M), times -f (4), -n steps "
            "(1000)\n"
            "          after -w steps of warm-up (50); sizes take K, M, G for 2^10, 2^20, 2^30\n"
            "  --json  the rows as JSON; - for standard output alone\n",
    .run = run,
};
