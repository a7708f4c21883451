/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenario files with `jobs:`: several jobs on one fleet, each a scenario of its own. */
#ifndef MUIR_SCENARIO_JOBS_FILE_H
#define MUIR_SCENARIO_JOBS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"

enum {
    MUIR_MOST_ENTRIES = 64,
    MUIR_MOST_DEGRADED = 64,
    MUIR_ENTRY_NAME = 48,
    MUIR_ENTRY_PATH = 256,
    MUIR_ENTRY_KEYS = 4096
};

/* One item of `jobs:`. */
typedef struct muir_jobs_entry {
    char name[MUIR_ENTRY_NAME];
    char scenario[MUIR_ENTRY_PATH];  /* that it starts from; "": defaults */
    char placement[MUIR_ENTRY_KEYS]; /* packed, by_leaf, scattered, random, or servers such as "0-63 128" */
    char keys[MUIR_ENTRY_KEYS];      /* all other keys as key=value, a line each */
    int64_t count;                   /* of such jobs */
    int64_t servers;                 /* 0: as many as its layout takes */
    double share;                    /* of the fleet's servers; 0: not said */
    double start_s;
    int line; /* of the file */
} muir_jobs_entry;

/* One item of `degraded:`. */
typedef struct muir_jobs_degraded {
    bool is_leaf;   /* the uplinks of a leaf; else the ports of a server */
    int64_t number; /* -1: all */
    double left;    /* of their rate */
    int line;       /* of the file */
} muir_jobs_degraded;

/* Plain data. */
typedef struct muir_jobs_file {
    int n;
    muir_jobs_entry entries[MUIR_MOST_ENTRIES];
    int n_degraded;
    muir_jobs_degraded degraded[MUIR_MOST_DEGRADED];
    char common[MUIR_ENTRY_KEYS]; /* keys of all jobs as key=value, a line each */
} muir_jobs_file;

/* Reads a scenario file's jobs; only rank 0 touches it.
 * name  in   as muir_scenario_load takes it
 * path  out  [MUIR_ENTRY_PATH] where it lies, for messages
 * file  out  n is 0 where the file has no `jobs:`, or is none; the rest is then untouched
 * Collective over ctx->comm. MUIR_ERR_ARG with file, line, key, value and what is allowed. */
muir_status muir_jobs_file_read(muir_ctx *ctx, const char *name, char *path, muir_jobs_file *file);

#endif
