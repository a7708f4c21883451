/* SPDX-License-Identifier: BSD-3-Clause */
/* Measured collectives against what the network model says of them. */
#ifndef MUIR_VALIDATION_COLLECTIVES_H
#define MUIR_VALIDATION_COLLECTIVES_H

#include "base/csv.h"
#include "network/network.h"

enum { MUIR_COLLECTIVE_WHY = 240, MUIR_COLLECTIVE_FLEET = 64, MUIR_COLLECTIVE_TRANSPORT = 16 };

/* One row of the table. Texts are borrowed from it. */
typedef struct muir_collective_row {
    const char *id, *source, *chip, *op;
    char server[MUIR_COLLECTIVE_FLEET], fabric[MUIR_COLLECTIVE_FLEET]; /* fleets whose sections it has */
    char transport[MUIR_COLLECTIVE_TRANSPORT]; /* what carries messages over the fabric: rdma, srd, host */
    muir_fleet fleet;                          /* with the row's own numbers */
    muir_group group;
    muir_coll_kind kind;
    int64_t servers;
    double bytes;
    double launch_s;        /* of the program that measured, on top of the library */
    const muir_way *forced; /* NULL: the library's choice */
    const muir_way *way;    /* taken */
    double real_s, predicted_s;
    double error;  /* predicted / real - 1 */
    double spread; /* s of its 80 % interval from predicted exp(-s) to predicted exp(s); NaN: not known */
    bool is_skipped;
    char why[MUIR_COLLECTIVE_WHY]; /* it was skipped */
} muir_collective_row;

/* Reads every row and finds its hardware. A row's fleet gives server and fabric; without one
 * data/collectives_hardware.csv (kinds server, fabric, transport, way, launch, skip, fleet, spread) does, by
 * the columns chip and intra and by words in library, notes and source. The columns chips_per_server,
 * nics_per_server and nic_gbit then replace what the fleet says.
 * rows  out  [table->n_rows], in the table's order, not yet predicted
 * Local: it makes its own context of one process. MUIR_ERR_ARG (a column is missing), MUIR_ERR_MEM. */
muir_status muir_collectives_read(muir_ctx *ctx, const muir_csv *table, muir_collective_row *rows);

/* Predicts a row that is not skipped. Local. */
void muir_collective_predict(muir_collective_row *row);

#endif
