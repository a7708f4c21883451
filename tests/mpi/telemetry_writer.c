/* SPDX-License-Identifier: BSD-3-Clause */
/* telemetry_writer PATH STEPS: writes the sample telemetry up to STEPS steps, continuing PATH where it
 * exists, then checks it. Meant to be killed by tests/cli/kill_telemetry.py, so it says how far it is. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "telemetry_sample.h"

/* The most steps of which every table has all rows. */
static int64_t whole_steps(const muir_telemetry *telemetry)
{
    int64_t steps = (int64_t)muir_telemetry_rows(telemetry, SAMPLE_FLEET);
    for (size_t t = 0; t < SAMPLE_TABLES; t++)
        while (sample_rows(t, steps) > muir_telemetry_rows(telemetry, t)) steps--;
    return steps;
}

/* Rank 0 says a line at once. */
static void say(const muir_ctx *ctx, const char *what, int64_t count)
{
    if (!muir_is_root(ctx)) return;
    printf("%s %lld\n", what, (long long)count);
    fflush(stdout);
}

static muir_status write_file(muir_ctx *ctx, const char *path, int64_t steps)
{
    muir_status st = MUIR_OK;
    muir_telemetry *telemetry = NULL;
    sample s;
    sample_describe(ctx->size, &s);
    MUIR_TRY(sample_start(ctx, path, true, &s, &telemetry));
    int64_t done_steps = whole_steps(telemetry);
    say(ctx, "found", done_steps);
    for (size_t t = 0; t < SAMPLE_TABLES; t++)
        MUIR_TRY(muir_telemetry_truncate(ctx, telemetry, t, sample_rows(t, done_steps)));
    while (done_steps < steps) {
        const size_t rows = muir_telemetry_rows(telemetry, SAMPLE_FLEET);
        MUIR_TRY(sample_write(ctx, telemetry, done_steps, done_steps + 1));
        done_steps++;
        if (muir_telemetry_rows(telemetry, SAMPLE_FLEET) > rows) say(ctx, "flushed", done_steps);
    }
    MUIR_TRY(muir_telemetry_close(ctx, &telemetry, 0.0, NULL));
    if (muir_is_root(ctx)) say(ctx, "wrong", sample_count_wrong(path, ctx->size, steps));
done:
    muir_telemetry_destroy(&telemetry);
    return st;
}

int main(int argc, char **argv)
{
    muir_ctx *ctx = NULL;
    MPI_Init(&argc, &argv);
    if (argc != 3 || muir_ctx_create(MPI_COMM_WORLD, &ctx) != MUIR_OK) MPI_Abort(MPI_COMM_WORLD, 2);
    say(ctx, "pid", getpid());
    const muir_status st = write_file(ctx, argv[1], strtoll(argv[2], NULL, 10));
    if (st != MUIR_OK && muir_is_root(ctx)) fprintf(stderr, "%s\n", ctx->message);
    muir_ctx_destroy(&ctx);
    MPI_Finalize();
    return muir_status_exit_code(st);
}
