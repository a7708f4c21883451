/* SPDX-License-Identifier: BSD-3-Clause */
/* A recorded history laid on the fleet: its entries one after the other, at scaled times, on their servers or
 * on random ones. Every rank reads the file for itself, so that nothing has to be sent. */
#ifndef MUIR_RELIABILITY_REPLAY_H
#define MUIR_RELIABILITY_REPLAY_H

#include "reliability/draws.h"
#include "scenario/fault_log.h"
#include "scenario/scenario.h"

typedef struct muir_replay muir_replay;

/* out  out  free it with muir_replay_destroy; untouched on error; NULL where the scenario replays nothing
 * Local. MUIR_ERR_ARG (the file has changed since the scenario was read), MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_replay_create(muir_ctx *ctx, const muir_scenario *scenario, muir_replay **out);
void muir_replay_destroy(muir_replay **replay); /* accepts NULL, leaves NULL */

/* When the next entry starts; INT64_MAX: none is left, or there is no replay. Local. */
int64_t muir_replay_next_ns(const muir_replay *replay);

/* Takes the next entry, with its place of draws for what the log does not say. Local. */
muir_log_entry muir_replay_take(muir_replay *replay, muir_draw *draw);

#endif
