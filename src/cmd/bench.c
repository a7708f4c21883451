/* SPDX-License-Identifier: BSD-3-Clause */
/* muir bench: tables of what this machine reaches. */
#include "bench/bench.h"

#include <stdio.h>
#include <string.h>

#include "cmd/args.h"
#include "cmd/cmd.h"

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

static muir_status fail_unknown(muir_ctx *ctx)
{
    char known[100] = "";
    size_t used = 0;
    for (int i = 0; i < muir_bench_count() && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 muir_bench_at(i)->name);
    return muir_fail(ctx, MUIR_ERR_ARG, "which benchmark? %s", known);
}

typedef struct bench_arguments {
    muir_args args;
    const char *numbers[8]; /* -b -e -f -n -w -t -i --ms */
    const char *check, *json;
    muir_bench_options options;
} bench_arguments;

static muir_status read_numbers(muir_ctx *ctx, bench_arguments *a)
{
    muir_status st = MUIR_OK;
    static const char *const names[8] = {"-b", "-e", "-f", "-n", "-w", "-t", "-i", "--ms"};
    muir_bench_options *o = &a->options;
    long long *const values[8] = {&o->min,     &o->max,     &o->factor, &o->iters,
                                  &o->warm_up, &o->threads, &o->step,   &o->most_ms};
    o->warm_up = -1;
    for (int i = 0; i < 8; i++)
        if (a->numbers[i]) MUIR_TRY(muir_args_size(ctx, names[i], a->numbers[i], values[i]));
    if ((a->numbers[2] && o->factor < 2) || (a->numbers[3] && o->iters < 1) ||
        (a->numbers[0] && o->min < 1) || (a->numbers[5] && o->threads < 1))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "-b, -n and -t must be at least 1, -f at least 2"));
    if (o->min > 0 && o->max > 0 && o->max < o->min)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "-e %lld is below -b %lld", o->max, o->min));
    if (a->check && strcmp(a->check, "0") != 0 && strcmp(a->check, "1") != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "-c is '%s', but must be 0 or 1", a->check));
    o->is_unchecked = a->check && a->check[0] == '0';
done:
    return st;
}

/* An option that was given, and that this benchmark would not look at. */
static muir_status refuse_idle(muir_ctx *ctx, const muir_arg *known, size_t n, const muir_bench *bench)
{
    for (size_t i = 0; i < n; i++) {
        char padded[40];
        snprintf(padded, sizeof padded, " %s ", known[i].name);
        if (*known[i].value && !strstr(bench->takes, padded) && strcmp(known[i].name, "--json") != 0)
            return muir_fail(ctx, MUIR_ERR_ARG, "%s would change nothing in muir bench %s", known[i].name,
                             bench->name);
    }
    return MUIR_OK;
}

static muir_status read_arguments(muir_ctx *ctx, int argc, char **argv, bench_arguments *a,
                                  const muir_bench **bench)
{
    muir_status st = MUIR_OK;
    muir_bench_options *o = &a->options;
    const muir_arg known[] = {{"-b", "--minbytes", &a->numbers[0], NULL},
                              {"-e", "--maxbytes", &a->numbers[1], NULL},
                              {"-f", "--stepfactor", &a->numbers[2], NULL},
                              {"-n", "--iters", &a->numbers[3], NULL},
                              {"-w", "--warmup_iters", &a->numbers[4], NULL},
                              {"-t", "--nthreads", &a->numbers[5], NULL},
                              {"-i", "--stepbytes", &a->numbers[6], NULL},
                              {"--ms", NULL, &a->numbers[7], NULL},
                              {"-d", "--datatype", &o->dtype, NULL},
                              {"-o", "--reduce", &o->reduce, NULL},
                              {"-R", "--local_register", &o->registered, NULL},
                              {"--in_place", NULL, &o->in_place, NULL},
                              {"--tuning", NULL, &o->tuning, NULL},
                              {"-c", "--check", &a->check, NULL},
                              {"--file", NULL, &o->file, NULL},
                              {"--op", NULL, &o->op, NULL},
                              {"--algorithm", NULL, &o->algorithm, NULL},
                              {"--folder", NULL, &o->folder, NULL},
                              {"--model", NULL, &o->model, NULL},
                              {"--json", "-J", &a->json, NULL}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, sizeof known / sizeof known[0], &a->args));
    *bench = muir_bench_find(a->args.positional);
    if (!*bench) MUIR_TRY(fail_unknown(ctx));
    MUIR_TRY(refuse_idle(ctx, known, sizeof known / sizeof known[0], *bench));
    if (a->args.n_overrides > 0)
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG, "muir bench takes no overrides, but '%s'", a->args.overrides[0]));
    MUIR_TRY(read_numbers(ctx, a));
    o->is_table = muir_is_root(ctx) && !(a->json && strcmp(a->json, "-") == 0);
done:
    return st;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    const muir_bench *bench = NULL;
    bench_arguments a;
    memset(&a, 0, sizeof a);
    a.options.rows = json_array();
    MUIR_TRY(read_arguments(ctx, argc, argv, &a, &bench));
    MUIR_TRY(bench->run(ctx, &a.options));
    if (muir_is_root(ctx) && a.json) st = write_json(ctx, a.options.rows, a.json);
    st = muir_agree(ctx, st);
done:
    json_decref(a.options.rows);
    muir_args_free(&a.args);
    return st;
}

const muir_command muir_command_bench = {
    .name = "bench",
    .usage = "clock|coll|fft|fft3d|flips|gemm|io|mem [-b MIN] [-e MAX] [-f FACTOR] [-i STEP] [-n ITERS]\n"
             "        [-w ITERS] [-d TYPE] [-o SUM] [-c 0|1] [-R 0|1|all] [--json FILE]",
    .summary = "measure what this machine achieves: fleet clock, collectives, kernels, checkpoints; what "
               "checks catch",
    .help =
        "  clock   steps per second of the fleet clock with telemetry, tp 8, pp 16, 32 microbatches, all "
        "effects on,\n"
        "          at -b to -e chips (64K to 1M, multiples of 8K) times -f (4); -n steps (1000) after -w "
        "(50)\n"
        "  coll    collectives over all ranks of the launch, algorithms and MPI's own (mpi) in turns, at -b "
        "to\n"
        "          -e bytes (1K to 16M) times -f (4) or plus -i; -n samples (20) after -w (3), at least 3 "
        "and\n"
        "          as many as --ms milliseconds allow; -d fp32, fp64, bf16, fp16, int8, int32 or all; -o "
        "sum,\n"
        "          max, min or all; -c 0 skips checks; -R 0 uses plain memory, 1 shared buffers (the "
        "default);\n"
        "          --in_place 1 uses one buffer for input and output; -R and --in_place also take all;\n"
        "          --file FILE adds a collective of your own: XML of MSCCL or lists of steps (YAML);\n"
        "          --op NAME,NAME and --algorithm NAME,NAME select; with --tuning FILE, auto takes its "
        "choices\n          from a table and adds what is missing. Sizes, algbw and busbw are those of "
        "nccl-tests,\n          GB/s = 10^9 bytes per second; times are those of the slowest rank\n"
        "  fft     batches of complex fp32 Fourier transforms of -b to -e points (512 to 64K) times -f (4), "
        "along rows\n"
        "          and along columns, 5 n log2 n operations each; -n samples (7) after -w (1); --algorithm; "
        "-c\n"
        "  fft3d   transforms of a cube of -b to -e points along an edge (256) times -f (2) over all ranks "
        "of "
        "the\n"
        "          launch, there and back: slabs, pencils and FFTW's own (fftw-mpi, where it is installed) "
        "in "
        "turns;\n"
        "          -n samples (7) after -w (1); --algorithm NAME,NAME selects\n"
        "  gemm    matrix products of one rank, kernels in turns with the measured multiply-add peak: "
        "squares "
        "of -b\n"
        "          to -e (256 to 4K) times -f (2), and the products of --model NAME (gpt2-xl) for 1024 "
        "tokens;\n"
        "          only one of the two if only that is given. -d fp32|bf16|int8|fp8|all; -n samples (7) "
        "after -w "
        "(1);\n"
        "          -t threads (1); -c 0 skips checks; --algorithm NAME,NAME selects kernels\n"
        "  io      checkpoints through HDF5 and MPI-IO, and plain files (posix) in turns, of -b to -e bytes "
        "over all\n"
        "          ranks (1M to 1G) times -f (4); -n samples (3); --folder PATH is where (the current "
        "folder)\n"
        "  mem     copy, add and triad over three vectors of -b to -e bytes together (16K to 256M) times -f "
        "(16),\n"
        "          bytes counted as in STREAM; -n samples (7) after -w (1); --op NAME; -c\n"
        "  flips   bit flips that checks catch, by bit: -n flips (1000) in products of size -b (256), and as "
        "many\n"
        "          in all_reduces of as many elements\n"
        "  sizes take K, M and G for 2^10, 2^20 and 2^30; --json - writes only JSON\n",
    .run = run,
};
