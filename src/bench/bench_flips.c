/* SPDX-License-Identifier: BSD-3-Clause */
/* muir bench flips: how many bit flips the checks of the host clock catch, by the position of the bit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "bench/bench.h"
#include "collectives/coll.h"
#include "host_clock/pattern.h"
#include "kernels/check.h"
#include "kernels/gemm.h"

enum { BITS = 32, DRAW_ELEMENT = 0, DRAW_COLLECTIVE = 1, DRAW_RANK = 2, SEED = 20260101 };

/* Flips of one bit in one kind of result. */
typedef struct score {
    int64_t planted, caught;
    int64_t equal; /* not caught, and the number is the same as before: the sign of a zero */
} score;

typedef struct flip_bench {
    const muir_bench_options *options;
    muir_kernels *kernels;
    muir_coll_comm *comm;
    muir_gemm_size size;
    float *a, *b, *c;
    muir_gemm_check *check;
    muir_coll_op *sum;
    float *send, *recv; /* [count] */
    size_t count;
    score product[BITS], collective[BITS];
} flip_bench;

/* Flips the bit in place. Returns whether the number is equal to what it was. */
static bool flip(float *x, int bit)
{
    uint32_t bits;
    const float before = *x;
    memcpy(&bits, x, sizeof bits);
    bits ^= UINT32_C(1) << bit;
    memcpy(x, &bits, sizeof bits);
    return *x == before;
}

static void count(score *s, bool is_caught, bool is_equal)
{
    s->planted++;
    s->caught += is_caught;
    s->equal += !is_caught && is_equal;
}

/* A product computed anew, one bit of one of its elements flipped, Freivalds' test. */
static muir_status try_product(muir_ctx *ctx, flip_bench *b, long long i)
{
    muir_status st = MUIR_OK;
    const int bit = (int)(i % BITS);
    const size_t elements = b->size.m * b->size.n;
    size_t row = 0;
    MUIR_TRY(b->kernels->chosen[MUIR_FP32].gemm->run(ctx, b->kernels, b->size, b->a, b->b, b->c));
    if (muir_gemm_check_run(b->check, b->c, &row) > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_CHECK, "a product was wrong before any bit was flipped"));
    float *x = &b->c[muir_rng_at(SEED, MUIR_STREAM_FLIP, DRAW_ELEMENT, (uint64_t)i) % elements];
    const bool is_equal = flip(x, bit);
    count(&b->product[bit], muir_gemm_check_run(b->check, b->c, &row) > 0, is_equal);
done:
    return st;
}

/* An all_reduce over all ranks, one bit of what one of them received flipped, the closed form. */
static muir_status try_collective(muir_ctx *ctx, flip_bench *b, long long i)
{
    muir_status st = MUIR_OK;
    const int bit = (int)(i % BITS), p = b->comm->size, rank = b->comm->rank;
    const uint32_t salt = (uint32_t)i;
    muir_pattern_fill(b->send, b->count, 0, rank, salt);
    MUIR_TRY(muir_coll_run(ctx, b->sum, b->send, b->recv));
    if (muir_pattern_check(MUIR_ALL_REDUCE, b->recv, b->count, p, rank, salt) > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_CHECK, "a sum was wrong before any bit was flipped"));
    const int hit = (int)(muir_rng_at(SEED, MUIR_STREAM_FLIP, DRAW_RANK, (uint64_t)i) % (uint32_t)p);
    float *x = &b->recv[muir_rng_at(SEED, MUIR_STREAM_FLIP, DRAW_COLLECTIVE, (uint64_t)i) % b->count];
    const bool is_equal = rank == hit && flip(x, bit);
    const size_t wrong = muir_pattern_check(MUIR_ALL_REDUCE, b->recv, b->count, p, rank, salt);
    if (rank == hit) count(&b->collective[bit], wrong > 0, is_equal);
done:
    return st;
}

static muir_status enter(muir_ctx *ctx, flip_bench *b)
{
    muir_status st = MUIR_OK;
    const muir_coll_spec spec = {.count = b->count, .dtype = MUIR_FP32, .reduce = MUIR_SUM};
    const size_t n = b->size.n;
    MUIR_TRY(muir_kernels_create(ctx, &b->kernels));
    MUIR_TRY(muir_alloc(ctx, n * n, sizeof(float), "a product", &b->a));
    MUIR_TRY(muir_alloc(ctx, n * n, sizeof(float), "a product", &b->b));
    MUIR_TRY(muir_alloc(ctx, n * n, sizeof(float), "a product", &b->c));
    muir_gemm_operands(MUIR_FP32, SEED, b->size, b->a, b->b);
    MUIR_TRY(muir_gemm_check_create(ctx, MUIR_FP32, SEED, b->size, b->a, b->b, &b->check));
    MUIR_TRY(muir_alloc(ctx, b->count, sizeof(float), "a sum", &b->send));
    MUIR_TRY(muir_alloc(ctx, b->count, sizeof(float), "a sum", &b->recv));
    MUIR_TRY(muir_coll_op_create(ctx, b->comm, muir_coll_find(MUIR_ALL_REDUCE, "ring"), &spec, &b->sum));
done:
    return st;
}

static void leave(flip_bench *b)
{
    muir_coll_op_destroy(&b->sum);
    muir_coll_comm_destroy(&b->comm);
    muir_gemm_check_destroy(&b->check);
    muir_kernels_destroy(&b->kernels);
    free(b->a);
    free(b->b);
    free(b->c);
    free(b->send);
    free(b->recv);
}

static const char *part_of(int bit)
{
    return bit == 31 ? "sign" : bit >= 23 ? "exponent" : "mantissa";
}

static double rate(const score *s)
{
    return s->planted > 0 ? 100.0 * (double)s->caught / (double)s->planted : 0.0;
}

static void print_row(const char *what, const score *p, const score *c)
{
    printf("%-14s %8lld %8lld %8.1f %8lld   %8lld %8lld %8.1f %8lld\n", what, (long long)p->planted,
           (long long)p->caught, rate(p), (long long)p->equal, (long long)c->planted, (long long)c->caught,
           rate(c), (long long)c->equal);
}

static void add(score *sum, const score *s)
{
    sum->planted += s->planted, sum->caught += s->caught, sum->equal += s->equal;
}

static json_t *json_score(const score *s)
{
    return json_pack("{s:I,s:I,s:I}", "planted", (json_int_t)s->planted, "caught", (json_int_t)s->caught,
                     "equal", (json_int_t)s->equal);
}

static void report(const flip_bench *b)
{
    score product = {0}, collective = {0};
    char name[32];
    if (b->options->is_table)
        printf("# one bit flipped in a product of n = %zu (%s), and in an all_reduce of %zu elements on %d "
               "ranks; equal: the\n"
               "# number stays what it was (-0 for 0), which no check can tell\n"
               "#              product                               collective\n"
               "# bit           planted   caught        %%    equal    planted   caught        %%    equal\n",
               b->size.n, b->kernels->chosen[MUIR_FP32].text, b->count, b->comm->size);
    for (int bit = BITS - 1; bit >= 0; bit--) {
        snprintf(name, sizeof name, "%2d %s", bit, part_of(bit));
        if (b->options->is_table) print_row(name, &b->product[bit], &b->collective[bit]);
        add(&product, &b->product[bit]);
        add(&collective, &b->collective[bit]);
        json_array_append_new(b->options->rows,
                              json_pack("{s:i,s:s,s:o,s:o}", "bit", bit, "part", part_of(bit), "product",
                                        json_score(&b->product[bit]), "collective",
                                        json_score(&b->collective[bit])));
    }
    if (b->options->is_table) print_row("all", &product, &collective);
}

/* Products are shared out over ranks; collectives are everybody's. */
static muir_status plant_all(muir_ctx *ctx, flip_bench *b, long long flips)
{
    muir_status st = MUIR_OK;
    for (long long i = 0; i < flips && st == MUIR_OK; i++)
        if (i / BITS % ctx->size == ctx->rank) st = try_product(ctx, b, i);
    MUIR_TRY(muir_agree(ctx, st));
    for (long long i = 0; i < flips; i++) MUIR_TRY(muir_agree(ctx, try_collective(ctx, b, i)));
    const int n = BITS * (int)(sizeof(score) / sizeof(int64_t));
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, b->product, n, MPI_INT64_T, MPI_SUM, ctx->comm));
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, b->collective, n, MPI_INT64_T, MPI_SUM, ctx->comm));
done:
    return st;
}

static muir_status run(muir_ctx *ctx, const muir_bench_options *o)
{
    muir_status st = MUIR_OK;
    const size_t n = (size_t)muir_bench_or(o->min, 256);
    flip_bench b = {.options = o, .size = {n, n, n}, .count = n * n};
    if (n > 4096) return muir_fail(ctx, MUIR_ERR_ARG, "-b %zu: products of up to n = 4096", n);
    MUIR_TRY(muir_coll_comm_create(ctx, ctx->comm, &b.comm));
    MUIR_TRY(muir_agree(ctx, enter(ctx, &b)));
    MUIR_TRY(plant_all(ctx, &b, muir_bench_or(o->iters, 1000)));
    if (muir_is_root(ctx)) report(&b);
done:
    leave(&b);
    return st;
}

const muir_bench muir_bench_flips = {.name = "flips", .takes = " -b -n ", .run = run};
