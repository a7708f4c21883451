/* SPDX-License-Identifier: BSD-3-Clause */
/* A traced step of one rank: what ran, for how long, after what; and the file of a step program that it
 * becomes, which muir replay reads. Private to import/. */
#ifndef MUIR_IMPORT_STEPS_H
#define MUIR_IMPORT_STEPS_H

#include "base/words.h"
#include "import/import.h"

enum { MUIR_STEP_NAME = 64, MUIR_STEP_GROUPS = 64, MUIR_STEP_MOST = 1000000 };

typedef enum muir_traced_kind { MUIR_TRACED_COMPUTE, MUIR_TRACED_COLL, MUIR_TRACED_MESSAGE } muir_traced_kind;

typedef struct muir_traced_node {
    muir_traced_kind kind;
    muir_coll_kind coll;
    char name[MUIR_STEP_NAME];
    double bytes;  /* of a collective, as nccl-tests counts them; of a message; 0: unknown */
    double time_s; /* in the trace */
    double idle_s; /* that it began after all that it waits for */
    int group;     /* of a collective, -1: unknown */
    int stream;    /* nodes of one stream run one at a time */
    int first_after, n_after;
} muir_traced_node;

typedef struct muir_traced_group {
    char name[MUIR_STEP_NAME];
    long long members, stride;        /* stride: between ranks */
    char description[MUIR_STEP_NAME]; /* "dp", "DATA_PARALLEL_GROUP"; empty: unknown */
} muir_traced_group;

typedef struct muir_traced {
    muir_traced_node *nodes; /* [n], each after all that it waits for */
    int *after;              /* [n_after] numbers of nodes */
    int n, room, n_after, room_after, n_groups;
    muir_traced_group groups[MUIR_STEP_GROUPS];
    long long ranks; /* of the job, 0: unknown */
    double step_s;   /* from the first start to the last end, 0: unknown */
} muir_traced;

/* Appends a node; `name` is cut and cleaned of what a file of keys does not bear. Local. MUIR_ERR_ARG (too
 * many), MUIR_ERR_MEM. */
muir_status muir_traced_add(muir_ctx *ctx, muir_traced *t, const char *name, const muir_traced_node *node);

/* Lets the last node wait for another one. Local. MUIR_ERR_MEM. */
muir_status muir_traced_wait(muir_ctx *ctx, muir_traced *t, int node);

/* Number of the group of that name, made where there is none; -1: too many.
 * description  in  what it is for; empty: unknown
 * Local. */
int muir_traced_find_group(muir_traced *t, const char *name, const char *description, long long members,
                           long long stride);

/* The operation that a framework's word means ("_allgather_base"), or MUIR_COLL_KIND_COUNT. Local. */
muir_coll_kind muir_traced_coll(const char *word);

/* Notes what was found, and makes the file. Local. MUIR_ERR_ARG (no node), MUIR_ERR_MEM. */
muir_status muir_traced_finish(muir_ctx *ctx, const muir_import_source *source, const muir_traced *t,
                               muir_import *found);
void muir_traced_free(muir_traced *t);

#endif
