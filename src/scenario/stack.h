/* SPDX-License-Identifier: BSD-3-Clause */
/* Software stacks: files that take from the kind they belong to what they do not say themselves. */
#ifndef MUIR_SCENARIO_STACK_H
#define MUIR_SCENARIO_STACK_H

#include "models/job.h"
#include "scenario/yaml.h"

/* What all software has in common: the stack that kinds are kinds of. */
#define MUIR_ANY_STACK "any"

/* Reads a stack, and the kinds that it names, from the first to the last.
 * name    in   a name in data/stacks, or a path
 * where   in   who asks, starts the message
 * stack   out  kept by the loader
 * loader  out  of the stack's own file; a key that a kind gives counts as given
 * Local. MUIR_ERR_ARG: one sentence with file, line, key, value and what is allowed; also for kinds that name
 * each other. */
muir_status muir_stack_load(muir_ctx *ctx, const char *name, const char *where, muir_stack *stack,
                            muir_loader *loader);

/* The same, without overrides. Local; only rank 0 may. */
muir_status muir_stack_read(muir_ctx *ctx, const char *name, const char *where, muir_stack *stack);

/* Sets the spread of every figure that an override names to 0, unless it names that, too: who gives a number
 * of his own means it.
 * key  in   of the stack, without the prefix: "gemm"
 * Local. */
void muir_stack_give(muir_stack *stack, const char *key);

#endif
