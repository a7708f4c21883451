/* SPDX-License-Identifier: BSD-3-Clause */
/* Checkpoints: one HDF5 file that all ranks write at once through MPI-IO, with a checksum for every block. It
 * takes the place of an older one only when it is complete.
 *
 * In the file, for each part ("weights", "optimizer"):
 *     /PART/data      [bytes] the ranks' shares one after the other
 *     /PART/checksum  [blocks] Fletcher-64 of each block of `block_bytes` of a share, shares apart
 *     /PART/share     [ranks] length of each share [byte]
 * and the attributes format_version, step and block_bytes. */
#ifndef MUIR_IO_CHECKPOINT_H
#define MUIR_IO_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

enum { MUIR_CHECKPOINT_BLOCK = 1 << 20, MUIR_CHECKPOINT_PARTS = 8 };

/* This rank's share of one part. Names are the same on all ranks. */
typedef struct muir_checkpoint_part {
    const char *name;
    void *data; /* [bytes]; read by write, filled by read */
    size_t bytes;
} muir_checkpoint_part;

/* What it took. Executed on this machine; the slowest rank's. */
typedef struct muir_checkpoint_time {
    double data_s;     /* moving the data, and for a write until the disk has it */
    double checksum_s; /* computing checksums */
    double total_s;    /* everything: opening, metadata, renaming */
    int64_t bytes;     /* of all ranks */
} muir_checkpoint_time;

typedef struct muir_checkpoint muir_checkpoint;

/* Whether this build's HDF5 writes through MPI-IO; without, writing and reading fail with MUIR_ERR_ARG.
 * Local. */
bool muir_checkpoint_is_possible(void);

/* Makes room for what goes with the data, so that writing and reading make none of their own.
 * parts  in   [n_parts], at most MUIR_CHECKPOINT_PARTS; name and data are borrowed until it is destroyed
 * out    out  free it with muir_checkpoint_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_checkpoint_create(muir_ctx *ctx, const muir_checkpoint_part *parts, int n_parts,
                                   muir_checkpoint **out);
void muir_checkpoint_destroy(muir_checkpoint **checkpoint); /* local; accepts NULL, leaves NULL */

/* Writes the data as it is now to PATH.part, and renames that to PATH when the disk has it. What is written
 * leaves the page cache at once, and so does what is read.
 * step  in   stored
 * time  out  untouched on error
 * Collective over ctx->comm. MUIR_ERR_FILE with the reason (an older PATH is then still whole),
 * MUIR_ERR_MPI. */
muir_status muir_checkpoint_write(muir_ctx *ctx, muir_checkpoint *checkpoint, const char *path, int64_t step,
                                  muir_checkpoint_time *time);

/* Reads a checkpoint on as many ranks as wrote it, with the same parts and sizes, and verifies every block.
 * The data is also filled where a block is wrong.
 * step   out  as stored; untouched on error
 * time   out  untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG (another number of ranks, parts or sizes), MUIR_ERR_CHECK with
 * part, rank and bytes of the first damaged block, MUIR_ERR_FILE, MUIR_ERR_MPI. */
muir_status muir_checkpoint_read(muir_ctx *ctx, muir_checkpoint *checkpoint, const char *path, int64_t *step,
                                 muir_checkpoint_time *time);

#endif
