/* SPDX-License-Identifier: BSD-3-Clause */
/* The context: who I am among the ranks, and the message of the first failure. */
#ifndef MUIR_BASE_CTX_H
#define MUIR_BASE_CTX_H

#include <mpi.h>
#include <stdbool.h>

#include "base/status.h"

enum { MUIR_MESSAGE_SIZE = 1024 };

typedef struct muir_ctx {
    MPI_Comm comm; /* own duplicate, MPI_ERRORS_RETURN */
    int rank;
    int size;
    char message[MUIR_MESSAGE_SIZE]; /* first cause of a failure, "" when there was none */
    bool is_agreed;                  /* every rank knows of the failure, so all may end in order */
    bool is_alone;                   /* this rank failed, and the others wait for it somewhere else */
    bool is_torn; /* a library would not survive its own end: after the message the process is aborted */
    /* Told on rank 0 what a long start is at; NULL: nobody wants to know. */
    void (*on_phase)(const char *phase, void *data);
    void *phase_data;
    bool (*is_stopped)(void); /* whether a signal has asked for the end; NULL: never */
} muir_ctx;

/* Duplicates comm, which the caller keeps.
 * comm  in   communicator of all ranks of this context
 * out   out  new context; free it with muir_ctx_destroy; untouched on error
 * Collective over comm. MUIR_ERR_MPI, MUIR_ERR_MEM. */
muir_status muir_ctx_create(MPI_Comm comm, muir_ctx **out);

/* A context of one rank without MPI, which need not have been started: comm is MPI_COMM_NULL. For commands
 * that have no work for MPI.
 * out  out  free it with muir_ctx_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_ctx_create_alone(muir_ctx **out);

/* Collective over the context's communicator. Accepts NULL, leaves NULL. */
void muir_ctx_destroy(muir_ctx **ctx);

/* Turns one rank's failure into every rank's: all ranks return the status of the lowest failing rank and hold
 * its message.
  * st  in   this rank's status
 * Collective over ctx->comm; every rank must arrive, failed or not. A rank that has failed waits some seconds
 * for the others: where they wait for it in some other call, it returns alone (is_alone), and nothing but the
 * end of all processes is left. */
muir_status muir_agree(muir_ctx *ctx, muir_status st);

/* Says what begins now, to whoever shows the progress of a start. Local. */
void muir_ctx_phase(muir_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* MUIR_ERR_STOPPED once a signal has asked for the end: for long loops of a start, before there is anything
 * to write. Other ranks may not have had the signal yet, so the caller agrees before it meets them. Local. */
muir_status muir_ctx_go_on(muir_ctx *ctx);

/* Forgets the message, for callers that handled the failure. Local. */
void muir_ctx_clear(muir_ctx *ctx);

static inline bool muir_is_root(const muir_ctx *ctx)
{
    return ctx->rank == 0;
}

#endif
