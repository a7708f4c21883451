/* SPDX-License-Identifier: BSD-3-Clause */
/* The name of a telemetry file, claimed for one run from before its first step until its end.
 *
 * A new run locks PATH.part, which becomes PATH when the file is made; an older PATH stays where it is until
 * then, locked too, and is never overwritten: it goes on as PATH.bak, PATH.bak2 and so on. A run that goes on
 * locks PATH itself. Locks end with the process, however that ends. */
#ifndef MUIR_IO_CLAIM_H
#define MUIR_IO_CLAIM_H

#include "base/ctx.h"

typedef struct muir_claim muir_claim;

/* Claims a name, and leaves the file alone.
 * path        in   of the telemetry file; copied
 * is_resumed  in   an existing file goes on; where there is none, or an empty one, the claim is for a new one
 * out         out  free it with muir_claim_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG (another run writes or prepares the file, a file that muir did not
 * write, a folder, a device, a dangling link, a name that is too long, a folder that cannot be written to),
 * MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_claim_create(muir_ctx *ctx, const char *path, bool is_resumed, muir_claim **out);

/* Gives the name up, unless a telemetry has taken it over. Local. Accepts NULL, leaves NULL. */
void muir_claim_destroy(muir_claim **claim);

/* Whether a new file is to be made. The same on all ranks. Local. */
bool muir_claim_is_new(const muir_claim *claim);

/* The file's path; where `path` was a link, that of the file behind it. Local. */
const char *muir_claim_path(const muir_claim *claim);

/* Where the older file is now; "" where there was none, and before muir_claim_publish. On rank 0. Local. */
const char *muir_claim_backup(const muir_claim *claim);

/* For the telemetry: where to make a new file. Local. */
const char *muir_claim_part(const muir_claim *claim);

/* For whoever replaces a file that it has claimed: makes and locks an empty PATH.part.
 * lock  out  untouched on error
 * Local. MUIR_ERR_ARG if another run has it, or it is not muir's. */
muir_status muir_claim_lock_part(muir_ctx *ctx, const char *path, const char *part, int *lock);

/* For the telemetry: a new file is complete. Sets the older one aside and gives the new one its name. On rank
 * 0. Local. MUIR_ERR_FILE; the older file is then still there. */
muir_status muir_claim_publish(muir_ctx *ctx, muir_claim *claim);

/* For the telemetry: the descriptor that holds the lock, which is the caller's to close from now on; -1 on
 * ranks other than 0. Local. */
int muir_claim_take_lock(muir_claim *claim);

#endif
