/* SPDX-License-Identifier: BSD-3-Clause */
/* Bit flips: planted into real results, so that the checks have something to catch.
 *
 * Which flips a step has is a function of (seed, step): rank, result, element and bit of each are
 * counter-based draws; only what becomes of them is found out while the step runs. */
#ifndef MUIR_HOST_CLOCK_FLIPS_H
#define MUIR_HOST_CLOCK_FLIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

enum { MUIR_FLIPS_MOST = 64 }; /* a step */

typedef enum muir_flip_kind { MUIR_FLIP_PRODUCT, MUIR_FLIP_COLLECTIVE, MUIR_FLIP_MESSAGE } muir_flip_kind;

/* One flip. Plain int64 throughout: ranks fill in their own and are added up. */
typedef struct muir_flip {
    int64_t step, rank;
    int64_t op;         /* number in the step program; its n_ops for a message between stages */
    int64_t kind;       /* muir_flip_kind */
    int64_t element;    /* of the result buffer */
    int64_t bit;        /* 0: lowest of the mantissa, 31: sign */
    int64_t is_planted; /* 0: its result did not come to be, or has no elements */
    int64_t is_checked; /* the result was looked at */
    int64_t is_caught;  /* and found wrong */
} muir_flip;

typedef struct muir_flips {
    uint64_t seed;
    double rate; /* flips a step over all ranks */
    int ranks, rank;
    int64_t n_results; /* of this rank in a step */
    int64_t ordinal;   /* results so far in this step */
    int n;             /* flips of this step, of all ranks */
    muir_flip flip[MUIR_FLIPS_MOST];
    int64_t target[MUIR_FLIPS_MOST]; /* result that is hit; -1: on another rank */
    uint32_t draw[MUIR_FLIPS_MOST];  /* element, before the length is known */
    int first, last;                 /* flips of the result at hand may be among [first, last) */
} muir_flips;

/* Draws the flips of a step. Local; allocates nothing. */
void muir_flips_begin(muir_flips *flips, int64_t step);

/* Flips what the next result is to lose, and counts results.
 * op, kind  in      what the result is of
 * x         in/out  [n]
 * Local. Returns the number of bits flipped. */
int muir_flips_plant(muir_flips *flips, int64_t op, muir_flip_kind kind, float *x, size_t n);

/* Says what became of the result at hand: whether it was looked at, and found wrong. Local. */
void muir_flips_settle(muir_flips *flips, bool is_checked, bool is_wrong);

/* Brings every rank's flips of the step to all ranks. Collective over ctx->comm where n > 0, which is the
 * same on all ranks. MUIR_ERR_MPI. */
muir_status muir_flips_gather(muir_ctx *ctx, muir_flips *flips);

/* "product", "collective", "message". Local. */
const char *muir_flip_kind_name(int64_t kind);

#endif
