/* SPDX-License-Identifier: BSD-3-Clause */
/* Transposes between the lines of a distributed Fourier transform. */
#include "host_clock/fft3d.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "collectives/shared.h"

enum { TILE = 16 }; /* complex numbers; two tiles of 2 KiB stay in the first-level cache */

typedef struct value {
    float re, im;
} value;

/* One transpose: a dimension `v` that is cut over comm becomes whole and contiguous, and `w`, whole and
 * contiguous before, becomes cut; `k` stays as it is. Before, (k, v, w) lies at k k_stride + v v_stride + w;
 * after, at (k own_w + w) whole_v + v. */
typedef struct turn {
    muir_coll_comm *comm; /* NULL: one rank, nothing is cut */
    muir_coll_op *exchange;
    size_t k, own_v, whole_v, own_w, whole_w;
    size_t k_stride, v_stride;
    size_t block;       /* room for what one rank sends another: the largest such block */
    value *send, *recv; /* [ranks, block], which the ranks of comm can reach */
} turn;

struct muir_fft3d {
    muir_fft_lines lines;
    turn inner; /* dimension 1 becomes whole, 2 is cut: over columns */
    turn outer; /* dimension 0 becomes whole, 1 is cut: over rows */
    size_t values;
    value *other; /* the data in the layout between the transposes */
};

static int ranks_of(const turn *t)
{
    return t->comm ? t->comm->size : 1;
}

static void block_of(const turn *t, size_t n, int rank, size_t *first, size_t *length)
{
    muir_coll_block(n, ranks_of(t), rank, first, length);
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

/* to[w][v] = from[v][w], or back, in tiles that stay in cache. Strides in values. */
static void transpose(const value *restrict from, size_t from_stride, value *restrict to, size_t to_stride,
                      size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r += TILE)
        for (size_t c = 0; c < columns; c += TILE) {
            const size_t r_end = r + TILE < rows ? r + TILE : rows,
                         c_end = c + TILE < columns ? c + TILE : columns;
            for (size_t j = c; j < c_end; j++)
                for (size_t i = r; i < r_end; i++) to[j * to_stride + i] = from[i * from_stride + j];
        }
}

/* Blocks for every rank: [k, w of that rank, own v]. */
static void pack(const turn *t, const value *data, value *blocks)
{
    for (int rank = 0; rank < ranks_of(t); rank++) {
        size_t first = 0, n = 0;
        block_of(t, t->whole_w, rank, &first, &n);
        for (size_t k = 0; k < t->k; k++)
            transpose(data + k * t->k_stride + first, t->v_stride,
                      blocks + (size_t)rank * t->block + k * n * t->own_v, t->own_v, t->own_v, n);
    }
}

static void unpack_back(const turn *t, const value *blocks, value *data)
{
    for (int rank = 0; rank < ranks_of(t); rank++) {
        size_t first = 0, n = 0;
        block_of(t, t->whole_w, rank, &first, &n);
        for (size_t k = 0; k < t->k; k++)
            transpose(blocks + (size_t)rank * t->block + k * n * t->own_v, t->own_v,
                      data + k * t->k_stride + first, t->v_stride, n, t->own_v);
    }
}

/* Between blocks of every rank, [k, own w, v of that rank], and whole lines of v. */
static void join(const turn *t, const value *blocks, value *data)
{
    for (int rank = 0; rank < ranks_of(t); rank++) {
        size_t first = 0, n = 0;
        block_of(t, t->whole_v, rank, &first, &n);
        const value *from = blocks + (size_t)rank * t->block;
        for (size_t line = 0; line < t->k * t->own_w; line++)
            memcpy(data + line * t->whole_v + first, from + line * n, n * sizeof *data);
    }
}

static void cut(const turn *t, const value *data, value *blocks)
{
    for (int rank = 0; rank < ranks_of(t); rank++) {
        size_t first = 0, n = 0;
        block_of(t, t->whole_v, rank, &first, &n);
        value *to = blocks + (size_t)rank * t->block;
        for (size_t line = 0; line < t->k * t->own_w; line++)
            memcpy(to + line * n, data + line * t->whole_v + first, n * sizeof *data);
    }
}

/* From `data` to `other`, either way. */
static muir_status turn_over(muir_ctx *ctx, const turn *t, int sign, const value *data, value *other)
{
    muir_status st = MUIR_OK;
    if (!t->comm) {
        if (sign < 0)
            pack(t, data, other);
        else
            unpack_back(t, data, other);
        return MUIR_OK;
    }
    if (sign < 0)
        pack(t, data, t->send);
    else
        cut(t, data, t->send);
    MUIR_TRY(muir_coll_run(ctx, t->exchange, t->send, t->recv));
    if (sign < 0)
        join(t, t->recv, other);
    else
        unpack_back(t, t->recv, other);
done:
    return st;
}

static muir_status run_lines(muir_ctx *ctx, const muir_fft3d *f, value *data, size_t n, size_t batch,
                             int sign)
{
    return batch == 0 ? MUIR_OK : f->lines.run(ctx, f->lines.state, (float *)data, n, batch, sign);
}

static size_t lines_after(const turn *t)
{
    return t->k * t->own_w;
}

muir_status muir_fft3d_run(muir_ctx *ctx, muir_fft3d *f, int sign, float *numbers)
{
    muir_status st = MUIR_OK;
    value *data = (value *)(void *)numbers;
    const turn *inner = &f->inner, *outer = &f->outer;
    const size_t first_lines = inner->k * inner->own_v;
    if (sign < 0) {
        MUIR_TRY(run_lines(ctx, f, data, inner->whole_w, first_lines, sign));
        MUIR_TRY(turn_over(ctx, inner, sign, data, f->other));
        MUIR_TRY(run_lines(ctx, f, f->other, inner->whole_v, lines_after(inner), sign));
        MUIR_TRY(turn_over(ctx, outer, sign, f->other, data));
        MUIR_TRY(run_lines(ctx, f, data, outer->whole_v, lines_after(outer), sign));
    } else {
        MUIR_TRY(run_lines(ctx, f, data, outer->whole_v, lines_after(outer), sign));
        MUIR_TRY(turn_over(ctx, outer, sign, data, f->other));
        MUIR_TRY(run_lines(ctx, f, f->other, inner->whole_v, lines_after(inner), sign));
        MUIR_TRY(turn_over(ctx, inner, sign, f->other, data));
        MUIR_TRY(run_lines(ctx, f, data, inner->whole_w, first_lines, sign));
    }
done:
    return st;
}

static muir_status prepare_turn(muir_ctx *ctx, const muir_coll *algorithm, turn *t)
{
    muir_status st = MUIR_OK;
    const size_t p = (size_t)ranks_of(t);
    t->block = t->k * share(t->whole_v, (int)p) * share(t->whole_w, (int)p);
    if (!t->comm) return MUIR_OK;
    const muir_coll_spec spec = {.count = 2 * t->block * p, .dtype = MUIR_FP32};
    MUIR_TRY(muir_coll_op_create(ctx, t->comm, algorithm, &spec, &t->exchange));
    MUIR_TRY(muir_coll_alloc(ctx, t->comm, t->block * p * sizeof(value), &t->send));
    MUIR_TRY(muir_coll_alloc(ctx, t->comm, t->block * p * sizeof(value), &t->recv));
done:
    return st;
}

static void destroy_turn(turn *t)
{
    muir_coll_op_destroy(&t->exchange);
    if (!t->comm) return;
    muir_coll_free(t->comm, t->send);
    muir_coll_free(t->comm, t->recv);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static muir_coll_comm *used(muir_coll_comm *comm)
{
    return comm && comm->size > 1 ? comm : NULL;
}

static muir_status prepare(muir_ctx *ctx, const muir_fft3d_spec *spec, muir_fft3d *f)
{
    muir_status st = MUIR_OK;
    const size_t *n = spec->n;
    turn *inner = &f->inner, *outer = &f->outer;
    f->lines = *spec->lines;
    inner->comm = used(spec->columns);
    outer->comm = used(spec->rows);
    inner->k = outer->own_v = own_block(outer->comm, n[0]);
    inner->own_v = own_block(inner->comm, n[1]);
    inner->own_w = outer->k = own_block(inner->comm, n[2]);
    outer->own_w = own_block(outer->comm, n[1]);
    inner->whole_v = outer->whole_w = n[1];
    inner->whole_w = n[2];
    outer->whole_v = n[0];
    inner->v_stride = n[2], inner->k_stride = inner->own_v * n[2];
    outer->k_stride = n[1], outer->v_stride = outer->k * n[1];
    MUIR_TRY(prepare_turn(ctx, spec->algorithm, inner));
    MUIR_TRY(prepare_turn(ctx, spec->algorithm, outer));
    f->values = larger(inner->k * inner->own_v * inner->whole_w, lines_after(outer) * outer->whole_v);
    MUIR_TRY(muir_alloc(ctx, lines_after(inner) * inner->whole_v, sizeof(value), "a Fourier transform",
                        &f->other));
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
    destroy_turn(&f->inner);
    destroy_turn(&f->outer);
    free(f->other);
    free(f);
    *fft = NULL;
}

size_t muir_fft3d_values(const muir_fft3d *f)
{
    return f->values;
}
