/* SPDX-License-Identifier: BSD-3-Clause */
/* A job: model x parallelism x batch. */
#ifndef MUIR_MODELS_JOB_H
#define MUIR_MODELS_JOB_H

#include "base/options.h"
#include "base/place.h"
#include "base/words.h"

#define OPTION MUIR_OPTION_FIELD
typedef struct muir_model {
#include "models/model.def"
} muir_model;
typedef struct muir_batch {
#include "models/batch.def"
} muir_batch;
typedef struct muir_parallel {
#include "models/parallel.def"
} muir_parallel;
/* A number for each key of figures.def. */
#define FIGURE(name, middle, spread, profile) double name;
typedef struct muir_figures {
#include "models/figures.def"
} muir_figures;
#undef FIGURE
typedef struct muir_stack {
#include "models/stack.def"
    muir_figures prior;  /* middles before any run is seen, counted or published; 0: that of figures.def */
    muir_figures spread; /* standard deviations of the figures' natural logarithms; 0: known exactly */
    char top_kind[MUIR_NAME_SIZE]; /* the kind next to that of all software; set when files are read */
} muir_stack;
#undef OPTION
#define OPTION MUIR_OPTION_ENUM
#include "models/batch.def"
#include "models/model.def"
#include "models/parallel.def"
#include "models/stack.def"
#undef OPTION

#define FIGURE(name, middle, spread, profile) MUIR_FIGURE_##name,
enum {
#include "models/figures.def"
    MUIR_FIGURE_COUNT
};
#undef FIGURE

/* Key of a figure in data/stacks files, never NULL; its value in a stack, to read and to set. Local. */
const char *muir_figure_name(int figure);
double muir_figure_get(const muir_stack *stack, int figure);
void muir_figure_set(muir_stack *stack, int figure, double value);

/* The smallest and largest value that stack.def allows. Local. */
void muir_figure_range(int figure, double *least, double *most);

/* A figure's number in a set of them, to read and to set. Local. */
double muir_figures_at(const muir_figures *figures, int figure);
void muir_figures_set(muir_figures *figures, int figure, double value);

/* Plain data: it is sent to other ranks as bytes. Once resolved, nothing is auto (0) any more but
 * etp (muir_job_etp) and zero_group (muir_job_zero_size). */
typedef struct muir_job {
    muir_model model;
    muir_batch batch;
    muir_parallel parallel;
    muir_stack stack;
    int64_t microbatches; /* per replica and step */
    muir_place place;     /* of chunks on stages, which the schedule says */
} muir_job;

extern const muir_schema muir_model_schema;
extern const muir_schema muir_stack_schema;

/* Bytes of an operand of a product: 2, or 1 or 0.5 in precisions of 8 bits and fewer. Local. */
double muir_job_operand_bytes(const muir_job *job);

/* Chips that split an expert: etp, or where that is auto tp, but 1 where experts are narrower than hidden
 * and the parts of a sequence are split over tp anyway, or where dp x cp does not hold ep. Local. */
int64_t muir_job_etp(const muir_job *job);

/* Replicas that hold the experts together, and so wait for each other and train or stop together: those
 * that an expert-parallel group of etp ep chips spans, whole groups.
 *     r = etp ep / gcd(etp ep, tp cp)
 * 1 without experts, and where a replica's tp cp chips hold whole groups. Divides dp in a legal job.
 * Local. */
int64_t muir_job_expert_replicas(const muir_job *job);

/* Replicas and context parts that share out gradients and optimizer (and weights from zero_stage 3) of an
 * axis among themselves: all, or zero_group; of experts' axis as many groups as of the other. Local. */
int64_t muir_job_zero_size(const muir_job *job, muir_axis axis);

/* Whether gradients are synchronised after every microbatch: with zero_stage 3, and with 2 where there is no
 * pipeline. Stages of a pipeline add up their gradients first: the sync of each microbatch would stand in the
 * way of the next. Local. */
bool muir_job_syncs_microbatches(const muir_job *job);

/* Chips of one replica: tp cp pp. Local. */
int64_t muir_job_replica_chips(const muir_job *job);

/* Chips of the whole job: tp cp pp dp. Local. */
int64_t muir_job_chips(const muir_job *job);

/* Members of an axis; for WORLD all chips of the job. Local. */
int64_t muir_job_size(const muir_job *job, muir_axis axis);

#endif
