/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of a matrix product, and their shares of a rank's cores. */
#include "kernels/blocked.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

enum { DEPTH = 512, B_WORDS = 512 * 256, A_WORDS = MUIR_TILE_ROWS * DEPTH, COLUMNS = MUIR_TILE_COLUMNS };

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

/* Some rows of A against a packed block of B: elements first_k .. first_k + k, columns column .. column + n.
 * */
static void run_rows(const share *s, size_t row, size_t first_k, size_t k, size_t column, size_t n)
{
    const muir_packing *packing = s->packing;
    const size_t elements = muir_word_elements(packing->word), depth = (k + elements - 1) / elements;
    const char *a = s->a + (row * s->size.k + first_k) * packing->a_bytes;
    muir_tile tile = {.rows = least(MUIR_TILE_ROWS, s->end_row - row),
                      .depth = depth,
                      .a = a,
                      .a_stride = s->size.k * packing->a_bytes,
                      .c_stride = s->size.n,
                      .is_first = first_k == 0};
    if (!packing->is_a_words || k % elements) {
        packing->pack_a(tile.rows, k, a, s->size.k, s->a_block);
        tile.a = s->a_block;
        tile.a_stride = depth * sizeof(uint32_t);
    }
    for (size_t j = 0; j < n; j += COLUMNS) {
        tile.columns = least(COLUMNS, n - j);
        tile.b = s->b_block + j * depth;
        tile.c = s->c + row * s->size.n + column + j;
        s->tile(&tile);
    }
}

static void pack_block(const share *s, size_t first_k, size_t k, size_t column, size_t n)
{
    const muir_packing *packing = s->packing;
    const size_t elements = muir_word_elements(packing->word), depth = (k + elements - 1) / elements;
    for (size_t j = 0; j < n; j += COLUMNS)
        packing->pack_b(k, least(COLUMNS, n - j),
                        s->b + (first_k * s->size.n + column + j) * packing->b_bytes, s->size.n,
                        s->b_block + j * depth);
}

/* Depths are equal but for the last; k = 0 is one block of depth 0, which clears C. */
static void run_share(const share *s)
{
    const size_t elements = muir_word_elements(s->packing->word);
    const size_t words = (s->size.k + elements - 1) / elements,
                 n_depths = words / DEPTH + (words % DEPTH > 0);
    const size_t depth = n_depths > 0 ? (words + n_depths - 1) / n_depths : 1;
    const size_t width = B_WORDS / depth / COLUMNS * COLUMNS, step = depth * elements;
    for (size_t column = s->first_column; column < s->end_column; column += width) {
        const size_t n = least(width, s->end_column - column);
        size_t first_k = 0;
        do {
            const size_t k = least(step, s->size.k - first_k);
            pack_block(s, first_k, k, column, n);
            for (size_t row = s->first_row; row < s->end_row; row += MUIR_TILE_ROWS)
                run_rows(s, row, first_k, k, column, n);
            first_k += step;
        } while (first_k < s->size.k);
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
    const int parts = workspace->threads;
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
