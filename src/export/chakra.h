/* SPDX-License-Identifier: BSD-3-Clause */
/* A scenario's ideal step as execution traces of chosen chips, in the format of Chakra.
 * Source: mlcommons/chakra, schema/protobuf/et_def.proto (0.0.4); attributes as its feeder and ASTRA-sim read
 * them: comm_size is what a chip puts in. */
#ifndef MUIR_EXPORT_CHAKRA_H
#define MUIR_EXPORT_CHAKRA_H

#include "base/protobuf.h"
#include "schedule/order.h"
#include "step_time/ideal.h"

enum { MUIR_CHAKRA_WAITS = 4, MUIR_CHAKRA_GROUPS = 4096 };

/* Numbers of et_def.proto. */
typedef enum muir_chakra_type {
    MUIR_CHAKRA_COMPUTE = 4,
    MUIR_CHAKRA_SEND = 5,
    MUIR_CHAKRA_RECEIVE = 6,
    MUIR_CHAKRA_COLLECTIVE = 7,
} muir_chakra_type;

/* A group of chips that a trace has collectives of. */
typedef struct muir_chakra_group {
    muir_axis axis;
    int64_t first, members, stride;
} muir_chakra_group;

typedef struct muir_chakra_groups {
    muir_chakra_group at[MUIR_CHAKRA_GROUPS]; /* [n], the name of each is its number */
    int n;
} muir_chakra_groups;

/* A node, as it is written. */
typedef struct muir_chakra_node {
    const char *name;
    muir_chakra_type type;
    uint64_t waits[MUIR_CHAKRA_WAITS];
    int n_waits;
    double start_s, time_s;
    double flop, bytes;      /* of COMPUTE: operations, bytes of device memory */
    int comm_type;           /* of COLLECTIVE: a number of CollectiveCommType */
    int group;               /* of COLLECTIVE */
    const char *axis;        /* of COLLECTIVE: "dp" */
    int64_t members, stride; /* of COLLECTIVE */
    int64_t from, to;        /* of SEND and RECEIVE: chips */
    int tag;                 /* of SEND and RECEIVE */
} muir_chakra_node;

/* What a trace holds. */
typedef struct muir_chakra_totals {
    int64_t nodes;
    int64_t calls[MUIR_AXIS_COUNT];
    double bytes[MUIR_AXIS_COUNT]; /* as muir check counts them: nccl-tests' size, messages sent */
} muir_chakra_totals;

/* Starts a trace, and appends a node with its number. Local. MUIR_ERR_MEM. */
muir_status muir_chakra_begin(muir_ctx *ctx, muir_pb *file, const char *source, int64_t chip);
muir_status muir_chakra_put(muir_ctx *ctx, muir_pb *file, uint64_t id, const muir_chakra_node *node);

/* The step of one chip.
 * file    in/out  begun; the nodes are appended
 * groups  in/out  those of the chip are added
 * Local. MUIR_ERR_MEM, MUIR_ERR_ARG (too many groups). */
muir_status muir_chakra_chip(muir_ctx *ctx, const muir_scenario *scenario, int64_t chip, muir_pb *file,
                             muir_chakra_groups *groups, muir_chakra_totals *totals);

/* `muir export chakra`, with its arguments. */
muir_status muir_chakra_command(muir_ctx *ctx, int argc, char **argv);

#endif
