/* SPDX-License-Identifier: BSD-3-Clause */
/* What `auto` stands for: algorithms chosen by measurement, or taken over from a tuning table. */
#ifndef MUIR_TUNING_TUNING_H
#define MUIR_TUNING_TUNING_H

#include "base/options.h"
#include "collectives/measure.h"

/* Constant, word: where the algorithm of a collective comes from. */
#define MUIR_CHOSEN_LIST(X)                                                                                  \
    X(MUIR_CHOSEN_FORCED, "forced")     /* the scenario names it */                                          \
    X(MUIR_CHOSEN_MEASURED, "measured") /* in this launch */                                                 \
    X(MUIR_CHOSEN_REUSED, "reused")     /* a row of the table */                                             \
    X(MUIR_CHOSEN_UNTUNED, "untuned")   /* host.tuning is off */

typedef enum muir_chosen {
#define MUIR_CHOSEN_ENUM(constant, word) constant,
    MUIR_CHOSEN_LIST(MUIR_CHOSEN_ENUM)
#undef MUIR_CHOSEN_ENUM
} muir_chosen;

/* Word, never NULL. Local. */
const char *muir_chosen_name(muir_chosen chosen);

/* What came of it, for people. */
typedef struct muir_tuning_facts {
    char path[MUIR_TEXT_SIZE]; /* of the table; "" without */
    bool is_off;
    int measured;         /* choices that rank 0 took part in measuring */
    int reused;           /* collectives of rank 0 that took over a row of the file */
    int others;           /* rows for other hosts, ranks or MPI libraries: left alone */
    char others_are[280]; /* the first of them, "" without */
    double time_s;        /* that choosing took, slowest rank */
} muir_tuning_facts;

typedef struct muir_tuning muir_tuning;

/* Opens a table; only rank 0 touches the file.
 * setting  in   of host.tuning: auto, off, or a path
 * out      out  free it with muir_tuning_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG (a wrong row: file, line, what is allowed), MUIR_ERR_MEM. */
muir_status muir_tuning_create(muir_ctx *ctx, const char *setting, muir_tuning **out);
void muir_tuning_destroy(muir_tuning **tuning); /* accepts NULL, leaves NULL; local */

/* The algorithm for one collective. A row of the table counts where host set, operation, type, reduction,
 * hosts and ranks of the group are the same and
 *     round(log2 bytes) = round(log2 bytes of the row)
 * Without one it is measured, and the row added; a whole launch without a table spends about 0.6 s on that.
 * send, recv  in/out  buffers of the collective, overwritten
 * choice      out     no trials where it was reused or untuned, and times as the row has them
 * chosen      out     where it comes from
 * Collective over comm. MUIR_ERR_ARG, MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_tuning_pick(muir_ctx *ctx, muir_tuning *tuning, muir_coll_comm *comm, muir_coll_kind kind,
                             const muir_coll_spec *spec, void *send, void *recv, muir_coll_choice *choice,
                             muir_chosen *chosen);

/* Writes the table back if rank 0 has measured anything. Rank 0's groups stand for all alike.
 * facts  out
 * Collective over ctx->comm. MUIR_ERR_FILE, MUIR_ERR_MPI. */
muir_status muir_tuning_finish(muir_ctx *ctx, muir_tuning *tuning, muir_tuning_facts *facts);

#endif
