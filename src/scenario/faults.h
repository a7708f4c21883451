/* SPDX-License-Identifier: BSD-3-Clause */
/* A fault preset: what breaks how often, how it is noticed, what the job does about it; from data/faults. */
#ifndef MUIR_SCENARIO_FAULTS_H
#define MUIR_SCENARIO_FAULTS_H

#include "base/options.h"

enum { MUIR_AGE_OLD = 0, MUIR_AGE_NEW = 1 };                                      /* faults.def, key age */
enum { MUIR_STORAGE_OFF = 0, MUIR_STORAGE_BLOCKING = 1, MUIR_STORAGE_ASYNC = 2 }; /* checkpoint.def */
enum {
    MUIR_SCOPE_AUTO,
    MUIR_SCOPE_SYNC,
    MUIR_SCOPE_REPLICA,
    MUIR_SCOPE_ELASTIC
};                                                                   /* reaction.def, key scope */
enum { MUIR_INIT_FAST = 0, MUIR_INIT_2023 = 1, MUIR_INIT_2024 = 2 }; /* reaction.def, key init */

#define OPTION MUIR_OPTION_FIELD
typedef struct muir_faults_top {
#include "scenario/faults.def"
} muir_faults_top;
typedef struct muir_causes {
#include "scenario/causes.def"
} muir_causes;
typedef struct muir_slow_options {
#include "scenario/slow.def"
} muir_slow_options;
typedef struct muir_jitter {
#include "scenario/jitter.def"
} muir_jitter;
typedef struct muir_detection {
#include "scenario/detection.def"
} muir_detection;
typedef struct muir_reaction_options {
#include "scenario/reaction.def"
} muir_reaction_options;
typedef struct muir_checkpoint_options {
#include "scenario/checkpoint.def"
} muir_checkpoint_options;
#undef OPTION

/* Plain data: it is sent to other ranks as bytes. */
typedef struct muir_faults {
    muir_faults_top top;
    muir_causes causes;
    muir_slow_options slow;
    muir_jitter jitter;
    muir_detection detection;
    muir_reaction_options reaction;
    muir_checkpoint_options checkpoint;
} muir_faults;

/* Keys of data/faults files. */
extern const muir_schema muir_faults_schema;

/* Whether the values fit together: ranges that are not empty, causes where there is a rate.
 * where  in   the file's name, starts the message
 * Local. MUIR_ERR_ARG. */
muir_status muir_faults_check(muir_ctx *ctx, const char *where, const muir_faults *faults);

#endif
