/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of tables of published runs, as scenarios. */
#ifndef MUIR_VALIDATION_PUBLISHED_H
#define MUIR_VALIDATION_PUBLISHED_H

#include "base/csv.h"
#include "scenario/scenario.h"

/* The scenario that a row describes. Names are looked up in data/published_names.csv (kinds fleet, model and
 * software) and else as files. A model that data/models lacks is built from the columns layers, hidden,
 * heads, kv_heads, ffn, mlp, vocab, experts and topk. Empty cells leave what the software stack sets, which
 * is taken as STACK-CHIP (the chip's name may lose words from its end: STACK-a100 holds for a100-sxm-80gb) if
 * there is such a file in data/stacks, and as the chip's own otherwise. Rows of kind note and release in the
 * names say in key=value what software did otherwise when a row's notes or source have their text; of kind
 * since, when the source names that version or a later one ("SDK 2.19").
 * table     in   the table of published runs
 * names     in   data/published_names.csv
 * stack     in   a stack in place of the row's own; NULL: the row's
 * scenario  out  untouched on error
 * Collective over ctx->comm, which is one process. MUIR_ERR_ARG: why the row cannot be run, in one sentence.
 * */
muir_status muir_published_scenario(muir_ctx *ctx, const muir_csv *table, int row, const muir_csv *names,
                                    const char *stack, muir_scenario *scenario);

#endif
