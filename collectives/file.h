/* SPDX-License-Identifier: BSD-3-Clause */
/* A collective as a file: the XML of MSCCL, or lists of steps in YAML, checked, ordered into rounds, and
 * executed as any row.
 *
 * A file says for every rank what its thread blocks do, one step after the other: send, receive, add what is
 * received, copy. It is played through once, without data: every chunk is known by where it comes from and by
 * whose contributions are in it. What waits for ever, reads what is not there yet, adds a contribution twice,
 * or leaves a result incomplete is refused, with the rank and the step. What was played becomes rounds of
 * messages that do not touch each other's chunks, in one order for all ranks, so that no message can wait for
 * one behind it. Source: Cowan et al., "MSCCLang", ASPLOS 2023; microsoft/msccl. */
#ifndef MUIR_COLLECTIVES_FILE_H
#define MUIR_COLLECTIVES_FILE_H

#include "collectives/coll.h"
#include "collectives/steps.h"

enum { MUIR_FILE_RANKS = 64, MUIR_FILE_CHUNKS = 4096, MUIR_FILE_NAME = 64 };

typedef enum muir_file_buffer {
    MUIR_FILE_INPUT,
    MUIR_FILE_OUTPUT,
    MUIR_FILE_OWN,
    MUIR_FILE_PASSING
} muir_file_buffer;

/* A chunk's place on a rank. */
typedef struct muir_file_place {
    muir_file_buffer buffer; /* PASSING: what a thread block holds between receiving and sending on */
    int chunk;               /* of PASSING: twice the thread block, or one more: it has two, in turns */
} muir_file_place;

/* One chunk moves, or is worked on where it lies (from = to). */
typedef struct muir_file_move {
    int round;              /* moves of one round touch different chunks */
    int from, to;           /* ranks */
    int id;                 /* which part of the vector it is */
    bool is_sum;            /* added to `with`, and the sum stored; else stored as it is */
    muir_file_place source; /* on `from` */
    muir_file_place with;   /* on `to` */
    muir_file_place target; /* on `to` */
    int block;              /* passing place of `to` that takes what is to be added */
} muir_file_move;

typedef struct muir_coll_file {
    char name[MUIR_FILE_NAME];
    muir_coll coll;    /* its row: in no table, made for `ranks` */
    int ranks, chunks; /* the vector is cut into so many; for each rank as many but for all_reduce */
    int own_chunks[MUIR_FILE_RANKS], blocks[MUIR_FILE_RANKS];
    bool is_in_place;      /* input and output are one buffer */
    bool writes_input;     /* it works on a copy of it */
    muir_file_move *moves; /* [n], by round */
    int n, room, rounds;
} muir_coll_file;

/* Reads, plays and checks a file. What runs it takes the file's `coll` as the row, and the file in the spec.
 * out  out  free it with muir_coll_file_destroy; untouched on error
 * Local. MUIR_ERR_ARG: one sentence with line, or rank, thread block and step; MUIR_ERR_MEM. */
muir_status muir_coll_file_create(muir_ctx *ctx, const char *path, muir_coll_file **out);
void muir_coll_file_destroy(muir_coll_file **file); /* accepts NULL, leaves NULL */

/* Chunks of a vector that the busiest rank sends, and messages one after the other. Local. */
void muir_coll_file_cost(const muir_coll_file *file, double *share, int *rounds);

/* Private to the files that make one. */

typedef struct muir_file_step {
    char type[8];
    muir_file_place source, target;
    int count, dep_block, dep_step; /* -1: waits for none */
    int line, number;               /* number: of lists, in its rank's list */
} muir_file_step;

typedef struct muir_file_thread {
    int rank, id, send, recv, channel; /* peers, -1: none */
    int first, n;                      /* of the steps */
} muir_file_thread;

typedef struct muir_file_script {
    muir_file_thread *threads; /* [n_threads] */
    muir_file_step *steps;     /* [n_steps] */
    int n_threads, n_steps, room_threads, room_steps;
    const char *path;
    bool is_lists; /* steps are known by rank and number, not by thread block */
} muir_file_script;

muir_status muir_file_script_read(muir_ctx *ctx, const char *text, muir_coll_file *file,
                                  muir_file_script *script);
/* The same from `script->path`, lists of steps in YAML. */
muir_status muir_file_lists_read(muir_ctx *ctx, muir_coll_file *file, muir_file_script *script);
muir_status muir_file_script_play(muir_ctx *ctx, const muir_file_script *script, muir_coll_file *file);

#endif
