/* SPDX-License-Identifier: BSD-3-Clause */
/* What the telemetry file of a run holds: dimensions, tables, constants and attributes. Private to run/. */
#ifndef MUIR_RUN_DESCRIBE_H
#define MUIR_RUN_DESCRIBE_H

#include "run/record.h"

typedef struct muir_describe muir_describe;

/* Gathers what the file says about the launch and the scenario.
 * host     in   NULL where the host clock does not run
 * facts    in   of the file; what it points to is borrowed until destroyed
 * out   out  free it with muir_describe_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_describe_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_host_clock *host,
                                 const muir_record_facts *facts, muir_describe **out);
/* The same for a file without steps: what every file says of itself and of the scenario.
 * history  in  borrowed until destroyed */
muir_status muir_describe_create_plain(muir_ctx *ctx, const muir_scenario *scenario, const char *history,
                                       muir_describe **out);
void muir_describe_destroy(muir_describe **describe); /* accepts NULL, leaves NULL */

/* For muir_telemetry_start; borrowed from describe. Local. */
const muir_description *muir_describe_get(const muir_describe *describe);

/* Whether this run's file has the table, and its index there. Local. */
bool muir_describe_has_table(const muir_describe *describe, muir_record_table table);
size_t muir_describe_table(const muir_describe *describe, muir_record_table table);

/* Every option that decides what the fleet clock computes, a line each: equal texts mean that a run may go
 * on.
 * text  out  freed with free(); untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_describe_identity(muir_ctx *ctx, const muir_scenario *scenario, char **text);

#endif
