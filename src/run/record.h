/* SPDX-License-Identifier: BSD-3-Clause */
/* The telemetry file of a run: its tables and columns, and how rows get into them. */
#ifndef MUIR_RUN_RECORD_H
#define MUIR_RUN_RECORD_H

#include "fleet_clock/fleet_clock.h"
#include "host_clock/host_clock.h"
#include "io/telemetry.h"

/* Tables of the file, in the order in which they are flushed. */
typedef enum muir_record_table {
    MUIR_TABLE_FLEET,
    MUIR_TABLE_EMULATION,
    MUIR_TABLE_RANK,
    MUIR_TABLE_SERVER,
    MUIR_TABLE_HOST,
    MUIR_TABLE_COLLECTIVES,
    MUIR_TABLE_EVENTS,
    MUIR_TABLE_COUNT
} muir_record_table;

/* What muir itself spent on a step, on rank 0. */
typedef struct muir_emulation_row {
    double fleet_clock_s, host_s, telemetry_s;
} muir_emulation_row;

typedef struct muir_record muir_record;

/* Makes the file, or opens it again.
 * host        in   borrowed until closed; NULL: the host clock does not run
 * is_resumed  in   append to an existing file of the same scenario
 * next_step   out  first step that the file lacks; 0 for a new file
 * out         out  free it with muir_record_close or muir_record_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG, MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_record_create(muir_ctx *ctx, const char *path, const muir_scenario *scenario,
                               const muir_host_clock *host, bool is_resumed, int64_t *next_step,
                               muir_record **out);

/* Puts one step's rows into the batches; allocates nothing.
 * servers  in   [servers], read on rank 0; NULL in steps without a server row
 * host     in   NULL in steps that the host clock left out
 * Local. MUIR_ERR_ARG if a batch is full. */
muir_status muir_record_put(muir_ctx *ctx, muir_record *record, int64_t step, const muir_fleet_row *fleet,
                            const muir_rank_row *rank, const float *servers, const muir_host_row *host,
                            const muir_emulation_row *emulation);

/* Puts the events of the fleet clock's last row, but for those that the file held when it was opened again.
 * Allocates nothing. Collective over ctx->comm where a batch gets full. MUIR_ERR_FILE. */
muir_status muir_record_put_events(muir_ctx *ctx, muir_record *record, const muir_fleet_clock *clock);

/* Brings a fleet clock to the state after the file's rows, and the table of events in step with them.
 * steps  in   rows of the file, as muir_record_create said
 * Collective over ctx->comm. MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_record_replay(muir_ctx *ctx, muir_record *record, int64_t steps, muir_fleet_clock *clock);

/* Whether some batch is full. The same on all ranks. Local. */
bool muir_record_is_full(const muir_record *record);

/* Writes all batches, and a row of the collectives so far. Collective over ctx->comm. MUIR_ERR_FILE. */
muir_status muir_record_flush(muir_ctx *ctx, muir_record *record);

/* Flushes and closes. Collective over ctx->comm. Accepts NULL, leaves NULL. MUIR_ERR_FILE. */
muir_status muir_record_close(muir_ctx *ctx, muir_record **record);

/* Frees without a flush, after a failure. Local. Accepts NULL, leaves NULL. */
void muir_record_destroy(muir_record **record);

#endif
