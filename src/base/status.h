/* SPDX-License-Identifier: BSD-3-Clause */
/* Status codes, and the one way in which muir reports and passes on errors. */
#ifndef MUIR_BASE_STATUS_H
#define MUIR_BASE_STATUS_H

/* Code, exit code of the program, text. */
#define MUIR_STATUS_LIST(X)                                                                                  \
    X(MUIR_OK, 0, "done")                                                                                    \
    X(MUIR_ERR_ARG, 2, "wrong input")                                                                        \
    X(MUIR_ERR_MEM, 1, "out of memory")                                                                      \
    X(MUIR_ERR_MPI, 1, "MPI failed")                                                                         \
    X(MUIR_ERR_FILE, 1, "file failed")                                                                       \
    X(MUIR_ERR_CHECK, 1, "a computed result was wrong")                                                      \
    X(MUIR_ERR_STOPPED, 75, "stopped early, can be resumed")

typedef enum muir_status {
#define MUIR_STATUS_ENUM(code, exit_code, text) code,
    MUIR_STATUS_LIST(MUIR_STATUS_ENUM)
#undef MUIR_STATUS_ENUM
} muir_status;

struct muir_ctx;

/* Text of a code, never NULL. Local. */
const char *muir_status_text(muir_status st);

/* Exit code of the program for a status: 0 done, 2 wrong input, 75 resumable, 1 anything else. Local. */
int muir_status_exit_code(muir_status st);

/* Keeps the message, unless ctx already holds one (the first cause is the one to show), and returns st.
 * The message is one sentence without a newline. Local. */
muir_status muir_fail(struct muir_ctx *ctx, muir_status st, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As muir_fail, for a failed MPI call; the text is MPI's own. Local. */
muir_status muir_fail_mpi(struct muir_ctx *ctx, int mpi_error, const char *call);

/* Inside a function with `muir_status st` and a label `done`. */
#define MUIR_TRY(call)                                                                                       \
    do {                                                                                                     \
        st = (call);                                                                                         \
        if (st != MUIR_OK) goto done;                                                                        \
    } while (0)

/* The same for MPI calls; needs `ctx` too. */
#define MUIR_TRY_MPI(call)                                                                                   \
    do {                                                                                                     \
        const int mpi_error_ = (call);                                                                       \
        if (mpi_error_ != MPI_SUCCESS) {                                                                     \
            st = muir_fail_mpi(ctx, mpi_error_, #call);                                                      \
            goto done;                                                                                       \
        }                                                                                                    \
    } while (0)

#endif
