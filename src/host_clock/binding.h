/* SPDX-License-Identifier: BSD-3-Clause */
/* Binding: which cores a rank runs on, and who said so. */
#ifndef MUIR_HOST_CLOCK_BINDING_H
#define MUIR_HOST_CLOCK_BINDING_H

#include "base/ctx.h"

enum { MUIR_BINDING_SIZE = 160 };

typedef struct muir_binding muir_binding;

/* Finds out where this rank may run. A launcher's binding stays as it is; without one, and where the ranks of
 * this host do not outnumber its cores, the rank takes its share of them, unless the launcher was told not to
 * bind.
 * is_wanted  in   false: nothing is changed
 * out        out  free it with muir_binding_destroy; untouched on error
 * Collective over ctx->comm. Source: hwloc where muir was built with it, else sched_getaffinity alone, which
 * knows neither cores from threads nor NUMA nodes. MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_binding_create(muir_ctx *ctx, bool is_wanted, muir_binding **out);

/* Gives back what muir itself took. Accepts NULL, leaves NULL. Local. */
void muir_binding_destroy(muir_binding **binding);

/* One line: "core 0 of 2, NUMA node 0, bound by the launcher". Local. */
const char *muir_binding_text(const muir_binding *binding);

#endif
