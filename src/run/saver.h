/* SPDX-License-Identifier: BSD-3-Clause */
/* Real checkpoints: what the fleet clock saves on storage, ranks really write; what it loads from there, they
 * really read and verify. Tiers in memory and on servers' own disks stay modelled: storage is the one that
 * all ranks share.
 *
 * Two files take turns, so that there is one to go back to while the other is being written. A checkpoint
 * that falls due in a step that the host clock leaves out waits for its next step; one that is overtaken
 * by two newer ones there, and that no restart asks for, is only counted. */
#ifndef MUIR_RUN_SAVER_H
#define MUIR_RUN_SAVER_H

#include "reliability/events.h"
#include "host_clock/host_clock.h"

enum { MUIR_SAVER_FILES = 2, MUIR_SAVER_MESSAGE = 512 };

typedef struct muir_saver muir_saver;

/* What came of it in this launch. The same on all ranks. */
typedef struct muir_saver_totals {
    int64_t overtaken;         /* writes that newer ones took the place of */
    int64_t gone;              /* restarts from a state older than the files that are kept */
    int64_t verified, renewed; /* of a resumed run: files that held what they should; that are written anew */
    int64_t wrong;             /* of a resumed run: files that were damaged */
    char damage[MUIR_SAVER_MESSAGE]; /* the first wrong read, "" if there was none */
} muir_saver_totals;

/* Makes the data and the room for writing it.
 * scenario  in   borrowed; outlives the saver
 * facts     in   sizes; borrowed for the call
 * path      in   of the telemetry file, whose name the checkpoints take; NULL: "muir"
 * out       out  free it with muir_saver_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG if the folder cannot be written to, MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_saver_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_snapshot_facts *facts,
                              const char *path, muir_saver **out);
void muir_saver_destroy(muir_saver **saver); /* local; accepts NULL, leaves NULL; files stay */

/* What is due: a state saved after `step` steps of progress, or loaded again. Local. */
void muir_saver_note_saved(muir_saver *saver, int64_t step);
void muir_saver_note_loaded(muir_saver *saver, int64_t step);

/* The same from what happened in the fleet clock's last row. Local. Accepts NULL. */
void muir_saver_note(muir_saver *saver, const muir_events *events);

/* A step of the host clock that an earlier launch executed: what was due is done. Local. Accepts NULL. */
void muir_saver_replay(muir_saver *saver);

/* After a replay: reads and verifies the files that should be there; those that are not, or have other sizes,
 * are written anew in the next step. Collective over ctx->comm. MUIR_ERR_MPI. Accepts NULL. */
muir_status muir_saver_resume(muir_ctx *ctx, muir_saver *saver);

/* Writes and reads what is due; allocates nothing. A read that does not give what was written is no error
 * here: it is counted.
 * saves  out  zeroed by the caller
 * Collective over ctx->comm. MUIR_ERR_FILE with file and cause. Accepts NULL. */
muir_status muir_saver_step(muir_ctx *ctx, muir_saver *saver, muir_host_saves *saves);

/* The run is over: removes the files, unless host.checkpoint_keep. Local. Accepts NULL. */
void muir_saver_finish(const muir_ctx *ctx, muir_saver *saver);

const muir_saver_totals *muir_saver_get(const muir_saver *saver);

/* Path of file 0 or 1. Local. */
const char *muir_saver_path(const muir_saver *saver, int file);

#endif
