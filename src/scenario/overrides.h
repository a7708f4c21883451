/* SPDX-License-Identifier: BSD-3-Clause */
/* key=value texts from the command line, from a scenario's own `overrides` and from a stack's `settings`.
 * Private to scenario/. */
#ifndef MUIR_SCENARIO_OVERRIDES_H
#define MUIR_SCENARIO_OVERRIDES_H

#include "scenario/scenario.h"
#include "scenario/yaml.h"

typedef struct muir_overrides {
    char *text;         /* copy of the scenario's own, cut into pieces */
    const char **item;  /* [n] "key=value": the scenario's own first, then arguments */
    const char **where; /* [n] who gave it, starts messages */
    int n, n_own;
} muir_overrides;

/* own    in   the text of a file, pairs separated by blanks
 * whose  in   who wrote it, for messages: "the scenario's overrides"
 * given  in   [n_given] arguments, borrowed
 * list   out  free it with muir_overrides_free, also on error
 * Local. MUIR_ERR_ARG (no key=value), MUIR_ERR_MEM. */
muir_status muir_overrides_make(muir_ctx *ctx, const char *own, const char *whose, const char *const *given,
                                int n_given, muir_overrides *list);
void muir_overrides_free(muir_overrides *list); /* leaves an empty list */

/* Applies those that belong to the loader's kind of file; those of no kind belong to the scenario. Local.
 * MUIR_ERR_ARG. */
muir_status muir_overrides_apply(muir_ctx *ctx, muir_loader *loader, const muir_overrides *list);

/* `steps` and `days` say the same thing, so who gives one of them drops the other one of the file before:
 * `muir run rainier days=90`, whose file has steps. Where one hand gives both, both stay, to be refused.
 * Local. */
void muir_overrides_choose_length(const muir_overrides *list, muir_scenario *scenario);

/* What the software of a stack does unless the scenario says otherwise: sets keys that were not given. Local.
 * MUIR_ERR_ARG. */
muir_status muir_overrides_apply_settings(muir_ctx *ctx, muir_loader *loader, const char *stack,
                                          const char *settings);

#endif
