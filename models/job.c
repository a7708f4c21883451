/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of a job's options, and the sizes of its axes. */
#include "models/job.h"

#include <stdlib.h>
#include <string.h>

#define OPTION MUIR_OPTION_ROW
#define MUIR_OPTION_OWNER muir_model
static const muir_option model_options[] = {
#include "models/model.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_stack
static const muir_option stack_options[] = {
#include "models/stack.def"
};
#undef MUIR_OPTION_OWNER
#undef OPTION
#define MUIR_OPTION_OWNER muir_figures
#define FIGURE(name, middle, spread, profile)                                                                \
    MUIR_OPTION_ROW(FLOAT, name, "0", "0..1e6", "", "of the key of that name")
static const muir_option figure_options[] = {
#include "models/figures.def"
};
#undef FIGURE
#undef MUIR_OPTION_OWNER

static const muir_section model_sections[] = {MUIR_SECTION("", 0, model_options)};
const muir_schema muir_model_schema = MUIR_SCHEMA("model", "models", model_sections, muir_model);
static const muir_section stack_sections[] = {
    MUIR_SECTION("", 0, stack_options),
    MUIR_SECTION("prior", offsetof(muir_stack, prior), figure_options),
    MUIR_SECTION("spread", offsetof(muir_stack, spread), figure_options),
};
const muir_schema muir_stack_schema = MUIR_SCHEMA("stack", "stacks", stack_sections, muir_stack);

double muir_job_operand_bytes(const muir_job *job)
{
    if (job->batch.precision == MUIR_PRECISION_NVFP4) return 0.5;
    return job->batch.precision >= MUIR_PRECISION_FP8 ? 1.0 : 2.0;
}

int64_t muir_job_etp(const muir_job *job)
{
    const muir_parallel *p = &job->parallel;
    if (p->etp > 0) return p->etp;
    const bool is_narrow =
        job->model.experts > 0 && job->model.ffn < job->model.hidden && p->sequence_parallel;
    return p->dp * p->cp % p->ep == 0 && !is_narrow ? p->tp : 1;
}

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b > 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

int64_t muir_job_expert_replicas(const muir_job *job)
{
    const muir_parallel *p = &job->parallel;
    const int64_t group = muir_job_etp(job) * p->ep;
    return group / greatest_divisor(group, p->tp * p->cp);
}

bool muir_job_syncs_microbatches(const muir_job *job)
{
    return job->parallel.zero_stage > 2 || (job->parallel.zero_stage == 2 && job->parallel.pp == 1);
}

int64_t muir_job_zero_size(const muir_job *job, muir_axis axis)
{
    const int64_t all = muir_job_size(job, axis), group = job->parallel.zero_group;
    if (group == 0) return all;
    return all / (muir_job_size(job, MUIR_AXIS_DP) / group);
}

int64_t muir_job_replica_chips(const muir_job *job)
{
    return job->parallel.tp * job->parallel.cp * job->parallel.pp;
}

int64_t muir_job_chips(const muir_job *job)
{
    return muir_job_replica_chips(job) * job->parallel.dp;
}

int64_t muir_job_size(const muir_job *job, muir_axis axis)
{
    const muir_parallel *p = &job->parallel;
    switch (axis) {
    case MUIR_AXIS_TP: return p->tp;
    case MUIR_AXIS_CP: return p->cp;
    case MUIR_AXIS_EP: return p->ep;
    case MUIR_AXIS_DP: return p->cp * p->dp;
    case MUIR_AXIS_EDP: return p->tp * p->cp * p->dp / (muir_job_etp(job) * p->ep);
    case MUIR_AXIS_PP: return p->pp;
    default: return muir_job_chips(job);
    }
}

const char *muir_figure_name(int figure)
{
    return figure_options[figure].name;
}

/* Every figure is a FLOAT key of the stack. */
static const muir_option *key_of(int figure)
{
    const muir_section *section = NULL;
    return muir_schema_find(&muir_stack_schema, muir_figure_name(figure), &section);
}

double muir_figure_get(const muir_stack *stack, int figure)
{
    return *(const double *)(const void *)((const char *)stack + key_of(figure)->offset);
}

void muir_figure_set(muir_stack *stack, int figure, double value)
{
    *(double *)(void *)((char *)stack + key_of(figure)->offset) = value;
}

void muir_figure_range(int figure, double *least, double *most)
{
    const char *allowed = key_of(figure)->allowed;
    *least = strtod(allowed, NULL);
    *most = strtod(strstr(allowed, "..") + 2, NULL);
}

double muir_figures_at(const muir_figures *figures, int figure)
{
    return *(const double *)(const void *)((const char *)figures + figure_options[figure].offset);
}

void muir_figures_set(muir_figures *figures, int figure, double value)
{
    *(double *)(void *)((char *)figures + figure_options[figure].offset) = value;
}
