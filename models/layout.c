/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbering of a job's chips. */
#include "models/layout.h"

int64_t muir_layout_group_chips(const muir_job *job)
{
    return job->parallel.tp * job->parallel.cp;
}

int64_t muir_layout_group(const muir_job *job, int64_t stage, int64_t replica)
{
    const muir_parallel *p = &job->parallel;
    return p->order == MUIR_ORDER_PP_OUTERMOST ? stage * p->dp + replica : replica * p->pp + stage;
}

int64_t muir_layout_stage(const muir_job *job, int64_t group)
{
    const muir_parallel *p = &job->parallel;
    return p->order == MUIR_ORDER_PP_OUTERMOST ? group / p->dp : group % p->pp;
}

int64_t muir_layout_replica(const muir_job *job, int64_t group)
{
    const muir_parallel *p = &job->parallel;
    return p->order == MUIR_ORDER_PP_OUTERMOST ? group % p->dp : group / p->pp;
}

int64_t muir_layout_chip(const muir_job *job, int64_t stage, int64_t replica, int64_t in_group)
{
    return muir_layout_group(job, stage, replica) * muir_layout_group_chips(job) + in_group;
}

muir_chip_place muir_layout_place(const muir_job *job, int64_t chip)
{
    const int64_t chips = muir_layout_group_chips(job), group = chip / chips;
    return (muir_chip_place){muir_layout_stage(job, group), muir_layout_replica(job, group), chip % chips};
}

void muir_layout_groups_of(const muir_job *job, int64_t first_chip, int64_t last_chip, int64_t *first,
                           int64_t *last)
{
    *first = first_chip / muir_layout_group_chips(job);
    *last = last_chip / muir_layout_group_chips(job);
}

int64_t muir_job_stride(const muir_job *job, muir_axis axis)
{
    const muir_parallel *p = &job->parallel;
    switch (axis) {
    case MUIR_AXIS_CP: return p->tp;
    case MUIR_AXIS_EP: return muir_job_etp(job);
    /* context parts are neighbours of replicas where these follow each other at once */
    case MUIR_AXIS_DP: return p->order == MUIR_ORDER_PP_OUTERMOST ? p->tp : muir_layout_chip(job, 0, 1, 0);
    case MUIR_AXIS_EDP: return muir_job_etp(job) * p->ep;
    case MUIR_AXIS_PP: return muir_layout_chip(job, 1, 0, 0);
    default: return 1;
    }
}
