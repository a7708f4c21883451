/* SPDX-License-Identifier: BSD-3-Clause */
/* Stack files as a fit writes them. */
#ifndef MUIR_VALIDATION_STACK_FILE_H
#define MUIR_VALIDATION_STACK_FILE_H

#include "estimate/belief.h"

/* The line from which on a file is written by a fit; what stands above it is left alone. */
#define MUIR_FITTED_LINE "# Below: fitted, written by `muir calibrate --pool`."

/* Writes figures, spreads, correlations, number of rows and basis at the end of a file, in place of what an
 * earlier fit wrote there. A basis that stands above is kept.
 * stack   in   with the figures already stored (muir_belief_store)
 * Local. MUIR_ERR_FILE, MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_stack_rewrite(muir_ctx *ctx, const char *path, const muir_stack *stack);

/* A new file: what it is, the stack that it starts from as its kind, and the same figures.
 * description, source  in   texts of one line
 * kind                 in   a name in data/stacks or a path
 * Local. MUIR_ERR_FILE. */
muir_status muir_stack_write(muir_ctx *ctx, const char *path, const char *description, const char *kind,
                             const char *source, const muir_stack *stack);

#endif
