/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of a matrix product, and their shares of a rank's cores. */
#include "kernels/blocked.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

enum { COLUMNS = MUIR_TILE_COLUMNS, ROWS = 42 * MUIR_TILE_ROWS, DEPTH = 512, PASSES = 4 };
enum { A_WORDS = ROWS * DEPTH, B_WORDS = 256 * DEPTH };

/* Multiply-adds of a product that is worth waking other threads for: some 50 us of one core. */
static const double least_shared = 1 << 23;

struct muir_workspace {
    int threads;
    uint32_t *words; /* [threads, B_WORDS + A_WORDS] */
};

/* One thread's rows and columns of a product. */
typedef struct share {
    const muir_packing *packing;
    void (*tile)(const muir_tile *tile);
    uint32_t *b_block, *a_block;
    muir_gemm_size size; /* of the whole product */
    size_t first_row, end_row, first_column, end_column;
    const char *a, *b;
    uint32_t *c;
} share;

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

muir_status muir_workspace_create(muir_ctx *ctx, int threads, muir_workspace **out)
{
    muir_status st = MUIR_OK;
    muir_workspace *w = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *w, "blocks of matrix products", &w));
    w->threads = threads;
    MUIR_TRY(muir_alloc(ctx, (size_t)threads * (B_WORDS + A_WORDS), sizeof *w->words,
                        "blocks of matrix products", &w->words));
    *out = w;
    w = NULL;
done:
    muir_workspace_destroy(&w);
    return st;
}

void muir_workspace_destroy(muir_workspace **workspace)
{
    if (!*workspace) return;
    free((*workspace)->words);
    free(*workspace);
    *workspace = NULL;
}

/* A block of a product: sizes in elements, of C at row and column, of A and B from k on. */
typedef struct block {
    size_t row, rows, column, columns, first_k, k, depth;
} block;

/* The rows of a block of A as words: as they stand where they are words, else packed. */
static const void *words_of_a(const share *s, const block *x, size_t *stride)
{
    const muir_packing *packing = s->packing;
    const char *a = s->a + (x->row * s->size.k + x->first_k) * packing->a_bytes;
    *stride = s->size.k * packing->a_bytes;
    if (packing->is_a_words && x->k % muir_word_elements(packing->word) == 0) return a;
    packing->pack_a(x->rows, x->k, a, s->size.k, s->a_block);
    *stride = x->depth * sizeof(uint32_t);
    return s->a_block;
}

/* As many columns of B as fit the second-level cache, against all rows of the block. */
static void run_columns(const share *s, const block *x, const char *a, size_t a_stride, size_t column,
                        size_t n)
{
    const muir_packing *packing = s->packing;
    const char *b = s->b + (x->first_k * s->size.n + column) * packing->b_bytes;
    muir_tile tile = {
        .depth = x->depth, .a_stride = a_stride, .c_stride = s->size.n, .is_first = x->first_k == 0};
    for (size_t j = 0; j < n; j += COLUMNS)
        packing->pack_b(x->k, least(COLUMNS, n - j), b + j * packing->b_bytes, s->size.n,
                        s->b_block + j * x->depth);
    for (size_t i = 0; i < x->rows; i += MUIR_TILE_ROWS)
        for (size_t j = 0; j < n; j += COLUMNS) {
            tile.rows = least(MUIR_TILE_ROWS, x->rows - i);
            tile.columns = least(COLUMNS, n - j);
            tile.a = a + i * a_stride;
            tile.b = s->b_block + j * x->depth;
            tile.c = s->c + (x->row + i) * s->size.n + column + j;
            s->tile(&tile);
        }
}

static void run_block(const share *s, const block *x)
{
    size_t a_stride = 0;
    const size_t width = B_WORDS / (x->depth > 0 ? x->depth : 1) / COLUMNS * COLUMNS;
    const char *a = words_of_a(s, x, &a_stride);
    for (size_t j = 0; j < x->columns; j += width)
        run_columns(s, x, a, a_stride, x->column + j, least(width, x->columns - j));
}

/* Parts of at most `most`, equal but for the last, in whole grains; 1 for nothing. */
static size_t part_of(size_t whole, size_t most, size_t grain)
{
    const size_t parts = whole / most + (whole % most > 0);
    return parts > 0 ? ((whole + parts - 1) / parts + grain - 1) / grain * grain : grain;
}

/* k = 0 is one block of depth 0, which clears C. */
static void run_share(const share *s)
{
    const size_t elements = muir_word_elements(s->packing->word);
    const size_t step = part_of((s->size.k + elements - 1) / elements, DEPTH, 1) * elements;
    const size_t wide = PASSES * (B_WORDS / (step / elements) / COLUMNS * COLUMNS);
    const size_t rows = part_of(s->end_row - s->first_row, ROWS, MUIR_TILE_ROWS);
    block x;
    for (x.column = s->first_column; x.column < s->end_column; x.column += wide) {
        x.columns = least(wide, s->end_column - x.column);
        x.first_k = 0;
        do {
            x.k = least(step, s->size.k - x.first_k);
            x.depth = (x.k + elements - 1) / elements;
            for (x.row = s->first_row; x.row < s->end_row; x.row += rows) {
                x.rows = least(rows, s->end_row - x.row);
                run_block(s, &x);
            }
            x.first_k += step;
        } while (x.first_k < s->size.k);
    }
}

/* Columns are shared out where there are two panels for each thread, rows otherwise. */
static void take_part(share *s, int part, int parts)
{
    const size_t panels = (s->size.n + COLUMNS - 1) / COLUMNS, i = (size_t)part, n = (size_t)parts;
    s->end_row = s->size.m;
    s->end_column = s->size.n;
    if (n == 1) return;
    if (panels >= 2 * n) {
        s->first_column = panels * i / n * COLUMNS;
        s->end_column = least(s->size.n, panels * (i + 1) / n * COLUMNS);
    } else {
        s->first_row = s->size.m * i / n;
        s->end_row = s->size.m * (i + 1) / n;
    }
}

void muir_blocked_run(const muir_packing *packing, void (*tile)(const muir_tile *tile),
                      muir_workspace *workspace, muir_gemm_size size, const void *a, const void *b, void *c)
{
    const double work = (double)size.m * (double)size.n * (double)size.k;
    const int parts = work < least_shared ? 1 : workspace->threads;
#ifdef _OPENMP
#pragma omp parallel for num_threads(parts) schedule(static, 1) if (parts > 1)
#endif
    for (int part = 0; part < parts; part++) {
        uint32_t *words = workspace->words + (size_t)part * (B_WORDS + A_WORDS);
        share s = {.packing = packing,
                   .tile = tile,
                   .b_block = words,
                   .a_block = words + B_WORDS,
                   .size = size,
                   .a = a,
                   .b = b,
                   .c = c};
        take_part(&s, part, parts);
        run_share(&s);
    }
}
