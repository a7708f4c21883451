/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading of software stacks, kind by kind. */
#include "scenario/stack.h"

#include <stdio.h>
#include <string.h>

#include "scenario/catalogue.h"

enum { MOST_KINDS = 6 };

/* What a file says of itself alone. */
static bool is_own(const char *key)
{
    static const char *const own[] = {"description", "kind", "software", "rows", "source"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(key, own[i]) == 0) return true;
    return false;
}

/* A stack that gives no figure of its own rests on the runs of its kind, if there are any. */
static void weaken(const muir_loader *loader, muir_stack *stack)
{
    if (!muir_yaml_is_given(loader, "basis") && stack->basis > MUIR_BASIS_POOLED)
        stack->basis = MUIR_BASIS_POOLED;
}

static muir_status load(muir_ctx *ctx, const char *name, const char *where, int depth, muir_stack *stack,
                        muir_loader *loader)
{
    muir_status st = MUIR_OK;
    char path[MUIR_PATH_SIZE], asks[MUIR_PATH_SIZE + 32];
    muir_stack kind;
    muir_loader kind_loader;
    char own[MUIR_NAME_SIZE] = "";
    snprintf(own, sizeof own, "%.63s", name);
    MUIR_TRY(muir_catalogue_find(ctx, "stacks", name, where, path, sizeof path));
    MUIR_TRY(muir_yaml_load(ctx, &muir_stack_schema, path, stack, loader));
    MUIR_TRY(muir_yaml_finish(ctx, loader));
    if (!stack->kind[0]) goto done;
    if (depth == MOST_KINDS)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "%s: kind '%s' is in a chain of more than %d kinds: does one of them name itself?",
                           path, stack->kind, MOST_KINDS));
    snprintf(asks, sizeof asks, "%s: kind", path);
    MUIR_TRY(load(ctx, stack->kind, asks, depth + 1, &kind, &kind_loader));
    muir_yaml_inherit(loader, &kind_loader, is_own);
    memcpy(stack->top_kind, kind.kind[0] ? kind.top_kind : own, sizeof stack->top_kind);
    weaken(loader, stack);
done:
    return st;
}

muir_status muir_stack_load(muir_ctx *ctx, const char *name, const char *where, muir_stack *stack,
                            muir_loader *loader)
{
    return load(ctx, name, where, 0, stack, loader);
}

muir_status muir_stack_read(muir_ctx *ctx, const char *name, const char *where, muir_stack *stack)
{
    muir_loader loader;
    return load(ctx, name, where, 0, stack, &loader);
}

void muir_stack_give(muir_stack *stack, const char *key)
{
    for (int f = 0; f < MUIR_FIGURE_COUNT; f++)
        if (strcmp(muir_figure_name(f), key) == 0) muir_figures_set(&stack->spread, f, 0.0);
}
