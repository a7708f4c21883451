/* SPDX-License-Identifier: BSD-3-Clause */
/* What a checkpoint holds, and its file as writing and reading see it. Private to checkpoint*.c. */
#ifndef MUIR_IO_CHECKPOINT_STATE_H
#define MUIR_IO_CHECKPOINT_STATE_H

#include "io/checkpoint.h"
#include "io/h5.h"

/* Bytes that are moved at a time: few, so that a slice is still in the cache when it moves after its checksum
 * is taken, or the other way round, and so that little of the file lies in memory. Whole blocks. */
enum { MUIR_CHECKPOINT_FORMAT = 1, MUIR_CHECKPOINT_SLICE = 4 * MUIR_CHECKPOINT_BLOCK };

/* One part over all ranks. */
typedef struct muir_checkpoint_layout {
    muir_checkpoint_part part;        /* mine; its data is borrowed */
    int64_t *share;                   /* [ranks], byte */
    int64_t first, bytes;             /* mine [byte] */
    int64_t total;                    /* of all ranks [byte] */
    int64_t first_block, blocks, all; /* mine and all, in blocks */
    uint64_t *checksum;               /* [blocks], mine */
} muir_checkpoint_layout;

struct muir_checkpoint {
    muir_checkpoint_layout layout[MUIR_CHECKPOINT_PARTS];
    int n_parts;
    int64_t bytes; /* of all ranks */
};

/* Opens the file, or makes it anew. Collective over ctx->comm. MUIR_ERR_ARG, MUIR_ERR_FILE. */
muir_status muir_checkpoint_open(muir_ctx *ctx, const char *path, bool is_created, hid_t *file);

/* Attributes. Collective where they are written. MUIR_ERR_FILE. */
muir_status muir_checkpoint_put_number(muir_ctx *ctx, const char *path, hid_t object, const char *name,
                                       int64_t value);
muir_status muir_checkpoint_get_number(muir_ctx *ctx, const char *path, hid_t object, const char *name,
                                       int64_t *value);

/* Moves `count` elements between memory and the dataset's elements from `first` on; this rank alone. Local.
 * MUIR_ERR_FILE. */
muir_status muir_checkpoint_move(muir_ctx *ctx, const char *path, hid_t dataset, hid_t type, int64_t first,
                                 int64_t count, bool is_write, void *data);

/* Checksum of one of this rank's blocks, from its data. Local. */
uint64_t muir_checkpoint_sum(const muir_checkpoint_layout *layout, int64_t block);

/* The page cache, which a checkpoint passes through. Left alone, it takes memory that nobody has touched for
 * long, before the disk gets to work, and pushes out what others will read again. So a slice is sent to the
 * disk as soon as it is written and let go of when it is there, or soon after it is read. All of this is
 * advice: where there is no page cache it does nothing. */
enum { MUIR_CHECKPOINT_BEHIND = 2 };
typedef struct muir_checkpoint_cache {
    int file;       /* -1: there is no advice to be given */
    int64_t offset; /* of this rank's data in the file [byte] */
    int64_t at[MUIR_CHECKPOINT_BEHIND], bytes[MUIR_CHECKPOINT_BEHIND]; /* on their way; bytes 0: none */
    int next;
} muir_checkpoint_cache;

/* first  in  where this rank's data begins in the dataset [byte]
 * Local; at the end of moving, muir_checkpoint_cache_end. */
muir_checkpoint_cache muir_checkpoint_cache_begin(const char *path, hid_t dataset, int64_t first);
void muir_checkpoint_cache_end(muir_checkpoint_cache *cache);

/* A slice of this rank's data has been written, or read. Local. */
void muir_checkpoint_cache_written(muir_checkpoint_cache *cache, int64_t at, int64_t bytes);
void muir_checkpoint_cache_read(muir_checkpoint_cache *cache, int64_t at, int64_t bytes);

/* Ends a measurement: the slowest rank's times. Collective over ctx->comm. MUIR_ERR_MPI. */
muir_status muir_checkpoint_finish_time(muir_ctx *ctx, double start_s, int64_t bytes,
                                        muir_checkpoint_time *time);

#endif
