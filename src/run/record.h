/* SPDX-License-Identifier: BSD-3-Clause */
/* The telemetry file of a run: its tables and columns, and how rows get into them. */
#ifndef MUIR_RUN_RECORD_H
#define MUIR_RUN_RECORD_H

#include "run/table_rows.h"
#include "run/tables.h"

typedef struct muir_record muir_record;

/* What a new file says of itself, and how long it will be. */
typedef struct muir_record_facts {
    const char *history; /* how and when it is made; borrowed until closed */
    int64_t steps;       /* expected; 0: unknown */
} muir_record_facts;

/* Makes the file, or opens it again to append to it; then it must be of the same scenario.
 * claim       in   on the file, as muir_telemetry_start takes it
 * host        in   borrowed until closed; NULL: the host clock does not run
 * facts       in   of a new file
 * next_step   out  first step that the file lacks; 0 for a new file
 * out         out  free it with muir_record_close or muir_record_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG, MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_record_create(muir_ctx *ctx, muir_claim *claim, const muir_scenario *scenario,
                               const muir_host_clock *host, const muir_record_facts *facts,
                               int64_t *next_step, muir_record **out);

/* Puts one step's rows into the batches; allocates nothing.
 * servers  in   [servers], read on rank 0; NULL in steps without a server row
 * host     in   NULL in steps that the host clock left out
 * Local. MUIR_ERR_ARG if a batch is full. */
muir_status muir_record_put(muir_ctx *ctx, muir_record *record, int64_t step, const muir_fleet_row *fleet,
                            const muir_rank_row *rank, const float *servers, const muir_host_row *host,
                            const muir_emulation_row *emulation);

/* Puts what a step of the host clock left beside its row: bit flips, executed ops. Flushes where they outgrow
 * a batch. Collective over ctx->comm. MUIR_ERR_MPI, MUIR_ERR_FILE. */
muir_status muir_record_put_details(muir_ctx *ctx, muir_record *record, int64_t step,
                                    const muir_host_clock *host);

/* Frequencies of a power trace's spectral density: those of power.segment_s, or of the window if that is
 * shorter; at least 2. Local. */
size_t muir_record_frequencies(const muir_scenario *scenario);

/* Puts a row into a table, between steps; flushes all where the batch is full.
 * row         in   of the table's type in tables.def
 * coordinate  in   greater than the row's before
 * Collective over ctx->comm. MUIR_ERR_FILE. */
muir_status muir_record_put_row(muir_ctx *ctx, muir_record *record, muir_record_table table, const void *row,
                                int64_t coordinate);

/* Coordinate of a table's last row; false if there is none. Local. */
bool muir_record_last(const muir_record *record, muir_record_table table, int64_t *row);

/* Cuts a table to its rows before a coordinate, in a file just opened. Collective over ctx->comm.
 * MUIR_ERR_FILE. */
muir_status muir_record_cut(muir_ctx *ctx, muir_record *record, muir_record_table table, int64_t row);

/* Puts the events of the fleet clock's last row, but for those that the file held when it was opened again.
 * Allocates nothing. Collective over ctx->comm where a batch gets full. MUIR_ERR_FILE. */
muir_status muir_record_put_events(muir_ctx *ctx, muir_record *record, const muir_fleet_clock *clock);

/* Called for each row of a file in turn. Brings the fleet clock to the state after it.
 * attempt_s  in  of the row */
typedef muir_status (*muir_record_visit)(muir_ctx *ctx, int64_t step, double attempt_s, void *data);

/* Visits the file's rows, and brings the table of events in step with them.
 * steps  in   rows of the file, as muir_record_create said
 * clock  in   that the visits move on
 * Collective over ctx->comm. MUIR_ERR_FILE, MUIR_ERR_MEM, and what a visit returns. */
muir_status muir_record_replay(muir_ctx *ctx, muir_record *record, int64_t steps, muir_fleet_clock *clock,
                               muir_record_visit visit, void *data);

/* Whether some batch is full. The same on all ranks. Local. */
bool muir_record_is_full(const muir_record *record);

/* Writes all batches, and a row of the collectives so far. Collective over ctx->comm. MUIR_ERR_FILE. */
muir_status muir_record_flush(muir_ctx *ctx, muir_record *record);

/* Flushes and closes. pack_s and size as in muir_telemetry_close. Collective over ctx->comm. Accepts NULL,
 * leaves NULL. MUIR_ERR_FILE. */
muir_status muir_record_close(muir_ctx *ctx, muir_record **record, double pack_s, muir_telemetry_size *size);

/* Frees without a flush, after a failure. Local. Accepts NULL, leaves NULL. */
void muir_record_destroy(muir_record **record);

#endif
