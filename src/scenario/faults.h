/* SPDX-License-Identifier: BSD-3-Clause */
/* A fault preset: what breaks how often, how it is noticed, what the job does about it; from data/faults. */
#ifndef MUIR_SCENARIO_FAULTS_H
#define MUIR_SCENARIO_FAULTS_H

#include "base/options.h"
#include "scenario/kinds.h"

#define OPTION MUIR_OPTION_FIELD
typedef struct muir_faults_top {
#include "scenario/faults.def"
} muir_faults_top;
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
typedef struct muir_job_faults {
#include "scenario/job.def"
} muir_job_faults;
typedef struct muir_policy {
#include "scenario/policy.def"
} muir_policy;
#undef OPTION
#define OPTION MUIR_OPTION_ENUM
#include "scenario/checkpoint.def"
#include "scenario/faults.def"
#include "scenario/policy.def"
#include "scenario/reaction.def"
#undef OPTION

/* Weights of the causes of failures, in any unit. */
typedef struct muir_causes {
    double weight[MUIR_CAUSE_COUNT];
} muir_causes;

/* Plain data: it is sent to other ranks as bytes. */
typedef struct muir_faults {
    muir_faults_top top;
    muir_causes causes;
    muir_slow_options slow;
    muir_jitter jitter;
    muir_detection detection;
    muir_reaction_options reaction;
    muir_checkpoint_options checkpoint;
    muir_job_faults job;
    muir_policy policy;
} muir_faults;

/* Keys of data/faults files. */
extern const muir_schema muir_faults_schema;

/* Whether anything stops the job unplanned. Local. */
bool muir_faults_has_failures(const muir_faults *faults);

/* Failures of the whole job, all kinds together [1/day]. Local. */
double muir_faults_job_per_day(const muir_faults *faults);

/* Sum of the weights. Local. */
double muir_causes_sum(const muir_causes *causes);

/* Whether the values fit together: ranges that are not empty, causes where there is a rate.
 * where  in   the file's name, starts the message
 * Local. MUIR_ERR_ARG. */
muir_status muir_faults_check(muir_ctx *ctx, const char *where, const muir_faults *faults);

/* Whether events are rare enough for a job to go on between them and for muir to draw each of them: of
 * each kind at most a million a day on a fleet of that many chips. Local. MUIR_ERR_ARG. */
muir_status muir_faults_check_often(muir_ctx *ctx, const muir_faults *faults, int64_t chips);

#endif
