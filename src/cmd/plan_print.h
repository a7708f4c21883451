/* SPDX-License-Identifier: BSD-3-Clause */
/* What muir plan prints: the table, one layout to paste, JSON, CSV. */
#ifndef MUIR_CMD_PLAN_PRINT_H
#define MUIR_CMD_PLAN_PRINT_H

#include "plan/plan.h"

/* What the search was about. All borrowed. */
typedef struct muir_plan_view {
    const muir_scenario *scenario;
    const char *own;           /* the scenario whose own layout is placed too; NULL: none */
    const char *const *layout; /* [n_layout] fixed keys, "parallel.tp=8" */
    int n_layout;
    muir_plan_by by;
    int ranks;
} muir_plan_view;

/* Local; call on rank 0. */
void muir_plan_print(const muir_plan_view *view, const muir_plan *plan);

/* A layout as a command and its overrides. Local; call on rank 0. */
void muir_plan_show(const muir_plan_view *view, const muir_plan_entry *entry);

/* path  in  "-": standard output
 * Local; call on rank 0. MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_plan_json(muir_ctx *ctx, const muir_plan_view *view, const muir_plan *plan,
                           const char *path);
muir_status muir_plan_csv(muir_ctx *ctx, const muir_plan *plan, const char *path);

#endif
