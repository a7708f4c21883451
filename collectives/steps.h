/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of steps by which one rank does its part of a collective; what the file of an algorithm includes.
 *
 * A step sends one message, receives one, and when both are through does one piece of local work; each of the
 * three may be missing (count 0). Steps complete in order. A step starts when the steps before its round are
 * complete, so the steps of one round have their messages on the way together, while the local work of the
 * first of them is done. */
#ifndef MUIR_COLLECTIVES_STEPS_H
#define MUIR_COLLECTIVES_STEPS_H

#include <stddef.h>

#include "base/ctx.h"
#include "collectives/coll.h"

typedef enum muir_coll_buffer {
    MUIR_COLL_INPUT,   /* the caller's send buffer, never written */
    MUIR_COLL_OUTPUT,  /* the caller's recv buffer; may overlap the input as coll.h says */
    MUIR_COLL_SCRATCH, /* own memory, as long as the steps need it */
    MUIR_COLL_BUFFER_COUNT,
} muir_coll_buffer;

typedef struct muir_coll_place {
    muir_coll_buffer buffer;
    size_t offset; /* [elements] */
} muir_coll_place;

typedef struct muir_coll_message {
    int peer; /* rank */
    muir_coll_place at;
    size_t count; /* [elements]; 0: no message */
} muir_coll_message;

typedef enum muir_coll_action {
    MUIR_COLL_COPY,   /* to = a */
    MUIR_COLL_REDUCE, /* to = a op b; `to` is a, b, or apart from both */
    /* to = x(0) op x(1) op ... x(p - 1), where x(r) is rank r's contribution at b + r stride, but the own one
     * is at a; halves are added in fp32 and rounded once. `to` is a, or apart from all. */
    MUIR_COLL_ACCUMULATE,
    MUIR_COLL_ROUND, /* to = a, rounded to the format of the wire */
} muir_coll_action;

typedef struct muir_coll_local {
    muir_coll_action action;
    muir_coll_place to, a, b;
    size_t count;  /* [elements]; 0: nothing to do */
    size_t stride; /* [elements]; read by ACCUMULATE */
} muir_coll_local;

/* A long step is cut into pieces, each with its part of the three; so element i of the local work may read
 * element i of what the same step receives and may overwrite element i of what it sends, and no other element
 * of the two. */
typedef struct muir_coll_step {
    size_t after; /* starts when steps [0, after) are complete; set by muir_coll_steps_add */
    muir_coll_message send, recv;
    muir_coll_local local;
} muir_coll_step;

typedef struct muir_coll_steps {
    const muir_coll_spec *spec; /* borrowed while the steps are made, NULL after */
    int p;                      /* ranks */
    int rank;                   /* whose steps these are */
    int root;                   /* of a broadcast or reduce */
    size_t count;               /* of the collective [elements] */
    size_t segment;             /* longest piece of a step [elements] */
    muir_coll_step *step;       /* [n]; NULL while they are only counted */
    size_t n;
    size_t n_scratch; /* length of the scratch buffer [elements] */
    size_t round;     /* first step of the current round */
} muir_coll_steps;

/* Some neighbouring elements of the vector. */
typedef struct muir_coll_part {
    size_t offset, n; /* [elements] */
} muir_coll_part;

/* Blocks first .. first + n - 1 of the vector cut into p blocks; the second counts round, -1 being the last
 * block. Local. */
muir_coll_part muir_coll_steps_blocks(const muir_coll_steps *steps, int first, int n);
muir_coll_part muir_coll_steps_block(const muir_coll_steps *steps, int i);

/* Least k with 2^k >= p, for p >= 1. Local. */
int muir_coll_log2(int p);

/* The local work to = a op b. Local. */
muir_coll_local muir_coll_reduction(muir_coll_place to, muir_coll_place a, muir_coll_place b, size_t count);

/* Appends a step that starts a new round.
 * step  in   borrowed for the call
 * Local. */
void muir_coll_steps_add(muir_coll_steps *steps, const muir_coll_step *step);

/* Appends a step to the current round. Local. */
void muir_coll_steps_add_to_round(muir_coll_steps *steps, const muir_coll_step *step);

/* Appends the i-th of some steps of which `window` go together. Local. */
void muir_coll_steps_add_in_window(muir_coll_steps *steps, int i, int window, const muir_coll_step *step);

/* Appends a step that copies n elements. Local. */
void muir_coll_steps_add_copy(muir_coll_steps *steps, muir_coll_place to, muir_coll_place from, size_t n);

/* Appends a step that rounds n elements as those are that travel, in place; none where the wire is plain.
 * Local. */
void muir_coll_steps_add_rounding(muir_coll_steps *steps, muir_coll_place at, size_t n);

/* The steps of one rank; needs no communicator.
 * coll  in   row with `steps`
 * spec  in   checked by the caller
 * p     in   ranks
 * rank  in   whose steps, 0 .. p - 1
 * out   out  free it with muir_coll_steps_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_coll_steps_create(muir_ctx *ctx, const muir_coll *coll, const muir_coll_spec *spec, int p,
                                   int rank, muir_coll_steps **out);

/* Local. Accepts NULL, leaves NULL. */
void muir_coll_steps_destroy(muir_coll_steps **steps);

#endif
