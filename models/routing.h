/* SPDX-License-Identifier: BSD-3-Clause */
/* Where tokens go in a mixture of experts, routed evenly. */
#ifndef MUIR_MODELS_ROUTING_H
#define MUIR_MODELS_ROUTING_H

#include "models/job.h"

/* Probability that a token visits at least one of `held` neighbouring experts, when it visits topk experts
 * drawn evenly out of all E,
 *     P = 1 - C(E - held, topk) / C(E, topk)
 * or, where routing is limited to topk_groups of expert_groups groups of e experts, out of those groups,
 * themselves drawn evenly: the mean of 1 - C(A - j, topk) / C(A, topk), A = topk_groups e, over the number j
 * of held experts that lie in drawn groups (hypergeometric). So of n places with E / n experts each, a token
 * visits n P on average.
 * held  in   experts, 0 to E; the first ones of a group, if not whole groups
 * Local. Sources: hypergeometric distribution; DeepSeek-V3, arXiv 2412.19437, section 2.1.2 (node-limited
 * routing). */
double muir_model_visit(const muir_model *model, double held);

/* Times that a token's bytes are in its chip's send buffer: topk copies, or once for each chip that it
 * visits, where the stack sends so. Local. */
double muir_job_copies(const muir_job *job);

#endif
