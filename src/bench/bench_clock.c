/* SPDX-License-Identifier: BSD-3-Clause */
/* muir bench clock: steps of the fleet clock a second. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/bench.h"
#include "run/run.h"

/* The yardstick job: tp 8, pp 16, 32 microbatches, all default effects, telemetry on. */
static muir_status load_clock(muir_ctx *ctx, long long chips, long long steps, muir_scenario *scenario)
{
    char servers[64], n_steps[64];
    snprintf(servers, sizeof servers, "fleet.servers=%lld", chips / 64);
    snprintf(n_steps, sizeof n_steps, "steps=%lld", steps);
    const char *const overrides[] = {"fleet=rainier-1m", "model=gpt3-175b", "seq_len=2048", "parallel.tp=8",
                                     "parallel.pp=16",   "host.every=0",    servers,        n_steps};
    return muir_scenario_load(ctx, "rainier-1f1b", overrides, sizeof overrides / sizeof overrides[0],
                              scenario);
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

/* A run of `steps` whose file is thrown away. */
static muir_status run_steps(muir_ctx *ctx, long long chips, long long steps, muir_summary *summary)
{
    muir_status st = MUIR_OK;
    muir_scenario scenario;
    muir_claim *claim = NULL;
    char path[512] = "";
    MUIR_TRY(load_clock(ctx, chips, steps, &scenario));
    MUIR_TRY(temporary_path(ctx, path, sizeof path));
    MUIR_TRY(muir_claim_create(ctx, path, false, &claim));
    const muir_run_request request = {.scenario = &scenario, .claim = claim};
    st = muir_run(ctx, &request, summary);
    if (muir_is_root(ctx)) unlink(path);
done:
    muir_claim_destroy(&claim);
    return st;
}

static void add_row(const muir_bench_options *o, long long chips, const muir_summary *s)
{
    const double steps = (double)s->steps;
    if (o->is_table)
        printf("%10lld %6d %10.1f %12.3f %14.3f %12.1f %12.1f %10.3f\n", chips, s->ranks, steps / s->wall_s,
               1e3 * s->wall_s / steps, 1e9 * s->wall_s / steps / (double)chips, s->bytes_per_chip,
               100.0 * s->telemetry_s / s->wall_s, s->prepare_s);
    fflush(stdout);
    json_array_append_new(o->rows,
                          json_pack("{s:I,s:i,s:f,s:f,s:f}", "chips", (json_int_t)chips, "ranks", s->ranks,
                                    "steps_per_s", steps / s->wall_s, "bytes_per_chip", s->bytes_per_chip,
                                    "telemetry_share", s->telemetry_s / s->wall_s));
}

static muir_status run(muir_ctx *ctx, const muir_bench_options *o)
{
    muir_status st = MUIR_OK;
    const long long min = muir_bench_or(o->min, 65536),
                    max = muir_bench_or(o->max, min > 1048576 ? min : 1048576);
    const long long factor = muir_bench_or(o->factor, 4), steps = muir_bench_or(o->iters, 1000);
    const long long warm_up = o->warm_up < 0 ? 50 : o->warm_up;
    muir_summary summary;
    if (min % 8192 || max > (1LL << 32))
        return muir_fail(ctx, MUIR_ERR_ARG, "-b %lld -e %lld: chips are multiples of 8K up to 4G", min, max);
    if (o->is_table)
        printf(
            "fleet clock: tp 8, pp 16, 32 microbatches, all effects and telemetry on, %lld steps\n"
            "     chips  ranks    steps/s      ms/step   ns/chip/step   bytes/chip  telemetry %%   start s\n",
            steps);
    for (long long chips = min; chips <= max; chips *= factor) {
        if (warm_up > 0) MUIR_TRY(run_steps(ctx, chips, warm_up, &summary));
        MUIR_TRY_MPI(MPI_Barrier(ctx->comm));
        MUIR_TRY(run_steps(ctx, chips, steps, &summary));
        if (muir_is_root(ctx)) add_row(o, chips, &summary);
    }
done:
    return st;
}

const muir_bench muir_bench_clock = {.name = "clock", .takes = " -b -e -f -n -w ", .run = run};
