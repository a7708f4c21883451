/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing of stack files: text as people would write it, line by line. */
#include "validation/stack_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { WIDTH = 100 };

static const char *basis_word(int basis)
{
    static const char *const words[] = {"assumed", "pooled", "fitted", "calibrated"};
    return words[basis];
}

/* "key: >-" and the words of a text on lines of their own. */
static void put_folded(FILE *file, const char *key, const char *text)
{
    int column = 0;
    if (!*text) {
        fprintf(file, "%s: ''\n", key);
        return;
    }
    fprintf(file, "%s: >-\n  ", key);
    for (const char *word = text; *word;) {
        const int length = (int)strcspn(word, " ");
        if (column > 0 && column + 1 + length > WIDTH) column = 0, fprintf(file, "\n  ");
        fprintf(file, "%s%.*s", column > 0 ? " " : "", length, word);
        column += length + (column > 0);
        word += length;
        word += strspn(word, " ");
    }
    fprintf(file, "\n");
}

static void put_figures(FILE *file, const muir_stack *stack, bool has_basis)
{
    if (!has_basis) fprintf(file, "basis: %s\n", basis_word(stack->basis));
    fprintf(file, "rows: %lld\n", (long long)stack->rows);
    for (int f = 0; f < MUIR_FIGURES; f++)
        fprintf(file, "%s: %.4g\n", muir_figure_name(f), muir_figure_get(stack, f));
    fprintf(file, "spread:\n");
    for (int f = 0; f < MUIR_FIGURES; f++)
        fprintf(file, "  %s: %.3g\n", muir_figure_name(f), muir_figures_at(&stack->spread, f));
    put_folded(file, "correlation", stack->correlation);
}

static muir_status open_new(muir_ctx *ctx, const char *path, FILE **file)
{
    *file = fopen(path, "w");
    if (*file) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_FILE, "%s: cannot be written: %s", path, strerror(errno));
}

static muir_status close_new(muir_ctx *ctx, const char *path, FILE *file)
{
    const bool is_bad = ferror(file) != 0;
    if (fclose(file) == 0 && !is_bad) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_FILE, "%s: writing failed", path);
}

muir_status muir_stack_rewrite(muir_ctx *ctx, const char *path, const muir_stack *stack)
{
    muir_status st = MUIR_OK;
    char *text = NULL;
    size_t length = 0;
    FILE *file = NULL;
    MUIR_TRY(muir_text_read(ctx, path, &text, &length));
    char *end = strstr(text, MUIR_FITTED_LINE);
    if (end) *end = '\0';
    MUIR_TRY(open_new(ctx, path, &file));
    fprintf(file, "%s%s%s\n", text, end || !*text || text[strlen(text) - 1] == '\n' ? "" : "\n",
            MUIR_FITTED_LINE);
    put_figures(file, stack, strstr(text, "\nbasis:") != NULL);
    MUIR_TRY(close_new(ctx, path, file));
done:
    free(text);
    return st;
}

muir_status muir_stack_write(muir_ctx *ctx, const char *path, const char *description, const char *kind,
                             const char *source, const muir_stack *stack)
{
    muir_status st = MUIR_OK;
    FILE *file = NULL;
    MUIR_TRY(open_new(ctx, path, &file));
    fprintf(file,
            "# Written by `muir calibrate`: what the kind knows, brought up to date by measured rows.\n");
    put_folded(file, "description", description);
    fprintf(file, "kind: %s\n", kind);
    put_figures(file, stack, false);
    put_folded(file, "source", source);
    MUIR_TRY(close_new(ctx, path, file));
done:
    return st;
}
