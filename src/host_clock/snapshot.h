/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rank saves in a real checkpoint: how many bytes, and what they are. */
#ifndef MUIR_HOST_CLOCK_SNAPSHOT_H
#define MUIR_HOST_CLOCK_SNAPSHOT_H

#include "models/program.h"
#include "scenario/fold.h"

enum { MUIR_SNAPSHOT_PARTS = 2 };

/* Sizes. A rank stands for one chip, as in its collectives, and chips share the job's state out evenly:
 *     bytes = params bytes_per_param / (chips factor^2), or host.checkpoint_bytes
 * of which weights have 2 bytes a parameter (bf16), the optimizer the rest. */
typedef struct muir_snapshot_facts {
    double job_bytes;                   /* of the job's checkpoint; 0: none is really written */
    double divisor;                     /* job_bytes over what all ranks write */
    int64_t bytes[MUIR_SNAPSHOT_PARTS]; /* of this rank; 0 without a part in the host clock */
} muir_snapshot_facts;

/* What real checkpoints did on this rank in a step. Executed. */
typedef struct muir_host_saves {
    double write_s, write_bytes; /* all of it, until the disk has it; this rank's bytes */
    double read_s, read_bytes;   /* all of it, verified */
    double checksum_s;     /* taking checksums and comparing contents, of the slowest rank; part of both */
    int64_t writes, reads; /* the same on all ranks */
    int64_t wrong;         /* reads that did not give what was written; the same on all ranks */
} muir_host_saves;

/* Whether the scenario wants real checkpoints. Local. */
bool muir_snapshot_is_wanted(const muir_scenario *scenario);

/* factor  in  of the shrink: bytes are divided by its square
 * Local. Zeros where none is wanted. */
muir_snapshot_facts muir_snapshot_size(const muir_scenario *scenario, const muir_program *program,
                                       const muir_fold *fold, double factor);

/* Names, the same on all ranks: "weights", "optimizer". Local. */
const char *muir_snapshot_name(int part);

/* Contents: a function of (seed, step, rank, part, place) that neither repeats nor compresses.
 *     word i = mix(key + i g), mix and g of SplitMix64
 * data  out  [bytes]
 * Local. Source: Steele, Lea, Flood, OOPSLA 2014. */
void muir_snapshot_fill(uint64_t seed, int64_t step, int rank, int part, void *data, size_t bytes);

/* The first byte that is not as it should be, -1: all are. Local. */
int64_t muir_snapshot_check(uint64_t seed, int64_t step, int rank, int part, const void *data, size_t bytes);

#endif
