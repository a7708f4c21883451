/* SPDX-License-Identifier: BSD-3-Clause */
/* muir bench mem: memory streams at sizes of every cache and of main memory. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/statistics.h"
#include "bench/bench.h"
#include "kernels/mem.h"

enum { MOST_SAMPLES = 1000 };
static const double sample_s = 2e-3; /* at least; small vectors are gone over again */

typedef struct mem_bench {
    const muir_bench_options *options;
    muir_mem *mem;
    int samples, warm_up;
    double rate[MUIR_MEM_KIND_COUNT][MOST_SAMPLES]; /* byte/s */
    size_t wrong[MUIR_MEM_KIND_COUNT];
} mem_bench;

static bool is_wanted(const muir_bench_options *o, muir_mem_stream_kind kind)
{
    return !o->op || strcmp(o->op, muir_mem_name(kind)) == 0;
}

static void take_sample(mem_bench *b, muir_mem_stream_kind kind, int sample)
{
    const size_t bytes = b->mem->count * muir_mem_element_bytes(kind);
    double moved = 0.0, time_s = 0.0;
    const double start_s = muir_now_s();
    while (time_s < sample_s) {
        muir_mem_stream(b->mem, kind, bytes);
        moved += (double)bytes;
        time_s = muir_now_s() - start_s;
    }
    if (sample >= 0) b->rate[kind][sample] = moved / time_s;
    if (!b->options->is_unchecked) b->wrong[kind] += muir_mem_check(b->mem, kind);
}

static void add_row(mem_bench *b, muir_mem_stream_kind kind)
{
    const double rate = muir_median(b->rate[kind], (size_t)b->samples);
    const size_t bytes = 3 * sizeof(float) * b->mem->count;
    if (b->options->is_table)
        printf("%8s %12zu %10.2f %6zu\n", muir_mem_name(kind), bytes, 1e-9 * rate, b->wrong[kind]);
    json_array_append_new(b->options->rows, json_pack("{s:s,s:I,s:f,s:I}", "op", muir_mem_name(kind), "bytes",
                                                      (json_int_t)bytes, "byte_per_s", rate, "wrong",
                                                      (json_int_t)b->wrong[kind]));
}

static muir_status bench_size(muir_ctx *ctx, mem_bench *b, size_t bytes)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_mem_create(ctx, bytes, &b->mem));
    memset(b->wrong, 0, sizeof b->wrong);
    for (int sample = -b->warm_up; sample < b->samples; sample++)
        for (muir_mem_stream_kind kind = 0; kind < MUIR_MEM_KIND_COUNT; kind++)
            if (is_wanted(b->options, kind)) take_sample(b, kind, sample);
    for (muir_mem_stream_kind kind = 0; kind < MUIR_MEM_KIND_COUNT; kind++)
        if (is_wanted(b->options, kind)) add_row(b, kind);
    fflush(stdout);
done:
    muir_mem_destroy(&b->mem);
    return st;
}

static muir_status check_options(muir_ctx *ctx, const muir_bench_options *o)
{
    bool is_known = !o->op;
    for (muir_mem_stream_kind kind = 0; kind < MUIR_MEM_KIND_COUNT; kind++)
        is_known = is_known || strcmp(o->op, muir_mem_name(kind)) == 0;
    if (!is_known)
        return muir_fail(ctx, MUIR_ERR_ARG, "--op '%s' is unknown; known: copy, add, triad", o->op);
    if (ctx->size > 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "muir bench mem measures one rank, but this launch has %d",
                         ctx->size);
    if (o->iters > MOST_SAMPLES) return muir_fail(ctx, MUIR_ERR_ARG, "-n is at most %d", MOST_SAMPLES);
    return MUIR_OK;
}

static muir_status run(muir_ctx *ctx, const muir_bench_options *o)
{
    muir_status st = MUIR_OK;
    mem_bench b = {.options = o,
                   .samples = (int)muir_bench_or(o->iters, 7),
                   .warm_up = o->warm_up < 0 ? 1 : (int)o->warm_up};
    const long long min = muir_bench_or(o->min, o->max > 0 && o->max < 16384 ? o->max : 16384);
    const long long max = muir_bench_or(o->max, min > (256 << 20) ? min : 256 << 20),
                    factor = muir_bench_or(o->factor, 16);
    MUIR_TRY(check_options(ctx, o));
    if (o->is_table)
        printf("# one rank, one thread; medians of %d samples in turns; bytes as STREAM counts them, each "
               "element read "
               "and written once\n"
               "#     op  vectors (B)       GB/s  wrong\n",
               b.samples);
    for (long long bytes = min; bytes <= max; bytes *= factor) MUIR_TRY(bench_size(ctx, &b, (size_t)bytes));
done:
    return st;
}

const muir_bench muir_bench_mem = {.name = "mem", .takes = " -b -e -f -n -w -c --op ", .run = run};
