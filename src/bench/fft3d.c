/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of a distributed Fourier transform, and the transposes between them. Each pass reads memory once and
 * writes it once: what lines along dimension 2 make of a plane, and lines side by side along the others, stay
 * in cache until they have been put where the next exchange takes them. */
#include "bench/fft3d.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "collectives/shared.h"

/* Lines side by side that are transformed together: rows of two cache lines, and at 256 points 32 KiB.
 * Measured against 8 (1.2 times the time) and 32 (1.4 times). */
enum { TILE = 16 };

typedef struct value {
    float re, im;
} value;

/* An all_to_all among ranks, each of which has `block` values of room for each other. */
typedef struct exchange {
    muir_coll_comm *comm; /* NULL: one rank, nothing is exchanged */
    muir_coll_op *op;
    size_t block;
    value *send,
        *recv; /* [ranks, block], which the ranks of comm can reach; one buffer where there is none */
} exchange;

/* A plan for whole tiles, and one for the last tile of `rest` lines. */
typedef struct tile_plan {
    void *whole, *rest; /* NULL where there are no such tiles */
} tile_plan;

struct muir_fft3d {
    const struct muir_kernels *kernels; /* borrowed */
    const muir_fft_kernel *kernel;
    size_t n[3];
    size_t own0, own1, own2, after1; /* own parts of dimensions 0 and 1 before, of 2 and 1 after */
    exchange inner;                  /* dimension 1 becomes whole, 2 is cut: over columns */
    exchange outer;                  /* dimension 0 becomes whole, 1 is cut: over rows */
    void *lines2[2];                 /* between data and plane; 0: forward, 1: backward */
    tile_plan tile1[2], tile0[2];    /* from tile to lines; between tile and data */
    value *plane;                    /* [own1, n2] */
    value *tile, *lines;             /* [longer of n0 and n1, TILE] */
    double exchange_s;
};

static int ranks_of(const exchange *e)
{
    return e->comm ? e->comm->size : 1;
}

static size_t own_block(const muir_coll_comm *comm, size_t n)
{
    size_t first = 0, length = n;
    if (comm) muir_coll_block(n, comm->size, comm->rank, &first, &length);
    return length;
}

static size_t share(size_t n, int ranks)
{
    return (n + (size_t)ranks - 1) / (size_t)ranks;
}

static muir_status run_exchange(muir_ctx *ctx, muir_fft3d *f, exchange *e)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    if (!e->comm) return MUIR_OK;
    MUIR_TRY(muir_coll_run(ctx, e->op, e->send, e->recv));
    f->exchange_s += muir_now_s() - start_s;
done:
    return st;
}

/* Points of a dimension of n, cut over the ranks of `over`: those of rank r begin at r block + before n_r,
 * n_r of them, and lie `apart`. */
typedef struct cut_rows {
    const exchange *over; /* NULL: not cut */
    size_t n, block, before, apart;
} cut_rows;

static int parts_of(const cut_rows *rows)
{
    return rows->over ? ranks_of(rows->over) : 1;
}

/* The tile of `width` neighbours at every point: [n, width]. */
static void gather(const cut_rows *rows, const value *from, size_t width, value *tile)
{
    for (int r = 0; r < parts_of(rows); r++) {
        size_t first = 0, n = 0;
        muir_coll_block(rows->n, parts_of(rows), r, &first, &n);
        const value *part = from + (size_t)r * rows->block + rows->before * n;
        for (size_t i = 0; i < n; i++)
            memcpy(tile + (first + i) * width, part + i * rows->apart, width * sizeof *tile);
    }
}

static void scatter(const cut_rows *rows, const value *tile, size_t width, value *to)
{
    for (int r = 0; r < parts_of(rows); r++) {
        size_t first = 0, n = 0;
        muir_coll_block(rows->n, parts_of(rows), r, &first, &n);
        value *part = to + (size_t)r * rows->block + rows->before * n;
        for (size_t i = 0; i < n; i++)
            memcpy(part + i * rows->apart, tile + (first + i) * width, width * sizeof *tile);
    }
}

static void run_lines(const muir_fft3d *f, const void *plan, const value *from, value *to)
{
    f->kernel->run_lines(f->kernels, plan, (const float *)from, (float *)to);
}

static const void *plan_of(const tile_plan *plan, size_t width)
{
    return width == TILE ? plan->whole : plan->rest;
}

static size_t width_at(size_t n, size_t first)
{
    return n - first < TILE ? n - first : TILE;
}

/* Lines along dimension 1 through one x, from where the columns put them to where the rows take them, or
 * back; without columns they are in the plane. */
static void along1(muir_fft3d *f, int sign, size_t x, value *columns, value *rows)
{
    const bool is_cut = f->inner.comm != NULL;
    const cut_rows in_columns = {is_cut ? &f->inner : NULL, f->n[1], f->inner.block, is_cut ? x * f->own2 : 0,
                                 f->own2};
    const cut_rows in_rows = {&f->outer, f->n[1], f->outer.block, x * f->own2, f->own2};
    const cut_rows *from = sign < 0 ? &in_columns : &in_rows, *to = sign < 0 ? &in_rows : &in_columns;
    const value *source = sign < 0 ? columns : rows;
    value *target = sign < 0 ? rows : columns;
    for (size_t z = 0; z < f->own2; z += TILE) {
        const size_t width = width_at(f->own2, z);
        gather(from, source + z, width, f->tile);
        run_lines(f, plan_of(&f->tile1[sign > 0], width), f->tile, f->lines);
        scatter(to, f->lines, width, target + z);
    }
}

/* Lines along dimension 0, between what the rows exchange, [n0, own' n1, own n2], and data. */
static void along0(muir_fft3d *f, int sign, value *rows, value *data)
{
    const cut_rows in_rows = {&f->outer, f->n[0], f->outer.block, 0, f->after1 * f->own2};
    for (size_t y = 0; y < f->after1; y++)
        for (size_t z = 0; z < f->own2; z += TILE) {
            const size_t width = width_at(f->own2, z);
            const void *plan = plan_of(&f->tile0[sign > 0], width);
            value *lines = data + (z * f->after1 + y) * f->n[0], *at = rows + y * f->own2 + z;
            if (sign < 0) {
                gather(&in_rows, at, width, f->tile);
                run_lines(f, plan, f->tile, lines);
            } else {
                run_lines(f, plan, lines, f->tile);
                scatter(&in_rows, f->tile, width, at);
            }
        }
}

/* The plane through one x, between own lines along dimension 2 and what each column has of them. */
static void cut_plane(muir_fft3d *f, int sign, size_t x)
{
    const exchange *e = &f->inner;
    for (int c = 0; c < ranks_of(e); c++) {
        size_t first = 0, n = 0;
        muir_coll_block(f->n[2], ranks_of(e), c, &first, &n);
        for (size_t y = 0; y < f->own1; y++) {
            value *mine = f->plane + y * f->n[2] + first;
            const size_t theirs = (size_t)c * e->block + (x * f->own1 + y) * n;
            if (sign < 0)
                memcpy(e->send + theirs, mine, n * sizeof *mine);
            else
                memcpy(mine, e->recv + theirs, n * sizeof *mine);
        }
    }
}

static muir_status forward(muir_ctx *ctx, muir_fft3d *f, value *data)
{
    muir_status st = MUIR_OK;
    const bool is_slab = !f->inner.comm;
    for (size_t x = 0; x < f->own0 && f->own1 > 0; x++) {
        run_lines(f, f->lines2[0], data + x * f->own1 * f->n[2], f->plane);
        if (is_slab)
            along1(f, -1, x, f->plane, f->outer.send);
        else
            cut_plane(f, -1, x);
    }
    if (!is_slab) {
        MUIR_TRY(run_exchange(ctx, f, &f->inner));
        for (size_t x = 0; x < f->own0; x++) along1(f, -1, x, f->inner.recv, f->outer.send);
    }
    MUIR_TRY(run_exchange(ctx, f, &f->outer));
    along0(f, -1, f->outer.recv, data);
done:
    return st;
}

static muir_status backward(muir_ctx *ctx, muir_fft3d *f, value *data)
{
    muir_status st = MUIR_OK;
    const bool is_slab = !f->inner.comm;
    along0(f, 1, f->outer.send, data);
    MUIR_TRY(run_exchange(ctx, f, &f->outer));
    if (!is_slab) {
        for (size_t x = 0; x < f->own0; x++) along1(f, 1, x, f->inner.send, f->outer.recv);
        MUIR_TRY(run_exchange(ctx, f, &f->inner));
    }
    for (size_t x = 0; x < f->own0 && f->own1 > 0; x++) {
        if (is_slab)
            along1(f, 1, x, f->plane, f->outer.recv);
        else
            cut_plane(f, 1, x);
        run_lines(f, f->lines2[1], f->plane, data + x * f->own1 * f->n[2]);
    }
done:
    return st;
}

muir_status muir_fft3d_run(muir_ctx *ctx, muir_fft3d *f, int sign, float *numbers)
{
    value *data = (value *)(void *)numbers;
    return sign < 0 ? forward(ctx, f, data) : backward(ctx, f, data);
}

static muir_status prepare_exchange(muir_ctx *ctx, const muir_coll *algorithm, exchange *e)
{
    muir_status st = MUIR_OK;
    const size_t p = (size_t)ranks_of(e);
    if (!e->comm) {
        MUIR_TRY(muir_alloc(ctx, e->block, sizeof(value), "a Fourier transform", &e->send));
        e->recv = e->send;
        return MUIR_OK;
    }
    const muir_coll_spec spec = {.count = 2 * e->block * p, .dtype = MUIR_FP32};
    MUIR_TRY(muir_coll_op_create(ctx, e->comm, algorithm, &spec, &e->op));
    MUIR_TRY(muir_coll_alloc(ctx, e->comm, e->block * p * sizeof(value), &e->send));
    MUIR_TRY(muir_coll_alloc(ctx, e->comm, e->block * p * sizeof(value), &e->recv));
done:
    return st;
}

static void destroy_exchange(exchange *e)
{
    muir_coll_op_destroy(&e->op);
    if (e->comm) {
        muir_coll_free(e->comm, e->send);
        muir_coll_free(e->comm, e->recv);
    } else {
        free(e->send);
    }
}

static muir_coll_comm *used(muir_coll_comm *comm)
{
    return comm && comm->size > 1 ? comm : NULL;
}

static void set_sizes(const muir_fft3d_spec *spec, muir_fft3d *f)
{
    const size_t *n = spec->n;
    exchange *inner = &f->inner, *outer = &f->outer;
    memcpy(f->n, n, sizeof f->n);
    f->kernels = spec->kernels;
    f->kernel = spec->kernel;
    inner->comm = used(spec->columns);
    outer->comm = used(spec->rows);
    f->own0 = own_block(outer->comm, n[0]);
    f->own1 = own_block(inner->comm, n[1]);
    f->own2 = own_block(inner->comm, n[2]);
    f->after1 = own_block(outer->comm, n[1]);
    inner->block = inner->comm ? f->own0 * share(n[1], ranks_of(inner)) * share(n[2], ranks_of(inner)) : 0;
    outer->block = share(n[0], ranks_of(outer)) * share(n[1], ranks_of(outer)) * f->own2;
}

/* Tiles of `n` lines in all: whole ones, and the last. */
static muir_status prepare_tiles(muir_ctx *ctx, muir_fft3d *f, muir_fft_lines lines, bool is_in_tile,
                                 bool is_out_tile, int sign, tile_plan *plan)
{
    muir_status st = MUIR_OK;
    for (int is_rest = 0; is_rest < 2; is_rest++) {
        const size_t width = is_rest ? f->own2 % TILE : f->own2 < TILE ? 0 : TILE;
        if (width == 0) continue;
        lines.batch = width;
        if (is_in_tile) lines.in_point = width;
        if (is_out_tile) lines.out_point = width;
        MUIR_TRY(f->kernel->prepare_lines(ctx, f->kernels, lines, sign, (float *)f->tile, (float *)f->lines,
                                          is_rest ? &plan->rest : &plan->whole));
    }
done:
    return st;
}

static muir_status prepare_lines(muir_ctx *ctx, muir_fft3d *f)
{
    muir_status st = MUIR_OK;
    const size_t *n = f->n, apart = f->after1 > 0 ? f->after1 * n[0] : 1;
    for (int way = 0; way < 2; way++) {
        const int sign = way ? 1 : -1;
        if (f->own1 > 0)
            MUIR_TRY(f->kernel->prepare_lines(ctx, f->kernels,
                                              (muir_fft_lines){n[2], f->own1, 1, n[2], 1, n[2]}, sign,
                                              (float *)f->plane, (float *)f->tile, &f->lines2[way]));
        MUIR_TRY(
            prepare_tiles(ctx, f, (muir_fft_lines){n[1], 0, 0, 1, 0, 1}, true, true, sign, &f->tile1[way]));
        const muir_fft_lines out = {n[0], 0, 0, 1, 1, apart}, in = {n[0], 0, 1, apart, 0, 1};
        MUIR_TRY(prepare_tiles(ctx, f, way ? in : out, !way, way, sign, &f->tile0[way]));
    }
done:
    return st;
}

static muir_status prepare(muir_ctx *ctx, const muir_fft3d_spec *spec, muir_fft3d *f)
{
    muir_status st = MUIR_OK;
    static const char what[] = "a Fourier transform";
    set_sizes(spec, f);
    const size_t longest = f->n[0] > f->n[1] ? f->n[0] : f->n[1];
    MUIR_TRY(prepare_exchange(ctx, spec->algorithm, &f->inner));
    MUIR_TRY(prepare_exchange(ctx, spec->algorithm, &f->outer));
    MUIR_TRY(muir_alloc(ctx, f->own1 * f->n[2], sizeof(value), what, &f->plane));
    MUIR_TRY(muir_alloc(ctx, longest * TILE, sizeof(value), what, &f->tile));
    MUIR_TRY(muir_alloc(ctx, longest * TILE, sizeof(value), what, &f->lines));
    MUIR_TRY(prepare_lines(ctx, f));
done:
    return st;
}

muir_status muir_fft3d_create(muir_ctx *ctx, const muir_fft3d_spec *spec, muir_fft3d **out)
{
    muir_status st = MUIR_OK;
    muir_fft3d *f = NULL;
    if (spec->n[0] < 1 || spec->n[1] < 1 || spec->n[2] < 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "a grid of %zu x %zu x %zu has no points", spec->n[0], spec->n[1],
                         spec->n[2]);
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *f, "a Fourier transform", &f));
    MUIR_TRY(prepare(ctx, spec, f));
    *out = f;
    f = NULL;
done:
    muir_fft3d_destroy(&f);
    return st;
}

void muir_fft3d_destroy(muir_fft3d **fft)
{
    muir_fft3d *f = *fft;
    if (!f) return;
    destroy_exchange(&f->inner);
    destroy_exchange(&f->outer);
    for (int way = 0; way < 2; way++) {
        f->kernel->drop_lines(f->kernels, f->lines2[way]);
        f->kernel->drop_lines(f->kernels, f->tile1[way].whole);
        f->kernel->drop_lines(f->kernels, f->tile1[way].rest);
        f->kernel->drop_lines(f->kernels, f->tile0[way].whole);
        f->kernel->drop_lines(f->kernels, f->tile0[way].rest);
    }
    free(f->plane);
    free(f->tile);
    free(f->lines);
    free(f);
    *fft = NULL;
}

size_t muir_fft3d_values(const muir_fft3d *f)
{
    const size_t before = f->own0 * f->own1 * f->n[2], after = f->own2 * f->after1 * f->n[0];
    return before > after ? before : after;
}

double muir_fft3d_exchange_s(const muir_fft3d *f)
{
    return f->exchange_s;
}
