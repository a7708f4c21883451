/* SPDX-License-Identifier: BSD-3-Clause */
/* muir as a library: runs a scenario, and a collective, from another program.
 *
 *     muir_session *s;
 *     muir_session_open(&s);
 *     muir_session_run(s, "tiny", (const char *[]){"steps=10", "host.every=0", NULL}, NULL);
 *     muir_session_all_reduce(s, x, n);
 *     muir_session_close(&s);
 *
 * All of it under mpirun or srun on any number of ranks, or without on one. Every function returns 0 or an
 * exit code of the program (2 wrong input, 75 stopped early, 1 anything else), and muir_session_message says
 * what went wrong. This header alone is meant for other programs: it changes with muir's version only. The
 * other headers are muir's own rooms, installed for those who build on them. */
#ifndef MUIR_H
#define MUIR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct muir_session muir_session;

/* Begins: starts MPI unless the program has, and takes all its ranks.
 * session  out  end it with muir_session_close; NULL on error
 * Collective over all ranks. */
int muir_session_open(muir_session **session);

/* Ends MPI if muir_session_open began it. Accepts NULL, leaves NULL. Collective over all ranks. */
void muir_session_close(muir_session **session);

/* Rank and number of ranks. Local. */
int muir_session_rank(const muir_session *session);
int muir_session_size(const muir_session *session);

/* What the last call that failed had to say; "" where none has. Local. */
const char *muir_session_message(const muir_session *session);

/* Version of the library, "0.1.0". Local. */
const char *muir_session_version(void);

/* Runs a scenario, as `muir run` does, and keeps a row of each step.
 * scenario  in   a name or a path
 * keys      in   ends with NULL: "steps=10", "parallel.tp=32", ...; NULL: none
 * file      in   of the telemetry; NULL: none is written
 * Collective over all ranks. 2 for wrong input, 75 after muir_session_stop, 1 for anything else. */
int muir_session_run(muir_session *session, const char *scenario, const char *const *keys, const char *file);

/* Makes a run end after its step; for signal handlers. Local. */
void muir_session_stop(muir_session *session);

/* Steps of the last run. On rank 0; 0 on the others. Local. */
int64_t muir_session_steps(const muir_session *session);

/* Names of the columns that a run keeps, those of /fleet in the telemetry (`muir help telemetry` says what
 * they are); NULL past the last. Local. */
const char *muir_session_column_name(int i);

/* A column of the last run.
 * name    in   "step_time_s", "mfu", "power_w", ...
 * values  out  [muir_session_steps]
 * Local, on rank 0. 2 for an unknown name. */
int muir_session_column(muir_session *session, const char *name, double *values);

/* Sums x over all ranks, in place, by the fastest algorithm that muir finds for this length. The first call
 * with a length measures, the next ones with the same length run.
 * x  in/out  [n]
 * Collective over all ranks. */
int muir_session_all_reduce(muir_session *session, float *x, size_t n);

#ifdef __cplusplus
}
#endif

#endif
